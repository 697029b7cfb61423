//! Reports: what a validator saw of one underlying, and when (P1, P2, P3).
//!
//! A report replaces its reporter's former one as a whole. Reports are kept, also those on expiries
//! that are not listed yet; what counts of them is decided anew in every block.

use crate::engine::Exchange;
use crate::formula::PPB;
use crate::formula::smile::Smile;
use crate::order::admission::price_most;
use crate::state::Outcome;
use crate::state::key::ObservationKey;
use crate::state::leaves::Observation;
use lockstep_types::command::{ExpiryReport, Report, SmileParams};
use lockstep_types::reject::{Reject, RejectCode};
use lockstep_types::units::TimeMs;

/// How far a forward may be reported from the index, either way, in 1e-9: a half.
pub const BASIS_PPB_MAX: i64 = PPB / 2;

/// A smile as the formulas take it.
pub(crate) fn smile_of(params: &SmileParams) -> Smile {
    Smile { atm_vol_e9: params.atm.0, rho_ppm: params.rho.0, phi_ppm: params.phi.0 }
}

/// Seconds from `from` to an expiry, rounded up: an option has time value until it expires. Zero
/// from the expiry on.
pub(crate) fn seconds_until(expiry: TimeMs, from: TimeMs) -> i64 {
    // Rounding up is minus the floor of the negative.
    (-from.since(expiry).0.div_euclid(1_000)).max(0)
}

/// Refuses what a report says of an expiry if nobody could price with it (P2, P3).
fn check_expiry(report: &ExpiryReport, now: TimeMs) -> Result<(), Reject> {
    if !(-BASIS_PPB_MAX..=BASIS_PPB_MAX).contains(&report.basis_ppb) {
        return Err(Reject::beyond(RejectCode::BadReport, report.basis_ppb, BASIS_PPB_MAX));
    }
    // A smile of a past expiry is about nothing.
    let seconds = seconds_until(report.expiry, now);
    match report.smile.as_ref().map(smile_of) {
        Some(smile) if !smile.is_butterfly_free(seconds) => {
            Err(Reject::beyond(RejectCode::BadSmile, smile.atm_vol_e9, 0))
        }
        _ => Ok(()),
    }
}

impl Exchange {
    /// Takes a report (P1): from a reporter with weight, on a known underlying, of a positive
    /// price, neither from the future nor older than what counts, and no older than the reporter's
    /// last one.
    pub(crate) fn report(&mut self, report: &Report) -> Outcome<()> {
        if report.underlying.0 >= self.state.totals()?.underlyings {
            return Err(Reject::of(RejectCode::UnknownUnderlying).into());
        }
        if self.state.reporters.touch(report.reporter)?.is_none() {
            return Err(Reject::of(RejectCode::UnknownReporter).into());
        }
        let bad = |actual: i64, limit: i64| Reject::beyond(RejectCode::BadReport, actual, limit);
        if report.price.0 <= 0 {
            return Err(bad(report.price.0, 1).into());
        }
        let most = price_most(self.underlying_params(report.underlying)?);
        if report.price.0 > most {
            return Err(bad(report.price.0, most).into());
        }
        let now = self.state.totals()?.time;
        let age_max = self.state.venue()?.report_age_max;
        if report.published > now {
            return Err(bad(report.published.0, now.0).into());
        }
        if now.since(report.published) > age_max {
            return Err(bad(now.since(report.published).0, age_max.0).into());
        }
        let key = ObservationKey { underlying: report.underlying, reporter: report.reporter };
        let held = self.state.observations.touch(key)?;
        if let Some(held) = held
            && held.published > report.published
        {
            return Err(bad(report.published.0, held.published.0).into());
        }
        for (place, expiry) in report.expiries.iter().enumerate() {
            if report.expiries[..place].iter().any(|other| other.expiry == expiry.expiry) {
                return Err(bad(expiry.expiry.0, 0).into());
            }
            check_expiry(expiry, now)?;
        }
        *self.state.observations.touch(key)? = Some(Observation {
            price: report.price,
            published: report.published,
            expiries: report.expiries.to_vec(),
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests;
