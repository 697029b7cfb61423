//! Index and reports (P1, P5), parameters and underlyings.
use crate::engine::Exchange;
use crate::state::key::LeafKey;
use crate::state::leaves::Underlying;
use crate::state::{Fault, Outcome};
use alloc::boxed::Box;
use lockstep_types::command::Report;
use lockstep_types::ids::{ReporterId, UnderlyingId};
use lockstep_types::params::{UnderlyingParams, VenueParams};
use lockstep_types::units::Price;

impl Exchange {
    /// The price state of an underlying that is known to exist.
    pub(crate) fn underlying(&mut self, id: UnderlyingId) -> Outcome<&mut Underlying> {
        match self.state.underlyings.touch(id)? {
            Some(underlying) => Ok(underlying),
            None => {
                assert!(self.state.partial, "an instrument's underlying exists");
                Err(Fault::Missing(Box::new(LeafKey::Underlying(id))))
            }
        }
    }
    pub(crate) fn index_or_zero(&mut self, id: UnderlyingId) -> Outcome<Price> {
        Ok(self.underlying(id)?.index)
    }
    pub(crate) fn set_venue_params(&mut self, params: &VenueParams) -> Outcome<()> {
        let _ = params;
        Ok(())
    }
    pub(crate) fn add_underlying(&mut self, params: &UnderlyingParams) -> Outcome<()> {
        let _ = params;
        Ok(())
    }
    pub(crate) fn set_underlying_params(
        &mut self,
        id: UnderlyingId,
        params: &UnderlyingParams,
    ) -> Outcome<()> {
        let _ = (id, params);
        Ok(())
    }
    pub(crate) fn set_reporter_weight(&mut self, id: ReporterId, weight: u64) -> Outcome<()> {
        let _ = (id, weight);
        Ok(())
    }
    pub(crate) fn report(&mut self, report: &Report) -> Outcome<()> {
        let _ = report;
        Ok(())
    }
    /// Index, staleness, forwards, smiles, marks and funding of every underlying, at this block.
    pub(crate) fn refresh_prices(&mut self) -> Outcome<()> {
        Ok(())
    }
}
