//! The runner against a toy venue: what holds, what does not, and how it is shown.

mod docs;
mod fake;
mod stories;

use super::outcome::ScenarioOutcome;
use super::{Options, render, run_text_on};
use fake::Fake;

const HEADER: &str = r#"{"scenario": "test", "instrument": "BTC_USDC-PERPETUAL"}"#;

fn run(lines: &str) -> ScenarioOutcome {
    run_text_on(&format!("{HEADER}\n{lines}"), Options::default(), |_| Box::new(Fake::default()))
}

/// Asserts that it passes.
fn passes(lines: &str) -> ScenarioOutcome {
    let outcome = run(lines);
    assert!(outcome.passed(), "{}", render::failures(&outcome, false));
    outcome
}

/// What a failing scenario prints.
fn fails(lines: &str) -> String {
    let outcome = run(lines);
    assert!(!outcome.passed(), "it should have failed");
    render::failures(&outcome, false)
}

#[test]
fn a_story_is_counted_and_its_expectations_hold() {
    let outcome = passes(include_str!("stories/counted.jsonl"));
    assert_eq!((outcome.commands, outcome.fills), (4, 2));
    // Three for the genesis, one for each of the five command lines.
    assert_eq!(outcome.blocks, 8);
    assert_eq!(outcome.digest, "0200");
    assert!(outcome.rejections.is_empty());
}

#[test]
fn two_runs_make_the_same_blocks() {
    let lines = r#"{"deposit": {"a": 1}}
{"buy": 1, "account": "a", "price": 5}"#;
    assert_eq!(passes(lines).digest, passes(lines).digest);
}

#[test]
fn an_unexpected_rejection_stops_the_story() {
    let text = fails(
        r#"{"deposit": {"alice": 1000}}
{"buy": {"account": "alice", "amount": 1, "price": 100.5}}
{"expect": {"balance": {"alice": 5}}}"#,
    );
    assert!(text.contains(":3: the command was refused and no `expect_error` said so"), "{text}");
    assert!(
        text.contains("OffTick (I3 price: the price is not on the instrument's tick"),
        "{text}"
    );
    assert!(!text.contains("balance"), "{text}");
}

#[test]
fn an_expected_rejection_may_be_named_in_every_place() {
    let outcome = passes(include_str!("stories/refused.jsonl"));
    assert_eq!(outcome.rejections.get("I3"), Some(&4));
    assert_eq!(outcome.rejections.get("L5"), Some(&1));
}

#[test]
fn a_rejection_that_does_not_come_or_is_another_fails() {
    let text = fails(include_str!("stories/not_refused.jsonl"));
    assert!(text.contains(":3: the command was not refused"), "{text}");
    assert!(text.contains(":4: the command was refused otherwise"), "{text}");
    assert!(text.contains(":5: an expectation does not hold"), "{text}");
}

#[test]
fn rejections_in_a_block_find_their_commands() {
    passes(include_str!("stories/block.jsonl"));
}

#[test]
fn failures_show_both_sides_and_what_happened_before() {
    let text = fails(include_str!("stories/failing.jsonl"));
    let wanted = [
        ":5: 4 expectations do not hold",
        "  book.BTC_USDC-PERPETUAL.asks\n      expected  found\n      100 x 1   100 x 1 (1 order)\n\
         \x20   ! 101 x 5   -\n    ! -         102 x 2 (1 order)",
        "  balance.alice\n    expected  999\n    found     1000",
        "found     there is no account zoe",
        "  order.a1.state\n    expected  filled\n    found     open",
        ":6: 3 expectations do not hold",
        "    ! trade     booked order=a2 amount=2 visible=2",
        "    ! BTC_USDC-PERPETUAL 1  -",
        "    ! at 103    a2: sell 2 at 102",
        "  last events",
        "12:00:00.001Z  deposited account=alice amount=1000",
    ];
    for wanted in wanted {
        assert!(text.contains(wanted), "wanted:\n{wanted}\nfound:\n{text}");
    }
}

#[test]
fn colour_is_only_written_when_it_is_wanted() {
    let outcome = run(r#"{"expect": {"index": {"BTC": 5}}}"#);
    assert!(render::failures(&outcome, true).contains("\u{1b}[31m"));
    assert!(!render::failures(&outcome, false).contains('\u{1b}'));
}

#[test]
fn waiting_runs_blocks_and_an_outage_does_not() {
    let outcome = passes(
        r#"{"wait": "10s"}
{"expect": {"time": "2026-03-02T12:00:10Z"}}
{"at": "12:01", "every": "10s"}
{"at": "2026-03-02T12:01:30Z", "deposit": {"alice": 5}}
{"expect": {"time": "2026-03-02T12:01:30Z", "balance": {"alice": 5}}}
{"outage": "1h"}
{"expect": {"time": "2026-03-02T13:01:30Z"}}
{"blocks": {"count": 5, "every": "2s"}}
{"blocks": 5}
{"expect": {"time": "2026-03-02T13:01:40.005Z"}}"#,
    );
    assert_eq!(outcome.blocks, 3 + 10 + 5 + 30 + 1 + 5 + 5);
    let text = fails(r#"{"at": "2026-03-02T11:00:00Z"}"#);
    assert!(text.contains("is not later than the last block, 2026-03-02T12:00:00Z"), "{text}");
    let text = fails(r#"{"wait": "3000d", "every": "1ms"}"#);
    assert!(text.contains("say a longer `every`"), "{text}");
}

#[test]
fn books_that_do_not_balance_stop_the_story() {
    let text = format!(
        "{HEADER}\n{}",
        r#"{"deposit": {"alice": 1000}}
{"buy": {"account": "alice", "amount": 1, "price": 1}}
{"buy": {"account": "alice", "amount": 1, "price": 1}}
{"buy": {"account": "alice", "amount": 1, "price": 1}}"#
    );
    let outcome = run_text_on(&text, Options::default(), |_| {
        let mut fake = Fake::default();
        fake.broken = true;
        Box::new(fake)
    });
    assert_eq!(outcome.failures.len(), 1);
    assert_eq!(outcome.failures[0].line, 5);
    assert!(outcome.failures[0].title.contains("the books do not balance: C1"));
}

#[test]
fn events_are_written_as_json_lines_with_names() {
    let mut out = Vec::new();
    let text = format!(
        "{HEADER}\n{}",
        r#"{"deposit": {"alice": 1000}}
{"buy": {"account": "alice", "amount": 0.25, "price": 90, "as": "a1"}}"#
    );
    let options = Options { events: Some(&mut out) };
    let outcome = run_text_on(&text, options, |_| Box::new(Fake::default()));
    assert!(outcome.passed());
    let text = String::from_utf8(out).unwrap();
    let last: Vec<&str> = text.lines().rev().take(2).collect();
    let block = r#"{"height":5,"time":"2026-03-02T12:00:00.002Z","event":"#;
    let accepted = concat!(
        r#""accepted","order":"a1","account":"alice","instrument":"BTC_USDC-PERPETUAL","#,
        r#""side":"buy","price":90,"amount":0.25}"#
    );
    assert_eq!(last[1], format!("{block}{accepted}"));
    let booked = r#""booked","order":"a1","amount":0.25,"visible":0.25}"#;
    assert_eq!(last[0], format!("{block}{booked}"));
}

#[test]
fn faults_of_a_file_are_failures_with_their_line() {
    let text = fails("{\"buy\": 1}\n{\"x\": 1}");
    assert!(text.contains(":2: buy: field `account` is missing"), "{text}");
    assert!(text.contains(":3: unknown action `x`"), "{text}");
    let missing = std::path::Path::new("no-such-file.jsonl");
    let outcome = super::run_file_on(missing, Options::default(), |_| Box::new(Fake::default()));
    assert!(render::failures(&outcome, false).starts_with("no-such-file.jsonl: cannot be read"));
}
