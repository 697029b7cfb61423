//! Where in memory a numbered leaf lives, when numbers are never used again but memory is. Not part
//! of the state: two machines may differ.

use super::table::index;
use alloc::vec::Vec;

/// No place.
const NOWHERE: u32 = u32::MAX;

/// A map from a leaf's number to its position in an array.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    /// Position of each number, or [`NOWHERE`].
    of: Vec<u32>,
    /// Positions without a number.
    free: Vec<u32>,
}

impl Places {
    /// Where `number` lives; beyond any array if it lives nowhere.
    #[inline(always)]
    pub(crate) fn find(&self, number: u32) -> usize {
        index(self.of.get(index(number)).copied().unwrap_or(NOWHERE))
    }

    /// Where `number` lives from now on, in an array of `len`: at most at its end.
    pub(crate) fn make(&mut self, number: u32, len: usize) -> usize {
        let place = self.find(number);
        if place < len {
            return place;
        }
        if index(number) >= self.of.len() {
            self.of.resize(index(number) + 1, NOWHERE);
        }
        let end = u32::try_from(len).unwrap_or(NOWHERE);
        assert!(end != NOWHERE, "arrays hold fewer than 2^32 leaves");
        let place = self.free.pop().unwrap_or(end);
        self.of[index(number)] = place;
        index(place)
    }

    /// Frees the position of a dead number.
    pub(crate) fn release(&mut self, number: u32) {
        if let Some(place) = self.of.get_mut(index(number)).filter(|place| **place != NOWHERE) {
            self.free.push(*place);
            *place = NOWHERE;
        }
    }

    /// Every number with its position, ascending.
    pub(crate) fn each(&self, visit: &mut dyn FnMut(u32, usize)) {
        for (number, place) in (0..).zip(&self.of) {
            if *place != NOWHERE {
                visit(number, index(*place));
            }
        }
    }
}
