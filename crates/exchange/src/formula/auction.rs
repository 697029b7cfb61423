//! The uncrossing price of a call auction (M7).
//!
//! Among the candidates, the price of greatest executable volume; then of least imbalance; then
//! nearest to the reference; then the lower. Candidates are every level's price between the best
//! ask and the best bid, both included, and the reference price if it lies there.
//!
//! Volume changes only at levels, and between two neighbouring levels it is nowhere greater than at
//! them, so no price outside the candidates trades more.
//!
//! With the reference itself among the candidates the last rule never has to decide: two prices
//! that tie on volume and imbalance enclose no price that does worse on both, so a reference
//! between them wins, and one outside is nearer to one of them. It is stated so that the order is
//! total.
//!
//! Invariants: the volume is positive and neither side's; buys at the price or above and sells at
//! the price or below cover it; the work is one pass over the levels that cross.
//!
//! Deliberately absent: who fills (price, then time) and self-trade prevention.

use super::{FormulaError, domain};
use core::cmp::Reverse;

/// All orders of one side at one price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Micro-USD per unit (or any monotone price).
    pub price: i64,
    /// Lots, not negative.
    pub lots: i64,
}

/// How an auction uncrosses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uncross {
    /// The one price of all its fills.
    pub price: i64,
    /// Lots that trade.
    pub volume_lots: i64,
    /// Lots bid at the price or better, less lots offered so: positive when buyers are left over.
    pub imbalance_lots: i64,
}

/// The uncrossing of a book, `None` if nothing can trade.
///
/// `bids` are sorted by strictly falling price, `asks` by strictly rising price.
///
/// # Errors
/// [`FormulaError::Domain`] if the levels that cross are unsorted or have negative lots;
/// [`FormulaError::Overflow`] if a side's lots do not fit i64.
pub fn uncross(
    bids: &[Level],
    asks: &[Level],
    reference: i64,
) -> Result<Option<Uncross>, FormulaError> {
    let (Some(best_bid), Some(best_ask)) = (bids.first(), asks.first()) else { return Ok(None) };
    let (low, high) = (best_ask.price, best_bid.price);
    let bids = crossing(bids, |level| level.price >= low);
    let asks = crossing(asks, |level| level.price <= high);
    domain(bids.is_sorted_by(|a, b| a.price > b.price))?;
    domain(asks.is_sorted_by(|a, b| a.price < b.price))?;
    let (mut demand, offered) = (total(bids)?, total(asks)?);
    let mut supply = 0;
    let mut bids_up = bids.iter().rev().peekable();
    let mut asks_up = asks.iter().peekable();
    let mut reference_left = Some(reference).filter(|price| (low..=high).contains(price));
    let mut best: Option<Uncross> = None;
    loop {
        let next = [
            bids_up.peek().map(|level| level.price),
            asks_up.peek().map(|level| level.price),
            reference_left,
        ];
        let Some(price) = next.into_iter().flatten().min() else { break };
        while let Some(level) = asks_up.next_if(|level| level.price == price) {
            supply += level.lots;
        }
        let here =
            Uncross { price, volume_lots: demand.min(supply), imbalance_lots: demand - supply };
        if best.is_none_or(|best| rank(&here, reference) > rank(&best, reference)) {
            best = Some(here);
        }
        while let Some(level) = bids_up.next_if(|level| level.price == price) {
            demand -= level.lots;
        }
        reference_left = reference_left.filter(|left| *left != price);
    }
    assert!(demand == 0 && supply == offered, "the sweep has passed every level that crosses");
    Ok(best.filter(|best| best.volume_lots > 0))
}

/// The leading levels that `crosses`.
fn crossing(levels: &[Level], crosses: impl Fn(&Level) -> bool) -> &[Level] {
    let count = levels.iter().take_while(|level| crosses(level)).count();
    &levels[..count]
}

fn total(levels: &[Level]) -> Result<i64, FormulaError> {
    levels.iter().try_fold(0_i64, |sum, level| {
        domain(level.lots >= 0)?;
        sum.checked_add(level.lots).ok_or(FormulaError::Overflow)
    })
}

/// Greater is better; equals are decided for the lower price by scanning upwards.
fn rank(uncross: &Uncross, reference: i64) -> (i64, Reverse<u64>, Reverse<u64>) {
    let imbalance = uncross.imbalance_lots.unsigned_abs();
    (uncross.volume_lots, Reverse(imbalance), Reverse(uncross.price.abs_diff(reference)))
}
