//! Where committed leaves lie: an authenticated store with proofs of presence and absence.
//!
//! Keys are the leaves' own key bytes, in their own order, so that the absence of a leaf can be
//! proven and the whole state can be read back by one walk. Each commit carries the height that it
//! is of. Invariants: the store is written only by finalized blocks; while executing, nothing is
//! read from it. Deliberately absent: what leaves mean.

use crate::block::Digest;
use bytes::{BufMut, Bytes};
use commonware_codec::{Buf, EncodeSize, Error as CodecError, FixedSize as _, Read, Write};
use commonware_cryptography::Sha256;
use commonware_glue::stateful::db::{DatabaseSet, Shared};
use commonware_parallel::Sequential;
use commonware_runtime::Spawner;
use commonware_runtime::buffer::paged::CacheRef;
use commonware_storage::Context as StorageContext;
use commonware_storage::journal::contiguous::variable::Config as LogConfig;
use commonware_storage::mmr;
use commonware_storage::mmr::full::Config as MerkleConfig;
use commonware_storage::qmdb::Error;
use commonware_storage::qmdb::any::ordered;
use commonware_storage::qmdb::any::value::VariableEncoding;
use commonware_storage::qmdb::current::VariableConfig;
use commonware_storage::qmdb::current::ordered::variable::Db;
use commonware_storage::qmdb::sync::Target;
use commonware_storage::translator::{OrderedTranslator, Translator};
use commonware_utils::{NZU16, NZU64, NZUsize};
use futures::TryStreamExt as _;
use lockstep_exchange::state::changes::Changes;
use lockstep_exchange::state::journal::LEAF_BYTES_MAX;
use lockstep_types::codec::Bounded;
use std::hash::{BuildHasher, DefaultHasher};
use std::num::{NonZeroU16, NonZeroUsize};
use std::ops::Deref;

/// How work is spread over threads. One type for the whole binary: each costs a build of all
/// consensus code.
pub type Strategy = Sequential;
/// The strategy in use.
pub const STRATEGY: Strategy = Sequential;

/// Bytes of a leaf's key at most.
pub const KEY_BYTES_MAX: usize = 128;
/// Bytes of which there are at most so many: a key or a value of the store. It is encoded as bytes
/// behind their length. Clones share the bytes: the store clones each several times.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UpTo<const MAX: usize>(Bytes);

/// A leaf's key.
pub type Key = UpTo<KEY_BYTES_MAX>;
/// A leaf's value.
pub type Value = UpTo<LEAF_BYTES_MAX>;

impl<const MAX: usize> From<Vec<u8>> for UpTo<MAX> {
    fn from(bytes: Vec<u8>) -> Self {
        Self::from(Bytes::from(bytes))
    }
}

impl<const MAX: usize> From<Bytes> for UpTo<MAX> {
    fn from(bytes: Bytes) -> Self {
        assert!(bytes.len() <= MAX, "leaves are bounded where they are made");
        Self(bytes)
    }
}

impl<const MAX: usize> From<Bounded<u8, MAX>> for UpTo<MAX> {
    fn from(bytes: Bounded<u8, MAX>) -> Self {
        Self(bytes.into_vec().into())
    }
}

impl<const MAX: usize> AsRef<[u8]> for UpTo<MAX> {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl<const MAX: usize> Deref for UpTo<MAX> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl<const MAX: usize> Write for UpTo<MAX> {
    fn write(&self, buf: &mut impl BufMut) {
        self.0.write(buf);
    }
}

impl<const MAX: usize> EncodeSize for UpTo<MAX> {
    fn encode_size(&self) -> usize {
        self.0.encode_size()
    }
}

impl<const MAX: usize> Read for UpTo<MAX> {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        Ok(Self(Bytes::read_cfg(buf, &(0..=MAX).into())?))
    }
}

/// Bytes of the status bitmap per grafted chunk.
pub const CHUNK_BYTES: usize = 32;
/// Leading bytes of a key that the index in memory tells apart; beyond them it reads the log.
/// Entries of ordered indexes, the longest keys there are many of, differ within so many.
const INDEXED_BYTES: usize = 24;

/// Size of a page on disk less its checksum. A constant of the disk format.
pub const PAGE_BYTES: NonZeroU16 = NZU16!(4_084);
/// Buffer of each file that is written or replayed.
pub const FILE_BUFFER: NonZeroUsize = NZUsize!(1 << 18);

/// The order-preserving short form of keys in the store's index.
#[derive(Clone, Copy, Debug, Default)]
pub struct LeadingBytes;

impl BuildHasher for LeadingBytes {
    type Hasher = DefaultHasher;

    fn build_hasher(&self) -> DefaultHasher {
        DefaultHasher::new()
    }
}

impl Translator for LeadingBytes {
    type Key = [u8; INDEXED_BYTES];

    fn transform(&self, key: &[u8]) -> Self::Key {
        let mut leading = [0; INDEXED_BYTES];
        let len = key.len().min(INDEXED_BYTES);
        leading[..len].copy_from_slice(&key[..len]);
        leading
    }
}

impl OrderedTranslator for LeadingBytes {}

/// The store of one node.
pub type Store<E> = Db<mmr::Family, E, Key, Value, Sha256, LeadingBytes, CHUNK_BYTES, Strategy>;
/// The store as consensus and state sync share it.
pub type Stores<E> = Shared<Store<E>>;
/// Writes on top of some block's state, not yet hashed.
pub type Writes<E> = <Stores<E> as DatabaseSet<E>>::Unmerkleized;
/// Hashed writes: the state after a block.
pub type Hashed<E> = <Stores<E> as DatabaseSet<E>>::Merkleized;

/// How a store is set up.
pub type StoreConfig = VariableConfig<LeadingBytes, ((), ()), Strategy>;

/// The configuration of the store in partitions that start with `prefix`.
#[must_use]
pub fn store_config(prefix: &str, page_cache: CacheRef) -> StoreConfig {
    StoreConfig {
        merkle_config: MerkleConfig {
            journal_partition: format!("{prefix}-state-nodes"),
            metadata_partition: format!("{prefix}-state-pins"),
            items_per_blob: NZU64!(262_144),
            write_buffer: FILE_BUFFER,
            replay_buffer: FILE_BUFFER,
            strategy: STRATEGY,
            page_cache: page_cache.clone(),
        },
        journal_config: LogConfig {
            partition: format!("{prefix}-state-log"),
            items_per_section: NZU64!(65_536),
            compression: None,
            codec_config: ((), ()),
            page_cache,
            write_buffer: FILE_BUFFER,
            replay_buffer: FILE_BUFFER,
        },
        grafted_metadata_partition: format!("{prefix}-state-grafted"),
        translator: LeadingBytes,
        init_cache: Some(NZUsize!(1 << 16)),
        init_buffer: NZUsize!(1 << 21),
        init_concurrency: (),
    }
}

/// One entry of the store's log.
pub type Operation = ordered::Operation<mmr::Family, Key, VariableEncoding<Value>>;
/// Bytes of an entry at most: a key, a value, the next key, their lengths and a tag.
pub const OPERATION_BYTES_MAX: usize = 2 * KEY_BYTES_MAX + LEAF_BYTES_MAX + 16;

/// What state sync starts from on an empty store.
#[must_use]
pub fn empty_target<E: Spawner + StorageContext>() -> Target<mmr::Family, Digest> {
    <Stores<E> as DatabaseSet<E>>::initial_sync_targets()
}

/// The commit metadata of a height.
#[must_use]
pub fn height_metadata(height: u64) -> Value {
    UpTo(Bytes::copy_from_slice(&height.to_be_bytes()))
}

/// Writes of changed leaves as the state after a height. Keys and values share one buffer.
#[must_use]
pub fn write_changes<E: Spawner + StorageContext>(
    writes: Writes<E>,
    height: u64,
    changes: Changes,
) -> Writes<E> {
    let (bytes, places) = changes.into_parts();
    let bytes = Bytes::from(bytes);
    let mut writes = writes.with_metadata(height_metadata(height));
    for place in places {
        let value = place.value.map(|range| Value::from(bytes.slice(range)));
        writes = writes.write(Key::from(bytes.slice(place.key)), value);
    }
    writes
}

/// The height in a commit's metadata.
#[must_use]
pub fn height_of(metadata: &Value) -> Option<u64> {
    metadata.as_ref().try_into().ok().map(u64::from_be_bytes)
}

/// A committed state as it is read back.
pub struct Committed {
    /// Height of the block that it is the state after; zero: nothing is committed yet.
    pub height: u64,
    /// Its root.
    pub root: Digest,
    /// All leaves, by key.
    pub leaves: Vec<(Key, Value)>,
}

/// Reads the whole committed state.
///
/// # Errors
/// When the store cannot be read.
pub async fn read_committed<E: Spawner + StorageContext>(
    stores: &Stores<E>,
) -> Result<Committed, Error<mmr::Family>> {
    let store = stores.read().await;
    let metadata = store.get_metadata().await?;
    let height = metadata.as_ref().and_then(height_of).unwrap_or(0);
    let leaves = store.stream_range(..).try_collect().await?;
    Ok(Committed { height, root: store.root(), leaves })
}

const _: () = assert!(Digest::SIZE == 32, "headers hold roots of 32 bytes");
