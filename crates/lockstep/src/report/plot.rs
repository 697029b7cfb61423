//! A time chart made ready to draw: its domain, its axis, its lines cleaned and thinned.

use super::{
    BANDS_MAX, LEVELS_MAX, LINES_MAX, Line, Point, RangePoint, Scale, Shape, TimeChart,
    axis::Axis,
    downsample,
    number::{self, shows},
    time,
};

/// Most bars that are drawn side by side over the time of a chart.
const BARS_DRAWN_MAX: usize = 240;

/// A chart ready to draw.
pub struct Plot<'a> {
    /// First and last time shown, milliseconds; the last lies after the first.
    pub domain_ms: (i64, i64),
    /// Where values lie.
    pub axis: Axis,
    /// How they are laid out.
    pub scale: Scale,
    /// Digits after the point when a value is told.
    pub decimals: usize,
    /// The lines, in the order given.
    pub lines: Vec<PlotLine<'a>>,
    /// Names and points of the shaded ranges.
    pub bands: Vec<(&'a str, Vec<RangePoint>)>,
    /// Time that one bar stands for, milliseconds.
    pub bar_ms: i64,
}

/// A line ready to draw.
pub struct PlotLine<'a> {
    /// What it was made from.
    pub line: &'a Line,
    /// Its colour: which of the colours, or `None` for the grey of context.
    pub colour: Option<usize>,
    /// What is left of its points; gaps are not a number.
    pub points: Vec<Point>,
}

impl PlotLine<'_> {
    /// The last point that can be drawn.
    pub fn last(&self) -> Option<Point> {
        self.points.iter().rev().find(|point| shows(point.value)).copied()
    }

    /// Least and greatest value drawn.
    pub fn extremes(&self) -> Option<(f64, f64)> {
        let values = || self.points.iter().map(|point| point.value).filter(|&value| shows(value));
        let low = values().reduce(f64::min)?;
        Some((low, values().reduce(f64::max)?))
    }
}

impl<'a> Plot<'a> {
    /// Makes a chart ready, with its series thinned to `buckets` pixels.
    pub fn new(chart: &'a TimeChart, buckets: usize) -> Self {
        let sorted: Vec<(&Line, Vec<Point>)> =
            chart.lines.iter().take(LINES_MAX).map(|line| (line, in_order(line))).collect();
        let bar_ms = shortest_step_ms(&sorted);
        let domain_ms = domain(chart, &sorted, bar_ms);
        let span_ms = domain_ms.1 - domain_ms.0;
        let bars_drawn_max = i64::try_from(BARS_DRAWN_MAX).unwrap_or(i64::MAX);
        let bar_ms = bar_ms.max(span_ms / bars_drawn_max).max(1);
        let mut colours = 0..;
        let lines: Vec<PlotLine<'a>> = sorted
            .into_iter()
            .map(|(line, points)| PlotLine {
                line,
                colour: if line.context { None } else { colours.next() },
                points: thinned(line.shape, &points, domain_ms, buckets),
            })
            .collect();
        let bands: Vec<(&str, Vec<RangePoint>)> = chart
            .bands
            .iter()
            .take(BANDS_MAX)
            .map(|band| {
                let mut points = band.points.clone();
                points.sort_by_key(|point| point.time_ms);
                (band.name.as_str(), downsample::range(&points, domain_ms, buckets))
            })
            .collect();
        let drawn = || lines.iter().flat_map(|line| line.points.iter().map(|point| point.value));
        let ends = bands.iter().flat_map(|(_, points)| points.iter());
        let levels = chart.levels.iter().take(LEVELS_MAX).map(|level| level.value);
        let all = drawn().chain(ends.flat_map(|point| [point.low, point.high])).chain(levels);
        let has_bars = lines.iter().any(|line| line.line.shape == Shape::Bars);
        let scale = match chart.scale {
            Scale::Linear if has_bars => Scale::FromZero,
            other => other,
        };
        let axis = Axis::new(all, scale);
        let decimals = number::decimals(drawn());
        Self { domain_ms, axis, scale, decimals, lines, bands, bar_ms }
    }

    /// Where a time lies: 0 at the left end, 1 at the right.
    pub fn across(&self, time_ms: i64) -> f64 {
        let (start_ms, end_ms) = self.domain_ms;
        let offset_ms = time_ms.clamp(start_ms, end_ms) - start_ms;
        offset_ms as f64 / (end_ms - start_ms) as f64
    }

    /// Every value drawn in a line.
    pub fn values(&self) -> impl Iterator<Item = f64> + Clone {
        self.lines.iter().flat_map(|line| line.points.iter().map(|point| point.value))
    }
}

fn in_order(line: &Line) -> Vec<Point> {
    let mut points = line.points.clone();
    points.sort_by_key(|point| point.time_ms);
    points
}

/// The least time between two bars of one series.
fn shortest_step_ms(lines: &[(&Line, Vec<Point>)]) -> i64 {
    let bars = lines.iter().filter(|(line, _)| line.shape == Shape::Bars);
    bars.flat_map(|(_, points)| points.windows(2))
        .map(|pair| pair[1].time_ms.saturating_sub(pair[0].time_ms))
        .filter(|&step_ms| step_ms > 0)
        .min()
        .unwrap_or(1)
}

/// The chart's own domain, or the reach of its points, its last bar included.
fn domain(chart: &TimeChart, lines: &[(&Line, Vec<Point>)], bar_ms: i64) -> (i64, i64) {
    let (start_ms, end_ms) = chart.domain_ms.unwrap_or_else(|| {
        let mut start_ms = i64::MAX;
        let mut end_ms = i64::MIN;
        for (line, points) in lines {
            if let (Some(first), Some(last)) = (points.first(), points.last()) {
                let bar_ms = if line.shape == Shape::Bars { bar_ms } else { 0 };
                start_ms = start_ms.min(first.time_ms);
                end_ms = end_ms.max(last.time_ms.saturating_add(bar_ms));
            }
        }
        if start_ms > end_ms { (0, 0) } else { (start_ms, end_ms) }
    });
    let start_ms = time::clamp(start_ms);
    (start_ms, time::clamp(end_ms).max(start_ms + 1))
}

fn thinned(shape: Shape, points: &[Point], domain_ms: (i64, i64), buckets: usize) -> Vec<Point> {
    match shape {
        Shape::Line => downsample::line(points, domain_ms, buckets),
        Shape::Bars => downsample::bars(points, domain_ms, buckets.min(BARS_DRAWN_MAX)),
        Shape::Step => {
            // The value in force when the domain opens began before it.
            let before = points.iter().take_while(|point| point.time_ms < domain_ms.0).last();
            let opening = before.map(|point| Point { time_ms: domain_ms.0, ..*point });
            let inside = points.iter().filter(|point| point.time_ms >= domain_ms.0);
            let held: Vec<Point> = opening.iter().chain(inside).copied().collect();
            downsample::line(&held, domain_ms, buckets)
        }
    }
}
