//! Which orders an account has. Computed from the orders, so it is no leaf; the account's own
//! count of orders proves a walk complete in a partial state.

use super::table::index;
use alloc::vec::Vec;

/// Slots of each account's orders, in no particular order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Owned {
    lists: Vec<Vec<u32>>,
    /// Where each slot is in its account's list.
    places: Vec<u32>,
}

impl Owned {
    /// Notes that `slot` holds an order of `account`.
    #[inline]
    pub(crate) fn add(&mut self, account: u32, slot: u32) {
        if index(account) >= self.lists.len() {
            self.lists.resize_with(index(account) + 1, Vec::new);
        }
        if index(slot) >= self.places.len() {
            self.places.resize(index(slot) + 1, 0);
        }
        let list = &mut self.lists[index(account)];
        self.places[index(slot)] = u32::try_from(list.len()).unwrap_or(u32::MAX);
        list.push(slot);
    }

    /// Notes that it does so no longer.
    #[inline]
    pub(crate) fn remove(&mut self, account: u32, slot: u32) {
        let place = index(self.places[index(slot)]);
        let list = &mut self.lists[index(account)];
        assert!(list[place] == slot, "the list knows where the slot is");
        list.swap_remove(place);
        if let Some(moved) = list.get(place) {
            self.places[index(*moved)] = u32::try_from(place).unwrap_or(u32::MAX);
        }
    }

    /// The slots of an account's orders.
    pub(crate) fn of(&self, account: u32) -> &[u32] {
        self.lists.get(index(account)).map_or(&[], Vec::as_slice)
    }
}
