//! What to close, how much of it, and at what price: pure functions over a view (R3).
//!
//! ```text
//! ABR      = clamp(BA (MM - E) / MM, 0, 1)             how far the account is on its way to ruin
//! spread   = ABR SMMR MM_leg                           money, for the whole leg
//! limit    = mark -+ spread / |lots|                   below mark to sell, above it to buy
//! ruin     = mark -+ equity / |lots|                   the price at which nothing would be left
//! shortfall(n) = target MM(n) - E(n)                   after n lots are closed
//! ```
//!
//! `E` is the margin balance, `MM` the account's maintenance requirement, `MM_leg` the leg's own.
//! A long option needs nothing, so its value stands in for `SMMR MM_leg`. While the account has
//! equity, no order goes beyond the price of ruin; when it has none, none costs more than insurance
//! can pay. Legs are closed in the order of shortfall removed per equity
//! lost, each by the fewest lots that remove the shortfall, and never so far that a requirement
//! rises: a long option that pairs a short stays until the short is gone.
//!
//! Source: design section "Liquidation waterfall", steps 1 and 2; the fillable price is the integer
//! form of dYdX v4's. The published vectors L1 to L4 hold exactly.
//!
//! Deliberately absent: the state, the book (its depth comes in as levels) and the backstop.

use crate::formula::rounding::{div_ceil_wide, mul_div_ceil, mul_div_floor};
use crate::formula::{LOTS_PER_UNIT, PPM};
use crate::margin::model::{Assessment, Outlook};
use crate::margin::standard::isolated_maintenance;
use crate::margin::view::{FeeKind, Leg, View};
use lockstep_types::ids::InstrumentId;

/// How fast the limit moves from mark as equity falls below maintenance: a whole, so that it has
/// its full spread when the equity is gone.
pub(crate) const BANKRUPTCY_ADJUSTMENT_PPM: i64 = PPM;

/// Lots that rest at a price, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) tick: u32,
    pub(crate) price: i64,
    pub(crate) lots: i64,
}

/// How far from mark a leg may be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    /// How far the account is on its way to ruin.
    pub(crate) ruin_ppm: i64,
    /// What closing the whole leg may cost against mark.
    pub(crate) spread: i64,
    /// No order is worse than this, micro-USD per unit.
    pub(crate) price: i64,
    /// At this price nothing would be left of the equity.
    pub(crate) bankruptcy: i64,
}

/// The limit at which a leg with a position may be closed.
///
/// `behind` is what insurance would pay at most, micro-USD.
pub(crate) fn limit(
    view: &View,
    leg: &Leg,
    margin: &Assessment,
    spread_ppm: i64,
    behind: i64,
) -> Limit {
    assert!(leg.lots != 0, "only a position is closed");
    let lots = leg.lots.saturating_abs();
    let ruin_ppm = ruin_share(margin);
    let own = isolated_maintenance(&view.params, leg);
    let (base, ppm) = match leg.contract.is_option() && leg.lots > 0 {
        true => (mul_div_ceil(lots, leg.mark, LOTS_PER_UNIT).unwrap_or(i64::MAX), PPM),
        false => (own, spread_ppm),
    };
    let product = i128::from(ruin_ppm) * i128::from(ppm) * i128::from(base);
    let spread = div_ceil_wide(product, PPM * PPM).unwrap_or(0);
    let spread = i64::try_from(spread).unwrap_or(i64::MAX);
    let reach = mul_div_ceil(spread, LOTS_PER_UNIT, lots).unwrap_or(i64::MAX);
    let per_unit = |money: i64| {
        let distance = mul_div_floor(money, LOTS_PER_UNIT, lots);
        distance.unwrap_or(if money < 0 { i64::MIN } else { i64::MAX })
    };
    let left = per_unit(margin.equity);
    // With equity left no order goes beyond ruin; without, none beyond what insurance pays.
    let room =
        if margin.equity > 0 { left } else { per_unit(margin.equity.saturating_add(behind)) };
    let reach = reach.min(room);
    let (price, bankruptcy) = match leg.lots > 0 {
        true => (leg.mark.saturating_sub(reach), leg.mark.saturating_sub(left)),
        false => (leg.mark.saturating_add(reach), leg.mark.saturating_add(left)),
    };
    Limit { ruin_ppm, spread, price: price.max(0), bankruptcy }
}

/// How much of the maintenance requirement is no longer there, in ppm, at most a whole.
fn ruin_share(margin: &Assessment) -> i64 {
    if margin.maintenance <= 0 {
        return PPM;
    }
    let missing = i128::from(margin.maintenance) - i128::from(margin.balance);
    let share = (missing * i128::from(BANKRUPTCY_ADJUSTMENT_PPM))
        .div_euclid(i128::from(margin.maintenance));
    i64::try_from(share.clamp(0, i128::from(PPM))).unwrap_or(PPM)
}

/// What is missing to the target, micro-USD, rounded up; at most zero when nothing is.
pub(crate) fn shortfall(margin: &Assessment, target_ppm: i64) -> i128 {
    let aim = i128::from(margin.maintenance) * i128::from(target_ppm);
    -(-aim).div_euclid(i128::from(PPM)) - i128::from(margin.balance)
}

/// A leg and how its lots can be closed.
#[derive(Clone, Debug)]
pub(crate) struct Closing<'a> {
    view: &'a View,
    place: usize,
    outlook: Outlook,
    target_ppm: i64,
}

impl<'a> Closing<'a> {
    pub(crate) fn new(view: &'a View, place: usize, target_ppm: i64) -> Self {
        Self { view, place, outlook: Outlook::of(view, place), target_ppm }
    }

    fn leg(&self) -> &Leg {
        &self.view.legs[self.place]
    }

    /// A copy of `view` after `lots` more of the leg are closed at a price.
    fn after(&self, view: &View, lots: i64, price: i64) -> View {
        let mut after = view.clone();
        let signed = if self.leg().lots > 0 { -lots } else { lots };
        after.fill(self.place, signed, price, FeeKind::Liquidation);
        after
    }

    /// The most lots that can be closed without raising the maintenance requirement.
    ///
    /// Requirements of fewer lots are taken to be monotone: it rises from some number on, or never.
    pub(crate) fn closable(&self) -> i64 {
        self.closable_at(self.leg().mark)
    }

    /// The same at another price than mark.
    pub(crate) fn closable_at(&self, price: i64) -> i64 {
        let held = self.leg().lots.saturating_abs();
        let before = self.outlook.assess(self.view).maintenance;
        let free = |lots: i64| {
            let after = self.after(self.view, lots, price);
            self.outlook.assess(&after).maintenance <= before
        };
        if free(held) {
            return held;
        }
        last_that(0, held - 1, free)
    }

    /// What closing `lots` at a price is worth; `None` if it neither lowers a requirement nor the
    /// shortfall.
    pub(crate) fn rate(&self, lots: i64, price: i64) -> Option<Rate> {
        let before = self.outlook.assess(self.view);
        let after = self.outlook.assess(&self.after(self.view, lots, price));
        let gain = shortfall(&before, self.target_ppm) - shortfall(&after, self.target_ppm);
        let cost = i128::from(before.equity) - i128::from(after.equity);
        let useful = gain > 0 || after.maintenance < before.maintenance;
        useful.then_some(Rate { gain, cost: cost.max(1) })
    }

    /// How many lots to take of each offer: in order, at most `most` together, and no more than
    /// remove the shortfall. The fewest that do, while the shortfall falls with every lot; all that
    /// are allowed if they do not remove it.
    pub(crate) fn fewest(&self, offers: &[Offer], most: i64) -> i64 {
        let mut view = self.view.clone();
        let mut closed = 0;
        for offer in offers {
            let here = offer.lots.min(most - closed);
            if here <= 0 {
                break;
            }
            let enough = |lots: i64| {
                let after = self.after(&view, lots, offer.price);
                shortfall(&self.outlook.assess(&after), self.target_ppm) <= 0
            };
            if enough(here) {
                return closed + first_that(1, here, enough);
            }
            view = self.after(&view, here, offer.price);
            closed += here;
        }
        closed
    }
}

/// The least number of a range for which a condition holds; it holds for `high`, and from some
/// number on.
fn first_that(mut low: i64, mut high: i64, holds: impl Fn(i64) -> bool) -> i64 {
    while low < high {
        let middle = low.midpoint(high);
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// The greatest number of a range for which a condition holds; it holds for `low`, and up to some
/// number.
fn last_that(mut low: i64, mut high: i64, holds: impl Fn(i64) -> bool) -> i64 {
    while low < high {
        let middle = high - (high - low) / 2;
        if holds(middle) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
}

/// Shortfall removed and equity lost by closing a leg, micro-USD; the cost is at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) gain: i128,
    pub(crate) cost: i128,
}

/// Sorts legs by gain per cost, best first, ties by id.
pub(crate) fn rank(candidates: &mut [(InstrumentId, Rate)]) {
    candidates.sort_by(|(left_id, left), (right_id, right)| {
        let of_left = left.gain.saturating_mul(right.cost);
        let of_right = right.gain.saturating_mul(left.cost);
        of_right.cmp(&of_left).then(left_id.cmp(right_id))
    });
}

/// The lots of a depth that one block may take: a share of it, and at least one (R3).
pub(crate) fn share_of_depth(offers: &[Offer], share_ppm: i64) -> i64 {
    let depth = offers.iter().fold(0_i64, |sum, offer| sum.saturating_add(offer.lots));
    if depth == 0 {
        return 0;
    }
    mul_div_floor(depth, share_ppm, PPM).unwrap_or(1).max(1)
}

#[cfg(test)]
mod tests;
