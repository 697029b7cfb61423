use super::feed::{DELAYS_S, Feed};
use super::*;
use lockstep_types::command::Report;
use lockstep_types::{Price, UnderlyingId};

const START_MS: i64 = CRASH_WINDOW.start_s * 1_000;

fn reports(commands: Vec<SystemCommand>) -> Vec<Report> {
    let report = |command| match command {
        SystemCommand::Report(report) => Some(report),
        _ => None,
    };
    commands.into_iter().filter_map(report).collect()
}

/// The validators' reports on BTC at a second of the window, all of them.
fn btc_at(second: i64) -> Vec<(i64, Price)> {
    let mut feed = Feed::shipped().unwrap();
    let reports = reports(feed.reports(START_MS + second * 1_000));
    let about = |report: &&Report| report.underlying == UnderlyingId(0);
    let told = |report: &Report| (report.published.0 / 1_000 - CRASH_WINDOW.start_s, report.price);
    reports.iter().filter(about).map(told).collect()
}

#[test]
fn each_validator_reports_what_it_knows_and_only_news() {
    let mut feed = Feed::shipped().unwrap();
    let first = reports(feed.reports(START_MS + 600_000));
    assert_eq!(first.len(), 2 * DELAYS_S.len());
    assert!(feed.reports(START_MS + 600_000).is_empty(), "nothing is new");
    for (second, (published, _)) in DELAYS_S.into_iter().zip(btc_at(600)) {
        assert!(published <= 600 - second, "nothing is known before its time");
    }
}

#[test]
fn the_perpetual_stands_in_for_a_silent_index() {
    // The index is silent from 20:54:26 (3,266 s) to 21:08:06 (4,086 s).
    let price = |second: i64| btc_at(second)[0];
    assert_eq!(price(3_270), (3_266, Price(115_291_930_000)), "carried for a minute");
    let (published, close) = price(3_600);
    assert_eq!((published, close), (3_600, Price(114_275_300_000)));
    assert_eq!(price(4_086).1, Price(114_556_620_000), "and gives way again");
    let feed = Feed::shipped().unwrap();
    assert!(!feed.is_hole(START_MS + 3_270_000) && feed.is_hole(START_MS + 3_600_000));
}

#[test]
fn every_reported_smile_is_taken_over() {
    // A refused smile would leave the last one in force, and the replay would lose its volatility.
    for second in (0..9_000).step_by(300) {
        let mut feed = Feed::shipped().unwrap();
        for report in reports(feed.reports(START_MS + second * 1_000)) {
            let smiles = report.expiries.iter().filter(|expiry| expiry.smile.is_some()).count();
            assert_eq!(smiles, 2, "at {second} s of {:?}", report.underlying);
        }
    }
}

#[test]
fn times_of_day_are_read_within_the_window() {
    assert_eq!(moment("--from", "20:00").unwrap(), START_MS);
    assert_eq!(moment("--to", "22:30").unwrap(), CRASH_WINDOW.end_s * 1_000);
    for wrong in ["19:59", "22:31", "soon", "+30s"] {
        assert!(moment("--from", wrong).is_err(), "{wrong}");
    }
}

#[test]
fn nothing_of_a_run_is_refused_that_a_venue_must_take() {
    let arguments = Arguments {
        accounts: 60,
        from: "21:16".to_string(),
        to: "21:18".to_string(),
        ..Arguments::default()
    };
    let mut context =
        Context { check: crate::replay::Check::Every, sink: crate::output::EventSink::None };
    let finished = run(&arguments, &mut context).unwrap();
    let refused = finished.report.sections.iter().flat_map(|section| &section.blocks).any(|block| {
        matches!(block, crate::report::Block::Table(table) if table.title.starts_with("Refused"))
    });
    assert!(!refused, "reports and listings are legal");
}
