//! Auto-deleveraging: whose positions close against a bankrupt one, and at what price (R3).
//!
//! ```text
//! leverage  = clamp(floor(notional / equity), 1, 1000)            ppm; no equity counts as 1000
//! weight    = floor(lots leverage)
//! lots      = pro rata by weight, at most what each holds         see [`super::pro_rata`]
//! price     = mark +- ceil(uncovered / lots)                      up for a bankrupt long
//! ```
//!
//! The price lies between mark and the bankruptcy price, and only so far from mark as insurance
//! could not cover: with a full fund the others close at mark. A bankrupt long sells above mark to
//! those who are short, a bankrupt short buys below mark from those who are long.
//!
//! Invariants: what is closed is the quantity, or all that there is, never more; after it the
//! bankrupt account owes nothing of `uncovered`, and it is better off by less than one micro-USD
//! per unit of the underlying, unless the price would be negative: then it is zero.
//!
//! Deliberately absent: who is profitable and opposite, and the slices of hedged books (a deficit
//! of several legs is [`super::pro_rata::divide`]d among them first).
//!
//! Source: section 3 of the design (liquidation waterfall, step 5);
//! vectors in `liquidation_adl.json`.

use super::rounding::{ceil_wide, narrow};
use super::{FormulaError, LOTS_PER_UNIT, PPM, domain};

pub use super::pro_rata::{Claim, divide_capped as allocate};

/// The least leverage that counts, in ppm: once.
pub const LEVERAGE_PPM_MIN: u64 = PPM.unsigned_abs();
/// The greatest leverage that counts, in ppm: a thousand times.
pub const LEVERAGE_PPM_MAX: u64 = 1_000 * LEVERAGE_PPM_MIN;

/// The leverage of an account in ppm, floored, from [`LEVERAGE_PPM_MIN`] to [`LEVERAGE_PPM_MAX`].
///
/// `notional` is that of all its positions in micro-USD, `equity` is in micro-USD; without equity
/// leverage is the greatest.
#[must_use]
pub fn leverage_ppm(notional: u64, equity: i64) -> u64 {
    let Ok(equity @ 1..) = u64::try_from(equity) else { return LEVERAGE_PPM_MAX };
    let leverage = u128::from(notional) * u128::from(LEVERAGE_PPM_MIN) / u128::from(equity);
    u64::try_from(leverage).unwrap_or(u64::MAX).clamp(LEVERAGE_PPM_MIN, LEVERAGE_PPM_MAX)
}

/// The weight of a position of `lots` in an account of a leverage: `floor(lots x leverage)`.
///
/// # Errors
/// [`FormulaError::Overflow`] if it does not fit.
pub fn weight(lots: u64, leverage_ppm: u64) -> Result<u64, FormulaError> {
    let product = u128::from(lots) * u128::from(leverage_ppm);
    let weight = product / u128::from(LEVERAGE_PPM_MIN);
    u64::try_from(weight).map_err(|_| FormulaError::Overflow)
}

/// The price in micro-USD per unit at which a bankrupt position closes: mark, moved by what makes
/// good the part of its deficit that insurance did not cover, and never below zero.
///
/// `lots` is the bankrupt position, positive if long; `uncovered` is in micro-USD. With all of the
/// deficit uncovered it is the bankruptcy price.
///
/// # Errors
/// [`FormulaError::Domain`] for no lots, a negative mark or a negative deficit;
/// [`FormulaError::Overflow`] if the price does not fit.
pub fn deleverage_price(mark: i64, uncovered: i64, lots: i64) -> Result<i64, FormulaError> {
    domain(mark >= 0 && uncovered >= 0 && lots != 0)?;
    let needed = i128::from(uncovered) * i128::from(LOTS_PER_UNIT);
    let moved = ceil_wide(needed, i128::from(lots).abs());
    let price = i128::from(mark) + if lots > 0 { moved } else { -moved };
    narrow(price.max(0))
}
