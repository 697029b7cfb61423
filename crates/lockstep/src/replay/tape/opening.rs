//! The opening auction of a tape, and how it went in the engine.

use super::Replay;
use super::plan::Plan;
use super::venue::{Entry, Uncrossing};
use crate::failure::Failure;
use crate::replay::tally::grouped;
use crate::report::{Column, Table};
use crate::series::tape::{Action, Side};
use lockstep_types::TimeMs;

/// The opening auction, on the tape and in the engine.
#[derive(Clone, Debug)]
pub struct Opening {
    time: TimeMs,
    tape: Uncrossing,
    engine: Uncrossing,
    unseen: u64,
    unseen_size: i64,
}

impl Replay<'_> {
    /// Ends the opening auction as the tape did.
    pub(super) fn open_market(&mut self, time: TimeMs, plan: &Plan) -> Result<(), Failure> {
        self.is_auction = false;
        let mut tape = Uncrossing::default();
        for row in &plan.sideless {
            match row.action {
                Action::Fill => *tape.fills.entry(row.order).or_default() += row.size,
                _ => {
                    tape.price_ticks = Some(row.price_ticks);
                    tape.size += row.size;
                }
            }
        }
        let bought: i64 = (tape.fills.iter())
            .filter(|(order, _)| self.shadow.order(**order).is_some_and(|it| it.side == Side::Bid))
            .map(|(_, size)| size)
            .sum();
        let unseen: Vec<(i64, i64)> = (tape.fills.iter())
            .filter(|(order, _)| self.shadow.order(**order).is_none())
            .map(|(order, size)| (*order, *size))
            .collect();
        self.enter_unseen(time, tape.size - bought, &unseen)?;
        let engine = self.venue.uncross(time)?;
        self.opening = Some(Opening {
            time,
            unseen: u64::try_from(unseen.len()).unwrap_or(u64::MAX),
            unseen_size: unseen.iter().map(|(_, size)| size).sum(),
            tape,
            engine,
        });
        Ok(())
    }

    /// Orders that traded in the auction and were never shown: market orders at the opening. Their
    /// sides are not on the tape; they are given out, largest first, so that `to_buy` is bought.
    fn enter_unseen(
        &mut self,
        time: TimeMs,
        mut to_buy: i64,
        unseen: &[(i64, i64)],
    ) -> Result<(), Failure> {
        let mut sorted = unseen.to_vec();
        sorted.sort_unstable_by_key(|(order, size)| (std::cmp::Reverse(*size), *order));
        let prices = self.shadow.all_levels();
        let prices = prices.iter().map(|(_, price)| *price);
        let (low, high) = (prices.clone().min().unwrap_or(1), prices.max().unwrap_or(1));
        self.venue.begin(time)?;
        self.venue.prepare()?;
        for (order, size) in sorted {
            let buys = size <= to_buy;
            to_buy -= if buys { size } else { 0 };
            let (side, price_ticks) =
                if buys { (Side::Bid, high + 1) } else { (Side::Ask, (low - 1).max(1)) };
            self.venue.enter(Entry {
                order,
                side,
                price_ticks,
                size,
                display: None,
                immediate: false,
            })?;
        }
        self.venue.end()
    }
}

impl Opening {
    /// The comparison as a table.
    pub fn table(&self) -> Table {
        let price = |side: &Uncrossing| match side.price_ticks {
            Some(ticks) => format!("{ticks} ticks"),
            None => "none".to_string(),
        };
        let orders = |side: &Uncrossing| grouped(u64::try_from(side.fills.len()).unwrap_or(0));
        let alike = (self.tape.fills.iter())
            .filter(|(order, size)| self.engine.fills.get(order) == Some(size))
            .count();
        let row = |what: &str, tape: String, engine: String| vec![what.to_string(), tape, engine];
        Table {
            title: format!("Opening auction, {}", self.time),
            note: format!(
                "The auction's trade has no side on the tape, and its fill rows name both sides. \
                 {} of these orders were never shown ({} contracts): market orders at the opening, \
                 entered with a limit that always trades, their sides chosen so that as much is \
                 bought as sold.",
                self.unseen, self.unseen_size
            ),
            columns: vec![Column::words(""), Column::numbers("tape"), Column::numbers("engine")],
            rows: vec![
                row("price", price(&self.tape), price(&self.engine)),
                row("contracts", self.tape.size.to_string(), self.engine.size.to_string()),
                row("orders filled", orders(&self.tape), orders(&self.engine)),
                row("orders filled alike", orders(&self.tape), alike.to_string()),
            ],
        }
    }
}
