//! The table of holdings: found by account and instrument, walked by account.
//!
//! An account may hold hundreds of series, so a holding is found by a hash of its key, one look
//! away. The hash is fixed and nothing is ever walked in its order. An account's own count of
//! holdings proves a walk complete in a partial state.

use super::key::HoldingKey;
use super::leaves::Holding;
use super::noted::Noted;
use super::table::{Log, Missing, Table, Touch, index};
use alloc::vec::Vec;
use hashbrown::HashTable;
use lockstep_types::ids::{AccountId, InstrumentId};

/// A holding with the mark of its last touch: two cache lines.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
struct HoldingCell {
    stamp: u32,
    /// Whose it is, or [`NOBODY`]: a guess at a position is right if the key says so.
    key: HoldingKey,
    value: Option<Holding>,
}

const NOBODY: HoldingKey =
    HoldingKey { account: AccountId(u32::MAX), instrument: InstrumentId(u32::MAX) };
const EMPTY: HoldingCell = HoldingCell { stamp: 0, key: NOBODY, value: None };

/// Positions that are guessed at first, by the low bits of the account.
const RECENT: usize = 64;

/// The hash of a key: all bits of it in all bits of the hash (the finaliser of MurmurHash3).
#[inline]
fn hash_of(key: HoldingKey) -> u64 {
    let mut hash = u64::from(key.account.0) << 32 | u64::from(key.instrument.0);
    hash = (hash ^ hash >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ hash >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ hash >> 33
}

/// The table of holdings.
#[derive(Clone, Debug)]
pub(crate) struct Holdings {
    cells: Vec<HoldingCell>,
    free: Vec<u32>,
    /// Positions by key.
    positions: HashTable<u32>,
    /// Positions of each account's holdings.
    of_accounts: Noted<u32, 8>,
    /// Whether only restored holdings are known.
    partial: bool,
    /// Where holdings were found last.
    recent: [u32; RECENT],
    /// Where the holding of the order in each slot was found last.
    of_orders: Vec<u32>,
    /// Holdings that were absent when they were asked for, or are so now.
    loose: Vec<HoldingKey>,
    log: Log<HoldingKey, Holding>,
}

impl Default for Holdings {
    fn default() -> Self {
        Self {
            cells: Vec::new(),
            free: Vec::new(),
            positions: HashTable::new(),
            of_accounts: Noted::default(),
            partial: false,
            recent: [0; RECENT],
            of_orders: Vec::new(),
            loose: Vec::new(),
            log: Log::default(),
        }
    }
}

impl Holdings {
    /// The holding for reading and writing; `None` is absence.
    #[inline]
    pub(crate) fn touch(&mut self, key: HoldingKey) -> Touch<&mut Option<Holding>> {
        let position = self.position(key)?;
        Ok(&mut self.cells[position].value)
    }

    /// The same for a holding that was found at a position.
    #[inline]
    pub(crate) fn touch_at(
        &mut self,
        key: HoldingKey,
        position: u32,
    ) -> Touch<&mut Option<Holding>> {
        self.remember(key, index(position));
        self.touch(key)
    }

    /// Touches a holding; gives where it is until the checkpoint, for [`Self::at`].
    #[inline]
    pub(crate) fn position(&mut self, key: HoldingKey) -> Touch<usize> {
        let mut position = self.guess(key);
        if self.cells.get(position).is_none_or(|cell| cell.key != key) {
            position = self.search(key)?;
        }
        if self.cells[position].stamp != self.log.epoch {
            self.note(key, position);
        }
        Ok(position)
    }

    #[inline(never)]
    fn search(&mut self, key: HoldingKey) -> Touch<usize> {
        let position = match self.find(key) {
            Some(position) => position,
            None if self.partial => return Err(Missing::leaf(key)),
            None => {
                self.loose.push(key);
                self.place(key)
            }
        };
        self.remember(key, position);
        Ok(position)
    }

    #[inline(never)]
    fn note(&mut self, key: HoldingKey, position: usize) {
        let cell = &mut self.cells[position];
        cell.stamp = self.log.epoch;
        self.log.note(key, &cell.value);
    }

    /// The same for the owner of the order in a slot.
    #[inline]
    pub(crate) fn position_of_order(&mut self, key: HoldingKey, slot: u32) -> Touch<usize> {
        let guess = self.of_order(slot);
        if self.cells.get(guess).is_some_and(|cell| cell.key == key) {
            self.remember(key, guess);
        }
        self.position(key)
    }

    /// Notes that the order in a slot belongs to the holding at a position.
    #[inline]
    pub(crate) fn note_order(&mut self, slot: u32, position: usize) {
        if index(slot) >= self.of_orders.len() {
            self.of_orders.resize(index(slot) + 1, 0);
        }
        self.of_orders[index(slot)] = u32::try_from(position).unwrap_or(0);
    }

    /// A holding that [`Self::position`] has touched.
    #[inline]
    pub(crate) fn at(&mut self, position: usize) -> &mut Option<Holding> {
        &mut self.cells[position].value
    }

    /// Looks a holding up for the next touch and reads it; see [`super::ahead`].
    #[inline(always)]
    pub(crate) fn glance(&mut self, key: HoldingKey) -> u32 {
        let Some(position) = self.find(key) else { return 0 };
        self.remember(key, position);
        self.cells.get(position).map_or(0, |cell| cell.stamp)
    }

    /// Reads the holding of the order in a slot.
    #[inline(always)]
    pub(crate) fn glance_of_order(&self, slot: u32) -> u32 {
        self.cells.get(self.of_order(slot)).map_or(0, |cell| cell.stamp)
    }

    #[inline]
    fn of_order(&self, slot: u32) -> usize {
        index(self.of_orders.get(index(slot)).copied().unwrap_or(0))
    }

    #[inline]
    fn guess(&self, key: HoldingKey) -> usize {
        index(self.recent[index(key.account.0) % RECENT])
    }

    #[inline]
    fn remember(&mut self, key: HoldingKey, position: usize) {
        self.recent[index(key.account.0) % RECENT] = u32::try_from(position).unwrap_or(0);
    }

    #[inline]
    fn find(&self, key: HoldingKey) -> Option<usize> {
        let is_it = |position: &u32| self.cells[index(*position)].key == key;
        self.positions.find(hash_of(key), is_it).map(|position| index(*position))
    }

    /// Deletes a holding that [`Self::position`] has touched.
    pub(crate) fn remove(&mut self, key: HoldingKey, position: usize) {
        self.cells[position].value = None;
        self.loose.push(key);
    }

    /// Drops what is absent and was asked for.
    fn drop_loose(&mut self) {
        let mut loose = core::mem::take(&mut self.loose);
        for key in loose.drain(..) {
            self.drop_absent(key);
        }
        self.loose = loose;
    }

    fn drop_absent(&mut self, key: HoldingKey) {
        if self.partial {
            return;
        }
        let cells = &mut self.cells;
        let is_it = |position: &u32| cells[index(*position)].key == key;
        let Ok(found) = self.positions.find_entry(hash_of(key), is_it) else { return };
        let position = *found.get();
        if self.cells[index(position)].value.is_none() {
            found.remove();
            self.cells[index(position)].key = NOBODY;
            self.free.push(position);
        }
    }

    /// A place for a holding, which it may have already.
    fn place(&mut self, key: HoldingKey) -> usize {
        if let Some(position) = self.find(key) {
            return position;
        }
        let position = self.free.pop().unwrap_or_else(|| {
            self.cells.push(EMPTY);
            u32::try_from(self.cells.len() - 1).unwrap_or(u32::MAX)
        });
        self.cells[index(position)] = HoldingCell { key, ..EMPTY };
        let cells = &self.cells;
        let hash_at = |position: &u32| hash_of(cells[index(*position)].key);
        self.positions.insert_unique(hash_of(key), position, hash_at);
        let is_there = |position: u32| cells[index(position)].key.account == key.account;
        self.of_accounts.add(key.account.0, position, is_there);
        index(position)
    }

    /// Forgets the places of an account's former holdings; it has `count` now.
    pub(crate) fn tidy_account(&mut self, account: AccountId, count: u32) {
        let cells = &self.cells;
        let is_there = |position: u32| cells[index(position)].key.account == account;
        self.of_accounts.tidy(account.0, count, is_there);
    }

    /// The instruments in which `account` has a holding, ascending; `count` is how many the
    /// account itself says there are.
    pub(crate) fn instruments(&self, account: AccountId, count: u32) -> Touch<Vec<InstrumentId>> {
        Ok(self.held(account, count)?.into_iter().map(|(instrument, _)| instrument).collect())
    }

    /// The same, with where each holding is, for [`Self::touch_at`].
    pub(crate) fn held(&self, account: AccountId, count: u32) -> Touch<Vec<(InstrumentId, u32)>> {
        let mut found = Vec::with_capacity(index(count));
        for position in self.of_accounts.of(account.0) {
            let Some(cell) = self.cells.get(index(position)) else { continue };
            if cell.key.account == account && cell.value.is_some() {
                found.push((cell.key.instrument, position));
            }
        }
        found.sort_unstable();
        found.dedup();
        if found.len() != index(count) {
            assert!(self.partial, "an account's count of holdings is right");
            let key = HoldingKey { account, instrument: InstrumentId(0) };
            return Err(Missing::leaf(key));
        }
        Ok(found)
    }
}

impl Table for Holdings {
    type Key = HoldingKey;
    type Value = Holding;

    fn peek(&self, key: HoldingKey) -> Option<&Holding> {
        self.cells[self.find(key)?].value.as_ref()
    }

    fn restore(&mut self, key: HoldingKey, value: Option<Holding>) {
        let position = self.place(key);
        self.cells[position].value = value;
        if value.is_none() {
            self.drop_absent(key);
        }
    }

    fn each(&self, visit: &mut dyn FnMut(HoldingKey, &Holding)) {
        for cell in &self.cells {
            if let Some(value) = &cell.value {
                visit(cell.key, value);
            }
        }
    }

    fn log(&mut self) -> &mut Log<HoldingKey, Holding> {
        &mut self.log
    }

    fn make_partial(&mut self) {
        assert!(self.cells.is_empty(), "a table becomes partial before it holds anything");
        self.of_accounts.make_partial();
        self.partial = true;
    }

    fn sweep(&mut self, _: HoldingKey) {
        // All at once, at the first: whatever is loose was touched.
        self.drop_loose();
    }

    fn tidy(&mut self) {
        if !self.log.recording {
            self.drop_loose();
        }
    }
}
