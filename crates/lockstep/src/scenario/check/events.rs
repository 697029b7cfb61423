//! Expectations of events: patterns against the same JSON objects that `--events` writes.

use super::{Judge, Verdict};
use crate::events_json;
use crate::json::Json;
use crate::scenario::outcome::{Mismatch, Row};
use crate::scenario::parse::number;
use crate::scenario::run::{HOUSEKEEPING, Seen};
use crate::scenario::value;
use crate::scenario::want::{EventWant, EventsShape, EventsWant};

/// Rows of events that a failure shows at most.
const ROWS_MAX: usize = 60;

impl Judge<'_> {
    pub(super) fn events(&self, want: &EventsWant) -> Verdict {
        let seen = match want.since_start {
            true => &self.world.story,
            false => &self.world.last,
        };
        match &want.shape {
            EventsShape::InOrder(wants) => self.in_order(wants, seen),
            EventsShape::Exactly(wants) => self.exactly(wants, seen),
            EventsShape::Never(wants) => {
                for want in wants {
                    if let Some(found) = seen.iter().find(|seen| self.agrees(want, seen)) {
                        let found = show_event(&self.json(found));
                        return self.differs(format!("no {want}"), found);
                    }
                }
                Ok(())
            }
            EventsShape::Count(want, count) => {
                let found = seen.iter().filter(|seen| self.agrees(want, seen)).count();
                self.number(*count, i64::try_from(found).unwrap_or(i64::MAX))
            }
        }
    }

    fn json(&self, seen: &Seen) -> Json {
        events_json::to_json(&seen.event, self.names())
    }

    fn agrees(&self, want: &EventWant, seen: &Seen) -> bool {
        events_json::kind(&seen.event) == want.kind
            && (want.fields.is_empty() || fields_agree(&want.fields, &self.json(seen)))
    }

    /// The wanted events in this order, others may come between.
    fn in_order(&self, wants: &[EventWant], seen: &[Seen]) -> Verdict {
        let mut rows: Vec<Row> = Vec::new();
        let mut rest = seen;
        let mut missing = false;
        for want in wants {
            let place = rest.iter().position(|seen| self.agrees(want, seen));
            let Some(place) = place else {
                missing = true;
                rows.push(Row { expected: Some(want.to_string()), found: None, agrees: false });
                continue;
            };
            let (before, from) = rest.split_at(place);
            rows.extend(self.others(before));
            let found = from.first().map(|seen| show_event(&self.json(seen)));
            rows.push(Row { expected: Some(want.to_string()), found, agrees: true });
            rest = from.get(1..).unwrap_or(&[]);
        }
        if !missing {
            return Ok(());
        }
        rows.extend(self.others(rest));
        Err(Mismatch::rows(self.path, shorten(rows)))
    }

    /// Events that nothing was said about, housekeeping left out.
    fn others(&self, seen: &[Seen]) -> Vec<Row> {
        let shown = |seen: &&Seen| !HOUSEKEEPING.contains(&events_json::kind(&seen.event));
        seen.iter()
            .filter(shown)
            .map(|seen| {
                let found = Some(show_event(&self.json(seen)));
                Row { expected: None, found, agrees: true }
            })
            .collect()
    }

    /// The wanted events and no others; housekeeping counts only if it is wanted.
    fn exactly(&self, wants: &[EventWant], seen: &[Seen]) -> Verdict {
        let counts = |seen: &&Seen| {
            let kind = events_json::kind(&seen.event);
            !HOUSEKEEPING.contains(&kind) || wants.iter().any(|want| want.kind == kind)
        };
        let seen: Vec<&Seen> = seen.iter().filter(counts).collect();
        let mut rows = Vec::new();
        for index in 0..wants.len().max(seen.len()) {
            let (want, found) = (wants.get(index), seen.get(index));
            let agrees = match (want, found) {
                (Some(want), Some(found)) => self.agrees(want, found),
                _ => false,
            };
            rows.push(Row {
                expected: want.map(ToString::to_string),
                found: found.map(|seen| show_event(&self.json(seen))),
                agrees,
            });
        }
        match rows.iter().all(|row| row.agrees) {
            true => Ok(()),
            false => Err(Mismatch::rows(self.path, shorten(rows))),
        }
    }
}

fn shorten(mut rows: Vec<Row>) -> Vec<Row> {
    if rows.len() > ROWS_MAX {
        let wrong = rows.iter().position(|row| !row.agrees).unwrap_or(0);
        let from = wrong.saturating_sub(ROWS_MAX / 2);
        rows = rows.into_iter().skip(from).take(ROWS_MAX).collect();
    }
    rows
}

/// An event in a line: its kind, then its fields.
pub fn show_event(event: &Json) -> String {
    let Json::Object(fields) = event else { return event.to_string() };
    let mut out = String::new();
    for (name, value) in fields {
        let value = match value {
            Json::Text(text) => text.clone(),
            other => other.to_string(),
        };
        match name.as_str() {
            "event" => out.push_str(&value),
            // A code says it; its words follow from the code.
            "message" => {}
            _ => out.push_str(&format!(" {name}={value}")),
        }
    }
    out
}

/// Whether an event has all of the wanted fields.
pub(super) fn fields_agree(wants: &[(String, Json)], event: &Json) -> bool {
    wants.iter().all(|(name, want)| event.get(name).is_some_and(|found| agree(want, found)))
}

/// Whether a value is the wanted one: numbers by value, times by moment, the rest as written.
fn agree(want: &Json, found: &Json) -> bool {
    match (want, found) {
        (Json::List(wants), Json::List(found)) => {
            wants.len() == found.len()
                && wants.iter().zip(found).all(|(want, found)| agree(want, found))
        }
        (want, Json::Number(digits)) => number_agrees(want, digits),
        (Json::Text(want), Json::Text(found)) => want == found || same_time(want, found),
        (want, found) => want == found,
    }
}

fn same_time(want: &str, found: &str) -> bool {
    match (value::time_text(want), value::time_text(found)) {
        (Ok(want), Ok(found)) => want == found,
        _ => false,
    }
}

fn number_agrees(want: &Json, found: &str) -> bool {
    let digits = match want {
        Json::Number(digits) | Json::Text(digits) => Some(digits),
        _ => None,
    };
    if let Some(plain) = digits.and_then(|digits| canonical(digits)) {
        return canonical(found).is_some_and(|found| found == plain);
    }
    // A comparison, a range or a percentage: in the finest unit that holds the number.
    let found = Json::Number(found.to_string());
    [value::PPB_PLACES, value::PRICE_PLACES, 0].into_iter().any(|places| {
        match (number::want(want, places), value::scaled(&found, places)) {
            (Ok(want), Ok(found)) => want.accepts(found),
            _ => false,
        }
    })
}

/// A decimal without superfluous zeros; `None` when it is none.
fn canonical(digits: &str) -> Option<String> {
    let plain = digits.trim().replace('_', "");
    let (sign, plain) = match plain.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", plain.strip_prefix('+').unwrap_or(&plain)),
    };
    let (whole, fraction) = plain.split_once('.').unwrap_or((plain, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let fraction = fraction.trim_end_matches('0');
    let sign = if whole == "0" && fraction.is_empty() { "" } else { sign };
    match fraction {
        "" => Some(format!("{sign}{whole}")),
        _ => Some(format!("{sign}{whole}.{fraction}")),
    }
}
