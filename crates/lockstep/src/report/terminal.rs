//! The report as text for a terminal: aligned columns, sparklines and small bars.
//!
//! The text never holds a control character but the newline, and escape sequences only if
//! [`Style::colour`] asks for them. Every line fits [`Style::columns`] unless a single word of
//! provenance (a state root is copied whole) is longer than that.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{
    Align, BARS_MAX, BLOCKS_MAX, BarChart, Block, COLUMNS_MAX, Conservation, FIGURES_MAX,
    MARKS_MAX, PROVENANCE_MAX, ROWS_MAX, Report, SECTIONS_MAX, Table, TimeChart, Tone,
    axis::Axis,
    bars,
    number::{micro_usd, shows, with_unit},
    plot::Plot,
    spark, table, text, time,
};

/// Fewest columns that are laid out for.
const COLUMNS_MIN: usize = 48;
/// Most columns that are used.
const COLUMNS_USED_MAX: usize = 140;
/// Most columns of prose, to stay readable.
const PROSE_COLUMNS_MAX: usize = 88;
/// Most columns of a label before a bar or a line.
const LABEL_COLUMNS_MAX: usize = 34;
/// Most columns of a bar.
const BAR_COLUMNS_MAX: usize = 40;
/// Points that a line is thinned to before its columns are chosen.
const BUCKETS: usize = 240;
/// Blank columns between two columns of a table.
const GAP: usize = 2;

/// How the text is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Width of the terminal; taken as at least 48 and at most 140.
    pub columns: usize,
    /// Whether to use bold, dim and colours.
    pub colour: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self { columns: 100, colour: false }
    }
}

/// How a piece of text is set off.
#[derive(Clone, Copy)]
enum Ink {
    Bold,
    Dim,
    Good,
    Bad,
}

/// The text, which ends with a newline.
pub fn render(report: &Report, style: Style) -> String {
    let columns = style.columns.clamp(COLUMNS_MIN, COLUMNS_USED_MAX);
    let mut page = Page { out: String::new(), columns, colour: style.colour };
    page.header(report);
    for section in report.sections.iter().take(SECTIONS_MAX) {
        page.out.push('\n');
        page.heading(&text::label(&section.heading));
        for (at, block) in section.blocks.iter().take(BLOCKS_MAX).enumerate() {
            if at > 0 {
                page.out.push('\n');
            }
            match block {
                Block::Prose(prose) => page.prose("", &text::prose(prose), None),
                Block::TimeChart(chart) => page.time_chart(chart),
                Block::BarChart(chart) => page.bar_chart(chart),
                Block::Table(table) => page.table(table),
                Block::Conservation(books) => page.conservation(books),
            }
        }
        page.hidden(section.blocks.len(), BLOCKS_MAX, "blocks");
    }
    page.hidden(report.sections.len(), SECTIONS_MAX, "sections");
    page.provenance(report);
    page.out
}

struct Page {
    out: String,
    columns: usize,
    colour: bool,
}

impl Page {
    fn header(&mut self, report: &Report) {
        let title = cut(&text::label(&report.title), self.columns);
        let title = self.inked(&title, Ink::Bold);
        put!(&mut self.out, "{title}\n");
        self.prose("", &text::prose(&report.subtitle), None);
        if report.figures.is_empty() {
            return;
        }
        self.out.push('\n');
        let figures = &report.figures[..report.figures.len().min(FIGURES_MAX)];
        let labels: Vec<String> = figures
            .iter()
            .map(|figure| cut(&text::label(&figure.label), LABEL_COLUMNS_MAX))
            .collect();
        let values: Vec<String> = figures
            .iter()
            .map(|figure| cut(&text::label(&figure.value), LABEL_COLUMNS_MAX))
            .collect();
        let (label_width, value_width) = (widest(&labels), widest(&values));
        for ((figure, label), value) in figures.iter().zip(&labels).zip(&values) {
            let ink = match figure.tone {
                Tone::Plain => Ink::Bold,
                Tone::Good => Ink::Good,
                Tone::Bad => Ink::Bad,
            };
            let room = self.columns.saturating_sub(label_width + value_width + 2 * GAP);
            let note = self.inked(&cut(&text::label(&figure.note), room), Ink::Dim);
            let value = self.inked(&padded(value, value_width, Align::Right), ink);
            let line = format!("{}  {value}  {note}", padded(label, label_width, Align::Left));
            put!(&mut self.out, "{}\n", line.trim_end());
        }
        self.hidden(report.figures.len(), FIGURES_MAX, "figures");
    }

    fn heading(&mut self, heading: &str) {
        let heading = cut(heading, self.columns - 4);
        let rule = "─".repeat(self.columns - heading.width() - 1);
        let (heading, rule) = (self.inked(&heading, Ink::Bold), self.inked(&rule, Ink::Dim));
        put!(&mut self.out, "{heading} {rule}\n");
    }

    /// The title of a block with what stands at the right end of its line, and its note.
    fn title(&mut self, title: &str, unit: &str, aside: &str, note: &str) {
        let unit = if unit.is_empty() { String::new() } else { format!("  {unit}") };
        let room = self.columns.saturating_sub(unit.width() + aside.width() + GAP);
        let title = cut(&text::label(title), room.max(8));
        let fill = self.columns.saturating_sub(title.width() + unit.width() + aside.width());
        let title = self.inked(&title, Ink::Bold);
        let unit = self.inked(&unit, Ink::Dim);
        let aside = self.inked(aside, Ink::Dim);
        let line = format!("{title}{unit}{}{aside}", " ".repeat(fill));
        put!(&mut self.out, "{}\n", line.trim_end());
        self.prose("", &text::prose(note), Some(Ink::Dim));
    }

    /// Words in lines of a readable length.
    fn prose(&mut self, indent: &str, words: &str, ink: Option<Ink>) {
        let room = self.columns.min(PROSE_COLUMNS_MAX) - indent.width();
        let mut line = String::new();
        let mut lines = Vec::new();
        for word in words.split(' ').filter(|word| !word.is_empty()) {
            let word = cut(word, room);
            if !line.is_empty() && line.width() + 1 + word.width() > room {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&word);
        }
        if !line.is_empty() {
            lines.push(line);
        }
        for line in lines {
            let line = ink.map_or_else(|| line.clone(), |ink| self.inked(&line, ink));
            put!(&mut self.out, "{indent}{line}\n");
        }
    }

    fn time_chart(&mut self, chart: &TimeChart) {
        let plot = Plot::new(chart, BUCKETS);
        let range = time::range(plot.domain_ms.0, plot.domain_ms.1);
        let mut unit = chart.unit.words();
        if plot.axis.is_log() {
            unit.push_str(if unit.is_empty() { "log" } else { ", log" });
        }
        self.title(&chart.title, &unit, &range, &chart.note);
        let names: Vec<String> =
            plot.lines.iter().map(|line| cut(&text::label(&line.line.name), 24)).collect();
        let told = |value| with_unit(value, plot.decimals, &chart.unit);
        let facts: Vec<Vec<String>> = plot
            .lines
            .iter()
            .map(|line| {
                let (low, high) = line.extremes().unwrap_or((f64::NAN, f64::NAN));
                let last = line.last().map_or(f64::NAN, |point| point.value);
                vec![told(low), told(high), told(last)]
            })
            .collect();
        let heads = ["low", "high", "last"];
        let width_of = |at: usize| {
            facts.iter().map(|row| row[at].width()).max().unwrap_or(0).max(heads[at].len())
        };
        let widths = [width_of(0), width_of(1), width_of(2)];
        let name_width = widest(&names);
        let facts_width: usize = widths.iter().map(|width| width + GAP).sum();
        let room = self.columns.saturating_sub(2 + name_width + GAP + facts_width).max(8);
        if !facts.is_empty() {
            let mut head = " ".repeat(2 + name_width + GAP + room);
            for (head_word, width) in heads.iter().zip(widths) {
                put!(&mut head, "  {}", padded(head_word, width, Align::Right));
            }
            let head = self.inked(&head, Ink::Dim);
            put!(&mut self.out, "{head}\n");
        }
        // One row is too low for the bands and levels around the lines.
        let axis = Axis::new(plot.values(), plot.scale);
        for ((line, name), facts) in plot.lines.iter().zip(&names).zip(&facts) {
            let name = padded(name, name_width, Align::Left);
            put!(&mut self.out, "  {name}  {}", spark::sparkline(&plot, &axis, line, room));
            for (fact, width) in facts.iter().zip(widths) {
                put!(&mut self.out, "  {}", padded(fact, width, Align::Right));
            }
            self.out.push('\n');
        }
        self.marks(chart, &plot);
    }

    fn marks(&mut self, chart: &TimeChart, plot: &Plot<'_>) {
        let events = chart.events.iter().map(|event| {
            (event.time_ms, event.time_ms, time::clock(event.time_ms, 1_000), &event.label)
        });
        let spans = chart.spans.iter().map(|span| {
            let (start, end) = (time::clock(span.start_ms, 1_000), time::clock(span.end_ms, 1_000));
            (span.start_ms, span.end_ms, format!("{start}–{end}"), &span.label)
        });
        let (start_ms, end_ms) = plot.domain_ms;
        let mut marks: Vec<_> = events
            .chain(spans)
            .filter(|&(from_ms, to_ms, _, _)| from_ms <= end_ms && to_ms >= start_ms)
            .collect();
        marks.sort_by_key(|mark| mark.0);
        let width = marks.iter().take(MARKS_MAX).map(|mark| mark.2.width()).max().unwrap_or(0);
        for (_, _, when, label) in marks.iter().take(MARKS_MAX) {
            let label = cut(&text::label(label), self.columns - width - 4);
            let when = self.inked(&padded(when, width, Align::Left), Ink::Dim);
            put!(&mut self.out, "  {when}  {label}\n");
        }
        self.hidden(marks.len(), MARKS_MAX, "events");
    }

    fn bar_chart(&mut self, chart: &BarChart) {
        self.title(&chart.title, &chart.unit.words(), "", &chart.note);
        let shown = &chart.bars[..chart.bars.len().min(BARS_MAX)];
        let decimals = bars::decimals(chart);
        let labels: Vec<String> =
            shown.iter().map(|bar| cut(&text::label(&bar.label), LABEL_COLUMNS_MAX)).collect();
        let values: Vec<String> =
            shown.iter().map(|bar| with_unit(bar.value, decimals, &chart.unit)).collect();
        let (label_width, value_width) = (widest(&labels), widest(&values));
        let room = self.columns.saturating_sub(2 + label_width + value_width + 2 * GAP);
        let room = room.clamp(4, BAR_COLUMNS_MAX);
        for ((bar, label), value) in shown.iter().zip(&labels).zip(&values) {
            let label = padded(label, label_width, Align::Left);
            let value = padded(value, value_width, Align::Right);
            let part = if shows(bar.value) { bar.value / bars::longest(chart) } else { 0.0 };
            let line = format!("  {label}  {value}  {}", spark::bar(part, room));
            let free = self.columns.saturating_sub(line.width() + GAP);
            let note = self.inked(&cut(&text::label(&bar.note), free), Ink::Dim);
            put!(&mut self.out, "{}\n", format!("{line}  {note}").trim_end());
        }
        self.hidden(chart.bars.len(), BARS_MAX, "categories");
    }

    fn table(&mut self, table: &Table) {
        self.title(&table.title, "", "", &table.note);
        let columns = &table.columns[..table.columns.len().min(COLUMNS_MAX)];
        let cell = |row: &Vec<String>, at: usize| {
            row.get(at).map_or_else(String::new, |cell| text::label(cell))
        };
        let headings: Vec<String> =
            columns.iter().map(|column| text::label(&column.heading)).collect();
        let rows: Vec<Vec<String>> = table
            .rows
            .iter()
            .take(ROWS_MAX)
            .map(|row| (0..columns.len()).map(|at| cell(row, at)).collect())
            .collect();
        let mut widths: Vec<usize> = (0..columns.len())
            .map(|at| {
                let cells = rows.iter().map(|row| row[at].width());
                cells.max().unwrap_or(0).max(headings[at].width())
            })
            .collect();
        narrow(&mut widths, self.columns.saturating_sub(2));
        let aligns: Vec<Align> = columns.iter().map(|column| column.align).collect();
        let head = self.inked(&row_text(&headings, &widths, &aligns), Ink::Dim);
        put!(&mut self.out, "  {head}\n");
        for row in &rows {
            put!(&mut self.out, "  {}\n", row_text(row, &widths, &aligns));
        }
        self.hidden(table.rows.len(), ROWS_MAX, "rows");
        self.hidden(table.columns.len(), COLUMNS_MAX, "columns");
    }

    fn conservation(&mut self, books: &Conservation) {
        self.title(&books.title, "USD", "", &books.note);
        let totals = books.totals();
        let told = |sum: Option<i128>| sum.map_or_else(|| "–".to_owned(), micro_usd);
        let (held, flows) = (table::bounded(&books.held), table::bounded(&books.flows));
        let sums = [
            told(totals.map(|sums| sums.0)),
            told(totals.map(|sums| sums.1)),
            told(totals.map(|sums| sums.2)),
        ];
        let amounts = held.iter().chain(&flows);
        let lines: Vec<(String, String)> = amounts
            .map(|amount| {
                (cut(&text::label(&amount.label), LABEL_COLUMNS_MAX), micro_usd(amount.micro_usd))
            })
            .collect();
        let label_width = lines.iter().map(|line| line.0.width()).max().unwrap_or(0).max(20);
        let value_width = lines.iter().map(|line| &line.1).chain(&sums).map(|v| v.width()).max();
        let value_width = value_width.unwrap_or(0);
        let (held_lines, flow_lines) = lines.split_at(held.len());
        let row = |label: &str, value: &str| {
            let (label, value) =
                (padded(label, label_width, Align::Left), padded(value, value_width, Align::Right));
            format!("  {label}  {value}")
        };
        let rule = format!("  {}", "─".repeat(label_width + GAP + value_width));
        let sides =
            [("Held", held_lines, &sums[0]), ("Came in less went out", flow_lines, &sums[1])];
        for (heading, lines, sum) in sides {
            let heading = self.inked(heading, Ink::Dim);
            put!(&mut self.out, "  {heading}\n");
            for (label, value) in lines {
                put!(&mut self.out, "{}\n", row(label, value));
            }
            let (rule, sum) =
                (self.inked(&rule, Ink::Dim), self.inked(&row("Sum", sum), Ink::Bold));
            put!(&mut self.out, "{rule}\n{sum}\n");
        }
        let (tone, verdict) = table::verdict(books);
        let ink = if tone == Tone::Good { Ink::Good } else { Ink::Bad };
        let difference = self.inked(&row("Difference", &sums[2]), ink);
        let verdict = self.inked(verdict, ink);
        put!(&mut self.out, "{difference}\n  {verdict}\n");
    }

    fn provenance(&mut self, report: &Report) {
        if report.provenance.is_empty() {
            return;
        }
        self.out.push('\n');
        self.heading("Provenance");
        let shown = &report.provenance[..report.provenance.len().min(PROVENANCE_MAX)];
        let labels: Vec<String> =
            shown.iter().map(|line| cut(&text::label(&line.label), LABEL_COLUMNS_MAX)).collect();
        let width = widest(&labels);
        for (line, label) in shown.iter().zip(&labels) {
            let label = self.inked(&padded(label, width, Align::Left), Ink::Dim);
            put!(&mut self.out, "{label}  {}\n", text::label(&line.value));
        }
        self.hidden(report.provenance.len(), PROVENANCE_MAX, "lines");
    }

    fn hidden(&mut self, present: usize, shown_max: usize, what: &str) {
        if present > shown_max {
            let line = format!("  … {} more {what} are not shown", present - shown_max);
            let line = self.inked(&line, Ink::Dim);
            put!(&mut self.out, "{line}\n");
        }
    }

    fn inked(&self, text: &str, ink: Ink) -> String {
        if !self.colour || text.is_empty() {
            return text.to_owned();
        }
        let code = match ink {
            Ink::Bold => "1",
            Ink::Dim => "2",
            Ink::Good => "1;32",
            Ink::Bad => "1;31",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

fn row_text(cells: &[String], widths: &[usize], aligns: &[Align]) -> String {
    let mut row = String::new();
    for (at, ((cell, &width), &align)) in cells.iter().zip(widths).zip(aligns).enumerate() {
        if at > 0 {
            row.push_str("  ");
        }
        row.push_str(&padded(&cut(cell, width), width, align));
    }
    row.trim_end().to_owned()
}

/// Takes from the widest columns until a row fits.
fn narrow(widths: &mut [usize], columns: usize) {
    let gaps = GAP * widths.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > columns {
        match widths.iter_mut().max() {
            Some(widest) if *widest > 3 => *widest -= 1,
            _ => break,
        }
    }
}

fn widest(texts: &[String]) -> usize {
    texts.iter().map(|text| text.width()).max().unwrap_or(0)
}

fn padded(text: &str, width: usize, align: Align) -> String {
    let fill = " ".repeat(width.saturating_sub(text.width()));
    match align {
        Align::Left => format!("{text}{fill}"),
        Align::Right => format!("{fill}{text}"),
    }
}

/// A text cut to a width, with an ellipsis if something is missing.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut short = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > width {
            break;
        }
        short.push(c);
    }
    if width > 0 {
        short.push('…');
    }
    short
}
