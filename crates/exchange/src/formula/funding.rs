//! Funding of perpetuals (P6): from the premium over the index to a payment per position.
//!
//! ```text
//! premium  = floor((max(0, impact_bid - index) - max(0, index - impact_ask)) 1e9 / index)     ppb
//! average  = floor(sum(premium_i dt_i) / sum(dt_i))                                           ppb
//! rate 8 h = average + clamp(interest - average, +-clamp)                                     ppb
//! rate 1 h = clamp(floor(rate 8 h / 8), +-cap)                                                ppb
//! index'   = index + price rate 1 h elapsed / (1e9 x 1 h), remainder carried     micro-USD/unit
//! payment  = -ceil(lots (index' - index at the last payment) / 1000)                    micro-USD
//! ```
//!
//! Invariants: the carried remainder makes the funding index independent of how an hour is cut into
//! blocks: while price and rate stand, its growth is the floor of the exact growth, and after a
//! whole hour it equals the hourly formula `floor(price rate / 1e9)`. Payments are rounded against
//! the account, so over longs and shorts that net to zero they sum to at most zero; the dust is the
//! insurance fund's.
//!
//! Deliberately absent: the impact prices' depth (the book knows it) and when to sample (the engine
//! does, each minute).

use super::rounding::{add, div_floor_wide, mul_div_floor, narrow, subtract};
use super::{FormulaError, LOTS_PER_UNIT, PPB, domain};
use lockstep_types::units::HOUR_MS;

/// Parameters of funding, in ppb, none negative but the interest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FundingParams {
    /// Interest per 8 hours.
    pub interest_8h_ppb: i64,
    /// How far interest may pull the rate from the premium.
    pub interest_clamp_ppb: i64,
    /// Greatest hourly rate either way.
    pub rate_1h_ppb_max: i64,
}

impl FundingParams {
    /// The parameters of the published vectors: 0.01 % per 8 h, 0.05 %, 4 % per hour.
    pub const REFERENCE: Self =
        Self { interest_8h_ppb: 100_000, interest_clamp_ppb: 500_000, rate_1h_ppb_max: 40_000_000 };
}

/// One premium sample in ppb of the index.
///
/// `impact_bid` and `impact_ask` are the average prices at which the impact notional could be sold
/// and bought, `None` when the book is not deep enough: that side then exerts no pull.
///
/// # Errors
/// [`FormulaError::Domain`] unless `index > 0` and impact prices are not negative;
/// [`FormulaError::Overflow`].
pub fn premium_ppb(
    impact_bid: Option<i64>,
    impact_ask: Option<i64>,
    index: i64,
) -> Result<i64, FormulaError> {
    let bid = impact_bid.unwrap_or(index);
    let ask = impact_ask.unwrap_or(index);
    domain(index > 0 && bid >= 0 && ask >= 0)?;
    // Prices are not negative, so no difference overflows.
    let pull = (bid - index).max(0) - (index - ask).max(0);
    mul_div_floor(pull, PPB, index)
}

/// A time-weighted mean of premium samples, each of which holds for a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PremiumAverage {
    /// Sum of premium x span in ppb x ms.
    pub weighted_sum: i128,
    /// Sum of spans in ms.
    pub span_ms: i64,
}

impl PremiumAverage {
    /// Adds a premium that held for `span_ms`.
    ///
    /// # Errors
    /// [`FormulaError::Domain`] for a negative span; [`FormulaError::Overflow`]. Unchanged then.
    pub fn add(&mut self, premium_ppb: i64, span_ms: i64) -> Result<(), FormulaError> {
        domain(span_ms >= 0)?;
        let area = i128::from(premium_ppb) * i128::from(span_ms);
        let weighted_sum = self.weighted_sum.checked_add(area).ok_or(FormulaError::Overflow)?;
        *self = Self { weighted_sum, span_ms: add(self.span_ms, span_ms)? };
        Ok(())
    }

    /// The mean in ppb, floored; `None` before any time has passed.
    ///
    /// # Errors
    /// [`FormulaError::Overflow`], which sums made by [`Self::add`] cannot cause.
    pub fn mean_ppb(&self) -> Result<Option<i64>, FormulaError> {
        if self.span_ms == 0 {
            return Ok(None);
        }
        Ok(Some(narrow(div_floor_wide(self.weighted_sum, self.span_ms)?)?))
    }
}

/// The 8-hour rate of an average premium, in ppb (P6).
///
/// # Errors
/// [`FormulaError::Domain`] for a negative clamp; [`FormulaError::Overflow`].
pub fn rate_8h_ppb(params: &FundingParams, premium_ppb: i64) -> Result<i64, FormulaError> {
    let clamp = params.interest_clamp_ppb;
    domain(clamp >= 0)?;
    let pull = i128::from(params.interest_8h_ppb) - i128::from(premium_ppb);
    let pull = pull.clamp(-i128::from(clamp), i128::from(clamp));
    narrow(i128::from(premium_ppb) + pull)
}

/// The hourly rate of an 8-hour rate, in ppb: an eighth, floored and capped.
///
/// # Errors
/// [`FormulaError::Domain`] for a negative cap.
pub fn rate_1h_ppb(params: &FundingParams, rate_8h_ppb: i64) -> Result<i64, FormulaError> {
    let cap = params.rate_1h_ppb_max;
    domain(cap >= 0)?;
    Ok(rate_8h_ppb.div_euclid(8).clamp(-cap, cap))
}

/// Price x ppb x ms in one micro-USD per unit of the underlying.
const REMAINDER_UNIT: i64 = PPB * HOUR_MS;

/// What one unit of the underlying held long has paid since listing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FundingIndex {
    /// Micro-USD per unit of the underlying.
    pub cumulative: i64,
    /// What has accrued beyond it, in price x ppb x ms; `0 <= remainder < 1e9 x 3_600_000`.
    pub remainder: i64,
}

impl FundingIndex {
    /// Lets `elapsed_ms` pass at an hourly rate; returns the growth of `cumulative`.
    ///
    /// `price` is the index price in micro-USD per unit.
    ///
    /// # Errors
    /// [`FormulaError::Domain`] for a negative price or span; [`FormulaError::Overflow`]. Unchanged
    /// then.
    pub fn advance(
        &mut self,
        price: i64,
        rate_1h_ppb: i64,
        elapsed_ms: i64,
    ) -> Result<i64, FormulaError> {
        domain(price >= 0 && elapsed_ms >= 0)?;
        let grown = (i128::from(price) * i128::from(rate_1h_ppb))
            .checked_mul(i128::from(elapsed_ms))
            .and_then(|product| product.checked_add(i128::from(self.remainder)))
            .ok_or(FormulaError::Overflow)?;
        let whole = div_floor_wide(grown, REMAINDER_UNIT)?;
        let delta = narrow(whole)?;
        let remainder = narrow(grown - whole * i128::from(REMAINDER_UNIT))?;
        *self = Self { cumulative: add(self.cumulative, delta)?, remainder };
        Ok(delta)
    }
}

/// The growth of the funding index over one whole hour: `floor(price rate / 1e9)`.
///
/// # Errors
/// [`FormulaError::Domain`] for a negative price; [`FormulaError::Overflow`].
pub fn index_delta_1h(price: i64, rate_1h_ppb: i64) -> Result<i64, FormulaError> {
    domain(price >= 0)?;
    mul_div_floor(price, rate_1h_ppb, PPB)
}

/// What a position receives for a growth of the funding index, in micro-USD: negative when it pays.
///
/// # Errors
/// [`FormulaError::Overflow`].
pub fn payment(lots: i64, index_delta: i64) -> Result<i64, FormulaError> {
    // -ceil(x) = floor(-x), but the negation must not overflow at either end.
    let owed = -(i128::from(lots) * i128::from(index_delta));
    narrow(div_floor_wide(owed, LOTS_PER_UNIT)?)
}

/// What a position receives since its last payment, given the cumulative index now and then.
///
/// # Errors
/// [`FormulaError::Overflow`].
pub fn payment_since(lots: i64, cumulative: i64, paid_at: i64) -> Result<i64, FormulaError> {
    payment(lots, subtract(cumulative, paid_at)?)
}
