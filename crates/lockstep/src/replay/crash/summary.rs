//! The report of a crash: what happened, who paid for what, and how to repeat it.

use super::Arguments;
use super::bars::Room;
use super::ledger::{Entry, Ledger};
use super::run::Run;
use crate::failure::Failure;
use crate::population::Kind;
use crate::replay::Finished;
use crate::replay::tally::{conservation, grouped, usd};
use crate::report::{Block, Column, Report, Table, Tone};
use crate::scenario::run::hex;
use lockstep_types::TimeMs;
use std::time::Instant;

impl Run<'_> {
    /// The report of a run that has come to its end.
    pub fn finish(mut self, arguments: &Arguments, started: Instant) -> Result<Finished, Failure> {
        let books = self.audit.finish(&self.exchange)?;
        let digest = hex(&self.exchange.digest());
        let latency = self.course.latency;
        let subtitle = format!(
            "{} accounts, {} to {} UTC, a block every {} ms, reports {} ms old: {} accounts fell \
             below maintenance, {} owed more than they had.",
            grouped(self.course.accounts),
            clock(self.course.start_ms),
            clock(self.course.end_ms),
            latency.block_ms,
            latency.age_ms,
            grouped(self.ledger.liquidated()),
            grouped(self.ledger.bankrupt()),
        );
        let mut report = Report::new(self.story.title, subtitle);
        report.provenance("version", env!("CARGO_PKG_VERSION"));
        let made_of = format!("{} ms old and three blocks", latency.age_ms);
        report.provenance("latency", format!("{} ms: reports {made_of}", latency.tau_ms()));
        report.provenance("seed", arguments.seed.to_string());
        report.provenance("prices", "recorded series of data/, by provenance in data/README.md");
        report.provenance("traders", "made up from the seed");
        report.provenance("state digest", digest.clone());
        self.figures(&mut report, started);
        let domain_ms = self.chart.domain_ms();
        report.section("Sources", vec![Block::Prose(self.story.sources.to_string())]);
        report.section("Market", self.chart.market());
        let mut stress = self.solvency.charts(domain_ms);
        stress.push(self.chart.insurance());
        stress.extend(self.bars.charts(Room::Stress, domain_ms));
        stress.extend(self.delay.charts(domain_ms));
        report.section("Stress", stress);
        let paid = vec![
            Block::Prose(self.told()),
            Block::Table(results(&self.ledger, &self.ledger.funds(&self.exchange))),
            Block::Table(payments(&self.ledger)),
            Block::Table(last_steps(&self.ledger)),
        ];
        report.section("Who paid for what", paid);
        let mut activity = self.bars.charts(Room::Activity, domain_ms);
        activity.extend(self.chart.activity());
        report.section("Activity", activity);
        self.tally.sections(&mut report);
        conservation(&mut report, books);
        let time = self.stopwatch.table(self.tally.blocks, self.tally.commands);
        report.section("Speed", vec![Block::Table(time)]);
        let name = format!("crash from {}", TimeMs(self.course.start_ms));
        Ok(Finished { report, digests: vec![(name, digest)], complaint: None })
    }

    fn figures(&self, report: &mut Report, started: Instant) {
        self.tally.figures(report, started.elapsed());
        let speed = self.stopwatch.engine_commands_per_second(self.tally.commands);
        let note = "a second of the engine's own time, journal and margin on; differs";
        report.figure("Engine, commands", grouped(speed), note, Tone::Plain);
        let insured = usd(self.ledger.sum(|entry| entry.insured));
        report.figure("Insurance used", insured, "for bankrupt accounts", Tone::Plain);
        let deleveraged = usd(self.ledger.sum(|entry| entry.deleveraged));
        let note = "closed against positions on the other side";
        report.figure("Deleveraged", deleveraged, note, Tone::Plain);
        let deficit = usd(self.solvency.deficit_max());
        let note = "at the worst moment, at mark, by accounts without equity";
        report.figure("Owed beyond margin", deficit, note, Tone::Plain);
    }

    /// What happened to the money, in words.
    fn told(&self) -> String {
        let mut groups: Vec<(Kind, &Entry)> = self.ledger.entries().collect();
        groups.sort_by_key(|(kind, entry)| (entry.result(), *kind));
        let named = |groups: &[(Kind, &Entry)]| {
            let named = groups.iter();
            let named =
                named.map(|(kind, entry)| format!("{} {}", kind.name(), usd(entry.result().abs())));
            named.collect::<Vec<_>>().join(", ")
        };
        let split = groups.partition_point(|(_, entry)| entry.result() < 0);
        let (lost, won) = groups.split_at(split);
        let won: Vec<(Kind, &Entry)> = won.iter().rev().copied().collect();
        let [insurance, ..] = self.ledger.funds(&self.exchange);
        format!(
            "These lost: {}. These won: {}. The rest went to the venue: trading fees of {}, split \
             between validators, insurance and treasury, and liquidation fees of {}, all to \
             insurance. Liquidation orders closed {} of positions. {} accounts ended up owing {} \
             more than they had; insurance paid {} of that and went from {} to {}. Bidders took \
             over {} of positions, and {} were closed against whoever was on the other side.",
            named(lost),
            named(&won),
            usd(self.ledger.sum(|entry| entry.fees)),
            usd(self.ledger.sum(|entry| entry.liquidation_fees)),
            usd(self.ledger.sum(|entry| entry.liquidated_volume)),
            grouped(self.ledger.bankrupt()),
            usd(self.ledger.sum(Entry::beyond_margin)),
            usd(self.ledger.sum(|entry| entry.insured)),
            usd(insurance.before),
            usd(insurance.after),
            usd(self.ledger.sum(|entry| entry.taken_over)),
            usd(self.ledger.sum(|entry| entry.deleveraged)),
        )
    }
}

/// Who won what another lost: the column adds up to nothing.
fn results(ledger: &Ledger, funds: &[super::ledger::Fund]) -> Table {
    let row = |(kind, entry): (Kind, &Entry)| {
        vec![
            kind.name().to_string(),
            grouped(entry.accounts),
            portfolio(kind, entry),
            usd(entry.deposited),
            usd(entry.result()),
            count(entry.liquidated.len()),
            count(entry.bankrupt.len()),
        ]
    };
    let mut rows: Vec<Vec<String>> = ledger.entries().map(row).collect();
    let mut sum = ledger.sum(Entry::result);
    for fund in funds {
        sum += fund.after - fund.before;
        let cells = ["", "", "", &usd(fund.after - fund.before), "", ""].map(str::to_string);
        rows.push(std::iter::once(fund.name.to_string()).chain(cells).collect());
    }
    let cells = ["", "", "", &usd(sum), "", ""].map(str::to_string);
    rows.push(std::iter::once("sum".to_string()).chain(cells).collect());
    let numbers = ["accounts", "portfolio", "deposited", "result", "liquidated", "bankrupt"];
    Table {
        title: "Results".to_string(),
        note:
            "Result: equity at the last marks and withdrawals, less deposits. All results add up \
               to nothing, but for what the base fee, funding due and roundings have under way. \
               Portfolio: who has portfolio margin, of those who asked. Liquidated: below \
               maintenance at least once. Bankrupt: owed more than they had."
                .to_string(),
        columns: columns("group", &numbers),
        rows,
    }
}

/// Who took part in the last steps of liquidation; groups that did not are left out.
fn last_steps(ledger: &Ledger) -> Table {
    let part = |(_, entry): &(Kind, &Entry)| {
        entry.taken_over != 0 || entry.deleveraged != 0 || !entry.backstopped.is_empty()
    };
    let row = |(kind, entry): (Kind, &Entry)| {
        vec![
            kind.name().to_string(),
            count(entry.backstopped.len()),
            usd(entry.taken_over),
            usd(entry.paid_for_it),
            usd(entry.deleveraged),
        ]
    };
    let numbers = ["in auction", "took over", "paid for it", "closed against"];
    Table {
        title: "Backstop auction and deleveraging".to_string(),
        note:
            "In auction: accounts of which slices were on offer. Took over: positions of others, \
               at mark, and what was paid for them less the collateral that came along; negative: \
               received. Closed against: own positions closed at what a bankrupt account could \
               pay, because nobody took it over."
                .to_string(),
        columns: columns("group", &numbers),
        rows: ledger.entries().filter(part).map(row).collect(),
    }
}

/// What each group paid, and what was paid for it.
fn payments(ledger: &Ledger) -> Table {
    let row = |(kind, entry): (Kind, &Entry)| {
        vec![
            kind.name().to_string(),
            usd(entry.fees),
            usd(entry.funding),
            usd(entry.liquidated_volume),
            usd(entry.liquidation_fees),
            usd(entry.beyond_margin()),
            usd(entry.insured),
        ]
    };
    let numbers =
        ["fees", "funding", "liquidated", "liquidation fees", "beyond margin", "by insurance"];
    Table {
        title: "Payments".to_string(),
        note: "Fees of trades. Funding paid less received. Liquidated: volume of liquidation \
               orders. Beyond margin: what accounts lost beyond what they had, and what of it \
               insurance paid."
            .to_string(),
        columns: columns("group", &numbers),
        rows: ledger.entries().map(row).collect(),
    }
}

fn columns(first: &str, numbers: &[&str]) -> Vec<Column> {
    let numbers = numbers.iter().map(|name| Column::numbers(*name));
    std::iter::once(Column::words(first)).chain(numbers).collect()
}

fn count(len: usize) -> String {
    grouped(u64::try_from(len).unwrap_or(u64::MAX))
}

/// How many of a group have portfolio margin, of those who asked.
fn portfolio(kind: Kind, entry: &Entry) -> String {
    match kind.wants_portfolio() {
        true => format!("{} of {}", grouped(entry.portfolio), grouped(entry.accounts)),
        false => String::new(),
    }
}

/// Date and time to the minute.
pub fn clock(time_ms: i64) -> String {
    TimeMs(time_ms).to_string().replace('T', " ").chars().take(16).collect()
}
