//! Replays of scenarios: each story against the engine, and one table of what came of them.

use super::tally::grouped;
use super::{Context, Finished};
use crate::failure::Failure;
use crate::output;
use crate::progress::Progress;
use crate::report::{Bar, BarChart, Block, Column, Report, Table, Tone};
use crate::scenario::{self, Options, ScenarioOutcome, render};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

/// Runs every scenario that the paths mean.
pub fn run(paths: &[PathBuf], context: &mut Context) -> Result<Finished, Failure> {
    let files = scenario::files(paths).map_err(|error| Failure::Broken(error.to_string()))?;
    let started = Instant::now();
    let total = u64::try_from(files.len()).unwrap_or(u64::MAX);
    let mut progress = Progress::start("replay scenarios", total, "scenarios");
    let mut outcomes = Vec::with_capacity(files.len());
    for (done, file) in (0..).zip(&files) {
        progress.set(done);
        progress.note(&file.display().to_string());
        let options = Options { events: context.sink.writer() };
        outcomes.push(scenario::run_file(file, options));
    }
    progress.finish();
    for outcome in outcomes.iter().filter(|outcome| !outcome.passed()) {
        // What did not hold is a complaint; the table below is the result.
        let text = render::failures(outcome, output::colours());
        let _ = std::io::stderr().write_all(text.as_bytes());
    }
    let failed = outcomes.iter().filter(|outcome| !outcome.passed()).count();
    let complaint =
        (failed > 0).then(|| format!("{failed} of {} scenarios failed", outcomes.len()));
    let digests = (outcomes.iter())
        .map(|outcome| (outcome.path.display().to_string(), outcome.digest.clone()))
        .collect();
    let report = report(&outcomes, failed, started);
    Ok(Finished { report, digests, complaint })
}

fn report(outcomes: &[ScenarioOutcome], failed: usize, started: Instant) -> Report {
    let passed = outcomes.len() - failed;
    let mut report = Report::new("Scenarios", format!("{passed} of {} passed.", outcomes.len()));
    report.provenance("version", env!("CARGO_PKG_VERSION"));
    let sum = |read: fn(&ScenarioOutcome) -> u64| outcomes.iter().map(read).sum::<u64>();
    let tone = if failed == 0 { Tone::Good } else { Tone::Bad };
    report.figure("Passed", passed.to_string(), format!("of {}", outcomes.len()), tone);
    let figures: [(&str, u64); 5] = [
        ("Checks", sum(|outcome| outcome.checks)),
        ("Blocks", sum(|outcome| outcome.blocks)),
        ("Commands", sum(|outcome| outcome.commands)),
        ("Fills", sum(|outcome| outcome.fills)),
        ("Rejections", sum(|outcome| outcome.rejections.values().sum())),
    ];
    for (label, value) in figures {
        report.figure(label, grouped(value), "", Tone::Plain);
    }
    let elapsed = format!("{} ms", started.elapsed().as_millis());
    report.figure("Time", elapsed, "by the wall clock; differs between runs", Tone::Plain);
    report.section("Stories", vec![Block::Table(table(outcomes))]);
    let mut rules: BTreeMap<&str, u64> = BTreeMap::new();
    for (rule, count) in outcomes.iter().flat_map(|outcome| &outcome.rejections) {
        *rules.entry(rule).or_default() += count;
    }
    if !rules.is_empty() {
        let bar = |(rule, count): (&str, u64)| Bar {
            label: rule.to_string(),
            value: super::tally::shown(count),
            note: String::new(),
        };
        let chart = BarChart {
            title: "Rejections by rule".to_string(),
            bars: rules.into_iter().map(bar).collect(),
            ..BarChart::default()
        };
        report.section("Rejections", vec![Block::BarChart(chart)]);
    }
    report
}

fn table(outcomes: &[ScenarioOutcome]) -> Table {
    let row = |outcome: &ScenarioOutcome| {
        let file = outcome.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        vec![
            if outcome.passed() { "ok" } else { "FAILED" }.to_string(),
            file,
            outcome.rules.join(" "),
            grouped(outcome.checks),
            grouped(outcome.blocks),
            grouped(outcome.commands),
            grouped(outcome.fills),
            outcome.digest.chars().take(16).collect(),
        ]
    };
    let numbers = ["checks", "blocks", "commands", "fills"].map(Column::numbers);
    let words = ["", "scenario", "rules"].map(Column::words);
    let digest = Column::words("state digest");
    Table {
        title: "Each story".to_string(),
        columns: words.into_iter().chain(numbers).chain([digest]).collect(),
        rows: outcomes.iter().map(row).collect(),
        ..Table::default()
    }
}
