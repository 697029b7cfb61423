//! Replays of an order flow through the whole exchange: accounts, nonces, limits, fees, journal.
//!
//! The flow's header says what a correct price-time engine ends with, so the replay is also a test.

use super::tally::{Tally, conservation};
use super::{Check, Context, Finished};
use crate::bench::matching::{Whole, WholeOptions};
use crate::bench::read_flow;
use crate::books;
use crate::events_json;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::report::{Block, Column, Report, Table, Tone};
use crate::scenario::names::Names;
use crate::scenario::run::hex;
use lockstep_sim::flow::Outcome;
use lockstep_sim::measure::FlowMatcher;
use lockstep_types::command::MarginMode;
use lockstep_types::params::MarginRegime;
use std::path::Path;
use std::time::Instant;

/// Commands in a block.
const BLOCK_LEN: u32 = 1_000;
/// Commands between two messages of progress.
const PROGRESS_EVENTS: u64 = 10_000;

/// Replays a flow.
pub fn run(path: &Path, context: &mut Context) -> Result<Finished, Failure> {
    let name = path.display().to_string();
    let mut progress = Progress::start("read flow", 1, "flow");
    progress.note(&name);
    let flow = read_flow(&name, false)?;
    progress.finish();
    let options = WholeOptions {
        journal: true,
        margin: MarginRegime::Off,
        mode: MarginMode::Standard,
        index_moves: false,
        block_len: BLOCK_LEN,
    };
    let mut whole = Whole::fresh(flow.header(), options);
    let mut progress = Progress::start("replay flow", flow.header().events, "commands");
    let started = Instant::now();
    let (mut tally, mut found, names) = (Tally::default(), Outcome::default(), Names::default());
    for event in flow.events() {
        whole.apply(event, &mut found);
        tally.commands += 1;
        for happened in whole.events() {
            tally.event(happened);
            if let Some(to) = context.sink.writer() {
                let (height, time) = whole.clock();
                let line = events_json::to_json_in_block(happened, height, time, &names);
                writeln!(to, "{line}").map_err(|error| context.sink.failure(error))?;
            }
        }
        if whole.is_at_block_start() {
            tally.blocks += 1;
            if context.check == Check::Every {
                books::audit(whole.exchange()).map_err(Failure::Broken)?;
            }
        }
        if tally.commands.is_multiple_of(PROGRESS_EVENTS) {
            progress.set(tally.commands);
        }
    }
    (found.resting_orders, found.resting_lots) = whole.resting();
    progress.finish();
    let elapsed = started.elapsed();
    let books = match context.check {
        Check::Off => None,
        _ => Some(books::audit(whole.exchange()).map_err(Failure::Broken)?),
    };
    let digest = hex(&whole.exchange().digest());
    let expected = flow.header().expected;
    let is_same = found == expected;
    let verdict = if is_same { "as the flow expects" } else { "NOT what the flow expects" };
    let mut report = Report::new(format!("Flow {name}"), format!("The outcome is {verdict}."));
    report.provenance("version", env!("CARGO_PKG_VERSION"));
    report.provenance("seed of the flow", flow.header().seed.to_string());
    report.provenance("state digest", digest.clone());
    let tone = if is_same { Tone::Good } else { Tone::Bad };
    report.figure("Outcome", verdict, "trades, lots, notional, rest, digest of makers", tone);
    tally.figures(&mut report, elapsed);
    report.section("Outcome", vec![Block::Table(outcome_table(&expected, &found))]);
    tally.sections(&mut report);
    conservation(&mut report, books);
    let complaint = (!is_same).then(|| format!("{name}: the outcome is not the flow's"));
    Ok(Finished { report, digests: vec![(name, digest)], complaint })
}

fn outcome_table(expected: &Outcome, found: &Outcome) -> Table {
    let row = |what: &str, read: &dyn Fn(&Outcome) -> String| {
        vec![what.to_string(), read(expected), read(found)]
    };
    Table {
        title: "Against the flow's header".to_string(),
        columns: vec![Column::words(""), Column::numbers("expected"), Column::numbers("found")],
        rows: vec![
            row("trades", &|outcome| outcome.totals.trades.to_string()),
            row("lots", &|outcome| outcome.totals.traded_lots.to_string()),
            row("notional", &|outcome| outcome.totals.notional.to_string()),
            row("orders left", &|outcome| outcome.resting_orders.to_string()),
            row("lots left", &|outcome| outcome.resting_lots.to_string()),
            row("digest of makers", &|outcome| format!("{:016x}", outcome.maker_digest)),
        ],
        ..Table::default()
    }
}
