//! Traders with leverage: longs and shorts that hold, add and panic, and longs that place stops.

use super::agent::{Turn, lots_for, small, tenths_of};
use super::market::{Market, Quote, share};
use super::opening::Wish;
use lockstep_sim::rng::Rng;
use lockstep_types::codec::Bounded;
use lockstep_types::command::{Command, LinkKind};
use lockstep_types::order::{NewOrder, Trigger, TriggerKind, TriggerSource};
use lockstep_types::{Lots, Price, Side, TimeMs};

/// How far an addition reaches beyond the touch, ppm.
const REACH_PPM: i64 = 500;

/// What a trader does with a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Habit {
    /// Keeps it, whatever happens.
    Hold,
    /// Adds once when the price has gone against it.
    Add,
    /// Closes at market when it has lost as much of its entry price, ppm.
    Panic(i64),
    /// Closes when it has won as much, ppm.
    Profit(i64),
    /// Places a stop so far from its entry, ppm.
    Stop(i64),
    /// Places a trailing stop at this distance, ppm.
    Trail(i64),
    /// Places a stop and a take that cancel each other, ppm.
    Bracket(i64, i64),
}

/// A trader.
pub struct Trader {
    side: Side,
    board: usize,
    /// Deposit times this is the position, tenths.
    leverage_tenths: i64,
    habit: Habit,
    /// Whether it trades a dated future instead of the perpetual.
    is_dated: bool,
    period_ms: i64,
    /// Mark at the opening; 0 before it.
    entry_price: i64,
    is_done: bool,
}

impl Trader {
    /// A new one.
    pub fn new(side: Side, stops: bool, board: usize, rng: &mut Rng) -> Self {
        let habit = match (stops, rng.below(10)) {
            (true, 0..=4) => Habit::Stop(8_000 + small(rng, 60_000)),
            (true, 5..=7) => Habit::Trail(10_000 + small(rng, 50_000)),
            (true, _) => Habit::Bracket(10_000 + small(rng, 50_000), 5_000 + small(rng, 30_000)),
            (false, 0..=4) => Habit::Hold,
            (false, 5) => Habit::Add,
            (false, 6..=8) => Habit::Panic(15_000 + small(rng, 80_000)),
            (false, _) => Habit::Profit(10_000 + small(rng, 60_000)),
        };
        // From little leverage to nearly all that the venue gives.
        let leverage_tenths = match rng.below(10) {
            0..=2 => 10 + small(rng, 30),
            3..=5 => 40 + small(rng, 50),
            _ => 90 + small(rng, 50),
        };
        Self {
            side,
            board,
            leverage_tenths,
            habit,
            is_dated: rng.below(8) == 0,
            period_ms: 2_000 + small(rng, 8_000),
            entry_price: 0,
            is_done: false,
        }
    }

    /// The place of what it trades.
    fn place(&self, market: &Market) -> Option<usize> {
        let board = market.boards.get(self.board)?;
        match (self.is_dated, board.futures.first()) {
            (true, Some(future)) => Some(*future),
            _ => Some(board.perpetual),
        }
    }

    /// What it would like to hold when the market opens.
    pub fn wish(&mut self, market: &Market, deposit: i64) -> Wish {
        let Some(place) = self.place(market) else { return Wish::new() };
        self.entry_price = market.quotes[place].mark;
        let lots = lots_for(tenths_of(deposit, self.leverage_tenths), self.entry_price);
        vec![(place, self.side.signed(Lots(lots)).0)]
    }

    /// Does what it wants to do before the next block; when it is due again, if ever.
    pub fn act(&mut self, turn: &mut Turn<'_>) -> Option<i64> {
        let market = turn.market;
        let quote = *market.quotes.get(self.place(market)?)?;
        let position = turn.position(&quote);
        // Closed, stopped or liquidated; or margin refused it.
        if position == 0 || self.entry_price == 0 {
            return None;
        }
        self.mind(turn, &quote, position);
        (!self.is_done).then_some(market.now_ms + self.period_ms)
    }

    /// Looks after a position.
    fn mind(&mut self, turn: &mut Turn<'_>, quote: &Quote, position: i64) {
        let won = match self.side {
            Side::Buy => quote.mark - self.entry_price,
            Side::Sell => self.entry_price - quote.mark,
        };
        let out = Side::opposite(self.side);
        let lots = Lots(position.abs());
        match self.habit {
            Habit::Hold => self.is_done = true,
            Habit::Add if won < -share(self.entry_price, 20_000) => {
                turn.take(quote, self.side, (lots.0 / 3).max(1), REACH_PPM, false);
                self.is_done = true;
            }
            Habit::Panic(ppm) if won < -share(self.entry_price, ppm) => turn.close(quote),
            Habit::Profit(ppm) if won > share(self.entry_price, ppm) => turn.close(quote),
            Habit::Add | Habit::Panic(_) | Habit::Profit(_) => {}
            Habit::Stop(ppm) => {
                let price = quote.floor(self.entry_price - share(self.entry_price, ppm));
                turn.place(stop(quote, out, lots, price, source(turn.number)));
                self.is_done = true;
            }
            Habit::Trail(ppm) => {
                let offset = quote.floor(share(quote.mark, ppm));
                let kind = TriggerKind::Trailing { offset: Price(offset) };
                turn.place(sleeping(quote, out, lots, TriggerSource::Mark, kind));
                self.is_done = true;
            }
            Habit::Bracket(loss, gain) => {
                let low = quote.floor(self.entry_price - share(self.entry_price, loss));
                let high = quote.floor(self.entry_price + share(self.entry_price, gain));
                let take = TriggerKind::Take { price: Price(high) };
                let orders = vec![
                    stop(quote, out, lots, low, TriggerSource::Mark),
                    sleeping(quote, out, lots, TriggerSource::Last, take),
                ];
                if let Ok(orders) = Bounded::new(orders) {
                    let kind = LinkKind::OneCancelsOther;
                    turn.send(Command::PlaceLinked { kind, orders });
                }
                // The dead-man switch is for who quotes; a bracket must outlive its owner's line.
                turn.send(Command::ScheduleCancel { at: None::<TimeMs> });
                self.is_done = true;
            }
        }
    }
}

/// Which price a trader's stop watches.
fn source(number: u32) -> TriggerSource {
    match number % 3 {
        0 => TriggerSource::Index,
        1 => TriggerSource::Mark,
        _ => TriggerSource::Last,
    }
}

fn stop(quote: &Quote, side: Side, lots: Lots, price: i64, source: TriggerSource) -> NewOrder {
    sleeping(quote, side, lots, source, TriggerKind::Stop { price: Price(price) })
}

/// A market order that sleeps and may only reduce.
fn sleeping(
    quote: &Quote,
    side: Side,
    lots: Lots,
    source: TriggerSource,
    kind: TriggerKind,
) -> NewOrder {
    NewOrder {
        reduce_only: true,
        trigger: Some(Trigger { source, kind }),
        ..NewOrder::market(quote.id, side, lots)
    }
}
