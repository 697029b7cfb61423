//! Makers of a perpetual and its dated futures: three layers of two-sided quotes around the index
//! and the reported basis, each layer its own protection group, re-quoted every few seconds,
//! leaning against the position.

use super::agent::Turn;
use super::market::{Quote, share};
use lockstep_types::codec::Bounded;
use lockstep_types::command::{self, Command, ProtectionLimits, QuoteSide};
use lockstep_types::ids::GroupId;
use lockstep_types::{Lots, Price, SpanMs, Usd};

/// Half spread of each layer in calm, ppm.
const HALF_SPREADS_PPM: [i64; 3] = [80, 350, 1_200];
/// Size of each layer, in USD.
const LAYER_USD: [i64; 3] = [60_000, 200_000, 600_000];
/// Milliseconds between two turns.
const PERIOD_MS: i64 = 3_000;
/// Milliseconds between two turns of the outer layers.
const OUTER_PERIOD_MS: i64 = 15_000;
/// Position at which a maker leans by a half spread of its middle layer, USD.
const LEAN_USD: i64 = 1_000_000;
/// Position beyond which a maker only reduces, USD.
const POSITION_USD_MAX: i64 = 12_000_000;

/// A maker.
pub struct Maker {
    board: usize,
    next_ms: i64,
    next_outer_ms: i64,
    is_protected: bool,
}

impl Maker {
    /// A new one; it begins after `start_ms`.
    pub fn new(number: u32, underlyings: usize, start_ms: i64) -> Self {
        let number = i64::from(number);
        let boards = i64::try_from(underlyings.max(1)).unwrap_or(1);
        Self {
            board: usize::try_from(number % boards).unwrap_or(0),
            next_ms: start_ms + number % 3 * 1_000,
            next_outer_ms: 0,
            is_protected: false,
        }
    }

    /// Does what it wants to do before the next block.
    pub fn act(&mut self, turn: &mut Turn<'_>) {
        let market = turn.market;
        let Some(board) = market.boards.get(self.board) else { return };
        if market.now_ms < self.next_ms || board.index == 0 {
            return;
        }
        if !self.is_protected {
            self.is_protected = true;
            for group in 0..3 {
                turn.send(protection(group, board.id));
            }
        }
        self.next_ms = market.now_ms + PERIOD_MS;
        let is_outer_due = market.now_ms >= self.next_outer_ms;
        if is_outer_due {
            self.next_outer_ms = market.now_ms + OUTER_PERIOD_MS;
            // If this process should die, so do its quotes.
            let at = lockstep_types::TimeMs(market.now_ms + 4 * OUTER_PERIOD_MS);
            turn.send(Command::ScheduleCancel { at: Some(at) });
        }
        let layers = if is_outer_due { 3 } else { 1 };
        let places = [board.perpetual].into_iter().chain(board.futures.iter().copied());
        let places: Vec<usize> = places.collect();
        for layer in 0..layers {
            let group = u8::try_from(layer).unwrap_or(0);
            if turn.is_frozen(board.id, group) {
                continue;
            }
            let quotes = places.iter().filter_map(|place| {
                let quote = market.quotes.get(*place)?;
                layered(quote, layer, board.swing_ppm, turn.position(quote))
            });
            let quotes: Vec<command::Quote> = quotes.collect();
            if let Ok(quotes) = Bounded::new(quotes) {
                turn.send(Command::MassQuote { group: GroupId(group), quotes });
            }
        }
    }
}

fn protection(group: u8, underlying: lockstep_types::UnderlyingId) -> Command {
    Command::SetProtection {
        underlying,
        group: GroupId(group),
        limits: ProtectionLimits {
            interval: SpanMs(2_000),
            frozen_time: SpanMs(4_000),
            lots_max: Lots(0),
            delta_max: Lots(0),
            vega_max: Usd(0),
            trades_max: 40,
        },
    }
}

/// The quote of one layer; `None` while there is no mark.
fn layered(quote: &Quote, layer: usize, swing_ppm: i64, position: i64) -> Option<command::Quote> {
    if quote.fair == 0 || quote.mark == 0 {
        return None;
    }
    // Wider when the index has moved much in the last minute.
    let half_ppm = HALF_SPREADS_PPM[layer] + swing_ppm / 6;
    let position_usd = i128::from(position) * i128::from(quote.mark) / 1_000_000_000;
    let position_usd = i64::try_from(position_usd).unwrap_or(i64::MAX);
    let lean_ppm =
        position_usd.clamp(-POSITION_USD_MAX, POSITION_USD_MAX) * HALF_SPREADS_PPM[1] / LEAN_USD;
    let fair = quote.fair - share(quote.fair, lean_ppm);
    let half = share(quote.fair, half_ppm).max(quote.tick);
    let lots = Lots(super::agent::lots_for(LAYER_USD[layer] * 1_000_000, quote.mark));
    let bid = quote.floor(fair - half);
    let ask = quote.floor(fair + half + quote.tick).max(bid + quote.tick);
    let side = |price: i64, wanted: bool| wanted.then_some(QuoteSide { price: Price(price), lots });
    Some(command::Quote {
        instrument: quote.id,
        bid: side(bid, position_usd < POSITION_USD_MAX),
        ask: side(ask, position_usd > -POSITION_USD_MAX),
    })
}
