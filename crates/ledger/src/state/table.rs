//! A table: an ordered map of typed leaves that keeps the value before of whatever changed since
//! the last checkpoint.
//!
//! The chain's leaves are few beside the exchange's and are written a few times per block, so that
//! plain maps do; what was only read is not in the journal.

use alloc::collections::BTreeMap;
use core::ops::RangeBounds;

/// Values before, by key; `None`: the leaf was absent.
pub(crate) type Before<K, V> = BTreeMap<K, Option<V>>;

/// Leaves of one kind.
#[derive(Clone, Debug)]
pub(crate) struct Table<K, V> {
    leaves: BTreeMap<K, V>,
    before: Before<K, V>,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { leaves: BTreeMap::new(), before: BTreeMap::new() }
    }
}

impl<K: Copy + Ord, V: Clone> Table<K, V> {
    /// A leaf's value, if present.
    pub(crate) fn get(&self, key: K) -> Option<&V> {
        self.leaves.get(&key)
    }

    /// Sets a leaf; `None` deletes it.
    pub(crate) fn set(&mut self, key: K, value: Option<V>) {
        let before = match value {
            Some(value) => self.leaves.insert(key, value),
            None => self.leaves.remove(&key),
        };
        self.before.entry(key).or_insert(before);
    }

    /// A leaf for writing, if present.
    pub(crate) fn get_mut(&mut self, key: K) -> Option<&mut V> {
        let leaf = self.leaves.get_mut(&key)?;
        self.before.entry(key).or_insert_with(|| Some(leaf.clone()));
        Some(leaf)
    }

    /// A leaf for writing, made if it is absent.
    pub(crate) fn get_or_make(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        let before = &mut self.before;
        match self.leaves.entry(key) {
            alloc::collections::btree_map::Entry::Occupied(entry) => {
                before.entry(key).or_insert_with(|| Some(entry.get().clone()));
                entry.into_mut()
            }
            alloc::collections::btree_map::Entry::Vacant(entry) => {
                before.entry(key).or_insert(None);
                entry.insert(make())
            }
        }
    }

    /// Leaves in order of key.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.leaves.iter()
    }

    /// Leaves of a range of keys, in order.
    pub(crate) fn range(
        &self,
        keys: impl RangeBounds<K>,
    ) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.leaves.range(keys)
    }

    /// How many leaves there are.
    pub(crate) fn len(&self) -> usize {
        self.leaves.len()
    }

    /// Sets a leaf behind the journal's back.
    pub(crate) fn load(&mut self, key: K, value: V) {
        self.leaves.insert(key, value);
    }

    /// Starts a new checkpoint and hands out the values before.
    pub(crate) fn take_before(&mut self) -> Before<K, V> {
        core::mem::take(&mut self.before)
    }

    /// Puts values back.
    pub(crate) fn restore(&mut self, before: Before<K, V>) {
        self.before.clear();
        for (key, value) in before {
            match value {
                Some(value) => drop(self.leaves.insert(key, value)),
                None => drop(self.leaves.remove(&key)),
            }
        }
    }
}
