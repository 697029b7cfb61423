//! Who may do what: owners, agents and their scopes, nonces (A1, A2, A3).
use crate::engine::Exchange;
use crate::state::Outcome;
use lockstep_types::command::{AgentScope, MarginMode, UserCommand};
use lockstep_types::ids::{AccountId, SignerId};

impl Exchange {
    /// Checks that the signer may send this command, and uses its nonce up. An `early` cancel-all
    /// runs twice in a block: its nonce is used by the first run only.
    pub(crate) fn authorise(&mut self, command: &UserCommand, early: bool) -> Outcome<()> {
        let _ = (command, early);
        Ok(())
    }
    pub(crate) fn create_sub_account(&mut self, owner: SignerId, sub: u8) -> Outcome<()> {
        let _ = (owner, sub);
        Ok(())
    }
    pub(crate) fn register_agent(
        &mut self,
        owner: SignerId,
        key: [u8; 32],
        scope: &AgentScope,
    ) -> Outcome<()> {
        let _ = (owner, key, scope);
        Ok(())
    }
    pub(crate) fn revoke_agent(&mut self, owner: SignerId, key: [u8; 32]) -> Outcome<()> {
        let _ = (owner, key);
        Ok(())
    }
    pub(crate) fn set_margin_mode(&mut self, account: AccountId, mode: MarginMode) -> Outcome<()> {
        let _ = (account, mode);
        Ok(())
    }
}
