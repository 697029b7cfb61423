//! Listing (I4): by name, and by schedule.

use crate::market::{BTC, Market, btc, monday, usd};
use lockstep_exchange::state::key::LeafKey;
use lockstep_types::command::SystemCommand;
use lockstep_types::event::Event;
use lockstep_types::ids::InstrumentId;
use lockstep_types::instrument::{Contract, InstrumentName, OptionSide, Ticker, expiry_of_date};
use lockstep_types::params::{ListingPolicy, UnderlyingParams};
use lockstep_types::reject::RejectCode;
use lockstep_types::units::{DAY_MS, HOUR_MS, Price, TimeMs};

fn listed(events: &[Event]) -> Vec<(u32, String)> {
    let listed = |event: &Event| match event {
        Event::Listed { instrument, name } => Some((instrument.0, name.to_string())),
        _ => None,
    };
    events.iter().filter_map(listed).collect()
}

fn option(expiry: TimeMs, strike: Price, side: OptionSide) -> InstrumentName {
    let contract = Contract::Option { expiry, strike, side };
    InstrumentName { underlying: Ticker::new("BTC").unwrap(), contract }
}

#[test]
fn what_is_listed_has_a_number_a_name_and_a_mark_at_once() {
    let names = ["BTC_USDC-PERPETUAL", "BTC_USDC-27MAR26", "BTC_USDC-27MAR26-60000-C"];
    let mut market = Market::new(btc());
    for name in names {
        market.list(name);
    }
    market.report(usd(100_000));
    let events = market.block();
    let wanted: Vec<(u32, String)> = (0..).zip(names.map(String::from)).collect();
    assert_eq!(listed(&events), wanted);
    for (id, name) in (0..).zip(names) {
        assert_eq!(market.exchange.instrument_id(&name.parse().unwrap()), Some(InstrumentId(id)));
        let view = market.exchange.instrument_view(InstrumentId(id)).unwrap();
        assert_eq!((view.name.to_string().as_str(), view.mark.is_some()), (name, true));
    }
    let view = market.exchange.underlying_view(BTC).unwrap();
    assert_eq!((view.listed, view.perpetual), (3, Some(InstrumentId(0))));
    assert_eq!(market.exchange.expiries(BTC), [expiry_of_date(2026, 3, 27)]);
}

#[test]
fn nothing_is_listed_twice() {
    let names = ["BTC_USDC-PERPETUAL", "BTC_USDC-27MAR26", "BTC_USDC-27MAR26-60000-C"];
    let mut market = Market::listing(btc(), &names);
    for name in names {
        let before = market.leaves().len();
        market.list(name);
        assert_eq!(market.refusal_code(), RejectCode::AlreadyListed);
        assert_eq!(market.leaves().len(), before, "a refused listing changes nothing (C4)");
    }
    assert_eq!(market.totals().instruments, 3);
}

#[test]
fn what_cannot_be_named_or_has_expired_is_not_listed() {
    let mut market = Market::listing(btc(), &[]);
    let expiry = expiry_of_date(2026, 3, 27);
    let noon = TimeMs(expiry.0 + 4 * HOUR_MS);
    let call = OptionSide::Call;
    for (name, code) in [
        ("ETH_USDC-PERPETUAL".parse().unwrap(), RejectCode::UnknownUnderlying),
        (option(noon, usd(60_000), call), RejectCode::UnknownInstrument),
        (option(expiry_of_date(2100, 1, 1), usd(60_000), call), RejectCode::UnknownInstrument),
        (option(monday(), usd(60_000), call), RejectCode::InstrumentExpired),
        (option(expiry, Price(0), call), RejectCode::OffTick),
        (option(expiry, Price(-1_000_000), call), RejectCode::OffTick),
        (option(expiry, Price(60_000_000_001), call), RejectCode::OffTick),
        (option(expiry, usd(2_000_000_000), call), RejectCode::OffTick),
    ] {
        market.tell(SystemCommand::List(name));
        assert_eq!(market.refusal_code(), code, "{name}");
    }
}

#[test]
fn there_are_at_most_twelve_expiries() {
    let mut market = Market::listing(btc(), &[]);
    let name = |day: i64| {
        let contract = Contract::Future { expiry: TimeMs(monday().0 + day * DAY_MS) };
        let underlying = Ticker::new("BTC").unwrap();
        SystemCommand::List(InstrumentName { underlying, contract })
    };
    for day in 1..=12 {
        market.tell(name(day));
    }
    market.block();
    market.tell(name(13));
    let refused = market.refusal();
    assert_eq!((refused.code, refused.limit), (RejectCode::ListingLimit, 12));
    // More of an expiry that is there.
    market.list("BTC_USDC-3MAR26-60000-P").block();
    // When one is gone there is room again.
    market.after(DAY_MS).report(usd(100_000)).block();
    market.tell(name(13));
    assert_eq!(listed(&market.block()).len(), 1);
}

#[test]
fn there_are_at_most_128_strikes_with_a_call_and_a_put_each() {
    let mut market = Market::listing(btc(), &[]);
    let expiry = expiry_of_date(2026, 3, 27);
    for number in 1..=128 {
        let strike = usd(1_000 * number);
        market.tell(SystemCommand::List(option(expiry, strike, OptionSide::Call)));
    }
    assert_eq!(listed(&market.block()).len(), 128);
    market.tell(SystemCommand::List(option(expiry, usd(500), OptionSide::Call)));
    let refused = market.refusal();
    assert_eq!((refused.code, refused.actual, refused.limit), (RejectCode::ListingLimit, 128, 128));
    for number in 1..=128 {
        let strike = usd(1_000 * number);
        market.tell(SystemCommand::List(option(expiry, strike, OptionSide::Put)));
    }
    assert_eq!(listed(&market.block()).len(), 128);
    assert_eq!(market.exchange.expiry_view(BTC, expiry).unwrap().strikes, 128);
}

fn scheduled() -> UnderlyingParams {
    UnderlyingParams { listing: ListingPolicy::Scheduled, ..btc() }
}

/// Runs blocks a millisecond apart until a block lists nothing; how many each block listed.
fn run(market: &mut Market) -> Vec<usize> {
    let mut counts = Vec::new();
    loop {
        market.after(1).report(usd(100_000));
        match listed(&market.block()).len() {
            0 => return counts,
            count => counts.push(count),
        }
        assert!(counts.len() < 50, "the schedule comes to an end");
    }
}

#[test]
fn the_schedule_lists_a_bounded_number_per_block_and_then_rests() {
    let mut market = Market::new(scheduled());
    let counts = run(&mut market);
    let (last, full) = counts.split_last().unwrap();
    assert!(full.iter().all(|count| *count == 64) && *last <= 64, "{counts:?}");
    // Twelve expiries less overlaps; 21 strikes each way, the futures, the perpetual.
    let expiries = market.exchange.expiries(BTC);
    let dates: Vec<TimeMs> = [
        (2026, 3, 3),
        (2026, 3, 4),
        (2026, 3, 5),
        (2026, 3, 6),
        (2026, 3, 13),
        (2026, 3, 20),
        (2026, 3, 27),
        (2026, 4, 24),
        (2026, 5, 29),
        (2026, 6, 26),
        (2026, 9, 25),
        (2026, 12, 25),
    ]
    .map(|(year, month, day)| expiry_of_date(year, month, day))
    .into();
    assert_eq!(expiries, dates);
    // At 10,000 USD a step the far strikes begin with the first positive one.
    let futures = dates
        .iter()
        .filter(|date| market.exchange.expiry_view(BTC, **date).unwrap().future.is_some());
    assert_eq!(futures.count(), 9);
    let strikes: u32 =
        dates.iter().map(|date| market.exchange.expiry_view(BTC, *date).unwrap().strikes).sum();
    let listed = market.exchange.underlying_view(BTC).unwrap().listed;
    assert_eq!(listed, 2 * strikes + 9 + 1);
    assert_eq!(usize::try_from(listed).unwrap(), counts.iter().sum::<usize>());
}

#[test]
fn strikes_are_extended_when_the_index_moves_a_step() {
    let mut market = Market::new(scheduled());
    run(&mut market);
    let near = expiry_of_date(2026, 3, 3);
    let strike = |price| option(near, usd(price), OptionSide::Put);
    let is_listed = |market: &Market, name| market.exchange.instrument_id(&name).is_some();
    assert!(is_listed(&market, strike(110_000)) && is_listed(&market, strike(90_000)));
    assert!(!is_listed(&market, strike(111_000)) && !is_listed(&market, strike(89_000)));
    let block_at = |market: &mut Market, price| {
        market.after(1).report(usd(price));
        listed(&market.block()).len()
    };
    assert_eq!(block_at(&mut market, 100_999), 0);
    assert!(block_at(&mut market, 101_000) > 0);
    assert!(is_listed(&market, strike(111_000)) && is_listed(&market, strike(90_000)));
}

#[test]
fn a_new_day_lists_the_next_expiries_after_the_old_one_is_gone() {
    let mut market = Market::new(scheduled());
    run(&mut market);
    let before = market.exchange.expiries(BTC);
    market.at(TimeMs(monday().0 + DAY_MS - 1)).report(usd(100_000));
    assert_eq!(listed(&market.block()).len(), 0);
    run(&mut market);
    let after = market.exchange.expiries(BTC);
    assert!(!after.contains(&before[0]) && after.contains(&before[1]));
    assert!(market.leaves().iter().all(|(key, _)| match key {
        LeafKey::Expiry(key) => key.expiry > market.now,
        _ => true,
    }));
}

#[test]
fn the_schedule_waits_for_an_index() {
    let mut market = Market::new(scheduled());
    market.after(1);
    assert_eq!(listed(&market.block()).len(), 0);
    market.report(usd(100_000)).block();
    assert_eq!(market.totals().instruments, 64);
    assert!((0..64).all(|id| market.mark(id).is_some()), "what is new has a mark at once");
    market.after(60_000);
    assert_eq!(listed(&market.block()).len(), 0, "stale");
}

#[test]
fn by_hand_means_only_by_hand() {
    let mut market = Market::listing(btc(), &[]);
    market.after(DAY_MS).report(usd(100_000));
    assert_eq!(listed(&market.block()), []);
}
