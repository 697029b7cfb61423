//! The shapes of the leaves: what the exchange remembers.
//!
//! Everything here is integers with units and is encoded canonically, so that a leaf has one hash.
//! Hot leaves are small and `Copy`. Deliberately absent: anything that can be computed from other
//! leaves, such as marks of options, margins, or lists of an account's orders.

mod risk;

pub use risk::{
    Floor, FloorRange, Gaps, LATENCY_BUCKETS, LATENCY_DAYS, Latency, LatencyDay, Liquidation,
    LiquidationShare, Range, Watch, Watched,
};

use alloc::vec::Vec;
use lockstep_types::codec::{Decode, DecodeError, Encode, Reader};
use lockstep_types::codec_struct;
use lockstep_types::command::{
    AgentScope, LinkKind, MarginMode, Phase, ProtectionLimits, SmileParams,
};
use lockstep_types::ids::{AccountId, InstrumentId, LinkId, OrderId, SignerId, UnderlyingId};
use lockstep_types::instrument::Contract;
use lockstep_types::nonce::NonceWindow;
use lockstep_types::order::{
    Label, PostOnly, SelfTrade, Side, TimeInForce, TriggerKind, TriggerSource,
};
use lockstep_types::units::{Lots, Ppm, Price, TimeMs, Usd};

/// No slot, no tick: the end of a list.
pub const NONE: u32 = u32::MAX;
/// No protection group.
pub const NO_GROUP: u8 = u8::MAX;
/// Free slots in one page of the stack.
pub const FREE_PAGE_LEN: usize = 64;

/// Counters, funds, clock: the leaf that nearly every step touches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Height of the current block.
    pub height: u64,
    /// Time of the current block.
    pub time: TimeMs,
    /// Orders so far, second arrivals in auctions included: the last one's number.
    pub orders: u64,
    /// Trades so far.
    pub trades: u64,
    /// Link sets so far.
    pub links: u64,
    /// Signers, that is the next signer's id.
    pub signers: u32,
    /// Accounts, that is the next account's id.
    pub accounts: u32,
    /// Instruments ever listed, that is the next instrument's id.
    pub instruments: u32,
    /// Underlyings.
    pub underlyings: u8,
    /// Order slots ever used.
    pub slots: u32,
    /// Free slots on the stack.
    pub free_slots: u32,
    /// Open orders.
    pub open_orders: u32,
    /// Account from which the next maintenance sweep starts (R2).
    pub sweep: u32,
    /// Deposits less withdrawals: what all balances must add up to (C1).
    pub deposits: Usd,
    /// The shared insurance fund; underlyings have their own beside it (R3).
    pub insurance: Usd,
    /// Fees collected and not yet split.
    pub fees: Usd,
    /// Fees due to validators (F3).
    pub validators: Usd,
    /// Fees due to the treasury (F3).
    pub treasury: Usd,
    /// Fractions of a micro-USD that rounding left over, in nano-USD; whole micros go to insurance.
    pub dust_nano: i64,
    /// Work units of the current block so far (F2).
    pub work: u64,
    /// Base fee per work unit in nano-USD (F2).
    pub base_fee_nano: i64,
    /// The venue's phase (M7).
    pub phase: Phase,
    /// Accounts that are being liquidated (R3).
    pub liquidating: u32,
    /// Changes of parameters so far.
    pub parameters: u32,
}
codec_struct!(Totals {
    height,
    time,
    orders,
    trades,
    links,
    signers,
    accounts,
    instruments,
    underlyings,
    slots,
    free_slots,
    open_orders,
    sweep,
    deposits,
    insurance,
    fees,
    validators,
    treasury,
    dust_nano,
    work,
    base_fee_nano,
    phase,
    liquidating,
    parameters,
});

/// A signing key's record (A1, A2, A3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignerRecord {
    /// Its public key.
    pub key: [u8; 32],
    /// Whose key it is: itself for an owner, the owner for an agent.
    pub owner: SignerId,
    /// Whether it may sign: false for a revoked agent.
    pub active: bool,
    /// Agents registered by this owner.
    pub agents: u16,
    /// Which nonces it has used of late; those before are a leaf of their own, so that this one
    /// fills no more than a cache line.
    pub nonces: NonceWindow,
}
codec_struct!(SignerRecord { key, owner, active, agents, nonces });

/// An account (A1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its owner.
    pub owner: SignerId,
    /// Its number among the owner's.
    pub sub: u8,
    /// How it is margined (A6).
    pub mode: MarginMode,
    /// Its fee tier (F1), of the volume up to `volume_day`.
    pub tier: u8,
    /// Whether it is being liquidated (R3).
    pub liquidating: bool,
    /// Open orders, sleeping ones included (L1).
    pub orders: u32,
    /// Instruments with a position or an order (L2).
    pub holdings: u32,
    /// Collateral, realised and settled.
    pub cash: Usd,
    /// Day number of `volume_today`.
    pub volume_day: i64,
    /// Volume traded on that day.
    pub volume_today: Usd,
    /// When the dead-man switch fires; 0: never (A5).
    pub dead_man: TimeMs,
    /// Whether it is to be looked at for its maintenance margin (R2).
    pub watched: Watched,
}
codec_struct!(Account {
    owner,
    sub,
    mode,
    tier,
    liquidating,
    orders,
    holdings,
    cash,
    volume_day,
    volume_today,
    dead_man,
    watched,
});

/// Days of volume that decide an account's tier (F1).
pub const VOLUME_DAYS: usize = 30;

/// Volume of the thirty days before the account's `volume_day`, by day number modulo thirty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VolumeHistory {
    /// Volume of a day.
    pub days: [i64; VOLUME_DAYS],
}
codec_struct!(VolumeHistory { days });

/// A position and the open orders beside it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// Position, signed.
    pub lots: Lots,
    /// What the position cost, nano-USD, signed like it: exact, a lot is a thousandth.
    pub cost_nano: i128,
    /// Lots of open buy orders, sleeping ones not included.
    pub buy_lots: Lots,
    /// Lots of open sell orders, likewise.
    pub sell_lots: Lots,
    /// Their limit prices times lots, nano-USD.
    pub buy_cost_nano: i128,
    /// Likewise.
    pub sell_cost_nano: i128,
    /// Cumulative funding of the perpetual when it was last paid (P6).
    pub funding: Price,
    /// Open orders, sleeping ones included.
    pub orders: u32,
    /// How many of them are reduce-only (M3).
    pub reduce_only: u32,
}
codec_struct!(Holding {
    lots,
    cost_nano,
    buy_lots,
    sell_lots,
    buy_cost_nano,
    sell_cost_nano,
    funding,
    orders,
    reduce_only,
});

impl Holding {
    /// Whether nothing is left of it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lots == Lots::ZERO && self.orders == 0
    }
}

/// An open order. A sleeping one is in no level; its trigger is in its extra.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its handle.
    pub id: OrderId,
    /// Its limit price.
    pub price: Price,
    /// The limit price's index in the tick table.
    pub tick: u32,
    /// Whose it is.
    pub account: AccountId,
    /// What it is for.
    pub instrument: InstrumentId,
    /// Lots at the start; amends change it.
    pub total: u32,
    /// Lots left, hidden ones included.
    pub left: u32,
    /// Lots of them that are shown.
    pub visible: u32,
    /// Its side.
    pub side: Side,
    /// Whether it may take when amended.
    pub post_only: PostOnly,
    /// What happens on meeting its own account.
    pub self_trade: SelfTrade,
    /// Whether it may only shrink the position.
    pub reduce_only: bool,
    /// Protection group, or [`NO_GROUP`].
    pub group: u8,
    /// Whether it has an [`Extra`].
    pub has_extra: bool,
    /// Whether it sleeps.
    pub asleep: bool,
}
codec_struct!(Order {
    id,
    price,
    tick,
    account,
    instrument,
    total,
    left,
    visible,
    side,
    post_only,
    self_trade,
    reduce_only,
    group,
    has_extra,
    asleep,
});

/// A booked order's place in its level's queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct QueuePlace {
    /// Slot of the next order, or [`NONE`].
    pub next: u32,
    /// Slot of the order before; meaningless at the head, which saves touching the next order
    /// whenever a head leaves.
    pub previous: u32,
}
codec_struct!(QueuePlace { next, previous });

/// A sleeping order's trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sleep {
    /// What is watched.
    pub source: TriggerSource,
    /// What fires it.
    pub kind: TriggerKind,
    /// The price at which it fires now.
    pub price: Price,
    /// Whether it fires when the price rises to that.
    pub rising: bool,
    /// Whether it becomes a market order.
    pub market: bool,
    /// Its time in force once awake.
    pub time_in_force: TimeInForce,
}
codec_struct!(Sleep { source, kind, price, rising, market, time_in_force });

/// What few orders have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extra {
    /// Client's name (A4).
    pub label: Option<Label>,
    /// Iceberg slice (M3); 0: everything is shown.
    pub display: u32,
    /// When it is cancelled; 0: never (M2).
    pub until: TimeMs,
    /// Set of linked orders; 0: none (M3).
    pub link: LinkId,
    /// Trigger, while it sleeps.
    pub sleep: Option<Sleep>,
    /// Who placed it; the owner, where the order had no extra before.
    pub signer: SignerId,
    /// When it came again into an auction's book by being amended: the id that a new order would
    /// have had. 0: it arrived when its own id says, or before the auction (M7).
    pub arrival: u64,
}
codec_struct!(Extra { label, display, until, link, sleep, signer, arrival });

/// Sleeping orders of one instrument (M2); the leaf is there while there are any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sleepers {
    /// How many, trailing ones included, by watched price: index, mark, last.
    pub orders: [u32; 3],
    /// How many of them are trailing, likewise.
    pub trailing: [u32; 3],
    /// The watched prices when trailing orders last followed them; 0: not yet.
    pub followed: [i64; 3],
}
codec_struct!(Sleepers { orders, trailing, followed });

/// A set of linked orders (M3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// How they depend on each other.
    pub kind: LinkKind,
    /// Whose.
    pub account: AccountId,
    /// Who placed them.
    pub signer: SignerId,
    /// Whether the primary has yet to fill.
    pub waiting: bool,
    /// The live orders; the primary first while waiting.
    pub orders: Vec<OrderId>,
    /// The orders that wait for the primary.
    pub pending: Vec<lockstep_types::order::NewOrder>,
}

impl Encode for Link {
    fn encode(&self, out: &mut Vec<u8>) {
        self.kind.encode(out);
        self.account.encode(out);
        self.signer.encode(out);
        self.waiting.encode(out);
        encode_list(&self.orders, out);
        encode_list(&self.pending, out);
    }
}

impl Decode for Link {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            kind: Decode::decode(reader)?,
            account: Decode::decode(reader)?,
            signer: Decode::decode(reader)?,
            waiting: Decode::decode(reader)?,
            orders: decode_list(reader)?,
            pending: decode_list(reader)?,
        })
    }
}

const LIST_MAX: usize = 1_024;

pub(super) fn encode_list<T: Encode>(list: &[T], out: &mut Vec<u8>) {
    assert!(list.len() <= LIST_MAX, "lists inside leaves are short");
    u16::try_from(list.len()).unwrap_or(u16::MAX).encode(out);
    for element in list {
        element.encode(out);
    }
}

pub(super) fn decode_list<T: Decode>(reader: &mut Reader<'_>) -> Result<Vec<T>, DecodeError> {
    let count = reader.count(LIST_MAX, 1)?;
    (0..count).map(|_| T::decode(reader)).collect()
}

/// A price level: a queue of orders, and the neighbouring levels of its side. It does not count
/// its orders, so that two levels fit a cache line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Tick of the next better level, or [`NONE`].
    pub better: u32,
    /// Tick of the next worse level, or [`NONE`].
    pub worse: u32,
    /// Slot of the first order; there is at least one.
    pub head: u32,
    /// Slot of the last order.
    pub tail: u32,
    /// Visible lots.
    pub lots: i64,
}
codec_struct!(Level { better, worse, head, tail, lots });

/// A page of the stack of free order slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FreeSlots {
    /// The slots; those above the top of the stack are zero.
    pub slots: [u32; FREE_PAGE_LEN],
}
codec_struct!(FreeSlots { slots });

/// An instrument and the touch of its book. What matching needs comes first and shares a cache
/// line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Instrument {
    /// Tick of the best bid, or [`NONE`].
    pub best_bid: u32,
    /// Tick of the best offer, or [`NONE`].
    pub best_ask: u32,
    /// Open orders, sleeping ones included.
    pub orders: u32,
    /// Accounts with a holding in it.
    pub holders: u32,
    /// Open interest (C2).
    pub open_interest: Lots,
    /// Price of the last trade; 0: none yet.
    pub last: Price,
    /// Its underlying.
    pub underlying: UnderlyingId,
    /// Its own phase (M7).
    pub phase: Phase,
    /// Its contract.
    pub contract: Contract,
    /// When it was listed.
    pub listed: TimeMs,
}
codec_struct!(Instrument {
    underlying,
    contract,
    phase,
    best_bid,
    best_ask,
    orders,
    holders,
    open_interest,
    last,
    listed,
});

/// Price state of a perpetual or future (P2, P4, P6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Linear {
    /// Mark, as of the last block with a fresh index; 0: none yet.
    pub mark: Price,
    /// Average of the mid's distance from index; see `formula::mark`.
    pub basis_ema_nano: i64,
    /// When the average was last moved.
    pub basis_time: TimeMs,
    /// Cumulative funding per unit (P6).
    pub funding: Price,
    /// Fraction of cumulative funding not yet in it; see `formula::funding`.
    pub funding_remainder: i64,
    /// When funding was last accrued.
    pub funding_time: TimeMs,
    /// Premium sample in force, in 1e-9 (P6).
    pub premium_ppb: i64,
    /// When it was taken.
    pub premium_time: TimeMs,
    /// Rate in force, for display.
    pub rate_8h_ppb: i64,
}
codec_struct!(Linear {
    mark,
    basis_ema_nano,
    basis_time,
    funding,
    funding_remainder,
    funding_time,
    premium_ppb,
    premium_time,
    rate_8h_ppb,
});

/// Price state of an underlying (P1, P5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Underlying {
    /// Index; 0: none yet.
    pub index: Price,
    /// Share of stake that is fresh.
    pub confidence: Ppm,
    /// Whether the index is stale.
    pub stale: bool,
    /// Time of the last block with a fresh index.
    pub fresh: TimeMs,
    /// Its phase (M7).
    pub phase: Phase,
    /// Its perpetual, if listed.
    pub perpetual: Option<InstrumentId>,
    /// Listed instruments.
    pub listed: u32,
    /// Day number up to which the schedule has listed.
    pub listing_day: i64,
    /// Forward at which strikes were last extended.
    pub listing_price: Price,
    /// What its latency allows, beside its phase (R4).
    pub pace: Phase,
    /// While its marks are frozen and orders collect: when it reopens at the earliest (R4).
    pub reopens: TimeMs,
    /// Its own insurance fund (R3).
    pub insurance: Usd,
}
codec_struct!(Underlying {
    index,
    confidence,
    stale,
    fresh,
    phase,
    perpetual,
    listed,
    listing_day,
    listing_price,
    pace,
    reopens,
    insurance,
});

/// Price state of one expiry (P2, P3, I5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expiry {
    /// Forward of the whole underlying, before the settlement window splits it; 0: none yet.
    pub forward: Price,
    /// Reported forward over index less one, in 1e-9.
    pub basis_ppb: i64,
    /// Volatility smile; `None` until reported.
    pub smile: Option<SmileParams>,
    /// Its dated future, if listed.
    pub future: Option<InstrumentId>,
    /// Sum of index x milliseconds over the settlement window so far (I5).
    pub twap_sum: i128,
    /// Milliseconds covered.
    pub twap_ms: i64,
    /// The index in force since `twap_time`.
    pub twap_price: Price,
    /// Until when the sum reaches.
    pub twap_time: TimeMs,
    /// Strikes with a listed option (I4).
    pub strikes: u32,
    /// Settlement price, from when it is fixed until the expiry is gone (I5).
    pub settlement: Option<Price>,
    /// The next account whose positions are settled.
    pub cursor: AccountId,
    /// What settled positions were worth so far: longs less shorts, so zero when all are (C1).
    pub paid_nano: i128,
}
codec_struct!(Expiry {
    forward,
    basis_ppb,
    smile,
    future,
    twap_sum,
    twap_ms,
    twap_price,
    twap_time,
    strikes,
    settlement,
    cursor,
    paid_nano,
});

/// A reporter (P1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reporter {
    /// Its weight.
    pub weight: u64,
}
codec_struct!(Reporter { weight });

/// A reporter's latest word on an underlying (P1, P2, P3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// Price.
    pub price: Price,
    /// When it was published.
    pub published: TimeMs,
    /// Forwards and smiles.
    pub expiries: Vec<lockstep_types::command::ExpiryReport>,
}

impl Encode for Observation {
    fn encode(&self, out: &mut Vec<u8>) {
        self.price.encode(out);
        self.published.encode(out);
        encode_list(&self.expiries, out);
    }
}

impl Decode for Observation {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            price: Decode::decode(reader)?,
            published: Decode::decode(reader)?,
            expiries: decode_list(reader)?,
        })
    }
}

/// Buckets of a protection group's rolling interval (M9).
pub const PROTECTION_BUCKETS: usize = 16;

/// What a protection group traded in one part of its rolling interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProtectionBucket {
    /// Number of the part since the epoch.
    pub part: i64,
    /// Lots.
    pub lots: Lots,
    /// Net delta in millionths of a lot of the underlying.
    pub delta_ppm: i64,
    /// Net vega in micro-USD per volatility point.
    pub vega: Usd,
    /// Trades.
    pub trades: u32,
}
codec_struct!(ProtectionBucket { part, lots, delta_ppm, vega, trades });

/// Market maker protection of one group (M9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protection {
    /// Its limits.
    pub limits: ProtectionLimits,
    /// Frozen until then; `i64::MAX`: until reset; 0: not frozen.
    pub frozen_until: TimeMs,
    /// What it traded in the rolling interval.
    pub buckets: [ProtectionBucket; PROTECTION_BUCKETS],
}
codec_struct!(Protection { limits, frozen_until, buckets });

/// An agent's scope as a leaf.
pub type Scope = AgentScope;
