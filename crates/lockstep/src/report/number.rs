//! Numbers as people read them. `page.js` formats the values under the pointer by the same rules.

use std::fmt::Write as _;

use super::Unit;

/// Beyond this, either way, a value counts as a gap: no axis can show it.
pub const VALUE_MAX: f64 = 1e18;
/// From here on values are written in millions, then in billions.
const MILLIONS_FROM: f64 = 1e7;
const BILLIONS_FROM: f64 = 1e10;
/// Most digits after the point.
const DECIMALS_MAX: usize = 9;

/// Whether a value can be shown.
pub fn shows(value: f64) -> bool {
    value.is_finite() && value.abs() <= VALUE_MAX
}

/// Digits after the point that tell the values of a range apart: about four significant ones, none
/// if all values are whole.
pub fn decimals(values: impl Iterator<Item = f64> + Clone) -> usize {
    let shown = values.filter(|&value| shows(value));
    if shown.clone().all(|value| value.fract() == 0.0) {
        return 0;
    }
    let low = shown.clone().fold(f64::INFINITY, f64::min);
    let high = shown.fold(f64::NEG_INFINITY, f64::max);
    let range = if high > low { high - low } else { high.abs() };
    decimals_of(range / 1_000.0)
}

/// Digits after the point with which a step is written exactly enough.
pub fn decimals_of(step: f64) -> usize {
    (0..DECIMALS_MAX)
        .find(|&digits| step * 10_f64.powi(digits as i32) >= 0.999)
        .unwrap_or(DECIMALS_MAX)
}

/// `1,234.50`, with a true minus.
pub fn grouped(value: f64, decimals: usize) -> String {
    let digits = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    let is_zero = digits.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    let mut text = String::new();
    if value < 0.0 && !is_zero {
        text.push('−');
    }
    push_groups(&mut text, whole);
    if !fraction.is_empty() {
        let _ = write!(text, ".{fraction}");
    }
    text
}

/// A value with its unit: `$117,194`, `$12.35M`, `43.2 %`.
pub fn with_unit(value: f64, decimals: usize, unit: &Unit) -> String {
    if !shows(value) {
        return "–".to_owned();
    }
    let (prefix, suffix) = unit.affixes();
    let size = value.abs();
    let number = if size >= BILLIONS_FROM {
        format!("{}B", grouped(value / 1e9, 2))
    } else if size >= MILLIONS_FROM {
        format!("{}M", grouped(value / 1e6, 2))
    } else {
        grouped(value, decimals)
    };
    match number.strip_prefix('−') {
        Some(positive) => format!("−{prefix}{positive}{suffix}"),
        None => format!("{prefix}{number}{suffix}"),
    }
}

/// Micro-USD in full: `1,234.567890`.
pub fn micro_usd(amount: i128) -> String {
    let size = amount.unsigned_abs();
    let mut text = String::new();
    if amount < 0 {
        text.push('−');
    }
    push_groups(&mut text, &(size / 1_000_000).to_string());
    let _ = write!(text, ".{:06}", size % 1_000_000);
    text
}

/// A coordinate: one digit after the point, none if it is zero.
pub fn coordinate(value: f64) -> String {
    let text = format!("{value:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

fn push_groups(text: &mut String, digits: &str) {
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
}

/// A value for a program to read: no groups, no zeros at the end, one digit more than is told.
pub fn plain(value: f64, decimals: usize) -> String {
    let text = format!("{value:.*}", decimals + 1);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}
