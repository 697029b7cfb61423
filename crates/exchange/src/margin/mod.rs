//! Margin: one interface, two models (R1, R2, A6).
use crate::engine::Exchange;
use crate::order::admission::Admitted;
use crate::state::Outcome;
use crate::state::leaves::Order;
use lockstep_types::ids::AccountId;
use lockstep_types::order::NewOrder;
use lockstep_types::params::MarginRegime;

impl Exchange {
    pub(crate) fn check_margin(
        &mut self,
        account: AccountId,
        new: &NewOrder,
        admitted: &Admitted,
    ) -> Outcome<()> {
        let _ = (account, new, admitted);
        Ok(())
    }
    /// Whether the maker of a resting order can carry a fill of `lots`.
    #[inline]
    pub(crate) fn maker_can_fill(&mut self, maker: &Order, lots: u32) -> Outcome<bool> {
        if self.state.venue()?.margin == MarginRegime::Off {
            return Ok(true);
        }
        let _ = (maker, lots);
        Ok(true)
    }
}
