//! What a scenario says, after reading and before running: units are the engine's, names are not
//! looked up yet.

use super::want::{Check, ErrorWant};
use lockstep_types::command::{
    ExpiryReport, LinkKind, MarginMode, Phase, PhaseReason, ProtectionLimits,
};
use lockstep_types::ids::GroupId;
use lockstep_types::instrument::{InstrumentName, Ticker};
use lockstep_types::order::{Label, PostOnly, SelfTrade, Trigger};
use lockstep_types::params::{UnderlyingParams, VenueParams};
use lockstep_types::units::DAY_MS;
use lockstep_types::{Lots, Price, Side, SpanMs, TimeMs, Usd};
use std::fmt;

/// A whole scenario.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its first line.
    pub header: Header,
    /// Its other lines that do something.
    pub lines: Vec<Line>,
}

/// What the first line says.
#[derive(Clone, Debug)]
pub struct Header {
    /// Its line number, from 1.
    pub line: usize,
    /// One line that names the story.
    pub title: String,
    /// The rules that it shows, such as `M3`.
    pub rules: Vec<String>,
    /// The world it starts in.
    pub genesis: Genesis,
}

/// The world that a scenario starts in.
#[derive(Clone, Debug)]
pub struct Genesis {
    /// The clock when the first line runs.
    pub time: TimeMs,
    /// Between the blocks of consecutive commands.
    pub step: SpanMs,
    /// Between empty blocks while a line waits; `None`: by the length of the wait.
    pub every: Option<SpanMs>,
    /// The venue's parameters.
    pub venue: VenueParams,
    /// The underlyings in order.
    pub underlyings: Vec<GenesisUnderlying>,
    /// Reporters and their weights.
    pub reporters: Vec<(String, u64)>,
    /// Whether reporters repeat what they said last in every block.
    pub auto_report: bool,
    /// What the insurance fund starts with.
    pub insurance: Usd,
    /// What is listed.
    pub list: Vec<InstrumentName>,
}

/// An underlying at the start.
#[derive(Clone, Debug)]
pub struct GenesisUnderlying {
    /// Its parameters.
    pub params: UnderlyingParams,
    /// Its first price; `None`: nobody reports on it yet.
    pub price: Option<Price>,
    /// First forwards and smiles.
    pub expiries: Vec<ExpiryReport>,
}

/// An account by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccountRef {
    /// Name of its owner.
    pub owner: String,
    /// Sub-account number.
    pub sub: u8,
}

impl fmt::Display for AccountRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sub {
            0 => f.write_str(&self.owner),
            sub => write!(f, "{}/{sub}", self.owner),
        }
    }
}

/// A moment, as far as it can be known before running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeSpec {
    /// Exactly then.
    At(TimeMs),
    /// So much later than the block.
    After(SpanMs),
    /// The next time that the clock shows this, milliseconds after midnight UTC.
    TimeOfDay(i64),
}

impl TimeSpec {
    /// The moment meant, seen from `now`.
    pub fn resolve(self, now: TimeMs) -> TimeMs {
        match self {
            Self::At(time) => time,
            Self::After(span) => now.plus(span),
            Self::TimeOfDay(clock) => {
                let midnight = now.0 - now.0.rem_euclid(DAY_MS);
                let today = midnight + clock;
                TimeMs(if today > now.0 { today } else { today + DAY_MS })
            }
        }
    }
}

/// A line that does something.
#[derive(Clone, Debug)]
pub struct Line {
    /// Line number, from 1.
    pub number: usize,
    /// The line as written, shortened.
    pub source: String,
    /// Where the clock goes first.
    pub timing: Option<Timing>,
    /// What it does.
    pub action: Action,
    /// What must hold afterwards.
    pub checks: Vec<Check>,
}

/// Where the clock goes before a line.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// To where.
    pub to: TimeSpec,
    /// Between empty blocks on the way.
    pub every: Option<SpanMs>,
    /// Whether the chain stands still on the way.
    pub outage: bool,
}

/// What a line does.
#[derive(Clone, Debug)]
pub enum Action {
    /// Nothing but its timing and its checks.
    Nothing,
    /// Commands in one block.
    Block(Vec<Step>),
    /// So many empty blocks.
    Blocks {
        /// How many.
        count: u32,
        /// How far apart.
        every: Option<SpanMs>,
    },
    /// Switches automatic reports: of one reporter, or of all.
    AutoReport(Vec<(Option<String>, bool)>),
}

/// One command of a block.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its place in the block, from 1; 0 when it is alone.
    pub place: usize,
    /// What it asks.
    pub kind: StepKind,
    /// The rejection that must follow.
    pub expect_error: Option<ErrorWant>,
}

/// Who asks.
#[derive(Clone, Debug)]
pub enum StepKind {
    /// The chain.
    System(SystemStep),
    /// A signer.
    User(Box<UserStep>),
}

/// What the chain tells the exchange.
#[derive(Clone, Debug)]
pub enum SystemStep {
    /// Collateral comes in.
    Deposit(Vec<(AccountRef, Usd)>),
    /// Money for the insurance fund.
    FundInsurance(Usd),
    /// Prices.
    Report(Vec<ReportSpec>),
    /// Stake of reporters.
    ReporterWeight(Vec<(String, u64)>),
    /// Listings.
    List(Vec<InstrumentName>),
    /// A change of phase.
    Phase {
        /// Of what.
        scope: ScopeSpec,
        /// To which.
        phase: Phase,
        /// Why.
        reason: PhaseReason,
    },
    /// New venue parameters.
    VenueParams(Box<VenueParams>),
    /// New parameters of underlyings.
    UnderlyingParams(Vec<UnderlyingParams>),
    /// A new underlying.
    AddUnderlying(Box<UnderlyingParams>),
}

/// What a phase, or an expectation of one, is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScopeSpec {
    /// Everything.
    Venue,
    /// One underlying.
    Underlying(Ticker),
    /// One instrument.
    Instrument(InstrumentName),
}

impl fmt::Display for ScopeSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Venue => f.write_str("venue"),
            Self::Underlying(ticker) => write!(f, "{ticker}"),
            Self::Instrument(name) => write!(f, "{name}"),
        }
    }
}

/// A price report; absent parts stay as the reporter said them last.
#[derive(Clone, Debug)]
pub struct ReportSpec {
    /// Who; `None`: every reporter with weight.
    pub reporter: Option<String>,
    /// On what.
    pub underlying: Ticker,
    /// The price.
    pub price: Option<Price>,
    /// When the sources published it.
    pub published: Published,
    /// Forwards and smiles.
    pub expiries: Option<Vec<ExpiryReport>>,
}

/// When a report's sources published it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// At the time of the block.
    Now,
    /// Then.
    At(TimeSpec),
    /// So long before the block.
    Age(SpanMs),
}

/// A signer's command.
#[derive(Clone, Debug)]
pub struct UserStep {
    /// For which account.
    pub account: AccountRef,
    /// Who signs; `None`: the owner.
    pub by: Option<String>,
    /// Its nonce; `None`: the next one.
    pub nonce: Option<NonceSpec>,
    /// Not executed later than this.
    pub valid_until: Option<TimeSpec>,
    /// What it asks.
    pub request: Request,
}

/// A nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NonceSpec {
    /// This number.
    Exactly(u64),
    /// The one that the signer used last.
    Last,
    /// The block's clock and so many milliseconds.
    Clock(i64),
}

/// What a signer asks for.
#[derive(Clone, Debug)]
pub enum Request {
    /// An order.
    Place(OrderSpec),
    /// Linked orders.
    Linked {
        /// How they depend on each other.
        kind: LinkKind,
        /// The orders.
        orders: Vec<OrderSpec>,
    },
    /// A change of an order.
    Amend(AmendSpec),
    /// The end of an order.
    Cancel(TargetSpec),
    /// The end of many.
    CancelAll(CancelAllSpec),
    /// Several steps under one signature.
    Batch(Vec<BatchSpec>),
    /// Two-sided quotes.
    MassQuote {
        /// Their protection group.
        group: GroupId,
        /// The quotes.
        quotes: Vec<QuoteSpec>,
    },
    /// Limits of a protection group.
    SetProtection {
        /// On which underlying.
        underlying: Ticker,
        /// Which group.
        group: GroupId,
        /// The limits.
        limits: ProtectionLimits,
    },
    /// Unfreezing a protection group.
    ResetProtection {
        /// On which underlying.
        underlying: Ticker,
        /// Which group.
        group: GroupId,
    },
    /// The dead-man switch; `None` disarms it.
    ScheduleCancel(Option<TimeSpec>),
    /// A new sub-account.
    CreateSubAccount(u8),
    /// Collateral for another sub-account.
    Transfer {
        /// To which.
        to: AccountRef,
        /// How much.
        amount: Usd,
    },
    /// Collateral taken out.
    Withdraw(Usd),
    /// A new agent.
    RegisterAgent {
        /// Name of its key.
        agent: String,
        /// Only this sub-account.
        sub: Option<u8>,
        /// Only these instruments.
        instruments: Vec<InstrumentName>,
        /// No order larger than this.
        notional_max: Option<Usd>,
        /// Until when.
        expires: Option<TimeSpec>,
    },
    /// An agent's end.
    RevokeAgent(String),
    /// A margin mode.
    SetMarginMode(MarginMode),
    /// A block trade.
    BlockTrade {
        /// Its legs.
        legs: Vec<LegSpec>,
        /// Nobody is bound after this.
        agreed_until: TimeSpec,
        /// Who signed besides the sender; `None`: every other party.
        consents: Option<Vec<AccountRef>>,
    },
}

/// An order.
#[derive(Clone, Debug)]
pub struct OrderSpec {
    /// Its name in the scenario.
    pub name: Option<String>,
    /// What to trade.
    pub instrument: InstrumentName,
    /// Which way.
    pub side: Side,
    /// How much.
    pub lots: Lots,
    /// Limit price.
    pub price: Option<Price>,
    /// How long it is good.
    pub time_in_force: TifSpec,
    /// Whether it may take.
    pub post_only: PostOnly,
    /// Whether it may only shrink the position.
    pub reduce_only: bool,
    /// How much of it is shown.
    pub display: Option<Lots>,
    /// What happens on meeting its own account.
    pub self_trade: SelfTrade,
    /// Its protection group.
    pub protection: Option<GroupId>,
    /// What it sleeps for.
    pub trigger: Option<Trigger>,
    /// Its label.
    pub label: Option<Label>,
}

/// A time in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TifSpec {
    /// Until cancelled.
    GoodTilCancelled,
    /// Until the next 08:00 UTC.
    GoodTilDay,
    /// What cannot trade at once is cancelled.
    ImmediateOrCancel,
    /// All or nothing.
    FillOrKill,
    /// Until then.
    GoodTil(TimeSpec),
}

/// Which order is meant.
#[derive(Clone, Debug)]
pub enum TargetSpec {
    /// The one with this name in the scenario.
    Named(String),
    /// The one with this label.
    Label(Label),
    /// The one with this engine handle.
    Id(u64),
}

/// A change of an order.
#[derive(Clone, Debug)]
pub struct AmendSpec {
    /// Which.
    pub target: TargetSpec,
    /// New total amount.
    pub lots: Option<Lots>,
    /// New limit price.
    pub price: Option<Price>,
    /// New trigger price or offset.
    pub trigger_price: Option<Price>,
}

/// Which orders a cancel-all means.
#[derive(Clone, Copy, Debug)]
pub enum CancelAllSpec {
    /// All of the account's.
    Account,
    /// Those on one underlying.
    Underlying(Ticker),
    /// Those on one instrument.
    Instrument(InstrumentName),
    /// Those of a protection group.
    Group(Ticker, GroupId),
}

/// One step of a batch.
#[derive(Clone, Debug)]
pub struct BatchSpec {
    /// What it asks.
    pub step: BatchStep,
    /// The rejection that must follow.
    pub expect_error: Option<ErrorWant>,
}

/// What a step of a batch asks.
#[derive(Clone, Debug)]
pub enum BatchStep {
    /// An order.
    Place(Box<OrderSpec>),
    /// A change.
    Amend(AmendSpec),
    /// A cancel.
    Cancel(TargetSpec),
}

/// A two-sided quote.
#[derive(Clone, Debug)]
pub struct QuoteSpec {
    /// What is quoted.
    pub instrument: InstrumentName,
    /// The bid.
    pub bid: Option<QuoteSideSpec>,
    /// The offer.
    pub ask: Option<QuoteSideSpec>,
}

/// One side of a quote.
#[derive(Clone, Debug)]
pub struct QuoteSideSpec {
    /// Its price.
    pub price: Price,
    /// Its amount.
    pub lots: Lots,
    /// The order's name in the scenario.
    pub name: Option<String>,
}

/// One leg of a block trade.
#[derive(Clone, Debug)]
pub struct LegSpec {
    /// What.
    pub instrument: InstrumentName,
    /// How much.
    pub lots: Lots,
    /// At what price.
    pub price: Price,
    /// Who buys.
    pub buyer: AccountRef,
    /// Who sells.
    pub seller: AccountRef,
}
