//! Watches a run: what every validator says is final, executed again, and held to the rules.
//!
//! What is checked: one block at each height, at every validator and over restarts; no command
//! executed twice; events and state as the auditor's own execution has them; stake and money add
//! up; an index within what honest reporters saw; nobody liquidated on stale prices, by the
//! auditor's own count of reports; nobody left below maintenance on fresh ones. Deliberately
//! absent: roots, which validators compare before they vote; if two differ, blocks stop and that is
//! found.

use crate::faults::CLOCK_MS_MAX;
use crate::workload::Market;
use crate::world::REPORT_AGE_MAX;
use commonware_cryptography::Digestible as _;
use lockstep_exchange::Exchange;
use lockstep_ledger::state::leaves::Standing;
use lockstep_ledger::{Ledger, SystemItem};
use lockstep_node::block::{Block, Digest};
use lockstep_node::signatures::CommandId;
use lockstep_types::chain::{ChainEvent, ValidatorKey};
use lockstep_types::event::{Event, TradeKind};
use lockstep_types::ids::{AccountId, UnderlyingId};
use lockstep_types::reject::RejectCode;
use lockstep_types::units::{Price, SpanMs, TimeMs};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// An account that is below maintenance on fresh prices is acted on within so many blocks.
pub const BLOCKS_BELOW_MAX: u32 = 8;
/// Every so many blocks all invariants are checked; the sums in every block.
const INVARIANTS_EVERY: u64 = 16;
/// Findings that are kept at most: the first says enough.
const FINDINGS_MAX: usize = 16;

/// Something that must not happen and did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What must hold.
    pub rule: Rule,
    /// What was seen.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.rule, self.what)
    }
}

/// What must hold in every run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// There is one block at each height.
    OneHistory,
    /// No command is executed twice.
    OnceEach,
    /// Everybody has the state and events that the blocks lead to.
    EqualState,
    /// Stake and money add up.
    Conservation,
    /// The index is what honest reporters saw.
    HonestIndex,
    /// Nobody is liquidated on stale prices.
    FreshPrices,
    /// Whoever is below maintenance on fresh prices is liquidated.
    Liquidation,
    /// Blocks go on while more than two thirds are connected.
    Progress,
    /// Whoever is seen to vote twice is slashed.
    Evidence,
    /// What a validator acknowledged and did not lose in a crash is in a block.
    Acknowledged,
}

/// What validators said, as it came.
#[derive(Clone, Default)]
pub struct Inbox(Arc<Mutex<Letters>>);

#[derive(Default)]
struct Letters {
    finals: Vec<(usize, TimeMs, Arc<Block>)>,
    /// Who accuses whom.
    accused: BTreeSet<(usize, ValidatorKey)>,
    /// Who votes.
    voting: BTreeSet<usize>,
}

impl Inbox {
    fn letters(&self) -> MutexGuard<'_, Letters> {
        // One thread runs everything.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A validator says at some time that a block is final.
    pub fn push(&self, index: usize, time: TimeMs, block: Arc<Block>) {
        self.letters().finals.push((index, time, block));
    }

    /// A validator has seen votes that must not be.
    pub fn accuse(&self, index: usize, offender: ValidatorKey) {
        self.letters().accused.insert((index, offender));
    }

    /// A validator enters an epoch in which it votes, or stops voting.
    pub fn note_votes(&self, index: usize, votes: bool) {
        let mut letters = self.letters();
        if votes {
            letters.voting.insert(index);
        } else {
            letters.voting.remove(&index);
        }
    }

    /// Whether a validator votes.
    #[must_use]
    pub fn votes(&self, index: usize) -> bool {
        self.letters().voting.contains(&index)
    }

    /// A validator has crashed: what it alone had seen may be lost, if it was not written down yet.
    pub fn forget_accusations(&self, index: usize) {
        self.letters().accused.retain(|(accuser, _)| *accuser != index);
    }
}

/// What was counted in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Final blocks.
    pub blocks: u64,
    /// Commands in them.
    pub commands: u64,
    /// Of them, those that had been in a block before.
    pub repeats: u64,
    /// What the venue refused of them.
    pub refused: u64,
    /// Trades.
    pub trades: u64,
    /// Accounts that were liquidated.
    pub liquidations: u64,
    /// Blocks with stale prices.
    pub stale_blocks: u64,
    /// Validators that were slashed.
    pub slashed: u64,
}

/// The auditor of a run.
pub struct Auditor {
    inbox: Inbox,
    market: Market,
    ledger: Ledger,
    blocks: BTreeMap<u64, Arc<Block>>,
    heights: Vec<u64>,
    latencies_ms: Vec<u64>,
    intervals_ms: Vec<u64>,
    included: BTreeSet<CommandId>,
    digests: BTreeMap<u64, [u8; 32]>,
    published: BTreeMap<ValidatorKey, TimeMs>,
    below: BTreeMap<AccountId, u32>,
    findings: Vec<Finding>,
    counts: Counts,
}

impl Auditor {
    /// An auditor of validators of a chain, who hears through an inbox.
    #[must_use]
    pub fn new(inbox: Inbox, market: Market, ledger: Ledger, validators: usize) -> Self {
        Self {
            inbox,
            market,
            ledger,
            blocks: BTreeMap::new(),
            heights: vec![0; validators],
            latencies_ms: Vec::new(),
            intervals_ms: Vec::new(),
            included: BTreeSet::new(),
            digests: BTreeMap::new(),
            published: BTreeMap::new(),
            below: BTreeMap::new(),
            findings: Vec::new(),
            counts: Counts::default(),
        }
    }

    /// The state after the last block.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Height of the last block.
    #[must_use]
    pub fn height(&self) -> u64 {
        self.ledger.height()
    }

    /// The highest block that a validator has said is final.
    #[must_use]
    pub fn height_of(&self, index: usize) -> u64 {
        self.heights.get(index).copied().unwrap_or(0)
    }

    /// From a block's time to a validator's knowing that it is final, ms; of all that were heard.
    #[must_use]
    pub fn latencies_ms(&self) -> &[u64] {
        &self.latencies_ms
    }

    /// Between the times of successive blocks, ms.
    #[must_use]
    pub fn intervals_ms(&self) -> &[u64] {
        &self.intervals_ms
    }

    /// What was counted.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// What was found.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Whether a command is in a final block.
    #[must_use]
    pub fn includes(&self, command: CommandId) -> bool {
        self.included.contains(&command)
    }

    /// Whether a block is final.
    #[must_use]
    pub fn has_block(&self, digest: Digest) -> bool {
        self.blocks.values().any(|block| block.digest() == digest)
    }

    /// How often a command is in the final blocks that a validator has said it has.
    #[must_use]
    pub fn inclusions(&self, index: usize, command: CommandId) -> usize {
        let known = self.blocks.range(..=self.height_of(index));
        let commands = known.flat_map(|(_, block)| block.body().commands.iter());
        commands.filter(|signed| CommandId::of(signed) == command).count()
    }

    /// Notes that something does not hold.
    pub fn find(&mut self, rule: Rule, what: String) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding { rule, what });
        }
    }

    /// Hears what validators said meanwhile and executes what is new; whether anything is.
    pub fn listen(&mut self) -> bool {
        let finals = std::mem::take(&mut self.inbox.letters().finals);
        for (index, time, block) in finals {
            self.hear(index, time, block);
        }
        let before = self.height();
        while let Some(block) = self.blocks.get(&(self.height() + 1)).cloned() {
            self.execute(&block);
            if self.height() != block.header().height {
                break;
            }
        }
        self.height() > before
    }

    fn hear(&mut self, index: usize, time: TimeMs, block: Arc<Block>) {
        let height = block.header().height;
        if let Some(known) = self.blocks.get(&height) {
            if known.header() != block.header() {
                let what = format!("validator {index} has another block at height {height}");
                self.find(Rule::OneHistory, what);
            }
        } else {
            self.blocks.insert(height, Arc::clone(&block));
        }
        // After a restart some are said again.
        if let Some(highest) = self.heights.get_mut(index)
            && height > *highest
        {
            *highest = height;
            let latency = time.0.saturating_sub(block.header().time.0);
            self.latencies_ms.push(u64::try_from(latency).unwrap_or(0));
        }
    }

    fn execute(&mut self, block: &Block) {
        let (header, body) = (block.header(), block.body());
        let height = header.height;
        let interval = header.time.0.saturating_sub(self.ledger.time().0);
        self.intervals_ms.push(u64::try_from(interval).unwrap_or(0));
        if let Err(error) = self.ledger.execute(body) {
            self.find(Rule::EqualState, format!("block {height} cannot be executed: {error}"));
            return;
        }
        if self.ledger.events_root() != header.events_root {
            self.find(Rule::EqualState, format!("block {height} has other events"));
        }
        self.check_repeats(block);
        self.counts.blocks += 1;
        self.counts.commands += u64::try_from(body.commands.len()).unwrap_or(0);
        self.hear_reports(block);
        self.check_sums(height);
        self.check_events(block);
        self.check_accounts(header.time, height);
        drop(self.ledger.checkpoint());
        self.digests.insert(height, self.ledger.digest());
    }

    /// A command may come by again, when it reaches a validator late; it must be refused then.
    fn check_repeats(&mut self, block: &Block) {
        let commands = block.body().commands.iter();
        let repeats = commands.filter(|one| !self.included.insert(CommandId::of(one))).count();
        let codes = [RejectCode::NonceUsed, RejectCode::NonceTooOld];
        let is_refusal = |event: &&Event| match event {
            Event::Rejected { reject, .. } => codes.contains(&reject.code),
            _ => false,
        };
        let refusals = self.ledger.venue_events().iter().filter(is_refusal).count();
        self.counts.repeats += u64::try_from(repeats).unwrap_or(0);
        if refusals < repeats {
            let height = block.header().height;
            let what = format!("block {height} repeats {repeats} commands, {refusals} refused");
            self.find(Rule::OnceEach, what);
        }
    }

    /// What reporters have said by now, without what the chain refused.
    fn hear_reports(&mut self, block: &Block) {
        let refused: BTreeSet<u16> = self
            .ledger
            .chain_events()
            .iter()
            .filter_map(|event| match event {
                ChainEvent::ItemRefused { item, .. } => Some(*item),
                ChainEvent::PriceRefused { item, .. } => Some(*item),
                _ => None,
            })
            .collect();
        for (item, content) in (0..).zip(block.body().system.iter()) {
            let SystemItem::Report(signed) = content else { continue };
            let Some(word) = signed.report.prices.first() else { continue };
            if !refused.contains(&item) {
                self.published.insert(signed.report.validator, word.published);
            }
        }
    }

    /// Whether more than a third of the validators have not reported of late, those that were
    /// slashed left out.
    fn is_stale(&self, time: TimeMs) -> bool {
        let all = self.ledger.validators();
        let counts = |standing| standing != Standing::Tombstoned;
        let keys: Vec<ValidatorKey> = all
            .into_iter()
            .filter(|view| counts(view.record.standing))
            .flat_map(|view| view.record.keys.into_vec())
            .collect();
        let fresh = keys.iter().filter_map(|key| self.published.get(key));
        let fresh = fresh.filter(|published| time.since(**published) <= REPORT_AGE_MAX).count();
        fresh * 3 < keys.len() * 2
    }

    fn check_sums(&mut self, height: u64) {
        let broken = if height.is_multiple_of(INVARIANTS_EVERY) {
            self.ledger.check_invariants().err().map(|broken| broken.to_string())
        } else {
            let holds = self.ledger.is_conserved();
            (!holds).then(|| "stake or money does not add up".to_string())
        };
        if let Some(what) = broken {
            self.find(Rule::Conservation, format!("after block {height}: {what}"));
        }
    }

    fn check_events(&mut self, block: &Block) {
        let (time, height) = (block.header().time, block.header().height);
        let is_stale = self.is_stale(time);
        self.counts.stale_blocks += u64::from(is_stale);
        let mut found = Vec::new();
        for event in self.ledger.venue_events() {
            let acts = match event {
                Event::LiquidationStarted { .. } => {
                    self.counts.liquidations += 1;
                    true
                }
                Event::BackstopStarted { .. }
                | Event::BackstopTaken { .. }
                | Event::Deleveraged { .. } => true,
                Event::Trade(trade) => {
                    self.counts.trades += 1;
                    matches!(trade.kind, TradeKind::Liquidation | TradeKind::Deleverage)
                }
                Event::Rejected { .. } => {
                    self.counts.refused += 1;
                    false
                }
                Event::Index { price, .. } => {
                    // As honest reporters whose clocks are a little wrong saw it.
                    let (until, span) = (time.0 + CLOCK_MS_MAX, REPORT_AGE_MAX.0);
                    let span = SpanMs(span + 2 * CLOCK_MS_MAX);
                    let (least, most) = self.market.range(TimeMs(until), span);
                    if *price < least || *price > most {
                        let what = format!("block {height} has index {} outside honest", price.0);
                        found.push((Rule::HonestIndex, what));
                    }
                    false
                }
                _ => false,
            };
            if acts && is_stale {
                let what = format!("block {height} acts on stale prices: {event:?}");
                found.push((Rule::FreshPrices, what));
            }
        }
        let is_slash = |event: &&ChainEvent| matches!(event, ChainEvent::Slashed { .. });
        let slashed = self.ledger.chain_events().iter().filter(is_slash).count();
        self.counts.slashed += u64::try_from(slashed).unwrap_or(0);
        for (rule, what) in found {
            self.find(rule, what);
        }
    }

    fn check_accounts(&mut self, time: TimeMs, height: u64) {
        let is_stale = self.is_stale(time);
        let mut found = Vec::new();
        let exchange = self.ledger.exchange();
        for account in (0..exchange.accounts()).map(AccountId) {
            if is_stale || !is_left_below(exchange, account) {
                self.below.remove(&account);
                continue;
            }
            let blocks = self.below.entry(account).or_insert(0);
            *blocks += 1;
            if *blocks == BLOCKS_BELOW_MAX {
                found.push(format!("block {height} leaves account {} below margin", account.0));
            }
        }
        for what in found {
            self.find(Rule::Liquidation, what);
        }
    }

    /// Checks a validator's state against the auditor's after the same block.
    pub fn compare(&mut self, index: usize, theirs: &Ledger) {
        let height = theirs.height();
        if height == 0 {
            return;
        }
        match self.digests.get(&height) {
            Some(digest) if *digest == theirs.digest() => {}
            Some(_) => {
                let what = format!("validator {index} has another state at height {height}");
                self.find(Rule::EqualState, what);
            }
            None => {
                let what = format!("validator {index} is at height {height}, which nobody heard");
                self.find(Rule::EqualState, what);
            }
        }
        if !theirs.is_conserved() {
            self.find(Rule::Conservation, format!("validator {index} at height {height}"));
        }
    }

    /// Whether everybody who was seen to vote twice has been slashed; else who was not.
    #[must_use]
    pub fn unpunished(&self) -> Vec<ValidatorKey> {
        let is_free = |key: &ValidatorKey| {
            let validator = self.ledger.validator_of_key(*key);
            validator.is_none_or(|validator| self.ledger.offence(validator).is_none())
        };
        let accused: BTreeSet<ValidatorKey> =
            self.inbox.letters().accused.iter().map(|(_, offender)| *offender).collect();
        accused.into_iter().filter(is_free).collect()
    }
}

/// Whether an account is below maintenance and nothing is being done about it.
fn is_left_below(exchange: &Exchange, account: AccountId) -> bool {
    let Some(margin) = exchange.margin_of(account) else { return false };
    let below = margin.maintenance > 0 && margin.balance < margin.maintenance;
    below && exchange.account_view(account).is_some_and(|view| !view.liquidating)
}

/// The highest and lowest of prices over a span before a moment, looked at every 10 ms.
pub(crate) fn extremes(
    price: impl Fn(TimeMs) -> Price,
    time: TimeMs,
    span: SpanMs,
) -> (Price, Price) {
    let prices = (0..=span.0 / 10).map(|step| price(TimeMs(time.0 - step * 10)));
    prices.fold((Price(i64::MAX), Price(0)), |(least, most), one| (least.min(one), most.max(one)))
}

/// The one underlying.
pub(crate) const UNDERLYING: UnderlyingId = UnderlyingId(0);
