//! What a scenario says, after reading and before running: units are the engine's, names are not
//! looked up yet.

mod request;

pub use request::*;

use super::want::{Check, ErrorWant};
use lockstep_types::command::{ExpiryReport, Phase, PhaseReason};
use lockstep_types::instrument::{InstrumentName, Ticker};
use lockstep_types::params::{UnderlyingParams, VenueParams};
use lockstep_types::units::DAY_MS;
use lockstep_types::{Price, SpanMs, TimeMs, Usd};
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
    /// Empty blocks up to a moment.
    Until(Timing),
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
    /// Money for an underlying's insurance fund, or for the shared one.
    FundInsurance(Option<Ticker>, Usd),
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
