//! Snapshots: the whole state after a certified block, in a file.
//!
//! ```text
//! "lockstep/snapshot/v1\n" || chain: 32 bytes || Certified
//!     || count: u32 || Handover, one after the other, from epoch 0's on
//!     || count: u32 || ( length: u32 || question || answer ), one after the other
//! ```
//!
//! State roots commit to the store's log and not to leaves alone, so that a snapshot is what a
//! joining node is told: the library's own questions about the log between a header's two ends, and
//! the answers to them, in the library's encoding. Whoever reads one plays the joining node, whose
//! every answer is proven against the header's `operations_root`; in the end the store has the
//! header's `state_root`, or the snapshot is refused. Invariant: nothing in a file is believed.
//! Deliberately absent: blocks.

#[cfg(test)]
mod tests;

use super::{AuditError, failed, files, in_runtime};
use crate::block::Digest;
use crate::handovers::Keeper;
use crate::header::Header;
use crate::light::offline::{Scratch, certified};
use crate::light::{Certified, Handover, LightClient};
use crate::state_source::{Entry, map};
use crate::store::{Operation, PAGE_BYTES, Store, Stores, height_of, read_committed, store_config};
use bytes::{Bytes, BytesMut};
use commonware_codec::{EncodeSize as _, Read as _, Write as _};
use commonware_cryptography::sha256;
use commonware_glue::stateful::db::{DatabaseSet as _, Shared};
use commonware_runtime::Supervisor as _;
use commonware_runtime::buffer::paged::CacheRef;
use commonware_runtime::tokio::Context;
use commonware_storage::mmr::{Family, Location};
use commonware_storage::qmdb::sync::engine::Config;
use commonware_storage::qmdb::sync::{
    self, Response, ServeError, Source, SourceFor, Target, source,
};
use commonware_utils::{NZU64, NZUsize, non_empty_range};
use lockstep_ledger::{Genesis, Ledger};
use lockstep_types::codec::{Decode as _, DecodeError, Encode as _, Reader};
use lockstep_types::envelope::ChainId;
use std::fmt::Display;
use std::num::NonZeroU64;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// How a snapshot's file begins.
pub const SNAPSHOT_MAGIC: &str = "lockstep/snapshot/v1\n";
/// Bytes of a snapshot's file at most.
pub const SNAPSHOT_BYTES_MAX: u64 = 1 << 33;
/// Operations in one answer at most, as between nodes.
const OPERATIONS_MAX: NonZeroU64 = NZU64!(1_024);
/// The same as a count of things in memory.
const OPERATIONS_COUNT_MAX: usize = 1_024;
/// Pages of the store in memory.
const PAGES: usize = 4_096;

type Question = sync::Request<Family>;
type Answer = Response<Family, Operation, Digest>;
/// An answer in its encoding.
type WiredAnswer = Response<Family, Entry, Digest>;

/// The whole state after a certified block.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The chain.
    pub chain: ChainId,
    /// The block.
    pub certified: Certified,
    /// What leads from the genesis to the committee that signed.
    pub handovers: Vec<Handover>,
    /// What a joining node asks and is told.
    told: Vec<(Question, Answer)>,
}

fn wrong(field: &str, why: impl Display) -> AuditError {
    failed(format!("snapshot: {field}: {why}"))
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

impl Snapshot {
    /// Makes a snapshot from the files that the validator with this prefix has in a folder; they
    /// are copied first.
    ///
    /// # Errors
    /// When they cannot be read, or do not make the state that was certified.
    pub fn of_files(folder: &Path, prefix: &str, genesis: &Genesis) -> Result<Self, AuditError> {
        let scratch = Scratch::new("snapshot");
        // The state first: blocks that come meanwhile do no harm.
        let copied = scratch.copy(folder, &format!("{prefix}-state-")).map_err(failed)?;
        if copied == 0 {
            return Err(failed(format!("{}: no state of {prefix}", folder.display())));
        }
        files::copy(&scratch, folder, prefix)?;
        in_runtime(scratch.folder(), |context| async move {
            let pages = CacheRef::new(PAGE_BYTES, NZUsize!(PAGES));
            let config = store_config(prefix, pages.clone());
            let stores = Stores::init(context.child("state"), config, None).await;
            let metadata = stores.read().await.get_metadata().await.map_err(failed)?;
            let height = metadata.as_ref().and_then(height_of);
            let height = height.ok_or_else(|| failed("nothing is committed yet"))?;
            let certified = certified(&context, prefix, pages.clone(), height).await;
            let certified = certified.map_err(failed)?;
            let handovers = handovers(&context, prefix, pages, certified.tip.epoch).await?;
            let recorder = Arc::new(Recorder { stores, told: Mutex::default() });
            let header = certified.header();
            drop(rebuild(&context, "copy", header, Arc::clone(&recorder)).await?);
            let told =
                std::mem::take(&mut *recorder.told.lock().unwrap_or_else(PoisonError::into_inner));
            let chain = genesis.chain_id();
            let snapshot = Self { chain, certified, handovers, told };
            snapshot.client(genesis)?;
            Ok(snapshot)
        })
    }

    /// The file.
    #[must_use]
    pub fn to_file(&self) -> Vec<u8> {
        let mut bytes = SNAPSHOT_MAGIC.as_bytes().to_vec();
        self.chain.encode(&mut bytes);
        self.certified.encode(&mut bytes);
        number(self.handovers.len()).encode(&mut bytes);
        self.handovers.iter().for_each(|handover| handover.encode(&mut bytes));
        number(self.told.len()).encode(&mut bytes);
        for (question, answer) in &self.told {
            let answer: WiredAnswer = map(answer.clone(), Entry::from);
            let mut part = BytesMut::with_capacity(question.encode_size() + answer.encode_size());
            question.write(&mut part);
            answer.write(&mut part);
            number(part.len()).encode(&mut bytes);
            bytes.extend_from_slice(&part);
        }
        bytes
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it is none.
    pub fn from_file(bytes: &[u8]) -> Result<Self, AuditError> {
        let body = bytes.strip_prefix(SNAPSHOT_MAGIC.as_bytes());
        let body = body.ok_or_else(|| wrong("file", "it does not begin as one"))?;
        let mut reader = Reader::new(body);
        let snapshot = Self::read(&mut reader).map_err(|error| wrong("file", error))??;
        reader.finish().map_err(|error| wrong("file", error))?;
        Ok(snapshot)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Result<Self, AuditError>, DecodeError> {
        let chain = ChainId::decode(reader)?;
        let certified = Certified::decode(reader)?;
        // A count alone makes no room.
        let mut handovers = Vec::new();
        for _ in 0..u32::decode(reader)? {
            handovers.push(Handover::decode(reader)?);
        }
        let mut told = Vec::new();
        for _ in 0..u32::decode(reader)? {
            let length = usize::try_from(u32::decode(reader)?).unwrap_or(usize::MAX);
            let part = Bytes::copy_from_slice(reader.take(length)?);
            match read_told(part) {
                Ok(pair) => told.push(pair),
                Err(error) => return Ok(Err(wrong("answers", error))),
            }
        }
        Ok(Ok(Self { chain, certified, handovers, told }))
    }

    /// A client that has come from the genesis to the block's committee, which has signed it; if
    /// the block is the last of its epoch, that is as far as a client comes without the state.
    pub(super) fn client(&self, genesis: &Genesis) -> Result<LightClient, AuditError> {
        let mut client = LightClient::new(genesis).map_err(|error| wrong("genesis", error))?;
        if self.chain != client.chain() {
            return Err(wrong("chain", "it is of a chain with another genesis"));
        }
        for handover in &self.handovers {
            let advanced = client.advance(handover, &mut rand::rng());
            advanced.map_err(|error| wrong("handovers", error))?;
        }
        let checked = client.check(&self.certified, &mut rand::rng());
        checked.map_err(|error| wrong("block", error))?;
        Ok(client)
    }

    /// The state, in a store and as a state machine.
    pub(super) async fn state(
        &self,
        context: &Context,
        prefix: &str,
    ) -> Result<(Stores<Context>, Ledger), AuditError> {
        let header = self.certified.header();
        let player = Player(Mutex::new(self.told.clone().into()));
        let stores = rebuild(context, prefix, header, player).await?;
        let committed = read_committed(&stores).await.map_err(failed)?;
        if committed.height != header.height {
            return Err(wrong("height", format!("the state is that of {}", committed.height)));
        }
        let leaves = committed.leaves.iter().map(|(key, value)| (key, value));
        let ledger = Ledger::from_leaves(leaves).map_err(|error| wrong("leaves", error))?;
        if ledger.chain_id() != self.chain || ledger.height() != header.height {
            return Err(wrong("leaves", "they are of another chain or height"));
        }
        Ok((stores, ledger))
    }
}

/// A question and its answer that fill `bytes`.
fn read_told(mut bytes: Bytes) -> Result<(Question, Answer), commonware_codec::Error> {
    let question = Question::read_cfg(&mut bytes, &())?;
    let answer = WiredAnswer::read_cfg(&mut bytes, &(OPERATIONS_COUNT_MAX, ()))?;
    if !bytes.is_empty() {
        return Err(commonware_codec::Error::ExtraData(bytes.len()));
    }
    Ok((question, map(answer, Operation::from)))
}

/// All handovers up to an epoch's committee.
async fn handovers(
    context: &Context,
    prefix: &str,
    pages: CacheRef,
    epoch: u64,
) -> Result<Vec<Handover>, AuditError> {
    let keeper = Keeper::open(context.child("handovers"), prefix, pages).await;
    let (keeper, _) = keeper.map_err(failed)?;
    let mut found = Vec::new();
    for epoch in 1..=epoch {
        let handover = keeper.get(epoch).await.map_err(failed)?;
        found.push(handover.ok_or_else(|| failed(format!("no handover to epoch {epoch}")))?);
    }
    Ok(found)
}

/// A store with the state after a block, as a joining node makes it from what it is told.
async fn rebuild(
    context: &Context,
    prefix: &str,
    header: &Header,
    source: impl SourceFor<Store<Context>>,
) -> Result<Stores<Context>, AuditError> {
    let (start, end) = (header.operations_start, header.operations_end);
    if start >= end {
        return Err(wrong("block", "it names no operations"));
    }
    let range = non_empty_range!(Location::new(start), Location::new(end));
    let pages = CacheRef::new(PAGE_BYTES, NZUsize!(PAGES));
    let store = sync::sync::<Store<Context>, _>(Config {
        context: context.child("rebuilt"),
        source,
        target: Target::new(sha256::Digest(header.operations_root), range),
        // One at a time, so that whoever reads a snapshot asks what whoever made it asked.
        max_outstanding_requests: NZUsize!(1),
        fetch_batch_size: OPERATIONS_MAX,
        apply_batch_size: OPERATIONS_MAX,
        db_config: store_config(prefix, pages),
        update_rx: None,
        finish_rx: None,
        reached_target_tx: None,
    });
    let store = store.await.map_err(|error| wrong("answers", error))?;
    if store.root().0 != header.state_root {
        return Err(wrong("state_root", "what is told makes another"));
    }
    Ok(Shared::new("rebuilt", store))
}

/// A store that notes what it is asked and answers.
struct Recorder {
    stores: Stores<Context>,
    told: Mutex<Vec<(Question, Answer)>>,
}

impl Source for Recorder {
    type Family = Family;
    type Digest = Digest;
    type Op = Operation;
    type Error = ServeError<Family>;

    async fn serve(&self, question: Question) -> source::Result<Self> {
        let (answer, _) = self.stores.serve(question).await?;
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.push((question, answer.clone()));
        Ok((answer, None))
    }
}

/// What was told, told again in the same order.
struct Player(Mutex<std::collections::VecDeque<(Question, Answer)>>);

/// A snapshot has no answer to what is asked next.
#[derive(Clone, Copy, Debug)]
struct Unanswered;

impl Display for Unanswered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("there is no answer to what a joining node asks")
    }
}

impl std::error::Error for Unanswered {}

impl Source for Player {
    type Family = Family;
    type Digest = Digest;
    type Op = Operation;
    type Error = Unanswered;

    async fn serve(&self, question: Question) -> source::Result<Self> {
        let next = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let answer = next.filter(|(asked, _)| *asked == question).map(|(_, answer)| answer);
        Ok((answer.ok_or(Unanswered)?, None))
    }
}
