//! The table of price levels: pages of 64 ticks, found by arithmetic.
//!
//! A level's key is its tick, so an order finds its level by two array look-ups. Levels of a side
//! also name their neighbours, best to worst; those links are state and prove a walk, while the
//! bitmaps here only find the place of a new level quickly.

use super::key::LevelKey;
use super::leaves::Level;
use super::places::Places;
use super::table::{Fault, Key, Log, Outcome, Table, index};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use lockstep_types::ids::InstrumentId;
use lockstep_types::order::Side;

const PAGE_BITS: u32 = 6;
const PAGE_MASK: u32 = (1 << PAGE_BITS) - 1;
const NO_PAGE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct LevelCell {
    level: Level,
    stamp: u32,
}

const EMPTY: LevelCell = LevelCell {
    level: Level { better: 0, worse: 0, head: 0, tail: 0, lots: 0, orders: 0 },
    stamp: 0,
};

/// Sixty-four neighbouring ticks.
#[derive(Clone, Debug)]
struct Page {
    /// Which of them have a level.
    present: u64,
    /// Which of them are known, in a partial table.
    known: u64,
    cells: [LevelCell; 1 << PAGE_BITS],
}

const EMPTY_PAGE: Page = Page { present: 0, known: 0, cells: [EMPTY; 1 << PAGE_BITS] };

/// One side of one book: which pages it has.
#[derive(Clone, Debug, Default)]
struct Ladder {
    /// Number of the directory's first page.
    first: u32,
    /// Pages from there on; [`NO_PAGE`] where there is none.
    directory: Vec<u32>,
    /// Which entries of the directory have a page with a level.
    occupied: Vec<u64>,
}

impl Ladder {
    #[inline]
    fn page(&self, tick: u32) -> Option<usize> {
        let entry = index((tick >> PAGE_BITS).wrapping_sub(self.first));
        self.directory.get(entry).filter(|page| **page != NO_PAGE).map(|page| index(*page))
    }

    /// The directory entry of the page of `tick`, made if need be.
    fn entry(&mut self, tick: u32) -> usize {
        let number = tick >> PAGE_BITS;
        if self.directory.is_empty() {
            self.first = number;
        }
        if number < self.first {
            // Grow downwards in whole words of the bitmap, so that they shift as words.
            let words = (self.first - number).div_ceil(64);
            let grown = words * 64;
            if grown > self.first {
                // Down to page 0: rebuild the bitmap, which no longer shifts by whole words.
                return self.rebase(number);
            }
            let mut directory = alloc::vec![NO_PAGE; index(grown)];
            directory.append(&mut self.directory);
            self.directory = directory;
            let mut occupied = alloc::vec![0; index(words)];
            occupied.append(&mut self.occupied);
            self.occupied = occupied;
            self.first -= grown;
        }
        let entry = index(number - self.first);
        if entry >= self.directory.len() {
            self.directory.resize(entry + 1, NO_PAGE);
            self.occupied.resize(entry / 64 + 1, 0);
        }
        entry
    }

    fn rebase(&mut self, number: u32) -> usize {
        let old = core::mem::take(&mut self.directory);
        let shift = index(self.first);
        self.directory = alloc::vec![NO_PAGE; shift];
        self.directory.extend(&old);
        let words = self.directory.len().div_ceil(64);
        let mut occupied = alloc::vec![0_u64; words];
        for entry in 0..old.len() {
            if self.occupied[entry / 64] >> (entry % 64) & 1 == 1 {
                occupied[(entry + shift) / 64] |= 1 << ((entry + shift) % 64);
            }
        }
        self.occupied = occupied;
        self.first = 0;
        index(number)
    }

    /// The nearest occupied directory entry above `entry`.
    fn above(&self, entry: usize) -> Option<usize> {
        let start = entry + 1;
        let mut word = start / 64;
        let mut bits = self.occupied.get(word)? & (u64::MAX << (start % 64));
        loop {
            if bits != 0 {
                return Some(word * 64 + index(bits.trailing_zeros()));
            }
            word += 1;
            bits = *self.occupied.get(word)?;
        }
    }

    /// The nearest occupied directory entry below `entry`.
    fn below(&self, entry: usize) -> Option<usize> {
        let mut word = entry / 64;
        let mut bits = self.occupied.get(word)? & ((1_u64 << (entry % 64)) - 1);
        loop {
            if bits != 0 {
                return Some(word * 64 + index(63 - bits.leading_zeros()));
            }
            word = word.checked_sub(1)?;
            bits = self.occupied[word];
        }
    }
}

/// The table of levels.
#[derive(Clone, Debug)]
pub(crate) struct Levels {
    /// Where each instrument's two ladders are.
    places: Places,
    ladders: Vec<[Ladder; 2]>,
    pages: Vec<Page>,
    free_pages: Vec<u32>,
    log: Log<LevelKey, Level>,
}

impl Default for Levels {
    fn default() -> Self {
        Self {
            places: Places::recycling(),
            ladders: Vec::new(),
            pages: Vec::new(),
            free_pages: Vec::new(),
            log: Log::default(),
        }
    }
}

const fn side_index(side: Side) -> usize {
    match side {
        Side::Buy => 0,
        Side::Sell => 1,
    }
}

const fn bit(tick: u32) -> u64 {
    1 << (tick & PAGE_MASK)
}

#[inline]
fn cell_index(tick: u32) -> usize {
    index(tick & PAGE_MASK)
}

impl Levels {
    #[inline]
    fn page(&self, key: LevelKey) -> Option<usize> {
        let place = self.places.find(key.instrument.0)?;
        self.ladders[place][side_index(key.side)].page(key.tick)
    }

    fn missing(key: LevelKey) -> Fault {
        Fault::Missing(Box::new(key.leaf_key()))
    }

    /// Whether the side has a level at this tick.
    #[inline]
    pub(crate) fn present(&self, key: LevelKey) -> Outcome<bool> {
        let page = self.page(key).map(|page| &self.pages[page]);
        if self.places.partial() && !page.is_some_and(|page| page.known & bit(key.tick) != 0) {
            return Err(Self::missing(key));
        }
        Ok(page.is_some_and(|page| page.present & bit(key.tick) != 0))
    }

    /// The level at this tick, which is present in a whole state.
    #[inline]
    pub(crate) fn get(&mut self, key: LevelKey) -> Outcome<&mut Level> {
        let Some(page) = self.page(key) else { return Err(Self::missing(key)) };
        let page = &mut self.pages[page];
        if page.present & bit(key.tick) == 0 {
            assert!(self.places.partial(), "a level that is linked to is present");
            return Err(Self::missing(key));
        }
        let cell = &mut page.cells[cell_index(key.tick)];
        if cell.stamp != self.log.epoch {
            cell.stamp = self.log.epoch;
            if self.log.recording {
                self.log.touched.push((key, Some(cell.level)));
            }
        }
        Ok(&mut cell.level)
    }

    /// Adds a level; the caller links its neighbours.
    pub(crate) fn put(&mut self, key: LevelKey, level: Level) -> Outcome<()> {
        assert!(!self.present(key)?, "a level is added once");
        let page = self.make_page(key);
        let page = &mut self.pages[page];
        let cell = &mut page.cells[cell_index(key.tick)];
        if cell.stamp != self.log.epoch {
            cell.stamp = self.log.epoch;
            if self.log.recording {
                self.log.touched.push((key, None));
            }
        }
        cell.level = level;
        page.present |= bit(key.tick);
        Ok(())
    }

    /// Removes a level that [`Self::get`] has just touched; its neighbours are unlinked already.
    #[inline]
    pub(crate) fn drop_level(&mut self, key: LevelKey) {
        let Some(page) = self.page(key) else { return };
        let page = &mut self.pages[page];
        assert!(page.cells[cell_index(key.tick)].stamp == self.log.epoch, "touched before");
        page.present &= !bit(key.tick);
        if page.present == 0 {
            self.vacate(key);
        }
    }

    fn vacate(&mut self, key: LevelKey) {
        let Some(place) = self.places.find(key.instrument.0) else { return };
        let ladder = &mut self.ladders[place][side_index(key.side)];
        let entry = index((key.tick >> PAGE_BITS) - ladder.first);
        ladder.occupied[entry / 64] &= !(1 << (entry % 64));
    }

    /// The page of a tick, made if need be, and marked as occupied.
    fn make_page(&mut self, key: LevelKey) -> usize {
        let place = self.places.make(key.instrument.0, self.ladders.len());
        if place >= self.ladders.len() {
            self.ladders.resize_with(place + 1, Default::default);
        }
        let ladder = &mut self.ladders[place][side_index(key.side)];
        let entry = ladder.entry(key.tick);
        ladder.occupied[entry / 64] |= 1 << (entry % 64);
        if ladder.directory[entry] == NO_PAGE {
            ladder.directory[entry] = self.free_pages.pop().unwrap_or_else(|| {
                self.pages.push(EMPTY_PAGE);
                u32::try_from(self.pages.len() - 1).unwrap_or(NO_PAGE)
            });
        }
        index(ladder.directory[entry])
    }

    /// The nearest level better than `key` on its side, if any: where a new one links in.
    ///
    /// In a partial state this is only a guess; the links of what it finds decide.
    pub(crate) fn better_than(&mut self, key: LevelKey) -> Option<u32> {
        let place = self.places.find(key.instrument.0)?;
        let ladder = self.ladders.get_mut(place)?;
        // The directory reaches to the new tick first, so that both walks start inside it.
        let entry = ladder[side_index(key.side)].entry(key.tick);
        let ladder = &self.ladders[place][side_index(key.side)];
        let present = |entry: usize| {
            let page = ladder.directory.get(entry).filter(|page| **page != NO_PAGE);
            page.map_or(0, |page| self.pages[index(*page)].present)
        };
        let tick_of = |entry: usize, low: u32| {
            ((ladder.first + u32::try_from(entry).unwrap_or(NO_PAGE)) << PAGE_BITS) + low
        };
        let low = key.tick & PAGE_MASK;
        if key.side == Side::Buy {
            let here = if low == PAGE_MASK { 0 } else { present(entry) & (u64::MAX << (low + 1)) };
            let (entry, bits) = match here {
                0 => ladder.above(entry).map(|entry| (entry, present(entry)))?,
                _ => (entry, here),
            };
            Some(tick_of(entry, bits.trailing_zeros()))
        } else {
            let here = present(entry) & ((1 << low) - 1);
            let (entry, bits) = match here {
                0 => ladder.below(entry).map(|entry| (entry, present(entry)))?,
                _ => (entry, here),
            };
            Some(tick_of(entry, 63 - bits.leading_zeros()))
        }
    }

    /// Frees the pages of an instrument that has no levels any more.
    pub(crate) fn release(&mut self, instrument: InstrumentId) {
        let Some(place) = self.places.find(instrument.0) else { return };
        if self.places.partial() {
            return;
        }
        for ladder in &mut self.ladders[place] {
            for page in ladder.directory.drain(..).filter(|page| *page != NO_PAGE) {
                assert!(self.pages[index(page)].present == 0, "its levels are gone");
                self.pages[index(page)] = EMPTY_PAGE;
                self.free_pages.push(page);
            }
            *ladder = Ladder::default();
        }
        self.places.release(instrument.0);
    }
}

impl Table for Levels {
    type Key = LevelKey;
    type Value = Level;

    fn peek(&self, key: LevelKey) -> Option<&Level> {
        let page = &self.pages[self.page(key)?];
        (page.present & bit(key.tick) != 0).then(|| &page.cells[cell_index(key.tick)].level)
    }

    fn restore(&mut self, key: LevelKey, value: Option<Level>) {
        if value.is_none() && !self.places.partial() && self.page(key).is_none() {
            return;
        }
        let page = self.make_page(key);
        let page = &mut self.pages[page];
        page.known |= bit(key.tick);
        match value {
            Some(level) => {
                page.present |= bit(key.tick);
                page.cells[cell_index(key.tick)].level = level;
            }
            None => page.present &= !bit(key.tick),
        }
        if page.present == 0 {
            self.vacate(key);
        }
    }

    fn each(&self, visit: &mut dyn FnMut(LevelKey, &Level)) {
        self.places.each(self.ladders.len(), &mut |number, place| {
            for (side, ladder) in [Side::Buy, Side::Sell].into_iter().zip(&self.ladders[place]) {
                for (page_number, page) in (ladder.first..).zip(&ladder.directory) {
                    let Some(page) = self.pages.get(index(*page)) else { continue };
                    for (low, cell) in (0..).zip(&page.cells) {
                        if page.present >> low & 1 == 1 {
                            let tick = (page_number << PAGE_BITS) + low;
                            let instrument = InstrumentId(number);
                            visit(LevelKey { instrument, side, tick }, &cell.level);
                        }
                    }
                }
            }
        });
    }

    fn log(&mut self) -> &mut Log<LevelKey, Level> {
        &mut self.log
    }

    fn make_partial(&mut self) {
        assert!(self.pages.is_empty(), "a table becomes partial before it holds anything");
        self.places = Places::Known(BTreeMap::new());
    }
}
