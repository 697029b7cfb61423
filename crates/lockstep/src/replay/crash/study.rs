//! What latency costs: the worst of a story, several times, with the same seed and the same world,
//! on a chain that is fast, middling and slow, and with and without a charge for it.
//!
//! Only the age of reports, the block time and the charge differ, and that a slow chain is not kept
//! from trading. What agents do follows from what they see, so the runs part ways from the first
//! block on. A measure of the comparison is a row of
//! [`measures`]; one that is nothing in all runs is left out.

use super::chart::time_chart;
use super::latency::Latency;
use super::ledger::Entry;
use super::run::{self, Run};
use super::{Arguments, Course};
use crate::failure::Failure;
use crate::population::Kind;
use crate::replay::tally::{grouped, usd};
use crate::replay::{Context, Finished};
use crate::report::{Block, Column, Conservation, Line, Report, Table, Unit};
use crate::scenario::run::hex;

/// What is compared: latencies in milliseconds, and whether margin charges for them. Below the
/// second that margin assumes anyway there is nothing to charge.
const COMPARED: [(i64, bool); 5] =
    [(300, true), (5_000, true), (5_000, false), (60_000, true), (60_000, false)];

/// What came of a run.
struct Outcome {
    course: Course,
    digest: String,
    books: Option<Conservation>,
    /// By measure, in the order of the table: what it reads as, and whether it is nothing.
    measures: Vec<(&'static str, String, bool)>,
    /// Result of each group, micro-USD.
    results: Vec<(Kind, i128)>,
    lines: [Line; 4],
    domain_ms: (i64, i64),
}

/// Runs the study.
///
/// # Errors
/// As a run.
pub fn run(
    arguments: &Arguments,
    course: Course,
    context: &mut Context,
) -> Result<Finished, Failure> {
    let mut outcomes = Vec::new();
    for (latency_ms, charged) in COMPARED {
        let story = arguments.story.story()?;
        let course = Course { latency: Latency::of_ms(latency_ms), charged, ..course };
        let run = run::play(arguments, story, course, context)?;
        outcomes.push(outcome(run)?);
    }
    Ok(finish(arguments, course, outcomes))
}

/// "0.3 s", or "5 s, free" if margin does not charge for it.
fn name(course: &Course) -> String {
    let free = if course.charged { "" } else { ", free" };
    format!("{} s{free}", course.latency.tau_ms() as f64 / 1e3)
}

fn outcome(mut run: Run<'_>) -> Result<Outcome, Failure> {
    let books = run.audit.finish(&run.exchange)?;
    let results = run.ledger.entries().map(|(kind, entry)| (kind, entry.result())).collect();
    let course = run.course;
    let label = name(&course);
    Ok(Outcome {
        course,
        digest: hex(&run.exchange.digest()),
        books,
        measures: measures(&run),
        results,
        lines: [
            run.chart.discount().named(&label),
            run.solvency.waiting().named(&label),
            run.solvency.deficit().named(&label),
            run.delay.line().named(&label),
        ],
        domain_ms: run.chart.domain_ms(),
    })
}

/// What is compared.
fn measures(run: &Run<'_>) -> Vec<(&'static str, String, bool)> {
    let (ledger, tally) = (&run.ledger, &run.tally);
    let count = |label, value: u64| (label, grouped(value), value == 0);
    let money = |label, micro: i128| (label, usd(micro), micro == 0);
    let seconds = |label, ms: i64| (label, format!("{:.2} s", ms as f64 / 1e3), ms == 0);
    let percent = |label, ppm: i64| (label, format!("{:.2} %", ppm as f64 / 1e4), ppm == 0);
    let restricted_s = u64::try_from(run.delay.restricted_s()).unwrap_or(0);
    let [insurance, ..] = ledger.funds(&run.exchange);
    let [initial, maintenance] = run.solvency.asked();
    vec![
        count("blocks", tally.blocks),
        count("commands", tally.commands),
        count("fills", tally.fills),
        count("accounts liquidated", ledger.liquidated()),
        count("times an account fell below maintenance", tally.liquidations),
        money("volume of liquidation orders", ledger.sum(|entry| entry.liquidated_volume)),
        money("liquidation fees", ledger.sum(|entry| entry.liquidation_fees)),
        money("owed beyond margin at the worst moment", run.solvency.deficit_max()),
        count("accounts that ended up owing", ledger.bankrupt()),
        money("what they owed", ledger.sum(Entry::beyond_margin)),
        money("insurance used", ledger.sum(|entry| entry.insured)),
        money("insurance fund at the end", insurance.after),
        money("taken over by backstop bidders", ledger.sum(|entry| entry.taken_over)),
        money("deleveraged", ledger.sum(|entry| entry.deleveraged)),
        seconds("greatest latency that the venue measured", run.delay.now_ms_max()),
        count("seconds in which it was too slow for all orders", restricted_s),
        percent("greatest move charged for, of spot", run.delay.initial_ppm_max()),
        money("initial margin asked, mean", initial),
        money("maintenance margin asked, mean", maintenance),
    ]
}

fn finish(arguments: &Arguments, course: Course, outcomes: Vec<Outcome>) -> Finished {
    let subtitle = format!(
        "{} accounts, {} to {} UTC, one seed, one world; only the age of reports, the block time \
         and the charge for latency differ.",
        grouped(course.accounts),
        super::summary::clock(course.start_ms),
        super::summary::clock(course.end_ms),
    );
    let mut report = Report::new("What latency costs", subtitle);
    report.provenance("version", env!("CARGO_PKG_VERSION"));
    report.provenance("seed", arguments.seed.to_string());
    for outcome in &outcomes {
        report.provenance(format!("digest, {}", name(&outcome.course)), outcome.digest.clone());
    }
    let prose = Block::Prose(MEANING.to_string());
    report.section("Compared", vec![prose, Block::Table(compared(&outcomes))]);
    report.section("Results by group", vec![Block::Table(by_group(&outcomes))]);
    report.section("Side by side", charts(&outcomes));
    let mut digests = Vec::new();
    let mut books = Vec::new();
    for outcome in outcomes {
        let label = name(&outcome.course);
        books.extend(outcome.books.map(|table| {
            let title = format!("{}, latency {label}", table.title);
            Block::Conservation(Conservation { title, ..table })
        }));
        digests.push((format!("latency {label}"), outcome.digest));
    }
    report.section("Books", books);
    Finished { report, digests, complaint: None }
}

fn columns(first: &str, outcomes: &[Outcome]) -> Vec<Column> {
    let named = outcomes.iter().map(|outcome| Column::numbers(name(&outcome.course)));
    std::iter::once(Column::words(first)).chain(named).collect()
}

fn compared(outcomes: &[Outcome]) -> Table {
    let mut rows = Vec::new();
    let blocks = outcomes.iter().map(|outcome| format!("{} ms", outcome.course.latency.block_ms));
    rows.push(std::iter::once("block time".to_string()).chain(blocks).collect());
    let ages = outcomes.iter().map(|outcome| format!("{} ms", outcome.course.latency.age_ms));
    rows.push(std::iter::once("age of reports".to_string()).chain(ages).collect());
    let count = outcomes.first().map_or(0, |outcome| outcome.measures.len());
    for at in 0..count {
        let of_measure: Vec<_> = outcomes.iter().map(|outcome| &outcome.measures[at]).collect();
        if of_measure.iter().all(|(_, _, is_nothing)| *is_nothing) {
            continue;
        }
        let mut row = vec![of_measure[0].0.to_string()];
        row.extend(of_measure.iter().map(|(_, text, _)| text.clone()));
        rows.push(row);
    }
    Table {
        title: "By latency".to_string(),
        note: "Margin asked: of everybody but makers.".to_string(),
        columns: columns("", outcomes),
        rows,
    }
}

fn by_group(outcomes: &[Outcome]) -> Table {
    let groups = outcomes.first().map_or(&[][..], |outcome| &outcome.results);
    let row = |(at, (kind, _)): (usize, &(Kind, i128))| {
        let mut row = vec![kind.name().to_string()];
        row.extend(outcomes.iter().map(|outcome| usd(outcome.results[at].1)));
        row
    };
    Table {
        title: "Gain or loss".to_string(),
        note: "Equity at the last marks and withdrawals, less deposits.".to_string(),
        columns: columns("group", outcomes),
        rows: groups.iter().enumerate().map(row).collect(),
    }
}

fn charts(outcomes: &[Outcome]) -> Vec<Block> {
    let domain_ms = outcomes
        .iter()
        .map(|outcome| outcome.domain_ms)
        .reduce(|left, right| (left.0.min(right.0), left.1.max(right.1)));
    let chart = |at: usize, title: &str, unit: Unit| {
        let lines = outcomes.iter().map(|outcome| outcome.lines[at].clone());
        let domain_ms = domain_ms.unwrap_or_default();
        Block::TimeChart(time_chart(title, "", unit, domain_ms, lines.collect()))
    };
    vec![
        chart(0, "BTC perpetual: mark over the index", Unit::Percent),
        chart(1, "Accounts in liquidation", Unit::Count),
        chart(2, "Owed beyond margin, by accounts without equity", Unit::Usd),
        chart(3, "Latency that the venue measures", Unit::Other("s".to_string())),
    ]
}

/// How to read the comparison.
const MEANING: &str = "Latency is the age of reports and three blocks, in equal parts. A slow \
    chain hears of a fall late, acts late, and trades at prices that are no more; so more is lost \
    before a position is closed, and whoever quotes is met by those who know better. The venue \
    measures its latency itself, and portfolio margin asks for more the greater it is. The runs \
    called free charge nothing: what the charge costs and what it saves is the difference. (The \
    venue would also take only orders that reduce, and in the end stop trading; in the runs of \
    five seconds and more that is off, or there would be nothing to see.)";
