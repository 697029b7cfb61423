//! Where each booked order stands in its level's queue: a leaf of its own, kept apart from the
//! order so that leaving and joining a queue touch a few bytes of a small array instead of whole
//! neighbouring orders, which are seldom in the cache.

use super::key::PlaceKey;
use super::leaves::QueuePlace;
use super::table::{Log, Missing, NO_HINT, Table, Touch, index};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// Says that an order is in no queue.
const NOWHERE: u32 = u32::MAX - 1;

/// A place with the mark of its last touch, and a hint where its level is.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
struct LinkCell {
    stamp: u32,
    hint: u32,
    place: QueuePlace,
}

const EMPTY: LinkCell =
    LinkCell { stamp: 0, hint: NO_HINT, place: QueuePlace { next: NOWHERE, previous: NOWHERE } };

impl LinkCell {
    #[inline(always)]
    fn value(&self) -> Option<QueuePlace> {
        if self.place.next == NOWHERE { None } else { Some(self.place) }
    }
}

/// The table of queue places, by slot.
#[derive(Clone, Debug, Default)]
pub(crate) struct Links {
    cells: Vec<LinkCell>,
    known: Option<BTreeMap<u32, LinkCell>>,
    log: Log<PlaceKey, QueuePlace>,
}

impl Links {
    #[inline(always)]
    fn cell(&mut self, key: PlaceKey) -> Touch<&mut LinkCell> {
        let position = index(key.0.0);
        let epoch = self.log.epoch;
        if self.cells.get(position).is_none_or(|cell| cell.stamp != epoch) {
            return self.cell_first(key);
        }
        Ok(&mut self.cells[position])
    }

    #[inline(never)]
    fn cell_first(&mut self, key: PlaceKey) -> Touch<&mut LinkCell> {
        let epoch = self.log.epoch;
        let cell = if self.known.is_some() {
            let found = self.known.as_mut().and_then(|known| known.get_mut(&key.0.0));
            let Some(cell) = found else { return Err(Missing::leaf(key)) };
            cell
        } else {
            let position = index(key.0.0);
            if position >= self.cells.len() {
                self.cells.resize(position + 1, EMPTY);
            }
            &mut self.cells[position]
        };
        if cell.stamp != epoch {
            cell.stamp = epoch;
            if self.log.recording {
                self.log.touched.push((key, cell.value()));
            }
        }
        Ok(cell)
    }

    /// The place of a booked order, for reading and writing.
    #[inline(always)]
    pub(crate) fn place(&mut self, key: PlaceKey) -> Touch<&mut QueuePlace> {
        let partial = self.known.is_some();
        let cell = self.cell(key)?;
        if cell.place.next == NOWHERE {
            assert!(partial, "a booked order has a place in its queue");
            return Err(Missing::leaf(key));
        }
        Ok(&mut cell.place)
    }

    /// Gives an order a place, with a hint where its level is.
    #[inline(always)]
    pub(crate) fn put(&mut self, key: PlaceKey, place: QueuePlace, hint: u32) -> Touch<()> {
        let cell = self.cell(key)?;
        assert!(cell.place.next == NOWHERE, "an order stands in one queue");
        cell.place = place;
        cell.hint = hint;
        Ok(())
    }

    /// Takes an order's place away; gives it with the hint.
    #[inline(always)]
    pub(crate) fn take(&mut self, key: PlaceKey) -> Touch<(QueuePlace, u32)> {
        let partial = self.known.is_some();
        let cell = self.cell(key)?;
        if cell.place.next == NOWHERE {
            assert!(partial, "a booked order has a place in its queue");
            return Err(Missing::leaf(key));
        }
        let taken = (cell.place, cell.hint);
        cell.place.next = NOWHERE;
        cell.hint = NO_HINT;
        Ok(taken)
    }

    /// The hint beside a place.
    #[inline(always)]
    pub(crate) fn hint(&self, key: PlaceKey) -> u32 {
        self.cells.get(index(key.0.0)).map_or(NO_HINT, |cell| cell.hint)
    }

    /// The slots beside a place, and its hint; see [`super::ahead`].
    #[inline(always)]
    pub(crate) fn glance(&self, key: PlaceKey) -> (u32, u32, u32) {
        let cell = self.cells.get(index(key.0.0));
        cell.map_or((NOWHERE, NOWHERE, NO_HINT), |cell| {
            (cell.place.next, cell.place.previous, cell.hint)
        })
    }

    /// Makes room for `count` places.
    pub(crate) fn reserve(&mut self, count: u32) {
        self.cells.reserve(index(count));
    }
}

impl Table for Links {
    type Key = PlaceKey;
    type Value = QueuePlace;

    fn peek(&self, key: PlaceKey) -> Option<&QueuePlace> {
        let cell = match &self.known {
            Some(known) => known.get(&key.0.0)?,
            None => self.cells.get(index(key.0.0))?,
        };
        (cell.place.next != NOWHERE).then_some(&cell.place)
    }

    fn restore(&mut self, key: PlaceKey, value: Option<QueuePlace>) {
        let cell = value.map_or(EMPTY, |place| LinkCell { place, ..EMPTY });
        if let Some(known) = &mut self.known {
            known.insert(key.0.0, cell);
            return;
        }
        let position = index(key.0.0);
        if position >= self.cells.len() {
            self.cells.resize(position + 1, EMPTY);
        }
        self.cells[position] = cell;
    }

    fn each(&self, visit: &mut dyn FnMut(PlaceKey, &QueuePlace)) {
        let mut show = |number: u32, cell: &LinkCell| {
            if cell.place.next != NOWHERE {
                visit(PlaceKey(super::key::Slot(number)), &cell.place);
            }
        };
        match &self.known {
            Some(known) => known.iter().for_each(|(number, cell)| show(*number, cell)),
            None => (0..).zip(&self.cells).for_each(|(number, cell)| show(number, cell)),
        }
    }

    fn log(&mut self) -> &mut Log<PlaceKey, QueuePlace> {
        &mut self.log
    }

    fn make_partial(&mut self) {
        assert!(self.cells.is_empty(), "a table becomes partial before it holds anything");
        self.known = Some(BTreeMap::new());
    }
}
