//! Reading parameters: any field of the venue's or an underlying's, by its name, in human units.
//! What is not named stays as it was.

use super::objects;
use super::order::opt_lots;
use crate::json::Json;
use crate::scenario::fields::Fields;
use crate::scenario::problem::{Parsed, Problem};
use crate::scenario::value::{self, PPB_PLACES, ppm};
use lockstep_types::codec::Bounded;
use lockstep_types::params::{
    BackstopParams, FeeSplit, FeeTier, LatencyParams, LatencySource, ListingPolicy, MarginRegime,
    PortfolioMarginParams, StandardMarginParams, TickStep, TickTable, UnderlyingParams,
    VenueParams, WorkWeights,
};
use lockstep_types::{Ppm, Usd, Vol};

fn set<T>(place: &mut T, given: Option<T>) {
    if let Some(value) = given {
        *place = value;
    }
}

fn bounded<T, const LIMIT: usize>(parts: Vec<T>) -> Parsed<Bounded<T, LIMIT>> {
    Bounded::new(parts).map_err(|error| Problem::new(error.to_string()))
}

fn count<T: TryFrom<i64>>(value: &Json) -> Parsed<T> {
    value::integer(value, 0, i64::MAX)
}

fn ppb(value: &Json) -> Parsed<i64> {
    value::ratio(value, PPB_PLACES)
}

/// Fees of a venue whose balances stay round: nobody pays any.
pub fn no_fees(params: &mut VenueParams) {
    let free = FeeTier { volume_30d: Usd::ZERO, maker: Ppm::ZERO, taker: Ppm::ZERO };
    params.fee_tiers = Bounded::new(vec![free]).unwrap_or_default();
    params.liquidation_fee = Ppm::ZERO;
}

/// The latency that requirements assume anyway: scenarios leap in time.
pub fn assume_latency(params: &mut VenueParams) {
    let reference = params.latency.reference;
    params.latency.source = LatencySource::Assumed { now: reference, slow: reference };
}

/// Reads `none` or `default` into the venue's fees.
pub fn fees(value: &Json, params: &mut VenueParams) -> Parsed<()> {
    if value::word(value, "fees", &[("none", true), ("default", false)])? {
        no_fees(params);
    } else {
        let default = VenueParams::default();
        params.fee_tiers = default.fee_tiers;
        params.liquidation_fee = default.liquidation_fee;
    }
    Ok(())
}

/// Reads `on` (`enforced`) or `off`.
pub fn margin(value: &Json) -> Parsed<MarginRegime> {
    match value {
        Json::Bool(true) => Ok(MarginRegime::Enforced),
        Json::Bool(false) => Ok(MarginRegime::Off),
        other => value::word(
            other,
            "margin regime",
            &[
                ("on", MarginRegime::Enforced),
                ("enforced", MarginRegime::Enforced),
                ("off", MarginRegime::Off),
            ],
        ),
    }
}

/// Reads fields of the venue's parameters.
///
/// # Errors
/// When a value is not of its unit; names that are left are the caller's to refuse.
pub fn venue(fields: &mut Fields, params: &mut VenueParams) -> Parsed<()> {
    if let Some((name, value)) = fields.raw(&["fees"])? {
        fees(&value, params).map_err(|problem| problem.at(name))?;
    }
    let tiers = fields.opt(&["fee_tiers"], |list| objects(list, fee_tier).and_then(bounded))?;
    set(&mut params.fee_tiers, tiers);
    set(&mut params.option_fee_cap, fields.opt(&["option_fee_cap"], ppm)?);
    set(&mut params.liquidation_fee, fields.opt(&["liquidation_fee"], ppm)?);
    let split = params.fee_split;
    set(&mut params.fee_split, fields.opt(&["fee_split"], |value| fee_split(value, split))?);
    let work = params.work;
    set(&mut params.work, fields.opt(&["work"], |value| work_weights(value, work))?);
    set(&mut params.block_work_max, fields.opt(&["block_work_max"], count)?);
    set(&mut params.base_fee_floor, fields.opt(&["base_fee_floor"], value::usd)?);
    set(&mut params.margin, fields.opt(&["margin"], margin)?);
    let standard = params.standard_margin;
    let given = fields.opt(&["standard_margin"], |value| standard_margin(value, standard))?;
    set(&mut params.standard_margin, given);
    let orders = fields.opt(&["orders_per_account_max"], count)?;
    set(&mut params.orders_per_account_max, orders);
    let instruments = fields.opt(&["instruments_per_account_max"], count)?;
    set(&mut params.instruments_per_account_max, instruments);
    set(&mut params.report_age_max, fields.opt(&["report_age_max"], value::span)?);
    set(&mut params.liquidation_depth_share, fields.opt(&["liquidation_depth_share"], ppm)?);
    set(&mut params.liquidation_target, fields.opt(&["liquidation_target"], ppm)?);
    set(&mut params.liquidation_spread, fields.opt(&["liquidation_spread"], ppm)?);
    let held = params.portfolio_margin;
    let given = fields.opt(&["portfolio_margin"], |value| portfolio_margin(value, held))?;
    set(&mut params.portfolio_margin, given);
    let held = params.latency;
    set(&mut params.latency, fields.opt(&["latency"], |value| latency(value, held))?);
    let held = params.backstop;
    set(&mut params.backstop, fields.opt(&["backstop"], |value| backstop(value, held))?);
    Ok(())
}

fn portfolio_margin(
    value: &Json,
    mut params: PortfolioMarginParams,
) -> Parsed<PortfolioMarginParams> {
    let mut fields = Fields::of(value.clone())?;
    set(&mut params.scan_initial, fields.opt(&["scan_initial"], ppm)?);
    set(&mut params.scan_maintenance, fields.opt(&["scan_maintenance"], ppm)?);
    set(&mut params.basis, fields.opt(&["basis"], ppm)?);
    set(&mut params.vega, fields.opt(&["vega"], ppm)?);
    set(&mut params.short_initial, fields.opt(&["short_initial"], ppm)?);
    set(&mut params.short_maintenance, fields.opt(&["short_maintenance"], ppm)?);
    set(&mut params.linear_initial, fields.opt(&["linear_initial"], ppm)?);
    set(&mut params.linear_maintenance, fields.opt(&["linear_maintenance"], ppm)?);
    set(&mut params.confidence_min, fields.opt(&["confidence_min"], ppm)?);
    set(&mut params.confidence_factor, fields.opt(&["confidence_factor"], ppm)?);
    set(&mut params.volatility_up, fields.opt(&["volatility_up"], ppm)?);
    set(&mut params.volatility_down, fields.opt(&["volatility_down"], ppm)?);
    let least = fields.opt(&["volatility_up_min"], ppb)?;
    set(&mut params.volatility_up_min, least.map(Vol));
    fields.finish()?;
    Ok(params)
}

/// Reads `"measured"`, or fields of which `now` and `slow` assume a latency.
fn latency(value: &Json, mut params: LatencyParams) -> Parsed<LatencyParams> {
    if let Json::Text(_) = value {
        let measured = &[("measured", LatencySource::Measured)];
        params.source = value::word(value, "latency", measured)?;
        return Ok(params);
    }
    let mut fields = Fields::of(value.clone())?;
    let measured = fields.opt(&["measured"], value::boolean)?.unwrap_or(false);
    let now = fields.opt(&["now"], value::span)?;
    let slow = fields.opt(&["slow"], value::span)?;
    let (held_now, held_slow) = match params.source {
        LatencySource::Assumed { now, slow } => (now, slow),
        LatencySource::Measured => (params.reference, params.reference),
    };
    if measured && (now.is_some() || slow.is_some()) {
        return Err(Problem::new("a latency is `measured`, or `now` and `slow` are said"));
    }
    if measured {
        params.source = LatencySource::Measured;
    } else if now.is_some() || slow.is_some() {
        let (now, slow) = (now.unwrap_or(held_now), slow.unwrap_or(held_slow));
        params.source = LatencySource::Assumed { now, slow };
    }
    set(&mut params.finality_min, fields.opt(&["finality_min"], value::span)?);
    set(&mut params.actions, fields.opt(&["actions"], count)?);
    set(&mut params.reference, fields.opt(&["reference"], value::span)?);
    set(&mut params.cap, fields.opt(&["cap"], ppm)?);
    set(&mut params.reduce_only, fields.opt(&["reduce_only"], value::span)?);
    set(&mut params.freeze, fields.opt(&["freeze"], value::span)?);
    set(&mut params.reopen, fields.opt(&["reopen"], value::span)?);
    set(&mut params.execution, fields.opt(&["execution"], value::span)?);
    set(&mut params.slippage, fields.opt(&["slippage"], ppm)?);
    fields.finish()?;
    Ok(params)
}

fn backstop(value: &Json, mut params: BackstopParams) -> Parsed<BackstopParams> {
    let mut fields = Fields::of(value.clone())?;
    set(&mut params.blocks, fields.opt(&["blocks"], count)?);
    set(&mut params.start, fields.opt(&["start"], ppm)?);
    set(&mut params.cut, fields.opt(&["cut"], ppm)?);
    set(&mut params.fast, fields.opt(&["fast"], value::span)?);
    set(&mut params.slow, fields.opt(&["slow"], value::span)?);
    set(&mut params.buffer, fields.opt(&["buffer"], ppm)?);
    set(&mut params.insolvent, fields.opt(&["insolvent"], value::span)?);
    fields.finish()?;
    Ok(params)
}

fn fee_tier(value: Json) -> Parsed<FeeTier> {
    let mut fields = Fields::of(value)?;
    let tier = FeeTier {
        volume_30d: fields.opt(&["volume_30d"], value::usd)?.unwrap_or(Usd::ZERO),
        maker: fields.need(&["maker"], ppm)?,
        taker: fields.need(&["taker"], ppm)?,
    };
    fields.finish()?;
    Ok(tier)
}

fn fee_split(value: &Json, mut split: FeeSplit) -> Parsed<FeeSplit> {
    let mut fields = Fields::of(value.clone())?;
    set(&mut split.validators, fields.opt(&["validators"], ppm)?);
    set(&mut split.insurance, fields.opt(&["insurance"], ppm)?);
    set(&mut split.treasury, fields.opt(&["treasury"], ppm)?);
    fields.finish()?;
    Ok(split)
}

fn work_weights(value: &Json, mut work: WorkWeights) -> Parsed<WorkWeights> {
    let mut fields = Fields::of(value.clone())?;
    set(&mut work.order, fields.opt(&["order"], count)?);
    set(&mut work.cancel, fields.opt(&["cancel"], count)?);
    set(&mut work.other, fields.opt(&["other"], count)?);
    fields.finish()?;
    Ok(work)
}

fn standard_margin(value: &Json, mut params: StandardMarginParams) -> Parsed<StandardMarginParams> {
    let mut fields = Fields::of(value.clone())?;
    set(&mut params.linear_maintenance, fields.opt(&["linear_maintenance"], ppm)?);
    set(&mut params.linear_initial, fields.opt(&["linear_initial"], ppm)?);
    set(&mut params.option_max, fields.opt(&["option_max"], ppm)?);
    set(&mut params.option_min, fields.opt(&["option_min"], ppm)?);
    set(&mut params.option_maintenance, fields.opt(&["option_maintenance"], ppm)?);
    set(&mut params.put_initial_factor, fields.opt(&["put_initial_factor"], ppm)?);
    set(&mut params.unpaired_initial, fields.opt(&["unpaired_initial"], ppm)?);
    set(&mut params.unpaired_maintenance, fields.opt(&["unpaired_maintenance"], ppm)?);
    fields.finish()?;
    Ok(params)
}

/// Reads a tick, or a base tick and steps: `{"base": 0.5, "steps": [[1000, 5]]}`.
fn ticks(value: &Json) -> Parsed<TickTable> {
    if !matches!(value, Json::Object(_)) {
        return value::price(value).map(TickTable::flat);
    }
    let mut fields = Fields::of(value.clone())?;
    let base = fields.need(&["base"], value::price)?;
    let steps = fields.opt(&["steps"], |list| {
        let Json::List(_) = list else {
            return Err(Problem::new("expected a list of [above, tick]"));
        };
        objects(list, tick_step).and_then(bounded)
    })?;
    fields.finish()?;
    Ok(TickTable { base, steps: steps.unwrap_or_default() })
}

fn tick_step(value: Json) -> Parsed<TickStep> {
    match &value {
        Json::List(parts) => match parts.as_slice() {
            [above, tick] => {
                Ok(TickStep { above: value::price(above)?, tick: value::price(tick)? })
            }
            _ => Err(Problem::new("a step reads [above, tick]")),
        },
        _ => {
            let mut fields = Fields::of(value)?;
            let above = fields.need(&["above", "above_price"], value::price)?;
            let tick = fields.need(&["tick", "tick_size"], value::price)?;
            fields.finish()?;
            Ok(TickStep { above, tick })
        }
    }
}

/// Reads fields of an underlying's parameters.
///
/// # Errors
/// When a value is not of its unit; names that are left are the caller's to refuse.
pub fn underlying(fields: &mut Fields, params: &mut UnderlyingParams) -> Parsed<()> {
    set(&mut params.linear_ticks, fields.opt(&["linear_ticks", "tick"], ticks)?);
    set(&mut params.option_ticks, fields.opt(&["option_ticks", "option_tick"], ticks)?);
    set(&mut params.lots_min, opt_lots(fields, &["amount_min"], &["lots_min"])?);
    let order_max = opt_lots(fields, &["order_amount_max"], &["order_lots_max"])?;
    set(&mut params.order_lots_max, order_max);
    let position_max = opt_lots(fields, &["position_amount_max"], &["position_lots_max"])?;
    set(&mut params.position_lots_max, position_max);
    let interest_max = opt_lots(fields, &["open_interest_max"], &["open_interest_lots_max"])?;
    set(&mut params.open_interest_max, interest_max);
    set(&mut params.price_band, fields.opt(&["price_band"], ppm)?);
    set(&mut params.option_price_band, fields.opt(&["option_price_band"], ppm)?);
    set(&mut params.market_band, fields.opt(&["market_band"], ppm)?);
    set(&mut params.mark_band, fields.opt(&["mark_band"], ppm)?);
    set(&mut params.basis_time, fields.opt(&["basis_time"], value::span)?);
    set(&mut params.impact_lots, opt_lots(fields, &["impact_amount"], &["impact_lots"])?);
    set(&mut params.interest_ppb, fields.opt(&["interest"], ppb)?);
    set(&mut params.funding_cap_ppb, fields.opt(&["funding_cap"], ppb)?);
    set(&mut params.option_mark_band, fields.opt(&["option_mark_band"], ppm)?);
    set(&mut params.forward_spread_max, fields.opt(&["forward_spread_max"], ppm)?);
    let volatility = fields.opt(&["volatility_default", "volatility"], ppb)?;
    set(&mut params.volatility_default, volatility.map(Vol));
    let policies = &[("manual", ListingPolicy::Manual), ("scheduled", ListingPolicy::Scheduled)];
    let listing = fields.opt(&["listing"], |word| value::word(word, "listing policy", policies))?;
    set(&mut params.listing, listing);
    set(&mut params.strike_step, fields.opt(&["strike_step"], value::price)?);
    set(&mut params.standard_factor, fields.opt(&["standard_factor"], ppm)?);
    set(&mut params.jump, fields.opt(&["jump"], ppm)?);
    set(&mut params.jump_rate, fields.opt(&["jump_rate"], ppm)?);
    let free = fields.opt(&["concentration_free"], value::usd)?;
    set(&mut params.concentration_free, free);
    let scale = fields.opt(&["concentration_scale"], value::usd)?;
    set(&mut params.concentration_scale, scale);
    Ok(())
}
