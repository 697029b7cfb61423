//! The fields of one object, taken out one by one.
//!
//! Every name that is asked for counts as known; whatever is left at the end is an error that lists
//! the known names. So no field is ever passed over in silence, and the list cannot go stale.

use super::problem::{Parsed, Problem, nearest};
use crate::json::Json;

/// The fields that have not been taken yet.
#[derive(Debug)]
pub struct Fields {
    entries: Vec<(String, Json)>,
    known: Vec<&'static str>,
}

impl Fields {
    /// The fields of `value`.
    ///
    /// # Errors
    /// When it is no object.
    pub fn of(value: Json) -> Parsed<Self> {
        match value {
            Json::Object(entries) => Ok(Self { entries, known: Vec::new() }),
            other => Err(Problem::new(format!("expected an object, found {}", other.kind()))),
        }
    }

    /// The fields themselves.
    pub fn from_entries(entries: Vec<(String, Json)>) -> Self {
        Self { entries, known: Vec::new() }
    }

    /// Takes a field out, under any of its names; `null` is a value here.
    ///
    /// # Errors
    /// When it stands there under two of its names.
    pub fn raw(&mut self, names: &[&'static str]) -> Parsed<Option<(&'static str, Json)>> {
        self.known.extend(names);
        let mut found = None;
        for name in names {
            let Some(index) = self.entries.iter().position(|(field, _)| field == name) else {
                continue;
            };
            let (_, value) = self.entries.remove(index);
            if let Some((other, _)) = found {
                return Err(Problem::new(format!("say either `{other}` or `{name}`")));
            }
            found = Some((*name, value));
        }
        Ok(found)
    }

    /// Takes an optional field out and reads it; `null` counts as absent.
    ///
    /// # Errors
    /// When `read` refuses the value.
    pub fn opt<T>(
        &mut self,
        names: &[&'static str],
        read: impl FnOnce(&Json) -> Parsed<T>,
    ) -> Parsed<Option<T>> {
        match self.raw(names)? {
            None | Some((_, Json::Null)) => Ok(None),
            Some((name, value)) => read(&value).map(Some).map_err(|problem| problem.at(name)),
        }
    }

    /// Takes a required field out and reads it.
    ///
    /// # Errors
    /// When it is missing or `read` refuses it.
    pub fn need<T>(
        &mut self,
        names: &[&'static str],
        read: impl FnOnce(&Json) -> Parsed<T>,
    ) -> Parsed<T> {
        match self.opt(names, read)? {
            Some(value) => Ok(value),
            None => {
                let name = names.first().copied().unwrap_or("");
                // A misspelt name is the likeliest reason that one is missing.
                let near = self
                    .entries
                    .iter()
                    .map(|(field, _)| field.as_str())
                    .find(|field| nearest(field, names.iter().copied()).is_some());
                let hint = near.map_or(String::new(), |field| format!("; is it `{field}`?"));
                Err(Problem::new(format!("field `{name}` is missing{hint}")))
            }
        }
    }

    /// Takes out all that is left, for objects whose names are data.
    pub fn rest(&mut self) -> Vec<(String, Json)> {
        std::mem::take(&mut self.entries)
    }

    /// Whether a field of that name is still there.
    pub fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|(field, _)| field == name)
    }

    /// Ends the object.
    ///
    /// # Errors
    /// When a field is left that nobody asked for.
    pub fn finish(self) -> Parsed<()> {
        let Some((field, _)) = self.entries.first() else { return Ok(()) };
        let hint = match nearest(field, self.known.iter().copied()) {
            Some(name) => format!(" (did you mean `{name}`?)"),
            None => String::new(),
        };
        let known = self.known.join(", ");
        Err(Problem::new(format!("unknown field `{field}`{hint}; allowed here: {known}")))
    }
}

/// Reads every element of a list, or a single value as a list of one.
///
/// # Errors
/// When `read` refuses an element; the error names its index.
pub fn list<T>(value: &Json, read: impl Fn(&Json) -> Parsed<T>) -> Parsed<Vec<T>> {
    match value {
        Json::List(parts) => parts
            .iter()
            .enumerate()
            .map(|(index, part)| read(part).map_err(|problem| problem.at_index(index)))
            .collect(),
        single => Ok(vec![read(single)?]),
    }
}
