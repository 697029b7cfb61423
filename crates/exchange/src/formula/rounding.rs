//! Multiply and divide with the rounding in the name.
//!
//! Invariants: the product is formed exactly (in 64 bits when it fits, else in 128, because a
//! 128-bit division costs several times a 64-bit one); the quotient is rounded once; a quotient
//! that does not fit is [`FormulaError::Overflow`], a divisor that is not positive
//! [`FormulaError::Domain`]. All divisors are positive, so "floor" is both Euclidean and towards
//! minus infinity.
//!
//! Deliberately absent: truncation towards zero, which favours whoever is negative.

use super::{FormulaError, domain};

/// `floor(a * b / divisor)`.
///
/// # Errors
/// [`FormulaError::Domain`] unless `divisor > 0`; [`FormulaError::Overflow`] beyond i64.
#[inline]
pub fn mul_div_floor(a: i64, b: i64, divisor: i64) -> Result<i64, FormulaError> {
    domain(divisor > 0)?;
    match a.checked_mul(b) {
        Some(product) => Ok(product.div_euclid(divisor)),
        None => narrow(div_floor_wide(i128::from(a) * i128::from(b), divisor)?),
    }
}

/// `ceil(a * b / divisor)`.
///
/// Always inlined: most divisors are constants, and then it takes no division.
///
/// # Errors
/// [`FormulaError::Domain`] unless `divisor > 0`; [`FormulaError::Overflow`] beyond i64.
#[inline(always)]
pub fn mul_div_ceil(a: i64, b: i64, divisor: i64) -> Result<i64, FormulaError> {
    domain(divisor > 0)?;
    match a.checked_mul(b) {
        Some(product) => Ok(ceil_narrow(product, divisor)),
        None => mul_div_ceil_wide(a, b, divisor),
    }
}

#[cold]
fn mul_div_ceil_wide(a: i64, b: i64, divisor: i64) -> Result<i64, FormulaError> {
    narrow(div_ceil_wide(i128::from(a) * i128::from(b), divisor)?)
}

/// `a * b / divisor` to the nearest integer, halves away from zero.
///
/// # Errors
/// [`FormulaError::Domain`] unless `divisor > 0`; [`FormulaError::Overflow`] beyond i64.
pub fn mul_div_half_away(a: i64, b: i64, divisor: i64) -> Result<i64, FormulaError> {
    domain(divisor > 0)?;
    narrow(div_half_away_wide(i128::from(a) * i128::from(b), divisor)?)
}

/// `ceil(a * b * c / divisor)`.
///
/// # Errors
/// [`FormulaError::Domain`] unless `divisor > 0`; [`FormulaError::Overflow`] if the quotient is
/// beyond i64 or the product beyond i128.
pub fn mul_mul_div_ceil(a: i64, b: i64, c: i64, divisor: i64) -> Result<i64, FormulaError> {
    domain(divisor > 0)?;
    if let Some(product) = a.checked_mul(b).and_then(|ab| ab.checked_mul(c)) {
        return Ok(ceil_narrow(product, divisor));
    }
    let product = (i128::from(a) * i128::from(b)).checked_mul(i128::from(c));
    narrow(div_ceil_wide(product.ok_or(FormulaError::Overflow)?, divisor)?)
}

/// `floor(value / divisor)` of a wide value.
///
/// # Errors
/// [`FormulaError::Domain`] unless `divisor > 0`.
#[inline]
pub fn div_floor_wide(value: i128, divisor: i64) -> Result<i128, FormulaError> {
    domain(divisor > 0)?;
    Ok(match i64::try_from(value) {
        Ok(value) => i128::from(value.div_euclid(divisor)),
        Err(_) => value.div_euclid(i128::from(divisor)),
    })
}

/// `ceil(value / divisor)` of a wide value.
///
/// # Errors
/// [`FormulaError::Domain`] unless `divisor > 0`.
pub fn div_ceil_wide(value: i128, divisor: i64) -> Result<i128, FormulaError> {
    let floor = div_floor_wide(value, divisor)?;
    // floor * divisor lies between value - divisor and value; only at the lower end of i128 could
    // it fall outside, and there a wrapped difference is still right modulo 2^128.
    let rest = value.wrapping_sub(floor.wrapping_mul(i128::from(divisor)));
    Ok(if rest > 0 { floor + 1 } else { floor })
}

/// `ceil(value / divisor)` for a positive divisor that may be wide as well.
pub(super) fn ceil_wide(value: i128, divisor: i128) -> i128 {
    value.div_euclid(divisor) + i128::from(value.rem_euclid(divisor) != 0)
}

/// `value / divisor` to the nearest integer, halves away from zero.
///
/// # Errors
/// [`FormulaError::Domain`] unless `divisor > 0`; [`FormulaError::Overflow`] only at i128's end.
pub fn div_half_away_wide(value: i128, divisor: i64) -> Result<i128, FormulaError> {
    domain(divisor > 0)?;
    let magnitude = value.checked_abs().ok_or(FormulaError::Overflow)?;
    let half = i128::from(divisor / 2);
    let raised = magnitude.checked_add(half).ok_or(FormulaError::Overflow)?;
    let quotient = div_floor_wide(raised, divisor)?;
    Ok(if value < 0 { -quotient } else { quotient })
}

/// The value as i64.
///
/// # Errors
/// [`FormulaError::Overflow`] if it does not fit.
pub fn narrow(value: i128) -> Result<i64, FormulaError> {
    i64::try_from(value).map_err(|_| FormulaError::Overflow)
}

/// `a + b`.
///
/// # Errors
/// [`FormulaError::Overflow`] beyond i64.
pub fn add(a: i64, b: i64) -> Result<i64, FormulaError> {
    a.checked_add(b).ok_or(FormulaError::Overflow)
}

/// `a - b`.
///
/// # Errors
/// [`FormulaError::Overflow`] beyond i64.
pub fn subtract(a: i64, b: i64) -> Result<i64, FormulaError> {
    a.checked_sub(b).ok_or(FormulaError::Overflow)
}

/// The integer square root: the largest `r` with `r * r <= value`.
#[must_use]
pub fn isqrt(value: u64) -> u64 {
    value.isqrt()
}

/// The integer square root of a wide value; fast when it fits 64 bits.
#[must_use]
pub fn isqrt_wide(value: u128) -> u64 {
    match u64::try_from(value) {
        Ok(value) => value.isqrt(),
        // The root of a 128-bit number has at most 64 bits.
        Err(_) => u64::try_from(value.isqrt()).unwrap_or(u64::MAX),
    }
}

/// `ceil(product / divisor)` for a positive divisor. Truncation is towards zero, so a negative
/// quotient is rounded up already.
#[inline(always)]
fn ceil_narrow(product: i64, divisor: i64) -> i64 {
    let (quotient, rest) = (product / divisor, product % divisor);
    if rest > 0 { quotient + 1 } else { quotient }
}
