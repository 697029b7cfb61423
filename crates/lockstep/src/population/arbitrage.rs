//! Arbitrageurs: they take a perpetual or future that has left its fair price, and give it back
//! when it has returned.

use super::agent::{Turn, lots_for, small};
use super::market::{Quote, share};
use lockstep_sim::rng::Rng;
use lockstep_types::Side;

/// Size of one trade, USD.
const SIZE_USD: i64 = 50_000;
/// Position beyond which nothing is added, in sizes.
const POSITION_SIZES_MAX: i64 = 16;

/// An arbitrageur.
pub struct Arbitrageur {
    board: usize,
    period_ms: i64,
    /// Distance from fair at which it trades, ppm.
    enter_ppm: i64,
}

impl Arbitrageur {
    /// A new one.
    pub fn new(board: usize, rng: &mut Rng) -> Self {
        Self { board, period_ms: 1_000 + small(rng, 4_000), enter_ppm: 700 + small(rng, 1_500) }
    }

    /// Does what it wants to do before the next block; when it is due again.
    pub fn act(&mut self, turn: &mut Turn<'_>) -> i64 {
        let market = turn.market;
        let next_ms = market.now_ms + self.period_ms;
        let Some(board) = market.boards.get(self.board) else { return next_ms };
        if board.index == 0 || board.stale {
            return next_ms;
        }
        let places = [board.perpetual].into_iter().chain(board.futures.first().copied());
        for place in places {
            let Some(quote) = market.quotes.get(place) else { continue };
            if quote.fair > 0 {
                self.trade(turn, quote, quote.fair);
            }
        }
        next_ms
    }

    fn trade(&self, turn: &mut Turn<'_>, quote: &Quote, fair: i64) {
        let size = lots_for(SIZE_USD * 1_000_000, fair);
        let position = turn.position(quote);
        let edge = share(fair, self.enter_ppm);
        let back = share(fair, self.enter_ppm / 4);
        let most = size * POSITION_SIZES_MAX;
        if quote.ask > 0 && quote.ask < fair - edge && position < most {
            turn.take(quote, Side::Buy, size, 200, false);
        } else if quote.bid > fair + edge && position > -most {
            turn.take(quote, Side::Sell, size, 200, false);
        } else if position > 0 && quote.bid > fair - back {
            turn.take(quote, Side::Sell, size.min(position), 100, true);
        } else if position < 0 && quote.ask > 0 && quote.ask < fair + back {
            turn.take(quote, Side::Buy, size.min(-position), 100, true);
        }
    }
}
