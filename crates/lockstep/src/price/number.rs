//! Decimals of `lockstep price`, in and out, exactly.

use crate::scenario::value;
use lockstep_types::decimal::{self, DecimalError};

/// A volatility per year in 1e-9, from `0.65` or `65%`.
pub fn volatility(text: &str) -> Result<i64, DecimalError> {
    match text.strip_suffix('%') {
        Some(percent) => decimal::parse(percent, 7),
        None => decimal::parse(text, 9),
    }
}

/// Seconds, from a plain number or a span with a unit such as `30d`.
pub fn seconds(text: &str) -> Result<i64, String> {
    if text.ends_with(|last: char| last.is_ascii_alphabetic()) {
        let span = value::span_text(text).map_err(|problem| problem.to_string())?;
        // Rounded up, as time to expiry always is.
        return Ok(-((-span.0).div_euclid(1_000)));
    }
    decimal::parse(text, 0).map_err(|error| error.to_string())
}

/// `value` with all `places` digits after the point.
pub fn fixed(value: i128, places: usize) -> String {
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{whole}.{fraction}")
}
