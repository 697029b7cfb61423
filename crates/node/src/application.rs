//! What consensus asks of us: build a block, check a block, take note of a final one.
//!
//! A proposal and a check are the same work: bring the engine to the parent, execute the body, hash
//! the changed leaves, and put the roots into the header or compare them with it. A block whose
//! roots we do not reproduce gets no vote of ours. Invariants: a verdict depends on the block, its
//! ancestors and nothing else; the local clock may delay a check, for a bounded time, and never
//! decides one. Deliberately absent: votes, networks and files.

use crate::attendance::Attendance;
use crate::block::{BODY_BYTES_MAX, Block, Context, Digest};
use crate::committees::{Committees, scheme_of};
use crate::costs::Work;
use crate::database::Database;
use crate::epochs::Boundary;
use crate::head::{Base, Events, Executed, Head, StepKey};
use crate::header::{Header, body_root};
use crate::intake::Answers;
use crate::items::{self, Items};
use crate::light::committee_digest;
use crate::mempool::{Mempool, Refusal, Room};
use crate::randomness::Randomness;
use crate::signatures::{CommandId, Signatures};
use crate::store::{Hashed, Stores, Writes, empty_target, read_committed, write_changes};
use bytes::Bytes;
use commonware_consensus::marshal::ancestry::Ancestry;
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_consensus::simplex::types::Activity;
use commonware_cryptography::{Digested, Digestible as _};
use commonware_glue::stateful::db::{DatabaseSet, Merkleized as _, Unmerkleized as _};
use commonware_glue::stateful::{self, Finality, Input, Proposed};
use commonware_runtime::{Clock, Spawner};
use commonware_storage::Context as StorageContext;
use commonware_storage::mmr::Location;
use commonware_storage::qmdb::sync::Target;
use commonware_utils::non_empty_range;
use futures::channel::{mpsc, oneshot};
use futures::future::{FutureExt as _, Shared};
use futures::lock::{Mutex as AsyncMutex, OwnedMutexGuard};
use futures::{SinkExt as _, StreamExt as _};
use lockstep_ledger::{
    Block as Body, Committee, Evidence, Genesis, Ledger, Participation, SystemItem,
};
use lockstep_types::codec::{Bounded, Encode as _};
use lockstep_types::command::BLOCK_COMMANDS_MAX;
use lockstep_types::envelope::{ChainId, SignedCommand};
use lockstep_types::units::TimeMs;
use rand::CryptoRng;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

/// How far ahead of our clock a block's time may be before we wait for our clock, ms.
pub const SKEW_MS_MAX: i64 = 500;
/// How long a block whose time is ahead of our clock is made to wait at most. Longer than a view
/// lasts, so that a leader whose clock runs ahead loses its turn.
pub const SKEW_WAIT_MAX: Duration = Duration::from_millis(1_000);
/// How often an idle leader looks for commands.
const IDLE_POLL: Duration = Duration::from_millis(2);
/// Bytes of the items in a body that we build at most.
const ITEMS_BYTES_MAX: usize = 252 * 1024;
/// Bytes of a body that are not commands at most: items, and fields of known size.
const BODY_RESERVED_BYTES: usize = ITEMS_BYTES_MAX + 4 * 1024;

/// How fast blocks follow each other and how full they get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Least time between a block and its parent.
    pub interval_min: Duration,
    /// An empty block follows its parent after this; well below the leader timeout.
    pub heartbeat: Duration,
    /// Commands in a block at most.
    pub commands_max: usize,
    /// Orders, quotes and cancels in a block at most.
    pub work_max: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            interval_min: Duration::from_millis(20),
            heartbeat: Duration::from_millis(100),
            commands_max: 4_000,
            work_max: 20_000,
        }
    }
}

/// A final block and what it caused, as observers are told.
#[derive(Clone, Debug)]
pub struct Finalized {
    /// The block.
    pub block: Arc<Block>,
    /// What it caused; nothing for blocks that were final before this node started.
    pub events: Arc<Events>,
}

/// Who is told what happens. Nothing here may block: consensus waits.
pub trait Observer: Send + Sync {
    /// This node begins to build the block of a view.
    fn building(&self, _view: u64) {}
    /// A block is final, in order of height, and its state applied.
    fn finalized(&self, _finalized: &Finalized) {}
    /// Consensus saw a vote, a certificate or a fault.
    fn activity(&self, _activity: &Activity<Scheme, Digest>) {}
    /// Consensus saw what looks like an offence; its votes have not been checked.
    fn offence(&self, _evidence: &Evidence) {}
    /// An epoch begins, in which this node votes or only follows.
    fn entered(&self, _epoch: u64, _votes: bool) {}
}

/// The stores, once they are open.
type Opening<E> = Shared<oneshot::Receiver<Stores<E>>>;

/// What a chain is made of.
pub struct Parts<E: Spawner + StorageContext> {
    /// How it began.
    pub genesis: Arc<Genesis>,
    /// Pace of blocks.
    pub pace: Pace,
    /// The stores, when they are open.
    pub stores: oneshot::Receiver<Stores<E>>,
    /// Who votes when.
    pub committees: Committees,
    /// Who signed which certificate.
    pub attendance: Attendance,
    /// Where ends of epochs are handed over.
    pub boundaries: mpsc::Sender<Boundary>,
    /// Commands that wait.
    pub mempool: Mempool,
    /// What validators said and no block has yet.
    pub items: Items,
    /// Who is told what happens.
    pub observer: Arc<dyn Observer>,
}

/// The chain as consensus drives it. Clones share everything.
pub struct Chain<E: Spawner + StorageContext> {
    genesis: Arc<Genesis>,
    chain: ChainId,
    genesis_block: Block,
    pace: Pace,
    stores: Opening<E>,
    head: Arc<AsyncMutex<Option<Arc<AsyncMutex<Head>>>>>,
    signatures: Arc<Signatures>,
    committees: Committees,
    attendance: Attendance,
    boundaries: mpsc::Sender<Boundary>,
    mempool: Mempool,
    items: Items,
    observer: Arc<dyn Observer>,
}

impl<E: Spawner + StorageContext> Clone for Chain<E> {
    fn clone(&self) -> Self {
        Self {
            genesis: Arc::clone(&self.genesis),
            chain: self.chain,
            genesis_block: self.genesis_block.clone(),
            pace: self.pace,
            stores: self.stores.clone(),
            head: Arc::clone(&self.head),
            signatures: Arc::clone(&self.signatures),
            committees: self.committees.clone(),
            attendance: self.attendance.clone(),
            boundaries: self.boundaries.clone(),
            mempool: self.mempool.clone(),
            items: self.items.clone(),
            observer: Arc::clone(&self.observer),
        }
    }
}

/// The engine, lent to one task at a time.
type HeadGuard = OwnedMutexGuard<Head>;

/// The first block, which nobody proposed: it names the genesis and the empty store.
///
/// # Errors
/// When the genesis has no validator whose key is one.
pub fn genesis_block<E: Spawner + StorageContext>(
    genesis: &Genesis,
) -> Result<Block, commonware_codec::Error> {
    let target = empty_target::<E>();
    let first = genesis.validators.first().and_then(|validator| validator.keys.first());
    let leader = first.copied().unwrap_or_default();
    let body = Body { height: 0, time: genesis.time, leader, ..Body::default() };
    let header = Header {
        epoch: 0,
        view: 0,
        parent_view: 0,
        parent: [0; 32],
        leader,
        height: 0,
        time: genesis.time,
        state_root: genesis.chain_id().0,
        operations_root: target.root.0,
        operations_start: *target.range.start(),
        operations_end: *target.range.end(),
        events_root: [0; 32],
        body_root: body_root(&body.to_bytes()),
        next: None,
    };
    Block::new(header, body)
}

impl<E> Chain<E>
where
    E: Spawner + StorageContext + Clock + CryptoRng,
{
    /// A chain around its parts.
    ///
    /// # Errors
    /// When the genesis names no validator.
    pub fn new(parts: Parts<E>) -> Result<Self, commonware_codec::Error> {
        Ok(Self {
            chain: parts.genesis.chain_id(),
            genesis_block: genesis_block::<E>(&parts.genesis)?,
            genesis: parts.genesis,
            pace: parts.pace,
            stores: parts.stores.shared(),
            head: Arc::default(),
            signatures: Arc::default(),
            committees: parts.committees,
            attendance: parts.attendance,
            boundaries: parts.boundaries,
            mempool: parts.mempool,
            items: parts.items,
            observer: parts.observer,
        })
    }

    /// The first block.
    #[must_use]
    pub fn genesis_block(&self) -> &Block {
        &self.genesis_block
    }

    /// The engine, which is read back from the committed leaves when it is first asked for. `None`:
    /// the node is stopping, or the store cannot be read.
    async fn head(&self) -> Option<HeadGuard> {
        let mut loaded = self.head.lock().await;
        let head = match loaded.as_ref() {
            Some(head) => Arc::clone(head),
            None => {
                let stores = self.stores.clone().await.ok()?;
                let head = Arc::new(AsyncMutex::new(self.load(&stores).await?));
                Arc::clone(loaded.insert(head))
            }
        };
        drop(loaded);
        Some(head.lock_owned().await)
    }

    fn head_at_genesis(&self) -> Option<Head> {
        let state_root = self.genesis_block.header().state_root;
        let ledger = Ledger::genesis(&self.genesis).ok()?;
        Some(Head::new(ledger, Base { height: 0, state_root }))
    }

    async fn load(&self, stores: &Stores<E>) -> Option<Head> {
        let committed = read_committed(stores).await.ok()?;
        if committed.height == 0 {
            return self.head_at_genesis();
        }
        let leaves = committed.leaves.iter().map(|(key, value)| (key, value));
        let ledger = Ledger::from_leaves(leaves).ok()?;
        assert!(ledger.height() == committed.height, "leaves and commit are of one height");
        let base = Base { height: committed.height, state_root: committed.root.0 };
        Some(Head::new(ledger, base))
    }

    /// Takes commands whose signatures hold in the state of the head into the mempool; what becomes
    /// of each.
    pub async fn admit(&self, commands: &[SignedCommand], rng: &mut E) -> Answers {
        if commands.is_empty() {
            return Vec::new();
        }
        let Some(head) = self.head().await else {
            return commands.iter().map(|_| Err(Refusal::Stopping)).collect();
        };
        let now = head.ledger().time();
        let claims = Work::Signatures
            .measure(|| self.signatures.claims(self.chain, head.ledger(), commands));
        // Blocks need the engine more urgently than the signatures' batch does.
        drop(head);
        let named = |signed: &SignedCommand| {
            let bytes = signed.to_bytes();
            (CommandId::of_bytes(&bytes), bytes.len())
        };
        let (ids, lengths): (Vec<CommandId>, Vec<usize>) = commands.iter().map(named).unzip();
        let bad = Work::Signatures
            .measure(|| self.signatures.check(self.chain, &claims, &ids, Randomness(rng)));
        let bad = bad.err().unwrap_or_default();
        let insert = |(place, signed): (usize, &SignedCommand)| {
            if bad.binary_search(&place).is_ok() {
                let is_known = claims[place].1.is_some();
                return Err(if is_known { Refusal::Signature } else { Refusal::Unknown });
            }
            let id = ids[place];
            self.mempool.insert(id, signed.clone(), lengths[place], now).map(|()| id)
        };
        commands.iter().enumerate().map(insert).collect()
    }

    /// A copy of the state machine at the highest final block that this node has executed. What is
    /// above is executed again when consensus asks for it.
    pub async fn finalized_ledger(&self) -> Option<Ledger> {
        self.look(Ledger::clone).await
    }

    /// Looks at the state machine at the highest final block that this node has executed.
    pub async fn look<T>(&self, look: impl FnOnce(&Ledger) -> T) -> Option<T> {
        let mut head = self.head().await?;
        head.rewind_to_base();
        Some(look(head.ledger()))
    }

    /// Whether a validator's item is good for this chain, as far as the committees that are at hand
    /// tell.
    pub fn item_holds(&self, item: &SystemItem, rng: &mut E) -> bool {
        let is_seated = match item {
            SystemItem::Report(signed) => self.committees.has_seat(&signed.report.validator),
            SystemItem::Deposit(signed) => self.committees.has_seat(&signed.word.validator),
            SystemItem::Evidence(_) => true,
        };
        let scheme = |epoch| self.committees.of(epoch).map(|seated| seated.scheme.as_ref().clone());
        is_seated && items::holds(self.chain, item, &scheme, rng)
    }

    /// Whether the ledger has punished who this evidence is against, for that epoch.
    pub async fn has_punished(&self, evidence: &Evidence) -> bool {
        let Some(head) = self.head().await else { return false };
        let ledger = head.ledger();
        let offender = ledger.validator_of_key(evidence.offender);
        let offence = offender.and_then(|offender| ledger.offence(offender));
        offence.is_some_and(|(epoch, _)| epoch == evidence.epoch)
    }

    /// The committee that follows the highest final block, if that is the last of its epoch, with
    /// its height.
    pub async fn next_committee(&self) -> Option<(u64, Committee)> {
        let mut head = self.head().await?;
        head.rewind_to_base();
        let (ledger, height) = (head.ledger(), head.base().height);
        let next = ledger.epoch_of(height).saturating_add(1);
        ledger.committee(next).map(|committee| (height, committee.clone()))
    }

    /// Hands over to the next committee and waits until that is durable.
    pub async fn hand_over(&self, last: Header, committee: Committee) {
        let (done, waiting) = oneshot::channel();
        if self.boundaries.clone().send(Boundary { last, committee, done }).await.is_ok() {
            // An error: the node is stopping.
            let _ = waiting.await;
        }
    }

    /// Brings the engine to the state after `parent`, which comes before `ancestry`'s blocks.
    /// `None`: that block is on no branch of the finalized one.
    async fn head_at(
        &self,
        parent: Digested<Block>,
        ancestry: &mut impl Ancestry<Block>,
    ) -> Option<HeadGuard> {
        let mut path = vec![parent];
        loop {
            let oldest = path.last()?.inner_shared();
            let mut head = self.head().await?;
            if let Some(place) = head.place_of(oldest.header()) {
                head.rewind(place);
                for block in path.iter().rev().skip(1) {
                    let block = block.inner_shared();
                    let (key, ids) = (StepKey::from(block.header()), block.names().to_vec());
                    Work::Execution.measure(|| head.advance(key, block.body(), ids)).ok()?;
                }
                return Some(head);
            }
            if oldest.header().height <= head.base().height {
                return None;
            }
            // Fetching may take a while: the engine is free meanwhile.
            drop(head);
            path.push(ancestry.next().await?);
        }
    }

    /// Waits until a block may follow: at once when there are commands, at the heartbeat without,
    /// never before the least interval.
    async fn wait_for_turn(&self, context: &E, parent: TimeMs) {
        let began = context.current();
        let since_parent = |now: TimeMs| now.0.saturating_sub(parent.0).max(0).unsigned_abs();
        loop {
            let passed = Duration::from_millis(since_parent(now(context)));
            // A parent from the future must not make us miss our own turn.
            let waited = context.current().duration_since(began).unwrap_or_default();
            if passed.max(waited) >= self.pace.heartbeat {
                return;
            }
            let least = self.pace.interval_min;
            let is_wanted = !self.mempool.is_empty() || !self.items.is_empty();
            if passed.max(waited) >= least && is_wanted {
                return;
            }
            let rest = self.pace.heartbeat.saturating_sub(passed.max(waited));
            context.sleep(least.saturating_sub(passed).clamp(IDLE_POLL, rest.max(IDLE_POLL))).await;
        }
    }

    /// The room of a block before which so many views were skipped.
    fn room(&self, skipped: u64) -> Room {
        let room = Room {
            commands: self.pace.commands_max.min(BLOCK_COMMANDS_MAX),
            bytes: BODY_BYTES_MAX - BODY_RESERVED_BYTES,
            work: self.pace.work_max,
        };
        room.after_skips(skipped)
    }

    /// The commands of the next block, before which so many views were skipped, whose signatures
    /// hold in the state of `head`.
    async fn choose(
        &self,
        head: &Head,
        skipped: u64,
        rng: &mut impl CryptoRng,
    ) -> (Vec<SignedCommand>, Vec<CommandId>) {
        let chosen = self.mempool.select(self.room(skipped), |id| head.includes(id));
        let commands = chosen.iter().map(|(_, signed)| signed.as_ref());
        let claims = self.signatures.claims(self.chain, head.ledger(), commands);
        let ids: Vec<CommandId> = chosen.iter().map(|(id, _)| *id).collect();
        let bad = Work::Signatures
            .measure(|| self.signatures.check(self.chain, &claims, &ids, Randomness(rng)));
        let bad = bad.err().unwrap_or_default();
        let is_bad = |place: &usize| bad.binary_search(place).is_ok();
        // What another branch's state knew and this one does not may come back: only time ends it.
        let good = chosen.into_iter().enumerate().filter(|(place, _)| !is_bad(place));
        good.map(|(_, (id, signed))| (signed.as_ref().clone(), id)).unzip()
    }

    async fn build(
        &self,
        mut context: E,
        consensus: Context,
        parent: Digested<Block>,
        ancestry: &mut impl Ancestry<Block>,
        writes: Writes<E>,
    ) -> Option<(Block, Hashed<E>)> {
        let parent_header = parent.inner_shared().header().clone();
        let parent_time = parent_header.time;
        self.wait_for_turn(&context, parent_time).await;
        self.observer.building(consensus.round.view().get());
        let parent_digest = parent.digest();
        let mut head = self.head_at(parent, ancestry).await?;
        let (view, before) = (consensus.round.view().get(), consensus.parent.0.get());
        let skipped = view.saturating_sub(before).saturating_sub(1);
        let (commands, mut ids) = self.choose(&head, skipped, &mut context).await;
        let time = TimeMs(now(&context).0.max(parent_time.0.checked_add(1)?));
        let items = self.items.select(time, ITEMS_BYTES_MAX, |id| head.includes(id));
        ids.extend(items.iter().map(items::id_of));
        let leader: [u8; 32] = consensus.leader.as_ref().try_into().ok()?;
        let epoch = consensus.round.epoch().get();
        let is_first = parent_header.height == 0 || parent_header.epoch != epoch;
        let participation =
            if is_first { Participation::default() } else { self.attendance.of(parent_digest) };
        let body = Body {
            height: parent_header.height.checked_add(1)?,
            time,
            leader,
            participation,
            system: Bounded::new(items).ok()?,
            commands: Bounded::new(commands).ok()?,
        };
        let body_bytes = Bytes::from(body.to_bytes());
        let body_root = body_root(&body_bytes);
        let key = StepKey { parent: parent_digest.0, body_root };
        let executed = Work::Execution.measure(|| head.advance(key, &body, ids.clone())).ok()?;
        let next = next_named(head.ledger());
        drop(head);
        let events_root = executed.events_root;
        let hashed = hash(writes, body.height, executed).await?;
        let header = Header {
            epoch,
            view: consensus.round.view().get(),
            parent_view: consensus.parent.0.get(),
            parent: parent_digest.0,
            leader,
            height: body.height,
            time: body.time,
            state_root: hashed.root().0,
            operations_root: hashed.ops_root().0,
            operations_start: *hashed.sync_boundary(),
            operations_end: *hashed.bounds().tip.size,
            events_root,
            body_root,
            next,
        };
        let block = Block::of_encoded(header, body, body_bytes).ok()?;
        Some((block.with_names(ids), hashed))
    }

    /// Checks all signatures in a block; `None` when one does not hold.
    async fn check_signatures(
        &self,
        ledger: &Ledger,
        block: &Block,
        rng: &mut impl CryptoRng,
    ) -> Option<()> {
        // What a block is checked against follows from its parent's state alone.
        let scheme = |epoch| scheme_of(self.chain, ledger.committee(epoch)?, None).ok();
        let good = |item: &SystemItem| items::holds(self.chain, item, &scheme, rng);
        if !block.body().system.iter().all(good) {
            return None;
        }
        Work::Signatures.measure(|| {
            let claims = self.signatures.claims(self.chain, ledger, block.body().commands.iter());
            self.signatures.check(self.chain, &claims, block.command_names(), Randomness(rng)).ok()
        })
    }

    /// Executes a block on its parent; `None` when it can never be valid there.
    async fn execute(
        &self,
        mut context: E,
        block: &Block,
        ancestry: &mut impl Ancestry<Block>,
        writes: Writes<E>,
        finality: Finality,
    ) -> Option<Hashed<E>> {
        let parent = ancestry.next().await?;
        let is_candidate = finality == Finality::Candidate;
        if is_candidate {
            let parent = parent.inner_shared();
            if block.header().time <= parent.header().time {
                return None;
            }
            wait_for_clock(&context, block.header().time).await;
        }
        let mut head = self.head_at(parent, ancestry).await?;
        if is_candidate {
            self.check_signatures(head.ledger(), block, &mut context).await?;
        }
        let ids = block.names().to_vec();
        let key = StepKey::from(block.header());
        let executed = Work::Execution.measure(|| head.advance(key, block.body(), ids)).ok()?;
        let next = next_named(head.ledger());
        drop(head);
        let is_same =
            executed.events_root == block.header().events_root && next == block.header().next;
        let hashed = hash(writes, block.header().height, executed).await?;
        (is_same && hashed.root().0 == block.header().state_root).then_some(hashed)
    }
}

/// What the header of the block that leads to a state says of the next committee.
pub(crate) fn next_named(ledger: &Ledger) -> Option<[u8; 32]> {
    let height = ledger.height();
    let next = ledger.epoch_of(height).checked_add(1)?;
    let committee = ledger.committee(next).filter(|_| ledger.is_last_of_epoch(height));
    committee.map(committee_digest)
}

/// Writes the changed leaves and hashes the state.
pub(crate) async fn hash<E: Spawner + StorageContext>(
    writes: Writes<E>,
    height: u64,
    executed: Executed,
) -> Option<Hashed<E>> {
    let hashed = write_changes(writes, height, executed.changes).merkleize();
    Work::Commit.measure_all(hashed).await.ok()
}

/// Our clock.
fn now(context: &impl Clock) -> TimeMs {
    let since = context.current().duration_since(UNIX_EPOCH).unwrap_or_default();
    TimeMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Lets a block from the future wait, for a bounded time.
async fn wait_for_clock(context: &impl Clock, time: TimeMs) {
    let ahead = time.0.saturating_sub(now(context).0).saturating_sub(SKEW_MS_MAX);
    if ahead > 0 {
        let wait = Duration::from_millis(ahead.unsigned_abs());
        context.sleep(wait.min(SKEW_WAIT_MAX)).await;
    }
}

impl<E> stateful::Application<E> for Chain<E>
where
    E: Spawner + StorageContext + Clock + CryptoRng,
{
    type SigningScheme = Scheme;
    type Context = Context;
    type Block = Block;
    type Databases = Database<E>;
    type Captured = ();
    type Provider = ();
    type Input = ();

    fn sync_targets(block: &Block) -> <Database<E> as DatabaseSet<E>>::SyncTargets {
        let header = block.header();
        let range = non_empty_range!(
            Location::new(header.operations_start),
            Location::new(header.operations_end)
        );
        Target::new(commonware_cryptography::sha256::Digest(header.operations_root), range)
    }

    async fn genesis(&mut self) -> Block {
        self.genesis_block.clone()
    }

    async fn propose(
        &mut self,
        context: (E, Context),
        mut ancestry: impl Ancestry<Block>,
        writes: Writes<E>,
        _: Input<(), ()>,
    ) -> Option<Proposed<Self, E>> {
        let (runtime, consensus) = context;
        let parent = ancestry.next().await?;
        let built = self.build(runtime, consensus, parent, &mut ancestry, writes).await;
        built.map(|(block, merkleized)| Proposed { block, merkleized })
    }

    async fn process(
        &mut self,
        context: (E, Context),
        mut ancestry: impl Ancestry<Block>,
        writes: Writes<E>,
        finality: Finality,
    ) -> Option<Hashed<E>> {
        let block = ancestry.next().await?.inner_shared();
        self.execute(context.0, &block, &mut ancestry, writes, finality).await
    }

    async fn capture(
        &mut self,
        _: (E, Context),
        _: &Block,
        _: &Hashed<E>,
        _: <Database<E> as DatabaseSet<E>>::Readers,
    ) {
    }

    async fn finalized(
        &mut self,
        _: (E, Context),
        block: &Block,
        (): (),
        _: <Database<E> as DatabaseSet<E>>::Readers,
    ) {
        let Some(mut head) = self.head().await else { return };
        let settled = head.finalize(block.header(), block.body());
        drop(head);
        self.mempool.forget(block.command_names().iter().copied());
        self.mempool.expire(block.header().time);
        self.items.forget(block.body().system.iter());
        let events = Arc::new(settled.unwrap_or_default());
        self.observer.finalized(&Finalized { block: Arc::new(block.clone()), events });
        if block.header().next.is_some() {
            let next = self.next_committee().await;
            let Some((_, committee)) = next.filter(|(height, _)| *height == block.header().height)
            else {
                unreachable!("the state after an epoch's last block has the next committee")
            };
            self.hand_over(block.header().clone(), committee).await;
        }
    }
}
