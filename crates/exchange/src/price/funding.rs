//! Funding (P6).
use crate::engine::Exchange;
use crate::state::{Outcome, State};
use lockstep_types::ids::{AccountId, InstrumentId};
use lockstep_types::units::Price;

impl State {
    /// Cumulative funding of a perpetual; zero for anything else.
    pub(crate) fn funding_index(&mut self, instrument: InstrumentId) -> Outcome<Price> {
        let _ = instrument;
        Ok(Price::ZERO)
    }
}

impl Exchange {
    /// Pays what an account owes or is owed on a perpetual since it was last paid.
    pub(crate) fn pay_funding(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
    ) -> Outcome<()> {
        let _ = (account, instrument);
        Ok(())
    }
}
