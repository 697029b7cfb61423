//! The canonical binary encoding: one value, one byte string.
//!
//! Fixed-width little-endian integers, one-byte tags, `u16` counts with a named maximum. There is
//! no variable-length integer, no padding and no default, so a value has exactly one encoding and
//! every other byte string is refused with an error that names the field and the limit. A count
//! alone makes no room: memory grows with the elements that were really there. Deliberately absent:
//! versions inside values (a changed shape gets a new tag) and any dependence on the platform's
//! word size.

use alloc::{boxed::Box, vec::Vec};
use core::fmt;

/// Why a byte string is not the encoding of any value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// Innermost field that could not be read, `""` at the top level.
    pub field: &'static str,
    /// What was wrong with it.
    pub kind: DecodeErrorKind,
}

/// The ways in which an encoding can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeErrorKind {
    /// The input ends before the field does.
    Truncated,
    /// Bytes follow the value.
    Trailing {
        /// How many bytes are left over.
        bytes: usize,
    },
    /// A tag that names no variant.
    BadTag {
        /// The tag as read.
        tag: u8,
    },
    /// More elements or bytes than the field may hold.
    TooLong {
        /// The count as read.
        count: usize,
        /// The field's maximum.
        limit: usize,
    },
    /// The bytes are well formed but no legal value (the reason in words).
    Invalid(&'static str),
}

impl DecodeError {
    /// An error of `kind` whose field the caller names with [`DecodeError::within`].
    pub fn new(kind: DecodeErrorKind) -> Self {
        Self { field: "", kind }
    }

    /// Names the field, unless a more deeply nested one is named already.
    #[must_use]
    pub fn within(self, field: &'static str) -> Self {
        if self.field.is_empty() { Self { field, ..self } } else { self }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = if self.field.is_empty() { "value" } else { self.field };
        match self.kind {
            DecodeErrorKind::Truncated => write!(f, "{field}: the input ends too early"),
            DecodeErrorKind::Trailing { bytes } => write!(f, "{field}: {bytes} bytes too many"),
            DecodeErrorKind::BadTag { tag } => write!(f, "{field}: no variant has tag {tag}"),
            DecodeErrorKind::TooLong { count, limit } => {
                write!(f, "{field}: {count} exceeds the limit of {limit}")
            }
            DecodeErrorKind::Invalid(why) => write!(f, "{field}: {why}"),
        }
    }
}

impl core::error::Error for DecodeError {}

/// A cursor over bytes that are being decoded.
#[derive(Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader at the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// The next `count` bytes.
    ///
    /// # Errors
    /// `Truncated` when fewer are left.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        if count > self.bytes.len() {
            return Err(DecodeError::new(DecodeErrorKind::Truncated));
        }
        let (head, tail) = self.bytes.split_at(count);
        self.bytes = tail;
        Ok(head)
    }

    /// The next `N` bytes as an array.
    ///
    /// # Errors
    /// `Truncated` when fewer are left.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N)?);
        Ok(out)
    }

    /// A `u16` count of at most `limit` elements of at least `element_len` bytes each.
    ///
    /// # Errors
    /// `TooLong` above the limit, `Truncated` when the input cannot hold that many.
    pub fn count(&mut self, limit: usize, element_len: usize) -> Result<usize, DecodeError> {
        let count = usize::from(u16::decode(self)?);
        if count > limit {
            return Err(DecodeError::new(DecodeErrorKind::TooLong { count, limit }));
        }
        if count.saturating_mul(element_len) > self.bytes.len() {
            return Err(DecodeError::new(DecodeErrorKind::Truncated));
        }
        Ok(count)
    }

    /// A list to read `count` elements into, with room for no more than the bytes left over would
    /// fill if they were copied. An element can be much larger in memory than encoded, so that a
    /// short message could otherwise claim a lot of memory.
    fn empty_list<T>(&self, count: usize) -> Vec<T> {
        Vec::with_capacity(count.min(self.bytes.len() / size_of::<T>().max(1)))
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.bytes.len()
    }

    /// Ends decoding.
    ///
    /// # Errors
    /// `Trailing` when bytes are left.
    pub fn finish(self) -> Result<(), DecodeError> {
        match self.bytes.len() {
            0 => Ok(()),
            bytes => Err(DecodeError::new(DecodeErrorKind::Trailing { bytes })),
        }
    }
}

/// A value with a canonical encoding.
pub trait Encode {
    /// Appends the encoding of `self` to `out`.
    fn encode(&self, out: &mut Vec<u8>);

    /// The encoding of `self` on its own.
    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode(&mut out);
        out
    }
}

/// A value that can be read back from its canonical encoding, and from nothing else.
pub trait Decode: Sized {
    /// Reads one value.
    ///
    /// # Errors
    /// When the bytes are not a canonical encoding; see [`DecodeErrorKind`].
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError>;

    /// Reads one value that fills `bytes` exactly.
    ///
    /// # Errors
    /// As [`Decode::decode`], and `Trailing` when bytes follow.
    fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let value = Self::decode(&mut reader)?;
        reader.finish()?;
        Ok(value)
    }
}

macro_rules! codec_integer {
    ($($int:ty),*) => {$(
        impl Encode for $int {
            fn encode(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
        }
        impl Decode for $int {
            fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                Ok(Self::from_le_bytes(reader.array()?))
            }
        }
    )*};
}
codec_integer!(u8, u16, u32, u64, u128, i8, i16, i32, i64, i128);

impl Encode for bool {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
}

impl Decode for bool {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match u8::decode(reader)? {
            0 => Ok(false),
            1 => Ok(true),
            tag => Err(DecodeError::new(DecodeErrorKind::BadTag { tag })),
        }
    }
}

impl<T: Encode> Encode for Option<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            None => out.push(0),
            Some(value) => {
                out.push(1);
                value.encode(out);
            }
        }
    }
}

impl<T: Decode> Decode for Option<T> {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if bool::decode(reader)? { Ok(Some(T::decode(reader)?)) } else { Ok(None) }
    }
}

impl<T: Encode> Encode for Box<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        T::encode(self, out);
    }
}

impl<T: Decode> Decode for Box<T> {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Box::new(T::decode(reader)?))
    }
}

impl<T: Encode, const N: usize> Encode for [T; N] {
    fn encode(&self, out: &mut Vec<u8>) {
        for element in self {
            element.encode(out);
        }
    }
}

impl<T: Decode + Copy + Default, const N: usize> Decode for [T; N] {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut out = [T::default(); N];
        for element in &mut out {
            *element = T::decode(reader)?;
        }
        Ok(out)
    }
}

impl<A: Encode, B: Encode> Encode for (A, B) {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
        self.1.encode(out);
    }
}

impl<A: Decode, B: Decode> Decode for (A, B) {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok((A::decode(reader)?, B::decode(reader)?))
    }
}

/// A list of at most `LIMIT` elements (`LIMIT` <= 65,535).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bounded<T, const LIMIT: usize>(Vec<T>);

impl<T, const LIMIT: usize> Bounded<T, LIMIT> {
    /// The list, if it is short enough.
    ///
    /// # Errors
    /// `TooLong` with the count and the limit.
    pub fn new(elements: Vec<T>) -> Result<Self, DecodeError> {
        const { assert!(LIMIT <= 65_535, "counts are u16") };
        let count = elements.len();
        if count > LIMIT {
            return Err(DecodeError::new(DecodeErrorKind::TooLong { count, limit: LIMIT }));
        }
        Ok(Self(elements))
    }

    /// The elements as a vector.
    pub fn into_vec(self) -> Vec<T> {
        self.0
    }
}

impl<T, const LIMIT: usize> Default for Bounded<T, LIMIT> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T, const LIMIT: usize> core::ops::Deref for Bounded<T, LIMIT> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Encode, const LIMIT: usize> Encode for Bounded<T, LIMIT> {
    fn encode(&self, out: &mut Vec<u8>) {
        let count = u16::try_from(self.0.len()).unwrap_or(u16::MAX);
        assert!(usize::from(count) == self.0.len(), "a bounded list fits its count");
        count.encode(out);
        for element in &self.0 {
            element.encode(out);
        }
    }
}

impl<T: Decode, const LIMIT: usize> Decode for Bounded<T, LIMIT> {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = reader.count(LIMIT, 1)?;
        let mut out = reader.empty_list(count);
        for _ in 0..count {
            out.push(T::decode(reader)?);
        }
        Ok(Self(out))
    }
}

#[cfg(test)]
mod tests;

/// Implements the canonical encoding of a struct: its fields in the order given.
#[macro_export]
macro_rules! codec_struct {
    ($name:ident { $($field:ident),* $(,)? }) => {
        impl $crate::codec::Encode for $name {
            fn encode(&self, out: &mut ::alloc::vec::Vec<u8>) {
                $($crate::codec::Encode::encode(&self.$field, out);)*
            }
        }
        impl $crate::codec::Decode for $name {
            fn decode(
                reader: &mut $crate::codec::Reader<'_>,
            ) -> Result<Self, $crate::codec::DecodeError> {
                $(let $field = $crate::codec::Decode::decode(reader)
                    .map_err(|error: $crate::codec::DecodeError| {
                        error.within(stringify!($field))
                    })?;)*
                Ok(Self { $($field),* })
            }
        }
    };
}

/// Implements the canonical encoding of an enum: a one-byte tag, then the variant's fields.
#[macro_export]
macro_rules! codec_enum {
    ($name:ident { $($tag:literal => $variant:ident
        $({ $($field:ident),* $(,)? })? $(( $inner:ident ))?),* $(,)? }) => {
        impl $crate::codec::Encode for $name {
            fn encode(&self, out: &mut ::alloc::vec::Vec<u8>) {
                match self {
                    $(Self::$variant $({ $($field),* })? $(( $inner ))? => {
                        out.push($tag);
                        $($($crate::codec::Encode::encode($field, out);)*)?
                        $($crate::codec::Encode::encode($inner, out);)?
                    })*
                }
            }
        }
        impl $crate::codec::Decode for $name {
            fn decode(
                reader: &mut $crate::codec::Reader<'_>,
            ) -> Result<Self, $crate::codec::DecodeError> {
                let tag = <u8 as $crate::codec::Decode>::decode(reader)
                    .map_err(|error| error.within(stringify!($name)))?;
                match tag {
                    $($tag => {
                        $($(let $field = $crate::codec::Decode::decode(reader)
                            .map_err(|error: $crate::codec::DecodeError| {
                                error.within(stringify!($field))
                            })?;)*)?
                        $(let $inner = $crate::codec::Decode::decode(reader)
                            .map_err(|error: $crate::codec::DecodeError| {
                                error.within(stringify!($inner))
                            })?;)?
                        Ok(Self::$variant $({ $($field),* })? $(( $inner ))?)
                    })*
                    tag => Err($crate::codec::DecodeError::new(
                        $crate::codec::DecodeErrorKind::BadTag { tag },
                    ).within(stringify!($name))),
                }
            }
        }
    };
}
