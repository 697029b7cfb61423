//! The same blocks on an exchange with a thousand series and on one with as many as it takes.
//!
//! Both have 32 underlyings with a perpetual and twelve expiries each, which is what the work of a
//! block may depend on; they differ in strikes. Blocks report every underlying at another price,
//! and trade and quote in the series that both have, under portfolio margin. Each block must make
//! the same events on both.

use super::{Effort, Measured, same, tabulate};
use crate::failure::Failure;
use crate::report::Table;
use lockstep_exchange::{Exchange, Step};
use lockstep_sim::measure::time_runs;
use lockstep_sim::rng::Rng;
use lockstep_types::codec::Bounded;
use lockstep_types::command::{
    Block, CancelScope, Command, ExpiryReport, MarginMode, Report, SystemCommand, UserCommand,
};
use lockstep_types::event::Event;
use lockstep_types::ids::{AccountId, InstrumentId, ReporterId, SignerId, UnderlyingId};
use lockstep_types::instrument::{
    Contract, EXPIRY_TIME_OF_DAY_MS, InstrumentName, OptionSide, Ticker,
};
use lockstep_types::order::{NewOrder, Side};
use lockstep_types::params::{LatencyParams, LatencySource, UnderlyingParams, VenueParams};
use lockstep_types::units::{DAY_MS, Lots, Ppm, Price, SpanMs, TimeMs, Usd};
use std::ops::Range;

/// As many of each as the exchange takes: a larger number is refused, and fails.
const UNDERLYINGS: u8 = 32;
const EXPIRIES: u32 = 12;
const STRIKES: u32 = 128;
/// Of all underlyings.
const EXPIRIES_ALL: u32 = 32 * EXPIRIES;
/// Strikes of an expiry in a quick run.
const QUICK_STRIKES: u32 = 4;
/// This many expiries have a second strike in the small exchange, which makes a thousand series
/// with the first strikes and the perpetuals.
const SECOND_STRIKES: u32 = 100;

const ACCOUNTS: u32 = 200;
/// Series that an account trades in; the next account's are half the same.
const ACCOUNT_SERIES: u32 = 10;
const START_MS: i64 = 1_700_000_000_000;
const PRICE_USD: i64 = 100_000;
const REPORTER: ReporterId = ReporterId(0);
const SEED: u64 = 1_010;

fn usd(dollars: i64) -> Price {
    Price(dollars * 1_000_000)
}

fn expiry(number: u32) -> TimeMs {
    let today = START_MS / DAY_MS;
    TimeMs((today + 7 * (i64::from(number) + 1)) * DAY_MS + EXPIRY_TIME_OF_DAY_MS)
}

/// Strikes by distance from the money.
fn strike(number: u32) -> Price {
    let away = i64::from(number.div_ceil(2)) * 500;
    usd(if number.is_multiple_of(2) { PRICE_USD - away } else { PRICE_USD + away })
}

fn ticker(underlying: u8) -> Result<Ticker, Failure> {
    Ticker::new(&format!("U{underlying}")).map_err(|error| Failure::Broken(error.to_string()))
}

/// The exchange between blocks.
#[derive(Clone)]
struct Venue {
    exchange: Exchange,
    series: u32,
}

impl Venue {
    /// A thousand series, then the first `strikes` of every expiry.
    fn new(strikes: u32) -> Result<Self, Failure> {
        let second = SpanMs(1_000);
        let source = LatencySource::Assumed { now: second, slow: second };
        let params = VenueParams {
            block_work_max: u64::MAX >> 1,
            latency: LatencyParams { source, ..LatencyParams::default() },
            ..VenueParams::default()
        };
        let mut venue = Self { exchange: Exchange::new(params), series: 0 };
        venue.step(Step::Begin { height: 1, time: TimeMs(START_MS) })?;
        venue.system(&SystemCommand::SetReporterWeight { reporter: REPORTER, weight: 1 })?;
        for underlying in 0..UNDERLYINGS {
            let genesis = UnderlyingParams::genesis(ticker(underlying)?, PRICE_USD);
            venue.system(&SystemCommand::AddUnderlying(UnderlyingParams {
                price_band: Ppm(0),
                option_price_band: Ppm(0),
                ..genesis
            }))?;
            venue.list(underlying, Contract::Perpetual)?;
        }
        venue.list_strikes(0, 0..EXPIRIES_ALL)?;
        venue.list_strikes(1, 0..SECOND_STRIKES)?;
        for account in 0..ACCOUNTS {
            let mut owner = [0; 32];
            owner[..4].copy_from_slice(&account.to_le_bytes());
            let amount = Usd(50_000_000_000_000);
            venue.system(&SystemCommand::Deposit { owner, sub: 0, amount })?;
        }
        for number in 1..strikes {
            let from = if number == 1 { SECOND_STRIKES } else { 0 };
            venue.list_strikes(number, from..EXPIRIES_ALL)?;
        }
        for report in reports(1) {
            venue.system(&report)?;
        }
        venue.step(Step::Prepare)?;
        for account in 0..ACCOUNTS {
            let command = Command::SetMarginMode(MarginMode::Portfolio);
            venue.step(Step::User(&from_account(account, 1, command)))?;
        }
        venue.step(Step::End)?;
        venue.exchange.clear_events();
        venue.exchange.record(true);
        Ok(venue)
    }

    fn step(&mut self, step: Step<'_>) -> Result<(), Failure> {
        self.exchange.step(step).map_err(|fault| Failure::Broken(format!("{fault:?}")))
    }

    fn system(&mut self, command: &SystemCommand) -> Result<(), Failure> {
        self.step(Step::System(0, command))?;
        let refused = self.exchange.events().iter().find_map(|event| match event {
            Event::SystemRejected { reject, .. } => Some(*reject),
            _ => None,
        });
        self.exchange.clear_events();
        match refused {
            Some(reject) => Err(Failure::Broken(format!("the set-up was refused: {reject}"))),
            None => Ok(()),
        }
    }

    fn list(&mut self, underlying: u8, contract: Contract) -> Result<(), Failure> {
        self.series += 1;
        let name = InstrumentName { underlying: ticker(underlying)?, contract };
        self.system(&SystemCommand::List(name))
    }

    /// Both options of a strike in some of the expiries of all underlyings.
    fn list_strikes(&mut self, number: u32, expiries: Range<u32>) -> Result<(), Failure> {
        for place in expiries {
            let underlying = u8::try_from(place / EXPIRIES).unwrap_or(u8::MAX);
            let (expiry, strike) = (expiry(place % EXPIRIES), strike(number));
            for side in [OptionSide::Call, OptionSide::Put] {
                self.list(underlying, Contract::Option { expiry, strike, side })?;
            }
        }
        Ok(())
    }

    /// Executes a block as a node does.
    fn execute(&mut self, block: &Block) {
        let executed = self.exchange.execute(block);
        assert!(executed.is_ok(), "the whole state misses no leaf");
        self.exchange.checkpoint_and_forget();
    }
}

/// Another price for every underlying.
fn reports(height: u64) -> Vec<SystemCommand> {
    let basis = |number: u32| ExpiryReport {
        expiry: expiry(number),
        basis_ppb: i64::from(number + 1) * 1_000_000,
        smile: None,
    };
    let height = i64::try_from(height).unwrap_or(0);
    let report = |underlying: u8| Report {
        reporter: REPORTER,
        underlying: UnderlyingId(underlying),
        price: usd(PRICE_USD + (height * 37 + i64::from(underlying)) % 101),
        published: time_of(height),
        expiries: Bounded::new((0..EXPIRIES).map(basis).collect()).unwrap_or_default(),
    };
    (0..UNDERLYINGS).map(|underlying| SystemCommand::Report(report(underlying))).collect()
}

/// A block a second.
fn time_of(height: i64) -> TimeMs {
    TimeMs(START_MS + 1_000 * (height - 1))
}

fn from_account(account: u32, nonce: u64, command: Command) -> UserCommand {
    UserCommand {
        signer: SignerId(account),
        account: AccountId(account),
        nonce,
        valid_until: None,
        command,
    }
}

/// What an account does next: an order around the money, or all of them cancelled.
fn next_command(rng: &mut Rng) -> (u32, Command) {
    let account = rng.below_u32(ACCOUNTS);
    if rng.one_in(20) {
        return (account, Command::CancelAll(CancelScope::Account));
    }
    let common = u32::from(UNDERLYINGS) + 2 * (EXPIRIES_ALL + SECOND_STRIKES);
    let series = (account * ACCOUNT_SERIES / 2 + rng.below_u32(ACCOUNT_SERIES)) % common;
    let side = if rng.below(2) == 0 { Side::Buy } else { Side::Sell };
    let about = if series < u32::from(UNDERLYINGS) { PRICE_USD } else { 3_000 };
    let away = i64::try_from(rng.below(101)).unwrap_or(0) - 50;
    let lots = Lots(1 + i64::try_from(rng.below(100)).unwrap_or(0));
    let order = NewOrder::limit(InstrumentId(series), side, lots, usd(about + away));
    (account, Command::Place(order))
}

/// The blocks that both exchanges execute, after the one that sets them up.
fn blocks(count: u64, commands: usize) -> Vec<Block> {
    let mut rng = Rng::new(SEED);
    // The first nonce went to the choice of margin.
    let mut nonces = vec![1; usize::try_from(ACCOUNTS).unwrap_or(0)];
    let mut next = || {
        let (account, command) = next_command(&mut rng);
        let nonce = &mut nonces[usize::try_from(account).unwrap_or(0)];
        *nonce += 1;
        from_account(account, *nonce, command)
    };
    (2..2 + count)
        .map(|height| Block {
            height,
            time: time_of(i64::try_from(height).unwrap_or(0)),
            system: Bounded::new(reports(height)).unwrap_or_default(),
            commands: Bounded::new((0..commands).map(|_| next()).collect()).unwrap_or_default(),
        })
        .collect()
}

/// The rows.
pub fn table(effort: Effort) -> Result<Table, Failure> {
    let (count, commands) = if effort.quick { (3, 100) } else { (20, 1_000) };
    let few = Venue::new(0)?;
    let many = Venue::new(if effort.quick { QUICK_STRIKES } else { STRIKES })?;
    let blocks = blocks(count, commands);
    let (mut one, mut other) = (few.clone(), many.clone());
    let (mut trades, mut rejected) = (0_usize, 0_usize);
    for block in &blocks {
        one.execute(block);
        other.execute(block);
        same("events of a block", &one.exchange.events(), &other.exchange.events())?;
        for event in one.exchange.events() {
            trades += usize::from(matches!(event, Event::Trade(_)));
            rejected += usize::from(matches!(event, Event::Rejected { .. }));
        }
    }
    let row = |venue: &Venue, goal| {
        let timing = time_runs(
            effort.runs,
            || venue.clone(),
            |venue| blocks.iter().for_each(|block| venue.execute(block)),
        );
        Measured::of(format!("{} series", venue.series), timing, count, goal)
    };
    let rows = [row(&few, ""), row(&many, "1.1 times")];
    let note = format!(
        "{count} blocks of {commands} commands and a report on each of {UNDERLYINGS} underlyings; \
         {} expiries in both rows, which differ in strikes. {trades} trades and {rejected} \
         rejections; each block has the same events in both rows.",
        u32::from(UNDERLYINGS) * EXPIRIES,
    );
    Ok(tabulate("Time for each block", note, &rows))
}
