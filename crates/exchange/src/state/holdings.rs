//! The table of holdings: found by account and instrument, walked by account.
//!
//! Each account has a short sorted directory, so that a look-up stays in memory that the account's
//! other commands have just used. An account's own count of holdings proves a walk complete in a
//! partial state.

use super::key::HoldingKey;
use super::leaves::Holding;
use super::table::{Log, Missing, Table, Touch, index};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use lockstep_types::ids::{AccountId, InstrumentId};

/// Holdings of an account that its directory has room for at first.
const NEAR: usize = 15;

/// Where an account's holdings are, sorted by instrument: those of most accounts in two cache lines.
#[derive(Clone, Debug)]
#[repr(align(64))]
struct Shelf {
    count: u32,
    /// Where in `far` the whole directory of an account with more holdings is, or [`NO_SHELF`].
    far: u32,
    near: [Place; NEAR],
}

/// An instrument, and the position of the holding in it.
type Place = (u32, u32);

const NO_SHELF: u32 = u32::MAX;
const EMPTY_SHELF: Shelf = Shelf { count: 0, far: NO_SHELF, near: [(0, 0); NEAR] };

/// The directories of all accounts.
#[derive(Clone, Debug, Default)]
struct Shelves {
    shelves: Vec<Shelf>,
    far: Vec<Vec<Place>>,
    free: Vec<u32>,
}

impl Shelves {
    /// An account's holdings by instrument.
    fn of(&self, account: u32) -> &[Place] {
        match self.shelves.get(index(account)) {
            None => &[],
            Some(shelf) if shelf.far == NO_SHELF => &shelf.near[..index(shelf.count)],
            Some(shelf) => &self.far[index(shelf.far)],
        }
    }

    /// The position of a holding.
    #[inline]
    fn find(&self, key: HoldingKey) -> Option<u32> {
        let shelf = self.shelves.get(index(key.account.0))?;
        if shelf.far == NO_SHELF {
            let near = &shelf.near[..index(shelf.count)];
            return near.iter().find(|place| place.0 == key.instrument.0).map(|place| place.1);
        }
        let far = &self.far[index(shelf.far)];
        let at = far.binary_search_by_key(&key.instrument.0, |place| place.0).ok()?;
        Some(far[at].1)
    }

    /// Notes the position of a holding that has none.
    fn insert(&mut self, key: HoldingKey, position: u32) {
        let account = index(key.account.0);
        if account >= self.shelves.len() {
            self.shelves.resize(account + 1, EMPTY_SHELF);
        }
        let shelf = &mut self.shelves[account];
        let place = (key.instrument.0, position);
        if shelf.far == NO_SHELF && index(shelf.count) < NEAR {
            let count = index(shelf.count);
            let at = shelf.near[..count].partition_point(|held| held.0 < place.0);
            shelf.near.copy_within(at..count, at + 1);
            shelf.near[at] = place;
            shelf.count += 1;
            return;
        }
        if shelf.far == NO_SHELF {
            shelf.far = self.free.pop().unwrap_or_else(|| {
                self.far.push(Vec::new());
                u32::try_from(self.far.len() - 1).unwrap_or(NO_SHELF)
            });
            self.far[index(shelf.far)].extend_from_slice(&shelf.near);
        }
        let far = &mut self.far[index(shelf.far)];
        let at = far.partition_point(|held| held.0 < place.0);
        far.insert(at, place);
        shelf.count += 1;
    }

    /// Forgets a holding; gives the position that it had.
    fn remove(&mut self, key: HoldingKey) -> Option<u32> {
        let shelf = self.shelves.get_mut(index(key.account.0))?;
        let count = index(shelf.count);
        let by_instrument = |place: &Place| place.0.cmp(&key.instrument.0);
        if shelf.far == NO_SHELF {
            let at = shelf.near[..count].binary_search_by(by_instrument).ok()?;
            let (_, position) = shelf.near[at];
            shelf.near.copy_within(at + 1..count, at);
            shelf.count -= 1;
            return Some(position);
        }
        let far = &mut self.far[index(shelf.far)];
        let at = far.binary_search_by(by_instrument).ok()?;
        let (_, position) = far.remove(at);
        shelf.count -= 1;
        // Well below the room near, so that one more and one less do not move all of them.
        if far.len() <= NEAR / 2 {
            shelf.near[..far.len()].copy_from_slice(far);
            far.clear();
            self.free.push(shelf.far);
            shelf.far = NO_SHELF;
        }
        Some(position)
    }
}

/// Where the holdings of accounts are.
#[derive(Clone, Debug)]
enum Directory {
    Whole(Shelves),
    /// Only these are known.
    Partial(BTreeMap<HoldingKey, u32>),
}

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

/// The table of holdings.
#[derive(Clone, Debug)]
pub(crate) struct Holdings {
    cells: Vec<HoldingCell>,
    free: Vec<u32>,
    directory: Directory,
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
            recent: [0; RECENT],
            of_orders: Vec::new(),
            directory: Directory::Whole(Shelves::default()),
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

    /// Reads an account's directory and says nothing of it; see [`super::ahead`].
    #[inline(always)]
    pub(crate) fn glance(&self, account: AccountId) -> u32 {
        match &self.directory {
            Directory::Whole(shelves) => {
                shelves.shelves.get(index(account.0)).map_or(0, |shelf| shelf.count)
            }
            Directory::Partial(_) => 0,
        }
    }

    /// Looks a holding up for the next touch and reads it.
    #[inline(always)]
    pub(crate) fn glance_at(&mut self, key: HoldingKey) -> u32 {
        let Some(position) = self.find(key) else { return 0 };
        self.remember(key, position);
        self.cells.get(position).map_or(0, |cell| cell.stamp)
    }

    /// Reads the holding of the order in a slot.
    #[inline(always)]
    pub(crate) fn glance_of_order(&self, slot: u32) -> u32 {
        self.cells.get(self.of_order(slot)).map_or(0, |cell| cell.stamp)
    }

    /// Touches a holding; gives where it is until the checkpoint, for [`Self::at`].
    #[inline]
    pub(crate) fn position(&mut self, key: HoldingKey) -> Touch<usize> {
        let mut position = self.guess(key);
        if self.cells.get(position).is_none_or(|cell| cell.key != key) {
            position = match self.find(key) {
                Some(position) => position,
                None => self.make(key)?,
            };
            self.remember(key, position);
        }
        let cell = &mut self.cells[position];
        if cell.stamp != self.log.epoch {
            cell.stamp = self.log.epoch;
            self.log.note(key, &cell.value);
        }
        Ok(position)
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

    /// A holding that [`Self::position`] has touched.
    #[inline]
    pub(crate) fn at(&mut self, position: usize) -> &mut Option<Holding> {
        &mut self.cells[position].value
    }

    #[inline]
    fn find(&self, key: HoldingKey) -> Option<usize> {
        match &self.directory {
            Directory::Whole(shelves) => shelves.find(key).map(index),
            Directory::Partial(known) => known.get(&key).map(|position| index(*position)),
        }
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
        let Some(position) = self.find(key) else { return };
        if self.cells[position].value.is_some() {
            return;
        }
        let Directory::Whole(shelves) = &mut self.directory else { return };
        self.cells[position].key = NOBODY;
        self.free.extend(shelves.remove(key));
    }

    #[cold]
    fn make(&mut self, key: HoldingKey) -> Touch<usize> {
        match self.directory {
            Directory::Whole(_) => {
                self.loose.push(key);
                Ok(self.place(key))
            }
            Directory::Partial(_) => Err(Missing::leaf(key)),
        }
    }

    fn place(&mut self, key: HoldingKey) -> usize {
        if let Some(position) = self.find(key) {
            return position;
        }
        let position = self.free.pop().unwrap_or_else(|| {
            self.cells.push(EMPTY);
            u32::try_from(self.cells.len() - 1).unwrap_or(u32::MAX)
        });
        self.cells[index(position)] = HoldingCell { key, ..EMPTY };
        match &mut self.directory {
            Directory::Whole(shelves) => shelves.insert(key, position),
            Directory::Partial(known) => {
                known.insert(key, position);
            }
        }
        index(position)
    }

    /// The instruments in which `account` has a holding, ascending; `count` is how many the
    /// account itself says there are.
    pub(crate) fn instruments(&self, account: AccountId, count: u32) -> Touch<Vec<InstrumentId>> {
        let mut found = Vec::with_capacity(index(count));
        let mut show = |instrument: InstrumentId, position: u32| {
            if self.cells[index(position)].value.is_some() {
                found.push(instrument);
            }
        };
        match &self.directory {
            Directory::Whole(shelves) => {
                for (instrument, position) in shelves.of(account.0) {
                    show(InstrumentId(*instrument), *position);
                }
            }
            Directory::Partial(known) => {
                let from = HoldingKey { account, instrument: InstrumentId(0) };
                let to = HoldingKey { account, instrument: InstrumentId(u32::MAX) };
                for (key, position) in known.range(from..=to) {
                    show(key.instrument, *position);
                }
            }
        }
        if found.len() != index(count) {
            assert!(
                matches!(self.directory, Directory::Partial(_)),
                "an account's count of holdings is right"
            );
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
        let mut show = |key: HoldingKey, position: u32| {
            if let Some(value) = &self.cells[index(position)].value {
                visit(key, value);
            }
        };
        match &self.directory {
            Directory::Whole(shelves) => {
                for (account, _) in (0..).zip(&shelves.shelves) {
                    for (instrument, position) in shelves.of(account) {
                        let key = HoldingKey {
                            account: AccountId(account),
                            instrument: InstrumentId(*instrument),
                        };
                        show(key, *position);
                    }
                }
            }
            Directory::Partial(known) => {
                known.iter().for_each(|(key, position)| show(*key, *position));
            }
        }
    }

    fn log(&mut self) -> &mut Log<HoldingKey, Holding> {
        &mut self.log
    }

    fn make_partial(&mut self) {
        assert!(self.cells.is_empty(), "a table becomes partial before it holds anything");
        self.directory = Directory::Partial(BTreeMap::new());
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
