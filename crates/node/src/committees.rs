//! Committees by epoch: whose votes count, and whether this node votes.
//!
//! Consensus asks for the scheme of an epoch to sign and to check votes and certificates. A
//! committee comes from the genesis, from the ledger after an epoch's last block, or from a
//! handover that was checked. Invariants: whoever may not sign in an epoch is given a scheme that
//! cannot; what is kept is bounded. Deliberately absent: who is elected, which the ledger decides,
//! and keeping anything over a restart ([`crate::handovers`]).

use crate::block::PublicKey;
use crate::items::key_of;
use bytes::Bytes;
use commonware_codec::DecodeExt as _;
use commonware_consensus::simplex::elector::{
    Config as _, Elector as _, RoundRobin, RoundRobinElector,
};
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_consensus::types::{Epoch, Round, View};
use commonware_cryptography::certificate::{Provider, Scheme as _, Scoped};
use commonware_cryptography::{Sha256, ed25519};
use commonware_utils::TryCollect as _;
use commonware_utils::ordered::Set;
use lockstep_ledger::Committee;
use lockstep_types::chain::ValidatorKey;
use lockstep_types::envelope::ChainId;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

/// Domain of votes, in front of the chain's id.
pub const VOTE_DOMAIN: &[u8] = b"lockstep/vote/v1";
/// Epochs whose committees are at hand, the newest.
const EPOCHS_KEPT: usize = 64;

/// Why a committee is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadCommittee {
    /// Nobody has a seat.
    Empty,
    /// A seat's key is none.
    Key(String),
    /// A key has two seats.
    Twice,
}

impl fmt::Display for BadCommittee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("nobody has a seat"),
            Self::Key(why) => write!(f, "a seat's key: {why}"),
            Self::Twice => f.write_str("a key has two seats"),
        }
    }
}

impl std::error::Error for BadCommittee {}

/// The scheme of a committee's votes on a chain; with a key that has a seat it can sign.
///
/// # Errors
/// When the committee is none.
pub fn scheme_of(
    chain: ChainId,
    committee: &Committee,
    key: Option<&ed25519::PrivateKey>,
) -> Result<Scheme, BadCommittee> {
    if committee.seats.is_empty() {
        return Err(BadCommittee::Empty);
    }
    let key_of = |key: &ValidatorKey| PublicKey::decode(Bytes::copy_from_slice(key));
    let keys: Result<Vec<_>, _> = committee.seats.iter().map(|seat| key_of(&seat.key)).collect();
    let keys = keys.map_err(|error| BadCommittee::Key(error.to_string()))?;
    let keys: Result<Set<PublicKey>, _> = keys.into_iter().try_collect();
    let keys = keys.map_err(|_| BadCommittee::Twice)?;
    let namespace = [VOTE_DOMAIN, &chain.0].concat();
    let signer = key.and_then(|key| Scheme::signer(&namespace, keys.clone(), key.clone()));
    Ok(signer.unwrap_or_else(|| Scheme::verifier(&namespace, keys)))
}

/// Who is to propose in a view of an epoch: the committee takes turns, in an order that its
/// seed shuffles. `None`: there is no such view.
#[must_use]
pub fn leader_of(scheme: &Scheme, seed: &[u8; 32], epoch: u64, view: u64) -> Option<ValidatorKey> {
    if view == 0 {
        return None;
    }
    let elector: RoundRobinElector<Scheme> = schedule(seed).build(scheme.participants());
    key_of(scheme, elector.elect(Round::new(Epoch::new(epoch), View::new(view)), ()))
}

/// The order in which a committee with this seed takes turns.
#[must_use]
pub fn schedule(seed: &[u8; 32]) -> RoundRobin<Sha256> {
    RoundRobin::shuffled(seed)
}

/// An epoch's committee as this node meets it.
#[derive(Clone, Debug)]
pub struct Seated {
    /// How votes are signed and checked.
    pub scheme: Arc<Scheme>,
    /// Seed of the schedule of leaders.
    pub seed: [u8; 32],
}

impl Seated {
    /// Whether this node votes.
    #[must_use]
    pub fn votes(&self) -> bool {
        self.scheme.me().is_some()
    }

    /// Whether a key has a seat.
    #[must_use]
    pub fn has_seat(&self, key: &ValidatorKey) -> bool {
        self.scheme.participants().iter().any(|seat| seat.as_ref() == key)
    }
}

/// Committees at hand; clones share them.
#[derive(Clone)]
pub struct Committees {
    chain: ChainId,
    key: ed25519::PrivateKey,
    /// The first epoch in which this node may sign.
    duty: u64,
    seated: Arc<RwLock<BTreeMap<u64, Seated>>>,
}

impl Committees {
    /// None yet. `key` signs from epoch `duty` on: a validator that lost its journal of votes does
    /// not know what it signed in the epochs before.
    #[must_use]
    pub fn new(chain: ChainId, key: ed25519::PrivateKey, duty: u64) -> Self {
        Self { chain, key, duty, seated: Arc::default() }
    }

    /// Takes a committee.
    ///
    /// # Errors
    /// When it is none.
    pub fn insert(&self, committee: &Committee) -> Result<(), BadCommittee> {
        let key = (committee.epoch >= self.duty).then_some(&self.key);
        let scheme = Arc::new(scheme_of(self.chain, committee, key)?);
        let mut seated = self.seated.write().unwrap_or_else(PoisonError::into_inner);
        seated.insert(committee.epoch, Seated { scheme, seed: committee.seed });
        while seated.len() > EPOCHS_KEPT {
            seated.pop_first();
        }
        Ok(())
    }

    /// The committee of an epoch.
    #[must_use]
    pub fn of(&self, epoch: u64) -> Option<Seated> {
        self.seated.read().unwrap_or_else(PoisonError::into_inner).get(&epoch).cloned()
    }

    /// Whether a key has a seat in the newest epoch that is known, or the one before.
    #[must_use]
    pub fn has_seat(&self, key: &ValidatorKey) -> bool {
        let seated = self.seated.read().unwrap_or_else(PoisonError::into_inner);
        seated.values().rev().take(2).any(|seated| seated.has_seat(key))
    }
}

impl Provider for Committees {
    type Scope = Epoch;
    type Scheme = Scheme;

    fn scoped(&self, epoch: Epoch) -> Option<Scoped<Scheme>> {
        let seated = self.of(epoch.get())?;
        Some(if seated.votes() {
            Scoped::scheme(seated.scheme)
        } else {
            Scoped::verifier(seated.scheme)
        })
    }
}
