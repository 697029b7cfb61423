//! What is wrong with the text of a scenario, and where: field by field from the outside in.

use std::fmt;

/// A fault in one line: the field that is wrong and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Path of the field within the line, such as `buy.price`; empty for the line itself.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

/// The result of reading a part of a line.
pub type Parsed<T> = Result<T, Problem>;

impl Problem {
    /// A fault of the value at hand; the caller names the field with [`Problem::at`].
    pub fn new(message: impl Into<String>) -> Self {
        Self { field: String::new(), message: message.into() }
    }

    /// Names the field that encloses what is wrong.
    #[must_use]
    pub fn at(self, name: &str) -> Self {
        let field = match self.field.as_str() {
            "" => name.to_string(),
            inner if inner.starts_with('[') => format!("{name}{inner}"),
            inner => format!("{name}.{inner}"),
        };
        Self { field, ..self }
    }

    /// Names the place in a list that encloses what is wrong.
    #[must_use]
    pub fn at_index(self, index: usize) -> Self {
        self.at(&format!("[{index}]"))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field.as_str() {
            "" => f.write_str(&self.message),
            field => write!(f, "{field}: {}", self.message),
        }
    }
}

impl std::error::Error for Problem {}

/// The name among `known` that `word` was probably meant to be.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = word.to_lowercase();
    let scored = known.into_iter().map(|name| (distance(&wanted, &name.to_lowercase()), name));
    let (edits, name) = scored.min()?;
    (edits <= 2 || edits * 3 <= word.len()).then_some(name)
}

/// Edits (insert, delete, replace a character) that turn one word into the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, letter) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

/// A message for a word that is none of `known`: names them, and the likeliest.
pub fn not_among(what: &str, word: &str, known: &[&str]) -> Problem {
    let hint = match nearest(word, known.iter().copied()) {
        Some(name) => format!(" (did you mean `{name}`?)"),
        None => String::new(),
    };
    Problem::new(format!("unknown {what} `{word}`{hint}; allowed: {}", known.join(", ")))
}
