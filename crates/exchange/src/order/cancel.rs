//! Ending orders: by request, by rule, one or many.

use crate::engine::Exchange;
use crate::state::Fault;
use crate::state::Outcome;
use crate::state::key::{ExtraKey, IndexId, LabelKey, LeafKey, Slot};
use crate::state::leaves::Order;
use alloc::boxed::Box;
use alloc::vec::Vec;
use lockstep_types::command::{BatchItem, CancelScope, Command, UserCommand};
use lockstep_types::event::{CancelReason, Event};
use lockstep_types::ids::{AccountId, LinkId, OrderId};
use lockstep_types::order::OrderTarget;
use lockstep_types::reject::{Reject, RejectCode};
use lockstep_types::units::Lots;

/// Orders whose time has come that one block ends; the rest ends in the next one (L7).
pub const ENDS_PER_BLOCK: usize = 50_000;

impl Exchange {
    /// The open order that an account means; any other is unknown to it.
    pub(crate) fn find_order(
        &mut self,
        account: AccountId,
        target: &OrderTarget,
    ) -> Outcome<Order> {
        let unknown = || Fault::from(Reject::of(RejectCode::UnknownOrder));
        let id = match target {
            OrderTarget::Id(id) => *id,
            OrderTarget::Label(label) => {
                let found = self.state.labels.touch(LabelKey::new(account, label))?;
                found.ok_or_else(unknown)?
            }
        };
        // A slot that was never used is not asked for, so that nobody can make the array grow.
        if id.slot() >= self.state.totals()?.slots {
            return Err(unknown());
        }
        match self.state.orders.touch(Slot(id.slot()))? {
            Some(order) if order.id == id && order.account == account => Ok(*order),
            _ => Err(unknown()),
        }
    }

    /// Cancels one order.
    pub(crate) fn cancel(&mut self, account: AccountId, target: &OrderTarget) -> Outcome<()> {
        let order = self.find_order(account, target)?;
        self.end_order(&order, CancelReason::Request)
    }

    /// Cancels all orders of an account within a scope, oldest first.
    pub(crate) fn cancel_all(&mut self, account: AccountId, scope: CancelScope) -> Outcome<()> {
        self.end_orders(account, scope, CancelReason::Request)
    }

    /// Ends all orders of an account within a scope, oldest first.
    pub(crate) fn end_orders(
        &mut self,
        account: AccountId,
        scope: CancelScope,
        reason: CancelReason,
    ) -> Outcome<()> {
        for id in self.orders_of(account)? {
            // Ending one may have ended others, linked with it.
            let order = match self.state.orders.touch(Slot(id.slot()))? {
                Some(order) if order.id == id => *order,
                _ => continue,
            };
            if self.in_scope(&order, scope)? {
                self.end_order(&order, reason)?;
            }
        }
        Ok(())
    }

    fn in_scope(&mut self, order: &Order, scope: CancelScope) -> Outcome<bool> {
        Ok(match scope {
            CancelScope::Account => true,
            CancelScope::Instrument(instrument) => order.instrument == instrument,
            CancelScope::Underlying(underlying) => {
                self.state.instrument(order.instrument)?.underlying == underlying
            }
            CancelScope::Group { underlying, group } => {
                order.group == group.0
                    && self.state.instrument(order.instrument)?.underlying == underlying
            }
        })
    }

    /// The handles of an account's open orders, oldest first, without those that are set aside.
    pub(crate) fn orders_of(&mut self, account: AccountId) -> Outcome<Vec<OrderId>> {
        let count = self.state.account(account)?.orders;
        self.state.tidy_owned(account, count);
        let mut ids = self.state.open_orders_of(account);
        if !self.aside.is_empty() {
            ids.retain(|id| !self.aside.contains(id));
        }
        if u32::try_from(ids.len()) != Ok(count) {
            assert!(self.state.partial, "an account's count of orders is right");
            let key = LeafKey::Order(Slot(0));
            return Err(Fault::Missing(Box::new(key)));
        }
        for id in &ids {
            self.state.order(Slot(id.slot()))?;
        }
        Ok(ids)
    }

    /// Ends an open order, whatever its state: book, counters, extras, slot, event, links.
    pub(crate) fn end_order(&mut self, order: &Order, reason: CancelReason) -> Outcome<()> {
        if order.asleep {
            self.unsleep(order)?;
        } else {
            self.state.dequeue(order)?;
        }
        let emptied = self.close_open(order, order.left, true)?;
        let link = match order.has_extra {
            true => self.drop_extra(order)?,
            false => LinkId(0),
        };
        self.state.forget_order(order)?;
        if emptied {
            self.state.drop_if_empty(order.account, order.instrument)?;
        }
        self.events.push(Event::Cancelled {
            order: order.id,
            account: order.account,
            lots: Lots(i64::from(order.left)),
            reason,
        });
        if link != LinkId(0) {
            self.link_ended(order.id, link)?;
        }
        Ok(())
    }

    /// Drops what hangs on an order: label, timer, extra. Gives its link.
    pub(crate) fn drop_extra(&mut self, order: &Order) -> Outcome<LinkId> {
        let key = ExtraKey(Slot(order.id.slot()));
        let Some(extra) = self.state.extras.touch(key)?.take() else {
            return Ok(LinkId(0));
        };
        if let Some(label) = &extra.label {
            *self.state.labels.touch(LabelKey::new(order.account, label))? = None;
        }
        if extra.until.0 != 0 {
            self.state.entries.remove(IndexId::OrderEnds, extra.until.0, order.id.0)?;
        }
        Ok(extra.link)
    }

    /// Ends orders whose time has come (M2).
    pub(crate) fn end_timed_orders(&mut self) -> Outcome<()> {
        let now = self.state.totals()?.time;
        let due = self.state.entries.up_to(IndexId::OrderEnds, now.0, ENDS_PER_BLOCK)?;
        for (_, id) in due {
            // Ending one may have ended others, linked with it.
            if let Some(order) = self.live(OrderId(id))? {
                self.end_order(&order, CancelReason::TimeInForce)?;
            }
        }
        Ok(())
    }

    /// Whether a command is a cancel of orders that were resting when the block began: it then
    /// runs before everything else (M6).
    pub(crate) fn is_early(&mut self, command: &UserCommand) -> Outcome<bool> {
        let resting = |exchange: &mut Self, target: &OrderTarget| match exchange
            .find_order(command.account, target)
        {
            Ok(_) => Ok(true),
            Err(Fault::Reject(_)) => Ok(false),
            Err(missing) => Err(missing),
        };
        match &command.command {
            Command::CancelAll(_) => Ok(true),
            _ if command.account.0 >= self.state.totals()?.accounts => Ok(false),
            Command::Cancel(target) => resting(self, target),
            Command::Batch(items) => {
                for item in items.iter() {
                    match item {
                        BatchItem::Cancel(target) if resting(self, target)? => {}
                        _ => return Ok(false),
                    }
                }
                Ok(!items.is_empty())
            }
            _ => Ok(false),
        }
    }
}
