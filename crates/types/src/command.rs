//! What people (and the system) can tell the exchange to do.
//!
//! A [`Command`] comes from a signer for an account; a [`SystemCommand`] comes from the chain
//! itself: prices, deposits, phases, parameters. Deliberately absent: signatures (see
//! [`crate::envelope`]) and anything that a machine could not decide from the state.

use crate::chain::ChainCommand;
use crate::codec::Bounded;
use crate::codec_enum;
use crate::codec_struct;
use crate::ids::{AccountId, GroupId, InstrumentId, ReporterId, SignerId, UnderlyingId};
use crate::instrument::InstrumentName;
use crate::order::{Amend, NewOrder, OrderTarget};
use crate::params::{UnderlyingParams, VenueParams};
use crate::units::{Lots, Ppm, Price, SpanMs, TimeMs, Usd, Vol};
use alloc::boxed::Box;

/// Orders in one batch, quotes in one mass quote (M10, L3).
pub const BATCH_MAX: usize = 100;
/// Linked orders (L3).
pub const LINKED_MAX: usize = 10;
/// Legs of a block trade (M11).
pub const BLOCK_LEGS_MAX: usize = 20;
/// Parties of a block trade (M11).
pub const BLOCK_PARTIES_MAX: usize = 8;
/// Instruments that an agent can be bound to (A2).
pub const AGENT_INSTRUMENTS_MAX: usize = 32;
/// Expiries in one report (P2, P3).
pub const REPORT_EXPIRIES_MAX: usize = 16;

/// How linked orders depend on each other (M3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkKind {
    /// One cancels the others: a fill of one shrinks the others by as much, its end ends them.
    OneCancelsOther,
    /// One triggers the others: the first order's complete fill places the rest.
    OneTriggersOther,
    /// The first order's complete fill places the rest, which cancel each other.
    OneTriggersOneCancelsOther,
}
codec_enum!(LinkKind {
    0 => OneCancelsOther, 1 => OneTriggersOther, 2 => OneTriggersOneCancelsOther,
});

/// Which orders a cancel-all means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CancelScope {
    /// All of the account's.
    Account,
    /// Those on one underlying.
    Underlying(UnderlyingId),
    /// Those on one instrument.
    Instrument(InstrumentId),
    /// Those of one market maker protection group on one underlying.
    Group {
        /// The underlying.
        underlying: UnderlyingId,
        /// The group.
        group: GroupId,
    },
}
codec_enum!(CancelScope {
    0 => Account, 1 => Underlying(underlying), 2 => Instrument(instrument),
    3 => Group { underlying, group },
});

/// One step of a batch; each has its own result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchItem {
    /// A new order.
    Place(NewOrder),
    /// A change.
    Amend(Amend),
    /// A cancel.
    Cancel(OrderTarget),
}
codec_enum!(BatchItem { 0 => Place(order), 1 => Amend(amend), 2 => Cancel(target) });

/// A price and an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuoteSide {
    /// Limit price.
    pub price: Price,
    /// Amount, positive.
    pub lots: Lots,
}
codec_struct!(QuoteSide { price, lots });

/// A two-sided quote that replaces the group's former one on the instrument (M10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// What is quoted.
    pub instrument: InstrumentId,
    /// The bid; `None` withdraws it.
    pub bid: Option<QuoteSide>,
    /// The offer; `None` withdraws it.
    pub ask: Option<QuoteSide>,
}
codec_struct!(Quote { instrument, bid, ask });

/// Limits of a market maker protection group over a rolling interval; 0 means no limit (M9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProtectionLimits {
    /// Length of the rolling interval.
    pub interval: SpanMs,
    /// How long the group stays frozen after tripping; 0: until reset.
    pub frozen_time: SpanMs,
    /// Lots traded.
    pub lots_max: Lots,
    /// Absolute net delta traded, in lots of the underlying.
    pub delta_max: Lots,
    /// Absolute net vega traded, in micro-USD per volatility point.
    pub vega_max: Usd,
    /// Number of trades.
    pub trades_max: u32,
}
codec_struct!(ProtectionLimits {
    interval,
    frozen_time,
    lots_max,
    delta_max,
    vega_max,
    trades_max,
});

/// What an agent may do: trade, never withdraw (A2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentScope {
    /// Only this sub-account, if given.
    pub sub: Option<u8>,
    /// Only these instruments, if any are given.
    pub instruments: Bounded<InstrumentId, AGENT_INSTRUMENTS_MAX>,
    /// No order larger than this notional, if given.
    pub notional_max: Option<Usd>,
    /// Until when.
    pub expires: Option<TimeMs>,
}
codec_struct!(AgentScope { sub, instruments, notional_max, expires });

/// How an account is margined (A6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MarginMode {
    /// Scenario-based over the whole account.
    Portfolio,
    /// Stand-alone rules per position.
    Standard,
}
codec_enum!(MarginMode { 0 => Portfolio, 1 => Standard });

/// One leg of a block trade: `buyer` buys from `seller` (M11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockLeg {
    /// What.
    pub instrument: InstrumentId,
    /// How much, positive.
    pub lots: Lots,
    /// At what price.
    pub price: Price,
    /// Who buys.
    pub buyer: AccountId,
    /// Who sells.
    pub seller: AccountId,
}
codec_struct!(BlockLeg { instrument, lots, price, buyer, seller });

/// The terms that every party of a block trade signs (M11).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockTerms {
    /// The legs; they execute together or not at all.
    pub legs: Bounded<BlockLeg, BLOCK_LEGS_MAX>,
    /// Nobody is bound after this.
    pub valid_until: TimeMs,
}
codec_struct!(BlockTerms { legs, valid_until });

/// A party's signature under block trade terms; checked before the engine sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// Who signed.
    pub signer: SignerId,
    /// For which account.
    pub account: AccountId,
    /// Its nonce: consent works once (A3).
    pub nonce: u64,
    /// ed25519 over the terms, see [`crate::envelope::consent_message`].
    pub signature: [u8; 64],
}
codec_struct!(Consent { signer, account, nonce, signature });

/// What a signer can ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Place an order (M2).
    Place(NewOrder),
    /// Place linked orders (M3).
    PlaceLinked {
        /// How they depend on each other.
        kind: LinkKind,
        /// Two to ten orders; for OTO and OTOCO the first is the primary.
        orders: Bounded<NewOrder, LINKED_MAX>,
    },
    /// Change an order (M4).
    Amend(Amend),
    /// Cancel an order.
    Cancel(OrderTarget),
    /// Cancel many.
    CancelAll(CancelScope),
    /// Up to 100 steps under one signature (L3).
    Batch(Bounded<BatchItem, BATCH_MAX>),
    /// Replace up to 100 quotes (M10).
    MassQuote {
        /// The protection group that the quotes belong to.
        group: GroupId,
        /// The quotes.
        quotes: Bounded<Quote, BATCH_MAX>,
    },
    /// Set market maker protection for a group (M9).
    SetProtection {
        /// On which underlying.
        underlying: UnderlyingId,
        /// Which group.
        group: GroupId,
        /// The limits.
        limits: ProtectionLimits,
    },
    /// Unfreeze a group (M9).
    ResetProtection {
        /// On which underlying.
        underlying: UnderlyingId,
        /// Which group.
        group: GroupId,
    },
    /// Dead-man switch: cancel everything at `at`, or never (A5).
    ScheduleCancel {
        /// When; `None` disarms.
        at: Option<TimeMs>,
    },
    /// Open a sub-account (A1).
    CreateSubAccount {
        /// Its number.
        sub: u8,
    },
    /// Move collateral between sub-accounts of one owner (A1).
    Transfer {
        /// To which account.
        to: AccountId,
        /// How much.
        amount: Usd,
    },
    /// Take collateral out (A1).
    Withdraw {
        /// How much.
        amount: Usd,
    },
    /// Register an agent key (A2).
    RegisterAgent {
        /// Its ed25519 public key.
        key: [u8; 32],
        /// What it may do.
        scope: AgentScope,
    },
    /// Revoke an agent key at once (A2).
    RevokeAgent {
        /// Its ed25519 public key.
        key: [u8; 32],
    },
    /// Change the account's margin mode (A6).
    SetMarginMode(MarginMode),
    /// Execute a block trade that all parties signed (M11).
    BlockTrade {
        /// What was agreed.
        terms: BlockTerms,
        /// The other parties' signatures; the sender's is the envelope's.
        consents: Bounded<Consent, BLOCK_PARTIES_MAX>,
    },
    /// Take a slice of an account that is in the backstop auction, positions and collateral (R3).
    Bid {
        /// Whose slice.
        account: AccountId,
        /// How much of everything that it has.
        share: Ppm,
        /// What is paid at most; negative: what the taker wants to be paid at least.
        price_max: Usd,
    },
    /// Tell the chain around the venue something: stake, votes (see [`crate::chain`]). The venue
    /// checks who says it and takes nonce and base fee; by itself it can do no more.
    Chain(Box<ChainCommand>),
}
codec_enum!(Command {
    0 => Place(order),
    1 => PlaceLinked { kind, orders },
    2 => Amend(amend),
    3 => Cancel(target),
    4 => CancelAll(scope),
    5 => Batch(items),
    6 => MassQuote { group, quotes },
    7 => SetProtection { underlying, group, limits },
    8 => ResetProtection { underlying, group },
    9 => ScheduleCancel { at },
    10 => CreateSubAccount { sub },
    11 => Transfer { to, amount },
    12 => Withdraw { amount },
    13 => RegisterAgent { key, scope },
    14 => RevokeAgent { key },
    15 => SetMarginMode(mode),
    16 => BlockTrade { terms, consents },
    17 => Bid { account, share, price_max },
    18 => Chain(command),
});

impl Command {
    /// Whether it carries many orders under one signature, and so may be larger.
    #[must_use]
    pub fn is_multiple(&self) -> bool {
        matches!(self, Self::Batch(_) | Self::MassQuote { .. } | Self::BlockTrade { .. })
    }
}

/// A command whose signature has been checked: what a block holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserCommand {
    /// Who signed.
    pub signer: SignerId,
    /// For which account.
    pub account: AccountId,
    /// Unique per signer in a sliding window; by convention milliseconds (A3).
    pub nonce: u64,
    /// Not executed in blocks later than this (A3).
    pub valid_until: Option<TimeMs>,
    /// What to do.
    pub command: Command,
}
codec_struct!(UserCommand { signer, account, nonce, valid_until, command });

/// Parameters of one expiry's volatility smile (P3): the SSVI slice that
/// `lockstep_exchange::formula::smile` documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SmileParams {
    /// At-the-money volatility.
    pub atm: Vol,
    /// Tilt, between -1 and 1; negative when low strikes are dearer.
    pub rho: Ppm,
    /// Curvature, not negative; zero is a flat smile.
    pub phi: Ppm,
}
codec_struct!(SmileParams { atm, rho, phi });

/// What a reporter says of one expiry (P2, P3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpiryReport {
    /// The expiry.
    pub expiry: TimeMs,
    /// Forward over index less one, in 1e-9.
    pub basis_ppb: i64,
    /// The smile, if the reporter has one.
    pub smile: Option<SmileParams>,
}
codec_struct!(ExpiryReport { expiry, basis_ppb, smile });

/// One reporter's observation of one underlying (P1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Who reports.
    pub reporter: ReporterId,
    /// On what.
    pub underlying: UnderlyingId,
    /// Its price.
    pub price: Price,
    /// When the sources published it.
    pub published: TimeMs,
    /// Forwards and smiles.
    pub expiries: Bounded<ExpiryReport, REPORT_EXPIRIES_MAX>,
}
codec_struct!(Report { reporter, underlying, price, published, expiries });

/// What a phase applies to (M7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PhaseScope {
    /// Everything.
    Venue,
    /// One underlying's instruments.
    Underlying(UnderlyingId),
    /// One instrument.
    Instrument(InstrumentId),
}
codec_enum!(PhaseScope { 0 => Venue, 1 => Underlying(underlying), 2 => Instrument(instrument) });

/// What trading is possible (M7). Ordered by strictness: the strictest of venue, underlying and
/// instrument holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Orders trade as they come.
    #[default]
    Continuous,
    /// Only orders that reduce a position.
    ReduceOnly,
    /// Orders collect; nothing trades until the phase ends with an uncrossing.
    Auction,
    /// Nothing but cancels.
    Halted,
}
codec_enum!(Phase { 0 => Continuous, 1 => ReduceOnly, 2 => Auction, 3 => Halted });

/// Why a phase changed (M7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PhaseReason {
    /// By decision of the operators.
    Scheduled,
    /// The chain stood still (chain halts, see the protocol).
    Outage,
    /// Prices went stale, or came back (P5).
    Prices,
    /// An incident.
    Emergency,
    /// The venue reacts too slowly, or fast enough again (R4).
    Latency,
}
codec_enum!(PhaseReason {
    0 => Scheduled, 1 => Outage, 2 => Prices, 3 => Emergency, 4 => Latency,
});

/// What the chain itself tells the exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SystemCommand {
    /// Set the venue's parameters.
    SetVenueParams(Box<VenueParams>),
    /// Add an underlying (I1).
    AddUnderlying(UnderlyingParams),
    /// Change an underlying's parameters; the ticker stays.
    SetUnderlyingParams {
        /// Which.
        underlying: UnderlyingId,
        /// The new settings.
        params: UnderlyingParams,
    },
    /// Set a reporter's weight: its validator's stake; 0 removes it (P1).
    SetReporterWeight {
        /// Who.
        reporter: ReporterId,
        /// Its weight.
        weight: u64,
    },
    /// A price report (P1).
    Report(Report),
    /// Collateral came in for an owner's sub-account; both are created if new (A1).
    Deposit {
        /// The owner's ed25519 public key.
        owner: [u8; 32],
        /// The sub-account.
        sub: u8,
        /// How much.
        amount: Usd,
    },
    /// Money for an underlying's insurance fund, or for the shared one (R3).
    FundInsurance {
        /// Whose fund; `None`: the shared one.
        underlying: Option<UnderlyingId>,
        /// How much.
        amount: Usd,
    },
    /// List an instrument by hand (I4).
    List(InstrumentName),
    /// Change a phase (M7).
    SetPhase {
        /// Of what.
        scope: PhaseScope,
        /// To which.
        phase: Phase,
        /// Why.
        reason: PhaseReason,
    },
    /// Pay validators' fees out to an owner's sub-account, which is created if new (F3).
    PayValidators {
        /// The owner's ed25519 public key; it is known to the venue.
        owner: [u8; 32],
        /// The sub-account.
        sub: u8,
        /// How much.
        amount: Usd,
    },
}
codec_enum!(SystemCommand {
    0 => SetVenueParams(params),
    1 => AddUnderlying(params),
    2 => SetUnderlyingParams { underlying, params },
    3 => SetReporterWeight { reporter, weight },
    4 => Report(report),
    5 => Deposit { owner, sub, amount },
    6 => FundInsurance { underlying, amount },
    7 => List(name),
    8 => SetPhase { scope, phase, reason },
    9 => PayValidators { owner, sub, amount },
});

/// System commands in one block (L3).
pub const BLOCK_SYSTEM_MAX: usize = 10_000;
/// User commands in one block (L3).
pub const BLOCK_COMMANDS_MAX: usize = 50_000;

/// One block of work: the system part first, then the users' commands as ordered (M6).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// Height, one more than the block before.
    pub height: u64,
    /// The chain's clock, not earlier than the block before.
    pub time: TimeMs,
    /// The system part.
    pub system: Bounded<SystemCommand, BLOCK_SYSTEM_MAX>,
    /// The users' part.
    pub commands: Bounded<UserCommand, BLOCK_COMMANDS_MAX>,
}
codec_struct!(Block { height, time, system, commands });
