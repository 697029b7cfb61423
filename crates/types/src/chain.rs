//! What the chain around the exchange is told, and what it answers: stake, delegation, votes on
//! parameters, deposits from outside.
//!
//! [`ChainCommand`] is what owners sign (inside [`crate::command::Command::Chain`], so that one
//! envelope, one nonce window and one base fee serve both); [`params`] what the chain can be set
//! to; [`event`] what happens; [`reject`] what is refused. `docs/chain.md` numbers the rules.
//! Deliberately absent: blocks, reports and evidence, which only validators speak (they are the
//! ledger's), and anything about consensus.

pub mod event;
pub mod params;
pub mod reject;

use crate::codec::{Decode, DecodeError, Encode, Reader};
use crate::codec_enum;
use crate::ids::{UnderlyingId, ValidatorId};
use crate::instrument::InstrumentName;
use crate::params::{UnderlyingParams, VenueParams};
use crate::units::{Ppm, Usd};
use alloc::boxed::Box;
use alloc::vec::Vec;

pub use event::ChainEvent;
pub use params::ChainParams;
pub use reject::{ChainReject, ChainRejectCode};

/// An ed25519 public key with which a validator votes, one per seat; it signs its reports too.
pub type ValidatorKey = [u8; 32];

/// An amount of the stake token, in millionths. All stake together fits 63 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stake(pub u64);

impl Stake {
    /// None of it.
    pub const ZERO: Self = Self(0);
    /// All stake of a chain together is at most this.
    pub const SUPPLY_MAX: Self = Self(1 << 63);

    /// The sum, or `None` beyond the range.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// The difference, or `None` below zero.
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(difference) => Some(Self(difference)),
            None => None,
        }
    }
}

impl core::ops::AddAssign for Stake {
    /// Adds; panics beyond the range, which the bounded supply rules out.
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl core::ops::SubAssign for Stake {
    /// Takes away; panics below zero: whoever does it has looked first.
    fn sub_assign(&mut self, other: Self) {
        self.0 -= other.0;
    }
}

impl Encode for Stake {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
    }
}

impl Decode for Stake {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self(u64::decode(reader)?))
    }
}

/// A change of parameters that validators vote on (G1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParamChange {
    /// The chain's own.
    Chain(Box<ChainParams>),
    /// The venue's.
    Venue(Box<VenueParams>),
    /// An underlying's.
    Underlying {
        /// Which.
        underlying: UnderlyingId,
        /// The new settings.
        params: Box<UnderlyingParams>,
    },
    /// A new underlying.
    AddUnderlying(Box<UnderlyingParams>),
    /// An instrument to list by hand.
    List(InstrumentName),
}
codec_enum!(ParamChange {
    0 => Chain(params),
    1 => Venue(params),
    2 => Underlying { underlying, params },
    3 => AddUnderlying(params),
    4 => List(name),
});

/// What an owner can tell the chain; agents cannot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChainCommand {
    /// Become a validator (S1).
    Register {
        /// The key of its first seat.
        key: ValidatorKey,
        /// Its part of its delegators' rewards.
        commission: Ppm,
        /// Its own stake, from the owner's free stake.
        stake: Stake,
    },
    /// Add a key, for one more seat (S1).
    AddKey {
        /// The key.
        key: ValidatorKey,
    },
    /// Give up a key; seats that hold it keep it until their epoch ends (S1).
    RemoveKey {
        /// The key.
        key: ValidatorKey,
    },
    /// Set the commission (S5).
    SetCommission {
        /// The new one.
        commission: Ppm,
    },
    /// Delegate free stake to a validator (S2).
    Delegate {
        /// To whom.
        validator: ValidatorId,
        /// How much.
        amount: Stake,
    },
    /// Take delegated stake back; it is free after the unbonding period (S3).
    Undelegate {
        /// From whom.
        validator: ValidatorId,
        /// How much.
        amount: Stake,
    },
    /// Collect rewards and stake whose unbonding has ended (S3, S5).
    Collect {
        /// From whom.
        validator: ValidatorId,
    },
    /// Come back after a jail term (S7).
    Unjail,
    /// Send free stake to another owner.
    SendStake {
        /// The owner's ed25519 public key; it has an account here.
        to: [u8; 32],
        /// How much.
        amount: Stake,
    },
    /// Propose a change of parameters (G1); validators only.
    Propose(ParamChange),
    /// Vote on a proposal, once or again (G1); validators only.
    Vote {
        /// Which.
        proposal: u32,
        /// Whether the validator is for it.
        approve: bool,
    },
    /// Hand out test money and stake (B2); the faucet's key only, where a genesis names one.
    Faucet {
        /// To which owner.
        owner: [u8; 32],
        /// Sub-account for the money.
        sub: u8,
        /// Test money.
        amount: Usd,
        /// Stake, out of the faucet's own free stake.
        stake: Stake,
    },
}
codec_enum!(ChainCommand {
    0 => Register { key, commission, stake },
    1 => AddKey { key },
    2 => RemoveKey { key },
    3 => SetCommission { commission },
    4 => Delegate { validator, amount },
    5 => Undelegate { validator, amount },
    6 => Collect { validator },
    7 => Unjail,
    8 => SendStake { to, amount },
    9 => Propose(change),
    10 => Vote { proposal, approve },
    11 => Faucet { owner, sub, amount, stake },
});
