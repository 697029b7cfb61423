//! Mass quotes (M10).
//!
//! The orders of a protection group on an instrument that are awake are the group's quote there. A
//! mass quote names, per instrument, the bid and the offer that shall stand from now on. What
//! stands already at that price is kept with its place, made smaller if need be; everything else of
//! the group on that side is cancelled. All cancels of the command come before its new orders, so
//! that a market maker who moves through his own former quote does not meet it.
//!
//! Each quote has its own result: a quote that is crossed, off the rules of its instrument or not
//! carried by the group's protection is refused as a whole and changes nothing. A side that only
//! margin, or a trade of an earlier quote of the command, forbids is refused when its turn comes;
//! its former order is gone then, because a quote that its owner has withdrawn must not stand.
//!
//! Quotes are plain good-til-cancelled limit orders of the group: they may take.

use super::place::Membership;
use super::protection::GROUPS_MAX;
use crate::engine::Exchange;
use crate::state::leaves::Order;
use crate::state::{Fault, Outcome};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use lockstep_types::command::{Quote, QuoteSide};
use lockstep_types::event::CancelReason;
use lockstep_types::ids::{AccountId, GroupId, InstrumentId, OrderId, SignerId};
use lockstep_types::order::{NewOrder, Side};
use lockstep_types::reject::{Reject, RejectCode};
use lockstep_types::units::Lots;

/// What stands of a group, by instrument and side, oldest first.
type Standing = BTreeMap<(InstrumentId, Side), Vec<OrderId>>;

/// A side of a quote that is to be placed anew.
#[derive(Clone, Debug)]
struct Fresh {
    item: u16,
    order: NewOrder,
}

impl Exchange {
    /// Replaces quotes of a group.
    pub(crate) fn mass_quote(
        &mut self,
        account: AccountId,
        signer: SignerId,
        group: GroupId,
        quotes: &[Quote],
    ) -> Outcome<()> {
        if group.0 >= GROUPS_MAX {
            return Err(Reject::of(RejectCode::ProtectionUnset).into());
        }
        let mut standing = self.standing(account, group)?;
        let mut fresh = Vec::new();
        let mut seen = Vec::with_capacity(quotes.len());
        for (item, quote) in (0..).zip(quotes) {
            self.item = item;
            let twice = seen.contains(&quote.instrument);
            seen.push(quote.instrument);
            let checked = match twice {
                true => Err(Reject::of(RejectCode::BadQuote).into()),
                false => self.check_quote(account, group, quote, &standing),
            };
            match checked {
                Ok(()) => self.withdraw_former(group, item, quote, &mut standing, &mut fresh)?,
                Err(Fault::Reject(reject)) => self.reject(account, *reject),
                Err(missing) => return Err(missing),
            }
        }
        for Fresh { item, order } in fresh {
            self.item = item;
            match self.place_in(account, signer, &order, Membership::default()) {
                Err(Fault::Reject(reject)) => self.reject(account, *reject),
                other => other.map(|_| ())?,
            }
        }
        Ok(())
    }

    /// What stands of a group.
    fn standing(&mut self, account: AccountId, group: GroupId) -> Outcome<Standing> {
        let mut standing = Standing::new();
        for id in self.orders_of(account)? {
            if let Some(order) = self.live(id)?
                && order.group == group.0
                && !order.asleep
            {
                standing.entry((order.instrument, order.side)).or_default().push(id);
            }
        }
        Ok(standing)
    }

    /// Checks a quote by itself, with the orders that it replaces out of the way.
    fn check_quote(
        &mut self,
        account: AccountId,
        group: GroupId,
        quote: &Quote,
        standing: &Standing,
    ) -> Outcome<()> {
        let instrument = self.listed(quote.instrument)?;
        if let (Some(bid), Some(ask)) = (quote.bid, quote.ask)
            && bid.price >= ask.price
        {
            return Err(Reject::beyond(RejectCode::BadQuote, bid.price.0, ask.price.0).into());
        }
        for (side, wanted) in sides(quote) {
            let Some(wanted) = wanted else { continue };
            let least = wanted.lots.0.min(wanted.price.0);
            if least <= 0 {
                return Err(Reject::beyond(RejectCode::BadQuote, least, 1).into());
            }
            self.check_protection(account, instrument.underlying, group)?;
            let former = standing.get(&(quote.instrument, side)).map_or(&[][..], Vec::as_slice);
            self.check_side(account, &as_order(quote, side, wanted, group), former)?;
        }
        Ok(())
    }

    /// Admits one side as if `former` were gone.
    fn check_side(
        &mut self,
        account: AccountId,
        new: &NewOrder,
        former: &[OrderId],
    ) -> Outcome<()> {
        let mut gone = Vec::with_capacity(former.len());
        for id in former {
            if let Some(order) = self.live(*id)? {
                self.close_open(&order, order.left, true)?;
                self.aside.push(order.id);
                gone.push(order);
            }
        }
        let checked = self.admit(account, new, 0);
        self.aside.clear();
        // Put back exactly what was taken away.
        for order in &gone {
            self.open_order(order)?;
        }
        checked.map(|_| ())
    }

    /// Cancels what a quote replaces, keeps what it repeats, and notes what it adds.
    fn withdraw_former(
        &mut self,
        group: GroupId,
        item: u16,
        quote: &Quote,
        standing: &mut Standing,
        fresh: &mut Vec<Fresh>,
    ) -> Outcome<()> {
        for (side, wanted) in sides(quote) {
            let former = standing.remove(&(quote.instrument, side)).unwrap_or_default();
            let mut kept = false;
            for id in former {
                // Ending one may have ended others, linked with it.
                let Some(order) = self.live(id)? else { continue };
                match wanted {
                    Some(wanted) if !kept && repeats(&order, wanted) => {
                        kept = true;
                        let less = i64::from(order.left) - wanted.lots.0;
                        if let Some(less) = u32::try_from(less).ok().filter(|less| *less > 0) {
                            self.shrink(&order, less)?;
                        }
                    }
                    _ => self.end_order(&order, CancelReason::Replaced)?,
                }
            }
            if let Some(wanted) = wanted.filter(|_| !kept) {
                fresh.push(Fresh { item, order: as_order(quote, side, wanted, group) });
            }
        }
        Ok(())
    }
}

fn sides(quote: &Quote) -> [(Side, Option<QuoteSide>); 2] {
    [(Side::Buy, quote.bid), (Side::Sell, quote.ask)]
}

/// Whether an order can go on as the wanted side with its place in the queue.
fn repeats(order: &Order, wanted: QuoteSide) -> bool {
    order.price == wanted.price && Lots(i64::from(order.left)) >= wanted.lots
}

fn as_order(quote: &Quote, side: Side, wanted: QuoteSide, group: GroupId) -> NewOrder {
    NewOrder {
        protection: Some(group),
        ..NewOrder::limit(quote.instrument, side, wanted.lots, wanted.price)
    }
}
