//! Mass quotes (M10).
use crate::engine::Exchange;
use crate::state::Outcome;
use lockstep_types::command::Quote;
use lockstep_types::ids::{AccountId, GroupId, SignerId};

impl Exchange {
    pub(crate) fn mass_quote(
        &mut self,
        account: AccountId,
        signer: SignerId,
        group: GroupId,
        quotes: &[Quote],
    ) -> Outcome<()> {
        let _ = (account, signer, group, quotes);
        Ok(())
    }
}
