//! Where in memory a numbered leaf lives. Not part of the state: two machines may differ.

use super::table::index;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// No place.
const NOWHERE: u32 = u32::MAX;

/// A map from a leaf's number to its position in an array.
#[derive(Clone, Debug)]
pub(crate) enum Places {
    /// The number is the position.
    Identity,
    /// Positions of dead numbers are used again.
    Recycled {
        /// Position of each number, or [`NOWHERE`].
        of: Vec<u32>,
        /// Positions without a number.
        free: Vec<u32>,
    },
    /// Only these numbers are known: the table is partial.
    Known(BTreeMap<u32, u32>),
}

impl Places {
    pub(crate) fn recycling() -> Self {
        Self::Recycled { of: Vec::new(), free: Vec::new() }
    }

    pub(crate) fn partial(&self) -> bool {
        matches!(self, Self::Known(_))
    }

    /// Where `number` lives; under `Identity` the position may lie beyond the array.
    #[inline]
    pub(crate) fn find(&self, number: u32) -> Option<usize> {
        match self {
            Self::Identity => Some(index(number)),
            Self::Recycled { of, .. } => {
                of.get(index(number)).filter(|place| **place != NOWHERE).map(|place| index(*place))
            }
            Self::Known(known) => known.get(&number).map(|place| index(*place)),
        }
    }

    /// Where `number` lives from now on, in an array of `len`: at most at its end.
    pub(crate) fn make(&mut self, number: u32, len: usize) -> usize {
        if let Some(place) = self.find(number) {
            return place;
        }
        let end = u32::try_from(len).unwrap_or(NOWHERE);
        assert!(end != NOWHERE, "arrays hold fewer than 2^32 leaves");
        let place = match self {
            Self::Identity => number,
            Self::Recycled { of, free } => {
                if index(number) >= of.len() {
                    of.resize(index(number) + 1, NOWHERE);
                }
                let place = free.pop().unwrap_or(end);
                of[index(number)] = place;
                place
            }
            Self::Known(known) => *known.entry(number).or_insert(end),
        };
        index(place)
    }

    /// Frees the position of a dead number.
    pub(crate) fn release(&mut self, number: u32) {
        let Self::Recycled { of, free } = self else { return };
        if let Some(place) = of.get_mut(index(number)).filter(|place| **place != NOWHERE) {
            free.push(*place);
            *place = NOWHERE;
        }
    }

    /// Every number with its position, ascending.
    pub(crate) fn each(&self, len: usize, visit: &mut dyn FnMut(u32, usize)) {
        match self {
            Self::Identity => (0..u32::try_from(len).unwrap_or(NOWHERE))
                .for_each(|number| visit(number, index(number))),
            Self::Recycled { of, .. } => {
                for (number, place) in (0..).zip(of) {
                    if *place != NOWHERE {
                        visit(number, index(*place));
                    }
                }
            }
            Self::Known(known) => {
                known.iter().for_each(|(number, place)| visit(*number, index(*place)));
            }
        }
    }
}
