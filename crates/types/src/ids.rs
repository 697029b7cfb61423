//! Identities: small dense integers that the engine assigns, so that state can be arrays.
//!
//! Deliberately absent: names and keys (they are looked up once, at the edge).

use crate::codec::{Decode, DecodeError, Encode, Reader};
use alloc::vec::Vec;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($int:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $int);

        impl Encode for $name {
            fn encode(&self, out: &mut Vec<u8>) {
                self.0.encode(out);
            }
        }

        impl Decode for $name {
            fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                Ok(Self(<$int>::decode(reader)?))
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// A margin account: one owner's sub-account (A1). Assigned in order of creation.
    AccountId(u32)
}
id! {
    /// A signing key known to the venue: an owner or an agent (A1, A2). Assigned in order.
    SignerId(u32)
}
id! {
    /// An instrument. Never used twice: an expired series leaves no leaf and its id stays dead
    /// (I4).
    InstrumentId(u32)
}
id! {
    /// An underlying (I1).
    UnderlyingId(u8)
}
id! {
    /// A price reporter: a validator (P1).
    ReporterId(u16)
}
id! {
    /// A validator of the chain; as a reporter it has the same number.
    ValidatorId(u16)
}
id! {
    /// A market maker protection group of one account on one underlying (M9).
    GroupId(u8)
}
id! {
    /// A trade, numbered by the venue from 1.
    TradeId(u64)
}
id! {
    /// A set of linked orders (M3), numbered by the venue from 1.
    LinkId(u64)
}

/// An order's handle: the low [`OrderId::SLOT_BITS`] bits are its slot in the engine's array of
/// orders, the rest its number in order of arrival, from 1. One look-up finds the order, and the
/// number shows whether it is still the one that was meant. Ids sort by arrival; 0 is no order's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderId(pub u64);

impl OrderId {
    /// Bits of the slot: at most 2^24 orders are open at once.
    pub const SLOT_BITS: u32 = 24;
    /// The largest number of open orders.
    pub const SLOTS_MAX: u32 = 1 << Self::SLOT_BITS;

    /// The handle of the order that arrived as number `sequence` and rests in `slot`.
    ///
    /// Numbers are kept modulo 2^40: an id repeats after a million million orders at the earliest.
    #[must_use]
    pub fn new(sequence: u64, slot: u32) -> Self {
        assert!(slot < Self::SLOTS_MAX, "a slot fits its bits");
        Self((sequence << Self::SLOT_BITS) | u64::from(slot))
    }

    /// The slot in the engine's array of orders.
    #[must_use]
    pub fn slot(self) -> u32 {
        let [a, b, c, ..] = self.0.to_le_bytes();
        u32::from_le_bytes([a, b, c, 0])
    }
}

impl Encode for OrderId {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
    }
}

impl Decode for OrderId {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self(u64::decode(reader)?))
    }
}

impl core::fmt::Display for OrderId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(f)
    }
}
