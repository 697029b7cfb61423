//! Leaves, and the absence of leaves, proven against a header's state root.
//!
//! The store (`commonware-storage`, `qmdb::current::ordered`) is a log of operations under a Merkle
//! mountain range. A bitmap says which operations are still in force; each chunk of it is hashed
//! into the node above the operations that it speaks of. The state root commits to the log's root,
//! to that grafted root and to the last, unfinished chunk. A leaf is an operation in force, and
//! names the next leaf's key, so that what lies between two leaves is proven to be absent.
//!
//! One proof has many leaves and every inner digest once; how many operations there are and the
//! root of their log are the header's. Invariants: [`StateProof::verify`] accepts exactly the
//! leaves that the library's own proofs of single keys accept; tests compare them. Deliberately
//! absent: what leaves mean.

use super::error::ProofError;
use crate::block::Digest;
use crate::header::Header;
use crate::store::{CHUNK_BYTES, KEY_BYTES_MAX, Operation};
use commonware_codec::Encode as _;
use commonware_cryptography::{Hasher as _, Sha256, sha256};
use commonware_storage::merkle::hasher::{Hasher as MerkleHasher, Standard};
use commonware_storage::merkle::{Bagging, Graftable as _};
use commonware_storage::mmr::{Family, Location, Position, Proof};
use commonware_storage::qmdb;
use commonware_storage::qmdb::any::ordered::Update;
use commonware_storage::qmdb::current::grafting;
use commonware_storage::qmdb::current::proof::OpsRootWitness;
use commonware_utils::range::contains_cyclic;
use lockstep_client::hex;
use lockstep_exchange::state::journal::LEAF_BYTES_MAX;
use lockstep_types::codec::Bounded;
use lockstep_types::codec_struct;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// Leaves in a proof at most: an account with all that it may have.
pub const LEAVES_MAX: usize = 4_096;
/// Digests in a proof at most.
pub const DIGESTS_MAX: usize = 65_535;
/// Operations that one chunk of the bitmap speaks of.
pub const CHUNK_BITS: u64 = 8 * CHUNK_BYTES as u64;
/// Height of the nodes that chunks are hashed into.
const GRAFTING_HEIGHT: u32 = grafting::height::<CHUNK_BYTES>();

/// A chunk of the bitmap: bit `i % 8` of byte `i / 8` is its operation `i`.
pub type Chunk = [u8; CHUNK_BYTES];

/// A leaf as the store's log has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Number of the operation that wrote it.
    pub location: u64,
    /// Its key.
    pub key: Bounded<u8, KEY_BYTES_MAX>,
    /// Its value.
    pub value: Bounded<u8, LEAF_BYTES_MAX>,
    /// The next leaf's key; the last one names the first.
    pub next_key: Bounded<u8, KEY_BYTES_MAX>,
}
codec_struct!(Leaf { location, key, value, next_key });

/// A proof of leaves against a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateProof {
    /// Root of the operations with the bitmap grafted onto them.
    pub grafted_root: [u8; 32],
    /// How many of the first peaks have no operation in force; part of that root.
    pub inactive_peaks: u8,
    /// Digest of the bitmap's unfinished chunk, unless the last one is full.
    pub partial: Option<[u8; 32]>,
    /// The leaves, in order of location.
    pub leaves: Bounded<Leaf, LEAVES_MAX>,
    /// The chunk of each of them, each once, in order.
    pub chunks: Bounded<Chunk, LEAVES_MAX>,
    /// Digests of the nodes beside the way from the leaves to the root, in order of position.
    pub digests: Bounded<[u8; 32], DIGESTS_MAX>,
}
codec_struct!(StateProof { grafted_root, inactive_peaks, partial, leaves, chunks, digests });

/// Hashes nodes as the store does: at the height of chunks the chunk goes in.
#[derive(Clone)]
struct Grafting<'a> {
    plain: Standard<Sha256>,
    chunks: &'a BTreeMap<u64, Chunk>,
}

impl MerkleHasher<Family> for Grafting<'_> {
    type Digest = Digest;

    fn hash(&self, parts: &[&[u8]]) -> Digest {
        self.plain.hash(parts)
    }

    fn root_bagging(&self) -> Bagging {
        self.plain.root_bagging()
    }

    fn node_digest(&self, position: Position, left: &Digest, right: &Digest) -> Digest {
        let height = <Family as commonware_storage::merkle::Family>::pos_to_height(position);
        let plain = MerkleHasher::<Family>::node_digest(&self.plain, position, left, right);
        if height.cmp(&GRAFTING_HEIGHT) != Ordering::Equal {
            return plain;
        }
        let first = Family::leftmost_leaf(position, GRAFTING_HEIGHT);
        match self.chunks.get(&(*first >> GRAFTING_HEIGHT)) {
            // A chunk with nothing in force leaves the node as it is.
            Some(chunk) if chunk.iter().any(|byte| *byte != 0) => {
                self.plain.hash(&[chunk, plain.as_ref()])
            }
            _ => plain,
        }
    }

    fn node_digest_pair(
        &self,
        [left, right]: [(Position, &Digest, &Digest); 2],
    ) -> (Digest, Digest) {
        (self.node_digest(left.0, left.1, left.2), self.node_digest(right.0, right.1, right.2))
    }
}

/// Whether an operation is in force.
fn is_active(chunk: &Chunk, location: u64) -> bool {
    let bit = location % CHUNK_BITS;
    let byte = usize::try_from(bit / 8).ok().and_then(|place| chunk.get(place));
    byte.is_some_and(|byte| byte & (1 << (bit % 8)) != 0)
}

impl StateProof {
    /// Checks the proof against a header; what it proves.
    ///
    /// # Errors
    /// What is wrong with it, the first thing that is found.
    pub fn verify(&self, header: &Header) -> Result<Proven, ProofError> {
        let operations = header.operations_end;
        self.check_roots(header)?;
        let chunks = self.placed_chunks(operations)?;
        let mut elements = Vec::with_capacity(self.leaves.len());
        for leaf in self.leaves.iter() {
            let chunk = chunks.get(&(leaf.location / CHUNK_BITS));
            if !chunk.is_some_and(|chunk| is_active(chunk, leaf.location)) {
                return Err(ProofError::Overwritten { key: hex::encode(&leaf.key) });
            }
            let operation = Operation::Update(Update {
                key: leaf.key.clone().into(),
                value: leaf.value.clone().into(),
                next_key: leaf.next_key.clone().into(),
            });
            elements.push((operation.encode(), Location::new(leaf.location)));
        }
        let proof = Proof::<Digest> {
            leaves: Location::new(operations),
            inactive_peaks: usize::from(self.inactive_peaks),
            digests: self.digests.iter().copied().map(sha256::Digest).collect(),
        };
        let hasher = Grafting { plain: qmdb::hasher::<Sha256>(), chunks: &chunks };
        let root = sha256::Digest(self.grafted_root);
        if !proof.verify_multi_inclusion(&hasher, &elements, &root) {
            return Err(ProofError::Inclusion { leaves: self.leaves.len() });
        }
        Proven::new(&self.leaves)
    }

    /// Whether the grafted root and the unfinished chunk make the state root with the log's root.
    fn check_roots(&self, header: &Header) -> Result<(), ProofError> {
        let bits = header.operations_end % CHUNK_BITS;
        if (bits != 0) != self.partial.is_some() {
            return Err(ProofError::Partial);
        }
        let pending = None::<Digest>.try_into().map_err(|_| ProofError::Partial)?;
        let witness = OpsRootWitness::<Family, Digest> {
            grafted_root: sha256::Digest(self.grafted_root),
            pending_chunk_digest: pending,
            partial_chunk: self.partial.map(|digest| (bits, sha256::Digest(digest))),
        };
        let log_root = sha256::Digest(header.operations_root);
        if !witness.verify::<Sha256>(&log_root, &sha256::Digest(header.state_root)) {
            return Err(ProofError::StateRoot);
        }
        Ok(())
    }

    /// The chunks by their number; each leaf has one, and none is there for nothing.
    fn placed_chunks(&self, operations: u64) -> Result<BTreeMap<u64, Chunk>, ProofError> {
        let mut last = None;
        let mut places = BTreeSet::new();
        for leaf in self.leaves.iter() {
            let location = leaf.location;
            if last.is_some_and(|last| last >= location) || location >= operations {
                return Err(ProofError::Location { key: hex::encode(&leaf.key), location });
            }
            last = Some(location);
            places.insert(location / CHUNK_BITS);
        }
        if places.len() != self.chunks.len() {
            let (expected, found) = (places.len(), self.chunks.len());
            return Err(ProofError::Chunks { expected, found });
        }
        let chunks: BTreeMap<u64, Chunk> =
            places.into_iter().zip(self.chunks.iter().copied()).collect();
        // Full chunks are hashed into nodes; the unfinished one has a digest of its own.
        let unfinished = chunks.get(&(operations / CHUNK_BITS));
        let is_other = |chunk: &Chunk| Some(Sha256::hash(&[chunk]).0) != self.partial;
        if unfinished.is_some_and(is_other) {
            return Err(ProofError::Partial);
        }
        Ok(chunks)
    }
}

/// Leaves that were proven, and with them what lies between each and its next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    leaves: BTreeMap<Vec<u8>, (Vec<u8>, Vec<u8>)>,
}

impl Proven {
    fn new(leaves: &[Leaf]) -> Result<Self, ProofError> {
        let mut proven = BTreeMap::new();
        for leaf in leaves {
            let entry = (leaf.value.to_vec(), leaf.next_key.to_vec());
            if proven.insert(leaf.key.to_vec(), entry).is_some() {
                return Err(ProofError::Twice { key: hex::encode(&leaf.key) });
            }
        }
        Ok(Self { leaves: proven })
    }

    /// The value of a leaf that was proven to be there.
    #[must_use]
    pub fn value(&self, key: &[u8]) -> Option<&[u8]> {
        self.leaves.get(key).map(|(value, _)| value.as_slice())
    }

    /// The leaf by which a key is proven to be absent: it comes before it, and its next after it.
    #[must_use]
    pub fn gap_around(&self, key: &[u8]) -> Option<&[u8]> {
        let below = (Bound::Unbounded, Bound::Excluded(key));
        let before = self.leaves.range::<[u8], _>(below).next_back();
        // Before the first leaf comes the last one, which names it as its next.
        let (found, (_, next)) = before.or_else(|| self.leaves.iter().next_back())?;
        let span = (Bound::Included(found.as_slice()), Bound::Excluded(next.as_slice()));
        (found != key && contains_cyclic::<[u8]>(span, key)).then_some(found.as_slice())
    }

    /// All leaves whose keys begin with `prefix`, in order.
    pub fn starting_with<'a>(
        &'a self,
        prefix: &'a [u8],
    ) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let from = self.leaves.range::<[u8], _>((Bound::Included(prefix), Bound::Unbounded));
        from.take_while(move |(key, _)| key.starts_with(prefix))
            .map(|(key, (value, _))| (key.as_slice(), value.as_slice()))
    }

    /// All keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = &[u8]> {
        self.leaves.keys().map(Vec::as_slice)
    }
}
