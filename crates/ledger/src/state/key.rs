//! Keys of the chain's leaves as bytes: big-endian numbers, so that byte order is natural order.

use alloc::vec::Vec;
use lockstep_types::codec::{Decode, DecodeError, Reader};
use lockstep_types::ids::{AccountId, SignerId, ValidatorId};
use lockstep_types::units::TimeMs;

/// The one key of a table with a single leaf.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Only;

/// A key, or a part of one.
pub(crate) trait KeyPart: Sized {
    /// Appends the bytes.
    fn write(&self, out: &mut Vec<u8>);
    /// Reads them back.
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError>;
}

impl KeyPart for Only {
    fn write(&self, _: &mut Vec<u8>) {}
    fn read(_: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self)
    }
}

macro_rules! numbers {
    ($($int:ty),*) => {$(
        impl KeyPart for $int {
            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }
            fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                Ok(Self::from_be_bytes(reader.array()?))
            }
        }
    )*};
}
numbers!(u16, u32, u64);

macro_rules! ids {
    ($($id:ident),*) => {$(
        impl KeyPart for $id {
            fn write(&self, out: &mut Vec<u8>) {
                self.0.write(out);
            }
            fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                Ok(Self(KeyPart::read(reader)?))
            }
        }
    )*};
}
ids!(ValidatorId, SignerId, AccountId);

impl KeyPart for TimeMs {
    fn write(&self, out: &mut Vec<u8>) {
        // With the sign bit flipped, negative numbers sort before positive ones.
        (self.0.cast_unsigned() ^ (1 << 63)).write(out);
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self((u64::read(reader)? ^ (1 << 63)).cast_signed()))
    }
}

impl KeyPart for [u8; 32] {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        <Self as Decode>::decode(reader)
    }
}

impl<A: KeyPart, B: KeyPart> KeyPart for (A, B) {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
        self.1.write(out);
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok((A::read(reader)?, B::read(reader)?))
    }
}

impl<A: KeyPart, B: KeyPart, C: KeyPart> KeyPart for (A, B, C) {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
        self.1.write(out);
        self.2.write(out);
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok((A::read(reader)?, B::read(reader)?, C::read(reader)?))
    }
}
