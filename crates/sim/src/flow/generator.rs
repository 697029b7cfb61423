//! Makes flows: a mid price that walks, limit orders around it, cancels of live orders, markets.
//!
//! The order of the draws is part of the format: to change it is to change every digest. The plain
//! book is run along, so that cancels name live orders and the header holds the outcome.

use super::error::within;
use super::{
    EVENTS_MAX, Event, FlowError, Header, Kind, NAMES, Outcome, PRICE_TICKS_MAX, Place,
    QTY_LOTS_MAX, Side, Tally,
};
use crate::measure::FlowMatcher;
use crate::plain_book::PlainBooks;
use crate::rng::Rng;

/// Accounts that a flow draws from.
const ACCOUNTS: u32 = 10_000;
/// Ticks from its start beyond which the mid is pulled back.
const MID_PULL_TICKS: u64 = 64;
/// Ticks from its start that the mid never leaves. The pull makes it as unlikely as 3^-960; the
/// bound makes prices provably positive.
const MID_WALK_TICKS_MAX: u64 = 1_024;
/// Ticks through mid of an aggressive limit order.
const THROUGH_TICKS: u64 = 2;
/// The distance from mid is cut at so many means.
const DEPTH_CAP_MEANS: u64 = 12;
/// Largest mean distance from mid; a draw costs as many steps.
const DEPTH_TICKS_MAX: u64 = 1 << 16;

/// Shape of a flow. Shares are per mille, so that they stay integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Seed of all draws.
    pub seed: u64,
    /// Limit adds that only build the book and are not timed.
    pub prefill: u64,
    /// Timed events.
    pub events: u64,
    /// Number of books, at least 1.
    pub symbols: u16,
    /// Share of limit orders among the timed events, per mille.
    pub limit_permille: u64,
    /// Share of cancels among the timed events, per mille; the rest are market orders.
    pub cancel_permille: u64,
    /// Mean distance of a limit price from mid, in ticks.
    pub depth_ticks: u64,
    /// Mid at the start, in ticks.
    pub start_mid_ticks: u64,
    /// Largest limit order; sizes are uniform from 1.
    pub limit_lots_max: u64,
    /// Largest market order; sizes are uniform from 1.
    pub market_lots_max: u64,
    /// One timed limit order in so many is priced through mid.
    pub aggressive_one_in: u64,
}

impl Shape {
    /// The shape of a flow of [`NAMES`].
    ///
    /// # Errors
    /// [`FlowError::UnknownName`].
    pub fn named(name: &str) -> Result<Shape, FlowError> {
        let tight = Shape {
            seed: 42,
            prefill: 0,
            events: 1_000_000,
            symbols: 1,
            limit_permille: 600,
            cancel_permille: 350,
            depth_ticks: 20,
            start_mid_ticks: 100_000,
            limit_lots_max: 100,
            market_lots_max: 400,
            aggressive_one_in: 20,
        };
        let [tight_name, deep_name, chain_name] = NAMES;
        if name == tight_name {
            // One busy book of about a thousand orders: it stays in the first caches.
            Ok(tight)
        } else if name == deep_name {
            // A million resting orders over 24 thousand ticks: cache and TLB misses.
            Ok(Shape { seed: 43, prefill: 1_000_000, depth_ticks: 1_000, ..tight })
        } else if name == chain_name {
            // An option chain: many thin books.
            Ok(Shape { seed: 44, prefill: 262_144, symbols: 1_024, ..tight })
        } else {
            Err(FlowError::UnknownName(name.to_owned()))
        }
    }

    fn check(&self) -> Result<(), FlowError> {
        let away_ticks_max = 1 + DEPTH_CAP_MEANS * self.depth_ticks.min(DEPTH_TICKS_MAX);
        let margin_ticks = away_ticks_max + MID_WALK_TICKS_MAX;
        let place = Place::Shape;
        within(place, "events", self.events, 0, EVENTS_MAX)?;
        within(place, "prefill", self.prefill, 0, EVENTS_MAX - self.events)?;
        within(place, "symbols", u64::from(self.symbols), 1, u64::from(u16::MAX))?;
        within(place, "limit_permille", self.limit_permille, 0, 1_000)?;
        within(place, "cancel_permille", self.cancel_permille, 0, 1_000 - self.limit_permille)?;
        within(place, "depth_ticks", self.depth_ticks, 0, DEPTH_TICKS_MAX)?;
        let mid_max = PRICE_TICKS_MAX - margin_ticks;
        within(place, "start_mid_ticks", self.start_mid_ticks, 1 + margin_ticks, mid_max)?;
        within(place, "limit_lots_max", self.limit_lots_max, 1, QTY_LOTS_MAX)?;
        within(place, "market_lots_max", self.market_lots_max, 1, QTY_LOTS_MAX)?;
        within(place, "aggressive_one_in", self.aggressive_one_in, 1, u64::MAX)
    }
}

/// What the generator knows of an order it made.
#[derive(Clone, Copy)]
struct Known {
    side: Side,
    symbol: u16,
    price_ticks: u64,
    lots: u64,
    /// Place in the live list of its symbol, while the order is live.
    slot: usize,
}

/// All orders by id, and for every symbol the ids that are live, to draw cancels from.
struct Population {
    outcome: Outcome,
    orders: Vec<Known>,
    live: Vec<Vec<usize>>,
}

impl Population {
    /// The id of the next new order.
    fn next_id(&self) -> u64 {
        u64::try_from(self.orders.len()).unwrap_or(u64::MAX) + 1
    }

    fn book(&mut self, index: usize) {
        let live = &mut self.live[usize::from(self.orders[index].symbol)];
        self.orders[index].slot = live.len();
        live.push(index);
    }

    /// Takes an order out of its live list; the last one moves into its place.
    fn remove(&mut self, index: usize) {
        let Known { symbol, slot, .. } = self.orders[index];
        let live = &mut self.live[usize::from(symbol)];
        let removed = live.swap_remove(slot);
        assert!(removed == index, "the slot of a live order points back at it");
        if let Some(&moved) = live.get(slot) {
            self.orders[moved].slot = slot;
        }
    }
}

impl Tally for Population {
    fn trade(&mut self, maker_id: u64, price_ticks: u64, lots: u64) {
        self.outcome.trade(maker_id, price_ticks, lots);
        let index = index_of(maker_id);
        self.orders[index].lots -= lots;
        if self.orders[index].lots == 0 {
            self.remove(index);
        }
    }
}

/// Ids count from 1, places from 0.
fn index_of(order_id: u64) -> usize {
    usize::try_from(order_id - 1).unwrap_or(usize::MAX)
}

pub(super) fn generate(shape: &Shape) -> Result<(Header, Vec<Event>), FlowError> {
    shape.check()?;
    let total = shape.prefill + shape.events;
    let capacity = usize::try_from(total).unwrap_or(0);
    let symbols = usize::from(shape.symbols);
    let mut rng = Rng::new(shape.seed);
    let mut books = PlainBooks::new(shape.symbols.into());
    let mut mids = vec![shape.start_mid_ticks; symbols];
    let mut population = Population {
        outcome: Outcome::default(),
        orders: Vec::with_capacity(capacity),
        live: vec![Vec::new(); symbols],
    };
    let mut events = Vec::with_capacity(capacity);
    let mut price_range: Option<(u64, u64)> = None;

    for index in 0..total {
        let event = draw(shape, index < shape.prefill, &mut rng, &mut mids, &population);
        if event.kind == Kind::Limit {
            let price = event.price_ticks;
            let (low, high) = price_range.unwrap_or((price, price));
            price_range = Some((low.min(price), high.max(price)));
        }
        follow(&event, &mut books, &mut population);
        events.push(event);
    }

    let (resting_orders, resting_lots) = books.resting();
    let expected = Outcome { resting_orders, resting_lots, ..population.outcome };
    let (min_price_ticks, max_price_ticks) = price_range.unwrap_or((0, 0));
    let header = Header {
        seed: shape.seed,
        events: total,
        prefill: shape.prefill,
        symbols: u64::from(shape.symbols),
        max_order_id: population.next_id() - 1,
        min_price_ticks,
        max_price_ticks,
        expected,
    };
    Ok((header, events))
}

/// Draws the next event. The number and order of draws is fixed by the format.
fn draw(
    shape: &Shape,
    prefill: bool,
    rng: &mut Rng,
    mids: &mut [u64],
    population: &Population,
) -> Event {
    let symbol = u16::try_from(rng.below(shape.symbols.into())).unwrap_or(u16::MAX);
    let roll = rng.below(1_000);
    let mid = &mut mids[usize::from(symbol)];
    if !prefill && rng.one_in(16) {
        step_mid(shape.start_mid_ticks, mid, rng);
    }
    let side = if rng.below(2) == 0 { Side::Buy } else { Side::Sell };
    let account = rng.below_u32(ACCOUNTS);
    let order_id = population.next_id();
    let wants_limit = prefill || roll < shape.limit_permille;
    let wants_cancel = !wants_limit && roll < shape.limit_permille + shape.cancel_permille;
    let live = &population.live[usize::from(symbol)];

    if wants_cancel && !live.is_empty() {
        let index = live[rng.below_usize(live.len())];
        let Known { side, price_ticks, .. } = population.orders[index];
        let order_id = u64::try_from(index).unwrap_or(u64::MAX) + 1;
        Event { kind: Kind::Cancel, side, symbol, account, order_id, price_ticks, qty_lots: 0 }
    } else if wants_limit || wants_cancel {
        // A cancel with nothing to cancel becomes an add.
        let away = 1 + rng.geometric(shape.depth_ticks, shape.depth_ticks * DEPTH_CAP_MEANS);
        let through = !prefill && rng.one_in(shape.aggressive_one_in);
        let price_ticks = match (side, through) {
            (Side::Buy, false) => *mid - away,
            (Side::Sell, false) => *mid + away,
            (Side::Buy, true) => *mid + THROUGH_TICKS,
            (Side::Sell, true) => *mid - THROUGH_TICKS,
        };
        let qty_lots = 1 + rng.below(shape.limit_lots_max);
        Event { kind: Kind::Limit, side, symbol, account, order_id, price_ticks, qty_lots }
    } else {
        let qty_lots = 1 + rng.below(shape.market_lots_max);
        Event { kind: Kind::Market, side, symbol, account, order_id, price_ticks: 0, qty_lots }
    }
}

/// Moves the mid by one tick, either way with equal chance near the start and three to one towards
/// it from afar.
fn step_mid(start_ticks: u64, mid: &mut u64, rng: &mut Rng) {
    let up_of_four = if *mid > start_ticks + MID_PULL_TICKS {
        1
    } else if *mid + MID_PULL_TICKS < start_ticks {
        3
    } else {
        2
    };
    let stepped = if rng.below(4) < up_of_four { *mid + 1 } else { *mid - 1 };
    *mid = stepped.clamp(start_ticks - MID_WALK_TICKS_MAX, start_ticks + MID_WALK_TICKS_MAX);
}

/// Runs the event on the plain books and keeps the population in step.
fn follow(event: &Event, books: &mut PlainBooks, population: &mut Population) {
    let Event { kind, side, symbol, order_id, price_ticks, qty_lots, .. } = *event;
    let index = index_of(order_id);
    if kind == Kind::Cancel {
        books.apply(event, population);
        population.remove(index);
        return;
    }
    population.orders.push(Known { side, symbol, price_ticks, lots: qty_lots, slot: usize::MAX });
    let lots_before = population.outcome.totals.traded_lots;
    books.apply(event, population);
    let lots_taken = population.outcome.totals.traded_lots - lots_before;
    population.orders[index].lots -= lots_taken;
    if kind == Kind::Limit && lots_taken < qty_lots {
        population.book(index);
    }
}
