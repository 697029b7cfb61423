//! The index (P1) and what happens while it is stale (P5).

use crate::market::{BTC, Market, btc, monday, usd, venue};
use lockstep_types::command::SystemCommand;
use lockstep_types::event::Event;
use lockstep_types::ids::UnderlyingId;
use lockstep_types::instrument::Ticker;
use lockstep_types::order::Side;
use lockstep_types::reject::RejectCode;
use lockstep_types::units::{Ppm, Price, TimeMs};

fn index_events(events: &[Event]) -> Vec<&Event> {
    events
        .iter()
        .filter(|event| matches!(event, Event::Index { .. } | Event::Stale { .. }))
        .collect()
}

/// Three reporters with weights 1, 2 and 4.
fn three() -> Market {
    let mut market = Market::empty(venue());
    market.tell(SystemCommand::AddUnderlying(btc()));
    market.weigh(1, 1).weigh(2, 2).weigh(3, 4);
    market
}

#[test]
fn the_index_is_the_median_by_stake() {
    let mut market = three();
    let now = market.now;
    market.report_by(1, usd(90), now, &[]);
    market.report_by(2, usd(101), now, &[]);
    market.report_by(3, usd(100), now, &[]);
    let events = market.block();
    assert_eq!(
        index_events(&events),
        [&Event::Index { underlying: BTC, price: usd(100), confidence: Ppm(1_000_000) }]
    );
}

#[test]
fn an_index_event_tells_of_another_price_only() {
    let mut market = Market::listing(btc(), &[]);
    market.after(1_000).report(usd(100_000));
    assert_eq!(index_events(&market.block()).len(), 0);
    market.after(1_000).report(usd(100_001));
    assert_eq!(index_events(&market.block()).len(), 1);
}

#[test]
fn less_than_two_thirds_of_stake_is_stale_and_the_index_stands() {
    let mut market = three();
    let start = market.now;
    for (reporter, price) in [(1, 100), (2, 100), (3, 100)] {
        market.report_by(reporter, usd(price), start, &[]);
    }
    market.block();
    // Reporters 1 and 3 have five sevenths: fresh. Alone, 3 has four: stale.
    market.after(10_001);
    let now = market.now;
    market.report_by(1, usd(110), now, &[]).report_by(3, usd(110), now, &[]);
    market.block();
    assert_eq!(market.index(), Some(usd(110)));
    assert_eq!(market.exchange.underlying_view(BTC).unwrap().confidence, Ppm(714_285));
    market.after(10_001);
    let now = market.now;
    market.report_by(3, usd(120), now, &[]);
    let events = market.block();
    assert_eq!(index_events(&events), [&Event::Stale { underlying: BTC, stale: true }]);
    let view = market.exchange.underlying_view(BTC).unwrap();
    assert_eq!((view.index, view.stale), (Some(usd(110)), true));
    assert_eq!(view.confidence, Ppm(571_428));
    // Told once.
    market.after(1);
    assert_eq!(index_events(&market.block()).len(), 0);
    // And back: the index moves again.
    let now = market.now;
    market.report_by(2, usd(130), now, &[]);
    let events = market.block();
    assert_eq!(
        index_events(&events),
        [
            &Event::Stale { underlying: BTC, stale: false },
            &Event::Index { underlying: BTC, price: usd(120), confidence: Ppm(857_142) },
        ]
    );
}

#[test]
fn a_report_counts_for_exactly_its_age() {
    let mut market = Market::listing(btc(), &[]);
    market.after(10_000).block();
    assert!(!market.exchange.underlying_view(BTC).unwrap().stale);
    market.after(1).block();
    assert!(market.exchange.underlying_view(BTC).unwrap().stale);
}

#[test]
fn exactly_two_thirds_are_enough() {
    let mut market = Market::empty(venue());
    market.tell(SystemCommand::AddUnderlying(btc()));
    market.weigh(1, 1).weigh(2, 1).weigh(3, 1);
    let now = market.now;
    market.report_by(1, usd(100), now, &[]).report_by(2, usd(100), now, &[]);
    market.block();
    assert!(!market.exchange.underlying_view(BTC).unwrap().stale);
}

#[test]
fn bad_reports_are_refused() {
    let mut market = Market::listing(btc(), &[]);
    market.after(5_000);
    let now = market.now;
    let ahead = TimeMs(now.0 + 1);
    let old = TimeMs(now.0 - 10_001);
    let before_last = TimeMs(monday().0 - 1);
    for (price, published) in [
        (Price(0), now),
        (Price(-1), now),
        (Price(i64::MAX), now),
        (usd(1), ahead),
        (usd(1), old),
        (usd(1), before_last),
    ] {
        market.report_by(1, price, published, &[]);
        assert_eq!(market.refusal_code(), RejectCode::BadReport, "{price} at {published:?}");
    }
    market.report_by(9, usd(1), now, &[]);
    assert_eq!(market.refusal_code(), RejectCode::UnknownReporter);
    assert_eq!(market.index(), Some(usd(100_000)));
}

#[test]
fn a_report_on_an_unknown_underlying_is_refused() {
    let mut market = Market::empty(venue());
    market.weigh(1, 1).report(usd(1));
    assert_eq!(market.refusal_code(), RejectCode::UnknownUnderlying);
}

#[test]
fn an_underlying_that_nobody_reports_on_yet_is_stale() {
    let mut market = Market::new(btc());
    let view = market.exchange.underlying_view(BTC).unwrap();
    assert_eq!((view.index, view.stale), (None, true));
    market.list("BTC_USDC-PERPETUAL").fund(1).order(0, Side::Buy, 0, 1, usd(1));
    let refused = market.block().iter().any(|event| match event {
        Event::Rejected { reject, .. } => reject.code == RejectCode::StaleIndex,
        _ => false,
    });
    assert!(refused, "nothing can be opened without an index");
}

#[test]
fn a_venue_without_reporters_has_no_oracle_to_go_stale() {
    let mut market = Market::empty(venue());
    market.tell(SystemCommand::AddUnderlying(btc())).block();
    assert!(!market.exchange.underlying_view(BTC).unwrap().stale);
    market.list("BTC_USDC-PERPETUAL").fund(2).trade(0, 1, 0, 5, usd(3));
    let events = market.block();
    assert!(events.iter().any(|event| matches!(event, Event::Trade(_))));
}

#[test]
fn a_removed_reporter_is_forgotten() {
    let mut market = Market::listing(btc(), &[]);
    let before = market.leaves().len();
    market.weigh(2, 1);
    let now = market.now;
    market.report_by(2, usd(5), now, &[]).block();
    assert!(market.leaves().len() > before);
    market.weigh(2, 0).block();
    assert_eq!(market.leaves().len(), before);
    market.weigh(2, 0);
    assert_eq!(market.refusal_code(), RejectCode::UnknownReporter);
    // The last one goes: the index is stale, not gone.
    market.weigh(1, 0).block();
    let view = market.exchange.underlying_view(BTC).unwrap();
    assert_eq!((view.index, view.stale), (Some(usd(100_000)), true));
}

#[test]
fn there_are_at_most_256_reporters() {
    let mut market = Market::empty(venue());
    for reporter in 0..256 {
        market.weigh(reporter, 1);
    }
    market.block();
    market.weigh(256, 1);
    assert_eq!(market.refusal_code(), RejectCode::BadParameters);
    // Another weight for a known one is no new reporter.
    market.weigh(255, 7).block();
    market.weigh(255, 0).weigh(256, 1).block();
    market.weigh(0, u64::MAX);
    assert_eq!(market.refusal_code(), RejectCode::BadParameters);
}

#[test]
fn each_underlying_has_its_own_staleness() {
    let mut market = Market::listing(btc(), &[]);
    let mut other = btc();
    other.ticker = Ticker::new("ETH").unwrap();
    market.tell(SystemCommand::AddUnderlying(other)).block();
    assert!(market.exchange.underlying_view(UnderlyingId(1)).unwrap().stale);
    assert!(!market.exchange.underlying_view(BTC).unwrap().stale);
}
