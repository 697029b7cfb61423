//! `lockstep bench chain`: how fast validators agree, empty and under load.
//!
//! Four validators in this process over loopback sockets and real files, each with everything that
//! a validator does. Time to finality is from the moment a leader begins to build a block to its
//! certificate, at that leader; under load, commands are signed before the clock starts and given
//! to all validators in turn. Afterwards the roots of all validators must be equal. Deliberately
//! absent: distance; all of them share this machine's cores.

use crate::devnet::feed::{Feed, Reporters};
use crate::devnet::files::{Files, Plan, trader};
use crate::devnet::status::{compare_roots, percentile_tenths, shown_ms};
use crate::devnet::{Prices, host_config, now};
use crate::failure::Failure;
use crate::output;
use crate::progress::Progress;
use crate::report::{Block, Column, Report, Table};
use clap::Args;
use lockstep_ledger::Ledger;
use lockstep_node::application::Pace;
use lockstep_node::host::{Node, run as host};
use lockstep_types::command::{CancelScope, Command, UserCommand};
use lockstep_types::envelope::SignedCommand;
use lockstep_types::ids::InstrumentId;
use lockstep_types::order::{NewOrder, Side};
use lockstep_types::units::{Lots, Price, TimeMs};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Validators of the bench.
const VALIDATORS: usize = 4;
/// Who signs commands under load.
const SIGNERS: u32 = 512;
/// Commands that are given to a validator at a time.
const PORTION: usize = 500;
/// Commands that wait at most before more are given.
const WAITING_MAX: usize = 6_000;
/// Until marks are there and connections are up.
const WARM_UP: Duration = Duration::from_secs(3);
/// Time between reports.
const REPORT_INTERVAL: Duration = Duration::from_millis(500);

/// Arguments of `lockstep bench chain`.
#[derive(Args, Clone, Debug)]
#[group(skip)]
pub struct ChainArguments {
    /// Seconds of each measurement.
    #[arg(long, value_name = "N", default_value_t = 10,
          value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: u32,
    /// Signed commands in a full block.
    #[arg(long, value_name = "N", default_value_t = 1_000,
          value_parser = clap::value_parser!(u32).range(1..=8_000))]
    commands: u32,
    /// First of the ports on the loopback address.
    #[arg(long, value_name = "PORT", default_value_t = 42_000)]
    port: u16,
}

/// Blocks of an epoch: what is measured has a few changes of committee in it.
const EPOCH_BLOCKS: u32 = 512;

/// What was measured of one kind of blocks.
struct Measured {
    name: &'static str,
    blocks: u64,
    commands: u64,
    time: Duration,
    intervals: Vec<Duration>,
    latencies: Vec<Duration>,
    skipped: u64,
}

/// A folder that is gone afterwards.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is the machine's to clean.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs `lockstep bench chain`.
pub fn run(arguments: &ChainArguments) -> Result<(), Failure> {
    let mut progress = Progress::start("bench chain", 2, "measurements");
    let at_once = Duration::ZERO;
    let empty = Pace { interval_min: at_once, heartbeat: at_once, ..Pace::default() };
    let commands_max = usize::try_from(arguments.commands).unwrap_or(usize::MAX);
    let full = Pace {
        interval_min: at_once,
        heartbeat: Duration::from_millis(50),
        commands_max,
        work_max: u64::MAX,
    };
    let mut all = Vec::new();
    for (done, (name, pace)) in (1..).zip([("empty", empty), ("full", full)]) {
        progress.note(name);
        all.push(measure(name, pace, arguments)?);
        progress.set(done);
    }
    progress.finish();
    output::print(&report(&all, arguments))
}

fn measure(
    name: &'static str,
    pace: Pace,
    arguments: &ChainArguments,
) -> Result<Measured, Failure> {
    let folder = format!("lockstep-bench-chain-{}-{name}", std::process::id());
    let scratch = Scratch(std::env::temp_dir().join(folder));
    let is_loaded = name == "full";
    let traders = if is_loaded { SIGNERS } else { 1 };
    let plan =
        Plan { validators: VALIDATORS, prices: Prices::Walk, traders, epoch_blocks: EPOCH_BLOCKS };
    let files = Files::open(&scratch.0, &plan, now())?;
    let config = host_config(&files, arguments.port, pace)?;
    let time = Duration::from_secs(u64::from(arguments.seconds));
    let outcome = host(config, move |nodes| drive(name, &nodes, &files, time, is_loaded));
    drop(scratch);
    outcome.map_err(|error| Failure::Broken(error.to_string()))?
}

fn stopped() -> Failure {
    Failure::Broken("a validator has stopped".to_string())
}

fn drive(
    name: &'static str,
    nodes: &[Node],
    files: &Files,
    time: Duration,
    is_loaded: bool,
) -> Result<Measured, Failure> {
    let first = nodes.first().ok_or_else(stopped)?;
    let feed = Feed::new(Prices::Walk, &files.genesis)?;
    let mut reporters = Reporters::new(&files.genesis, &files.validators);
    let mut load = if is_loaded { Some(Load::new(files, &feed)?) } else { None };
    let mut reported: Option<Instant> = None;
    let (mut began, mut before) = (Instant::now(), None);
    loop {
        if before.is_none() && began.elapsed() >= WARM_UP {
            nodes.iter().for_each(|node| node.notes().forget_samples());
            (began, before) = (Instant::now(), Some(first.notes().counters()));
        }
        if before.is_some() && began.elapsed() >= time {
            break;
        }
        if reported.is_none_or(|last| last.elapsed() >= REPORT_INTERVAL) {
            let time = now();
            reporters.report(nodes, &feed.words(time), &[], time)?;
            reported = Some(Instant::now());
        }
        match (&mut load, before) {
            (Some(load), Some(_)) => load.give(nodes)?,
            _ => std::thread::sleep(Duration::from_millis(5)),
        }
    }
    let (counters, passed) = (first.notes().counters(), began.elapsed());
    let before = before.unwrap_or_default();
    let roots: Vec<_> = nodes.iter().map(|node| node.notes().roots()).collect();
    let (common, differing) = compare_roots(&roots);
    if common == 0 || !differing.is_empty() {
        return Err(Failure::Broken(format!("{name}: roots differ at heights {differing:?}")));
    }
    Ok(Measured {
        name,
        blocks: counters.blocks - before.blocks,
        commands: counters.commands - before.commands,
        time: passed,
        intervals: first.notes().intervals(),
        latencies: nodes.iter().flat_map(|node| node.notes().latencies()).collect(),
        skipped: counters.skipped_views - before.skipped_views,
    })
}

/// Signed orders and cancels of many signers, in turns, so that books stay short.
struct Load {
    signed: std::vec::IntoIter<SignedCommand>,
    files: LoadFiles,
    turn: usize,
}

/// What signing more takes.
struct LoadFiles {
    seed: [u8; 32],
    chain: lockstep_types::envelope::ChainId,
    accounts: Vec<(lockstep_types::ids::SignerId, lockstep_types::ids::AccountId)>,
    price: Price,
    tick: i64,
    round: u64,
    start: TimeMs,
}

impl LoadFiles {
    /// One command of every signer: an order in even rounds, and away with it in odd ones.
    fn next_round(&mut self) -> Vec<SignedCommand> {
        let round = self.round;
        self.round += 1;
        let command = if round.is_multiple_of(2) {
            let price = Price(self.price.0.div_euclid(self.tick) * self.tick);
            Command::Place(NewOrder::limit(InstrumentId(0), Side::Buy, Lots(1), price))
        } else {
            Command::CancelAll(CancelScope::Account)
        };
        let sign = |(index, (signer, account)): (u32, &(_, _))| {
            let user = UserCommand {
                signer: *signer,
                account: *account,
                nonce: self.start.0.unsigned_abs() + round,
                valid_until: None,
                command: command.clone(),
            };
            trader(self.seed, index).sign(self.chain, user)
        };
        (0..).zip(&self.accounts).map(sign).collect()
    }
}

/// Rounds that are signed before the clock starts: for twenty seconds at 20,000 a second.
const ROUNDS_AHEAD: u64 = 800;

impl Load {
    fn new(files: &Files, feed: &Feed) -> Result<Self, Failure> {
        let ledger = Ledger::genesis(&files.genesis);
        let ledger = ledger.map_err(|error| Failure::Broken(error.to_string()))?;
        let exchange = ledger.exchange();
        let mut accounts = Vec::new();
        for index in 0..SIGNERS {
            let key = trader(files.traders, index).public_key();
            let signer = exchange.signer_of(key).ok_or_else(stopped)?;
            accounts.push((signer, exchange.account_of(key, 0).ok_or_else(stopped)?));
        }
        let tick = files.genesis.underlyings.first().map_or(1, |first| first.linear_ticks.base.0);
        let mut source = LoadFiles {
            seed: files.traders,
            chain: files.genesis.chain_id(),
            accounts,
            price: Price(feed.price(0, now()).0 / 100 * 95),
            tick,
            round: 0,
            start: now(),
        };
        let signed: Vec<_> = (0..ROUNDS_AHEAD).flat_map(|_| source.next_round()).collect();
        Ok(Self { signed: signed.into_iter(), files: source, turn: 0 })
    }

    /// Gives the next portion to the next validator, unless enough wait.
    fn give(&mut self, nodes: &[Node]) -> Result<(), Failure> {
        self.turn += 1;
        let node = nodes.get(self.turn % nodes.len().max(1)).ok_or_else(stopped)?;
        if node.waiting() >= WAITING_MAX {
            std::thread::sleep(Duration::from_millis(1));
            return Ok(());
        }
        let mut portion: Vec<_> = self.signed.by_ref().take(PORTION).collect();
        if portion.is_empty() {
            portion = self.files.next_round();
        }
        node.submit(portion).map_err(|_| stopped())?;
        Ok(())
    }
}

fn report(all: &[Measured], arguments: &ChainArguments) -> Report {
    let mut report = Report::new("Chain", "Agreement of four validators on this machine.");
    report.provenance("version", env!("CARGO_PKG_VERSION"));
    report.provenance("seconds of each row", arguments.seconds.to_string());
    let columns = [
        "blocks",
        "interval p50 ms",
        "p99 ms",
        "to final p50 ms",
        "p99 ms",
        "commands/s",
        "commands/block",
        "skipped views",
    ];
    let rows = all.iter().map(|measured| {
        let ms = |samples: &[Duration], percent| shown_ms(percentile_tenths(samples, percent));
        let per_second = u128::from(measured.commands) * 1_000 / measured.time.as_millis().max(1);
        vec![
            measured.name.to_string(),
            measured.blocks.to_string(),
            ms(&measured.intervals, 50),
            ms(&measured.intervals, 99),
            ms(&measured.latencies, 50),
            ms(&measured.latencies, 99),
            per_second.to_string(),
            (measured.commands / measured.blocks.max(1)).to_string(),
            measured.skipped.to_string(),
        ]
    });
    let table = Table {
        title: "Blocks".to_string(),
        note: format!(
            "Full blocks have up to {} signed commands of {SIGNERS} signers; empty ones have \
             reports. To final: from the start of building to the certificate, at the leader, \
             on one clock. Intervals are of the first validator. All validators ended with \
             equal roots.",
            arguments.commands
        ),
        columns: std::iter::once(Column::words("blocks"))
            .chain(columns.map(Column::numbers))
            .collect(),
        rows: rows.collect(),
    };
    report.section("Four validators", vec![Block::Table(table)]);
    report
}
