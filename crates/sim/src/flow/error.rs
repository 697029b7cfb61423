//! What can be wrong with a flow: the field, its value and its limits.

use std::fmt;

/// Where a bad field stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the header of a file.
    Header,
    /// In the event of this index, from 0.
    Event(u64),
    /// In a [`super::Shape`].
    Shape,
}

/// Why there is no flow.
#[derive(Debug)]
pub enum FlowError {
    /// The operating system refused.
    Io(std::io::Error),
    /// [`super::NAMES`] has no such flow.
    UnknownName(String),
    /// The file does not start with [`super::MAGIC`].
    NotAFlow,
    /// The file is shorter or longer than its header says (or than a header is).
    FileBytes {
        /// Bytes present.
        bytes: u64,
        /// Bytes that the header asks for.
        bytes_expected: u64,
    },
    /// A field is outside its limits.
    OutOfRange {
        /// Where the field stands.
        place: Place,
        /// Name of the field.
        field: &'static str,
        /// What it holds.
        value: u64,
        /// Least value allowed.
        min: u64,
        /// Greatest value allowed.
        max: u64,
    },
}

impl From<std::io::Error> for FlowError {
    fn from(error: std::io::Error) -> FlowError {
        FlowError::Io(error)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Header => f.write_str("header"),
            Place::Event(index) => write!(f, "event {index}"),
            Place::Shape => f.write_str("shape"),
        }
    }
}

impl fmt::Display for FlowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FlowError::Io(error) => write!(f, "flow file: {error}"),
            FlowError::UnknownName(name) => {
                write!(f, "no flow is named {name:?}; known are {}", super::NAMES.join(", "))
            }
            FlowError::NotAFlow => f.write_str("flow file: the magic OFLOW001 is missing"),
            FlowError::FileBytes { bytes, bytes_expected } => {
                write!(f, "flow file: {bytes} bytes instead of {bytes_expected}")
            }
            FlowError::OutOfRange { place, field, value, min, max } => {
                write!(f, "flow {place}: {field} is {value}, allowed are {min}..={max}")
            }
        }
    }
}

impl std::error::Error for FlowError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            FlowError::Io(error) => Some(error),
            _ => None,
        }
    }
}

/// `Ok` if `min <= value <= max`, else the error that names the field.
pub(super) fn within(
    place: Place,
    field: &'static str,
    value: u64,
    min: u64,
    max: u64,
) -> Result<(), FlowError> {
    if value < min || value > max {
        return Err(FlowError::OutOfRange { place, field, value, min, max });
    }
    Ok(())
}
