//! The crash of 10 October 2025, with a seeded population.
//!
//! Prices and volatilities are recorded ([`feed`]); who trades, and how, is made up
//! ([`crate::population`]); everything that follows (books, fills, triggers, liquidations,
//! insurance) is the exchange's ([`venue`] sets it up). A block a second from 20:00 to 22:30 UTC by
//! default. [`chart`] keeps what the report draws.
//!
//! The run is a function of the arguments: the same seed, accounts and times give the same digest.

mod audit;
mod chart;
mod feed;
mod summary;
#[cfg(test)]
mod tests;
mod venue;

use super::tally::Tally;
use super::{Context, Finished};
use crate::events_json;
use crate::failure::Failure;
use crate::population::market::Market;
use crate::population::{ACCOUNTS_MAX, ACCOUNTS_MIN, Population};
use crate::progress::Progress;
use crate::scenario::model::TimeSpec;
use crate::scenario::names::Names;
use crate::scenario::value;
use crate::series::derive::CRASH_WINDOW;
use audit::Audit;
use chart::Chart;
use feed::Feed;
use lockstep_exchange::Exchange;
use lockstep_sim::measure::thread_cpu_ns;
use lockstep_types::codec::Bounded;
use lockstep_types::command::{
    BLOCK_COMMANDS_MAX, Block, Phase, PhaseReason, PhaseScope, SystemCommand, UserCommand,
};
use lockstep_types::units::DAY_MS;
use lockstep_types::{Event, TimeMs};
use std::collections::BTreeSet;
use std::time::Instant;

/// System commands in a block of the set-up.
const SET_UP_COMMANDS: usize = 5_000;
/// Users' commands in a block of the opening: few enough that no block is half full (F2).
const OPENING_COMMANDS: usize = 500;
/// Blocks between two messages of progress.
const PROGRESS_BLOCKS: u64 = 30;

/// Arguments of the crash replay.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
#[command(next_help_heading = "The crash of 10 October 2025")]
pub struct Arguments {
    /// Accounts in the population.
    #[arg(long, value_name = "N", default_value_t = Self::default().accounts,
        value_parser = clap::value_parser!(u32)
            .range(i64::from(ACCOUNTS_MIN)..=i64::from(ACCOUNTS_MAX)))]
    pub accounts: u32,
    /// Seed of everything that the population does.
    #[arg(long, value_name = "N", default_value_t = Self::default().seed)]
    pub seed: u64,
    /// Milliseconds from block to block.
    #[arg(long, value_name = "MS", default_value_t = Self::default().block_ms,
        value_parser = clap::value_parser!(i64).range(50..=60_000))]
    pub block_ms: i64,
    /// First time of day, UTC, from 20:00.
    #[arg(long, value_name = "TIME", default_value = "20:30")]
    pub from: String,
    /// Time of day at which it ends, up to 22:30.
    #[arg(long, value_name = "TIME", default_value = "22:30")]
    pub to: String,
}

impl Default for Arguments {
    fn default() -> Self {
        Self {
            accounts: 5_000,
            seed: 20_251_010,
            block_ms: 1_000,
            from: "20:30".to_string(),
            to: "22:30".to_string(),
        }
    }
}

/// The moment of a time of day on the day of the crash.
fn moment(name: &str, text: &str) -> Result<i64, Failure> {
    let usage = |why: String| Failure::Usage(format!("{name}: `{}`: {why}", text.escape_default()));
    let ms = match value::time_text(text) {
        Ok(TimeSpec::TimeOfDay(ms)) => ms,
        Ok(_) => return Err(usage("a time of day such as 21:10 is wanted".to_string())),
        Err(problem) => return Err(usage(problem.to_string())),
    };
    let window = (CRASH_WINDOW.start_s * 1_000, CRASH_WINDOW.end_s * 1_000);
    let moment = window.0 - window.0 % DAY_MS + ms;
    if moment < window.0 || moment > window.1 {
        return Err(usage("outside 20:00 to 22:30".to_string()));
    }
    Ok(moment)
}

fn phase(phase: Phase) -> SystemCommand {
    SystemCommand::SetPhase { scope: PhaseScope::Venue, phase, reason: PhaseReason::Scheduled }
}

/// A run under way.
struct Run<'a> {
    exchange: Exchange,
    population: Population,
    feed: Feed,
    market: Market,
    tally: Tally,
    chart: Chart,
    names: Names,
    /// Accounts that fell below maintenance.
    liquidated: BTreeSet<u32>,
    height: u64,
    audit: Audit,
    /// Processor time of the engine, journal and margin on.
    engine_ns: u64,
    context: &'a mut Context,
}

/// Runs the crash.
pub fn run(arguments: &Arguments, context: &mut Context) -> Result<Finished, Failure> {
    let started = Instant::now();
    let start_ms = moment("--from", &arguments.from)?;
    let end_ms = moment("--to", &arguments.to)?;
    if end_ms <= start_ms {
        return Err(Failure::Usage("--to must lie after --from".to_string()));
    }
    let feed = Feed::shipped()
        .map_err(|error| Failure::Recording { name: "shipped series".to_string(), error })?;
    let boards = venue::UNDERLYINGS.len();
    let mut run = Run {
        exchange: Exchange::new(venue::params(arguments.block_ms)),
        population: Population::new(arguments.accounts, arguments.seed, boards, start_ms),
        feed,
        market: Market::default(),
        tally: Tally::default(),
        chart: Chart::default(),
        names: Names::default(),
        liquidated: BTreeSet::new(),
        height: 0,
        audit: Audit::new(context.check),
        engine_ns: 0,
        context,
    };
    run.exchange.record(true);
    run.set_up(start_ms)?;
    let blocks = u64::try_from((end_ms - start_ms) / arguments.block_ms).unwrap_or(0);
    let mut progress = Progress::start("replay crash", blocks, "blocks");
    let mut now_ms = start_ms;
    for done in 0..blocks {
        run.block(now_ms)?;
        now_ms += arguments.block_ms;
        if done % PROGRESS_BLOCKS == 0 {
            let clock: String = TimeMs(now_ms).to_string().chars().skip(11).take(5).collect();
            progress.note(&format!("{clock} UTC, {} liquidations", run.tally.liquidations));
            progress.set(done);
        }
    }
    progress.finish();
    run.finish(arguments, started)
}

impl Run<'_> {
    fn set_up(&mut self, start_ms: i64) -> Result<(), Failure> {
        let mut commands = venue::commands(&mut self.feed, start_ms);
        commands.extend(self.population.deposits());
        let blocks = commands.chunks(SET_UP_COMMANDS).map(<[SystemCommand]>::to_vec);
        let blocks: Vec<Vec<SystemCommand>> = blocks.collect();
        // All of it at the second before the start.
        let before_ms = start_ms - 1_000;
        for system in blocks {
            self.set_up_block(before_ms, system, Vec::new())?;
        }
        self.market = Market::new(&self.exchange, &venue::ticks);
        self.market.refresh(&self.exchange, before_ms);
        self.set_up_block(before_ms, vec![phase(Phase::Auction)], Vec::new())?;
        for orders in self.population.opening(&self.market).chunks(OPENING_COMMANDS) {
            self.set_up_block(before_ms, Vec::new(), orders.to_vec())?;
        }
        self.set_up_block(before_ms, vec![phase(Phase::Continuous)], Vec::new())?;
        self.chart = Chart::new(&self.exchange, start_ms)?;
        // The set-up is none of the run's work.
        self.tally = Tally::default();
        self.engine_ns = 0;
        self.audit = Audit::new(self.context.check);
        Ok(())
    }

    fn set_up_block(
        &mut self,
        now_ms: i64,
        system: Vec<SystemCommand>,
        commands: Vec<UserCommand>,
    ) -> Result<(), Failure> {
        self.execute(now_ms, system, commands)?;
        self.population.observe(self.exchange.events());
        let refused = self.exchange.events().iter().find_map(|event| match event {
            Event::SystemRejected { reject, .. } => Some(*reject),
            _ => None,
        });
        match refused {
            Some(reject) => Err(Failure::Broken(format!("the set-up was refused: {reject}"))),
            None => Ok(()),
        }
    }

    fn block(&mut self, now_ms: i64) -> Result<(), Failure> {
        self.market.refresh(&self.exchange, now_ms);
        let reports = self.feed.reports(now_ms);
        let mut commands = self.population.act(&self.market);
        commands.truncate(BLOCK_COMMANDS_MAX);
        let count = u64::try_from(commands.len()).unwrap_or(0);
        self.execute(now_ms, reports, commands)?;
        self.population.observe(self.exchange.events());
        self.chart.block(&self.exchange, &self.feed, now_ms, count);
        Ok(())
    }

    fn execute(
        &mut self,
        now_ms: i64,
        system: Vec<SystemCommand>,
        commands: Vec<UserCommand>,
    ) -> Result<(), Failure> {
        self.height += 1;
        self.tally.blocks += 1;
        self.tally.commands += u64::try_from(commands.len()).unwrap_or(0);
        let bounds = |_| Failure::Broken("a block has more commands than it may".to_string());
        let block = Block {
            height: self.height,
            time: TimeMs(now_ms),
            system: Bounded::new(system).map_err(bounds)?,
            commands: Bounded::new(commands).map_err(bounds)?,
        };
        let began_ns = thread_cpu_ns();
        let executed = self.exchange.execute(&block);
        self.exchange.checkpoint_and_forget();
        self.engine_ns += thread_cpu_ns().saturating_sub(began_ns);
        assert!(executed.is_ok(), "the whole state misses no leaf");
        for event in self.exchange.events() {
            self.tally.event(event);
            self.names.observe(event);
            if let Event::LiquidationStarted { account, .. } = event {
                self.liquidated.insert(account.0);
            }
            if let Some(to) = self.context.sink.writer() {
                let line =
                    events_json::to_json_in_block(event, block.height, block.time, &self.names);
                writeln!(to, "{line}").map_err(|error| self.context.sink.failure(error))?;
            }
        }
        self.audit.block(&self.exchange, self.height)
    }
}
