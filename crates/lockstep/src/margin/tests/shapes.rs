//! Both shapes of file say the same, whatever they say; and what an answer's parts add up to.

use super::asked;
use super::worlds::{any_world, as_decimals, as_integers, document};
use crate::json::Json;
use crate::margin::account::{Mode, Options};
use crate::margin::model::{Case, World};
use crate::margin::render::report::View;
use crate::margin::{answers, json_of, read, report_of};
use crate::report::terminal::{Style, render};
use proptest::prelude::*;

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 128,
        failure_persistence: None,
        max_global_rejects: 16,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_is_written_in_either_shape_is_read_back(world in any_world()) {
        let wanted = document(&world);
        let integers = read::read(&as_integers(&world).to_string(), None);
        prop_assert_eq!(integers.as_ref(), Ok(&wanted));
        let decimals = read::read(&as_decimals(&world).to_string(), None);
        prop_assert_eq!(decimals.as_ref(), Ok(&wanted));
    }

    #[test]
    fn parts_add_up_and_everything_can_be_shown(world in any_world(), reprice: bool) {
        let document = document(&world);
        let options = Options { mode: Mode::Both, reprice };
        let answers = answers(&document, options);
        // A volatility that is moved beyond its limit has no answer; most worlds have one.
        let answers = answers.map_err(|problem| TestCaseError::reject(problem.to_string()))?;
        let answer = &answers[0][0];
        if let Some(Ok(found)) = &answer.portfolio {
            for one in &found.underlyings {
                let of = |at: usize| world.instruments[at].underlying == one.name;
                for scenario in 0..33 {
                    let held = answer.account.holdings.iter().filter(|part| of(part.instrument));
                    let held: i64 = held.map(|part| part.profit[scenario]).sum();
                    prop_assert_eq!(one.parts.profit[scenario], held);
                    let offered = answer.account.offers.iter().filter(|part| of(part.instrument));
                    let offered: i64 = offered.map(|part| part.losses[scenario]).sum();
                    prop_assert_eq!(one.parts.profit_open[scenario], held + offered);
                }
                let vega: i128 = one.exposures.iter().map(|part| part.vega).sum();
                let profit = |scenario: usize| i128::from(one.parts.profit[scenario]);
                prop_assert_eq!(vega, profit(12) - profit(13));
            }
            let sum: i64 = found.underlyings.iter().map(|one| one.parts.requirement.initial).sum();
            prop_assert_eq!(found.requirement.initial, sum);
        }
        if let Some(Ok(found)) = &answer.standard {
            prop_assert!(found.requirement.initial >= 0 && found.requirement.maintenance >= 0);
            if world.cases[0].orders.is_empty() {
                prop_assert_eq!(found.needed, found.requirement.initial);
            }
        }
        let told = json_of(&document, &answers).to_string();
        prop_assert!(are_integers(&Json::parse(&told).unwrap()), "{}", told);
        let view = View { positions: true };
        let text = render(&report_of(&document, &answers, Mode::Both, view), Style::default());
        prop_assert!(text.contains("some account"));
    }

    #[test]
    fn a_text_with_a_fault_somewhere_is_answered_or_refused(
        world in any_world(),
        integers: bool,
        at in any::<prop::sample::Index>(),
        with in "[-0-9eE.,:{}\\[\\]\"a-z_]{0,3}",
        cut in 0..12_usize,
    ) {
        let value = if integers { as_integers(&world) } else { as_decimals(&world) };
        let mut text = value.to_string();
        let start = at.index(text.len());
        text.replace_range(start..(start + cut).min(text.len()), &with);
        let read = read::read(&text, None);
        if let Err(problem) = read.and_then(|found| answers(&found, Options::default())) {
            prop_assert!(!problem.message.is_empty());
        }
    }
}

/// Whether every number of a value is an integer.
fn are_integers(value: &Json) -> bool {
    match value {
        Json::Number(digits) => digits.parse::<i128>().is_ok(),
        Json::List(parts) => parts.iter().all(are_integers),
        Json::Object(fields) => fields.iter().all(|(_, part)| are_integers(part)),
        Json::Null | Json::Bool(_) | Json::Text(_) => true,
    }
}

/// A world's fields one by one: a required one that is missing is named.
#[test]
fn a_field_that_is_missing_is_named_by_its_path() {
    let text = r#"{"spots": {"BTC": 100}, "cash": 1,
        "instruments": [{"name": "o", "kind": "option", "underlying": "BTC", "type": "call",
            "strike": 100, "seconds": "1d", "forward": 100, "vol": "50%"}],
        "positions": [{"instrument": "o", "amount": 1}],
        "orders": [{"instrument": "o", "side": "buy", "amount": 1, "price": 2}]}"#;
    assert!(read::read(text, None).is_ok());
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    for (place, field) in [
        ("", "spots"),
        ("", "cash"),
        ("/instruments/0", "name"),
        ("/instruments/0", "kind"),
        ("/instruments/0", "underlying"),
        ("/instruments/0", "type"),
        ("/instruments/0", "strike"),
        ("/instruments/0", "seconds"),
        ("/instruments/0", "forward"),
        ("/instruments/0", "vol"),
        ("/positions/0", "instrument"),
        ("/positions/0", "amount"),
        ("/orders/0", "instrument"),
        ("/orders/0", "side"),
        ("/orders/0", "amount"),
        ("/orders/0", "price"),
    ] {
        let mut value = value.clone();
        let fields = value.pointer_mut(place).unwrap().as_object_mut().unwrap();
        assert!(fields.remove(field).is_some(), "{place} {field}");
        let problem = read::read(&value.to_string(), None).unwrap_err();
        let path = place.trim_start_matches('/').replace("/0", "[0]");
        assert_eq!(problem.field, path, "{problem}");
        let named = problem.message.contains(&format!("field `{field}`"))
            && problem.message.contains("missing");
        assert!(named, "{field}: {problem}");
    }
}

fn account(text: &str) -> (World, Case) {
    let (document, _) = asked(text, Options::default());
    let world = document.worlds[0].clone();
    let case = world.cases[0].clone();
    (world, case)
}

#[test]
fn a_name_of_the_exchange_says_what_the_instrument_is() {
    let long = r#"{"spots": {"BTC": 100000}, "cash": 0, "instruments": [
        {"name": "BTC_USDC-27MAR26-110000-C", "kind": "option", "underlying": "BTC",
         "type": "call", "strike": 110000, "seconds": 2592000, "forward": 100400, "vol": 0.5},
        {"name": "BTC_USDC-27MAR26", "kind": "future", "underlying": "BTC", "seconds": 2592000,
         "mark": 100400},
        {"name": "BTC_USDC-PERPETUAL", "kind": "perpetual", "underlying": "BTC",
         "mark": 100020}]}"#;
    let short = r#"{"spot": {"BTC": "100_000"}, "cash": 0, "at": "2026-02-25T08:00:00Z",
        "instruments": {
        "BTC_USDC-27MAR26-110000-C": {"forward": 100400, "volatility": "50%"},
        "BTC_USDC-27MAR26": 100400, "BTC_USDC-PERPETUAL": {"price": "100020.0"}}}"#;
    assert_eq!(account(long), account(short));
    let (world, _) = account(short);
    assert_eq!(world.instruments[0].seconds, 30 * 86_400);
}

#[test]
fn amounts_and_times_can_be_said_in_more_than_one_way() {
    let base = |positions: &str, latency: &str, expiry: &str| {
        format!(
            r#"{{"spots": {{"X": 5}}, "cash": 0, "at": "2026-03-26T08:00:00Z", "instruments":
            [{{"name": "f", "kind": "fut", "underlying": "X", {expiry}, "mark": 5}}],
            "positions": {positions}, "latency": {latency}}}"#
        )
    };
    let wanted = account(&base(
        r#"[{"instrument": "f", "lots": -1500, "entry": 4}]"#,
        r#"{"tau_struct_us": 1500, "tau_now_us": 2000000}"#,
        r#""seconds": 86400"#,
    ));
    for (positions, latency, expiry) in [
        (
            r#"{"f": {"amount": "-1.5", "entry_price": "4.0"}}"#,
            r#"{"tau_struct": "1.5ms", "tau_now": "2s"}"#,
            r#""expiry": "27MAR26""#,
        ),
        (
            r#"[{"instrument_name": "f", "amount": -1.5, "entry": 4}]"#,
            r#"{"tau_struct": "1500us", "tau_now": "0m2s"}"#,
            r#""expiry": "2026-03-27T08:00:00Z""#,
        ),
        (
            r#"[{"instrument": "f", "amount": -1.500, "entry": 4, "note": "short"}]"#,
            r#"{"tau_struct": "0.0015s", "tau_now": "2000 ms"}"#,
            r#""seconds": "1d""#,
        ),
    ] {
        assert_eq!(account(&base(positions, latency, expiry)), wanted);
    }
}
