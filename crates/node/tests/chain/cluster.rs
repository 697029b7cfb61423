//! Validators on the deterministic runtime and a simulated network, with what they said was final.

use crate::genesis::{OWNERS, genesis, key};
use commonware_cryptography::{Digestible as _, Signer as _, ed25519};
use commonware_p2p::simulated::{self, Link, Network, Oracle};
use commonware_runtime::deterministic::{self, Context};
use commonware_runtime::{Clock as _, Handle, Runner as _, Spawner as _, Supervisor as _};
use commonware_utils::{NZUsize, probability};
use futures::channel::oneshot;
use lockstep_ledger::Genesis;
use lockstep_node::application::{Finalized, Observer, Pace};
use lockstep_node::block::PublicKey;
use lockstep_node::intake::Door;
use lockstep_node::items::Items;
use lockstep_node::mempool::{Mempool, Refusal};
use lockstep_node::signatures::CommandId;
use lockstep_node::validator::{
    CHANNELS, QUOTA, Retention, Timeouts, ValidatorConfig, message_bytes_max, start,
};
use lockstep_types::codec::Encode as _;
use lockstep_types::envelope::SignedCommand;
use lockstep_types::units::TimeMs;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

/// Validators in a cluster.
pub const VALIDATORS: usize = 4;
/// Simulated time after which a run has hung.
const TIMEOUT: Duration = Duration::from_secs(600);

/// What a validator said of a height: block digest and state root, and its commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub digest: [u8; 32],
    pub state_root: [u8; 32],
    pub commands: Vec<CommandId>,
}

struct Node {
    door: Option<Door>,
    mempool: Mempool,
    items: Items,
    records: Arc<Mutex<BTreeMap<u64, Record>>>,
    running: Option<Handle<()>>,
    starts: u64,
}

pub struct Cluster {
    pub context: Context,
    pub genesis: Arc<Genesis>,
    oracle: Oracle<PublicKey, Context>,
    keys: Vec<ed25519::PrivateKey>,
    nodes: Vec<Node>,
    link: Link,
}

/// Runs a story on a cluster of the given seed; gives the auditor's digest of all that happened.
pub fn run<F, Fut>(seed: u64, story: F) -> String
where
    F: FnOnce(Cluster) -> Fut,
    Fut: Future<Output = Cluster>,
{
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_603_600);
    let config = deterministic::Config::default()
        .with_seed(seed)
        .with_start_time(start)
        .with_timeout(Some(TIMEOUT));
    deterministic::Runner::new(config).start(|context| async move {
        let auditor = context.auditor();
        let cluster = Cluster::new(context).await;
        let cluster = story(cluster).await;
        cluster.assert_one_history();
        auditor.state()
    })
}

impl Cluster {
    async fn new(context: Context) -> Self {
        let keys: Vec<_> = (0..VALIDATORS).map(key).collect();
        let peers: Vec<PublicKey> = keys.iter().map(|key| key.public_key()).collect();
        let (network, oracle) = Network::new_with_peers(
            context.child("network"),
            simulated::Config {
                max_size: message_bytes_max(),
                max_peers_per_set: NZUsize!(VALIDATORS),
                disconnect_on_block: true,
                tracked_peer_sets: NZUsize!(1),
            },
            peers,
        )
        .await;
        network.start();
        let link = Link {
            latency: Duration::from_millis(20),
            jitter: Duration::from_millis(5),
            success_rate: probability!(1.0),
        };
        let nodes = (0..VALIDATORS)
            .map(|_| Node {
                door: None,
                mempool: Mempool::default(),
                items: Items::default(),
                records: Arc::default(),
                running: None,
                starts: 0,
            })
            .collect();
        let genesis = Arc::new(genesis());
        let mut cluster = Self { context, genesis, oracle, keys, nodes, link };
        cluster.connect(&[&[0, 1, 2, 3]]).await;
        for index in 0..VALIDATORS {
            cluster.start(index).await;
        }
        cluster
    }

    /// Connects the members of each group with each other, and nobody else.
    pub async fn connect(&mut self, groups: &[&[usize]]) {
        let together =
            |from, to| groups.iter().any(|group| group.contains(&from) && group.contains(&to));
        for from in 0..VALIDATORS {
            for to in (0..VALIDATORS).filter(|to| *to != from) {
                let (sender, receiver) = (self.keys[from].public_key(), self.keys[to].public_key());
                // There may have been no link.
                let _ = self.oracle.remove_link(sender.clone(), receiver.clone()).await;
                if together(from, to) {
                    self.oracle.add_link(sender, receiver, self.link.clone()).await.unwrap();
                }
            }
        }
    }

    /// Starts a validator, or restarts it on the files that it left.
    pub async fn start(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        let me = self.keys[index].public_key();
        let mut channels = Vec::new();
        for (channel, _) in CHANNELS {
            channels.push(self.oracle.control(me.clone()).register(channel, QUOTA).await.unwrap());
        }
        let records = Arc::clone(&node.records);
        let config = ValidatorConfig {
            prefix: format!("validator-{index}"),
            key: self.keys[index].clone(),
            genesis: Arc::clone(&self.genesis),
            is_founder: true,
            pace: Pace::default(),
            timeouts: Timeouts::default(),
            retention: Retention { blocks: None },
            mempool: node.mempool.clone(),
            items: node.items.clone(),
            observer: Arc::new(Notebook(records)),
        };
        let (peers, blocker) = (self.oracle.manager(), self.oracle.control(me));
        let context = self
            .context
            .child("validator")
            .with_attribute("index", index)
            .with_attribute("start", node.starts);
        node.starts += 1;
        let (ready, started) = oneshot::channel();
        // Everything of the validator is a child of this task and dies with it.
        node.running = Some(context.spawn(move |context| async move {
            let validator = start(context, config, peers, blocker, channels).await.unwrap();
            assert!(ready.send(validator.door.clone()).is_ok(), "the cluster waits");
            std::future::pending::<()>().await;
            drop(validator);
        }));
        node.door = Some(started.await.unwrap());
    }

    /// Stops a validator between two instructions.
    pub fn crash(&mut self, index: usize) {
        self.nodes[index].running.take().unwrap().abort();
    }

    pub async fn sleep(&self, seconds: u64) {
        self.context.sleep(Duration::from_secs(seconds)).await;
    }

    /// Brings a command to a validator, as a client does.
    pub async fn submit(&self, index: usize, signed: SignedCommand) -> Result<CommandId, Refusal> {
        let mut door = self.nodes[index].door.clone().unwrap();
        door.submit(vec![signed]).await.unwrap().remove(0)
    }

    /// How many commands wait at a validator.
    pub fn waiting(&self, index: usize) -> usize {
        self.nodes[index].mempool.len()
    }

    /// Puts a command into a validator's mempool behind its back.
    pub fn smuggle(&self, index: usize, signed: SignedCommand) -> CommandId {
        let id = CommandId::of(&signed);
        let bytes = signed.to_bytes().len();
        let since = self.context.current().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let now = TimeMs(i64::try_from(since.as_millis()).unwrap());
        self.nodes[index].mempool.insert(id, signed, bytes, now).unwrap();
        id
    }

    /// The highest final block of a validator.
    pub fn height(&self, index: usize) -> u64 {
        let records = self.nodes[index].records.lock().unwrap();
        records.keys().next_back().copied().unwrap_or(0)
    }

    pub fn heights(&self) -> Vec<u64> {
        (0..VALIDATORS).map(|index| self.height(index)).collect()
    }

    /// How often a command is in a validator's final blocks.
    pub fn inclusions(&self, index: usize, id: CommandId) -> usize {
        let records = self.nodes[index].records.lock().unwrap();
        let all = records.values().flat_map(|record| &record.commands);
        all.filter(|included| **included == id).count()
    }

    /// Every two validators agree on every height that both know.
    pub fn assert_one_history(&self) {
        let mut all: BTreeMap<u64, Record> = BTreeMap::new();
        for node in &self.nodes {
            for (height, record) in node.records.lock().unwrap().iter() {
                let known = all.entry(*height).or_insert_with(|| record.clone());
                assert_eq!(known, record, "two blocks at height {height}");
            }
        }
        assert!(OWNERS > 0 && all.keys().next_back().is_some(), "something became final");
    }
}

/// Writes down what is final.
struct Notebook(Arc<Mutex<BTreeMap<u64, Record>>>);

impl Observer for Notebook {
    fn finalized(&self, finalized: &Finalized) {
        let block = &finalized.block;
        let record = Record {
            digest: block.digest().0,
            state_root: block.header().state_root,
            commands: block.body().commands.iter().map(CommandId::of).collect(),
        };
        let mut records = self.0.lock().unwrap();
        let height = block.header().height;
        if let Some(known) = records.get(&height) {
            assert_eq!(known, &record, "a restart changes nothing");
        }
        records.insert(height, record);
    }
}
