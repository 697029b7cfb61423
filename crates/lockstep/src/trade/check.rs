//! `lockstep trade check`: whether every acknowledged command is in the chain of every node.
//!
//! Blocks are fetched from each node and their commands named again. A node that lost its files or
//! keeps few blocks has no old ones; there the parent that its first block names must be the block
//! of those nodes that have more, so that what it builds on has the commands. Invariants: every
//! node's blocks are chained to each other; nothing counts as found but in a block. Deliberately
//! absent: certificates; nodes are compared with each other.

use super::CheckArguments;
use super::record::{Acknowledged, read};
use crate::failure::Failure;
use crate::output;
use crate::report::{Block as Part, Column, Report, Table};
use lockstep_client::limits::PAGE_BLOCKS_MAX;
use lockstep_client::{NodeError, RemoteNode};
use lockstep_node::block::Block;
use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a node may take to come up to the last acknowledged command.
const PATIENCE: Duration = Duration::from_secs(90);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(200);

/// What one node has of the heights in question.
#[derive(Debug, Default)]
pub struct Kept {
    /// Its address.
    pub url: String,
    /// The first height that it keeps.
    pub first: u64,
    /// Digests of its blocks from there on.
    pub digests: Vec<[u8; 32]>,
    /// What its first block names as its parent.
    pub parent: [u8; 32],
    /// Acknowledged commands that are in their blocks.
    pub found: u64,
    /// Acknowledged commands whose blocks it has without them.
    pub missing: u64,
}

impl Kept {
    fn digest(&self, height: u64) -> Option<&[u8; 32]> {
        let place = usize::try_from(height.checked_sub(self.first)?).ok()?;
        self.digests.get(place)
    }

    fn last(&self) -> u64 {
        let count = u64::try_from(self.digests.len()).unwrap_or(u64::MAX);
        self.first.saturating_add(count).saturating_sub(1)
    }

    /// Adds the node's next block.
    ///
    /// # Errors
    /// When it does not follow the one before.
    fn add(&mut self, block: &Block, acknowledged: &Acknowledged) -> Result<(), Failure> {
        let header = block.header();
        let broken = |why: &str| {
            Err(Failure::Broken(format!("{}: block {}: {why}", self.url, header.height)))
        };
        match self.digests.last() {
            None => (self.first, self.parent) = (header.height, header.parent),
            Some(_) if header.height != self.last() + 1 => return broken("out of order"),
            Some(last) if *last != header.parent => return broken("its parent is another block"),
            Some(_) => {}
        }
        self.digests.push(header.digest().0);
        if let Some(wanted) = acknowledged.commands.get(&header.height) {
            let names: BTreeSet<[u8; 32]> = block.command_names().iter().map(|id| id.0).collect();
            let found = wanted.iter().filter(|id| names.contains(*id)).count();
            self.found += u64::try_from(found).unwrap_or(u64::MAX);
            self.missing += u64::try_from(wanted.len() - found).unwrap_or(u64::MAX);
        }
        Ok(())
    }
}

/// What is wrong with what nodes have, if anything. Blocks below the first that is kept anywhere
/// are passed over if `kept_only`.
pub fn complaints(all: &[Kept], acknowledged: &Acknowledged, kept_only: bool) -> Vec<String> {
    let mut complaints = Vec::new();
    let Some(most) = all.iter().min_by_key(|kept| kept.first) else { return complaints };
    let lost: usize =
        acknowledged.commands.range(..most.first).map(|(_, commands)| commands.len()).sum();
    if lost > 0 && !kept_only {
        let first = most.first;
        complaints.push(format!("{lost} commands are below block {first}, the first that is kept"));
    }
    for kept in all {
        let url = &kept.url;
        if kept.missing > 0 {
            complaints.push(format!("{url}: {} commands are not in their blocks", kept.missing));
        }
        let differing = (kept.first..=kept.last()).find(|height| {
            most.digest(*height).is_some_and(|one| kept.digest(*height) != Some(one))
        });
        if let Some(height) = differing {
            complaints.push(format!("{url}: block {height} is another one than at {}", most.url));
        }
        let before = kept.first.checked_sub(1).filter(|_| !kept.digests.is_empty());
        let before = before.and_then(|height| most.digest(height));
        if before.is_some_and(|before| *before != kept.parent) {
            let first = kept.first;
            complaints
                .push(format!("{url}: block {first} builds on another one than at {}", most.url));
        }
    }
    complaints
}

/// Waits until a node has executed a height of the right chain.
fn wait(node: &RemoteNode, chain: &str, height: u64) -> Result<(), Failure> {
    let began = Instant::now();
    loop {
        let status = node.status();
        let at = match &status {
            Ok(status) if status.chain != chain => {
                return Err(Failure::Broken(format!("{}: of another chain", node.url())));
            }
            Ok(status) if status.height >= height => return Ok(()),
            Ok(status) => status.height,
            Err(_) => 0,
        };
        if began.elapsed() > PATIENCE {
            status?;
            let url = node.url();
            return Err(Failure::Broken(format!("{url}: at {at}, below {height}")));
        }
        sleep(PAUSE);
    }
}

fn is_missing(error: &NodeError) -> bool {
    matches!(error, NodeError::Refused { status: 404, .. })
}

/// The first height from `from` to `last` that a node keeps; the one after them if none.
fn first_kept(node: &RemoteNode, from: u64, last: u64) -> Result<u64, NodeError> {
    let is_kept = |height: u64| match node.roots(height) {
        Ok(_) => Ok(true),
        Err(error) if is_missing(&error) => Ok(false),
        Err(error) => Err(error),
    };
    // What is kept goes on to the last one.
    let (mut low, mut high) = (from, last.saturating_add(1));
    while low < high {
        let middle = low + (high - low) / 2;
        if is_kept(middle)? { high = middle } else { low = middle + 1 }
    }
    Ok(low)
}

fn fetch(node: &RemoteNode, acknowledged: &Acknowledged) -> Result<Kept, Failure> {
    let mut kept = Kept { url: node.url().to_string(), ..Kept::default() };
    let heights = &acknowledged.commands;
    let (Some((from, _)), Some((to, _))) = (heights.first_key_value(), heights.last_key_value())
    else {
        return Ok(kept);
    };
    wait(node, &acknowledged.chain, *to)?;
    let mut next = first_kept(node, *from, *to)?;
    let began = Instant::now();
    while next <= *to {
        let limit = (*to - next + 1).min(PAGE_BLOCKS_MAX);
        let frames = match node.blocks(next, limit) {
            Ok(frames) => frames,
            // It has forgotten that block meanwhile, or took over the state after it and has its
            // roots alone.
            Err(error) if is_missing(&error) && kept.digests.is_empty() => {
                next = first_kept(node, next.saturating_add(1), *to)?;
                continue;
            }
            // A node that has just joined fetches blocks between that it was not there for.
            Err(error) if is_missing(&error) && began.elapsed() < PATIENCE => {
                sleep(PAUSE);
                continue;
            }
            Err(error) if is_missing(&error) => {
                let why = format!("{}: block {next} is missing between others", node.url());
                return Err(Failure::Broken(why));
            }
            Err(error) => return Err(error.into()),
        };
        for frame in frames {
            let block = Block::from_bytes(&frame.block).map_err(|error| {
                Failure::Broken(format!("{}: block {next}: {error}", node.url()))
            })?;
            if block.header().height != next {
                let why = format!("{}: block {next} is another height's", node.url());
                return Err(Failure::Broken(why));
            }
            kept.add(&block, acknowledged)?;
            next += 1;
        }
    }
    if kept.digests.is_empty() {
        kept.first = next;
    }
    Ok(kept)
}

/// Runs `lockstep trade check`.
pub fn run(arguments: &CheckArguments, nodes: &[RemoteNode]) -> Result<(), Failure> {
    let acknowledged = read(&arguments.record)?;
    if acknowledged.count == 0 {
        let path = arguments.record.display();
        return Err(Failure::Broken(format!("{path}: no command was acknowledged")));
    }
    let asked = |node| fetch(node, &acknowledged);
    let all: Result<Vec<Kept>, Failure> = nodes.iter().map(asked).collect();
    let all = all?;
    output::print(&report(&all, &acknowledged))?;
    let complaints = complaints(&all, &acknowledged, arguments.kept_only);
    if complaints.is_empty() {
        return Ok(());
    }
    Err(Failure::Broken(complaints.join("\n")))
}

fn report(all: &[Kept], acknowledged: &Acknowledged) -> Report {
    let mut report = Report::new("Acknowledged commands", "Whether every node has them.");
    report.provenance("chain", acknowledged.chain.clone());
    let columns = ["first block", "last block", "found", "below its first block", "missing"];
    let row = |kept: &Kept| {
        let below: usize =
            acknowledged.commands.range(..kept.first).map(|(_, commands)| commands.len()).sum();
        vec![
            kept.url.clone(),
            kept.first.to_string(),
            kept.last().to_string(),
            kept.found.to_string(),
            below.to_string(),
            kept.missing.to_string(),
        ]
    };
    let table = Table {
        title: "Nodes".to_string(),
        note: format!(
            "{} commands were acknowledged in {} blocks. What is below a node's first block is in \
             the blocks of others, on which that one builds.",
            acknowledged.count,
            acknowledged.commands.len(),
        ),
        columns: std::iter::once(Column::words("node"))
            .chain(columns.map(Column::numbers))
            .collect(),
        rows: all.iter().map(row).collect(),
    };
    report.section("Nodes", vec![Part::Table(table)]);
    report
}
