//! Products and shares of unsigned amounts, exact in 128 bits; rounding is in the name.

use lockstep_types::units::{PPM, Ppm, Usd};

/// A whole in parts per million.
pub(crate) const WHOLE: u64 = PPM.unsigned_abs();

/// `left * right / divisor`, rounded down; `None` when it divides by zero or does not fit.
pub(crate) fn mul_div_floor(left: u64, right: u64, divisor: u64) -> Option<u64> {
    let product = u128::from(left) * u128::from(right);
    u64::try_from(product.checked_div(u128::from(divisor))?).ok()
}

/// `left * right / divisor`, rounded up; `None` when it divides by zero or does not fit.
pub(crate) fn mul_div_ceil(left: u64, right: u64, divisor: u64) -> Option<u64> {
    if divisor == 0 {
        return None;
    }
    let product = u128::from(left) * u128::from(right);
    u64::try_from(product.div_ceil(u128::from(divisor))).ok()
}

/// A ratio as a number of parts per million between nothing and a whole.
pub(crate) fn parts(ratio: Ppm) -> u64 {
    u64::try_from(ratio.0).unwrap_or(0).min(WHOLE)
}

/// A share of an amount, rounded down; a share of more than the whole counts as the whole.
pub(crate) fn share_floor(amount: u64, ratio: Ppm) -> u64 {
    mul_div_floor(amount, parts(ratio), WHOLE).unwrap_or(amount)
}

/// A share of money, rounded down; nothing of a debt.
pub(crate) fn usd_share_floor(amount: Usd, ratio: Ppm) -> Usd {
    usd(share_floor(u64::try_from(amount.0).unwrap_or(0), ratio))
}

/// An unsigned amount as money, the most that there is if it does not fit.
pub(crate) fn usd(amount: u64) -> Usd {
    Usd(i64::try_from(amount).unwrap_or(i64::MAX))
}
