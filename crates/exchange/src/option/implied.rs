//! Implied volatility: the inverse of the price in volatility.
//!
//! Invariant: the answer is the smallest volatility, in 1e-9, whose price reaches the target.
//! Prices are correctly rounded and so rise with volatility without exception, which makes
//! this exact by bisection in at most 37 steps. Absent: interest, surfaces and smoothing.

use super::price::{Deviation, LogPrice, time_value};
use super::{Field, OutOfRange, VOL_E9_MAX};

/// Whether an option is a call or a put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The right to buy at the strike.
    Call,
    /// The right to sell at the strike.
    Put,
}

/// Why a price has no implied volatility.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImpliedVolatilityError {
    /// An input is outside the range of the formula.
    OutOfRange(OutOfRange),
    /// The price is below what exercise would give, micro-USD.
    BelowIntrinsic {
        /// The least price possible.
        intrinsic: i64,
    },
    /// The price is not below the forward (call) or the strike (put), micro-USD.
    AboveMaximum {
        /// The bound that every price stays below.
        maximum: i64,
    },
    /// The price has no time value at one micro-USD, or no time is left: every small enough
    /// volatility fits it.
    NoVega,
    /// Even `VOL_E9_MAX` gives a lower price.
    VolAboveLimit,
}

impl From<OutOfRange> for ImpliedVolatilityError {
    fn from(error: OutOfRange) -> Self {
        Self::OutOfRange(error)
    }
}

impl core::fmt::Display for ImpliedVolatilityError {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::OutOfRange(error) => error.fmt(formatter),
            Self::BelowIntrinsic { intrinsic } => {
                write!(formatter, "price is below the intrinsic value {intrinsic}")
            }
            Self::AboveMaximum { maximum } => {
                write!(formatter, "price is not below its bound {maximum}")
            }
            Self::NoVega => write!(formatter, "price has no time value at one micro-USD"),
            Self::VolAboveLimit => write!(formatter, "volatility is above {VOL_E9_MAX}"),
        }
    }
}

impl core::error::Error for ImpliedVolatilityError {}

/// The smallest `vol_e9` in 1..=`VOL_E9_MAX` whose price is at least `price`, micro-USD.
///
/// The price at the answer can exceed `price` where one step of 1e-9 moves it by more than a
/// micro-USD; the price one step below the answer is always lower than `price`.
///
/// # Errors
/// See `ImpliedVolatilityError`; ranges are checked first, then the bounds of the price.
pub fn implied_volatility_e9(
    side: Side,
    price: i64,
    forward: i64,
    strike: i64,
    seconds: i64,
) -> Result<i64, ImpliedVolatilityError> {
    let forward_log = LogPrice::new(Field::Forward, forward)?;
    let strike_log = LogPrice::new(Field::Strike, strike)?;
    Deviation::new(VOL_E9_MAX, seconds)?;
    let (intrinsic, maximum) = match side {
        Side::Call => ((forward - strike).max(0), forward),
        Side::Put => ((strike - forward).max(0), strike),
    };
    if price < intrinsic {
        return Err(ImpliedVolatilityError::BelowIntrinsic { intrinsic });
    }
    if price >= maximum {
        return Err(ImpliedVolatilityError::AboveMaximum { maximum });
    }
    let target = (price - intrinsic).unsigned_abs();
    if target == 0 || seconds <= 0 {
        return Err(ImpliedVolatilityError::NoVega);
    }
    let (low, high) =
        if forward > strike { (strike_log, forward_log) } else { (forward_log, strike_log) };
    let reaches = |vol_e9: i64| -> Result<bool, OutOfRange> {
        Ok(time_value(&low, &high, &Deviation::new(vol_e9, seconds)?) >= target)
    };
    if !reaches(VOL_E9_MAX)? {
        return Err(ImpliedVolatilityError::VolAboveLimit);
    }
    // The target is above the time value at `below` and not above that at `at`.
    let (mut below, mut at) = (0, VOL_E9_MAX);
    while at - below > 1 {
        let middle = below + (at - below) / 2;
        if reaches(middle)? {
            at = middle;
        } else {
            below = middle;
        }
    }
    assert!(at > 0, "a positive time value needs a positive volatility");
    Ok(at)
}

#[cfg(test)]
mod tests;
