//! Each signature is checked once, in batches, however often its command comes by.
//!
//! Whoever signed is looked up in the state that the command is to be executed on, so that a
//! signature that was checked for the mempool need not be checked again in a block. Invariants: a
//! command passes only if its signer's key in that state signed it for this chain, and all consents
//! in it were signed by theirs; memory is bounded. Deliberately absent: what the signer may do,
//! which the state machine decides.

#[cfg(test)]
mod tests;

use lockstep_ledger::Ledger;
use lockstep_types::codec::Encode as _;
use lockstep_types::command::Command;
use lockstep_types::envelope::{
    ChainId, CryptoRng, RngCore, SignedCommand, Verifier, consent_message, verify_batch,
};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Verdicts that are remembered: this many of late, and as many before.
const REMEMBERED_MAX: usize = 1 << 16;
/// Decoded keys that are remembered.
const KEYS_MAX: usize = 1 << 16;

/// A signed command's name: the digest of its encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub [u8; 32]);

impl CommandId {
    /// The name of a command.
    #[must_use]
    pub fn of(signed: &SignedCommand) -> Self {
        Self::of_bytes(&signed.to_bytes())
    }

    /// The name of the command with this encoding.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }
}

/// What has been checked of late. Nobody holds it while signatures are being checked.
#[derive(Debug, Default)]
pub struct Signatures(Mutex<Memory>);

#[derive(Debug, Default)]
struct Memory {
    verifiers: HashMap<[u8; 32], Verifier>,
    /// Under which key a command's signature holds.
    recent: HashMap<CommandId, [u8; 32]>,
    earlier: HashMap<CommandId, [u8; 32]>,
}

/// A command and the key that must have signed it; `None`: the state knows no such signer, or a
/// consent in it does not hold.
pub type Claim<'a> = (&'a SignedCommand, Option<Verifier>);

impl Signatures {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        // A thread that died while it held the lock left at worst a verdict too few.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who must have signed each of these commands.
    pub fn claims<'a>(
        &self,
        chain: ChainId,
        ledger: &Ledger,
        commands: impl IntoIterator<Item = &'a SignedCommand>,
    ) -> Vec<Claim<'a>> {
        let mut memory = self.memory();
        let claim = |signed: &'a SignedCommand| {
            let holds = memory.consents_hold(chain, ledger, signed);
            let key = holds.then(|| ledger.signer_key(signed.command.signer)).flatten();
            (signed, key.and_then(|key| memory.verifier_of(key)))
        };
        commands.into_iter().map(claim).collect()
    }

    /// Checks claims about commands with these names, those that were not checked before in one
    /// batch.
    ///
    /// # Errors
    /// The places of the claims that do not hold, ascending.
    pub fn check(
        &self,
        chain: ChainId,
        claims: &[Claim<'_>],
        ids: &[CommandId],
        rng: impl RngCore + CryptoRng,
    ) -> Result<(), Vec<usize>> {
        assert!(claims.len() == ids.len(), "a name for each command");
        let mut bad = Vec::new();
        let mut open = Vec::new();
        let memory = self.memory();
        for (place, ((signed, verifier), id)) in claims.iter().zip(ids).enumerate() {
            match verifier {
                None => bad.push(place),
                Some(verifier) if memory.knows(*id, verifier.public_key()) => {}
                Some(verifier) => open.push((place, (*verifier, *signed))),
            }
        }
        drop(memory);
        let batch: Vec<_> = open.iter().map(|(_, pair)| *pair).collect();
        let failed = verify_batch(chain, &batch, rng).err().unwrap_or_default();
        let mut memory = self.memory();
        for (at, (place, (verifier, _))) in open.iter().enumerate() {
            if failed.binary_search(&at).is_ok() {
                bad.push(*place);
            } else {
                memory.remember(ids[*place], verifier.public_key());
            }
        }
        bad.sort_unstable();
        if bad.is_empty() { Ok(()) } else { Err(bad) }
    }
}

impl Memory {
    fn verifier_of(&mut self, key: [u8; 32]) -> Option<Verifier> {
        if let Some(verifier) = self.verifiers.get(&key) {
            return Some(*verifier);
        }
        let verifier = Verifier::new(key).ok()?;
        if self.verifiers.len() >= KEYS_MAX {
            self.verifiers.clear();
        }
        self.verifiers.insert(key, verifier);
        Some(verifier)
    }

    /// Whether the other parties of a block trade agreed (M11). Seldom, so one at a time.
    fn consents_hold(&mut self, chain: ChainId, ledger: &Ledger, signed: &SignedCommand) -> bool {
        let Command::BlockTrade { terms, consents } = &signed.command.command else { return true };
        consents.iter().all(|consent| {
            let key = ledger.signer_key(consent.signer);
            let verifier = key.and_then(|key| self.verifier_of(key));
            let (signer, account) = (consent.signer, consent.account);
            let message = consent_message(chain, terms, signer, account, consent.nonce);
            let holds = |verifier: Verifier| verifier.verify_message(&message, consent.signature);
            verifier.is_some_and(|verifier| holds(verifier).is_ok())
        })
    }

    fn knows(&self, id: CommandId, key: [u8; 32]) -> bool {
        let known = self.recent.get(&id).or_else(|| self.earlier.get(&id));
        known.is_some_and(|known| *known == key)
    }

    fn remember(&mut self, id: CommandId, key: [u8; 32]) {
        if self.recent.len() >= REMEMBERED_MAX {
            self.earlier = std::mem::take(&mut self.recent);
        }
        self.recent.insert(id, key);
    }
}
