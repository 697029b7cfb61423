//! The option-chain flow through the whole exchange, with and without portfolio margin.
//!
//! The same contestant as in [`crate::bench::matching`]. With portfolio margin each of its 20,000
//! accounts is margined over all that it has, on every order and every fill of a resting order; its
//! index is reported, and in the last row another one comes with each block, so that all marks and
//! risk arrays are made anew. What is run is the beginning of the flow, and each run starts from a
//! copy of the books that were built once: with all of it a row would take minutes.

use super::{Effort, Measured, tabulate};
use crate::bench::BLOCK_LEN;
use crate::bench::matching::{Whole, WholeOptions};
use crate::failure::Failure;
use crate::report::Table;
use lockstep_sim::flow::{Flow, Shape};
use lockstep_sim::measure::time_flow_copies;
use lockstep_types::command::MarginMode;
use lockstep_types::params::MarginRegime;

const NAME: &str = "chain_1m";
/// Timed events.
const EVENTS: u64 = 50_000;
/// Timed events, and at most as many before them, when it should be quick.
const QUICK_EVENTS: u64 = 2_000;

/// The rows.
pub fn table(effort: Effort) -> Result<Table, Failure> {
    let failed = |error| Failure::Flow { name: NAME.to_owned(), error };
    let prefill = Shape::named(NAME).map_err(failed)?.prefill;
    let (events, prefill) =
        if effort.quick { (QUICK_EVENTS, QUICK_EVENTS) } else { (EVENTS, prefill) };
    let flow = Flow::scaled(NAME, events, prefill).map_err(failed)?;
    let options = |margin, mode, index_moves| WholeOptions {
        journal: true,
        margin,
        mode,
        index_moves,
        block_len: BLOCK_LEN,
    };
    let (off, enforced) = (MarginRegime::Off, MarginRegime::Enforced);
    let (standard, portfolio) = (MarginMode::Standard, MarginMode::Portfolio);
    let mut rows = Vec::new();
    for (row, goal, options) in [
        ("exchange, no margin", "250", options(off, standard, false)),
        ("standard margin", "", options(enforced, standard, false)),
        ("portfolio margin", "600", options(enforced, portfolio, false)),
        ("portfolio margin, the index moves", "", options(enforced, portfolio, true)),
    ] {
        let what = format!("{row} on {NAME}");
        let timing = time_flow_copies(&flow, effort.runs, Whole::scripted(&flow, options))
            .map_err(|mismatch| Failure::Matching { what, mismatch })?;
        rows.push(Measured::of(row, timing.timing, timing.events, goal));
    }
    let header = flow.header();
    let note = format!(
        "The first {events} timed events of {NAME} on {} option books, after {prefill} that only \
         build them; journal on, blocks of {BLOCK_LEN}. Every row ends with {} trades and the \
         digest of makers {:016x}.",
        header.symbols, header.expected.totals.trades, header.expected.maker_digest,
    );
    Ok(tabulate("Time for each event", note, &rows))
}
