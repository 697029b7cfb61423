//! What a scenario expects: numbers with their tolerance, rejections, and checks of the state.

use super::model::{AccountRef, ScopeSpec};
use crate::json::Json;
use lockstep_types::command::{MarginMode, Phase};
use lockstep_types::decimal::Decimal;
use lockstep_types::instrument::{InstrumentName, Ticker};
use lockstep_types::reject::{Reject, RejectCode};
use lockstep_types::{Side, TimeMs};
use std::fmt;

/// A number that is expected, in the unit with `places` decimal places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Want {
    /// Decimal places of the unit.
    pub places: u32,
    /// Which numbers will do.
    pub range: Range,
}

/// Which numbers will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// This one.
    Is(i64),
    /// Any but this one.
    Not(i64),
    /// Those within both limits.
    Within {
        /// Not below this.
        min: Option<i64>,
        /// Not above this.
        max: Option<i64>,
    },
}

impl Want {
    /// Whether `found` will do.
    pub fn accepts(self, found: i64) -> bool {
        match self.range {
            Range::Is(value) => found == value,
            Range::Not(value) => found != value,
            Range::Within { min, max } => {
                min.is_none_or(|min| found >= min) && max.is_none_or(|max| found <= max)
            }
        }
    }
}

impl fmt::Display for Want {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |value| Decimal { value, places: self.places };
        match self.range {
            Range::Is(value) => write!(f, "{}", show(value)),
            Range::Not(value) => write!(f, "not {}", show(value)),
            Range::Within { min: Some(min), max: Some(max) } => {
                write!(f, "{} to {}", show(min), show(max))
            }
            Range::Within { min: Some(min), max: None } => write!(f, ">= {}", show(min)),
            Range::Within { min: None, max: Some(max) } => write!(f, "<= {}", show(max)),
            Range::Within { min: None, max: None } => f.write_str("any"),
        }
    }
}

/// A rejection that is expected; what is absent may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorWant {
    /// The rule that refuses.
    pub rule: Option<String>,
    /// The code.
    pub code: Option<RejectCode>,
    /// The field that is wrong.
    pub field: Option<String>,
    /// The offending value, in the engine's unit.
    pub actual: Option<i64>,
    /// The limit, in the engine's unit.
    pub limit: Option<i64>,
}

impl ErrorWant {
    /// Whether `reject` is the expected one.
    pub fn accepts(&self, reject: Reject) -> bool {
        self.rule.as_deref().is_none_or(|rule| rule == reject.code.rule())
            && self.code.is_none_or(|code| code == reject.code)
            && self.field.as_deref().is_none_or(|field| field == reject.code.field())
            && self.actual.is_none_or(|actual| actual == reject.actual)
            && self.limit.is_none_or(|limit| limit == reject.limit)
    }
}

impl fmt::Display for ErrorWant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words: Vec<String> = Vec::new();
        words.extend(self.rule.clone());
        words.extend(self.code.map(|code| code.name().to_string()));
        words.extend(self.field.as_ref().map(|field| format!("field `{field}`")));
        words.extend(self.actual.map(|actual| format!("actual {actual}")));
        words.extend(self.limit.map(|limit| format!("limit {limit}")));
        let text = if words.is_empty() { "any rejection".into() } else { words.join(" ") };
        f.write_str(&text)
    }
}

/// A rejection as failures show it.
pub fn show_reject(reject: Reject) -> String {
    format!("{} ({})", reject.code.name(), reject)
}

/// One number of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// Collateral.
    Balance,
    /// Balance and unrealised results.
    Equity,
    /// Initial margin.
    Initial,
    /// Maintenance margin.
    Maintenance,
    /// What may be withdrawn.
    Available,
}

/// A position that is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionWant {
    /// Signed amount.
    pub amount: Option<Want>,
    /// Average entry price.
    pub average_price: Option<Want>,
    /// Unrealised result.
    pub unrealised: Option<Want>,
}

/// The state of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderState {
    /// Accepted, neither resting nor sleeping: a linked order that waits for its primary.
    Waiting,
    /// In the book.
    Open,
    /// Waiting for its trigger.
    Sleeping,
    /// Completely filled.
    Filled,
    /// Ended otherwise.
    Cancelled,
    /// Refused.
    Rejected,
}

impl OrderState {
    /// Its name in scenarios.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Open => "open",
            Self::Sleeping => "sleeping",
            Self::Filled => "filled",
            Self::Cancelled => "cancelled",
            Self::Rejected => "rejected",
        }
    }
}

/// An order that is expected; what is absent may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderWant {
    /// Its name in the scenario.
    pub name: Option<String>,
    /// Its label.
    pub label: Option<String>,
    /// Its instrument.
    pub instrument: Option<InstrumentName>,
    /// Its side.
    pub side: Option<Side>,
    /// Its state.
    pub state: Option<OrderState>,
    /// Its limit price.
    pub price: Option<Want>,
    /// Filled and remaining together.
    pub amount: Option<Want>,
    /// What is left of it.
    pub remaining: Option<Want>,
    /// What has filled.
    pub filled: Option<Want>,
    /// What the book shows of it.
    pub visible: Option<Want>,
    /// Average price of its fills.
    pub average_price: Option<Want>,
    /// Its trigger price now.
    pub trigger_price: Option<Want>,
    /// Why it was cancelled.
    pub reason: Option<String>,
}

/// A level of a book that is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelWant {
    /// Its price.
    pub price: Want,
    /// Its visible amount.
    pub amount: Option<Want>,
    /// How many orders it has.
    pub orders: Option<Want>,
}

/// An event that is expected: its kind and some of its fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventWant {
    /// Its kind.
    pub kind: String,
    /// Fields that must have these values.
    pub fields: Vec<(String, Json)>,
}

impl fmt::Display for EventWant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        for (name, value) in &self.fields {
            match value {
                Json::Text(text) => write!(f, " {name}={text}")?,
                other => write!(f, " {name}={other}")?,
            }
        }
        Ok(())
    }
}

/// What is expected of a stretch of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventsWant {
    /// Whether all events since the start count, not only those of the last line that ran blocks.
    pub since_start: bool,
    /// What is expected of them.
    pub shape: EventsShape,
}

/// What is expected of a stretch of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventsShape {
    /// These, in this order, others may come between.
    InOrder(Vec<EventWant>),
    /// These and no others.
    Exactly(Vec<EventWant>),
    /// None like these.
    Never(Vec<EventWant>),
    /// So many like this one.
    Count(EventWant, Want),
}

/// A trade that is expected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TradeWant {
    /// Its price.
    pub price: Option<Want>,
    /// Its amount.
    pub amount: Option<Want>,
    /// Other fields of its event.
    pub fields: Vec<(String, Json)>,
}

/// A pool of the venue's own money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// The insurance fund.
    Insurance,
    /// Fees due to validators.
    Validators,
    /// The treasury.
    Treasury,
}

/// Something that must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Where it stands in the `expect`, such as `balance.alice`.
    pub path: String,
    /// What must hold.
    pub subject: Subject,
}

/// What a check is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A number of an account.
    Figure(AccountRef, Figure, Want),
    /// How an account is margined.
    MarginMode(AccountRef, MarginMode),
    /// Whether an account is being liquidated.
    Liquidating(AccountRef, bool),
    /// Whether an account exists.
    Exists(AccountRef, bool),
    /// A position.
    Position(AccountRef, InstrumentName, PositionWant),
    /// All of an account's positions.
    Positions(AccountRef, Vec<(InstrumentName, PositionWant)>),
    /// One order.
    Order(String, Box<OrderWant>),
    /// All of an account's open orders.
    Orders(AccountRef, Vec<OrderWant>),
    /// How many open orders an account has.
    OrderCount(AccountRef, Want),
    /// One side of a book: its levels, or the first so many of them.
    Levels(InstrumentName, Side, Vec<LevelWant>, Option<usize>),
    /// The best price of a side, if any.
    Best(InstrumentName, Side, Option<LevelWant>),
    /// Events.
    Events(EventsWant),
    /// The last command's rejection; `None`: it had none.
    Error(Option<ErrorWant>),
    /// A phase.
    Phase(ScopeSpec, Phase),
    /// An index.
    Index(Ticker, Want),
    /// Share of fresh stake behind an index.
    Confidence(Ticker, Want),
    /// Whether an index is stale.
    Stale(Ticker, bool),
    /// A mark, if any.
    Mark(InstrumentName, Option<Want>),
    /// The price of the last trade, if any.
    LastPrice(InstrumentName, Option<Want>),
    /// A forward, if any.
    Forward(Ticker, TimeMs, Option<Want>),
    /// The volatility of an option's model price, if it has one.
    Volatility(InstrumentName, Option<Want>),
    /// A perpetual's eight-hour rate.
    FundingRate(InstrumentName, Want),
    /// A perpetual's cumulative funding.
    FundingIndex(InstrumentName, Want),
    /// Open interest.
    OpenInterest(InstrumentName, Want),
    /// One of the venue's pools.
    Pool(Pool, Want),
    /// Trades: of the last line, or the last ones ever of an instrument.
    Trades(Option<InstrumentName>, Vec<TradeWant>),
    /// Whether an instrument is listed.
    Listed(InstrumentName, bool),
    /// The clock.
    Clock(TimeMs),
    /// The state's digest, in hexadecimal.
    Digest(String),
}
