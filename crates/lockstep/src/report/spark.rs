//! Lines and bars drawn with characters, an eighth of a character at a time.

use super::{
    Shape,
    axis::Axis,
    plot::{Plot, PlotLine},
};

const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const LENGTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

/// A line of one row of characters: per column the value that lies farthest from where the line
/// usually is, so that no spike is lost. A column without a point carries the last value forward
/// (bars do not: no bar is nothing).
pub fn sparkline(plot: &Plot<'_>, axis: &Axis, line: &PlotLine<'_>, columns: usize) -> String {
    let mut chosen: Vec<Option<f64>> = vec![None; columns];
    let mut gaps = vec![false; columns];
    let mut places: Vec<f64> = line
        .points
        .iter()
        .filter(|point| axis.draws(point.value))
        .map(|point| axis.at(point.value))
        .collect();
    places.sort_by(f64::total_cmp);
    let usual = places.get(places.len() / 2).copied().unwrap_or(0.0);
    let oddness = |value: f64| (axis.at(value) - usual).abs();
    let column = |time_ms: i64| ((plot.across(time_ms) * columns as f64) as usize).min(columns - 1);
    for point in &line.points {
        let at = column(point.time_ms);
        if !axis.draws(point.value) {
            gaps[at] = true;
            continue;
        }
        // A bar is as wide as the time it stands for.
        let end = match line.line.shape {
            Shape::Bars => {
                let end_ms = point.time_ms.saturating_add(plot.bar_ms);
                (plot.across(end_ms) * columns as f64).round() as usize
            }
            _ => at + 1,
        };
        for chosen in &mut chosen[at..end.clamp(at + 1, columns)] {
            if chosen.is_none_or(|value| oddness(point.value) > oddness(value)) {
                *chosen = Some(point.value);
            }
        }
    }
    let last_drawn = chosen.iter().rposition(Option::is_some);
    let mut carried = None;
    let mut drawn = String::new();
    for (at, value) in chosen.into_iter().enumerate() {
        let beyond = last_drawn.is_none_or(|last| at > last);
        let holds = match line.line.shape {
            Shape::Line => !beyond,
            Shape::Step => true,
            Shape::Bars => false,
        };
        let shown = value.or(carried.filter(|_| holds));
        let shown = shown.filter(|&value| line.line.shape != Shape::Bars || value != 0.0);
        drawn.push(shown.map_or(' ', |value| {
            let height = axis.at(value).clamp(0.0, 1.0) * 8.0;
            HEIGHTS[(height as usize).min(7)]
        }));
        carried = if gaps[at] { None } else { shown };
    }
    drawn
}

/// A bar of a part of `columns`, to an eighth of a column.
pub fn bar(part: f64, columns: usize) -> String {
    if part <= 0.0 {
        return String::new();
    }
    let eighths = ((part * columns as f64 * 8.0).round() as usize).clamp(1, columns * 8);
    let mut bar = "█".repeat(eighths / 8);
    if let Some(rest) = (eighths % 8).checked_sub(1) {
        bar.push(LENGTHS[rest]);
    }
    bar
}
