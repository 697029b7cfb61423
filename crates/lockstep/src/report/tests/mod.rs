//! The report as a page and as text: that it is well formed, escaped, bounded and as drawn before.

mod drawing;
mod golden;
mod hostile;
mod markup;

use super::*;

/// A small report with one of everything.
pub(super) fn small() -> Report {
    let start_ms = 1_760_126_400_000;
    let at = |minute: i64| start_ms + minute * 60_000;
    let points = |values: &[f64]| -> Vec<Point> {
        let times = (0..).map(at);
        times.zip(values).map(|(time_ms, &value)| Point { time_ms, value }).collect()
    };
    let mut report = Report::new("Replay of a crash", "Nothing was lost & all is < explained.");
    report.provenance("seed", "42");
    report.figure("Liquidations", "1,284", "in 38 minutes", Tone::Plain);
    report.figure("Books", "balance", "", Tone::Good);
    let price = TimeChart {
        title: "Price".into(),
        note: "What happened.".into(),
        unit: Unit::Usd,
        lines: vec![
            Line::new("Mark", Shape::Line, points(&[100.0, 90.5, f64::NAN, 95.0, 96.0])),
            Line::new("Index", Shape::Step, points(&[101.0, 91.0, 92.0, 94.0, 97.0]))
                .in_background(),
        ],
        bands: vec![Band {
            name: "Band".into(),
            points: vec![
                RangePoint { time_ms: at(0), low: 85.0, high: 110.0 },
                RangePoint { time_ms: at(2), low: 80.0, high: 105.0 },
            ],
        }],
        levels: vec![Level { label: "Limit".into(), value: 88.0 }],
        events: vec![Event { time_ms: at(1), label: "Stale index".into() }],
        spans: vec![Span { start_ms: at(2), end_ms: at(3), label: "Auction".into() }],
        ..TimeChart::default()
    };
    let counts = TimeChart {
        title: "Fills".into(),
        lines: vec![Line::new("Fills", Shape::Bars, points(&[3.0, 0.0, 12.0, 5.0]))],
        ..TimeChart::default()
    };
    let prose = Block::Prose("A paragraph.".into());
    report.section("Market", vec![prose, Block::TimeChart(price), Block::TimeChart(counts)]);
    let bar =
        |label: &str, value, note: &str| Bar { label: label.into(), value, note: note.into() };
    let rejections = BarChart {
        title: "Rejections by rule".into(),
        bars: vec![bar("M8 price band", 40.0, "most"), bar("A3 nonce", 1.0, "")],
        ..BarChart::default()
    };
    let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
    let table = Table {
        title: "Commands".into(),
        note: "By kind.".into(),
        columns: vec![Column::words("Kind"), Column::numbers("Count")],
        rows: vec![row(["Place", "1,204"]), row(["Cancel", "96"])],
    };
    report.section("Commands", vec![Block::BarChart(rejections), Block::Table(table)]);
    report.section("Books", vec![Block::Conservation(books())]);
    report
}

fn books() -> Conservation {
    let amount = |label: &str, micro_usd| Amount { label: label.into(), micro_usd };
    Conservation {
        title: "Every micro-dollar".into(),
        note: String::new(),
        held: vec![amount("Accounts", 1_234_567_890_123), amount("Insurance", 7)],
        flows: vec![amount("Deposits", 1_234_567_890_131), amount("Withdrawals", -1)],
    }
}

#[test]
fn books_that_are_one_micro_dollar_off_do_not_balance() {
    assert_eq!(books().totals(), Some((1_234_567_890_130, 1_234_567_890_130, 0)));
    assert!(books().balances());
    let mut off = books();
    off.held[1].micro_usd += 1;
    assert!(!off.balances());
    let mut report = Report::new("", "");
    report.section("", vec![Block::Conservation(off)]);
    let page = html::render(&report);
    assert!(
        page.contains("class=\"verdict bad\">The books do not balance.")
            && page.contains(
                "<tr class=\"bad\"><th scope=\"row\">Difference</th><td class=\"n\">0.000001</td>"
            )
    );
    let text = terminal::render(&report, terminal::Style::default());
    assert!(text.contains("The books do not balance."), "{text}");
}

#[test]
fn sums_beyond_their_integer_are_told_and_do_not_stop_the_report() {
    let mut books = books();
    books.held[0].micro_usd = i128::MAX;
    assert_eq!(books.totals(), None);
    assert!(!books.balances());
    let mut report = Report::new("", "");
    report.section("", vec![Block::Conservation(books)]);
    assert!(html::render(&report).contains("A sum leaves the range of its integer."));
}

#[test]
fn the_same_report_gives_the_same_bytes() {
    assert_eq!(html::render(&small()), html::render(&small()));
}
