//! The volatility smile of one expiry (P3): three numbers that validators report.
//!
//! With `k = ln(strike / forward)`,
//!
//! ```text
//! vol(k)^2 = atm^2 / 2 x (1 + rho phi k + sqrt((phi k + rho)^2 + 1 - rho^2))
//! ```
//!
//! the "natural" parametrisation of SVI with its level tied to the money, one slice of SSVI.
//! Source: J. Gatheral, A. Jacquier, "Arbitrage-free SVI volatility surfaces", Quantitative Finance
//! 14 (2014), section 4. Each parameter has a meaning of its own, so a median per parameter is
//! meaningful: `atm` is the volatility at the money, `rho` the tilt (the slope at the money is
//! `atm rho phi / 2`), `phi` the curvature. The wings of total variance are linear, the most that
//! Lee's moment formula allows. Two square roots evaluate it.
//!
//! Invariants: `vol(0) = atm` exactly; `vol` is within [`VOL_E9_MIN`] and [`VOL_E9_MAX`]; every
//! smile within the parameters' bounds can be evaluated at every positive strike.
//!
//! Units: vol 1e-9, rho and phi ppm, log-moneyness 1e-9, time in seconds. Root, product and ratio
//! are rounded, each to a unit of 1e-9.
//!
//! Deliberately absent: interpolation between expiries (each listed expiry has its smile), the
//! logarithm ([`crate::option`]), and what the engine does with a refused smile (it keeps the
//! last).

use super::rounding::{
    div_ceil_wide, div_floor_wide, div_half_away_wide, isqrt_wide, mul_div_half_away, narrow,
};
use super::weighted_median::weighted_median;
use super::{FormulaError, PPM, domain};
use crate::option::SECONDS_MAX;
use crate::option::function::ln_q58;

/// Least volatility: 1 %.
pub const VOL_E9_MIN: i64 = 10_000_000;
/// Greatest volatility: 500 %.
pub const VOL_E9_MAX: i64 = 5_000_000_000;
/// Greatest tilt either way.
pub const RHO_PPM_MAX: i64 = 999_000;
/// Greatest curvature: 1000 per unit of log-moneyness, enough for an expiry an hour away.
pub const PHI_PPM_MAX: i64 = 1_000_000_000;
/// Seconds in a year.
const YEAR_S: i64 = crate::option::SECONDS_PER_YEAR;

const E9: i64 = 1_000_000_000;
const E18: i128 = 1_000_000_000_000_000_000;

/// A smile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Smile {
    /// Volatility at the money, 1e-9.
    pub atm_vol_e9: i64,
    /// Tilt in ppm, negative when low strikes are dearer.
    pub rho_ppm: i64,
    /// Curvature in ppm, not negative; zero is a flat smile.
    pub phi_ppm: i64,
}

impl Smile {
    /// Whether every parameter is within its bounds.
    #[must_use]
    pub fn is_bounded(&self) -> bool {
        (VOL_E9_MIN..=VOL_E9_MAX).contains(&self.atm_vol_e9)
            && (-RHO_PPM_MAX..=RHO_PPM_MAX).contains(&self.rho_ppm)
            && (0..=PHI_PPM_MAX).contains(&self.phi_ppm)
    }

    /// Volatility (1e-9) at a log-moneyness `ln(strike / forward)` in 1e-9.
    ///
    /// # Errors
    /// [`FormulaError::Domain`] for a parameter out of its bounds or a log-moneyness beyond +-100;
    /// [`FormulaError::Overflow`] never.
    pub fn vol_e9(&self, log_moneyness_e9: i64) -> Result<i64, FormulaError> {
        domain(self.is_bounded() && (-100 * E9..=100 * E9).contains(&log_moneyness_e9))?;
        let rho_e9 = i128::from(self.rho_ppm) * 1_000;
        let tilt = i128::from(mul_div_half_away(self.phi_ppm, log_moneyness_e9, PPM)?);
        let inner = (tilt + rho_e9) * (tilt + rho_e9) + (E18 - rho_e9 * rho_e9);
        let inner = u128::try_from(inner).map_err(|_| FormulaError::Overflow)?;
        let root = i128::from(isqrt_wide(inner));
        // Twice the ratio of variance to that at the money; at least 2 (1 - rho^2) > 0.
        let ratio = i128::from(E9) + div_half_away_wide(rho_e9 * tilt, E9)? + root;
        let atm_variance = i128::from(self.atm_vol_e9) * i128::from(self.atm_vol_e9);
        let variance = div_floor_wide(atm_variance * ratio.max(0), 2 * E9)?;
        let variance = u128::try_from(variance).map_err(|_| FormulaError::Overflow)?;
        let vol = i64::try_from(isqrt_wide(variance)).unwrap_or(VOL_E9_MAX);
        Ok(vol.clamp(VOL_E9_MIN, VOL_E9_MAX))
    }

    /// Volatility (1e-9) at a strike, given the forward.
    ///
    /// # Errors
    /// [`FormulaError::Domain`] unless both prices are positive; else as [`Self::vol_e9`].
    pub fn vol_at_strike_e9(&self, forward: i64, strike: i64) -> Result<i64, FormulaError> {
        self.vol_e9(log_moneyness_e9(forward, strike)?)
    }

    /// Whether the smile is free of butterfly arbitrage at `seconds` to expiry, at *all* strikes.
    ///
    /// The sufficient condition of Gatheral and Jacquier (2014), theorem 4.2, with
    /// `theta = atm^2 seconds / year`:
    /// `theta phi (1 + |rho|) < 4` and `theta phi^2 (1 + |rho|) <= 4`.
    /// Theta is rounded up, so rounding never admits a smile. False also for parameters out of
    /// bounds or a negative time.
    ///
    /// It speaks of the formula without the clamp of volatility, which the listed strikes' prices
    /// are checked for by [`calls_are_arbitrage_free`].
    #[must_use]
    pub fn is_butterfly_free(&self, seconds: i64) -> bool {
        if !self.is_bounded() || seconds < 0 {
            return false;
        }
        let variance = i128::from(self.atm_vol_e9) * i128::from(self.atm_vol_e9);
        let Ok(theta_e12) = variance
            .checked_mul(i128::from(seconds))
            .ok_or(FormulaError::Overflow)
            .and_then(|product| div_ceil_wide(product, YEAR_S * PPM))
        else {
            return false;
        };
        let tilt_ppm = i128::from(PPM + self.rho_ppm.abs());
        let phi = i128::from(self.phi_ppm);
        // A product beyond i128 is far beyond both limits.
        let first = theta_e12.checked_mul(tilt_ppm).and_then(|product| product.checked_mul(phi));
        let second = first.and_then(|product| product.checked_mul(phi));
        // Four in the unit of the first product; the second has another ppm.
        let four = 4 * E18 * i128::from(PPM);
        first.is_some_and(|first| first < four)
            && second.is_some_and(|second| second <= four * i128::from(PPM))
    }
}

/// `ln(strike / forward)` in 1e-9, to the nearest but for the logarithm's error of less than 2^-57.
///
/// # Errors
/// [`FormulaError::Domain`] unless both prices are positive.
pub fn log_moneyness_e9(forward: i64, strike: i64) -> Result<i64, FormulaError> {
    domain(forward > 0 && strike > 0)?;
    let ln = |price: i64| i128::from(ln_q58(price.unsigned_abs()));
    // Both logarithms are below 2^64, so the product is far inside 128 bits.
    let product = (ln(strike) - ln(forward)) * i128::from(E9);
    narrow(div_half_away_wide(product, 1 << 58)?)
}

/// The log-moneyness grid (1e-9) on which expiries are compared: -2 to 2 in steps of an eighth,
/// which reaches from a seventh of the forward to seven times it.
pub fn log_moneyness_grid_e9() -> impl Iterator<Item = i64> {
    (-16..=16).map(|step: i64| step * (E9 / 8))
}

/// Whether total variance does not fall from a nearer to a later expiry, anywhere on the grid: no
/// calendar arbitrage between them.
///
/// Both variances carry the smile's own rounding, so the later one is allowed two units of 1e-9 of
/// volatility.
///
/// # Errors
/// [`FormulaError::Domain`] for parameters out of bounds or unless `0 <= near_s <= far_s` and both
/// are at most 100 years.
pub fn is_calendar_free(
    near: &Smile,
    near_s: i64,
    far: &Smile,
    far_s: i64,
) -> Result<bool, FormulaError> {
    domain(0 <= near_s && near_s <= far_s && far_s <= SECONDS_MAX)?;
    for log_moneyness_e9 in log_moneyness_grid_e9() {
        let near_vol = i128::from(near.vol_e9(log_moneyness_e9)?);
        let far_vol = i128::from(far.vol_e9(log_moneyness_e9)?) + 2;
        let near_variance = near_vol * near_vol * i128::from(near_s);
        if far_vol * far_vol * i128::from(far_s) < near_variance {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A call's price at a strike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallPrice {
    /// Strike in any money unit.
    pub strike: i64,
    /// Undiscounted price in the same unit.
    pub price: i64,
}

/// Whether undiscounted call prices over rising strikes admit no butterfly or vertical arbitrage:
/// they fall, by at most the strikes' distance, and are convex.
///
/// Each price is a rounded number, so each is allowed to be off by one unit.
///
/// # Errors
/// [`FormulaError::Domain`] unless strikes rise strictly.
pub fn calls_are_arbitrage_free(calls: &[CallPrice]) -> Result<bool, FormulaError> {
    domain(calls.is_sorted_by(|a, b| a.strike < b.strike))?;
    let rise = |a: &CallPrice, b: &CallPrice| {
        (i128::from(b.strike) - i128::from(a.strike), i128::from(b.price) - i128::from(a.price))
    };
    for pair in calls.windows(2) {
        let (distance, change) = rise(&pair[0], &pair[1]);
        if change > 2 || change < -distance - 2 {
            return Ok(false);
        }
    }
    for triple in calls.windows(3) {
        let (left, fall) = rise(&triple[0], &triple[1]);
        let (right, next_fall) = rise(&triple[1], &triple[2]);
        // Slopes: fall / left <= next_fall / right, each change off by two units at most. Strikes
        // and prices near both ends of i64 could overflow; they are no prices.
        let (Some(before), Some(after)) =
            ((fall - 2).checked_mul(right), (next_fall + 2).checked_mul(left))
        else {
            return Err(FormulaError::Overflow);
        };
        if before > after {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The stake-weighted lower median of each parameter over the reports within bounds; `None` without
/// any weight.
///
/// `scratch` is the caller's working memory, at least as long as `reports`.
///
/// # Errors
/// [`FormulaError::Domain`] if `scratch` is too short.
pub fn median_smile(
    reports: &[(Smile, u64)],
    scratch: &mut [(i64, u64)],
) -> Result<Option<Smile>, FormulaError> {
    domain(scratch.len() >= reports.len())?;
    let mut median_of = |parameter: fn(&Smile) -> i64| {
        let bounded = reports.iter().filter(|(smile, _)| smile.is_bounded());
        let mut count = 0;
        for (slot, (smile, weight)) in scratch.iter_mut().zip(bounded) {
            *slot = (parameter(smile), *weight);
            count += 1;
        }
        weighted_median(&mut scratch[..count])
    };
    let atm_vol_e9 = median_of(|smile| smile.atm_vol_e9);
    let rho_ppm = median_of(|smile| smile.rho_ppm);
    let phi_ppm = median_of(|smile| smile.phi_ppm);
    let (Some(atm_vol_e9), Some(rho_ppm), Some(phi_ppm)) = (atm_vol_e9, rho_ppm, phi_ppm) else {
        return Ok(None);
    };
    Ok(Some(Smile { atm_vol_e9, rho_ppm, phi_ppm }))
}

/// The slope of volatility at the money per unit of log-moneyness, 1e-9: `atm rho phi / 2`,
/// rounded. A page shows it; nothing is computed from it.
///
/// # Errors
/// [`FormulaError::Overflow`] never within bounds.
pub fn slope_at_the_money_e9(smile: &Smile) -> Result<i64, FormulaError> {
    let product = i128::from(smile.atm_vol_e9) * i128::from(smile.rho_ppm);
    let product = product.checked_mul(i128::from(smile.phi_ppm)).ok_or(FormulaError::Overflow)?;
    narrow(div_half_away_wide(product, 2 * PPM * PPM)?)
}
