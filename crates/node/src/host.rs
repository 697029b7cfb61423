//! Validators in this process, for callers that are not asynchronous.
//!
//! [`run`] starts validators on the machine's sockets and files, hands a [`Node`] for each to a
//! thread of the caller, and stops when that is done. Invariants: what a node notes for its caller
//! is bounded; a caller that does not listen misses blocks and is told how many, consensus never
//! waits for it. Deliberately absent: what callers do with it.

mod notes;
mod stop;

pub use notes::{Counters, Notes};
pub use stop::{Stop, Stopped};

use crate::application::{Finalized, Observer, Pace};
use crate::block::{Digest, PublicKey};
use crate::committees::scheme_of;
use crate::intake::{Answers, Closed, Door};
use crate::items::Items;
use crate::malice::{Malice, misbehave};
use crate::mempool::Mempool;
use crate::network::{Neighbour, NetworkConfig, join, public_key};
use crate::rpc::recent::Recent;
use crate::rpc::{Desk, Parts, serve};
use crate::validator::{Retention, StartError, Timeouts, Validator, ValidatorConfig, start};
use bytes::Bytes;
use commonware_codec::DecodeExt as _;
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_consensus::simplex::types::Activity;
use commonware_cryptography::ed25519;
use commonware_p2p::Blocker as _;
use commonware_runtime::{Clock as _, Runner as _, Spawner as _, Supervisor as _, tokio};
use futures::channel::{mpsc, oneshot};
use futures::executor::block_on;
use futures::future::try_join_all;
use futures::{SinkExt as _, StreamExt as _};
use lockstep_ledger::{Evidence, Genesis, Ledger, SystemItem};
use lockstep_types::envelope::SignedCommand;
use std::fmt::Display;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;
use std::{fs, io};

/// A file in the folder of validators with which the chain begins. Validators without files of
/// their own vote at once if it is there, and otherwise join a network that runs.
const FOUNDING: &str = "founding";

/// Marks a folder as that of validators with which the chain begins.
///
/// # Errors
/// When the folder cannot be written to.
pub fn found(data: &Path) -> io::Result<()> {
    fs::write(data.join(FOUNDING), "The chain begins with the validators of this folder.\n")
}

/// How often it is looked whether the driver is done.
const DRIVER_POLL: Duration = Duration::from_millis(10);

/// A validator that runs here.
#[derive(Clone)]
pub struct Hosted {
    /// Seed of its ed25519 key.
    pub seed: [u8; 32],
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where it answers over HTTP, if anywhere.
    pub rpc: Option<SocketAddr>,
    /// How it breaks the protocol instead of running, to show what becomes of it. Its caller gets
    /// no [`Node`] for it.
    pub malice: Option<Malice>,
}

/// Validators of one process.
#[derive(Clone)]
pub struct HostConfig {
    /// The chain.
    pub genesis: Arc<Genesis>,
    /// Those that run here; at least one.
    pub hosted: Vec<Hosted>,
    /// The others of the committee: public key and address.
    pub others: Vec<([u8; 32], SocketAddr)>,
    /// Folder of their files.
    pub data: PathBuf,
    /// Pace of blocks.
    pub pace: Pace,
    /// Timeouts of consensus.
    pub timeouts: Timeouts,
    /// What stays on disk.
    pub retention: Retention,
    /// Threads that run tasks; at least one.
    pub threads: usize,
    /// Whether SIGTERM and SIGINT ask the driver to stop instead of ending the process.
    pub minds_signals: bool,
}

/// A running validator, as its caller sees it.
#[derive(Clone)]
pub struct Node {
    door: Door,
    mempool: Mempool,
    notes: Arc<Notes>,
    ledgers: mpsc::Sender<LedgerWish>,
    stopped: Stopped,
    rpc: Option<SocketAddr>,
}

/// Somebody wants a copy of the state machine.
type LedgerWish = oneshot::Sender<Option<Ledger>>;
/// Wishes that wait at most.
const WISHES_MAX: usize = 4;

impl Node {
    /// A copy of the state machine at the highest final block; `None` when the node has stopped.
    #[must_use]
    pub fn ledger(&self) -> Option<Ledger> {
        let (answer, answered) = oneshot::channel();
        block_on(async move {
            self.ledgers.clone().send(answer).await.ok()?;
            answered.await.ok().flatten()
        })
    }

    /// Brings commands and waits for what becomes of them.
    ///
    /// # Errors
    /// When the node has stopped.
    pub fn submit(&self, commands: Vec<SignedCommand>) -> Result<Answers, Closed> {
        block_on(self.door.clone().submit(commands))
    }

    /// Brings an item of this validator: a report, a word on a deposit.
    ///
    /// # Errors
    /// When the node has stopped.
    pub fn say(&self, item: SystemItem) -> Result<(), Closed> {
        block_on(self.door.clone().say(item))
    }

    /// How many commands wait for a block.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.mempool.len()
    }

    /// What it has noted.
    #[must_use]
    pub fn notes(&self) -> &Notes {
        &self.notes
    }

    /// Final blocks from now on, in order.
    #[must_use]
    pub fn listen(&self) -> Receiver<Finalized> {
        self.notes.listen()
    }

    /// Why the driver should come to an end, if it should.
    #[must_use]
    pub fn stop(&self) -> Option<&Stop> {
        self.stopped.why()
    }

    /// Where it answers over HTTP, if anywhere; the port is the one that was taken.
    #[must_use]
    pub fn rpc(&self) -> Option<SocketAddr> {
        self.rpc
    }
}

fn key_of(seed: [u8; 32]) -> Result<ed25519::PrivateKey, StartError> {
    ed25519::PrivateKey::decode(Bytes::copy_from_slice(&seed))
        .map_err(|error| StartError::Genesis(format!("key: {error}")))
}

/// The public key of a validator's seed.
///
/// # Errors
/// When the seed is none.
pub fn public_key_of(seed: [u8; 32]) -> Result<[u8; 32], StartError> {
    let key = public_key(&key_of(seed)?);
    key.as_ref().try_into().map_err(|_| StartError::Genesis("key: not 32 bytes".into()))
}

/// Whoever drives the validators.
type Driver = Box<dyn FnOnce(Vec<Node>) + Send>;

/// Runs validators until `drive`, which has a thread of its own, is done with them.
///
/// # Errors
/// When a validator cannot start, or `drive` dies.
pub fn run<T: Send + 'static>(
    config: HostConfig,
    drive: impl FnOnce(Vec<Node>) -> T + Send + 'static,
) -> Result<T, StartError> {
    let (sender, receiver) = std::sync::mpsc::channel();
    run_driver(
        config,
        Box::new(move |nodes| {
            // The receiver is below, and alive.
            let _ = sender.send(drive(nodes));
        }),
    )?;
    receiver.try_recv().map_err(|_| StartError::Driver)
}

/// [`run`] without types of the caller's: all of consensus is compiled for this one function.
fn run_driver(config: HostConfig, drive: Driver) -> Result<(), StartError> {
    let runtime = tokio::Config::new()
        .with_worker_threads(config.threads.max(1))
        .with_storage_directory(config.data.clone())
        .with_tcp_nodelay(Some(true))
        .with_catch_panics(false);
    tokio::Runner::new(runtime).start(|context| async move {
        let stopped = Stopped::default();
        if config.minds_signals {
            stopped.mind_signals()?;
        }
        let (nodes, mut running) = start_all(&context, &config, &stopped).await?;
        let driver = std::thread::spawn(move || drive(nodes));
        while !driver.is_finished() {
            running.iter_mut().for_each(|validator| stopped.watch(&mut validator.tasks));
            context.sleep(DRIVER_POLL).await;
        }
        drop(running);
        driver.join().map_err(|_| StartError::Driver)
    })
}

/// Starts every validator of the process.
async fn start_all(
    context: &tokio::Context,
    config: &HostConfig,
    stopped: &Stopped,
) -> Result<(Vec<Node>, Vec<Validator<tokio::Context>>), StartError> {
    let neighbours = neighbours(config)?;
    let founding = config.data.join(FOUNDING);
    let is_founder = founding.exists();
    let mut starts = Vec::new();
    for (index, hosted) in config.hosted.iter().enumerate() {
        let context = context.child("validator").with_attribute("index", index);
        match hosted.malice {
            Some(malice) => start_malice(&context, config, hosted, malice, &neighbours)?,
            None => {
                starts.push(start_one(context, config, index, &neighbours, is_founder, stopped))
            }
        }
    }
    // All at once, for one that joins waits for the others' answers.
    let started = try_join_all(starts).await?;
    if is_founder {
        // From here on their own files tell; if it cannot be removed, it says nothing to them.
        let _ = fs::remove_file(founding);
    }
    Ok(started.into_iter().unzip())
}

/// Joins the network with a validator's key and breaks the protocol.
fn start_malice(
    context: &tokio::Context,
    config: &HostConfig,
    hosted: &Hosted,
    malice: Malice,
    neighbours: &[Neighbour],
) -> Result<(), StartError> {
    let wrong = |error: &dyn Display| StartError::Genesis(error.to_string());
    let key = key_of(hosted.seed)?;
    let ledger = Ledger::genesis(&config.genesis).map_err(|error| wrong(&error))?;
    let committee = ledger.committee(0).cloned().unwrap_or_default();
    let scheme = scheme_of(config.genesis.chain_id(), &committee, Some(&key));
    let scheme = scheme.map_err(|error| wrong(&error))?;
    let network = NetworkConfig {
        key,
        chain: config.genesis.chain_id().0,
        listen: hosted.listen,
        neighbours: neighbours.to_vec(),
    };
    let (_, channels) = join(context, network)?;
    context.child("malice").spawn(move |_| misbehave(malice, scheme, channels));
    Ok(())
}

/// Starts one of the process' validators, and answers over HTTP if it is to.
async fn start_one(
    context: tokio::Context,
    config: &HostConfig,
    index: usize,
    neighbours: &[Neighbour],
    is_founder: bool,
    stopped: &Stopped,
) -> Result<(Node, Validator<tokio::Context>), StartError> {
    let hosted = &config.hosted[index];
    let key = key_of(hosted.seed)?;
    let network = NetworkConfig {
        key: key.clone(),
        chain: config.genesis.chain_id().0,
        listen: hosted.listen,
        neighbours: neighbours.to_vec(),
    };
    let (oracle, channels) = join(&context, network)?;
    let (mempool, notes) = (Mempool::default(), Arc::new(Notes::default()));
    let recent = hosted.rpc.map(|_| Arc::new(Recent::default()));
    let desk = |listen: SocketAddr, recent: &Arc<Recent>| {
        let parts = Parts {
            genesis: Arc::clone(&config.genesis),
            key: public_key_of(hosted.seed)?,
            mempool: mempool.clone(),
            notes: Arc::clone(&notes),
            recent: Arc::clone(recent),
            context: context.child("rpc"),
            index,
            peers_known: neighbours.len().saturating_sub(1),
        };
        Ok((listen, parts))
    };
    let desk = hosted.rpc.zip(recent.as_ref()).map(|(listen, recent)| desk(listen, recent));
    let desk = desk.transpose()?;
    let validator = ValidatorConfig {
        prefix: format!("validator-{index}"),
        key,
        genesis: Arc::clone(&config.genesis),
        is_founder,
        pace: config.pace,
        timeouts: config.timeouts,
        retention: config.retention,
        mempool: mempool.clone(),
        items: Items::default(),
        observer: observer(&notes, recent),
    };
    let librarian = context.child("ledgers");
    let (mut blocked, watched) = (oracle.clone().blocked(), Arc::clone(&notes));
    context.child("blocked").spawn(move |_| async move {
        while let Some(peers) = blocked.recv().await {
            watched.note_cut_off(peers.len());
        }
    });
    let validator = start(context, validator, oracle.clone(), oracle, channels).await?;
    let chain = validator.chain.clone();
    let (ledgers, mut wishes) = mpsc::channel::<LedgerWish>(WISHES_MAX);
    // The state may have to be read from files, which only the runtime's own tasks can.
    librarian.spawn(move |_| async move {
        while let Some(wish) = wishes.next().await {
            // Who asked may have gone.
            let _ = wish.send(chain.finalized_ledger().await);
        }
    });
    let rpc = match desk {
        Some((listen, parts)) => Some(answer(listen, Desk::new(parts, &validator)).await?),
        None => None,
    };
    let (door, stopped) = (validator.door.clone(), stopped.clone());
    Ok((Node { door, mempool, notes, ledgers, stopped, rpc }, validator))
}

/// Begins to answer over HTTP; where.
async fn answer(listen: SocketAddr, desk: Desk) -> Result<SocketAddr, StartError> {
    let refused = |error: io::Error| StartError::Socket(format!("{listen}: {error}"));
    let listener = ::tokio::net::TcpListener::bind(listen).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    ::tokio::spawn(serve(listener, Arc::new(desk)));
    Ok(address)
}

/// Tells two observers.
struct Both(Arc<Notes>, Arc<Recent>);

impl Observer for Both {
    fn building(&self, view: u64) {
        self.0.building(view);
    }

    fn finalized(&self, finalized: &Finalized) {
        self.1.finalized(finalized);
        self.0.finalized(finalized);
    }

    fn activity(&self, activity: &Activity<Scheme, Digest>) {
        self.0.activity(activity);
    }

    fn offence(&self, evidence: &Evidence) {
        self.0.offence(evidence);
    }

    fn entered(&self, epoch: u64, votes: bool) {
        self.0.entered(epoch, votes);
    }
}

fn observer(notes: &Arc<Notes>, recent: Option<Arc<Recent>>) -> Arc<dyn Observer> {
    match recent {
        Some(recent) => Arc::new(Both(Arc::clone(notes), recent)),
        None => Arc::clone(notes) as _,
    }
}

fn neighbours(config: &HostConfig) -> Result<Vec<Neighbour>, StartError> {
    let mut neighbours = Vec::new();
    for hosted in &config.hosted {
        let key = public_key(&key_of(hosted.seed)?);
        neighbours.push(Neighbour { key, address: hosted.listen });
    }
    for (key, address) in &config.others {
        let key = PublicKey::decode(Bytes::copy_from_slice(key));
        let key = key.map_err(|error| StartError::Genesis(format!("peer: {error}")))?;
        neighbours.push(Neighbour { key, address: *address });
    }
    Ok(neighbours)
}
