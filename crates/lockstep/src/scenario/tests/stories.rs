//! Stories run against the engine: those that are shipped, and some that say every word of the
//! language.

use crate::events_json::KINDS;
use crate::json::Json;
use crate::scenario::{Options, files, render, run_file};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Runs all scenarios of a folder of this crate, twice, and asserts that they hold. Gives the
/// events of all of them, as written.
fn all_hold(folder: &str) -> Vec<Json> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut failed = Vec::new();
    let mut events = Vec::new();
    for path in files(&[folder]).unwrap() {
        let mut written = Vec::new();
        let outcome = run_file(&path, Options { events: Some(&mut written) });
        if !outcome.passed() {
            failed.push(render::failures(&outcome, false));
        }
        let again = run_file(&path, Options::default());
        assert_eq!(outcome.digest, again.digest, "{} runs twice alike", path.display());
        let text = String::from_utf8(written).unwrap();
        events.extend(text.lines().map(|line| Json::parse(line).unwrap()));
    }
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
    events
}

/// Asserts that events have the fields that the documentation says, and gives their kinds.
fn kinds_of(events: &[Json]) -> BTreeSet<String> {
    let mut kinds = BTreeSet::new();
    for event in events {
        let Json::Object(fields) = event else { panic!("not an object: {event}") };
        let Some(Json::Text(kind)) = event.get("event") else { panic!("no kind: {event}") };
        let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
        let known = KINDS.iter().find(|(name, _)| name == kind);
        let (_, known) = known.unwrap_or_else(|| panic!("`{kind}` is not in KINDS"));
        assert_eq!(names[..3], ["height", "time", "event"]);
        assert_eq!(names[3..], **known, "fields of `{kind}`");
        kinds.insert(kind.clone());
    }
    kinds
}

#[test]
fn every_shipped_scenario_holds_and_every_kind_of_event_occurs() {
    let kinds = kinds_of(&all_hold("../../scenarios"));
    let missing: Vec<&str> =
        KINDS.iter().map(|(kind, _)| *kind).filter(|kind| !kinds.contains(*kind)).collect();
    assert!(missing.is_empty(), "no scenario shows {missing:?}");
}

#[test]
fn every_command_of_the_language_reaches_the_engine() {
    kinds_of(&all_hold("src/scenario/tests/engine"));
}
