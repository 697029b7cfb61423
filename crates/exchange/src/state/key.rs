//! Names of leaves: what a commitment, a witness or a proof refers to.
//!
//! A key's bytes are one tag and then big-endian numbers, so that keys sort by kind and then by
//! their natural order, and ranges ("all holdings of account 7") are contiguous.

use super::table::{DenseKey, Key};
use alloc::vec::Vec;
use lockstep_types::codec::{Decode, DecodeError, DecodeErrorKind, Encode, Reader};
use lockstep_types::ids::{
    AccountId, GroupId, InstrumentId, LinkId, ReporterId, SignerId, UnderlyingId,
};
use lockstep_types::instrument::InstrumentName;
use lockstep_types::order::{Label, Side, TriggerSource};
use lockstep_types::units::TimeMs;

/// A slot in the array of orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot(pub u32);

/// A page of the stack of free order slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FreePage(pub u32);

/// The one key of a table with a single leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Only;

/// An account's stake in an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HoldingKey {
    /// Whose.
    pub account: AccountId,
    /// In what.
    pub instrument: InstrumentId,
}

/// A price level of one side of a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LevelKey {
    /// Whose book.
    pub instrument: InstrumentId,
    /// Which side.
    pub side: Side,
    /// Index of the price in the instrument's tick table.
    pub tick: u32,
}

/// A sub-account of an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SubKey {
    /// The owner.
    pub owner: SignerId,
    /// Sub-account number.
    pub sub: u8,
}

/// A public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublicKey(pub [u8; 32]);

/// An agent key of an owner. Agents are found by owner and key, so that nobody can take another's
/// key out of circulation by registering it as his agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AgentKey {
    /// The owner.
    pub owner: SignerId,
    /// The agent's public key.
    pub key: [u8; 32],
}

/// A label among an account's open orders (A4); bytes beyond `len` are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LabelKey {
    /// Whose.
    pub account: AccountId,
    /// Length of the label.
    pub len: u8,
    /// The label.
    pub bytes: [u8; 64],
}

impl LabelKey {
    /// The key of `label` of `account`.
    #[must_use]
    pub fn new(account: AccountId, label: &Label) -> Self {
        let text = label.as_str().as_bytes();
        let mut bytes = [0; 64];
        bytes[..text.len()].copy_from_slice(text);
        Self { account, len: u8::try_from(text.len()).unwrap_or(u8::MAX), bytes }
    }
}

/// A market maker protection group (M9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProtectionKey {
    /// Whose.
    pub account: AccountId,
    /// On what.
    pub underlying: UnderlyingId,
    /// Which group.
    pub group: GroupId,
}

/// One expiry of an underlying.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExpiryKey {
    /// The underlying.
    pub underlying: UnderlyingId,
    /// The moment of expiry.
    pub expiry: TimeMs,
}

/// A reporter's latest word on an underlying.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObservationKey {
    /// On what.
    pub underlying: UnderlyingId,
    /// By whom.
    pub reporter: ReporterId,
}

/// One of the days that an underlying's slow latency remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LatencyDayKey {
    /// The underlying.
    pub underlying: UnderlyingId,
    /// Day number modulo thirty.
    pub slot: u8,
}

/// Key of the times between the last blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GapsKey;

/// An ordered index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IndexId {
    /// Orders by the time at which they end (M2); items are order ids.
    OrderEnds,
    /// Accounts by the time at which their dead-man switch fires (A5).
    DeadMan,
    /// Sleeping orders of one instrument by trigger price; `rising`: they wake when the price
    /// rises to it.
    Triggers {
        /// The instrument.
        instrument: InstrumentId,
        /// The watched price.
        source: TriggerSource,
        /// Direction.
        rising: bool,
    },
    /// Sleeping trailing stops of one instrument, in order of arrival.
    Trailing {
        /// The instrument.
        instrument: InstrumentId,
        /// The watched price.
        source: TriggerSource,
    },
    /// Listed instruments of an expiry (perpetuals: expiry 0), by id.
    Series(ExpiryKey),
    /// Listed expiries of an underlying, by time.
    Expiries(UnderlyingId),
    /// Reporters with a weight.
    Reporters,
    /// Instruments with a sleeping order, by id (M2).
    Sleepers,
    /// Sets of linked orders whose primary has filled and whose rest is to be placed (M3).
    DueLinks,
    /// Accounts that are being liquidated, by the block that last worked on them (R3).
    Liquidating,
    /// An account's reduce-only orders on an instrument, oldest first (M3).
    ReduceOnly(HoldingKey),
    /// Accounts by the index below which they are looked at, the highest first (R2): sorted by its
    /// negative.
    WatchLow(UnderlyingId),
    /// Accounts by the index above which they are looked at (R2).
    WatchHigh(UnderlyingId),
    /// Accounts that have changed since they were looked at, by the block that changed them (R2).
    Changed,
}

/// An entry of an ordered index; entries sort by `sort`, then `item`. The entry
/// (`i64::MIN`, 0) is the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryKey {
    /// Which index.
    pub index: IndexId,
    /// What it is sorted by.
    pub sort: i64,
    /// What it is.
    pub item: u64,
}

macro_rules! leaf_keys {
    ($($(#[$doc:meta])* $tag:literal $name:ident($key:ty);)*) => {
        /// The key of any leaf.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum LeafKey {
            $($(#[$doc])* $name($key),)*
        }

        impl LeafKey {
            /// The bytes by which commitments and witnesses know the leaf.
            #[must_use]
            pub fn to_bytes(self) -> Vec<u8> {
                let mut out = Vec::new();
                self.write(&mut out);
                out
            }

            /// Appends these bytes.
            pub fn write(self, out: &mut Vec<u8>) {
                match self {
                    $(Self::$name(key) => {
                        out.push($tag);
                        key.write(out);
                    })*
                }
            }

            /// The key with the given bytes.
            ///
            /// # Errors
            /// When the bytes are no key.
            pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
                let mut reader = Reader::new(bytes);
                let key = match u8::decode(&mut reader)? {
                    $($tag => Self::$name(Part::read(&mut reader)?),)*
                    tag => {
                        let kind = DecodeErrorKind::BadTag { tag };
                        return Err(DecodeError::new(kind).within("leaf key"));
                    }
                };
                reader.finish()?;
                Ok(key)
            }
        }

        $(impl Key for $key {
            fn leaf_key(&self) -> LeafKey {
                LeafKey::$name(*self)
            }
        })*
    };
}

leaf_keys! {
    /// Counters, funds and the clock.
    1 Totals(Only);
    /// The venue's parameters.
    2 Venue(VenueKey);
    /// A signing key's record.
    3 Signer(SignerId);
    /// Signer of an owner's public key.
    4 PublicKey(PublicKey);
    /// An agent's scope.
    5 Scope(ScopeKey);
    /// An account.
    6 Account(AccountId);
    /// The account of an owner's sub-account number.
    7 Sub(SubKey);
    /// Thirty days of an account's volume.
    8 Volume(VolumeKey);
    /// A position and the open orders beside it.
    9 Holding(HoldingKey);
    /// An order.
    10 Order(Slot);
    /// What few orders have.
    11 Extra(ExtraKey);
    /// The order with a label.
    12 Label(LabelKey);
    /// A set of linked orders.
    13 Link(LinkId);
    /// A price level.
    14 Level(LevelKey);
    /// A page of free order slots.
    15 FreePage(FreePage);
    /// An instrument and its touch.
    16 Instrument(InstrumentId);
    /// The instrument of a name.
    17 Name(InstrumentName);
    /// A perpetual's or future's price state.
    18 Linear(LinearKey);
    /// An underlying's parameters.
    19 UnderlyingParams(UnderlyingKey);
    /// An underlying's price state.
    20 Underlying(UnderlyingId);
    /// An expiry's forward, smile and settlement average.
    21 Expiry(ExpiryKey);
    /// A reporter's weight.
    22 Reporter(ReporterId);
    /// A reporter's latest word.
    23 Observation(ObservationKey);
    /// Market maker protection of a group.
    24 Protection(ProtectionKey);
    /// An entry of an ordered index.
    25 Entry(EntryKey);
    /// How many orders of an instrument sleep.
    26 Sleepers(SleepersKey);
    /// Signer of an owner's agent key.
    27 Agent(AgentKey);
    /// A booked order's place in its queue.
    28 Place(PlaceKey);
    /// A signing key's nonces before its latest.
    29 History(HistoryKey);
    /// The times between the last blocks.
    30 Gaps(GapsKey);
    /// An underlying's latency.
    31 Latency(LatencyKey);
    /// How long each latency held on one day.
    32 LatencyDay(LatencyDayKey);
    /// An account that the books have not absorbed.
    33 Liquidation(LiquidationKey);
    /// The prices at which an account is looked at.
    34 Watch(WatchKey);
    /// What an account has certainly free.
    35 Floor(FloorKey);
}

macro_rules! wrapped_keys {
    ($($(#[$doc:meta])* $name:ident($inner:ty);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(pub $inner);

        impl Part for $name {
            fn write(&self, out: &mut Vec<u8>) {
                self.0.write(out);
            }
            fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                Ok(Self(Part::read(reader)?))
            }
        }
    )*};
}

wrapped_keys! {
    /// Key of a booked order's place in its queue.
    PlaceKey(Slot);
    /// Key of an order's [`super::leaves::Extra`].
    ExtraKey(Slot);
    /// Key of a signing key's earlier nonces.
    HistoryKey(SignerId);
    /// Key of an agent's scope.
    ScopeKey(SignerId);
    /// Key of an account's volume history.
    VolumeKey(AccountId);
    /// Key of a perpetual's or future's price state.
    LinearKey(InstrumentId);
    /// Key of an underlying's parameters.
    UnderlyingKey(UnderlyingId);
    /// Key of an instrument's count of sleeping orders.
    SleepersKey(InstrumentId);
    /// Key of an underlying's latency.
    LatencyKey(UnderlyingId);
    /// Key of what is to be known of an account in liquidation.
    LiquidationKey(AccountId);
    /// Key of the prices at which an account is looked at.
    WatchKey(AccountId);
    /// Key of what an account has certainly free.
    FloorKey(AccountId);
}

/// Key of the venue's parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct VenueKey;

/// A part of a key: big-endian, so that byte order is natural order.
trait Part: Sized {
    fn write(&self, out: &mut Vec<u8>);
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError>;
}

macro_rules! unsigned_parts {
    ($($int:ty),*) => {$(
        impl Part for $int {
            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }
            fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                Ok(Self::from_be_bytes(reader.array()?))
            }
        }
    )*};
}
unsigned_parts!(u8, u16, u32, u64);

impl Part for i64 {
    fn write(&self, out: &mut Vec<u8>) {
        // With the sign bit flipped, negative numbers sort before positive ones.
        (self.cast_unsigned() ^ (1 << 63)).write(out);
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok((u64::read(reader)? ^ (1 << 63)).cast_signed())
    }
}

impl<const N: usize> Part for [u8; N] {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.array()
    }
}

macro_rules! struct_parts {
    ($($name:ident { $($field:tt),* })*) => {$(
        impl Part for $name {
            fn write(&self, out: &mut Vec<u8>) {
                $(self.$field.write(out);)*
                let _ = out;
            }
            fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                let _ = &reader;
                Ok(Self { $($field: Part::read(reader)?),* })
            }
        }
    )*};
}
struct_parts! {
    Slot { 0 }
    FreePage { 0 }
    Only {}
    VenueKey {}
    GapsKey {}
    LatencyDayKey { underlying, slot }
    AccountId { 0 }
    SignerId { 0 }
    InstrumentId { 0 }
    UnderlyingId { 0 }
    ReporterId { 0 }
    GroupId { 0 }
    LinkId { 0 }
    TimeMs { 0 }
    PublicKey { 0 }
    HoldingKey { account, instrument }
    LevelKey { instrument, side, tick }
    SubKey { owner, sub }
    AgentKey { owner, key }
    LabelKey { account, len, bytes }
    ProtectionKey { account, underlying, group }
    ExpiryKey { underlying, expiry }
    ObservationKey { underlying, reporter }
    EntryKey { index, sort, item }
}

/// Parts whose values have a canonical encoding of their own.
macro_rules! encoded_parts {
    ($($name:ty),*) => {$(
        impl Part for $name {
            fn write(&self, out: &mut Vec<u8>) {
                self.encode(out);
            }
            fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                Self::decode(reader)
            }
        }
    )*};
}
encoded_parts!(Side, TriggerSource, InstrumentName);

impl Part for IndexId {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::OrderEnds => out.push(0),
            Self::DeadMan => out.push(6),
            Self::Triggers { instrument, source, rising } => {
                out.push(1);
                instrument.write(out);
                source.write(out);
                rising.encode(out);
            }
            Self::Trailing { instrument, source } => {
                out.push(2);
                instrument.write(out);
                source.write(out);
            }
            Self::Series(key) => {
                out.push(3);
                key.write(out);
            }
            Self::Expiries(underlying) => {
                out.push(4);
                underlying.write(out);
            }
            Self::Reporters => out.push(5),
            Self::Sleepers => out.push(7),
            Self::DueLinks => out.push(8),
            Self::Liquidating => out.push(9),
            Self::ReduceOnly(key) => {
                out.push(10);
                key.write(out);
            }
            Self::WatchLow(underlying) => {
                out.push(11);
                underlying.write(out);
            }
            Self::WatchHigh(underlying) => {
                out.push(12);
                underlying.write(out);
            }
            Self::Changed => out.push(13),
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match u8::decode(reader)? {
            0 => Self::OrderEnds,
            6 => Self::DeadMan,
            1 => Self::Triggers {
                instrument: Part::read(reader)?,
                source: Part::read(reader)?,
                rising: bool::decode(reader)?,
            },
            2 => Self::Trailing { instrument: Part::read(reader)?, source: Part::read(reader)? },
            3 => Self::Series(Part::read(reader)?),
            4 => Self::Expiries(Part::read(reader)?),
            5 => Self::Reporters,
            7 => Self::Sleepers,
            8 => Self::DueLinks,
            9 => Self::Liquidating,
            10 => Self::ReduceOnly(Part::read(reader)?),
            11 => Self::WatchLow(Part::read(reader)?),
            12 => Self::WatchHigh(Part::read(reader)?),
            13 => Self::Changed,
            tag => {
                let kind = DecodeErrorKind::BadTag { tag };
                return Err(DecodeError::new(kind).within("index"));
            }
        })
    }
}

macro_rules! dense_keys {
    ($($name:ident($int:ty)),*) => {$(
        impl DenseKey for $name {
            fn number(self) -> u32 {
                u32::from(self.0)
            }
            fn of(number: u32) -> Self {
                Self(<$int>::try_from(number).unwrap_or(<$int>::MAX))
            }
        }
    )*};
}
dense_keys!(
    Slot(u32),
    FreePage(u32),
    AccountId(u32),
    SignerId(u32),
    InstrumentId(u32),
    UnderlyingId(u8)
);

impl DenseKey for Only {
    fn number(self) -> u32 {
        0
    }
    fn of(_: u32) -> Self {
        Self
    }
}

impl DenseKey for VenueKey {
    fn number(self) -> u32 {
        0
    }
    fn of(_: u32) -> Self {
        Self
    }
}

/// Keys around an identity that is one itself.
macro_rules! dense_wrapped_keys {
    ($($name:ident($inner:ident)),*) => {$(
        impl DenseKey for $name {
            fn number(self) -> u32 {
                self.0.number()
            }
            fn of(number: u32) -> Self {
                Self($inner::of(number))
            }
        }
    )*};
}
dense_wrapped_keys!(
    HistoryKey(SignerId),
    UnderlyingKey(UnderlyingId),
    WatchKey(AccountId),
    FloorKey(AccountId)
);
