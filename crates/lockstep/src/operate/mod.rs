//! What an operator does: keys, networks of several hosts, one node, a look at many.
//!
//! [`keys`] makes key files, [`testnet`] all files of a new network, [`node`] runs one validator
//! from a [`config`], [`status`] compares several nodes, [`stake`] tells the chain what an owner
//! wants. Deliberately absent: anything that needs
//! more than one machine at a time; files are carried by whoever owns the machines.

pub mod config;
pub mod feeder;
pub mod keys;
pub mod node;
mod sources;
pub mod stake;
pub mod status;
pub mod testnet;
#[cfg(test)]
mod tests;

use crate::failure::Failure;
use lockstep_client::{KeyError, NodeError};

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        Self::Broken(error.to_string())
    }
}

impl From<NodeError> for Failure {
    fn from(error: NodeError) -> Self {
        Self::Broken(error.to_string())
    }
}
