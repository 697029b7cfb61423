//! The standard-margin vectors through the engine: positions from trades, marks from reports.
//!
//! A report has one smile per expiry, so a vector is reachable if all its options of one expiry
//! have one volatility, and if all its expiries are at 08:00 seen from one moment. The others hold
//! at the level of views, in `margin/standard/tests.rs`.

use super::*;
use lockstep_types::command::{Command, SmileParams};
use lockstep_types::instrument::{Contract, InstrumentName, OptionSide};
use lockstep_types::units::{HOUR_MS, TimeMs, Vol};
use serde_json::Value;
use std::collections::BTreeMap;

const STANDARD: &str = include_str!("../vectors/standard_margin.json");
const PORTFOLIO: &str = include_str!("../vectors/portfolio_margin.json");

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// 08:00 UTC on 6 January 2026.
const MORNING: TimeMs = TimeMs(1_767_686_400_000);

/// The legs of a case: lots, entry, instrument.
fn legs(case: &Value, instruments: &Value) -> Vec<(i64, Option<i64>, Value)> {
    let account = &case["account"];
    let held = |instrument: &Value| {
        let id = instrument["id"].as_str().unwrap();
        let lots = int(account["pos"].get(id)?);
        Some((lots, account["entry"].get(id).map(int), instrument.clone()))
    };
    instruments.as_array().unwrap().iter().filter_map(held).collect()
}

/// When a case takes place, and the volatility of each expiry; `None` if it is out of reach.
/// When a vector's legs are looked at, and the volatility of each expiry and strike.
type Scene = (TimeMs, BTreeMap<(String, i64), i64>);

fn scene(legs: &[(i64, Option<i64>, Value)]) -> Option<Scene> {
    let options = legs.iter().filter(|(_, _, instrument)| instrument["kind"] == "OPT");
    let options: Vec<&Value> = options.map(|(_, _, instrument)| instrument).collect();
    let hourly = options.iter().any(|option| int(&option["T"]) == 3_600);
    let now = if hourly { TimeMs(MORNING.0 - HOUR_MS) } else { MORNING };
    let mut vols = BTreeMap::new();
    for option in options {
        let expiry = now.0 + int(&option["T"]) * 1_000;
        let vol = int(&option["vol"]);
        let known = vols.insert((option["u"].as_str().unwrap().to_owned(), expiry), vol);
        let at_eight = (expiry - MORNING.0) % (24 * HOUR_MS) == 0;
        if known.is_some_and(|known| known != vol) || !at_eight {
            return None;
        }
    }
    Some((now, vols))
}

fn name_of(instrument: &Value, now: TimeMs) -> String {
    let underlying = Ticker::new(instrument["u"].as_str().unwrap()).unwrap();
    let contract = match instrument["kind"] == "OPT" {
        false => Contract::Perpetual,
        true => Contract::Option {
            expiry: TimeMs(now.0 + int(&instrument["T"]) * 1_000),
            strike: Price(int(&instrument["K"])),
            side: if instrument["cp"] == "C" { OptionSide::Call } else { OptionSide::Put },
        },
    };
    InstrumentName { underlying, contract }.to_string()
}

/// Two underlyings at the vectors' spots, nobody margined.
fn venue_of(spots: &Value) -> (Venue, BTreeMap<String, UnderlyingId>) {
    let mut venue = Venue::new(free(MarginRegime::Off));
    let mut ids = BTreeMap::new();
    for (ticker, dollars) in [("BTC", 100_000), ("ETH", 4_000)] {
        let spot = Price(int(&spots[ticker]));
        assert_eq!(spot, price(dollars));
        let params = UnderlyingParams { ticker: Ticker::new(ticker).unwrap(), ..bitcoin() };
        ids.insert(ticker.to_owned(), venue.add_underlying_with(params, spot));
    }
    (venue, ids)
}

/// Builds a case and compares; whether it was in reach.
fn check(case: &Value, spots: &Value, instruments: &Value) -> bool {
    let name = &case["name"];
    let legs = legs(case, instruments);
    let Some((now, vols)) = scene(&legs) else { return false };
    let (mut venue, ids) = venue_of(spots);
    let (account, other) = (venue.deposit(1, usd(50_000_000)), rich(&mut venue, 2));
    for (lots, entry, instrument) in &legs {
        let what = venue.list(&name_of(instrument, now));
        let (buyer, seller) = if *lots > 0 { (account, other) } else { (other, account) };
        trade(&mut venue, buyer, seller, what, lots.abs(), Price(entry.unwrap_or(1_000_000_000)));
        if instrument["kind"] == "OPT" {
            let underlying = instrument["u"].as_str().unwrap();
            let expiry = now.0 + int(&instrument["T"]) * 1_000;
            let spot = int(&spots[underlying]);
            let basis_ppb = (int(&instrument["F"]) - spot) * 1_000_000_000 / spot;
            let atm = Vol(vols[&(underlying.to_owned(), expiry)]);
            let smile = SmileParams { atm, rho: Ppm(0), phi: Ppm(0) };
            let quoted = venue.quoted.get_mut(&ids[underlying]).unwrap();
            quoted.expiries.insert(expiry, (basis_ppb, Some(smile)));
        }
    }
    venue.tick_at(now);
    let wanted = Usd(int(&case["account"]["cash"]));
    let surplus = cash(&venue, account).0 - wanted.0;
    // In the same millisecond, so that time to expiry is the vector's.
    venue.pace.0 = 0;
    venue.send_ok(account, Command::Withdraw { amount: Usd(surplus) });
    assert_eq!(cash(&venue, account), wanted, "{name}");
    for (_, _, instrument) in &legs {
        if instrument["kind"] == "OPT" {
            let what = venue.exchange.instrument_id(&name_of(instrument, now).parse().unwrap());
            let mark = venue.exchange.mark_seen(what.unwrap()).unwrap();
            assert_eq!(mark.0, int(&instrument["mark"]), "{name}");
        }
    }
    let margin = venue.exchange.margin_of(account).unwrap();
    assert_eq!(margin.initial, int(&case["expect"]["im"]), "{name}");
    assert_eq!(margin.maintenance, int(&case["expect"]["mm"]), "{name}");
    let events = set(&mut venue, free(MarginRegime::Enforced));
    let hunted = events.iter().any(
        |event| matches!(event, Event::LiquidationStarted { account: who, .. } if *who == account),
    );
    assert_eq!(hunted, margin.is_below_maintenance(), "{name}");
    audit(&venue);
    true
}

#[test]
fn standard_margin_vectors_through_the_engine() {
    let (standard, portfolio) = (parse(STANDARD), parse(PORTFOLIO));
    let cases = standard["cases"].as_array().unwrap();
    let reached = cases
        .iter()
        .filter(|case| check(case, &standard["spot"], &portfolio["instruments"]))
        .count();
    assert_eq!((reached, cases.len()), (19, 23));
}
