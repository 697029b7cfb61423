//! Sums over equal spans of time: what happened, how often, for how much.
//!
//! A thing that may be summed is a row of [`ROWS`] and an arm of [`Bars::event`]. Rare things are
//! drawn only if they happened.

use crate::report::{Block, Line, Point, Scale, Shape, TimeChart, Unit};
use lockstep_types::Event;
use lockstep_types::event::TradeKind;

/// Shortest span, milliseconds.
const SPAN_MS_MIN: i64 = 60_000;
/// About so many spans in a long run.
const SPANS: i64 = 150;

/// What is summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sum {
    Liquidations,
    LiquidationVolume,
    InsurancePaid,
    Backstops,
    TakenOver,
    Deleveraged,
    Woken,
    Protections,
    Settled,
    Volume,
    Commands,
    Rejections,
}

/// Where on the page a sum is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// Among what goes wrong.
    Stress,
    /// Among what goes on.
    Activity,
}

/// How a sum is drawn.
struct Row {
    sum: Sum,
    room: Room,
    title: &'static str,
    name: &'static str,
    /// Micro-USD; else a count.
    is_money: bool,
    /// Drawn only if it happened.
    is_rare: bool,
}

/// A row of things that are counted.
const fn count(sum: Sum, room: Room, title: &'static str, name: &'static str) -> Row {
    Row { sum, room, title, name, is_money: false, is_rare: false }
}

/// A row of money.
const fn money(sum: Sum, room: Room, title: &'static str, name: &'static str) -> Row {
    Row { sum, room, title, name, is_money: true, is_rare: false }
}

/// Everything that is summed, in the order of the page.
const ROWS: [Row; 12] = [
    count(Sum::Liquidations, Room::Stress, "Accounts that fell below maintenance", "accounts"),
    money(Sum::LiquidationVolume, Room::Stress, "Volume of liquidation orders", "volume"),
    Row {
        is_rare: true,
        ..money(Sum::InsurancePaid, Room::Stress, "Paid by insurance for bankrupt accounts", "paid")
    },
    Row {
        is_rare: true,
        ..count(Sum::Backstops, Room::Stress, "Accounts put into the backstop auction", "accounts")
    },
    Row {
        is_rare: true,
        ..money(Sum::TakenOver, Room::Stress, "Taken over by backstop bidders, at mark", "volume")
    },
    Row {
        is_rare: true,
        ..money(Sum::Deleveraged, Room::Stress, "Closed against opposite positions", "volume")
    },
    count(Sum::Woken, Room::Stress, "Stops and takes that woke", "orders"),
    count(Sum::Protections, Room::Stress, "Market maker protection tripped", "times"),
    Row {
        is_rare: true,
        ..money(Sum::Settled, Room::Activity, "Paid to holders at expiry", "paid")
    },
    money(Sum::Volume, Room::Activity, "Volume, options at their premium", "volume"),
    count(Sum::Commands, Room::Activity, "Commands", "commands"),
    count(Sum::Rejections, Room::Activity, "Rejections", "rejections"),
];

/// All sums.
#[derive(Clone, Debug)]
pub struct Bars {
    span_ms: i64,
    start_ms: i64,
    sums: [i128; ROWS.len()],
    points: [Vec<Point>; ROWS.len()],
}

impl Bars {
    /// Bars from one moment to another.
    pub fn new(start_ms: i64, end_ms: i64) -> Self {
        let minutes = (end_ms - start_ms) / SPANS / SPAN_MS_MIN;
        Self {
            span_ms: minutes.max(1) * SPAN_MS_MIN,
            start_ms,
            sums: [0; ROWS.len()],
            points: std::array::from_fn(|_| Vec::new()),
        }
    }

    /// Before what happens in a block, with so many users' commands, is added.
    pub fn block(&mut self, now_ms: i64, commands: u64) {
        if now_ms >= self.start_ms + self.span_ms {
            self.close(now_ms);
        }
        self.add(Sum::Commands, i128::from(commands));
    }

    /// Adds what happened.
    pub fn event(&mut self, event: &Event) {
        match event {
            Event::Trade(trade) => {
                let micro = i128::from(trade.price.0) * i128::from(trade.lots.0) / 1_000;
                self.add(Sum::Volume, micro);
                match trade.kind {
                    TradeKind::Liquidation => self.add(Sum::LiquidationVolume, micro),
                    TradeKind::Backstop => self.add(Sum::TakenOver, micro),
                    TradeKind::Deleverage => self.add(Sum::Deleveraged, micro),
                    _ => {}
                }
            }
            Event::LiquidationStarted { .. } => self.add(Sum::Liquidations, 1),
            Event::BackstopStarted { .. } => self.add(Sum::Backstops, 1),
            Event::InsurancePaid { amount, .. } => self.add(Sum::InsurancePaid, amount.0.into()),
            Event::Settled { amount, .. } => self.add(Sum::Settled, amount.0.max(0).into()),
            Event::Triggered { .. } => self.add(Sum::Woken, 1),
            Event::ProtectionTripped { .. } => self.add(Sum::Protections, 1),
            Event::Rejected { .. } => self.add(Sum::Rejections, 1),
            _ => {}
        }
    }

    fn add(&mut self, sum: Sum, value: i128) {
        if let Some(at) = ROWS.iter().position(|row| row.sum == sum) {
            self.sums[at] += value;
        }
    }

    /// Ends the span that is under way.
    pub fn close(&mut self, now_ms: i64) {
        let sums = std::mem::replace(&mut self.sums, [0; ROWS.len()]);
        for ((points, sum), row) in self.points.iter_mut().zip(sums).zip(&ROWS) {
            let unit = if row.is_money { 1e6 } else { 1.0 };
            points.push(Point { time_ms: self.start_ms, value: sum as f64 / unit });
        }
        self.start_ms = now_ms;
    }

    /// The charts of a room.
    pub fn charts(&self, room: Room, domain_ms: (i64, i64)) -> Vec<Block> {
        let span = match self.span_ms / SPAN_MS_MIN {
            1 => "a minute".to_string(),
            minutes => format!("{minutes} minutes"),
        };
        let drawn = ROWS.iter().zip(&self.points).filter(|(row, points)| {
            row.room == room && (!row.is_rare || points.iter().any(|point| point.value > 0.0))
        });
        let chart = |(row, points): (&Row, &Vec<Point>)| {
            Block::TimeChart(TimeChart {
                title: format!("{}, in {span}", row.title),
                unit: if row.is_money { Unit::Usd } else { Unit::Count },
                scale: Scale::FromZero,
                domain_ms: Some(domain_ms),
                lines: vec![Line::new(row.name, Shape::Bars, points.clone())],
                ..TimeChart::default()
            })
        };
        drawn.map(chart).collect()
    }
}
