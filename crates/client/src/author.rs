//! Who signs commands, each under a nonce of its own.
//!
//! Invariant: an author uses no nonce twice, and each is above the one before. By convention it is
//! the clock in milliseconds (rule A3), so that an author that was started again does not meet its
//! own past. Deliberately absent: the clock; whoever signs says what time it is.

use lockstep_types::command::{Command, UserCommand};
use lockstep_types::envelope::{ChainId, SignedCommand, Signer};
use lockstep_types::ids::{AccountId, SignerId};
use lockstep_types::units::{SpanMs, TimeMs};

/// A signer of commands for one account.
pub struct Author {
    signer: Signer,
    chain: ChainId,
    id: SignerId,
    account: AccountId,
    nonce: u64,
}

impl Author {
    /// An author that has signed nothing yet: the state knows its key as `id`.
    #[must_use]
    pub fn new(signer: Signer, chain: ChainId, id: SignerId, account: AccountId) -> Self {
        Self { signer, chain, id, account, nonce: 0 }
    }

    /// The account.
    #[must_use]
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// Signs a command at `time`, good for `valid`.
    pub fn sign(&mut self, command: Command, time: TimeMs, valid: SpanMs) -> SignedCommand {
        self.nonce = time.0.unsigned_abs().max(self.nonce.saturating_add(1));
        let command = UserCommand {
            signer: self.id,
            account: self.account,
            nonce: self.nonce,
            valid_until: Some(time.plus(valid)),
            command,
        };
        self.signer.sign(self.chain, command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_types::chain::ChainCommand;
    use lockstep_types::envelope::Verifier;

    #[test]
    fn nonces_follow_the_clock_and_are_never_used_twice() {
        let signer = Signer::from_seed([7; 32]);
        let (key, chain) = (Verifier::new(signer.public_key()).unwrap(), ChainId([1; 32]));
        let mut author = Author::new(signer, chain, SignerId(3), AccountId(5));
        let mut nonces = Vec::new();
        for ms in [1_000, 1_000, 1_000, 5_000, 900] {
            let command = Command::Chain(Box::new(ChainCommand::Unjail));
            let signed = author.sign(command, TimeMs(ms), SpanMs(10));
            assert!(key.verify(chain, &signed).is_ok());
            assert_eq!(signed.command.valid_until, Some(TimeMs(ms + 10)));
            assert_eq!(
                (signed.command.signer, signed.command.account),
                (SignerId(3), AccountId(5))
            );
            nonces.push(signed.command.nonce);
        }
        assert_eq!(nonces, [1_000, 1_001, 1_002, 5_000, 5_001]);
    }
}
