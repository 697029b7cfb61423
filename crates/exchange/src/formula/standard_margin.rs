//! Standard margin: the stand-alone fallback mode (A6), without scenarios.
//!
//! Per future or perpetual a share of its notional. Per option expiry the lower of
//! - the sum of the isolated requirements of its short legs, and
//! - the worst payoff over all settlement prices, bounded by charging net short calls at a multiple
//!   of the forward.
//!
//! Long options need nothing and give relief only through the second line. Equity in this mode is
//! cash plus linear profit: option value is excluded, because a short option's mark is inside its
//! requirement.
//!
//! Source: section 3 of the design (standard margin) and its integer reference `sm_margin`, whose
//! rounding is reproduced term by term: notionals, shares and requirements up, payoffs and values
//! down *per leg*.
//!
//! Cost: one pass over the legs when they come sorted by strike and the strikes are congruent
//! modulo [`LOTS_PER_UNIT`] (every listed strike is a multiple of it), because then per-leg payoffs
//! at strikes are exact and the total is piecewise linear; otherwise one exact sum per distinct
//! strike, at most [`LEGS_MAX`] squared = 16,384 64-bit divisions by a constant. Nothing is
//! allocated.
//!
//! Deliberately absent: open orders, which are [`super::order_margin`].

use super::rounding::{
    add, div_floor_wide, mul_div_ceil, mul_div_floor, mul_mul_div_ceil, narrow, subtract,
};
use super::{FormulaError, LOTS_PER_UNIT, LOTS_PPM, OptionSide, PPM, domain, option_payoff};
use lockstep_types::params::StandardMarginParams;

/// The most legs that one expiry of an account can have: the account's instrument limit (L2).
pub const LEGS_MAX: usize = 128;

/// What must be held, in micro-USD.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requirement {
    /// To open risk.
    pub initial: i64,
    /// To keep it.
    pub maintenance: i64,
}

impl Requirement {
    fn plus(self, other: Self) -> Result<Self, FormulaError> {
        Ok(Self {
            initial: add(self.initial, other.initial)?,
            maintenance: add(self.maintenance, other.maintenance)?,
        })
    }
}

/// A position in one option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionLeg {
    /// Call or put.
    pub side: OptionSide,
    /// Strike in micro-USD per unit, not negative.
    pub strike: i64,
    /// Lots, negative when short.
    pub lots: i64,
    /// Mark in micro-USD per unit, not negative.
    pub mark: i64,
}

/// A position in one future or perpetual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinearLeg {
    /// Spot (index) of its underlying in micro-USD per unit, positive.
    pub spot: i64,
    /// Lots, negative when short.
    pub lots: i64,
}

/// The option legs of one underlying and expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpiryLegs<'a> {
    /// Spot (index) in micro-USD per unit, positive.
    pub spot: i64,
    /// Forward of the expiry in micro-USD per unit, not negative.
    pub forward: i64,
    /// At most [`LEGS_MAX`]; fastest when sorted by strike.
    pub legs: &'a [OptionLeg],
}

/// The requirement of one expiry with its parts, in micro-USD unless named otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExpiryRequirement {
    /// Sum of the isolated requirements of the short legs.
    pub isolated: Requirement,
    /// Greatest loss at expiry over settlement at zero and at every strike.
    pub loss_max: i64,
    /// Calls held less calls owed, in lots.
    pub net_calls_lots: i64,
    /// What counts: per part the lower of `isolated` and the maximum loss with unpaired calls.
    pub requirement: Requirement,
    /// Value of the legs at mark, floored per leg. Information: it is no part of equity here.
    pub option_value: i64,
}

/// The requirement of a whole account, in micro-USD.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountRequirement {
    /// Sum over futures, perpetuals and expiries.
    pub requirement: Requirement,
    /// Sum of the legs' values at mark.
    pub option_value: i64,
}

/// The requirement of an account: the sum over its linear legs and its expiries.
///
/// `detail` sees each expiry's parts in order (a page or an event shows them; pass `|_, _| ()`).
///
/// # Errors
/// [`FormulaError::Domain`] for a price out of its range or an expiry with too many legs;
/// [`FormulaError::Overflow`] if a sum does not fit.
pub fn account_requirement<'a>(
    params: &StandardMarginParams,
    linear: impl IntoIterator<Item = LinearLeg>,
    expiries: impl IntoIterator<Item = ExpiryLegs<'a>>,
    mut detail: impl FnMut(&ExpiryLegs<'a>, &ExpiryRequirement),
) -> Result<AccountRequirement, FormulaError> {
    let mut total = AccountRequirement::default();
    for leg in linear {
        let isolated = isolated_linear(params, leg.spot, leg.lots)?;
        total.requirement = total.requirement.plus(isolated)?;
    }
    for expiry in expiries {
        let parts = expiry_requirement(params, &expiry)?;
        detail(&expiry, &parts);
        total.requirement = total.requirement.plus(parts.requirement)?;
        total.option_value = add(total.option_value, parts.option_value)?;
    }
    Ok(total)
}

/// The requirement of a future or perpetual on its own; the same long and short.
///
/// # Errors
/// [`FormulaError::Domain`] unless `spot > 0`; [`FormulaError::Overflow`].
pub fn isolated_linear(
    params: &StandardMarginParams,
    spot: i64,
    lots: i64,
) -> Result<Requirement, FormulaError> {
    domain(spot > 0)?;
    let lots = lots.checked_abs().ok_or(FormulaError::Overflow)?;
    let notional = mul_div_ceil(lots, spot, LOTS_PER_UNIT)?;
    Ok(Requirement {
        initial: mul_div_ceil(notional, params.linear_initial.0, PPM)?,
        maintenance: mul_div_ceil(notional, params.linear_maintenance.0, PPM)?,
    })
}

/// The requirement of one option leg on its own: nothing when long.
///
/// Short, per unit: initial `max(min, max - otm/spot) spot + mark`, at least maintenance (a put: at
/// least 1.05 times it); maintenance `7.5 % spot + mark`, a put's base at least `7.5 % mark`.
///
/// # Errors
/// [`FormulaError::Domain`] unless `spot > 0`, `strike >= 0` and `mark >= 0`;
/// [`FormulaError::Overflow`].
pub fn isolated_option(
    params: &StandardMarginParams,
    spot: i64,
    leg: &OptionLeg,
) -> Result<Requirement, FormulaError> {
    domain(spot > 0 && leg.strike >= 0 && leg.mark >= 0)?;
    if leg.lots >= 0 {
        return Ok(Requirement::default());
    }
    let lots = leg.lots.checked_neg().ok_or(FormulaError::Overflow)?;
    let out_of_the_money = match leg.side {
        OptionSide::Call => subtract(leg.strike, spot)?,
        OptionSide::Put => subtract(spot, leg.strike)?,
    }
    .max(0);
    // Wide, because far out of the money the ratio alone may not fit, and then the minimum rules.
    let out_ppm = div_floor_wide(i128::from(out_of_the_money) * i128::from(PPM), spot)?;
    let base_ppm = (i128::from(params.option_max.0) - out_ppm).max(i128::from(params.option_min.0));
    let mark = mul_div_ceil(lots, leg.mark, LOTS_PER_UNIT)?;
    let base = add(mul_mul_div_ceil(lots, spot, narrow(base_ppm)?, LOTS_PPM)?, mark)?;
    let maintenance_ppm = params.option_maintenance.0;
    let of_spot = mul_mul_div_ceil(lots, spot, maintenance_ppm, LOTS_PPM)?;
    Ok(match leg.side {
        OptionSide::Call => {
            let maintenance = add(of_spot, mark)?;
            Requirement { initial: base.max(maintenance), maintenance }
        }
        OptionSide::Put => {
            let of_mark = mul_mul_div_ceil(lots, leg.mark, maintenance_ppm, LOTS_PPM)?;
            let maintenance = add(of_spot.max(of_mark), mark)?;
            let raised = mul_div_ceil(maintenance, params.put_initial_factor.0, PPM)?;
            Requirement { initial: base.max(raised), maintenance }
        }
    })
}

/// The requirement of the options of one underlying and expiry, with its parts.
///
/// # Errors
/// [`FormulaError::Domain`] for a price out of its range or more than [`LEGS_MAX`] legs;
/// [`FormulaError::Overflow`].
pub fn expiry_requirement(
    params: &StandardMarginParams,
    expiry: &ExpiryLegs<'_>,
) -> Result<ExpiryRequirement, FormulaError> {
    domain(expiry.spot > 0 && expiry.forward >= 0 && expiry.legs.len() <= LEGS_MAX)?;
    let mut parts = ExpiryRequirement::default();
    for leg in expiry.legs {
        parts.isolated = parts.isolated.plus(isolated_option(params, expiry.spot, leg)?)?;
        let value = mul_div_floor(leg.lots, leg.mark, LOTS_PER_UNIT)?;
        parts.option_value = add(parts.option_value, value)?;
        if leg.side == OptionSide::Call {
            parts.net_calls_lots = add(parts.net_calls_lots, leg.lots)?;
        }
    }
    parts.loss_max = narrow((-payoff_min(expiry.legs)?).max(0))?;
    let unpaired_lots = parts.net_calls_lots.min(0).checked_neg().ok_or(FormulaError::Overflow)?;
    let bounded = |isolated: i64, unpaired_ppm: i64| {
        let unpaired = mul_mul_div_ceil(unpaired_lots, expiry.forward, unpaired_ppm, LOTS_PPM)?;
        Ok(isolated.min(add(parts.loss_max, unpaired)?))
    };
    parts.requirement = Requirement {
        initial: bounded(parts.isolated.initial, params.unpaired_initial.0)?,
        maintenance: bounded(parts.isolated.maintenance, params.unpaired_maintenance.0)?,
    };
    Ok(parts)
}

/// The least total payoff over settlement at zero and at every strike, in micro-USD; each leg's
/// payoff is floored on its own. Zero without legs.
///
/// Wide sums cannot overflow: 128 legs of at most 2^63 lots x 2^63 micro-USD / 1000.
fn payoff_min(legs: &[OptionLeg]) -> Result<i128, FormulaError> {
    let Some(first) = legs.first() else { return Ok(0) };
    let at_zero = payoff_at(legs, 0)?;
    let phase = first.strike % LOTS_PER_UNIT;
    let linear = legs.is_sorted_by_key(|leg| leg.strike)
        && legs.iter().all(|leg| leg.strike % LOTS_PER_UNIT == phase);
    if linear { sweep_min(legs, at_zero) } else { sum_min(legs, at_zero) }
}

/// The least payoff in one pass, for sorted strikes that are congruent modulo [`LOTS_PER_UNIT`]:
/// then every leg's payoff at every strike is a whole number and the floor does nothing.
fn sweep_min(legs: &[OptionLeg], at_zero: i128) -> Result<i128, FormulaError> {
    let Some(first) = legs.first() else { return Ok(at_zero) };
    let mut value = payoff_at(legs, first.strike)?;
    // The payoff's slope in lots: below all strikes the puts fall, and at its strike either kind
    // turns it up by the lots held.
    let mut slope: i128 = legs
        .iter()
        .filter(|leg| leg.side == OptionSide::Put)
        .map(|leg| -i128::from(leg.lots))
        .sum();
    let mut strike = first.strike;
    let mut minimum = at_zero;
    for leg in legs {
        value += slope * i128::from((leg.strike - strike) / LOTS_PER_UNIT);
        minimum = minimum.min(value);
        slope += i128::from(leg.lots);
        strike = leg.strike;
    }
    Ok(minimum)
}

/// The least payoff by a full sum per strike: exact for any strikes in any order.
fn sum_min(legs: &[OptionLeg], at_zero: i128) -> Result<i128, FormulaError> {
    let mut minimum = at_zero;
    let mut previous = None;
    for leg in legs {
        // A call and a put of one strike are neighbours in a sorted list.
        if previous != Some(leg.strike) {
            minimum = minimum.min(payoff_at(legs, leg.strike)?);
            previous = Some(leg.strike);
        }
    }
    Ok(minimum)
}

/// Total payoff when settled at `price`, floored per leg.
fn payoff_at(legs: &[OptionLeg], price: i64) -> Result<i128, FormulaError> {
    let mut total = 0_i128;
    for leg in legs {
        let payoff = option_payoff(leg.side, leg.strike, price)?;
        let product = i128::from(leg.lots) * i128::from(payoff);
        total += div_floor_wide(product, LOTS_PER_UNIT)?;
    }
    Ok(total)
}
