//! `lockstep simulate`: whole validators in simulated time, seed by seed, with faults.
//!
//! Every seed is a run of its own that repeats itself to the bit. What was found is printed with
//! its seed; the exit code is 1 if anything was. Deliberately absent: threads; a seed's run is one.

use crate::failure::Failure;
use crate::output;
use crate::progress::Progress;
use crate::report::{Block, Column, Report, Table};
use clap::{Args, ValueEnum};
use lockstep_cluster::faults::Fault;
use lockstep_cluster::simulation::{Outcome, Plan, percentile, run as simulate};
use lockstep_cluster::wire::Preset;
use std::collections::BTreeMap;

/// Validators of a run at most.
const VALIDATORS_MAX: u16 = 64;

/// Where validators are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Places {
    /// In one city.
    Near,
    /// On five continents.
    Wan,
}

/// Arguments of `lockstep simulate`.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    /// The first seed.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How many seeds.
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    seeds: u64,
    /// Validators.
    #[arg(long, value_name = "N", default_value_t = 4,
          value_parser = clap::value_parser!(u16).range(4..=i64::from(VALIDATORS_MAX)))]
    validators: u16,
    /// Of them so many never start, less than a third.
    #[arg(long, value_name = "N", default_value_t = 0)]
    absent: u16,
    /// Blocks before everything is healed.
    #[arg(long, value_name = "N", default_value_t = 80)]
    blocks: u64,
    /// What goes wrong, or `all`, or `none`: loss, delay, partition, crash, malice, wipe, lies,
    /// silence, clock, roots, lengths.
    #[arg(long, value_name = "LIST", default_value = "all")]
    faults: String,
    /// Where validators are.
    #[arg(long, value_enum, default_value_t = Places::Near)]
    preset: Places,
}

impl Arguments {
    fn faults(&self) -> Result<Vec<Fault>, Failure> {
        match self.faults.as_str() {
            "all" => Ok(Fault::ALL.to_vec()),
            "none" => Ok(Vec::new()),
            names => names.split(',').map(named).collect(),
        }
    }

    fn plan(&self) -> Result<Plan, Failure> {
        if self.absent * 3 >= self.validators {
            let (absent, all) = (self.absent, self.validators);
            let what = format!("--absent: {absent} is not less than a third of {all}");
            return Err(Failure::Usage(what));
        }
        Ok(Plan {
            seed: self.seed,
            validators: usize::from(self.validators),
            blocks: self.blocks,
            faults: self.faults()?,
            preset: match self.preset {
                Places::Near => Preset::Near,
                Places::Wan => Preset::Wan,
            },
            absent: usize::from(self.absent),
        })
    }
}

fn named(name: &str) -> Result<Fault, Failure> {
    Fault::named(name.trim()).ok_or_else(|| {
        let known: Vec<&str> = Fault::ALL.into_iter().map(Fault::name).collect();
        Failure::Usage(format!("--faults: {name} is none of {}", known.join(", ")))
    })
}

/// What all seeds came to.
#[derive(Default)]
struct Sum {
    runs: u64,
    simulated_ms: u64,
    counts: [u64; 8],
    faults: BTreeMap<Fault, u64>,
    malicious: u64,
    wrong_roots: u64,
    too_long: u64,
    latencies_ms: Vec<u64>,
    intervals_ms: Vec<u64>,
    bytes: u64,
    found: u64,
    auditor: String,
}

impl Sum {
    fn add(&mut self, outcome: Outcome) {
        self.runs += 1;
        self.simulated_ms += outcome.simulated_ms;
        let counts = outcome.counts;
        let numbers = [
            counts.blocks,
            counts.commands,
            counts.repeats,
            counts.refused,
            counts.trades,
            counts.liquidations,
            counts.stale_blocks,
            counts.slashed,
        ];
        for (sum, number) in self.counts.iter_mut().zip(numbers) {
            *sum += number;
        }
        for (fault, times) in outcome.faults {
            *self.faults.entry(fault).or_default() += times;
        }
        self.malicious += u64::try_from(outcome.malicious.len()).unwrap_or(0);
        self.wrong_roots += outcome.wrong_roots;
        self.too_long += outcome.too_long;
        self.latencies_ms.extend(outcome.latencies_ms);
        self.intervals_ms.extend(outcome.intervals_ms);
        self.bytes += outcome.bytes.iter().sum::<u64>();
        self.found += u64::from(!outcome.findings.is_empty());
        self.auditor = outcome.auditor;
    }
}

/// Runs `lockstep simulate`.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let plan = arguments.plan()?;
    let mut progress = Progress::start("simulate", arguments.seeds, "seeds");
    let mut sum = Sum::default();
    for (done, seed) in (1..).zip(arguments.seed..arguments.seed.saturating_add(arguments.seeds)) {
        // A validator that stops takes the process along: the seed must be known by then.
        progress.note(&format!("seed {seed}, {} with findings", sum.found));
        let outcome = simulate(&Plan { seed, ..plan.clone() });
        for finding in &outcome.findings {
            output::line(&format!("seed {seed}: {finding}"))?;
        }
        sum.add(outcome);
        progress.set(done);
    }
    progress.finish();
    sum.latencies_ms.sort_unstable();
    sum.intervals_ms.sort_unstable();
    output::print(&report(&sum, arguments))?;
    if sum.found > 0 {
        return Err(Failure::Broken(format!("{} of {} seeds have findings", sum.found, sum.runs)));
    }
    Ok(())
}

fn report(sum: &Sum, arguments: &Arguments) -> Report {
    let mut report = Report::new("Simulation", "Whole validators in simulated time.");
    report.provenance("version", env!("CARGO_PKG_VERSION"));
    report.provenance("commit", env!("LOCKSTEP_COMMIT"));
    let last = arguments.seed.saturating_add(sum.runs.saturating_sub(1));
    report.provenance("seeds", format!("{} to {last}", arguments.seed));
    report.provenance("auditor of the last", sum.auditor.clone());
    let seats = u64::from(arguments.validators).max(1);
    let running = u64::from(arguments.validators - arguments.absent).max(1);
    let seconds = (sum.simulated_ms / 1_000).max(1);
    let [blocks, commands, repeats, refused, trades, liquidations, stale, slashed] = sum.counts;
    let ms = |sorted: &[u64]| format!("{}, {}", percentile(sorted, 50), percentile(sorted, 99));
    let wrong = format!("{}, {}", sum.wrong_roots, sum.too_long);
    let rows = [
        ("runs", sum.runs.to_string()),
        ("with findings", sum.found.to_string()),
        ("validators", format!("{seats}, {} of them absent", arguments.absent)),
        ("simulated seconds", seconds.to_string()),
        ("blocks", blocks.to_string()),
        ("commands, repeated, refused", format!("{commands}, {repeats}, {refused}")),
        ("trades, accounts liquidated", format!("{trades}, {liquidations}")),
        ("blocks on stale prices", stale.to_string()),
        ("malicious validators, slashed", format!("{}, {slashed}", sum.malicious)),
        ("wrong roots proposed, messages too long", wrong),
        ("block to final, p50 and p99 ms", ms(&sum.latencies_ms)),
        ("between blocks, p50 and p99 ms", ms(&sum.intervals_ms)),
        ("bytes sent per validator and second", (sum.bytes / running / seconds).to_string()),
        ("bytes sent per validator and block", (sum.bytes / running / blocks.max(1)).to_string()),
    ];
    let rows = rows.map(|(what, value)| vec![what.to_string(), value]).into_iter();
    let drawn = |(fault, times): (&Fault, &u64)| vec![format!("drawn: {fault}"), times.to_string()];
    let table = Table {
        title: "Runs".to_string(),
        note: "To final: from a block's time to a validator's knowing, over all validators and \
               blocks, faults included."
            .to_string(),
        columns: vec![Column::words("what"), Column::words("all seeds")],
        rows: rows.chain(sum.faults.iter().map(drawn)).collect(),
    };
    report.section("All seeds", vec![Block::Table(table)]);
    report
}
