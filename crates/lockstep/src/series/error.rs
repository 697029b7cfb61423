//! What can be wrong with a recorded file. Every error names the line, and where there is one the
//! field and the limit it broke; text quoted from a file is cut short and escaped.

use std::{fmt, io};

/// Most characters of a file that an error quotes.
const QUOTED_CHARS_MAX: usize = 40;

/// Why a file could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// The source failed, or its compressed stream is damaged.
    Io {
        /// Line at which it happened, from 1.
        line: u64,
        /// What the operating system or the decoder said.
        kind: io::ErrorKind,
    },
    /// The first line is not the header of this kind of file.
    Header {
        /// The header this kind of file has.
        expected: &'static str,
        /// What was there, cut short.
        found: String,
    },
    /// Only a header, or rows of which none was wanted.
    NoRows,
    /// A line longer than any row can be.
    LineTooLong {
        /// Line, from 1.
        line: u64,
        /// Most bytes in a line.
        bytes_max: usize,
    },
    /// The last line does not end with a newline: the file was cut off.
    CutOff {
        /// Line, from 1.
        line: u64,
    },
    /// A line that is not UTF-8 text.
    NotText {
        /// Line, from 1.
        line: u64,
    },
    /// More rows than this kind of file may have.
    TooManyRows {
        /// Line of the first row too many, from 1.
        line: u64,
        /// Most rows.
        rows_max: u64,
    },
    /// A row with more or fewer fields than the header names.
    FieldCount {
        /// Line, from 1.
        line: u64,
        /// Fields the header names.
        expected: usize,
        /// Fields in this row.
        found: usize,
    },
    /// A field that does not hold what it should.
    Field {
        /// Line, from 1.
        line: u64,
        /// Name of the field, as in the header.
        field: &'static str,
        /// What is wrong with it.
        fault: Fault,
    },
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing there.
    Empty,
    /// Not a whole number in plain digits (a minus sign is allowed where the range is).
    NotAnInteger {
        /// What was there, cut short.
        found: String,
    },
    /// Not a plain positive decimal number.
    NotADecimal {
        /// What was there, cut short.
        found: String,
        /// Most digits after the point.
        fraction_digits_max: usize,
    },
    /// A number outside its limits.
    OutOfRange {
        /// The number; the nearest 128-bit number if even that is too narrow.
        found: i128,
        /// Least value allowed.
        min: i128,
        /// Greatest value allowed.
        max: i128,
    },
    /// A time that must lie after the one before it, and does not.
    NotAfter {
        /// The time before it.
        previous: i64,
    },
    /// A time earlier than the one before it.
    Backwards {
        /// The time before it.
        previous: i64,
    },
    /// A time between the steps of its grid.
    OffGrid {
        /// Milliseconds between steps.
        step_ms: i64,
    },
    /// A word that is none of those allowed.
    Unknown {
        /// What was there, cut short.
        found: String,
        /// The words allowed.
        allowed: &'static str,
    },
}

/// The beginning of a text, safe to print on one line.
pub(super) fn quoted(text: &str) -> String {
    let mut short: String =
        text.chars().take(QUOTED_CHARS_MAX).flat_map(char::escape_default).collect();
    if text.chars().nth(QUOTED_CHARS_MAX).is_some() {
        short.push_str("...");
    }
    short
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { line, kind } => write!(f, "line {line}: {kind}"),
            Self::Header { expected, found } => {
                write!(f, "line 1: the header should be \"{expected}\", not \"{found}\"")
            }
            Self::NoRows => write!(f, "the file has no rows that are wanted"),
            Self::LineTooLong { line, bytes_max } => {
                write!(f, "line {line}: longer than {bytes_max} bytes")
            }
            Self::CutOff { line } => write!(f, "line {line}: no newline, the file is cut off"),
            Self::NotText { line } => write!(f, "line {line}: not UTF-8 text"),
            Self::TooManyRows { line, rows_max } => {
                write!(f, "line {line}: more than {rows_max} rows")
            }
            Self::FieldCount { line, expected, found } => {
                write!(f, "line {line}: {found} fields, expected {expected}")
            }
            Self::Field { line, field, fault } => write!(f, "line {line}, {field}: {fault}"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "empty"),
            Self::NotAnInteger { found } => write!(f, "\"{found}\" is not a whole number"),
            Self::NotADecimal { found, fraction_digits_max } => write!(
                f,
                "\"{found}\" is not a positive decimal with at most {fraction_digits_max} digits \
                 after the point"
            ),
            Self::OutOfRange { found, min, max } => {
                write!(f, "{found} is outside {min} to {max}")
            }
            Self::NotAfter { previous } => write!(f, "does not lie after {previous}"),
            Self::Backwards { previous } => write!(f, "lies before {previous}"),
            Self::OffGrid { step_ms } => write!(f, "is not a multiple of {step_ms} ms"),
            Self::Unknown { found, allowed } => write!(f, "\"{found}\" is none of {allowed}"),
        }
    }
}

impl std::error::Error for ReadError {}
