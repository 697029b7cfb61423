use super::bars::{Bars, Room};
use super::latency::VALIDATORS;
use super::*;
use crate::output::EventSink;
use crate::replay::Check;
use crate::report::Block;
use crate::series::derive::CRASH_WINDOW;
use feed::Feed;
use lockstep_types::command::{Report, SystemCommand};
use lockstep_types::{AccountId, Event, Price, UnderlyingId, Usd};

const START_MS: i64 = CRASH_WINDOW.start_s * 1_000;

fn feed(latency: &Latency) -> Feed {
    let story = Which::October.story().unwrap();
    Feed::new(story.world, story.underlyings.len(), latency)
}

fn reports(feed: &Feed, now_ms: i64) -> Vec<Report> {
    let report = |command| match command {
        SystemCommand::Report(report) => Some(report),
        _ => None,
    };
    feed.reports(now_ms).into_iter().filter_map(report).collect()
}

/// The price of BTC at a second of the window, as somebody without delay sees it.
fn btc_at(second: i64) -> Price {
    let story = Which::October.story().unwrap();
    story.world.seen(0, CRASH_WINDOW.start_s + second).price
}

#[test]
fn every_validator_reports_what_it_saw_when_it_looked() {
    let latency = Latency { block_ms: 1_000, age_ms: 6_000 };
    let (feed, now_ms) = (feed(&latency), START_MS + 600_000);
    let heard = reports(&feed, now_ms);
    assert_eq!(heard.len(), 2 * VALIDATORS);
    let about_btc = heard.iter().filter(|report| report.underlying == UnderlyingId(0));
    for (age_ms, report) in latency.ages_ms().into_iter().zip(about_btc) {
        assert_eq!(report.published.0, now_ms - age_ms);
        assert_eq!(report.price, btc_at(600 - age_ms / 1_000), "no news from the future");
    }
}

#[test]
fn two_thirds_of_the_stake_report_within_the_age_of_a_latency() {
    for latency_ms in [300, 5_000, 60_000] {
        let latency = Latency::of_ms(latency_ms);
        assert_eq!(latency.tau_ms(), latency_ms);
        let ages = latency.ages_ms();
        let within = |age_ms: i64| ages.iter().filter(|age| **age <= age_ms).count();
        assert!(within(latency.age_ms) * 3 >= VALIDATORS * 2);
        assert!(within(latency.age_ms - 1) * 3 < VALIDATORS * 2, "and not within less");
    }
}

#[test]
fn the_perpetual_stands_in_for_a_silent_index() {
    // The index is silent from 20:54:26 (3,266 s) to 21:08:06 (4,086 s).
    assert_eq!(btc_at(3_270), Price(115_291_930_000), "carried for a minute");
    // The bar of 21:00: open 114,275.3, high 114,910.8 or low, close 114,613.1 at its end.
    assert_eq!(btc_at(3_659), Price(114_613_100_000));
    let half_way = (btc_at(3_640).0 + btc_at(3_650).0) / 2;
    assert!((btc_at(3_645).0 - half_way).abs() <= 10_000, "on a line between its prices");
    assert_eq!(btc_at(4_086), Price(114_556_620_000), "and gives way again");
    let world = Which::October.story().unwrap().world;
    assert!(!world.is_hole(CRASH_WINDOW.start_s + 3_270));
    assert!(world.is_hole(CRASH_WINDOW.start_s + 3_600));
}

#[test]
fn every_reported_smile_is_taken_over() {
    // A refused smile would leave the last one in force, and the replay would lose its volatility.
    let feed = feed(&Latency::of_ms(4_000));
    for second in (0..9_000).step_by(300) {
        for report in reports(&feed, START_MS + second * 1_000) {
            let smiles = report.expiries.iter().filter(|expiry| expiry.smile.is_some()).count();
            assert_eq!(smiles, 2, "at {second} s of {:?}", report.underlying);
        }
    }
}

#[test]
fn times_are_read_within_the_window() {
    let story = Which::October.story().unwrap();
    assert_eq!(story.moment("--from", "20:00").unwrap(), START_MS);
    assert_eq!(story.moment("--from", "2025-10-10T20:01Z").unwrap(), START_MS + 60_000);
    assert_eq!(story.moment("--to", "22:30").unwrap(), CRASH_WINDOW.end_s * 1_000);
    for wrong in ["19:59", "22:31", "soon", "+30s", "2025-10-11T21:00Z"] {
        assert!(story.moment("--from", wrong).is_err(), "{wrong}");
    }
}

#[test]
fn latencies_are_read_in_seconds_and_within_their_limits() {
    for (text, ms) in [("0.3", 300), ("5", 5_000), ("60s", 60_000), ("1.25s", 1_250)] {
        assert_eq!(seconds(text), Ok(ms), "{text}");
    }
    for wrong in ["", "s", "0.1", "121", "1.2345", "-1", "1e3", "5 s"] {
        assert!(seconds(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn between_snapshots_everything_goes_straight_and_stays_free_of_arbitrage() {
    let story = Which::February.story().unwrap();
    let (start_s, end_s) = (story.window_ms.0 / 1_000, story.window_ms.1 / 1_000);
    let price = |time_s: i64| story.world.seen(0, time_s).price.0;
    // The first two snapshots are 68,012 s apart.
    let (first, second) = (price(start_s), price(start_s + 68_012));
    assert_eq!((first, second), (75_914_050_000, 70_827_570_000));
    assert!((price(start_s + 34_006) - (first + second) / 2).abs() <= 1);
    assert_eq!(price(start_s - 9_999), first);
    let mut listed = 0;
    for time_s in (start_s..end_s).step_by(1_800) {
        for underlying in 0..2 {
            let seen = story.world.seen(underlying, time_s);
            for expiry in &seen.expiries {
                assert!(expiry.expiry.0 / 1_000 > time_s, "nobody reports what has expired");
                assert!(expiry.smile.is_some(), "at {time_s} of {:?}", expiry.expiry);
            }
            listed += seen.expiries.len();
        }
    }
    // Five expiries at each of 96 moments, one at 93, one at 45; of two underlyings.
    assert_eq!(listed, 2 * (5 * 96 + 93 + 45), "an expiry stays until it is over");
}

#[test]
fn the_chains_of_february_are_held_traded_and_settled() {
    // 5 February, 08:00, is an expiry.
    let report = small_run(Which::February, "2026-02-05T07:55Z", "2026-02-05T08:05Z");
    assert!(!tables(&report).any(|table| table.title.starts_with("Refused")));
    let blocks = report.sections.iter().flat_map(|section| &section.blocks);
    let settled = blocks.filter(
        |block| matches!(block, Block::TimeChart(chart) if chart.title.starts_with("Paid to hold")),
    );
    assert_eq!(settled.count(), 1, "somebody was paid at expiry");
    let results = tables(&report).find(|table| table.title == "Results").unwrap();
    assert_eq!(results.rows.last().unwrap()[4], "$0");
}

fn small_run(story: Which, from: &str, to: &str) -> crate::report::Report {
    let arguments = Arguments {
        story,
        accounts: Some(60),
        from: Some(from.to_string()),
        to: Some(to.to_string()),
        ..Arguments::default()
    };
    let mut context = Context { check: Check::Every, sink: EventSink::None };
    run(&arguments, &mut context).unwrap().report
}

fn tables(report: &crate::report::Report) -> impl Iterator<Item = &crate::report::Table> {
    let blocks = report.sections.iter().flat_map(|section| &section.blocks);
    blocks.filter_map(|block| match block {
        Block::Table(table) => Some(table),
        _ => None,
    })
}

#[test]
fn nothing_of_a_run_is_refused_that_a_venue_must_take() {
    let report = small_run(Which::October, "21:16", "21:18");
    let refused = tables(&report).any(|table| table.title.starts_with("Refused"));
    assert!(!refused, "reports and listings are legal");
}

#[test]
fn what_one_group_loses_others_win() {
    let report = small_run(Which::October, "21:16", "21:20");
    let results = tables(&report).find(|table| table.title == "Results").unwrap();
    let cell = |group: &str| {
        let row = results.rows.iter().find(|row| row[0] == group).unwrap();
        row[4].clone()
    };
    assert!(cell("leveraged longs").starts_with("-$"), "{}", cell("leveraged longs"));
    assert!(cell("leveraged shorts").starts_with('$'), "{}", cell("leveraged shorts"));
    assert_eq!(cell("sum"), "$0");
}

#[test]
fn bars_sum_over_equal_spans_and_rare_things_are_drawn_if_they_happened() {
    let mut bars = Bars::new(0, 600_000);
    let paid = |micro| Event::InsurancePaid {
        account: AccountId(1),
        underlying: None,
        amount: Usd(micro),
    };
    let titles = |bars: &Bars| -> Vec<String> {
        let charts = bars.charts(Room::Stress, (0, 600_000));
        let title = |block| match block {
            Block::TimeChart(chart) => chart.title,
            _ => String::new(),
        };
        charts.into_iter().map(title).collect()
    };
    let drawn = |bars: &Bars| titles(bars).iter().any(|title| title.starts_with("Paid by insur"));
    bars.block(0, 10);
    bars.block(59_000, 5);
    bars.block(60_000, 7);
    bars.close(120_000);
    assert!(!drawn(&bars), "nobody was paid");
    bars.event(&paid(2_500_000));
    bars.close(180_000);
    assert!(drawn(&bars), "now somebody was");
    let charts = bars.charts(Room::Activity, (0, 600_000));
    let commands = charts.iter().find_map(|block| match block {
        Block::TimeChart(chart) if chart.title.starts_with("Commands") => Some(chart),
        _ => None,
    });
    let points = &commands.unwrap().lines[0].points;
    let values: Vec<(i64, f64)> = points.iter().map(|point| (point.time_ms, point.value)).collect();
    assert_eq!(values, [(0, 15.0), (60_000, 7.0), (120_000, 0.0)]);
}
