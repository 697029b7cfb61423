//! The engine, driven with a tape's orders.
//!
//! Buyers are one account and sellers another: who stood behind an order is not on a tape, and with
//! two accounts nobody meets himself. Margin is off, prices have no oracle. Each group of rows is a
//! block.

use super::plan::Fill;
use super::shadow::LevelAt;
use crate::events_json;
use crate::failure::Failure;
use crate::output::EventSink;
use crate::replay::tally::Tally;
use crate::scenario::names::Names;
use crate::series::tape::Side as TapeSide;
use lockstep_exchange::{Exchange, Step};
use lockstep_types::command::{
    Command, Phase, PhaseReason, PhaseScope, SystemCommand, UserCommand,
};
use lockstep_types::instrument::{Contract, EXPIRY_TIME_OF_DAY_MS, InstrumentName, Ticker};
use lockstep_types::order::{Amend, NewOrder, OrderTarget, TimeInForce};
use lockstep_types::params::{MarginRegime, TickTable, UnderlyingParams, VenueParams};
use lockstep_types::units::{DAY_MS, PPM};
use lockstep_types::{
    AccountId, Event, InstrumentId, Lots, OrderId, Ppm, Price, Side, SignerId, TimeMs, Usd,
};
use std::collections::BTreeMap;

/// Price of a tick: a quarter of an index point.
pub const TICK: Price = Price(250_000);
/// Days from the tape's start to the future's expiry; the tape does not tell, and margin is off.
const EXPIRY_DAYS: i64 = 90;
/// Collateral of the two accounts; nothing depends on it.
const COLLATERAL: Usd = Usd(1_000_000_000_000_000);

/// Stands for an order that is none of the tape's.
pub const UNKNOWN: i64 = -1;

/// An order of the tape in the engine.
#[derive(Clone, Copy, Debug)]
struct Live {
    id: OrderId,
    side: Side,
    price_ticks: i64,
    /// Contracts at the start, as amended.
    total: i64,
    filled: i64,
}

/// An uncrossing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uncrossing {
    /// Its price, ticks; `None` if nothing traded.
    pub price_ticks: Option<i64>,
    /// Contracts.
    pub size: i64,
    /// Contracts of each order, both sides.
    pub fills: BTreeMap<i64, i64>,
}

/// How an order is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number on the tape.
    pub order: i64,
    /// Its side.
    pub side: TapeSide,
    /// Its limit, ticks.
    pub price_ticks: i64,
    /// Contracts.
    pub size: i64,
    /// Contracts shown, of an iceberg.
    pub display: Option<i64>,
    /// Whether what does not trade is cancelled.
    pub immediate: bool,
}

/// The engine.
pub struct Venue<'a> {
    /// The exchange itself.
    pub exchange: Exchange,
    /// What has been counted.
    pub tally: Tally,
    instrument: InstrumentId,
    height: u64,
    time: TimeMs,
    nonces: [u64; 2],
    live: BTreeMap<i64, Live>,
    numbers: BTreeMap<OrderId, i64>,
    names: Names,
    sink: &'a mut EventSink,
}

fn account(side: Side) -> u32 {
    match side {
        Side::Buy => 0,
        Side::Sell => 1,
    }
}

/// The engine's side.
pub fn side_of(side: TapeSide) -> Side {
    match side {
        TapeSide::Ask => Side::Sell,
        TapeSide::Bid | TapeSide::Neither => Side::Buy,
    }
}

impl<'a> Venue<'a> {
    /// A venue with one future, at the time of the tape's first row.
    pub fn open(time: TimeMs, sink: &'a mut EventSink) -> Result<Self, Failure> {
        let params = VenueParams {
            margin: MarginRegime::Off,
            block_work_max: u64::MAX >> 2,
            orders_per_account_max: u16::MAX,
            ..VenueParams::default()
        };
        let mut venue = Self {
            exchange: Exchange::new(params),
            tally: Tally::default(),
            instrument: InstrumentId(0),
            height: 0,
            time,
            nonces: [0; 2],
            live: BTreeMap::new(),
            numbers: BTreeMap::new(),
            names: Names::default(),
            sink,
        };
        venue.set_up()?;
        Ok(venue)
    }

    fn set_up(&mut self) -> Result<(), Failure> {
        let broken = |_| Failure::Broken("the tape's instrument has no name".to_string());
        let ticker = Ticker::new("INDEX").map_err(broken)?;
        let most = Lots(1 << 31);
        let underlying = UnderlyingParams {
            linear_ticks: TickTable::flat(TICK),
            option_ticks: TickTable::flat(TICK),
            order_lots_max: most,
            position_lots_max: most,
            open_interest_max: most,
            // A tape of another venue has its own limits.
            price_band: Ppm(0),
            market_band: Ppm(PPM),
            strike_step: Price(TICK.0 * 4),
            ..UnderlyingParams::genesis(ticker, 1_000)
        };
        let day = self.time.0.div_euclid(DAY_MS) + EXPIRY_DAYS;
        let expiry = TimeMs(day * DAY_MS + EXPIRY_TIME_OF_DAY_MS);
        let name = InstrumentName { underlying: ticker, contract: Contract::Future { expiry } };
        let mut system = vec![SystemCommand::AddUnderlying(underlying), SystemCommand::List(name)];
        for side in [Side::Buy, Side::Sell] {
            let mut owner = [0; 32];
            owner[0] = u8::try_from(account(side) + 1).unwrap_or(u8::MAX);
            system.push(SystemCommand::Deposit { owner, sub: 0, amount: COLLATERAL });
        }
        self.begin(self.time)?;
        for command in &system {
            self.system(command)?;
        }
        self.close()?;
        match self.exchange.instrument_id(&name) {
            Some(id) => self.instrument = id,
            None => return Err(Failure::Broken("the tape's future was not listed".to_string())),
        }
        Ok(())
    }

    fn step(&mut self, step: Step<'_>) -> Result<Vec<Event>, Failure> {
        self.exchange.clear_events();
        let stepped = self.exchange.step(step);
        assert!(stepped.is_ok(), "the whole state misses no leaf");
        let events = self.exchange.events().to_vec();
        for event in &events {
            self.tally.event(event);
            self.names.observe(event);
            if let Some(to) = self.sink.writer() {
                let line =
                    events_json::to_json_in_block(event, self.height, self.time, &self.names);
                writeln!(to, "{line}").map_err(|error| self.sink.failure(error))?;
            }
        }
        Ok(events)
    }

    /// Opens a block.
    pub fn begin(&mut self, time: TimeMs) -> Result<(), Failure> {
        self.height += 1;
        self.time = time;
        self.tally.blocks += 1;
        self.step(Step::Begin { height: self.height, time }).map(|_| ())
    }

    fn system(&mut self, command: &SystemCommand) -> Result<Vec<Event>, Failure> {
        self.step(Step::System(0, command))
    }

    /// Ends the system part of a block.
    pub fn prepare(&mut self) -> Result<(), Failure> {
        self.step(Step::Prepare).map(|_| ())
    }

    /// Closes a block that had nothing but a system part.
    fn close(&mut self) -> Result<(), Failure> {
        self.prepare()?;
        self.end()
    }

    /// Closes a block.
    pub fn end(&mut self) -> Result<(), Failure> {
        self.step(Step::End).map(|_| ())
    }

    /// Puts the venue into an auction.
    pub fn start_auction(&mut self) -> Result<(), Failure> {
        self.begin(self.time)?;
        self.system(&self.phase(Phase::Auction))?;
        self.close()
    }

    /// Ends the auction and tells what it traded.
    pub fn uncross(&mut self, time: TimeMs) -> Result<Uncrossing, Failure> {
        self.begin(time)?;
        let events = self.system(&self.phase(Phase::Continuous))?;
        let mut result = Uncrossing::default();
        for event in &events {
            let Event::Trade(trade) = event else { continue };
            result.price_ticks = Some(trade.price.0 / TICK.0);
            result.size += trade.lots.0;
            for id in [trade.taker_order, trade.maker_order] {
                if let Some(order) = self.fill(id, trade.lots.0) {
                    *result.fills.entry(order).or_default() += trade.lots.0;
                }
            }
        }
        self.close()?;
        Ok(result)
    }

    fn phase(&self, phase: Phase) -> SystemCommand {
        let scope = PhaseScope::Instrument(self.instrument);
        SystemCommand::SetPhase { scope, phase, reason: PhaseReason::Scheduled }
    }

    fn user(&mut self, side: Side, command: Command) -> Result<Vec<Event>, Failure> {
        let account = account(side);
        let nonce = &mut self.nonces[usize::from(side == Side::Sell)];
        *nonce += 1;
        let command = UserCommand {
            signer: SignerId(account),
            account: AccountId(account),
            nonce: *nonce,
            valid_until: None,
            command,
        };
        self.tally.commands += 1;
        self.step(Step::User(&command))
    }

    /// Whether an order of the tape is in the engine.
    pub fn has(&self, order: i64) -> bool {
        self.live.contains_key(&order)
    }

    /// Enters an order; gives whom it met.
    pub fn enter(&mut self, entry: Entry) -> Result<Vec<Fill>, Failure> {
        let side = side_of(entry.side);
        let price = Price(entry.price_ticks.saturating_mul(TICK.0));
        let order = NewOrder {
            time_in_force: match entry.immediate {
                true => TimeInForce::ImmediateOrCancel,
                false => TimeInForce::GoodTilCancelled,
            },
            display: entry.display.map(Lots),
            ..NewOrder::limit(self.instrument, side, Lots(entry.size), price)
        };
        let events = self.user(side, Command::Place(order))?;
        for event in &events {
            if let Event::Accepted(accepted) = event {
                let (price_ticks, total) = (entry.price_ticks, entry.size);
                let live = Live { id: accepted.order, side, price_ticks, total, filled: 0 };
                self.live.insert(entry.order, live);
                self.numbers.insert(accepted.order, entry.order);
            }
        }
        let fills = self.heed(&events);
        if entry.immediate {
            self.forget(entry.order);
        }
        Ok(fills)
    }

    /// Cancels an order.
    pub fn cancel(&mut self, order: i64) -> Result<(), Failure> {
        let Some(live) = self.live.get(&order).copied() else { return Ok(()) };
        self.user(live.side, Command::Cancel(OrderTarget::Id(live.id)))?;
        self.forget(order);
        Ok(())
    }

    /// Gives an order another price, and another size unless it is `None`; gives whom it met.
    pub fn amend(
        &mut self,
        order: i64,
        price_ticks: i64,
        left: Option<i64>,
    ) -> Result<Vec<Fill>, Failure> {
        let Some(live) = self.live.get_mut(&order) else { return Ok(Vec::new()) };
        let total = left.map_or(live.total, |left| live.filled + left);
        let change = Amend {
            target: OrderTarget::Id(live.id),
            lots: (total != live.total).then_some(Lots(total)),
            price: (price_ticks != live.price_ticks)
                .then_some(Price(price_ticks.saturating_mul(TICK.0))),
            trigger_price: None,
        };
        if change.lots.is_none() && change.price.is_none() {
            return Ok(Vec::new());
        }
        (live.total, live.price_ticks) = (total, price_ticks);
        let side = live.side;
        let events = self.user(side, Command::Amend(change))?;
        Ok(self.heed(&events))
    }

    /// Counts fills; gives the resting side of each trade.
    fn heed(&mut self, events: &[Event]) -> Vec<Fill> {
        let mut fills = Vec::new();
        for event in events {
            let Event::Trade(trade) = event else { continue };
            let price_ticks = trade.price.0 / TICK.0;
            let maker = self.fill(trade.maker_order, trade.lots.0);
            self.fill(trade.taker_order, trade.lots.0);
            let order = maker.unwrap_or(UNKNOWN);
            fills.push(Fill { order, price_ticks, size: trade.lots.0 });
        }
        fills
    }

    /// Counts a fill of an order; gives its number.
    fn fill(&mut self, id: OrderId, size: i64) -> Option<i64> {
        let order = self.numbers.get(&id).copied()?;
        let live = self.live.get_mut(&order)?;
        live.filled += size;
        if live.filled >= live.total {
            self.forget(order);
        }
        Some(order)
    }

    fn forget(&mut self, order: i64) {
        if let Some(live) = self.live.remove(&order) {
            self.numbers.remove(&live.id);
        }
    }

    /// The queue of a level: orders and what is shown of them.
    pub fn queue(&self, (side, price_ticks): LevelAt) -> Vec<(i64, i64)> {
        let price = Price(price_ticks.saturating_mul(TICK.0));
        let queue = self.exchange.queue(self.instrument, side_of(side), price);
        let numbered = queue.iter().map(|order| {
            let number = self.numbers.get(&order.id).copied().unwrap_or(UNKNOWN);
            (number, order.visible.0)
        });
        numbered.collect()
    }

    /// Best bid and best ask, ticks.
    pub fn touch(&self) -> (Option<i64>, Option<i64>) {
        let view = self.exchange.instrument_view(self.instrument);
        let ticks = |price: Option<Price>| price.map(|price| price.0 / TICK.0);
        view.map_or((None, None), |view| (ticks(view.bid), ticks(view.ask)))
    }

    /// How many orders rest.
    pub fn orders(&self) -> u64 {
        self.exchange.resting().0
    }
}
