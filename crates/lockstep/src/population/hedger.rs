//! Hedged books: covered calls, the perpetual against a dated future, and options whose delta is
//! kept near zero in the perpetual.

use super::agent::{Turn, lots_for, small, tenths_of};
use super::market::Market;
use super::opening::Wish;
use lockstep_sim::rng::Rng;
use lockstep_types::instrument::OptionSide;

/// How far a hedge reaches beyond the touch, ppm.
const REACH_PPM: i64 = 1_000;
/// Milliseconds between two looks of a book that needs none.
const IDLE_MS: i64 = 60_000;

/// What a book holds against what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Book {
    /// The perpetual, and a short call on as much.
    CoveredCall,
    /// The perpetual against the nearest future; short the future if true.
    Basis(bool),
    /// A straddle and its delta; long if true.
    DeltaHedged(bool),
}

/// A hedged book.
pub struct Hedger {
    board: usize,
    book: Book,
    period_ms: i64,
    /// Delta that is left alone, in hundredths of the position.
    slack_percent: i64,
    lots: i64,
}

impl Hedger {
    /// A new one.
    pub fn new(board: usize, rng: &mut Rng) -> Self {
        let book = match rng.below(10) {
            0..=2 => Book::CoveredCall,
            3..=5 => Book::Basis(rng.below(3) > 0),
            _ => Book::DeltaHedged(rng.below(2) == 0),
        };
        Self {
            board,
            book,
            period_ms: 3_000 + small(rng, 12_000),
            slack_percent: 2 + small(rng, 6),
            lots: 0,
        }
    }

    /// What it would like to hold when the market opens.
    pub fn wish(&mut self, market: &Market, deposit: i64, rng: &mut Rng) -> Wish {
        let Some(board) = market.boards.get(self.board) else { return Wish::new() };
        let tenths = 10 + small(rng, 20);
        let lots = lots_for(tenths_of(deposit, tenths), board.index);
        self.lots = lots;
        let option = |side, expiry, ppm| board.option_near(&market.quotes, expiry, side, ppm);
        let expiry = board.expiry_for(rng.below_usize(1_000));
        let away_ppm = 20_000 + small(rng, 80_000);
        let legs = match (self.book, expiry) {
            (Book::CoveredCall, Some(expiry)) => {
                let call = option(OptionSide::Call, expiry, away_ppm);
                vec![(Some(board.perpetual), lots), (call, -lots)]
            }
            (Book::DeltaHedged(is_long), Some(expiry)) => {
                let lots = if is_long { lots } else { -lots };
                [OptionSide::Call, OptionSide::Put]
                    .map(|side| (option(side, expiry, 0), lots))
                    .to_vec()
            }
            (Book::Basis(is_short), _) => {
                let lots = if is_short { lots } else { -lots };
                vec![(Some(board.perpetual), lots), (board.futures.first().copied(), -lots)]
            }
            _ => Vec::new(),
        };
        legs.into_iter().filter_map(|(place, lots)| Some((place?, lots))).collect()
    }

    /// What it must hold, and the perpetual against its delta.
    pub fn hold(&mut self, market: &Market, held: Wish) -> Wish {
        let mut wish = held;
        self.book = Book::DeltaHedged(false);
        for (number, board) in market.boards.iter().enumerate() {
            let on_board = wish.iter().map(|(place, lots)| (&market.quotes[*place], *lots));
            let on_board = on_board.filter(|(quote, _)| quote.underlying == board.id);
            let sums = on_board.map(|(quote, lots)| (lots, quote.delta_of(lots, market.now_ms)));
            let (size, delta) = sums
                .fold((0, 0), |(size, delta), (lots, of_leg)| (size + lots.abs(), delta + of_leg));
            if size == 0 {
                continue;
            }
            // It hedges where it has most; the other underlying it leaves as it opened.
            if size > self.lots {
                (self.board, self.lots) = (number, size);
            }
            wish.push((board.perpetual, -delta));
        }
        wish
    }

    /// Does what it wants to do before the next block; when it is due again.
    pub fn act(&mut self, turn: &mut Turn<'_>) -> i64 {
        let market = turn.market;
        let Some(board) = market.boards.get(self.board) else { return market.now_ms + IDLE_MS };
        if !matches!(self.book, Book::DeltaHedged(_)) {
            return market.now_ms + IDLE_MS;
        }
        turn.hedge(board, self.lots * self.slack_percent / 100, REACH_PPM);
        market.now_ms + self.period_ms
    }
}
