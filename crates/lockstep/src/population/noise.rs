//! Noise: small orders of every kind at random, amends, cancels, and now and then a mistake.

use super::agent::{Turn, lots_for, small};
use super::market::{Quote, share};
use lockstep_sim::rng::Rng;
use lockstep_types::codec::Bounded;
use lockstep_types::command::{BatchItem, CancelScope, Command};
use lockstep_types::order::{
    Amend, Label, NewOrder, OrderTarget, PostOnly, SelfTrade, TimeInForce,
};
use lockstep_types::{Lots, Price, Side, TimeMs, Usd};

/// Options of an expiry that one noise trader cares for: like people, it knows a few, so that it
/// does not end with a position in everything that is listed.
const FAVOURITES: usize = 3;

/// A noise trader.
pub struct Noise {
    board: usize,
    /// Where its favourites begin among the options of an expiry.
    taste: usize,
    next_ms: i64,
    period_ms: u64,
}

impl Noise {
    /// A new one; it begins after `start_ms`.
    pub fn new(board: usize, start_ms: i64, rng: &mut Rng) -> Self {
        Self {
            board,
            taste: rng.below_usize(1_000),
            next_ms: start_ms + 8_000 + small(rng, 30_000),
            period_ms: 4_000 + rng.below(40_000),
        }
    }

    /// Does what it wants to do before the next block.
    pub fn act(&mut self, turn: &mut Turn<'_>) {
        let market = turn.market;
        let Some(board) = market.boards.get(self.board) else { return };
        if market.now_ms < self.next_ms || board.index == 0 {
            return;
        }
        // Busier when the market moves.
        let hurry = 1 + u64::try_from(board.swing_ppm).unwrap_or(0) / 4_000;
        self.next_ms = market.now_ms + 500 + small(turn.rng, self.period_ms * 2 / hurry.min(8));
        let place = match turn.rng.below(10) {
            0..=5 => board.perpetual,
            6..=7 if !board.futures.is_empty() => {
                board.futures[turn.rng.below_usize(board.futures.len())]
            }
            _ if !board.options.is_empty() => {
                let series = &board.options[turn.rng.below_usize(board.options.len())];
                series[(self.taste + turn.rng.below_usize(FAVOURITES)) % series.len()]
            }
            _ => board.perpetual,
        };
        let Some(quote) = market.quotes.get(place).copied() else { return };
        if quote.mark > 0 {
            self.something(turn, &quote, board.index);
        }
    }

    fn something(&self, turn: &mut Turn<'_>, quote: &Quote, index: i64) {
        let side = if turn.rng.below(2) == 0 { Side::Buy } else { Side::Sell };
        let price = if quote.contract.is_option() { index } else { quote.mark };
        let lots = lots_for(turn.deposit / (4 + small(turn.rng, 30)), price);
        match turn.rng.below(40) {
            0..=9 => turn.take(quote, side, lots, 300, false),
            10..=11 => turn.place(NewOrder::market(quote.id, side, Lots(lots))),
            12..=19 => self.rest(turn, quote, side, lots),
            20..=22 => self.post(turn, quote, side, lots),
            23 => turn.place(NewOrder {
                time_in_force: TimeInForce::FillOrKill,
                ..NewOrder::limit(quote.id, side, Lots(lots), near(quote, side, -600))
            }),
            24..=25 => turn.place(NewOrder {
                display: Some(Lots((lots / 4).max(1))),
                ..NewOrder::limit(quote.id, side, Lots(lots), near(quote, side, 300))
            }),
            26 => self.amend(turn, quote, side),
            27 => {
                if let Some(label) = label(turn) {
                    turn.send(Command::Cancel(OrderTarget::Label(label)));
                }
            }
            28..=31 => turn.send(Command::CancelAll(CancelScope::Instrument(quote.id))),
            32..=35 => turn.close(quote),
            36 => self.pair(turn, quote, lots),
            37 => turn.send(Command::Withdraw { amount: Usd(turn.deposit / 100) }),
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
        if turn.rng.below(3) == 0 {
            order.label = label(turn);
        } else {
            let until = turn.market.now_ms + 10_000 + small(turn.rng, 600_000);
            order.time_in_force = TimeInForce::GoodTil(TimeMs(until));
        }
        turn.place(order);
    }

    /// An order that must not take, at the touch or through it.
    fn post(&self, turn: &mut Turn<'_>, quote: &Quote, side: Side, lots: i64) {
        let post_only = if turn.rng.below(2) == 0 { PostOnly::Reject } else { PostOnly::Reprice };
        let away = small(turn.rng, 300) - 150;
        let price = near(quote, side, away);
        turn.place(NewOrder { post_only, ..NewOrder::limit(quote.id, side, Lots(lots), price) });
    }

    fn amend(&self, turn: &mut Turn<'_>, quote: &Quote, side: Side) {
        let away = 50 + small(turn.rng, 2_000);
        let price = (turn.rng.below(2) == 0).then(|| near(quote, side, away));
        let lots = price.is_none().then(|| Lots(1 + small(turn.rng, 40)));
        let Some(target) = label(turn).map(OrderTarget::Label) else { return };
        turn.send(Command::Amend(Amend { target, lots, price, trigger_price: None }));
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
