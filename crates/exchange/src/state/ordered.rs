//! Ordered indexes: sets that are walked in order, provably.
//!
//! Each entry is a leaf that names the next one, starting from a head. A walk, an insertion or a
//! removal therefore touches exactly the entries that prove it: a partial state cannot skip an
//! entry, because the one before it says where to go. The map that finds the neighbour is only a
//! shortcut; the links decide.

use super::key::{EntryKey, IndexId};
use super::table::{Log, Missing, Sparse, Table, Touch};
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use lockstep_types::codec_struct;

/// Where the entry after this one is: its sort and item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Next {
    /// The following entry, if any.
    pub next: Option<(i64, u64)>,
}
codec_struct!(Next { next });

/// All ordered indexes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ordered {
    entries: Sparse<EntryKey, Next>,
    /// Entries that are there, without the heads: the shortcut to a neighbour. Entries that went
    /// within this run are still known to the table, and there may be very many of them.
    present: BTreeSet<EntryKey>,
}

const fn head(index: IndexId) -> EntryKey {
    EntryKey { index, sort: i64::MIN, item: 0 }
}

impl Ordered {
    /// The entry before `key`, whose link goes past it or to it.
    fn before(&mut self, key: EntryKey) -> Touch<EntryKey> {
        let previous = match self.present.range(..key).next_back() {
            Some(found) if found.index == key.index => *found,
            _ => head(key.index),
        };
        if let Some((sort, item)) = self.next(previous)? {
            let linked = EntryKey { sort, item, ..key };
            // Only a partial state can know too little to find the true neighbour.
            if linked < key {
                return Err(Missing::leaf(linked));
            }
        }
        Ok(previous)
    }

    fn next(&mut self, key: EntryKey) -> Touch<Option<(i64, u64)>> {
        Ok(self.entries.touch(key)?.and_then(|link| link.next))
    }

    /// Adds `item` at `sort`; it must not be there.
    pub(crate) fn insert(&mut self, index: IndexId, sort: i64, item: u64) -> Touch<()> {
        let key = EntryKey { index, sort, item };
        assert!(key != head(index), "no entry is the head");
        let previous = self.before(key)?;
        let next = self.next(previous)?;
        assert!(next != Some((sort, item)), "an entry is added once");
        *self.entries.touch(previous)? = Some(Next { next: Some((sort, item)) });
        *self.entries.touch(key)? = Some(Next { next });
        self.present.insert(key);
        Ok(())
    }

    /// Removes `item` at `sort`; it must be there.
    pub(crate) fn remove(&mut self, index: IndexId, sort: i64, item: u64) -> Touch<()> {
        let key = EntryKey { index, sort, item };
        let previous = self.before(key)?;
        assert!(self.next(previous)? == Some((sort, item)), "an entry is removed once");
        let next = self.next(key)?;
        let ends_empty = previous == head(index) && next.is_none();
        *self.entries.touch(previous)? = if ends_empty { None } else { Some(Next { next }) };
        *self.entries.touch(key)? = None;
        self.present.remove(&key);
        Ok(())
    }

    /// The first entry.
    pub(crate) fn first(&mut self, index: IndexId) -> Touch<Option<(i64, u64)>> {
        self.next(head(index))
    }

    /// The first `limit` entries with `sort` up to `bound`, in order.
    pub(crate) fn up_to(
        &mut self,
        index: IndexId,
        bound: i64,
        limit: usize,
    ) -> Touch<Vec<(i64, u64)>> {
        let mut found = Vec::new();
        let mut at = self.first(index)?;
        while let Some((sort, item)) = at {
            if sort > bound || found.len() == limit {
                break;
            }
            found.push((sort, item));
            at = self.next(EntryKey { index, sort, item })?;
        }
        Ok(found)
    }
}

impl Table for Ordered {
    type Key = EntryKey;
    type Value = Next;

    fn peek(&self, key: EntryKey) -> Option<&Next> {
        self.entries.peek(key)
    }

    fn restore(&mut self, key: EntryKey, value: Option<Next>) {
        match value {
            Some(_) if key != head(key.index) => {
                self.present.insert(key);
            }
            _ => {
                self.present.remove(&key);
            }
        }
        self.entries.restore(key, value);
    }

    fn each(&self, visit: &mut dyn FnMut(EntryKey, &Next)) {
        self.entries.each(visit);
    }

    fn log(&mut self) -> &mut Log<EntryKey, Next> {
        self.entries.log()
    }

    fn make_partial(&mut self) {
        self.entries.make_partial();
    }

    fn sweep(&mut self, key: EntryKey) {
        self.entries.sweep(key);
    }

    fn tidy(&mut self) {
        self.entries.tidy();
    }
}
