//! Who acts when: a queue of agents by the moment at which each is due.
//!
//! A block costs what its agents do, however many others there are. Two that are due at one moment
//! come by number, so that the order is the same on every machine.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The queue.
#[derive(Clone, Debug, Default)]
pub struct Calendar {
    due: BinaryHeap<Reverse<(i64, u32)>>,
}

impl Calendar {
    /// Notes that an agent is due at a moment, milliseconds.
    pub fn add(&mut self, due_ms: i64, agent: u32) {
        self.due.push(Reverse((due_ms, agent)));
    }

    /// Takes out the agent that has been due for longest, if it is due by now; with the moment.
    pub fn next(&mut self, now_ms: i64) -> Option<(i64, u32)> {
        let Reverse((due_ms, _)) = self.due.peek()?;
        if *due_ms > now_ms {
            return None;
        }
        self.due.pop().map(|Reverse(entry)| entry)
    }
}
