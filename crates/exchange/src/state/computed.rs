//! What is computed of instruments and underlyings and kept for a while: by id, in an array; of a
//! partial state, which knows few instruments of many, in a map.

use super::table::index;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use lockstep_types::ids::{InstrumentId, UnderlyingId};

/// Values by instrument, each with a mark that says when it was computed; 0 is never.
#[derive(Clone, Debug)]
pub(crate) struct Computed<T> {
    all: Vec<(u64, T)>,
    few: Option<BTreeMap<InstrumentId, (u64, T)>>,
}

impl<T> Default for Computed<T> {
    fn default() -> Self {
        Self { all: Vec::new(), few: None }
    }
}

impl<T: Clone + Default> Computed<T> {
    /// For a state of which few instruments are known.
    pub(crate) fn partial() -> Self {
        Self { all: Vec::new(), few: Some(BTreeMap::new()) }
    }

    /// How many instruments there is an array for.
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// What was computed with this mark.
    #[inline]
    pub(crate) fn get(&self, instrument: InstrumentId, mark: u64) -> Option<&T> {
        let (made, value) = match &self.few {
            None => self.all.get(index(instrument.0))?,
            Some(few) => few.get(&instrument)?,
        };
        (*made == mark).then_some(value)
    }

    /// Keeps a value with a mark, which is not 0.
    pub(crate) fn put(&mut self, instrument: InstrumentId, mark: u64, value: T) {
        if let Some(few) = &mut self.few {
            few.insert(instrument, (mark, value));
            return;
        }
        let at = index(instrument.0);
        if at >= self.all.len() {
            self.all.resize(at + 1, (0, T::default()));
        }
        self.all[at] = (mark, value);
    }
}

/// Values by underlying, each with the era of marks that it was computed in.
#[derive(Clone, Debug)]
pub(crate) struct ByUnderlying<T> {
    found: Vec<Option<(u64, T)>>,
}

impl<T> Default for ByUnderlying<T> {
    fn default() -> Self {
        Self { found: Vec::new() }
    }
}

impl<T: Clone> ByUnderlying<T> {
    /// What was computed in this era.
    #[inline]
    pub(crate) fn get(&self, id: UnderlyingId, era: u64) -> Option<&T> {
        let (found, value) = self.found.get(usize::from(id.0))?.as_ref()?;
        (*found == era).then_some(value)
    }

    /// Keeps what was computed in this era.
    pub(crate) fn put(&mut self, id: UnderlyingId, era: u64, value: T) {
        let at = usize::from(id.0);
        if at >= self.found.len() {
            self.found.resize(at + 1, None);
        }
        self.found[at] = Some((era, value));
    }
}
