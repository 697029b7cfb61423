//! The ledger as a state machine: blocks in, events and changed leaves out.
//!
//! [`Ledger::execute`] runs a block in this order: the chain's bookkeeping of the new block
//! (clock, participation, a new epoch); then the exchange's block, in which the system part comes
//! first (outage, parameters that were voted, evidence, reports, deposits), then the chain's own
//! commands in the leader's order, then the users' other commands as the exchange orders them; at
//! last withdrawals, and at the end of an epoch votes, attendance, rewards and the election.
//!
//! A block is checked first ([`Ledger::check`]); one that passes is executed to its end, whatever
//! is in it. [`Ledger::checkpoint`] ends a run of blocks and hands out its journal, from which the
//! run can be undone ([`Ledger::undo`]) and committed ([`Ledger::changes`]).

use crate::block::{Block, Invalid, SystemItem, TIME_MAX};
use crate::state::key::Only;
use crate::state::leaves::{ChainState, Committee};
use crate::state::{ChainJournal, KIND_MIN, State};
use alloc::vec::Vec;
use lockstep_exchange::state::changes::Changes;
use lockstep_exchange::state::journal;
use lockstep_exchange::state::key::LeafKey;
use lockstep_exchange::{Exchange, Fault, Step};
use lockstep_types::chain::{ChainEvent, ChainParams};
use lockstep_types::codec::{Bounded, DecodeError, DecodeErrorKind};
use lockstep_types::command::{Block as VenueBlock, Command, SystemCommand, UserCommand};
use lockstep_types::event::Event;
use lockstep_types::reject::Reject;
use lockstep_types::units::{SpanMs, TimeMs};

/// Domain of the digest over all leaves.
const DIGEST_DOMAIN: &[u8] = b"lockstep/ledger/v1";

/// The chain's side of the state, and what happened there in the last block.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    pub(crate) state: State,
    pub(crate) events: Vec<ChainEvent>,
}

/// The exchange and the chain around it.
#[derive(Clone, Debug)]
pub struct Ledger {
    pub(crate) exchange: Exchange,
    pub(crate) chain: Chain,
}

/// The values before of all leaves that a run of blocks changed.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    venue: journal::Journal,
    chain: ChainJournal,
}

impl Journal {
    /// The exchange's part: what a witness is made of.
    #[must_use]
    pub fn venue(&self) -> &journal::Journal {
        &self.venue
    }
}

/// Tells the venue something and gives its rejection.
pub(crate) fn venue(exchange: &mut Exchange, command: &SystemCommand) -> Result<(), Reject> {
    match exchange.direct(command) {
        Ok(()) => Ok(()),
        Err(Fault::Reject(reject)) => Err(*reject),
        Err(Fault::Missing(_)) => {
            assert!(exchange.accounts() == u32::MAX, "a whole state lacks no leaf");
            Ok(())
        }
    }
}

impl Chain {
    pub(crate) fn around(state: State) -> Self {
        Self { state, events: Vec::new() }
    }

    /// Height, clock and totals, for reading.
    pub(crate) fn seen_totals(&self) -> ChainState {
        self.state.chain.get(Only).copied().unwrap_or_default()
    }

    /// Height, clock and totals, for writing.
    pub(crate) fn totals(&mut self) -> &mut ChainState {
        self.state.chain.get_or_make(Only, ChainState::default)
    }

    pub(crate) fn params(&self) -> ChainParams {
        self.state.params.get(Only).copied().unwrap_or_default()
    }

    /// The time of the current block.
    pub(crate) fn now(&self) -> TimeMs {
        self.seen_totals().time
    }

    /// The epoch of a height: the genesis is height 0 of epoch 0.
    pub(crate) fn epoch_of(&self, height: u64) -> u64 {
        height / u64::from(self.params().epoch_blocks.max(1))
    }

    /// The epoch of the current block.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch_of(self.seen_totals().height)
    }

    /// Whether a height is the last of its epoch.
    pub(crate) fn is_last(&self, height: u64) -> bool {
        self.epoch_of(height.saturating_add(1)) != self.epoch_of(height)
    }

    /// Whether a height is the first of its epoch.
    pub(crate) fn is_first(&self, height: u64) -> bool {
        height > 0 && self.is_last(height - 1)
    }

    /// The current block's committee.
    pub(crate) fn committee(&self) -> Committee {
        self.state.committees.get(self.epoch()).cloned().unwrap_or_default()
    }

    /// The chain's part before the venue's: clock, participation, and with a new epoch its record.
    fn open_block(&mut self, block: &Block) {
        self.events.clear();
        let state = self.totals();
        state.height = block.height;
        state.time = block.time;
        if self.is_first(block.height) {
            self.open_epoch();
        }
        self.attend(&block.participation);
    }

    /// The system part, at the beginning of the venue's block.
    fn system_part(&mut self, exchange: &mut Exchange, block: &Block, gap: SpanMs) {
        if block.height > 1 {
            self.follow_outage(exchange, gap);
        }
        if self.is_first(block.height) {
            self.activate(exchange);
            self.set_reporters(exchange);
        }
        for (item, content) in (0..).zip(block.system.iter()) {
            let outcome = match content {
                SystemItem::Report(signed) => self.report(exchange, item, &signed.report),
                SystemItem::Evidence(evidence) => self.take_evidence(exchange, evidence),
                SystemItem::Deposit(signed) => self.hear_deposit(exchange, &signed.word),
            };
            if let Err(reject) = outcome {
                self.events.push(ChainEvent::ItemRefused { item, reject });
            }
        }
    }

    /// The chain's own commands, before the venue's.
    fn user_part(&mut self, exchange: &mut Exchange, block: &Block) {
        for (item, signed) in (0..).zip(block.commands.iter()) {
            let Command::Chain(command) = &signed.command.command else { continue };
            let admitted = exchange.admit_command(&signed.command);
            assert!(admitted.is_ok(), "a whole state lacks no leaf");
            if admitted != Ok(true) {
                continue;
            }
            let signer = signed.command.signer;
            if let Err(reject) = self.command(exchange, signer, command) {
                self.events.push(ChainEvent::Refused { item, signer, reject });
            }
        }
    }

    /// What follows from the block.
    fn close_block(&mut self, exchange: &mut Exchange, height: u64) {
        self.queue_withdrawals(exchange);
        self.pay_withdrawals(exchange);
        if self.is_last(height) {
            self.close_epoch(exchange);
        }
    }

    /// Votes, attendance, rewards and the election, in the last block of an epoch.
    fn close_epoch(&mut self, exchange: &Exchange) {
        self.tally();
        self.reward(exchange);
        self.grade();
        self.retire();
        self.elect(self.epoch().saturating_add(1));
    }
}

/// The exchange's block of what the users told the exchange.
fn venue_block(block: &Block) -> VenueBlock {
    let told = block.commands.iter().map(|signed| &signed.command);
    let told = told.filter(|user| !matches!(user.command, Command::Chain(_))).cloned();
    let commands: Vec<UserCommand> = told.collect();
    VenueBlock {
        height: block.height,
        time: block.time,
        system: Bounded::default(),
        commands: Bounded::new(commands).unwrap_or_default(),
    }
}

impl Ledger {
    pub(crate) fn around(exchange: Exchange, chain: Chain) -> Self {
        Self { exchange, chain }
    }

    /// Elects the first committee; whether there is one.
    pub(crate) fn found(&mut self) -> bool {
        self.chain.elect(0);
        self.chain.open_epoch();
        self.chain.set_reporters(&mut self.exchange);
        !self.chain.committee().seats.is_empty()
    }

    /// Begins to keep a journal.
    pub(crate) fn start(&mut self) {
        self.exchange.record(true);
        self.exchange.clear_events();
        self.chain.events.clear();
        drop(self.chain.state.take_journal());
    }

    /// The ledger from all of its leaves, in any order, as a snapshot or a store has them.
    ///
    /// # Errors
    /// When a key or a value is none, or a leaf without which there is no chain is absent.
    pub fn from_leaves<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        leaves: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, DecodeError> {
        let mut state = State::default();
        let mut of_venue = |(key, value): (K, V)| {
            let bytes = key.as_ref();
            if bytes.first().is_some_and(|kind| *kind >= KIND_MIN) {
                return state.load(bytes, value.as_ref()).err().map(Err);
            }
            Some(LeafKey::from_bytes(bytes).map(|key| (key, value)))
        };
        let exchange = Exchange::from_leaf_stream(leaves.into_iter().filter_map(&mut of_venue))?;
        let chain = Chain::around(state);
        let essential = [
            (exchange.is_whole(), "the venue's totals or parameters"),
            (chain.state.chain.len() == 1, "the chain's totals"),
            (chain.state.charter.len() == 1, "the charter"),
            (chain.state.params.len() == 1, "the chain's parameters"),
            (!chain.committee().seats.is_empty(), "the committee"),
        ];
        if let Some((_, what)) = essential.into_iter().find(|(is_there, _)| !is_there) {
            return Err(DecodeError::new(DecodeErrorKind::Invalid(what)).within("missing leaf"));
        }
        let mut ledger = Self::around(exchange, chain);
        ledger.start();
        Ok(ledger)
    }

    /// Whether a block may follow this state. It looks at nothing that could change later: a block
    /// that is refused once can never follow.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, block: &Block) -> Result<(), Invalid> {
        let last = self.chain.seen_totals();
        let expected = last.height.saturating_add(1);
        if block.height != expected {
            return Err(Invalid::Height { expected, found: block.height });
        }
        if block.time <= last.time || block.time > TIME_MAX {
            return Err(Invalid::Time { last: last.time, found: block.time });
        }
        let epoch = self.chain.epoch_of(block.height);
        let seats = self.chain.state.committees.get(epoch).map_or(&[][..], |known| &known.seats);
        if !seats.iter().any(|seat| seat.key == block.leader) {
            return Err(Invalid::Leader);
        }
        let has_no_parent = block.height == 1 || self.chain.is_first(block.height);
        if has_no_parent && !block.participation.0.is_empty() {
            return Err(Invalid::ParticipationAtBoundary);
        }
        block.participation.check(seats.len())
    }

    /// Executes a block. What happened is in [`Self::venue_events`] and [`Self::chain_events`]
    /// until the next one.
    ///
    /// # Errors
    /// As [`Self::check`]; nothing has changed then.
    pub fn execute(&mut self, block: &Block) -> Result<(), Invalid> {
        self.check(block)?;
        let Self { exchange, chain } = self;
        let gap = block.time.since(chain.now());
        chain.open_block(block);
        let venue_block = venue_block(block);
        let outcome = exchange.execute_by_step(&venue_block, &mut |exchange, step| match step {
            Step::Begin { .. } => chain.system_part(exchange, block, gap),
            Step::Prepare => chain.user_part(exchange, block),
            _ => {}
        });
        assert!(outcome.is_ok(), "a whole state lacks no leaf");
        chain.close_block(exchange, block.height);
        Ok(())
    }

    /// The exchange, for its views.
    #[must_use]
    pub fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// The venue's events of the last block.
    #[must_use]
    pub fn venue_events(&self) -> &[Event] {
        self.exchange.events()
    }

    /// The chain's events of the last block.
    #[must_use]
    pub fn chain_events(&self) -> &[ChainEvent] {
        &self.chain.events
    }

    /// The root over all events of the last block; see [`crate::events`].
    #[must_use]
    pub fn events_root(&self) -> [u8; 32] {
        crate::events::root(self.venue_events(), self.chain_events())
    }

    /// Ends a run of blocks: hands out its journal and starts the next one.
    pub fn checkpoint(&mut self) -> Journal {
        Journal { venue: self.exchange.checkpoint(), chain: self.chain.state.take_journal() }
    }

    /// Puts back what a run changed. It must be the latest run that was not undone yet, and nothing
    /// may have been executed since its checkpoint.
    pub fn undo(&mut self, journal: Journal) {
        self.exchange.undo(journal.venue);
        self.chain.state.undo(journal.chain);
        self.chain.events.clear();
    }

    /// The leaves that the latest run changed, in order of key bytes.
    #[must_use]
    pub fn changes(&self, journal: &Journal) -> Changes {
        let mut changes = Changes::default();
        self.exchange.add_changes(&journal.venue, &mut changes);
        self.chain.state.add_changes(&journal.chain, &mut changes);
        changes.sort();
        changes
    }

    /// The value of a leaf as it is committed to, if present.
    #[must_use]
    pub fn leaf(&self, key: &[u8]) -> Option<Vec<u8>> {
        match key.first() {
            Some(kind) if *kind >= KIND_MIN => self.chain.state.leaf(key),
            _ => self.exchange.leaf(LeafKey::from_bytes(key).ok()?),
        }
    }

    /// Calls `visit` with every leaf: its key bytes and its encoding. The exchange's come first,
    /// in no particular order.
    pub fn each_leaf(&self, visit: &mut dyn FnMut(Vec<u8>, Vec<u8>)) {
        self.exchange.each_leaf(&mut |key, value| visit(key.to_bytes(), value));
        self.chain.state.each_leaf(visit);
    }

    /// A digest of all leaves: blake3 over key and value of each, in order of key bytes, both
    /// preceded by their lengths.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut leaves = Vec::new();
        self.each_leaf(&mut |key, value| leaves.push((key, value)));
        leaves.sort();
        let mut hasher = blake3::Hasher::new();
        hasher.update(DIGEST_DOMAIN);
        for (key, value) in &leaves {
            for part in [key, value] {
                let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
                hasher.update(&length.to_le_bytes());
                hasher.update(part);
            }
        }
        *hasher.finalize().as_bytes()
    }
}
