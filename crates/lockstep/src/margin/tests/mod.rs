//! The command's own path, from text to answer: the published vectors, both shapes of file, what is
//! refused, and what is shown.

mod refusals;
mod shapes;
mod shown;
mod vectors;
mod worlds;

use super::account::Options;
use super::answer::Answer;
use super::model::Document;
use super::{answers, read};

/// Reads a file and margins its accounts, which must go well.
fn asked(text: &str, options: Options) -> (Document, Vec<Vec<Answer>>) {
    let document = read::read(text, None).unwrap_or_else(|problem| panic!("{problem}"));
    let answers = answers(&document, options).unwrap_or_else(|problem| panic!("{problem}"));
    (document, answers)
}

/// Why a file is not answered.
fn refusal(text: &str) -> String {
    let asked = read::read(text, None).and_then(|document| answers(&document, Options::default()));
    match asked {
        Ok(_) => panic!("should be refused:\n{text}"),
        Err(problem) => problem.to_string(),
    }
}
