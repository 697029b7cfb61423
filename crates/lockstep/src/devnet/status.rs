//! How a test network fares, every two seconds and at the end.
//!
//! Deliberately absent: judgement, but for one thing: validators whose roots differ are a failure.

use super::Failure;
use super::follower::Follower;
use super::traders::Traders;
use crate::output;
use crate::report::{Block, Column, Report, Table};
use lockstep_node::host::Node;
use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

/// What the status remembers between two looks.
pub struct Status {
    began: Instant,
    looked: Instant,
    /// Blocks, commands and work of the first validator when it was looked at last.
    counted: [u64; 3],
    live: bool,
    drawn: usize,
}

/// The value below which so many percent of the samples lie, in tenths of a millisecond.
pub fn percentile_tenths(samples: &[Duration], percent: usize) -> u128 {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    let place = sorted.len().saturating_sub(1) * percent / 100;
    sorted.get(place).map_or(0, |sample| sample.as_micros() / 100)
}

/// Milliseconds with one decimal.
pub fn shown_ms(tenths: u128) -> String {
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// Heights that all validators know, and those at which their roots differ.
pub fn compare_roots(all: &[BTreeMap<u64, [u8; 32]>]) -> (u64, Vec<u64>) {
    let Some((first, others)) = all.split_first() else { return (0, Vec::new()) };
    let (mut common, mut differing) = (0, Vec::new());
    for (height, root) in first {
        let roots: Vec<_> = others.iter().filter_map(|roots| roots.get(height)).collect();
        if roots.len() == others.len() {
            common += 1;
        }
        if roots.iter().any(|other| *other != root) {
            differing.push(*height);
        }
    }
    (common, differing)
}

fn roots(nodes: &[Node]) -> (u64, Vec<u64>) {
    let all: Vec<_> = nodes.iter().map(|node| node.notes().roots()).collect();
    compare_roots(&all)
}

fn per_second(count: u64, time: Duration) -> u128 {
    u128::from(count) * 1_000 / time.as_millis().max(1)
}

impl Status {
    /// A status that begins now.
    pub fn new() -> Self {
        let now = Instant::now();
        let live = std::io::stdout().is_terminal();
        Self { began: now, looked: now, counted: [0; 3], live, drawn: 0 }
    }

    /// Shows how things are: a table in place on a terminal, otherwise a line.
    pub fn show(&mut self, nodes: &[Node], traders: &Traders) -> Result<(), Failure> {
        let Some(first) = nodes.first() else { return Ok(()) };
        let counters = first.notes().counters();
        let counted = [counters.blocks, counters.commands, counters.work];
        let passed = self.looked.elapsed();
        let [blocks, commands, work] =
            [0, 1, 2].map(|place| per_second(counted[place] - self.counted[place], passed));
        (self.counted, self.looked) = (counted, Instant::now());
        let (common, differing) = roots(nodes);
        let latencies: Vec<_> = nodes.iter().flat_map(|node| node.notes().latencies()).collect();
        let [p50, p99] = [50, 99].map(|percent| shown_ms(percentile_tenths(&latencies, percent)));
        let equal = if differing.is_empty() { "equal" } else { "DIFFERENT" };
        let (taken, refused) = traders.sent();
        let mut lines = vec![format!(
            "height {} | {blocks} blocks/s, {commands} commands/s, {work} orders and quotes/s | \
             final after {p50} ms (p50), {p99} ms (p99) | roots {equal} at {common} heights | \
             sent {taken}, refused {refused}",
            counters.height,
        )];
        if self.live {
            for (index, node) in nodes.iter().enumerate() {
                let counters = node.notes().counters();
                lines.push(format!(
                    "  validator {index}: height {}, epoch {}{}, {} waiting, {} views skipped, \
                     {} offences seen",
                    counters.height,
                    counters.epoch,
                    if counters.votes { "" } else { " (does not vote)" },
                    node.waiting(),
                    counters.skipped_views,
                    counters.offences,
                ));
            }
        }
        self.draw(&lines)
    }

    /// Shows a line that stays.
    pub fn tell(&mut self, line: &str) -> Result<(), Failure> {
        self.draw(&[line.to_string()])?;
        // The next table is drawn below it.
        self.drawn = 0;
        Ok(())
    }

    fn draw(&mut self, lines: &[String]) -> Result<(), Failure> {
        let mut text = String::new();
        if self.live && self.drawn > 0 {
            // Up to where the last table began, and away with it.
            text.push_str(&format!("\x1b[{}A\x1b[J", self.drawn));
        }
        for line in lines {
            text.push_str(line);
            text.push('\n');
        }
        self.drawn = lines.len();
        output::text(&text)
    }

    /// The last word: a report, and whether all held.
    pub fn finish(
        &self,
        nodes: &[Node],
        traders: &Traders,
        follower: &Follower,
    ) -> Result<(), Failure> {
        let (common, differing) = roots(nodes);
        let passed = self.began.elapsed();
        let (executed, refused) = follower.replica().executed();
        let mut report = Report::new("Test network", "What its validators agreed on.");
        report.provenance("version", env!("CARGO_PKG_VERSION"));
        report.provenance("validators", nodes.len().to_string());
        let columns = [
            "height",
            "blocks",
            "p50 ms",
            "p99 ms",
            "interval p50 ms",
            "skipped views",
            "peers cut off",
        ];
        let rows = nodes.iter().enumerate().map(|(index, node)| {
            let (notes, counters) = (node.notes(), node.notes().counters());
            let latencies = notes.latencies();
            vec![
                index.to_string(),
                counters.height.to_string(),
                counters.blocks.to_string(),
                shown_ms(percentile_tenths(&latencies, 50)),
                shown_ms(percentile_tenths(&latencies, 99)),
                shown_ms(percentile_tenths(&notes.intervals(), 50)),
                counters.skipped_views.to_string(),
                counters.cut_off.to_string(),
            ]
        });
        let table = Table {
            title: "Validators".to_string(),
            note: format!(
                "{executed} commands in final blocks, {} per second; {refused} things in them \
                 refused by the venue; {} commands refused at the door. A follower executed every \
                 block again to the same events; roots are compared at {common} heights.",
                per_second(executed, passed),
                traders.sent().1,
            ),
            columns: std::iter::once(Column::words("validator"))
                .chain(columns.map(Column::numbers))
                .collect(),
            rows: rows.collect(),
        };
        report.section("Network", vec![Block::Table(table)]);
        output::print(&report)?;
        if differing.is_empty() {
            return Ok(());
        }
        Err(Failure::Broken(format!("validators have different roots at heights {differing:?}")))
    }
}
