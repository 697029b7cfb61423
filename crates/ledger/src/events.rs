//! The root over what happened in a block: a binary Merkle tree over the venue's events in order,
//! then the chain's.
//!
//! ```text
//! leaf = blake3(0x00 || side || encoding)      side: 0 the venue's, 1 the chain's
//! node = blake3(0x01 || left || right)         an odd one out goes up as it is
//! root = blake3("lockstep/events/v1" || number of leaves: u64 || top), top of none: 32 zeros
//! ```
//!
//! Leaves and nodes differ in their first byte and the root names their number, so that no two
//! lists of events have the same root.

use alloc::vec::Vec;
use lockstep_types::chain::ChainEvent;
use lockstep_types::codec::Encode;
use lockstep_types::event::Event;

const ROOT_DOMAIN: &[u8] = b"lockstep/events/v1";

fn leaf(side: u8, event: &impl Encode, scratch: &mut Vec<u8>) -> [u8; 32] {
    scratch.clear();
    scratch.extend([0, side]);
    event.encode(scratch);
    *blake3::hash(scratch).as_bytes()
}

fn node(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    let mut bytes = [1; 65];
    bytes[1..33].copy_from_slice(left);
    bytes[33..].copy_from_slice(right);
    *blake3::hash(&bytes).as_bytes()
}

/// The root over a block's events.
#[must_use]
pub fn root(venue: &[Event], chain: &[ChainEvent]) -> [u8; 32] {
    let mut scratch = Vec::new();
    let mut row: Vec<[u8; 32]> = Vec::with_capacity(venue.len() + chain.len());
    row.extend(venue.iter().map(|event| leaf(0, event, &mut scratch)));
    row.extend(chain.iter().map(|event| leaf(1, event, &mut scratch)));
    let count = u64::try_from(row.len()).unwrap_or(u64::MAX);
    while row.len() > 1 {
        let pairs = row.chunks(2).map(|pair| match pair {
            [left, right] => node(left, right),
            [odd, ..] => *odd,
            [] => [0; 32],
        });
        row = pairs.collect();
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update(ROOT_DOMAIN);
    hasher.update(&count.to_le_bytes());
    hasher.update(&row.first().copied().unwrap_or_default());
    *hasher.finalize().as_bytes()
}
