//! Fetches final blocks one after another, from whichever node has them.
//!
//! Invariants: heights follow each other without a gap; what waits to be heard is bounded.
//! Deliberately absent: belief; whoever hears a block executes it.

use crate::failure::Failure;
use lockstep_client::limits::PAGE_BLOCKS_MAX;
use lockstep_client::{NodeError, RemoteNode};
use lockstep_node::block::Block;
use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

/// Blocks that wait to be heard at most.
const HEARD_MAX: usize = 256;
/// Between two looks at a node that has nothing new.
const PAUSE: Duration = Duration::from_millis(20);
/// A node that has had nothing new for so long may be behind: another one is asked.
const STALE: Duration = Duration::from_millis(500);

/// What is heard of the chain.
pub enum Heard {
    /// The next final block.
    Block(Box<Block>),
    /// There is no further one yet.
    Tip,
    /// There will be none.
    Failed(Failure),
}

/// Fetches the blocks from a height on, until nobody listens.
pub fn start(nodes: &[RemoteNode], from: u64) -> Receiver<Heard> {
    let (to, heard) = sync_channel(HEARD_MAX);
    let nodes = nodes.to_vec();
    let watch =
        Watch { nodes, at: 0, next: from, moved: Instant::now(), lacking: BTreeSet::new(), to };
    spawn(move || {
        let mut watch = watch;
        while watch.look() {}
    });
    heard
}

struct Watch {
    nodes: Vec<RemoteNode>,
    at: usize,
    next: u64,
    moved: Instant,
    /// Nodes that are beyond the next block and do not have it.
    lacking: BTreeSet<usize>,
    to: SyncSender<Heard>,
}

fn is_missing(error: &NodeError) -> bool {
    matches!(error, NodeError::Refused { status: 404, .. })
}

impl Watch {
    /// Asks one node; whether to go on.
    fn look(&mut self) -> bool {
        let Some(node) = self.nodes.get(self.at).cloned() else { return false };
        match node.blocks(self.next, PAGE_BLOCKS_MAX) {
            Ok(frames) => frames.iter().all(|frame| self.hear(&node, &frame.block)),
            Err(error) if is_missing(&error) => {
                if self.to.send(Heard::Tip).is_err() {
                    return false;
                }
                if self.moved.elapsed() > STALE && !self.turn_from(&node) {
                    return false;
                }
                sleep(PAUSE);
                true
            }
            Err(_) => {
                self.at = (self.at + 1) % self.nodes.len();
                sleep(PAUSE);
                true
            }
        }
    }

    fn hear(&mut self, node: &RemoteNode, bytes: &[u8]) -> bool {
        let block = Block::from_bytes(bytes);
        let at = format!("{}: block {}", node.url(), self.next);
        let heard = match block {
            Ok(block) if block.header().height == self.next => Heard::Block(Box::new(block)),
            Ok(_) => Heard::Failed(Failure::Broken(format!("{at}: it is another height's"))),
            Err(error) => Heard::Failed(Failure::Broken(format!("{at}: {error}"))),
        };
        let goes_on = matches!(heard, Heard::Block(_));
        self.next += 1;
        self.moved = Instant::now();
        self.lacking.clear();
        self.to.send(heard).is_ok() && goes_on
    }

    /// Turns to the next node; whether any of them may still have the next block.
    fn turn_from(&mut self, node: &RemoteNode) -> bool {
        let is_beyond = node.status().is_ok_and(|status| status.height > self.next);
        // It may have come just now.
        if is_beyond && node.blocks(self.next, 1).is_err_and(|error| is_missing(&error)) {
            self.lacking.insert(self.at);
        } else {
            self.lacking.remove(&self.at);
        }
        self.at = (self.at + 1) % self.nodes.len();
        if self.lacking.len() < self.nodes.len() {
            return true;
        }
        let why = format!("no node keeps block {}", self.next);
        // Nobody listens: then it does not matter.
        let _ = self.to.send(Heard::Failed(Failure::Broken(why)));
        false
    }
}
