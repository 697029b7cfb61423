//! Tables of leaves: storage that remembers what a block has touched.
//!
//! Every piece of the exchange's state is a *leaf*: a key and a value. A leaf is reached for
//! reading and writing alike through `touch`, which on the first touch after a checkpoint copies
//! its value into the table's log. That one copy is the pre-image that undo, witness, diff and
//! commitment all come from (see [`super::journal`]). A stamp beside each value tells whether it
//! was touched already, so that the common case is one compare on a cache line that is needed
//! anyway; with recording off nothing is ever copied.
//!
//! A table is *whole* (a key without a value is known to be absent) or *partial* (only the leaves
//! of a witness are known; touching any other is [`Missing`], never "absent").
//!
//! Deliberately absent: reading without touching in the transition code (`peek` is for queries
//! from outside), and iteration order other than by key.

use super::key::LeafKey;
use super::places::Places;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use lockstep_types::reject::Reject;

/// Why a step of the engine stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The command breaks a rule; nothing has changed. Boxed, so that results return in registers:
    /// most commands are taken.
    Reject(Box<Reject>),
    /// The state is partial and lacks this leaf: the witness does not fit the commands. The engine
    /// must be dropped.
    Missing(Box<LeafKey>),
}

/// A partial state was asked for a leaf that it does not know. On its own a thin pointer, so that
/// the hot paths, which can fail in no other way, return in registers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing(pub Box<LeafKey>);

impl Missing {
    /// The leaf `key` is not known.
    #[cold]
    pub(crate) fn leaf(key: impl Key) -> Self {
        Self(Box::new(key.leaf_key()))
    }
}

impl From<Missing> for Fault {
    fn from(missing: Missing) -> Self {
        Self::Missing(missing.0)
    }
}

/// What touching a leaf gives back.
pub type Touch<T> = Result<T, Missing>;

impl From<Reject> for Fault {
    #[cold]
    fn from(reject: Reject) -> Self {
        Self::Reject(Box::new(reject))
    }
}

impl core::fmt::Display for Fault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Reject(reject) => reject.fmt(f),
            Self::Missing(key) => write!(f, "the witness lacks the leaf {key:?}"),
        }
    }
}

impl core::error::Error for Fault {}

/// What a step of the engine gives back.
pub type Outcome<T> = Result<T, Fault>;

/// The position of a dense key in memory.
#[inline]
pub(crate) fn index(key: u32) -> usize {
    usize::try_from(key).unwrap_or(usize::MAX)
}

/// A key that a table can be asked for.
pub trait Key: Copy + Ord {
    /// The key of the leaf in the whole state.
    fn leaf_key(&self) -> LeafKey;
}

/// A value with the mark of its last touch. Stamp 0: not touched since it was loaded. Aligned to a
/// cache line, so that touching a leaf of up to 60 bytes fetches one line, not two.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub(crate) struct Cell<T> {
    pub(crate) stamp: u32,
    pub(crate) value: Option<T>,
}

/// No hint where in memory something is. Hints are no part of the state.
pub(crate) const NO_HINT: u32 = u32::MAX;

impl<T> Default for Cell<T> {
    fn default() -> Self {
        Self { stamp: 0, value: None }
    }
}

/// The pre-images of everything touched since the last checkpoint, in order of first touch.
#[derive(Clone, Debug)]
pub(crate) struct Log<K, T> {
    /// Stamp of what was touched since the checkpoint; never 0.
    pub(crate) epoch: u32,
    pub(crate) recording: bool,
    pub(crate) touched: Vec<(K, Option<T>)>,
}

impl<K, T> Default for Log<K, T> {
    fn default() -> Self {
        Self { epoch: 1, recording: false, touched: Vec::new() }
    }
}

impl<K: Copy, T: Clone> Log<K, T> {
    /// Notes the first touch of a leaf since the checkpoint.
    #[inline]
    pub(crate) fn note(&mut self, key: K, value: &Option<T>) {
        if self.recording {
            self.touched.push((key, value.clone()));
        }
    }

    /// Starts a new checkpoint and hands out the old log.
    pub(crate) fn take(&mut self) -> Vec<(K, Option<T>)> {
        self.advance();
        core::mem::take(&mut self.touched)
    }

    /// Starts a new checkpoint and forgets the old log, keeping its memory.
    pub(crate) fn forget(&mut self) {
        if self.recording {
            self.advance();
            self.touched.clear();
        }
    }

    fn advance(&mut self) {
        assert!(self.epoch < u32::MAX, "checkpoints are counted in 32 bits; reload the state");
        self.epoch += 1;
    }
}

/// What every kind of table can do; the transition code uses the inherent methods instead.
pub(crate) trait Table {
    type Key: Key;
    type Value: Clone + PartialEq;

    /// The value now, without touching.
    fn peek(&self, key: Self::Key) -> Option<&Self::Value>;
    /// Sets the value behind the log's back: undo and loading. `None` makes it known as absent.
    fn restore(&mut self, key: Self::Key, value: Option<Self::Value>);
    /// Every leaf, in no particular order.
    fn each(&self, visit: &mut dyn FnMut(Self::Key, &Self::Value));
    /// The log.
    fn log(&mut self) -> &mut Log<Self::Key, Self::Value>;
    /// Makes this (empty) table partial: only restored leaves will be known.
    fn make_partial(&mut self);
    /// Called with every leaf touched since the last checkpoint, to drop what is absent.
    fn sweep(&mut self, key: Self::Key) {
        let _ = key;
    }
    /// Called at the start of every block, to drop what is absent where no log tells of it.
    fn tidy(&mut self) {}
}

/// A table with small dense keys: an array. With `RECYCLES`, keys are never used again once their
/// leaf is deleted, and its memory is used for another; otherwise a key's number is its position.
#[derive(Clone, Debug)]
pub(crate) struct Dense<K, T, const RECYCLES: bool = false> {
    /// The leaves of a whole table.
    cells: Vec<Cell<T>>,
    /// Where the leaves of a recycling table are.
    places: Places,
    /// The leaves of a partial table.
    known: Option<BTreeMap<u32, Cell<T>>>,
    log: Log<K, T>,
}

impl<K, T, const RECYCLES: bool> Default for Dense<K, T, RECYCLES> {
    fn default() -> Self {
        Self { cells: Vec::new(), places: Places::default(), known: None, log: Log::default() }
    }
}

/// A dense key as a number and back.
pub(crate) trait DenseKey: Key {
    fn number(self) -> u32;
    fn of(number: u32) -> Self;
}

impl<K: DenseKey, T: Clone, const RECYCLES: bool> Dense<K, T, RECYCLES> {
    /// The leaf's value for reading and writing; `None` is absence, and setting `None` deletes.
    #[inline(always)]
    pub(crate) fn touch(&mut self, key: K) -> Touch<&mut Option<T>> {
        let position = self.position(key);
        let epoch = self.log.epoch;
        if self.cells.get(position).is_none_or(|cell| cell.stamp != epoch) {
            return self.touch_first(key, position);
        }
        Ok(&mut self.cells[position].value)
    }

    /// Touching what was not touched since the checkpoint, or is not in the array: out of line,
    /// which keeps the many places small that touch a leaf.
    #[inline(never)]
    fn touch_first(&mut self, key: K, position: usize) -> Touch<&mut Option<T>> {
        if position >= self.cells.len() {
            return self.touch_elsewhere(key);
        }
        let cell = &mut self.cells[position];
        cell.stamp = self.log.epoch;
        self.log.note(key, &cell.value);
        Ok(&mut cell.value)
    }

    /// Touching what is not in the array: the table is partial, or the array grows.
    #[cold]
    fn touch_elsewhere(&mut self, key: K) -> Touch<&mut Option<T>> {
        if self.known.is_some() {
            let found = self.known.as_mut().and_then(|known| known.get_mut(&key.number()));
            let Some(cell) = found else { return Err(Missing::leaf(key)) };
            if cell.stamp != self.log.epoch {
                cell.stamp = self.log.epoch;
                self.log.note(key, &cell.value);
            }
            return Ok(&mut cell.value);
        }
        let position = self.make(key);
        let cell = &mut self.cells[position];
        cell.stamp = self.log.epoch;
        self.log.note(key, &None);
        Ok(&mut cell.value)
    }

    /// How many leaves there is an array for.
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.cells.len()
    }

    /// Reads a leaf without touching it; see [`super::ahead`].
    #[inline(always)]
    pub(crate) fn glance(&self, key: K) -> (u32, Option<&T>) {
        let cell = self.cells.get(self.position(key));
        cell.map_or((0, None), |cell| (cell.stamp, cell.value.as_ref()))
    }

    #[inline(always)]
    fn position(&self, key: K) -> usize {
        if RECYCLES { self.places.find(key.number()) } else { index(key.number()) }
    }

    /// A place for a key that has none, in a whole table.
    fn make(&mut self, key: K) -> usize {
        let position = match RECYCLES {
            true => self.places.make(key.number(), self.cells.len()),
            false => index(key.number()),
        };
        if position >= self.cells.len() {
            self.cells.resize_with(position + 1, Cell::default);
        }
        position
    }

    /// Makes room for `count` leaves, so that memory is taken at the start.
    pub(crate) fn reserve(&mut self, count: u32) {
        self.cells.reserve(index(count));
    }
}

impl<K: DenseKey, T: Clone + PartialEq, const RECYCLES: bool> Table for Dense<K, T, RECYCLES> {
    type Key = K;
    type Value = T;

    fn peek(&self, key: K) -> Option<&T> {
        match &self.known {
            Some(known) => known.get(&key.number())?.value.as_ref(),
            None => self.cells.get(self.position(key))?.value.as_ref(),
        }
    }

    fn restore(&mut self, key: K, value: Option<T>) {
        if let Some(known) = &mut self.known {
            known.insert(key.number(), Cell { value, ..Cell::default() });
            return;
        }
        let position = self.make(key);
        self.cells[position] = Cell { value, ..Cell::default() };
    }

    fn each(&self, visit: &mut dyn FnMut(K, &T)) {
        if let Some(known) = &self.known {
            for (number, cell) in known {
                cell.value.iter().for_each(|value| visit(K::of(*number), value));
            }
            return;
        }
        let mut show = |number: u32, position: usize| {
            if let Some(value) = self.cells.get(position).and_then(|cell| cell.value.as_ref()) {
                visit(K::of(number), value);
            }
        };
        if RECYCLES {
            self.places.each(&mut show);
        } else {
            (0..).zip(0..self.cells.len()).for_each(|(number, position)| show(number, position));
        }
    }

    fn log(&mut self) -> &mut Log<K, T> {
        &mut self.log
    }

    fn make_partial(&mut self) {
        assert!(self.cells.is_empty(), "a table becomes partial before it holds anything");
        self.known = Some(BTreeMap::new());
    }

    fn sweep(&mut self, key: K) {
        if RECYCLES && self.known.is_none() && self.peek(key).is_none() {
            let position = self.places.find(key.number());
            if let Some(cell) = self.cells.get_mut(position) {
                *cell = Cell::default();
            }
            self.places.release(key.number());
        }
    }
}

/// A table with keys of any shape: an ordered map.
#[derive(Clone, Debug)]
pub(crate) struct Sparse<K, T> {
    cells: BTreeMap<K, Cell<T>>,
    log: Log<K, T>,
    partial: bool,
    /// From how many cells on it is worth looking for absent ones.
    tidy_from: usize,
}

/// Cells of a table without a log that may be absent beside as many that are present.
const ABSENT_CELLS_MAX: usize = 1_024;

impl<K, T> Default for Sparse<K, T> {
    fn default() -> Self {
        let (cells, log) = (BTreeMap::new(), Log::default());
        Self { cells, log, partial: false, tidy_from: ABSENT_CELLS_MAX }
    }
}

impl<K: Key, T: Clone> Sparse<K, T> {
    /// The leaf's value for reading and writing; `None` is absence, and setting `None` deletes.
    pub(crate) fn touch(&mut self, key: K) -> Touch<&mut Option<T>> {
        if self.partial && !self.cells.contains_key(&key) {
            return Err(Missing::leaf(key));
        }
        let cell = self.cells.entry(key).or_default();
        if cell.stamp != self.log.epoch {
            cell.stamp = self.log.epoch;
            self.log.note(key, &cell.value);
        }
        Ok(&mut cell.value)
    }
}

#[cfg(test)]
impl<K, T> Sparse<K, T> {
    /// Cells in memory, absent ones included.
    pub(crate) fn cells(&self) -> usize {
        self.cells.len()
    }
}

impl<K: Key, T: Clone + PartialEq> Table for Sparse<K, T> {
    type Key = K;
    type Value = T;

    fn peek(&self, key: K) -> Option<&T> {
        self.cells.get(&key)?.value.as_ref()
    }

    fn restore(&mut self, key: K, value: Option<T>) {
        if value.is_none() && !self.partial {
            self.cells.remove(&key);
        } else {
            self.cells.insert(key, Cell { value, ..Cell::default() });
        }
    }

    fn each(&self, visit: &mut dyn FnMut(K, &T)) {
        for (key, cell) in &self.cells {
            if let Some(value) = &cell.value {
                visit(*key, value);
            }
        }
    }

    fn log(&mut self) -> &mut Log<K, T> {
        &mut self.log
    }

    fn make_partial(&mut self) {
        self.partial = true;
    }

    fn sweep(&mut self, key: K) {
        // What is absent takes no memory after the block that found it absent.
        if !self.partial && self.cells.get(&key).is_some_and(|cell| cell.value.is_none()) {
            self.cells.remove(&key);
        }
    }
    fn tidy(&mut self) {
        if self.log.recording || self.partial || self.cells.len() < self.tidy_from {
            return;
        }
        self.cells.retain(|_, cell| cell.value.is_some());
        self.tidy_from = 2 * self.cells.len() + ABSENT_CELLS_MAX;
    }
}
