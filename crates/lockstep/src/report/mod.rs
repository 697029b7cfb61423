//! The report of a run: one plain structure, drawn as a web page that needs nothing else
//! ([`html`]) or as text for a terminal ([`terminal`]).
//!
//! Invariants: every text is cleaned of control characters, cut to its limit and escaped where it
//! is written; a page names no outside resource; long series are thinned so that the least and
//! the greatest value of every pixel stay ([`downsample`]); whatever is left out by a limit is
//! counted in plain sight. The same report gives the same bytes.
//!
//! Floating point is allowed here, for display only: nothing of it flows back into an engine.
//! The one table that must be exact, [`Conservation`], is integers throughout. Deliberately
//! absent: files and clocks (the caller writes the page and names its times), and any knowledge
//! of what is reported.

/// Appends formatted text to a string, which cannot fail.
macro_rules! put {
    ($out:expr, $($arg:tt)*) => {{
        let _ = std::fmt::Write::write_fmt($out, format_args!($($arg)*));
    }};
}

mod axis;
mod bars;
mod chart;
mod downsample;
pub mod html;
mod marks;
pub mod number;
mod plot;
mod spark;
mod table;
pub mod terminal;
mod text;
pub mod time;

pub use number::micro_usd;

#[cfg(test)]
mod tests;

/// Most characters of a label, a cell or a heading.
pub const LABEL_CHARS_MAX: usize = 160;
/// Most characters of a paragraph or a note.
pub const PROSE_CHARS_MAX: usize = 4_000;
/// Most provenance lines.
pub const PROVENANCE_MAX: usize = 16;
/// Most key figures.
pub const FIGURES_MAX: usize = 12;
/// Most sections.
pub const SECTIONS_MAX: usize = 24;
/// Most blocks in a section.
pub const BLOCKS_MAX: usize = 24;
/// Most lines in a chart: more cannot be told apart.
pub const LINES_MAX: usize = 6;
/// Most shaded ranges in a chart.
pub const BANDS_MAX: usize = 4;
/// Most horizontal lines in a chart.
pub const LEVELS_MAX: usize = 6;
/// Most marks (events and spans together) in a chart.
pub const MARKS_MAX: usize = 24;
/// Most columns in a table.
pub const COLUMNS_MAX: usize = 16;
/// Most rows in a table.
pub const ROWS_MAX: usize = 200;
/// Most categories in a bar chart.
pub const BARS_MAX: usize = 40;
/// Most points drawn on a page, over all charts: what bounds its size.
pub const POINTS_MAX: usize = 240_000;

/// All there is to tell about a run.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What ran.
    pub title: String,
    /// One sentence: what came out.
    pub subtitle: String,
    /// What a reader needs to repeat it: version, seed, inputs, roots.
    pub provenance: Vec<Provenance>,
    /// The few numbers that matter most.
    pub figures: Vec<Figure>,
    /// The body.
    pub sections: Vec<Section>,
}

/// One fact about where the report comes from.
#[derive(Clone, Debug)]
pub struct Provenance {
    /// Which fact ("state root").
    pub label: String,
    /// The fact.
    pub value: String,
}

/// How a figure or a cell is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Neither good nor bad.
    #[default]
    Plain,
    /// A check that holds.
    Good,
    /// A check that fails.
    Bad,
}

/// A key figure.
#[derive(Clone, Debug)]
pub struct Figure {
    /// What it is ("Liquidations").
    pub label: String,
    /// The value as it should read ("1,284").
    pub value: String,
    /// A few words of context, or nothing.
    pub note: String,
    /// How it is meant.
    pub tone: Tone,
}

/// A part of the report with its own heading.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// The heading.
    pub heading: String,
    /// What stands in it, in order.
    pub blocks: Vec<Block>,
}

/// One element of a section.
#[derive(Clone, Debug)]
pub enum Block {
    /// A paragraph.
    Prose(String),
    /// Values over time.
    TimeChart(TimeChart),
    /// Values by category.
    BarChart(BarChart),
    /// Rows and columns.
    Table(Table),
    /// Proof that the books balance.
    Conservation(Conservation),
}

/// What the values of a chart are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// Things that are counted.
    #[default]
    Count,
    /// US dollars.
    Usd,
    /// Hundredths (12.5 reads as 12.5 %).
    Percent,
    /// Another unit, written behind the value.
    Other(String),
}

/// How the values of a chart are laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// Linear, as close as the values allow. With bars it always contains zero.
    #[default]
    Linear,
    /// Linear, and zero is always in view.
    FromZero,
    /// Logarithmic; values that are not positive are gaps.
    Log,
}

/// A value at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// UTC, milliseconds since 1970.
    pub time_ms: i64,
    /// In the unit of the chart. Not finite, or beyond 1e18 either way: a gap.
    pub value: f64,
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// Straight from point to point.
    #[default]
    Line,
    /// Each value holds until the next.
    Step,
    /// A bar for each point, from zero.
    Bars,
}

/// One series of a chart.
#[derive(Clone, Debug, Default)]
pub struct Line {
    /// Its name, written at its end.
    pub name: String,
    /// How it is drawn.
    pub shape: Shape,
    /// Drawn in grey, as the background against which others are read.
    pub context: bool,
    /// Its points; put in order of time if they are not.
    pub points: Vec<Point>,
}

/// The least and the greatest of something at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RangePoint {
    /// UTC, milliseconds since 1970.
    pub time_ms: i64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// A shaded range that moves with time, such as a price band.
#[derive(Clone, Debug, Default)]
pub struct Band {
    /// What it is.
    pub name: String,
    /// Its ends over time; each holds until the next.
    pub points: Vec<RangePoint>,
}

/// A horizontal line with a meaning, such as a limit.
#[derive(Clone, Debug)]
pub struct Level {
    /// What it is.
    pub label: String,
    /// Where it is, in the unit of the chart.
    pub value: f64,
}

/// Something that happened at a moment.
#[derive(Clone, Debug)]
pub struct Event {
    /// UTC, milliseconds since 1970.
    pub time_ms: i64,
    /// What happened.
    pub label: String,
}

/// Something that lasted.
#[derive(Clone, Debug)]
pub struct Span {
    /// UTC, milliseconds since 1970.
    pub start_ms: i64,
    /// UTC, milliseconds since 1970.
    pub end_ms: i64,
    /// What it was.
    pub label: String,
}

/// Values over time. All of its lines share one time axis and one unit.
#[derive(Clone, Debug, Default)]
pub struct TimeChart {
    /// What is shown.
    pub title: String,
    /// What to see in it, or nothing.
    pub note: String,
    /// What the values are.
    pub unit: Unit,
    /// How they are laid out.
    pub scale: Scale,
    /// First and last time, milliseconds; from the data if `None`. Charts that share a domain
    /// line up on the page.
    pub domain_ms: Option<(i64, i64)>,
    /// The series.
    pub lines: Vec<Line>,
    /// Shaded ranges behind them.
    pub bands: Vec<Band>,
    /// Horizontal lines.
    pub levels: Vec<Level>,
    /// Moments.
    pub events: Vec<Event>,
    /// Periods.
    pub spans: Vec<Span>,
}

/// One category of a bar chart.
#[derive(Clone, Debug)]
pub struct Bar {
    /// The category.
    pub label: String,
    /// Its value; below zero or not finite, no bar is drawn.
    pub value: f64,
    /// A few words behind the value, or nothing.
    pub note: String,
}

/// Values by category, in the caller's order.
#[derive(Clone, Debug, Default)]
pub struct BarChart {
    /// What is shown.
    pub title: String,
    /// What to see in it, or nothing.
    pub note: String,
    /// What the values are.
    pub unit: Unit,
    /// The categories.
    pub bars: Vec<Bar>,
}

/// To which side the cells of a column are set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Align {
    /// Words.
    #[default]
    Left,
    /// Numbers.
    Right,
}

/// A column of a table.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its heading.
    pub heading: String,
    /// To which side its cells are set.
    pub align: Align,
}

/// Rows and columns of text.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// What is shown.
    pub title: String,
    /// What to see in it, or nothing.
    pub note: String,
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows; a missing cell is empty, a cell beyond the columns is not shown.
    pub rows: Vec<Vec<String>>,
}

/// An amount of a conservation table.
#[derive(Clone, Debug)]
pub struct Amount {
    /// Whose.
    pub label: String,
    /// Micro-USD; negative for what went out.
    pub micro_usd: i128,
}

/// The books: what is held must equal what came in less what went out (rule C1).
#[derive(Clone, Debug, Default)]
pub struct Conservation {
    /// What is shown.
    pub title: String,
    /// What to see in it, or nothing.
    pub note: String,
    /// Everything that is held, by holder.
    pub held: Vec<Amount>,
    /// Everything that came in (positive) or went out (negative).
    pub flows: Vec<Amount>,
}

impl Conservation {
    /// Sums of what is held and of what flowed, and the first less the second; `None` if a sum
    /// leaves the range of its integer.
    pub fn totals(&self) -> Option<(i128, i128, i128)> {
        let sum = |amounts: &[Amount]| {
            amounts.iter().try_fold(0_i128, |sum, amount| sum.checked_add(amount.micro_usd))
        };
        let (held, flows) = (sum(&self.held)?, sum(&self.flows)?);
        Some((held, flows, held.checked_sub(flows)?))
    }

    /// Whether the books balance to the micro-dollar.
    pub fn balances(&self) -> bool {
        matches!(self.totals(), Some((_, _, 0)))
    }
}

impl Report {
    /// A report with a title and a subtitle.
    pub fn new(title: impl Into<String>, subtitle: impl Into<String>) -> Self {
        Self { title: title.into(), subtitle: subtitle.into(), ..Self::default() }
    }

    /// Adds a provenance line.
    pub fn provenance(&mut self, label: impl Into<String>, value: impl Into<String>) {
        self.provenance.push(Provenance { label: label.into(), value: value.into() });
    }

    /// Adds a key figure.
    pub fn figure(
        &mut self,
        label: impl Into<String>,
        value: impl Into<String>,
        note: impl Into<String>,
        tone: Tone,
    ) {
        let (label, value, note) = (label.into(), value.into(), note.into());
        self.figures.push(Figure { label, value, note, tone });
    }

    /// Adds a section.
    pub fn section(&mut self, heading: impl Into<String>, blocks: Vec<Block>) {
        self.sections.push(Section { heading: heading.into(), blocks });
    }
}

impl Unit {
    /// What stands before and behind a value.
    fn affixes(&self) -> (&'static str, String) {
        match self {
            Self::Count => ("", String::new()),
            Self::Usd => ("$", String::new()),
            Self::Percent => ("", "\u{202f}%".to_owned()),
            Self::Other(name) => ("", format!("\u{202f}{}", text::label(name))),
        }
    }

    /// The unit in words, for headings; empty for a count.
    fn words(&self) -> String {
        match self {
            Self::Count => String::new(),
            Self::Usd => "USD".to_owned(),
            Self::Percent => "%".to_owned(),
            Self::Other(name) => text::label(name),
        }
    }
}

impl Line {
    /// A series from its name and points.
    pub fn new(name: impl Into<String>, shape: Shape, points: Vec<Point>) -> Self {
        Self { name: name.into(), shape, context: false, points }
    }

    /// The same series under another name.
    pub fn named(mut self, name: &str) -> Self {
        self.name = name.to_string();
        self
    }

    /// The same series, in the background.
    pub fn in_background(mut self) -> Self {
        self.context = true;
        self
    }
}

impl Column {
    /// A column of words.
    pub fn words(heading: impl Into<String>) -> Self {
        Self { heading: heading.into(), align: Align::Left }
    }

    /// A column of numbers.
    pub fn numbers(heading: impl Into<String>) -> Self {
        Self { heading: heading.into(), align: Align::Right }
    }
}
