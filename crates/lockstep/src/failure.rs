//! Why a command of the binary ended without doing what it was asked, in words for a person.
//!
//! Every kind names the file, the line or the limit it is about. Deliberately absent: causes of
//! the engine's own; a refused market command is an event, not a failure.

use crate::scenario::problem::Problem;
use crate::series::ReadError;
use crate::series::derive::DeriveError;
use lockstep_sim::flow::FlowError;
use lockstep_sim::measure::Mismatch;
use std::path::{Path, PathBuf};
use std::{fmt, io};

/// Why a command failed.
#[derive(Debug)]
pub enum Failure {
    /// The arguments do not go together.
    Usage(String),
    /// The operating system refused a file.
    File {
        /// Which.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
    /// The results could not be written.
    Output(io::Error),
    /// A recorded file does not read.
    Recording {
        /// Its name.
        name: String,
        /// Where and why.
        error: ReadError,
    },
    /// A portfolio does not read, or has no answer.
    Document {
        /// Its file's name.
        name: String,
        /// Where and why.
        problem: Problem,
    },
    /// A flow does not read.
    Flow {
        /// Its name.
        name: String,
        /// Why.
        error: FlowError,
    },
    /// A matcher did other work than the flow asks for.
    Matching {
        /// Which matcher on which flow.
        what: String,
        /// The difference.
        mismatch: Mismatch,
    },
    /// The shipped series could not be derived.
    Series(DeriveError),
    /// Something that must hold does not; what it was has been reported, or is said here.
    Broken(String),
}

impl Failure {
    /// The operating system's refusal of a file.
    pub fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |error| Self::File { path, error }
    }

    /// Whether it only means that the reader of the output has gone away.
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

impl From<DeriveError> for Failure {
    fn from(error: DeriveError) -> Self {
        Self::Series(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(what) | Self::Broken(what) => f.write_str(what),
            Self::File { path, error } => write!(f, "{}: {error}", path.display()),
            Self::Output(error) => write!(f, "the output cannot be written: {error}"),
            Self::Recording { name, error } => write!(f, "{name}: {error}"),
            Self::Document { name, problem } => write!(f, "{name}: {problem}"),
            Self::Flow { name, error } => write!(f, "{name}: {error}"),
            Self::Matching { what, mismatch } => write!(f, "{what}: {mismatch}"),
            Self::Series(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Failure {}
