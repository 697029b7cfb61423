//! Reports that try to break out, to blow up, or to divide by nothing.

use super::markup::check;
use super::*;

const HOSTILE: &str =
    "</script></style><script>alert(1)</script>\" onload=\"x' & &lt; \u{0}\u{1b}[2J\r\n\u{202e}é";

/// A report in which every text is hostile.
fn hostile() -> Report {
    let text = || HOSTILE.to_owned();
    let mut report = Report::new(text(), text());
    report.provenance(text(), text());
    report.figure(text(), text(), text(), Tone::Bad);
    let chart = TimeChart {
        title: text(),
        note: text(),
        unit: Unit::Other(text()),
        lines: vec![Line::new(text(), Shape::Line, vec![Point { time_ms: 5, value: 1.0 }])],
        bands: vec![Band {
            name: text(),
            points: vec![RangePoint { time_ms: 5, low: 0.0, high: 2.0 }],
        }],
        levels: vec![Level { label: text(), value: 1.0 }],
        events: vec![Event { time_ms: 5, label: text() }],
        spans: vec![Span { start_ms: 5, end_ms: 6, label: text() }],
        ..TimeChart::default()
    };
    let bars = BarChart {
        title: text(),
        note: text(),
        unit: Unit::Other(text()),
        bars: vec![Bar { label: text(), value: 1.0, note: text() }],
    };
    let table = Table {
        title: text(),
        note: text(),
        columns: vec![Column::words(text()), Column::numbers(text())],
        rows: vec![vec![text(), text()]],
    };
    let amount = || Amount { label: text(), micro_usd: 1 };
    let books =
        Conservation { title: text(), note: text(), held: vec![amount()], flows: vec![amount()] };
    let blocks = vec![
        Block::Prose(text()),
        Block::TimeChart(chart),
        Block::BarChart(bars),
        Block::Table(table),
        Block::Conservation(books),
    ];
    report.section(text(), blocks);
    report
}

#[test]
fn hostile_text_stays_text() {
    let page = html::render(&hostile());
    assert_eq!(check(&page), Ok(()));
    assert_eq!(page.matches("<script").count(), 2, "one of the page, one of its chart");
    assert!(!page.contains("alert(1)</"));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot; onload=&quot;x&#39; &amp;"));
    assert!(!page.contains('\u{202e}'), "the direction of writing is not turned");
}

#[test]
fn hostile_text_cannot_drive_a_terminal() {
    let text = terminal::render(&hostile(), terminal::Style::default());
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    let coloured = terminal::render(&hostile(), terminal::Style { columns: 100, colour: true });
    for part in coloured.split('\u{1b}').skip(1) {
        let ours = ["[1m", "[2m", "[0m", "[1;32m", "[1;31m"];
        assert!(ours.iter().any(|code| part.starts_with(code)), "{part:?}");
    }
}

#[test]
fn long_text_is_cut_and_says_so() {
    let mut report = Report::new("x".repeat(10_000), "");
    report.section("", vec![Block::Prose("word ".repeat(10_000))]);
    let page = html::render(&report);
    let title = format!("<h1>{}…</h1>", "x".repeat(LABEL_CHARS_MAX - 1));
    assert!(page.contains(&title));
    assert!(page.len() < 40_000, "{}", page.len());
}

/// Values and times that no axis likes.
#[test]
fn odd_numbers_do_not_stop_a_report() {
    let values = [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MAX,
        f64::MIN_POSITIVE,
        -0.0,
        0.0,
        1e-300,
        1e18,
        -1e18,
        1.0,
        1.0 + f64::EPSILON,
    ];
    let times = [i64::MIN, -1, 0, 0, 1, 1_760_126_400_000, 1_760_126_400_001, i64::MAX];
    let mut blocks = Vec::new();
    for shape in [Shape::Line, Shape::Step, Shape::Bars] {
        for scale in [Scale::Linear, Scale::FromZero, Scale::Log] {
            for first in 0..values.len() {
                for domain_ms in [None, Some((i64::MIN, i64::MAX)), Some((5, 5)), Some((9, 3))] {
                    let points = |count: usize| -> Vec<Point> {
                        let values = values.iter().cycle().skip(first).take(count);
                        let pairs = times.iter().zip(values);
                        pairs.map(|(&time_ms, &value)| Point { time_ms, value }).collect()
                    };
                    let range = points(4)
                        .iter()
                        .map(|p| RangePoint { time_ms: p.time_ms, low: p.value, high: 1.0 })
                        .collect();
                    blocks.push(Block::TimeChart(TimeChart {
                        scale,
                        domain_ms,
                        lines: vec![
                            Line::new("many", shape, points(8)),
                            Line::new("one", shape, points(1)),
                            Line::new("none", shape, Vec::new()),
                        ],
                        bands: vec![Band { name: String::new(), points: range }],
                        levels: vec![Level { label: String::new(), value: values[first] }],
                        events: vec![Event { time_ms: times[first % 8], label: String::new() }],
                        spans: vec![Span { start_ms: 7, end_ms: -7, label: String::new() }],
                        ..TimeChart::default()
                    }));
                }
            }
        }
    }
    let bars = values.map(|value| Bar { label: String::new(), value, note: String::new() });
    blocks.push(Block::BarChart(BarChart { bars: bars.into(), ..BarChart::default() }));
    for part in blocks.chunks(BLOCKS_MAX) {
        let mut report = Report::default();
        report.section("", part.to_vec());
        let page = html::render(&report);
        assert_eq!(check(&page), Ok(()));
        for odd in ["NaN", "inf"] {
            let drawn = page.split("<script>").next().unwrap_or_default();
            let body = drawn.split("</style>").nth(1).unwrap_or_default();
            assert!(!body.contains(odd), "{odd} in a page");
        }
        let text = terminal::render(&report, terminal::Style::default());
        assert!(!text.contains("NaN"), "{text}");
    }
}

#[test]
fn a_page_is_bounded_however_much_there_is_to_tell() {
    let points: Vec<Point> = (0..20_000_u32)
        .map(|at| Point {
            time_ms: i64::from(at) * 1_000,
            value: f64::from(at.wrapping_mul(2_654_435_761) % 1_000) * 1_000.123,
        })
        .collect();
    let chart = TimeChart {
        lines: (0..LINES_MAX + 2).map(|_| Line::new("line", Shape::Line, points.clone())).collect(),
        events: (0..100).map(|at| Event { time_ms: at, label: "event".into() }).collect(),
        ..TimeChart::default()
    };
    let table = Table {
        columns: vec![Column::words("only")],
        rows: vec![vec!["cell".into()]; ROWS_MAX + 5],
        ..Table::default()
    };
    let mut report = Report::default();
    let mut blocks = vec![Block::TimeChart(chart); 3];
    blocks.push(Block::Table(table));
    for _ in 0..SECTIONS_MAX + 1 {
        report.section("section", blocks.clone());
    }
    let page = html::render(&report);
    assert!(page.len() < 12_000_000, "{} bytes", page.len());
    assert!(page.contains("1 more sections are not shown."));
    assert!(page.contains("2 more lines are not shown."));
    assert!(page.contains("76 more events are not shown."));
    assert!(page.contains("5 more rows are not shown."));
    let text = terminal::render(&report, terminal::Style::default());
    assert!(text.contains("… 5 more rows are not shown"));
    assert!(text.len() < 1_000_000, "{} bytes", text.len());
}
