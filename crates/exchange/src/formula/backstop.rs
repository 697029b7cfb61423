//! The backstop: what a slice of an account in liquidation costs, and how large it may be (R3).
//!
//! ```text
//! due       E / MM < trigger (two thirds)
//! factor    start -> cut within `fast`, cut -> 0 within `slow` after it               ppm
//! solvent   price = floor(E factor)                                    E >= 0, the bidder pays
//! insolvent price = E + floor(-MM elapsed / insolvent)                 E < 0, the bidder is paid
//! slice     ceil(price share);  lots: share of every leg away from zero, at mark;
//!           collateral with them: floor(E share)
//! share     ceil((buffer MM - E) / (buffer MM - E + floor(E factor)))  at most a whole
//! ```
//!
//! `E` is the account's equity, all positions at mark, and `MM` its maintenance requirement. The
//! positions of a slice change hands at mark, which moves no equity, and the collateral that goes
//! with them is the share of *equity*. A share of cash instead would be another thing wherever lots
//! are rounded: an account with cash of 10,000 and an open loss of 9,000 could be sold a share so
//! small that no lot moves, for its cash and without its loss. Lots are rounded away from zero for
//! the same reason: whoever takes the discount of a share takes at least that share of every risk.
//!
//! The largest share is the least that brings the account to its buffer: after a share `s` it has
//! `E (1 - s) + E factor s` and needs `MM (1 - s)`.
//!
//! Invariants: factor and prices never rise with time, the share never falls with it; a bidder pays
//! no less than the exact price of his share, and is paid no more; nothing overflows that has a
//! value. A time before the auction's start counts as its start.
//!
//! Deliberately absent: who may bid, the bidder's own margin, who pays a bidder that is paid
//! ([`super::insurance`]), and the state of the auction.
//!
//! Source: section 3 of the design (liquidation waterfall, step 3);
//! vectors in `liquidation_adl.json`.

use super::rounding::{
    add, ceil_wide, div_ceil_wide, div_floor_wide, mul_div_ceil, mul_div_floor, narrow,
};
use super::{FormulaError, PPM, domain};

/// The largest buffer, in ppm of the maintenance requirement: a thousand times it.
pub const BUFFER_PPM_MAX: i64 = 1_000 * PPM;

/// How slices of an account are auctioned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackstopParams {
    /// The backstop is due when equity is less than `trigger_numerator / trigger_denominator` of
    /// maintenance. A fraction, because two thirds are no whole number of ppm; from nothing to a
    /// whole.
    pub trigger_numerator: i64,
    /// See `trigger_numerator`; positive.
    pub trigger_denominator: i64,
    /// The first price, in ppm of equity, at most a whole.
    pub start_ppm: i64,
    /// The price after the fast phase, in ppm of equity, 0 to `start_ppm`.
    pub cut_ppm: i64,
    /// How long the price falls from start to cut, in ms, not negative.
    pub fast_ms: i64,
    /// How long it then falls from the cut to nothing, in ms, not negative.
    pub slow_ms: i64,
    /// A slice brings the account to this multiple of maintenance, in ppm, at least a whole and at
    /// most [`BUFFER_PPM_MAX`].
    pub buffer_ppm: i64,
    /// How long an insolvent account's price falls by its whole requirement, in ms, not negative.
    pub insolvent_ms: i64,
}

impl BackstopParams {
    /// The reference's values.
    pub const REFERENCE: Self = Self {
        trigger_numerator: 2,
        trigger_denominator: 3,
        start_ppm: 950_000,
        cut_ppm: 700_000,
        fast_ms: 900_000,
        slow_ms: 43_200_000,
        buffer_ppm: 1_150_000,
        insolvent_ms: 3_600_000,
    };

    /// That all fields are in their ranges.
    ///
    /// # Errors
    /// [`FormulaError::Domain`] otherwise.
    pub fn check(&self) -> Result<(), FormulaError> {
        domain((0..=self.trigger_denominator).contains(&self.trigger_numerator))?;
        domain(self.trigger_denominator > 0)?;
        domain(0 <= self.cut_ppm && self.cut_ppm <= self.start_ppm && self.start_ppm <= PPM)?;
        domain(self.fast_ms >= 0 && self.slow_ms >= 0 && self.insolvent_ms >= 0)?;
        domain((PPM..=BUFFER_PPM_MAX).contains(&self.buffer_ppm))
    }
}

/// Whether equity is so far below maintenance that the backstop is due at once.
///
/// Exact: at just two thirds it is not. A negative requirement counts as none.
///
/// # Errors
/// [`FormulaError::Domain`] for parameters out of their ranges.
pub fn is_backstop(
    params: &BackstopParams,
    equity: i64,
    maintenance: i64,
) -> Result<bool, FormulaError> {
    params.check()?;
    let has = i128::from(equity) * i128::from(params.trigger_denominator);
    let needs = i128::from(maintenance.max(0)) * i128::from(params.trigger_numerator);
    Ok(has < needs)
}

/// The price of a solvent account, in ppm of its equity, rounded up.
///
/// # Errors
/// [`FormulaError::Domain`] for parameters out of their ranges.
pub fn factor_ppm(params: &BackstopParams, elapsed_ms: i64) -> Result<i64, FormulaError> {
    params.check()?;
    let BackstopParams { start_ppm, cut_ppm, fast_ms, slow_ms, .. } = *params;
    let elapsed_ms = elapsed_ms.max(0);
    if elapsed_ms < fast_ms {
        return Ok(start_ppm - mul_div_floor(start_ppm - cut_ppm, elapsed_ms, fast_ms)?);
    }
    let slow_elapsed_ms = elapsed_ms - fast_ms;
    if slow_elapsed_ms >= slow_ms {
        return Ok(0);
    }
    Ok(cut_ppm - mul_div_floor(cut_ppm, slow_elapsed_ms, slow_ms)?)
}

/// The price of a whole solvent account in micro-USD: `floor(equity x factor)`, what a bidder pays.
///
/// # Errors
/// [`FormulaError::Domain`] for negative equity or a factor outside nothing to a whole.
pub fn solvent_price(equity: i64, factor_ppm: i64) -> Result<i64, FormulaError> {
    domain(equity >= 0 && (0..=PPM).contains(&factor_ppm))?;
    mul_div_floor(equity, factor_ppm, PPM)
}

/// The price of a whole insolvent account in micro-USD: negative, what a bidder is paid to take it.
/// It begins at the debt and ends at the debt and the maintenance requirement. A negative
/// requirement counts as none.
///
/// # Errors
/// [`FormulaError::Domain`] unless equity is negative, or for parameters out of their ranges;
/// [`FormulaError::Overflow`] if the price does not fit.
pub fn insolvent_price(
    params: &BackstopParams,
    equity: i64,
    maintenance: i64,
    elapsed_ms: i64,
) -> Result<i64, FormulaError> {
    params.check()?;
    domain(equity < 0)?;
    let maintenance = maintenance.max(0);
    let elapsed_ms = elapsed_ms.max(0);
    if elapsed_ms >= params.insolvent_ms {
        return add(equity, -maintenance);
    }
    add(equity, mul_div_floor(-maintenance, elapsed_ms, params.insolvent_ms)?)
}

/// The price of a whole account, solvent or not: see [`solvent_price`] and [`insolvent_price`].
///
/// # Errors
/// [`FormulaError::Domain`] for parameters out of their ranges; [`FormulaError::Overflow`] if the
/// price does not fit.
pub fn whole_price(
    params: &BackstopParams,
    equity: i64,
    maintenance: i64,
    elapsed_ms: i64,
) -> Result<i64, FormulaError> {
    if equity < 0 {
        return insolvent_price(params, equity, maintenance, elapsed_ms);
    }
    solvent_price(equity, factor_ppm(params, elapsed_ms)?)
}

/// The price of a share of an account, from [`whole_price`], rounded up: the bidder pays no less
/// than his share, and is paid no more than it.
///
/// # Errors
/// [`FormulaError::Domain`] for a share outside nothing to a whole.
pub fn slice_price(whole_price: i64, share_ppm: i64) -> Result<i64, FormulaError> {
    domain((0..=PPM).contains(&share_ppm))?;
    mul_div_ceil(whole_price, share_ppm, PPM)
}

/// How much of the account may be sold, in ppm: what brings it to its buffer, rounded up, and at
/// most all of it. Nothing of an account that is at its buffer; all of one that is insolvent.
///
/// Defined for every equity, maintenance (a negative one counts as none) and time.
///
/// # Errors
/// [`FormulaError::Domain`] for parameters out of their ranges.
pub fn share_ppm_max(
    params: &BackstopParams,
    equity: i64,
    maintenance: i64,
    elapsed_ms: i64,
) -> Result<i64, FormulaError> {
    let factor_ppm = factor_ppm(params, elapsed_ms)?;
    if equity < 0 {
        return Ok(PPM);
    }
    let wanted = i128::from(maintenance.max(0)) * i128::from(params.buffer_ppm);
    let missing = div_ceil_wide(wanted, PPM)? - i128::from(equity);
    if missing <= 0 {
        return Ok(0);
    }
    // `missing` is at most 1,000 requirements, below 2^73, and a million of it below 2^93.
    let gained = i128::from(solvent_price(equity, factor_ppm)?);
    let share = ceil_wide(missing * i128::from(PPM), missing + gained);
    assert!((1..=i128::from(PPM)).contains(&share), "something is missing, and at most all of it");
    narrow(share)
}

/// The collateral that goes with a slice whose positions change hands at mark: the share of the
/// account's equity, floored. Negative if the bidder takes over a share of a debt.
///
/// # Errors
/// [`FormulaError::Domain`] for a share outside nothing to a whole.
pub fn slice_collateral(equity: i64, share_ppm: i64) -> Result<i64, FormulaError> {
    domain((0..=PPM).contains(&share_ppm))?;
    mul_div_floor(equity, share_ppm, PPM)
}

/// The lots of a leg that go with a slice, signed as the leg: the share, rounded away from zero, so
/// that at least the share of every risk leaves the account and every slice moves something.
///
/// # Errors
/// [`FormulaError::Domain`] for a share outside nothing to a whole.
pub fn slice_lots(lots: i64, share_ppm: i64) -> Result<i64, FormulaError> {
    domain((0..=PPM).contains(&share_ppm))?;
    let product = i128::from(lots) * i128::from(share_ppm);
    let wide = if lots < 0 { div_floor_wide(product, PPM) } else { div_ceil_wide(product, PPM) };
    narrow(wide?)
}
