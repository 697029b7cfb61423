//! Linked orders: OCO, OTO, OTOCO (M3).
use crate::engine::Exchange;
use crate::state::Outcome;
use crate::state::leaves::Order;
use lockstep_types::command::LinkKind;
use lockstep_types::event::CancelReason;
use lockstep_types::ids::{AccountId, LinkId, OrderId, SignerId};
use lockstep_types::order::NewOrder;

impl Exchange {
    pub(crate) fn place_linked(
        &mut self,
        account: AccountId,
        signer: SignerId,
        kind: LinkKind,
        orders: &[NewOrder],
    ) -> Outcome<()> {
        let _ = (account, signer, kind, orders);
        Ok(())
    }
    /// A resting order with an extra was filled by `lots`; `rest` is what it is now. Drops its
    /// extra when nothing is left, and tells its link.
    pub(crate) fn order_filled(&mut self, before: &Order, rest: &Order, lots: u32) -> Outcome<()> {
        let link = match rest.left {
            0 => self.drop_extra(before)?,
            _ => LinkId(0),
        };
        let _ = (link, lots);
        Ok(())
    }
    /// An order of a link ended unfilled.
    pub(crate) fn link_ended(
        &mut self,
        order: OrderId,
        link: LinkId,
        reason: CancelReason,
    ) -> Outcome<()> {
        let _ = (order, link, reason);
        Ok(())
    }
    /// An incoming order that belongs to `link` (0: none) is gone: wholly filled (`left` 0) or its
    /// rest cancelled, after taking `filled` lots.
    pub(crate) fn link_taker_done(
        &mut self,
        order: &Order,
        link: LinkId,
        filled: u32,
    ) -> Outcome<()> {
        let _ = (order, link, filled);
        Ok(())
    }
    /// An incoming order of `link` took `filled` lots and now rests.
    pub(crate) fn link_partly_filled(
        &mut self,
        order: OrderId,
        link: LinkId,
        filled: u32,
    ) -> Outcome<()> {
        let _ = (order, link, filled);
        Ok(())
    }
}
