//! The table of price levels: pages of 64 ticks, found by arithmetic.
//!
//! A level's key is its tick, so an order finds its level by a few array look-ups. Levels of a side
//! also name their neighbours, best to worst; those links are state and prove a walk, while the
//! bitmaps here only find the place of a new level quickly. Orders far from all others, and pages
//! that have emptied, take next to no memory, so that nobody can make a book large with few orders.

use super::key::LevelKey;
use super::leaves::{Level, NONE};
use super::places::Places;
use super::table::{Log, Missing, Table, Touch, index};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use lockstep_types::ids::InstrumentId;
use lockstep_types::order::Side;

const PAGE_BITS: u32 = 6;
const PAGE_MASK: u32 = (1 << PAGE_BITS) - 1;
const CHUNK_BITS: u32 = 6;
const NO_PAGE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct LevelCell {
    level: Level,
    stamp: u32,
}

const EMPTY: LevelCell = LevelCell {
    level: Level { better: NONE, worse: NONE, head: NONE, tail: NONE, lots: 0 },
    stamp: 0,
};

/// Sixty-four neighbouring ticks. A cell without orders is no level.
#[derive(Clone, Debug)]
#[repr(align(64))]
struct Page {
    cells: [LevelCell; 1 << PAGE_BITS],
}

const EMPTY_PAGE: Page = Page { cells: [EMPTY; 1 << PAGE_BITS] };

/// What is in a page; apart from it, so that those of many pages share a cache line.
#[derive(Clone, Copy, Debug, Default)]
struct Bits {
    /// Which ticks have a level.
    present: u64,
    /// Which of them are known, in a partial table.
    known: u64,
}

/// Which pages 64 neighbouring page numbers have.
#[derive(Clone, Debug)]
struct Chunk {
    /// Pages, or [`NO_PAGE`].
    pages: [u32; 1 << CHUNK_BITS],
    /// Which of them have a level.
    occupied: u64,
}

const EMPTY_CHUNK: Chunk = Chunk { pages: [NO_PAGE; 1 << CHUNK_BITS], occupied: 0 };

/// One side of one book: which pages it has. Two steps deep, so that an order far from all others
/// costs a chunk and not a directory that reaches to it.
#[derive(Clone, Debug, Default)]
struct Ladder {
    /// Where in `chunks` each chunk is, or [`NO_PAGE`].
    directory: Vec<u32>,
    chunks: Vec<Chunk>,
    free_chunks: Vec<u32>,
    /// Which chunks have a page with a level.
    busy: Vec<u64>,
}

/// The chunk of a page, and the page's place there.
const fn chunk_of(number: u32) -> (u32, u32) {
    (number >> CHUNK_BITS, number & ((1 << CHUNK_BITS) - 1))
}

impl Ladder {
    #[inline]
    fn chunk(&self, chunk: u32) -> Option<&Chunk> {
        self.chunks.get(index(*self.directory.get(index(chunk))?))
    }

    /// The page with a number, if there is one.
    #[inline]
    fn page(&self, number: u32) -> Option<usize> {
        let (chunk, low) = chunk_of(number);
        let page = self.chunk(chunk)?.pages[index(low)];
        (page != NO_PAGE).then_some(index(page))
    }

    /// The chunk with a number, made if need be.
    fn make_chunk(&mut self, chunk: u32) -> &mut Chunk {
        let entry = index(chunk);
        if entry >= self.directory.len() {
            self.directory.resize(entry + 1, NO_PAGE);
            self.busy.resize(entry / 64 + 1, 0);
        }
        if self.directory[entry] == NO_PAGE {
            self.directory[entry] = self.free_chunks.pop().unwrap_or_else(|| {
                self.chunks.push(EMPTY_CHUNK);
                u32::try_from(self.chunks.len() - 1).unwrap_or(NO_PAGE)
            });
        }
        &mut self.chunks[index(self.directory[entry])]
    }

    /// Notes that a page has a level.
    fn occupy(&mut self, number: u32) {
        let (chunk, low) = chunk_of(number);
        self.make_chunk(chunk).occupied |= 1 << low;
        self.busy[index(chunk) / 64] |= 1 << (chunk % 64);
    }

    /// Notes that a page has no level any more.
    fn vacate(&mut self, number: u32) {
        let (chunk, low) = chunk_of(number);
        let held = self.make_chunk(chunk);
        held.occupied &= !(1 << low);
        if held.occupied == 0 {
            self.busy[index(chunk) / 64] &= !(1 << (chunk % 64));
        }
    }

    /// Gives a page without levels up, if there is one.
    fn take_page(&mut self, number: u32) -> Option<u32> {
        let (chunk, low) = chunk_of(number);
        let at = *self.directory.get(index(chunk)).filter(|at| **at != NO_PAGE)?;
        let held = &mut self.chunks[index(at)];
        assert!(held.occupied & 1 << low == 0, "its levels are gone");
        let page = core::mem::replace(&mut held.pages[index(low)], NO_PAGE);
        if held.pages == EMPTY_CHUNK.pages {
            self.directory[index(chunk)] = NO_PAGE;
            self.free_chunks.push(at);
        }
        (page != NO_PAGE).then_some(page)
    }

    /// The nearest occupied page above `number`.
    fn above(&self, number: u32) -> Option<u32> {
        let (chunk, low) = chunk_of(number);
        let after = |low: u32| if low == 63 { 0 } else { u64::MAX << (low + 1) };
        let here = self.chunk(chunk).map_or(0, |held| held.occupied & after(low));
        if here != 0 {
            return Some((chunk << CHUNK_BITS) + here.trailing_zeros());
        }
        let mut word = chunk / 64;
        let mut bits = self.busy.get(index(word))? & after(chunk % 64);
        while bits == 0 {
            word += 1;
            bits = *self.busy.get(index(word))?;
        }
        let chunk = word * 64 + bits.trailing_zeros();
        let low = self.chunk(chunk)?.occupied.trailing_zeros();
        Some((chunk << CHUNK_BITS) + low)
    }

    /// The nearest occupied page below `number`.
    fn below(&self, number: u32) -> Option<u32> {
        let (chunk, low) = chunk_of(number);
        let before = |low: u32| (1_u64 << low) - 1;
        let here = self.chunk(chunk).map_or(0, |held| held.occupied & before(low));
        if here != 0 {
            return Some((chunk << CHUNK_BITS) + 63 - here.leading_zeros());
        }
        let last = u32::try_from(self.busy.len()).unwrap_or(NO_PAGE).checked_sub(1)?;
        let mut word = chunk / 64;
        let mut bits = match self.busy.get(index(word)) {
            Some(bits) => bits & before(chunk % 64),
            None => {
                word = last;
                self.busy[index(last)]
            }
        };
        while bits == 0 {
            word = word.checked_sub(1)?;
            bits = self.busy[index(word)];
        }
        let chunk = word * 64 + 63 - bits.leading_zeros();
        let low = 63 - self.chunk(chunk)?.occupied.leading_zeros();
        Some((chunk << CHUNK_BITS) + low)
    }

    /// Every page with its number, ascending.
    fn pages(&self) -> impl Iterator<Item = (u32, u32)> {
        let chunks = (0..).zip(&self.directory).filter(|(_, at)| **at != NO_PAGE);
        chunks.flat_map(|(chunk, at)| {
            let numbers = chunk << CHUNK_BITS..;
            numbers.zip(self.chunks[index(*at)].pages).filter(|(_, page)| *page != NO_PAGE)
        })
    }
}

/// The pages around the touch of one side of one book, in one cache line: a short cut past the
/// directory.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Window {
    first: u32,
    pages: [u32; WINDOW],
}

/// Pages in a window.
const WINDOW: usize = 15;
/// How far before its first use a window begins.
const WINDOW_LEAD: u32 = 7;
const NO_WINDOW: Window = Window { first: 0, pages: [NO_PAGE; WINDOW] };

/// The table of levels.
#[derive(Clone, Debug, Default)]
pub(crate) struct Levels {
    /// Where each instrument's two ladders are: at twice that and the next.
    places: Places,
    /// The same in a partial table, whose instrument numbers may be anything.
    known: Option<BTreeMap<u32, u32>>,
    ladders: Vec<Ladder>,
    windows: Vec<Window>,
    pages: Vec<Page>,
    /// By page.
    bits: Vec<Bits>,
    free_pages: Vec<u32>,
    /// A tick of each page that has emptied.
    emptied: Vec<LevelKey>,
    log: Log<LevelKey, Level>,
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
    /// Where an instrument's ladders are; beyond the array if nowhere.
    #[inline(always)]
    fn place(&self, instrument: u32) -> usize {
        let place = self.places.find(instrument);
        if place < self.windows.len() { place } else { self.known_place(instrument) }
    }

    #[cold]
    fn known_place(&self, instrument: u32) -> usize {
        let known = self.known.as_ref().and_then(|known| known.get(&instrument));
        known.map_or(self.windows.len(), |place| index(*place))
    }

    #[inline(always)]
    fn page(&self, key: LevelKey) -> Option<usize> {
        let side = side_index(key.side);
        let number = key.tick >> PAGE_BITS;
        let ladder = self.place(key.instrument.0).checked_mul(2)? + side;
        let window = self.windows.get(ladder)?;
        let near = index(number.wrapping_sub(window.first));
        match window.pages.get(near) {
            Some(page) if *page != NO_PAGE => Some(index(*page)),
            _ => self.ladders.get(ladder)?.page(number),
        }
    }

    /// Where the cell of a tick is, if its page exists: a hint for [`Self::at`], good as long as
    /// the instrument is listed.
    #[inline(always)]
    pub(crate) fn position(&self, key: LevelKey) -> Option<u32> {
        let page = u32::try_from(self.page(key)?).unwrap_or(NO_PAGE);
        Some((page << PAGE_BITS) + (key.tick & PAGE_MASK))
    }

    /// The level at this tick, if there is one.
    #[inline(always)]
    pub(crate) fn find(&mut self, key: LevelKey) -> Touch<Option<&mut Level>> {
        match self.position(key) {
            Some(position) => self.at(position, key),
            None if self.known.is_some() => Err(Missing::leaf(key)),
            None => Ok(None),
        }
    }

    /// The level at this tick, if there is one, whose position is known.
    #[inline(always)]
    pub(crate) fn at(&mut self, position: u32, key: LevelKey) -> Touch<Option<&mut Level>> {
        debug_assert!(self.position(key) == Some(position), "a hint leads to its own level");
        let page = &mut self.pages[index(position >> PAGE_BITS)];
        let cell = &mut page.cells[index(position & PAGE_MASK)];
        if cell.level.head == NONE {
            let unknown = self.known.is_some()
                && self.bits[index(position >> PAGE_BITS)].known & bit(key.tick) == 0;
            return if unknown { Err(Missing::leaf(key)) } else { Ok(None) };
        }
        if cell.stamp != self.log.epoch {
            cell.stamp = self.log.epoch;
            if self.log.recording {
                self.log.touched.push((key, Some(cell.level)));
            }
        }
        Ok(Some(&mut cell.level))
    }

    /// The level at a position, if there is one; see [`super::ahead`].
    #[inline(always)]
    pub(crate) fn glance(&self, position: u32) -> Option<&Level> {
        let page = self.pages.get(index(position >> PAGE_BITS))?;
        let level = &page.cells[index(position & PAGE_MASK)].level;
        (level.head != NONE).then_some(level)
    }

    /// The level at this tick, which something links to.
    #[inline(always)]
    pub(crate) fn get(&mut self, key: LevelKey) -> Touch<&mut Level> {
        let partial = self.known.is_some();
        match self.find(key)? {
            Some(level) => Ok(level),
            None => {
                assert!(partial, "a level that is linked to is present");
                Err(Missing::leaf(key))
            }
        }
    }

    /// Adds a level; the caller links its neighbours. Gives its position.
    pub(crate) fn put(&mut self, key: LevelKey, level: Level) -> Touch<u32> {
        assert!(self.find(key)?.is_none() && level.head != NONE, "a level is added once");
        let page_index = self.make_page(key);
        let page = &mut self.pages[page_index];
        let cell = &mut page.cells[cell_index(key.tick)];
        if cell.stamp != self.log.epoch {
            cell.stamp = self.log.epoch;
            if self.log.recording {
                self.log.touched.push((key, None));
            }
        }
        cell.level = level;
        self.bits[page_index].present |= bit(key.tick);
        let page = u32::try_from(page_index).unwrap_or(NO_PAGE);
        Ok((page << PAGE_BITS) + (key.tick & PAGE_MASK))
    }

    /// Removes a level that [`Self::get`] has just touched; its neighbours are unlinked already.
    #[inline]
    pub(crate) fn drop_level(&mut self, key: LevelKey) {
        let Some(page) = self.page(key) else { return };
        let cell = &mut self.pages[page].cells[cell_index(key.tick)];
        assert!(cell.stamp == self.log.epoch, "a level is touched before it goes");
        cell.level.head = NONE;
        let bits = &mut self.bits[page];
        bits.present &= !bit(key.tick);
        if bits.present == 0 {
            self.vacate(key);
        }
    }

    fn vacate(&mut self, key: LevelKey) {
        let ladder = self.place(key.instrument.0) * 2 + side_index(key.side);
        if let Some(ladder) = self.ladders.get_mut(ladder) {
            ladder.vacate(key.tick >> PAGE_BITS);
        }
        self.emptied.push(key);
    }

    /// Gives up pages that have emptied. No hint leads there: hints lie beside orders, and an
    /// order's level is present.
    fn drop_emptied(&mut self) {
        let mut emptied = core::mem::take(&mut self.emptied);
        for key in emptied.drain(..) {
            self.drop_empty_page(key);
        }
        self.emptied = emptied;
    }

    fn drop_empty_page(&mut self, key: LevelKey) {
        let Some(page) = self.page(key) else { return };
        if self.known.is_some() || self.bits[page].present != 0 {
            return;
        }
        let at = self.place(key.instrument.0) * 2 + side_index(key.side);
        let number = key.tick >> PAGE_BITS;
        self.free_pages.extend(self.ladders[at].take_page(number));
        let window = &mut self.windows[at];
        if let Some(near) = window.pages.get_mut(index(number.wrapping_sub(window.first))) {
            *near = NO_PAGE;
        }
    }

    /// The page of a tick, made if need be, and marked as occupied.
    fn make_page(&mut self, key: LevelKey) -> usize {
        let len = self.ladders.len() / 2;
        let place = match &mut self.known {
            Some(known) => {
                let end = u32::try_from(len).unwrap_or(u32::MAX);
                index(*known.entry(key.instrument.0).or_insert(end))
            }
            None => self.places.make(key.instrument.0, len),
        };
        if place * 2 >= self.ladders.len() {
            self.ladders.resize_with(place * 2 + 2, Ladder::default);
            self.windows.resize(place * 2 + 2, NO_WINDOW);
        }
        let at = place * 2 + side_index(key.side);
        let number = key.tick >> PAGE_BITS;
        let ladder = &mut self.ladders[at];
        ladder.occupy(number);
        let (chunk, low) = chunk_of(number);
        let entry = &mut ladder.make_chunk(chunk).pages[index(low)];
        if *entry == NO_PAGE {
            *entry = self.free_pages.pop().unwrap_or_else(|| {
                self.pages.push(EMPTY_PAGE);
                self.bits.push(Bits::default());
                u32::try_from(self.pages.len() - 1).unwrap_or(NO_PAGE)
            });
        }
        let page = *entry;
        let window = &mut self.windows[at];
        if window.pages == NO_WINDOW.pages {
            window.first = number.saturating_sub(WINDOW_LEAD);
        }
        if let Some(near) = window.pages.get_mut(index(number.wrapping_sub(window.first))) {
            *near = page;
        }
        index(page)
    }

    /// The nearest level better than `key` on its side, if any: where a new one links in.
    ///
    /// In a partial state this is only a guess; the links of what it finds decide.
    pub(crate) fn better_than(&self, key: LevelKey) -> Option<u32> {
        let at = self.place(key.instrument.0) * 2 + side_index(key.side);
        let ladder = self.ladders.get(at)?;
        let present = |number: u32| ladder.page(number).map_or(0, |page| self.bits[page].present);
        let (number, low) = (key.tick >> PAGE_BITS, key.tick & PAGE_MASK);
        if key.side == Side::Buy {
            let here = if low == PAGE_MASK { 0 } else { present(number) & (u64::MAX << (low + 1)) };
            let (number, bits) = match here {
                0 => ladder.above(number).map(|number| (number, present(number)))?,
                _ => (number, here),
            };
            Some((number << PAGE_BITS) + bits.trailing_zeros())
        } else {
            let here = present(number) & ((1 << low) - 1);
            let (number, bits) = match here {
                0 => ladder.below(number).map(|number| (number, present(number)))?,
                _ => (number, here),
            };
            Some((number << PAGE_BITS) + 63 - bits.leading_zeros())
        }
    }

    /// Frees the pages of an instrument that has no levels any more.
    pub(crate) fn release(&mut self, instrument: InstrumentId) {
        if self.known.is_some() {
            return;
        }
        let place = self.place(instrument.0);
        for at in [place * 2, place * 2 + 1] {
            let Some(ladder) = self.ladders.get_mut(at) else { return };
            for (_, page) in ladder.pages() {
                assert!(self.bits[index(page)].present == 0, "its levels are gone");
                // Another instrument may use it within this very run: its stamps go, too.
                self.pages[index(page)] = EMPTY_PAGE;
                self.bits[index(page)] = Bits::default();
                self.free_pages.push(page);
            }
            *ladder = Ladder::default();
            self.windows[at] = NO_WINDOW;
        }
        self.places.release(instrument.0);
    }
}

impl Table for Levels {
    type Key = LevelKey;
    type Value = Level;

    fn peek(&self, key: LevelKey) -> Option<&Level> {
        let page = &self.pages[self.page(key)?];
        let level = &page.cells[cell_index(key.tick)].level;
        (level.head != NONE).then_some(level)
    }

    fn restore(&mut self, key: LevelKey, value: Option<Level>) {
        if value.is_none() && self.known.is_none() && self.page(key).is_none() {
            return;
        }
        let page = self.make_page(key);
        let cell = &mut self.pages[page].cells[cell_index(key.tick)];
        let bits = &mut self.bits[page];
        bits.known |= bit(key.tick);
        match value {
            Some(level) => {
                bits.present |= bit(key.tick);
                cell.level = level;
            }
            None => {
                bits.present &= !bit(key.tick);
                cell.level.head = NONE;
            }
        }
        if bits.present == 0 {
            self.vacate(key);
        }
    }

    fn each(&self, visit: &mut dyn FnMut(LevelKey, &Level)) {
        let mut show = |number: u32, place: usize| {
            let ladders = &self.ladders[place * 2..place * 2 + 2];
            for (side, ladder) in [Side::Buy, Side::Sell].into_iter().zip(ladders) {
                for (page_number, page) in ladder.pages() {
                    let present = self.bits[index(page)].present;
                    for (low, cell) in (0..).zip(&self.pages[index(page)].cells) {
                        if present >> low & 1 == 1 {
                            let tick = (page_number << PAGE_BITS) + low;
                            let instrument = InstrumentId(number);
                            visit(LevelKey { instrument, side, tick }, &cell.level);
                        }
                    }
                }
            }
        };
        match &self.known {
            Some(known) => known.iter().for_each(|(number, at)| show(*number, index(*at))),
            None => self.places.each(&mut show),
        }
    }

    fn log(&mut self) -> &mut Log<LevelKey, Level> {
        &mut self.log
    }

    fn make_partial(&mut self) {
        assert!(self.pages.is_empty(), "a table becomes partial before it holds anything");
        self.known = Some(BTreeMap::new());
    }

    /// A page without levels takes no memory after the block that emptied it.
    fn sweep(&mut self, _: LevelKey) {
        // All at once, at the first: a page empties by a level that is touched.
        self.drop_emptied();
    }

    fn tidy(&mut self) {
        if !self.log.recording {
            self.drop_emptied();
        }
    }
}
