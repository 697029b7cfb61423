//! Option buyers: calls of the hopeful, puts of the careful, held; some take profit.

use super::agent::{Turn, lots_for, small};
use super::market::Market;
use super::opening::Wish;
use lockstep_sim::rng::Rng;
use lockstep_types::Side;
use lockstep_types::instrument::OptionSide;

/// How far a seller of what has risen reaches beyond the touch, ppm.
const REACH_PPM: i64 = 50_000;

/// An option buyer.
pub struct OptionBuyer {
    board: usize,
    /// The mark, in percent of that at the opening, at which it sells; `None`: never.
    gain_percent: Option<i64>,
    period_ms: i64,
    /// What was bought, and at what mark.
    bought: Vec<(usize, i64)>,
}

impl OptionBuyer {
    /// A new one.
    pub fn new(board: usize, rng: &mut Rng) -> Self {
        Self {
            board,
            gain_percent: rng.one_in(2).then(|| 130 + small(rng, 250)),
            period_ms: 10_000 + small(rng, 20_000),
            bought: Vec::new(),
        }
    }

    /// What it would like to hold when the market opens.
    pub fn wish(&mut self, market: &Market, deposit: i64, rng: &mut Rng) -> Wish {
        let Some(board) = market.boards.get(self.board) else { return Wish::new() };
        let mut wish = Wish::new();
        for _ in 0..=rng.below(3) {
            let Some(expiry) = board.expiry_for(rng.below_usize(1_000)) else { continue };
            let away_ppm = 10_000 + small(rng, 120_000);
            let (side, ppm) = match rng.below(10) {
                0..=5 => (OptionSide::Put, -away_ppm),
                _ => (OptionSide::Call, away_ppm),
            };
            let place = board.option_near(&market.quotes, expiry, side, ppm);
            let place = place.filter(|place| market.quotes[*place].mark > 0);
            let Some(place) = place.filter(|it| wish.iter().all(|(held, _)| held != it)) else {
                continue;
            };
            let mark = market.quotes[place].mark;
            wish.push((place, lots_for(deposit / (8 + small(rng, 16)), mark)));
            self.bought.push((place, mark));
        }
        wish
    }

    /// What it must hold is what it would like to.
    pub fn hold(&mut self, market: &Market, held: Wish) -> Wish {
        self.bought = held.iter().map(|(place, _)| (*place, market.quotes[*place].mark)).collect();
        held
    }

    /// Does what it wants to do before the next block; when it is due again.
    pub fn act(&mut self, turn: &mut Turn<'_>) -> Option<i64> {
        let gain_percent = self.gain_percent?;
        let market = turn.market;
        self.bought.retain(|(place, opened_at)| {
            let quote = &market.quotes[*place];
            let position = turn.position(quote);
            if quote.mark > opened_at / 100 * gain_percent {
                turn.take(quote, Side::Sell, position, REACH_PPM, true);
            }
            position > 0
        });
        (!self.bought.is_empty()).then_some(market.now_ms + self.period_ms)
    }
}
