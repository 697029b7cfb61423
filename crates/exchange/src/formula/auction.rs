//! The uncrossing price of a call auction (M7).
//!
//! Of all ticks the one of greatest executable volume; of those the one of least imbalance; of
//! those the one nearest to the reference; of two such the lower.
//!
//! Not every tick need be tried. Volume and imbalance change only at levels, so between two
//! neighbouring levels all ticks are alike and the nearest to the reference speaks for them. They
//! cannot be left out: with 5 bid at 12 and 3 at 9, 5 offered at 8 and 4 at 11, five trade at any
//! price, but only at 10 is nothing left over. Beyond the best ask and the best bid less trades.
//!
//! The last rule never has to decide. Volume rises and then falls with the price, imbalance only
//! falls; so the ticks that tie on both are a range without gaps, and one of it is nearest. It is
//! stated so that the order is total.
//!
//! Invariants: the volume is positive and neither side's; buys at the price or above and sells at
//! the price or below cover it; the work is one pass over the levels that cross.
//!
//! Deliberately absent: prices in money (ticks are numbered densely, see [`super::tick`], so that
//! every number between two levels is a valid price), who fills (price, then time) and self-trade
//! prevention.

use super::{FormulaError, domain};
use core::cmp::Reverse;

/// All orders of one side at one price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Number of its price.
    pub tick: u32,
    /// Lots, not negative.
    pub lots: i64,
}

/// How an auction uncrosses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uncross {
    /// Number of the one price of all its fills.
    pub tick: u32,
    /// Lots that trade.
    pub volume_lots: i64,
    /// Lots bid at the price or better, less lots offered so: positive when buyers are left over.
    pub imbalance_lots: i64,
}

/// The uncrossing of a book, `None` if nothing can trade.
///
/// `bids` are sorted by strictly falling tick, `asks` by strictly rising tick.
///
/// # Errors
/// [`FormulaError::Domain`] if the levels that cross are unsorted or have negative lots;
/// [`FormulaError::Overflow`] if a side's lots do not fit i64.
pub fn uncross(
    bids: &[Level],
    asks: &[Level],
    reference: u32,
) -> Result<Option<Uncross>, FormulaError> {
    let (Some(best_bid), Some(best_ask)) = (bids.first(), asks.first()) else { return Ok(None) };
    let (low, high) = (best_ask.tick, best_bid.tick);
    let bids = crossing(bids, |level| level.tick >= low);
    let asks = crossing(asks, |level| level.tick <= high);
    domain(bids.is_sorted_by(|a, b| a.tick > b.tick))?;
    domain(asks.is_sorted_by(|a, b| a.tick < b.tick))?;
    let (mut demand, offered) = (total(bids)?, total(asks)?);
    let mut supply = 0;
    let mut bids_up = bids.iter().rev().peekable();
    let mut asks_up = asks.iter().peekable();
    let mut best: Option<Uncross> = None;
    let mut try_tick = |tick: u32, demand: i64, supply: i64| {
        let here =
            Uncross { tick, volume_lots: demand.min(supply), imbalance_lots: demand - supply };
        if best.is_none_or(|best| rank(&here, reference) > rank(&best, reference)) {
            best = Some(here);
        }
    };
    let mut below: Option<u32> = None;
    loop {
        let next = [bids_up.peek(), asks_up.peek()].map(|level| level.map(|level| level.tick));
        let Some(tick) = next.into_iter().flatten().min() else { break };
        if let Some(below) = below
            && tick - below > 1
        {
            try_tick(reference.clamp(below + 1, tick - 1), demand, supply);
        }
        while let Some(level) = asks_up.next_if(|level| level.tick == tick) {
            supply += level.lots;
        }
        try_tick(tick, demand, supply);
        while let Some(level) = bids_up.next_if(|level| level.tick == tick) {
            demand -= level.lots;
        }
        below = Some(tick);
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

/// Greater is better; equals are decided for the lower tick by scanning upwards.
fn rank(uncross: &Uncross, reference: u32) -> (i64, Reverse<u64>, Reverse<u32>) {
    let imbalance = uncross.imbalance_lots.unsigned_abs();
    (uncross.volume_lots, Reverse(imbalance), Reverse(uncross.tick.abs_diff(reference)))
}
