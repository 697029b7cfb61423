//! The clear book: what a book must answer to every command, written to be read.
//!
//! One instrument, plain integers, two ordered maps of queues. It is slow and obviously right; the
//! fast book of the engine must give the same effects for the same commands (rules M1 to M5, M7).
//!
//! The rules, in the order in which an incoming order meets them:
//!
//! 1. *Validity*, the first failure being the reason: an id that is not resting, a display of at
//!    least one lot, good-till-cancelled if in an auction, lots in `1..=LOTS_MAX`, a price in
//!    `1..=price_ticks_max`, no post flag if in an auction.
//! 2. *Post* (M3): an order that must not take is refused, or re-priced to one tick inside the
//!    opposite best and refused if there is no such tick. Both before anything is traded.
//! 3. *Fill or kill* (M2): refused unless the lots in reach cover it; see
//!    [`ClearBook::lots_in_reach`].
//! 4. *Matching* (M1): best price first, then the front of the queue, at the resting price and by
//!    visible slices. An iceberg whose slice is gone shows the next one at the back of its level,
//!    where the same taker may hit it again.
//! 5. *Self-trade prevention* (M5) on meeting a resting order of the same account: the taker's rest
//!    is cancelled, or the resting order, or both (the resting one first). Earlier fills stand.
//! 6. *Rest*: booked at the back of its level, or cancelled if immediate-or-cancel.
//!
//! Amending is specified at [`ClearBook::amend`], the auction at [`ClearBook::uncross`].
//!
//! Invariants, asserted by [`ClearBook::assert_invariants`]: no empty level; the index names
//! exactly the resting orders; a resting order shows at least one lot and at most its rest; in
//! continuous trading the best bid is below the best ask. Deliberately absent: market orders (an
//! immediate-or-cancel at a protection price), triggers, reduce-only, bands, margin and clocks;
//! those stand in front of a book.

mod auction;
mod flow_books;
mod order;
#[cfg(test)]
mod tests;
mod view;

pub use auction::AuctionPrice;
pub use flow_books::ClearBooks;
pub use order::{
    Amendment, CancelReason, Command, Effect, LOTS_MAX, NewOrder, Order, Post, RejectReason,
    SelfTrade, TimeInForce,
};
pub use view::Level;

use std::collections::{BTreeMap, VecDeque};

pub use crate::flow::Side;

/// Whether orders trade on arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Orders trade on arrival; the book is never crossed.
    Continuous,
    /// Orders collect; the book may be crossed.
    Auction,
}

/// Queues by price; the front of a queue trades first.
type Levels = BTreeMap<u64, VecDeque<Order>>;

/// How matching ended for the taker.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Matched {
    /// Filled whole, or nothing crosses any more.
    Done,
    /// Stopped by self-trade prevention.
    SelfTraded,
}

/// The book of one instrument.
#[derive(Clone, Debug)]
pub struct ClearBook {
    phase: Phase,
    price_ticks_max: u64,
    bids: Levels,
    asks: Levels,
    /// Side and price of every resting order.
    resting: BTreeMap<u64, (Side, u64)>,
    /// Orders that entered or re-entered so far.
    arrivals: u64,
}

impl ClearBook {
    /// An empty book in continuous trading with the ticks `1..=price_ticks_max`.
    #[must_use]
    pub fn new(price_ticks_max: u64) -> ClearBook {
        ClearBook {
            phase: Phase::Continuous,
            price_ticks_max,
            bids: Levels::new(),
            asks: Levels::new(),
            resting: BTreeMap::new(),
            arrivals: 0,
        }
    }

    /// Carries out any command.
    pub fn apply(&mut self, command: &Command) -> Vec<Effect> {
        match *command {
            Command::Add(order) => self.add(order),
            Command::Amend(amendment) => self.amend(amendment),
            Command::Cancel { id } => self.cancel(id),
            Command::StartAuction => {
                self.start_auction();
                Vec::new()
            }
            Command::Uncross { reference_ticks } => self.uncross(reference_ticks),
        }
    }

    /// Enters a new order (rules in the opening comment). A refused order has no effect but one
    /// [`Effect::Rejected`].
    pub fn add(&mut self, new: NewOrder) -> Vec<Effect> {
        let id = new.id;
        match self.admit(new) {
            Err(reason) => vec![Effect::Rejected { id, reason }],
            Ok(price_ticks) => {
                let mut effects = Vec::new();
                let order = Order::incoming(new, price_ticks, self.next_arrival());
                self.enter(order, new.time_in_force, &mut effects);
                effects
            }
        }
    }

    /// Amends a resting order (M4).
    ///
    /// - A total of at most what has filled cancels the rest, whatever the new price.
    /// - The same price and a total of at most the old one keep the priority; the visible slice
    ///   shrinks only if it exceeds the rest.
    /// - Anything else loses it: the order re-enters under its id with the lots that have not
    ///   filled, may trade, and keeps its display, post and self-trade flags. The price asked for
    ///   is compared, before any re-pricing by the post flag. If it is refused as a new order of
    ///   these flags would be, the resting order stays as it was.
    pub fn amend(&mut self, amendment: Amendment) -> Vec<Effect> {
        let Amendment { id, total_lots, price_ticks } = amendment;
        let Some(old) = self.order(id).cloned() else {
            return vec![Effect::Rejected { id, reason: RejectReason::UnknownOrder }];
        };
        if total_lots <= old.filled_lots {
            return self.remove(id, CancelReason::AmendedBelowFilled).into_iter().collect();
        }
        let keeps_priority = price_ticks == old.price_ticks && total_lots <= old.total_lots;
        if keeps_priority {
            let queue = self.levels_mut(old.side).entry(price_ticks).or_default();
            for order in queue.iter_mut().filter(|order| order.id == id) {
                order.total_lots = total_lots;
                order.visible_lots = order.visible_lots.min(order.remaining_lots());
            }
            return vec![Effect::Amended { id, price_ticks, total_lots, keeps_priority }];
        }
        match self.admit_terms(old.side, price_ticks, total_lots, old.post) {
            Err(reason) => vec![Effect::Rejected { id, reason }],
            Ok(price_ticks) => {
                self.take_out(id);
                let arrival = self.next_arrival();
                let mut order = Order { price_ticks, total_lots, arrival, ..old };
                order.show_next_slice();
                let mut effects =
                    vec![Effect::Amended { id, price_ticks, total_lots, keeps_priority }];
                self.enter(order, TimeInForce::GoodTilCancelled, &mut effects);
                effects
            }
        }
    }

    /// Cancels a resting order.
    pub fn cancel(&mut self, id: u64) -> Vec<Effect> {
        let unknown = Effect::Rejected { id, reason: RejectReason::UnknownOrder };
        vec![self.remove(id, CancelReason::Requested).unwrap_or(unknown)]
    }

    /// From now on orders collect without trading, until [`ClearBook::uncross`].
    pub fn start_auction(&mut self) {
        self.phase = Phase::Auction;
    }

    /// Whether orders trade on arrival.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Checks a new order and returns the price at which it enters.
    fn admit(&self, new: NewOrder) -> Result<u64, RejectReason> {
        if self.resting.contains_key(&new.id) {
            return Err(RejectReason::DuplicateId);
        }
        if new.display_lots == Some(0) {
            return Err(RejectReason::Display);
        }
        let immediate = new.time_in_force != TimeInForce::GoodTilCancelled;
        if self.phase == Phase::Auction && immediate {
            return Err(RejectReason::NotInAuction);
        }
        let price_ticks = self.admit_terms(new.side, new.price_ticks, new.lots, new.post)?;
        let fill_or_kill = new.time_in_force == TimeInForce::FillOrKill;
        if fill_or_kill && self.lots_in_reach(&NewOrder { price_ticks, ..new }) < new.lots {
            return Err(RejectReason::FillOrKill);
        }
        Ok(price_ticks)
    }

    /// Checks what new and amended orders have in common and returns the price of entry.
    fn admit_terms(
        &self,
        side: Side,
        price_ticks: u64,
        lots: u64,
        post: Post,
    ) -> Result<u64, RejectReason> {
        if !(1..=LOTS_MAX).contains(&lots) {
            return Err(RejectReason::Lots);
        }
        if !(1..=self.price_ticks_max).contains(&price_ticks) {
            return Err(RejectReason::Price);
        }
        if post == Post::No {
            return Ok(price_ticks);
        }
        if self.phase == Phase::Auction {
            return Err(RejectReason::NotInAuction);
        }
        let touch_ticks = match self.best(side.opposite()) {
            Some(best) if side.accepts(price_ticks, best) => best,
            _ => return Ok(price_ticks),
        };
        let inside_ticks = match side {
            Side::Buy => touch_ticks - 1,
            Side::Sell => touch_ticks + 1,
        };
        let valid = (1..=self.price_ticks_max).contains(&inside_ticks);
        if post == Post::Reprice && valid { Ok(inside_ticks) } else { Err(RejectReason::Post) }
    }

    /// The lots that a fill-or-kill order counts on (M2): walking the levels it crosses in order of
    /// priority, the whole rest of other accounts' orders, hidden lots included. An own order ends
    /// the walk, unless it would be cancelled to let the taker go on; then it is skipped. At the
    /// level of an own order that ends the walk only the slices shown before it count, because
    /// whatever they hide shows up behind it.
    #[must_use]
    pub fn lots_in_reach(&self, taker: &NewOrder) -> u64 {
        let mut passed_lots = 0;
        for (price_ticks, queue) in self.queues(taker.side.opposite()) {
            if !taker.side.accepts(taker.price_ticks, price_ticks) {
                break;
            }
            let (mut level_lots, mut shown_lots) = (0, 0);
            for order in queue {
                if order.account != taker.account {
                    level_lots += order.remaining_lots();
                    shown_lots += order.visible_lots;
                } else if taker.self_trade != SelfTrade::CancelMaker {
                    return passed_lots + shown_lots;
                }
            }
            passed_lots += level_lots;
        }
        passed_lots
    }

    /// Matches an admitted order and disposes of its rest.
    fn enter(&mut self, mut order: Order, tif: TimeInForce, effects: &mut Vec<Effect>) {
        let matched = match self.phase {
            Phase::Continuous => self.match_incoming(&mut order, effects),
            Phase::Auction => Matched::Done,
        };
        let (id, lots) = (order.id, order.remaining_lots());
        if lots == 0 {
            return;
        }
        if matched == Matched::SelfTraded {
            effects.push(Effect::Cancelled { id, lots, reason: CancelReason::SelfTrade });
        } else if tif != TimeInForce::GoodTilCancelled {
            effects.push(Effect::Cancelled { id, lots, reason: CancelReason::Immediate });
        } else {
            order.show_next_slice();
            let Order { price_ticks, visible_lots, .. } = order;
            effects.push(Effect::Booked { id, price_ticks, lots, visible_lots });
            self.queue_of(&order).push_back(order);
        }
    }

    fn match_incoming(&mut self, taker: &mut Order, effects: &mut Vec<Effect>) -> Matched {
        let maker_side = taker.side.opposite();
        while taker.remaining_lots() > 0 {
            let Some(head) = self.head(maker_side) else { break };
            if !taker.side.accepts(taker.price_ticks, head.price_ticks) {
                break;
            }
            let (maker, price_ticks) = (head.id, head.price_ticks);
            if head.account == taker.account {
                if taker.self_trade != SelfTrade::CancelTaker {
                    effects.extend(self.remove(maker, CancelReason::SelfTrade));
                }
                if taker.self_trade != SelfTrade::CancelMaker {
                    return Matched::SelfTraded;
                }
                continue;
            }
            let lots = taker.remaining_lots().min(head.visible_lots);
            effects.push(Effect::Trade { maker, taker: taker.id, price_ticks, lots });
            taker.filled_lots += lots;
            self.fill(maker, lots);
        }
        Matched::Done
    }

    /// Fills visible lots of a head. Without a rest it leaves the book; with hidden lots only it
    /// shows its next slice at the back of its level; otherwise it stays in front.
    fn fill(&mut self, id: u64, lots: u64) {
        let Some(mut order) = self.take_out(id) else { return };
        assert!(lots >= 1 && lots <= order.visible_lots, "a fill takes from the visible slice");
        order.filled_lots += lots;
        order.visible_lots -= lots;
        if order.remaining_lots() == 0 {
            return;
        }
        if order.visible_lots == 0 {
            order.show_next_slice();
            self.queue_of(&order).push_back(order);
        } else {
            self.queue_of(&order).push_front(order);
        }
    }

    /// Cancels a resting order for `reason`; `None` if there is no such order.
    fn remove(&mut self, id: u64, reason: CancelReason) -> Option<Effect> {
        let lots = self.take_out(id)?.remaining_lots();
        Some(Effect::Cancelled { id, lots, reason })
    }

    /// Takes an order out of its queue and of the index; an empty level goes with it.
    fn take_out(&mut self, id: u64) -> Option<Order> {
        let (side, price_ticks) = self.resting.remove(&id)?;
        let levels = self.levels_mut(side);
        let queue = levels.get_mut(&price_ticks)?;
        let at = queue.iter().position(|order| order.id == id)?;
        let order = queue.remove(at);
        if queue.is_empty() {
            levels.remove(&price_ticks);
        }
        order
    }

    /// The queue that `order` belongs to; enters the order into the index.
    fn queue_of(&mut self, order: &Order) -> &mut VecDeque<Order> {
        self.resting.insert(order.id, (order.side, order.price_ticks));
        self.levels_mut(order.side).entry(order.price_ticks).or_default()
    }

    fn next_arrival(&mut self) -> u64 {
        self.arrivals += 1;
        self.arrivals
    }

    fn levels_mut(&mut self, side: Side) -> &mut Levels {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }
}
