//! What an operator does: keys, networks of several hosts, one node, a look at many.
//!
//! [`keys`] makes key files, [`testnet`] all files of a new network, [`node`] runs one validator
//! from a [`config`], [`status`] compares several nodes, [`follow`] shows blocks as they become
//! final, [`audit`] executes all of them again, [`stake`] tells the chain what an owner wants.
//! Deliberately absent: anything that needs more than one machine at a time; files are carried by
//! whoever owns the machines.

pub mod audit;
pub mod config;
pub mod feeder;
pub mod follow;
pub mod keys;
pub mod node;
mod sources;
pub mod stake;
pub mod status;
pub mod testnet;
#[cfg(test)]
mod tests;

use crate::failure::Failure;
use crate::output;
use crate::proof::read_genesis;
use lockstep_client::{Happened, KeyError, NodeError, RemoteNode, hex};
use lockstep_ledger::Genesis;
use lockstep_types::codec::Decode as _;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a node may take to execute a block that it has already handed out.
const EXECUTION_MAX: Duration = Duration::from_secs(5);
/// Between two questions about that.
const PAUSE: Duration = Duration::from_millis(50);

/// What a block caused, once the node has executed it: it has blocks a little sooner than that.
fn events_of(node: &RemoteNode, height: u64) -> Result<Happened, NodeError> {
    let began = Instant::now();
    loop {
        // Asked first: what it had executed before the question it must know then.
        let is_open = node.status()?.height < height && began.elapsed() < EXECUTION_MAX;
        match node.events(height) {
            Err(NodeError::Refused { status: 404, .. }) if is_open => sleep(PAUSE),
            answer => return answer,
        }
    }
}

/// The genesis of a file, or, if none is given, of the first node that answers: then it is said
/// that the node is believed.
fn believed(path: Option<&Path>, nodes: &[RemoteNode]) -> Result<Genesis, Failure> {
    if let Some(path) = path {
        return read_genesis(path);
    }
    let mut complaints = Vec::new();
    for node in nodes {
        let genesis = match node.genesis() {
            Ok(bytes) => Genesis::from_bytes(&bytes),
            Err(error) => {
                complaints.push(error.to_string());
                continue;
            }
        };
        let wrong = |error| Failure::Broken(format!("{}: genesis: {error}", node.url()));
        let genesis = genesis.map_err(wrong)?;
        let chain = hex::encode(&genesis.chain_id().0);
        output::aside(&format!(
            "warning: without --genesis, {} is believed about what the chain is: {chain}",
            node.url()
        ));
        return Ok(genesis);
    }
    complaints.push("--genesis: what is believed is needed".to_string());
    Err(Failure::Broken(complaints.join("\n")))
}

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
