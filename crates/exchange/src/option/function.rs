//! ln, exp, the square root and the normal distribution by table and polynomial in fixed point.
//!
//! `_qN` in a name means units of 2^-N. Every function states a bound of its error; the tests
//! hold each bound against the series of `wide`. Nothing here can overflow or panic for any
//! argument in its documented range. Absent: floating point, and anything that knows money.

use super::log_exp_table::{
    DENSITY_AT_ZERO_Q64, LN_2_Q64, POWERS_Q63, RECIPROCAL_LOGS_Q64, RECIPROCALS_Q64,
    STEPS_PER_UNIT_Q57, UNIT_PER_STEP_Q70,
};
use super::normal_table::{COEFFICIENTS, EXPONENTS, ROWS};
use super::word::{high_word, low_word, multiply_high, multiply_wide};

/// 1 in units of 2^-59.
pub const ONE_Q59: u64 = 1 << 59;
/// 1 in units of 2^-63.
pub const ONE_Q63: u64 = 1 << 63;

/// A positive number value * 2^-(63 + exponent).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scaled {
    /// Significant part.
    pub value: u64,
    /// Further halvings beyond 2^-63.
    pub exponent: u32,
}

impl Scaled {
    /// The same in units of 2^-63, rounded down.
    #[must_use]
    pub fn to_q63(self) -> u64 {
        self.value.checked_shr(self.exponent).unwrap_or(0)
    }
}

/// Horner's rule with t in units of 2^-64, |t| <= 1/2; floors add less than two units.
///
/// It cannot overflow: a test holds |c_0| + |c_1|/2 + |c_2|/4 + ... below 2^63 for every table.
#[inline]
fn polynomial<const TERMS: usize>(coefficients: &[i64; TERMS], t: i64) -> i64 {
    let mut value = 0;
    for coefficient in coefficients.iter().rev() {
        value = coefficient.wrapping_add(multiply_high(value, t));
    }
    value
}

/// (1/2^7)^k (-1)^(k+1) / k in units of 2^-64, from k = 1: ln(1 + y) as powers of 128 y.
const LN_COEFFICIENTS: [i64; 9] = [
    0,
    1 << 57,
    -(1 << 49),
    (1 << 43) / 3,
    -(1 << 34),
    (1 << 29) / 5,
    -(1 << 22) / 6,
    (1 << 15) / 7,
    -(1 << 5),
];

/// ln v in units of 2^-58 for v >= 1 (0 for v = 0); error below 2^-58.
///
/// v = 2^k m with m in [1, 2); a table row r near 1/m leaves m r = 1 + y with |y| < 2^-8.
#[must_use]
#[inline]
pub fn ln_q58(v: u64) -> u64 {
    if v == 0 {
        return 0;
    }
    let zeros = v.leading_zeros();
    let m_q63 = v << zeros;
    let row = usize::from((m_q63 >> 56).to_le_bytes()[0] & 127);
    // Mod 2^64 drops the 1 of 1 + y (2^71 is a multiple) and keeps the sign of y.
    let y_q71 = low_word(multiply_wide(m_q63, RECIPROCALS_Q64[row]) >> 56).cast_signed();
    let series_q64 = i128::from(polynomial(&LN_COEFFICIENTS, y_q71));
    let whole_q64 = multiply_wide(u64::from(63 - zeros), LN_2_Q64).cast_signed();
    let sum_q64 = whole_q64 + i128::from(RECIPROCAL_LOGS_Q64[row]) + series_q64;
    low_word(((sum_q64 + (1 << 5)) >> 6).max(0).cast_unsigned())
}

/// (-1/2^6)^k / k! in units of 2^-62, from k = 0: e^-r as powers of 64 r.
const EXP_COEFFICIENTS: [i64; 7] =
    [1 << 62, -(1 << 56), 1 << 49, -(1 << 43) / 3, (1 << 35) / 3, -(1 << 29) / 15, (1 << 22) / 45];

/// e^-y for y in units of 2^-58; relative error below 2^-58, the value at least 2^62 - 2^56.
///
/// e^-y = 2^-(n/64) e^-r with n the nearest integer to 64 y / ln 2, so |r| <= ln 2 / 128.
#[inline]
#[must_use]
pub fn exp_negative(y_q58: u64) -> Scaled {
    let steps = low_word((multiply_wide(y_q58, STEPS_PER_UNIT_Q57) + (1 << 114)) >> 115);
    let whole_q70 = multiply_wide(steps, UNIT_PER_STEP_Q70);
    // |r| < 2^-7.5, so r in units of 2^-70 fits a word: arithmetic mod 2^64 is exact.
    let r_q70 = low_word((u128::from(y_q58) << 12).wrapping_sub(whole_q70)).cast_signed();
    let series_q62 = polynomial(&EXP_COEFFICIENTS, r_q70).cast_unsigned();
    let row = usize::from(steps.to_le_bytes()[0] & 63);
    let value = low_word(multiply_wide(series_q62, POWERS_Q63[row]) >> 62);
    Scaled { value, exponent: u32::try_from(steps >> 6).unwrap_or(u32::MAX) }
}

/// e^-y in units of 2^-63 for y in units of 2^-58; error below 2^-60.
#[must_use]
pub fn exp_negative_q63(y_q58: u64) -> u64 {
    exp_negative(y_q58).to_q63()
}

/// sqrt v, rounded down, both in units of 2^-58.
#[must_use]
pub fn square_root_q58(v_q58: u64) -> u64 {
    low_word((u128::from(v_q58) << 58).isqrt())
}

/// N(-z), the lower tail of the normal distribution, for z >= 0 in units of 2^-59.
///
/// The error is below `NORMAL_TAIL_ERROR` units of the value. From z = 10 on, where the tail is
/// below 2^-76, the result is zero.
#[inline]
#[must_use]
pub fn normal_tail(z_q59: u64) -> Scaled {
    let row = usize::try_from(z_q59 >> 55).unwrap_or(ROWS);
    if row >= ROWS {
        return Scaled { value: 0, exponent: 0 };
    }
    // The place in the row from its middle: the low 55 bits, moved up, with the top bit flipped.
    let t_q64 = ((z_q59 << 9) ^ (1 << 63)).cast_signed();
    let value = polynomial(&COEFFICIENTS[row], t_q64).cast_unsigned();
    Scaled { value, exponent: u32::from(EXPONENTS[row]) }
}

/// Bound of the error of `normal_tail` in units of its `value`: the coefficients' own rounding
/// (1), Horner's floors (2) and the polynomial's distance from the function (below 1).
pub const NORMAL_TAIL_ERROR: u64 = 4;

/// N(d) in units of 2^-63 for d in units of 2^-59, |d| < 16; error below 2^-60.
#[must_use]
pub fn normal_cumulative_q63(d_q59: i64) -> u64 {
    let tail_q63 = normal_tail(d_q59.unsigned_abs()).to_q63();
    if d_q59 < 0 { tail_q63 } else { ONE_Q63 - tail_q63 }
}

/// The normal density n(z) for z in units of 2^-59, z < 11; relative error below 2^-57. From
/// z = 11 on it is below 2^-88, and the result is zero.
#[inline]
#[must_use]
pub fn normal_density(z_q59: u64) -> Scaled {
    if z_q59 >= 11 * ONE_Q59 {
        return Scaled { value: 0, exponent: 0 };
    }
    // z^2 / 2 in units of 2^-58 is z^2 / 2^61, a word below z = 11.
    let half_square_q58 = low_word((multiply_wide(z_q59, z_q59) + (1 << 60)) >> 61);
    let Scaled { value, exponent } = exp_negative(half_square_q58);
    Scaled { value: high_word(multiply_wide(value, DENSITY_AT_ZERO_Q64)), exponent }
}

#[cfg(test)]
mod tests;
