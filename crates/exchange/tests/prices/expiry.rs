//! Expiry (I5): the settlement average, the window, paying, waiting for a fresh index, deleting.

use crate::market::{BTC, Market, btc, usd};
use lockstep_exchange::option::Black76;
use lockstep_exchange::state::key::{IndexId, LeafKey};
use lockstep_types::event::{CancelReason, Event};
use lockstep_types::ids::{AccountId, InstrumentId};
use lockstep_types::instrument::expiry_of_date;
use lockstep_types::order::Side;
use lockstep_types::reject::RejectCode;
use lockstep_types::units::{HOUR_MS, Lots, MINUTE_MS, Ppm, Price, TimeMs, Usd, Vol};

const FUTURE: &str = "BTC_USDC-27MAR26";
const CALL: &str = "BTC_USDC-27MAR26-100000-C";
const PUT: &str = "BTC_USDC-27MAR26-100000-P";
const NAMES: [&str; 4] = [FUTURE, CALL, PUT, "BTC_USDC-PERPETUAL"];

fn expiry() -> TimeMs {
    expiry_of_date(2026, 3, 27)
}

fn before(minutes: i64) -> TimeMs {
    TimeMs(expiry().0 - minutes * MINUTE_MS)
}

fn settled(events: &[Event]) -> Vec<(u32, u32, i64, i64)> {
    let settled = |event: &Event| match event {
        Event::Settled { account, instrument, lots, amount } => {
            Some((account.0, instrument.0, lots.0, amount.0))
        }
        _ => None,
    };
    events.iter().filter_map(settled).collect()
}

fn expired(events: &[Event]) -> Vec<(u32, Price)> {
    let expired = |event: &Event| match event {
        Event::Expired { instrument, price } => Some((instrument.0, *price)),
        _ => None,
    };
    events.iter().filter_map(expired).collect()
}

/// Whether a leaf belongs to one of the instruments 0 to 2 or to their expiry.
fn is_of_the_series(key: &LeafKey) -> bool {
    let dead = |id: InstrumentId| id.0 < 3;
    match key {
        LeafKey::Instrument(id) => dead(*id),
        LeafKey::Linear(key) => dead(key.0),
        LeafKey::Holding(key) => dead(key.instrument),
        LeafKey::Level(key) => dead(key.instrument),
        LeafKey::Name(name) => name.contract.expiry().is_some(),
        LeafKey::Expiry(_) => true,
        LeafKey::Entry(key) => match key.index {
            IndexId::Series(series) => series.expiry == expiry(),
            IndexId::Expiries(_) => true,
            IndexId::Triggers { instrument, .. } | IndexId::Trailing { instrument, .. } => {
                dead(instrument)
            }
            _ => false,
        },
        LeafKey::Order(_) | LeafKey::Extra(_) | LeafKey::Label(_) => true,
        _ => false,
    }
}

#[test]
fn positions_are_settled_at_the_mean_of_the_last_half_hour_and_the_series_leaves_no_leaf() {
    let mut market = Market::listing(btc(), &NAMES);
    market.fund(3).trade(0, 1, 0, 3, usd(100_000)).trade(0, 1, 1, 5, usd(2_000));
    market.trade(2, 0, 2, 7, usd(1_000)).trade(0, 1, 3, 2, usd(100_000)).block();
    market.order(2, Side::Buy, 0, 9, usd(50_000)).order(2, Side::Sell, 1, 9, usd(50_000)).block();
    let cash: Vec<i64> = (0..3).map(|account| market.cash(account)).collect();
    // Ten minutes at 100,000, twenty at 103,000: the mean is 102,000.
    market.at(before(30)).report(usd(100_000)).block();
    market.at(before(20)).report(usd(103_000)).block();
    market.at(expiry()).report(usd(150_000));
    let events = market.block();
    assert_eq!(
        settled(&events),
        [
            (0, 0, 3, 6_000_000),
            (0, 1, 5, 10_000_000),
            (0, 2, -7, 0),
            (1, 0, -3, -6_000_000),
            (1, 1, -5, -10_000_000),
            (2, 2, 7, 0),
        ]
    );
    let price = usd(102_000);
    assert_eq!(expired(&events), [(0, price), (1, price), (2, price)]);
    let ended = events.iter().filter(|event| {
        matches!(event, Event::Cancelled { reason: CancelReason::Expiry, account, .. }
            if *account == AccountId(2))
    });
    assert_eq!(ended.count(), 2);
    let paid: Vec<i64> =
        (0..3).map(|account| market.cash(account) - cash[account as usize]).collect();
    assert_eq!(paid, [16_000_000, -16_000_000, 0]);
    let left: Vec<LeafKey> =
        market.leaves().into_iter().map(|(key, _)| key).filter(is_of_the_series).collect();
    assert_eq!(left, []);
    assert_eq!(market.exchange.underlying_view(BTC).unwrap().listed, 1);
    // The perpetual lives on, and a dead number is not used again.
    market.list("BTC_USDC-26JUN26").block();
    let name = "BTC_USDC-26JUN26".parse().unwrap();
    assert_eq!(market.exchange.instrument_id(&name), Some(InstrumentId(4)));
}

#[test]
fn an_expired_series_without_anybody_in_it_just_goes() {
    let mut market = Market::listing(btc(), &NAMES);
    market.at(expiry()).report(usd(100_000));
    let events = market.block();
    assert_eq!(expired(&events).len(), 3);
    assert_eq!(settled(&events), []);
    assert!(!market.leaves().iter().any(|(key, _)| is_of_the_series(key)));
}

#[test]
fn nothing_is_settled_on_a_stale_index() {
    let mut market = Market::listing(btc(), &NAMES);
    market.fund(2).trade(0, 1, 1, 5, usd(2_000)).block();
    market.at(before(30)).report(usd(101_000)).block();
    market.at(before(10)).report(usd(104_000)).block();
    // No report at the expiry: it waits, takes no orders, and keeps its marks.
    market.at(expiry());
    assert_eq!(expired(&market.block()), []);
    let mark = market.mark(1);
    market.after(HOUR_MS).order(0, Side::Sell, 1, 1, usd(1));
    let events = market.block();
    assert_eq!(expired(&events), []);
    assert!(events.iter().any(|event| match event {
        Event::Rejected { reject, .. } => reject.code == RejectCode::InstrumentExpired,
        _ => false,
    }));
    assert_eq!(market.mark(1), mark);
    // Fresh again: the gap counts at the last price before it, 20 x 101 + 10 x 104 over 30.
    market.report(usd(500_000));
    let events = market.block();
    assert_eq!(expired(&events)[0].1, usd(102_000));
    assert_eq!(settled(&events), [(0, 1, 5, 10_000_000), (1, 1, -5, -10_000_000)]);
}

#[test]
fn without_any_index_before_it_an_expiry_takes_the_first_one_after() {
    let mut market = Market::new(btc());
    market.list(FUTURE).block();
    market.at(expiry()).block();
    market.after(HOUR_MS).report(usd(77_000));
    assert_eq!(expired(&market.block()), [(0, usd(77_000))]);
}

#[test]
fn within_the_window_the_price_is_fixed_little_by_little() {
    let mut market = Market::listing(btc(), &NAMES);
    let view = |market: &Market| market.exchange.expiry_view(BTC, expiry()).unwrap();
    market.at(before(30)).report(usd(100_000)).block();
    assert_eq!(view(&market).variable, Ppm(1_000_000));
    market.at(before(15)).report(usd(110_000)).block();
    // Half of it is fixed at 100,000, half moves with an index of 110,000.
    assert_eq!(view(&market).variable, Ppm(500_000));
    assert_eq!(view(&market).forward, Some(usd(110_000)));
    assert_eq!(view(&market).settlement_forward, Some(usd(105_000)));
    assert_eq!(market.mark(0), Some(usd(105_000)), "the future is worth what it settles at");
    // The option is lognormal around that forward with half of its volatility.
    let vol_e9 = btc().volatility_default.0 / 2;
    let (forward, strike) = (usd(105_000).0, usd(100_000).0);
    let model = Black76 { forward, strike, vol_e9, seconds: 15 * 60 }.prices().unwrap();
    assert_eq!(market.mark(1), Some(Price(model.call)));
    assert_eq!(market.mark(2), Some(Price(model.put)));
    let seen = market.exchange.instrument_view(InstrumentId(1)).unwrap();
    assert_eq!(seen.volatility, Some(Vol(vol_e9)));
    // The perpetual is not touched by any of it.
    assert_eq!(market.mark(3), Some(usd(110_000)));
    // A second before the end nearly nothing moves any more.
    market.at(TimeMs(expiry().0 - 1_000)).report(usd(200_000)).block();
    assert_eq!(view(&market).variable, Ppm(556));
    let forward = view(&market).settlement_forward.unwrap();
    assert!(forward > usd(104_900) && forward < usd(105_200), "{forward}");
}

#[test]
fn delta_decays_within_the_window() {
    let delta = |minutes: i64| {
        let at = |price: i64| {
            let mut market = Market::listing(btc(), &NAMES);
            market.at(before(30)).report(usd(100_000)).block();
            market.at(before(minutes)).report(usd(price)).block();
            [market.mark(0).unwrap().0, market.mark(1).unwrap().0]
        };
        let (low, high) = (at(120_000), at(120_300));
        [high[0] - low[0], high[1] - low[1]]
    };
    assert_eq!(delta(30), [usd(300).0; 2]);
    assert_eq!(delta(20), [usd(200).0; 2]);
    assert_eq!(delta(10), [usd(100).0; 2]);
    assert_eq!(delta(1), [usd(10).0; 2]);
}

#[test]
fn many_accounts_are_settled_in_pages_and_count_at_settlement_value_until_then() {
    const ACCOUNTS: u32 = 12_000;
    let mut market = Market::listing(btc(), &[FUTURE, CALL]);
    // Accounts 0 and 11,999 hold positions: the first is paid in the first page, the last later.
    market.fund(9_000).block();
    market.fund_range(9_000, ACCOUNTS).block();
    market.trade(0, ACCOUNTS - 1, 0, 4, usd(100_000)).trade(0, ACCOUNTS - 1, 1, 4, usd(1_000));
    market.order(5_000, Side::Buy, 1, 1, usd(1));
    // A bid above the settlement value pulls no mark any more.
    market.order(ACCOUNTS - 2, Side::Buy, 1, 1, usd(2_000)).block();
    market.at(before(31)).report(usd(101_000)).block();
    market.at(expiry()).report(usd(200_000));
    let events = market.block();
    assert_eq!(settled(&events), [(0, 0, 4, 4_000_000), (0, 1, 4, 4_000_000)]);
    assert_eq!(expired(&events), []);
    let view = market.exchange.expiry_view(BTC, expiry()).unwrap();
    assert_eq!(view.settlement, Some(usd(101_000)));
    assert_eq!([market.mark(0), market.mark(1)], [Some(usd(101_000)), Some(usd(1_000))]);
    let holding = market.exchange.instrument_view(InstrumentId(1)).unwrap();
    assert_eq!((holding.open_interest, holding.holders), (Lots(0), 2));
    // Nobody can get in or out meanwhile; the index no longer matters to it.
    market.after(1).report(usd(300_000)).order(ACCOUNTS - 1, Side::Buy, 1, 4, usd(1_000));
    let events = market.block();
    assert!(events.iter().any(|event| matches!(event, Event::Rejected { .. })));
    let short = ACCOUNTS - 1;
    assert_eq!(settled(&events), [(short, 0, -4, -4_000_000), (short, 1, -4, -4_000_000)]);
    assert_eq!(expired(&events), [(0, usd(101_000)), (1, usd(101_000))]);
    assert!(!market.leaves().iter().any(|(key, _)| is_of_the_series(key)));
}

#[test]
fn rounding_at_settlement_goes_to_insurance() {
    let mut market = Market::listing(btc(), &[FUTURE]);
    market.fund(3).trade(0, 1, 0, 1, usd(100_000)).trade(0, 2, 0, 1, usd(100_000)).block();
    market.at(before(30)).report(Price(100_000_000_001)).block();
    market.at(expiry()).report(usd(1));
    let events = market.block();
    // A thousandth of a micro-USD per lot: longs get it floored, shorts pay a whole one each.
    assert_eq!(settled(&events), [(0, 0, 2, 0), (1, 0, -1, -1), (2, 0, -1, -1)]);
    assert_eq!(market.totals().insurance, Usd(2));
    assert_eq!(market.totals().dust_nano, 0);
}
