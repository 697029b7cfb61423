//! Numbers within limits, and the limits.
//!
//! A limit is told in the unit in which the number was written.

use super::NAME_CHARS_MAX;
use crate::json::Json;
use crate::scenario::problem::{Parsed, Problem};
use crate::scenario::value::{self, PPB_PLACES, PPM_PLACES, PRICE_PLACES};
use lockstep_exchange::formula::PPM;
use lockstep_exchange::formula::latency::US_PER_MS;
use lockstep_exchange::formula::risk_array::{RiskArray, SCENARIOS};
use lockstep_exchange::option::{PRICE_MAX, SECONDS_MAX, VOL_E9_MAX};
use lockstep_types::decimal::{self, Decimal};

/// Most micro-USD of cash, either way: a trillion USD.
pub const CASH_MAX: i64 = 1_000_000_000_000_000_000;
/// Most lots, either way: a billion units.
pub const LOTS_MAX: i64 = 1_000_000_000_000;
/// Longest latency in microseconds: a year.
pub const LATENCY_US_MAX: i64 = 365 * 86_400 * 1_000_000;

/// # Errors
/// When there are more than `most` of something.
pub fn count(what: &str, count: usize, most: usize) -> Parsed<()> {
    match count <= most {
        true => Ok(()),
        false => Err(Problem::new(format!("{count} {what} exceed the limit of {most}"))),
    }
}

/// A number with `places` digits after the point, checked.
fn between(found: i64, places: u32, min: i64, max: i64) -> Parsed<i64> {
    if (min..=max).contains(&found) {
        return Ok(found);
    }
    let show = |value| Decimal { value, places };
    let (found, min, max) = (show(found), show(min), show(max));
    Err(Problem::new(format!("{found} is not between {min} and {max}")))
}

/// A whole number between two limits.
pub fn whole(value: &Json, min: i64, max: i64) -> Parsed<i64> {
    value::integer(value, min, max)
}

/// Money or a price in USD, between two limits in micro-USD.
pub fn usd(value: &Json, min: i64, max: i64) -> Parsed<i64> {
    between(value::scaled(value, PRICE_PLACES)?, PRICE_PLACES, min, max)
}

/// A price in USD per unit, positive.
pub fn price(value: &Json) -> Parsed<i64> {
    usd(value, 1, PRICE_MAX)
}

/// A ratio such as 0.3, "30%" or "30bp", between two limits in units of `places` digits.
pub fn ratio(value: &Json, places: u32, min: i64, max: i64) -> Parsed<i64> {
    // Read finely and checked, because a ratio of few places cannot be read as "30bp".
    let fine = places.max(PPM_PLACES);
    let step = 10_i64.pow(fine - places);
    let found = value::ratio(value, fine)?;
    if found % step != 0 {
        let (found, step) = (Decimal { value: found, places: fine }, Decimal { value: 1, places });
        return Err(Problem::new(format!("{found} is finer than the smallest step, {step}")));
    }
    between(found / step, places, min, max)
}

/// A volatility: 0.5 or "50%".
pub fn vol(value: &Json) -> Parsed<i64> {
    ratio(value, PPB_PLACES, 0, VOL_E9_MAX)
}

/// The oracle's confidence: 0.9 or "90%".
pub fn confidence(value: &Json) -> Parsed<i64> {
    ratio(value, PPM_PLACES, 0, PPM)
}

/// Seconds to expiry: a number of seconds or a span such as "30d".
pub fn seconds(value: &Json) -> Parsed<i64> {
    match value {
        Json::Text(text) if text.ends_with(|last: char| last.is_ascii_alphabetic()) => {
            let span = value::span_text(text)?;
            // Rounded up, as time to expiry always is.
            between(-((-span.0).div_euclid(1_000)), 0, 0, SECONDS_MAX)
        }
        _ => whole(value, 0, SECONDS_MAX),
    }
}

/// A latency in microseconds, from a text with its unit: "500us", "1.5ms", "2s", "10m".
pub fn latency(value: &Json) -> Parsed<i64> {
    let Json::Text(text) = value else {
        let Json::Number(digits) = value else {
            let found = value.kind();
            let message = format!("expected a span of time such as \"2s\", found {found}");
            return Err(Problem::new(message));
        };
        let message = format!("{digits} of what? write \"{digits}s\" or \"{digits}us\"");
        return Err(Problem::new(message));
    };
    let text = text.trim();
    // A plain number of us, ms or s may be as fine as a microsecond; anything else is a span.
    for (unit, places) in [("us", 0), ("ms", 3), ("s", 6)] {
        let Some(digits) = text.strip_suffix(unit) else { continue };
        if let Ok(found) = decimal::parse(digits.trim_end(), places) {
            return between(found, 0, 0, LATENCY_US_MAX);
        }
    }
    let span = value::span_text(text)?;
    between(span.0.saturating_mul(US_PER_MS), 0, 0, LATENCY_US_MAX)
}

/// A name: one to [`NAME_CHARS_MAX`] characters, no control characters.
pub fn name(value: &Json) -> Parsed<String> {
    let name = value::text(value)?;
    legal_name(&name)?;
    Ok(name)
}

/// # Errors
/// When a text is no name.
pub fn legal_name(name: &str) -> Parsed<()> {
    let length = name.chars().count();
    if length == 0 || length > NAME_CHARS_MAX || name.chars().any(char::is_control) {
        let shown = super::shown(name);
        let rule = format!("1 to {NAME_CHARS_MAX} characters, none of them a control character");
        return Err(Problem::new(format!("`{shown}` is no name: {rule}")));
    }
    Ok(())
}

/// A risk array: 33 whole numbers of micro-USD per long lot.
pub fn risk_array(value: &Json) -> Parsed<Box<RiskArray>> {
    let Json::List(parts) = value else {
        let found = value.kind();
        return Err(Problem::new(format!("expected a list of {SCENARIOS} numbers, found {found}")));
    };
    if parts.len() != SCENARIOS {
        let message = format!("{} entries; there are {SCENARIOS} scenarios", parts.len());
        return Err(Problem::new(message));
    }
    let mut array = [0; SCENARIOS];
    for (index, (place, part)) in array.iter_mut().zip(parts).enumerate() {
        let entry = value::integer(part, i32::MIN.into(), i32::MAX.into());
        *place = entry.map_err(|problem| problem.at_index(index))?;
    }
    Ok(Box::new(array))
}
