//! `lockstep trade`: makers and takers on a running network, as clients anywhere would be.
//!
//! [`floor`] sends what the traders want and follows the chain, [`gamblers`] are there to be
//! liquidated, [`bring`] carries commands to nodes, [`watch`] fetches final blocks, [`outcomes`]
//! knows what became of each command, [`record`] writes it down, and [`check`] looks afterwards
//! whether every node has all of it.
//!
//! A command is *acknowledged* when this process has seen it in a final block, and not before: a
//! node that took it may die with it. Invariants: every command has one outcome; a command that is
//! brought again is the same bytes; a rate is never exceeded. Deliberately absent: certificates;
//! every block is executed again, and its events must be those that its header names.

mod bring;
mod check;
mod floor;
mod gamblers;
mod outcomes;
mod record;
#[cfg(test)]
mod tests;
mod watch;

use crate::failure::Failure;
use clap::{Args, Subcommand};
use lockstep_client::RemoteNode;
use std::path::PathBuf;
use std::time::Duration;

/// How long a node may take to answer before another one is asked.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(2);
/// How long a check waits for a page of blocks.
const PAGE_TIME_MAX: Duration = Duration::from_secs(15);
/// Gamblers at most.
const GAMBLERS_MAX: u32 = 1_000;
/// Commands per second at most.
const RATE_MAX: u32 = 10_000;

/// Arguments of `lockstep trade`.
#[derive(Clone, Debug, Subcommand)]
pub enum Arguments {
    /// Trade, and write down what became of every command.
    Run(RunArguments),
    /// Look whether every acknowledged command is in the chain of every node.
    Check(CheckArguments),
}

/// Arguments of `lockstep trade run`.
#[derive(Args, Clone, Debug)]
pub struct RunArguments {
    /// Nodes, such as `http://127.0.0.1:43000`; those that are dead are passed over.
    #[arg(long = "node", value_name = "URL,...", value_delimiter = ',', required = true)]
    nodes: Vec<String>,
    /// The network's folder, as `lockstep testnet init` made it: genesis.bin and traders.key.
    #[arg(long, value_name = "DIR")]
    network: PathBuf,
    /// Stop after so long; without it, when interrupted.
    #[arg(long, value_name = "S")]
    seconds: Option<u64>,
    /// Commands per second at most.
    #[arg(long, value_name = "N", default_value_t = 40,
          value_parser = clap::value_parser!(u32).range(1..=i64::from(RATE_MAX)))]
    rate: u32,
    /// Traders beside the network's own whom the faucet gives money to lose; faucet.key is needed.
    #[arg(long, value_name = "N", default_value_t = 0,
          value_parser = clap::value_parser!(u32).range(0..=i64::from(GAMBLERS_MAX)))]
    gamblers: u32,
    /// What the traders' choices follow from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How long a command is good, and is brought again.
    #[arg(long, value_name = "S", default_value_t = 20,
          value_parser = clap::value_parser!(u32).range(1..=3_600))]
    valid: u32,
    /// The file that outcomes go to, one JSON object on each line.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Seconds between lines about how it goes; 0 for none.
    #[arg(long, value_name = "S", default_value_t = 5)]
    lines: u64,
}

/// Arguments of `lockstep trade check`.
#[derive(Args, Clone, Debug)]
pub struct CheckArguments {
    /// The nodes, all of which must be there.
    #[arg(long = "node", value_name = "URL,...", value_delimiter = ',', required = true)]
    nodes: Vec<String>,
    /// What `lockstep trade run` wrote.
    #[arg(long, value_name = "FILE")]
    record: PathBuf,
    /// Pass over what is in blocks that no node keeps any more.
    #[arg(long)]
    kept_only: bool,
}

fn remote(urls: &[String], time_max: Duration) -> Vec<RemoteNode> {
    urls.iter().map(|url| RemoteNode::within(url, time_max)).collect()
}

/// Runs `lockstep trade`.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    match arguments {
        Arguments::Run(arguments) => {
            floor::run(arguments, &remote(&arguments.nodes, ANSWER_TIME_MAX))
        }
        Arguments::Check(arguments) => {
            check::run(arguments, &remote(&arguments.nodes, PAGE_TIME_MAX))
        }
    }
}
