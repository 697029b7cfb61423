//! Fees at the end of a block: the split and the base fee (F2, F3).
use crate::engine::Exchange;
use crate::state::Outcome;

impl Exchange {
    pub(crate) fn close_fees(&mut self) -> Outcome<()> {
        Ok(())
    }
}
