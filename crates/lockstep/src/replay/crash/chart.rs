//! What the report of a crash draws of the market and of the venue's funds: samples every few
//! seconds. Sums are in [`super::bars`], margin in [`super::solvency`].

use super::feed::Feed;
use super::story::Story;
use crate::failure::Failure;
use crate::report::{Block, Line, Point, Scale, Shape, Span, TimeChart, Unit};
use lockstep_exchange::Exchange;
use lockstep_types::{InstrumentId, UnderlyingId};

/// Milliseconds between two samples, at least.
const SAMPLE_MS_MIN: i64 = 5_000;
/// Most samples of a run.
const SAMPLES_MAX: i64 = 3_000;
/// Longest list of spans; the report shows fewer.
const SPANS_MAX: usize = 64;

/// One underlying's lines.
#[derive(Default)]
struct Lines {
    ticker: &'static str,
    underlying: UnderlyingId,
    perpetual: InstrumentId,
    followed: InstrumentId,
    option_name: String,
    index: Vec<Point>,
    mark: Vec<Point>,
    middle: Vec<Point>,
    spread: Vec<Point>,
    open_interest: Vec<Point>,
    funding: Vec<Point>,
    volatility: Vec<Point>,
    option: Vec<Point>,
}

/// Everything that is drawn.
#[derive(Default)]
pub struct Chart {
    domain_ms: (i64, i64),
    lines: Vec<Lines>,
    next_sample_ms: i64,
    step_ms: i64,
    insurance: Vec<Point>,
    orders: Vec<Point>,
    base_fee: Vec<Point>,
    stale: Vec<Span>,
    holes: Vec<Span>,
}

/// A value at a moment.
pub fn point(time_ms: i64, value: f64) -> Point {
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

/// Values that hold until the next one.
pub fn step(name: &str, points: &[Point]) -> Line {
    Line::new(name, Shape::Step, points.to_vec())
}

/// A chart of lines over a stretch of time.
pub fn time_chart(
    title: &str,
    note: &str,
    unit: Unit,
    domain_ms: (i64, i64),
    lines: Vec<Line>,
) -> TimeChart {
    TimeChart {
        title: title.to_string(),
        note: note.to_string(),
        unit,
        domain_ms: Some(domain_ms),
        lines,
        ..TimeChart::default()
    }
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
    pub fn new(
        exchange: &Exchange,
        story: &Story,
        start_ms: i64,
        end_ms: i64,
    ) -> Result<Self, Failure> {
        let mut chart = Self { domain_ms: (start_ms, start_ms), ..Self::default() };
        chart.next_sample_ms = start_ms;
        chart.step_ms = ((end_ms - start_ms) / SAMPLES_MAX).max(SAMPLE_MS_MIN);
        for ((number, underlying), names) in (0..).zip(story.underlyings).zip(&story.followed) {
            let unlisted = || Failure::Broken(format!("{} is not listed", underlying.ticker));
            let [perpetual, followed] = names.map(|name| exchange.instrument_id(&name));
            chart.lines.push(Lines {
                ticker: underlying.ticker,
                underlying: UnderlyingId(number),
                perpetual: perpetual.ok_or_else(unlisted)?,
                followed: followed.ok_or_else(unlisted)?,
                option_name: names[1].to_string(),
                ..Lines::default()
            });
        }
        Ok(chart)
    }

    /// From when to when it has seen, milliseconds.
    pub fn domain_ms(&self) -> (i64, i64) {
        self.domain_ms
    }

    /// Looks at a block that has just run.
    pub fn block(&mut self, exchange: &Exchange, feed: &Feed, now_ms: i64) {
        let was_ms = self.domain_ms.1;
        self.domain_ms.1 = now_ms;
        if now_ms < self.next_sample_ms {
            return;
        }
        self.next_sample_ms = now_ms + self.step_ms;
        let is_stale = self
            .lines
            .iter()
            .any(|lines| exchange.underlying_view(lines.underlying).is_some_and(|view| view.stale));
        let since_ms = was_ms - 2 * self.step_ms;
        let was = |spans: &[Span]| spans.last().is_some_and(|span| span.end_ms >= since_ms);
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

    fn chart(&self, title: &str, note: &str, unit: Unit, lines: Vec<Line>) -> Block {
        Block::TimeChart(time_chart(title, note, unit, self.domain_ms, lines))
    }

    /// Prices, spreads and volatility.
    pub fn market(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        for lines in &self.lines {
            let ticker = lines.ticker;
            let prices = vec![
                step("middle of the perpetual", &lines.middle).in_background(),
                step("index", &lines.index),
                step("mark", &lines.mark),
            ];
            let title = format!("{ticker}: index, mark and middle of the perpetual's book");
            let mut spans = self.stale.clone();
            if ticker == "BTC" {
                spans.extend(self.holes.iter().cloned());
            }
            let chart = time_chart(&title, "", Unit::Usd, self.domain_ms, prices);
            blocks.push(Block::TimeChart(TimeChart { spans, ..chart }));
        }
        let each = |read: fn(&Lines) -> &[Point]| -> Vec<Line> {
            self.lines.iter().map(|lines| step(lines.ticker, read(lines))).collect()
        };
        blocks.push(self.chart(
            "Spread of the perpetual",
            "Best ask less best bid, of the mark; gaps where a side is empty.",
            Unit::Other("bp".to_string()),
            each(|lines| &lines.spread),
        ));
        blocks.push(self.chart(
            "Volatility of an option out of the money",
            &self.followed_note(),
            Unit::Percent,
            each(|lines| &lines.volatility),
        ));
        blocks.push(self.chart("Mark of that option", "", Unit::Usd, each(|lines| &lines.option)));
        blocks.push(self.chart(
            "Funding of the perpetual in eight hours",
            "",
            Unit::Percent,
            each(|lines| &lines.funding),
        ));
        blocks
    }

    /// How far the first perpetual's mark was from its index, percent.
    pub fn discount(&self) -> Line {
        let lines = self.lines.first();
        let pairs = lines.into_iter().flat_map(|lines| lines.mark.iter().zip(&lines.index));
        let of_pair = |(mark, index): (&Point, &Point)| {
            point(mark.time_ms, (mark.value / index.value - 1.0) * 100.0)
        };
        Line::new("mark", Shape::Step, pairs.map(of_pair).collect())
    }

    fn followed_note(&self) -> String {
        let names: Vec<&str> = self.lines.iter().map(|lines| lines.option_name.as_str()).collect();
        format!("{}; from the smile in force (rule P3).", names.join(", "))
    }

    /// Open interest, orders and fees.
    pub fn activity(&self) -> Vec<Block> {
        let open = self.lines.iter();
        let open = open.map(|lines| step(lines.ticker, &lines.open_interest)).collect();
        vec![
            self.chart("Open interest of the perpetuals, at mark", "", Unit::Usd, open),
            self.chart("Open orders", "", Unit::Count, vec![step("orders", &self.orders)]),
            self.chart(
                "Base fee of a unit of work (rule F2)",
                "Zero while blocks are less than half full.",
                Unit::Other("micro-USD".to_string()),
                vec![step("base fee", &self.base_fee)],
            ),
        ]
    }

    /// What insurance has.
    pub fn insurance(&self) -> Block {
        let lines = vec![step("insurance", &self.insurance)];
        let chart = time_chart("Insurance fund", "", Unit::Usd, self.domain_ms, lines);
        Block::TimeChart(TimeChart { scale: Scale::FromZero, ..chart })
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
        if let Some(view) = exchange.instrument_view(self.followed) {
            let vol = view.volatility.map_or(f64::NAN, |vol| vol.0 as f64 / 1e7);
            self.volatility.push(point(now_ms, vol));
            self.option.extend(view.mark.map(|price| point(now_ms, usd(price.0))));
        }
    }
}
