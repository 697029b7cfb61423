//! Stake-weighted medians of what validators report (P1, P3).
//!
//! Tie rule: the median is the *lower* one, the least value at which the weight of the values up to
//! it reaches half of the total. It is always a reported value, and whoever holds less than half of
//! the weight can only move it between values that others reported.
//!
//! Invariants: the result does not depend on the order of the reports (they are sorted by all their
//! fields); weight zero never counts; nothing is allocated, the caller's slice is sorted in place.
//!
//! On rule P1's clamp: values are clamped to +-0.5 % of the stake-weighted median of the fresh
//! ones. Clamping around a median leaves that median where it is, so it matters to the *mean*,
//! which is given beside it. Clamping around a median that counts heads instead would let many
//! small validators overrule the stake.
//!
//! Deliberately absent: who is a validator, and what to do when the index is stale (P5).

use super::rounding::{div_floor_wide, mul_div_ceil, mul_div_floor, narrow};
use super::{FormulaError, PPM, domain};

/// The lower weighted median of `(value, weight)` pairs; `None` if no weight is positive.
///
/// Sorts the slice.
#[must_use]
pub fn weighted_median(values: &mut [(i64, u64)]) -> Option<i64> {
    values.sort_unstable();
    let total: u128 = values.iter().map(|&(_, weight)| u128::from(weight)).sum();
    let mut below: u128 = 0;
    values
        .iter()
        .find(|&&(_, weight)| {
            below += u128::from(weight);
            weight > 0 && below * 2 >= total
        })
        .map(|&(value, _)| value)
}

/// One validator's report of a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Report {
    /// Micro-USD per unit; one that is not positive never counts.
    pub price: i64,
    /// Stake.
    pub weight: u64,
    /// When it was observed, in ms.
    pub published_ms: i64,
}

/// When a report counts, and how far one may stand out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexParams {
    /// Oldest report that counts, in ms.
    pub age_ms_max: i64,
    /// How far a report may be ahead of the block's time: validators' clocks differ. One from
    /// further in the future does not count, or it would stay fresh for ever.
    pub ahead_ms_max: i64,
    /// Clamp around the median in ppm (P1: 5,000).
    pub clamp_ppm: i64,
}

/// The index of one underlying (P1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Index {
    /// The stake-weighted lower median of the fresh reports, in micro-USD per unit.
    pub median: i64,
    /// The stake-weighted mean of the fresh reports after the clamp, floored.
    pub mean: i64,
    /// Stake that reported freshly, of all stake, in ppm, floored: the oracle's confidence.
    pub confidence_ppm: i64,
    /// Whether fewer than two thirds of all stake are fresh (P5).
    pub stale: bool,
}

/// The index from the validators' reports; `None` if none of them counts.
///
/// `weight_total` is all stake, also that of validators who reported nothing. Sorts the slice.
///
/// # Errors
/// [`FormulaError::Domain`] for negative parameters or reports with more weight than the total;
/// [`FormulaError::Overflow`] for prices near the end of i64.
pub fn index_price(
    params: &IndexParams,
    reports: &mut [Report],
    weight_total: u64,
    now_ms: i64,
) -> Result<Option<Index>, FormulaError> {
    domain(params.age_ms_max >= 0 && params.ahead_ms_max >= 0 && params.clamp_ppm >= 0)?;
    let oldest_ms = now_ms.saturating_sub(params.age_ms_max);
    let newest_ms = now_ms.saturating_add(params.ahead_ms_max);
    let counts = |report: &Report| {
        report.price > 0
            && report.weight > 0
            && (oldest_ms..=newest_ms).contains(&report.published_ms)
    };
    reports.sort_unstable_by_key(|report| (!counts(report), *report));
    let fresh_count = reports.partition_point(counts);
    let fresh = &reports[..fresh_count];
    let weight: u128 = fresh.iter().map(|report| u128::from(report.weight)).sum();
    domain(weight <= u128::from(weight_total))?;
    let Some(median) = median_of_sorted(fresh, weight) else { return Ok(None) };
    let weight = u64::try_from(weight).map_err(|_| FormulaError::Overflow)?;
    Ok(Some(Index {
        median,
        mean: clamped_mean(fresh, weight, median, params.clamp_ppm)?,
        confidence_ppm: share_ppm(weight, weight_total)?,
        stale: u128::from(weight) * 3 < u128::from(weight_total) * 2,
    }))
}

/// `floor(part x 1e6 / whole)`.
///
/// # Errors
/// [`FormulaError::Domain`] unless `part <= whole` and `whole > 0`.
pub fn share_ppm(part: u64, whole: u64) -> Result<i64, FormulaError> {
    domain(part <= whole && whole > 0)?;
    let millionths = u128::from(part) * u128::from(PPM.unsigned_abs()) / u128::from(whole);
    i64::try_from(millionths).map_err(|_| FormulaError::Overflow)
}

/// The lower median of reports sorted by price whose weights sum to `total`.
fn median_of_sorted(reports: &[Report], total: u128) -> Option<i64> {
    let mut below: u128 = 0;
    reports
        .iter()
        .find(|report| {
            below += u128::from(report.weight);
            below * 2 >= total
        })
        .map(|report| report.price)
}

/// The weighted mean of the prices, each clamped to the band around `centre`; floored.
fn clamped_mean(
    reports: &[Report],
    weight: u64,
    centre: i64,
    clamp_ppm: i64,
) -> Result<i64, FormulaError> {
    // The band's lower end is rounded up and its upper end down: never wider than the rule.
    let low = mul_div_ceil(centre, (PPM - clamp_ppm.min(PPM)).max(0), PPM)?;
    let width = mul_div_floor(centre, clamp_ppm, PPM)?;
    let high = centre.checked_add(width).ok_or(FormulaError::Overflow)?;
    let mut offsets = 0_i128;
    for report in reports {
        let offset = report.price.clamp(low, high) - centre;
        let area = i128::from(offset) * i128::from(report.weight);
        offsets = offsets.checked_add(area).ok_or(FormulaError::Overflow)?;
    }
    let offset = floor_by_weight(offsets, weight)?;
    centre.checked_add(offset).ok_or(FormulaError::Overflow)
}

/// `floor(value / weight)` for a weight that may exceed i64.
fn floor_by_weight(value: i128, weight: u64) -> Result<i64, FormulaError> {
    match i64::try_from(weight) {
        Ok(weight) => narrow(div_floor_wide(value, weight)?),
        Err(_) => narrow(value.div_euclid(i128::from(weight))),
    }
}
