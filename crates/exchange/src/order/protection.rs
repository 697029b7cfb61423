//! Market maker protection (M9).
use crate::engine::Exchange;
use crate::state::Outcome;
use crate::state::leaves::{NO_GROUP, Order};
use lockstep_types::command::ProtectionLimits;
use lockstep_types::event::{CancelReason, Trade};
use lockstep_types::ids::{AccountId, GroupId, UnderlyingId};

impl Exchange {
    pub(crate) fn set_protection(
        &mut self,
        account: AccountId,
        underlying: UnderlyingId,
        group: GroupId,
        limits: &ProtectionLimits,
    ) -> Outcome<()> {
        let _ = (account, underlying, group, limits);
        Ok(())
    }
    pub(crate) fn reset_protection(
        &mut self,
        account: AccountId,
        underlying: UnderlyingId,
        group: GroupId,
    ) -> Outcome<()> {
        let _ = (account, underlying, group);
        Ok(())
    }
    /// Refuses a new order of a group that is frozen or not set up.
    pub(crate) fn check_protection(
        &mut self,
        account: AccountId,
        underlying: UnderlyingId,
        group: GroupId,
    ) -> Outcome<()> {
        let _ = (account, underlying, group);
        Ok(())
    }
    /// Counts a fill of a resting order of a group; trips the group if a limit is reached.
    pub(crate) fn count_protection(&mut self, maker: &Order, trade: &Trade) -> Outcome<()> {
        let _ = (maker, trade);
        Ok(())
    }
    /// Whether an incoming order must stop taking, after a fill: its own group has tripped.
    #[inline]
    pub(crate) fn taker_must_stop(&mut self, taker: &Order) -> Outcome<Option<CancelReason>> {
        if taker.group == NO_GROUP {
            return Ok(None);
        }
        Ok(None)
    }
}
