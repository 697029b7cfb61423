//! The report of the crash: who was there, what became of them, and how to repeat it.

use super::Arguments;
use super::run::Run;
use crate::failure::Failure;
use crate::population::Kind;
use crate::replay::tally::{conservation, grouped, usd};
use crate::replay::{Check, Finished};
use crate::report::{Block, Column, Report, Table, Tone};
use crate::scenario::run::hex;
use lockstep_types::{AccountId, TimeMs};
use std::collections::BTreeMap;
use std::time::Instant;

/// What became of the agents of a kind.
#[derive(Clone, Copy, Debug, Default)]
struct Fate {
    accounts: u64,
    deposited: i128,
    equity: i128,
    broke: u64,
    liquidated: u64,
    portfolio: u64,
}

impl Run<'_> {
    /// Ends the run.
    pub fn finish(mut self, arguments: &Arguments, started: Instant) -> Result<Finished, Failure> {
        self.chart.close_minute(0);
        let books = self.audit.finish(&self.exchange)?;
        let digest = hex(&self.exchange.digest());
        let mut report = Report::new(
            self.story.title,
            format!(
                "{} accounts, {} to {} UTC, a block every {} ms, reports {} ms old: {} accounts \
                 fell below maintenance.",
                grouped(arguments.accounts),
                clock(self.course.start_ms),
                clock(self.course.end_ms),
                self.course.latency.block_ms,
                self.course.latency.age_ms,
                grouped(u64::try_from(self.liquidated.len()).unwrap_or(0))
            ),
        );
        report.provenance("version", env!("CARGO_PKG_VERSION"));
        let latency = self.course.latency;
        report.provenance(
            "latency",
            format!("{} ms: reports {} ms old and three blocks", latency.tau_ms(), latency.age_ms),
        );
        report.provenance("seed", arguments.seed.to_string());
        report.provenance("prices", "recorded series of data/, by provenance in data/README.md");
        report.provenance("traders", "made up from the seed");
        report.provenance("state digest", digest.clone());
        self.tally.figures(&mut report, started.elapsed());
        let per_second =
            self.tally.commands.saturating_mul(1_000_000) / (self.engine_ns / 1_000).max(1);
        let note = "of one thread's time inside the engine, journal and margin on; differs";
        report.figure("Engine, commands a second", grouped(per_second), note, Tone::Plain);
        if self.context.check != Check::Off {
            let count = format!("{} us", grouped(self.audit.count_us()));
            let note = format!(
                "of it a block; a check of everything {} us",
                grouped(self.audit.full_us())
            );
            report.figure("Counting the money", count, note, Tone::Plain);
        }
        let woke = grouped(self.tally.triggered);
        report.figure("Stops and takes", woke, "sleeping orders that woke", Tone::Plain);
        let tripped = grouped(self.tally.protections);
        report.figure("Protection", tripped, "times a maker's group tripped", Tone::Plain);
        report.section("Sources", vec![Block::Prose(self.story.sources.to_string())]);
        report.section("Market", self.chart.market());
        report.section("Stress", self.chart.stress());
        report.section("Activity", self.chart.activity());
        report.section("Population", vec![Block::Table(self.population_table())]);
        self.tally.sections(&mut report);
        conservation(&mut report, books);
        let name = format!("crash from {}", TimeMs(self.market.now_ms));
        Ok(Finished { report, digests: vec![(name, digest)], complaint: None })
    }

    fn population_table(&self) -> Table {
        let mut fates: BTreeMap<Kind, Fate> = BTreeMap::new();
        for (account, deposit) in self.population.accounts() {
            let Some(kind) = self.population.kind(account) else { continue };
            let fate = fates.entry(kind).or_default();
            fate.accounts += 1;
            fate.deposited += i128::from(deposit);
            fate.portfolio += u64::from(self.population.is_portfolio(account));
            fate.liquidated += u64::from(self.liquidated.contains(&account));
            let Some(view) = self.exchange.account_view(AccountId(account)) else { continue };
            let equity = view.margin.map_or(view.cash.0, |margin| margin.total.equity);
            fate.equity += i128::from(equity);
            fate.broke += u64::from(equity <= 0);
        }
        let row = |(kind, fate): (&Kind, &Fate)| {
            vec![
                kind.name().to_string(),
                grouped(fate.accounts),
                portfolio(*kind, fate),
                usd(fate.deposited),
                usd(fate.equity - fate.deposited),
                grouped(fate.liquidated),
                grouped(fate.broke),
            ]
        };
        let numbers =
            ["accounts", "portfolio", "deposited", "result", "liquidated", "without equity"];
        Table {
            title: "What became of whom".to_string(),
            note: "Result: equity at the last marks less deposits; withdrawals count as losses. \
                   Portfolio: who \
                   was granted portfolio margin, of those who asked for it. Liquidated: below \
                   maintenance at least once."
                .to_string(),
            columns: std::iter::once(Column::words("kind"))
                .chain(numbers.map(Column::numbers))
                .collect(),
            rows: fates.iter().map(row).collect(),
        }
    }
}

/// How many of a kind have portfolio margin, of those who asked.
fn portfolio(kind: Kind, fate: &Fate) -> String {
    match kind.wants_portfolio() {
        true => format!("{} of {}", grouped(fate.portfolio), grouped(fate.accounts)),
        false => String::new(),
    }
}

/// Date and time to the minute.
fn clock(time_ms: i64) -> String {
    TimeMs(time_ms).to_string().replace('T', " ").chars().take(16).collect()
}
