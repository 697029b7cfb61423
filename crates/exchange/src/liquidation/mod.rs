//! Liquidation, steps one and two of the waterfall (R2, R3).
use crate::engine::Exchange;
use crate::state::Outcome;

impl Exchange {
    pub(crate) fn sweep_accounts(&mut self) -> Outcome<()> {
        Ok(())
    }
}
