//! Clear books that run an order flow: the proof that both models mean the same price-time order.

use super::{ClearBook, Effect, NewOrder, Post, SelfTrade, TimeInForce};
use crate::flow::{Event, Header, Kind, Side, Tally};
use crate::measure::FlowMatcher;

/// One clear book for each symbol of a flow.
#[derive(Clone, Debug)]
pub struct ClearBooks {
    books: Vec<ClearBook>,
    price_ticks_max: u64,
}

impl ClearBooks {
    /// Empty books for the flow of this header.
    #[must_use]
    pub fn new(header: &Header) -> ClearBooks {
        let symbols = usize::try_from(header.symbols).unwrap_or(usize::MAX);
        let price_ticks_max = header.max_price_ticks.max(1);
        ClearBooks { books: vec![ClearBook::new(price_ticks_max); symbols], price_ticks_max }
    }

    /// A flow has no self-trade prevention, so every order is an account of its own. A market
    /// order accepts every tick.
    fn order(&self, event: &Event) -> NewOrder {
        let Event { side, order_id: id, qty_lots: lots, .. } = *event;
        let (price_ticks, time_in_force) = match (event.kind, side) {
            (Kind::Market, Side::Buy) => (self.price_ticks_max, TimeInForce::ImmediateOrCancel),
            (Kind::Market, Side::Sell) => (1, TimeInForce::ImmediateOrCancel),
            _ => (event.price_ticks, TimeInForce::GoodTilCancelled),
        };
        NewOrder {
            id,
            account: id,
            side,
            price_ticks,
            lots,
            display_lots: None,
            time_in_force,
            post: Post::No,
            self_trade: SelfTrade::CancelTaker,
        }
    }
}

impl FlowMatcher for ClearBooks {
    fn apply<T: Tally>(&mut self, event: &Event, tally: &mut T) {
        let order = self.order(event);
        let book = &mut self.books[usize::from(event.symbol)];
        let effects = match event.kind {
            Kind::Cancel => book.cancel(event.order_id),
            Kind::Limit | Kind::Market => book.add(order),
        };
        for effect in effects {
            if let Effect::Trade { maker, price_ticks, lots, .. } = effect {
                tally.trade(maker, price_ticks, lots);
            }
        }
    }

    fn resting(&self) -> (u64, u64) {
        let orders = self.books.iter().flat_map(ClearBook::dump);
        orders.fold((0, 0), |(orders, lots), order| (orders + 1, lots + order.remaining_lots()))
    }
}
