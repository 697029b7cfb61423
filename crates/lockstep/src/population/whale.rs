//! The whale: one account, long the BTC perpetual with nearly all the leverage that there is and
//! short a few puts below, larger than the books that would have to take its position over. It
//! stays on standard margin, which gives an outright position more leverage than portfolio margin
//! does. It does nothing after the opening, like somebody who sleeps.

use super::agent::{lots_for, tenths_of};
use super::market::Market;
use super::opening::Wish;
use lockstep_types::instrument::OptionSide;

/// Its deposit for each account of the population, thousands of USD.
pub const THOUSAND_USD_PER_ACCOUNT: i64 = 6;
/// Deposit times this is its long position, tenths.
const LEVERAGE_TENTHS: i64 = 115;
/// Deposit times this is what its short puts are on, tenths.
const PUTS_TENTHS: i64 = 5;
/// How far below the index the puts are struck, ppm.
const PUTS_AWAY_PPM: i64 = 60_000;

/// The whale.
pub struct Whale;

impl Whale {
    /// What it would like to hold when the market opens.
    pub fn wish(&self, market: &Market, deposit: i64) -> Wish {
        let Some(board) = market.boards.first() else { return Wish::new() };
        let lots = |tenths: i64| lots_for(tenths_of(deposit, tenths), board.index);
        let puts = board.option_near(&market.quotes, 0, OptionSide::Put, -PUTS_AWAY_PPM);
        let puts = puts.map(|place| (place, -lots(PUTS_TENTHS)));
        [(board.perpetual, lots(LEVERAGE_TENTHS))].into_iter().chain(puts).collect()
    }
}
