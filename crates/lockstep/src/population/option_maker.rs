//! Option makers: one mass quote over every other strike of an expiry, around the model's marks,
//! sent again when the index has moved.

use super::agent::{Turn, lots_for};
use super::market::{Quote, share};
use lockstep_types::codec::Bounded;
use lockstep_types::command::{self, BATCH_MAX, Command, ProtectionLimits, QuoteSide};
use lockstep_types::ids::GroupId;
use lockstep_types::{Lots, Price, SpanMs, UnderlyingId, Usd};

/// Milliseconds between two looks.
const PERIOD_MS: i64 = 5_000;
/// Quotes are sent again at the latest after this.
const QUIET_MS: i64 = 240_000;
/// Move of the index after which quotes are sent again, ppm.
const MOVE_PPM: i64 = 1_500;
/// Half spread, ppm of the option's mark.
const HALF_SPREAD_PPM: i64 = 25_000;
/// Half spread, ppm of the index.
const HALF_SPREAD_INDEX_PPM: i64 = 150;
/// Size of a quote in USD of the underlying.
const SIZE_USD: i64 = 40_000;
/// Into so many parts the strikes of an expiry are divided.
const PARTS: usize = 2;
/// Position in a series beyond which a maker only reduces, in sizes of its quotes.
const POSITION_SIZES_MAX: i64 = 12;

/// An option maker.
pub struct OptionMaker {
    board: usize,
    /// Which expiry, and which part of its strikes.
    place: usize,
    next_ms: i64,
    quoted_ms: i64,
    quoted_index: i64,
    is_protected: bool,
}

impl OptionMaker {
    /// A new one; it begins after `start_ms`.
    pub fn new(number: u32, underlyings: usize, start_ms: i64) -> Self {
        let number = usize::try_from(number).unwrap_or(0);
        let boards = underlyings.max(1);
        let stagger = i64::try_from(number % 5).unwrap_or(0) * 1_000;
        Self {
            board: number % boards,
            place: number / boards,
            next_ms: start_ms + 2_000 + stagger,
            quoted_ms: 0,
            quoted_index: 0,
            is_protected: false,
        }
    }

    /// Does what it wants to do before the next block.
    pub fn act(&mut self, turn: &mut Turn<'_>) {
        let market = turn.market;
        let Some(board) = market.boards.get(self.board) else { return };
        if market.now_ms < self.next_ms || board.index == 0 || board.options.is_empty() {
            return;
        }
        if turn.is_frozen(board.id, 0) {
            return;
        }
        self.next_ms = market.now_ms + PERIOD_MS;
        let moved = (board.index - self.quoted_index).abs() > share(board.index, MOVE_PPM);
        if !moved && market.now_ms < self.quoted_ms + QUIET_MS {
            return;
        }
        if !self.is_protected {
            self.is_protected = true;
            turn.send(protection(board.id));
        }
        (self.quoted_index, self.quoted_ms) = (board.index, market.now_ms);
        // Makers of one expiry share its strikes: each strike is a call and a put.
        let (series, part) = (self.place % board.options.len(), self.place / board.options.len());
        let series = board.options[series].chunks(2).skip(part % PARTS).step_by(PARTS).flatten();
        let widen = board.swing_ppm / 8;
        let quotes = series.filter_map(|place| {
            let quote = market.quotes.get(*place)?;
            quoted(quote, board.index, widen, turn.position(quote))
        });
        let quotes: Vec<command::Quote> = quotes.take(BATCH_MAX).collect();
        if let Ok(quotes) = Bounded::new(quotes) {
            turn.send(Command::MassQuote { group: GroupId(0), quotes });
        }
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

fn quoted(quote: &Quote, index: i64, widen_ppm: i64, position: i64) -> Option<command::Quote> {
    if quote.mark == 0 {
        return None;
    }
    let lots = lots_for(SIZE_USD * 1_000_000, index);
    let half = share(quote.mark, HALF_SPREAD_PPM) + share(index, HALF_SPREAD_INDEX_PPM + widen_ppm);
    let half = half.max(quote.tick);
    // Each size held shifts both sides by a tenth of the half spread.
    let lean = (half / 10).saturating_mul((position / lots).clamp(-20, 20));
    let fair = quote.mark - lean;
    let bid = fair - half;
    let ask = quote.floor((fair + half).max(quote.tick) + quote.tick);
    let side = |price: i64, wanted: bool| {
        wanted.then_some(QuoteSide { price: Price(price), lots: Lots(lots) })
    };
    let most = lots * POSITION_SIZES_MAX;
    Some(command::Quote {
        instrument: quote.id,
        bid: side(quote.floor(bid), position < most && bid >= quote.tick),
        ask: side(ask.max(quote.floor(bid) + quote.tick), position > -most),
    })
}
