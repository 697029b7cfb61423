//! Stories run against the engine: those that are shipped, and some that say every word of the
//! language.

use crate::scenario::{Options, files, render, run_file};
use std::path::PathBuf;

/// Runs all scenarios of a folder of this crate, twice, and asserts that they hold.
fn all_hold(folder: &str) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut failed = Vec::new();
    for path in files(&[folder]).unwrap() {
        let outcome = run_file(&path, Options::default());
        if !outcome.passed() {
            failed.push(render::failures(&outcome, false));
        }
        let again = run_file(&path, Options::default());
        assert_eq!(outcome.digest, again.digest, "{} runs twice alike", path.display());
    }
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
}

#[test]
fn every_shipped_scenario_holds() {
    all_hold("../../scenarios");
}

#[test]
fn every_command_of_the_language_reaches_the_engine() {
    all_hold("src/scenario/tests/engine");
}
