//! The report as one web page: everything is in the file, and its content policy lets a browser
//! load nothing else.

use super::{
    BLOCKS_MAX, Block, FIGURES_MAX, POINTS_MAX, PROVENANCE_MAX, Report, SECTIONS_MAX, Section,
    TimeChart, Tone, bars, chart, table,
    text::{html_label, html_prose},
};

/// How the page looks.
const STYLE: &str = include_str!("page.css");
/// What the page does: the readout under the pointer.
const SCRIPT: &str = include_str!("page.js");
/// Most pixels a line is thinned to, about the width of a plot.
const BUCKETS_MAX: usize = 720;
/// Fewest pixels a line is thinned to, however many lines there are.
const BUCKETS_MIN: usize = 60;

/// The page.
pub fn render(report: &Report) -> String {
    let mut out = String::new();
    let title = html_label(&report.title);
    put!(
        &mut out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n"
    );
    write_header(&mut out, report);
    let buckets = buckets(report);
    for (at, section) in report.sections.iter().take(SECTIONS_MAX).enumerate() {
        write_section(&mut out, at, section, buckets);
    }
    write_hidden(&mut out, report.sections.len(), SECTIONS_MAX, "sections");
    write_provenance(&mut out, report);
    put!(&mut out, "</main>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n");
    out
}

/// How finely lines are drawn, so that a page stays within [`POINTS_MAX`] points.
fn buckets(report: &Report) -> usize {
    let charts = |section: &Section| -> usize {
        let lines = |block: &Block| match block {
            Block::TimeChart(TimeChart { lines, bands, .. }) => {
                lines.len().min(super::LINES_MAX) + bands.len().min(super::BANDS_MAX)
            }
            _ => 0,
        };
        section.blocks.iter().take(BLOCKS_MAX).map(lines).sum()
    };
    let lines: usize = report.sections.iter().take(SECTIONS_MAX).map(charts).sum();
    // Four points of each pixel may stay.
    (POINTS_MAX / (4 * lines.max(1))).clamp(BUCKETS_MIN, BUCKETS_MAX)
}

fn write_header(out: &mut String, report: &Report) {
    put!(out, "<header>\n<h1>{}</h1>\n", html_label(&report.title));
    if !report.subtitle.is_empty() {
        put!(out, "<p class=\"subtitle\">{}</p>\n", html_prose(&report.subtitle));
    }
    if !report.figures.is_empty() {
        let columns = figure_columns(report.figures.len().min(FIGURES_MAX));
        put!(out, "<dl class=\"figures\" style=\"--columns:{columns}\">\n");
        for figure in report.figures.iter().take(FIGURES_MAX) {
            let (label, value) = (html_label(&figure.label), html_label(&figure.value));
            let class = match figure.tone {
                Tone::Plain => "",
                Tone::Good => " class=\"good\"",
                Tone::Bad => " class=\"bad\"",
            };
            put!(out, "<div{class}><dt>{label}</dt><dd>{value}</dd>");
            if !figure.note.is_empty() {
                put!(out, "<dd class=\"note\">{}</dd>", html_label(&figure.note));
            }
            out.push_str("</div>\n");
        }
        out.push_str("</dl>\n");
    }
    write_hidden(out, report.figures.len(), FIGURES_MAX, "figures");
    out.push_str("</header>\n");
}

/// Columns on a wide page that leave the fewest holes in the last row.
fn figure_columns(figures: usize) -> usize {
    [4, 3, 5].into_iter().find(|columns| figures.is_multiple_of(*columns)).unwrap_or(4)
}

fn write_section(out: &mut String, at: usize, section: &Section, buckets: usize) {
    put!(out, "<section id=\"s{}\">\n<h2>{}</h2>\n", at + 1, html_label(&section.heading));
    for block in section.blocks.iter().take(BLOCKS_MAX) {
        match block {
            Block::Prose(prose) => put!(out, "<p class=\"prose\">{}</p>\n", html_prose(prose)),
            Block::TimeChart(time_chart) => chart::write(out, time_chart, buckets),
            Block::BarChart(bar_chart) => bars::write(out, bar_chart),
            Block::Table(rows) => table::write(out, rows),
            Block::Conservation(books) => table::write_conservation(out, books),
        }
    }
    write_hidden(out, section.blocks.len(), BLOCKS_MAX, "blocks");
    out.push_str("</section>\n");
}

fn write_provenance(out: &mut String, report: &Report) {
    if report.provenance.is_empty() {
        return;
    }
    out.push_str("<footer>\n<h2>Provenance</h2>\n<dl>\n");
    for line in report.provenance.iter().take(PROVENANCE_MAX) {
        let (label, value) = (html_label(&line.label), html_label(&line.value));
        put!(out, "<dt>{label}</dt><dd>{value}</dd>\n");
    }
    out.push_str("</dl>\n");
    write_hidden(out, report.provenance.len(), PROVENANCE_MAX, "lines");
    out.push_str("</footer>\n");
}

fn write_hidden(out: &mut String, present: usize, shown_max: usize, what: &str) {
    if present > shown_max {
        put!(out, "<p class=\"more\">{} more {what} are not shown.</p>\n", present - shown_max);
    }
}
