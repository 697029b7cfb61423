//! `lockstep node`: one validator on this host's sockets and files, until it is asked to stop.
//!
//! It reports prices and what it saw final, and says now and then how it fares. Invariants: SIGTERM
//! and SIGINT end it cleanly with code 0; a part of it that fails ends it with code 1, so that
//! whoever supervises it starts it again; what is wrong with its files is said before anything is
//! started. Deliberately absent: trading.

use super::config::NodeConfig;
use super::feeder::Feeder;
use crate::devnet::feed::Reporters;
use crate::devnet::follower::Seen;
use crate::devnet::status::{percentile_tenths, shown_ms};
use crate::devnet::{Every, now};
use crate::failure::Failure;
use crate::output;
use crate::proof::read_genesis;
use clap::Args;
use lockstep_client::{KeyFile, hex};
use lockstep_ledger::Genesis;
use lockstep_node::application::Pace;
use lockstep_node::host::{HostConfig, Hosted, Node, Stop, run as host};
use lockstep_node::validator::{Retention, Timeouts};
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

/// How long the driver waits for a block at most before it looks at the clock.
const TICK: Duration = Duration::from_millis(20);

/// Arguments of `lockstep node`.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    /// How the node runs; `lockstep testnet init` writes such files.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Seconds between lines about how it fares; 0 for none.
    #[arg(long, value_name = "S", default_value_t = 10)]
    lines: u64,
}

/// Runs `lockstep node`.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = NodeConfig::read(&arguments.config)?;
    let genesis = read_genesis(&config.genesis)?;
    let key = KeyFile::read(&config.key)?;
    let feeder = Feeder::new(&config.feed, &genesis)?;
    fs::create_dir_all(&config.data).map_err(Failure::file(&config.data))?;
    let about = |error| Failure::Broken(format!("{}: {error}", arguments.config.display()));
    let others = config.others(&key.public_key()).map_err(about)?;
    output::line(&format!(
        "validator {} of chain {}: listening at {}, {} peers known",
        hex::encode(&key.public_key()),
        hex::encode(&genesis.chain_id().0),
        config.listen,
        others.len(),
    ))?;
    let host_config = host_config(&config, &genesis, &key, others)?;
    let drive = Drive {
        feeder,
        reporters: Reporters::new(&genesis, &[key.seed()]),
        reports: Every::new(Duration::from_millis(config.feed.interval_ms)),
        lines: arguments.lines,
    };
    host(host_config, move |nodes| drive.run(&nodes))
        .map_err(|error| Failure::Broken(error.to_string()))?
}

/// The network stops the process over an address that is taken: better to say so before.
fn is_free(field: &str, address: SocketAddr) -> Result<(), Failure> {
    let taken = |error| Failure::Broken(format!("{field}: {address} cannot be used: {error}"));
    TcpListener::bind(address).map(drop).map_err(taken)
}

fn host_config(
    config: &NodeConfig,
    genesis: &Genesis,
    key: &KeyFile,
    others: Vec<([u8; 32], SocketAddr)>,
) -> Result<HostConfig, Failure> {
    is_free("listen", config.listen)?;
    if let Some(rpc) = config.rpc {
        is_free("rpc", rpc)?;
    }
    Ok(HostConfig {
        genesis: Arc::new(genesis.clone()),
        hosted: vec![Hosted {
            seed: key.seed(),
            listen: config.listen,
            rpc: config.rpc,
            malice: None,
        }],
        others,
        data: config.data.clone(),
        pace: Pace {
            interval_min: Duration::from_millis(config.blocks.interval_ms_min),
            heartbeat: Duration::from_millis(config.blocks.heartbeat_ms),
            ..Pace::default()
        },
        timeouts: Timeouts::default(),
        retention: Retention { blocks: config.blocks.kept },
        threads: config.threads,
        minds_signals: true,
    })
}

/// What goes on beside consensus.
struct Drive {
    feeder: Feeder,
    reporters: Reporters,
    reports: Every,
    lines: u64,
}

impl Drive {
    fn run(mut self, nodes: &[Node]) -> Result<(), Failure> {
        let node = nodes.first().ok_or_else(|| Failure::Broken("no validator".to_string()))?;
        if let Some(rpc) = node.rpc() {
            output::line(&format!("answering at http://{rpc}"))?;
        }
        let blocks = node.listen();
        let mut lines = Every::new(Duration::from_secs(self.lines.max(1)));
        let (mut seen, mut counted) = (Seen::default(), (0, 0));
        loop {
            match node.stop() {
                Some(Stop::Signal) => return output::line("stopping: asked to"),
                Some(stop @ Stop::Ended(_)) => return Err(Failure::Broken(stop.to_string())),
                None => {}
            }
            match blocks.recv_timeout(TICK) {
                Ok(finalized) => {
                    seen.note(finalized.block.header().height);
                    blocks.try_iter().for_each(|next| seen.note(next.block.header().height));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Failure::Broken("the validator has stopped".to_string()));
                }
            }
            let time = now();
            if self.reports.is_due() {
                let words = self.feeder.words(time);
                self.reporters.report(nodes, &words, seen.words(), time)?;
            }
            if self.lines > 0 && lines.is_due() {
                counted = line(node, counted, self.lines)?;
            }
        }
    }
}

/// Says how the node fares; blocks and commands so far.
fn line(node: &Node, before: (u64, u64), seconds: u64) -> Result<(u64, u64), Failure> {
    let (notes, counters) = (node.notes(), node.notes().counters());
    let latencies = notes.latencies();
    output::line(&format!(
        "height {} | {} blocks and {} commands in {seconds} s | own blocks final after {} ms \
         (p50), {} ms (p99) | {} waiting | {} views skipped, {} offences, {} peers cut off",
        counters.height,
        counters.blocks - before.0,
        counters.commands - before.1,
        shown_ms(percentile_tenths(&latencies, 50)),
        shown_ms(percentile_tenths(&latencies, 99)),
        node.waiting(),
        counters.skipped_views,
        counters.offences,
        counters.cut_off,
    ))?;
    Ok((counters.blocks, counters.commands))
}
