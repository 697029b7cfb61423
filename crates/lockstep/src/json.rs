//! A JSON value that keeps every number as the text it was written with.
//!
//! Prices and amounts are decimals that must reach the engine exactly, so no number ever becomes a
//! float: [`Json::Number`] holds digits, which `lockstep_types::decimal` reads in the unit that is
//! meant. Objects keep the order of their fields and refuse a field that stands twice. Syntax is
//! `serde_json`'s; nesting is bounded here, because its raw values are not. Deliberately absent:
//! any change of how other users of `serde_json` in this workspace see numbers (its feature
//! `arbitrary_precision` would be one).

#[cfg(test)]
mod tests;

use serde::Deserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// Deepest nesting of lists and objects that is read.
pub const DEPTH_MAX: usize = 32;

/// A JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as written.
    Number(String),
    /// A string.
    Text(String),
    /// A list.
    List(Vec<Json>),
    /// An object: its fields in order, each name once.
    Object(Vec<(String, Json)>),
}

/// Why a text is no JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    /// Line at which reading stopped, from 1; 0 when it is not known.
    pub line: usize,
    /// Column at which reading stopped, from 1; 0 when it is not known.
    pub column: usize,
    /// What was wrong.
    pub message: String,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.column) {
            (_, 0) => f.write_str(&self.message),
            (0 | 1, column) => write!(f, "column {column}: {}", self.message),
            (line, column) => write!(f, "line {line}, column {column}: {}", self.message),
        }
    }
}

impl std::error::Error for JsonError {}

impl JsonError {
    /// What is wrong with `part`, which is a piece of the text `whole`.
    fn of(error: &serde_json::Error, whole: &str, part: &str) -> Self {
        // serde_json ends its text with "at line 1 column 7"; where it is, is ours to show.
        let text = error.to_string();
        let message = text.split(" at line ").next().unwrap_or(&text).to_string();
        // Its place is one within the part: lines before the part come on top, and what stands
        // before the part on the part's first line.
        let offset = (part.as_ptr() as usize).wrapping_sub(whole.as_ptr() as usize);
        let before = whole.get(..offset).unwrap_or("");
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let indent = if error.line() == 1 { before.len() - line_start } else { 0 };
        let line = before.matches('\n').count() + error.line();
        let column = if error.column() == 0 { 0 } else { indent + error.column() };
        Self { line, column, message }
    }
}

impl Json {
    /// The value that `text` spells.
    ///
    /// # Errors
    /// When it is not one JSON value, nests deeper than [`DEPTH_MAX`], or an object has a field
    /// twice.
    pub fn parse(text: &str) -> Result<Self, JsonError> {
        let raw: &RawValue =
            serde_json::from_str(text).map_err(|error| JsonError::of(&error, text, text))?;
        Self::grow(text, raw, 0)
    }

    /// A text value.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A number from anything that prints as one.
    pub fn number(number: impl fmt::Display) -> Self {
        Self::Number(number.to_string())
    }

    /// The value of a field of an object.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(fields) => {
                fields.iter().find(|(field, _)| field == name).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// What kind of value it is, in words.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }

    /// The value of `raw`, which is a piece of `whole`.
    fn grow(whole: &str, raw: &RawValue, depth: usize) -> Result<Self, JsonError> {
        if depth > DEPTH_MAX {
            let message = format!("nested deeper than {DEPTH_MAX} levels");
            return Err(JsonError { line: 0, column: 0, message });
        }
        let text = raw.get();
        let wrong = |error: serde_json::Error| JsonError::of(&error, whole, text);
        match text.as_bytes().first() {
            Some(b'n') => Ok(Self::Null),
            Some(b't') => Ok(Self::Bool(true)),
            Some(b'f') => Ok(Self::Bool(false)),
            Some(b'"') => serde_json::from_str(text).map(Self::Text).map_err(wrong),
            Some(b'[') => {
                let parts: Vec<&RawValue> = serde_json::from_str(text).map_err(wrong)?;
                let grown = parts.into_iter().map(|part| Self::grow(whole, part, depth + 1));
                grown.collect::<Result<_, _>>().map(Self::List)
            }
            Some(b'{') => {
                let mut source = serde_json::Deserializer::from_str(text);
                let parts = source.deserialize_map(FieldList).map_err(wrong)?;
                let grown = parts
                    .into_iter()
                    .map(|(name, part)| Ok((name, Self::grow(whole, part, depth + 1)?)));
                grown.collect::<Result<_, _>>().map(Self::Object)
            }
            _ => Ok(Self::Number(text.to_string())),
        }
    }
}

/// Collects an object's fields in order and refuses a second one of the same name.
struct FieldList;

impl<'de> Visitor<'de> for FieldList {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields: Self::Value = Vec::new();
        let mut names = std::collections::BTreeSet::new();
        while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
            if !names.insert(name.clone()) {
                return Err(A::Error::custom(format!("field `{name}` stands twice")));
            }
            fields.push((name, value));
        }
        Ok(fields)
    }
}

fn write_text(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let quoted = serde_json::to_string(text).map_err(|_| fmt::Error)?;
    f.write_str(&quoted)
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(digits) => f.write_str(digits),
            Self::Text(text) => write_text(f, text),
            Self::List(parts) => {
                f.write_str("[")?;
                for (index, part) in parts.iter().enumerate() {
                    let comma = if index > 0 { "," } else { "" };
                    write!(f, "{comma}{part}")?;
                }
                f.write_str("]")
            }
            Self::Object(fields) => {
                f.write_str("{")?;
                for (index, (name, value)) in fields.iter().enumerate() {
                    if index > 0 {
                        f.write_str(",")?;
                    }
                    write_text(f, name)?;
                    write!(f, ":{value}")?;
                }
                f.write_str("}")
            }
        }
    }
}
