//! The shipped stories run against the engine.

use crate::scenario::{Options, files, render, run_file};
use std::path::PathBuf;

#[test]
fn every_shipped_scenario_holds() {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../scenarios"));
    let mut failed = Vec::new();
    for path in files(&[folder]).unwrap() {
        let outcome = run_file(&path, Options::default());
        if !outcome.passed() {
            failed.push(render::failures(&outcome, false));
        }
    }
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
}
