//! The one narrow door to the state machine: bodies go in, changed leaves come out.
//!
//! Invariants: the same bodies on the same genesis give the same leaves, roots and journals on
//! every machine; undoing a journal puts back every leaf. Deliberately absent: blocks, forks and
//! stores, which the rooms around it know.

use lockstep_exchange::Exchange;
use lockstep_exchange::state::journal::Journal as Leaves;
use lockstep_exchange::state::key::{LeafKey, Only};
use lockstep_exchange::state::leaves::{SignerRecord, Totals};
use lockstep_types::codec::{Bounded, Decode as _, DecodeError, Encode as _};
use lockstep_types::codec_struct;
use lockstep_types::command::{Block, SystemCommand, UserCommand};
use lockstep_types::envelope::{ChainId, SignedCommand};
use lockstep_types::event::Event;
use lockstep_types::ids::SignerId;
use lockstep_types::params::VenueParams;
use lockstep_types::units::TimeMs;
use std::fmt;

/// Signed commands in one body at most.
pub const COMMANDS_MAX: usize = 8_192;
/// System commands in one body at most.
pub const SYSTEM_MAX: usize = 1_024;

/// Domain of chain ids.
const GENESIS_DOMAIN: &[u8] = b"lockstep/genesis/v1";
/// Domain of event roots.
const EVENTS_DOMAIN: &[u8] = b"lockstep/events/v1";

/// What a chain starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genesis {
    /// Tells networks with the same settings apart.
    pub salt: [u8; 32],
    /// The chain's clock at height zero.
    pub time: TimeMs,
    /// Venue parameters.
    pub venue: VenueParams,
    /// Consensus keys of the validators.
    pub validators: Bounded<[u8; 32], 1_024>,
    /// Executed before the first block: underlyings, deposits, reporters.
    pub system: Bounded<SystemCommand, 65_535>,
}
codec_struct!(Genesis { salt, time, venue, validators, system });

impl Genesis {
    /// The chain's id: a digest of everything above.
    #[must_use]
    pub fn chain_id(&self) -> ChainId {
        ChainId(digest(GENESIS_DOMAIN, &self.to_bytes()))
    }
}

/// What a block asks the state machine to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    /// Height, one more than the block before.
    pub height: u64,
    /// The chain's clock, later than the block before.
    pub time: TimeMs,
    /// Key of the proposing validator.
    pub leader: [u8; 32],
    /// The system's part, executed first.
    pub system: Bounded<SystemCommand, SYSTEM_MAX>,
    /// The users' part, in order.
    pub commands: Bounded<SignedCommand, COMMANDS_MAX>,
}
codec_struct!(Body { height, time, leader, system, commands });

/// Why a body can never be executed on the state it was given to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invalid {
    /// The height is not the next one.
    Height {
        /// As claimed.
        claimed: u64,
        /// As it must be.
        expected: u64,
    },
    /// The clock does not move forward.
    Time {
        /// As claimed.
        claimed: TimeMs,
        /// The parent's.
        parent: TimeMs,
    },
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Height { claimed, expected } => {
                write!(f, "height {claimed} where {expected} is next")
            }
            Self::Time { claimed, parent } => {
                write!(f, "time {} is not after the parent's {}", claimed.0, parent.0)
            }
        }
    }
}

impl std::error::Error for Invalid {}

/// The pre-images of one body's changes.
#[derive(Debug)]
pub struct Journal(Leaves);

/// A leaf and its new value; `None`: it is gone.
pub type Change = (Vec<u8>, Option<Vec<u8>>);

/// The state machine at one block.
#[derive(Clone, Debug)]
pub struct Execution {
    exchange: Exchange,
}

impl Execution {
    /// The state before the first block.
    #[must_use]
    pub fn genesis(genesis: &Genesis) -> Self {
        let mut exchange = Exchange::new(genesis.venue.clone());
        let block =
            Block { height: 0, time: genesis.time, system: Bounded::default(), ..Block::default() };
        let mut system = genesis.system.to_vec();
        system.truncate(lockstep_types::command::BLOCK_SYSTEM_MAX);
        let block = Block { system: Bounded::new(system).unwrap_or_default(), ..block };
        let done = exchange.execute(&block);
        assert!(done.is_ok(), "a whole state misses no leaf");
        exchange.record(true);
        Self { exchange }
    }

    /// The state from all of its leaves.
    ///
    /// # Errors
    /// When some bytes are no key or no value of its kind.
    pub fn from_leaves(leaves: &[(Vec<u8>, Vec<u8>)]) -> Result<Self, DecodeError> {
        let mut keyed = Vec::with_capacity(leaves.len());
        for (key, value) in leaves {
            keyed.push((LeafKey::from_bytes(key)?, value.as_slice()));
        }
        let mut exchange = Exchange::from_leaves(keyed)?;
        exchange.record(true);
        Ok(Self { exchange })
    }

    fn totals(&self) -> Totals {
        let bytes = self.exchange.leaf(LeafKey::Totals(Only));
        bytes.and_then(|bytes| Totals::from_bytes(&bytes).ok()).unwrap_or_default()
    }

    /// Height of the last executed body.
    #[must_use]
    pub fn height(&self) -> u64 {
        self.totals().height
    }

    /// The chain's clock.
    #[must_use]
    pub fn time(&self) -> TimeMs {
        self.totals().time
    }

    /// The exchange as it stands.
    #[must_use]
    pub fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// The public key of a signer, if there is such a one.
    #[must_use]
    pub fn signer_key(&self, signer: SignerId) -> Option<[u8; 32]> {
        let bytes = self.exchange.leaf(LeafKey::Signer(signer))?;
        SignerRecord::from_bytes(&bytes).ok().map(|record| record.key)
    }

    /// Executes a body whose signatures have been checked.
    ///
    /// # Errors
    /// When the body can never follow this state; then nothing has changed.
    pub fn execute(&mut self, body: &Body) -> Result<(), Invalid> {
        let totals = self.totals();
        let expected = totals.height.saturating_add(1);
        if body.height != expected {
            return Err(Invalid::Height { claimed: body.height, expected });
        }
        if body.time <= totals.time {
            return Err(Invalid::Time { claimed: body.time, parent: totals.time });
        }
        let commands: Vec<UserCommand> =
            body.commands.iter().map(|signed| signed.command.clone()).collect();
        let block = Block {
            height: body.height,
            time: body.time,
            system: Bounded::new(body.system.to_vec()).unwrap_or_default(),
            commands: Bounded::new(commands).unwrap_or_default(),
        };
        let done = self.exchange.execute(&block);
        assert!(done.is_ok(), "a whole state misses no leaf");
        Ok(())
    }

    /// What the last body caused.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        self.exchange.events()
    }

    /// A digest of what the last body caused.
    #[must_use]
    pub fn events_root(&self) -> [u8; 32] {
        let mut bytes = Vec::new();
        self.events().iter().for_each(|event| event.encode(&mut bytes));
        digest(EVENTS_DOMAIN, &bytes)
    }

    /// Ends a body: hands out what undoes it.
    pub fn checkpoint(&mut self) -> Journal {
        Journal(self.exchange.checkpoint())
    }

    /// Undoes the latest body that has not been undone.
    pub fn undo(&mut self, journal: Journal) {
        self.exchange.undo(journal.0);
    }

    /// The leaves that the latest body changed, by key.
    #[must_use]
    pub fn changes(&self, journal: &Journal) -> Vec<Change> {
        let changes = self.exchange.changes(&journal.0);
        changes.into_iter().map(|change| (change.key.to_bytes(), change.after)).collect()
    }

    /// All leaves.
    #[must_use]
    pub fn leaves(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut leaves = Vec::new();
        self.exchange.each_leaf(&mut |key, value| leaves.push((key.to_bytes(), value)));
        leaves
    }
}

fn digest(domain: &[u8], bytes: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(domain);
    hasher.update(bytes);
    *hasher.finalize().as_bytes()
}
