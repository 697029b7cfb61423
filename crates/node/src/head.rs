//! One engine under a tree of blocks.
//!
//! Consensus may ask for a child of any recent block. There is one engine, at the *head*; a child
//! of another block is reached by undoing journals back to the common ancestor and executing
//! forward again, which is normally no step at all. Below the journals lies the *base*, a
//! finalized state; finality moves it up and drops journals.
//!
//! Invariants: the engine is always the base plus all steps in order; a step is known by its parent
//! and body, so that a block which is being built is found again under the name that it gets later.
//! Deliberately absent: waiting, fetching and stores.

#[cfg(test)]
mod tests;

use crate::header::Header;
use crate::signatures::CommandId;
use lockstep_ledger::{Block as Body, Changes, Invalid, Journal, Ledger};
use lockstep_types::chain::ChainEvent;
use lockstep_types::event::Event;
use std::collections::HashSet;

/// What makes a step: the parent's digest and the body's root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepKey {
    /// Digest of the parent's header.
    pub parent: [u8; 32],
    /// Root of the body.
    pub body_root: [u8; 32],
}

impl From<&Header> for StepKey {
    fn from(header: &Header) -> Self {
        Self { parent: header.parent, body_root: header.body_root }
    }
}

/// A finalized state: a height, and the root of the leaves after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Base {
    /// Height of the block.
    pub height: u64,
    /// Its state root; at height zero nothing is committed and any root will do.
    pub state_root: [u8; 32],
}

#[derive(Debug)]
struct Step {
    key: StepKey,
    journal: Journal,
    commands: Vec<CommandId>,
    events: Events,
}

/// What a block caused.
#[derive(Clone, Debug, Default)]
pub struct Events {
    /// On the venue.
    pub venue: Vec<Event>,
    /// On the chain around it.
    pub chain: Vec<ChainEvent>,
}

/// What executing a body gave.
#[derive(Clone, Debug)]
pub struct Executed {
    /// Leaves to commit.
    pub changes: Changes,
    /// Root over the events.
    pub events_root: [u8; 32],
}

/// A place that the head can return to: so many steps above the base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(usize);

/// The engine and the way back.
#[derive(Debug)]
pub struct Head {
    ledger: Ledger,
    base: Base,
    steps: Vec<Step>,
    /// Commands of all steps.
    included: HashSet<CommandId>,
}

impl Head {
    /// A head at a finalized state.
    #[must_use]
    pub fn new(ledger: Ledger, base: Base) -> Self {
        Self { ledger, base, steps: Vec::new(), included: HashSet::new() }
    }

    /// The finalized state below.
    #[must_use]
    pub fn base(&self) -> Base {
        self.base
    }

    /// The state machine as it stands.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Where the state after a block is, if it is on the way from the base to the head.
    #[must_use]
    pub fn place_of(&self, header: &Header) -> Option<Place> {
        let key = StepKey::from(header);
        if let Some(at) = self.steps.iter().position(|step| step.key == key) {
            return Some(Place(at + 1));
        }
        let is_base = header.height == self.base.height
            && (header.height == 0 || header.state_root == self.base.state_root);
        is_base.then_some(Place(0))
    }

    /// Undoes all steps above a place.
    pub fn rewind(&mut self, place: Place) {
        assert!(place.0 <= self.steps.len(), "a place is on the way to the head");
        while self.steps.len() > place.0 {
            if let Some(step) = self.steps.pop() {
                self.forget(&step.commands);
                self.ledger.undo(step.journal);
            }
        }
    }

    /// Undoes all steps.
    pub fn rewind_to_base(&mut self) {
        self.rewind(Place(0));
    }

    fn forget(&mut self, commands: &[CommandId]) {
        for command in commands {
            self.included.remove(command);
        }
    }

    /// Whether a step above the base has this command.
    #[must_use]
    pub fn includes(&self, command: CommandId) -> bool {
        self.included.contains(&command)
    }

    /// Executes a body on the head, which becomes the state after it; `commands` are the names of
    /// what is in it. On the genesis state the changes are all leaves: none was committed before.
    ///
    /// # Errors
    /// When the body can never follow; the head stays.
    pub fn advance(
        &mut self,
        key: StepKey,
        body: &Body,
        commands: Vec<CommandId>,
    ) -> Result<Executed, Invalid> {
        let on_genesis = self.ledger.height() == 0;
        self.ledger.execute(body)?;
        let events_root = self.ledger.events_root();
        let journal = self.ledger.checkpoint();
        let changes = if on_genesis {
            let mut leaves = Changes::default();
            self.ledger.each_leaf(&mut |key, value| leaves.add_bytes(&key, Some(&value)));
            leaves
        } else {
            self.ledger.changes(&journal)
        };
        let events = Events {
            venue: self.ledger.venue_events().to_vec(),
            chain: self.ledger.chain_events().to_vec(),
        };
        self.included.extend(commands.iter().copied());
        self.steps.push(Step { key, journal, commands, events });
        Ok(Executed { changes, events_root })
    }

    /// Makes the state after a finalized block the base and gives the block's events. If the head
    /// is on another branch, it leaves that and executes the block. `None`: the block is the base
    /// already, or blocks between are missing; then a later one that is asked for brings the head
    /// back onto the way.
    pub fn finalize(&mut self, header: &Header, body: &Body) -> Option<Events> {
        let place = match self.place_of(header) {
            Some(place) => place,
            None if self.base.height.checked_add(1) == Some(header.height) => {
                self.rewind_to_base();
                self.advance(StepKey::from(header), body, Vec::new()).ok()?;
                Place(1)
            }
            None => return None,
        };
        let mut settled: Vec<Step> = self.steps.drain(..place.0).collect();
        settled.iter().for_each(|step| self.forget(&step.commands));
        let last = settled.pop()?;
        self.base = Base { height: header.height, state_root: header.state_root };
        Some(last.events)
    }
}
