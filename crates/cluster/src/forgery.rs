//! Validators behind a wire that changes what they say: leaders whose blocks have a wrong state
//! root, and messages that are as long as the network carries.
//!
//! Behind the wire is a whole validator, so that everything else is as it should be. A block with a
//! wrong root has another name, and the votes for it are signed anew for that name: nobody can tell
//! before they have executed the block. Invariants: what others made passes as it is. Deliberately
//! absent: wrong bodies and times, which the block's own checks refuse.

use bytes::Bytes;
use commonware_codec::{DecodeExt as _, Encode as _};
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_consensus::simplex::types::{Notarize, Proposal, Vote};
use commonware_cryptography::Digestible as _;
use commonware_p2p::utils::mux;
use lockstep_node::block::{Block, Digest};
use lockstep_node::epochs::behind_epoch;
use lockstep_node::header::Header;
use lockstep_types::chain::ValidatorKey;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Of so many messages one is too long.
const LONG_EVERY: u64 = 64;
/// How messages that are too long begin: like commands, items, a block, and nothing at all.
const LONG_STARTS: [&[u8]; 4] = [&[0, 0xff, 0xff], &[1, 0xff], &[0xff, 0xff, 0x7f], &[0xff; 8]];

/// What is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgery {
    /// The state roots of the validator's own blocks.
    Roots,
    /// The length of some messages, to so many bytes.
    Lengths(usize),
}

/// What a wire carries, as far as a forger cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// Votes.
    Votes,
    /// Blocks.
    Blocks,
    /// Anything else.
    Other,
}

impl Wire {
    /// What the channel of a name carries (`lockstep_node::validator::CHANNELS`).
    #[must_use]
    pub fn named(name: &str) -> Self {
        match name {
            "votes" => Self::Votes,
            "blocks" => Self::Blocks,
            _ => Self::Other,
        }
    }
}

#[derive(Debug, Default)]
struct Forged {
    /// Names of blocks with wrong roots by true ones, and whether a vote was signed for it.
    roots: BTreeMap<Digest, (Digest, bool)>,
    messages: u64,
    long: u64,
}

/// The forger behind the wires of one validator.
#[derive(Clone, Debug)]
pub struct Forger {
    forgery: Forgery,
    me: ValidatorKey,
    scheme: Scheme,
    forged: Arc<Mutex<Forged>>,
}

impl Forger {
    /// A forger with a validator's key.
    #[must_use]
    pub fn new(forgery: Forgery, me: ValidatorKey, scheme: Scheme) -> Self {
        Self { forgery, me, scheme, forged: Arc::default() }
    }

    fn forged(&self) -> MutexGuard<'_, Forged> {
        // One thread runs everything.
        self.forged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The names of blocks that it proposed with a wrong root and a vote of its own.
    #[must_use]
    pub fn proposed(&self) -> Vec<Digest> {
        let forged = self.forged();
        forged.roots.values().filter(|(_, voted)| *voted).map(|(forged, _)| *forged).collect()
    }

    /// Messages that were too long.
    #[must_use]
    pub fn too_long(&self) -> u64 {
        self.forged().long
    }

    /// What goes out in place of a message.
    #[must_use]
    pub fn forge(&self, wire: Wire, bytes: Bytes) -> Bytes {
        let forged = match (self.forgery, wire) {
            (Forgery::Roots, Wire::Votes) => self.forge_vote(bytes.clone()),
            (Forgery::Roots, Wire::Blocks) => self.forge_block(bytes.clone()),
            (Forgery::Roots, Wire::Other) => None,
            (Forgery::Lengths(length), _) => self.forge_length(length),
        };
        forged.unwrap_or(bytes)
    }

    fn forge_block(&self, bytes: Bytes) -> Option<Bytes> {
        let block = Block::decode(bytes).ok()?;
        if block.header().leader != self.me {
            return None;
        }
        let state_root = *blake3::hash(&block.header().state_root).as_bytes();
        let header = Header { state_root, ..block.header().clone() };
        let forged = Block::new(header, block.body().clone()).ok()?;
        self.forged().roots.entry(block.digest()).or_insert((forged.digest(), false));
        Some(forged.encode())
    }

    fn forge_vote(&self, bytes: Bytes) -> Option<Bytes> {
        // Votes of each epoch are behind its number.
        let (epoch, bytes) = mux::parse(bytes.into()).ok()?;
        let bytes: Bytes = bytes.into();
        let Vote::<Scheme, Digest>::Notarize(vote) = Vote::decode(bytes).ok()? else { return None };
        let proposal = vote.proposal;
        let payload = {
            let mut forged = self.forged();
            let (payload, voted) = forged.roots.get_mut(&proposal.payload)?;
            *voted = true;
            *payload
        };
        let proposal = Proposal::new(proposal.round, proposal.parent, payload);
        let vote = Notarize::sign(&self.scheme, proposal).map(Vote::Notarize)?;
        Some(behind_epoch(epoch, &vote.encode()))
    }

    fn forge_length(&self, length: usize) -> Option<Bytes> {
        let mut forged = self.forged();
        forged.messages += 1;
        if !forged.messages.is_multiple_of(LONG_EVERY) {
            return None;
        }
        let turn = usize::try_from(forged.long).unwrap_or(0) % LONG_STARTS.len();
        forged.long += 1;
        let mut bytes = LONG_STARTS[turn].to_vec();
        bytes.resize(length, 0);
        Some(Bytes::from(bytes))
    }
}
