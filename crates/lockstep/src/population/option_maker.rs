//! Option makers: one mass quote over the whole chain of an underlying, or over as many expiries as
//! fit, around the model's marks; when the index has moved, again over the series whose quotes are
//! no longer right; and a hedge of their delta in the perpetual.

use super::agent::{Turn, lots_for};
use super::market::{Market, Quote, share};
use lockstep_types::codec::Bounded;
use lockstep_types::command::{self, BATCH_MAX, Command, ProtectionLimits, QuoteSide};
use lockstep_types::ids::GroupId;
use lockstep_types::{Lots, Price, SpanMs, UnderlyingId, Usd};

/// Milliseconds between two looks.
const PERIOD_MS: i64 = 5_000;
/// All quotes are sent again at the latest after this.
const QUIET_MS: i64 = 240_000;
/// Move of the index after which quotes are sent again, ppm.
const MOVE_PPM: i64 = 2_000;
/// A quote is right while its fair price has moved by less than this part of its half spread.
const WRONG_PART: i64 = 3;
/// Half spread, ppm of the option's mark.
const HALF_SPREAD_PPM: i64 = 25_000;
/// Half spread, ppm of the index.
const HALF_SPREAD_INDEX_PPM: i64 = 150;
/// Size of a quote in USD of the underlying.
const SIZE_USD: i64 = 40_000;
/// What is added to the position in a series since the opening stays below so many sizes.
const POSITION_SIZES_MAX: i64 = 12;
/// Delta that is not hedged, USD of the underlying.
const DELTA_USD_MAX: i64 = 100_000;
/// How far a hedge reaches beyond the touch, ppm.
const HEDGE_REACH_PPM: i64 = 2_000;

/// An option maker.
pub struct OptionMaker {
    /// The number of its underlying.
    board: usize,
    /// The expiry from which it quotes, modulo how many there are.
    expiry: usize,
    stagger_ms: i64,
    /// When it last quoted everything, milliseconds.
    quoted_ms: i64,
    quoted_index: i64,
    /// Positions from the opening by place in the chain; empty before its first turn.
    opened: Vec<i64>,
    /// What is quoted, by place in the chain.
    quoted: Vec<Quoted>,
}

/// What a quote was made of.
#[derive(Clone, Copy, Debug, Default)]
struct Quoted {
    fair: i64,
    half: i64,
    /// What was added to the position since the opening.
    added: i64,
}

impl Quoted {
    /// What a quote would be made of now.
    fn now(quote: &Quote, index: i64, widen_ppm: i64, added: i64) -> Self {
        let half = share(quote.mark, HALF_SPREAD_PPM);
        let half = half + share(index, HALF_SPREAD_INDEX_PPM + widen_ppm);
        Self { fair: quote.mark, half: half.max(quote.tick), added }
    }

    /// Whether a quote of `self` still does where one of `now` would be made.
    fn is_right(&self, now: &Self) -> bool {
        let slack = self.half / WRONG_PART;
        let is_near = |then: i64, now: i64| (then - now).abs() <= slack;
        self.added == now.added && is_near(self.fair, now.fair) && is_near(self.half, now.half)
    }
}

impl OptionMaker {
    /// A new one.
    pub fn new(number: u32, underlyings: usize) -> Self {
        let (number, boards) = (usize::try_from(number).unwrap_or(0), underlyings.max(1));
        Self {
            board: number % boards,
            expiry: number / boards,
            stagger_ms: i64::try_from(number % 7).unwrap_or(0) * 150,
            quoted_ms: 0,
            quoted_index: 0,
            opened: Vec::new(),
            quoted: Vec::new(),
        }
    }

    /// The places of what it quotes: as many whole expiries as fit one mass quote.
    pub fn places(&self, market: &Market) -> Vec<usize> {
        let Some(board) = market.boards.get(self.board) else { return Vec::new() };
        let count = board.options.len();
        let mut places = Vec::new();
        for step in 0..count {
            let series = &board.options[(self.expiry + step) % count];
            if places.len() + series.len() > BATCH_MAX {
                break;
            }
            places.extend(series);
        }
        places
    }

    /// Does what it wants to do before the next block; when it is due again.
    pub fn act(&mut self, turn: &mut Turn<'_>) -> i64 {
        let market = turn.market;
        let next_ms = market.now_ms + PERIOD_MS + self.stagger_ms;
        let Some(board) = market.boards.get(self.board) else { return next_ms };
        if board.index == 0 || board.options.is_empty() {
            return next_ms;
        }
        turn.hedge(board, lots_for(DELTA_USD_MAX * 1_000_000, board.index), HEDGE_REACH_PPM);
        let moved = (board.index - self.quoted_index).abs() > share(board.index, MOVE_PPM);
        let is_all_due = market.now_ms >= self.quoted_ms + QUIET_MS;
        if !(moved || is_all_due) || turn.is_frozen(board.id, 0) {
            return next_ms;
        }
        let chain = self.places(market);
        if self.opened.is_empty() {
            let opened = chain.iter().map(|place| turn.position(&market.quotes[*place]));
            self.opened = opened.collect();
            self.quoted = vec![Quoted::default(); self.opened.len()];
            turn.send(protection(board.id));
        }
        self.quoted_index = board.index;
        if is_all_due {
            self.quoted_ms = market.now_ms;
        }
        let mut quotes = Vec::new();
        for ((place, opened), quoted) in chain.iter().zip(&self.opened).zip(&mut self.quoted) {
            let Some(quote) = market.quotes.get(*place).filter(|quote| quote.mark > 0) else {
                continue;
            };
            let added = turn.position(quote) - opened;
            let now = Quoted::now(quote, board.index, board.swing_ppm / 8, added);
            if is_all_due || !quoted.is_right(&now) {
                *quoted = now;
                quotes.push(two_sided(quote, board.index, &now));
            }
        }
        if let Ok(quotes) = Bounded::new(quotes) {
            turn.send(Command::MassQuote { group: GroupId(0), quotes });
        }
        next_ms
    }
}

fn protection(underlying: UnderlyingId) -> Command {
    Command::SetProtection {
        underlying,
        group: GroupId(0),
        limits: ProtectionLimits {
            interval: SpanMs(10_000),
            frozen_time: SpanMs(10_000),
            lots_max: Lots(0),
            delta_max: Lots(6_000),
            vega_max: Usd(0),
            trades_max: 30,
        },
    }
}

/// The quote itself.
fn two_sided(quote: &Quote, index: i64, made_of: &Quoted) -> command::Quote {
    let Quoted { fair, half, added } = *made_of;
    let lots = lots_for(SIZE_USD * 1_000_000, index);
    // Each size added shifts both sides by a tenth of the half spread.
    let lean = (half / 10).saturating_mul((added / lots).clamp(-20, 20));
    let fair = fair - lean;
    let bid = fair - half;
    let ask = quote.floor((fair + half).max(quote.tick) + quote.tick);
    let side = |price: i64, wanted: bool| {
        wanted.then_some(QuoteSide { price: Price(price), lots: Lots(lots) })
    };
    let most = lots * POSITION_SIZES_MAX;
    command::Quote {
        instrument: quote.id,
        bid: side(quote.floor(bid), added < most && bid >= quote.tick),
        ask: side(ask.max(quote.floor(bid) + quote.tick), added > -most),
    }
}
