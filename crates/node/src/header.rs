//! Block headers: what certificates are over, and all that a light client needs of a block.
//!
//! Invariants: a header has one encoding, of fixed width per field (`lockstep_types::codec`), and
//! its digest is over that encoding alone, so that a certificate and a header prove everything that
//! the header commits to. Deliberately absent: the body and anything that only validators need.

use commonware_cryptography::{Hasher as _, Sha256, sha256};
use lockstep_types::codec::Encode as _;
use lockstep_types::codec_struct;
use lockstep_types::units::TimeMs;

/// Domain of header digests.
pub const HEADER_DOMAIN: &[u8] = b"lockstep/header/v1";
/// Domain of body roots.
pub const BODY_DOMAIN: &[u8] = b"lockstep/body/v1";
/// Bytes of an encoded header at most: all fields, with next-epoch data.
pub const HEADER_BYTES_MAX: usize = 7 * 8 + 6 * 32 + 1 + 32;

/// A block's header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Epoch: which committee signs.
    pub epoch: u64,
    /// View within the epoch in which it was proposed.
    pub view: u64,
    /// The view in which its parent was proposed.
    pub parent_view: u64,
    /// Digest of its parent's header.
    pub parent: [u8; 32],
    /// ed25519 key of the leader who proposed it.
    pub leader: [u8; 32],
    /// Height, one more than the parent's.
    pub height: u64,
    /// The chain's clock after it, later than the parent's.
    pub time: TimeMs,
    /// Root of the state after it: proofs of presence and absence of leaves are against this.
    pub state_root: [u8; 32],
    /// Root over the store's log of operations, which state sync follows.
    pub operations_root: [u8; 32],
    /// First operation that state sync needs.
    pub operations_start: u64,
    /// One past the last operation; beyond `operations_start`.
    pub operations_end: u64,
    /// Root over the block's events.
    pub events_root: [u8; 32],
    /// Digest of the encoded body, see [`body_root`].
    pub body_root: [u8; 32],
    /// In an epoch's last block the digest of the next committee.
    pub next: Option<[u8; 32]>,
}
codec_struct!(Header {
    epoch,
    view,
    parent_view,
    parent,
    leader,
    height,
    time,
    state_root,
    operations_root,
    operations_start,
    operations_end,
    events_root,
    body_root,
    next,
});

impl Header {
    /// The block's name: what validators vote on and children point to.
    #[must_use]
    pub fn digest(&self) -> sha256::Digest {
        Sha256::hash(&[HEADER_DOMAIN, &self.to_bytes()])
    }
}

/// The root of an encoded body.
#[must_use]
pub fn body_root(body: &[u8]) -> [u8; 32] {
    Sha256::hash(&[BODY_DOMAIN, body]).0
}
