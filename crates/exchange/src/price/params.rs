//! Parameters, underlyings and reporters, set by the chain: checked here, once, so that whoever
//! reads them may rely on their bounds (F3, I1, P1).
//!
//! Deliberately absent: who decides on them.

use super::latency::check_latency_margin;
use super::{REPORTERS_MAX, UNDERLYINGS_MAX};
use crate::engine::Exchange;
use crate::formula::risk_array::SPOT_MOVE_PPM_MAX;
use crate::formula::smile::{VOL_E9_MAX, VOL_E9_MIN};
use crate::formula::tick::TickSchedule;
use crate::order::admission::LOTS_LIMIT;
use crate::state::Outcome;
use crate::state::key::{IndexId, ObservationKey, UnderlyingKey, VenueKey};
use crate::state::leaves::{Reporter, Underlying};
use lockstep_types::event::Event;
use lockstep_types::ids::{ReporterId, UnderlyingId};
use lockstep_types::instrument::Ticker;
use lockstep_types::params::{
    BackstopParams, LatencyParams, LatencySource, MarginRegime, PortfolioMarginParams,
    StandardMarginParams, TickTable, UnderlyingParams, VenueParams,
};
use lockstep_types::reject::{Reject, RejectCode};
use lockstep_types::units::{DAY_MS, PPM, SpanMs};

/// A report counts for a day at most: beyond that it says nothing of the price (P1).
const REPORT_AGE_LIMIT: SpanMs = SpanMs(DAY_MS);
/// Ratios that may exceed a whole are at most ten of them.
const RATIO_MAX: i64 = 10 * PPM;
/// Rates of funding in 1e-9 per period: a whole.
const FUNDING_RATE_MAX: i64 = 1_000_000_000;

/// Scans count in whole thousandths.
const SCAN_STEP: i64 = 1_000;
/// No part of a backstop auction takes longer.
const BACKSTOP_SPAN_MAX: i64 = 30 * DAY_MS;

/// Refuses `actual` unless it lies within the limits, both included.
fn within(actual: i64, least: i64, most: i64) -> Result<(), Reject> {
    if actual < least {
        return Err(Reject::beyond(RejectCode::BadParameters, actual, least));
    }
    if actual > most {
        return Err(Reject::beyond(RejectCode::BadParameters, actual, most));
    }
    Ok(())
}

fn check_fees(params: &VenueParams) -> Result<(), Reject> {
    within(i64::from(!params.fee_tiers.is_empty()), 1, 1)?;
    let mut volume_least = 0;
    for (place, tier) in params.fee_tiers.iter().enumerate() {
        let volume_most = if place == 0 { 0 } else { i64::MAX };
        within(tier.volume_30d.0, volume_least, volume_most)?;
        within(tier.maker.0, 0, PPM)?;
        within(tier.taker.0, 0, PPM)?;
        volume_least = tier.volume_30d.0.saturating_add(1);
    }
    within(params.option_fee_cap.0, 0, PPM)?;
    within(params.liquidation_fee.0, 0, PPM)?;
    let split = &params.fee_split;
    for part in [split.validators, split.insurance, split.treasury] {
        within(part.0, 0, PPM)?;
    }
    within(split.validators.0 + split.insurance.0 + split.treasury.0, PPM, PPM)
}

fn check_standard_margin(params: &StandardMarginParams) -> Result<(), Reject> {
    let pairs = [
        (params.linear_maintenance, params.linear_initial, PPM),
        (params.option_min, params.option_max, PPM),
        (params.option_maintenance, params.option_max, PPM),
        (params.unpaired_maintenance, params.unpaired_initial, RATIO_MAX),
    ];
    for (less, more, most) in pairs {
        within(less.0, 0, most)?;
        within(more.0, less.0, most)?;
    }
    within(params.put_initial_factor.0, PPM, RATIO_MAX)
}

/// Refuses parameters of the venue that the engine could not work with.
fn check_venue(params: &VenueParams) -> Result<(), Reject> {
    check_fees(params)?;
    check_standard_margin(&params.standard_margin)?;
    within(i64::try_from(params.block_work_max).unwrap_or(i64::MAX), 1, i64::MAX - 1)?;
    within(params.base_fee_floor.0, 0, i64::MAX)?;
    within(i64::from(params.orders_per_account_max), 1, i64::MAX)?;
    within(i64::from(params.instruments_per_account_max), 1, i64::MAX)?;
    within(params.report_age_max.0, 1, REPORT_AGE_LIMIT.0)?;
    within(params.liquidation_depth_share.0, 1, PPM)?;
    within(params.liquidation_target.0, PPM, RATIO_MAX)?;
    within(params.liquidation_spread.0, 0, RATIO_MAX)?;
    check_portfolio_margin(&params.portfolio_margin)?;
    check_latency(&params.latency)?;
    check_backstop(&params.backstop)
}

fn check_portfolio_margin(params: &PortfolioMarginParams) -> Result<(), Reject> {
    for scan in [params.scan_initial, params.scan_maintenance] {
        within(scan.0, 0, RATIO_MAX)?;
        within(scan.0 % SCAN_STEP, 0, 0)?;
    }
    let pairs = [
        (params.scan_maintenance, params.scan_initial),
        (params.short_maintenance, params.short_initial),
        (params.linear_maintenance, params.linear_initial),
    ];
    for (less, more) in pairs {
        within(less.0, 0, RATIO_MAX)?;
        within(more.0, less.0, RATIO_MAX)?;
    }
    let ratios = [params.basis, params.vega, params.confidence_factor];
    for ratio in ratios.into_iter().chain([params.volatility_up, params.volatility_down]) {
        within(ratio.0, 0, RATIO_MAX)?;
    }
    within(params.confidence_min.0, 0, PPM)?;
    within(params.volatility_up_min.0, 0, VOL_E9_MAX)
}

fn check_latency(params: &LatencyParams) -> Result<(), Reject> {
    let spans = [params.finality_min, params.reference, params.reopen, params.execution];
    for span in spans {
        within(span.0, 0, DAY_MS)?;
    }
    within(params.reduce_only.0, params.reference.0, params.freeze.0)?;
    within(params.freeze.0, 1, i64::MAX / PPM)?;
    within(params.cap.0, 0, SPOT_MOVE_PPM_MAX)?;
    within(params.slippage.0, 0, PPM)?;
    if let LatencySource::Assumed { now, slow } = params.source {
        within(now.0, 0, DAY_MS)?;
        within(slow.0, 0, DAY_MS)?;
    }
    Ok(())
}

fn check_backstop(params: &BackstopParams) -> Result<(), Reject> {
    within(params.start.0, params.cut.0, PPM)?;
    within(params.cut.0, 0, PPM)?;
    for span in [params.fast, params.slow, params.insolvent] {
        within(span.0, 1, BACKSTOP_SPAN_MAX)?;
    }
    within(params.buffer.0, PPM, RATIO_MAX)
}

/// Refuses a tick table that has no numbering of its prices (I3).
fn check_ticks(table: &TickTable) -> Result<TickSchedule, Reject> {
    let bad = Reject::beyond(RejectCode::BadParameters, table.base.0, 1);
    TickSchedule::new(table.base.0, &table.steps).map_err(|_| bad)
}

/// Refuses parameters of an underlying that the engine could not work with.
fn check_underlying(params: &UnderlyingParams) -> Result<(), Reject> {
    check_ticks(&params.option_ticks)?;
    let ticks = check_ticks(&params.linear_ticks)?;
    if ticks.check(params.strike_step.0).is_err() || params.strike_step.0 == 0 {
        let tick = params.linear_ticks.base.0;
        return Err(Reject::beyond(RejectCode::BadParameters, params.strike_step.0, tick));
    }
    within(params.lots_min.0, 1, params.order_lots_max.0)?;
    for most in [params.order_lots_max, params.position_lots_max, params.open_interest_max] {
        within(most.0, 0, LOTS_LIMIT)?;
    }
    for ratio in [params.price_band, params.option_price_band, params.market_band] {
        within(ratio.0, 0, RATIO_MAX)?;
    }
    within(params.option_mark_band.0, 0, PPM)?;
    within(params.forward_spread_max.0, 0, PPM)?;
    // Below a whole, so that a mark is positive.
    within(params.mark_band.0, 0, PPM - 1)?;
    within(params.basis_time.0, 1, DAY_MS)?;
    within(params.impact_lots.0, 1, LOTS_LIMIT)?;
    within(params.interest_ppb, -FUNDING_RATE_MAX, FUNDING_RATE_MAX)?;
    within(params.funding_cap_ppb, 0, FUNDING_RATE_MAX)?;
    within(params.volatility_default.0, VOL_E9_MIN, VOL_E9_MAX)?;
    within(params.standard_factor.0, PPM, RATIO_MAX)?;
    within(params.jump.0, 0, PPM)?;
    within(params.jump_rate.0, 0, PPM)?;
    within(params.concentration_free.0, 0, i64::MAX)?;
    within(params.concentration_scale.0, 1, i64::MAX)
}

/// Refuses parameters that do not fit together: where margin is enforced it covers what the market
/// moves before anybody can act (R4).
fn check_both(venue: &VenueParams, own: &UnderlyingParams) -> Result<(), Reject> {
    match venue.margin {
        MarginRegime::Enforced => check_latency_margin(venue, own),
        MarginRegime::Off => Ok(()),
    }
}

impl Exchange {
    /// Refuses parameters of the venue that it could not work with.
    pub(crate) fn check_venue_params(&mut self, params: &VenueParams) -> Outcome<()> {
        check_venue(params)?;
        for id in 0..self.state.totals()?.underlyings {
            let own = self.underlying_params(UnderlyingId(id))?.clone();
            check_both(params, &own)?;
        }
        Ok(())
    }

    /// Sets the venue's parameters.
    pub(crate) fn set_venue_params(&mut self, params: &VenueParams) -> Outcome<()> {
        self.check_venue_params(params)?;
        *self.state.venue.touch(VenueKey)? = Some(params.clone());
        // What was computed of margin depends on them.
        self.marks.clear();
        self.rules.clear();
        self.events.push(Event::ParametersSet);
        Ok(())
    }

    /// Refuses an underlying that could not be added.
    pub(crate) fn check_new_underlying(&mut self, params: &UnderlyingParams) -> Outcome<()> {
        check_underlying(params)?;
        check_both(self.state.venue()?, params)?;
        let count = self.state.totals()?.underlyings;
        if count >= UNDERLYINGS_MAX || self.underlying_named(params.ticker)?.is_some() {
            let limit = i64::from(UNDERLYINGS_MAX);
            return Err(Reject::beyond(RejectCode::BadParameters, i64::from(count), limit).into());
        }
        Ok(())
    }

    /// Adds an underlying (I1). It has no index until enough reporters have spoken.
    pub(crate) fn add_underlying(&mut self, params: &UnderlyingParams) -> Outcome<()> {
        self.check_new_underlying(params)?;
        let id = UnderlyingId(self.state.totals()?.underlyings);
        self.state.totals()?.underlyings += 1;
        *self.state.underlying_params.touch(UnderlyingKey(id))? = Some(params.clone());
        *self.state.underlyings.touch(id)? = Some(Underlying::default());
        self.rules.clear();
        self.events.push(Event::UnderlyingAdded { underlying: id });
        Ok(())
    }

    /// The underlying with a ticker.
    pub(crate) fn underlying_named(&mut self, ticker: Ticker) -> Outcome<Option<UnderlyingId>> {
        for id in 0..self.state.totals()?.underlyings {
            if self.underlying_params(UnderlyingId(id))?.ticker == ticker {
                return Ok(Some(UnderlyingId(id)));
            }
        }
        Ok(None)
    }

    /// Refuses parameters of an underlying that it could not change to. The ticker stays, and so do
    /// the ticks while anything is listed: orders and levels are known by the numbers of their
    /// ticks.
    pub(crate) fn check_underlying_params(
        &mut self,
        id: UnderlyingId,
        params: &UnderlyingParams,
    ) -> Outcome<()> {
        if id.0 >= self.state.totals()?.underlyings {
            return Err(Reject::of(RejectCode::UnknownUnderlying).into());
        }
        check_underlying(params)?;
        check_both(self.state.venue()?, params)?;
        let listed = self.underlying(id)?.listed;
        let held = self.underlying_params(id)?;
        let same_ticks =
            held.linear_ticks == params.linear_ticks && held.option_ticks == params.option_ticks;
        if held.ticker != params.ticker || (listed > 0 && !same_ticks) {
            let listed = i64::from(listed);
            return Err(Reject::beyond(RejectCode::BadParameters, listed, 0).into());
        }
        Ok(())
    }

    /// Changes an underlying's parameters.
    pub(crate) fn set_underlying_params(
        &mut self,
        id: UnderlyingId,
        params: &UnderlyingParams,
    ) -> Outcome<()> {
        self.check_underlying_params(id, params)?;
        *self.state.underlying_params.touch(UnderlyingKey(id))? = Some(params.clone());
        self.rules.clear();
        self.events.push(Event::ParametersSet);
        Ok(())
    }

    /// Sets a reporter's weight; 0 removes the reporter and what it has said (P1).
    pub(crate) fn set_reporter_weight(&mut self, id: ReporterId, weight: u64) -> Outcome<()> {
        let item = u64::from(id.0);
        let held = self.state.reporters.touch(id)?.map_or(0, |reporter| reporter.weight);
        let reporters = self.reporters()?;
        if weight > 0 {
            let others: u128 = reporters.iter().map(|reporter| u128::from(reporter.1)).sum();
            let total = others - u128::from(held) + u128::from(weight);
            let full = held == 0 && reporters.len() >= REPORTERS_MAX;
            if full || total > u128::from(u64::MAX) {
                let limit = i64::try_from(REPORTERS_MAX).unwrap_or(i64::MAX);
                let count = i64::try_from(reporters.len()).unwrap_or(i64::MAX);
                return Err(Reject::beyond(RejectCode::BadParameters, count, limit).into());
            }
            if held == 0 {
                self.state.entries.insert(IndexId::Reporters, 0, item)?;
            }
            *self.state.reporters.touch(id)? = Some(Reporter { weight });
        } else {
            if held == 0 {
                return Err(Reject::of(RejectCode::UnknownReporter).into());
            }
            self.state.entries.remove(IndexId::Reporters, 0, item)?;
            *self.state.reporters.touch(id)? = None;
            for underlying in 0..self.state.totals()?.underlyings {
                let underlying = UnderlyingId(underlying);
                let key = ObservationKey { underlying, reporter: id };
                *self.state.observations.touch(key)? = None;
            }
        }
        self.events.push(Event::ParametersSet);
        Ok(())
    }
}
