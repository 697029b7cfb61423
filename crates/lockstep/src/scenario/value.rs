//! People's values to the engine's units, exactly: decimals, ratios, spans, moments, names.
//!
//! A number may be a JSON number or the same digits as a text. Nothing is rounded: a price with
//! seven decimals is refused, not shortened. Deliberately absent: floats, local time, time zones
//! other than UTC.

use super::model::{AccountRef, TimeSpec};
use super::problem::{Parsed, Problem, not_among};
use crate::json::Json;
use lockstep_types::decimal::{self, DecimalError};
use lockstep_types::instrument::{
    Contract, InstrumentName, Ticker, civil_from_days, days_from_civil,
};
use lockstep_types::order::Label;
use lockstep_types::units::{DAY_MS, HOUR_MS, MINUTE_MS};
use lockstep_types::{Lots, Ppm, Price, Side, SpanMs, TimeMs, Usd};
use std::str::FromStr;

/// Decimal places of money and prices.
pub const PRICE_PLACES: u32 = 6;
/// Decimal places of an amount in units of the underlying: one lot is 0.001.
pub const AMOUNT_PLACES: u32 = 3;
/// Decimal places of a ratio in ppm.
pub const PPM_PLACES: u32 = 6;
/// Decimal places of a volatility or of a ratio in ppb.
pub const PPB_PLACES: u32 = 9;
/// Longest span: ten years.
pub const SPAN_MS_MAX: i64 = 3_653 * DAY_MS;
/// First and last year of a moment.
const YEARS: std::ops::RangeInclusive<i64> = 1970..=2199;

fn unexpected(wanted: &str, found: &Json) -> Problem {
    Problem::new(format!("expected {wanted}, found {}", found.kind()))
}

/// A text.
pub fn text(value: &Json) -> Parsed<String> {
    match value {
        Json::Text(text) => Ok(text.clone()),
        other => Err(unexpected("a text", other)),
    }
}

/// `true` or `false`.
pub fn boolean(value: &Json) -> Parsed<bool> {
    match value {
        Json::Bool(value) => Ok(*value),
        Json::Text(text) if text == "true" => Ok(true),
        Json::Text(text) if text == "false" => Ok(false),
        other => Err(unexpected("true or false", other)),
    }
}

/// The digits of a number, or of a text that holds one.
fn digits(value: &Json) -> Parsed<String> {
    match value {
        Json::Number(digits) if digits.contains(['e', 'E']) => {
            Err(Problem::new(format!("write {digits} out in full, without an exponent")))
        }
        Json::Number(digits) => Ok(digits.clone()),
        Json::Text(text) => {
            let plain = text.trim().replace('_', "");
            Ok(plain.strip_prefix('+').map_or(plain.clone(), str::to_string))
        }
        other => Err(unexpected("a number", other)),
    }
}

fn parse_decimal(digits: &str, places: u32) -> Parsed<i64> {
    decimal::parse(digits, places).map_err(|error| match error {
        DecimalError::Malformed => Problem::new(format!("`{digits}` is not a decimal number")),
        DecimalError::TooFine { .. } => {
            let step = decimal::Decimal { value: 1, places };
            Problem::new(format!("{digits} is finer than the smallest step, {step}"))
        }
        DecimalError::OutOfRange => Problem::new(format!("{digits} is too large")),
    })
}

/// A decimal with at most `places` places.
pub fn scaled(value: &Json, places: u32) -> Parsed<i64> {
    parse_decimal(&digits(value)?, places)
}

/// A whole number between the limits.
pub fn integer<T: TryFrom<i64>>(value: &Json, min: i64, max: i64) -> Parsed<T> {
    let number = scaled(value, 0)?;
    let outside = || Problem::new(format!("{number} is not between {min} and {max}"));
    if number < min || number > max {
        return Err(outside());
    }
    T::try_from(number).map_err(|_| outside())
}

/// Money in USDC.
pub fn usd(value: &Json) -> Parsed<Usd> {
    scaled(value, PRICE_PLACES).map(Usd)
}

/// A price in USDC.
pub fn price(value: &Json) -> Parsed<Price> {
    scaled(value, PRICE_PLACES).map(Price)
}

/// An amount in units of the underlying.
pub fn amount(value: &Json) -> Parsed<Lots> {
    scaled(value, AMOUNT_PLACES).map(Lots)
}

/// A number of lots.
pub fn lots(value: &Json) -> Parsed<Lots> {
    scaled(value, 0).map(Lots)
}

/// A ratio: 0.01, "1%" or "100bp".
pub fn ratio(value: &Json, places: u32) -> Parsed<i64> {
    let digits = digits(value)?;
    if let Some(percent) = digits.strip_suffix('%') {
        return parse_decimal(percent.trim_end(), places - 2);
    }
    if let Some(points) = digits.strip_suffix("bp") {
        return parse_decimal(points.trim_end(), places - 4);
    }
    parse_decimal(&digits, places)
}

/// A ratio in ppm.
pub fn ppm(value: &Json) -> Parsed<Ppm> {
    ratio(value, PPM_PLACES).map(Ppm)
}

/// One of the words of a table.
pub fn word<T: Copy>(value: &Json, what: &str, table: &[(&str, T)]) -> Parsed<T> {
    let word = text(value)?;
    let plain = word.trim().to_lowercase().replace(['-', ' '], "_");
    match table.iter().find(|(name, _)| *name == plain) {
        Some((_, meaning)) => Ok(*meaning),
        None => {
            let names: Vec<&str> = table.iter().map(|(name, _)| *name).collect();
            Err(not_among(what, &word, &names))
        }
    }
}

/// Buy or sell.
pub fn side(value: &Json) -> Parsed<Side> {
    word(value, "side", &[("buy", Side::Buy), ("sell", Side::Sell)])
}

/// An instrument's name, as the field writes it.
pub fn instrument_text(name: &str) -> Parsed<InstrumentName> {
    InstrumentName::from_str(name.trim())
        .map_err(|error| Problem::new(format!("`{name}` is no instrument name; {error}")))
}

/// An instrument's name, as the field writes it.
pub fn instrument(value: &Json) -> Parsed<InstrumentName> {
    instrument_text(&text(value)?)
}

/// An underlying's ticker.
pub fn ticker_text(name: &str) -> Parsed<Ticker> {
    Ticker::new(name).map_err(|error| Problem::new(format!("`{name}` is no ticker; {error}")))
}

/// An underlying's ticker.
pub fn ticker(value: &Json) -> Parsed<Ticker> {
    ticker_text(&text(value)?)
}

/// An expiry: `27MAR26`.
pub fn expiry_text(name: &str) -> Parsed<TimeMs> {
    let parsed = InstrumentName::from_str(&format!("A_USDC-{name}"));
    match parsed.map(|name| name.contract) {
        Ok(Contract::Future { expiry }) => Ok(expiry),
        _ => Err(Problem::new(format!("`{name}` is no expiry; one reads like 27MAR26"))),
    }
}

/// A key or account name: letters, digits, `_`, `.`, `-`, a letter first.
pub fn key_name(name: &str) -> Parsed<String> {
    let legal = name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "_.-".contains(letter));
    if legal {
        return Ok(name.to_string());
    }
    let rule = "a letter first, then letters, digits, `_`, `.` and `-`, 64 at most";
    Err(Problem::new(format!("`{name}` is no name: {rule}")))
}

/// A name of an owner, agent, reporter or order.
pub fn name(value: &Json) -> Parsed<String> {
    key_name(&text(value)?)
}

/// An account: `alice`, or `alice/1` for her sub-account 1.
pub fn account_text(full: &str) -> Parsed<AccountRef> {
    let (owner, sub) = full.split_once('/').unwrap_or((full, "0"));
    let owner = key_name(owner)?;
    let sub = sub
        .parse::<u8>()
        .map_err(|_| Problem::new(format!("`{full}`: a sub-account is a number up to 255")))?;
    Ok(AccountRef { owner, sub })
}

/// An account: `alice`, or `alice/1` for her sub-account 1.
pub fn account(value: &Json) -> Parsed<AccountRef> {
    account_text(&text(value)?)
}

/// A label of an order.
pub fn label(value: &Json) -> Parsed<Label> {
    Label::new(&text(value)?).map_err(|error| Problem::new(error.to_string()))
}

/// A span with its unit: `500ms`, `1s`, `90m`, `8h`, `2d`, `1h30m`.
pub fn span(value: &Json) -> Parsed<SpanMs> {
    match value {
        Json::Text(text) => span_text(text),
        Json::Number(digits) => {
            Err(Problem::new(format!("{digits} of what? write \"{digits}ms\" or \"{digits}s\"")))
        }
        other => Err(unexpected("a span of time such as \"500ms\"", other)),
    }
}

/// A span with its unit, as text.
pub fn span_text(text: &str) -> Parsed<SpanMs> {
    let wrong = || {
        Problem::new(format!(
            "`{text}` is no span of time; write \"500ms\", \"1s\", \"5m\", \"8h\", \"2d\" or \
             \"1h30m\""
        ))
    };
    let mut total: i64 = 0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let (digits, tail) = rest.split_at(digits_end);
        let tail = tail.trim_start();
        let unit_end = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let unit_ms = match unit {
            "ms" => 1,
            "s" | "sec" | "second" | "seconds" => 1_000,
            "m" | "min" | "minute" | "minutes" => MINUTE_MS,
            "h" | "hour" | "hours" => HOUR_MS,
            "d" | "day" | "days" => DAY_MS,
            "w" | "week" | "weeks" => 7 * DAY_MS,
            _ => return Err(wrong()),
        };
        let micros = decimal::parse(digits, PRICE_PLACES).map_err(|_| wrong())?;
        let part = i128::from(micros) * i128::from(unit_ms);
        if part % 1_000_000 != 0 {
            return Err(Problem::new(format!("`{text}` is finer than a millisecond")));
        }
        let part = i64::try_from(part / 1_000_000).map_err(|_| wrong())?;
        total = total.checked_add(part).ok_or_else(wrong)?;
        rest = tail.trim_start();
    }
    if total > SPAN_MS_MAX {
        return Err(Problem::new(format!("`{text}` is longer than ten years")));
    }
    Ok(SpanMs(total))
}

/// A moment: `2026-03-27T08:00:00Z`, `2026-03-27`, the time of day `08:00` (its next occurrence),
/// a span from now (`+30s`), or milliseconds since 1970.
pub fn time(value: &Json) -> Parsed<TimeSpec> {
    match value {
        Json::Number(_) => {
            let last = days_from_civil(YEARS.end() + 1, 1, 1) * DAY_MS;
            integer::<i64>(value, 0, last).map(|ms| TimeSpec::At(TimeMs(ms)))
        }
        Json::Text(text) => time_text(text),
        other => Err(unexpected("a time such as \"2026-03-27T08:00:00Z\"", other)),
    }
}

/// A moment, as text; see [`time`].
pub fn time_text(text: &str) -> Parsed<TimeSpec> {
    let plain = text.trim();
    if let Some(span) = plain.strip_prefix('+') {
        return span_text(span).map(TimeSpec::After);
    }
    let zone = ["Z", "+00:00"].iter().find_map(|zone| plain.strip_suffix(zone));
    let bare = zone.unwrap_or(plain);
    if let Some((date, clock)) = bare.split_once(['T', ' ']) {
        let day = date_ms(date).ok_or_else(|| bad_time(text))?;
        let clock = clock_ms(clock).ok_or_else(|| bad_time(text))?;
        return Ok(TimeSpec::At(TimeMs(day + clock)));
    }
    if let Some(day) = date_ms(bare) {
        return Ok(TimeSpec::At(TimeMs(day)));
    }
    if let Some(clock) = clock_ms(bare) {
        return Ok(TimeSpec::TimeOfDay(clock));
    }
    span_text(plain).map(TimeSpec::After).map_err(|_| bad_time(text))
}

fn bad_time(text: &str) -> Problem {
    Problem::new(format!(
        "`{text}` is no time; write \"2026-03-27T08:00:00Z\", \"08:00\" (next) or \"+30s\""
    ))
}

fn number(text: &str, width: usize) -> Option<i64> {
    let legal = text.len() == width && text.bytes().all(|byte| byte.is_ascii_digit());
    if legal { text.parse().ok() } else { None }
}

fn date_ms(text: &str) -> Option<i64> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let date = (number(year, 4)?, number(month, 2)?, number(day, 2)?);
    if parts.next().is_some() || !YEARS.contains(&date.0) || !(1..=12).contains(&date.1) {
        return None;
    }
    let days = days_from_civil(date.0, date.1, date.2);
    (civil_from_days(days) == date).then_some(days * DAY_MS)
}

fn clock_ms(text: &str) -> Option<i64> {
    let (text, millis) = text.split_once('.').unwrap_or((text, "0"));
    let millis = match millis.len() {
        1..=3 => number(millis, millis.len())? * [100, 10, 1][millis.len() - 1],
        _ => return None,
    };
    let mut parts = text.split(':');
    let (hour, minute) = (number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    let second = parts.next().map_or(Some(0), |text| number(text, 2))?;
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(hour * HOUR_MS + minute * MINUTE_MS + second * 1_000 + millis)
}

/// A moment as people read it: `2026-03-27T08:00:00.001Z`.
pub fn show_time(time: TimeMs) -> String {
    let (year, month, day) = civil_from_days(time.0.div_euclid(DAY_MS));
    let date = format!("{year:04}-{month:02}-{day:02}");
    let rest = time.0.rem_euclid(DAY_MS);
    let (hour, minute) = (rest / HOUR_MS, rest / MINUTE_MS % 60);
    let (second, millis) = (rest / 1_000 % 60, rest % 1_000);
    if millis == 0 {
        return format!("{date}T{hour:02}:{minute:02}:{second:02}Z");
    }
    format!("{date}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// A span as people read it: `1h30m`.
pub fn show_span(span: SpanMs) -> String {
    let mut rest = span.0;
    let mut out = String::new();
    for (unit, ms) in [("d", DAY_MS), ("h", HOUR_MS), ("m", MINUTE_MS), ("s", 1_000), ("ms", 1)] {
        let count = rest / ms;
        rest %= ms;
        if count != 0 {
            out.push_str(&format!("{count}{unit}"));
        }
    }
    if out.is_empty() { "0s".to_string() } else { out }
}
