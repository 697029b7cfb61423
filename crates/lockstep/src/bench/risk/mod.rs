//! `lockstep bench risk`: what margin costs, from a scenario sum to an order flow.
//!
//! Each table has rows that do the same work in different ways, and is checked before it is timed:
//! [`formulas`] compares results of all rows, [`chain`] ends with the flow's stated outcome, and
//! [`series`] compares the events of every block. The first row is what the others are compared
//! with; the goals are those of the project's plan, for a machine that nobody shares.

mod chain;
mod formulas;
mod series;

use super::{runs_in_range, tenths};
use crate::failure::Failure;
use crate::output;
use crate::progress::Progress;
use crate::report::{Block, Column, Report, Table};
use clap::{Args, ValueEnum};
use lockstep_sim::measure::{RUNS_MIN, Timing};

/// Arguments of `lockstep bench risk`.
#[derive(Args, Clone, Debug)]
#[group(skip)]
pub struct RiskArguments {
    /// Which tables; all by default.
    #[arg(long, value_name = "TABLE", num_args = 1.., value_enum)]
    rows: Vec<Rows>,
    /// Timed runs of each row; at least seven are made.
    #[arg(long, value_name = "N", default_value_t = RUNS_MIN, value_parser = runs_in_range)]
    runs: usize,
    /// Small versions: shows that everything runs, not what it costs.
    #[arg(long)]
    quick: bool,
}

/// A table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Rows {
    /// 100 positions by 33 scenarios.
    Sums,
    /// The risk arrays of a strike.
    Arrays,
    /// All accounts margined anew.
    Accounts,
    /// The option-chain flow with portfolio margin on every order and fill.
    Flow,
    /// The same blocks with few and with many series.
    Series,
}

/// How much is measured.
#[derive(Clone, Copy, Debug)]
struct Effort {
    runs: usize,
    quick: bool,
}

/// Runs `lockstep bench risk`.
pub fn run(arguments: &RiskArguments) -> Result<(), Failure> {
    let chosen = match arguments.rows.is_empty() {
        true => Rows::value_variants(),
        false => &arguments.rows,
    };
    let effort = Effort { runs: arguments.runs.max(RUNS_MIN), quick: arguments.quick };
    let total = u64::try_from(chosen.len()).unwrap_or(1);
    let mut progress = Progress::start("bench risk", total, "tables");
    let mut report =
        Report::new("Risk", "Processor time of one thread, checked before timed; see each table.");
    report.provenance("version", env!("CARGO_PKG_VERSION"));
    report.provenance("runs of each row", effort.runs.to_string());
    report.provenance("wide vectors", if lockstep_kernel::is_wide() { "yes" } else { "no" });
    for (done, rows) in (0..).zip(chosen) {
        progress.set(done);
        let (name, table) = match rows {
            Rows::Sums => ("Scenario sums", formulas::sums(effort)?),
            Rows::Arrays => ("Risk arrays", formulas::arrays(effort)?),
            Rows::Accounts => ("Accounts", formulas::accounts(effort)?),
            Rows::Flow => ("Order flow", chain::table(effort)?),
            Rows::Series => ("Live series", series::table(effort)?),
        };
        report.section(name, vec![Block::Table(table)]);
    }
    progress.finish();
    output::print(&report)
}

/// What a row is called, and its times.
struct Measured {
    row: String,
    min_ps: u64,
    median_ps: u64,
    /// What we set ourselves, as it is shown.
    goal: &'static str,
}

impl Measured {
    /// A row whose every run did a thing `count` times.
    fn of(row: impl Into<String>, timing: Timing, count: u64, goal: &'static str) -> Self {
        let each_ps = |run_ns: u64| run_ns.saturating_mul(1_000) / count.max(1);
        let (min_ps, median_ps) = (each_ps(timing.min_ns), each_ps(timing.median_ns));
        Self { row: row.into(), min_ps, median_ps, goal }
    }
}

/// Rows as a table; ratios are to the first.
fn tabulate(title: &str, note: String, measured: &[Measured]) -> Table {
    let first_ps = measured.first().map_or(1, |first| first.min_ps).max(1);
    let rows = measured.iter().map(|row| {
        let thousandths = u128::from(row.min_ps) * 1_000 / u128::from(first_ps);
        vec![
            row.row.clone(),
            tenths(row.min_ps),
            tenths(row.median_ps),
            format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000),
            row.goal.to_owned(),
        ]
    });
    let columns = ["min ns", "median ns", "times first", "goal"];
    Table {
        title: title.to_owned(),
        note,
        columns: std::iter::once(Column::words("what"))
            .chain(columns.map(Column::numbers))
            .collect(),
        rows: rows.collect(),
    }
}

/// `Ok` if two ways to do the same thing did the same.
fn same<T: PartialEq>(what: &str, one: &T, other: &T) -> Result<(), Failure> {
    match one == other {
        true => Ok(()),
        false => Err(Failure::Broken(format!("{what}: two rows of a table disagree"))),
    }
}
