//! Each rule of the book, then properties over seeded command streams.

mod amending;
mod auction;
mod entering;
mod matching;
mod properties;
mod self_trade;

use super::{
    Amendment, CancelReason, ClearBook, Effect, NewOrder, Post, RejectReason, SelfTrade, Side,
    TimeInForce,
};

const PRICE_TICKS_MAX: u64 = 1_000;

fn book() -> ClearBook {
    ClearBook::new(PRICE_TICKS_MAX)
}

/// A book to which the orders were added, none of them refused.
fn book_of(orders: &[NewOrder]) -> ClearBook {
    let mut book = book();
    for order in orders {
        let effects = book.add(*order);
        assert!(!effects.iter().any(|effect| matches!(effect, Effect::Rejected { .. })));
    }
    book
}

/// A plain order; each has an account of its own unless the test says otherwise.
fn order(id: u64, side: Side, price_ticks: u64, lots: u64) -> NewOrder {
    NewOrder {
        id,
        account: 1_000 + id,
        side,
        price_ticks,
        lots,
        display_lots: None,
        time_in_force: TimeInForce::GoodTilCancelled,
        post: Post::No,
        self_trade: SelfTrade::CancelTaker,
    }
}

fn buy(id: u64, price_ticks: u64, lots: u64) -> NewOrder {
    order(id, Side::Buy, price_ticks, lots)
}

fn sell(id: u64, price_ticks: u64, lots: u64) -> NewOrder {
    order(id, Side::Sell, price_ticks, lots)
}

impl NewOrder {
    fn of(self, account: u64) -> NewOrder {
        NewOrder { account, ..self }
    }

    fn showing(self, lots: u64) -> NewOrder {
        NewOrder { display_lots: Some(lots), ..self }
    }

    fn in_force(self, time_in_force: TimeInForce) -> NewOrder {
        NewOrder { time_in_force, ..self }
    }

    fn fill_or_kill(self) -> NewOrder {
        self.in_force(TimeInForce::FillOrKill)
    }

    fn immediate(self) -> NewOrder {
        self.in_force(TimeInForce::ImmediateOrCancel)
    }

    fn posting(self, post: Post) -> NewOrder {
        NewOrder { post, ..self }
    }

    fn preventing(self, self_trade: SelfTrade) -> NewOrder {
        NewOrder { self_trade, ..self }
    }
}

fn amendment(id: u64, price_ticks: u64, total_lots: u64) -> Amendment {
    Amendment { id, total_lots, price_ticks }
}

fn trade(maker: u64, taker: u64, price_ticks: u64, lots: u64) -> Effect {
    Effect::Trade { maker, taker, price_ticks, lots }
}

fn booked(id: u64, price_ticks: u64, lots: u64) -> Effect {
    Effect::Booked { id, price_ticks, lots, visible_lots: lots }
}

fn amended(id: u64, price_ticks: u64, total_lots: u64, keeps_priority: bool) -> Effect {
    Effect::Amended { id, price_ticks, total_lots, keeps_priority }
}

fn cancelled(id: u64, lots: u64, reason: CancelReason) -> Effect {
    Effect::Cancelled { id, lots, reason }
}

fn rejected(id: u64, reason: RejectReason) -> Effect {
    Effect::Rejected { id, reason }
}

/// Ids of the resting orders, bids before asks, in the order in which they trade.
fn ids(book: &ClearBook) -> Vec<u64> {
    book.assert_invariants();
    book.dump().iter().map(|order| order.id).collect()
}

/// (id, visible lots, lots that have not filled) in the order of trading.
fn slices(book: &ClearBook) -> Vec<(u64, u64, u64)> {
    book.assert_invariants();
    book.dump().iter().map(|order| (order.id, order.visible_lots, order.remaining_lots())).collect()
}
