//! What the parameters say on the path of a command: the few numbers that every order is held
//! against, copied out of parameters that are long.
//!
//! Invariant: computed from leaves that were touched in this run of steps, and forgotten at every
//! checkpoint and whenever a parameter changes, so that a run touches the same leaves whatever is
//! known from before.

use crate::engine::Exchange;
use crate::formula::tick::TickSchedule;
use crate::order::admission::{LOTS_LIMIT, price_most};
use crate::state::key::UnderlyingKey;
use crate::state::{Missing, Outcome, Touch};
use alloc::boxed::Box;
use alloc::vec::Vec;
use lockstep_types::ids::{InstrumentId, UnderlyingId};
use lockstep_types::order::NewOrder;
use lockstep_types::params::{
    FeeTier, MarginRegime, TickTable, UnderlyingParams, VenueParams, WorkWeights,
};
use lockstep_types::reject::{Reject, RejectCode};
use lockstep_types::units::{Ppm, Price, Usd};

/// Fee tiers at most.
const TIERS_MAX: usize = 8;

/// What holds for every command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VenueRules {
    /// Work units of each kind of command, and of a block (F2).
    pub(crate) work: WorkWeights,
    pub(crate) block_work_max: u64,
    /// L1 and L2.
    pub(crate) orders_max: u32,
    pub(crate) instruments_max: u32,
    pub(crate) is_margined: bool,
    /// Fees (F1); what is beyond the last tier repeats it.
    tiers: [FeeTier; TIERS_MAX],
    /// The dearest rate of any tier.
    pub(crate) fee_most: Ppm,
    pub(crate) option_fee_cap: Ppm,
    pub(crate) liquidation_fee: Ppm,
}

impl VenueRules {
    fn of(params: &VenueParams) -> Self {
        let free = FeeTier { volume_30d: Usd::ZERO, maker: Ppm::ZERO, taker: Ppm::ZERO };
        let last = params.fee_tiers.last().copied().unwrap_or(free);
        let mut tiers = [last; TIERS_MAX];
        for (held, tier) in tiers.iter_mut().zip(params.fee_tiers.iter()) {
            *held = *tier;
        }
        Self {
            work: params.work,
            block_work_max: params.block_work_max,
            orders_max: u32::from(params.orders_per_account_max),
            instruments_max: u32::from(params.instruments_per_account_max),
            is_margined: params.margin != MarginRegime::Off,
            tiers,
            fee_most: tiers
                .iter()
                .map(|tier| tier.maker.max(tier.taker))
                .max()
                .unwrap_or(Ppm::ZERO),
            option_fee_cap: params.option_fee_cap,
            liquidation_fee: params.liquidation_fee,
        }
    }

    /// The fees of a tier (F1).
    #[inline]
    pub(crate) fn tier(&self, tier: u8) -> &FeeTier {
        &self.tiers[usize::from(tier).min(TIERS_MAX - 1)]
    }
}

/// What holds for every order on an underlying.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UnderlyingRules {
    pub(crate) lots_min: i64,
    pub(crate) order_lots_max: i64,
    pub(crate) position_lots_max: i64,
    pub(crate) open_interest_max: i64,
    /// The highest price of an order.
    pub(crate) price_most: i64,
    /// M8 and M2.
    pub(crate) price_band: Ppm,
    pub(crate) option_price_band: Ppm,
    pub(crate) market_band: Ppm,
    linear_ticks: TickSchedule,
    option_ticks: TickSchedule,
}

impl UnderlyingRules {
    fn of(params: &UnderlyingParams) -> Result<Self, Reject> {
        let schedule = |table: &TickTable| {
            TickSchedule::new(table.base.0, &table.steps)
                .map_err(|_| Reject::of(RejectCode::BadParameters))
        };
        Ok(Self {
            lots_min: params.lots_min.0,
            order_lots_max: params.order_lots_max.0.min(LOTS_LIMIT),
            position_lots_max: params.position_lots_max.0,
            open_interest_max: params.open_interest_max.0,
            price_most: price_most(params),
            price_band: params.price_band,
            option_price_band: params.option_price_band,
            market_band: params.market_band,
            linear_ticks: schedule(&params.linear_ticks)?,
            option_ticks: schedule(&params.option_ticks)?,
        })
    }

    /// The tick schedule of its options, or of its perpetual and futures (I3).
    #[inline]
    pub(crate) fn ticks(&self, is_option: bool) -> &TickSchedule {
        if is_option { &self.option_ticks } else { &self.linear_ticks }
    }

    /// Amount and display (I3, M3, M8); the `filled` lots count towards the amount.
    #[inline]
    pub(crate) fn check_amount(&self, order: &NewOrder, filled: u32) -> Result<(), Reject> {
        let (least, most) = (self.lots_min, self.order_lots_max);
        let lots = order.lots.0;
        if lots <= 0 {
            return Err(Reject::beyond(RejectCode::NotPositive, lots, 1));
        }
        let total = lots.saturating_add(i64::from(filled));
        if total < least {
            return Err(Reject::beyond(RejectCode::BelowMinimum, total, least));
        }
        if total > most {
            return Err(Reject::beyond(RejectCode::OrderSize, total, most));
        }
        if let Some(display) = order.display {
            // The rest of an order may be less than the minimum.
            let legal = (least.min(lots)..=lots).contains(&display.0);
            if !legal || order.price.is_none() {
                return Err(Reject::beyond(RejectCode::BadDisplay, display.0, least));
            }
        }
        Ok(())
    }

    /// The tick of a limit price (I3).
    #[inline]
    pub(crate) fn check_tick(&self, price: Price, is_option: bool) -> Result<u32, Reject> {
        if price.0 <= 0 {
            return Err(Reject::beyond(RejectCode::NotPositive, price.0, 1));
        }
        let ticks = self.ticks(is_option);
        match ticks.level_of(price.0).ok().filter(|_| price.0 <= self.price_most) {
            Some(tick) => Ok(tick),
            None => {
                let tick = ticks.tick_at(price.0).unwrap_or(0);
                Err(Reject::beyond(RejectCode::OffTick, price.0, tick))
            }
        }
    }
}

/// What is known of the parameters in this run of steps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    venue: Option<Box<VenueRules>>,
    underlyings: Vec<Option<UnderlyingRules>>,
}

impl Rules {
    /// Forgets all of it: a checkpoint, or a parameter has changed.
    pub(crate) fn clear(&mut self) {
        self.venue = None;
        self.underlyings.clear();
    }
}

impl Exchange {
    /// What holds for every command.
    #[inline]
    pub(crate) fn venue_rules(&mut self) -> Touch<&VenueRules> {
        if self.rules.venue.is_none() {
            self.learn_venue()?;
        }
        let known = self.rules.venue.as_deref();
        known.ok_or_else(|| Missing::leaf(crate::state::key::VenueKey))
    }

    #[cold]
    fn learn_venue(&mut self) -> Touch<()> {
        self.rules.venue = Some(Box::new(VenueRules::of(self.state.venue()?)));
        Ok(())
    }

    /// What holds for every order on an underlying.
    #[inline]
    pub(crate) fn rules_of(&mut self, id: UnderlyingId) -> Outcome<&UnderlyingRules> {
        let at = usize::from(id.0);
        if !matches!(self.rules.underlyings.get(at), Some(Some(_))) {
            self.learn_underlying(id)?;
        }
        let known = self.rules.underlyings.get(at).and_then(Option::as_ref);
        known.ok_or_else(|| Missing::leaf(UnderlyingKey(id)).into())
    }

    /// The tick of a price if its underlying's rules are known, without touching anything.
    #[inline]
    pub(crate) fn tick_known(&self, instrument: InstrumentId, price: Price) -> Option<u32> {
        let instrument = self.state.instruments.glance(instrument).1?;
        let rules = self.rules.underlyings.get(usize::from(instrument.underlying.0))?.as_ref()?;
        rules.ticks(instrument.contract.is_option()).level_of(price.0).ok()
    }

    #[cold]
    fn learn_underlying(&mut self, id: UnderlyingId) -> Outcome<()> {
        let rules = UnderlyingRules::of(self.underlying_params(id)?)?;
        let at = usize::from(id.0);
        if at >= self.rules.underlyings.len() {
            self.rules.underlyings.resize(at + 1, None);
        }
        self.rules.underlyings[at] = Some(rules);
        Ok(())
    }
}
