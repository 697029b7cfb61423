//! What owners tell the chain: each command goes to the room that does it.

use crate::bridge;
use crate::ledger::Chain;
use lockstep_exchange::Exchange;
use lockstep_types::chain::{ChainCommand, ChainEvent, ChainReject, ChainRejectCode};
use lockstep_types::chain::{Stake, ValidatorKey};
use lockstep_types::envelope::Verifier;
use lockstep_types::ids::{SignerId, ValidatorId};

impl Chain {
    /// Executes a command that the venue has authorised; agents' are refused there.
    ///
    /// # Errors
    /// The rejection; nothing has changed then.
    pub(crate) fn command(
        &mut self,
        exchange: &mut Exchange,
        signer: SignerId,
        command: &ChainCommand,
    ) -> Result<(), ChainReject> {
        match command {
            ChainCommand::Register { key, commission, stake } => {
                check_key(*key)?;
                self.register(signer, *key, *commission, *stake)
            }
            ChainCommand::AddKey { key } => {
                check_key(*key)?;
                self.add_key(signer, *key)
            }
            ChainCommand::RemoveKey { key } => self.remove_key(signer, *key),
            ChainCommand::SetCommission { commission } => self.set_commission(signer, *commission),
            ChainCommand::Delegate { validator, amount } => {
                self.delegate(signer, *validator, *amount)
            }
            ChainCommand::Undelegate { validator, amount } => {
                self.undelegate(signer, *validator, *amount)
            }
            ChainCommand::Collect { validator } => self.collect(exchange, signer, *validator),
            ChainCommand::Unjail => self.unjail(signer),
            ChainCommand::SendStake { to, amount } => {
                self.send_stake(exchange, signer, *to, *amount)
            }
            ChainCommand::Propose(change) => self.propose(exchange, signer, change),
            ChainCommand::Vote { proposal, approve } => self.vote(signer, *proposal, *approve),
            ChainCommand::Faucet { owner, sub, amount, stake } => {
                let gift =
                    bridge::Gift { owner: *owner, sub: *sub, amount: *amount, stake: *stake };
                self.hand_out(exchange, signer, gift)
            }
        }
    }

    fn send_stake(
        &mut self,
        exchange: &Exchange,
        from: SignerId,
        to: [u8; 32],
        amount: Stake,
    ) -> Result<(), ChainReject> {
        let unknown = ChainReject::of(ChainRejectCode::UnknownOwner);
        let to = exchange.signer_of(to).ok_or(unknown)?;
        if amount == Stake::ZERO {
            return Err(ChainReject::amount(ChainRejectCode::BelowMinimum, 0, 1));
        }
        self.take_free(from, amount)?;
        self.add_free(to, amount);
        self.events.push(ChainEvent::StakeSent { from, to, amount });
        Ok(())
    }

    /// The validator of an owner.
    ///
    /// # Errors
    /// `NotValidator`.
    pub(crate) fn validator_of(&self, owner: SignerId) -> Result<ValidatorId, ChainReject> {
        let none = ChainReject::of(ChainRejectCode::NotValidator);
        self.state.owners.get(owner).copied().ok_or(none)
    }
}

/// Refuses a key under which nobody, or everybody, could sign.
pub(crate) fn check_key(key: ValidatorKey) -> Result<(), ChainReject> {
    Verifier::new(key).map(|_| ()).map_err(|_| ChainReject::of(ChainRejectCode::BadKey))
}
