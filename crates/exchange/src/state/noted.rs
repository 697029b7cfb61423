//! What an account has, noted when it comes: handles of orders, places of holdings. Computed from
//! the leaves, so it is no leaf; the account's own counts prove a walk complete in a partial state.
//!
//! Orders come and go far more often than anybody asks for all of an account's. So an entry is
//! noted when it comes and nothing is done when it goes: whoever reads a list skips what is no
//! longer there, and a list drops it before it grows and before a long walk.

use super::table::index;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// One account's entries, in one cache line while they are few: at least all that are there.
#[derive(Clone, Debug)]
#[repr(align(64))]
struct List<T, const NEAR: usize> {
    near: [T; NEAR],
    far: Vec<T>,
    near_count: u8,
}

impl<T: Copy + Default + Ord, const NEAR: usize> List<T, NEAR> {
    fn empty() -> Self {
        Self { near: [T::default(); NEAR], far: Vec::new(), near_count: 0 }
    }

    fn near(&self) -> &[T] {
        &self.near[..usize::from(self.near_count)]
    }

    /// Drops what is not there, and what is noted twice.
    fn tidy(&mut self, is_there: impl Fn(T) -> bool) {
        let mut there: Vec<T> =
            self.near().iter().chain(&self.far).copied().filter(|entry| is_there(*entry)).collect();
        there.sort_unstable();
        there.dedup();
        let near = there.len().min(NEAR);
        self.near[..near].copy_from_slice(&there[..near]);
        self.near_count = u8::try_from(near).unwrap_or(0);
        self.far.clear();
        self.far.extend_from_slice(&there[near..]);
        // At least as many entries come before the next time as were looked at now.
        self.far.reserve(there.len());
    }
}

/// Entries of each account, and some that have gone.
#[derive(Clone, Debug)]
pub(crate) struct Noted<T, const NEAR: usize> {
    lists: Vec<List<T, NEAR>>,
    /// The lists of a partial state, which knows few accounts of many.
    few: Option<BTreeMap<u32, List<T, NEAR>>>,
}

impl<T, const NEAR: usize> Default for Noted<T, NEAR> {
    fn default() -> Self {
        Self { lists: Vec::new(), few: None }
    }
}

impl<T: Copy + Default + Ord, const NEAR: usize> Noted<T, NEAR> {
    /// Keeps lists of those accounts only that are noted for: the state becomes partial.
    pub(crate) fn make_partial(&mut self) {
        assert!(self.lists.is_empty(), "a state becomes partial before it holds anything");
        self.few = Some(BTreeMap::new());
    }

    #[inline]
    fn list_or_new(&mut self, account: u32) -> &mut List<T, NEAR> {
        if let Some(few) = &mut self.few {
            return few.entry(account).or_insert_with(List::empty);
        }
        if index(account) >= self.lists.len() {
            self.lists.resize_with(index(account) + 1, List::empty);
        }
        &mut self.lists[index(account)]
    }

    #[inline]
    fn list(&self, account: u32) -> Option<&List<T, NEAR>> {
        match &self.few {
            Some(few) => few.get(&account),
            None => self.lists.get(index(account)),
        }
    }

    /// Notes an entry of `account`; `is_there` tells of any noted one whether it still is.
    #[inline]
    pub(crate) fn add(&mut self, account: u32, entry: T, is_there: impl Fn(T) -> bool) {
        let list = self.list_or_new(account);
        if let Some(place) = list.near.get_mut(usize::from(list.near_count)) {
            *place = entry;
            list.near_count += 1;
            return;
        }
        if list.far.len() == list.far.capacity() {
            list.tidy(is_there);
        }
        list.far.push(entry);
    }

    /// Drops what is not there if that may be most of the list, of which `count` is there: whoever
    /// walks it pays for what has gone only once.
    pub(crate) fn tidy(&mut self, account: u32, count: u32, is_there: impl Fn(T) -> bool) {
        let list = match &mut self.few {
            Some(few) => few.get_mut(&account),
            None => self.lists.get_mut(index(account)),
        };
        if let Some(list) = list
            && list.far.len() > 2 * index(count) + NEAR
        {
            list.tidy(is_there);
        }
    }

    /// Reads an account's list and says nothing of it; see [`super::ahead`].
    #[inline(always)]
    pub(crate) fn glance(&self, account: u32) -> u32 {
        self.lists.get(index(account)).map_or(0, |list| u32::from(list.near_count))
    }

    /// What is noted for an account: all that is there, each at least once, and more, in no
    /// particular order.
    pub(crate) fn of(&self, account: u32) -> impl Iterator<Item = T> {
        self.list(account).into_iter().flat_map(|list| list.near().iter().chain(&list.far).copied())
    }
}
