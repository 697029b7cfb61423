//! The loop of a crash: what is known goes to the population, its commands and the reports go into
//! a block, and what happens goes back.

use super::audit::Audit;
use super::bars::Bars;
use super::chart::Chart;
use super::delay::Delay;
use super::feed::Feed;
use super::ledger::Ledger;
use super::solvency::Solvency;
use super::stopwatch::{Part, Stopwatch};
use super::story::Story;
use super::{Arguments, Context, Course, venue};
use crate::events_json;
use crate::failure::Failure;
use crate::population::Population;
use crate::population::market::Market;
use crate::progress::Progress;
use crate::replay::tally::Tally;
use crate::scenario::names::Names;
use lockstep_exchange::Exchange;
use lockstep_types::codec::Bounded;
use lockstep_types::command::{
    BLOCK_COMMANDS_MAX, Block, Phase, PhaseReason, PhaseScope, SystemCommand, UserCommand,
};
use lockstep_types::{Event, TimeMs};

/// System commands in a block of the set-up.
const SET_UP_COMMANDS: usize = 5_000;
/// Users' commands in a block of the opening: few enough that no block is half full (F2).
const OPENING_COMMANDS: usize = 500;
/// Blocks between two messages of progress.
const PROGRESS_BLOCKS: u64 = 30;

fn phase(phase: Phase) -> SystemCommand {
    SystemCommand::SetPhase { scope: PhaseScope::Venue, phase, reason: PhaseReason::Scheduled }
}

/// A run under way.
pub struct Run<'a> {
    pub(super) exchange: Exchange,
    pub(super) population: Population,
    pub(super) feed: Feed,
    pub(super) market: Market,
    pub(super) tally: Tally,
    pub(super) chart: Chart,
    pub(super) names: Names,
    pub(super) bars: Bars,
    pub(super) solvency: Solvency,
    pub(super) delay: Delay,
    pub(super) ledger: Ledger,
    pub(super) height: u64,
    pub(super) audit: Audit,
    pub(super) stopwatch: Stopwatch,
    pub(super) story: Story,
    pub(super) course: Course,
    pub(super) context: &'a mut Context,
}

/// Runs a course of a story to its end.
pub fn play<'a>(
    arguments: &Arguments,
    story: Story,
    course: Course,
    context: &'a mut Context,
) -> Result<Run<'a>, Failure> {
    let Course { accounts, start_ms, end_ms, latency, .. } = course;
    let boards = story.underlyings.len();
    let mut run = Run {
        exchange: Exchange::new(venue::params(&story, &course)),
        population: Population::new(
            &story.shape(accounts),
            arguments.seed,
            boards,
            start_ms,
            &story.held,
        ),
        feed: Feed::new(story.world.clone(), boards, &latency),
        market: Market::default(),
        tally: Tally::default(),
        chart: Chart::default(),
        names: Names::default(),
        bars: Bars::new(start_ms, end_ms),
        solvency: Solvency::new(start_ms, end_ms, accounts),
        delay: Delay::new(start_ms, end_ms),
        ledger: Ledger::default(),
        height: 0,
        audit: Audit::new(context.check),
        stopwatch: Stopwatch::start(),
        story,
        course,
        context,
    };
    run.exchange.record(true);
    run.set_up()?;
    let blocks = u64::try_from((end_ms - start_ms) / latency.block_ms).unwrap_or(0);
    let mut progress = Progress::start("replay crash", blocks, "blocks");
    let mut now_ms = start_ms;
    for done in 0..blocks {
        run.block(now_ms)?;
        now_ms += latency.block_ms;
        if done % PROGRESS_BLOCKS == 0 {
            let clock: String = TimeMs(now_ms).to_string().chars().skip(11).take(5).collect();
            progress.note(&format!("{clock} UTC, {} liquidations", run.tally.liquidations));
            progress.set(done);
        }
    }
    progress.finish();
    run.bars.close(0);
    run.delay.close(now_ms);
    run.ledger.close(&run.population, &run.exchange);
    Ok(run)
}

impl Run<'_> {
    fn set_up(&mut self) -> Result<(), Failure> {
        // All of it one block before the start.
        let before_ms = self.course.start_ms - self.course.latency.block_ms;
        let mut commands = venue::commands(&self.story, &self.feed, before_ms);
        commands.extend(self.population.deposits());
        let blocks = commands.chunks(SET_UP_COMMANDS).map(<[SystemCommand]>::to_vec);
        let blocks: Vec<Vec<SystemCommand>> = blocks.collect();
        for system in blocks {
            self.set_up_block(before_ms, system, Vec::new())?;
        }
        // What is paid from here on is paid for trading.
        self.ledger = Ledger::new(&self.exchange);
        self.market = Market::new(&self.exchange, &|id| venue::ticks(self.story.underlyings, id));
        self.market.refresh(&self.exchange, before_ms);
        self.set_up_block(before_ms, vec![phase(Phase::Auction)], Vec::new())?;
        for orders in self.population.opening(&self.market).chunks(OPENING_COMMANDS) {
            self.set_up_block(before_ms, Vec::new(), orders.to_vec())?;
        }
        self.set_up_block(before_ms, vec![phase(Phase::Continuous)], Vec::new())?;
        self.chart =
            Chart::new(&self.exchange, &self.story, self.course.start_ms, self.course.end_ms)?;
        self.bars = Bars::new(self.course.start_ms, self.course.end_ms);
        // The set-up is none of the run's work.
        self.tally = Tally::default();
        self.audit = Audit::new(self.context.check);
        self.stopwatch = Stopwatch::start();
        Ok(())
    }

    fn set_up_block(
        &mut self,
        now_ms: i64,
        system: Vec<SystemCommand>,
        commands: Vec<UserCommand>,
    ) -> Result<(), Failure> {
        self.execute(now_ms, system, commands)?;
        self.population.observe(self.exchange.events(), now_ms);
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
        let reports = self.feed.reports(now_ms);
        self.stopwatch.lap(Part::Reports);
        self.market.refresh(&self.exchange, now_ms);
        let mut commands = self.population.act(&self.market);
        // What a slow block cannot take, its senders lose.
        commands.truncate(BLOCK_COMMANDS_MAX);
        self.stopwatch.lap(Part::Population);
        self.bars.block(now_ms, u64::try_from(commands.len()).unwrap_or(0));
        self.execute(now_ms, reports, commands)?;
        self.population.observe(self.exchange.events(), now_ms);
        self.stopwatch.lap(Part::Population);
        self.chart.block(&self.exchange, &self.feed, now_ms);
        self.solvency.block(&self.exchange, &self.population, now_ms);
        self.stopwatch.lap(Part::Report);
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
        self.stopwatch.lap(Part::Report);
        let executed = self.exchange.execute(&block);
        self.exchange.checkpoint_and_forget();
        self.stopwatch.lap(Part::Engine);
        assert!(executed.is_ok(), "the whole state misses no leaf");
        for event in self.exchange.events() {
            self.tally.event(event);
            self.names.observe(event);
            self.bars.event(event);
            self.solvency.event(event);
            self.delay.event(event, now_ms);
            self.ledger.event(&self.population, event);
            if let Some(to) = self.context.sink.writer() {
                let line =
                    events_json::to_json_in_block(event, block.height, block.time, &self.names);
                writeln!(to, "{line}").map_err(|error| self.context.sink.failure(error))?;
            }
        }
        self.stopwatch.lap(Part::Report);
        let audited = self.audit.block(&self.exchange, self.height);
        self.stopwatch.lap(Part::Audit);
        audited
    }
}
