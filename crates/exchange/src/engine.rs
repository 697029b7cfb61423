//! The exchange as a state machine: blocks in, events out.
//!
//! [`Exchange::execute`] runs a block in the order that rule M6 fixes: the system part (reports,
//! prices, funding, expiry, liquidation), then cancels of orders that were resting when the block
//! began, then everything else as ordered, then the end of the block (triggers, fees, sweeps). Each
//! of these is also a step of its own ([`Step`]), so that a third party can re-execute any run of
//! steps from a witness.
//!
//! Deliberately absent: signatures (checked before), consensus, time other than the block's.

use crate::margin::arrays::ArrayCache;
use crate::margin::climate::Climate;
use crate::margin::cushion::Cushions;
use crate::margin::portfolio::Conditions;
use crate::margin::sums::SumsCache;
use crate::price::mark::MarkCache;
use crate::rules::Rules;
use crate::state::ahead::Coming;
use crate::state::changes::Changes;
use crate::state::computed::ByUnderlying;
use crate::state::journal::{Journal, LeafChange, Witness};
use crate::state::key::LeafKey;
use crate::state::leaves::Order;
use crate::state::{Fault, Outcome, State};
use alloc::vec::Vec;
use lockstep_types::codec::DecodeError;
use lockstep_types::command::{Block, Command, SystemCommand, UserCommand};
use lockstep_types::event::Event;
use lockstep_types::ids::{AccountId, LinkId, OrderId};
use lockstep_types::order::OrderTarget;
use lockstep_types::params::VenueParams;
use lockstep_types::reject::{Reject, RejectCode};
use lockstep_types::units::TimeMs;

pub use crate::state::ahead::AHEAD;

/// One step of a block. A block is `Begin`, its `System` steps, `Prepare`, its `Early` steps, its
/// `User` and `Again` steps in the block's order, `End`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// The block opens.
    Begin {
        /// Its height.
        height: u64,
        /// Its time.
        time: TimeMs,
    },
    /// A system command, with its place in the block.
    System(u16, &'a SystemCommand),
    /// Prices, funding, expiry, liquidation: what follows from the system commands.
    Prepare,
    /// A cancel of orders that were resting when the block began (M6).
    Early(&'a UserCommand),
    /// Any other command.
    User(&'a UserCommand),
    /// A cancel-all that ran early runs again in its own place, for orders of this very block.
    Again(&'a UserCommand),
    /// The block closes.
    End,
}

/// What is left to do of a command after the early cancels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// All of it.
    Ordinary,
    /// It ran early and runs once more.
    Again,
    /// Nothing.
    Done,
}

/// The exchange.
#[derive(Clone, Debug)]
pub struct Exchange {
    pub(crate) state: State,
    pub(crate) events: Vec<Event>,
    /// Model prices of this block's options; computed from leaves, dropped at every checkpoint.
    pub(crate) marks: MarkCache,
    /// Risk arrays of instruments, that die with the marks.
    pub(crate) arrays: ArrayCache,
    /// Lower bounds of accounts' free margin; computed from leaves and dropped with the marks.
    pub(crate) cushions: Cushions,
    /// Sums of accounts with portfolio margin, that die with the marks.
    pub(crate) sums: SumsCache,
    /// What holds in each underlying, that dies with the marks.
    pub(crate) climates: ByUnderlying<Climate>,
    /// What portfolio margin depends on in each underlying, that dies with the marks.
    pub(crate) conditions: ByUnderlying<Conditions>,
    /// What the parameters say, at hand.
    pub(crate) rules: Rules,
    /// Which item of a batch is being executed, for rejections.
    pub(crate) item: u16,
    /// Orders that are open but count for nothing, while something is checked as if they were gone.
    pub(crate) aside: Vec<OrderId>,
    /// Orders that do not exist, but count while others are checked beside them.
    pub(crate) tentative: Vec<Order>,
    /// Sets of linked orders whose primary has filled in this step; empty between steps.
    pub(crate) due: Vec<LinkId>,
    /// Rejections so far; only compared within a block.
    rejected: u64,
    /// Scratch: what is left to do of each command of a block.
    turns: Vec<Turn>,
}

impl Exchange {
    /// An empty exchange: parameters, and nothing else.
    #[must_use]
    pub fn new(params: VenueParams) -> Self {
        Self::around(State::new(params))
    }

    /// An exchange around a state.
    pub(crate) fn around(state: State) -> Self {
        let (marks, arrays) = match state.partial {
            true => (MarkCache::partial(), ArrayCache::partial()),
            false => (MarkCache::default(), ArrayCache::default()),
        };
        Self {
            state,
            events: Vec::new(),
            marks,
            arrays,
            cushions: Cushions::default(),
            sums: SumsCache::default(),
            climates: ByUnderlying::default(),
            conditions: ByUnderlying::default(),
            rules: Rules::default(),
            item: 0,
            aside: Vec::new(),
            tentative: Vec::new(),
            due: Vec::new(),
            rejected: 0,
            turns: Vec::new(),
        }
    }

    /// An exchange that knows only the leaves of a witness. A step that needs any other leaf ends
    /// in [`Fault::Missing`].
    ///
    /// # Errors
    /// When a leaf's bytes are no value of its kind.
    pub fn from_witness(witness: &Witness) -> Result<Self, DecodeError> {
        let mut state = State::blank_partial();
        for (key, value) in &witness.leaves {
            state.load(*key, value.as_deref())?;
        }
        let mut exchange = Self::around(state);
        exchange.record(true);
        Ok(exchange)
    }

    /// The whole exchange from all of its leaves, as a snapshot or a store has them.
    ///
    /// # Errors
    /// When a leaf's bytes are no value of its kind.
    pub fn from_leaves<'a>(
        leaves: impl IntoIterator<Item = (LeafKey, &'a [u8])>,
    ) -> Result<Self, DecodeError> {
        Self::from_leaf_stream(leaves.into_iter().map(Ok))
    }

    /// Like [`Self::from_leaves`], of leaves that come one by one and may fail to come.
    ///
    /// # Errors
    /// The first error of the stream, or a leaf's.
    pub fn from_leaf_stream<V: AsRef<[u8]>>(
        leaves: impl IntoIterator<Item = Result<(LeafKey, V), DecodeError>>,
    ) -> Result<Self, DecodeError> {
        let mut state = State::blank();
        for leaf in leaves {
            let (key, value) = leaf?;
            state.load(key, Some(value.as_ref()))?;
        }
        Ok(Self::around(state))
    }

    /// Turns the journal on or off. Off, it costs one compare per touched leaf; on, a copy of each
    /// leaf on its first touch since the checkpoint.
    pub fn record(&mut self, on: bool) {
        self.state.record(on);
        self.forget_computed();
    }

    /// Executes a block. Its events are in [`Self::events`] until the next one.
    ///
    /// # Errors
    /// Only [`Fault::Missing`], and only on a partial state; rejections are events.
    pub fn execute(&mut self, block: &Block) -> Outcome<()> {
        self.execute_by_step(block, &mut |_, _| {})
    }

    /// Executes a block like [`Self::execute`] and calls `after` behind each of its steps: that is
    /// where a run may be cut by a checkpoint.
    ///
    /// # Errors
    /// As [`Self::execute`].
    pub fn execute_by_step<'a>(
        &mut self,
        block: &'a Block,
        after: &mut impl FnMut(&mut Self, Step<'a>),
    ) -> Outcome<()> {
        self.events.clear();
        let mut run = |exchange: &mut Self, step: Step<'a>| {
            exchange.step(step)?;
            after(exchange, step);
            Ok(())
        };
        run(self, Step::Begin { height: block.height, time: block.time })?;
        for (item, command) in (0..).zip(block.system.iter()) {
            run(self, Step::System(item, command))?;
        }
        run(self, Step::Prepare)?;
        let mut turns = core::mem::take(&mut self.turns);
        turns.clear();
        for commands in block.commands.chunks(AHEAD) {
            self.foresee(commands);
            for command in commands {
                turns.push(self.take_early(command, &mut run)?);
            }
        }
        for (commands, turns) in block.commands.chunks(AHEAD).zip(turns.chunks(AHEAD)) {
            self.foresee(commands);
            for (command, turn) in commands.iter().zip(turns) {
                match turn {
                    Turn::Ordinary => run(self, Step::User(command))?,
                    Turn::Again => run(self, Step::Again(command))?,
                    Turn::Done => {}
                }
            }
        }
        self.turns = turns;
        run(self, Step::End)
    }

    /// Runs a command early if it is one of the cancels that do; what is left of it to do.
    fn take_early<'a>(
        &mut self,
        command: &'a UserCommand,
        run: &mut impl FnMut(&mut Self, Step<'a>) -> Outcome<()>,
    ) -> Outcome<Turn> {
        if !self.is_early(command)? {
            return Ok(Turn::Ordinary);
        }
        let rejected = self.rejected;
        run(self, Step::Early(command))?;
        let again = matches!(command.command, Command::CancelAll(_)) && self.rejected == rejected;
        Ok(if again { Turn::Again } else { Turn::Done })
    }

    /// Says which users' commands come next, at most [`AHEAD`] of them: what they need is fetched
    /// together. It changes nothing; [`Self::execute`] does it by itself.
    pub fn foresee<'a>(&mut self, commands: impl IntoIterator<Item = &'a UserCommand>) {
        let mut coming = [Coming::default(); AHEAD];
        let mut count = 0;
        for (coming, command) in coming.iter_mut().zip(commands) {
            *coming = self.coming(command);
            count += 1;
        }
        self.state.glance(&coming[..count]);
    }

    fn coming(&self, command: &UserCommand) -> Coming {
        let sender = Some((command.signer, command.account));
        let (order, entry) = match &command.command {
            Command::Cancel(OrderTarget::Id(id)) => (Some(*id), None),
            Command::Amend(amend) => match amend.target {
                OrderTarget::Id(id) => (Some(id), None),
                OrderTarget::Label(_) => (None, None),
            },
            Command::Place(order) => {
                let tick = self.tick_known(order.instrument, order.price.unwrap_or_default());
                (None, tick.map(|tick| (order.instrument, order.side, tick)))
            }
            _ => (None, None),
        };
        Coming { sender, order, entry }
    }

    /// Executes one step; its events are appended.
    ///
    /// # Errors
    /// As [`Self::execute`].
    pub fn step(&mut self, step: Step<'_>) -> Outcome<()> {
        self.run_step(step)?;
        self.place_due()
    }

    fn run_step(&mut self, step: Step<'_>) -> Outcome<()> {
        match step {
            Step::Begin { height, time } => self.begin(height, time),
            Step::System(item, command) => match self.system(command) {
                Err(Fault::Reject(reject)) => {
                    self.events.push(Event::SystemRejected { item, reject: *reject });
                    Ok(())
                }
                other => other,
            },
            Step::Prepare => self.prepare(),
            Step::Early(command) | Step::User(command) => self.user(command),
            Step::Again(command) => match &command.command {
                Command::CancelAll(scope) => self.cancel_all(command.account, *scope),
                _ => Ok(()),
            },
            Step::End => self.end(),
        }
    }

    fn begin(&mut self, height: u64, time: TimeMs) -> Outcome<()> {
        self.state.tidy();
        let before = self.state.totals()?.time;
        self.note_gap(before, time)?;
        let totals = self.state.totals()?;
        assert!(totals.height < height || totals.height == 0, "heights grow");
        assert!(totals.time <= time, "the chain's clock does not go back");
        totals.height = height;
        totals.time = time;
        totals.work = 0;
        self.marks.clear();
        Ok(())
    }

    /// What follows from the system commands, before any user's: prices, funding, expiry and
    /// listing, triggers, liquidation.
    fn prepare(&mut self) -> Outcome<()> {
        self.refresh_prices()?;
        self.run_expiries()?;
        self.run_listing()?;
        self.run_timers()?;
        self.wake_triggers()?;
        self.sweep_accounts()
    }

    fn end(&mut self) -> Outcome<()> {
        self.place_overdue()?;
        self.wake_triggers()?;
        self.close_fees()
    }

    fn user(&mut self, command: &UserCommand) -> Outcome<()> {
        self.item = 0;
        let account = command.account;
        match self.authorise(command).and_then(|()| self.run(command)) {
            Err(Fault::Reject(reject)) => {
                self.reject(account, *reject);
                Ok(())
            }
            other => other,
        }
    }

    /// Authorises a user's command without executing it: signer, account, deadline, work, nonce and
    /// base fee, as every command is (A1, A2, A3, F2). Whoever stands around the venue then does
    /// what the command says. Gives whether it was authorised; a rejection is an event.
    ///
    /// # Errors
    /// As [`Self::execute`].
    pub fn admit_command(&mut self, command: &UserCommand) -> Outcome<bool> {
        self.item = 0;
        match self.authorise(command) {
            Ok(()) => Ok(true),
            Err(Fault::Reject(reject)) => {
                self.reject(command.account, *reject);
                Ok(false)
            }
            Err(missing) => Err(missing),
        }
    }

    /// Executes one system command outside the list of a block, as whoever stands around the venue
    /// may between `Begin` and `Prepare`. Nothing is reported of a rejection but the answer.
    ///
    /// # Errors
    /// The rejection, or as [`Self::execute`].
    pub fn direct(&mut self, command: &SystemCommand) -> Outcome<()> {
        self.system(command)?;
        self.place_due()
    }

    /// Whether the venue would take a system command that sets parameters (F3, R4).
    ///
    /// # Errors
    /// The rejection, or as [`Self::execute`].
    pub fn check_parameters(&mut self, command: &SystemCommand) -> Outcome<()> {
        match command {
            SystemCommand::SetVenueParams(params) => self.check_venue_params(params),
            SystemCommand::AddUnderlying(params) => self.check_new_underlying(params),
            SystemCommand::SetUnderlyingParams { underlying, params } => {
                self.check_underlying_params(*underlying, params)
            }
            _ => Ok(()),
        }
    }

    /// Reports a rejection of the item that is being executed.
    pub(crate) fn reject(&mut self, account: AccountId, reject: Reject) {
        self.rejected += 1;
        self.events.push(Event::Rejected { account, item: self.item, reject });
    }

    fn run(&mut self, user: &UserCommand) -> Outcome<()> {
        let account = user.account;
        match &user.command {
            Command::Place(order) => self.place(account, user.signer, order),
            Command::PlaceLinked { kind, orders } => {
                self.place_linked(account, user.signer, *kind, orders)
            }
            Command::Amend(amend) => self.amend(account, amend),
            Command::Cancel(target) => self.cancel(account, target),
            Command::CancelAll(scope) => self.cancel_all(account, *scope),
            Command::Batch(items) => self.batch(account, user.signer, items),
            Command::MassQuote { group, quotes } => {
                self.mass_quote(account, user.signer, *group, quotes)
            }
            Command::SetProtection { underlying, group, limits } => {
                self.set_protection(account, *underlying, *group, limits)
            }
            Command::ResetProtection { underlying, group } => {
                self.reset_protection(account, *underlying, *group)
            }
            Command::ScheduleCancel { at } => self.schedule_cancel(account, *at),
            Command::CreateSubAccount { sub } => self.create_sub_account(user.signer, *sub),
            Command::Transfer { to, amount } => self.transfer(account, *to, *amount),
            Command::Withdraw { amount } => self.withdraw(account, *amount),
            Command::RegisterAgent { key, scope } => self.register_agent(user.signer, *key, scope),
            Command::RevokeAgent { key } => self.revoke_agent(user.signer, *key),
            Command::SetMarginMode(mode) => self.set_margin_mode(account, *mode),
            Command::BlockTrade { terms, consents } => self.block_trade(user, terms, consents),
            Command::Bid { account: offered, share, price_max } => {
                self.bid(account, *offered, *share, *price_max)
            }
            // A chain takes these out before they come here.
            Command::Chain(_) => Err(Reject::of(RejectCode::NoChain).into()),
        }
    }

    fn system(&mut self, command: &SystemCommand) -> Outcome<()> {
        match command {
            SystemCommand::SetVenueParams(params) => self.set_venue_params(params),
            SystemCommand::AddUnderlying(params) => self.add_underlying(params),
            SystemCommand::SetUnderlyingParams { underlying, params } => {
                self.set_underlying_params(*underlying, params)
            }
            SystemCommand::SetReporterWeight { reporter, weight } => {
                self.set_reporter_weight(*reporter, *weight)
            }
            SystemCommand::Report(report) => self.report(report),
            SystemCommand::Deposit { owner, sub, amount } => self.deposit(*owner, *sub, *amount),
            SystemCommand::FundInsurance { underlying, amount } => {
                self.fund_insurance(*underlying, *amount)
            }
            SystemCommand::List(name) => self.list(name).map(|_| ()),
            SystemCommand::SetPhase { scope, phase, reason } => {
                self.set_phase(*scope, *phase, *reason)
            }
            SystemCommand::PayValidators { owner, sub, amount } => {
                self.pay_validators(*owner, *sub, *amount)
            }
        }
    }

    /// The events of the last block, or of the steps since the last block began.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Forgets the events so far.
    pub fn clear_events(&mut self) {
        self.events.clear();
    }

    /// Ends a run of steps: hands out its journal and starts the next run.
    pub fn checkpoint(&mut self) -> Journal {
        self.forget_computed();
        self.state.take_journal()
    }

    /// Ends a run of steps and forgets its journal, keeping its memory.
    pub fn checkpoint_and_forget(&mut self) {
        self.forget_computed();
        self.state.forget_journal();
    }

    /// Puts back what the latest run changed.
    pub fn undo(&mut self, journal: Journal) {
        self.state.undo(journal);
        self.forget_computed();
        self.events.clear();
    }

    /// Drops what was computed from leaves, so that each run of steps touches them itself.
    fn forget_computed(&mut self) {
        self.marks.clear();
        self.rules.clear();
        // A step that missed a leaf has left these behind.
        self.aside.clear();
        self.tentative.clear();
    }

    /// The leaves that the latest run changed, in the order of their key bytes.
    #[must_use]
    pub fn changes(&self, journal: &Journal) -> Vec<LeafChange> {
        self.state.changes(journal)
    }

    /// Adds the leaves that the latest run changed, as they are now and in no particular order.
    pub fn add_changes(&self, journal: &Journal, changes: &mut Changes) {
        self.state.add_changes(journal, changes);
    }

    /// The value of a leaf as it is committed to, if present.
    #[must_use]
    pub fn leaf(&self, key: LeafKey) -> Option<Vec<u8>> {
        self.state.leaf(key)
    }

    /// Calls `visit` with every leaf: its key and its encoded value.
    pub fn each_leaf(&self, visit: &mut dyn FnMut(LeafKey, Vec<u8>)) {
        self.state.each_leaf(&mut |key, encode| visit(key, encode()));
    }

    /// The digest over all leaves; see [`crate::state::journal`].
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.state.digest()
    }
}
