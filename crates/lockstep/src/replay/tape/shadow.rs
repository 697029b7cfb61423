//! The tape's own book, kept from its adds, cancels and modifies alone: what the venue published.
//!
//! Sizes are the tape's word. Places in the queue follow the venue's published rules: an order
//! keeps its place when only its size falls, and goes to the back when its price changes, its size
//! grows, or a hidden rest is shown. Deliberately absent: matching.

use super::plan::Plan;
use crate::series::tape::{Action, Side, TapeEvent};
use std::collections::BTreeMap;

/// An order as published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its side.
    pub side: Side,
    /// Its price, ticks.
    pub price_ticks: i64,
    /// Contracts shown.
    pub size: i64,
}

/// A level: whose side, and at what price in ticks.
pub type LevelAt = (Side, i64);

/// The book.
#[derive(Clone, Debug, Default)]
pub struct Shadow {
    orders: BTreeMap<i64, Shown>,
    bids: BTreeMap<i64, Vec<i64>>,
    asks: BTreeMap<i64, Vec<i64>>,
}

impl Shadow {
    /// An order, if it rests.
    pub fn order(&self, order: i64) -> Option<Shown> {
        self.orders.get(&order).copied()
    }

    /// How many orders rest.
    pub fn orders(&self) -> usize {
        self.orders.len()
    }

    /// The queue of a level: orders and what is shown of them.
    pub fn queue(&self, (side, price_ticks): LevelAt) -> Vec<(i64, i64)> {
        let queue = self.levels(side).and_then(|levels| levels.get(&price_ticks));
        let sized = |order: &i64| (*order, self.order(*order).map_or(0, |shown| shown.size));
        queue.map(|queue| queue.iter().map(sized).collect()).unwrap_or_default()
    }

    /// Every level of both sides.
    pub fn all_levels(&self) -> Vec<LevelAt> {
        let bids = self.bids.keys().map(|price| (Side::Bid, *price));
        bids.chain(self.asks.keys().map(|price| (Side::Ask, *price))).collect()
    }

    /// Best bid and best ask, ticks.
    pub fn touch(&self) -> (Option<i64>, Option<i64>) {
        (self.bids.keys().next_back().copied(), self.asks.keys().next().copied())
    }

    /// Applies a group and returns the levels that it touched.
    pub fn apply(&mut self, plan: &Plan) -> Vec<LevelAt> {
        let mut touched = Vec::new();
        for row in &plan.cancels {
            self.remove(row.order, &mut touched);
        }
        for taker in &plan.takers {
            for fill in &taker.fills {
                touched.extend(self.order(fill.order).map(|it| (it.side, it.price_ticks)));
            }
            if taker.rested {
                self.remove(taker.order, &mut touched);
            }
        }
        for row in &plan.echoes {
            match (row.action, self.order(row.order)) {
                (Action::Modify, Some(before)) => self.echo(plan, row, before, &mut touched),
                _ => self.remove(row.order, &mut touched),
            }
        }
        for taker in &plan.takers {
            if let Some((price_ticks, size)) = taker.rest {
                let shown = Shown { side: taker.side, price_ticks, size };
                self.insert(taker.order, shown, &mut touched);
            }
        }
        for row in &plan.changes {
            self.change(row, &mut touched);
        }
        touched.sort_unstable_by_key(|(side, price)| (*side == Side::Ask, *price));
        touched.dedup();
        touched
    }

    /// What a filled order has left.
    fn echo(&mut self, plan: &Plan, row: &TapeEvent, before: Shown, touched: &mut Vec<LevelAt>) {
        let left = before.size - plan.filled(row.order);
        if row.price_ticks == before.price_ticks && row.size == left {
            self.orders.insert(row.order, Shown { size: row.size, ..before });
            touched.push((before.side, before.price_ticks));
            return;
        }
        self.remove(row.order, touched);
        let shown = Shown { price_ticks: row.price_ticks, size: row.size, ..before };
        self.insert(row.order, shown, touched);
    }

    fn change(&mut self, row: &TapeEvent, touched: &mut Vec<LevelAt>) {
        let shown = Shown { side: row.side, price_ticks: row.price_ticks, size: row.size };
        if let Some(before) = self.order(row.order) {
            let is_less = row.size <= before.size;
            if row.price_ticks == before.price_ticks && is_less && row.side == before.side {
                self.orders.insert(row.order, shown);
                touched.push((row.side, row.price_ticks));
                return;
            }
            self.remove(row.order, touched);
        }
        self.insert(row.order, shown, touched);
    }

    /// Takes an order out; one that is not there is none of the book's business.
    pub fn remove(&mut self, order: i64, touched: &mut Vec<LevelAt>) {
        let Some(shown) = self.orders.remove(&order) else { return };
        touched.push((shown.side, shown.price_ticks));
        let Some(levels) = self.levels_mut(shown.side) else { return };
        if let Some(queue) = levels.get_mut(&shown.price_ticks) {
            queue.retain(|other| *other != order);
            if queue.is_empty() {
                levels.remove(&shown.price_ticks);
            }
        }
    }

    fn insert(&mut self, order: i64, shown: Shown, touched: &mut Vec<LevelAt>) {
        let Some(levels) = self.levels_mut(shown.side) else { return };
        levels.entry(shown.price_ticks).or_default().push(order);
        self.orders.insert(order, shown);
        touched.push((shown.side, shown.price_ticks));
    }

    fn levels(&self, side: Side) -> Option<&BTreeMap<i64, Vec<i64>>> {
        match side {
            Side::Bid => Some(&self.bids),
            Side::Ask => Some(&self.asks),
            Side::Neither => None,
        }
    }

    fn levels_mut(&mut self, side: Side) -> Option<&mut BTreeMap<i64, Vec<i64>>> {
        match side {
            Side::Bid => Some(&mut self.bids),
            Side::Ask => Some(&mut self.asks),
            Side::Neither => None,
        }
    }
}
