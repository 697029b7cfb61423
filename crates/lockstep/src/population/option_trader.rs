//! Option sellers, who collect premium until something happens, and option buyers, who wait for it.

use super::agent::{Turn, lots_for, small};
use super::market::Quote;
use lockstep_sim::rng::Rng;
use lockstep_types::Side;

/// A buyer or seller of options.
pub struct OptionTrader {
    sells: bool,
    board: usize,
    next_ms: i64,
    period_ms: i64,
    /// Trades left to do.
    trades: i64,
}

impl OptionTrader {
    /// A new one; it begins after `start_ms`.
    pub fn new(sells: bool, board: usize, start_ms: i64, rng: &mut Rng) -> Self {
        Self {
            sells,
            board,
            next_ms: start_ms + 20_000 + small(rng, 20 * 60_000),
            period_ms: 30_000 + small(rng, 240_000),
            trades: 2 + small(rng, 6),
        }
    }

    /// Does what it wants to do before the next block.
    pub fn act(&mut self, turn: &mut Turn<'_>) {
        let market = turn.market;
        let Some(board) = market.boards.get(self.board) else { return };
        if market.now_ms < self.next_ms || self.trades == 0 || board.options.is_empty() {
            return;
        }
        self.next_ms = market.now_ms + self.period_ms;
        self.trades -= 1;
        let series = &board.options[turn.rng.below_usize(board.options.len())];
        // A few tries to find one that is out of the money and quoted.
        for _ in 0..6 {
            let place = series[turn.rng.below_usize(series.len())];
            let Some(quote) = market.quotes.get(place).copied() else { continue };
            let side = if self.sells { Side::Sell } else { Side::Buy };
            if quote.touch(side) > 0 && quote.mark > 0 && quote.mark < board.index / 20 {
                let lots = self.size(turn, &quote, board.index);
                turn.take(&quote, side, lots, 20_000, false);
                return;
            }
        }
    }

    /// A seller is bound by margin, a buyer by the premium.
    fn size(&self, turn: &mut Turn<'_>, quote: &Quote, index: i64) -> i64 {
        let part = 2 + small(turn.rng, 6);
        match self.sells {
            true => lots_for(turn.deposit / part * 2, index),
            false => lots_for(turn.deposit / (part * 8), quote.mark),
        }
    }
}
