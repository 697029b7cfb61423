//! What recent blocks caused, for whoever asks later.
//!
//! Invariant: so many blocks and so many events at most are kept, the latest. Deliberately absent:
//! older ones; who wants those executes the blocks.

use crate::application::{Finalized, Observer};
use crate::head::Events;
use crate::header::Header;
use lockstep_client::limits::{RECENT_BLOCKS_MAX, RECENT_EVENTS_MAX};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[derive(Default)]
struct Kept {
    last: Option<Header>,
    blocks: VecDeque<(u64, Arc<Events>)>,
    events: usize,
}

/// Events of recent blocks, as an observer is told of them.
#[derive(Default)]
pub struct Recent(Mutex<Kept>);

fn count(events: &Events) -> usize {
    events.venue.len() + events.chain.len()
}

impl Recent {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        // A thread that died while it held the lock left at worst a block too few.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The highest final block since the node started.
    #[must_use]
    pub fn last(&self) -> Option<Header> {
        self.kept().last.clone()
    }

    /// What the block of a height caused, if it is recent, and since when blocks are kept.
    #[must_use]
    pub fn of(&self, height: u64) -> (Option<Arc<Events>>, Option<u64>) {
        let kept = self.kept();
        let first = kept.blocks.front().map(|(height, _)| *height);
        let found = kept.blocks.iter().rev().find(|(known, _)| *known == height);
        (found.map(|(_, events)| Arc::clone(events)), first)
    }
}

impl Observer for Recent {
    fn finalized(&self, finalized: &Finalized) {
        let mut kept = self.kept();
        kept.events += count(&finalized.events);
        let header = finalized.block.header();
        kept.last = Some(header.clone());
        let height = header.height;
        kept.blocks.push_back((height, Arc::clone(&finalized.events)));
        while kept.blocks.len() > RECENT_BLOCKS_MAX || kept.events > RECENT_EVENTS_MAX {
            let Some((_, events)) = kept.blocks.pop_front() else { return };
            kept.events -= count(&events);
        }
    }
}
