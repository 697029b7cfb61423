//! Proofs from a node's store.
//!
//! Invariants: all leaves of a proof are read under one lock, so that they are of one height.
//! Deliberately absent: which leaves a claim needs ([`super::claim`]), and which block they are
//! proven against.

use super::error::ProofError;
use super::state::{CHUNK_BITS, Leaf, StateProof};
use crate::store::{CHUNK_BYTES, Key, Store, Stores, height_of};
use commonware_runtime::Spawner;
use commonware_storage::Context as StorageContext;
use commonware_storage::merkle::multi_proof_positions;
use commonware_storage::merkle::storage::Storage as _;
use commonware_storage::mmr::Location;
use commonware_storage::qmdb::any::ordered::Update;
use commonware_utils::bitmap::Readable;
use lockstep_types::codec::Bounded;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

/// A proof, and the height of the state that it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Height of the last block whose state is committed.
    pub height: u64,
    /// Root of that state.
    pub state_root: [u8; 32],
    /// The leaves.
    pub state: StateProof,
}

fn wrong(error: impl Display) -> ProofError {
    ProofError::Store(error.to_string())
}

/// Proves each key to be there or not, at the last committed height.
///
/// # Errors
/// `Store` when the store cannot be read, has nothing yet, or there is too much to prove.
pub async fn prove<E: Spawner + StorageContext>(
    stores: &Stores<E>,
    keys: &[Vec<u8>],
) -> Result<Proof, ProofError> {
    let store = stores.read().await;
    let metadata = store.get_metadata().await.map_err(wrong)?;
    let height = metadata.as_ref().and_then(height_of);
    let height = height.ok_or_else(|| wrong("nothing is committed yet"))?;
    let mut found: BTreeMap<u64, Update<Key, _>> = BTreeMap::new();
    for key in keys {
        let span = store.get_span(&Key::from(key.clone())).await.map_err(wrong)?;
        let (location, update) = span.ok_or_else(|| wrong("there are no leaves"))?;
        found.insert(*location, update);
    }
    // One proof of the library's own tells what all of them share.
    let first = found.values().next().ok_or_else(|| wrong("no key is asked for"))?;
    let sample = store.key_value_proof(first.key.clone()).await.map_err(wrong)?.proof;
    let inactive_peaks = sample.range_proof.proof.inactive_peaks;
    let witness = store.ops_root_witness().await.map_err(wrong)?;
    let leaves = found.iter().map(|(location, update)| {
        Ok(Leaf {
            location: *location,
            key: Bounded::new(update.key.to_vec())?,
            value: Bounded::new(update.value.to_vec())?,
            next_key: Bounded::new(update.next_key.to_vec())?,
        })
    });
    let leaves: Result<Vec<Leaf>, lockstep_types::codec::DecodeError> = leaves.collect();
    let places: BTreeSet<u64> = found.keys().map(|location| location / CHUNK_BITS).collect();
    let mut chunks = Vec::with_capacity(places.len());
    for place in places {
        chunks.push(store.bitmap().get_chunk(usize::try_from(place).map_err(wrong)?));
    }
    let locations: Vec<Location> = found.keys().map(|place| Location::new(*place)).collect();
    let state = StateProof {
        grafted_root: witness.grafted_root.0,
        inactive_peaks: u8::try_from(inactive_peaks).map_err(wrong)?,
        partial: witness.partial_chunk.map(|(_, digest)| digest.0),
        leaves: Bounded::new(leaves.map_err(wrong)?).map_err(wrong)?,
        chunks: Bounded::new(chunks).map_err(wrong)?,
        digests: Bounded::new(digests(&store, &locations).await?).map_err(wrong)?,
    };
    Ok(Proof { height, state_root: store.root().0, state })
}

/// The digests beside the way from leaves at these locations to the grafted root.
async fn digests<E: Spawner + StorageContext>(
    store: &Store<E>,
    locations: &[Location],
) -> Result<Vec<[u8; 32]>, ProofError> {
    let grafted = store.grafted_storage();
    let operations = Location::try_from(grafted.size()).map_err(wrong)?;
    let positions = multi_proof_positions(operations, locations).map_err(wrong)?;
    let nodes = grafted.get_nodes(&positions).await.map_err(wrong)?;
    Ok(nodes.into_iter().map(|node| node.0).collect())
}

const _: () = assert!(CHUNK_BITS == 8 * CHUNK_BYTES as u64, "bits of a chunk");
