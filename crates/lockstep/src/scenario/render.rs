//! Failures as people read them: where, what was expected, what was found, what happened before.

use super::outcome::{Difference, Failure, Mismatch, Row, ScenarioOutcome};
use std::fmt::Write;

/// Widest column of an aligned list.
const COLUMN_WIDTH_MAX: usize = 72;

const RED: &str = "\u{1b}[31m";
const GREEN: &str = "\u{1b}[32m";
const DIM: &str = "\u{1b}[2m";
const BOLD: &str = "\u{1b}[1m";
const PLAIN: &str = "\u{1b}[0m";

/// Writes text, with colour if wanted.
struct Paper {
    out: String,
    colour: bool,
}

impl Paper {
    fn paint(&self, style: &str, text: &str) -> String {
        match self.colour {
            true => format!("{style}{text}{PLAIN}"),
            false => text.to_string(),
        }
    }

    fn line(&mut self, text: &str) {
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }
}

/// All failures of a scenario; empty when it passed.
pub fn failures(outcome: &ScenarioOutcome, colour: bool) -> String {
    let mut paper = Paper { out: String::new(), colour };
    if !outcome.passed() && !outcome.title.is_empty() {
        let title = paper.paint(BOLD, &outcome.title);
        paper.line(&title);
    }
    for failure in &outcome.failures {
        write_failure(&mut paper, &outcome.path.display().to_string(), failure);
    }
    paper.out
}

fn write_failure(paper: &mut Paper, path: &str, failure: &Failure) {
    let place = match failure.line {
        0 => path.to_string(),
        line => format!("{path}:{line}"),
    };
    let place = paper.paint(BOLD, &place);
    let title = paper.paint(RED, &failure.title);
    paper.line(&format!("{place}: {title}"));
    if !failure.source.is_empty() {
        let source = paper.paint(DIM, &failure.source);
        paper.line(&format!("    {source}"));
    }
    for mismatch in &failure.mismatches {
        write_mismatch(paper, mismatch);
    }
    if !failure.recent.is_empty() {
        paper.line("  last events");
        for event in &failure.recent {
            let event = paper.paint(DIM, event);
            paper.line(&format!("    {event}"));
        }
    }
}

fn write_mismatch(paper: &mut Paper, mismatch: &Mismatch) {
    paper.line(&format!("  {}", mismatch.path));
    match &mismatch.difference {
        Difference::Value { expected, found } => {
            let (expected, found) = (paper.paint(GREEN, expected), paper.paint(RED, found));
            paper.line(&format!("    expected  {expected}"));
            paper.line(&format!("    found     {found}"));
        }
        Difference::Rows(rows) => write_rows(paper, rows),
    }
}

/// Two columns: what was expected, what was found; `!` marks rows that do not agree.
fn write_rows(paper: &mut Paper, rows: &[Row]) {
    let width = |row: &Row| row.expected.as_ref().map_or(0, |text| text.chars().count());
    let widest = rows.iter().map(width).max().unwrap_or(0).max("expected".len());
    let column = widest.min(COLUMN_WIDTH_MAX);
    paper.line(&format!("      {:column$}  found", "expected"));
    for row in rows {
        let expected = row.expected.as_deref().unwrap_or("-");
        let found = row.found.as_deref().unwrap_or("-");
        let mut left = String::new();
        // Writing to a string cannot fail.
        let _ = write!(left, "{expected:column$}");
        let (mark, left, found) = match row.agrees {
            true => (" ", left, found.to_string()),
            false => ("!", paper.paint(GREEN, &left), paper.paint(RED, found)),
        };
        paper.line(&format!("    {mark} {left}  {found}"));
    }
}
