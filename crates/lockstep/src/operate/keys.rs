//! `lockstep keys`: key files are made and looked at.
//!
//! Deliberately absent: showing a secret.

use crate::failure::Failure;
use crate::output;
use clap::Subcommand;
use lockstep_client::{KeyFile, hex};
use std::path::PathBuf;

/// Arguments of `lockstep keys`.
#[derive(Clone, Debug, Subcommand)]
pub enum Arguments {
    /// Make a key of random bytes and show its public half; a file that is there is left alone.
    New {
        /// The file, which only its owner will be able to read.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Show the public half of a key.
    Show {
        /// The file.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// Runs `lockstep keys`.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let key = match arguments {
        Arguments::New { file } => KeyFile::create(file)?,
        Arguments::Show { file } => KeyFile::read(file)?,
    };
    output::line(&hex::encode(&key.public_key()))
}
