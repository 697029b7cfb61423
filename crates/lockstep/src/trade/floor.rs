//! One run of traders: what they want is sent at a bounded rate, and each command's fate awaited.
//!
//! Invariants: nothing is sent before the chain's tip is reached; after the end every command is
//! waited for as long as it is good. Deliberately absent: threads, but for those of
//! [`super::bring`] and [`super::watch`].

use super::RunArguments;
use super::bring::{self, Answers};
use super::gamblers::Gamblers;
use super::outcomes::Outcomes;
use super::record::Record;
use super::watch::{self, Heard};
use crate::devnet::follower::Replica;
use crate::devnet::status::{percentile_tenths, shown_ms};
use crate::devnet::traders::Traders;
use crate::devnet::{Every, now};
use crate::failure::Failure;
use crate::output;
use crate::proof::read_genesis;
use crate::report::{Block as Part, Column, Report, Table};
use lockstep_client::{KeyFile, RemoteNode, hex};
use lockstep_ledger::{Genesis, Ledger};
use lockstep_node::block::Block;
use lockstep_node::host::Stopped;
use lockstep_types::Event;
use lockstep_types::envelope::SignedCommand;
use lockstep_types::units::SpanMs;
use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::time::{Duration, Instant};

/// How long is waited for a block at most before the clock is looked at.
const TICK: Duration = Duration::from_millis(5);
/// Blocks that are executed in a row before the clock is looked at.
const ROW_MAX: usize = 64;
/// Until the next turn of traders who wanted nothing.
const IDLE: Duration = Duration::from_millis(50);
/// Between looks for commands that must be brought again.
const OVERDUE_INTERVAL: Duration = Duration::from_millis(500);
/// Commands of a batch that is brought again.
const BATCH_COMMANDS: usize = 64;

/// What final blocks had beside our commands.
#[derive(Default)]
struct Seen {
    blocks: u64,
    /// Blocks with commands of ours.
    ours: u64,
    trades: u64,
    liquidations: u64,
    refused: BTreeMap<String, u64>,
    /// When the last block with commands of ours came, and the longest time between two.
    last: Option<Instant>,
    longest: Duration,
}

struct Floor {
    replica: Replica,
    traders: Traders,
    gamblers: Option<Gamblers>,
    outcomes: Outcomes,
    record: Option<Record>,
    queue: SyncSender<Vec<SignedCommand>>,
    answers: Receiver<Answers>,
    heard: Receiver<Heard>,
    is_current: bool,
    rate: u32,
    turn: Instant,
    /// Turns that were left out because too much waited to be brought.
    held_back: u64,
    seen: Seen,
    told: usize,
}

/// Runs `lockstep trade run`.
pub fn run(arguments: &RunArguments, nodes: &[RemoteNode]) -> Result<(), Failure> {
    let genesis = read_genesis(&arguments.network.join("genesis.bin"))?;
    let keys = KeyFile::read(&arguments.network.join("traders.key"))?.seed();
    let chain = genesis.chain_id().0;
    for node in nodes {
        let other = node.status().ok().filter(|status| status.chain != hex::encode(&chain));
        if other.is_some() {
            return Err(Failure::Broken(format!("{}: of another chain", node.url())));
        }
    }
    let valid = SpanMs(i64::from(arguments.valid) * 1_000);
    let ledger = Ledger::genesis(&genesis).map_err(|error| Failure::Broken(error.to_string()))?;
    let record =
        arguments.record.as_deref().map(|path| Record::create(path, &chain)).transpose()?;
    let (queue, answers) = bring::start(nodes);
    let mut floor = Floor {
        replica: Replica::new(ledger),
        traders: Traders::new(&genesis, keys, arguments.seed, valid)?,
        gamblers: gamblers(arguments, &genesis, keys, valid)?,
        outcomes: Outcomes::default(),
        record,
        queue,
        answers,
        heard: watch::start(nodes, 1),
        is_current: false,
        rate: arguments.rate,
        turn: Instant::now(),
        held_back: 0,
        seen: Seen::default(),
        told: 0,
    };
    floor.trade(arguments)?;
    floor.finish()
}

fn gamblers(
    arguments: &RunArguments,
    genesis: &Genesis,
    keys: [u8; 32],
    valid: SpanMs,
) -> Result<Option<Gamblers>, Failure> {
    if arguments.gamblers == 0 {
        return Ok(None);
    }
    let path = arguments.network.join("faucet.key");
    let faucet = KeyFile::read(&path)?.signer();
    let (count, seed) = (arguments.gamblers, arguments.seed);
    let gamblers = Gamblers::new(genesis, keys, faucet, count, seed, valid);
    let unknown = || Failure::Broken(format!("{}: not this chain's faucet", path.display()));
    gamblers.map(Some).ok_or_else(unknown)
}

impl Floor {
    fn trade(&mut self, arguments: &RunArguments) -> Result<(), Failure> {
        let stopped = Stopped::on_signals().map_err(|error| Failure::Broken(error.to_string()))?;
        let began = Instant::now();
        let is_over = || {
            let seconds = arguments.seconds.map(Duration::from_secs);
            stopped.why().is_some() || seconds.is_some_and(|seconds| began.elapsed() >= seconds)
        };
        // Commands are good for so long, and blocks may take a while after a halt.
        let patience = Duration::from_secs(u64::from(arguments.valid) * 2);
        let mut lines = Every::new(Duration::from_secs(arguments.lines.max(1)));
        let mut overdue = Every::new(OVERDUE_INTERVAL);
        let mut ended: Option<Instant> = None;
        loop {
            self.hear()?;
            for (id, answer) in self.answers.try_iter().flatten() {
                self.outcomes.answered(id, answer);
            }
            if ended.is_none() && is_over() {
                ended = Some(Instant::now());
            }
            if ended.is_none() && self.is_current && self.turn <= Instant::now() {
                self.turn();
            }
            if overdue.is_due() {
                let batches = self.outcomes.overdue(Instant::now());
                for batch in batches.chunks(BATCH_COMMANDS) {
                    // What finds no room comes again.
                    let _ = self.queue.try_send(batch.to_vec());
                }
            }
            if let Some(record) = &mut self.record {
                record.add(&self.outcomes.settled())?;
            }
            if arguments.lines > 0 && lines.is_due() {
                self.line()?;
            }
            let is_settled = self.outcomes.waiting() == 0;
            if ended.is_some_and(|ended| is_settled || ended.elapsed() > patience) {
                return Ok(());
            }
        }
    }

    /// Executes what has become final.
    fn hear(&mut self) -> Result<(), Failure> {
        let mut next = self.heard.recv_timeout(TICK);
        for _ in 0..ROW_MAX {
            match next {
                Ok(Heard::Block(block)) => self.execute(&block)?,
                Ok(Heard::Tip) => {
                    self.is_current = true;
                    return Ok(());
                }
                Ok(Heard::Failed(failure)) => return Err(failure),
                Err(RecvTimeoutError::Timeout) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Failure::Broken("nobody watches the chain".to_string()));
                }
            }
            next = self.heard.recv_timeout(Duration::ZERO);
        }
        Ok(())
    }

    fn execute(&mut self, block: &Block) -> Result<(), Failure> {
        self.replica.execute(block)?;
        let (header, now) = (block.header(), Instant::now());
        let ours = self.outcomes.included(header.height, block.command_names(), now);
        self.outcomes.passed(header.time);
        let seen = &mut self.seen;
        seen.blocks += 1;
        if ours > 0 {
            seen.ours += 1;
            if let Some(last) = seen.last.replace(now) {
                seen.longest = seen.longest.max(now.duration_since(last));
            }
        }
        for event in self.replica.ledger().venue_events() {
            match event {
                Event::Trade(_) => seen.trades += 1,
                Event::LiquidationStarted { .. } => seen.liquidations += 1,
                Event::Rejected { reject, .. } => {
                    *seen.refused.entry(format!("{:?}", reject.code)).or_default() += 1;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// One turn of the traders.
    fn turn(&mut self) {
        let (time, now) = (now(), Instant::now());
        let ledger = self.replica.ledger();
        let mut commands = self.traders.commands(ledger, time);
        commands.extend(self.gamblers.iter_mut().flat_map(|all| all.commands(ledger, time)));
        let count = u32::try_from(commands.len()).unwrap_or(u32::MAX);
        let pause = Duration::from_secs(1).saturating_mul(count) / self.rate;
        self.turn = self.turn.max(now) + if count == 0 { IDLE } else { pause };
        if commands.is_empty() {
            return;
        }
        match self.queue.try_send(commands.clone()) {
            Ok(()) => {
                commands.iter().for_each(|signed| self.outcomes.sent(signed, time, now));
            }
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => self.held_back += 1,
        }
    }

    fn line(&mut self) -> Result<(), Failure> {
        let tally = self.outcomes.tally();
        let latencies = self.outcomes.latencies();
        let latest = latencies.get(self.told..).unwrap_or_default();
        let shown = |percent| shown_ms(percentile_tenths(latest, percent));
        let text = format!(
            "height {} | sent {}, final {}, refused {}, expired {}, waiting {} | final after {} ms \
             (p50), {} ms (p99) | trades {}, liquidations {}",
            self.replica.height(),
            tally.sent,
            tally.finals,
            tally.refused.values().sum::<u64>(),
            tally.expired + tally.expired_taken,
            self.outcomes.waiting(),
            shown(50),
            shown(99),
            self.seen.trades,
            self.seen.liquidations,
        );
        self.told = latencies.len();
        output::line(&text)
    }

    fn finish(mut self) -> Result<(), Failure> {
        self.outcomes.end();
        if let Some(record) = &mut self.record {
            record.add(&self.outcomes.settled())?;
        }
        output::print(&self.report())?;
        if self.outcomes.tally().finals == 0 {
            return Err(Failure::Broken("no command became final".to_string()));
        }
        Ok(())
    }

    fn report(&self) -> Report {
        let (tally, seen) = (self.outcomes.tally(), &self.seen);
        let mut report = Report::new("Trading", "What became of the commands of this run.");
        report.provenance("version", env!("CARGO_PKG_VERSION"));
        let mut rows = vec![
            ("sent".to_string(), tally.sent),
            ("final".to_string(), tally.finals),
            ("expired: taken by a node, in no block".to_string(), tally.expired_taken),
            ("expired: nobody said that it was taken".to_string(), tally.expired),
            ("unknown: the run ended before".to_string(), tally.unknown),
            ("brought again".to_string(), tally.again),
        ];
        let at_door = |(code, count): (&String, &u64)| (format!("refused: {code}"), *count);
        rows.extend(tally.refused.iter().map(at_door));
        let later =
            |(code, count): (&String, &u64)| (format!("in a block, no effect: {code}"), *count);
        rows.extend(seen.refused.iter().map(later));
        let latencies = self.outcomes.latencies();
        let shown = |percent| shown_ms(percentile_tenths(latencies, percent));
        let table = Table {
            title: "Commands".to_string(),
            note: format!(
                "Final after {} ms (p50), {} ms (p99), {} ms (longest), from sending to seeing the \
                 block. {} blocks, {} of them with these commands, at most {} ms apart; {} trades, \
                 {} liquidations. {} turns were left out because too much waited.",
                shown(50),
                shown(99),
                shown(100),
                seen.blocks,
                seen.ours,
                seen.longest.as_millis(),
                seen.trades,
                seen.liquidations,
                self.held_back,
            ),
            columns: vec![Column::words("outcome"), Column::numbers("commands")],
            rows: rows.into_iter().map(|(name, count)| vec![name, count.to_string()]).collect(),
        };
        report.section("Commands", vec![Part::Table(table)]);
        report
    }
}
