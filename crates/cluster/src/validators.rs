//! Validators on the deterministic runtime: started, crashed, connected.
//!
//! Invariants: a crash drops everything of a validator at one of its await points, and whatever it
//! had written and not synced is gone, for files are opened from what was durable. Deliberately
//! absent: what validators are told to do ([`crate::workload`], [`crate::faults`]).

use crate::auditor::Inbox;
use crate::clock::{Machine, Skew};
use crate::forgery::{Forger, Forgery, Wire};
use crate::wire::{Counted, Courier, Meter, Preset, worse};
use crate::{workload, world};
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_cryptography::Signer as _;
use commonware_p2p::simulated::{self, Network, Oracle, Receiver, Sender};
use commonware_runtime::deterministic::Context;
use commonware_runtime::{Clock as _, Handle, Spawner as _, Supervisor as _};
use commonware_utils::NZUsize;
use futures::channel::oneshot;
use lockstep_ledger::{Evidence, Genesis, Ledger};
use lockstep_node::application::{Chain, Finalized, Observer, Pace};
use lockstep_node::block::{Digest, PublicKey};
use lockstep_node::committees::scheme_of;
use lockstep_node::intake::Door;
use lockstep_node::items::Items;
use lockstep_node::malice::{Malice, misbehave};
use lockstep_node::mempool::Mempool;
use lockstep_node::validator::{
    CHANNELS, QUOTA, Retention, Timeouts, ValidatorConfig, message_bytes_max, start,
};
use lockstep_types::units::TimeMs;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

/// One channel's two ends.
pub type Channel = (Counted<Sender<PublicKey, Context>>, Receiver<PublicKey>);

/// How long a leader with wrong roots keeps its votes back, so that the blocks that they are for
/// go out first and have their other name by then.
const VOTES_KEPT_BACK: Duration = Duration::from_millis(5);

/// What the network does at the moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Weather {
    /// Of a thousand messages so many are lost.
    pub lost_of_1000: u64,
    /// Every message takes longer by this.
    pub more: Duration,
    /// Group of each validator; only members of one group hear each other. Empty: all do.
    pub groups: Vec<usize>,
}

impl Weather {
    fn connects(&self, from: usize, to: usize) -> bool {
        self.groups.get(from) == self.groups.get(to)
    }
}

struct Node {
    running: Option<Handle<()>>,
    /// Comes when it has started.
    starting: Option<oneshot::Receiver<(Door, Chain<Machine>)>>,
    door: Option<Door>,
    chain: Option<Chain<Machine>>,
    mempool: Mempool,
    meter: Meter,
    /// How wrong its clock is when it is started next.
    skew: Skew,
    /// Who sits behind its wires.
    forger: Option<Forger>,
    /// Files of how many lives it has lost; the name of its files has it.
    wipes: u64,
    /// Whether it votes with new files.
    is_founder: bool,
    starts: u64,
}

/// A cluster of validators.
pub struct Validators {
    context: Context,
    genesis: Arc<Genesis>,
    oracle: Oracle<PublicKey, Context>,
    nodes: Vec<Node>,
    preset: Preset,
    pace: Pace,
    timeouts: Timeouts,
    inbox: Inbox,
}

/// Notes what is final.
struct Note {
    index: usize,
    context: Context,
    inbox: Inbox,
}

impl Observer for Note {
    fn entered(&self, _epoch: u64, votes: bool) {
        self.inbox.note_votes(self.index, votes);
    }

    fn offence(&self, evidence: &Evidence) {
        self.inbox.accuse(self.index, evidence.offender);
    }

    fn finalized(&self, finalized: &Finalized) {
        self.inbox.push(self.index, now(&self.context), Arc::clone(&finalized.block));
    }
}

/// Simulated time.
#[must_use]
pub fn now(context: &Context) -> TimeMs {
    let since = context.current().duration_since(UNIX_EPOCH).unwrap_or_default();
    TimeMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

impl Validators {
    /// So many validators, connected and not started.
    pub async fn new(context: Context, count: usize, preset: Preset, inbox: Inbox) -> Self {
        let keys = (0..count).map(|index| world::validator_key(index).public_key());
        let peers: Vec<PublicKey> = keys.collect();
        let peers_max = NonZeroUsize::new(count).unwrap_or(NZUsize!(1));
        let (network, oracle) = Network::new_with_peers(
            context.child("network"),
            simulated::Config {
                max_size: message_bytes_max(),
                max_peers_per_set: peers_max,
                disconnect_on_block: true,
                tracked_peer_sets: NZUsize!(1),
            },
            peers,
        )
        .await;
        network.start();
        let node = |_| Node {
            running: None,
            starting: None,
            door: None,
            chain: None,
            mempool: Mempool::default(),
            meter: Meter::default(),
            skew: Skew::default(),
            forger: None,
            wipes: 0,
            is_founder: true,
            starts: 0,
        };
        let timeouts = match preset {
            Preset::Near => Timeouts::default(),
            // A block may have to go half around the Earth before anybody votes for it.
            Preset::Wan => Timeouts {
                leader: Duration::from_millis(500),
                certification: Duration::from_millis(1_000),
                ..Timeouts::default()
            },
        };
        let genesis = Arc::new(world::genesis(count));
        let nodes = (0..count).map(node).collect();
        let pace = Pace::default();
        let mut cluster = Self { context, genesis, oracle, nodes, preset, pace, timeouts, inbox };
        cluster.set_weather(&Weather::default()).await;
        cluster
    }

    /// The chain.
    #[must_use]
    pub fn genesis(&self) -> &Arc<Genesis> {
        &self.genesis
    }

    /// How many there are, running or not.
    #[must_use]
    pub fn count(&self) -> usize {
        self.nodes.len()
    }

    /// The simulated machine.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Bytes that each has sent.
    #[must_use]
    pub fn bytes(&self) -> Vec<u64> {
        let load = |node: &Node| node.meter.load(std::sync::atomic::Ordering::Relaxed);
        self.nodes.iter().map(load).collect()
    }

    fn key(index: usize) -> PublicKey {
        world::validator_key(index).public_key()
    }

    /// Replaces all links by what the weather allows.
    pub async fn set_weather(&mut self, weather: &Weather) {
        for from in 0..self.count() {
            for to in (0..self.count()).filter(|to| *to != from) {
                let (sender, receiver) = (Self::key(from), Self::key(to));
                // There may have been no link.
                let _ = self.oracle.remove_link(sender.clone(), receiver.clone()).await;
                if weather.connects(from, to) {
                    let link = self.preset.link(from, to);
                    let link = worse(link, weather.lost_of_1000, weather.more);
                    let added = self.oracle.add_link(sender, receiver, link).await;
                    assert!(added.is_ok(), "the link was just removed");
                }
            }
        }
    }

    async fn channels(&self, index: usize) -> Vec<Channel> {
        let mut channels = Vec::new();
        for (channel, name) in CHANNELS {
            let control = self.oracle.control(Self::key(index));
            let registered = control.register(channel, QUOTA).await;
            let Ok((sender, receiver)) = registered else {
                unreachable!("the network lives as long as the cluster")
            };
            let node = &self.nodes[index];
            let (meter, forger) = (Arc::clone(&node.meter), node.forger.clone());
            channels.push((Counted::new(sender, meter, Wire::named(name), forger), receiver));
        }
        channels
    }

    fn scheme(&self, index: usize) -> Scheme {
        let ledger = workload::genesis_ledger(self.count());
        let committee = ledger.committee(0).cloned().unwrap_or_default();
        let key = world::validator_key(index);
        match scheme_of(self.genesis.chain_id(), &committee, Some(&key)) {
            Ok(scheme) => scheme,
            Err(error) => unreachable!("the genesis has a committee: {error}"),
        }
    }

    fn context_of(&mut self, index: usize) -> Context {
        let node = &mut self.nodes[index];
        node.starts += 1;
        let context = self.context.child("validator").with_attribute("index", index);
        context.with_attribute("start", node.starts)
    }

    /// Starts a validator, or restarts it on the files that it left.
    ///
    /// # Panics
    /// When it does not start: its files must always do.
    pub async fn start(&mut self, index: usize) {
        let mut channels = self.channels(index).await;
        let courier = self.nodes[index].forger.is_some().then(|| keep_votes_back(&mut channels));
        let context = self.context_of(index);
        let Node { wipes, is_founder, .. } = self.nodes[index];
        let mempool = Mempool::default();
        self.nodes[index].mempool = mempool.clone();
        let note = Note { index, context: context.child("note"), inbox: self.inbox.clone() };
        let config = ValidatorConfig {
            prefix: format!("validator-{index}-{wipes}"),
            key: world::validator_key(index),
            genesis: Arc::clone(&self.genesis),
            is_founder,
            pace: self.pace,
            timeouts: self.timeouts,
            retention: Retention { blocks: None },
            mempool,
            items: Items::default(),
            observer: Arc::new(note),
        };
        let (peers, blocker) = (self.oracle.manager(), self.oracle.control(Self::key(index)));
        let (ready, started) = oneshot::channel();
        let machine = Machine::new(context, self.nodes[index].skew);
        // Everything of the validator is a child of this task and dies with it.
        let running = machine.spawn(move |machine| async move {
            if let Some(courier) = courier.flatten() {
                let carry = |machine| courier.run(machine, VOTES_KEPT_BACK);
                machine.child("courier").spawn(carry);
            }
            let validator = match start(machine, config, peers, blocker, channels).await {
                Ok(validator) => validator,
                Err(error) => panic!("validator {index} does not start: {error}"),
            };
            // Whoever waited may have been stopped.
            let _ = ready.send((validator.door.clone(), validator.chain.clone()));
            std::future::pending::<()>().await;
            drop(validator);
        });
        let node = &mut self.nodes[index];
        node.running = Some(running);
        if !is_founder {
            // It may have to wait for others.
            node.starting = Some(started);
        } else if let Ok((door, chain)) = started.await {
            (node.door, node.chain) = (Some(door), Some(chain));
        }
    }

    /// Takes note of who has started meanwhile.
    pub fn settle(&mut self) {
        for node in &mut self.nodes {
            let Some(starting) = &mut node.starting else { continue };
            if let Ok(Some((door, chain))) = starting.try_recv() {
                (node.door, node.chain) = (Some(door), Some(chain));
                node.starting = None;
            }
        }
    }

    /// Lets a validator that does not run break the protocol instead.
    pub async fn start_malice(&mut self, index: usize, malice: Malice) {
        let channels = self.channels(index).await;
        let context = self.context_of(index);
        let scheme = self.scheme(index);
        let task = move |_| misbehave(malice, scheme, channels);
        self.nodes[index].running = Some(context.spawn(task));
    }

    /// Starts a validator with a forger behind its wires who changes its blocks' roots.
    pub async fn start_with_wrong_roots(&mut self, index: usize) {
        self.start_forged(index, Forgery::Roots).await;
    }

    /// Starts a validator of whose messages some are as long as the network carries.
    pub async fn start_with_long_messages(&mut self, index: usize) {
        let bytes_max = usize::try_from(message_bytes_max()).unwrap_or(usize::MAX);
        self.start_forged(index, Forgery::Lengths(bytes_max)).await;
    }

    async fn start_forged(&mut self, index: usize, forgery: Forgery) {
        let key = world::validator_signer(index).public_key();
        let forger = Forger::new(forgery, key, self.scheme(index));
        self.nodes[index].forger = Some(forger);
        self.start(index).await;
    }

    /// Makes a validator's clock wrong from when it is started next.
    pub fn set_skew(&mut self, index: usize, skew: Skew) {
        self.nodes[index].skew = skew;
    }

    /// How wrong a validator's clock is.
    #[must_use]
    pub fn skew(&self, index: usize) -> Skew {
        self.nodes[index].skew
    }

    /// Names of blocks with wrong roots that were proposed.
    #[must_use]
    pub fn wrong_roots(&self) -> Vec<Digest> {
        self.forgers().flat_map(Forger::proposed).collect()
    }

    /// Messages that were too long.
    #[must_use]
    pub fn too_long(&self) -> u64 {
        self.forgers().map(Forger::too_long).sum()
    }

    fn forgers(&self) -> impl Iterator<Item = &Forger> {
        self.nodes.iter().filter_map(|node| node.forger.as_ref())
    }

    /// Stops a validator at one of its await points.
    pub fn crash(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        (node.door, node.chain, node.starting) = (None, None, None);
        self.inbox.note_votes(index, false);
        if let Some(running) = node.running.take() {
            running.abort();
            self.inbox.forget_accusations(index);
        }
    }

    /// Takes the files of a validator that does not run. It joins again, or believes that the chain
    /// begins with it.
    pub fn wipe(&mut self, index: usize, is_founder: bool) {
        let node = &mut self.nodes[index];
        node.wipes += 1;
        node.is_founder = is_founder;
    }

    /// Whether a validator votes in the epoch that it is in.
    #[must_use]
    pub fn is_voting(&self, index: usize) -> bool {
        self.is_running(index) && self.inbox.votes(index)
    }

    /// Whether a validator has lost its files and does not vote yet.
    #[must_use]
    pub fn is_joining(&self, index: usize) -> bool {
        let node = &self.nodes[index];
        node.wipes > 0 && !node.is_founder && !self.is_voting(index)
    }

    /// Whether a validator runs.
    #[must_use]
    pub fn is_running(&self, index: usize) -> bool {
        self.nodes[index].running.is_some()
    }

    /// Where clients of a validator bring things, if it runs.
    #[must_use]
    pub fn door(&self, index: usize) -> Option<Door> {
        self.nodes[index].door.clone()
    }

    /// Commands that wait at a validator since it was started last.
    #[must_use]
    pub fn mempool(&self, index: usize) -> &Mempool {
        &self.nodes[index].mempool
    }

    /// A running validator's state after its last final block that it has executed.
    pub async fn ledger(&self, index: usize) -> Option<Ledger> {
        let chain = self.nodes[index].chain.clone()?;
        chain.finalized_ledger().await
    }
}

/// Keeps back what goes out on the first channel, the votes'.
fn keep_votes_back(channels: &mut Vec<Channel>) -> Option<Courier<Sender<PublicKey, Context>>> {
    if channels.is_empty() {
        return None;
    }
    let (votes, receiver) = channels.remove(0);
    let (votes, courier) = votes.kept_back();
    channels.insert(0, (votes, receiver));
    Some(courier)
}
