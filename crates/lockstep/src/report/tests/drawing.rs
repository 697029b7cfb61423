//! Numbers, times, ticks and thinning.

use unicode_width::UnicodeWidthStr;

use super::super::{axis::Axis, downsample, number, plot::Plot, time};
use super::*;

fn series(values: impl IntoIterator<Item = f64>) -> Vec<Point> {
    (0..).zip(values).map(|(time_ms, value)| Point { time_ms, value }).collect()
}

#[test]
fn thinning_keeps_every_extreme_of_every_pixel() {
    let noise = |at: u32| f64::from(at.wrapping_mul(2_654_435_761) >> 12);
    let mut points = series((0..10_000).map(noise));
    points[4_321].value = 1e9;
    points[4_322].value = -1e9;
    let thinned = downsample::line(&points, (0, 9_999), 100);
    assert!(thinned.len() <= 400 && thinned.len() >= 200, "{}", thinned.len());
    assert!(thinned.windows(2).all(|pair| pair[0].time_ms < pair[1].time_ms));
    assert_eq!((thinned[0], thinned[thinned.len() - 1]), (points[0], points[9_999]));
    for bucket in 0..100 {
        let of = |points: &[Point]| -> Vec<f64> {
            let inside = points.iter().filter(|p| (p.time_ms * 100 / 9_999).min(99) == bucket);
            inside.map(|point| point.value).collect()
        };
        let (all, kept) = (of(&points), of(&thinned));
        let ends = |values: &[f64]| {
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            (least, values.iter().copied().fold(f64::NEG_INFINITY, f64::max))
        };
        assert_eq!(ends(&all), ends(&kept), "pixel {bucket}");
        assert_eq!((all[0], all.last()), (kept[0], kept.last()), "pixel {bucket}");
    }
}

#[test]
fn a_short_series_is_not_thinned() {
    let points = series([5.0, 3.0, 9.0]);
    assert_eq!(downsample::line(&points, (0, 2), 720), points);
}

#[test]
fn a_run_of_gaps_stays_one_gap() {
    let points = series([f64::NAN, 1.0, f64::NAN, f64::INFINITY, 2.0, 3.0, f64::NAN]);
    let thinned = downsample::line(&points, (0, 6), 720);
    let drawn: Vec<Option<f64>> =
        thinned.iter().map(|point| Some(point.value).filter(|value| !value.is_nan())).collect();
    assert_eq!(drawn, [Some(1.0), None, Some(2.0), Some(3.0), None]);
}

#[test]
fn thinned_bars_keep_the_tallest() {
    let points = series([1.0, 7.0, 2.0, -9.0, 3.0, 4.0]);
    let values: Vec<f64> =
        downsample::bars(&points, (0, 5), 2).iter().map(|point| point.value).collect();
    assert_eq!(values, [7.0, -9.0]);
}

#[test]
fn a_thinned_band_reaches_as_far_as_all_of_it() {
    let band: Vec<RangePoint> = (0..100_i32)
        .map(|at| RangePoint {
            time_ms: i64::from(at),
            low: if at == 42 { -50.0 } else { 0.0 },
            high: if at == 43 { 50.0 } else { 1.0 },
        })
        .collect();
    let thinned = downsample::range(&band, (0, 99), 10);
    assert_eq!(thinned.len(), 10);
    assert_eq!((thinned[4].low, thinned[4].high), (-50.0, 50.0));
    assert_eq!((thinned[5].low, thinned[5].high), (0.0, 1.0));
}

#[test]
fn a_step_that_began_before_the_chart_is_drawn_from_its_edge() {
    let chart = TimeChart {
        domain_ms: Some((10, 20)),
        lines: vec![Line::new("", Shape::Step, series((0..15).map(f64::from)))],
        ..TimeChart::default()
    };
    let plot = Plot::new(&chart, 720);
    assert_eq!(plot.lines[0].points[0], Point { time_ms: 10, value: 9.0 });
    assert_eq!(plot.lines[0].points.len(), 6);
}

#[test]
fn numbers_read_well() {
    for (value, decimals, told) in [
        (1_234_567.0, 0, "1,234,567"),
        (-0.4, 0, "0"),
        (-1_000.5, 1, "−1,000.5"),
        (999.0, 2, "999.00"),
        (0.000_01, 3, "0.000"),
    ] {
        assert_eq!(number::grouped(value, decimals), told);
    }
    for (micro_usd, told) in [
        (0, "0.000000"),
        (-1, "−0.000001"),
        (1_234_567_890_123, "1,234,567.890123"),
        (i128::MIN, "−170,141,183,460,469,231,731,687,303,715,884.105728"),
    ] {
        assert_eq!(number::micro_usd(micro_usd), told);
    }
    assert_eq!(number::with_unit(12_345_678.0, 0, &Unit::Usd), "$12.35M");
    assert_eq!(number::with_unit(-42.125, 1, &Unit::Usd), "−$42.1");
    assert_eq!(number::with_unit(f64::NAN, 1, &Unit::Usd), "–");
    assert_eq!(number::with_unit(2.5, 1, &Unit::Percent), "2.5\u{202f}%");
    assert_eq!(number::decimals([1.0, 200.0].into_iter()), 0);
    assert_eq!(number::decimals([0.651, 0.432].into_iter()), 4);
    assert_eq!(number::decimals([117_194.31, 107_120.72].into_iter()), 0);
}

#[test]
fn times_read_well() {
    assert_eq!(time::date(0), "1 Jan 1970");
    assert_eq!(time::date(951_782_400_000), "29 Feb 2000");
    assert_eq!(time::date(1_709_251_199_999), "29 Feb 2024");
    assert_eq!(time::date(-1), "31 Dec 1969");
    assert_eq!(time::date(4_107_542_400_000), "1 Mar 2100");
    assert_eq!(time::clock(1_760_131_584_042, 1), "21:26:24.042");
    let range = time::range(1_760_126_400_000, 1_760_135_400_000);
    assert_eq!(range, "10 Oct 2025, 20:00–22:30 UTC");
    let days = time::range(1_760_126_400_000, 1_760_212_800_000);
    assert_eq!(days, "10 Oct 2025, 20:00 – 11 Oct 2025, 20:00 UTC");
}

#[test]
fn ticks_are_round_and_few() {
    let labels = |start_ms, end_ms| -> Vec<String> {
        time::ticks(start_ms, end_ms).into_iter().map(|tick| tick.label).collect()
    };
    let evening = labels(1_760_126_400_000, 1_760_135_400_000);
    assert_eq!(evening, ["20:00", "20:30", "21:00", "21:30", "22:00", "22:30"]);
    let midnight = labels(1_760_137_200_000, 1_760_144_400_000);
    assert_eq!(
        midnight,
        ["23:00", "23:15", "23:30", "23:45", "11 Oct", "00:15", "00:30", "00:45", "01:00"]
    );
    assert!(labels(i64::MIN, i64::MAX).len() <= 10);
    let values = |low: f64, high: f64, scale| -> Vec<String> {
        let axis = Axis::new([low, high].into_iter(), scale);
        let ticks = axis.ticks();
        assert!(ticks.iter().all(|tick| (0.0..=1.0).contains(&axis.at(tick.value))));
        ticks.into_iter().map(|tick| tick.label).collect()
    };
    assert_eq!(values(104_560.0, 118_600.0, Scale::Linear), ["105,000", "110,000", "115,000"]);
    assert_eq!(values(0.0, 185.0, Scale::FromZero), ["0", "50", "100", "150"]);
    assert_eq!(values(0.02, 40.0, Scale::Log), ["0.1", "1", "10"]);
    assert_eq!(values(3.0, 60.0, Scale::Log), ["5", "10", "20", "50"]);
    assert_eq!(values(4.5e6, 5.0e6, Scale::Linear), ["4.6M", "4.8M", "5.0M"]);
    assert_eq!(values(-0.01, 0.02, Scale::Linear), ["−0.01", "0.00", "0.01", "0.02"]);
}

#[test]
fn an_axis_shows_all_of_its_values() {
    let values = [3.0, -7.5, 1e6, 0.0];
    for scale in [Scale::Linear, Scale::FromZero] {
        let axis = Axis::new(values.into_iter(), scale);
        assert!(values.iter().all(|&value| (0.0..=1.0).contains(&axis.at(value))));
    }
    let axis = Axis::new(values.into_iter(), Scale::Log);
    assert!([3.0, 1e6].iter().all(|&value| (0.0..=1.0).contains(&axis.at(value))));
    assert!(!axis.draws(0.0) && !axis.draws(-7.5));
}

#[test]
fn crowded_labels_become_numbers_and_a_list() {
    let chart = |events: i64| {
        let event = |at| Event { time_ms: 500 + at, label: format!("Something happened {at}") };
        let mut report = Report::default();
        let chart = TimeChart {
            domain_ms: Some((0, 1_000)),
            events: (0..events).map(event).collect(),
            ..TimeChart::default()
        };
        report.section("", vec![Block::TimeChart(chart)]);
        html::render(&report)
    };
    assert!(chart(4).contains("<figure class=\"chart\"") && chart(4).contains("--lanes:4"));
    let crowded = chart(5);
    assert!(crowded.contains("<figure class=\"chart numbered\"") && crowded.contains("--lanes:1"));
    assert!(crowded.contains("<b>1–5</b>"));
}

#[test]
fn a_spike_stands_out_of_a_sparkline() {
    let mut points = series((0..5_000).map(|_| 1.0));
    points[2_500].value = 900.0;
    let spark = |scale| {
        let mut report = Report::default();
        let lines = vec![Line::new("spiky", Shape::Line, points.clone())];
        let chart = TimeChart { scale, lines, ..TimeChart::default() };
        report.section("", vec![Block::TimeChart(chart)]);
        terminal::render(&report, terminal::Style::default())
    };
    for scale in [Scale::Linear, Scale::FromZero, Scale::Log] {
        let text = spark(scale);
        assert_eq!(text.matches(['▇', '█']).count(), 1, "{text}");
    }
}

#[test]
fn text_fits_the_terminal() {
    for columns in [20, 48, 80, 100, 140, 1_000] {
        let text = terminal::render(&small(), terminal::Style { columns, colour: false });
        for line in text.lines() {
            assert!(line.width() <= columns.clamp(48, 140), "{columns}: {line:?}");
        }
    }
}
