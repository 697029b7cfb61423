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

/// The portfolio margin model (A6); `vectors/portfolio_margin.json` names the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortfolioMarginParams {
    /// How much of the worst scenario counts in the initial requirement; whole thousandths.
    pub scan_initial: Ppm,
    /// The same in the maintenance requirement.
    pub scan_maintenance: Ppm,
    /// Of the delta notional that expiries hedge in each other.
    pub basis: Ppm,
    /// Of the volatility profit that expiries hedge in each other.
    pub vega: Ppm,
    /// Initial, of the notional of short options.
    pub short_initial: Ppm,
    /// Maintenance, of the notional of short options.
    pub short_maintenance: Ppm,
    /// Initial, of the notional of perpetuals and futures.
    pub linear_initial: Ppm,
    /// Maintenance, of the notional of perpetuals and futures.
    pub linear_maintenance: Ppm,
    /// Below this confidence of the oracle notional is charged for what is missing to a whole.
    pub confidence_min: Ppm,
    /// How much of what is missing is charged.
    pub confidence_factor: Ppm,
    /// How far volatility goes up in the scenarios, of itself for 30 days to expiry.
    pub volatility_up: Ppm,
    /// How far it goes down.
    pub volatility_down: Ppm,
    /// Volatility that went up is at least this.
    pub volatility_up_min: Vol,
}
codec_struct!(PortfolioMarginParams {
    scan_initial,
    scan_maintenance,
    basis,
    vega,
    short_initial,
    short_maintenance,
    linear_initial,
    linear_maintenance,
    confidence_min,
    confidence_factor,
    volatility_up,
    volatility_down,
    volatility_up_min,
});

/// Where the latency that margin charges for comes from (R4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LatencySource {
    /// From the block times and from the reports that the venue sees.
    Measured,
    /// Assumed, whatever the block times: for scenarios that leap in time, and for studies.
    Assumed {
        /// The latency now.
        now: SpanMs,
        /// The slow latency of maintenance requirements.
        slow: SpanMs,
    },
}
codec_enum!(LatencySource { 0 => Measured, 1 => Assumed { now, slow } });

/// Latency as a risk (R4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatencyParams {
    /// Where it comes from.
    pub source: LatencySource,
    /// A block is taken to be final after this at least.
    pub finality_min: SpanMs,
    /// How often finality is waited for until a liquidation is done: detect, act, backstop.
    pub actions: u8,
    /// The latency that requirements assume anyway.
    pub reference: SpanMs,
    /// The most that is charged for, of spot; at most the outermost scenario's 16 %.
    pub cap: Ppm,
    /// From this latency on an underlying takes only orders that reduce.
    pub reduce_only: SpanMs,
    /// From this latency on its marks freeze and its orders collect for an auction.
    pub freeze: SpanMs,
    /// How long orders collect once it is fast again.
    pub reopen: SpanMs,
    /// How long executing a liquidation takes once it is decided.
    pub execution: SpanMs,
    /// What executing it costs against mark.
    pub slippage: Ppm,
}
codec_struct!(LatencyParams {
    source,
    finality_min,
    actions,
    reference,
    cap,
    reduce_only,
    freeze,
    reopen,
    execution,
    slippage,
});

/// The backstop auction of accounts that the books do not absorb (R3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackstopParams {
    /// After this many blocks below maintenance an account is auctioned.
    pub blocks: u16,
    /// Share of the account's value that is asked at first.
    pub start: Ppm,
    /// Share that is asked when the fast part ends.
    pub cut: Ppm,
    /// How long the asked share falls fast, from `start` to `cut`.
    pub fast: SpanMs,
    /// How long it falls on, from `cut` to nothing.
    pub slow: SpanMs,
    /// What is sold at most leaves the account at this multiple of its requirement.
    pub buffer: Ppm,
    /// How long the payment to who takes over a bankrupt account rises, from what the account
    /// lacks to its whole requirement on top.
    pub insolvent: SpanMs,
}
codec_struct!(BackstopParams { blocks, start, cut, fast, slow, buffer, insolvent });

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
    /// The portfolio margin model.
    pub portfolio_margin: PortfolioMarginParams,
    /// Latency as a risk.
    pub latency: LatencyParams,
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
    /// The backstop auction (R3).
    pub backstop: BackstopParams,
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
    portfolio_margin,
    latency,
    orders_per_account_max,
    instruments_per_account_max,
    report_age_max,
    liquidation_depth_share,
    liquidation_target,
    liquidation_spread,
    backstop,
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
    /// What the standard model's shares of perpetuals and futures are multiplied by.
    pub standard_factor: Ppm,
    /// How far spot may jump in no time at all (R4).
    pub jump: Ppm,
    /// What is added per root of a second (R4).
    pub jump_rate: Ppm,
    /// Net delta notional without a charge for concentration.
    pub concentration_free: Usd,
    /// Net delta notional beyond that at which all of it is charged.
    pub concentration_scale: Usd,
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
    standard_factor,
    jump,
    jump_rate,
    concentration_free,
    concentration_scale,
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

impl Default for PortfolioMarginParams {
    fn default() -> Self {
        Self {
            scan_initial: Ppm(1_000_000),
            scan_maintenance: Ppm(800_000),
            basis: Ppm(6_000),
            vega: Ppm(200_000),
            short_initial: Ppm(5_000),
            short_maintenance: Ppm(3_000),
            linear_initial: Ppm(15_000),
            linear_maintenance: Ppm(10_000),
            confidence_min: Ppm(550_000),
            confidence_factor: Ppm(1_000_000),
            volatility_up: Ppm(500_000),
            volatility_down: Ppm(300_000),
            volatility_up_min: Vol(400_000_000),
        }
    }
}

impl Default for LatencyParams {
    fn default() -> Self {
        Self {
            source: LatencySource::Measured,
            finality_min: SpanMs(200),
            actions: 3,
            reference: SpanMs(1_000),
            cap: Ppm(160_000),
            reduce_only: SpanMs(5_000),
            freeze: SpanMs(60_000),
            reopen: SpanMs(10_000),
            execution: SpanMs(1_000),
            slippage: Ppm(10_000),
        }
    }
}

impl Default for BackstopParams {
    fn default() -> Self {
        Self {
            blocks: 10,
            start: Ppm(950_000),
            cut: Ppm(700_000),
            fast: SpanMs(900_000),
            slow: SpanMs(43_200_000),
            buffer: Ppm(1_150_000),
            insolvent: SpanMs(3_600_000),
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
            portfolio_margin: PortfolioMarginParams::default(),
            latency: LatencyParams::default(),
            orders_per_account_max: 1_000,
            instruments_per_account_max: 128,
            report_age_max: SpanMs(10_000),
            liquidation_depth_share: Ppm(250_000),
            liquidation_target: Ppm(1_100_000),
            liquidation_spread: Ppm(1_500_000),
            backstop: BackstopParams::default(),
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
        let (jump, standard_factor) = match ticker.as_str() {
            "BTC" => (25_000, 1_000_000),
            "ETH" => (32_500, 1_000_000),
            // As far as SOL jumps; five percent of margin would not cover that.
            _ => (51_000, 1_400_000),
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
            standard_factor: Ppm(standard_factor),
            jump: Ppm(jump),
            jump_rate: Ppm(4_500),
            concentration_free: Usd(20_000_000_000_000),
            concentration_scale: Usd(400_000_000_000_000),
        }
    }
}
