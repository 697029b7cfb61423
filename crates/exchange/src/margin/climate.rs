//! Whether an underlying is calm: whether everything but its index is where floors
//! ([`super::floor`]) assume it, so that the index alone says whether a floor holds.
//!
//! ```text
//! forwards, marks of futures   within 10 % of the index, and every expiry has a forward
//! mark of the perpetual        within 1 % of it
//! moves charged for latency    at most 2 %
//! confidence                   not so low that it is charged for
//! scans                        count at most in full
//! volatility up                at most five times as high for 30 days
//! ```
//!
//! Invariant: computed from leaves once per run of steps and era of marks, touching all of them
//! each time, so that a run touches the same leaves whatever is known from before.

use super::standard::linear_params;
use crate::engine::Exchange;
use crate::formula::PPM;
use crate::formula::rounding::mul_div_floor;
use crate::state::Outcome;
use alloc::vec::Vec;
use lockstep_types::ids::UnderlyingId;
use lockstep_types::instrument::Contract;
use lockstep_types::params::{PortfolioMarginParams, StandardMarginParams};
use lockstep_types::units::{Price, TimeMs};

/// Forwards and marks of futures are at most so far from the index.
pub(super) const FORWARD_SHARE_PPM: i64 = 100_000;
/// The mark of a perpetual is at most so far from the index.
pub(super) const PERPETUAL_SHARE_PPM: i64 = 10_000;
/// Cumulative funding moves by at most this of the index, or a floor holds no longer.
pub(super) const FUNDING_SHARE_PPM: i64 = 1_000;
/// Moves that latency is charged for are at most this.
pub(super) const LATENCY_MOVE_PPM: i64 = 20_000;

/// With volatility up by more than this an array might not be possible.
const VOLATILITY_UP_PPM_MAX: i64 = 5 * PPM;

/// What holds in an underlying, for one era of marks.
#[derive(Clone, Debug)]
pub(crate) struct Climate {
    /// Whether all of the above holds.
    pub(super) calm: bool,
    pub(super) index: Price,
    /// Cumulative funding of the perpetual; zero without one.
    pub(super) funding: Price,
    /// Listed expiries.
    expiries: Vec<TimeMs>,
    /// The shares that requirements come from, as they are in this underlying.
    pub(super) portfolio: PortfolioMarginParams,
    pub(super) standard: StandardMarginParams,
    /// Net delta notional without charge for concentration.
    pub(super) concentration_free: i64,
}

impl Climate {
    /// Whether it has looked at what the contract's price comes from.
    pub(super) fn knows(&self, contract: &Contract) -> bool {
        contract.expiry().is_none_or(|expiry| self.expiries.contains(&expiry))
    }
}

/// Whether a price is within a share of the index.
fn is_near(price: Price, index: Price, share_ppm: i64) -> bool {
    let reach = mul_div_floor(index.0, share_ppm, PPM).unwrap_or(0);
    price.0.saturating_sub(index.0).saturating_abs() <= reach
}

impl Exchange {
    /// What holds in an underlying now; `None` before it has had an index.
    pub(super) fn climate(&mut self, id: UnderlyingId) -> Outcome<Option<&Climate>> {
        let era = self.marks.era();
        if self.climates.get(id, era).is_none() {
            let Some(climate) = self.find_climate(id)? else { return Ok(None) };
            self.climates.put(id, era, climate);
        }
        Ok(self.climates.get(id, era))
    }

    fn find_climate(&mut self, id: UnderlyingId) -> Outcome<Option<Climate>> {
        let underlying = *self.underlying(id)?;
        let index = underlying.index;
        let venue = self.state.venue()?;
        let (shares, standard) = (venue.portfolio_margin, venue.standard_margin);
        let own = self.underlying_params(id)?;
        let (free, factor_ppm) = (own.concentration_free.0, own.standard_factor.0);
        if index == Price::ZERO {
            return Ok(None);
        }
        let moves = self.extra_moves(id)?;
        let mut calm = moves.initial_ppm.max(moves.maintenance_ppm) <= LATENCY_MOVE_PPM
            && underlying.confidence >= shares.confidence_min
            && shares.scan_initial.0.max(shares.scan_maintenance.0) <= PPM
            && shares.volatility_up.0 <= VOLATILITY_UP_PPM_MAX;
        let mut funding = Price::ZERO;
        if let Some(perpetual) = underlying.perpetual {
            let linear = self.state.linear(perpetual)?;
            funding = linear.funding;
            calm &= is_near(linear.mark, index, PERPETUAL_SHARE_PPM);
        }
        let mut expiries = Vec::new();
        for key in self.expiries_of(id)? {
            let future = self.expiry(key)?.future;
            let terms = self.expiry_terms(key)?;
            let near = |price| is_near(price, index, FORWARD_SHARE_PPM);
            calm &= terms.is_some_and(|terms| near(terms.forward));
            if let Some(future) = future {
                calm &= near(self.state.linear(future)?.mark);
            }
            expiries.push(key.expiry);
        }
        let (portfolio, standard) = (shares, linear_params(&standard, factor_ppm));
        let concentration_free = free;
        Ok(Some(Climate {
            calm,
            index,
            funding,
            expiries,
            portfolio,
            standard,
            concentration_free,
        }))
    }
}
