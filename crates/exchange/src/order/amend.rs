//! Amending: a smaller amount keeps its place, everything else loses it (M4).

use super::admission::Admitted;
use crate::engine::Exchange;
use crate::state::Outcome;
use crate::state::key::{ExtraKey, Slot};
use crate::state::leaves::{Extra, NO_GROUP, Order};
use lockstep_types::command::Phase;
use lockstep_types::event::{CancelReason, Event, TradeKind};
use lockstep_types::ids::{AccountId, GroupId};
use lockstep_types::order::{Amend, NewOrder, TimeInForce};
use lockstep_types::reject::{Reject, RejectCode};
use lockstep_types::units::{Lots, TimeMs};

impl Exchange {
    /// Changes an open order.
    pub(crate) fn amend(&mut self, account: AccountId, amend: &Amend) -> Outcome<()> {
        let order = self.find_order(account, &amend.target)?;
        if amend.lots.is_none() && amend.price.is_none() && amend.trigger_price.is_none() {
            return Err(Reject::of(RejectCode::AmendNothing).into());
        }
        if order.asleep {
            return self.amend_sleeping(&order, amend);
        }
        if amend.trigger_price.is_some() {
            return Err(Reject::of(RejectCode::AmendNothing).into());
        }
        let instrument = self.listed(order.instrument)?;
        if self.phase_of(&instrument)? == Phase::Halted {
            return Err(Reject::of(RejectCode::Halted).into());
        }
        if let Some(lots) = amend.lots
            && lots.0 <= 0
        {
            return Err(Reject::beyond(RejectCode::NotPositive, lots.0, 1).into());
        }
        let total = amend.lots.map_or(i64::from(order.total), |lots| lots.0);
        let price = amend.price.unwrap_or(order.price);
        let filled = i64::from(order.total - order.left);
        if total <= filled {
            return self.end_order(&order, CancelReason::Amended);
        }
        if price == order.price && total <= i64::from(order.total) {
            let less = u32::try_from(i64::from(order.total) - total).unwrap_or(0);
            if less == 0 {
                self.events.push(Event::Amended {
                    order: order.id,
                    price,
                    lots: Lots(i64::from(order.left)),
                    kept_priority: true,
                });
                return Ok(());
            }
            return self.shrink(&order, less);
        }
        self.reenter(&order, Lots(total - filled), amend)
    }

    /// Takes the order out and lets it in again as a newcomer with the same handle.
    fn reenter(&mut self, order: &Order, left: Lots, amend: &Amend) -> Outcome<()> {
        let extra_key = ExtraKey(Slot(order.id.slot()));
        let extra = match order.has_extra {
            true => self.state.extras.touch(extra_key)?.clone(),
            false => None,
        };
        let new = as_new(order, extra.as_ref(), left, amend);
        // It is checked as if it were new, with its former self out of the way.
        let admitted = self.admit_in_place_of(order, &new)?;
        if let Some(extra) = &extra {
            // What hangs on it goes with it: it keeps label, timer and link while it moves.
            if extra.link.0 != 0 && admitted.lots != stored_left(left) {
                return Err(Reject::of(RejectCode::AmendNothing).into());
            }
        }
        self.state.dequeue(order)?;
        self.close_open(order, order.left, true)?;
        if order.has_extra {
            self.drop_extra(order)?;
        }
        *self.state.orders.touch(Slot(order.id.slot()))? = None;
        self.state.drop_if_empty(order.account, order.instrument)?;
        let extra = match admitted.phase {
            Phase::Auction => Some(self.arrive_again(order, extra)?),
            _ => extra,
        };
        let filled = order.total - order.left;
        let moved = Order {
            price: admitted.price,
            tick: admitted.tick,
            total: admitted.lots + filled,
            left: admitted.lots,
            visible: admitted.lots,
            reduce_only: admitted.reduce_only,
            ..*order
        };
        self.events.push(Event::Amended {
            order: order.id,
            price: moved.price,
            lots: Lots(i64::from(moved.left)),
            kept_priority: false,
        });
        self.enter(moved, extra, &admitted, TradeKind::Continuous)
    }

    /// Admission of a changed order: counts, limits and margin as if the old one were gone.
    fn admit_in_place_of(&mut self, order: &Order, new: &NewOrder) -> Outcome<Admitted> {
        self.close_open(order, order.left, true)?;
        self.aside.push(order.id);
        let checked = self.vet(order.account, new, order.total - order.left);
        self.aside.clear();
        // Put back exactly what was taken away; the caller takes it away for good.
        self.open_order(order)?;
        checked
    }
}

fn stored_left(left: Lots) -> u32 {
    super::admission::stored(left)
}

/// An open order, changed, as if it were sent anew.
fn as_new(order: &Order, extra: Option<&Extra>, left: Lots, amend: &Amend) -> NewOrder {
    let until = extra.map_or(TimeMs::ZERO, |extra| extra.until);
    let display = extra.map_or(0, |extra| extra.display);
    NewOrder {
        instrument: order.instrument,
        side: order.side,
        lots: left,
        price: Some(amend.price.unwrap_or(order.price)),
        time_in_force: match until.0 {
            0 => TimeInForce::GoodTilCancelled,
            _ => TimeInForce::GoodTil(until),
        },
        post_only: order.post_only,
        reduce_only: order.reduce_only,
        display: (display > 0).then(|| Lots(i64::from(display).min(left.0))),
        self_trade: order.self_trade,
        protection: (order.group != NO_GROUP).then_some(GroupId(order.group)),
        trigger: None,
        label: None,
    }
}
