//! What a group of a tape's rows meant as commands.
//!
//! Rows of one moment belong together. A trade row (`T`) tells of an incoming order and is followed
//! by a fill row (`F`) for each resting order that it met; the cancels and modifies behind them
//! (`C`, `M`) only take what was filled off the published book. From that the incoming orders are
//! inferred, which the tape does not show:
//!
//! - An incoming order is what its trade rows add up to. If it is added in the same group, that is
//!   its rest. If it was resting before, it was amended to a price that crosses; it is then also
//!   among the fill rows, and its own modify or cancel tells what is left.
//! - A cancel in a group with trades, of an order that was not filled, is the venue's self-match
//!   prevention: the resting order goes, the incoming one trades on behind it.
//! - Everything else is what it says.
//!
//! Deliberately absent: phases, and the engine.

use crate::series::tape::{Action, Side, TapeEvent};
use std::collections::{BTreeMap, BTreeSet};

/// A fill of a resting order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// The resting order.
    pub order: i64,
    /// At which price, ticks.
    pub price_ticks: i64,
    /// Contracts.
    pub size: i64,
}

/// An incoming order, as inferred.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taker {
    /// Its number on the tape.
    pub order: i64,
    /// Its side.
    pub side: Side,
    /// The worst price at which it traded: its limit was no better than that.
    pub worst_ticks: i64,
    /// What it traded, contracts.
    pub traded: i64,
    /// Whom it met.
    pub fills: Vec<Fill>,
    /// Price and size of what came to rest.
    pub rest: Option<(i64, i64)>,
    /// Whether it rested before and was amended.
    pub rested: bool,
}

/// What a group asks of a book, in the order in which a book must do it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Orders that leave unfilled.
    pub cancels: Vec<TapeEvent>,
    /// Whether they leave because of self-match prevention.
    pub is_self_match: bool,
    /// Incoming orders.
    pub takers: Vec<Taker>,
    /// Orders that come to rest, and orders that change, in the tape's order.
    pub changes: Vec<TapeEvent>,
    /// What the tape says that filled orders have left: an order's row, or its cancel.
    pub echoes: Vec<TapeEvent>,
    /// Fill rows of incoming orders themselves.
    pub own_fills: u64,
    /// Trade rows without a side, and their fills.
    pub sideless: Vec<TapeEvent>,
}

impl Plan {
    /// Reads a group; `rests` tells whether an order is in the book before it.
    pub fn of(rows: &[TapeEvent], rests: impl Fn(i64) -> bool) -> Self {
        let mut plan = Self::default();
        plan.take_trades(rows, &rests);
        let filled: BTreeSet<i64> = plan
            .takers
            .iter()
            .flat_map(|taker| taker.fills.iter())
            .map(|fill| fill.order)
            .chain(
                plan.sideless.iter().filter(|row| row.action == Action::Fill).map(|row| row.order),
            )
            .collect();
        let takers: BTreeMap<i64, usize> =
            (0..).zip(&plan.takers).map(|(at, taker)| (taker.order, at)).collect();
        for row in rows {
            let taker = takers.get(&row.order).copied();
            match row.action {
                Action::Trade | Action::Fill => {}
                Action::Add | Action::Modify => match taker {
                    Some(at) => plan.takers[at].rest = Some((row.price_ticks, row.size)),
                    None if row.action == Action::Modify && filled.contains(&row.order) => {
                        plan.echoes.push(*row);
                    }
                    None => plan.changes.push(*row),
                },
                Action::Cancel if taker.is_some() => {}
                Action::Cancel if filled.contains(&row.order) => plan.echoes.push(*row),
                Action::Cancel => plan.cancels.push(*row),
            }
        }
        // Without trades, several rows at one moment are an order that would have met its own
        // firm's: those go, and it rests.
        plan.is_self_match = !plan.takers.is_empty() || rows.len() > 1;
        plan
    }

    /// Contracts of a resting order that were filled.
    pub fn filled(&self, order: i64) -> i64 {
        let fills = self.takers.iter().flat_map(|taker| taker.fills.iter());
        let driven: i64 = fills.filter(|fill| fill.order == order).map(|fill| fill.size).sum();
        let rows = self.sideless.iter().filter(|row| row.action == Action::Fill);
        driven + rows.filter(|row| row.order == order).map(|row| row.size).sum::<i64>()
    }

    fn take_trades(&mut self, rows: &[TapeEvent], rests: &impl Fn(i64) -> bool) {
        let mut current: Option<usize> = None;
        let mut is_sideless = false;
        for row in rows {
            match row.action {
                Action::Trade if row.side == Side::Neither => {
                    is_sideless = true;
                    self.sideless.push(*row);
                }
                Action::Trade => {
                    is_sideless = false;
                    let known = self.takers.iter().position(|taker| taker.order == row.order);
                    let at = known.unwrap_or_else(|| {
                        self.takers.push(Taker {
                            order: row.order,
                            side: row.side,
                            worst_ticks: row.price_ticks,
                            traded: 0,
                            fills: Vec::new(),
                            rest: None,
                            rested: rests(row.order),
                        });
                        self.takers.len() - 1
                    });
                    self.takers[at].worst_ticks = row.price_ticks;
                    self.takers[at].traded += row.size;
                    current = Some(at);
                }
                Action::Fill if is_sideless => self.sideless.push(*row),
                Action::Fill => match current {
                    Some(at) if self.takers[at].order == row.order => self.own_fills += 1,
                    Some(at) => self.takers[at].fills.push(Fill {
                        order: row.order,
                        price_ticks: row.price_ticks,
                        size: row.size,
                    }),
                    // A fill without its trade: nobody to drive it with.
                    None => self.sideless.push(*row),
                },
                _ => {}
            }
        }
    }
}
