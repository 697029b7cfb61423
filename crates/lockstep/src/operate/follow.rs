//! `lockstep follow`: final blocks as they come, each checked against its committee.
//!
//! The light client believes the genesis, follows handovers from there on, and accepts what a
//! quorum signed; a node that lies is named on stderr and not asked again, one that is silent makes
//! room for the next. Invariant: what is shown was certified, and events are those that a certified
//! header commits to. Deliberately absent: executing blocks; `lockstep audit` does.

use super::{believed, events_of};
use crate::events_json::to_json_in_block;
use crate::failure::Failure;
use crate::output;
use crate::scenario::names::Names;
use crate::scenario::value::show_time;
use clap::Args;
use lockstep_client::follow::{FollowError, Follower};
use lockstep_client::{Happened, RemoteNode, hex};
use lockstep_ledger::events;
use lockstep_node::block::Block;
use lockstep_node::header::Header;
use lockstep_node::light::{LightClient, LightJudge};
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Between two questions when there is nothing new.
const PAUSE: Duration = Duration::from_millis(100);

/// Arguments of `lockstep follow`.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    /// A node that is asked; several may be given, and are asked in turn.
    #[arg(long = "node", value_name = "URL", required = true)]
    nodes: Vec<String>,
    /// The first block that is shown; without it, the last one that there is now.
    #[arg(long, value_name = "HEIGHT", value_parser = clap::value_parser!(u64).range(1..))]
    from: Option<u64>,
    /// The chain's genesis, which is believed; without it, what the first node says it is.
    #[arg(long, value_name = "FILE")]
    genesis: Option<PathBuf>,
    /// End after so many blocks; 0 for never.
    #[arg(long, value_name = "N", default_value_t = 0)]
    blocks: u64,
    /// Show what each block did, too, as one JSON object for each event.
    #[arg(long)]
    events: bool,
    /// End with an error when there is no new block for so many seconds.
    #[arg(long, value_name = "S", default_value_t = 60,
          value_parser = clap::value_parser!(u64).range(1..))]
    patience: u64,
}

/// Runs `lockstep follow`.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let nodes: Vec<RemoteNode> = arguments.nodes.iter().map(|url| RemoteNode::new(url)).collect();
    let genesis = believed(arguments.genesis.as_deref(), &nodes)?;
    let first = match arguments.from {
        Some(height) => height,
        None => last(&nodes)?,
    };
    let client = LightClient::new(&genesis);
    let client = client.map_err(|error| Failure::Broken(error.to_string()))?;
    let judge = LightJudge::new(client, first);
    let mut follower = Follower::new(nodes.clone(), first, judge);
    let (mut left, mut names, mut moved) = (arguments.blocks, Names::default(), Instant::now());
    loop {
        match follower.poll() {
            Ok(blocks) if blocks.is_empty() => sleep(PAUSE),
            Ok(blocks) => {
                moved = Instant::now();
                for block in &blocks {
                    output::line(&told(block))?;
                    if arguments.events {
                        show_events(&nodes, block.header(), &mut names)?;
                    }
                    left = left.saturating_sub(1);
                    if left == 0 && arguments.blocks > 0 {
                        return Ok(());
                    }
                }
            }
            Err(FollowError::Nobody) => {
                return Err(Failure::Broken(FollowError::Nobody.to_string()));
            }
            Err(error) => {
                output::aside(&format!("warning: {error}"));
                sleep(PAUSE);
            }
        }
        if moved.elapsed() > Duration::from_secs(arguments.patience) {
            let (next, patience) = (follower.next(), arguments.patience);
            return Err(Failure::Broken(format!("no final block {next} within {patience} s")));
        }
    }
}

/// The height of the last block that any of the nodes has.
fn last(nodes: &[RemoteNode]) -> Result<u64, Failure> {
    let statuses: Vec<_> = nodes.iter().map(RemoteNode::status).collect();
    let highest = statuses.iter().flatten().map(|status| status.height).max();
    if let Some(height) = highest {
        return Ok(height.max(1));
    }
    let why: Vec<String> =
        statuses.into_iter().filter_map(Result::err).map(|error| error.to_string()).collect();
    Err(Failure::Broken(why.join("\n")))
}

/// A block in one line.
fn told(block: &Block) -> String {
    let (header, body) = (block.header(), block.body());
    format!(
        "{} | {} | epoch {} | {} commands, {} items | block {} | state {} | events {}",
        header.height,
        show_time(header.time),
        header.epoch,
        body.commands.len(),
        body.system.len(),
        hex::encode(&header.digest()),
        hex::encode(&header.state_root),
        hex::encode(&header.events_root),
    )
}

/// Shows what a block did, from the first node that tells the truth about it.
fn show_events(nodes: &[RemoteNode], header: &Header, names: &mut Names) -> Result<(), Failure> {
    let height = header.height;
    let is_true = |said: &Happened| events::root(&said.venue, &said.chain) == header.events_root;
    let mut why = String::new();
    for node in nodes {
        match events_of(node, height) {
            Ok(said) if is_true(&said) => {
                for event in &said.venue {
                    names.observe(event);
                    output::line(&to_json_in_block(event, height, header.time, names).to_string())?;
                }
                for event in &said.chain {
                    output::line(&format!("{height} | {event:?}"))?;
                }
                return Ok(());
            }
            Ok(_) => why = format!("{}: the events are not the block's", node.url()),
            Err(error) => why = error.to_string(),
        }
    }
    output::aside(&format!("warning: no events of block {height}: {why}"));
    Ok(())
}
