//! The exact path: Black-76 and its Greeks with 256 fraction bits.
//!
//! It answers when the fast path cannot tell how a value rounds, and it is the yardstick of the
//! fast path's tests. Invariant: a price is within 2^-70 micro-USD of the exact value before it is
//! rounded. Nothing makes the exact value of this transcendental formula lie nearer than that to
//! a half but a chance of 2^-69; it would then round by these same bits on every machine. Speed
//! is tens of microseconds. Absent: ranges and parity, which the callers have dealt with.

use super::SECONDS_PER_YEAR;
use super::wide::Wide;
use super::word::{low_word, multiply_wide};

/// The standardised moneyness of one option.
pub(super) struct Terms {
    /// s^2 = vol^2 T.
    variance: Wide,
    /// 1 / s.
    inverse_deviation: Wide,
    /// |d1| of the out-of-the-money side.
    d1: Wide,
    /// Whether d1 is negative.
    d1_negative: bool,
    /// -d2, never negative.
    d2_negated: Wide,
}

impl Terms {
    /// `low` <= `high`, all positive and within the limits of the module.
    pub(super) fn new(low: u64, high: u64, vol_e9: u64, seconds: u64) -> Self {
        assert!(0 < low && low <= high, "the exact path takes the prices in order");
        assert!(vol_e9 > 0 && seconds > 0, "the exact path takes a positive deviation");
        let variance = Wide::from_integer(multiply_wide(vol_e9, vol_e9) * u128::from(seconds))
            .over_integer(1_000_000_000_000_000_000)
            .over_integer(SECONDS_PER_YEAR.unsigned_abs());
        let inverse_deviation = variance.inverse_square_root();
        let half = variance.times(&inverse_deviation).half();
        let x = Wide::ln(high).saturating_minus(&Wide::ln(low));
        let ratio = x.times(&inverse_deviation);
        let (d1, d1_negative) = half.difference(&ratio);
        Self { variance, inverse_deviation, d1, d1_negative, d2_negated: half.plus(&ratio) }
    }
}

/// low N(d1) - high N(d2) to the nearest integer.
#[cold]
#[inline(never)]
pub(super) fn time_value(low: u64, high: u64, vol_e9: u64, seconds: u64) -> u64 {
    low_word(time_value_wide(low, high, vol_e9, seconds).round())
}

/// low N(d1) - high N(d2).
pub(super) fn time_value_wide(low: u64, high: u64, vol_e9: u64, seconds: u64) -> Wide {
    let terms = Terms::new(low, high, vol_e9, seconds);
    let tail_1 = terms.d1.normal_tail();
    let n1 = if terms.d1_negative { tail_1 } else { Wide::ONE.saturating_minus(&tail_1) };
    let n2 = terms.d2_negated.normal_tail();
    n1.times_integer(low).saturating_minus(&n2.times_integer(high))
}

/// The sizes behind `Greeks`, in the units of its fields and rounded to nearest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GreekSizes {
    /// Delta of the call, 1e-9.
    pub(super) delta_call_e9: u64,
    /// Gamma per USD, 1e-15.
    pub(super) gamma_e15: u128,
    /// Vega, micro-USD per 1.00 of volatility.
    pub(super) vega: u64,
    /// Decay, minus theta, micro-USD per day.
    pub(super) decay_per_day: u64,
}

/// The Greeks of one option, each to the nearest integer.
#[cold]
#[inline(never)]
pub(super) fn greeks(forward: u64, strike: u64, vol_e9: u64, seconds: u64) -> GreekSizes {
    let above = forward > strike;
    let (low, high) = if above { (strike, forward) } else { (forward, strike) };
    let terms = Terms::new(low, high, vol_e9, seconds);
    // Exchanging forward and strike turns d1 into -d2.
    let (d1, d1_negative) =
        if above { (terms.d2_negated, false) } else { (terms.d1, terms.d1_negative) };
    let tail = d1.normal_tail();
    let delta = if d1_negative { tail } else { Wide::ONE.saturating_minus(&tail) };
    let density = if d1 < Wide::from_integer(16) { d1.normal_density() } else { Wide::ZERO };
    // n / s first: it is below 2^42, and n keeps s or F within the 128 integer bits below.
    let density_over_s = density.times(&terms.inverse_deviation);
    GreekSizes {
        delta_call_e9: low_word(delta.times_integer(1_000_000_000).round()),
        gamma_e15: density_over_s
            .times_integer(1_000_000_000)
            .times_integer(1_000_000_000_000)
            .over_integer(forward)
            .round(),
        // F n sqrt(T) = F n s / vol.
        vega: low_word(
            density_over_s
                .times(&terms.variance)
                .times_integer(forward)
                .times_integer(1_000_000_000)
                .over_integer(vol_e9)
                .round(),
        ),
        // F n vol / (2 sqrt(T)) per year = F n vol^2 / (2 s) per year.
        decay_per_day: low_word(
            density_over_s
                .times_integer(forward)
                .over_integer(1_000_000_000)
                .times_integer(vol_e9)
                .over_integer(1_000_000_000)
                .times_integer(vol_e9)
                .over_integer(2 * 365)
                .round(),
        ),
    }
}
