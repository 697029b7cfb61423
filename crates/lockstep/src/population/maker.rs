//! Makers of a perpetual and its dated futures: three layers of two-sided quotes around the index
//! and the reported basis, each layer its own protection group, smaller and wider when the market
//! moves, leaning against what they have added to their position of late (the rest is taken to be
//! hedged elsewhere).
//!
//! A layer is quoted again when the index or the position has moved, or after a while. If the index
//! has moved far, its old quotes are cancelled first: a cancel is executed before everything else
//! in its block (M6), so makers who all see the same move do not trade with each other's past.

use super::agent::{Turn, lots_for};
use super::market::{Market, Quote, share};
use lockstep_types::codec::Bounded;
use lockstep_types::command::{self, CancelScope, Command, ProtectionLimits, QuoteSide};
use lockstep_types::ids::GroupId;
use lockstep_types::{Lots, Price, SpanMs, TimeMs, Usd};

/// Half spread of each layer in calm, ppm.
const HALF_SPREADS_PPM: [i64; 3] = [80, 350, 1_200];
/// Size of each layer, in USD.
const LAYER_USD: [i64; 3] = [40_000, 120_000, 300_000];
/// Milliseconds between two looks.
const PERIOD_MS: i64 = 1_000;
/// A layer is quoted again at the latest after this.
const QUIET_MS: [i64; 3] = [10_000, 20_000, 40_000];
/// A layer is quoted again when the index has moved by this part of its half spread.
const WRONG_PART: i64 = 2;
/// Milliseconds until quotes die with their maker's process.
const DEAD_MAN_MS: i64 = 120_000;
/// Position at which a maker leans by a half spread of its middle layer, USD.
const LEAN_USD: i64 = 1_000_000;
/// Added position beyond which a maker only reduces, USD.
const POSITION_USD_MAX: i64 = 6_000_000;
/// In so many looks a maker lays most of what it has added off elsewhere.
const LAY_OFF_LOOKS: i64 = 600;
/// Swing of a minute at which quotes have a quarter of their size, ppm.
const QUARTER_SIZE_SWING_PPM: i64 = 8_000;

/// A maker.
pub struct Maker {
    /// The number of its underlying.
    board: usize,
    /// When the dead-man switch is set again.
    next_switch_ms: i64,
    /// Positions that are hedged elsewhere, by place among its instruments; empty before its first
    /// turn.
    hedged: Vec<i64>,
    layers: [Quoted; 3],
}

/// When and on what a layer was quoted last.
#[derive(Clone, Copy, Debug, Default)]
struct Quoted {
    at_ms: i64,
    index: i64,
    /// Sum of positions, signed lots.
    held: i64,
}

impl Maker {
    /// A new one.
    pub fn new(number: u32, underlyings: usize) -> Self {
        Self {
            board: usize::try_from(number).unwrap_or(0) % underlyings.max(1),
            next_switch_ms: 0,
            hedged: Vec::new(),
            layers: [Quoted::default(); 3],
        }
    }

    /// The places of what it quotes: the perpetual and the futures.
    pub fn places(&self, market: &Market) -> Vec<usize> {
        let Some(board) = market.boards.get(self.board) else { return Vec::new() };
        [board.perpetual].into_iter().chain(board.futures.iter().copied()).collect()
    }

    /// Does what it wants to do before the next block; when it is due again.
    pub fn act(&mut self, turn: &mut Turn<'_>) -> i64 {
        let market = turn.market;
        let next_ms = market.now_ms + PERIOD_MS;
        let Some(board) = market.boards.get(self.board).filter(|board| board.index > 0) else {
            return next_ms;
        };
        let places = self.places(market);
        let quotes: Vec<Quote> = places.iter().map(|place| market.quotes[*place]).collect();
        let held: Vec<i64> = quotes.iter().map(|quote| turn.position(quote)).collect();
        if self.hedged.is_empty() {
            self.hedged.clone_from(&held);
            for group in 0..3 {
                turn.send(protection(group, board.id));
            }
        }
        for (hedged, held) in self.hedged.iter_mut().zip(&held) {
            *hedged += (held - *hedged) / LAY_OFF_LOOKS;
        }
        if market.now_ms >= self.next_switch_ms {
            self.next_switch_ms = market.now_ms + DEAD_MAN_MS / 4;
            turn.send(Command::ScheduleCancel { at: Some(TimeMs(market.now_ms + DEAD_MAN_MS)) });
        }
        for layer in 0..self.layers.len() {
            let group = GroupId(u8::try_from(layer).unwrap_or(0));
            if turn.is_frozen(board.id, group.0) {
                continue;
            }
            let now = Quoted { at_ms: market.now_ms, index: board.index, held: held.iter().sum() };
            let Some(moves) = self.moves(layer, &now, board.swing_ppm) else { continue };
            if moves == Moves::Far {
                let underlying = board.id;
                turn.send(Command::CancelAll(CancelScope::Group { underlying, group }));
            }
            let added = held.iter().zip(&self.hedged).map(|(held, hedged)| held - hedged);
            let quotes = quotes.iter().zip(added);
            let quotes =
                quotes.filter_map(|(quote, added)| layered(quote, layer, board.swing_ppm, added));
            if let Ok(quotes) = Bounded::new(quotes.collect()) {
                turn.send(Command::MassQuote { group, quotes });
                self.layers[layer] = now;
            }
        }
        next_ms
    }

    /// Whether a layer must be quoted again, and whether its quotes are in the way.
    fn moves(&self, layer: usize, now: &Quoted, swing_ppm: i64) -> Option<Moves> {
        let last = &self.layers[layer];
        let half = share(now.index, half_spread_ppm(layer, swing_ppm));
        let moved = (now.index - last.index).abs();
        let traded =
            (now.held - last.held).abs() > lots_for(layer_size(layer, swing_ppm) / 2, now.index);
        if moved > half {
            Some(Moves::Far)
        } else if moved > half / WRONG_PART || traded || now.at_ms >= last.at_ms + QUIET_MS[layer] {
            Some(Moves::Near)
        } else {
            None
        }
    }
}

/// How far the quotes of a layer are from where they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moves {
    /// Others' new quotes would not meet them.
    Near,
    /// They would.
    Far,
}

/// Half spread of a layer in ppm: wider when the index has moved much in the last minute.
fn half_spread_ppm(layer: usize, swing_ppm: i64) -> i64 {
    HALF_SPREADS_PPM[layer] + swing_ppm / 6
}

/// Size of a quote, micro-USD: much smaller then.
fn layer_size(layer: usize, swing_ppm: i64) -> i64 {
    let base = QUARTER_SIZE_SWING_PPM;
    // Twice, because what may happen before the next quote grows with the swing's square.
    let once = LAYER_USD[layer] * 1_000_000 / (base + swing_ppm) * base;
    once / (base + swing_ppm) * base
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

/// The quote of one layer, with what of the position is not hedged; `None` while there is no mark.
fn layered(quote: &Quote, layer: usize, swing_ppm: i64, position: i64) -> Option<command::Quote> {
    if quote.fair == 0 || quote.mark == 0 {
        return None;
    }
    let position_usd = i128::from(position) * i128::from(quote.mark) / 1_000_000_000;
    let position_usd = i64::try_from(position_usd).unwrap_or(i64::MAX);
    let lean_ppm =
        position_usd.clamp(-POSITION_USD_MAX, POSITION_USD_MAX) * HALF_SPREADS_PPM[1] / LEAN_USD;
    let fair = quote.fair - share(quote.fair, lean_ppm);
    let half = share(quote.fair, half_spread_ppm(layer, swing_ppm)).max(quote.tick);
    let lots = Lots(lots_for(layer_size(layer, swing_ppm), quote.mark));
    let bid = quote.floor(fair - half);
    let ask = quote.floor(fair + half + quote.tick).max(bid + quote.tick);
    let side = |price: i64, wanted: bool| wanted.then_some(QuoteSide { price: Price(price), lots });
    Some(command::Quote {
        instrument: quote.id,
        bid: side(bid, position_usd < POSITION_USD_MAX),
        ask: side(ask, position_usd > -POSITION_USD_MAX),
    })
}
