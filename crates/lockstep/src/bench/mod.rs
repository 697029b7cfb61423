//! `lockstep bench`: what things cost, on work whose result is checked first.
//!
//! Times are of the thread's processor clock, the least of several runs. What a row is compared
//! with is timed in the same process, so that ratios mean something on any machine. In the tables
//! of matching every row runs the same flow and must end with the outcome that the flow's header
//! states, digest of the makers included, before anything is timed; [`risk`] says for each of its
//! tables what is checked.

#[cfg(feature = "network")]
pub mod chain;
pub mod matching;
pub mod risk;

use crate::failure::Failure;
use crate::output;
use crate::progress::Progress;
use crate::report::{Block, Column, Report, Table};
use clap::{Args, Subcommand};
use lockstep_sim::flow::{Flow, Header, NAMES, Shape};
use lockstep_sim::measure::{
    FlowMatcher, FlowTiming, Latencies, Mismatch, RUNS_MAX, RUNS_MIN, latencies, time_flow,
};
use lockstep_sim::plain_book::PlainBooks;
use lockstep_types::command::MarginMode;
use lockstep_types::params::MarginRegime;
use matching::{Bare, Whole, WholeOptions};
use std::path::Path;

/// Timed events of a flow when it should be quick.
const QUICK_EVENTS: u64 = 20_000;
/// Commands in a block, for the rows that have blocks.
const BLOCK_LEN: u32 = 1_000;

/// What can be measured.
#[derive(Clone, Debug, Subcommand)]
pub enum Arguments {
    /// Matching: the book alone and the whole exchange against a plain book.
    Match(MatchArguments),
    /// Risk: scenario sums, risk arrays, margin of many accounts, order flow with portfolio margin,
    /// blocks with many series.
    Risk(risk::RiskArguments),
    /// The chain: four validators in this process, empty blocks and full ones.
    #[cfg(feature = "network")]
    Chain(chain::ChainArguments),
}

/// Arguments of `lockstep bench match`.
#[derive(Args, Clone, Debug)]
#[group(skip)]
pub struct MatchArguments {
    /// A flow by name (tight_1m, deep_1m, chain_1m) or an .oflow file; all three by default.
    #[arg(long, value_name = "FLOW", num_args = 1..)]
    flow: Vec<String>,
    /// Timed runs of each row; at least seven are made.
    #[arg(long, value_name = "N", default_value_t = RUNS_MIN, value_parser = runs_in_range)]
    runs: usize,
    /// Also with margin checked on every order and fill: minutes more for the chain, whose accounts
    /// hold many series.
    #[arg(long)]
    margin: bool,
    /// Small versions of the named flows: shows that everything runs, not what it costs.
    #[arg(long)]
    quick: bool,
}

fn runs_in_range(text: &str) -> Result<usize, String> {
    let runs: usize = text.parse().map_err(|_| "not a number".to_string())?;
    if (1..=RUNS_MAX).contains(&runs) { Ok(runs) } else { Err(format!("1 to {RUNS_MAX}")) }
}

/// Runs `lockstep bench`.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    match arguments {
        Arguments::Match(arguments) => run_matching(arguments),
        Arguments::Risk(arguments) => risk::run(arguments),
        #[cfg(feature = "network")]
        Arguments::Chain(arguments) => chain::run(arguments),
    }
}

fn run_matching(arguments: &MatchArguments) -> Result<(), Failure> {
    let all: Vec<String> = NAMES.map(str::to_owned).to_vec();
    let names = if arguments.flow.is_empty() { &all } else { &arguments.flow };
    let rows: u64 = if arguments.margin { 5 } else { 4 };
    let total = rows * u64::try_from(names.len()).unwrap_or(1);
    let mut progress = Progress::start("bench match", total, "rows");
    let mut report = Report::new(
        "Matching",
        "Processor time of one thread for each event, checked before timed.",
    );
    report.provenance("version", env!("CARGO_PKG_VERSION"));
    report.provenance("runs of each row", arguments.runs.max(RUNS_MIN).to_string());
    for (done, name) in (0..).zip(names) {
        progress.note(name);
        let flow = read_flow(name, arguments.quick)?;
        let mut bench = Bench { flow: &flow, name, runs: arguments.runs, rows: Vec::new() };
        bench.measure(arguments.margin, &mut |row| progress.set(done * rows + row))?;
        report.section(name, vec![Block::Table(bench.table())]);
    }
    progress.finish();
    output::print(&report)
}

/// A named flow or a file of one.
pub fn read_flow(name: &str, quick: bool) -> Result<Flow, Failure> {
    let flow = match Shape::named(name) {
        Ok(shape) if quick => Flow::scaled(name, QUICK_EVENTS, shape.prefill.min(QUICK_EVENTS)),
        Ok(shape) => Flow::generate(&shape),
        Err(_) => Flow::read(Path::new(name)),
    };
    flow.map_err(|error| Failure::Flow { name: name.to_owned(), error })
}

/// What a row is called and what was measured.
struct Measured {
    row: &'static str,
    timing: FlowTiming,
    latencies: Latencies,
}

struct Bench<'a> {
    flow: &'a Flow,
    name: &'a str,
    runs: usize,
    rows: Vec<Measured>,
}

impl Bench<'_> {
    /// Measures every row, `margin` as well if asked for; calls `done` after each.
    fn measure(&mut self, margin: bool, done: &mut dyn FnMut(u64)) -> Result<(), Failure> {
        let whole = |journal, margin| {
            let (mode, index_moves) = (MarginMode::Standard, false);
            let options = WholeOptions { journal, margin, mode, index_moves, block_len: BLOCK_LEN };
            Whole::scripted(self.flow, options)
        };
        self.row("plain BTreeMap book", |header| PlainBooks::new(header.symbols))?;
        done(1);
        self.row("bare book", Bare::scripted(self.flow))?;
        done(2);
        self.row("exchange, journal off", whole(false, MarginRegime::Off))?;
        done(3);
        self.row("exchange, journal on", whole(true, MarginRegime::Off))?;
        done(4);
        if margin {
            self.row("exchange, journal and margin", whole(true, MarginRegime::Enforced))?;
            done(5);
        }
        Ok(())
    }

    fn row<M: FlowMatcher>(
        &mut self,
        row: &'static str,
        fresh: impl Fn(&Header) -> M,
    ) -> Result<(), Failure> {
        let failed = |mismatch: Mismatch| Failure::Matching {
            what: format!("{row} on {}", self.name),
            mismatch,
        };
        let timing = time_flow(self.flow, self.runs, &fresh).map_err(failed)?;
        let latencies = latencies(self.flow, &fresh).map_err(failed)?;
        self.rows.push(Measured { row, timing, latencies });
        Ok(())
    }

    fn table(&self) -> Table {
        let plain = self.rows.first().map_or(0, |row| row.timing.min_ps_per_event());
        let clock = self.rows.first().map_or(0, |row| row.latencies.clock_median_ns);
        let header = self.flow.header();
        let outcome = header.expected;
        let columns = ["min ns", "median ns", "times plain", "p50 ns", "p99 ns", "p99.9 ns"];
        let rows = self.rows.iter().map(|row| {
            let min = row.timing.min_ps_per_event();
            let ratio = min * 100 / plain.max(1);
            let events = row.latencies.events;
            vec![
                row.row.to_string(),
                tenths(min),
                tenths(row.timing.median_ps_per_event()),
                format!("{}.{:02}", ratio / 100, ratio % 100),
                events.p50_ns.to_string(),
                events.p99_ns.to_string(),
                events.p99_9_ns.to_string(),
            ]
        });
        Table {
            title: "Time for each event".to_string(),
            note: format!(
                "{} timed events on {} books after {} that only build them; {} trades of {} lots, \
                 {} orders left, digest of makers {:016x}, the same in every row. Percentiles are \
                 of single events by the wall clock; they contain reading the clock ({clock} ns).",
                self.flow.timed().len(),
                header.symbols,
                header.prefill,
                outcome.totals.trades,
                outcome.totals.traded_lots,
                outcome.resting_orders,
                outcome.maker_digest,
            ),
            columns: std::iter::once(Column::words("engine"))
                .chain(columns.map(Column::numbers))
                .collect(),
            rows: rows.collect(),
        }
    }
}

/// Picoseconds as nanoseconds with one decimal.
fn tenths(ps: u64) -> String {
    let tenths = ps / 100;
    format!("{}.{}", tenths / 10, tenths % 10)
}
