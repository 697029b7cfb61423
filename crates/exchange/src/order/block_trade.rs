//! Block trades: several parties, several legs, whole or not at all (M11).
use crate::engine::Exchange;
use crate::state::Outcome;
use lockstep_types::command::{BlockTerms, Consent, UserCommand};

impl Exchange {
    pub(crate) fn block_trade(
        &mut self,
        sender: &UserCommand,
        terms: &BlockTerms,
        consents: &[Consent],
    ) -> Outcome<()> {
        let _ = (sender, terms, consents);
        Ok(())
    }
}
