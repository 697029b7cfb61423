//! Delta, gamma, vega and theta of Black-76.
//!
//! Invariant: every field is the nearest integer of the exact value in its unit, by the same two
//! paths as the price: each fast value carries a bound of its error, and when any of them lies
//! within its bound of a half, the exact path answers all. Absent: rho. The rate is zero and
//! prices are undiscounted, so nothing depends on a rate; discounting would give -T price.

use super::SECONDS_PER_YEAR;
use super::exact::{self, GreekSizes};
use super::function::{ONE_Q59, normal_cumulative_q63, normal_density};
use super::magnitude::Magnitude;
use super::price::{Deviation, LogPrice, Regular, Size};
use super::word::{high_word, low_word, multiply_wide};

/// The sensitivities of one option. Gamma, vega and theta are the same for call and put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Greeks {
    /// Change of the call's price per change of the forward, 1e-9 (1.0 = 1_000_000_000).
    pub delta_call_e9: i64,
    /// The same of the put: `delta_call_e9` - 1_000_000_000.
    pub delta_put_e9: i64,
    /// Change of delta per USD of the forward, 1e-15: one unit is a delta of 1e-9 per million USD.
    /// Wider than a word because a forward of a few micro-USD has gammas of millions.
    pub gamma_e15: i128,
    /// Change of the price per 1.00 of volatility, micro-USD; a hundredth is that of one point.
    pub vega: i64,
    /// Change of the price per day (1/365 year) that passes, micro-USD; never positive.
    pub theta_per_day: i64,
}

/// 1.0 as a delta.
const DELTA_ONE_E9: i64 = 1_000_000_000;

/// The Greeks of one option; without time or volatility delta is that of the intrinsic value,
/// one half at the strike, and the others are zero.
pub(super) fn greeks(forward: &LogPrice, strike: &LogPrice, deviation: &Deviation) -> Greeks {
    if deviation.size == Size::Zero {
        let delta_call_e9 = match forward.price.cmp(&strike.price) {
            core::cmp::Ordering::Less => 0,
            core::cmp::Ordering::Equal => DELTA_ONE_E9 / 2,
            core::cmp::Ordering::Greater => DELTA_ONE_E9,
        };
        let delta_put_e9 = delta_call_e9 - DELTA_ONE_E9;
        return Greeks { delta_call_e9, delta_put_e9, gamma_e15: 0, vega: 0, theta_per_day: 0 };
    }
    let sizes = fast_greeks(forward, strike, deviation).unwrap_or_else(|| {
        exact::greeks(forward.price, strike.price, deviation.vol_e9, deviation.seconds)
    });
    let delta_call_e9 = signed(sizes.delta_call_e9);
    assert!((0..=DELTA_ONE_E9).contains(&delta_call_e9), "a call's delta is between 0 and 1");
    Greeks {
        delta_call_e9,
        delta_put_e9: delta_call_e9 - DELTA_ONE_E9,
        gamma_e15: sizes.gamma_e15.cast_signed(),
        vega: signed(sizes.vega),
        theta_per_day: -signed(sizes.decay_per_day),
    }
}

/// At the limits of the inputs vega is below 2^56 and the decay per day below 2^62.
fn signed(value: u64) -> i64 {
    assert!(value < 1 << 63, "a Greek fits a word for every input in range");
    value.cast_signed()
}

/// The Greeks where fixed point can tell how each of them rounds.
fn fast_greeks(forward: &LogPrice, strike: &LogPrice, deviation: &Deviation) -> Option<GreekSizes> {
    let Size::Regular(regular) = &deviation.size else { return None };
    let moneyness = Moneyness::new(forward, strike, regular)?;
    let cumulative_e9_q63 = multiply_wide(normal_cumulative_q63(moneyness.d1_q59), 1_000_000_000);
    // N(d1) is within 2^-60 for the d1 it is given, and its slope is below 1/2.
    let delta_bound = 1_000_000_000 * (8 + u128::from(moneyness.d1_error_q64));
    let delta_call_e9 = round_q63_within(cumulative_e9_q63, delta_bound)?;

    let d1_size_q59 = moneyness.d1_q59.unsigned_abs();
    let is_far = d1_size_q59 >= DENSITY_END_Q59;
    let density = normal_density(d1_size_q59.min(DENSITY_END_Q59 - 1));
    // Relative: the density's slope is its value times d1; 2^-57 for itself, 2^-60 for 1/s and
    // at most eight operations of 2^-62 are together below 2^-56.
    let error_q64 = ((d1_size_q59 >> 59) + 1) * moneyness.d1_error_q64 + (1 << 8);
    let base = Magnitude::new(density.value, -63 - density.exponent.cast_signed())
        .times(Magnitude::new(regular.inverse, -1 - regular.inverse_shift.cast_signed()));
    let round = |value: Magnitude| {
        if is_far {
            // The density is smaller than the one used, so only a zero is certain.
            value.round_within(1 << 62).filter(|rounded| *rounded == 0)
        } else if error_q64 > 1 << 62 {
            None
        } else {
            value.round_within(error_q64)
        }
    };
    let gamma = base
        .times_integer(1_000_000_000)
        .times_integer(1_000_000_000_000)
        .over_integer(forward.price);
    let scaled = base.times_integer(forward.price).times_integer(deviation.vol_e9);
    // F n sqrt(T) = F n vol T / s.
    let vega = scaled
        .times_integer(deviation.seconds)
        .over_integer(1_000_000_000 * SECONDS_PER_YEAR.unsigned_abs());
    // F n vol / (2 sqrt(T)) = F n vol^2 / (2 s), for a year of 365 days.
    let decay = scaled
        .times_integer(deviation.vol_e9)
        .over_integer(1_000_000_000_000_000_000)
        .over_integer(2 * 365);
    Some(GreekSizes {
        delta_call_e9,
        gamma_e15: u128::from(round(gamma)?),
        vega: round(vega)?,
        decay_per_day: round(decay)?,
    })
}

/// Where `normal_density` ends: n(11) is below 2^-88.
const DENSITY_END_Q59: u64 = 11 * ONE_Q59;

/// d1 of the call, with more care for prices close together than the price itself needs: there
/// the errors of d1 and d2 cancel, here they do not.
struct Moneyness {
    d1_q59: i64,
    /// Bound of the error of d1 in units of 2^-64.
    d1_error_q64: u64,
}

impl Moneyness {
    /// `None` where d1 is beyond 30.
    fn new(forward: &LogPrice, strike: &LogPrice, regular: &Regular) -> Option<Self> {
        let above = forward.price > strike.price;
        let (low, high) = if above { (strike, forward) } else { (forward, strike) };
        let sum = low.price + high.price;
        let difference = high.price - low.price;
        let (ratio_q59, log_error_q64) = if difference < sum / 32 {
            (ratio_of_near_prices(difference, sum, regular), 0)
        } else {
            // ln is within 2^-58 each; 1/s is below inverse_ceiling.
            let inverse = regular.inverse.checked_shr(regular.inverse_shift + 1).unwrap_or(0);
            (high.ratio_to(low, regular), inverse.saturating_add(1).saturating_mul(1 << 7))
        };
        let ratio_q59 = u64::try_from(ratio_q59).ok().filter(|ratio| *ratio < 16 * ONE_Q59)?;
        let (ratio, half) = (ratio_q59.cast_signed(), regular.half_q59.cast_signed());
        let d1_q59 = if above { half.checked_add(ratio)? } else { half - ratio };
        // s/2 is within 2^-58, the ratio is cut at 2^-59 and within 2^-58 of its size.
        let ratio_error_q64 = ((ratio_q59 >> 59) + 1) * 64;
        let d1_error_q64 = log_error_q64.saturating_add(64 + 32 + ratio_error_q64);
        (d1_error_q64 < 1 << 40).then_some(Self { d1_q59, d1_error_q64 })
    }
}

/// x/s in units of 2^-59 for x = ln(high / low) = 2 artanh t, t = difference / sum < 1/32.
///
/// Every step keeps at least 60 significant bits: with 1/s the relative error is below 2^-58.
fn ratio_of_near_prices(difference: u64, sum: u64, regular: &Regular) -> u128 {
    if difference == 0 {
        return 0;
    }
    // t = quotient * 2^-shift with the quotient in (2^62, 2^64).
    let zeros = difference.leading_zeros();
    let sum_zeros = sum.leading_zeros();
    let quotient = low_word((u128::from(difference << zeros) << 63) / u128::from(sum << sum_zeros));
    let shift = 63 + zeros - sum_zeros;
    // t < 2^-5 makes the shift at least 67, so t^2 is below 2^-10 and in units of 2^-64 a word.
    let t_q64 = quotient >> (shift - 64);
    let square_q64 = high_word(multiply_wide(t_q64, t_q64));
    // artanh t / t = 1 + t^2/3 + t^4/5 + ..., up to t^12 / 13 < 2^-63, in units of 2^-62.
    let mut series_q62 = 0;
    for term in [13, 11, 9, 7, 5, 3, 1] {
        series_q62 = (1 << 62) / term + high_word(multiply_wide(series_q62, square_q64));
    }
    // 2 t / s, shifted from 2^-(shift) 2^-62 2^-(inverse_shift + 1) and the factor 2 to 2^-59.
    let x = high_word(multiply_wide(quotient, series_q62));
    let product = multiply_wide(x, regular.inverse);
    product.checked_shr(shift + regular.inverse_shift - 61).unwrap_or(0)
}

/// The nearest integer of a value in units of 2^-63, if the bound of its error allows one only.
fn round_q63_within(value_q63: u128, bound_q63: u128) -> Option<u64> {
    let unit = 1_u128 << 63;
    let rounded = value_q63 + unit / 2;
    let place = rounded & (unit - 1);
    let certain = bound_q63 < place && place + bound_q63 < unit;
    certain.then(|| low_word(rounded >> 63))
}

#[cfg(test)]
mod tests;
