//! Reading a portfolio: the documented shape in decimals, or the test vectors' own in integers.
//!
//! Which one a file has is told by its keys: `cases`, `case`, `account` or `pos` make it
//! [`integers`], anything else [`decimals`]. Invariants: nothing is rounded, nothing unknown is
//! passed over, every number is checked against a limit that the error names, and the size of a
//! file bounds the work. Deliberately absent: files (the caller has the text) and pricing.

pub mod decimals;
pub mod integers;
mod limits;
pub mod params;

use super::model::{Document, Instrument, World};
use crate::json::Json;
use crate::scenario::fields;
use crate::scenario::problem::{Parsed, Problem, nearest};
use std::collections::BTreeMap;

/// Most bytes of a file.
pub const FILE_BYTES_MAX: usize = 8 << 20;
/// Most worlds in a file.
pub const WORLDS_MAX: usize = 1_000;
/// Most instruments of a world.
pub const INSTRUMENTS_MAX: usize = 10_000;
/// Most cases of a world.
pub const CASES_MAX: usize = 10_000;
/// Most positions of an account.
pub const POSITIONS_MAX: usize = 2_000;
/// Most open orders of an account.
pub const ORDERS_MAX: usize = 10_000;
/// Most characters of a name.
pub const NAME_CHARS_MAX: usize = 100;

/// The latency of an account that says nothing of it, microseconds: that which requirements assume
/// anyway.
const LATENCY_US: i64 = 1_000_000;
/// Keys that only the vectors' shape has.
const INTEGER_KEYS: [&str; 4] = ["cases", "case", "account", "pos"];
/// What a file may take from another one.
const SHARED_KEYS: [&[&str]; 3] = [&["instruments"], &["spot", "spots"], &["params"]];
/// Fields whose text is for people only.
pub(super) const NOTES: [&str; 4] = ["note", "about", "comment", "description"];

/// Reads a file. Instruments, spots and parameters that it lacks come from `listing`, another file
/// of the same shape.
///
/// # Errors
/// What is wrong, with the path of the field.
pub fn read(text: &str, listing: Option<&str>) -> Parsed<Document> {
    let mut json = parse(text)?;
    if let Some(listing) = listing {
        let listing = parse(listing).map_err(|problem| problem.at("--instruments"))?;
        borrow(&mut json, &listing)?;
    }
    let Json::List(parts) = json else {
        let (single, world) = world(json)?;
        return Ok(Document { single, worlds: vec![world] });
    };
    limits::count("worlds", parts.len(), WORLDS_MAX)?;
    let read = |(index, part)| world(part).map_err(|problem| problem.at_index(index));
    let worlds = parts.into_iter().enumerate().map(read);
    let worlds = worlds.map(|world| world.map(|(_, world)| world)).collect::<Parsed<_>>()?;
    Ok(Document { single: false, worlds })
}

fn parse(text: &str) -> Parsed<Json> {
    if text.len() > FILE_BYTES_MAX {
        let message = format!("{} bytes exceed the limit of {FILE_BYTES_MAX}", text.len());
        return Err(Problem::new(message));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    Json::parse(text).map_err(|error| Problem::new(error.to_string()))
}

/// Whether it is a single portfolio, and the world it makes.
fn world(json: Json) -> Parsed<(bool, World)> {
    let is_integers = INTEGER_KEYS.iter().any(|key| json.get(key).is_some());
    let single = json.get("cases").is_none();
    let world = if is_integers { integers::world(json) } else { decimals::world(json) };
    world.map(|world| (single, world))
}

/// Adds what `json` lacks of the shared keys.
fn borrow(json: &mut Json, listing: &Json) -> Parsed<()> {
    let Json::Object(fields) = json else {
        return Err(Problem::new("--instruments goes with one object, not with a list of them"));
    };
    for names in SHARED_KEYS {
        let lacks = names.iter().all(|name| fields.iter().all(|(field, _)| field != name));
        let found = names.iter().find_map(|name| listing.get(name).map(|value| (*name, value)));
        match found {
            Some((name, value)) if lacks => fields.push((name.to_string(), value.clone())),
            None if names.contains(&"instruments") => {
                let message = "field `instruments` is missing";
                return Err(Problem::new(message).at("--instruments"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The parts of a list of at most so many.
fn listed<T>(
    what: &str,
    value: &Json,
    most: usize,
    read: impl Fn(&Json) -> Parsed<T>,
) -> Parsed<Vec<T>> {
    let Json::List(parts) = value else {
        return Err(Problem::new(format!("expected a list of {what}, found {}", value.kind())));
    };
    limits::count(what, parts.len(), most)?;
    fields::list(value, read)
}

/// Where each instrument of a list is.
fn places(instruments: &[Instrument]) -> Parsed<BTreeMap<String, usize>> {
    let mut places = BTreeMap::new();
    for (index, instrument) in instruments.iter().enumerate() {
        if places.insert(instrument.id.clone(), index).is_some() {
            let message = format!("`{}` stands twice", shown(&instrument.id));
            return Err(Problem::new(message).at_index(index).at("instruments"));
        }
    }
    Ok(places)
}

/// The place of the instrument that a position or an order names.
fn place(places: &BTreeMap<String, usize>, id: &str) -> Parsed<usize> {
    places.get(id).copied().ok_or_else(|| {
        if places.is_empty() {
            let hint = "the file has no `instruments`; --instruments names one that has";
            return Problem::new(format!("no instrument is named `{}`: {hint}", shown(id)));
        }
        let hint = nearest(id, places.keys().map(String::as_str));
        let hint = hint.map_or(String::new(), |name| format!(" (did you mean `{name}`?)"));
        let message = format!(
            "no instrument is named `{}`{hint}; there are {} in `instruments`",
            shown(id),
            places.len()
        );
        Problem::new(message)
    })
}

/// A name in an error: no control characters, not longer than a name may be.
fn shown(name: &str) -> String {
    let short: String = name.chars().take(NAME_CHARS_MAX).collect();
    short.escape_debug().to_string()
}
