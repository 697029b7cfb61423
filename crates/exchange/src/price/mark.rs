//! Marks (P3, P4).
use crate::engine::Exchange;
use crate::state::Outcome;
use alloc::vec::Vec;
use lockstep_types::ids::InstrumentId;
use lockstep_types::units::Price;

/// Model prices of options, by instrument, valid within one block and one run of steps.
#[derive(Clone, Debug, Default)]
pub(crate) struct MarkCache {
    generation: u32,
    models: Vec<(u32, Price)>,
}

impl MarkCache {
    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.generation = self.generation.wrapping_add(1);
        if self.generation == 0 {
            self.models.clear();
        }
    }
}

impl Exchange {
    /// The mark of an instrument; `None` before its underlying has had an index.
    pub(crate) fn mark(&mut self, instrument: InstrumentId) -> Outcome<Option<Price>> {
        let _ = instrument;
        Ok(None)
    }
    /// The forward of an option's or future's expiry (a perpetual's: its index).
    pub(crate) fn forward_of(&mut self, instrument: InstrumentId) -> Outcome<Option<Price>> {
        let _ = instrument;
        Ok(None)
    }
}
