//! The plain matcher: what an engineer writes first, from the standard library alone.
//!
//! A `BTreeMap` of price levels per side, a `VecDeque` of orders per level, a `HashMap` from order
//! id to its level. It knows limit, market and cancel, which is all that a [`crate::flow`] holds,
//! and is both the oracle of the generator and the "plain" row of the benchmark. Deliberately
//! absent: every flag of the venue; those are specified by [`crate::clear_book`].

use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::flow::{Event, Kind, Side, Tally};
use crate::measure::FlowMatcher;

#[cfg(test)]
mod tests;

#[derive(Clone, Copy, Debug)]
struct Resting {
    order_id: u64,
    lots: u64,
}

/// Price levels of one side; no level is empty.
type Levels = BTreeMap<u64, VecDeque<Resting>>;

#[derive(Clone, Debug, Default)]
struct Book {
    bids: Levels,
    asks: Levels,
}

impl Book {
    fn levels(&mut self, side: Side) -> &mut Levels {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }
}

/// One plain price-time book for each symbol.
#[derive(Clone, Debug, Default)]
pub struct PlainBooks {
    books: Vec<Book>,
    /// Side and price of every resting order of all symbols.
    live: HashMap<u64, (Side, u64)>,
}

impl PlainBooks {
    /// Empty books for the symbols `0..symbols`.
    #[must_use]
    pub fn new(symbols: u64) -> PlainBooks {
        let symbols = usize::try_from(symbols).unwrap_or(usize::MAX);
        PlainBooks { books: vec![Book::default(); symbols], live: HashMap::new() }
    }

    /// Takes from the other side what `event` crosses and returns the lots left.
    fn take<T: Tally>(&mut self, event: &Event, tally: &mut T) -> u64 {
        let book = &mut self.books[usize::from(event.symbol)];
        let mut lots_left = event.qty_lots;
        while lots_left > 0 {
            let best = match event.side {
                Side::Buy => book.asks.first_entry(),
                Side::Sell => book.bids.last_entry(),
            };
            let Some(mut level) = best else { break };
            let price = *level.key();
            if event.kind == Kind::Limit && !event.side.accepts(event.price_ticks, price) {
                break;
            }
            let queue = level.get_mut();
            while let Some(maker) = queue.front_mut().filter(|_| lots_left > 0) {
                let lots = lots_left.min(maker.lots);
                lots_left -= lots;
                maker.lots -= lots;
                tally.trade(maker.order_id, price, lots);
                if maker.lots == 0 {
                    self.live.remove(&maker.order_id);
                    queue.pop_front();
                }
            }
            if queue.is_empty() {
                level.remove();
            }
        }
        lots_left
    }

    /// Removes a resting order; an id that is not live changes nothing.
    fn cancel(&mut self, event: &Event) {
        let Some((side, price)) = self.live.remove(&event.order_id) else { return };
        let levels = self.books[usize::from(event.symbol)].levels(side);
        if let Some(queue) = levels.get_mut(&price) {
            // A search from the front: the honest cost of a queue without handles.
            if let Some(at) = queue.iter().position(|resting| resting.order_id == event.order_id) {
                queue.remove(at);
            }
            if queue.is_empty() {
                levels.remove(&price);
            }
        }
    }
}

impl FlowMatcher for PlainBooks {
    fn apply<T: Tally>(&mut self, event: &Event, tally: &mut T) {
        if event.kind == Kind::Cancel {
            return self.cancel(event);
        }
        let lots = self.take(event, tally);
        if lots > 0 && event.kind == Kind::Limit {
            let levels = self.books[usize::from(event.symbol)].levels(event.side);
            let order_id = event.order_id;
            levels.entry(event.price_ticks).or_default().push_back(Resting { order_id, lots });
            self.live.insert(order_id, (event.side, event.price_ticks));
        }
    }

    fn resting(&self) -> (u64, u64) {
        let levels =
            self.books.iter().flat_map(|book| book.bids.values().chain(book.asks.values()));
        levels.flatten().fold((0, 0), |(orders, lots), resting| (orders + 1, lots + resting.lots))
    }
}
