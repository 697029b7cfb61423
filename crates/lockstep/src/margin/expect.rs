//! What a file expects against what came out, number by number.
//!
//! An expectation may leave components out: what it does not name is not compared. Underlyings are
//! the exception: one that it does not name must not be there. Deliberately absent: tolerance.

use super::account::Mode;
use crate::json::Json;

/// Most differences that are kept; the others are only counted.
pub const DIFFERENCES_MAX: usize = 1_000;
/// Most characters of a value in a difference.
const VALUE_CHARS_MAX: usize = 60;

/// The keys of an expectation that the standard model answers.
const STANDARD_KEYS: [&str; 3] = ["im", "mm", "detail"];
/// The keys that only the portfolio model answers.
const PORTFOLIO_KEYS: [&str; 5] = ["u", "MM", "IM", "mm_excess", "im_excess"];

/// A number that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Path of the component, as `u.BTC.P[3]`.
    pub path: String,
    /// What the file says.
    pub expected: String,
    /// What came out.
    pub found: String,
}

/// The outcome of comparing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// How many values were compared.
    pub numbers: usize,
    /// How many of them differ, or are missing.
    pub differing: usize,
    /// The first of those.
    pub differences: Vec<Difference>,
    /// How many components were left alone because their model was not asked.
    pub skipped: usize,
}

impl Comparison {
    /// Compares one number.
    pub fn number(&mut self, path: &str, expected: i64, found: i64) {
        self.numbers += 1;
        if expected != found {
            self.differ(path, expected.to_string(), found.to_string());
        }
    }

    fn differ(&mut self, path: &str, expected: String, found: String) {
        self.differing += 1;
        if self.differences.len() < DIFFERENCES_MAX {
            self.differences.push(Difference { path: path.to_string(), expected, found });
        }
    }
}

/// Compares an expectation with a case as [`super::render::json::case`] writes it.
pub fn compare(expect: &Json, found: &Json, mode: Mode, to: &mut Comparison) {
    let Json::Object(fields) = expect else {
        to.numbers += 1;
        to.differ("expect", short(expect), "an object of components".to_string());
        return;
    };
    let standard = found.get("standard");
    for (key, expected) in fields {
        let is_standard = STANDARD_KEYS.contains(&key.as_str());
        let is_portfolio = PORTFOLIO_KEYS.contains(&key.as_str());
        if is_standard && !mode.has_standard() || is_portfolio && !mode.has_portfolio() {
            to.skipped += 1;
            continue;
        }
        let found = if is_standard { standard.and_then(|s| s.get(key)) } else { found.get(key) };
        node(key, expected, found, to);
    }
}

fn node(path: &str, expected: &Json, found: Option<&Json>, to: &mut Comparison) {
    match (expected, found) {
        (Json::Object(fields), Some(Json::Object(others))) => {
            for (name, expected) in fields {
                let found = others.iter().find(|(other, _)| other == name).map(|(_, value)| value);
                node(&format!("{path}.{name}"), expected, found, to);
            }
            let unnamed = others
                .iter()
                .filter(|(name, _)| path == "u" && !fields.iter().any(|(field, _)| field == name));
            for (name, value) in unnamed {
                to.numbers += 1;
                to.differ(&format!("{path}.{name}"), "nothing".to_string(), short(value));
            }
        }
        (Json::List(parts), Some(Json::List(others))) => {
            if parts.len() != others.len() {
                let entries = |count: usize| format!("{count} entries");
                to.numbers += 1;
                to.differ(path, entries(parts.len()), entries(others.len()));
                return;
            }
            for (index, (expected, found)) in parts.iter().zip(others).enumerate() {
                node(&format!("{path}[{index}]"), expected, Some(found), to);
            }
        }
        (expected, found) => {
            to.numbers += 1;
            if !found.is_some_and(|found| same(expected, found)) {
                let found = found.map_or_else(|| "nothing".to_string(), short);
                to.differ(path, short(expected), found);
            }
        }
    }
}

/// Whether two plain values are the same; integers however they are spelt.
fn same(expected: &Json, found: &Json) -> bool {
    let integer = |value: &Json| match value {
        Json::Number(digits) | Json::Text(digits) => digits.parse::<i128>().ok(),
        _ => None,
    };
    expected == found || integer(expected).is_some_and(|value| integer(found) == Some(value))
}

fn short(value: &Json) -> String {
    let text = value.to_string();
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or(&text)),
        None => text,
    }
}
