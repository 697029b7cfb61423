//! Scenarios: market stories as JSON Lines, run against the engine.
//!
//! A scenario is a header and lines that do something or expect something; `docs/scenarios.md` is
//! its language. [`run_file`] reads one ([`parse`] into [`model`]), runs it ([`run`]) against a
//! [`venue::Venue`] and judges what it expects ([`check`]); [`render`] prints what did not hold.
//!
//! Invariants: whatever the bytes are, reading answers with lines or with faults that name line and
//! field, never with a panic; a number reaches the engine exactly as written or not at all; two
//! runs of one file make the same blocks, so the digest at the end is the same everywhere.
//! Deliberately absent: floating point, real time, randomness, and any state but the engine's that
//! an expectation could be about.

pub mod check;
pub mod exchange;
pub mod fields;
pub mod model;
pub mod names;
pub mod orders;
pub mod outcome;
pub mod parse;
pub mod problem;
pub mod render;
pub mod run;
pub mod value;
pub mod venue;
pub mod want;

#[cfg(test)]
mod tests;

pub use outcome::{Failure, ScenarioOutcome};

use lockstep_types::params::VenueParams;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use venue::Venue;

/// Extension of scenario files.
pub const EXTENSION: &str = "jsonl";
/// Deepest nesting of folders that are searched for scenarios.
const FOLDER_DEPTH_MAX: usize = 8;

/// How a scenario is run.
#[derive(Default)]
pub struct Options<'a> {
    /// Where events go as JSON Lines, if anywhere.
    pub events: Option<&'a mut dyn Write>,
}

/// The scenario files that the given paths mean: files as they are, folders searched for
/// `*.jsonl`, in the order of their names.
///
/// # Errors
/// When a path cannot be read, or a folder has no scenario.
pub fn files(paths: &[PathBuf]) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in paths {
        if !path.is_dir() {
            // Also a file that is not there: running it gives the error with its name.
            found.push(path.clone());
            continue;
        }
        let before = found.len();
        search(path, 0, &mut found)?;
        if found.len() == before {
            let message = format!("{}: no *.{EXTENSION} file in it", path.display());
            return Err(io::Error::new(io::ErrorKind::NotFound, message));
        }
    }
    Ok(found)
}

fn search(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        entries.push(entry?.path());
    }
    entries.sort();
    for path in entries {
        if path.is_dir() && depth < FOLDER_DEPTH_MAX {
            search(&path, depth + 1, found)?;
        } else if path.extension().is_some_and(|extension| extension == EXTENSION) {
            found.push(path);
        }
    }
    Ok(())
}

/// Runs the scenario in a file against the engine. Faults of the file are failures of the outcome.
pub fn run_file(path: &Path, options: Options<'_>) -> ScenarioOutcome {
    run_file_on(path, options, exchange::venue)
}

/// Runs the scenario in a file against a venue that `venue` makes with the given parameters.
/// Faults of the file are failures of the outcome.
pub fn run_file_on(
    path: &Path,
    options: Options<'_>,
    venue: impl FnOnce(VenueParams) -> Box<dyn Venue>,
) -> ScenarioOutcome {
    let mut outcome = match read(path) {
        Ok(text) => run_text_on(&text, options, venue),
        Err(error) => {
            let failure = Failure {
                line: 0,
                title: format!("cannot be read: {error}"),
                source: String::new(),
                mismatches: Vec::new(),
                recent: Vec::new(),
            };
            ScenarioOutcome { failures: vec![failure], ..ScenarioOutcome::default() }
        }
    };
    outcome.path = path.to_path_buf();
    outcome
}

/// Runs the scenario that `text` spells.
pub fn run_text_on(
    text: &str,
    options: Options<'_>,
    venue: impl FnOnce(VenueParams) -> Box<dyn Venue>,
) -> ScenarioOutcome {
    match parse::parse(text) {
        Ok(scenario) => {
            let mut venue = venue(scenario.header.genesis.venue.clone());
            run::run(&scenario, venue.as_mut(), options.events)
        }
        Err(problems) => {
            let failures = problems.into_iter().map(|fault| Failure {
                line: fault.line,
                title: fault.problem.to_string(),
                source: String::new(),
                mismatches: Vec::new(),
                recent: Vec::new(),
            });
            ScenarioOutcome { failures: failures.collect(), ..ScenarioOutcome::default() }
        }
    }
}

/// The text of a file of bounded size.
fn read(path: &Path) -> io::Result<String> {
    let limit = u64::try_from(parse::FILE_BYTES_MAX).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the file is not UTF-8"))
}
