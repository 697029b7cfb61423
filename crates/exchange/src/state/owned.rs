//! Which orders an account has. Computed from the orders, so it is no leaf; the account's own
//! count of orders proves a walk complete in a partial state.
//!
//! Orders come and go far more often than anybody asks for all of an account's. So an order is
//! noted when it comes and nothing is done when it goes: whoever reads a list skips what is no
//! longer open, and a full list drops it before it grows. Handles are never used again but after an
//! undo, so handle and account together say which order is meant.

use super::table::index;
use alloc::vec::Vec;
use lockstep_types::ids::OrderId;

/// Orders of an account that are noted beside the account itself.
const NEAR: usize = 4;

/// One account's orders, in one cache line while they are few: at least all that are open.
#[derive(Clone, Debug)]
#[repr(align(64))]
struct List {
    near: [OrderId; NEAR],
    far: Vec<OrderId>,
    near_count: u8,
}

const EMPTY: List = List { near: [OrderId(0); NEAR], far: Vec::new(), near_count: 0 };

impl List {
    fn near(&self) -> &[OrderId] {
        &self.near[..usize::from(self.near_count)]
    }

    /// Drops what is not open, and what is noted twice.
    fn tidy(&mut self, is_open: impl Fn(OrderId) -> bool) {
        let mut open: Vec<OrderId> =
            self.near().iter().chain(&self.far).copied().filter(|id| is_open(*id)).collect();
        open.sort_unstable();
        open.dedup();
        let near = open.len().min(NEAR);
        self.near[..near].copy_from_slice(&open[..near]);
        self.near_count = u8::try_from(near).unwrap_or(0);
        self.far.clear();
        self.far.extend_from_slice(&open[near..]);
        // At least as many orders come before the next time as were looked at now.
        self.far.reserve(open.len());
    }
}

/// Handles of each account's orders, and some of orders that have gone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Owned {
    lists: Vec<List>,
}

impl Owned {
    /// Notes that an order of `account` is open; `is_open` tells of any order whether it is.
    #[inline]
    pub(crate) fn add(&mut self, account: u32, id: OrderId, is_open: impl Fn(OrderId) -> bool) {
        if index(account) >= self.lists.len() {
            self.lists.resize(index(account) + 1, EMPTY);
        }
        let list = &mut self.lists[index(account)];
        if let Some(place) = list.near.get_mut(usize::from(list.near_count)) {
            *place = id;
            list.near_count += 1;
            return;
        }
        if list.far.len() == list.far.capacity() {
            list.tidy(is_open);
        }
        list.far.push(id);
    }

    /// Reads an account's list and says nothing of it; see [`super::ahead`].
    #[inline(always)]
    pub(crate) fn glance(&self, account: u32) -> u32 {
        self.lists.get(index(account)).map_or(0, |list| u32::from(list.near_count))
    }

    /// The handles that are noted for an account: all its open orders, each at least once, and
    /// others, in no particular order.
    pub(crate) fn noted(&self, account: u32) -> impl Iterator<Item = OrderId> {
        let list = self.lists.get(index(account)).unwrap_or(const { &EMPTY });
        list.near().iter().chain(&list.far).copied()
    }
}
