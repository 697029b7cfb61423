//! The Black-76 price from prepared logarithms and a prepared standard deviation.
//!
//! With `low` and `high` the smaller and the larger of forward and strike, both out-of-the-money
//! sides are one formula: time value = low N(d1) - high N(d2), where x = ln(high / low) >= 0,
//! s = vol sqrt(T), d1 = s/2 - x/s and d2 = -s/2 - x/s. Invariant: the result is the nearest
//! integer of the exact value; see `fast_time_value` for the error bound that decides when the
//! exact path must answer. Absent: the choice of scenarios, money and errors beyond the ranges.

use super::function::{ONE_Q59, ONE_Q63, ln_q58, normal_tail};
use super::log_exp_table::DEVIATION_UNIT_Q106;
use super::word::{high_word, low_word, multiply_wide};
use super::{Field, OutOfRange, PRICE_MAX, SECONDS_MAX, VOL_E9_MAX, exact};

/// Call and put price, micro-USD per unit of the forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prices {
    /// Price of the call.
    pub call: i64,
    /// Price of the put.
    pub put: i64,
}

/// A forward or strike price with its logarithm; about 5 ns to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogPrice {
    pub(super) price: u64,
    ln_q58: u64,
}

impl LogPrice {
    /// A price in micro-USD, 1..=`PRICE_MAX`; `field` is what an error names.
    ///
    /// # Errors
    /// `OutOfRange` when the price is outside its limits.
    #[inline]
    pub fn new(field: Field, price: i64) -> Result<Self, OutOfRange> {
        let error = OutOfRange { field, value: price, minimum: 1, maximum: PRICE_MAX };
        if !(1..=PRICE_MAX).contains(&price) {
            return Err(error);
        }
        let price = u64::try_from(price).map_err(|_| error)?;
        Ok(Self { price, ln_q58: ln_q58(price) })
    }

    /// x/s in units of 2^-59 for x = ln(self / low), which is not negative.
    #[inline]
    pub(super) fn ratio_to(&self, low: &Self, regular: &Regular) -> u128 {
        let x_q58 = self.ln_q58.saturating_sub(low.ln_q58);
        multiply_wide(x_q58, regular.inverse) >> regular.inverse_shift
    }

    /// The price in micro-USD.
    #[must_use]
    pub fn price(&self) -> i64 {
        self.price.cast_signed()
    }
}

/// s = vol sqrt(T) and 1 / s, prepared for many prices of one volatility and expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deviation {
    pub(super) vol_e9: u64,
    pub(super) seconds: u64,
    pub(super) size: Size,
}

/// How large s is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    /// No time or no volatility is left: the price is intrinsic.
    Zero,
    /// 0 < s < 26.
    Regular(Regular),
    /// s >= 26: d1 > 11 for every price in range, so the time value rounds to `low`.
    Saturated,
}

/// s / 2 and 1 / s in fixed point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Regular {
    /// s / 2 in units of 2^-59; error below 2^-58.
    pub(super) half_q59: u64,
    /// 1 / s = inverse * 2^-(inverse_shift + 1) with a relative error below 2^-60.
    pub(super) inverse: u64,
    /// 20..=72.
    pub(super) inverse_shift: u32,
}

impl Deviation {
    /// `vol_e9` at most `VOL_E9_MAX`, `seconds` at most `SECONDS_MAX`; zero or less of either
    /// means intrinsic value.
    ///
    /// # Errors
    /// `OutOfRange` when either is above its limit.
    pub fn new(vol_e9: i64, seconds: i64) -> Result<Self, OutOfRange> {
        let out_of_range =
            |field, value, maximum| OutOfRange { field, value, minimum: i64::MIN, maximum };
        if vol_e9 > VOL_E9_MAX {
            return Err(out_of_range(Field::VolE9, vol_e9, VOL_E9_MAX));
        }
        if seconds > SECONDS_MAX {
            return Err(out_of_range(Field::Seconds, seconds, SECONDS_MAX));
        }
        let vol_e9 = u64::try_from(vol_e9).unwrap_or(0);
        let seconds = u64::try_from(seconds).unwrap_or(0);
        let size = if vol_e9 == 0 || seconds == 0 { Size::Zero } else { size(vol_e9, seconds) };
        Ok(Self { vol_e9, seconds, size })
    }
}

/// s = sqrt(vol^2 T) / (10^9 sqrt(year)): an integer square root and one constant.
fn size(vol_e9: u64, seconds: u64) -> Size {
    let variance = multiply_wide(vol_e9, vol_e9) * u128::from(seconds);
    assert!(variance > 0, "a zero deviation has no size");
    assert!(variance < 1 << 105, "vol and time are within their limits");
    // root^2 4^-h = vol^2 T with root in [2^63, 2^64): 11 <= h <= 63.
    let h = variance.leading_zeros() / 2;
    let root = low_word((variance << (2 * h)).isqrt());
    // s = product * 2^-(106 + h), product in [2^126.6, 2^127.7).
    let product = multiply_wide(root, DEVIATION_UNIT_Q106);
    let half_shift = 48 + h;
    let half_q59 = (product + (1 << (half_shift - 1))) >> half_shift;
    if half_q59 >= u128::from(13 * ONE_Q59) {
        return Size::Saturated;
    }
    let inverse = low_word((1 << 126) / u128::from(high_word(product)));
    Size::Regular(Regular { half_q59: low_word(half_q59), inverse, inverse_shift: 83 - h })
}

/// The prices of call and put; about 30 ns.
#[inline]
#[must_use]
pub fn prices(forward: &LogPrice, strike: &LogPrice, deviation: &Deviation) -> Prices {
    let above = forward.price > strike.price;
    let (low, high) = if above { (strike, forward) } else { (forward, strike) };
    let otm = time_value(low, high, deviation).cast_signed();
    let intrinsic = (high.price - low.price).cast_signed();
    let itm = otm + intrinsic;
    if above { Prices { call: itm, put: otm } } else { Prices { call: otm, put: itm } }
}

/// The price of the out-of-the-money side, to the nearest integer: 0..=low.
#[inline]
pub(super) fn time_value(low: &LogPrice, high: &LogPrice, deviation: &Deviation) -> u64 {
    let regular = match &deviation.size {
        Size::Zero => return 0,
        Size::Saturated => return low.price,
        Size::Regular(regular) => regular,
    };
    match fast_time_value(low, high, regular) {
        Some(price) => price,
        None => exact::time_value(low.price, high.price, deviation.vol_e9, deviation.seconds),
    }
}

/// From this |d1| on the price rounds to 0 or to `low`: the distance is at most
/// 2 * 10^16 * N(-8.5) < 0.2.
const FAR_Q59: u64 = 17 << 58;

/// The time value where 64-bit fixed point can tell how it rounds.
#[inline]
fn fast_time_value(low: &LogPrice, high: &LogPrice, regular: &Regular) -> Option<u64> {
    let half_q59 = regular.half_q59;
    let ratio_q59 = high.ratio_to(low, regular);
    if ratio_q59 >= u128::from(half_q59 + FAR_Q59) {
        return Some(0);
    }
    let ratio_q59 = low_word(ratio_q59);
    if half_q59 >= ratio_q59 + FAR_Q59 {
        return Some(low.price);
    }
    let value_q63 = near_value_q63(low.price, high.price, half_q59, ratio_q59);
    let rounded_q63 = value_q63 + u128::from(ONE_Q63 / 2);
    let bound_q63 = near_error_q63(low.price);
    // Where the value lies between two roundings: trusted when not too near either of them.
    let place_q63 = low_word(rounded_q63) & (ONE_Q63 - 1);
    if place_q63 <= bound_q63 || place_q63 >= ONE_Q63 - bound_q63 {
        return None;
    }
    Some(low_word(rounded_q63 >> 63))
}

/// low N(d1) - high N(d2) for |d1| < 8.5, with d1 and d2 given as s/2 -+ x/s.
#[inline]
fn near_value_q63(low: u64, high: u64, half_q59: u64, ratio_q59: u64) -> u128 {
    let tail_1_q63 = normal_tail(half_q59.abs_diff(ratio_q59)).to_q63();
    let n1_q63 = if half_q59 < ratio_q59 { tail_1_q63 } else { ONE_Q63 - tail_1_q63 };
    let n2 = normal_tail(half_q59 + ratio_q59);
    let paid_q63 = multiply_wide(high, n2.value) >> n2.exponent;
    multiply_wide(low, n1_q63).saturating_sub(paid_q63)
}

/// Bound of the error of `near_value_q63`, in units of 2^-63 micro-USD.
///
/// N(d1) is within 5 units: 5 low. N(d2) is within 4 units of 2^-e, and its value is at least
/// 2^60 of them, so with high N(d2) <= low / 2 (because high n(d2) = low n(d1) and Mills' ratio
/// falls): 4 (2^-e high) <= 16 low. s is within 2^-57, or 2^-58 where n(d1) is not tiny, and
/// moves the price by low n(d1) per unit: 13 low. The error delta of x/s is common to d1 and d2,
/// where the first order cancels for the same reason: it moves the price by less than
/// low n(d1) s delta^2 with delta <= 2^-57 / s + 2^-57, that is less than low / 2^9 units for the
/// smallest s, 2^-42.5. Cutting N(d2) to zero beyond d2 = -10 adds at most
/// 10^16 N(-10) 2^63 < 2^40, and the shift 1. Together below 64 low + 2^40: low / 2^57 micro-USD,
/// or less than one millionth for a price of 100,000 USD.
#[inline]
fn near_error_q63(low: u64) -> u64 {
    64 * low + (1 << 40)
}

#[cfg(test)]
mod tests;
