//! Executes every final block again and compares: what an auditor does, and where traders look.
//!
//! A [`Replica`] is the state; a [`Follower`] feeds one with what a validator of this process makes
//! final. Invariants: its state is that of the chain after a final block, or it has said that the
//! chain's roots are wrong. Deliberately absent: signatures, which validators have checked.

use super::{Failure, now};
use lockstep_ledger::Ledger;
use lockstep_ledger::block::{FinalityWord, REPORT_HEIGHTS_MAX};
use lockstep_node::application::Finalized;
use lockstep_node::block::Block;
use lockstep_node::host::Node;
use lockstep_types::chain::ChainEvent;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// When the latest blocks were seen final.
#[derive(Debug, Default)]
pub struct Seen(Vec<FinalityWord>);

impl Seen {
    /// A block is final now.
    pub fn note(&mut self, height: u64) {
        if self.0.len() == REPORT_HEIGHTS_MAX {
            self.0.remove(0);
        }
        self.0.push(FinalityWord { height, seen: now() });
    }

    /// What is told of it in reports.
    pub fn words(&self) -> &[FinalityWord] {
        &self.0
    }
}

/// A copy of the chain's state that goes along.
pub struct Replica {
    ledger: Ledger,
    finality: Seen,
    commands: u64,
    refused: u64,
    news: Vec<String>,
}

/// A replica that hears final blocks from a validator of this process.
pub struct Follower {
    replica: Replica,
    blocks: Receiver<Finalized>,
}

/// What a person would want to know of an event of the chain.
fn told(event: &ChainEvent) -> Option<String> {
    Some(match event {
        ChainEvent::Slashed { validator, share, amount, reward } => format!(
            "validator {} is slashed: {} ppm, {} of its stake, of which {} go to the reporter",
            validator.0, share.0, amount.0, reward.0
        ),
        ChainEvent::Tombstoned { validator } => {
            format!("validator {} may never have a seat again", validator.0)
        }
        ChainEvent::Jailed { validator, .. } => {
            format!("validator {} is jailed: it was absent for too long", validator.0)
        }
        ChainEvent::Unjailed { validator } => format!("validator {} is back", validator.0),
        ChainEvent::Elected { epoch, seats, .. } => {
            format!("a committee of {seats} seats is elected for epoch {epoch}")
        }
        ChainEvent::OutageBegan { gap, .. } => {
            format!("there was no block for {} ms", gap.0)
        }
        ChainEvent::OutageEnded { .. } => "trading is normal again".to_string(),
        _ => return None,
    })
}

impl Replica {
    /// A replica that begins with this state.
    pub fn new(ledger: Ledger) -> Self {
        Self { ledger, finality: Seen::default(), commands: 0, refused: 0, news: Vec::new() }
    }

    /// The state.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Its height.
    pub fn height(&self) -> u64 {
        self.ledger.height()
    }

    /// When the latest blocks were seen final.
    pub fn finality(&self) -> &[FinalityWord] {
        self.finality.words()
    }

    /// Commands executed, and how many things in them were refused.
    pub fn executed(&self) -> (u64, u64) {
        (self.commands, self.refused)
    }

    /// What happened on the chain since this was asked last, to be shown.
    pub fn news(&mut self) -> Vec<String> {
        std::mem::take(&mut self.news)
    }

    /// Executes the next final block; one that it has executed already changes nothing.
    ///
    /// # Errors
    /// When the block's roots are not what it does.
    pub fn execute(&mut self, block: &Block) -> Result<(), Failure> {
        let (header, body) = (block.header(), block.body());
        if header.height <= self.ledger.height() {
            return Ok(());
        }
        let at = format!("block {}", header.height);
        let executed = self.ledger.execute(body);
        executed.map_err(|error| Failure::Broken(format!("{at}: {error}")))?;
        if self.ledger.events_root() != header.events_root {
            return Err(Failure::Broken(format!("{at}: its events are others")));
        }
        self.commands += u64::try_from(body.commands.len()).unwrap_or(u64::MAX);
        let is_refusal = |event: &&lockstep_types::Event| {
            matches!(event, lockstep_types::Event::Rejected { .. })
        };
        let refused = self.ledger.venue_events().iter().filter(is_refusal).count();
        self.refused += u64::try_from(refused).unwrap_or(u64::MAX);
        let news = self.ledger.chain_events().iter().filter_map(told);
        self.news.extend(news.map(|news| format!("height {}: {news}", header.height)));
        drop(self.ledger.checkpoint());
        self.finality.note(header.height);
        Ok(())
    }
}

impl Follower {
    /// A follower of a validator's final blocks from now on.
    pub fn new(node: &Node) -> Result<Self, Failure> {
        // First the blocks, then the state, so that none is between.
        let blocks = node.listen();
        let stopped = || Failure::Broken("a validator has stopped".to_string());
        let ledger = node.ledger().ok_or_else(stopped)?;
        Ok(Self { replica: Replica::new(ledger), blocks })
    }

    /// The state that it keeps.
    pub fn replica(&self) -> &Replica {
        &self.replica
    }

    /// What happened on the chain since this was asked last, to be shown.
    pub fn news(&mut self) -> Vec<String> {
        self.replica.news()
    }

    /// Executes what has become final, after waiting for `wait` at most; whether anything has.
    ///
    /// # Errors
    /// When a block's roots are not what it does.
    pub fn follow(&mut self, wait: Duration) -> Result<bool, Failure> {
        let mut next = match self.blocks.recv_timeout(wait) {
            Ok(finalized) => Some(finalized),
            Err(RecvTimeoutError::Timeout) => return Ok(false),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::Broken("a validator has stopped".to_string()));
            }
        };
        while let Some(finalized) = next {
            self.replica.execute(&finalized.block)?;
            next = self.blocks.try_recv().ok();
        }
        Ok(true)
    }
}
