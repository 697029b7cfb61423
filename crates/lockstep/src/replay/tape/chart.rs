//! What the report of a tape draws: the touch, and volume.

use super::venue::Venue;
use crate::report::{Block, Line, Point, Shape, TimeChart, Unit};
use lockstep_types::TimeMs;

/// Milliseconds between two points.
const STEP_MS: i64 = 10_000;
/// Ticks in an index point.
const TICKS_PER_POINT: f64 = 4.0;

/// What the report draws.
#[derive(Default)]
pub struct Chart {
    bids: Vec<Point>,
    asks: Vec<Point>,
    volume: Vec<Point>,
    next_ms: i64,
    lots: i128,
}

impl Chart {
    /// Looks at the engine's book.
    pub fn sample(&mut self, time: TimeMs, venue: &Venue<'_>) {
        if time.0 < self.next_ms {
            return;
        }
        self.next_ms = time.0 + STEP_MS;
        let (bid, ask) = venue.touch();
        let price = |ticks: i64| ticks as f64 / TICKS_PER_POINT;
        let point = |value: f64| Point { time_ms: time.0, value };
        self.bids.extend(bid.map(|ticks| point(price(ticks))));
        self.asks.extend(ask.map(|ticks| point(price(ticks))));
        let lots = venue.tally.lots - self.lots;
        self.lots = venue.tally.lots;
        self.volume.push(point(lots as f64));
    }

    /// The charts.
    pub fn blocks(self) -> Vec<Block> {
        let prices = TimeChart {
            title: "Best bid and best ask".to_string(),
            unit: Unit::Other("points".to_string()),
            lines: vec![
                Line::new("ask", Shape::Step, self.asks),
                Line::new("bid", Shape::Step, self.bids),
            ],
            ..TimeChart::default()
        };
        let volume = TimeChart {
            title: "Contracts traded in ten seconds".to_string(),
            lines: vec![Line::new("contracts", Shape::Bars, self.volume)],
            ..TimeChart::default()
        };
        vec![Block::TimeChart(prices), Block::TimeChart(volume)]
    }
}
