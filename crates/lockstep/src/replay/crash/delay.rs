//! The latency that the venue measures of itself, and what margin charges for it (rule R4), as it
//! prints them in every block.

use super::chart::{point, step, time_chart};
use crate::report::{Block, Line, Point, Scale, Span, TimeChart, Unit};
use lockstep_types::command::{Phase, PhaseReason};
use lockstep_types::{Event, UnderlyingId};

/// Milliseconds between two points, at least.
const STEP_MS_MIN: i64 = 1_000;
/// Most points of a line.
const POINTS_MAX: i64 = 3_000;
/// Longest list of spans; the report shows fewer.
const SPANS_MAX: usize = 64;

/// What the venue said of the first underlying.
#[derive(Clone, Debug, Default)]
pub struct Delay {
    step_ms: i64,
    next_ms: i64,
    /// Latency now and slow, seconds.
    now: Vec<Point>,
    slow: Vec<Point>,
    /// Moves that requirements are charged for, percent of spot.
    initial: Vec<Point>,
    maintenance: Vec<Point>,
    now_us_max: i64,
    initial_ppm_max: i64,
    phases: Vec<Span>,
    phase: Phase,
    restricted_ms: i64,
    phase_since_ms: i64,
}

impl Delay {
    /// Lines from one moment to another.
    pub fn new(start_ms: i64, end_ms: i64) -> Self {
        let step_ms = ((end_ms - start_ms) / POINTS_MAX).max(STEP_MS_MIN);
        Self { step_ms, next_ms: start_ms, ..Self::default() }
    }

    /// Learns from an event of the block at a moment.
    pub fn event(&mut self, event: &Event, now_ms: i64) {
        match event {
            Event::Latency { underlying, now_us, slow_us, initial, maintenance, .. }
                if *underlying == UnderlyingId(0) =>
            {
                self.now_us_max = self.now_us_max.max(*now_us);
                self.initial_ppm_max = self.initial_ppm_max.max(initial.0);
                if now_ms < self.next_ms {
                    return;
                }
                self.next_ms = now_ms + self.step_ms;
                self.now.push(point(now_ms, *now_us as f64 / 1e6));
                self.slow.push(point(now_ms, *slow_us as f64 / 1e6));
                self.initial.push(point(now_ms, initial.0 as f64 / 1e4));
                self.maintenance.push(point(now_ms, maintenance.0 as f64 / 1e4));
            }
            Event::PhaseChanged { phase, reason: PhaseReason::Latency, .. } => {
                self.change(*phase, now_ms);
            }
            _ => {}
        }
    }

    fn change(&mut self, phase: Phase, now_ms: i64) {
        self.close(now_ms);
        self.phase = phase;
        self.phase_since_ms = now_ms;
        let label = match phase {
            Phase::Continuous => return,
            Phase::ReduceOnly => "too slow: orders may only reduce",
            Phase::Auction => "too slow: orders collect",
            Phase::Halted => "too slow: nothing trades",
        };
        if self.phases.len() < SPANS_MAX {
            let label = label.to_string();
            self.phases.push(Span { start_ms: now_ms, end_ms: now_ms, label });
        }
    }

    /// Ends what lasts.
    pub fn close(&mut self, now_ms: i64) {
        if self.phase == Phase::Continuous {
            return;
        }
        self.restricted_ms += now_ms - self.phase_since_ms;
        self.phase_since_ms = now_ms;
        if let Some(span) = self.phases.last_mut() {
            span.end_ms = now_ms;
        }
    }

    /// The greatest latency, milliseconds.
    pub fn now_ms_max(&self) -> i64 {
        self.now_us_max / 1_000
    }

    /// The greatest move that initial requirements were charged for, ppm.
    pub fn initial_ppm_max(&self) -> i64 {
        self.initial_ppm_max
    }

    /// How long the venue was too slow to take all orders, seconds; both underlyings count.
    pub fn restricted_s(&self) -> i64 {
        self.restricted_ms / 1_000
    }

    /// The latency, as a line.
    pub fn line(&self) -> Line {
        step("now", &self.now)
    }

    /// The charts; none if the venue said nothing.
    pub fn charts(&self, domain_ms: (i64, i64)) -> Vec<Block> {
        if self.now.is_empty() {
            return Vec::new();
        }
        let latency = time_chart(
            "Latency that the venue measures (rule R4)",
            "Age of reports and three blocks, more while liquidations wait.",
            Unit::Other("s".to_string()),
            domain_ms,
            vec![step("now", &self.now), step("slow", &self.slow)],
        );
        let charged = time_chart(
            "Move of spot that portfolio margin charges for latency",
            "Nothing while it is below a second.",
            Unit::Percent,
            domain_ms,
            vec![step("initial", &self.initial), step("maintenance", &self.maintenance)],
        );
        let (scale, spans) = (Scale::FromZero, self.phases.clone());
        vec![
            Block::TimeChart(TimeChart { scale, spans, ..latency }),
            Block::TimeChart(TimeChart { scale, ..charged }),
        ]
    }
}
