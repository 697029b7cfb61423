//! Sellers of gamma: short straddles, strangles and puts, held for their premium. Some buy back
//! when the loss hurts, most sit still.

use super::agent::{Turn, lots_for, small, tenths_of};
use super::market::Market;
use super::opening::Wish;
use lockstep_sim::rng::Rng;
use lockstep_types::Side;
use lockstep_types::instrument::OptionSide;

/// How far a buyer-back reaches beyond the touch, ppm.
const REACH_PPM: i64 = 50_000;

/// A seller of gamma.
pub struct GammaSeller {
    board: usize,
    /// The mark of an option, in times of its mark at the opening, at which it is bought back,
    /// percent; `None`: never.
    pain_percent: Option<i64>,
    period_ms: i64,
    /// What was sold, and at what mark.
    sold: Vec<(usize, i64)>,
}

impl GammaSeller {
    /// A new one.
    pub fn new(board: usize, rng: &mut Rng) -> Self {
        Self {
            board,
            pain_percent: rng.one_in(3).then(|| 150 + small(rng, 200)),
            period_ms: 5_000 + small(rng, 15_000),
            sold: Vec::new(),
        }
    }

    /// What it would like to hold when the market opens.
    pub fn wish(&mut self, market: &Market, deposit: i64, rng: &mut Rng) -> Wish {
        let Some(board) = market.boards.get(self.board) else { return Wish::new() };
        let Some(expiry) = board.expiry_for(rng.below_usize(1_000)) else { return Wish::new() };
        let away_ppm = 30_000 + small(rng, 70_000);
        let legs: &[(OptionSide, i64)] = match rng.below(10) {
            0..=2 => &[(OptionSide::Call, 0), (OptionSide::Put, 0)],
            3..=5 => &[(OptionSide::Call, away_ppm), (OptionSide::Put, -away_ppm)],
            _ => &[(OptionSide::Put, -away_ppm)],
        };
        // The requirement of a naked option is a tenth to a fifth of the underlying.
        let tenths = (10 + small(rng, 35)) / i64::try_from(legs.len()).unwrap_or(1);
        let lots = lots_for(tenths_of(deposit, tenths), board.index);
        let places = legs
            .iter()
            .filter_map(|(side, ppm)| board.option_near(&market.quotes, expiry, *side, *ppm));
        let wish: Wish = places.map(|place| (place, -lots)).collect();
        self.sold = wish.iter().map(|(place, _)| (*place, market.quotes[*place].mark)).collect();
        wish
    }

    /// What it must hold is what it would like to.
    pub fn hold(&mut self, market: &Market, held: Wish) -> Wish {
        self.sold = held.iter().map(|(place, _)| (*place, market.quotes[*place].mark)).collect();
        held
    }

    /// Does what it wants to do before the next block; when it is due again.
    pub fn act(&mut self, turn: &mut Turn<'_>) -> Option<i64> {
        let pain_percent = self.pain_percent?;
        let market = turn.market;
        self.sold.retain(|(place, opened_at)| {
            let quote = &market.quotes[*place];
            let position = turn.position(quote);
            if quote.mark > opened_at / 100 * pain_percent {
                turn.take(quote, Side::Buy, -position, REACH_PPM, true);
            }
            position < 0
        });
        (!self.sold.is_empty()).then_some(market.now_ms + self.period_ms)
    }
}
