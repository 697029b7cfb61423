//! Batches: up to 100 steps under one signature, each with its own result (L3).
use crate::engine::Exchange;
use crate::state::{Fault, Outcome};
use lockstep_types::command::BatchItem;
use lockstep_types::ids::{AccountId, SignerId};

impl Exchange {
    /// Runs the items in order; a refused one does not stop the others.
    pub(crate) fn batch(
        &mut self,
        account: AccountId,
        signer: SignerId,
        items: &[BatchItem],
    ) -> Outcome<()> {
        for (item, step) in (0..).zip(items) {
            self.item = item;
            let done = match step {
                BatchItem::Place(order) => self.place(account, signer, order),
                BatchItem::Amend(amend) => self.amend(account, amend),
                BatchItem::Cancel(target) => self.cancel(account, target),
            };
            match done {
                Err(Fault::Reject(reject)) => self.reject(account, *reject),
                other => other?,
            }
        }
        Ok(())
    }
}
