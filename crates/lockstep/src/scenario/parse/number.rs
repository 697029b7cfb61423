//! Reading numbers that are expected: exact, compared, or within limits.

use crate::json::Json;
use crate::scenario::fields::Fields;
use crate::scenario::problem::{Parsed, Problem};
use crate::scenario::value;
use crate::scenario::want::{Range, Want};

/// Reads `5`, `"5"`, `">= 5"`, `"!= 5"`, `{"min": 1, "max": 5}` or `{"near": 5, "within": 0.1}`.
pub fn want(value: &Json, places: u32) -> Parsed<Want> {
    let range = match value {
        Json::Object(_) => range(value, places)?,
        Json::Text(text) => compared(text, places)?,
        other => Range::Is(scaled(other, places)?),
    };
    Ok(Want { places, range })
}

fn scaled(value: &Json, places: u32) -> Parsed<i64> {
    if places >= 4 { value::ratio(value, places) } else { value::scaled(value, places) }
}

fn compared(text: &str, places: u32) -> Parsed<Range> {
    let text = text.trim();
    let number = |rest: &str| scaled(&Json::text(rest.trim()), places);
    if let Some(rest) = text.strip_prefix(">=") {
        return Ok(Range::Within { min: Some(number(rest)?), max: None });
    }
    if let Some(rest) = text.strip_prefix("<=") {
        return Ok(Range::Within { min: None, max: Some(number(rest)?) });
    }
    if let Some(rest) = text.strip_prefix("!=") {
        return Ok(Range::Not(number(rest)?));
    }
    if let Some(rest) = text.strip_prefix('>') {
        return Ok(Range::Within { min: Some(number(rest)?.saturating_add(1)), max: None });
    }
    if let Some(rest) = text.strip_prefix('<') {
        return Ok(Range::Within { min: None, max: Some(number(rest)?.saturating_sub(1)) });
    }
    Ok(Range::Is(number(text.strip_prefix('=').unwrap_or(text))?))
}

fn range(value: &Json, places: u32) -> Parsed<Range> {
    let mut fields = Fields::of(value.clone())?;
    let read = |value: &Json| scaled(value, places);
    let (min, max) = (fields.opt(&["min"], read)?, fields.opt(&["max"], read)?);
    let near = fields.opt(&["near"], read)?;
    let within = fields.opt(&["within"], read)?;
    fields.finish()?;
    match (min, max, near, within) {
        (None, None, Some(near), Some(within)) if within >= 0 => Ok(Range::Within {
            min: Some(near.saturating_sub(within)),
            max: Some(near.saturating_add(within)),
        }),
        (min, max, None, None) if min.is_some() || max.is_some() => Ok(Range::Within { min, max }),
        _ => Err(Problem::new(
            "a range reads {\"min\": 1, \"max\": 2} or {\"near\": 5, \"within\": 0.1}",
        )),
    }
}
