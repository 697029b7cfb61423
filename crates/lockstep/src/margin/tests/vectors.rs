//! Every published vector of both models, compared here with what the command writes as JSON, and
//! with what its own comparison says.

use super::asked;
use crate::margin::account::{Mode, Options};
use crate::margin::{answers, json_of, read};
use serde_json::Value;

pub const PORTFOLIO: &str =
    include_str!("../../../../exchange/tests/vectors/portfolio_margin.json");
pub const RANDOM: &str =
    include_str!("../../../../exchange/tests/vectors/portfolio_margin_random.json");
pub const STANDARD: &str = include_str!("../../../../exchange/tests/vectors/standard_margin.json");

/// The command's JSON for a file.
fn told(text: &str, options: Options) -> Value {
    let (document, answers) = asked(text, options);
    serde_json::from_str(&json_of(&document, &answers).to_string()).unwrap()
}

/// Whether everything in `expected` is in `found`, where lists must be equal in length.
fn holds(expected: &Value, found: &Value, path: &str) {
    match (expected, found) {
        (Value::Object(expected), Value::Object(_)) => {
            for (name, value) in expected {
                holds(value, &found[name], &format!("{path}.{name}"));
            }
        }
        (Value::Array(expected), Value::Array(others)) => {
            assert_eq!(expected.len(), others.len(), "{path}");
            for (index, (expected, found)) in expected.iter().zip(others).enumerate() {
                holds(expected, found, &format!("{path}[{index}]"));
            }
        }
        _ => assert_eq!(expected, found, "{path}"),
    }
}

/// The cases of a file of vectors, world by world.
fn cases_of(text: &str) -> Vec<Value> {
    let vectors: Value = serde_json::from_str(text).unwrap();
    let worlds =
        if vectors.is_array() { vectors.as_array().unwrap().clone() } else { vec![vectors] };
    worlds.iter().flat_map(|world| world["cases"].as_array().unwrap().clone()).collect()
}

fn check_portfolio(text: &str, options: Options, count: usize) {
    let (told, cases) = (told(text, options), cases_of(text));
    let answers = told["cases"].as_array().unwrap();
    assert_eq!((cases.len(), answers.len()), (count, count));
    for (case, answer) in cases.iter().zip(answers) {
        let name = case["name"].as_str().unwrap();
        assert_eq!(answer["name"], case["name"]);
        holds(&case["expect"], answer, name);
        let names = |of: &Value| of["u"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&case["expect"]), names(answer), "{name}");
        assert_eq!(answer["compared"]["differing"], 0, "{name}");
    }
}

#[test]
fn all_32_portfolio_vectors_from_the_given_arrays() {
    check_portfolio(PORTFOLIO, Options::default(), 32);
}

#[test]
fn all_32_portfolio_vectors_end_to_end() {
    let reprice = Options { reprice: true, ..Options::default() };
    check_portfolio(PORTFOLIO, reprice, 32);
    // The same without any given mark or array in the file.
    let mut vectors: Value = serde_json::from_str(PORTFOLIO).unwrap();
    for instrument in vectors["instruments"].as_array_mut().unwrap() {
        let instrument = instrument.as_object_mut().unwrap();
        assert!(instrument.remove("mark").is_some() && instrument.remove("risk_array").is_some());
    }
    check_portfolio(&vectors.to_string(), Options::default(), 32);
}

#[test]
fn all_48_random_accounts_both_ways() {
    for reprice in [false, true] {
        check_portfolio(RANDOM, Options { mode: Mode::Portfolio, reprice }, 48);
    }
}

#[test]
fn all_23_standard_vectors_with_the_instruments_of_the_portfolio_vectors() {
    let document = read::read(STANDARD, Some(PORTFOLIO)).unwrap();
    let cases = cases_of(STANDARD);
    for mode in [Mode::Standard, Mode::Both] {
        for reprice in [false, true] {
            let answers = answers(&document, Options { mode, reprice }).unwrap();
            let told = json_of(&document, &answers).to_string();
            let told: Value = serde_json::from_str(&told).unwrap();
            let answers = told["cases"].as_array().unwrap();
            assert_eq!((cases.len(), answers.len()), (23, 23));
            for (case, answer) in cases.iter().zip(answers) {
                let name = case["name"].as_str().unwrap();
                holds(&case["expect"], &answer["standard"], name);
                assert_eq!(answer["compared"]["differing"], 0, "{name}");
            }
        }
    }
}

#[test]
fn each_case_alone_is_answered_as_in_its_file() {
    let vectors: Value = serde_json::from_str(PORTFOLIO).unwrap();
    let together = told(&vectors.to_string(), Options::default());
    for (at, case) in vectors["cases"].as_array().unwrap().iter().enumerate() {
        let mut alone = vectors.clone();
        alone.as_object_mut().unwrap().remove("cases");
        // In `case`, beside the market, or with the account's fields beside it as well.
        let mut beside = alone.clone();
        alone["case"] = case.clone();
        for (name, value) in case.as_object().unwrap() {
            beside[name] = value.clone();
        }
        let mut flat = beside.clone();
        let account = flat.as_object_mut().unwrap().remove("account").unwrap();
        for (name, value) in account.as_object().unwrap() {
            flat[name] = value.clone();
        }
        for single in [alone, beside, flat] {
            let mut found = told(&single.to_string(), Options::default());
            found.as_object_mut().unwrap().remove("scenarios");
            assert_eq!(found, together["cases"][at], "{}", case["name"]);
        }
    }
}

/// Every leaf of a value, by pointer.
fn leaves(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, part)| leaves(part, &format!("{path}/{name}"), found));
        }
        Value::Array(parts) => {
            parts.iter().enumerate().for_each(|(at, part)| {
                leaves(part, &format!("{path}/{at}"), found);
            });
        }
        _ => found.push(path.to_owned()),
    }
}

#[test]
fn a_number_that_is_off_by_one_is_found_wherever_it_is() {
    let vectors: Value = serde_json::from_str(PORTFOLIO).unwrap();
    let mut case = vectors["cases"][23].clone();
    assert_eq!(case["name"], "open_orders_mm_quotes_options");
    let mut paths = Vec::new();
    leaves(&case["expect"], "", &mut paths);
    assert_eq!(paths.len(), 89);
    let clean = case["expect"].clone();
    for path in paths {
        case["expect"] = clean.clone();
        let leaf = case["expect"].pointer_mut(&path).unwrap();
        *leaf = Value::from(leaf.as_i64().unwrap() + 1);
        let mut file = vectors.clone();
        file["cases"] = Value::from(vec![case.clone()]);
        let (_, answers) = asked(&file.to_string(), Options::default());
        let comparison = answers[0][0].comparison.as_ref().unwrap();
        assert_eq!((comparison.numbers, comparison.differing), (89, 1), "{path}");
        let wanted = path.replace('/', ".").replace(".P.", ".P[").replace(".Pim.", ".Pim[");
        let difference = &comparison.differences[0];
        assert!(format!(".{}", difference.path).starts_with(&wanted), "{path}: {difference:?}");
    }
}

#[test]
fn an_underlying_that_is_not_expected_and_a_component_that_is_none_are_differences() {
    let vectors: Value = serde_json::from_str(PORTFOLIO).unwrap();
    let differing = |expect: Value, mode: Mode| {
        let mut file = vectors.clone();
        file["cases"] = Value::from(vec![vectors["cases"][1].clone()]);
        file["cases"][0]["expect"] = expect;
        let (_, answers) = asked(&file.to_string(), Options { mode, reprice: false });
        answers[0][0].comparison.clone().unwrap()
    };
    let none = differing(serde_json::json!({"u": {}}), Mode::Both);
    assert_eq!((none.differing, none.differences[0].path.as_str()), (1, "u.BTC"));
    let odd = differing(serde_json::json!({"equity": 21020000000_i64, "margin": 5}), Mode::Both);
    assert_eq!((odd.numbers, odd.differing), (2, 1));
    assert_eq!(odd.differences[0].found, "nothing");
    let short = differing(serde_json::json!({"u": {"BTC": {"P": [1, 2]}}}), Mode::Both);
    assert_eq!(short.differences[0].expected, "2 entries");
    let partial = differing(serde_json::json!({"MM": 1, "im": 6_600_000_000_i64}), Mode::Standard);
    assert_eq!((partial.numbers, partial.differing, partial.skipped), (1, 0, 1));
}

#[test]
fn a_given_array_is_used_as_given_and_repricing_tells_that_it_is_wrong() {
    let mut vectors: Value = serde_json::from_str(PORTFOLIO).unwrap();
    vectors["cases"] = Value::from(vec![vectors["cases"][1].clone()]);
    let entry = &mut vectors["instruments"][0]["risk_array"][0];
    *entry = Value::from(entry.as_i64().unwrap() - 1_000);
    let text = vectors.to_string();
    let (_, answers) = asked(&text, Options::default());
    assert_eq!(answers[0][0].account.holdings[0].profit[0], -16_004_200_000);
    // P, Pim, SCAN twice, its charges, mm, im, MM, IM and both excesses... all but two of P's 33.
    assert!(answers[0][0].comparison.as_ref().unwrap().differing > 5);
    let (_, answers) = asked(&text, Options { reprice: true, ..Options::default() });
    let comparison = answers[0][0].comparison.as_ref().unwrap();
    assert_eq!(comparison.differing, 1);
    assert_eq!(comparison.differences[0].path, "instruments.BTC-PERP.risk_array[0]");
}
