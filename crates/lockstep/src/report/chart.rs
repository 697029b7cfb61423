//! A time chart as HTML: an SVG that stretches to any width under labels that do not.
//!
//! The plot is 1000 units wide and as many units high as it has pixels. It is stretched sideways
//! only, and strokes do not scale, so lines stay sharp and round caps round; every text is HTML
//! placed in percent, so it stays readable on a phone. Lines are named where they end; where
//! there is no room for that, `page.css` shows a legend instead.

use super::{
    LEVELS_MAX, MARKS_MAX, Point, Shape, TimeChart,
    marks::Marks,
    number,
    number::{coordinate, shows, with_unit},
    plot::{Plot, PlotLine},
    text::{self, escape, html_label},
    time,
};

/// Height of the plot, pixels; `page.css` has the same.
const HEIGHT: f64 = 220.0;
/// Width of the plot, units of its drawing.
const WIDTH: f64 = 1_000.0;
/// Height of a name with its value below it at the end of a line, pixels.
const END_HEIGHT: f64 = 33.0;
/// Height of a name alone, pixels.
const NAME_HEIGHT: f64 = 17.0;
/// Most lines whose last values stand below their names; with more, there is no room.
const VALUED_LINES_MAX: usize = 4;
/// Writes a chart.
pub fn write(out: &mut String, chart: &TimeChart, buckets: usize) {
    let plot = Plot::new(chart, buckets);
    let marks = Marks::new(chart, &plot);
    let (prefix, suffix) = chart.unit.affixes();
    let (low, high) = plot.axis.ends();
    put!(
        out,
        "<figure class=\"chart{}\" data-start=\"{}\" data-end=\"{}\" data-low=\"{low}\" \
         data-high=\"{high}\" data-log=\"{}\" data-prefix=\"{}\" data-suffix=\"{}\" \
         data-decimals=\"{}\" data-bar=\"{}\" style=\"--lanes:{}\">",
        if marks.numbered { " numbered" } else { "" },
        plot.domain_ms.0,
        plot.domain_ms.1,
        u8::from(plot.axis.is_log()),
        escape(prefix),
        escape(&suffix),
        plot.decimals,
        plot.bar_ms,
        marks.lanes,
    );
    write_caption(out, chart, &plot);
    write_legend(out, chart, &plot);
    out.push_str("<div class=\"frame\"><div class=\"ys\">");
    for tick in plot.axis.ticks() {
        let top = coordinate(down(&plot, tick.value));
        put!(out, "<span style=\"top:{top}px\">{}{}</span>", escape(prefix), tick.label);
    }
    out.push_str("</div><div class=\"area\">");
    marks.write(out);
    out.push_str("<div class=\"plot\" tabindex=\"0\">");
    write_drawing(out, chart, &plot);
    write_levels(out, chart, &plot);
    out.push_str("</div></div>");
    write_ends(out, chart, &plot);
    write_times(out, &plot);
    out.push_str("</div>");
    marks.write_list(out);
    write_values(out, &plot);
    out.push_str("</figure>\n");
}

fn write_caption(out: &mut String, chart: &TimeChart, plot: &Plot<'_>) {
    let mut unit = chart.unit.words();
    if plot.axis.is_log() {
        unit.push_str(if unit.is_empty() { "log scale" } else { ", log scale" });
    }
    let range = time::range(plot.domain_ms.0, plot.domain_ms.1);
    text::write_caption(out, &chart.title, &unit, &range, &chart.note);
    let hidden = chart.lines.len() - plot.lines.len();
    if hidden > 0 {
        put!(out, "<p class=\"more\">{hidden} more lines are not shown.</p>");
    }
}

/// The class that gives a line its colour.
fn class(line: &PlotLine<'_>) -> String {
    line.colour.map_or_else(|| "context".to_owned(), |colour| format!("c{colour}"))
}

/// Distance from the top of the plot, pixels.
fn down(plot: &Plot<'_>, value: f64) -> f64 {
    HEIGHT - plot.axis.at(value).clamp(-0.01, 1.01) * HEIGHT
}

fn right(plot: &Plot<'_>, time_ms: i64) -> f64 {
    plot.across(time_ms) * WIDTH
}

fn percent(part: f64) -> String {
    let text = format!("{:.2}", part * 100.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn write_drawing(out: &mut String, chart: &TimeChart, plot: &Plot<'_>) {
    put!(
        out,
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=\"none\" role=\"img\" \
         aria-label=\"{}\">",
        escape(&summary(chart, plot))
    );
    for span in chart.spans.iter().take(MARKS_MAX) {
        if span.end_ms >= plot.domain_ms.0 && span.start_ms <= plot.domain_ms.1 {
            let from = right(plot, span.start_ms);
            let width = (right(plot, span.end_ms) - from).max(0.8);
            let (from, width) = (coordinate(from), coordinate(width));
            put!(
                out,
                "<rect class=\"span\" x=\"{from}\" y=\"0\" width=\"{width}\" \
                 height=\"{HEIGHT}\"/>"
            );
        }
    }
    out.push_str("<path class=\"grid\" d=\"");
    for tick in plot.axis.ticks() {
        put!(out, "M0 {}H{WIDTH}", coordinate(down(plot, tick.value)));
    }
    out.push_str("\"/>");
    for (at, (_, points)) in plot.bands.iter().enumerate() {
        write_band(out, plot, at, points);
    }
    let bars = plot.lines.iter().filter(|line| line.line.shape == Shape::Bars).count();
    let mut bars_before = 0;
    // Context first, so that it lies behind what is read against it.
    let (behind, before): (Vec<_>, Vec<_>) =
        plot.lines.iter().partition(|line| line.colour.is_none());
    for line in behind.into_iter().chain(before) {
        let class = class(line);
        let path = match line.line.shape {
            Shape::Bars => {
                bars_before += 1;
                bars_path(plot, line, bars_before - 1, bars)
            }
            Shape::Line => line_path(plot, &line.points, false),
            Shape::Step => line_path(plot, &line.points, true),
        };
        let kind = if line.line.shape == Shape::Bars { "bars" } else { "line" };
        put!(out, "<path class=\"{kind} {class}\" d=\"{path}\"/>");
    }
    if let (low, high) = plot.axis.ends()
        && low < 0.0
        && high > 0.0
        && !plot.axis.is_log()
    {
        put!(out, "<path class=\"zero\" d=\"M0 {}H{WIDTH}\"/>", coordinate(down(plot, 0.0)));
    }
    out.push_str("</svg>");
}

fn write_band(out: &mut String, plot: &Plot<'_>, at: usize, points: &[super::RangePoint]) {
    let Some(last) = points.last() else { return };
    let mut path = String::new();
    let mut edge = |lead: char, time_ms: i64, value: f64| {
        let (x, y) = (coordinate(right(plot, time_ms)), coordinate(down(plot, value)));
        put!(&mut path, "{lead}{x} {y}");
    };
    let ends = points.iter().map(|point| point.time_ms).skip(1).chain([plot.domain_ms.1]);
    for (count, (point, end_ms)) in points.iter().zip(ends.clone()).enumerate() {
        edge(if count == 0 { 'M' } else { 'L' }, point.time_ms, point.high);
        edge('L', end_ms, point.high);
    }
    assert!(last.time_ms <= plot.domain_ms.1, "thinning keeps to the domain");
    let ends: Vec<i64> = ends.collect();
    for (point, end_ms) in points.iter().zip(ends).rev() {
        edge('L', end_ms, point.low);
        edge('L', point.time_ms, point.low);
    }
    put!(out, "<path class=\"band b{at}\" d=\"{path}Z\"/>");
}

/// The path of a line or of steps; the last step is held to the end of the domain.
fn line_path(plot: &Plot<'_>, points: &[Point], step: bool) -> String {
    let mut path = String::new();
    let mut pen_down = false;
    let mut drawn_alone = false;
    for point in points {
        if !plot.axis.draws(point.value) {
            if step && pen_down {
                put!(&mut path, "H{}", coordinate(right(plot, point.time_ms)));
            }
            pen_down = false;
            continue;
        }
        let x = coordinate(right(plot, point.time_ms));
        let y = coordinate(down(plot, point.value));
        if !pen_down {
            // A point alone between gaps is a dot: a stroke of no length with round ends.
            put!(&mut path, "M{x} {y}h0");
        } else if step {
            put!(&mut path, "H{x}V{y}");
        } else {
            put!(&mut path, "{}{x} {y}", if drawn_alone { "L" } else { " " });
        }
        drawn_alone = !pen_down;
        pen_down = true;
    }
    if step && pen_down {
        put!(&mut path, "H{WIDTH}");
    }
    path
}

/// The path of bars, each as wide as its share of the time it stands for.
fn bars_path(plot: &Plot<'_>, line: &PlotLine<'_>, at: usize, of: usize) -> String {
    let interval = plot.bar_ms as f64 / (plot.domain_ms.1 - plot.domain_ms.0) as f64 * WIDTH;
    let interval = interval.min(WIDTH);
    let share = interval * 0.8 / of.max(1) as f64;
    let zero = down(plot, 0.0);
    let mut path = String::new();
    for point in line.points.iter().filter(|point| plot.axis.draws(point.value)) {
        let from = right(plot, point.time_ms) + interval * 0.1 + share * at as f64;
        let to = (from + share).min(WIDTH);
        let (from, to, top) = (from, to, down(plot, point.value));
        let height = coordinate(top - zero);
        if height != "0" {
            let width = format!("{:.2}", (to - from).max(0.3));
            let (x, y) = (format!("{from:.2}"), coordinate(zero));
            put!(&mut path, "M{x} {y}v{height}h{width}V{y}z");
        }
    }
    path
}

/// The chart in words, for those who do not see it.
fn summary(chart: &TimeChart, plot: &Plot<'_>) -> String {
    let mut words = text::label(&chart.title);
    put!(&mut words, ", {}", time::range(plot.domain_ms.0, plot.domain_ms.1));
    for line in &plot.lines {
        let told = |value| with_unit(value, plot.decimals, &chart.unit);
        if let (Some((low, high)), Some(last)) = (line.extremes(), line.last()) {
            let name = text::label(&line.line.name);
            let (low, high, last) = (told(low), told(high), told(last.value));
            put!(&mut words, "; {name}: lowest {low}, highest {high}, last {last}");
        }
    }
    words
}

fn write_legend(out: &mut String, chart: &TimeChart, plot: &Plot<'_>) {
    out.push_str("<ul class=\"legend\">");
    for (at, line) in plot.lines.iter().enumerate() {
        put!(out, "<li class=\"key {}\"><i></i>", class(line));
        write_named_value(out, chart, plot, at);
        out.push_str("</li>");
    }
    for (at, (name, _)) in plot.bands.iter().enumerate() {
        put!(out, "<li class=\"range b{at}\"><i></i><span>{}</span></li>", html_label(name));
    }
    out.push_str("</ul>");
}

/// A line's name and last value; of bars the greatest, since the last one says little.
fn write_named_value(out: &mut String, chart: &TimeChart, plot: &Plot<'_>, at: usize) {
    let line = &plot.lines[at];
    let told = |value| escape(&with_unit(value, plot.decimals, &chart.unit));
    let value = match line.line.shape {
        Shape::Bars => {
            let high = line.extremes().map_or(f64::NAN, |(_, high)| high);
            format!("at most {}", told(high))
        }
        _ => told(line.last().map_or(f64::NAN, |point| point.value)),
    };
    let name = html_label(&line.line.name);
    put!(out, "<span>{name}</span> <b data-line=\"{at}\">{value}</b>");
}

/// Names and last values where the lines end, moved apart where they would overlap.
fn write_ends(out: &mut String, chart: &TimeChart, plot: &Plot<'_>) {
    let names_only = plot.lines.len() > VALUED_LINES_MAX;
    let height = if names_only { NAME_HEIGHT } else { END_HEIGHT };
    let mut ends: Vec<(f64, usize)> = plot
        .lines
        .iter()
        .enumerate()
        .filter_map(|(at, line)| {
            // A bar's height says nothing about where its series ends.
            let aim = if line.line.shape == Shape::Bars {
                height * (at as f64 + 0.5)
            } else {
                down(plot, line.last()?.value)
            };
            // A name stands beside the end of its line, its value below it.
            Some((aim - NAME_HEIGHT / 2.0, at))
        })
        .collect();
    ends.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut free_from = f64::NEG_INFINITY;
    for end in &mut ends {
        end.0 = end.0.max(free_from);
        free_from = end.0 + height;
    }
    // Names reach at most a little below the plot; then they move up again.
    let mut free_to = HEIGHT + NAME_HEIGHT;
    for end in ends.iter_mut().rev() {
        end.0 = end.0.min(free_to - height);
        free_to = end.0;
    }
    put!(out, "<div class=\"ends{}\">", if names_only { " names" } else { "" });
    for (top, at) in ends {
        let class = class(&plot.lines[at]);
        put!(out, "<div class=\"key {class}\" style=\"top:{}px\">", coordinate(top));
        write_named_value(out, chart, plot, at);
        out.push_str("</div>");
    }
    out.push_str("</div>");
}

fn write_levels(out: &mut String, chart: &TimeChart, plot: &Plot<'_>) {
    for level in chart.levels.iter().take(LEVELS_MAX).filter(|level| plot.axis.draws(level.value)) {
        let top = coordinate(down(plot, level.value));
        let label = html_label(&level.label);
        put!(out, "<div class=\"level\" style=\"top:{top}px\"><span>{label}</span></div>");
    }
}

fn write_times(out: &mut String, plot: &Plot<'_>) {
    out.push_str("<div class=\"xs\">");
    for (count, tick) in time::ticks(plot.domain_ms.0, plot.domain_ms.1).iter().enumerate() {
        let across = plot.across(tick.time_ms);
        let minor = if count % 2 == 1 { " minor" } else { "" };
        let (across, label) = (percent(across), escape(&tick.label));
        put!(out, "<span class=\"x{minor}\" style=\"left:{across}%\">{label}</span>");
    }
    out.push_str("</div>");
}

/// The values drawn, for the pointer: per line the times after the start, and the values.
fn write_values(out: &mut String, plot: &Plot<'_>) {
    out.push_str("<script type=\"application/json\">[");
    for (at, line) in plot.lines.iter().enumerate() {
        let shape = match line.line.shape {
            Shape::Line => 0,
            Shape::Step => 1,
            Shape::Bars => 2,
        };
        put!(out, "{}[{shape},[", if at == 0 { "" } else { "," });
        for (count, point) in line.points.iter().enumerate() {
            let comma = if count == 0 { "" } else { "," };
            put!(out, "{comma}{}", point.time_ms - plot.domain_ms.0);
        }
        out.push_str("],[");
        for (count, point) in line.points.iter().enumerate() {
            let comma = if count == 0 { "" } else { "," };
            if shows(point.value) {
                put!(out, "{comma}{}", number::plain(point.value, plot.decimals));
            } else {
                put!(out, "{comma}null");
            }
        }
        out.push_str("]]");
    }
    out.push_str("]</script>");
}
