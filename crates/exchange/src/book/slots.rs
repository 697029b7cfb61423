//! Places of orders: a stack of free slots, so that the place used last is used first.
//!
//! Handles that the engine assigns are indices, which makes finding an order one array access; the
//! stack keeps the array as small as the largest number of orders that were ever open, and the
//! reused place warm.

use crate::state::key::{FreePage, Slot};
use crate::state::leaves::{FREE_PAGE_LEN, FreeSlots, Totals};
use crate::state::{Outcome, State, Touch};
use lockstep_types::ids::OrderId;
use lockstep_types::reject::{Reject, RejectCode};

/// Where the stack's entry number `entry` is.
fn page_of(entry: u32) -> (FreePage, usize) {
    let len = u32::try_from(FREE_PAGE_LEN).unwrap_or(u32::MAX);
    (FreePage(entry / len), usize::try_from(entry % len).unwrap_or(usize::MAX))
}

impl State {
    /// Counters and funds.
    #[inline(always)]
    pub(crate) fn totals(&mut self) -> Touch<&mut Totals> {
        let totals = self.totals.touch(crate::state::key::Only)?;
        assert!(totals.is_some(), "the totals are there from genesis on");
        Ok(totals.get_or_insert_default())
    }

    /// Takes a free slot and numbers the order that will have it.
    pub(crate) fn take_slot(&mut self) -> Outcome<OrderId> {
        let totals = self.totals()?;
        if totals.free_slots == 0 && totals.slots >= OrderId::SLOTS_MAX {
            let limit = i64::from(OrderId::SLOTS_MAX);
            return Err(Reject::beyond(RejectCode::VenueOrderLimit, limit, limit).into());
        }
        // From 1, so that the handle 0 means no order.
        totals.orders += 1;
        let number = totals.orders;
        if totals.free_slots == 0 {
            let slot = totals.slots;
            totals.slots += 1;
            return Ok(OrderId::new(number, slot));
        }
        totals.free_slots -= 1;
        let (page, at) = page_of(totals.free_slots);
        let free = self.free_pages.touch(page)?.get_or_insert(EMPTY);
        let slot = core::mem::take(&mut free.slots[at]);
        Ok(OrderId::new(number, slot))
    }

    /// Gives a slot back.
    pub(crate) fn give_slot(&mut self, slot: Slot) -> Touch<()> {
        let totals = self.totals()?;
        assert!(totals.free_slots < totals.slots, "only slots in use are given back");
        let entry = totals.free_slots;
        totals.free_slots += 1;
        let (page, at) = page_of(entry);
        self.free_pages.touch(page)?.get_or_insert(EMPTY).slots[at] = slot.0;
        Ok(())
    }
}

const EMPTY: FreeSlots = FreeSlots { slots: [0; FREE_PAGE_LEN] };
