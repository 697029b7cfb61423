//! Leaves to commit, in one buffer.
//!
//! A block changes some ten leaves for each command, and each is handed on by who executes to who
//! commits: bytes of their own for every key and value would cost more than executing. Invariant:
//! all ranges lie in the buffer. Deliberately absent: what leaves mean.

use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;
use lockstep_types::codec::Encode;

/// Where a change lies in the buffer.
#[derive(Clone, Debug)]
pub struct Place {
    /// The leaf's key.
    pub key: Range<usize>,
    /// The leaf's encoding now; `None`: it was deleted.
    pub value: Option<Range<usize>>,
}

/// Changed leaves: their keys, and their encodings now.
#[derive(Clone, Default)]
pub struct Changes {
    bytes: Vec<u8>,
    places: Vec<Place>,
}

impl Changes {
    /// Adds a leaf: what writes its key, and its value now.
    pub fn add(&mut self, write_key: impl FnOnce(&mut Vec<u8>), value: Option<&impl Encode>) {
        let begin = self.bytes.len();
        write_key(&mut self.bytes);
        let middle = self.bytes.len();
        let value = value.map(|value| {
            value.encode(&mut self.bytes);
            middle..self.bytes.len()
        });
        self.places.push(Place { key: begin..middle, value });
    }

    /// Adds a leaf whose key and encoding are at hand.
    pub fn add_bytes(&mut self, key: &[u8], value: Option<&[u8]>) {
        let begin = self.bytes.len();
        self.bytes.extend_from_slice(key);
        let middle = self.bytes.len();
        let value = value.map(|value| {
            self.bytes.extend_from_slice(value);
            middle..self.bytes.len()
        });
        self.places.push(Place { key: begin..middle, value });
    }

    /// Brings them into the order of their key bytes.
    pub fn sort(&mut self) {
        let Self { bytes, places } = self;
        places.sort_unstable_by(|one, other| {
            bytes.get(one.key.clone()).cmp(&bytes.get(other.key.clone()))
        });
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Key and encoding now of each; `None`: it was deleted.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        let bytes = |range: &Range<usize>| self.bytes.get(range.clone()).unwrap_or_default();
        self.places.iter().map(move |place| (bytes(&place.key), place.value.as_ref().map(bytes)))
    }

    /// The buffer and what lies where in it, for who can share the buffer's parts.
    #[must_use]
    pub fn into_parts(self) -> (Vec<u8>, Vec<Place>) {
        (self.bytes, self.places)
    }
}

impl PartialEq for Changes {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Changes {}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
