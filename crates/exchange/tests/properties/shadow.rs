//! Books rebuilt from events alone, which is what a client of the feed does.
//!
//! Every event is checked against them as it comes: a trade meets the oldest order of the best
//! level at its price (M1), nobody trades with himself (M5), an order that is cancelled, amended or
//! refreshed is as the books know it. So events are enough to know every book, and what they tell
//! is price-time priority.

use lockstep_exchange::Exchange;
use lockstep_exchange::state::key::{LeafKey, Only, Slot};
use lockstep_exchange::state::leaves::{
    Instrument, Level, NONE, Order, QueuePlace, Totals, Underlying,
};
use lockstep_types::codec::Decode;
use lockstep_types::command::Phase;
use lockstep_types::event::{Event, Trade, TradeKind};
use lockstep_types::ids::{AccountId, InstrumentId, OrderId};
use lockstep_types::order::Side;
use lockstep_types::units::Price;
use std::collections::{BTreeMap, VecDeque};

/// An order as its events tell of it.
#[derive(Clone, Debug)]
struct Known {
    account: AccountId,
    instrument: InstrumentId,
    side: Side,
    price: Price,
    left: i64,
    visible: i64,
    booked: bool,
}

/// All books, and the orders that are in none.
#[derive(Clone, Debug, Default)]
pub struct Shadow {
    orders: BTreeMap<OrderId, Known>,
    /// Levels of each side, by price: orders, oldest first.
    levels: BTreeMap<(InstrumentId, Side), BTreeMap<Price, VecDeque<OrderId>>>,
}

impl Shadow {
    fn known(&mut self, id: OrderId) -> &mut Known {
        self.orders.get_mut(&id).unwrap_or_else(|| panic!("order {id} was never accepted"))
    }

    /// The order that trades first on a side.
    fn front(&self, instrument: InstrumentId, side: Side) -> Option<OrderId> {
        let levels = self.levels.get(&(instrument, side))?;
        let best = match side {
            Side::Buy => levels.last_key_value(),
            Side::Sell => levels.first_key_value(),
        };
        best.and_then(|(_, queue)| queue.front().copied())
    }

    fn join(&mut self, id: OrderId) {
        let order = self.known(id);
        assert!(!order.booked, "order {id} is booked once");
        order.booked = true;
        let (at, price) = ((order.instrument, order.side), order.price);
        self.levels.entry(at).or_default().entry(price).or_default().push_back(id);
    }

    fn leave(&mut self, id: OrderId) {
        let order = self.known(id);
        if !std::mem::take(&mut order.booked) {
            return;
        }
        let (at, price) = ((order.instrument, order.side), order.price);
        let levels = self.levels.get_mut(&at).unwrap();
        let queue = levels.get_mut(&price).unwrap();
        queue.retain(|other| *other != id);
        if queue.is_empty() {
            levels.remove(&price);
        }
    }

    /// Takes what an event tells.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Accepted(accepted) => {
                let order = Known {
                    account: accepted.account,
                    instrument: accepted.instrument,
                    side: accepted.side,
                    price: accepted.price,
                    left: accepted.lots.0,
                    visible: 0,
                    booked: false,
                };
                assert!(order.left > 0, "an accepted order has lots");
                let before = self.orders.insert(accepted.order, order);
                assert!(before.is_none(), "order {} is accepted once", accepted.order);
            }
            Event::Booked { order, lots, visible } => {
                let known = self.known(*order);
                assert_eq!(known.left, lots.0, "what rests of {order} is what did not trade");
                known.visible = visible.0;
                assert!(visible.0 > 0 && visible.0 <= lots.0, "a booked order shows lots");
                self.join(*order);
            }
            Event::Trade(trade) => self.trade(trade),
            Event::Refreshed { order, visible } => {
                let known = self.known(*order);
                assert!(known.visible == 0 && known.left > 0, "{order} hides all that is left");
                assert!(visible.0 > 0 && visible.0 <= known.left);
                known.visible = visible.0;
                self.leave(*order);
                self.join(*order);
            }
            Event::Amended { order, price, lots, kept_priority } => {
                if !kept_priority {
                    self.leave(*order);
                }
                let known = self.known(*order);
                assert!(!known.booked || known.price == *price, "another price loses the place");
                assert!(!known.booked || lots.0 <= known.left, "a larger amount does, too");
                known.price = *price;
                known.left = lots.0;
                known.visible = known.visible.min(lots.0);
            }
            Event::Cancelled { order, account, lots, .. } => {
                self.leave(*order);
                let known = self.orders.remove(order);
                let known = known.unwrap_or_else(|| panic!("order {order} ends, but was not open"));
                assert_eq!((known.account, known.left), (*account, lots.0), "as {order} was");
            }
            _ => {}
        }
    }

    fn trade(&mut self, trade: &Trade) {
        assert!(trade.lots.0 > 0 && trade.taker != trade.maker, "{trade:?}");
        // No book made these.
        let kinds = [TradeKind::Block, TradeKind::Backstop, TradeKind::Deleverage];
        if kinds.contains(&trade.kind) {
            assert_eq!((trade.maker_order, trade.taker_order), (OrderId(0), OrderId(0)));
            return;
        }
        let maker_side = trade.taker_side.opposite();
        let front = self.front(trade.instrument, maker_side);
        assert_eq!(front, Some(trade.maker_order), "the best and oldest trades: {trade:?}");
        let maker = self.known(trade.maker_order);
        assert!(trade.lots.0 <= maker.visible, "what is shown trades: {trade:?}");
        assert_eq!(maker.account, trade.maker);
        let within = |side: Side, limit: Price| match side {
            Side::Buy => trade.price <= limit,
            Side::Sell => trade.price >= limit,
        };
        assert!(within(maker_side, maker.price), "no worse than the maker's limit: {trade:?}");
        if trade.kind == TradeKind::Auction {
            let front = self.front(trade.instrument, trade.taker_side);
            assert_eq!(front, Some(trade.taker_order), "in an auction on both sides: {trade:?}");
        } else {
            assert_eq!(maker.price, trade.price, "at the resting price (M1): {trade:?}");
        }
        self.fill(trade.maker_order, trade.lots.0);
        if let Some(taker) = self.orders.get(&trade.taker_order) {
            assert_eq!((taker.account, taker.side), (trade.taker, trade.taker_side));
            assert!(within(taker.side, taker.price), "within the taker's limit: {trade:?}");
            self.fill(trade.taker_order, trade.lots.0);
        } else {
            assert_eq!(trade.kind, TradeKind::Liquidation, "a taker was accepted: {trade:?}");
        }
    }

    fn fill(&mut self, id: OrderId, lots: i64) {
        let order = self.known(id);
        assert!(lots <= order.left, "order {id} trades what it has");
        order.left -= lots;
        if order.booked {
            order.visible -= lots;
        }
        if order.left == 0 {
            self.leave(id);
            self.orders.remove(&id);
        }
    }

    /// Compares with the books as the leaves have them.
    pub fn compare(&self, exchange: &Exchange) {
        let mut open = 0;
        let mut places = BTreeMap::new();
        exchange.each_leaf(&mut |key, value| match key {
            LeafKey::Order(_) => {
                let order = Order::from_bytes(&value).unwrap();
                let known = self.orders.get(&order.id);
                let known = known.unwrap_or_else(|| panic!("no event told of {order:?}"));
                open += 1;
                assert_eq!(i64::from(order.left), known.left, "{order:?}");
                assert_eq!((order.price, order.asleep), (known.price, !known.booked), "{order:?}");
                assert!(order.asleep || i64::from(order.visible) == known.visible, "{order:?}");
            }
            LeafKey::Place(key) => {
                places.insert(key.0.0, QueuePlace::from_bytes(&value).unwrap());
            }
            _ => {}
        });
        assert_eq!(open, self.orders.len(), "every order that events left open has a leaf");
        let mut levels = 0;
        exchange.each_leaf(&mut |key, value| {
            let LeafKey::Level(key) = key else { return };
            levels += 1;
            let level = Level::from_bytes(&value).unwrap();
            let (mut slot, mut queue) = (level.head, VecDeque::new());
            let mut price = Price::ZERO;
            while slot != NONE {
                let order: Order = leaf(exchange, LeafKey::Order(Slot(slot)));
                price = order.price;
                queue.push_back(order.id);
                slot = places[&slot].next;
            }
            let side = self.levels.get(&(key.instrument, key.side));
            let known = side.and_then(|levels| levels.get(&price));
            assert_eq!(known, Some(&queue), "the queue at {key:?}");
        });
        let known: usize = self.levels.values().map(BTreeMap::len).sum();
        assert_eq!(levels, known, "no level is missing");
    }

    /// No book that trades is crossed (C3). What has expired trades no more.
    pub fn check_uncrossed(&self, exchange: &Exchange) {
        let totals: Totals = leaf(exchange, LeafKey::Totals(Only));
        exchange.each_leaf(&mut |key, value| {
            let LeafKey::Instrument(id) = key else { return };
            let instrument = Instrument::from_bytes(&value).unwrap();
            let underlying: Underlying = leaf(exchange, LeafKey::Underlying(instrument.underlying));
            let own = underlying.phase.max(underlying.pace);
            let phase = totals.phase.max(own).max(instrument.phase);
            let expired = instrument.contract.expiry().is_some_and(|expiry| expiry <= totals.time);
            if phase > Phase::ReduceOnly || expired {
                return;
            }
            let price = |side| self.front(id, side).map(|order| self.orders[&order].price);
            if let (Some(bid), Some(ask)) = (price(Side::Buy), price(Side::Sell)) {
                assert!(bid < ask, "crossed: {id} at {bid} and {ask}");
            }
        });
    }
}

fn leaf<T: Decode>(exchange: &Exchange, key: LeafKey) -> T {
    let bytes = exchange.leaf(key).unwrap_or_else(|| panic!("{key:?} is there"));
    T::from_bytes(&bytes).unwrap_or_else(|error| panic!("{key:?}: {error}"))
}
