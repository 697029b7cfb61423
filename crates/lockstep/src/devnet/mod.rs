//! `lockstep devnet`: a whole network in one process, over sockets and with real consensus.
//!
//! Validators have keys in a data folder and go on from there when they are started again. Prices
//! are walked or replayed, makers quote everything that is listed, takers trade, and a table tells
//! how the network fares. A follower executes every final block again and compares its roots.
//! Deliberately absent: several machines; that is `lockstep node`'s.

pub(crate) mod feed;
pub(crate) mod files;
pub(crate) mod follower;
pub(crate) mod status;
#[cfg(test)]
mod tests;
pub(crate) mod traders;

use crate::failure::Failure;
use clap::{Args, ValueEnum};
use feed::{Feed, Reporters};
use files::{Files, Plan, TRADERS};
use follower::Follower;
use lockstep_node::application::Pace;
use lockstep_node::host::{HostConfig, Hosted, Node, run as host};
use lockstep_node::malice::Malice;
use lockstep_node::validator::{Retention, Timeouts};
use lockstep_types::units::TimeMs;
use status::Status;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use traders::{Traders, VALID};

/// Validators of one process at most.
const VALIDATORS_MAX: u16 = 16;
/// Time between reports of a validator.
const REPORT_INTERVAL: Duration = Duration::from_millis(500);
/// Time between turns of the traders.
const TRADE_INTERVAL: Duration = Duration::from_millis(250);
/// What the traders' choices follow from.
const TRADE_SEED: u64 = 0x0101_0101_0101_0101;
/// Time between lines of the status.
const STATUS_INTERVAL: Duration = Duration::from_secs(2);
/// How long the driver waits for a block at most before it looks at the clock.
const TICK: Duration = Duration::from_millis(20);
/// A network that makes no block for so long has failed.
const STALLED: Duration = Duration::from_secs(60);

/// Where prices come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Prices {
    /// A random walk.
    Walk,
    /// The indices of 10 October 2025 from 20:45 UTC, second by second.
    Crash,
}

/// Arguments of `lockstep devnet`.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    /// Validators.
    #[arg(long, value_name = "N", default_value_t = 4,
          value_parser = clap::value_parser!(u16).range(1..=i64::from(VALIDATORS_MAX)))]
    validators: u16,
    /// Stop after so many blocks; without it, when interrupted.
    #[arg(long, value_name = "N")]
    blocks: Option<u64>,
    /// Folder of keys, blocks and state.
    #[arg(long, value_name = "DIR", default_value = "lockstep-devnet")]
    data: PathBuf,
    /// First of the ports on the loopback address, one for each validator.
    #[arg(long, value_name = "PORT", default_value_t = 41_000)]
    port: u16,
    /// Where prices come from.
    #[arg(long, value_enum, default_value_t = Prices::Crash)]
    prices: Prices,
    /// Nobody trades: empty blocks but for reports.
    #[arg(long)]
    quiet: bool,
    /// Blocks of an epoch, of a network that is new: with each a committee is elected.
    #[arg(long, value_name = "N", default_value_t = 512,
          value_parser = clap::value_parser!(u32).range(4..=1 << 24))]
    epoch_blocks: u32,
    /// The last validator breaks the protocol, from the beginning.
    #[arg(long, value_name = "HOW", value_parser = malice_named)]
    malice: Option<Malice>,
}

fn malice_named(name: &str) -> Result<Malice, String> {
    let known = || Malice::ALL.map(Malice::name).join(", ");
    Malice::named(name).ok_or_else(|| format!("one of {}", known()))
}

/// Runs `lockstep devnet`.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let plan = Plan {
        validators: usize::from(arguments.validators),
        prices: arguments.prices,
        traders: TRADERS,
        epoch_blocks: arguments.epoch_blocks,
    };
    let files = Files::open(&arguments.data, &plan, now())?;
    let mut config = host_config(&files, arguments.port, Pace::default())?;
    if let Some(last) = config.hosted.last_mut() {
        last.malice = arguments.malice;
    }
    let arguments = arguments.clone();
    let outcome = host(config, move |nodes| drive(&nodes, &files, &arguments));
    outcome.map_err(|error| Failure::Broken(error.to_string()))?
}

/// The validators of a data folder on the loopback address.
pub(crate) fn host_config(files: &Files, port: u16, pace: Pace) -> Result<HostConfig, Failure> {
    let mut hosted = Vec::new();
    for (offset, seed) in (0..).zip(&files.validators) {
        let port = port.checked_add(offset);
        let port = port.ok_or_else(|| Failure::Usage("--port: too high".to_string()))?;
        let listen = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
        // The network stops the process over a port that is taken: better to say so before.
        let taken = |error| Failure::Usage(format!("--port: {port} cannot be used: {error}"));
        drop(TcpListener::bind(listen).map_err(taken)?);
        hosted.push(Hosted { seed: *seed, listen, rpc: None, malice: None });
    }
    Ok(HostConfig {
        genesis: Arc::new(files.genesis.clone()),
        hosted,
        others: Vec::new(),
        data: files.folder.clone(),
        pace,
        timeouts: Timeouts::default(),
        retention: Retention { blocks: None },
        threads: 2,
        minds_signals: false,
    })
}

/// Our clock.
pub(crate) fn now() -> TimeMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    TimeMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Something that is due every so often.
pub(crate) struct Every {
    interval: Duration,
    last: Option<Instant>,
}

impl Every {
    /// Due at once, and then every `interval`.
    pub(crate) fn new(interval: Duration) -> Self {
        Self { interval, last: None }
    }

    /// Whether it is due now; then not before the interval is over.
    pub(crate) fn is_due(&mut self) -> bool {
        let is_due = self.last.is_none_or(|last| last.elapsed() >= self.interval);
        if is_due {
            self.last = Some(Instant::now());
        }
        is_due
    }
}

fn drive(nodes: &[Node], files: &Files, arguments: &Arguments) -> Result<(), Failure> {
    let first = nodes.first().ok_or_else(|| Failure::Usage("--validators: none".to_string()))?;
    let mut follower = Follower::new(first)?;
    let mut reporters = Reporters::new(&files.genesis, &files.validators);
    let feed = Feed::new(arguments.prices, &files.genesis)?;
    let mut traders = Traders::new(&files.genesis, files.traders, TRADE_SEED, VALID)?;
    let mut status = Status::new();
    let last_block =
        arguments.blocks.map(|blocks| follower.replica().height().saturating_add(blocks));
    let (mut reports, mut trades) = (Every::new(REPORT_INTERVAL), Every::new(TRADE_INTERVAL));
    let mut lines = Every::new(STATUS_INTERVAL);
    let mut moved = Instant::now();
    while last_block.is_none_or(|last| follower.replica().height() < last) {
        if follower.follow(TICK)? {
            moved = Instant::now();
        }
        for line in follower.news() {
            status.tell(&line)?;
        }
        if moved.elapsed() > STALLED {
            let height = follower.replica().height();
            return Err(Failure::Broken(format!("no block for a minute after height {height}")));
        }
        let time = now();
        if reports.is_due() {
            reporters.report(nodes, &feed.words(time), follower.replica().finality(), time)?;
        }
        if !arguments.quiet && trades.is_due() {
            traders.act(nodes, follower.replica().ledger(), time)?;
        }
        if lines.is_due() {
            status.show(nodes, &traders)?;
        }
    }
    status.finish(nodes, &traders, &follower)
}
