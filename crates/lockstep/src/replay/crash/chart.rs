//! What the report of the crash draws: samples every few seconds, sums every minute.

use super::feed::Feed;
use super::story::Story;
use crate::failure::Failure;
use crate::report::{Block, Line, Point, Scale, Shape, Span, TimeChart, Unit};
use lockstep_exchange::Exchange;
use lockstep_types::event::TradeKind;
use lockstep_types::{Event, InstrumentId, UnderlyingId};

/// Milliseconds between two samples.
const SAMPLE_MS: i64 = 5_000;
/// Milliseconds that a bar sums.
const BAR_MS: i64 = 60_000;
/// Longest list of spans; the report shows fewer.
const SPANS_MAX: usize = 64;

/// One underlying's lines.
#[derive(Default)]
struct Lines {
    ticker: &'static str,
    underlying: UnderlyingId,
    perpetual: InstrumentId,
    put: InstrumentId,
    index: Vec<Point>,
    mark: Vec<Point>,
    middle: Vec<Point>,
    spread: Vec<Point>,
    open_interest: Vec<Point>,
    funding: Vec<Point>,
    volatility: Vec<Point>,
    option: Vec<Point>,
}

/// Sums of the minute that is under way.
#[derive(Clone, Copy, Debug, Default)]
struct Minute {
    start_ms: i64,
    volume_micro: i128,
    liquidated_micro: i128,
    liquidations: u64,
    triggered: u64,
    protections: u64,
    rejections: u64,
    commands: u64,
}

/// Everything that is drawn.
#[derive(Default)]
pub struct Chart {
    domain_ms: (i64, i64),
    lines: Vec<Lines>,
    next_sample_ms: i64,
    minute: Minute,
    volume: Vec<Point>,
    liquidated: Vec<Point>,
    liquidations: Vec<Point>,
    triggered: Vec<Point>,
    protections: Vec<Point>,
    rejections: Vec<Point>,
    commands: Vec<Point>,
    insurance: Vec<Point>,
    orders: Vec<Point>,
    base_fee: Vec<Point>,
    stale: Vec<Span>,
    holes: Vec<Span>,
}

fn point(time_ms: i64, value: f64) -> Point {
    Point { time_ms, value }
}

/// Micro-USD as USD, for display.
fn usd(micro: i64) -> f64 {
    micro as f64 / 1e6
}

/// Micro-USD as USD, for display.
fn wide_usd(micro: i128) -> f64 {
    micro as f64 / 1e6
}

/// Extends the last span to `now_ms`, or begins one.
fn mark(spans: &mut Vec<Span>, is_on: bool, was_on: bool, now_ms: i64, label: &str) {
    if !is_on {
        return;
    }
    if let Some(span) = spans.last_mut().filter(|_| was_on) {
        span.end_ms = now_ms;
    } else if spans.len() < SPANS_MAX {
        spans.push(Span { start_ms: now_ms, end_ms: now_ms, label: label.to_string() });
    }
}

impl Chart {
    /// Charts of an exchange on which everything is listed.
    ///
    /// # Errors
    /// When something that is followed is not listed.
    pub fn new(exchange: &Exchange, story: &Story, start_ms: i64) -> Result<Self, Failure> {
        let mut chart = Self { domain_ms: (start_ms, start_ms), ..Self::default() };
        chart.next_sample_ms = start_ms;
        chart.minute.start_ms = start_ms;
        for ((number, underlying), names) in (0..).zip(story.underlyings).zip(&story.followed) {
            let unlisted = || Failure::Broken(format!("{} is not listed", underlying.ticker));
            let [perpetual, put] = names.map(|name| exchange.instrument_id(&name));
            chart.lines.push(Lines {
                ticker: underlying.ticker,
                underlying: UnderlyingId(number),
                perpetual: perpetual.ok_or_else(unlisted)?,
                put: put.ok_or_else(unlisted)?,
                ..Lines::default()
            });
        }
        Ok(chart)
    }

    /// Looks at a block that has just run, with so many users' commands.
    pub fn block(&mut self, exchange: &Exchange, feed: &Feed, now_ms: i64, commands: u64) {
        if now_ms >= self.minute.start_ms + BAR_MS {
            self.close_minute(now_ms);
        }
        self.minute.commands += commands;
        for event in exchange.events() {
            self.event(event);
        }
        let was_ms = self.domain_ms.1;
        self.domain_ms.1 = now_ms;
        if now_ms < self.next_sample_ms {
            return;
        }
        self.next_sample_ms = now_ms + SAMPLE_MS;
        let is_stale = self
            .lines
            .iter()
            .any(|lines| exchange.underlying_view(lines.underlying).is_some_and(|view| view.stale));
        let was =
            |spans: &[Span]| spans.last().is_some_and(|span| span.end_ms >= was_ms - 2 * SAMPLE_MS);
        let (was_stale, was_hole) = (was(&self.stale), was(&self.holes));
        mark(&mut self.stale, is_stale, was_stale, now_ms, "index stale");
        let is_hole = feed.is_hole(now_ms);
        mark(&mut self.holes, is_hole, was_hole, now_ms, "perpetual stands in for the index");
        for lines in &mut self.lines {
            lines.sample(exchange, now_ms);
        }
        let funds = exchange.funds();
        self.insurance.push(point(now_ms, usd(funds.insurance.0)));
        self.base_fee.push(point(now_ms, funds.base_fee_nano as f64 / 1e3));
        self.orders.push(point(now_ms, exchange.resting().0 as f64));
    }

    fn event(&mut self, event: &Event) {
        match event {
            Event::Trade(trade) => {
                let micro = i128::from(trade.price.0) * i128::from(trade.lots.0) / 1_000;
                self.minute.volume_micro += micro;
                if trade.kind == TradeKind::Liquidation {
                    self.minute.liquidated_micro += micro;
                }
            }
            Event::LiquidationStarted { .. } => self.minute.liquidations += 1,
            Event::Triggered { .. } => self.minute.triggered += 1,
            Event::ProtectionTripped { .. } => self.minute.protections += 1,
            Event::Rejected { .. } => self.minute.rejections += 1,
            _ => {}
        }
    }

    /// Draws the minute that is over.
    pub fn close_minute(&mut self, now_ms: i64) {
        let minute = std::mem::take(&mut self.minute);
        let at = minute.start_ms;
        self.volume.push(point(at, wide_usd(minute.volume_micro)));
        self.liquidated.push(point(at, wide_usd(minute.liquidated_micro)));
        for (line, count) in [
            (&mut self.liquidations, minute.liquidations),
            (&mut self.triggered, minute.triggered),
            (&mut self.protections, minute.protections),
            (&mut self.rejections, minute.rejections),
            (&mut self.commands, minute.commands),
        ] {
            line.push(point(at, count as f64));
        }
        self.minute.start_ms = now_ms;
    }

    fn chart(&self, title: &str, note: &str, unit: Unit, lines: Vec<Line>) -> Block {
        Block::TimeChart(TimeChart {
            title: title.to_string(),
            note: note.to_string(),
            unit,
            domain_ms: Some(self.domain_ms),
            lines,
            ..TimeChart::default()
        })
    }

    /// Prices, spreads and volatility.
    pub fn market(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        for lines in &self.lines {
            let ticker = lines.ticker;
            let prices = vec![
                Line::new("middle of the perpetual", Shape::Step, lines.middle.clone())
                    .in_background(),
                Line::new("index", Shape::Step, lines.index.clone()),
                Line::new("mark", Shape::Step, lines.mark.clone()),
            ];
            let title = format!("{ticker}: index, mark and middle of the perpetual's book");
            let mut block = self.chart(&title, "", Unit::Usd, prices);
            if let Block::TimeChart(chart) = &mut block {
                chart.spans = self.stale.clone();
                if ticker == "BTC" {
                    chart.spans.extend(self.holes.iter().cloned());
                }
            }
            blocks.push(block);
        }
        let each = |read: &dyn Fn(&Lines) -> Vec<Point>| -> Vec<Line> {
            let lines = self.lines.iter();
            lines.map(|lines| Line::new(lines.ticker, Shape::Step, read(lines))).collect()
        };
        blocks.push(self.chart(
            "Spread of the perpetual",
            "Best ask less best bid, of the mark; gaps where a side is empty.",
            Unit::Other("bp".to_string()),
            each(&|lines| lines.spread.clone()),
        ));
        blocks.push(self.chart(
            "Volatility of a put of 31 October, 6 to 8 % below the start",
            "From the smile in force (rule P3).",
            Unit::Percent,
            each(&|lines| lines.volatility.clone()),
        ));
        blocks.push(self.chart(
            "Mark of that put",
            "",
            Unit::Usd,
            each(&|lines| lines.option.clone()),
        ));
        blocks.push(self.chart(
            "Funding of the perpetual in eight hours",
            "",
            Unit::Percent,
            each(&|lines| lines.funding.clone()),
        ));
        blocks
    }

    /// Volume, open interest, orders and fees.
    pub fn activity(&self) -> Vec<Block> {
        let bars = |name: &str, points: &[Point]| Line::new(name, Shape::Bars, points.to_vec());
        let step = |name: &str, points: &[Point]| Line::new(name, Shape::Step, points.to_vec());
        let open = self.lines.iter();
        let open = open.map(|lines| step(lines.ticker, &lines.open_interest)).collect();
        vec![
            self.chart(
                "Volume in a minute",
                "All instruments; options at their premium.",
                Unit::Usd,
                vec![bars("volume", &self.volume)],
            ),
            self.chart(
                "Commands in a minute",
                "",
                Unit::Count,
                vec![bars("commands", &self.commands)],
            ),
            self.chart("Open interest of the perpetuals, at mark", "", Unit::Usd, open),
            self.chart("Open orders", "", Unit::Count, vec![step("orders", &self.orders)]),
            self.chart(
                "Rejections in a minute",
                "",
                Unit::Count,
                vec![bars("rejections", &self.rejections)],
            ),
            self.chart(
                "Base fee of a unit of work (rule F2)",
                "Zero while blocks are less than half full.",
                Unit::Other("micro-USD".to_string()),
                vec![step("base fee", &self.base_fee)],
            ),
        ]
    }

    /// Liquidations, triggers, protection and insurance.
    pub fn stress(&self) -> Vec<Block> {
        let bars = |name: &str, points: &[Point]| Line::new(name, Shape::Bars, points.to_vec());
        let insurance = Line::new("insurance", Shape::Step, self.insurance.clone());
        let mut blocks = vec![
            self.chart(
                "Accounts that fell below maintenance, in a minute",
                "",
                Unit::Count,
                vec![bars("accounts", &self.liquidations)],
            ),
            self.chart(
                "Volume of liquidation orders in a minute",
                "",
                Unit::Usd,
                vec![bars("volume", &self.liquidated)],
            ),
            self.chart(
                "Stops and takes that woke, in a minute",
                "",
                Unit::Count,
                vec![bars("orders", &self.triggered)],
            ),
            self.chart(
                "Times that market maker protection tripped, in a minute",
                "",
                Unit::Count,
                vec![bars("times", &self.protections)],
            ),
            self.chart("Insurance fund", "", Unit::Usd, vec![insurance]),
        ];
        for block in &mut blocks {
            if let Block::TimeChart(chart) = block {
                chart.scale = Scale::FromZero;
            }
        }
        blocks
    }
}

impl Lines {
    fn sample(&mut self, exchange: &Exchange, now_ms: i64) {
        let index = exchange.underlying_view(self.underlying).and_then(|view| view.index);
        self.index.extend(index.map(|price| point(now_ms, usd(price.0))));
        if let Some(view) = exchange.instrument_view(self.perpetual) {
            let mark = view.mark.map_or(0, |price| price.0);
            self.mark.extend(view.mark.map(|price| point(now_ms, usd(price.0))));
            let touch = view.bid.zip(view.ask);
            let middle = touch.map_or(f64::NAN, |(bid, ask)| usd((bid.0 + ask.0) / 2));
            let spread = touch
                .map_or(f64::NAN, |(bid, ask)| usd(ask.0 - bid.0) * 10_000.0 / usd(mark.max(1)));
            self.middle.push(point(now_ms, middle));
            self.spread.push(point(now_ms, spread));
            let open = i128::from(view.open_interest.0) * i128::from(mark) / 1_000;
            self.open_interest.push(point(now_ms, wide_usd(open)));
            self.funding.push(point(now_ms, view.rate_8h_ppb as f64 / 1e7));
        }
        if let Some(view) = exchange.instrument_view(self.put) {
            let vol = view.volatility.map_or(f64::NAN, |vol| vol.0 as f64 / 1e7);
            self.volatility.push(point(now_ms, vol));
            self.option.extend(view.mark.map(|price| point(now_ms, usd(price.0))));
        }
    }
}
