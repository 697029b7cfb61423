//! `lockstep replay`.

use super::{fails, file, lockstep, scratch, stderr, stdout, succeeds};
use lockstep_sim::flow::Flow;
use std::fs;
use std::path::Path;

#[test]
fn the_shipped_tape_is_reproduced_execution_by_execution() {
    let text = succeeds(&["replay", &file("data/l3-excerpt.csv")]);
    assert!(text.contains("163 of 163 executions reproduced order for order."), "{text}");
    // The opening auction: price, contracts, and whom it filled.
    for row in [["price", "19201 ticks"], ["contracts", "44"], ["orders filled", "35"]] {
        let found = text.lines().find(|line| line.trim_start().starts_with(row[0])).unwrap();
        assert_eq!(found.matches(row[1]).count(), 2, "tape and engine agree: {found}");
    }
    assert!(text.contains("The books balance to the micro-dollar."), "{text}");
    // The excerpt that the binary carries is that file.
    let digest = succeeds(&["replay", "--digest-only", &file("data/l3-excerpt.csv")]);
    assert_eq!(succeeds(&["replay", "--digest-only", "l3-excerpt"]), digest);
    assert_eq!(digest.trim().len(), 64);
}

#[test]
fn a_small_crash_repeats_by_its_seed() {
    let window =
        ["replay", "--digest-only", "--accounts", "60", "--from", "21:15", "--to", "21:18"];
    let digest = |more: &[&str]| succeeds(&[&window[..], more].concat());
    let first = digest(&["--check", "every"]);
    assert_eq!(first.trim().len(), 64, "{first}");
    assert_eq!(digest(&["--check", "off"]), first, "checking changes nothing");
    assert_ne!(digest(&["--seed", "1"]), first);
    let quarters = digest(&["--block-ms", "250"]);
    assert_eq!(digest(&["--block-ms", "250"]), quarters);
    assert_ne!(quarters, first, "four times as many blocks");
}

#[test]
fn latencies_are_compared_side_by_side() {
    let study = |more: &[&str]| {
        let base = ["replay", "--latency-study", "--accounts", "40", "--from", "21:18"];
        succeeds(&[&base[..], &["--to", "21:19"], more].concat())
    };
    let text = study(&[]);
    let row = |name: &str| {
        let line = text.lines().find(|line| line.trim_start().starts_with(name));
        line.unwrap_or_else(|| panic!("{name}: {text}")).to_string()
    };
    let numbers = |name: &str| -> Vec<String> {
        let cells = row(name)[name.len() + 2..].replace(" ms", "");
        cells.split_whitespace().map(str::to_string).collect()
    };
    // With and without a charge for latency, but for the fast chain, which is charged nothing.
    assert_eq!(numbers("block time"), ["75", "1250", "1250", "15000", "15000"]);
    assert_eq!(numbers("blocks"), ["800", "48", "48", "4", "4"]);
    let charged = row("greatest move charged for, of spot").replace(" %", "");
    let charged: Vec<f64> =
        charged.split_whitespace().filter_map(|cell| cell.parse().ok()).collect();
    assert!(charged[0] == 0.0 && charged[2] == 0.0 && charged[4] == 0.0, "{charged:?}");
    assert!(0.0 < charged[1] && charged[1] < charged[3], "the later, the more: {charged:?}");
    assert_eq!(text.matches("The books balance to the micro-dollar.").count(), 5);
    let digests = study(&["--digest-only"]);
    assert_eq!(digests.lines().count(), 5);
    assert_eq!(study(&["--digest-only"]), digests, "they repeat");
}

#[test]
fn the_crash_writes_its_page_and_its_events() {
    let (page, events) = (scratch("crash.html"), scratch("crash.jsonl"));
    let text = succeeds(&[
        "replay",
        "--accounts",
        "40",
        "--from",
        "20:00",
        "--to",
        "20:01",
        "--report",
        &page,
        "--events",
        &events,
    ]);
    assert!(text.contains("The crash of 10 October 2025"), "{text}");
    assert!(text.contains("Rejections by rule"), "{text}");
    assert!(text.contains("The books balance to the micro-dollar."), "{text}");
    let html = fs::read_to_string(&page).unwrap();
    assert!(html.contains("<svg") && html.contains("index, mark and middle"), "a page with charts");
    let lines = fs::read_to_string(&events).unwrap();
    let kinds = ["\"event\":\"listed\"", "\"event\":\"trade\"", "\"event\":\"index\""];
    for kind in kinds {
        assert!(lines.contains(kind), "{kind} among the events");
    }
    for line in lines.lines() {
        assert!(line.starts_with('{') && line.ends_with('}'), "{line}");
    }
    fs::remove_file(page).unwrap();
    fs::remove_file(events).unwrap();
}

#[test]
fn a_flow_ends_as_its_header_says() {
    let path = scratch("small.oflow");
    let flow = Flow::scaled("chain_1m", 5_000, 1_000).unwrap();
    flow.write(Path::new(&path)).unwrap();
    let text = succeeds(&["replay", &path]);
    assert!(text.contains("The outcome is as the flow expects."), "{text}");
    let trades = flow.header().expected.totals.trades.to_string();
    let row = text.lines().find(|line| line.trim_start().starts_with("trades")).unwrap();
    assert_eq!(row.matches(&trades).count(), 2, "{row}");
    // A header that promises something else is not kept.
    let mut bytes = fs::read(&path).unwrap();
    bytes[64] ^= 1;
    fs::write(&path, bytes).unwrap();
    let (code, complaint) = fails(&["replay", &path]);
    assert_eq!(code, 1);
    assert!(complaint.contains("the outcome is not the flow's"), "{complaint}");
    fs::remove_file(path).unwrap();
}

#[test]
fn a_scenario_that_fails_fails_the_process() {
    let path = scratch("wrong.jsonl");
    fs::write(&path, "{\"scenario\": 7}\n").unwrap();
    let output = lockstep(&["replay", &path]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("FAILED"), "{}", stdout(&output));
    assert!(stderr(&output).contains("1 of 1 scenarios failed"), "{}", stderr(&output));
    fs::remove_file(path).unwrap();
}

#[test]
fn paths_that_are_nothing_are_named() {
    let (code, complaint) = fails(&["replay", "what.txt"]);
    assert_eq!(code, 2);
    assert!(complaint.contains("what.txt: neither a folder nor .jsonl"), "{complaint}");
    let (code, complaint) = fails(&["replay", "missing.csv"]);
    assert_eq!(code, 1);
    assert!(complaint.contains("missing.csv"), "{complaint}");
    let (code, complaint) = fails(&["replay", "tight_1m", "l3-excerpt"]);
    assert_eq!(code, 2);
    assert!(complaint.contains("paths of one kind"), "{complaint}");
    let (code, complaint) = fails(&["replay", "--from", "19:00"]);
    assert_eq!(code, 2);
    assert!(complaint.contains("--from: `19:00`: outside 2025-10-10T20:00"), "{complaint}");
    let (code, complaint) = fails(&["replay", "--latency", "0.1"]);
    assert_eq!(code, 2);
    assert!(complaint.contains("outside 0.2 to 120 seconds"), "{complaint}");
    let (code, complaint) = fails(&["replay", "--story", "feb-2026", "--latency-study"]);
    assert_eq!(code, 2);
    assert!(complaint.contains("known by the second: oct-2025"), "{complaint}");
}
