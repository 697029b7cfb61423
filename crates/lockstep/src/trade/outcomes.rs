//! What became of each command: it is final, refused, expired, or nobody knows.
//!
//! ```text
//! sent --in a final block--------------------------------> final
//!  |---refused, and no node can have taken it-------------> refused
//!  |---the chain's clock is past it, and no block had it--> refused by a node, or expired
//!  '---the run ends---------------------------------------> unknown
//! ```
//!
//! Invariants: a command is settled once; a refusal settles one only when it cannot be in a block
//! any more. Deliberately absent: clocks; whoever tells says when it was.

use super::record::{Line, Outcome};
use lockstep_client::hex;
use lockstep_node::signatures::CommandId;
use lockstep_types::envelope::SignedCommand;
use lockstep_types::units::TimeMs;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A command of which nothing was heard for so long is brought again.
const AGAIN: Duration = Duration::from_secs(3);

/// What a node said of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It waits for a block.
    Taken,
    /// It was not taken.
    Refused {
        /// Why, by name.
        code: String,
        /// Whether no other node can have taken it before.
        is_certain: bool,
    },
}

/// A command that has no outcome yet.
#[derive(Debug)]
struct Pending {
    signed: SignedCommand,
    sent: TimeMs,
    since: Instant,
    /// When it was brought last.
    brought: Instant,
    was_taken: bool,
    refusal: Option<String>,
}

/// How many commands had which outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Sent.
    pub sent: u64,
    /// In final blocks.
    pub finals: u64,
    /// Refused at the door, by code.
    pub refused: BTreeMap<String, u64>,
    /// In no block while they were good, though a node had taken them.
    pub expired_taken: u64,
    /// In no block while they were good, and taken by nobody who lived to say so.
    pub expired: u64,
    /// Without an outcome when the run ended.
    pub unknown: u64,
    /// Brought more than once.
    pub again: u64,
}

/// All commands of a run.
#[derive(Debug, Default)]
pub struct Outcomes {
    pending: BTreeMap<CommandId, Pending>,
    settled: Vec<Line>,
    tally: Tally,
    latencies: Vec<Duration>,
}

impl Outcomes {
    /// A command is on its way from now on.
    pub fn sent(&mut self, signed: &SignedCommand, time: TimeMs, now: Instant) {
        self.tally.sent += 1;
        let pending = Pending {
            signed: signed.clone(),
            sent: time,
            since: now,
            brought: now,
            was_taken: false,
            refusal: None,
        };
        self.pending.insert(CommandId::of(signed), pending);
    }

    /// A node answered.
    pub fn answered(&mut self, id: CommandId, answer: Answer) {
        let Some(pending) = self.pending.get_mut(&id) else { return };
        match answer {
            Answer::Taken => pending.was_taken = true,
            Answer::Refused { code, is_certain } if is_certain && !pending.was_taken => {
                self.settle(id, Outcome::Refused { code });
            }
            Answer::Refused { code, .. } => pending.refusal = Some(code),
        }
    }

    /// A final block has commands; how many of them are ours and new.
    pub fn included(&mut self, height: u64, names: &[CommandId], now: Instant) -> usize {
        let ours = |name: &&CommandId| self.pending.contains_key(name);
        let found: Vec<CommandId> = names.iter().filter(ours).copied().collect();
        for id in &found {
            let since = self.pending.get(id).map_or(now, |pending| pending.since);
            let latency = now.saturating_duration_since(since);
            self.latencies.push(latency);
            let latency_us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
            self.settle(*id, Outcome::Final { height, latency_us });
        }
        found.len()
    }

    /// The chain's clock after the latest final block: what was good until before it has no effect
    /// in any later one.
    pub fn passed(&mut self, time: TimeMs) {
        let is_over = |pending: &Pending| {
            pending.signed.command.valid_until.is_some_and(|until| until < time)
        };
        let over: Vec<CommandId> =
            self.pending.iter().filter(|(_, one)| is_over(one)).map(|(id, _)| *id).collect();
        for id in over {
            let Some(pending) = self.pending.get(&id) else { continue };
            let outcome = match &pending.refusal {
                Some(code) if !pending.was_taken => Outcome::Refused { code: code.clone() },
                _ => Outcome::Expired { taken: pending.was_taken },
            };
            self.settle(id, outcome);
        }
    }

    /// Commands that should be brought once more.
    pub fn overdue(&mut self, now: Instant) -> Vec<SignedCommand> {
        let mut overdue = Vec::new();
        for pending in self.pending.values_mut() {
            if now.saturating_duration_since(pending.brought) >= AGAIN {
                pending.brought = now;
                overdue.push(pending.signed.clone());
            }
        }
        self.tally.again += u64::try_from(overdue.len()).unwrap_or(u64::MAX);
        overdue
    }

    /// The run ends: of what is left nobody knows.
    pub fn end(&mut self) {
        let left: Vec<(CommandId, bool)> =
            self.pending.iter().map(|(id, pending)| (*id, pending.was_taken)).collect();
        for (id, taken) in left {
            self.settle(id, Outcome::Unknown { taken });
        }
    }

    fn settle(&mut self, id: CommandId, outcome: Outcome) {
        let Some(pending) = self.pending.remove(&id) else { return };
        let count = match &outcome {
            Outcome::Final { .. } => &mut self.tally.finals,
            Outcome::Refused { code } => self.tally.refused.entry(code.clone()).or_default(),
            Outcome::Expired { taken: true } => &mut self.tally.expired_taken,
            Outcome::Expired { taken: false } => &mut self.tally.expired,
            Outcome::Unknown { .. } => &mut self.tally.unknown,
        };
        *count += 1;
        let command = &pending.signed.command;
        self.settled.push(Line {
            id: hex::encode(&id.0),
            signer: command.signer.0,
            nonce: command.nonce,
            sent_ms: pending.sent.0,
            outcome,
        });
    }

    /// What was settled since this was asked last.
    pub fn settled(&mut self) -> Vec<Line> {
        std::mem::take(&mut self.settled)
    }

    /// How many commands have no outcome yet.
    pub fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// The counts.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// From sending to seeing it final, of all acknowledged commands in that order.
    pub fn latencies(&self) -> &[Duration] {
        &self.latencies
    }
}
