//! Placing: an admitted order takes what it can and rests with what is left.
//!
//! Whether a fill-or-kill order can fill is found out in [`super::reach`].

use super::admission::{Admitted, stored, visible_of};
use crate::book::matching::Taken;
use crate::book::queue::crosses;
use crate::engine::Exchange;
use crate::state::Outcome;
use crate::state::key::{ExtraKey, IndexId, LabelKey, Slot};
use crate::state::leaves::{Extra, NO_GROUP, Order};
use alloc::boxed::Box;
use lockstep_types::command::Phase;
use lockstep_types::event::{Accepted, CancelReason, Event, TradeKind};
use lockstep_types::ids::{AccountId, LinkId, OrderId, SignerId};
use lockstep_types::order::{NewOrder, PostOnly, Side, TimeInForce};
use lockstep_types::reject::{Reject, RejectCode};
use lockstep_types::units::{Lots, Price};

/// How an order belongs to a set of linked ones (M3).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Membership {
    /// The set; 0: none.
    pub(crate) link: LinkId,
    /// Lots by which others of the set have shrunk it already.
    pub(crate) filled: u32,
    /// Whether it was asked for before its time: then its trigger may fire at once.
    pub(crate) late: bool,
}

impl Exchange {
    /// Places a single order.
    pub(crate) fn place(
        &mut self,
        account: AccountId,
        signer: SignerId,
        order: &NewOrder,
    ) -> Outcome<()> {
        self.place_in(account, signer, order, Membership::default()).map(|_| ())
    }

    /// Checks everything that must hold before an order may touch the book now; changes nothing.
    /// `filled` lots of it have traded before, if it was amended or woke.
    #[inline]
    pub(crate) fn vet(
        &mut self,
        account: AccountId,
        new: &NewOrder,
        filled: u32,
    ) -> Outcome<Admitted> {
        let mut admitted = self.admit(account, new, filled)?;
        self.check_label(account, new)?;
        if let Some(group) = new.protection {
            self.check_protection(account, admitted.underlying, group)?;
        }
        if new.trigger.is_some() {
            return Ok(admitted);
        }
        // Margin looks at the price at which it will rest.
        self.keep_passive(new, &mut admitted)?;
        self.check_margin(account, new, &admitted)?;
        if new.time_in_force == TimeInForce::FillOrKill {
            self.check_fill_or_kill(account, new, &admitted)?;
        }
        Ok(admitted)
    }

    /// Places an order that may belong to a set of linked ones; gives its handle.
    pub(crate) fn place_in(
        &mut self,
        account: AccountId,
        signer: SignerId,
        new: &NewOrder,
        membership: Membership,
    ) -> Outcome<OrderId> {
        let admitted = self.vet(account, new, membership.filled)?;
        let link = membership.link;
        if let Some(trigger) = new.trigger {
            let sleep = self.sleep_of(new, trigger, membership.late)?;
            return self.put_to_sleep(account, signer, new, &admitted, sleep, link);
        }
        let id = self.state.take_slot()?;
        let order = order_of(id, account, new, &admitted);
        self.events.push(Event::Accepted(Accepted {
            order: id,
            account,
            instrument: new.instrument,
            side: new.side,
            price: order.price,
            lots: Lots(i64::from(order.total)),
        }));
        let extra = extra_of(signer, new, &admitted, link);
        if let Some(label) = &new.label {
            self.events.push(Event::Labelled { order: id, label: Box::new(label.clone()) });
        }
        self.enter(order, extra, &admitted, TradeKind::Continuous)?;
        Ok(id)
    }

    /// Lets an accepted order, which is counted nowhere yet, take and rest.
    #[inline]
    pub(crate) fn enter(
        &mut self,
        mut order: Order,
        extra: Option<Extra>,
        admitted: &Admitted,
        kind: TradeKind,
    ) -> Outcome<()> {
        order.has_extra = extra.is_some();
        let link = extra.as_ref().map_or(LinkId(0), |extra| extra.link);
        let offered = order.left;
        let taken = match admitted.phase {
            Phase::Auction | Phase::Halted => Taken::Done,
            _ => self.take(&mut order, kind)?,
        };
        let filled = offered - order.left;
        if order.left == 0 {
            self.state.give_slot(Slot(order.id.slot()))?;
            return self.link_taker_done(&order, link, filled);
        }
        let ended = match taken {
            Taken::Stop(reason) => Some(reason),
            // It has cancelled one of its own set.
            Taken::Done if !self.link_lives(link)? => Some(CancelReason::Linked),
            Taken::Done if admitted.immediate => Some(CancelReason::ImmediateRest),
            Taken::Done => None,
        };
        if let Some(reason) = ended {
            self.state.give_slot(Slot(order.id.slot()))?;
            self.events.push(Event::Cancelled {
                order: order.id,
                account: order.account,
                lots: Lots(i64::from(order.left)),
                reason,
            });
            return self.link_taker_done(&order, link, filled);
        }
        self.rest(order, extra)?;
        if filled > 0 && link != LinkId(0) {
            self.link_partly_filled(order.id, link, filled)?;
        }
        Ok(())
    }

    /// Books an order with everything that hangs on it.
    #[inline]
    pub(crate) fn rest(&mut self, mut order: Order, extra: Option<Extra>) -> Outcome<()> {
        let display = extra.as_ref().map_or(0, |extra| extra.display);
        order.visible = visible_of(display, order.left);
        self.open_order(&order)?;
        if let Some(extra) = extra {
            self.keep_extra(&order, extra)?;
        }
        self.state.enqueue(order)?;
        self.events.push(Event::Booked {
            order: order.id,
            lots: Lots(i64::from(order.left)),
            visible: Lots(i64::from(order.visible)),
        });
        Ok(())
    }

    /// Files an order's extra, its label and its timer.
    pub(crate) fn keep_extra(&mut self, order: &Order, extra: Extra) -> Outcome<()> {
        if let Some(label) = &extra.label {
            let key = LabelKey::new(order.account, label);
            *self.state.labels.touch(key)? = Some(order.id);
        }
        if extra.until.0 != 0 {
            self.state.entries.insert(IndexId::OrderEnds, extra.until.0, order.id.0)?;
        }
        self.join_link(extra.link, order.id)?;
        *self.state.extras.touch(ExtraKey(Slot(order.id.slot())))? = Some(extra);
        Ok(())
    }

    /// Shows an iceberg's next slice at the back of its level (M3). Its visible part is gone.
    pub(crate) fn refresh_iceberg(&mut self, order: &Order) -> Outcome<()> {
        assert!(order.visible == 0 && order.left > 0, "only a hidden rest is shown anew");
        let extra = self.state.extras.touch(ExtraKey(Slot(order.id.slot())))?;
        let display = extra.as_ref().map_or(0, |extra| extra.display);
        assert!(display > 0, "only icebergs hide lots");
        self.state.dequeue(order)?;
        let visible = visible_of(display, order.left);
        self.state.enqueue(Order { visible, ..*order })?;
        let visible = Lots(i64::from(visible));
        self.events.push(Event::Refreshed { order: order.id, visible });
        Ok(())
    }

    /// Refuses or re-prices a post-only order that would take (M3).
    #[inline]
    pub(crate) fn keep_passive(&mut self, new: &NewOrder, admitted: &mut Admitted) -> Outcome<()> {
        if new.post_only == PostOnly::No {
            return Ok(());
        }
        self.step_back(new, admitted)
    }

    fn step_back(&mut self, new: &NewOrder, admitted: &mut Admitted) -> Outcome<()> {
        let best = self.state.instrument(new.instrument)?.best(new.side.opposite());
        if !crosses(new.side, admitted.tick, best) {
            return Ok(());
        }
        let inside = match new.side {
            Side::Buy => best.checked_sub(1).filter(|tick| *tick > 0),
            Side::Sell => best.checked_add(1),
        };
        let rules = self.rules_of(admitted.underlying)?;
        let most = rules.price_most;
        let ticks = rules.ticks(admitted.is_option);
        let price = inside.and_then(|tick| Some((tick, ticks.price_of(tick).ok()?)));
        let price = price.filter(|(_, price)| *price <= most);
        match price {
            Some((tick, price)) if new.post_only == PostOnly::Reprice => {
                admitted.tick = tick;
                admitted.price = Price(price);
                Ok(())
            }
            _ => {
                let touch = ticks.price_of(best).unwrap_or(0);
                let asked = new.price.map_or(0, |price| price.0);
                Err(Reject::beyond(RejectCode::PostOnlyWouldTake, asked, touch).into())
            }
        }
    }
}

/// The order as it enters the book.
pub(crate) fn order_of(
    id: OrderId,
    account: AccountId,
    new: &NewOrder,
    admitted: &Admitted,
) -> Order {
    Order {
        id,
        price: admitted.price,
        tick: admitted.tick,
        account,
        instrument: new.instrument,
        total: admitted.lots,
        left: admitted.lots,
        visible: admitted.lots,
        side: new.side,
        post_only: new.post_only,
        self_trade: new.self_trade,
        reduce_only: admitted.reduce_only,
        group: new.protection.map_or(NO_GROUP, |group| group.0),
        has_extra: false,
        asleep: false,
    }
}

/// What hangs on the order beyond the ordinary, if anything does.
pub(crate) fn extra_of(
    signer: SignerId,
    new: &NewOrder,
    admitted: &Admitted,
    link: LinkId,
) -> Option<Extra> {
    let plain =
        new.label.is_none() && new.display.is_none() && admitted.until.0 == 0 && link == LinkId(0);
    if plain {
        return None;
    }
    Some(Extra {
        label: new.label.clone(),
        display: new.display.map_or(0, stored),
        until: admitted.until,
        link,
        sleep: None,
        signer,
        arrival: 0,
    })
}
