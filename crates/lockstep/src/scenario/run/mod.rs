//! Running a scenario: block by block, line by line.
//!
//! Every command line is a block of its own, a step of the clock after the last one; waiting runs
//! empty blocks; reporters repeat themselves in every block. The story stops at the first command
//! that is refused without an expected error (what follows would only be noise) and goes on after
//! an expectation that does not hold. The books are checked after every block. Deliberately absent:
//! threads, real time, and any judgement that is not an expectation of the scenario.

mod attribute;
mod block;
pub mod build;
pub mod reports;

use super::check;
use super::model::{Action, Header, Line, Scenario, Step, StepKind, SystemStep, Timing};
use super::names::Names;
use super::orders::Orders;
use super::outcome::{Failure, Mismatch, ScenarioOutcome};
use super::value::{show_span, show_time};
use super::venue::Venue;
use super::want::{Check, Subject};
use crate::events_json;
use build::Placement;
use lockstep_types::command::ExpiryReport;
use lockstep_types::ids::OrderId;
use lockstep_types::reject::Reject;
use lockstep_types::units::{DAY_MS, HOUR_MS};
use lockstep_types::{Event, SpanMs, TimeMs};
use reports::Reports;
use std::collections::BTreeMap;
use std::io::Write;

/// Blocks that one scenario may run.
pub const SCENARIO_BLOCKS_MAX: u64 = 20_000_000;
/// Events of one line that are kept for its expectations, and of the whole story.
pub const EVENTS_KEPT_MAX: usize = 2_000_000;
/// Failed expectations after which a scenario stops.
pub const FAILURES_MAX: usize = 20;
/// Events that a failure shows.
const RECENT_MAX: usize = 8;
/// Kinds of events that come by themselves: not shown with failures, not counted by `exactly`.
pub const HOUSEKEEPING: &[&str] = &["index", "funding_rate", "base_fee", "latency"];

/// An event and its block.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Time of its block.
    pub time: TimeMs,
    /// The event.
    pub event: Event,
}

/// What the runner knows besides the engine: names, the clock, what happened.
#[derive(Debug, Default)]
pub struct World {
    /// Names of everything.
    pub names: Names,
    /// What became of orders.
    pub orders: Orders,
    /// Time of the last block.
    pub clock: TimeMs,
    /// Height of the last block.
    pub height: u64,
    /// Events of the last line that ran blocks.
    pub last: Vec<Seen>,
    /// Events since the start, housekeeping left out.
    pub story: Vec<Seen>,
    /// Rejections of the last line that ran blocks.
    pub rejects: Vec<Reject>,
}

/// Why a line did not hold.
pub(crate) struct Trouble {
    title: String,
    mismatches: Vec<Mismatch>,
    /// Whether the rest of the story can still be judged.
    fatal: bool,
}

impl Trouble {
    pub(crate) fn fatal(title: impl Into<String>) -> Self {
        Self { title: title.into(), mismatches: Vec::new(), fatal: true }
    }
}

/// A scenario being run.
pub(crate) struct Runner<'a> {
    pub(crate) venue: &'a mut dyn Venue,
    pub(crate) world: World,
    pub(crate) reports: Reports,
    pub(crate) nonces: BTreeMap<String, u64>,
    /// Orders that a line placed and the engine has not accepted yet.
    pub(crate) waiting: Vec<Placement>,
    /// Primaries of sets of linked orders, by the number of the set.
    pub(crate) primaries: BTreeMap<u64, OrderId>,
    /// Sets of linked orders so far.
    pub(crate) sets: u64,
    pub(crate) outcome: ScenarioOutcome,
    pub(crate) sink: Option<&'a mut dyn Write>,
    step: SpanMs,
    every: Option<SpanMs>,
}

/// Runs a scenario that has been read. Events go to `sink` as JSON Lines.
pub fn run(
    scenario: &Scenario,
    venue: &mut dyn Venue,
    sink: Option<&mut dyn Write>,
) -> ScenarioOutcome {
    let header = &scenario.header;
    let mut runner = Runner {
        venue,
        world: World::default(),
        reports: Reports::default(),
        nonces: BTreeMap::new(),
        waiting: Vec::new(),
        primaries: BTreeMap::new(),
        sets: 0,
        outcome: ScenarioOutcome {
            title: header.title.clone(),
            rules: header.rules.clone(),
            ..ScenarioOutcome::default()
        },
        sink: None,
        step: header.genesis.step,
        every: header.genesis.every,
    };
    // A reborrow, so that the runner's lifetime is the shorter one.
    runner.sink = match sink {
        Some(sink) => Some(sink),
        None => None,
    };
    let started = runner.genesis(header);
    let source = format!("{{\"scenario\": {:?}, ...}}", header.title);
    let alive = runner.settle(header.line, &source, started);
    if alive {
        runner.lines(&scenario.lines);
    }
    runner.outcome.digest = hex(&runner.venue.digest());
    runner.outcome
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Runner<'_> {
    fn lines(&mut self, lines: &[Line]) {
        for (index, line) in lines.iter().enumerate() {
            let next = lines.get(index + 1);
            // An `expect` of an error may stand on the line itself or on the next one.
            let judged_later = expects_error(&line.checks)
                || next.is_some_and(|next| is_expectation(next) && expects_error(&next.checks));
            let result = self.line(line, judged_later);
            if !self.settle(line.number, &line.source, result) {
                return;
            }
            if self.outcome.failures.len() >= FAILURES_MAX {
                return;
            }
        }
    }

    /// Notes a line's failure; whether the story goes on.
    fn settle(&mut self, line: usize, source: &str, result: Result<(), Trouble>) -> bool {
        let Err(trouble) = result else { return true };
        let shown = |seen: &&Seen| !HOUSEKEEPING.contains(&events_json::kind(&seen.event));
        let recent: Vec<String> = self
            .world
            .story
            .iter()
            .rev()
            .filter(shown)
            .take(RECENT_MAX)
            .map(|seen| {
                let event = events_json::to_json(&seen.event, &self.world.names);
                format!("{}  {}", clock_of_day(seen.time), check::show_event(&event))
            })
            .collect();
        self.outcome.failures.push(Failure {
            line,
            title: trouble.title,
            source: source.to_string(),
            mismatches: trouble.mismatches,
            recent: recent.into_iter().rev().collect(),
        });
        !trouble.fatal
    }

    /// Starts the venue: underlyings and reporters, then prices, then listings, a block each, the
    /// last of them at the genesis time.
    fn genesis(&mut self, header: &Header) -> Result<(), Trouble> {
        let genesis = &header.genesis;
        let system = |kind| Step { place: 0, kind: StepKind::System(kind), expect_error: None };
        let mut first: Vec<Step> = Vec::new();
        for underlying in &genesis.underlyings {
            let params = Box::new(underlying.params.clone());
            first.push(system(SystemStep::AddUnderlying(params)));
        }
        first.push(system(SystemStep::ReporterWeight(genesis.reporters.clone())));
        if genesis.insurance.0 != 0 {
            first.push(system(SystemStep::FundInsurance(None, genesis.insurance)));
        }
        self.world.clock = TimeMs(genesis.time.0 - 3);
        self.block(TimeMs(genesis.time.0 - 2), &first, false)?;
        let specs = genesis.underlyings.iter().filter_map(|underlying| {
            let expiries: Vec<ExpiryReport> = underlying.expiries.clone();
            underlying.price.map(|price| super::model::ReportSpec {
                reporter: None,
                underlying: underlying.params.ticker,
                price: Some(price),
                published: super::model::Published::Now,
                expiries: Some(expiries),
            })
        });
        let prices = vec![system(SystemStep::Report(specs.collect()))];
        self.block(TimeMs(genesis.time.0 - 1), &prices, false)?;
        if !genesis.auto_report {
            self.reports.switch(None, false);
        }
        let list = vec![system(SystemStep::List(genesis.list.clone()))];
        self.block(genesis.time, &list, false)?;
        // The story begins after the world.
        self.world.last.clear();
        self.world.story.clear();
        Ok(())
    }

    fn line(&mut self, line: &Line, judged_later: bool) -> Result<(), Trouble> {
        if line.timing.is_some() || !matches!(line.action, Action::Nothing) {
            self.world.last.clear();
            self.world.rejects.clear();
        }
        let target = match &line.timing {
            Some(timing) => Some(self.travel(timing)?),
            None => None,
        };
        match &line.action {
            Action::Nothing => {
                if let Some(target) = target {
                    self.block(target, &[], false)?;
                }
            }
            Action::Block(steps) => {
                let time = target.unwrap_or(self.world.clock.plus(self.step));
                self.block(time, steps, judged_later)?;
            }
            Action::Blocks { count, every } => {
                if let Some(target) = target {
                    self.block(target, &[], false)?;
                }
                let every = every.unwrap_or(self.step);
                for _ in 0..*count {
                    self.block(self.world.clock.plus(every), &[], false)?;
                }
            }
            Action::Until(timing) => {
                if let Some(target) = target {
                    self.block(target, &[], false)?;
                }
                let until = self.travel(timing)?;
                self.block(until, &[], false)?;
            }
            Action::AutoReport(switches) => {
                for (reporter, on) in switches {
                    let reporter = reporter.as_ref().map(|name| self.world.names.reporter_id(name));
                    self.reports.switch(reporter, *on);
                }
                if let Some(target) = target {
                    self.block(target, &[], false)?;
                }
            }
        }
        self.judge(&line.checks)
    }

    /// Runs empty blocks up to the moment that a line waits for, and gives that moment.
    fn travel(&mut self, timing: &Timing) -> Result<TimeMs, Trouble> {
        let now = self.world.clock;
        let target = timing.to.resolve(now);
        if target <= now {
            let (target, now) = (show_time(target), show_time(now));
            let title = format!("{target} is not later than the last block, {now}");
            return Err(Trouble::fatal(title));
        }
        if timing.outage {
            return Ok(target);
        }
        let span = target.since(now);
        let every = timing.every.or(self.every).unwrap_or(default_every(span));
        let count = u64::try_from(span.0 / every.0.max(1)).unwrap_or(u64::MAX);
        if count.saturating_add(self.world.height) > SCENARIO_BLOCKS_MAX {
            return Err(Trouble::fatal(format!(
                "waiting {} with a block every {} takes {count} blocks, more than \
                 {SCENARIO_BLOCKS_MAX}; say a longer `every`",
                show_span(span),
                show_span(every),
            )));
        }
        let mut next = now.plus(every);
        while next < target {
            self.block(next, &[], false)?;
            next = next.plus(every);
        }
        Ok(target)
    }

    fn judge(&mut self, checks: &[Check]) -> Result<(), Trouble> {
        let mut mismatches = Vec::new();
        for check in checks {
            self.outcome.checks += 1;
            if let Err(mismatch) = check::hold(check, &self.world, self.venue) {
                mismatches.push(mismatch);
            }
        }
        match mismatches.len() {
            0 => Ok(()),
            count => Err(Trouble {
                title: match count {
                    1 => "an expectation does not hold".to_string(),
                    _ => format!("{count} expectations do not hold"),
                },
                mismatches,
                fatal: false,
            }),
        }
    }
}

/// Between empty blocks of a wait: a second, but longer steps for waits of days.
fn default_every(span: SpanMs) -> SpanMs {
    match span.0 {
        short if short <= 12 * HOUR_MS => SpanMs(1_000),
        long if long <= 4 * DAY_MS => SpanMs(10_000),
        _ => SpanMs(60_000),
    }
}

fn expects_error(checks: &[Check]) -> bool {
    checks.iter().any(|check| matches!(check.subject, Subject::Error(Some(_))))
}

fn is_expectation(line: &Line) -> bool {
    line.timing.is_none() && matches!(line.action, Action::Nothing)
}

/// The time of day of a block, as failures show it.
fn clock_of_day(time: TimeMs) -> String {
    let text = show_time(time);
    text.split_once('T').map_or(text.clone(), |(_, clock)| clock.to_string())
}
