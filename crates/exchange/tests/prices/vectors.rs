//! The published vectors of funding and settlement, through blocks of the engine.

use crate::market::{Market, btc, usd};
use lockstep_types::codec::Bounded;
use lockstep_types::command::SystemCommand;
use lockstep_types::event::Event;
use lockstep_types::instrument::{Contract, InstrumentName, OptionSide, Ticker, expiry_of_date};
use lockstep_types::order::Side;
use lockstep_types::params::{TickStep, TickTable, UnderlyingParams};
use lockstep_types::units::{HOUR_MS, Lots, MINUTE_MS, Ppm, Price, TimeMs};
use serde_json::Value;
use std::collections::BTreeMap;

const VECTORS: &str = include_str!("../vectors/funding_settlement.json");

fn cases(kind: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(VECTORS).unwrap();
    all[kind].as_array().unwrap().clone()
}

fn int(value: &Value) -> i64 {
    value.as_i64().unwrap()
}

/// What an account has received, by number.
fn received(events: &[Event]) -> BTreeMap<u32, i64> {
    let mut sums = BTreeMap::new();
    for event in events {
        let (account, amount) = match event {
            Event::FundingPaid { account, amount, .. } => (account.0, -amount.0),
            Event::Settled { account, amount, .. } => (account.0, amount.0),
            _ => continue,
        };
        *sums.entry(account).or_default() += amount;
    }
    sums
}

/// Trades until each account has its position, longs buying from shorts.
fn take_positions(market: &mut Market, instrument: u32, lots: &[(u32, i64)], price: Price) {
    let mut longs: Vec<(u32, i64)> = lots.iter().copied().filter(|(_, lots)| *lots > 0).collect();
    let mut shorts: Vec<(u32, i64)> = lots.iter().copied().filter(|(_, lots)| *lots < 0).collect();
    while let (Some(long), Some(short)) = (longs.last_mut(), shorts.last_mut()) {
        let both = long.1.min(-short.1);
        market.trade(long.0, short.0, instrument, both, price);
        (long.1, short.1) = (long.1 - both, short.1 + both);
        longs.retain(|(_, left)| *left != 0);
        shorts.retain(|(_, left)| *left != 0);
    }
    assert!(longs.is_empty() && shorts.is_empty(), "the case's positions balance");
}

fn steps(base: i64, steps: &[(i64, i64)]) -> TickTable {
    let step = |&(above, tick): &(i64, i64)| TickStep { above: Price(above), tick: Price(tick) };
    let steps = Bounded::new(steps.iter().map(step).collect()).unwrap();
    TickTable { base: Price(base), steps }
}

/// Ticks of a cent below 100,000 USD, half a cent above, a dollar far above; marks anywhere.
fn funding_params() -> UnderlyingParams {
    UnderlyingParams {
        linear_ticks: steps(10_000, &[(100_000_000_000, 5_000), (110_000_000_000, 1_000_000)]),
        impact_lots: Lots(1),
        mark_band: Ppm(999_999),
        ..btc()
    }
}

/// Replaces the maker's quote by one whose impact price shows this premium.
fn quote(market: &mut Market, maker: u32, index: i64, premium_ppb: i64) {
    market.cancel_all(maker);
    let distance = i128::from(index) * i128::from(premium_ppb) / 1_000_000_000;
    let price = Price(index + i64::try_from(distance).unwrap());
    match premium_ppb {
        0 => {}
        1.. => {
            market.order(maker, Side::Buy, 0, 1, price);
        }
        _ => {
            market.order(maker, Side::Sell, 0, 1, price);
        }
    }
}

/// One hour of a case at one-minute blocks; the engine samples each minute, so a case whose samples
/// are shorter is run at its average premium.
fn run_funding(case: &Value) {
    let name = &case["name"];
    let index = int(&case["index"]);
    let mut samples: Vec<(i64, i64)> = case["samples_dt_ms_premium_ppb"]
        .as_array()
        .unwrap()
        .iter()
        .map(|sample| (int(&sample[0]), int(&sample[1])))
        .collect();
    if samples.iter().any(|(span, _)| span % MINUTE_MS != 0) {
        samples = vec![(HOUR_MS, int(&case["avg_premium_ppb"]))];
    }
    // F7's premium is finer than the ticks; anything inside the clamp has the same rate.
    for sample in &mut samples {
        if sample.1 % 1_000 != 0 && sample.1 < 500_000 {
            sample.1 = 0;
        }
    }
    let positions = case["lots"].as_object().unwrap();
    let accounts: Vec<(u32, i64)> = (0..).zip(positions.values().map(int)).collect();
    let maker = u32::try_from(accounts.len()).unwrap();
    let mut market = Market::new(funding_params());
    market.list("BTC_USDC-PERPETUAL").fund(maker + 1).report(Price(index)).block();
    quote(&mut market, maker, index, samples[0].1);
    market.block();
    // A stale index in between, so that the hour begins with nothing accrued.
    market.after(MINUTE_MS - 1).block();
    // From here on the premium is in force; positions are taken with the quote out of the way.
    market.after(1).report(Price(index)).cancel_all(maker);
    take_positions(&mut market, 0, &accounts, usd(100_000));
    quote(&mut market, maker, index, samples[0].1);
    market.block();
    let start = market.exchange.instrument_view(lockstep_types::InstrumentId(0)).unwrap();
    let mut ends = samples.iter().scan(0, |end, (span, _)| {
        *end += span / MINUTE_MS;
        Some(*end)
    });
    let mut next = ends.next().unwrap();
    let mut premiums = samples.iter().skip(1);
    for minute in 1..=60 {
        market.after(MINUTE_MS).report(Price(index));
        if minute == next - 1
            && let Some((_, premium)) = premiums.next()
        {
            quote(&mut market, maker, index, *premium);
            next = ends.next().unwrap();
        }
        market.block();
    }
    let end = market.exchange.instrument_view(lockstep_types::InstrumentId(0)).unwrap();
    let delta = end.funding_index.0 - start.funding_index.0;
    assert_eq!(delta, int(&case["index_delta_per_base"]), "{name}");
    let insurance = market.totals().insurance;
    let reversed: Vec<(u32, i64)> = accounts.iter().map(|(id, lots)| (*id, -lots)).collect();
    market.cancel_all(maker).block();
    take_positions(&mut market, 0, &reversed, usd(100_000));
    let paid = received(&market.block());
    for ((account, _), label) in accounts.iter().zip(positions.keys()) {
        let wanted = int(&case["payments"][label]);
        assert_eq!(paid.get(account).copied().unwrap_or(0), wanted, "{name} {label}");
    }
    let dust = market.totals().insurance.0 - insurance.0;
    assert_eq!(dust, int(&case["dust_to_insurance"]), "{name}");
    assert_eq!(paid.values().sum::<i64>() + dust, 0, "{name}");
}

#[test]
fn the_seven_funding_cases_with_payments_come_out_exactly() {
    let cases = cases("funding");
    let paying: Vec<&Value> = cases.iter().filter(|case| case.get("payments").is_some()).collect();
    assert_eq!((paying.len(), cases.len()), (7, 8));
    paying.into_iter().for_each(run_funding);
}

#[test]
fn the_impact_price_case_comes_out_exactly() {
    let all = cases("funding");
    let case = all.iter().find(|case| case.get("cases").is_some()).unwrap();
    let index = int(&case["index"]);
    for pair in case["cases"].as_array().unwrap() {
        let mut market = Market::new(funding_params());
        market.list("BTC_USDC-PERPETUAL").fund(2).report(Price(index)).block();
        market.order(0, Side::Buy, 0, 1, Price(int(&pair["impact_bid"]))).block();
        // The last pair touches at the index: there the ask would take the bid.
        let ask = Price(int(&pair["impact_ask"]));
        if ask.0 > int(&pair["impact_bid"]) {
            market.order(1, Side::Sell, 0, 1, ask).block();
        }
        market.after(MINUTE_MS).report(Price(index)).block();
        let premium = int(&pair["premium_ppb"]);
        let pull = (100_000 - premium).clamp(-500_000, 500_000);
        let view = market.exchange.instrument_view(lockstep_types::InstrumentId(0)).unwrap();
        assert_eq!(view.rate_8h_ppb, premium + pull, "{pair}");
    }
}

/// Strikes and options at single micro-dollars around 100,000 USD, cents elsewhere.
fn settlement_params() -> UnderlyingParams {
    let fine = || steps(10_000, &[(99_999_990_000, 1), (100_000_010_000, 10_000)]);
    UnderlyingParams { linear_ticks: fine(), ..btc() }
}

/// Strike price and side.
type Strike = (i64, OptionSide);

fn run_settlement(case: &Value) {
    let name = &case["name"];
    let end = expiry_of_date(2026, 3, 27);
    let moment = |ms: i64| TimeMs(ms - int(&case["t_end_ms"]) + end.0);
    let mut market = Market::new(settlement_params());
    let mut series: Vec<(Strike, Vec<(u32, i64)>)> = Vec::new();
    let positions = case["positions"].as_object().unwrap();
    for (account, position) in (0..).zip(positions.values()) {
        let side = if position[1] == "C" { OptionSide::Call } else { OptionSide::Put };
        let key = (int(&position[0]), side);
        if !series.iter().any(|(known, _)| *known == key) {
            let contract = Contract::Option { expiry: end, strike: Price(key.0), side };
            let underlying = Ticker::new("BTC").unwrap();
            market.tell(SystemCommand::List(InstrumentName { underlying, contract }));
            series.push((key, Vec::new()));
        }
        let held = series.iter_mut().find(|(known, _)| *known == key).unwrap();
        held.1.push((account, int(&position[2])));
    }
    market.fund(u32::try_from(positions.len()).unwrap()).block();
    for (at, sample) in case["samples"].as_array().unwrap().iter().enumerate() {
        market.at(moment(int(&sample[0]))).report(Price(int(&sample[1])));
        if at == 0 {
            for (instrument, (_, lots)) in (0..).zip(&series) {
                take_positions(&mut market, instrument, lots, usd(1));
            }
        }
        market.block();
    }
    let insurance = market.totals().insurance;
    // What is reported at the end closes the window and counts for nothing.
    market.at(end).report(usd(1_000));
    let events = market.block();
    let price = events.iter().find_map(|event| match event {
        Event::Expired { price, .. } => Some(price.0),
        _ => None,
    });
    assert_eq!(price, Some(int(&case["settlement_price"])), "{name}");
    let paid = received(&events);
    for (account, label) in (0..).zip(positions.keys()) {
        assert_eq!(paid.get(&account), Some(&int(&case["cash"][label])), "{name} {label}");
    }
    let dust = market.totals().insurance.0 - insurance.0;
    assert_eq!(dust, int(&case["dust_to_insurance"]), "{name}");
}

#[test]
fn the_seven_settlement_cases_come_out_exactly() {
    let cases = cases("settlement");
    assert_eq!(cases.len(), 7);
    cases.iter().for_each(run_settlement);
}
