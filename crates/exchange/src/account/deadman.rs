//! The dead-man switch (A5), and everything else that happens at a time.

use crate::engine::Exchange;
use crate::state::Outcome;
use crate::state::key::IndexId;
use lockstep_types::command::CancelScope;
use lockstep_types::event::{CancelReason, Event};
use lockstep_types::ids::AccountId;
use lockstep_types::reject::{Reject, RejectCode};
use lockstep_types::units::TimeMs;

/// Switches that fire in one block at most; the rest fire in the next (L7).
pub const SWITCHES_PER_BLOCK: usize = 256;

impl Exchange {
    /// Sets, moves or disarms the switch.
    pub(crate) fn schedule_cancel(
        &mut self,
        account: AccountId,
        at: Option<TimeMs>,
    ) -> Outcome<()> {
        let now = self.state.totals()?.time;
        if let Some(time) = at
            && time <= now
        {
            return Err(Reject::beyond(RejectCode::DeadManTooSoon, time.0, now.0).into());
        }
        self.arm(account, at.unwrap_or(TimeMs::ZERO))?;
        self.events.push(Event::CancelScheduled { account, at });
        Ok(())
    }

    /// Moves the switch to `at`; 0 disarms.
    fn arm(&mut self, account: AccountId, at: TimeMs) -> Outcome<()> {
        let item = u64::from(account.0);
        let record = self.state.account(account)?;
        let before = core::mem::replace(&mut record.dead_man, at);
        if before.0 != 0 {
            self.state.entries.remove(IndexId::DeadMan, before.0, item)?;
        }
        if at.0 != 0 {
            self.state.entries.insert(IndexId::DeadMan, at.0, item)?;
        }
        Ok(())
    }

    /// Ends orders whose time has come and fires dead-man switches.
    pub(crate) fn run_timers(&mut self) -> Outcome<()> {
        let now = self.state.totals()?.time;
        let due = self.state.entries.up_to(IndexId::DeadMan, now.0, SWITCHES_PER_BLOCK)?;
        for (_, item) in due {
            let account = AccountId(u32::try_from(item).unwrap_or(u32::MAX));
            self.arm(account, TimeMs::ZERO)?;
            self.end_orders(account, CancelScope::Account, CancelReason::DeadMan)?;
        }
        self.end_timed_orders()
    }
}
