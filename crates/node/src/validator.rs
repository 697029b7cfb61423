//! One validator: the parts of consensus, storage and network, and how they are put together.
//!
//! ```text
//!   simplex --votes--> peers          marshal --finalized blocks in order--> stateful --> Chain
//!      |                                 ^                                      |
//!   Deferred (asks, relays) -------------+------------- proposals, checks ------+--> Store
//! ```
//!
//! Invariants: every part is started once; what leaves a part fits the transport, whose limit
//! follows from [`message_bytes_max`]. Deliberately absent: sockets ([`crate::network`]) and the
//! rules of the chain ([`crate::application`]).

use crate::application::{self, Chain, Observer, Pace};
use crate::attendance::Attendance;
use crate::block::{Block, Digest, PublicKey};
use crate::committees::Committees;
use crate::database::DatabaseConfig;
use crate::duty::Duty;
use crate::epochs::{self, BOUNDARIES_MAX, Entry};
use crate::handovers::{self, Keeper, Registry, learn};
use crate::intake::{self, Door, door};
use crate::items::Items;
use crate::light::LightClient;
use crate::mempool::Mempool;
use crate::offences::{Offences, collect};
use crate::state_source::StateSource;
use crate::store::{FILE_BUFFER, OPERATION_BYTES_MAX, PAGE_BYTES, STRATEGY, store_config};
use commonware_broadcast::buffered;
use commonware_consensus::Epochable as _;
use commonware_consensus::marshal::core::{Actor as Marshal, Mailbox as MarshalMailbox};
use commonware_consensus::marshal::resolver::p2p as marshal_resolver;
use commonware_consensus::marshal::standard::{Deferred, Standard};
use commonware_consensus::marshal::{self};
use commonware_consensus::simplex;
use commonware_consensus::simplex::config::Floor;
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_consensus::types::{FixedEpocher, Height, ViewDelta};
use commonware_cryptography::certificate::Verifier as _;
use commonware_cryptography::{Digested, Digestible as _, Signer as _, ed25519};
use commonware_glue::stateful::db::{SyncEngineConfig, p2p};
use commonware_glue::stateful::{
    Config as StatefulConfig, Mailbox as StatefulMailbox, PruneConfig, Stateful, SyncPlan,
};
use commonware_p2p::utils::mux;
use commonware_p2p::{Blocker, Provider, Receiver, Sender, max_message_size};
use commonware_runtime::buffer::paged::CacheRef;
use commonware_runtime::{Clock, Handle, Metrics, Quota, Spawner, Storage};
use commonware_storage::archive::prunable;
use commonware_storage::translator::TwoCap;
use commonware_storage::{Context as StorageContext, mmr};
use commonware_utils::{NZDuration, NZU32, NZU64, NZUsize};
use futures::channel::{mpsc, oneshot};
use lockstep_ledger::{Genesis, Ledger};
use lockstep_types::chain::ValidatorKey;
use lockstep_types::chain::params::SEATS_MAX;
use rand::CryptoRng;
use std::fmt;
use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

/// What each channel of the transport carries, by number.
pub const CHANNELS: [(u64, &str); 8] = [
    (0, "votes"),
    (1, "certificates"),
    (2, "certificates asked for"),
    (3, "blocks asked for"),
    (4, "blocks"),
    (5, "commands and items"),
    (6, "handovers"),
    (7, "state"),
];
/// Messages per second of one peer on one channel.
pub const QUOTA: Quota = Quota::per_second(NZU32!(4_096));
/// Messages that wait for a part at most.
pub(crate) const MAILBOX: NonZeroUsize = NZUsize!(1_024);
/// Pages of files in memory.
const CACHED_PAGES: NonZeroUsize = NZUsize!(4_096);
/// Entries of the store's log that are asked of a peer at once, and served, at most.
const SERVED_OPERATIONS: NonZeroU64 = NZU64!(32);
/// Final blocks that wait for their state to be durable at most.
const PENDING_MAX: NonZeroUsize = NZUsize!(16);

/// Why a validator did not start.
#[derive(Debug)]
pub enum StartError {
    /// The genesis is no chain's.
    Genesis(String),
    /// A file could not be opened.
    Storage(String),
    /// An address cannot be listened on.
    Socket(String),
    /// A channel of the transport is missing.
    Channels,
    /// Whoever drives the node died.
    Driver,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Genesis(why) => write!(f, "genesis: {why}"),
            Self::Storage(why) => write!(f, "storage: {why}"),
            Self::Socket(why) => write!(f, "rpc: {why}"),
            Self::Channels => write!(f, "network: {} channels are needed", CHANNELS.len()),
            Self::Driver => write!(f, "the thread that drives the node died"),
        }
    }
}

impl std::error::Error for StartError {}

/// How long consensus waits for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For a leader's block.
    pub leader: Duration,
    /// For a block to be certified; longer than for the leader.
    pub certification: Duration,
    /// Before a vote to skip a view is repeated.
    pub retry: Duration,
    /// A leader that was not heard of for so long is skipped at once.
    pub skip: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            leader: Duration::from_millis(300),
            certification: Duration::from_millis(600),
            retry: Duration::from_millis(500),
            skip: Duration::from_secs(5),
        }
    }
}

/// How many final blocks stay on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Final blocks; `None`: all.
    pub blocks: Option<usize>,
}

/// What makes a validator.
#[derive(Clone)]
pub struct ValidatorConfig {
    /// First part of the names of its files.
    pub prefix: String,
    /// Its key.
    pub key: ed25519::PrivateKey,
    /// The chain.
    pub genesis: Arc<Genesis>,
    /// If it has no files: whether the chain begins with it. Otherwise it joins: it takes over the
    /// state of others, and votes from the next epoch on.
    pub is_founder: bool,
    /// Pace of blocks.
    pub pace: Pace,
    /// Timeouts of consensus.
    pub timeouts: Timeouts,
    /// What stays on disk.
    pub retention: Retention,
    /// Commands that wait.
    pub mempool: Mempool,
    /// What validators said and no block has yet.
    pub items: Items,
    /// Who is told what happens.
    pub observer: Arc<dyn Observer>,
}

/// A running validator.
pub struct Validator<E: StorageContext + Spawner + Clock + CryptoRng> {
    /// Final blocks and certificates.
    pub marshal: MarshalMailbox<Scheme, Standard<Block>>,
    /// The state.
    pub state: StatefulMailbox<E, Chain<E>>,
    /// The chain as this node executes it.
    pub chain: Chain<E>,
    /// Where its clients bring commands.
    pub door: Door,
    /// Handovers that it keeps.
    pub registry: Registry,
    /// Its tasks, with their names; one that ends means that the validator has stopped.
    pub tasks: Vec<(&'static str, Handle<()>)>,
}

/// Bytes of one message between validators at most.
#[must_use]
pub fn message_bytes_max() -> u32 {
    let seats = u32::from(SEATS_MAX);
    let voting = simplex::max_payload_size::<Scheme, Digest>(seats);
    max_message_size(&[
        mux::prefixed(voting),
        marshal::max_payload_size::<Standard<Block>, Scheme>(seats, &()),
        intake::MESSAGE_BYTES_MAX,
        handovers::MESSAGE_BYTES_MAX,
        p2p::max_payload_size::<mmr::Family, Digest>(SERVED_OPERATIONS, OPERATION_BYTES_MAX),
    ])
}

/// How an archive of blocks or certificates is set up.
pub(crate) fn archive_config<C>(
    prefix: &str,
    name: &str,
    pages: CacheRef,
    codec_config: C,
) -> prunable::Config<TwoCap, C> {
    prunable::Config {
        translator: TwoCap,
        metadata_partition: format!("{prefix}-{name}-metadata"),
        key_partition: format!("{prefix}-{name}-key"),
        key_page_cache: pages,
        value_partition: format!("{prefix}-{name}-value"),
        compression: None,
        codec_config,
        items_per_section: NZU64!(256),
        key_write_buffer: FILE_BUFFER,
        value_write_buffer: FILE_BUFFER,
        replay_buffer: FILE_BUFFER,
    }
}

/// A plan of where a start begins.
type Plan<E> = SyncPlan<E, Scheme, Standard<Block>>;

/// Who votes, what was handed over, and where this start begins.
struct Beginning<E: StorageContext> {
    committees: Committees,
    keeper: Keeper<E>,
    registry: Registry,
    plan: Plan<E>,
}

/// Finds out with whom and where to begin: from this node's files, from the genesis, or from peers.
async fn begin<E, SE, RE, B>(
    context: &mut E,
    config: &ValidatorConfig,
    pages: CacheRef,
    network: &mut (SE, RE),
    blocker: &mut B,
) -> Result<Beginning<E>, StartError>
where
    E: Clock + CryptoRng + Spawner + Storage + Metrics,
    SE: Sender<PublicKey = PublicKey>,
    RE: Receiver<PublicKey = PublicKey>,
    B: Blocker<PublicKey = PublicKey>,
{
    let (prefix, genesis) = (&config.prefix, &config.genesis);
    let wrong = |error: &dyn fmt::Display| StartError::Genesis(error.to_string());
    let ledger = Ledger::genesis(genesis).map_err(|error| wrong(&error))?;
    let first = ledger.committee(0).cloned().unwrap_or_default();
    let (mut keeper, registry) = Keeper::open(context.child("handovers"), prefix, pages).await?;
    let duty = Duty::open(context.child("duty"), prefix).await?;
    let mut plan = Plan::init(context.child("plan"), prefix).await;
    let mut first_epoch = duty.first_epoch();
    if first_epoch.is_none() && config.is_founder {
        duty.settle(0).await?;
        first_epoch = Some(0);
    } else if first_epoch.is_none() {
        let mut light = LightClient::new(genesis).map_err(|error| wrong(&error))?;
        for epoch in 1..=registry.newest() {
            let Some(handover) = keeper.get(epoch).await? else { break };
            light.advance(&handover, context).map_err(|error| wrong(&error))?;
        }
        let me = public_bytes(&config.key);
        let learned = learn(context, light, &me, network, blocker).await;
        for handover in &learned.handovers {
            keeper = keeper.put(handover).await?;
        }
        if let Some(tip) = learned.tip {
            plan = plan.set_floor(tip).await;
        }
        // Last of all, for until it is settled the next start learns anew.
        let next = registry.newest().saturating_add(1);
        duty.settle(next).await?;
        first_epoch = Some(next);
    }
    let first_epoch = first_epoch.unwrap_or(0);
    let committees = Committees::new(genesis.chain_id(), config.key.clone(), first_epoch);
    committees.insert(&first).map_err(|error| wrong(&error))?;
    for epoch in 1..=registry.newest() {
        if let Some(handover) = keeper.get(epoch).await? {
            committees.insert(&handover.committee).map_err(|error| wrong(&error))?;
        }
    }
    Ok(Beginning { committees, keeper, registry, plan })
}

/// The bytes of a key's public half.
fn public_bytes(key: &ed25519::PrivateKey) -> ValidatorKey {
    key.public_key().as_ref().try_into().unwrap_or_default()
}

impl<E> Beginning<E>
where
    E: Clock + CryptoRng + Spawner + Storage + Metrics,
{
    /// Where voting begins: in the epoch of the block after the last one that was processed, or of
    /// the certificate that a joining node begins with.
    async fn entry(
        &self,
        processed: Option<Height>,
        genesis: Digest,
        epoch_blocks: u64,
    ) -> Result<Entry, StartError> {
        let epoch = processed.map_or(0, |height| height.get().saturating_add(1) / epoch_blocks);
        if let Some(floor) = self.plan.floor().filter(|floor| floor.epoch().get() >= epoch) {
            let epoch = floor.epoch().get();
            return Ok(Entry { epoch, floor: Floor::Finalized(floor.clone()) });
        }
        if epoch == 0 {
            return Ok(Entry { epoch, floor: Floor::Genesis(genesis) });
        }
        let missing = || StartError::Storage(format!("handovers: there is none to epoch {epoch}"));
        let handover = self.keeper.get(epoch).await?.ok_or_else(missing)?;
        Ok(Entry { epoch, floor: Floor::Genesis(handover.last.header().digest()) })
    }
}

/// Starts a validator on a transport. `peers` tells who is there, `blocker` cuts off who
/// misbehaves; `channels` are those of [`CHANNELS`], in order. A validator that joins returns when
/// it has learned from its peers where to begin.
///
/// # Errors
/// When the configuration makes no sense or files cannot be opened.
#[expect(clippy::too_many_lines, reason = "a list of parts and how each is set up")]
pub async fn start<E, P, B, SE, RE>(
    mut context: E,
    config: ValidatorConfig,
    peers: P,
    mut blocker: B,
    channels: Vec<(SE, RE)>,
) -> Result<Validator<E>, StartError>
where
    E: Clock + CryptoRng + Spawner + Storage + Metrics,
    P: Provider<PublicKey = PublicKey>,
    B: Blocker<PublicKey = PublicKey>,
    SE: Sender<PublicKey = PublicKey>,
    RE: Receiver<PublicKey = PublicKey>,
{
    let Ok([votes, certificates, asked, backfill, blocks, gossip, mut handing, state_asked]) =
        <[(SE, RE); 8]>::try_from(channels)
    else {
        return Err(StartError::Channels);
    };
    let me = config.key.public_key();
    let prefix = &config.prefix;
    let pages = CacheRef::new(PAGE_BYTES, CACHED_PAGES);
    let epoch_blocks = u64::from(config.genesis.chain.epoch_blocks).max(1);
    let epocher = FixedEpocher::new(NonZeroU64::new(epoch_blocks).unwrap_or(NonZeroU64::MIN));
    let beginning = begin(&mut context, &config, pages.clone(), &mut handing, &mut blocker).await?;
    let mut tasks = Vec::new();

    let resolver = marshal_resolver::init(
        context.child("marshal_resolver"),
        marshal_resolver::Config {
            public_key: me.clone(),
            peer_provider: peers.clone(),
            blocker: blocker.clone(),
            mailbox_size: MAILBOX,
            fetch_timeout: NZDuration!(Duration::from_secs(2)),
            fetch_retry_delay: Duration::from_millis(100),
            priority_requests: false,
            priority_responses: false,
        },
        backfill,
    );
    let (broadcast, buffer) = buffered::Engine::new(
        context.child("broadcast"),
        buffered::Config {
            public_key: me.clone(),
            mailbox_size: MAILBOX,
            deque_size: 16,
            priority: false,
            codec_config: (),
            peer_provider: peers.clone(),
            strategy: STRATEGY,
        },
    );
    tasks.push(("broadcast", broadcast.start(blocks)));
    let (state_resolver, state_asker) = p2p::Actor::new(
        context.child("state_resolver"),
        p2p::Config {
            peer_provider: peers,
            blocker: blocker.clone(),
            database: None,
            mailbox_size: MAILBOX,
            me: Some(me.clone()),
            fetch_timeout: NZDuration!(Duration::from_secs(2)),
            fetch_retry_delay: Duration::from_millis(100),
            max_serve_ops: SERVED_OPERATIONS,
            priority_requests: false,
            priority_responses: false,
        },
    );
    tasks.push(("state_resolver", state_resolver.start(state_asked)));

    let storage = |error: &dyn fmt::Display| StartError::Storage(error.to_string());
    let unbounded = Scheme::certificate_codec_config_unbounded();
    let finalizations = prunable::Archive::init(
        context.child("finalizations_by_height"),
        archive_config(prefix, "finalizations", pages.clone(), unbounded),
    )
    .await
    .map_err(|error| storage(&error))?;
    let final_blocks = prunable::Archive::init(
        context.child("finalized_blocks"),
        archive_config(prefix, "blocks", pages.clone(), ()),
    )
    .await
    .map_err(|error| storage(&error))?;

    let (opened, stores) = oneshot::channel();
    let (boundaries, ends) = mpsc::channel(BOUNDARIES_MAX);
    let attendance = Attendance::default();
    let chain = Chain::<E>::new(application::Parts {
        genesis: Arc::clone(&config.genesis),
        pace: config.pace,
        stores,
        committees: beginning.committees.clone(),
        attendance: attendance.clone(),
        boundaries,
        mempool: config.mempool.clone(),
        items: config.items.clone(),
        observer: Arc::clone(&config.observer),
    })
    .map_err(|error| StartError::Genesis(error.to_string()))?;
    let genesis = chain.genesis_block().clone();
    let genesis_digest = genesis.digest();
    let is_joining = beginning.plan.floor().is_some();

    let (marshal, marshal_mailbox, floor) = Marshal::<_, Standard<Block>, _, _, _, _, _>::init(
        context.child("marshal"),
        finalizations,
        final_blocks,
        marshal::Config {
            provider: beginning.committees.clone(),
            epocher: epocher.clone(),
            start: beginning.plan.marshal_start(Digested::precomputed(genesis, genesis_digest)),
            partition_prefix: prefix.clone(),
            mailbox_size: MAILBOX,
            view_retention: ViewDelta::new(10),
            prunable_items_per_section: NZU64!(64),
            page_cache: pages.clone(),
            replay_buffer: FILE_BUFFER,
            key_write_buffer: FILE_BUFFER,
            value_write_buffer: FILE_BUFFER,
            block_codec_config: (),
            max_repair: NZUsize!(16),
            max_pending_acks: PENDING_MAX,
            strategy: STRATEGY,
        },
    )
    .await;
    let processed = floor.processed().map(|processed| processed.height());
    let entry = beginning.entry(processed, genesis_digest, epoch_blocks).await?;
    let Beginning { committees, keeper, registry, plan } = beginning;

    let (stateful, state) = Stateful::new(
        context.child("stateful"),
        StatefulConfig {
            application: chain.clone(),
            db_config: DatabaseConfig { store: store_config(prefix, pages.clone()), opened },
            provider: (),
            marshal: (marshal_mailbox.clone(), floor),
            mailbox_size: MAILBOX,
            plan,
            resolvers: StateSource::new(context.child("state_source"), state_asker),
            sync_config: SyncEngineConfig {
                fetch_batch_size: SERVED_OPERATIONS,
                apply_batch_size: NZU64!(2_048),
                max_outstanding_requests: NZUsize!(16),
            },
            prune_config: config.retention.blocks.map(|blocks| PruneConfig {
                maintenance_interval: NZUsize!(64),
                retained_marshal_blocks: blocks,
                retained_qmdb_blocks: 0,
            }),
            strategy: STRATEGY,
        },
    );
    if is_joining {
        let (follower, library) = (chain.clone(), marshal_mailbox.clone());
        context.child("heir").spawn(move |_| async move {
            // Blocks up to here were taken over and not executed: if they ended an epoch, nobody
            // has handed over yet.
            let Some((height, committee)) = follower.next_committee().await else { return };
            if let Some(last) = library.get_block(Height::new(height)).await {
                follower.hand_over(last.inner_shared().header().clone(), committee).await;
            }
        });
    }

    let deferred =
        Deferred::new(context.child("deferred"), state.clone(), marshal_mailbox.clone(), epocher);
    tasks.push(("marshal", marshal.start(state.clone(), buffer, resolver)));
    tasks.push(("stateful", stateful.start()));

    let (door, intake) = door();
    let (taker, waiting, guard) = (chain.clone(), config.items.clone(), blocker.clone());
    tasks.push((
        "intake",
        context
            .child("intake")
            .spawn(move |context| intake.run(context, taker, waiting, gossip, guard)),
    ));
    let (library, guard) = (marshal_mailbox.clone(), blocker.clone());
    let served = context.child("handovers_served").spawn(move |_| async move {
        // It ends when the node stops, or with its files, without which the node is none.
        let _ = keeper.run(handing, library, guard).await;
    });
    tasks.push(("handovers", served));
    let (offences, seen) = mpsc::unbounded();
    let kept = Offences::open(context.child("offences"), prefix).await?;
    let (judge, bringer) = (chain.clone(), door.clone());
    let collector = context
        .child("evidence")
        .spawn(move |context| collect(context, kept, judge, seen, bringer));
    tasks.push(("evidence", collector));
    let parts = epochs::Parts {
        context: context.child("epochs"),
        prefix: prefix.clone(),
        committees,
        registry: registry.clone(),
        me: public_bytes(&config.key),
        marshal: marshal_mailbox.clone(),
        automaton: deferred,
        blocker,
        attendance,
        observer: config.observer,
        offences,
        pages,
        timeouts: config.timeouts,
        epoch_blocks,
    };
    let voting =
        context.child("voting").spawn(move |_| parts.run(entry, votes, certificates, asked, ends));
    tasks.push(("voting", voting));
    Ok(Validator { marshal: marshal_mailbox, state, chain, door, registry, tasks })
}
