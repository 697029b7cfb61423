//! Marks: of perpetuals and futures (P4), of options (P3), and forwards (P2).
//!
//! Invariants: a mark is one of few numbers that no single party sets: the median of three, pulled
//! into a band around the index, or a model price moved by a bounded amount. A missing input is
//! replaced by the one that traders cannot move (index plus average basis, or the model), so an
//! empty book never moves a mark.
//!
//! Deliberately absent: whether the index is stale (P5 freezes marks before these are called).

use super::rounding::{add, mul_div_floor, mul_div_half_away, narrow, subtract};
use super::{FormulaError, LOTS_PER_UNIT, OptionSide, PPM, domain, option_payoff};

/// The best prices of a book in micro-USD per unit; `None` where a side is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Touch {
    /// Highest bid.
    pub bid: Option<i64>,
    /// Lowest ask.
    pub ask: Option<i64>,
}

impl Touch {
    /// The middle of a two-sided book, floored.
    ///
    /// # Errors
    /// [`FormulaError::Domain`] for a negative price.
    pub fn mid(&self) -> Result<Option<i64>, FormulaError> {
        let (Some(bid), Some(ask)) = (self.bid, self.ask) else { return Ok(None) };
        domain(bid >= 0 && ask >= 0)?;
        Ok(Some(bid.midpoint(ask)))
    }
}

/// An exponential moving average in integers.
///
/// With time constant `tau`, a value `x` seen `dt` after the last update moves the average by
/// `(x - average) dt / (tau + dt)`: the backward Euler step of `tau a' = x - a`. It needs no
/// exponential, is exact up to one rounding to a nano-USD (half away from zero), never overshoots,
/// and after `dt >> tau` it is `x`. It differs from the continuous average by `O(dt / tau)`, which
/// at blocks of a second and constants of minutes is below the noise of a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MovingAverage {
    /// The average in nano-USD per unit, so that small steps are not lost to rounding.
    pub nano: i64,
    /// When it was last updated, in ms.
    pub updated_ms: i64,
}

impl MovingAverage {
    /// An average that begins at `value` micro-USD.
    ///
    /// # Errors
    /// [`FormulaError::Overflow`].
    pub fn new(value: i64, now_ms: i64) -> Result<Self, FormulaError> {
        Ok(Self { nano: to_nano(value)?, updated_ms: now_ms })
    }

    /// Moves towards `value` micro-USD, seen at `now_ms`.
    ///
    /// # Errors
    /// [`FormulaError::Domain`] for a time before the last update or a time constant below 1 ms;
    /// [`FormulaError::Overflow`]. Unchanged then.
    pub fn update(
        &mut self,
        value: i64,
        now_ms: i64,
        time_constant_ms: i64,
    ) -> Result<(), FormulaError> {
        domain(now_ms >= self.updated_ms && time_constant_ms > 0)?;
        let elapsed_ms = subtract(now_ms, self.updated_ms)?;
        let distance = subtract(to_nano(value)?, self.nano)?;
        let step = mul_div_half_away(distance, elapsed_ms, add(time_constant_ms, elapsed_ms)?)?;
        *self = Self { nano: add(self.nano, step)?, updated_ms: now_ms };
        Ok(())
    }

    /// The average in micro-USD, floored.
    #[must_use]
    pub fn value(&self) -> i64 {
        self.nano.div_euclid(LOTS_PER_UNIT)
    }
}

/// Nano-USD of micro-USD.
fn to_nano(value: i64) -> Result<i64, FormulaError> {
    value.checked_mul(LOTS_PER_UNIT).ok_or(FormulaError::Overflow)
}

/// The middle one of three.
#[must_use]
pub fn median_of_three(a: i64, b: i64, c: i64) -> i64 {
    a.min(b).max(a.max(b).min(c))
}

/// `value` pulled into `centre +- floor(centre x band_ppm / 1e6)`.
///
/// # Errors
/// [`FormulaError::Domain`] for a negative centre or band; [`FormulaError::Overflow`].
pub fn band_clamp(value: i64, centre: i64, band_ppm: i64) -> Result<i64, FormulaError> {
    domain(centre >= 0 && band_ppm >= 0)?;
    let width = mul_div_floor(centre, band_ppm, PPM)?;
    Ok(value.clamp(centre - width, add(centre, width)?))
}

/// What the mark of a perpetual or future depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinearMark {
    /// Index in micro-USD per unit, positive.
    pub index: i64,
    /// Average of (mid - index) in micro-USD per unit.
    pub basis: i64,
    /// The book's best prices.
    pub touch: Touch,
    /// Price of the last trade, if any.
    pub last: Option<i64>,
    /// Greatest distance from the index in ppm, below a whole.
    pub band_ppm: i64,
}

/// The mark of a perpetual or future (P4): the median of index plus average basis, mid and last,
/// within a band around the index. Always positive.
///
/// With mid or last missing, index plus basis takes its place and so is the median.
///
/// # Errors
/// [`FormulaError::Domain`] unless `index > 0`, `0 <= band < 1e6`, prices are not negative;
/// [`FormulaError::Overflow`].
pub fn linear_mark(inputs: &LinearMark) -> Result<i64, FormulaError> {
    domain(inputs.index > 0 && (0..PPM).contains(&inputs.band_ppm))?;
    domain(inputs.last.is_none_or(|last| last >= 0))?;
    let fair = add(inputs.index, inputs.basis)?;
    let mid = inputs.touch.mid()?.unwrap_or(fair);
    let last = inputs.last.unwrap_or(fair);
    band_clamp(median_of_three(fair, mid, last), inputs.index, inputs.band_ppm)
}

/// What the mark of an option depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionMark {
    /// Price by the volatility surface in micro-USD per unit, not negative.
    pub model: i64,
    /// The book's best prices.
    pub touch: Touch,
    /// Call or put.
    pub side: OptionSide,
    /// Strike in micro-USD per unit, not negative.
    pub strike: i64,
    /// Forward in micro-USD per unit, not negative.
    pub forward: i64,
    /// How much of the distance from the model to the book counts, in ppm, at most a whole.
    pub pull_ppm: i64,
    /// Greatest move away from the model, in ppm of the model price.
    pub band_premium_ppm: i64,
    /// Greatest move away from the model, in ppm of the forward.
    pub band_forward_ppm: i64,
}

/// The mark of an option (P3): the model price, pulled towards the book's mid within a band.
///
/// A one-sided book pulls only if it contradicts the model: a bid above it or an ask below it. The
/// move is at most the narrower of the two bands, and the result stays within the bounds that need
/// no model: from intrinsic value to the forward (call) or the strike (put).
///
/// # Errors
/// [`FormulaError::Domain`] for a negative price or band or a pull above a whole;
/// [`FormulaError::Overflow`].
pub fn option_mark(inputs: &OptionMark) -> Result<i64, FormulaError> {
    let OptionMark { model, touch, side, strike, forward, .. } = *inputs;
    domain(model >= 0 && strike >= 0 && forward >= 0)?;
    domain((0..=PPM).contains(&inputs.pull_ppm))?;
    domain(inputs.band_premium_ppm >= 0 && inputs.band_forward_ppm >= 0)?;
    let target = match touch.mid()? {
        Some(mid) => mid,
        None => {
            let lifted = touch.bid.map_or(model, |bid| model.max(bid));
            touch.ask.map_or(lifted, |ask| lifted.min(ask))
        }
    };
    domain(target >= 0)?;
    let of_premium = mul_div_floor(model, inputs.band_premium_ppm, PPM)?;
    let of_forward = mul_div_floor(forward, inputs.band_forward_ppm, PPM)?;
    let band = of_premium.min(of_forward);
    let pull = mul_div_half_away(target - model, inputs.pull_ppm, PPM)?.clamp(-band, band);
    let ceiling = match side {
        OptionSide::Call => forward,
        OptionSide::Put => strike,
    };
    Ok(add(model, pull)?.clamp(option_payoff(side, strike, forward)?, ceiling))
}

/// The forward of an expiry (P2): the mid of the dated future's book while its spread is at most
/// `spread_ppm_max` of the index, else index plus the basis that the validators report.
///
/// # Errors
/// [`FormulaError::Domain`] unless `index > 0`, book prices and the limit are not negative and the
/// result is positive; [`FormulaError::Overflow`].
pub fn forward_price(
    index: i64,
    basis: i64,
    future: &Touch,
    spread_ppm_max: i64,
) -> Result<i64, FormulaError> {
    domain(index > 0 && spread_ppm_max >= 0)?;
    if let (Some(bid), Some(ask), Some(mid)) = (future.bid, future.ask, future.mid()?) {
        let spread = i128::from(subtract(ask, bid)?);
        let tight = spread * i128::from(PPM) <= i128::from(index) * i128::from(spread_ppm_max);
        if tight && mid > 0 {
            return Ok(mid);
        }
    }
    let forward = narrow(i128::from(index) + i128::from(basis))?;
    domain(forward > 0)?;
    Ok(forward)
}
