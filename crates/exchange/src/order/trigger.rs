//! Sleeping orders: stops, takes and trailing stops (M2).
use super::admission::Admitted;
use crate::engine::Exchange;
use crate::state::Outcome;
use crate::state::leaves::Order;
use lockstep_types::ids::{AccountId, LinkId, OrderId, SignerId};
use lockstep_types::order::{Amend, NewOrder};

impl Exchange {
    /// Accepts an order with a trigger: it sleeps until [`Self::wake_triggers`] finds its price.
    pub(crate) fn put_to_sleep(
        &mut self,
        account: AccountId,
        signer: SignerId,
        new: &NewOrder,
        admitted: &Admitted,
        link: LinkId,
    ) -> Outcome<OrderId> {
        let _ = (account, signer, new, admitted, link);
        Ok(OrderId(0))
    }
    /// Takes a sleeping order out of the trigger indexes (its extra is still there).
    pub(crate) fn unsleep(&mut self, order: &Order) -> Outcome<()> {
        let _ = order;
        Ok(())
    }
    pub(crate) fn amend_sleeping(&mut self, order: &Order, amend: &Amend) -> Outcome<()> {
        let _ = (order, amend);
        Ok(())
    }
    pub(crate) fn wake_triggers(&mut self) -> Outcome<()> {
        Ok(())
    }
}
