//! What came of a scenario: counts, the state's digest, and what did not hold.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// What came of one scenario.
#[derive(Clone, Debug, Default)]
pub struct ScenarioOutcome {
    /// Its file.
    pub path: PathBuf,
    /// Its title; empty when the header could not be read.
    pub title: String,
    /// The rules that it shows.
    pub rules: Vec<String>,
    /// Blocks that ran.
    pub blocks: u64,
    /// Signers' commands in them.
    pub commands: u64,
    /// Events that they yielded.
    pub events: u64,
    /// Trades among them.
    pub fills: u64,
    /// Rejections among them, by rule.
    pub rejections: BTreeMap<&'static str, u64>,
    /// Expectations that were looked at.
    pub checks: u64,
    /// Digest of the last state, in hexadecimal; empty when nothing ran.
    pub digest: String,
    /// What did not hold; empty when the scenario passed.
    pub failures: Vec<Failure>,
}

impl ScenarioOutcome {
    /// Whether everything held.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}

/// Something that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Line number, from 1; 0 for the file as a whole.
    pub line: usize,
    /// What happened, in one line.
    pub title: String,
    /// The line of the scenario, shortened.
    pub source: String,
    /// What was expected and what was found.
    pub mismatches: Vec<Mismatch>,
    /// The last events before, as text.
    pub recent: Vec<String>,
}

/// An expectation and what was found instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Which expectation.
    pub path: String,
    /// The difference.
    pub difference: Difference,
}

/// How what was found differs from what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// In one value.
    Value {
        /// What was expected.
        expected: String,
        /// What was found.
        found: String,
    },
    /// In a list: the rows of both, aligned.
    Rows(Vec<Row>),
}

/// A row of two aligned lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What was expected here, if anything.
    pub expected: Option<String>,
    /// What was found here, if anything.
    pub found: Option<String>,
    /// Whether they agree.
    pub agrees: bool,
}

impl Mismatch {
    /// A difference in one value.
    pub fn value(path: &str, expected: impl ToString, found: impl ToString) -> Self {
        let difference =
            Difference::Value { expected: expected.to_string(), found: found.to_string() };
        Self { path: path.to_string(), difference }
    }

    /// A difference in a list.
    pub fn rows(path: &str, rows: Vec<Row>) -> Self {
        Self { path: path.to_string(), difference: Difference::Rows(rows) }
    }
}
