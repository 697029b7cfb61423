//! Settlement price of an expiry (I5): the time-weighted mean of the index over the last window.
//!
//! A sample's price holds until the next one; one from before the window counts from the window's
//! start. If the first sample falls into the window, the mean is over what is covered.
//!
//! During the window the price is partly known. [`Settling::split`] gives the two parts, so that
//! the forward is `(fixed_sum + variable_ms x forward) / (fixed_ms + variable_ms)` and delta decays
//! in proportion.
//!
//! Invariants: memory is one sample and two sums, whatever the number of samples; the result does
//! not depend on repeating a price; it lies between the least and the greatest price of the window.
//!
//! Deliberately absent: waiting for a stale index (P5). The engine feeds fresh prices only and the
//! last one is held over a gap.

use super::rounding::{add, div_floor_wide, mul_div_floor, narrow};
use super::{FormulaError, LOTS_PER_UNIT, OptionSide, PPM, domain, option_payoff};

/// Rule I5: the window is the last 30 minutes.
pub const WINDOW_MS: i64 = 1_800_000;

/// A price from a moment on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// When, in ms.
    pub time_ms: i64,
    /// Micro-USD per unit, not negative.
    pub price: i64,
}

/// The settlement price of one expiry while it forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settling {
    /// First ms of the window.
    pub start_ms: i64,
    /// Expiry: first ms after the window.
    pub end_ms: i64,
    /// The price that holds now.
    pub held: Option<Sample>,
    /// Sum of price x ms up to the held sample, within the window.
    pub sum: i128,
    /// Ms of the window that the sum covers.
    pub covered_ms: i64,
}

/// The two parts of a forward during its settlement window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettlementSplit {
    /// Price x ms of what is already fixed.
    pub fixed_sum: i128,
    /// Ms that are fixed.
    pub fixed_ms: i64,
    /// Ms of the window still to come.
    pub variable_ms: i64,
}

impl Settling {
    /// An empty window of `window_ms` that ends at `end_ms`.
    ///
    /// # Errors
    /// [`FormulaError::Domain`] unless `window_ms > 0`; [`FormulaError::Overflow`] before the
    /// beginning of time.
    pub fn new(end_ms: i64, window_ms: i64) -> Result<Self, FormulaError> {
        domain(window_ms > 0)?;
        let start_ms = end_ms.checked_sub(window_ms).ok_or(FormulaError::Overflow)?;
        Ok(Self { start_ms, end_ms, held: None, sum: 0, covered_ms: 0 })
    }

    /// Takes the next sample; one after the window only closes it.
    ///
    /// # Errors
    /// [`FormulaError::Domain`] for a negative price or a time before the last sample's;
    /// [`FormulaError::Overflow`]. Unchanged then.
    pub fn add(&mut self, sample: Sample) -> Result<(), FormulaError> {
        domain(sample.price >= 0)?;
        let (sum, covered_ms) = self.accrued(sample.time_ms)?;
        *self = Self { held: Some(sample), sum, covered_ms, ..*self };
        Ok(())
    }

    /// The mean over the window, floored; `None` if no sample came before its end.
    ///
    /// # Errors
    /// [`FormulaError::Overflow`], which sums made by [`Self::add`] cannot cause.
    pub fn price(&self) -> Result<Option<i64>, FormulaError> {
        let until = self.held.map_or(self.end_ms, |held| held.time_ms.max(self.end_ms));
        let (sum, covered_ms) = self.accrued(until)?;
        if covered_ms == 0 {
            return Ok(None);
        }
        Ok(Some(narrow(div_floor_wide(sum, covered_ms)?)?))
    }

    /// What is fixed and what is still variable at `now_ms`.
    ///
    /// # Errors
    /// [`FormulaError::Domain`] for a time before the last sample's; [`FormulaError::Overflow`].
    pub fn split(&self, now_ms: i64) -> Result<SettlementSplit, FormulaError> {
        let (fixed_sum, fixed_ms) = self.accrued(now_ms)?;
        let variable_ms = self.end_ms - now_ms.clamp(self.start_ms, self.end_ms);
        Ok(SettlementSplit { fixed_sum, fixed_ms, variable_ms })
    }

    /// The sums as they stand when the held price lasts until `until_ms`.
    fn accrued(&self, until_ms: i64) -> Result<(i128, i64), FormulaError> {
        let Some(held) = self.held else { return Ok((self.sum, self.covered_ms)) };
        domain(until_ms >= held.time_ms)?;
        let from = held.time_ms.clamp(self.start_ms, self.end_ms);
        let to = until_ms.clamp(self.start_ms, self.end_ms);
        let area = i128::from(held.price) * i128::from(to - from);
        let sum = self.sum.checked_add(area).ok_or(FormulaError::Overflow)?;
        Ok((sum, add(self.covered_ms, to - from)?))
    }
}

impl SettlementSplit {
    /// The forward of the settlement price, floored, when that of the index is `forward`.
    ///
    /// # Errors
    /// [`FormulaError::Domain`] when nothing is fixed and nothing remains, or for a negative
    /// forward; [`FormulaError::Overflow`].
    pub fn forward(&self, forward: i64) -> Result<i64, FormulaError> {
        domain(forward >= 0)?;
        let whole_ms = add(self.fixed_ms, self.variable_ms)?;
        let variable = i128::from(forward) * i128::from(self.variable_ms);
        let sum = self.fixed_sum.checked_add(variable).ok_or(FormulaError::Overflow)?;
        narrow(div_floor_wide(sum, whole_ms)?)
    }

    /// The share of the settlement price that still moves with the index, in ppm, rounded up: the
    /// factor by which delta has decayed.
    ///
    /// # Errors
    /// [`FormulaError::Domain`] when nothing is fixed and nothing remains.
    pub fn variable_ppm(&self) -> Result<i64, FormulaError> {
        let whole_ms = add(self.fixed_ms, self.variable_ms)?;
        super::rounding::mul_div_ceil(self.variable_ms, PPM, whole_ms)
    }
}

/// What an option position receives at settlement, in micro-USD, floored: `lots x payoff / 1000`.
///
/// # Errors
/// [`FormulaError::Overflow`].
pub fn option_cash(
    side: OptionSide,
    strike: i64,
    lots: i64,
    price: i64,
) -> Result<i64, FormulaError> {
    mul_div_floor(lots, option_payoff(side, strike, price)?, LOTS_PER_UNIT)
}
