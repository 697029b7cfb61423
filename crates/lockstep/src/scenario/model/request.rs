//! What signers ask for.

use super::{AccountRef, TimeSpec};
use crate::scenario::want::ErrorWant;
use lockstep_types::command::{LinkKind, MarginMode, ProtectionLimits};
use lockstep_types::ids::GroupId;
use lockstep_types::instrument::{InstrumentName, Ticker};
use lockstep_types::order::{Label, PostOnly, SelfTrade, Trigger};
use lockstep_types::{Lots, Ppm, Price, Side, Usd};

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
    /// A bid for a slice of an account in the backstop auction.
    Bid {
        /// Whose slice.
        account: AccountRef,
        /// How much of everything.
        share: Ppm,
        /// What is paid at most.
        price_max: Usd,
    },
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
    /// The one with this name in the scenario; by its label while it has no number yet.
    Named(String, Option<Label>),
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
