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
use crate::devnet::{Every, Prices, host_config, now};
use crate::failure::Failure;
use crate::output;
use crate::progress::Progress;
use crate::report::{Block, Column, Report, Table};
use clap::Args;
use lockstep_ledger::Ledger;
use lockstep_node::application::{Finalized, Pace};
use lockstep_node::costs::{Work, process_time, thread_time};
use lockstep_node::host::{Node, run as host};
use lockstep_types::Event;
use lockstep_types::codec::Bounded;
use lockstep_types::command::{BatchItem, CancelScope, Command, Phase, PhaseScope, UserCommand};
use lockstep_types::envelope::SignedCommand;
use lockstep_types::ids::{InstrumentId, UnderlyingId};
use lockstep_types::order::{NewOrder, Side};
use lockstep_types::reject::RejectCode;
use lockstep_types::units::{Lots, Price, TimeMs};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

/// Validators of the bench.
const VALIDATORS: usize = 4;
/// Who signs commands under load.
const SIGNERS: u32 = 512;
/// Commands that are given to a validator at a time.
const PORTION: usize = 500;
/// Commands that wait at most before more are given.
const WAITING_MAX: usize = 6_000;
/// Orders in a signed command of the third row; cancels are as many at once.
const BATCH: usize = 16;
/// Until connections are up, and then until it is looked again whether the venue takes orders.
const WARM_UP: Duration = Duration::from_secs(3);
/// The venue takes orders by then, or the bench fails.
const WARM_UP_MAX: Duration = Duration::from_secs(60);
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

/// What is in blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Load {
    /// Reports alone.
    Empty,
    /// Commands of one order each, or a cancel.
    Full,
    /// Commands of [`BATCH`] orders each, or a cancel of them all.
    Batched,
}

impl Load {
    const ALL: [Self; 3] = [Self::Empty, Self::Full, Self::Batched];

    fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Full => "full",
            Self::Batched => "batched",
        }
    }
}

/// Blocks of an epoch: what is measured has a few changes of committee in it.
const EPOCH_BLOCKS: u32 = 512;

/// What was measured of one kind of blocks.
struct Measured {
    load: Load,
    blocks: u64,
    commands: u64,
    work: u64,
    refused: Refused,
    costs: Costs,
    time: Duration,
    intervals: Vec<Duration>,
    latencies: Vec<Duration>,
    skipped: u64,
}

/// Processor time of all validators together.
#[derive(Clone, Copy, Default)]
struct Costs {
    of_work: [Duration; Work::ALL.len()],
    /// What is none of these: votes, encryption, sockets, files.
    rest: Duration,
}

impl Costs {
    /// What has been spent until now but by `others`.
    fn now(others: Duration) -> Self {
        let of_work = Work::ALL.map(Work::total);
        let known: Duration = of_work.iter().sum();
        Self { of_work, rest: process_time().saturating_sub(known + others) }
    }

    fn since(&self, before: &Self) -> Self {
        let mut of_work = self.of_work;
        for (now, before) in of_work.iter_mut().zip(before.of_work) {
            *now = now.saturating_sub(before);
        }
        Self { of_work, rest: self.rest.saturating_sub(before.rest) }
    }
}

/// What the venue refused of the load, by code: it counts for nothing.
#[derive(Default)]
struct Refused(BTreeMap<RejectCode, u64>);

impl Refused {
    fn listen(&mut self, blocks: &Receiver<Finalized>) {
        for block in blocks.try_iter() {
            for event in &block.events.venue {
                if let Event::Rejected { reject, .. } = event {
                    *self.0.entry(reject.code).or_default() += 1;
                }
            }
        }
    }

    fn count(&self) -> u64 {
        self.0.values().sum()
    }
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
    let mut progress = Progress::start("bench chain", 3, "measurements");
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
    for (done, load) in (1..).zip(Load::ALL) {
        progress.note(load.name());
        let pace = if load == Load::Empty { empty } else { full };
        all.push(measure(load, pace, arguments)?);
        progress.set(done);
    }
    progress.finish();
    output::print(&report(&all, arguments))
}

fn measure(load: Load, pace: Pace, arguments: &ChainArguments) -> Result<Measured, Failure> {
    let folder = format!("lockstep-bench-chain-{}-{}", std::process::id(), load.name());
    let scratch = Scratch(std::env::temp_dir().join(folder));
    let traders = if load == Load::Empty { 1 } else { SIGNERS };
    let plan =
        Plan { validators: VALIDATORS, prices: Prices::Walk, traders, epoch_blocks: EPOCH_BLOCKS };
    let files = Files::open(&scratch.0, &plan, now())?;
    let config = host_config(&files, arguments.port, pace)?;
    let time = Duration::from_secs(u64::from(arguments.seconds));
    let outcome = host(config, move |nodes| drive(load, &nodes, &files, time));
    drop(scratch);
    outcome.map_err(|error| Failure::Broken(error.to_string()))?
}

fn stopped() -> Failure {
    Failure::Broken("a validator has stopped".to_string())
}

/// Whether the venue takes any order: since the genesis minutes may have passed, after which it
/// first waits for prices (H2).
fn takes_orders(node: &Node) -> Result<bool, Failure> {
    let ledger = node.ledger().ok_or_else(stopped)?;
    let is_open = |scope| ledger.exchange().phase(scope) == Some(Phase::Continuous);
    Ok(is_open(PhaseScope::Venue) && is_open(PhaseScope::Underlying(UnderlyingId(0))))
}

fn drive(kind: Load, nodes: &[Node], files: &Files, time: Duration) -> Result<Measured, Failure> {
    let first = nodes.first().ok_or_else(stopped)?;
    let feed = Feed::new(Prices::Walk, &files.genesis)?;
    let mut reporters = Reporters::new(&files.genesis, &files.validators);
    let is_loaded = kind != Load::Empty;
    let mut load = if is_loaded { Some(Source::new(kind, files, &feed)?) } else { None };
    let (mut spent, mut refused) = (Costs::default(), Refused::default());
    let blocks = first.listen();
    let mut reported: Option<Instant> = None;
    let (mut began, mut before) = (Instant::now(), None);
    let (started, mut looks) = (began, Every::new(WARM_UP));
    looks.is_due();
    loop {
        if before.is_none() && started.elapsed() >= WARM_UP_MAX {
            return Err(Failure::Broken("the venue takes no orders after a minute".to_string()));
        }
        if before.is_none() && looks.is_due() && takes_orders(first)? {
            nodes.iter().for_each(|node| node.notes().forget_samples());
            (began, before) = (Instant::now(), Some(first.notes().counters()));
            spent = Costs::now(thread_time());
            blocks.try_iter().for_each(drop);
        }
        if before.is_some() && began.elapsed() >= time {
            break;
        }
        if reported.is_none_or(|last| last.elapsed() >= REPORT_INTERVAL) {
            let time = now();
            reporters.report(nodes, &feed.words(time), &[], time)?;
            reported = Some(Instant::now());
        }
        refused.listen(&blocks);
        match (&mut load, before) {
            (Some(load), Some(_)) => load.give(nodes)?,
            _ => std::thread::sleep(Duration::from_millis(5)),
        }
    }
    let (counters, passed) = (first.notes().counters(), began.elapsed());
    let costs = Costs::now(thread_time()).since(&spent);
    refused.listen(&blocks);
    let before = before.unwrap_or_default();
    let roots: Vec<_> = nodes.iter().map(|node| node.notes().roots()).collect();
    let (common, differing) = compare_roots(&roots);
    if common == 0 || !differing.is_empty() {
        let name = kind.name();
        return Err(Failure::Broken(format!("{name}: roots differ at heights {differing:?}")));
    }
    Ok(Measured {
        load: kind,
        blocks: counters.blocks - before.blocks,
        commands: counters.commands - before.commands,
        work: counters.work - before.work,
        refused,
        costs,
        time: passed,
        intervals: first.notes().intervals(),
        latencies: nodes.iter().flat_map(|node| node.notes().latencies()).collect(),
        skipped: counters.skipped_views - before.skipped_views,
    })
}

/// Signed orders and cancels of many signers, in turns, so that books stay short.
struct Source {
    signed: std::vec::IntoIter<SignedCommand>,
    files: Signing,
    turn: usize,
}

/// What signing more takes.
struct Signing {
    load: Load,
    seed: [u8; 32],
    chain: lockstep_types::envelope::ChainId,
    accounts: Vec<(lockstep_types::ids::SignerId, lockstep_types::ids::AccountId)>,
    price: Price,
    tick: i64,
    round: u64,
    start: TimeMs,
}

impl Signing {
    /// Orders that rest: one, or some at as many prices.
    fn place(&self) -> Command {
        let price = self.price.0.div_euclid(self.tick);
        let order = |below: i64| {
            let price = Price((price - below) * self.tick);
            NewOrder::limit(InstrumentId(0), Side::Buy, Lots(1), price)
        };
        if self.load != Load::Batched {
            return Command::Place(order(0));
        }
        let orders = (0..).map(order).take(BATCH).map(BatchItem::Place);
        Bounded::new(orders.collect()).map_or(Command::Place(order(0)), Command::Batch)
    }

    /// One command of every signer: an order in even rounds, and away with it in odd ones.
    fn next_round(&mut self) -> Vec<SignedCommand> {
        let round = self.round;
        self.round += 1;
        let command = if round.is_multiple_of(2) {
            self.place()
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

/// Rounds that are signed before the clock starts: for ten seconds at 20,000 a second.
const ROUNDS_AHEAD: u64 = 400;

impl Source {
    fn new(load: Load, files: &Files, feed: &Feed) -> Result<Self, Failure> {
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
        let mut source = Signing {
            load,
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

/// Why the venue refused what it refused.
fn refusals(all: &[Measured]) -> String {
    let codes = all.iter().flat_map(|measured| &measured.refused.0);
    codes.map(|(code, count)| format!("; {count} were {code:?}")).collect()
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
        "orders/s",
        "refused",
        "commands/block",
        "skipped views",
    ];
    let rows = all.iter().map(|measured| {
        let ms = |samples: &[Duration], percent| shown_ms(percentile_tenths(samples, percent));
        let per_second = |count: u64| u128::from(count) * 1_000 / measured.time.as_millis().max(1);
        vec![
            measured.load.name().to_string(),
            measured.blocks.to_string(),
            ms(&measured.intervals, 50),
            ms(&measured.intervals, 99),
            ms(&measured.latencies, 50),
            ms(&measured.latencies, 99),
            per_second(measured.commands).to_string(),
            per_second(measured.work.saturating_sub(measured.refused.count())).to_string(),
            measured.refused.count().to_string(),
            (measured.commands / measured.blocks.max(1)).to_string(),
            measured.skipped.to_string(),
        ]
    });
    let table = Table {
        title: "Blocks".to_string(),
        note: format!(
            "Full blocks have up to {} signed commands of {SIGNERS} signers, each an order or a \
             cancel; in batched ones each is {BATCH} orders or a cancel of all; empty ones have \
             reports. To final: from the start of building to the certificate, at the leader, \
             on one clock. Intervals are of the first validator. All validators ended with \
             equal roots. Orders/s are without those that the venue refused{}.",
            arguments.commands,
            refusals(all)
        ),
        columns: std::iter::once(Column::words("blocks"))
            .chain(columns.map(Column::numbers))
            .collect(),
        rows: rows.collect(),
    };
    report.section("Four validators", vec![Block::Table(table), Block::Table(costs(all))]);
    report
}

/// Processor time of each command, by kind of work.
fn costs(all: &[Measured]) -> Table {
    let rows = all.iter().filter(|measured| measured.commands > 0).map(|measured| {
        let costs = measured.costs;
        let total = costs.of_work.iter().sum::<Duration>() + costs.rest;
        let tenths = |time: Duration| {
            let tenths = time.as_nanos() / 100 / u128::from(measured.commands);
            format!("{}.{}", tenths / 10, tenths % 10)
        };
        let parts = costs.of_work.into_iter().chain([costs.rest, total]).map(tenths);
        std::iter::once(measured.load.name().to_string()).chain(parts).collect()
    });
    let parts = Work::ALL.map(Work::name).into_iter().chain(["rest", "total"]);
    Table {
        title: "Processor time of a command, us".to_string(),
        note: "Of all validators together, without who signs and brings the commands. Decode: \
               reading blocks and commands of others. Commit: hashing and writing changed leaves. \
               Rest: votes, encryption, sockets, archives, the mempool, and the kernel."
            .to_string(),
        columns: std::iter::once(Column::words("blocks"))
            .chain(parts.map(Column::numbers))
            .collect(),
        rows: rows.collect(),
    }
}
