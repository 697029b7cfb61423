//! What the venue can be set to: fees, limits, bands, clocks. Part of the state, so that every
//! machine uses the same numbers; `Default` is the genesis of the development network.

use crate::codec::Bounded;
use crate::instrument::Ticker;
use crate::units::{Lots, Ppm, Price, SpanMs, Usd, Vol};
use crate::{codec_enum, codec_struct};

/// A price tick that holds above a given price (I3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TickStep {
    /// The tick holds for prices at and above this one.
    pub above: Price,
    /// The tick.
    pub tick: Price,
}
codec_struct!(TickStep { above, tick });

/// A base tick and up to four steps with larger ticks at higher prices (I3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TickTable {
    /// Tick below the first step.
    pub base: Price,
    /// Steps in ascending order of `above`.
    pub steps: Bounded<TickStep, 4>,
}
codec_struct!(TickTable { base, steps });

impl TickTable {
    /// One tick at every price.
    #[must_use]
    pub fn flat(tick: Price) -> Self {
        Self { base: tick, steps: Bounded::default() }
    }
}

/// Maker and taker rates of one fee tier (F1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeeTier {
    /// The tier holds from this 30-day volume on.
    pub volume_30d: Usd,
    /// Maker fee of notional; not negative.
    pub maker: Ppm,
    /// Taker fee of notional.
    pub taker: Ppm,
}
codec_struct!(FeeTier { volume_30d, maker, taker });

/// How collected fees are divided (F3); the parts add up to 1,000,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeeSplit {
    /// To validators.
    pub validators: Ppm,
    /// To the insurance fund.
    pub insurance: Ppm,
    /// To the treasury.
    pub treasury: Ppm,
}
codec_struct!(FeeSplit { validators, insurance, treasury });

/// The standard margin model's ratios (R1); `vectors/standard_margin.json` names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandardMarginParams {
    /// Maintenance of a perpetual or future, of notional.
    pub linear_maintenance: Ppm,
    /// Initial of a perpetual or future, of notional.
    pub linear_initial: Ppm,
    /// Largest part of spot in a short option's initial requirement.
    pub option_max: Ppm,
    /// Smallest part of spot in a short option's initial requirement.
    pub option_min: Ppm,
    /// Part of spot in a short option's maintenance requirement.
    pub option_maintenance: Ppm,
    /// Initial over maintenance of a short put.
    pub put_initial_factor: Ppm,
    /// Initial requirement of an unpaired short call, of the forward.
    pub unpaired_initial: Ppm,
    /// Maintenance requirement of an unpaired short call, of the forward.
    pub unpaired_maintenance: Ppm,
}
codec_struct!(StandardMarginParams {
    linear_maintenance,
    linear_initial,
    option_max,
    option_min,
    option_maintenance,
    put_initial_factor,
    unpaired_initial,
    unpaired_maintenance,
});

/// Whether margin is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarginRegime {
    /// Orders, fills, withdrawals and liquidation are governed by margin.
    Enforced,
    /// Nothing is: for tapes of other venues, whose accounts are unknown, and for measuring
    /// matching by itself.
    Off,
}
codec_enum!(MarginRegime { 0 => Enforced, 1 => Off });

/// Work units of each kind of command (F2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkWeights {
    /// A new order, an amend, a quote side, a block trade leg.
    pub order: u32,
    /// A cancel.
    pub cancel: u32,
    /// Everything else.
    pub other: u32,
}
codec_struct!(WorkWeights { order, cancel, other });

/// Everything that holds for the whole venue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VenueParams {
    /// Fee tiers in ascending order of volume, the first from 0 (F1).
    pub fee_tiers: Bounded<FeeTier, 8>,
    /// An option's fee is at most this part of its premium (F1).
    pub option_fee_cap: Ppm,
    /// Liquidation fee of notional, to insurance (F1).
    pub liquidation_fee: Ppm,
    /// How fees are divided (F3).
    pub fee_split: FeeSplit,
    /// Work units (F2).
    pub work: WorkWeights,
    /// Work units of a full block; the base fee steers for half of it (F2).
    pub block_work_max: u64,
    /// The smallest base fee per unit that is charged at all, micro-USD; below it it is zero.
    pub base_fee_floor: Usd,
    /// Whether margin is checked.
    pub margin: MarginRegime,
    /// The standard margin model.
    pub standard_margin: StandardMarginParams,
    /// Open orders per account (L1), sleeping ones included.
    pub orders_per_account_max: u16,
    /// Instruments with a position or an order per account (L2).
    pub instruments_per_account_max: u16,
    /// A report older than this does not count (P1).
    pub report_age_max: SpanMs,
    /// Largest share of an account's position that one block's liquidation may close, of the
    /// depth within the limit price (R3).
    pub liquidation_depth_share: Ppm,
    /// A liquidation aims at equity of this multiple of the maintenance margin (R3).
    pub liquidation_target: Ppm,
    /// How far below mark, in units of the maintenance ratio, a liquidation order may sell (R3).
    pub liquidation_spread: Ppm,
}
codec_struct!(VenueParams {
    fee_tiers,
    option_fee_cap,
    liquidation_fee,
    fee_split,
    work,
    block_work_max,
    base_fee_floor,
    margin,
    standard_margin,
    orders_per_account_max,
    instruments_per_account_max,
    report_age_max,
    liquidation_depth_share,
    liquidation_target,
    liquidation_spread,
});

/// How series of an underlying are listed (I4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListingPolicy {
    /// Only what a system command lists.
    Manual,
    /// Dailies, weeklies, monthlies and quarterlies, strikes around the forward.
    Scheduled,
}
codec_enum!(ListingPolicy { 0 => Manual, 1 => Scheduled });

/// Everything that holds for one underlying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnderlyingParams {
    /// Its symbol (I1).
    pub ticker: Ticker,
    /// Ticks of the perpetual and the futures (I3).
    pub linear_ticks: TickTable,
    /// Ticks of the options (I3).
    pub option_ticks: TickTable,
    /// Smallest order in lots (I3).
    pub lots_min: Lots,
    /// Largest order in lots (M8).
    pub order_lots_max: Lots,
    /// Largest position in lots, open orders on its side included (M8).
    pub position_lots_max: Lots,
    /// Open interest cap per instrument in lots (M8).
    pub open_interest_max: Lots,
    /// Orders of perpetual and futures lie within this distance of mark (M8).
    pub price_band: Ppm,
    /// Option orders lie within this share of the forward around mark (M8).
    pub option_price_band: Ppm,
    /// A market order trades within this distance of mark (M2).
    pub market_band: Ppm,
    /// Marks of perpetual and futures lie within this distance of index (P4).
    pub mark_band: Ppm,
    /// Time constant of the basis average (P4).
    pub basis_time: SpanMs,
    /// Lots whose average price is the impact price (P6).
    pub impact_lots: Lots,
    /// Interest part of funding per eight hours, in 1e-9 (P6).
    pub interest_ppb: i64,
    /// Cap of hourly funding, in 1e-9 (P6).
    pub funding_cap_ppb: i64,
    /// An option's mark moves at most this far from the model towards the book's mid, of the
    /// forward (P3).
    pub option_mark_band: Ppm,
    /// A dated future's book gives the forward while its spread is at most this (P2).
    pub forward_spread_max: Ppm,
    /// Volatility of an expiry that nobody has reported on.
    pub volatility_default: Vol,
    /// How series are listed.
    pub listing: ListingPolicy,
    /// Distance of listed strikes for the nearest expiries; wider ones use multiples (I4).
    pub strike_step: Price,
}
codec_struct!(UnderlyingParams {
    ticker,
    linear_ticks,
    option_ticks,
    lots_min,
    order_lots_max,
    position_lots_max,
    open_interest_max,
    price_band,
    option_price_band,
    market_band,
    mark_band,
    basis_time,
    impact_lots,
    interest_ppb,
    funding_cap_ppb,
    option_mark_band,
    forward_spread_max,
    volatility_default,
    listing,
    strike_step,
});

impl Default for StandardMarginParams {
    fn default() -> Self {
        Self {
            linear_maintenance: Ppm(50_000),
            linear_initial: Ppm(66_000),
            option_max: Ppm(150_000),
            option_min: Ppm(100_000),
            option_maintenance: Ppm(75_000),
            put_initial_factor: Ppm(1_050_000),
            unpaired_initial: Ppm(1_200_000),
            unpaired_maintenance: Ppm(1_100_000),
        }
    }
}

impl Default for VenueParams {
    fn default() -> Self {
        let tier = |volume: i64, maker, taker| FeeTier {
            volume_30d: Usd(volume * 1_000_000),
            maker: Ppm(maker),
            taker: Ppm(taker),
        };
        let tiers = alloc::vec![
            tier(0, 100, 350),
            tier(10_000_000, 60, 300),
            tier(100_000_000, 20, 250),
            tier(1_000_000_000, 0, 200),
        ];
        Self {
            fee_tiers: Bounded::new(tiers).unwrap_or_default(),
            option_fee_cap: Ppm(125_000),
            liquidation_fee: Ppm(5_000),
            fee_split: FeeSplit {
                validators: Ppm(500_000),
                insurance: Ppm(300_000),
                treasury: Ppm(200_000),
            },
            work: WorkWeights { order: 10, cancel: 2, other: 5 },
            block_work_max: 1_000_000,
            base_fee_floor: Usd(10),
            margin: MarginRegime::Enforced,
            standard_margin: StandardMarginParams::default(),
            orders_per_account_max: 1_000,
            instruments_per_account_max: 128,
            report_age_max: SpanMs(10_000),
            liquidation_depth_share: Ppm(250_000),
            liquidation_target: Ppm(1_100_000),
            liquidation_spread: Ppm(1_500_000),
        }
    }
}

impl UnderlyingParams {
    /// The genesis settings of an underlying whose price is about `price_usd` USD: ticks of about
    /// a hundred-thousandth, strikes about one percent apart, both powers of ten.
    #[must_use]
    pub fn genesis(ticker: Ticker, price_usd: i64) -> Self {
        let step = |share: i64| {
            let raw = (price_usd.saturating_mul(1_000_000) / share).max(1);
            // Round down to a power of ten.
            let mut power = 1;
            while power <= raw / 10 {
                power *= 10;
            }
            Price(power)
        };
        Self {
            ticker,
            linear_ticks: TickTable::flat(step(100_000)),
            option_ticks: TickTable::flat(step(100_000)),
            lots_min: Lots(1),
            order_lots_max: Lots(10_000_000),
            position_lots_max: Lots(50_000_000),
            open_interest_max: Lots(1_000_000_000),
            price_band: Ppm(100_000),
            option_price_band: Ppm(100_000),
            market_band: Ppm(20_000),
            mark_band: Ppm(50_000),
            basis_time: SpanMs(30_000),
            impact_lots: Lots(1_000),
            interest_ppb: 100_000,
            funding_cap_ppb: 40_000_000,
            option_mark_band: Ppm(2_000),
            forward_spread_max: Ppm(2_000),
            volatility_default: Vol(600_000_000),
            listing: ListingPolicy::Manual,
            strike_step: step(50),
        }
    }
}
