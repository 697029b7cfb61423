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

use crate::application::{Chain, Observer, Pace};
use crate::block::{Block, Digest, PublicKey};
use crate::intake::{Door, MESSAGE_BYTES_MAX, door};
use crate::items::{Items, evidence_of, holds};
use crate::mempool::Mempool;
use crate::store::{FILE_BUFFER, Operation, PAGE_BYTES, STRATEGY, Store, store_config};
use bytes::Bytes;
use commonware_actor::Feedback;
use commonware_broadcast::buffered;
use commonware_codec::DecodeExt as _;
use commonware_consensus::marshal::core::{Actor as Marshal, Mailbox as MarshalMailbox};
use commonware_consensus::marshal::resolver::p2p as marshal_resolver;
use commonware_consensus::marshal::standard::{Deferred, Standard};
use commonware_consensus::marshal::{self};
use commonware_consensus::simplex::config::{Floor, ForwardPolicy, SkipPolicy};
use commonware_consensus::simplex::elector::RoundRobin;
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_consensus::simplex::types::Activity;
use commonware_consensus::simplex::{self, SkipBudget};
use commonware_consensus::types::{Epoch, FixedEpocher, ViewDelta};
use commonware_consensus::{Reporter, Reporters};
use commonware_cryptography::certificate::{ConstantProvider, Verifier as _};
use commonware_cryptography::{Digested, Digestible as _, Sha256, Signer as _, ed25519};
use commonware_glue::stateful::db::{AttachableResolver, Shared, SyncEngineConfig};
use commonware_glue::stateful::{
    Config as StatefulConfig, Mailbox as StatefulMailbox, PruneConfig, Stateful, SyncPlan,
};
use commonware_p2p::{Blocker, Provider, Receiver, Sender, max_message_size};
use commonware_runtime::buffer::paged::CacheRef;
use commonware_runtime::{Clock, Handle, Metrics, Quota, Spawner, Storage};
use commonware_storage::archive::prunable;
use commonware_storage::qmdb::sync;
use commonware_storage::translator::TwoCap;
use commonware_storage::{Context as StorageContext, mmr};
use commonware_utils::ordered::Set;
use commonware_utils::{NZDuration, NZU32, NZU64, NZUsize, TryCollect as _};
use futures::StreamExt as _;
use futures::channel::{mpsc, oneshot};
use lockstep_ledger::{Genesis, Ledger, SystemItem};
use lockstep_types::chain::ValidatorKey;
use rand::CryptoRng;
use std::fmt;
use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// What each channel of the transport carries, by number.
pub const CHANNELS: [(u64, &str); 6] = [
    (0, "votes"),
    (1, "certificates"),
    (2, "certificates asked for"),
    (3, "blocks asked for"),
    (4, "blocks"),
    (5, "commands and items"),
];
/// Messages per second of one peer on one channel.
pub const QUOTA: Quota = Quota::per_second(NZU32!(4_096));
/// Messages that wait for a part at most.
const MAILBOX: NonZeroUsize = NZUsize!(1_024);
/// Pages of files in memory.
const CACHED_PAGES: NonZeroUsize = NZUsize!(4_096);
/// Blocks in an epoch. One epoch only, for now.
const EPOCH_BLOCKS: NonZeroU64 = NZU64!(u64::MAX);
/// Final blocks that wait for their state to be durable at most.
const PENDING_MAX: NonZeroUsize = NZUsize!(16);

/// Domain of votes, in front of the chain's id.
pub const VOTE_DOMAIN: &[u8] = b"lockstep/vote/v1";

/// Why a validator did not start.
#[derive(Debug)]
pub enum StartError {
    /// The genesis is no chain's.
    Genesis(String),
    /// This node's key is none of the committee's.
    NotInCommittee,
    /// A file could not be opened.
    Storage(String),
    /// A channel of the transport is missing.
    Channels,
    /// Whoever drives the node died.
    Driver,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Genesis(why) => write!(f, "genesis: {why}"),
            Self::NotInCommittee => write!(f, "key: not one of the genesis' validators"),
            Self::Storage(why) => write!(f, "storage: {why}"),
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

/// Collects evidence of what consensus sees, and tells the observer.
#[derive(Clone)]
struct Watch {
    observer: Arc<dyn Observer>,
    scheme: Scheme,
    me: ValidatorKey,
    offences: mpsc::UnboundedSender<SystemItem>,
}

impl Reporter for Watch {
    type Activity = Activity<Scheme, Digest>;

    fn report(&mut self, activity: Self::Activity) -> Feedback {
        self.observer.activity(&activity);
        if let Some(evidence) = evidence_of(&activity, &self.scheme, self.me) {
            // Consensus reports each offence once and blocks the offender: few will come. Nobody
            // listens only when the node stops.
            let _ = self.offences.unbounded_send(evidence);
        }
        Feedback::Ok
    }
}

/// Stands where a source of other nodes' state would: no node of ours asks for it, and none is
/// served. A node that was away replays blocks.
#[derive(Clone, Copy, Debug)]
pub struct NoStateSync;

/// The answer to whoever asks for state.
#[derive(Clone, Copy, Debug)]
pub struct NoState;

impl fmt::Display for NoState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this node's state comes from blocks alone")
    }
}

impl std::error::Error for NoState {}

impl sync::Source for NoStateSync {
    type Family = mmr::Family;
    type Digest = Digest;
    type Op = Operation;
    type Error = NoState;

    async fn serve(&self, _: sync::Request<mmr::Family>) -> sync::source::Result<Self> {
        Err(NoState)
    }
}

impl<E: StorageContext + Spawner> AttachableResolver<Store<E>> for NoStateSync {
    async fn attach_database(&self, _: Shared<Store<E>>) {}
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
    /// Its tasks, with their names; one that ends means that the validator has stopped.
    pub tasks: Vec<(&'static str, Handle<()>)>,
}

/// The committee of the first epoch.
///
/// # Errors
/// When the genesis is none, or a key is none or there twice.
pub fn committee(genesis: &Genesis) -> Result<Set<PublicKey>, StartError> {
    let ledger = Ledger::genesis(genesis);
    let ledger = ledger.map_err(|error| StartError::Genesis(error.to_string()))?;
    let seats = ledger.committee(0).map(|committee| committee.seats.to_vec()).unwrap_or_default();
    let key_of = |key: &[u8; 32]| PublicKey::decode(Bytes::copy_from_slice(key));
    let keys: Result<Vec<PublicKey>, _> = seats.iter().map(|seat| key_of(&seat.key)).collect();
    let keys = keys.map_err(|error| StartError::Genesis(format!("validators: {error}")))?;
    let set: Result<Set<PublicKey>, _> = keys.into_iter().try_collect();
    set.map_err(|_| StartError::Genesis("validators: a key is there twice".into()))
}

/// The scheme by which the committee signs; `key` votes, if it is in the committee.
///
/// # Errors
/// When the committee makes no sense, or the key is not in it.
pub fn scheme(genesis: &Genesis, key: &ed25519::PrivateKey) -> Result<Scheme, StartError> {
    let namespace = [VOTE_DOMAIN, &genesis.chain_id().0].concat();
    Scheme::signer(&namespace, committee(genesis)?, key.clone()).ok_or(StartError::NotInCommittee)
}

/// Bytes of one message between validators at most, for a committee of so many.
#[must_use]
pub fn message_bytes_max(validators: u32) -> u32 {
    max_message_size(&[
        simplex::max_payload_size::<Scheme, Digest>(validators),
        marshal::max_payload_size::<Standard<Block>, Scheme>(validators, &()),
        MESSAGE_BYTES_MAX,
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

/// Starts a validator on a transport. `peers` tells who is there, `blocker` cuts off who
/// misbehaves; `channels` are those of [`CHANNELS`], in order.
///
/// # Errors
/// When the configuration makes no sense or files cannot be opened.
#[expect(clippy::too_many_lines, reason = "a list of parts and how each is set up")]
pub async fn start<E, P, B, SE, RE>(
    context: E,
    config: ValidatorConfig,
    peers: P,
    blocker: B,
    channels: Vec<(SE, RE)>,
) -> Result<Validator<E>, StartError>
where
    E: Clock + CryptoRng + Spawner + Storage + Metrics,
    P: Provider<PublicKey = PublicKey>,
    B: Blocker<PublicKey = PublicKey>,
    SE: Sender<PublicKey = PublicKey>,
    RE: Receiver<PublicKey = PublicKey>,
{
    let Ok([votes, certificates, asked, backfill, blocks, gossip]) =
        <[(SE, RE); 6]>::try_from(channels)
    else {
        return Err(StartError::Channels);
    };
    let me = config.key.public_key();
    let scheme = scheme(&config.genesis, &config.key)?;
    let prefix = &config.prefix;
    let pages = CacheRef::new(PAGE_BYTES, CACHED_PAGES);
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

    let storage = |error: &dyn fmt::Display| StartError::Storage(error.to_string());
    let finalizations = prunable::Archive::init(
        context.child("finalizations_by_height"),
        archive_config(
            prefix,
            "finalizations",
            pages.clone(),
            Scheme::certificate_codec_config_unbounded(),
        ),
    )
    .await
    .map_err(|error| storage(&error))?;
    let final_blocks = prunable::Archive::init(
        context.child("finalized_blocks"),
        archive_config(prefix, "blocks", pages.clone(), ()),
    )
    .await
    .map_err(|error| storage(&error))?;

    let (opened, opening) = oneshot::channel();
    let chain = Chain::<E>::new(
        Arc::clone(&config.genesis),
        scheme.clone(),
        config.pace,
        opening,
        (config.mempool.clone(), config.items.clone()),
        Arc::clone(&config.observer),
    )
    .map_err(|error| StartError::Genesis(error.to_string()))?;
    let genesis = chain.genesis_block().clone();
    let genesis_digest = genesis.digest();

    let plan: SyncPlan<E, Scheme, Standard<Block>> =
        SyncPlan::init(context.child("plan"), prefix.clone()).await;
    let provider = ConstantProvider::new(scheme.clone());

    let (marshal, marshal_mailbox, floor) = Marshal::<_, Standard<Block>, _, _, _, _, _>::init(
        context.child("marshal"),
        finalizations,
        final_blocks,
        marshal::Config {
            provider,
            epocher: FixedEpocher::new(EPOCH_BLOCKS),
            start: plan.marshal_start(Digested::precomputed(genesis, genesis_digest)),
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

    let (stateful, state) = Stateful::new(
        context.child("stateful"),
        StatefulConfig {
            application: chain.clone(),
            db_config: store_config(prefix, pages.clone()),
            provider: (),
            marshal: (marshal_mailbox.clone(), floor),
            mailbox_size: MAILBOX,
            plan,
            resolvers: NoStateSync,
            sync_config: SyncEngineConfig {
                fetch_batch_size: NZU64!(64),
                apply_batch_size: NZU64!(2_048),
                max_outstanding_requests: NZUsize!(8),
            },
            prune_config: config.retention.blocks.map(|blocks| PruneConfig {
                maintenance_interval: NZUsize!(64),
                retained_marshal_blocks: blocks,
                retained_qmdb_blocks: 0,
            }),
            strategy: STRATEGY,
        },
    );
    // Asked before marshal starts, so that it is the first message of all: a final block that came
    // before it would wait for stores that nobody hands over.
    let subscriber = state.clone();
    let mut subscription = Box::pin(async move { subscriber.subscribe_databases().await });
    let early = futures::poll!(subscription.as_mut());
    let opener = context.child("opener").spawn(move |_| async move {
        let stores = match early {
            Poll::Ready(stores) => stores,
            Poll::Pending => subscription.await,
        };
        // The receiver lives as long as the chain, and nobody else answers it.
        let _ = opened.send(stores);
    });
    tasks.push(("opener", opener));

    let deferred = Deferred::new(
        context.child("deferred"),
        state.clone(),
        marshal_mailbox.clone(),
        FixedEpocher::new(EPOCH_BLOCKS),
    );
    tasks.push(("marshal", marshal.start(state.clone(), buffer, resolver)));
    tasks.push(("stateful", stateful.start()));

    let (door, intake) = door();
    let (taker, waiting) = (chain.clone(), config.items.clone());
    let guard = blocker.clone();
    tasks.push((
        "intake",
        context
            .child("intake")
            .spawn(move |context| intake.run(context, taker, waiting, gossip, guard)),
    ));
    let (offences, offence) = mpsc::unbounded();
    let watch = Watch {
        observer: Arc::clone(&config.observer),
        scheme: scheme.clone(),
        me: me.as_ref().try_into().unwrap_or_default(),
        offences,
    };
    let (chain_id, judge, items) =
        (config.genesis.chain_id(), scheme.clone(), config.items.clone());
    let collector = context.child("evidence").spawn(move |mut context| async move {
        let mut offence = offence;
        while let Some(item) = offence.next().await {
            if holds(chain_id, &item, &judge, &mut context) {
                items.insert(item);
            }
        }
    });
    tasks.push(("evidence", collector));
    let engine = simplex::Engine::new(
        context.child("simplex"),
        simplex::Config {
            scheme,
            elector: RoundRobin::<Sha256>::shuffled(&config.genesis.chain_id().0),
            blocker,
            automaton: deferred.clone(),
            relay: deferred.clone(),
            reporter: Reporters::from((deferred, watch)),
            strategy: STRATEGY,
            partition: format!("{prefix}-simplex"),
            mailbox_size: MAILBOX,
            epoch: Epoch::zero(),
            floor: Floor::Genesis(genesis_digest),
            replay_buffer: FILE_BUFFER,
            write_buffer: FILE_BUFFER,
            page_cache: pages,
            leader_timeout: config.timeouts.leader,
            certification_timeout: config.timeouts.certification,
            timeout_retry: config.timeouts.retry,
            view_retention: ViewDelta::new(10),
            skip: SkipPolicy::Enabled {
                timeout: config.timeouts.skip,
                budget: SkipBudget::Participants,
            },
            fetch_timeout: NZDuration!(Duration::from_secs(1)),
            fetch_retry_delay: Duration::from_millis(500),
            forward: ForwardPolicy::Disabled,
            track_historical_votes: true,
        },
    );
    tasks.push(("simplex", engine.start(votes, certificates, asked)));
    Ok(Validator { marshal: marshal_mailbox, state, chain, door, tasks })
}
