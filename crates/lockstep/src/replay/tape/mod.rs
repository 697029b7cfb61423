//! Replays of an order-by-order tape: another venue's day, matched again by this engine.
//!
//! Each group of rows becomes commands ([`plan`]) for a future without margin ([`venue`]); what the
//! engine trades is compared with the tape's executions ([`verdict`]), and after each group the
//! engine's queues with those that the tape itself published ([`shadow`]). Icebergs are found by
//! looking ahead ([`icebergs`]). A tape that begins before the opening begins in an auction, which
//! ends with the first trade without a side.

mod chart;
mod icebergs;
mod opening;
mod plan;
mod shadow;
#[cfg(test)]
mod tests;
mod venue;
mod verdict;

use super::tally::{conservation, grouped};
use super::{Check, Context, Finished};
use crate::books;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::report::{Block, Report, Tone};
use crate::scenario::run::hex;
use crate::series::shipped;
use crate::series::tape::{Action, Side, TapeEvent, TapeReader};
use chart::Chart;
use icebergs::Icebergs;
use lockstep_types::TimeMs;
use opening::Opening;
use plan::{Plan, Taker};
use shadow::{LevelAt, Shadow};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::time::Instant;
use venue::{Entry, Venue};
use verdict::Verdict;

/// Groups between two comparisons of the whole book.
const WHOLE_BOOK_GROUPS: u64 = 2_000;

/// Reads a tape: a file, or the excerpt that the binary carries.
pub fn read(path: &Path) -> Result<Vec<TapeEvent>, Failure> {
    if path.as_os_str() == shipped::TAPE_NAME {
        let name = shipped::TAPE_NAME.to_string();
        return shipped::tape().map_err(|error| Failure::Recording { name, error });
    }
    let file = File::open(path).map_err(Failure::file(path))?;
    let events = TapeReader::open(BufReader::new(file)).and_then(Iterator::collect);
    events.map_err(|error| Failure::Recording { name: path.display().to_string(), error })
}

/// A replay under way.
struct Replay<'a> {
    venue: Venue<'a>,
    shadow: Shadow,
    icebergs: Icebergs,
    /// Contracts that icebergs have traded while resting.
    traded: BTreeMap<i64, i64>,
    verdict: Verdict,
    opening: Option<Opening>,
    is_auction: bool,
    chart: Chart,
}

/// Replays a tape.
pub fn run(events: &[TapeEvent], name: &str, context: &mut Context) -> Result<Finished, Failure> {
    let started = Instant::now();
    let Some(first) = events.first() else {
        return Err(Failure::Broken(format!("{name}: the tape has no rows")));
    };
    let total = u64::try_from(events.len()).unwrap_or(u64::MAX);
    let mut progress = Progress::start("replay tape", total, "rows");
    let is_check = context.check == Check::Every;
    let mut replay = Replay {
        venue: Venue::open(time_of(first), &mut context.sink)?,
        shadow: Shadow::default(),
        icebergs: Icebergs::find(events),
        traded: BTreeMap::new(),
        verdict: Verdict::default(),
        opening: None,
        is_auction: false,
        chart: Chart::default(),
    };
    let first_trade = events.iter().find(|row| row.action == Action::Trade);
    if first_trade.is_some_and(|row| row.side == Side::Neither) {
        replay.venue.start_auction()?;
        replay.is_auction = true;
    }
    let (mut groups, mut done) = (0, 0);
    for rows in events.chunk_by(|left, right| left.time_ns == right.time_ns) {
        replay.group(rows)?;
        groups += 1;
        done += u64::try_from(rows.len()).unwrap_or(0);
        if groups % WHOLE_BOOK_GROUPS == 0 {
            replay.compare_whole();
        }
        if is_check {
            books::audit(&replay.venue.exchange).map_err(Failure::Broken)?;
        }
        progress.set(done);
    }
    replay.compare_whole();
    progress.finish();
    replay.finish(events, name, context_check(context.check), started)
}

/// Whether the books are audited at the end.
fn context_check(check: Check) -> bool {
    check != Check::Off
}

/// A row's time on the engine's clock.
fn time_of(row: &TapeEvent) -> TimeMs {
    TimeMs(row.time_ns / 1_000_000)
}

impl Replay<'_> {
    fn group(&mut self, rows: &[TapeEvent]) -> Result<(), Failure> {
        let Some(first) = rows.first() else { return Ok(()) };
        let time = time_of(first);
        let plan = Plan::of(rows, |order| self.shadow.order(order).is_some());
        self.remark(time, &plan);
        if !plan.sideless.is_empty() && self.is_auction {
            self.open_market(time, &plan)?;
        }
        self.venue.begin(time)?;
        self.venue.prepare()?;
        for row in &plan.cancels {
            self.venue.cancel(row.order)?;
        }
        for taker in &plan.takers {
            self.take(time, taker)?;
        }
        for row in &plan.changes {
            self.change(row)?;
        }
        self.venue.end()?;
        for fill in plan.takers.iter().flat_map(|taker| &taker.fills) {
            *self.traded.entry(fill.order).or_default() += fill.size;
        }
        let touched = self.shadow.apply(&plan);
        self.compare(time, &touched)?;
        if !self.is_auction {
            self.chart.sample(time, &self.venue);
        }
        Ok(())
    }

    /// An incoming order.
    fn take(&mut self, time: TimeMs, taker: &Taker) -> Result<(), Failure> {
        let rest = taker.rest.map_or(0, |(_, size)| size);
        let limit = taker.rest.map_or(taker.worst_ticks, |(price_ticks, _)| price_ticks);
        let hidden = self.icebergs.total(taker.order).filter(|_| taker.rest.is_some());
        let found = if taker.rested && self.venue.has(taker.order) {
            let left = hidden.is_none().then_some(taker.traded + rest);
            self.venue.amend(taker.order, limit, left)?
        } else {
            self.venue.enter(Entry {
                order: taker.order,
                side: taker.side,
                price_ticks: limit,
                size: taker.traded + hidden.unwrap_or(rest).max(rest),
                display: hidden.map(|_| rest),
                immediate: taker.rest.is_none(),
            })?
        };
        let icebergs = &self.icebergs;
        self.verdict.executions(time, taker, &found, |order| icebergs.total(order).is_some());
        Ok(())
    }

    /// An order that comes to rest, or one that changes.
    fn change(&mut self, row: &TapeEvent) -> Result<(), Failure> {
        let hidden = self.icebergs.total(row.order);
        if self.venue.has(row.order) {
            let left = hidden.is_none().then_some(row.size);
            return self.venue.amend(row.order, row.price_ticks, left).map(|_| ());
        }
        self.venue.enter(self.entry(row.order, row.side, row.price_ticks, row.size)).map(|_| ())
    }

    /// How a resting order is entered.
    fn entry(&self, order: i64, side: Side, price_ticks: i64, shown: i64) -> Entry {
        let traded = self.traded.get(&order).copied().unwrap_or(0);
        let hidden = self.icebergs.total(order).map(|total| (total - traded).max(shown));
        let size = hidden.unwrap_or(shown);
        let display = hidden.map(|_| shown);
        Entry { order, side, price_ticks, size, display, immediate: false }
    }

    fn remark(&mut self, time: TimeMs, plan: &Plan) {
        let count = |len: usize| u64::try_from(len).unwrap_or(u64::MAX);
        let verdict = &mut self.verdict;
        for taker in &plan.takers {
            let shown = || format!("{time}: order {}", taker.order);
            let what = match (taker.rested, taker.rest) {
                (false, None) => "incoming orders known only by their trades",
                (false, Some(_)) => "incoming orders whose rest is added behind the trade",
                (true, _) => "resting orders amended to a price that trades",
            };
            verdict.remark(what, 1, shown);
        }
        verdict.remark(
            "fill rows of incoming orders themselves, passed over",
            plan.own_fills,
            || format!("{time}: order {}", plan.takers.first().map_or(0, |taker| taker.order)),
        );
        if plan.is_self_match && self.opening.is_some() {
            let example = || {
                let order = plan.cancels.first().map_or(0, |row| row.order);
                format!("{time}: order {order} goes, the incoming one trades on")
            };
            let what = "resting orders that self-match prevention took away";
            verdict.remark(what, count(plan.cancels.len()), example);
        }
        if !plan.sideless.is_empty() && !self.is_auction {
            let what = "trades without a side in continuous trading: nobody to drive them with";
            verdict.remark(what, count(plan.sideless.len()), || time.to_string());
        }
    }

    /// Compares the queues of levels; enters anew those that differ.
    fn compare(&mut self, time: TimeMs, levels: &[LevelAt]) -> Result<(), Failure> {
        let mut anew = Vec::new();
        for level in levels {
            self.verdict.levels += 1;
            let (wanted, found) = (self.shadow.queue(*level), self.venue.queue(*level));
            if wanted == found {
                continue;
            }
            let differing = wanted.iter().zip(&found).filter(|(left, right)| left != right);
            let is_slice = wanted.len() == found.len()
                && differing.clone().all(|((order, _), (other, _))| {
                    order == other && self.icebergs.total(*order).is_some()
                });
            let what = if is_slice {
                "an iceberg's next slice is of another size than its first"
            } else if wanted.iter().any(|(order, _)| self.icebergs.total(*order).is_some()) {
                "an iceberg's place or end"
            } else {
                "orders, sizes or places"
            };
            self.verdict.mismatch(what, || {
                let (_, price) = level;
                let text = |queue: &[(i64, i64)]| {
                    let orders =
                        queue.iter().take(6).map(|(order, size)| format!("{order}x{size}"));
                    orders.collect::<Vec<_>>().join(", ")
                };
                format!("{time} at {price}: tape {}; engine {}", text(&wanted), text(&found))
            });
            anew.push(*level);
        }
        if self.shadow.touch() != self.venue.touch() && anew.is_empty() && !self.is_auction {
            self.verdict.mismatch("best bid or ask", || time.to_string());
        }
        if !anew.is_empty() {
            self.enter_anew(time, &anew)?;
        }
        Ok(())
    }

    /// Makes queues of the engine what the tape says.
    fn enter_anew(&mut self, time: TimeMs, levels: &[LevelAt]) -> Result<(), Failure> {
        self.venue.begin(time)?;
        self.venue.prepare()?;
        for level in levels {
            for (order, _) in self.venue.queue(*level) {
                self.venue.cancel(order)?;
            }
        }
        for level in levels {
            for (order, shown) in self.shadow.queue(*level) {
                self.venue.cancel(order)?;
                let (side, price_ticks) = *level;
                self.venue.enter(self.entry(order, side, price_ticks, shown))?;
            }
        }
        self.venue.end()
    }

    fn compare_whole(&mut self) {
        self.verdict.whole_books += 1;
        let levels = self.shadow.all_levels();
        self.verdict.whole_levels += u64::try_from(levels.len()).unwrap_or(0);
        for level in &levels {
            if self.shadow.queue(*level) != self.venue.queue(*level) {
                let (_, price) = level;
                self.verdict.mismatch("in a whole book", || format!("at {price}"));
            }
        }
        let orders = u64::try_from(self.shadow.orders()).unwrap_or(u64::MAX);
        if orders != self.venue.orders() {
            let found = self.venue.orders();
            self.verdict.mismatch("number of open orders", || {
                format!("the tape has {orders}, the engine {found}")
            });
        }
    }

    fn finish(
        self,
        events: &[TapeEvent],
        name: &str,
        is_checked: bool,
        started: Instant,
    ) -> Result<Finished, Failure> {
        let books = match is_checked {
            true => Some(books::audit(&self.venue.exchange).map_err(Failure::Broken)?),
            false => None,
        };
        let digest = hex(&self.venue.exchange.digest());
        let verdict = &self.verdict;
        let (compared, reproduced) = (verdict.compared(), verdict.reproduced());
        let mut report = Report::new(
            format!("Tape {name}"),
            format!(
                "{} of {} executions reproduced order for order.",
                grouped(reproduced),
                grouped(compared)
            ),
        );
        report.provenance("version", env!("CARGO_PKG_VERSION"));
        report.provenance("rows", grouped(u64::try_from(events.len()).unwrap_or(0)));
        report.provenance("state digest", digest.clone());
        let tone = if compared == reproduced { Tone::Good } else { Tone::Bad };
        let same = grouped(verdict.count(verdict::Class::Same));
        report.figure("Reproduced", grouped(reproduced), format!("{same} row for row"), tone);
        let differing = verdict.mismatches.values().map(|counted| counted.count).sum::<u64>();
        let note = format!("of {} compared", grouped(verdict.levels));
        report.figure("Queues that differed", grouped(differing), note, Tone::Plain);
        let count = grouped(u64::try_from(self.icebergs.count()).unwrap_or(0));
        report.figure("Icebergs", count, "found by looking ahead", Tone::Plain);
        self.venue.tally.figures(&mut report, started.elapsed());
        let mut blocks = vec![Block::Table(verdict.execution_table())];
        blocks.extend(self.opening.as_ref().map(|opening| Block::Table(opening.table())));
        blocks.push(Block::Table(verdict.remark_table()));
        report.section("Executions", blocks);
        report.section("Book", vec![Block::Table(verdict.queue_table())]);
        report.section("Market", self.chart.blocks());
        self.venue.tally.sections(&mut report);
        conservation(&mut report, books);
        Ok(Finished { report, digests: vec![(name.to_string(), digest)], complaint: None })
    }
}
