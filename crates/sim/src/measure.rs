//! Clocks, and a driver that checks a matcher before it times it.
//!
//! A matcher is timed only after an untimed pass ended with the outcome that the flow expects,
//! maker digest included. Every timed run starts from a fresh matcher, applies the prefill outside
//! the clock, and counts in the loop only what [`Totals`] counts; those counts are checked again
//! after each run. A matcher is told of the next few events before it has to apply them
//! ([`FlowMatcher::foresee`]), inside the clock. Times are of the thread's CPU clock, so other
//! threads disturb caches but are not charged. Deliberately absent: threads, warm-up heuristics and
//! statistics beyond order statistics.

mod statistics;
#[cfg(test)]
mod tests;

pub use statistics::{Percentiles, percentile};

use std::fmt;
use std::hint::black_box;
use std::time::Instant;

use crate::flow::{Event, Flow, Header, Outcome, Tally, Totals};

/// Fewest timed runs of a flow: with fewer, the minimum and the median are luck.
pub const RUNS_MIN: usize = 7;
/// Events that a matcher is told of in advance.
pub const AHEAD: usize = 8;
/// Most timed runs of a flow.
pub const RUNS_MAX: usize = 1_000;

/// CPU time of the calling thread in nanoseconds, from an arbitrary start. One system call, which
/// is too slow to put around a single event; see [`latencies`].
#[must_use]
pub fn thread_cpu_ns() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanoseconds = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds * 1_000_000_000 + nanoseconds
}

/// Thread-CPU times of several runs of the same work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Runs made.
    pub runs: usize,
    /// The fastest run: the work with the least disturbance.
    pub min_ns: u64,
    /// The middle run, the upper one of two.
    pub median_ns: u64,
}

/// Times `work` for `runs` times (1 to [`RUNS_MAX`]), each on a fresh subject from `prepare`.
/// Neither the preparation nor the end of the subject's life is timed.
pub fn time_runs<S>(
    runs: usize,
    mut prepare: impl FnMut() -> S,
    mut work: impl FnMut(&mut S),
) -> Timing {
    let runs = runs.clamp(1, RUNS_MAX);
    let mut times_ns = Vec::with_capacity(runs);
    for _ in 0..runs {
        let mut subject = prepare();
        let start_ns = thread_cpu_ns();
        work(&mut subject);
        times_ns.push(thread_cpu_ns().saturating_sub(start_ns));
        black_box(&subject);
    }
    Timing::of(times_ns)
}

impl Timing {
    fn of(mut times_ns: Vec<u64>) -> Timing {
        times_ns.sort_unstable();
        let runs = times_ns.len();
        let min_ns = times_ns.first().copied().unwrap_or(0);
        let median_ns = times_ns.get(runs / 2).copied().unwrap_or(0);
        Timing { runs, min_ns, median_ns }
    }
}

/// A matching engine that can run a flow.
pub trait FlowMatcher {
    /// Applies one event and reports every trade to `tally`, in order. It may assume what
    /// [`Flow`] promises. A cancel of an order that is not live must not panic, because only
    /// matching can tell; the outcome then differs.
    fn apply<T: Tally>(&mut self, event: &Event, tally: &mut T);

    /// Says which events come next, at most [`AHEAD`] of them, before the first of them is applied:
    /// a venue gets its commands in blocks, so it may look ahead, to fetch memory for instance. It
    /// must not act on them.
    fn foresee(&mut self, events: &[Event]) {
        let _ = events;
    }

    /// Applies the events that build the book; never timed.
    fn prefill<T: Tally>(&mut self, events: &[Event], tally: &mut T) {
        for event in events {
            self.apply(event, tally);
        }
    }

    /// Orders and lots resting in all books.
    fn resting(&self) -> (u64, u64);
}

/// A matcher ended with another outcome than the flow expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// What the header of the flow says.
    pub expected: Outcome,
    /// What the matcher ended with; in a timed run the digest is not kept and is 0.
    pub found: Outcome,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the flow expects {:?}, the matcher ended with {:?}", self.expected, self.found)
    }
}

impl std::error::Error for Mismatch {}

/// Runs a flow untimed on a fresh matcher and compares the whole outcome.
///
/// # Errors
/// [`Mismatch`] if anything differs from the header of the flow.
pub fn check<M: FlowMatcher>(flow: &Flow, mut matcher: M) -> Result<Outcome, Mismatch> {
    let mut found = Outcome::default();
    matcher.prefill(flow.prefill(), &mut found);
    for event in flow.timed() {
        matcher.apply(event, &mut found);
    }
    (found.resting_orders, found.resting_lots) = matcher.resting();
    let expected = flow.header().expected;
    if found == expected { Ok(found) } else { Err(Mismatch { expected, found }) }
}

/// What a matcher needed for the timed events of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowTiming {
    /// Timed events in a run.
    pub events: u64,
    /// CPU time of whole runs.
    pub timing: Timing,
    /// The outcome, which is the expected one.
    pub outcome: Outcome,
}

impl FlowTiming {
    /// Picoseconds for each event in the fastest run.
    #[must_use]
    pub fn min_ps_per_event(&self) -> u64 {
        per_event_ps(self.timing.min_ns, self.events)
    }

    /// Picoseconds for each event in the middle run.
    #[must_use]
    pub fn median_ps_per_event(&self) -> u64 {
        per_event_ps(self.timing.median_ns, self.events)
    }
}

impl fmt::Display for FlowTiming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (min, median) = (self.min_ps_per_event() / 100, self.median_ps_per_event() / 100);
        write!(f, "min {}.{} ns/event, ", min / 10, min % 10)?;
        write!(f, "median {}.{} ns/event ", median / 10, median % 10)?;
        write!(f, "({} runs of {} events)", self.timing.runs, self.events)
    }
}

fn per_event_ps(run_ns: u64, events: u64) -> u64 {
    run_ns.saturating_mul(1_000) / events.max(1)
}

/// Checks a matcher on `flow`, then times at least [`RUNS_MIN`] runs of its timed events, each on a
/// fresh matcher from `fresh`.
///
/// # Errors
/// [`Mismatch`], before anything is timed or if a timed run trades otherwise.
pub fn time_flow<M: FlowMatcher>(
    flow: &Flow,
    runs: usize,
    fresh: impl Fn(&Header) -> M,
) -> Result<FlowTiming, Mismatch> {
    let outcome = check(flow, fresh(flow.header()))?;
    time_prefilled(flow, runs, outcome, || prefilled(flow, fresh(flow.header())))
}

/// As [`time_flow`], but the prefill is applied once and each run starts from a copy of what it
/// made: for matchers that take long over it.
///
/// # Errors
/// As [`time_flow`].
pub fn time_flow_copies<M: FlowMatcher + Clone>(
    flow: &Flow,
    runs: usize,
    fresh: impl Fn(&Header) -> M,
) -> Result<FlowTiming, Mismatch> {
    let outcome = check(flow, fresh(flow.header()))?;
    let first = prefilled(flow, fresh(flow.header()));
    time_prefilled(flow, runs, outcome, || first.clone())
}

/// A matcher after the prefill, with what traded in it.
fn prefilled<M: FlowMatcher>(flow: &Flow, mut matcher: M) -> (M, Totals) {
    let mut totals = Totals::default();
    matcher.prefill(flow.prefill(), &mut totals);
    (matcher, totals)
}

fn time_prefilled<M: FlowMatcher>(
    flow: &Flow,
    runs: usize,
    outcome: Outcome,
    prepare: impl FnMut() -> (M, Totals),
) -> Result<FlowTiming, Mismatch> {
    let mut found = Vec::new();
    let timing = time_runs(runs.max(RUNS_MIN), prepare, |(matcher, totals)| {
        for events in flow.timed().chunks(AHEAD) {
            matcher.foresee(events);
            for event in events {
                matcher.apply(event, totals);
            }
        }
        found.push(*totals);
    });
    if let Some(&totals) = found.iter().find(|&&totals| totals != outcome.totals) {
        return Err(Mismatch {
            expected: outcome,
            found: Outcome { totals, ..Outcome::default() },
        });
    }
    let events = u64::try_from(flow.timed().len()).unwrap_or(u64::MAX);
    Ok(FlowTiming { events, timing, outcome })
}

/// Wall-clock latencies of the single timed events, from a pass of their own with a timestamp pair
/// around each event. The cost of an empty pair is in every sample; its median is reported beside
/// the percentiles and is not subtracted.
///
/// # Errors
/// [`Mismatch`] if the matcher ends with another outcome than the flow expects.
pub fn latencies<M: FlowMatcher>(
    flow: &Flow,
    fresh: impl Fn(&Header) -> M,
) -> Result<Latencies, Mismatch> {
    check(flow, fresh(flow.header()))?;
    let mut matcher = fresh(flow.header());
    let mut totals = Totals::default();
    matcher.prefill(flow.prefill(), &mut totals);
    let mut samples_ns: Vec<u64> = Vec::with_capacity(flow.timed().len());
    for event in flow.timed() {
        let start = Instant::now();
        matcher.apply(event, &mut totals);
        samples_ns.push(elapsed_ns(start));
    }
    let expected = flow.header().expected;
    if totals != expected.totals {
        return Err(Mismatch { expected, found: Outcome { totals, ..Outcome::default() } });
    }
    let mut clock_ns: Vec<u64> = (0..10_001).map(|_| elapsed_ns(Instant::now())).collect();
    clock_ns.sort_unstable();
    Ok(Latencies {
        events: Percentiles::of(&mut samples_ns),
        clock_median_ns: percentile(&clock_ns, 500_000),
    })
}

/// Latencies of single events, and what the clock itself adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latencies {
    /// Percentiles over the timed events, clock included.
    pub events: Percentiles,
    /// Median of an empty timestamp pair.
    pub clock_median_ns: u64,
}

fn elapsed_ns(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
