//! Seeded commands that exercise every flag of a book, for differential and property tests.
//!
//! The stream does not look at a book, so a fast and a clear one are given the same commands. It
//! remembers what it sent and aims: few ticks, few accounts and recent ids, so that orders cross,
//! meet their own account, are amended while partly filled and named when they are gone.
//! Deliberately absent: realistic sizes and rates; [`crate::flow`] has those.

#[cfg(test)]
mod tests;

use crate::clear_book::{Amendment, Command, NewOrder, Post, SelfTrade, Side, TimeInForce};
use crate::rng::Rng;

/// Recent orders that cancels and amendments choose from.
const RECENT_MAX: usize = 48;

/// What a [`BookCommands`] stream draws from. One in zero is never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookShape {
    /// Accounts, from 1; at least 1.
    pub accounts: u64,
    /// Ticks of the book are `1..=price_ticks_max`.
    pub price_ticks_max: u64,
    /// Prices are around this tick.
    pub mid_ticks: u64,
    /// Most ticks between a price and the mid.
    pub spread_ticks: u64,
    /// Largest order.
    pub lots_max: u64,
    /// One order in so many is an iceberg.
    pub iceberg_one_in: u64,
    /// One order in so many has a post flag.
    pub post_one_in: u64,
    /// One order in so many is immediate-or-cancel, and as many fill-or-kill.
    pub immediate_one_in: u64,
    /// One command in so many starts an auction, of about 20 commands.
    pub auction_one_in: u64,
    /// One command in so many has a field that must be refused.
    pub bad_one_in: u64,
}

impl BookShape {
    /// Everything at once, crowded.
    #[must_use]
    pub fn crowded() -> BookShape {
        BookShape {
            accounts: 5,
            price_ticks_max: 1_000,
            mid_ticks: 100,
            spread_ticks: 6,
            lots_max: 20,
            iceberg_one_in: 4,
            post_one_in: 6,
            immediate_one_in: 8,
            auction_one_in: 150,
            bad_one_in: 40,
        }
    }

    /// Crowded at the lowest ticks, where re-pricing and crossing meet the end of the book.
    #[must_use]
    pub fn at_the_floor() -> BookShape {
        BookShape { price_ticks_max: 5, mid_ticks: 3, spread_ticks: 2, ..BookShape::crowded() }
    }

    /// Limit orders of many accounts over many levels, with amendments and cancels.
    #[must_use]
    pub fn plain() -> BookShape {
        BookShape {
            accounts: 1_000,
            spread_ticks: 40,
            iceberg_one_in: 0,
            post_one_in: 0,
            immediate_one_in: 0,
            auction_one_in: 0,
            bad_one_in: 0,
            ..BookShape::crowded()
        }
    }
}

/// An endless stream of commands for one book; a function of seed and shape.
#[derive(Clone, Debug)]
pub struct BookCommands {
    rng: Rng,
    shape: BookShape,
    ids: u64,
    in_auction: bool,
    /// Recent orders as sent or last amended.
    recent: Vec<Amendment>,
}

impl BookCommands {
    /// The stream of a seed.
    #[must_use]
    pub fn new(seed: u64, shape: BookShape) -> BookCommands {
        BookCommands { rng: Rng::new(seed), shape, ids: 0, in_auction: false, recent: Vec::new() }
    }

    fn draw(&mut self) -> Command {
        if self.in_auction && self.rng.one_in(20) {
            self.in_auction = false;
            return Command::Uncross { reference_ticks: self.price() };
        }
        if !self.in_auction && self.rng.one_in(self.shape.auction_one_in) {
            self.in_auction = true;
            return Command::StartAuction;
        }
        match self.rng.below(100) {
            0..58 => self.add(),
            58..80 => self.amend(),
            _ => Command::Cancel { id: self.recent_order().id },
        }
    }

    fn add(&mut self) -> Command {
        let shape = self.shape;
        let side = if self.rng.below(2) == 0 { Side::Buy } else { Side::Sell };
        let time_in_force = if self.rng.one_in(shape.immediate_one_in) {
            TimeInForce::ImmediateOrCancel
        } else if self.rng.one_in(shape.immediate_one_in) {
            TimeInForce::FillOrKill
        } else {
            TimeInForce::GoodTilCancelled
        };
        let post = match (self.rng.one_in(shape.post_one_in), self.rng.below(2)) {
            (false, _) => Post::No,
            (true, 0) => Post::Reject,
            (true, _) => Post::Reprice,
        };
        let self_trade = match self.rng.below(3) {
            0 => SelfTrade::CancelTaker,
            1 => SelfTrade::CancelMaker,
            _ => SelfTrade::CancelBoth,
        };
        let iceberg = self.rng.one_in(shape.iceberg_one_in);
        let mut order = NewOrder {
            id: self.ids + 1,
            account: 1 + self.rng.below(shape.accounts),
            side,
            price_ticks: self.price(),
            lots: 1 + self.rng.below(shape.lots_max),
            display_lots: iceberg.then(|| 1 + self.rng.below(6)),
            time_in_force,
            post,
            self_trade,
        };
        if self.rng.one_in(shape.bad_one_in) {
            self.spoil(&mut order);
        }
        self.ids = self.ids.max(order.id);
        self.remember(Amendment {
            id: order.id,
            total_lots: order.lots,
            price_ticks: order.price_ticks,
        });
        Command::Add(order)
    }

    /// Makes one field one that a book may have to refuse.
    fn spoil(&mut self, order: &mut NewOrder) {
        match self.rng.below(5) {
            0 => order.price_ticks = 0,
            1 => order.price_ticks = self.shape.price_ticks_max + 1,
            2 => order.lots = 0,
            3 => order.display_lots = Some(0),
            _ => order.id = self.recent_order().id.max(1),
        }
    }

    fn amend(&mut self) -> Command {
        let mut amendment = self.recent_order();
        let lots_max = self.shape.lots_max;
        match self.rng.below(4) {
            0 => {}
            1 => amendment.total_lots += 1 + self.rng.below(lots_max),
            _ => amendment.total_lots = self.rng.below(amendment.total_lots + 1),
        }
        if self.rng.below(5) < 2 {
            amendment.price_ticks = self.price();
        }
        if self.rng.one_in(self.shape.bad_one_in) {
            amendment.price_ticks = self.shape.price_ticks_max + self.rng.below(2);
        }
        self.remember(amendment);
        Command::Amend(amendment)
    }

    /// A recent order, most likely one that rests; an id that was never sent while there is none.
    fn recent_order(&mut self) -> Amendment {
        let at = self.rng.below_usize(self.recent.len());
        let none = Amendment { id: 0, total_lots: 1, price_ticks: self.shape.mid_ticks };
        self.recent.get(at).copied().unwrap_or(none)
    }

    fn remember(&mut self, order: Amendment) {
        if let Some(known) = self.recent.iter_mut().find(|known| known.id == order.id) {
            *known = order;
        } else if self.recent.len() < RECENT_MAX {
            self.recent.push(order);
        } else {
            let at = self.rng.below_usize(RECENT_MAX);
            self.recent[at] = order;
        }
    }

    /// A price within the spread, nearer to the mid than to its ends.
    fn price(&mut self) -> u64 {
        let BookShape { mid_ticks, spread_ticks, price_ticks_max, .. } = self.shape;
        let up = self.rng.below(spread_ticks + 1);
        let down = self.rng.below(spread_ticks + 1);
        (mid_ticks + up).saturating_sub(down).clamp(1, price_ticks_max)
    }
}

impl Iterator for BookCommands {
    type Item = Command;

    /// The next command; there always is one.
    fn next(&mut self) -> Option<Command> {
        Some(self.draw())
    }
}
