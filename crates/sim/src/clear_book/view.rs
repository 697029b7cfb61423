//! What can be asked of a clear book, and the invariants that it asserts.

use super::{ClearBook, Levels, Order, Phase, Side};

/// A price level as seen from outside and inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Price in ticks.
    pub price_ticks: u64,
    /// Lots that everybody sees.
    pub visible_lots: u64,
    /// Lots that can trade, hidden ones included.
    pub total_lots: u64,
    /// Orders in the queue.
    pub orders: usize,
}

impl ClearBook {
    /// The best price of a side in ticks.
    #[must_use]
    pub fn best(&self, side: Side) -> Option<u64> {
        self.head(side).map(|order| order.price_ticks)
    }

    /// The highest bid in ticks.
    #[must_use]
    pub fn best_bid(&self) -> Option<u64> {
        self.best(Side::Buy)
    }

    /// The lowest ask in ticks.
    #[must_use]
    pub fn best_ask(&self) -> Option<u64> {
        self.best(Side::Sell)
    }

    /// The order of a side that trades next.
    #[must_use]
    pub fn head(&self, side: Side) -> Option<&Order> {
        self.orders(side).next()
    }

    /// The resting orders of a side in the order in which they trade.
    pub fn orders(&self, side: Side) -> impl Iterator<Item = &Order> {
        self.queues(side).flat_map(|(_, queue)| queue)
    }

    /// All resting orders, bids before asks, each side in the order in which it trades.
    #[must_use]
    pub fn dump(&self) -> Vec<Order> {
        self.orders(Side::Buy).chain(self.orders(Side::Sell)).cloned().collect()
    }

    /// A resting order by its id.
    #[must_use]
    pub fn order(&self, id: u64) -> Option<&Order> {
        let (side, price_ticks) = self.resting.get(&id)?;
        self.levels(*side).get(price_ticks)?.iter().find(|order| order.id == id)
    }

    /// Number of resting orders.
    #[must_use]
    pub fn orders_resting(&self) -> usize {
        self.resting.len()
    }

    /// The best `levels_max` levels of a side, best first.
    #[must_use]
    pub fn depth(&self, side: Side, levels_max: usize) -> Vec<Level> {
        let level = |(price_ticks, queue): (u64, &std::collections::VecDeque<Order>)| Level {
            price_ticks,
            visible_lots: queue.iter().map(|order| order.visible_lots).sum(),
            total_lots: queue.iter().map(Order::remaining_lots).sum(),
            orders: queue.len(),
        };
        self.queues(side).take(levels_max).map(level).collect()
    }

    /// Asserts the invariants of the opening comment of [`crate::clear_book`].
    pub fn assert_invariants(&self) {
        let mut orders = 0;
        for side in [Side::Buy, Side::Sell] {
            for (price_ticks, queue) in self.queues(side) {
                assert!(!queue.is_empty(), "no level is empty");
                orders += queue.len();
                for order in queue {
                    let place = self.resting.get(&order.id);
                    assert!(place == Some(&(side, price_ticks)), "the index names every order");
                    assert!(order.side == side, "an order rests on its side");
                    assert!(order.price_ticks == price_ticks, "an order rests at its price");
                    order.assert_invariants();
                }
            }
        }
        assert!(orders == self.resting.len(), "the index names only resting orders");
        if let (Phase::Continuous, Some(bid), Some(ask)) =
            (self.phase, self.best_bid(), self.best_ask())
        {
            assert!(bid < ask, "in continuous trading the book is not crossed");
        }
    }

    fn levels(&self, side: Side) -> &Levels {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    /// Price and queue of each level, best first.
    pub(super) fn queues(&self, side: Side) -> Queues<'_> {
        let levels = self.levels(side).iter().map(|(price_ticks, queue)| (*price_ticks, queue));
        match side {
            Side::Buy => Box::new(levels.rev()),
            Side::Sell => Box::new(levels),
        }
    }
}

pub(super) type Queues<'a> =
    Box<dyn Iterator<Item = (u64, &'a std::collections::VecDeque<Order>)> + 'a>;
