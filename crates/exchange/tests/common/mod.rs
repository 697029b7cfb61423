//! A venue for tests: an exchange with underlyings, a reporter and accounts, driven block by block
//! through the public interface alone.
//!
//! Blocks are a second apart and the reporter repeats its last price in each, so that the index is
//! fresh unless a test says otherwise. Any rejection fails a helper that did not expect one.
//! Deliberately absent: random workloads (see `workload.rs`) and anything that looks inside.

// Each test program uses a part of it.
#![allow(dead_code)]

use lockstep_exchange::Exchange;
use lockstep_types::codec::Bounded;
use lockstep_types::command::{
    Block, Command, ExpiryReport, Report, SmileParams, SystemCommand, UserCommand,
};
use lockstep_types::event::{Event, Trade};
use lockstep_types::ids::{AccountId, InstrumentId, OrderId, ReporterId, SignerId, UnderlyingId};
use lockstep_types::instrument::Ticker;
use lockstep_types::order::{NewOrder, OrderTarget, Side};
use lockstep_types::params::{LatencySource, UnderlyingParams, VenueParams};
use lockstep_types::reject::{Reject, RejectCode};
use lockstep_types::units::{Lots, Price, SpanMs, TimeMs, Usd};
use std::collections::BTreeMap;

/// Monday 5 January 2026, 09:00 UTC: an hour after the day's expiry.
pub const START: TimeMs = TimeMs(1_767_603_600_000);
/// The only reporter, with all the stake.
pub const REPORTER: ReporterId = ReporterId(1);

/// Dollars as money.
pub fn usd(dollars: i64) -> Usd {
    Usd(dollars * 1_000_000)
}

/// Dollars as a price.
pub fn price(dollars: i64) -> Price {
    Price(dollars * 1_000_000)
}

/// A list that is short enough for its bound.
pub fn bounded<T, const LIMIT: usize>(elements: Vec<T>) -> Bounded<T, LIMIT> {
    Bounded::new(elements).unwrap_or_else(|error| panic!("a test's list fits: {error}"))
}

/// What the reporter says of one underlying, block after block.
#[derive(Clone, Debug)]
pub struct Quoted {
    pub price: Price,
    pub expiries: BTreeMap<i64, (i64, Option<SmileParams>)>,
}

/// An exchange and what is needed to talk to it.
#[derive(Clone, Debug)]
pub struct Venue {
    pub exchange: Exchange,
    pub height: u64,
    /// Time of the last block.
    pub time: TimeMs,
    /// How far apart blocks are.
    pub pace: SpanMs,
    /// What is reported in each block; removing an entry lets its index go stale.
    pub quoted: BTreeMap<UnderlyingId, Quoted>,
    owners: BTreeMap<AccountId, SignerId>,
    nonces: u64,
}

/// The latency that requirements assume anyway.
pub const SWIFT: LatencySource = LatencySource::Assumed { now: SpanMs(1_000), slow: SpanMs(1_000) };

impl Default for Venue {
    fn default() -> Self {
        Self::new(VenueParams::default())
    }
}

impl Venue {
    /// A venue with a reporter and nothing else.
    pub fn new(params: VenueParams) -> Self {
        let mut venue = Self::without_reporter(params);
        venue.must(SystemCommand::SetReporterWeight { reporter: REPORTER, weight: 1 });
        venue
    }

    /// A venue with nothing, whose underlyings have no oracle. Its latency is assumed, unless the
    /// parameters assume one themselves: tests leap in time.
    pub fn without_reporter(mut params: VenueParams) -> Self {
        if params.latency.source == LatencySource::Measured {
            params.latency.source = SWIFT;
        }
        Self {
            exchange: Exchange::new(params),
            height: 0,
            time: START,
            pace: SpanMs(1_000),
            quoted: BTreeMap::new(),
            owners: BTreeMap::new(),
            nonces: 0,
        }
    }

    /// A venue with BTC at 100,000 USD, its perpetual, and accounts 0 and 1 with a million each.
    pub fn with_perpetual() -> (Self, InstrumentId) {
        let mut venue = Self::default();
        venue.add_underlying("BTC", 100_000);
        let perpetual = venue.list("BTC_USDC-PERPETUAL");
        venue.deposit(0, usd(1_000_000));
        venue.deposit(1, usd(1_000_000));
        (venue, perpetual)
    }

    /// Runs a block of these commands, `pace` after the last one, with the reporter's prices.
    pub fn block(
        &mut self,
        mut system: Vec<SystemCommand>,
        commands: Vec<UserCommand>,
    ) -> Vec<Event> {
        self.height += 1;
        self.time = self.time.plus(self.pace);
        let mut all: Vec<SystemCommand> =
            self.quoted.iter().map(|(id, quoted)| self.report_of(*id, quoted)).collect();
        all.append(&mut system);
        let block = Block {
            height: self.height,
            time: self.time,
            system: bounded(all),
            commands: bounded(commands),
        };
        let done = self.exchange.execute(&block);
        assert!(done.is_ok(), "a whole state misses nothing: {done:?}");
        self.exchange.events().to_vec()
    }

    fn report_of(&self, underlying: UnderlyingId, quoted: &Quoted) -> SystemCommand {
        let expiries = quoted
            .expiries
            .iter()
            .map(|(expiry, (basis_ppb, smile))| ExpiryReport {
                expiry: TimeMs(*expiry),
                basis_ppb: *basis_ppb,
                smile: *smile,
            })
            .collect();
        SystemCommand::Report(Report {
            reporter: REPORTER,
            underlying,
            price: quoted.price,
            published: self.time,
            expiries: bounded(expiries),
        })
    }

    /// Runs a block without commands.
    pub fn tick(&mut self) -> Vec<Event> {
        self.block(Vec::new(), Vec::new())
    }

    /// Runs a block without commands at the given time.
    pub fn tick_at(&mut self, time: TimeMs) -> Vec<Event> {
        let pace = std::mem::replace(&mut self.pace, time.since(self.time));
        let events = self.tick();
        self.pace = pace;
        events
    }

    /// A system command that must not be refused.
    pub fn must(&mut self, command: SystemCommand) -> Vec<Event> {
        let shown = format!("{command:?}");
        let events = self.block(vec![command], Vec::new());
        let refused = events.iter().find(|event| matches!(event, Event::SystemRejected { .. }));
        assert!(refused.is_none(), "{refused:?} for {shown}");
        events
    }

    /// Adds an underlying with the genesis settings for its price, and reports the price from now
    /// on.
    pub fn add_underlying(&mut self, ticker: &str, dollars: i64) -> UnderlyingId {
        let ticker = Ticker::new(ticker).unwrap();
        self.add_underlying_with(UnderlyingParams::genesis(ticker, dollars), price(dollars))
    }

    /// Adds an underlying, and reports its price from now on.
    pub fn add_underlying_with(&mut self, params: UnderlyingParams, price: Price) -> UnderlyingId {
        let events = self.must(SystemCommand::AddUnderlying(params));
        let id = events.iter().find_map(|event| match event {
            Event::UnderlyingAdded { underlying } => Some(*underlying),
            _ => None,
        });
        let id = id.unwrap();
        self.quoted.insert(id, Quoted { price, expiries: BTreeMap::new() });
        self.tick();
        id
    }

    /// Sets the reported price and runs a block with it.
    pub fn move_price(&mut self, underlying: UnderlyingId, price: Price) -> Vec<Event> {
        self.quoted.get_mut(&underlying).unwrap().price = price;
        self.tick()
    }

    /// Lists an instrument by name.
    pub fn list(&mut self, name: &str) -> InstrumentId {
        let name = name.parse().unwrap_or_else(|error| panic!("{name}: {error}"));
        let events = self.must(SystemCommand::List(name));
        let id = events.iter().find_map(|event| match event {
            Event::Listed { instrument, .. } => Some(*instrument),
            _ => None,
        });
        id.unwrap()
    }

    /// Puts collateral into the main account of owner number `owner`.
    pub fn deposit(&mut self, owner: u8, amount: Usd) -> AccountId {
        let deposit = SystemCommand::Deposit { owner: [owner; 32], sub: 0, amount };
        for event in self.must(deposit) {
            match event {
                Event::AccountOpened { account, owner, .. } => {
                    self.owners.insert(account, owner);
                }
                Event::Deposited { account, .. } => return account,
                _ => {}
            }
        }
        panic!("a deposit is an event");
    }

    /// A command as the account's owner signs it.
    pub fn command(&mut self, account: AccountId, command: Command) -> UserCommand {
        let signer = self.owners.get(&account).copied().unwrap_or(SignerId(account.0));
        self.command_by(signer, account, command)
    }

    /// A command as `signer` signs it for `account`.
    pub fn command_by(
        &mut self,
        signer: SignerId,
        account: AccountId,
        command: Command,
    ) -> UserCommand {
        self.nonces += 1;
        UserCommand { signer, account, nonce: self.nonces, valid_until: None, command }
    }

    /// Runs a block with one command of the account's owner.
    pub fn send(&mut self, account: AccountId, command: Command) -> Vec<Event> {
        let command = self.command(account, command);
        self.block(Vec::new(), vec![command])
    }

    /// Sends a command that must not be refused.
    pub fn send_ok(&mut self, account: AccountId, command: Command) -> Vec<Event> {
        let events = self.send(account, command);
        assert_eq!(rejects(&events), [], "no rejection was expected");
        events
    }

    /// Places an order that must be accepted; its handle and what happened.
    pub fn place(&mut self, account: AccountId, order: NewOrder) -> (OrderId, Vec<Event>) {
        let events = self.send_ok(account, Command::Place(order));
        let id = events.iter().find_map(|event| match event {
            Event::Accepted(accepted) if accepted.account == account => Some(accepted.order),
            _ => None,
        });
        (id.unwrap(), events)
    }

    /// Places a plain limit order.
    pub fn limit(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        side: Side,
        lots: i64,
        price: Price,
    ) -> OrderId {
        self.place(account, NewOrder::limit(instrument, side, Lots(lots), price)).0
    }

    /// Sends a command that must be refused; the rejection's code.
    pub fn refused(&mut self, account: AccountId, command: Command) -> RejectCode {
        let events = self.send(account, command);
        let rejects = rejects(&events);
        assert_eq!(rejects.len(), 1, "one rejection was expected: {events:?}");
        rejects[0].code
    }

    /// Cancels an order.
    pub fn cancel(&mut self, account: AccountId, order: OrderId) -> Vec<Event> {
        self.send(account, Command::Cancel(OrderTarget::Id(order)))
    }
}

/// The rejections among the events.
pub fn rejects(events: &[Event]) -> Vec<Reject> {
    let reject = |event: &Event| match event {
        Event::Rejected { reject, .. } | Event::SystemRejected { reject, .. } => Some(*reject),
        _ => None,
    };
    events.iter().filter_map(reject).collect()
}

/// The trades among the events.
pub fn trades(events: &[Event]) -> Vec<Trade> {
    let trade = |event: &Event| match event {
        Event::Trade(trade) => Some(*trade),
        _ => None,
    };
    events.iter().filter_map(trade).collect()
}
