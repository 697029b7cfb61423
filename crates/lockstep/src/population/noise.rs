//! Noise: small orders of every kind at random, amends, cancels, and now and then a mistake.
//! The busier the market, the more of it: this is most of what a crowded block holds.

use super::agent::{Turn, lots_for, small};
use super::market::{Board, Quote, share};
use lockstep_sim::rng::Rng;
use lockstep_types::codec::Bounded;
use lockstep_types::command::{BatchItem, CancelScope, Command};
use lockstep_types::event::Accepted;
use lockstep_types::order::{
    Amend, Label, NewOrder, OrderTarget, PostOnly, SelfTrade, TimeInForce,
};
use lockstep_types::{Lots, Price, Side, TimeMs, Usd};

/// Milliseconds between two turns of the busiest agent in calm, on average.
const PERIOD_MS_MIN: u64 = 5_000;
/// So many more of the least busy.
const PERIOD_MS_SPREAD: u64 = 50_000;
/// Swing of the index in a minute by which haste grows by one, ppm.
const HASTE_SWING_PPM: i64 = 2_000;
/// Nobody is more than so many times as busy as in calm.
const HASTE_MAX: i64 = 7;

/// What a noise trader trades beside the perpetual.
#[derive(Clone, Copy, Debug)]
enum Favourite {
    Nothing,
    /// The future with this number, modulo how many there are.
    Future(usize),
    /// The option with this number, likewise.
    Option(usize),
}

/// A noise trader.
pub struct Noise {
    board: usize,
    /// The one future or option that it trades beside the perpetual, if it does: like people, it
    /// knows few things, so that it does not end with a position in everything.
    favourite: Favourite,
    period_ms: u64,
}

impl Noise {
    /// A new one, so many times slower than the usual.
    pub fn new(board: usize, pace: u32, rng: &mut Rng) -> Self {
        Self {
            board,
            favourite: match rng.below(10) {
                0..=2 => Favourite::Future(rng.below_usize(1_000)),
                3..=5 => Favourite::Option(rng.below_usize(1_000)),
                _ => Favourite::Nothing,
            },
            period_ms: (PERIOD_MS_MIN + rng.below(PERIOD_MS_SPREAD)) * u64::from(pace),
        }
    }

    /// Does what it wants to do before the next block; when it is due again.
    pub fn act(&mut self, turn: &mut Turn<'_>) -> i64 {
        let market = turn.market;
        let Some(board) = market.boards.get(self.board) else { return i64::MAX };
        let haste = (1 + board.swing_ppm / HASTE_SWING_PPM).min(HASTE_MAX);
        let haste = u64::try_from(haste).unwrap_or(1);
        // From when it was due, not from now: a slow chain does not slow people down.
        let next_ms = turn.due_ms + 300 + small(turn.rng, self.period_ms * 2 / haste);
        if board.index > 0
            && let Some(quote) = market.quotes.get(self.choose(board, turn.rng)).copied()
            && quote.mark > 0
        {
            self.something(turn, &quote, board.index);
        }
        next_ms
    }

    /// The place of what it trades this time.
    fn choose(&self, board: &Board, rng: &mut Rng) -> usize {
        let place = match self.favourite {
            Favourite::Future(draw) => board.futures.get(draw % board.futures.len().max(1)),
            Favourite::Option(draw) => {
                let count = board.options.iter().map(Vec::len).sum::<usize>();
                board.options.iter().flatten().nth(draw % count.max(1))
            }
            Favourite::Nothing => None,
        };
        place.copied().filter(|_| rng.one_in(2)).unwrap_or(board.perpetual)
    }

    fn something(&self, turn: &mut Turn<'_>, quote: &Quote, index: i64) {
        let side = if turn.rng.below(2) == 0 { Side::Buy } else { Side::Sell };
        let price = if quote.contract.is_option() { index } else { quote.mark };
        let lots = lots_for(turn.deposit / (4 + small(turn.rng, 30)), price);
        // Most of what a venue is sent rests and is changed or cancelled again.
        match turn.rng.below(1_000) {
            0..=59 => turn.take(quote, side, lots, 300, false),
            60..=74 => turn.place(NewOrder::market(quote.id, side, Lots(lots))),
            75..=374 => self.rest(turn, quote, side, lots),
            375..=454 => self.post(turn, quote, side, lots),
            455..=459 => turn.place(NewOrder {
                time_in_force: TimeInForce::FillOrKill,
                ..NewOrder::limit(quote.id, side, Lots(lots), near(quote, side, -600))
            }),
            460..=479 => turn.place(NewOrder {
                display: Some(Lots((lots / 4).max(1))),
                ..NewOrder::limit(quote.id, side, Lots(lots), near(quote, side, 300))
            }),
            480..=649 => self.amend(turn),
            650..=939 => self.cancel(turn),
            940..=954 => turn.send(Command::CancelAll(CancelScope::Instrument(quote.id))),
            955..=979 => turn.close(quote),
            980..=984 => self.pair(turn, quote, lots),
            985..=986 => turn.send(Command::Withdraw { amount: Usd(turn.deposit / 200) }),
            _ => self.mistake(turn, quote, side, lots),
        }
    }

    /// A resting order, with a name or an end.
    fn rest(&self, turn: &mut Turn<'_>, quote: &Quote, side: Side, lots: i64) {
        let away = 100 + small(turn.rng, 3_000);
        let mut order = NewOrder::limit(quote.id, side, Lots(lots), near(quote, side, away));
        order.self_trade = match turn.rng.below(3) {
            0 => SelfTrade::CancelTaker,
            1 => SelfTrade::CancelMaker,
            _ => SelfTrade::CancelBoth,
        };
        if turn.rng.below(16) == 0 {
            order.label = label(turn);
        } else {
            let until = turn.market.now_ms + 10_000 + small(turn.rng, 600_000);
            order.time_in_force = TimeInForce::GoodTil(TimeMs(until));
        }
        turn.place(order);
    }

    /// An order that must not take, at the touch or through it.
    fn post(&self, turn: &mut Turn<'_>, quote: &Quote, side: Side, lots: i64) {
        let post_only = if turn.rng.below(3) == 0 { PostOnly::Reject } else { PostOnly::Reprice };
        let away = small(turn.rng, 300) - 100;
        let price = near(quote, side, away);
        turn.place(NewOrder { post_only, ..NewOrder::limit(quote.id, side, Lots(lots), price) });
    }

    /// One of its orders.
    fn own(&self, turn: &mut Turn<'_>) -> Option<Accepted> {
        let place = turn.rng.below_usize(turn.orders().len());
        turn.orders().get(place).copied()
    }

    fn amend(&self, turn: &mut Turn<'_>) {
        let Some(order) = self.own(turn) else { return };
        let place = turn.market.place_of(order.instrument);
        let Some(quote) = place.and_then(|place| turn.market.quotes.get(place)).copied() else {
            return;
        };
        let away = 50 + small(turn.rng, 2_000);
        let price = turn.rng.one_in(2).then(|| near(&quote, order.side, away));
        let lots = price.is_none().then(|| Lots((order.lots.0 / 2).max(1)));
        let target = OrderTarget::Id(order.order);
        turn.send(Command::Amend(Amend { target, lots, price, trigger_price: None }));
    }

    /// One of its orders, or whatever has a name that may be in use.
    fn cancel(&self, turn: &mut Turn<'_>) {
        let target = match turn.rng.below(16) {
            0 => label(turn).map(OrderTarget::Label),
            _ => self.own(turn).map(|order| OrderTarget::Id(order.order)),
        };
        if let Some(target) = target {
            turn.send(Command::Cancel(target));
        }
    }

    /// Both sides in one batch.
    fn pair(&self, turn: &mut Turn<'_>, quote: &Quote, lots: i64) {
        let side = |side: Side| {
            BatchItem::Place(NewOrder::limit(quote.id, side, Lots(lots), near(quote, side, 900)))
        };
        if let Ok(items) = Bounded::new(vec![side(Side::Buy), side(Side::Sell)]) {
            turn.send(Command::Batch(items));
        }
    }

    /// What an exchange must refuse.
    fn mistake(&self, turn: &mut Turn<'_>, quote: &Quote, side: Side, lots: i64) {
        let order = NewOrder::limit(quote.id, side, Lots(lots), near(quote, side, 500));
        let wrong = match turn.rng.below(5) {
            0 => NewOrder { price: order.price.map(|price| Price(price.0 + 1)), ..order },
            1 => NewOrder { lots: Lots(0), ..order },
            2 => NewOrder { lots: Lots(lots.saturating_mul(1_000)), ..order },
            3 => NewOrder { price: Some(near(quote, side, -300_000)), ..order },
            _ => NewOrder { reduce_only: true, ..order },
        };
        turn.place(wrong);
    }
}

/// A price `away_ppm` on the passive side of the middle; negative: beyond it.
fn near(quote: &Quote, side: Side, away_ppm: i64) -> Price {
    let middle = quote.middle();
    let away = share(middle, away_ppm);
    Price(quote.floor(match side {
        Side::Buy => middle - away,
        Side::Sell => middle + away,
    }))
}

/// One of the few names that a noise trader uses, so that some are in use and some unknown.
fn label(turn: &mut Turn<'_>) -> Option<Label> {
    let names = ["first", "second", "third"];
    Label::new(names[turn.rng.below_usize(names.len())]).ok()
}
