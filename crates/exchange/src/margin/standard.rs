//! The standard margin model over legs (A6, R1); its formulas are
//! [`crate::formula::standard_margin`] and [`crate::formula::order_margin`].
//!
//! - Balance: cash, the unrealised profit of perpetuals and futures, floored per leg, less funding
//!   due, rounded up. The value of options is no part of it: a short option's mark is inside its
//!   requirement, and long ones give relief only by pairing.
//! - Requirement: per perpetual or future a share of its notional; per expiry of options the lower
//!   of the sum of isolated requirements and of the greatest loss with unpaired calls.
//! - Needed with open orders: per perpetual or future the worst of no fill, all buys and all sells;
//!   per expiry the lower of the two lines of the requirement, each made the worst over its orders.
//!
//! An expired leg that waits to be paid needs nothing, and its value counts like cash.

use super::model::Part;
use super::view::{Leg, Rates, View};
use crate::formula::order_margin::{OpenOrders, OrderContract, expiry_needed, order_margin};
use crate::formula::rounding::{mul_div_ceil, subtract};
use crate::formula::standard_margin::{
    ExpiryLegs, LEGS_MAX, OptionLeg, expiry_requirement, isolated_linear, isolated_option,
};
use crate::formula::{FormulaError, LOTS_PER_UNIT, PPM};
use alloc::vec::Vec;
use core::ops::Range;
use lockstep_types::instrument::Contract;
use lockstep_types::order::Side;
use lockstep_types::params::StandardMarginParams;
use lockstep_types::units::Ppm;

/// The legs that are margined together with the one at `place`: the options of its expiry, or
/// itself.
pub(crate) fn group(legs: &[Leg], place: usize) -> Range<usize> {
    let leg = &legs[place];
    let before = legs[..place].iter().rev().take_while(|other| leg.pairs_with(other)).count();
    let after = legs[place + 1..].iter().take_while(|other| leg.pairs_with(other)).count();
    place - before..place + 1 + after
}

/// What a group adds to its account.
pub(crate) fn part(params: &StandardMarginParams, rates: &Rates, legs: &[Leg]) -> Part {
    let mut part = Part::default();
    for leg in legs {
        let value = value_of(leg);
        part.equity += value;
        if leg.expired || !leg.contract.is_option() {
            part.balance += value;
        }
    }
    if legs.iter().all(|leg| leg.expired) {
        return part;
    }
    let requirement = match legs {
        [leg] if !leg.contract.is_option() => linear(params, rates, leg),
        _ => expiry(params, rates, legs),
    };
    let most = i128::from(i64::MAX);
    let (initial, maintenance, needed) = requirement.unwrap_or((most, most, most));
    Part { initial, maintenance, needed, ..part }
}

/// Floored value of an option, or unrealised profit less funding due of anything else.
pub(crate) fn value_of(leg: &Leg) -> i128 {
    let worth_nano = i128::from(leg.lots) * i128::from(leg.mark);
    let per_micro = i128::from(LOTS_PER_UNIT);
    if leg.contract.is_option() {
        return worth_nano.div_euclid(per_micro);
    }
    let profit = (worth_nano - leg.cost_nano).div_euclid(per_micro);
    profit + (-leg.funding_due_nano).div_euclid(per_micro)
}

/// Initial, maintenance, needed.
type Required = Result<(i128, i128, i128), FormulaError>;

/// The parameters as they hold for a perpetual or future of an underlying with such a factor: those
/// of markets that jump further ask for more.
pub(super) fn linear_params(
    params: &StandardMarginParams,
    factor_ppm: i64,
) -> StandardMarginParams {
    let scaled = |share: Ppm| {
        let share_ppm = mul_div_ceil(share.0, factor_ppm, PPM).unwrap_or(i64::MAX);
        Ppm(share_ppm)
    };
    match factor_ppm {
        PPM => *params,
        _ => StandardMarginParams {
            linear_initial: scaled(params.linear_initial),
            linear_maintenance: scaled(params.linear_maintenance),
            ..*params
        },
    }
}

fn linear(params: &StandardMarginParams, rates: &Rates, leg: &Leg) -> Required {
    let params = &linear_params(params, leg.factor_ppm);
    let own = isolated_linear(params, leg.spot, leg.lots)?;
    let initial = i128::from(own.initial);
    let orders = i128::from(reserve_of(params, rates, leg)?);
    Ok((initial, i128::from(own.maintenance), initial + orders))
}

/// What the open orders of a leg reserve.
fn reserve_of(
    params: &StandardMarginParams,
    rates: &Rates,
    leg: &Leg,
) -> Result<i64, FormulaError> {
    if !leg.has_orders() {
        return Ok(0);
    }
    order_margin(params, &orders_of(rates, leg))
}

/// A leg's open orders as the formula takes them.
fn orders_of(rates: &Rates, leg: &Leg) -> OpenOrders {
    let contract = match leg.contract {
        Contract::Option { strike, side, .. } => OrderContract::Option { side, strike: strike.0 },
        Contract::Perpetual | Contract::Future { .. } => OrderContract::Linear,
    };
    OpenOrders {
        contract,
        position_lots: leg.lots,
        mark: leg.mark,
        spot: leg.spot,
        buys: leg.buys,
        sells: leg.sells,
        fee_ppm: rates.taker_ppm.max(rates.maker_ppm),
        option_fee_cap_ppm: rates.cap_ppm,
    }
}

fn expiry(params: &StandardMarginParams, rates: &Rates, legs: &[Leg]) -> Required {
    let (spot, forward) = (legs[0].spot, legs[0].forward);
    let mut options = Vec::with_capacity(legs.len());
    // A strike at which nothing is held is no place to look for the greatest loss.
    let held = legs.iter().filter(|leg| leg.lots != 0);
    options.extend(held.filter_map(|leg| option_leg(leg, leg.lots)));
    if legs.len() > LEGS_MAX {
        return isolated(params, rates, legs);
    }
    let now = expiry_requirement(params, &ExpiryLegs { spot, forward, legs: &options })?;
    let initial = i128::from(now.requirement.initial);
    let maintenance = i128::from(now.requirement.maintenance);
    if !legs.iter().any(Leg::has_orders) {
        return Ok((initial, maintenance, initial));
    }
    // The worst that open sells can do to the greatest loss is to fill. Every strike at which
    // something is held now or can be then is looked at, so that a part of them does no worse.
    let mut sold = now;
    if legs.iter().any(|leg| leg.sells.lots > 0) {
        options.clear();
        for leg in legs.iter().filter(|leg| leg.lots != 0 || leg.sells.lots > 0) {
            let lots = subtract(leg.lots, leg.sells.lots)?;
            options.extend(option_leg(leg, lots));
        }
        sold = expiry_requirement(params, &ExpiryLegs { spot, forward, legs: &options })?;
    }
    let orders = legs.iter().filter(|leg| leg.has_orders()).map(|leg| orders_of(rates, leg));
    let needed = expiry_needed(params, forward, &now, &sold, orders)?;
    Ok((initial, maintenance, needed))
}

/// The isolated line alone, which never asks for less: for more legs than an account may have.
fn isolated(params: &StandardMarginParams, rates: &Rates, legs: &[Leg]) -> Required {
    let (mut initial, mut maintenance, mut orders) = (0, 0, 0);
    for leg in legs {
        let Some(option) = option_leg(leg, leg.lots) else { continue };
        let own = isolated_option(params, leg.spot, &option)?;
        initial += i128::from(own.initial);
        maintenance += i128::from(own.maintenance);
        orders += i128::from(reserve_of(params, rates, leg)?);
    }
    Ok((initial, maintenance, initial + orders))
}

/// What `lots` of an instrument on one side can add at most to initial and maintenance
/// requirements, each taken alone and at the highest mark.
pub(crate) fn isolated_at_most(
    params: &StandardMarginParams,
    leg: &Leg,
    side: Side,
    lots: i64,
) -> Result<(i64, i64), FormulaError> {
    let short = lots.checked_neg().ok_or(FormulaError::Overflow)?;
    let own = match (option_leg(leg, short), side) {
        (Some(_), Side::Buy) => return Ok((0, 0)),
        (Some(option), Side::Sell) => {
            isolated_option(params, leg.spot, &OptionLeg { mark: leg.mark_max, ..option })?
        }
        (None, _) => isolated_linear(&linear_params(params, leg.factor_ppm), leg.spot, lots)?,
    };
    Ok((own.initial, own.maintenance))
}

/// What a whole account can need at most with its open orders, and its maintenance requirement at
/// most, with every option taken alone and at its highest mark.
pub(crate) fn sums_at_most(view: &View) -> Result<(i128, i128), FormulaError> {
    let (mut needed, mut maintenance) = (0, 0);
    for leg in view.legs.iter().filter(|leg| !leg.expired) {
        let leg = Leg { mark: leg.mark_max, ..*leg };
        let (_, kept, opened) = match leg.contract.is_option() {
            true => isolated(&view.params, &view.rates, &[leg])?,
            false => linear(&view.params, &view.rates, &leg)?,
        };
        needed += opened;
        maintenance += kept;
    }
    Ok((needed, maintenance))
}

fn option_leg(leg: &Leg, lots: i64) -> Option<OptionLeg> {
    match leg.contract {
        Contract::Option { strike, side, .. } => {
            Some(OptionLeg { side, strike: strike.0, lots, mark: leg.mark })
        }
        Contract::Perpetual | Contract::Future { .. } => None,
    }
}

/// The maintenance requirement of a leg on its own; nothing for a long option.
pub(crate) fn isolated_maintenance(params: &StandardMarginParams, leg: &Leg) -> i64 {
    let own = match option_leg(leg, leg.lots) {
        Some(option) => isolated_option(params, leg.spot, &option),
        None => isolated_linear(&linear_params(params, leg.factor_ppm), leg.spot, leg.lots),
    };
    own.map_or(i64::MAX, |own| own.maintenance)
}

#[cfg(test)]
mod tests;
