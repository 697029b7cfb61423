//! Leaves of latency and of accounts in liquidation (R3, R4).

use super::{decode_list, encode_list};
use crate::formula::latency::GAPS_MAX;
use alloc::vec::Vec;
use lockstep_types::codec::{Decode, DecodeError, Encode, Reader};
use lockstep_types::ids::{AccountId, UnderlyingId};
use lockstep_types::units::{Price, TimeMs, Usd};
use lockstep_types::{codec_enum, codec_struct};

/// The times between the last blocks (R4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gaps {
    /// Milliseconds, a ring.
    pub gaps_ms: [u32; GAPS_MAX],
    /// Where the next one goes.
    pub next: u16,
    /// How many there are.
    pub count: u16,
}
codec_struct!(Gaps { gaps_ms, next, count });

impl Default for Gaps {
    fn default() -> Self {
        Self { gaps_ms: [0; GAPS_MAX], next: 0, count: 0 }
    }
}

/// How long the venue takes to act on an underlying's price (R4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// In the latest block, microseconds.
    pub now_us: i64,
    /// The slow one, microseconds.
    pub slow_us: i64,
    /// Where the slow one comes from.
    pub ramp_from_us: i64,
    /// Where it goes to, over a day.
    pub ramp_to_us: i64,
    /// When it set out.
    pub ramp_since: TimeMs,
    /// The day number that is being counted; 0: none yet.
    pub day: i64,
}
codec_struct!(Latency { now_us, slow_us, ramp_from_us, ramp_to_us, ramp_since, day });

/// Buckets of latencies; see `price::latency`.
pub const LATENCY_BUCKETS: usize = 64;
/// Days that the slow latency remembers.
pub const LATENCY_DAYS: u8 = 30;

/// How long each latency held on one day (R4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatencyDay {
    /// Milliseconds by bucket.
    pub ms: [u32; LATENCY_BUCKETS],
}
codec_struct!(LatencyDay { ms });

/// An account that the books have not absorbed (R3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Liquidation {
    /// Block in which it fell below maintenance.
    pub height: u64,
    /// When slices of it were first on offer; 0: they are not.
    pub auction: TimeMs,
    /// Since when it has been worth less than nothing; 0: it has not.
    pub insolvent: TimeMs,
    /// What each underlying required of its maintenance margin when it fell below: by these shares
    /// their insurance funds pay what it lacks in the end.
    pub shares: Vec<LiquidationShare>,
    /// The next account to be asked for a position opposite to one of its.
    pub looked: AccountId,
    /// Accounts before it that have one.
    pub opposite: Vec<AccountId>,
}

/// An underlying's share of an account's maintenance requirement (R3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiquidationShare {
    /// The underlying.
    pub underlying: UnderlyingId,
    /// What it required, micro-USD.
    pub maintenance: Usd,
}
codec_struct!(LiquidationShare { underlying, maintenance });

impl Encode for Liquidation {
    fn encode(&self, out: &mut Vec<u8>) {
        self.height.encode(out);
        self.auction.encode(out);
        self.insolvent.encode(out);
        encode_list(&self.shares, out);
        self.looked.encode(out);
        encode_list(&self.opposite, out);
    }
}

impl Decode for Liquidation {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            height: Decode::decode(reader)?,
            auction: Decode::decode(reader)?,
            insolvent: Decode::decode(reader)?,
            shares: decode_list(reader)?,
            looked: Decode::decode(reader)?,
            opposite: decode_list(reader)?,
        })
    }
}

/// Whether an account waits for a look at its maintenance margin (R2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Watched {
    /// It is as it was when it was looked at.
    #[default]
    No,
    /// It has changed since and is in the queue.
    Queued,
}
codec_enum!(Watched { 0 => No, 1 => Queued });

/// The index of an underlying beyond which an account is looked at for its maintenance margin (R2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// Of which.
    pub underlying: UnderlyingId,
    /// From here on down it is looked at.
    pub low: Price,
    /// From here on up it is looked at.
    pub high: Price,
}
codec_struct!(Range { underlying, low, high });

/// An account's ranges, by underlying (R2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watch {
    /// At least one.
    pub ranges: Vec<Range>,
}

impl Encode for Watch {
    fn encode(&self, out: &mut Vec<u8>) {
        encode_list(&self.ranges, out);
    }
}

impl Decode for Watch {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { ranges: decode_list(reader)? })
    }
}

/// An underlying's index while a floor holds (R1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FloorRange {
    /// Of which.
    pub underlying: UnderlyingId,
    /// The lowest index.
    pub low: Price,
    /// The highest.
    pub high: Price,
    /// Cumulative funding of its perpetual when the floor was set.
    pub funding: Price,
}
codec_struct!(FloorRange { underlying, low, high, funding });

/// What an account with portfolio margin has certainly free while indexes stay within ranges (R1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Floor {
    /// Changes of parameters before it was set.
    pub parameters: u32,
    /// Cash when it was changed last.
    pub cash: Usd,
    /// At least so much of the balance is not needed.
    pub open: Usd,
    /// By at least so much does the balance exceed the maintenance requirement.
    pub keep: Usd,
    /// How much gross notional may be added before concentration is charged for.
    pub room: Usd,
    /// Of the underlying that comes first.
    pub first: FloorRange,
    /// Of another one.
    pub second: Option<FloorRange>,
}
codec_struct!(Floor { parameters, cash, open, keep, room, first, second });
