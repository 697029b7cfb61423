//! Marks over a time chart: moments and periods, each with a label in a row of its own.
//!
//! Where there is room the labels stand beside their lines; on a narrow page, or when they need
//! too many rows, numbers stand there instead and the labels in a list below the chart.

use super::{
    MARKS_MAX, TimeChart,
    plot::Plot,
    text::{self, escape},
    time,
};

/// The narrowest plot on which labels stand beside each other, pixels.
const LABELS_WIDTH: f64 = 560.0;
/// Free width to the right of the plot into which a label may reach, pixels.
const OVERHANG: f64 = 100.0;
/// Width of a character of a label, pixels, on the generous side.
const CHARACTER_WIDTH: f64 = 6.6;
/// Most characters of a label beside its line; the list has it in full.
const LABEL_CHARS_MAX: usize = 34;
/// Most rows of labels.
const LANES_MAX: usize = 4;
/// The narrowest plot on which numbers stand beside each other, pixels.
const NUMBERS_WIDTH: f64 = 270.0;
/// Width of a digit and of what surrounds a number, pixels.
const DIGIT_WIDTH: f64 = 7.0;
const NUMBER_MARGIN: f64 = 9.0;

/// The marks of a chart, each with its place.
pub struct Marks {
    marks: Vec<Mark>,
    /// Rows that the labels take; none if there is no mark, one if they are numbered.
    pub lanes: usize,
    /// Whether numbers stand even where there is room for labels elsewhere.
    pub numbered: bool,
    hidden: usize,
}

struct Mark {
    across: f64,
    lane: usize,
    /// Its number, or those of the marks it stands for; empty if one before stands for it.
    number: String,
    /// Its label stands to the left of its line.
    flipped: bool,
    label: String,
    time: String,
    period: bool,
}

impl Marks {
    /// Places the marks of a chart.
    pub fn new(chart: &TimeChart, plot: &Plot<'_>) -> Self {
        let (start_ms, end_ms) = plot.domain_ms;
        let fine_ms = if end_ms - start_ms < 10_000 { 1 } else { 1_000 };
        let clock = |time_ms| time::clock(time_ms, fine_ms);
        let events = chart
            .events
            .iter()
            .map(|event| (event.time_ms, event.time_ms, clock(event.time_ms), &event.label));
        let spans = chart.spans.iter().map(|span| {
            let time = format!("{}–{}", clock(span.start_ms), clock(span.end_ms));
            (span.start_ms, span.end_ms, time, &span.label)
        });
        let mut all: Vec<_> = events
            .chain(spans)
            .filter(|&(from_ms, to_ms, _, _)| from_ms <= end_ms && to_ms >= start_ms)
            .collect();
        all.sort_by_key(|mark| mark.0);
        let hidden = all.len().saturating_sub(MARKS_MAX);
        all.truncate(MARKS_MAX);
        let mut marks: Vec<Mark> = all
            .into_iter()
            .map(|(from_ms, to_ms, time, label)| Mark {
                across: plot.across(from_ms),
                lane: 0,
                number: String::new(),
                flipped: false,
                label: text::label(label),
                time,
                period: to_ms > from_ms,
            })
            .collect();
        let lanes = place_labels(&mut marks);
        number(&mut marks);
        let numbered = lanes > LANES_MAX;
        Self { marks, lanes: if numbered { 1 } else { lanes }, numbered, hidden }
    }

    /// Writes the lines with their labels and numbers.
    pub fn write(&self, out: &mut String) {
        for mark in &self.marks {
            let lane = if self.numbered { 0 } else { mark.lane };
            put!(
                out,
                "<div class=\"mark{}{}{}\" style=\"left:{:.2}%;--lane:{lane}\">\
                 <b>{}</b><span>{}</span></div>",
                if mark.flipped { " flipped" } else { "" },
                if mark.period { " period" } else { "" },
                if mark.number.is_empty() { " joined" } else { "" },
                mark.across * 100.0,
                mark.number,
                escape(&shortened(&mark.label)),
            );
        }
    }

    /// Writes the list below the chart.
    pub fn write_list(&self, out: &mut String) {
        if self.marks.is_empty() {
            return;
        }
        out.push_str("<ol class=\"marks\">");
        for mark in &self.marks {
            put!(out, "<li><time>{}</time> {}</li>", mark.time, escape(&mark.label));
        }
        out.push_str("</ol>");
        if self.hidden > 0 {
            put!(out, "<p class=\"more\">{} more events are not shown.</p>", self.hidden);
        }
    }
}

fn shortened(label: &str) -> String {
    if label.chars().count() <= LABEL_CHARS_MAX {
        return label.to_owned();
    }
    let mut short: String = label.chars().take(LABEL_CHARS_MAX - 1).collect();
    short.push('…');
    short
}

/// Rows in which nothing overlaps.
#[derive(Default)]
struct Rows(Vec<Vec<(f64, f64)>>);

impl Rows {
    /// The first row that is free between two places, which is then taken there.
    fn take(&mut self, from: f64, to: f64) -> usize {
        let free = |row: &Vec<(f64, f64)>| row.iter().all(|taken| to <= taken.0 || from >= taken.1);
        let at = self.0.iter().position(free).unwrap_or(self.0.len());
        if at == self.0.len() {
            self.0.push(Vec::new());
        }
        self.0[at].push((from, to));
        at
    }
}

/// Gives every label a row; tells how many rows that takes.
fn place_labels(marks: &mut [Mark]) -> usize {
    let mut rows = Rows::default();
    for mark in marks {
        let width = shortened(&mark.label).chars().count() as f64 * CHARACTER_WIDTH + 12.0;
        let line = mark.across * LABELS_WIDTH;
        mark.flipped = line + width > LABELS_WIDTH + OVERHANG;
        let (from, to) = if mark.flipped { (line - width, line) } else { (line, line + width) };
        mark.lane = rows.take(from, to);
    }
    rows.0.len()
}

/// Numbers the marks as the list does. Where numbers would overlap, one range stands for all.
fn number(marks: &mut [Mark]) {
    let width = |text: &str| text.chars().count() as f64 * DIGIT_WIDTH + NUMBER_MARGIN;
    let mut first = 0;
    for at in 0..marks.len() {
        let line = marks[at].across * NUMBERS_WIDTH;
        let before = marks[first].across * NUMBERS_WIDTH;
        if at > first && line < before + width(&marks[first].number) {
            marks[first].number = format!("{}–{}", first + 1, at + 1);
        } else {
            first = at;
            marks[at].number = (at + 1).to_string();
        }
    }
}
