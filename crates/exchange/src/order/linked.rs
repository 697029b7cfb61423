//! Linked orders: OCO, OTO, OTOCO (M3).
//!
//! The orders of a *one-cancels-other* set rest or sleep together: a fill of one shrinks the others
//! by as much, at once, so that they never fill twice what was meant; the end of one, filled or
//! not, ends the others. The primary of a *one-triggers-other* set stands alone: its complete fill
//! places the others, and if it ends otherwise they are forgotten. In an OTOCO set the placed ones
//! then cancel each other.
//!
//! A set is checked as a whole before anything of it is placed: every order that is placed now as
//! if the others were open already, those that wait for a primary as far as they do not depend on
//! the market. What waited and is refused when its time comes is reported; the rest stands. Its
//! triggers may fire at once, because the position is there by then.
//!
//! Invariants: an order that names a set is listed in it, or is the one that is just taking; a set
//! has no leaf any more when none of its orders is left. Ending the orders of a set first drops its
//! leaf, so no end leads to another end. Nothing is placed in the middle of somebody's matching:
//! sets that are due wait until the step is over, and beyond [`DUE_PER_STEP`] until the block is.
//!
//! Deliberately absent: handles for orders that wait for a primary; cancelling it cancels them.

use super::place::Membership;
use crate::engine::Exchange;
use crate::state::key::{ExtraKey, IndexId, LeafKey, Slot};
use crate::state::leaves::{Link, Order};
use crate::state::{Fault, Missing, Outcome};
use alloc::boxed::Box;
use alloc::vec::Vec;
use lockstep_types::command::LinkKind;
use lockstep_types::event::{CancelReason, Event};
use lockstep_types::ids::{AccountId, LinkId, OrderId, SignerId};
use lockstep_types::order::NewOrder;
use lockstep_types::reject::{Reject, RejectCode};
use lockstep_types::units::Lots;

/// Sets whose rest is placed right after the step in which their primaries filled.
pub const DUE_PER_STEP: usize = 16;
/// Sets whose rest is placed at the end of a block; more wait for the next one.
pub const DUE_PER_BLOCK: usize = 1_000;

fn bad_links() -> Fault {
    Reject::of(RejectCode::BadLinks).into()
}

impl Exchange {
    /// Places linked orders.
    pub(crate) fn place_linked(
        &mut self,
        account: AccountId,
        signer: SignerId,
        kind: LinkKind,
        orders: &[NewOrder],
    ) -> Outcome<()> {
        let (Some((first, rest)), false) = (orders.split_first(), orders.len() < 2) else {
            return Err(bad_links());
        };
        let now = match kind {
            LinkKind::OneCancelsOther => orders,
            _ => core::slice::from_ref(first),
        };
        self.check_set(account, kind, now, orders)?;
        let waits = kind != LinkKind::OneCancelsOther;
        let pending = if waits { rest.to_vec() } else { Vec::new() };
        let totals = self.state.totals()?;
        totals.links += 1;
        let link = LinkId(totals.links);
        *self.state.links.touch(link)? =
            Some(Link { kind, account, signer, waiting: waits, orders: Vec::new(), pending });
        let count = u8::try_from(orders.len()).unwrap_or(u8::MAX);
        self.events.push(Event::Linked { link, orders: count });
        let mut filled = 0;
        for (item, new) in (0..).zip(now) {
            self.item = item;
            match self.place_member(account, signer, new, link, &mut filled, false) {
                Err(Fault::Reject(reject)) => {
                    // Only what its own set has traded can have brought this about.
                    self.reject(account, *reject);
                    self.end_link(link, None)?;
                }
                other => other?,
            }
        }
        Ok(())
    }

    /// Checks the set as a whole: `now` are the orders to place at once.
    fn check_set(
        &mut self,
        account: AccountId,
        kind: LinkKind,
        now: &[NewOrder],
        orders: &[NewOrder],
    ) -> Outcome<()> {
        for (item, order) in (0..).zip(orders) {
            self.item = item;
            let form = self.check_form(order, 0)?;
            let lasts = order.trigger.is_some() || !form.immediate;
            if kind == LinkKind::OneCancelsOther && !lasts {
                // It cannot wait for the others.
                return Err(bad_links());
            }
            let twin = |other: &NewOrder| other.label.is_some() && other.label == order.label;
            if orders.iter().skip(usize::from(item) + 1).any(twin) {
                return Err(Reject::of(RejectCode::LabelInUse).into());
            }
        }
        self.check_slots(account, now.len())?;
        // Each is checked with those before it counted as open, and then all are uncounted.
        let mut counted = Vec::with_capacity(now.len());
        let mut checked = Ok(());
        for (item, order) in (0..).zip(now) {
            self.item = item;
            checked = self.check_member(account, order, &mut counted);
            if checked.is_err() {
                break;
            }
        }
        for order in counted.iter().rev() {
            self.count_tentative(order, false)?;
        }
        self.item = if checked.is_ok() { 0 } else { self.item };
        checked
    }

    /// Checks that the account and the venue have room for `count` more orders (L1, L4).
    fn check_slots(&mut self, account: AccountId, count: usize) -> Outcome<()> {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let most = self.state.venue()?.orders_per_account_max;
        let reach = self.state.account(account)?.orders.saturating_add(count);
        if reach > u32::from(most) {
            let (actual, limit) = (i64::from(reach), i64::from(most));
            return Err(Reject::beyond(RejectCode::OrderLimit, actual, limit).into());
        }
        let totals = self.state.totals()?;
        let used = totals.slots - totals.free_slots;
        if used.saturating_add(count) > OrderId::SLOTS_MAX {
            let limit = i64::from(OrderId::SLOTS_MAX);
            return Err(Reject::beyond(RejectCode::VenueOrderLimit, limit, limit).into());
        }
        Ok(())
    }

    /// Checks one order and counts it as open.
    fn check_member(
        &mut self,
        account: AccountId,
        new: &NewOrder,
        counted: &mut Vec<Order>,
    ) -> Outcome<()> {
        let admitted = self.vet(account, new, 0)?;
        if let Some(trigger) = new.trigger {
            self.sleep_of(new, trigger, false)?;
            self.check_sleepers(new, trigger)?;
        }
        let order = super::place::order_of(OrderId(0), account, new, &admitted);
        let order = Order { asleep: new.trigger.is_some(), ..order };
        self.count_tentative(&order, true)?;
        counted.push(order);
        Ok(())
    }

    /// Counts in the holding alone an order that does not exist, or uncounts it.
    fn count_tentative(&mut self, order: &Order, opens: bool) -> Outcome<()> {
        if opens {
            self.spend_on_opening(order)?;
            self.count_in_sums(order)?;
            self.charge_floor(order)?;
            self.tentative.push(*order);
        } else {
            self.uncount_in_sums(order, order.left, true)?;
            self.release_floor(order, order.left)?;
            self.tentative.pop();
        }
        let holding = self.state.make_holding(order.account, order.instrument)?;
        let lots = if order.asleep { 0 } else { i64::from(order.left) };
        if opens {
            holding.orders += 1;
            holding.reduce_only += u32::from(order.reduce_only);
            holding.change_open(order.side, lots, order.price);
        } else {
            holding.orders -= 1;
            holding.reduce_only -= u32::from(order.reduce_only);
            holding.change_open(order.side, -lots, order.price);
            self.spend_on_removal(order, order.left)?;
            self.state.drop_if_empty(order.account, order.instrument)?;
        }
        Ok(())
    }

    /// Places one order of a set, less what others of it have filled meanwhile.
    fn place_member(
        &mut self,
        account: AccountId,
        signer: SignerId,
        new: &NewOrder,
        link: LinkId,
        filled: &mut u32,
        late: bool,
    ) -> Outcome<()> {
        let lots = new.lots.0 - i64::from(*filled);
        if lots <= 0 || !self.link_lives(link)? {
            return Ok(());
        }
        let new = NewOrder { lots: Lots(lots), ..new.clone() };
        let membership = Membership { link, filled: *filled, late };
        let id = self.place_in(account, signer, &new, membership)?;
        if let Some(order) = self.live(id)? {
            *filled += order.total - order.left;
        }
        Ok(())
    }

    /// The order of a handle, if it is open.
    pub(crate) fn live(&mut self, id: OrderId) -> Outcome<Option<Order>> {
        Ok(self.state.orders.touch(Slot(id.slot()))?.filter(|order| order.id == id))
    }

    /// Whether a set still has its leaf; no set (0) counts as one that has.
    pub(crate) fn link_lives(&mut self, link: LinkId) -> Outcome<bool> {
        Ok(link == LinkId(0) || self.state.links.touch(link)?.is_some())
    }

    /// Lists an order that now rests or sleeps in its set (0: none).
    pub(crate) fn join_link(&mut self, link: LinkId, order: OrderId) -> Outcome<()> {
        if link == LinkId(0) {
            return Ok(());
        }
        let Some(set) = self.state.links.touch(link)? else {
            assert!(self.state.partial, "an order joins a set that lives");
            return Err(Missing::leaf(link).into());
        };
        if !set.orders.contains(&order) {
            set.orders.push(order);
        }
        Ok(())
    }

    /// A resting order with an extra was filled by `lots`; `rest` is what it is now. Drops its
    /// extra when nothing is left, and tells its set.
    pub(crate) fn order_filled(&mut self, before: &Order, rest: &Order, lots: u32) -> Outcome<()> {
        let link = if rest.left == 0 {
            self.drop_extra(before)?
        } else {
            let key = ExtraKey(Slot(before.id.slot()));
            self.state.extras.touch(key)?.as_ref().map_or(LinkId(0), |extra| extra.link)
        };
        if link == LinkId(0) {
            return Ok(());
        }
        self.link_filled(before.id, link, lots, rest.left == 0)
    }

    /// An order of a set was filled by `lots`, and is `done` if that was the last of it.
    fn link_filled(&mut self, id: OrderId, link: LinkId, lots: u32, done: bool) -> Outcome<()> {
        let Some(set) = self.state.links.touch(link)? else { return Ok(()) };
        if set.waiting {
            if done {
                set.waiting = false;
                set.orders.clear();
                self.due.push(link);
            }
            return Ok(());
        }
        if done {
            return self.end_link(link, Some(id));
        }
        for other in set.orders.clone() {
            if other != id {
                self.shrink_member(other, link, lots)?;
            }
        }
        Ok(())
    }

    /// Takes lots that another order of the set has filled off an order; it ends if none is left.
    fn shrink_member(&mut self, id: OrderId, link: LinkId, lots: u32) -> Outcome<()> {
        let Some(order) = self.live(id)? else { return Ok(()) };
        if order.left > lots {
            return match order.asleep {
                true => self.shrink_sleeping(&order, lots),
                false => self.shrink(&order, lots),
            };
        }
        // Not listed any more, it does not end the set when it ends.
        if let Some(set) = self.state.links.touch(link)? {
            set.orders.retain(|other| *other != id);
        }
        self.end_order(&order, CancelReason::Linked)
    }

    /// Ends a set and its orders, `except` the one whose end has led to this.
    fn end_link(&mut self, link: LinkId, except: Option<OrderId>) -> Outcome<()> {
        let Some(set) = self.state.links.touch(link)?.take() else { return Ok(()) };
        for id in set.orders {
            if Some(id) == except {
                continue;
            }
            if let Some(order) = self.live(id)? {
                self.end_order(&order, CancelReason::Linked)?;
            }
        }
        Ok(())
    }

    /// An order of a set ended unfilled.
    pub(crate) fn link_ended(&mut self, order: OrderId, link: LinkId) -> Outcome<()> {
        match self.state.links.touch(link)? {
            Some(set) if set.orders.contains(&order) => self.end_link(link, Some(order)),
            _ => Ok(()),
        }
    }

    /// An incoming order that belongs to `link` (0: none) is gone: wholly filled (`left` 0) or its
    /// rest cancelled, after taking `filled` lots.
    pub(crate) fn link_taker_done(
        &mut self,
        order: &Order,
        link: LinkId,
        filled: u32,
    ) -> Outcome<()> {
        if link == LinkId(0) {
            return Ok(());
        }
        match order.left {
            0 => self.link_filled(order.id, link, filled, true),
            _ => self.end_link(link, Some(order.id)),
        }
    }

    /// An incoming order of `link` took `filled` lots and now rests.
    pub(crate) fn link_partly_filled(
        &mut self,
        order: OrderId,
        link: LinkId,
        filled: u32,
    ) -> Outcome<()> {
        self.link_filled(order, link, filled, false)
    }

    /// Places the rest of the sets whose primaries this step has filled.
    pub(crate) fn place_due(&mut self) -> Outcome<()> {
        let mut done = 0;
        while let Some(link) = self.due.get(done).copied() {
            done += 1;
            if done <= DUE_PER_STEP {
                self.place_pending(link)?;
            } else {
                self.state.entries.insert(IndexId::DueLinks, 0, link.0)?;
            }
        }
        self.due.clear();
        Ok(())
    }

    /// Places the rest of the sets for which their step had no room, at the end of a block.
    pub(crate) fn place_overdue(&mut self) -> Outcome<()> {
        let due = self.state.entries.up_to(IndexId::DueLinks, i64::MAX, DUE_PER_BLOCK)?;
        for (sort, item) in due {
            self.state.entries.remove(IndexId::DueLinks, sort, item)?;
            self.place_pending(LinkId(item))?;
        }
        Ok(())
    }

    /// Places what waited for the primary of a set.
    fn place_pending(&mut self, link: LinkId) -> Outcome<()> {
        let Some(set) = self.state.links.touch(link)? else {
            assert!(self.state.partial, "a set that is due has its leaf");
            return Err(Fault::Missing(Box::new(LeafKey::Link(link))));
        };
        assert!(!set.waiting && set.orders.is_empty(), "the primary of a set that is due is done");
        let pending = core::mem::take(&mut set.pending);
        let (account, signer) = (set.account, set.signer);
        let cancels = set.kind == LinkKind::OneTriggersOneCancelsOther;
        let (mut filled, shared) = (0, if cancels { link } else { LinkId(0) });
        // Each under the number that it had in its command.
        for (item, new) in (1..).zip(&pending) {
            self.item = item;
            let placed = self.place_member(account, signer, new, shared, &mut filled, true);
            match placed {
                Err(Fault::Reject(reject)) => self.reject(account, *reject),
                other => other?,
            }
            if !cancels {
                filled = 0;
            }
        }
        self.item = 0;
        let left = self.state.links.touch(link)?;
        if left.as_ref().is_some_and(|set| set.orders.is_empty()) {
            *left = None;
        }
        Ok(())
    }
}
