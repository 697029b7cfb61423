//! A bar chart by category as HTML: a table whose bars are as long as their values.

use super::{BARS_MAX, BarChart, number, number::shows, number::with_unit, text};

/// Least length of the bar of a value that is not zero, percent of the longest.
const LENGTH_MIN: f64 = 0.4;

/// Writes a chart.
pub fn write(out: &mut String, chart: &BarChart) {
    out.push_str("<figure class=\"categories\">");
    text::write_caption(out, &chart.title, &chart.unit.words(), "", &chart.note);
    out.push_str("<table>");
    let shown = &chart.bars[..chart.bars.len().min(BARS_MAX)];
    let greatest = longest(chart);
    let decimals = decimals(chart);
    for bar in shown {
        let length = if shows(bar.value) && bar.value > 0.0 {
            (bar.value / greatest * 100.0).max(LENGTH_MIN)
        } else {
            0.0
        };
        put!(
            out,
            "<tr><th scope=\"row\">{}</th><td><div class=\"bar\"><i style=\"--part:{length:.2}\">\
             </i><b>{}</b>",
            text::html_label(&bar.label),
            text::escape(&with_unit(bar.value, decimals, &chart.unit)),
        );
        if !bar.note.is_empty() {
            put!(out, "<span>{}</span>", text::html_label(&bar.note));
        }
        out.push_str("</div></td></tr>");
    }
    out.push_str("</table>");
    let hidden = chart.bars.len() - shown.len();
    if hidden > 0 {
        put!(out, "<p class=\"more\">{hidden} more categories are not shown.</p>");
    }
    out.push_str("</figure>\n");
}

/// The greatest value shown, which has the longest bar; 1 if none is positive.
pub fn longest(chart: &BarChart) -> f64 {
    let values = chart.bars.iter().take(BARS_MAX).map(|bar| bar.value);
    let greatest = values.filter(|&value| shows(value)).fold(0.0, f64::max);
    if greatest > 0.0 { greatest } else { 1.0 }
}

/// Digits after the point of the values.
pub fn decimals(chart: &BarChart) -> usize {
    number::decimals(chart.bars.iter().take(BARS_MAX).map(|bar| bar.value))
}
