//! The command line: what can be asked, and which room answers.
//!
//! Results go to stdout, progress and complaints to stderr. The exit code is 0 when everything
//! asked for was done and held, 1 when not, 2 when the arguments make no sense. Deliberately
//! absent: defaults that read files; without arguments the binary runs a network of its own.

use crate::failure::Failure;
use crate::{bench, margin, price, replay, series};
#[cfg(feature = "network")]
use crate::{devnet, operate, proof, simulate, trade};
use clap::{Args, Parser, Subcommand};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// A deterministic exchange for options, futures and perpetuals.
#[derive(Debug, Parser)]
#[command(name = "lockstep", version, about, max_term_width = 100)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Replay scenarios, order flows, a venue's tape, or (by default) a crash story.
    Replay(replay::Arguments),
    /// Price options by Black-76: prices, Greeks, implied volatility; one by one or as CSV.
    Price(price::Arguments),
    /// Margin a portfolio by both models: equity, requirements, every part, every scenario.
    Margin(margin::Arguments),
    /// Measure what things cost, on work whose result is checked first.
    Bench {
        #[command(subcommand)]
        what: bench::Arguments,
    },
    /// Run a whole network in this process (the default): validators over sockets, prices, makers,
    /// takers.
    #[cfg(feature = "network")]
    Devnet(devnet::Arguments),
    /// Make key files, and show the public half of one.
    #[cfg(feature = "network")]
    Keys {
        #[command(subcommand)]
        what: operate::keys::Arguments,
    },
    /// Make all files of a network of several hosts.
    #[cfg(feature = "network")]
    Testnet {
        #[command(subcommand)]
        what: operate::testnet::Arguments,
    },
    /// Run one validator.
    #[cfg(feature = "network")]
    Node(operate::node::Arguments),
    /// Ask several nodes how they fare, and compare their roots.
    #[cfg(feature = "network")]
    Status(operate::status::Arguments),
    /// Show blocks as they become final, each checked against its committee.
    #[cfg(feature = "network")]
    Follow(operate::follow::Arguments),
    /// Execute all final blocks again and name whatever is wrong with them.
    #[cfg(feature = "network")]
    Audit(operate::audit::Arguments),
    /// Write the state after a node's last certified block to a file that an audit may begin with.
    #[cfg(feature = "network")]
    Snapshot(operate::audit::SnapshotArguments),
    /// Tell the chain what an owner wants with its stake, its validator and its votes.
    #[cfg(feature = "network")]
    Stake(operate::stake::Arguments),
    /// Trade on a running network over HTTP, and check that nothing acknowledged was lost.
    #[cfg(feature = "network")]
    Trade {
        #[command(subcommand)]
        what: trade::Arguments,
    },
    /// Prove from a node's files what the state says of an account, a position, an order, all.
    #[cfg(feature = "network")]
    Proof(proof::ProofArguments),
    /// Check a proof with nothing but the genesis and the handovers, and show what it proves.
    #[cfg(feature = "network")]
    Verify(proof::VerifyArguments),
    /// Run whole validators in simulated time, seed by seed, with faults and an auditor.
    #[cfg(feature = "network")]
    Simulate(simulate::Arguments),
    /// Derive the series that the binary carries from raw recordings.
    Series(SeriesArguments),
}

/// What is run when nothing is asked for.
const DEFAULT: &str = if cfg!(feature = "network") { "devnet" } else { "replay" };

#[derive(Debug, Args)]
struct SeriesArguments {
    /// Folder with the raw recordings under the names of data/README.md.
    #[arg(long, value_name = "DIR")]
    raw: PathBuf,
    /// Folder that the derived files go to.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    let line = CommandLine::parse();
    let asked = line.command.or_else(|| CommandLine::parse_from(["lockstep", DEFAULT]).command);
    let outcome = match asked {
        None => Ok(()),
        Some(Command::Replay(arguments)) => replay::run(&arguments),
        Some(Command::Price(arguments)) => price::run(&arguments),
        Some(Command::Margin(arguments)) => margin::run(&arguments),
        Some(Command::Bench { what }) => bench::run(&what),
        #[cfg(feature = "network")]
        Some(Command::Devnet(arguments)) => devnet::run(&arguments),
        #[cfg(feature = "network")]
        Some(Command::Keys { what }) => operate::keys::run(&what),
        #[cfg(feature = "network")]
        Some(Command::Testnet { what }) => operate::testnet::run(&what),
        #[cfg(feature = "network")]
        Some(Command::Node(arguments)) => operate::node::run(&arguments),
        #[cfg(feature = "network")]
        Some(Command::Status(arguments)) => operate::status::run(&arguments),
        #[cfg(feature = "network")]
        Some(Command::Follow(arguments)) => operate::follow::run(&arguments),
        #[cfg(feature = "network")]
        Some(Command::Audit(arguments)) => operate::audit::run(&arguments),
        #[cfg(feature = "network")]
        Some(Command::Snapshot(arguments)) => operate::audit::snapshot(&arguments),
        #[cfg(feature = "network")]
        Some(Command::Stake(arguments)) => operate::stake::run(&arguments),
        #[cfg(feature = "network")]
        Some(Command::Trade { what }) => trade::run(&what),
        #[cfg(feature = "network")]
        Some(Command::Proof(arguments)) => proof::prove(&arguments),
        #[cfg(feature = "network")]
        Some(Command::Verify(arguments)) => proof::check(&arguments),
        #[cfg(feature = "network")]
        Some(Command::Simulate(arguments)) => simulate::run(&arguments),
        Some(Command::Series(arguments)) => derive_series(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read the output has seen enough.
        Err(failure) if failure.is_closed_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            // A closed stderr must not turn a failure into a crash.
            let _ = writeln!(std::io::stderr(), "error: {failure}");
            ExitCode::from(if matches!(failure, Failure::Usage(_)) { 2 } else { 1 })
        }
    }
}

fn derive_series(arguments: &SeriesArguments) -> Result<(), Failure> {
    let derived = series::derive::derive_all(&arguments.raw, &arguments.out)?;
    let mut out = std::io::stdout().lock();
    for file in derived {
        writeln!(out, "{}: {} rows", file.path.display(), file.rows).map_err(Failure::Output)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn no_argument_at_all_is_a_replay_by_default() {
        assert!(CommandLine::try_parse_from(["lockstep"]).is_ok_and(|line| line.command.is_none()));
    }
}
