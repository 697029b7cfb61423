//! What happened: the engine's only output besides state.
//!
//! Events are enough to rebuild books, balances and positions from the start, and every rejection
//! names its rule (C4). Deliberately absent: marks of every series in every block, which anyone
//! can compute from the state.

use crate::command::{AgentScope, Phase, PhaseReason, PhaseScope};
use crate::ids::{
    AccountId, GroupId, InstrumentId, LinkId, OrderId, SignerId, TradeId, UnderlyingId,
};
use crate::instrument::InstrumentName;
use crate::order::{Label, Side};
use crate::reject::Reject;
use crate::units::{Lots, Ppm, Price, SpanMs, TimeMs, Usd};
use crate::{codec_enum, codec_struct};
use alloc::boxed::Box;

/// Why an order left the book without being filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CancelReason {
    /// The account asked.
    Request,
    /// The rest of an immediate-or-cancel or market order (M2).
    ImmediateRest,
    /// It would have traded with its own account (M5).
    SelfTrade,
    /// Its time in force ended (M2).
    TimeInForce,
    /// The dead-man switch fired (A5).
    DeadMan,
    /// Market maker protection tripped (M9).
    Protection,
    /// A newer quote replaced it (M10).
    Replaced,
    /// A linked order filled or ended (M3).
    Linked,
    /// It was reduce-only and the position it reduces is gone (M3).
    ReduceOnly,
    /// It was amended below what had filled (M4).
    Amended,
    /// The account is being liquidated (R3).
    Liquidation,
    /// Its account could not carry the fill (R1).
    Margin,
    /// The instrument expired (I5).
    Expiry,
    /// The phase does not allow it (M7).
    Phase,
    /// A limit stopped it: of one order's work (L7), or one that it broke on waking (M2).
    Limit,
}
codec_enum!(CancelReason {
    0 => Request, 1 => ImmediateRest, 2 => SelfTrade, 3 => TimeInForce, 4 => DeadMan,
    5 => Protection, 6 => Replaced, 7 => Linked, 8 => ReduceOnly, 9 => Amended, 10 => Liquidation,
    11 => Margin, 12 => Expiry, 13 => Phase, 14 => Limit,
});

/// How a trade came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TradeKind {
    /// An incoming order met a resting one (M1).
    Continuous,
    /// An uncrossing (M7).
    Auction,
    /// A block trade (M11).
    Block,
    /// The taker was a liquidation order (R3).
    Liquidation,
    /// Part of a slice that the taker won in a backstop auction, at mark (R3).
    Backstop,
    /// The taker was deleveraged against the maker (R3).
    Deleverage,
}
codec_enum!(TradeKind {
    0 => Continuous, 1 => Auction, 2 => Block, 3 => Liquidation, 4 => Backstop, 5 => Deleverage,
});

/// One trade, both sides (M1). In an auction the taker is the later order, in a block trade the
/// buyer is the taker and both order ids are 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Trade {
    /// Number.
    pub id: TradeId,
    /// Instrument.
    pub instrument: InstrumentId,
    /// Price.
    pub price: Price,
    /// Amount, positive.
    pub lots: Lots,
    /// Direction of the taker.
    pub taker_side: Side,
    /// The taker's account.
    pub taker: AccountId,
    /// The maker's account.
    pub maker: AccountId,
    /// The taker's order.
    pub taker_order: OrderId,
    /// The maker's order.
    pub maker_order: OrderId,
    /// What the taker paid.
    pub taker_fee: Usd,
    /// What the maker paid.
    pub maker_fee: Usd,
    /// How it came about.
    pub kind: TradeKind,
}
codec_struct!(Trade {
    id,
    instrument,
    price,
    lots,
    taker_side,
    taker,
    maker,
    taker_order,
    maker_order,
    taker_fee,
    maker_fee,
    kind,
});

/// An order that was accepted: resting in the book, sleeping, or about to trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Accepted {
    /// Its handle.
    pub order: OrderId,
    /// Its account.
    pub account: AccountId,
    /// Its instrument.
    pub instrument: InstrumentId,
    /// Its side.
    pub side: Side,
    /// Its limit price, after re-pricing; for a market order the protection limit.
    pub price: Price,
    /// Its amount.
    pub lots: Lots,
}
codec_struct!(Accepted { order, account, instrument, side, price, lots });

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A command, or one order of a batch, was refused and changed nothing (C4).
    Rejected {
        /// The account it was for.
        account: AccountId,
        /// Its place in the batch, 0 for a single command.
        item: u16,
        /// Why.
        reject: Reject,
    },
    /// A system command was refused.
    SystemRejected {
        /// Its place in the block's system part.
        item: u16,
        /// Why.
        reject: Reject,
    },
    /// An order was accepted; trades follow, then `Booked` if anything of it rests.
    Accepted(Accepted),
    /// The label of the order that was just accepted (A4).
    Labelled {
        /// The order.
        order: OrderId,
        /// Its label.
        label: Box<Label>,
    },
    /// The order now rests in the book at the back of its level.
    Booked {
        /// The order.
        order: OrderId,
        /// What is left of it, hidden lots included.
        lots: Lots,
        /// What of it is visible.
        visible: Lots,
    },
    /// The order sleeps until its trigger fires (M2).
    Sleeping {
        /// The order.
        order: OrderId,
        /// The trigger price now.
        trigger_price: Price,
    },
    /// A trigger fired.
    Triggered {
        /// The order that woke.
        order: OrderId,
        /// The price that woke it.
        price: Price,
    },
    /// A trade.
    Trade(Trade),
    /// An iceberg showed its next slice at the back of its level (M3).
    Refreshed {
        /// The order.
        order: OrderId,
        /// The new visible amount.
        visible: Lots,
    },
    /// An order was changed and kept its handle (M4).
    Amended {
        /// The order.
        order: OrderId,
        /// Its limit price now.
        price: Price,
        /// What is left of it now.
        lots: Lots,
        /// Whether it kept its place in the queue.
        kept_priority: bool,
    },
    /// An order ended without being filled.
    Cancelled {
        /// The order.
        order: OrderId,
        /// Its account.
        account: AccountId,
        /// What was left of it.
        lots: Lots,
        /// Why.
        reason: CancelReason,
    },
    /// Orders were linked (M3).
    Linked {
        /// The set.
        link: LinkId,
        /// How many orders.
        orders: u8,
    },
    /// Market maker protection tripped (M9).
    ProtectionTripped {
        /// The account.
        account: AccountId,
        /// On which underlying.
        underlying: UnderlyingId,
        /// Which group.
        group: GroupId,
        /// Frozen until then.
        until: TimeMs,
    },
    /// Market maker protection was set or reset (M9).
    ProtectionSet {
        /// The account.
        account: AccountId,
        /// On which underlying.
        underlying: UnderlyingId,
        /// Which group.
        group: GroupId,
    },
    /// The dead-man switch was set (A5).
    CancelScheduled {
        /// The account.
        account: AccountId,
        /// When it fires; `None`: disarmed.
        at: Option<TimeMs>,
    },
    /// An account was opened (A1).
    AccountOpened {
        /// The account.
        account: AccountId,
        /// Its owner's signer id.
        owner: SignerId,
        /// Sub-account number.
        sub: u8,
    },
    /// Collateral came in (A1).
    Deposited {
        /// The account.
        account: AccountId,
        /// How much.
        amount: Usd,
    },
    /// Collateral left (A1).
    Withdrawn {
        /// The account.
        account: AccountId,
        /// How much.
        amount: Usd,
    },
    /// Collateral moved between sub-accounts (A1).
    Transferred {
        /// From.
        from: AccountId,
        /// To.
        to: AccountId,
        /// How much.
        amount: Usd,
    },
    /// An agent was registered (A2).
    AgentRegistered {
        /// The owner.
        owner: SignerId,
        /// The agent.
        agent: SignerId,
        /// What it may do.
        scope: Box<AgentScope>,
    },
    /// An agent was revoked (A2).
    AgentRevoked {
        /// The owner.
        owner: SignerId,
        /// The agent.
        agent: SignerId,
    },
    /// The account's margin mode changed (A6).
    MarginModeSet {
        /// The account.
        account: AccountId,
        /// Whether it is portfolio margin now.
        portfolio: bool,
    },
    /// An underlying was added (I1).
    UnderlyingAdded {
        /// Its id.
        underlying: UnderlyingId,
    },
    /// An instrument was listed (I4).
    Listed {
        /// Its id.
        instrument: InstrumentId,
        /// Its name.
        name: Box<InstrumentName>,
    },
    /// An instrument expired; its orders are cancelled, its positions settled, its leaves deleted
    /// (I5).
    Expired {
        /// Its id.
        instrument: InstrumentId,
        /// The settlement price of the underlying.
        price: Price,
    },
    /// A position was settled at expiry (I5).
    Settled {
        /// The account.
        account: AccountId,
        /// The instrument.
        instrument: InstrumentId,
        /// The position, signed.
        lots: Lots,
        /// What it paid, signed.
        amount: Usd,
    },
    /// The index of an underlying changed (P1).
    Index {
        /// The underlying.
        underlying: UnderlyingId,
        /// The index.
        price: Price,
        /// Share of fresh stake.
        confidence: Ppm,
    },
    /// The index of an underlying went stale, or came back (P5).
    Stale {
        /// The underlying.
        underlying: UnderlyingId,
        /// Whether it is stale now.
        stale: bool,
    },
    /// A perpetual's funding moved on (P6).
    FundingRate {
        /// The perpetual.
        instrument: InstrumentId,
        /// Rate per eight hours, in 1e-9.
        rate_8h_ppb: i64,
        /// Cumulative funding per unit of the underlying, micro-USD.
        index: Price,
    },
    /// An account paid (or, negative, received) funding (P6).
    FundingPaid {
        /// The account.
        account: AccountId,
        /// The perpetual.
        instrument: InstrumentId,
        /// How much.
        amount: Usd,
    },
    /// A phase changed (M7).
    PhaseChanged {
        /// Of what.
        scope: PhaseScope,
        /// To which.
        phase: Phase,
        /// Why.
        reason: PhaseReason,
    },
    /// An auction uncrossed (M7).
    Uncrossed {
        /// The instrument.
        instrument: InstrumentId,
        /// The one price of its trades.
        price: Price,
        /// Lots traded.
        lots: Lots,
        /// Buyers' lots less sellers' lots left at that price.
        imbalance: Lots,
    },
    /// An account fell below maintenance margin and its orders were cancelled (R3).
    LiquidationStarted {
        /// The account.
        account: AccountId,
        /// Its equity.
        equity: Usd,
        /// Its maintenance requirement.
        maintenance: Usd,
    },
    /// The account is above maintenance again, or has nothing left (R3).
    LiquidationEnded {
        /// The account.
        account: AccountId,
        /// Its equity.
        equity: Usd,
        /// Its maintenance requirement.
        maintenance: Usd,
    },
    /// The base fee per work unit changed (F2).
    BaseFee {
        /// Micro-USD per unit.
        per_unit: Usd,
    },
    /// Parameters were set.
    ParametersSet,
    /// An insurance fund paid what an account lacks (R3).
    InsurancePaid {
        /// The account.
        account: AccountId,
        /// Whose fund; `None`: the shared one.
        underlying: Option<UnderlyingId>,
        /// How much.
        amount: Usd,
    },
    /// How long the venue takes to act on an underlying's price, and what margin charges for it
    /// (R4); in every block that refreshes the index.
    Latency {
        /// The underlying.
        underlying: UnderlyingId,
        /// Within this two thirds of the oracle's stake have reported.
        age: SpanMs,
        /// How long a block takes to become final.
        finality: SpanMs,
        /// Blocks that the liquidations waiting will take.
        queue: u32,
        /// The latency now, in microseconds.
        now_us: i64,
        /// The slow latency, in microseconds.
        slow_us: i64,
        /// Move of spot that initial requirements are charged for.
        initial: Ppm,
        /// Move of spot that maintenance requirements are charged for.
        maintenance: Ppm,
    },
    /// Slices of an account below maintenance are on offer (R3).
    BackstopStarted {
        /// The account.
        account: AccountId,
        /// Its equity.
        equity: Usd,
        /// Its maintenance requirement.
        maintenance: Usd,
    },
    /// Somebody took a slice; its positions are trades that follow (R3).
    BackstopTaken {
        /// The account.
        account: AccountId,
        /// Who took it.
        bidder: AccountId,
        /// How much of everything.
        share: Ppm,
        /// What was paid for it, to the account; negative: what insurance paid.
        price: Usd,
        /// Collateral that came with it, signed.
        cash: Usd,
    },
    /// A position that nobody takes over is closed against profitable ones; trades follow (R3).
    Deleveraged {
        /// The account.
        account: AccountId,
        /// The instrument.
        instrument: InstrumentId,
        /// What is closed of its position, signed like it.
        lots: Lots,
        /// At which price.
        price: Price,
        /// Mark.
        mark: Price,
        /// What insurance could not cover of this position's part of the deficit.
        uncovered: Usd,
    },
    /// Fees due to validators were paid out (F3).
    ValidatorsPaid {
        /// To which account.
        account: AccountId,
        /// How much.
        amount: Usd,
    },
}
codec_enum!(Event {
    0 => Rejected { account, item, reject },
    1 => SystemRejected { item, reject },
    2 => Accepted(accepted),
    3 => Labelled { order, label },
    4 => Booked { order, lots, visible },
    5 => Sleeping { order, trigger_price },
    6 => Triggered { order, price },
    7 => Trade(trade),
    8 => Refreshed { order, visible },
    9 => Amended { order, price, lots, kept_priority },
    10 => Cancelled { order, account, lots, reason },
    11 => Linked { link, orders },
    12 => ProtectionTripped { account, underlying, group, until },
    13 => ProtectionSet { account, underlying, group },
    14 => CancelScheduled { account, at },
    15 => AccountOpened { account, owner, sub },
    16 => Deposited { account, amount },
    17 => Withdrawn { account, amount },
    18 => Transferred { from, to, amount },
    19 => AgentRegistered { owner, agent, scope },
    20 => AgentRevoked { owner, agent },
    21 => MarginModeSet { account, portfolio },
    22 => UnderlyingAdded { underlying },
    23 => Listed { instrument, name },
    24 => Expired { instrument, price },
    25 => Settled { account, instrument, lots, amount },
    26 => Index { underlying, price, confidence },
    27 => Stale { underlying, stale },
    28 => FundingRate { instrument, rate_8h_ppb, index },
    29 => FundingPaid { account, instrument, amount },
    30 => PhaseChanged { scope, phase, reason },
    31 => Uncrossed { instrument, price, lots, imbalance },
    32 => LiquidationStarted { account, equity, maintenance },
    33 => LiquidationEnded { account, equity, maintenance },
    34 => BaseFee { per_unit },
    35 => ParametersSet,
    36 => InsurancePaid { account, underlying, amount },
    37 => Latency { underlying, age, finality, queue, now_us, slow_us, initial, maintenance },
    38 => BackstopStarted { account, equity, maintenance },
    39 => BackstopTaken { account, bidder, share, price, cash },
    40 => Deleveraged { account, instrument, lots, price, mark, uncovered },
    41 => ValidatorsPaid { account, amount },
});
