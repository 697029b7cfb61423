//! What people and programs get to see.

use super::asked;
use super::vectors::PORTFOLIO;
use crate::margin::account::{Mode, Options};
use crate::margin::render::report::View;
use crate::margin::{EXAMPLE, json_of, report_of};
use crate::report::terminal::{Style, render};
use serde_json::Value;

fn shown(text: &str, mode: Mode, positions: bool) -> String {
    let (document, answers) = asked(text, Options { mode, reprice: false });
    render(&report_of(&document, &answers, mode, View { positions }), Style::default())
}

/// The cells of the first line that begins with a word.
fn row<'a>(text: &'a str, begin: &str) -> Vec<&'a str> {
    let line = text.lines().find(|line| line.trim_start().starts_with(begin));
    line.unwrap_or_else(|| panic!("no line {begin}:\n{text}")).split_whitespace().collect()
}

#[test]
fn the_example_shows_every_part_and_every_scenario() {
    let text = shown(EXAMPLE, Mode::Both, false);
    for part in ["SCAN", "LAT", "BASIS", "VEGA", "SHORT", "LINEAR", "CONC", "CONF", "required"] {
        assert!(row(&text, part).len() > 3, "{part}");
    }
    for scenario in 0..33 {
        let line = text.lines().rfind(|line| {
            line.split_whitespace().next() == Some(&scenario.to_string()) && line.contains('%')
        });
        assert!(line.is_some(), "scenario {scenario}:\n{text}");
    }
    assert!(text.contains("Standard margin"));
}

#[test]
fn a_mode_leaves_the_other_model_out() {
    let portfolio = shown(EXAMPLE, Mode::Portfolio, false);
    assert!(portfolio.contains("SCAN") && !portfolio.contains("Standard"), "{portfolio}");
    let standard = shown(EXAMPLE, Mode::Standard, false);
    assert!(!standard.contains("SCAN") && standard.contains("Standard margin"), "{standard}");
    let (document, answers) = asked(EXAMPLE, Options { mode: Mode::Standard, reprice: false });
    let told = json_of(&document, &answers).to_string();
    assert!(!told.contains("\"MM\"") && !told.contains("risk_array"), "{told}");
}

#[test]
fn positions_have_columns_whose_rows_add_up_to_p() {
    let text = shown(EXAMPLE, Mode::Portfolio, true);
    assert!(text.contains("By position and order"), "{text}");
    let (document, answers) = asked(EXAMPLE, Options::default());
    let told: Value = serde_json::from_str(&json_of(&document, &answers).to_string()).unwrap();
    for scenario in 0..33 {
        let positions = told["positions"].as_array().unwrap();
        let sum: i64 = positions.iter().map(|one| one["P"][scenario].as_i64().unwrap()).sum();
        assert_eq!(told["u"]["BTC"]["P"][scenario], sum);
    }
    assert_eq!(told["scenarios"][27], serde_json::json!([-660, "U", 210]));
    assert_eq!(told["params"]["mm_f"], 800);
}

#[test]
fn a_file_of_cases_has_a_row_for_each_and_the_differences_in_full() {
    let text = shown(PORTFOLIO, Mode::Both, false);
    let cells = row(&text, "perp_long_1btc");
    assert_eq!(cells[1..], ["21,020.000000", "13,802.560000", "17,503.200000"]);
    assert!(text.contains("0 of 2848 numbers differ"), "{text}");
    let mut vectors: Value = serde_json::from_str(PORTFOLIO).unwrap();
    vectors["cases"][1]["expect"]["u"]["BTC"]["vega"] = 7.into();
    let text = shown(&vectors.to_string(), Mode::Both, false);
    assert!(text.contains("1 of 2848 numbers differ"), "{text}");
    assert!(text.contains("Differences of perp_long_1btc"), "{text}");
    assert_eq!(row(&text, "u.BTC.vega"), ["u.BTC.vega", "7", "0", "-7"]);
}
