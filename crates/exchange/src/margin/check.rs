//! Where margin says no: new orders, fills of resting ones, withdrawals, block trades (R1).
//!
//! **New orders.** After the order has joined the account's open orders, the balance must cover
//! what they all need, whatever of them fills. What cannot be covered is still taken if it only
//! closes: its side is opposite to the position, all open lots of that side together do not exceed
//! it, their fill raises no requirement, and what they pay leaves neither balance nor equity below
//! zero. So nobody is locked into a position that margin would rather see gone.
//!
//! **Takers.** A taker's fills need no check of their own: they happen at its limit or better, and
//! the order was checked as if all of it filled at the limit, or any part; fills of other accounts
//! do not move its requirement, because marks of perpetuals and futures stand still within a block.
//!
//! **Makers.** A resting order was covered when it came; since then prices moved. A fill is allowed
//! if the balance after it covers the maintenance requirement, or if it only closes as above. Else
//! the order is cancelled. In auctions, which fill at the limit or better, the same holds.
//!
//! **Withdrawals** leave what positions and open orders need, come out of cash, and never rest on a
//! frozen mark (P5).
//!
//! With `MarginRegime::Off` all of it passes; only a withdrawal is still limited by cash.

use super::model::{Assessment, Outlook};
use super::view::{FeeKind, View};
use crate::engine::Exchange;
use crate::order::admission::Admitted;
use crate::state::Outcome;
use crate::state::leaves::Order;
use alloc::vec::Vec;
use lockstep_types::ids::{AccountId, InstrumentId};
use lockstep_types::order::NewOrder;
use lockstep_types::reject::{Reject, RejectCode};
use lockstep_types::units::{Lots, Price, Usd};

/// A position change of one party of a block trade: signed lots at a price (M11).
pub(crate) type Change = (AccountId, InstrumentId, Lots, Price);

/// Whether a change that margin does not cover is still for the better: no requirement rises, and
/// neither balance nor equity ends below zero.
fn only_closes(before: &Assessment, after: &Assessment) -> bool {
    after.initial <= before.initial
        && after.maintenance <= before.maintenance
        && after.balance >= 0
        && after.equity >= 0
}

impl Exchange {
    /// Whether nothing is margined.
    #[inline]
    pub(crate) fn margin_is_off(&mut self) -> Outcome<bool> {
        Ok(!self.venue_rules()?.is_margined)
    }

    /// Checks that the account can carry a new order.
    ///
    /// # Errors
    /// Rejections: `InsufficientMargin` with the balance and what would be needed; `NoReference`
    /// before something that the account has, or the instrument, has a mark.
    pub(crate) fn check_margin(
        &mut self,
        account: AccountId,
        new: &NewOrder,
        admitted: &Admitted,
    ) -> Outcome<()> {
        if self.margin_is_off()? {
            return Ok(());
        }
        let (what, amount) = (new.instrument, i64::from(admitted.lots));
        if self.floor_covers_order(account, what, new.side, amount, admitted.price)?
            || self.cushion_covers_order(account, what, new.side, amount, admitted.price)?
            || self.sums_cover_order(account, what, new.side, amount, admitted.price)?
        {
            return Ok(());
        }
        let Some(mut view) = self.view(account, &[new.instrument])? else {
            return Err(Reject::of(RejectCode::NoReference).into());
        };
        let Some(place) = view.place_of(new.instrument) else {
            return Err(Reject::of(RejectCode::NoReference).into());
        };
        let lots = Lots(amount);
        let outlook = Outlook::of(&view, place);
        view.open_order(place, new.side, lots, admitted.price);
        let after = outlook.assess(&view);
        let open = *view.legs[place].open_mut(new.side);
        view.close_order(place, new.side, lots, admitted.price);
        if after.needed <= after.balance || closes(&view, place, new, open, &outlook) {
            // Orders do not move the balance.
            return self.remember_cushion(account, &view, after.balance);
        }
        let code = RejectCode::InsufficientMargin;
        Err(Reject::beyond(code, after.balance, after.needed).into())
    }

    /// Whether the maker of a resting order can carry a fill of `lots`; see the module.
    #[inline]
    pub(crate) fn maker_can_fill(&mut self, maker: &Order, lots: u32) -> Outcome<bool> {
        if self.margin_is_off()? {
            return Ok(true);
        }
        self.maker_is_covered(maker, lots)
    }

    fn maker_is_covered(&mut self, maker: &Order, lots: u32) -> Outcome<bool> {
        let (what, amount) = (maker.instrument, i64::from(lots));
        if self.floor_covers_fill(maker, lots)?
            || self.cushion_covers_fill(maker.account, what, maker.side, amount, maker.price)?
            || self.sums_cover_fill(maker, lots)?
        {
            return Ok(true);
        }
        let Some(mut view) = self.view(maker.account, &[maker.instrument])? else {
            return Ok(false);
        };
        let Some(place) = view.place_of(maker.instrument) else { return Ok(false) };
        let outlook = Outlook::of(&view, place);
        let before = outlook.assess(&view);
        self.remember_cushion(maker.account, &view, before.balance)?;
        let held = view.legs[place].lots;
        let closing = view.legs[place].closing_side() == Some(maker.side)
            && i64::from(lots) <= held.saturating_abs();
        let signed = maker.side.signed(Lots(i64::from(lots))).0;
        view.fill(place, signed, maker.price.0, FeeKind::Maker);
        let after = outlook.assess(&view);
        Ok(!after.is_below_maintenance() || (closing && only_closes(&before, &after)))
    }

    /// Checks that an account may give `amount` of its collateral away.
    ///
    /// # Errors
    /// Rejections: `BelowMaintenance` while it is being liquidated; `StaleIndex` while a position
    /// lies on a frozen mark; `NoReference` before everything has a mark; `InsufficientBalance`
    /// with what could be given.
    pub(crate) fn check_withdrawal(&mut self, account: AccountId, amount: Usd) -> Outcome<()> {
        let record = *self.state.account(account)?;
        if record.liquidating {
            return Err(Reject::of(RejectCode::BelowMaintenance).into());
        }
        let mut free = record.cash.0;
        if record.holdings > 0 && !self.margin_is_off()? {
            let Some(view) = self.view(account, &[])? else {
                return Err(Reject::of(RejectCode::NoReference).into());
            };
            if view.is_stale() {
                return Err(Reject::of(RejectCode::StaleIndex).into());
            }
            let margin = view.assess();
            free = free.min(margin.balance.saturating_sub(margin.needed));
        }
        if amount.0 > free {
            let code = RejectCode::InsufficientBalance;
            return Err(Reject::beyond(code, amount.0, free.max(0)).into());
        }
        Ok(())
    }

    /// Checks that every account of a block trade can carry all of its changes together (M11).
    ///
    /// # Errors
    /// Rejections: `BelowMaintenance`, `NoReference`, `InsufficientMargin`, as for an order.
    pub(crate) fn check_margin_after(&mut self, changes: &[Change]) -> Outcome<()> {
        let mut accounts: Vec<AccountId> = changes.iter().map(|change| change.0).collect();
        accounts.sort_unstable();
        accounts.dedup();
        for account in accounts {
            if self.state.account(account)?.liquidating {
                return Err(Reject::of(RejectCode::BelowMaintenance).into());
            }
            if !self.margin_is_off()? {
                self.check_changes(account, changes)?;
            }
        }
        Ok(())
    }

    fn check_changes(&mut self, account: AccountId, changes: &[Change]) -> Outcome<()> {
        let mine = || changes.iter().filter(|change| change.0 == account);
        let instruments: Vec<InstrumentId> = mine().map(|change| change.1).collect();
        let Some(mut view) = self.view(account, &instruments)? else {
            return Err(Reject::of(RejectCode::NoReference).into());
        };
        let before = view.assess();
        for (_, instrument, lots, price) in mine() {
            let Some(place) = view.place_of(*instrument) else { continue };
            view.fill(place, lots.0, price.0, FeeKind::Either);
        }
        let after = view.assess();
        if after.needed <= after.balance || only_closes(&before, &after) {
            return Ok(());
        }
        let code = RejectCode::InsufficientMargin;
        Err(Reject::beyond(code, after.balance, after.needed).into())
    }
}

/// Whether an order only closes: `open` are the open orders of its side with it.
fn closes(
    before: &View,
    place: usize,
    new: &NewOrder,
    open: crate::formula::order_margin::OpenSide,
    outlook: &Outlook,
) -> bool {
    let leg = &before.legs[place];
    if leg.closing_side() != Some(new.side) || open.lots > leg.lots.saturating_abs() {
        return false;
    }
    // One fill at the average limit, rounded against the account.
    let average = match new.side {
        lockstep_types::order::Side::Buy => {
            -(-open.cost_nano).div_euclid(i128::from(open.lots.max(1)))
        }
        lockstep_types::order::Side::Sell => {
            open.cost_nano.div_euclid(i128::from(open.lots.max(1)))
        }
    };
    let Ok(price) = i64::try_from(average) else { return false };
    let mut filled = before.clone();
    filled.fill(place, new.side.signed(Lots(open.lots)).0, price, FeeKind::Either);
    only_closes(&outlook.assess(before), &outlook.assess(&filled))
}
