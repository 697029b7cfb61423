//! Every published vector of standard margin, funding, settlement and liquidation fees, exactly.

use lockstep_exchange::formula::OptionSide;
use lockstep_exchange::formula::fee::liquidation_fee;
use lockstep_exchange::formula::funding::*;
use lockstep_exchange::formula::settlement::*;
use lockstep_exchange::formula::standard_margin::*;
use lockstep_types::params::StandardMarginParams;
use serde_json::Value;
use std::collections::BTreeMap;

const STANDARD: &str = include_str!("../vectors/standard_margin.json");
const PORTFOLIO: &str = include_str!("../vectors/portfolio_margin.json");
const FUNDING: &str = include_str!("../vectors/funding_settlement.json");
const LIQUIDATION: &str = include_str!("../vectors/liquidation_adl.json");

/// The liquidation vector of this name.
pub(crate) fn liquidation_vector(name: &str) -> Value {
    let vectors = parse(LIQUIDATION);
    let found = list(&vectors).iter().find(|case| case["name"] == name);
    found.unwrap_or_else(|| panic!("no vector {name}")).clone()
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

pub(crate) fn int(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("not an integer: {value}"))
}

pub(crate) fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

fn side(value: &Value) -> OptionSide {
    if value == "C" { OptionSide::Call } else { OptionSide::Put }
}

fn expiry_json(key: &(String, i64), parts: &ExpiryRequirement) -> Value {
    serde_json::json!({
        "u": key.0, "T": key.1,
        "iso_im": parts.isolated.initial, "iso_mm": parts.isolated.maintenance,
        "maxloss": parts.loss_max, "net_calls": parts.net_calls_lots,
        "im": parts.requirement.initial, "mm": parts.requirement.maintenance,
        "option_value": parts.option_value,
    })
}

/// One case: margins the account and compares totals and every expiry's parts.
fn check_standard_case(case: &Value, spots: &Value, instruments: &[Value], sorted: bool) {
    let mut linear = Vec::new();
    let mut groups: BTreeMap<(String, i64), (i64, Vec<OptionLeg>)> = BTreeMap::new();
    for (id, lots) in case["account"]["pos"].as_object().unwrap() {
        let instrument = instruments.iter().find(|i| i["id"] == id.as_str()).unwrap();
        let underlying = instrument["u"].as_str().unwrap().to_owned();
        if instrument["kind"] != "OPT" {
            linear.push(LinearLeg { spot: int(&spots[&underlying]), lots: int(lots) });
            continue;
        }
        let key = (underlying, int(&instrument["T"]));
        let group = groups.entry(key).or_insert((int(&instrument["F"]), Vec::new()));
        group.1.push(OptionLeg {
            side: side(&instrument["cp"]),
            strike: int(&instrument["K"]),
            lots: int(lots),
            mark: int(&instrument["mark"]),
        });
    }
    for (_, legs) in groups.values_mut() {
        legs.sort_by_key(|leg| if sorted { leg.strike } else { -leg.strike });
    }
    let expiries = groups.iter().map(|((underlying, _), (forward, legs))| ExpiryLegs {
        spot: int(&spots[underlying]),
        forward: *forward,
        legs,
    });
    let mut keys = groups.keys();
    let mut detail = Vec::new();
    let account =
        account_requirement(&StandardMarginParams::default(), linear, expiries, |_, parts| {
            detail.push(expiry_json(keys.next().unwrap(), parts))
        })
        .unwrap();
    let (name, expect) = (&case["name"], &case["expect"]);
    assert_eq!(account.requirement.initial, int(&expect["im"]), "{name}");
    assert_eq!(account.requirement.maintenance, int(&expect["mm"]), "{name}");
    assert_eq!(&Value::from(detail), &expect["detail"], "{name}");
}

#[test]
fn all_23_standard_margin_vectors() {
    let (standard, portfolio) = (parse(STANDARD), parse(PORTFOLIO));
    let cases = list(&standard["cases"]);
    assert_eq!(cases.len(), 23);
    for case in cases {
        for sorted in [true, false] {
            check_standard_case(case, &standard["spot"], list(&portfolio["instruments"]), sorted);
        }
    }
}

#[test]
fn genesis_parameters_are_those_of_the_standard_margin_vectors() {
    let params = StandardMarginParams::default();
    let ours = serde_json::json!({
        "perp_mm_ppm": params.linear_maintenance.0, "perp_im_ppm": params.linear_initial.0,
        "max_ppm": params.option_max.0, "min_ppm": params.option_min.0,
        "mm_ppm": params.option_maintenance.0, "mmoff_ppm": params.put_initial_factor.0,
        "unp_im": params.unpaired_initial.0, "unp_mm": params.unpaired_maintenance.0,
    });
    assert_eq!(ours, parse(STANDARD)["params"]);
}

/// One funding vector, once by the hourly formula and once paid continuously in uneven blocks.
fn check_funding_case(case: &Value) {
    let (params, name) = (FundingParams::REFERENCE, &case["name"]);
    let mut average = PremiumAverage::default();
    for sample in list(&case["samples_dt_ms_premium_ppb"]) {
        average.add(int(&sample[1]), int(&sample[0])).unwrap();
    }
    let premium = average.mean_ppb().unwrap().unwrap();
    assert_eq!(premium, int(&case["avg_premium_ppb"]), "{name}");
    let rate_8h = rate_8h_ppb(&params, premium).unwrap();
    assert_eq!(rate_8h, int(&case["rate8h_ppb"]), "{name}");
    let rate_1h = rate_1h_ppb(&params, rate_8h).unwrap();
    assert_eq!(rate_1h, int(&case["rate1h_ppb"]), "{name}");
    let (price, expected) = (int(&case["index"]), int(&case["index_delta_per_base"]));
    assert_eq!(index_delta_1h(price, rate_1h), Ok(expected), "{name}");
    let mut index = FundingIndex::default();
    let mut left_ms = 3_600_000;
    for block in 0.. {
        let elapsed_ms = (200 + block * 37 % 1_000).min(left_ms);
        index.advance(price, rate_1h, elapsed_ms).unwrap();
        left_ms -= elapsed_ms;
        if left_ms == 0 {
            break;
        }
    }
    assert_eq!(index.cumulative, expected, "{name}");
    let mut dust = 0;
    for (account, lots) in case["lots"].as_object().unwrap() {
        let paid = payment_since(int(lots), index.cumulative, 0).unwrap();
        assert_eq!(paid, int(&case["payments"][account]), "{name} {account}");
        dust -= paid;
    }
    assert_eq!(dust, int(&case["dust_to_insurance"]), "{name}");
}

#[test]
fn all_8_funding_vectors() {
    let vectors = parse(FUNDING);
    let cases = list(&vectors["funding"]);
    assert_eq!(cases.len(), 8);
    cases[..7].iter().for_each(check_funding_case);
    let index = int(&cases[7]["index"]);
    let samples = list(&cases[7]["cases"]);
    assert_eq!(samples.len(), 4);
    for sample in samples {
        let (bid, ask) = (int(&sample["impact_bid"]), int(&sample["impact_ask"]));
        let premium = premium_ppb(Some(bid), Some(ask), index);
        assert_eq!(premium, Ok(int(&sample["premium_ppb"])));
    }
}

#[test]
fn all_7_settlement_vectors() {
    let vectors = parse(FUNDING);
    let cases = list(&vectors["settlement"]);
    assert_eq!(cases.len(), 7);
    for case in cases {
        let name = &case["name"];
        let mut settling = Settling::new(int(&case["t_end_ms"]), int(&case["window_ms"])).unwrap();
        for sample in list(&case["samples"]) {
            settling.add(Sample { time_ms: int(&sample[0]), price: int(&sample[1]) }).unwrap();
        }
        let price = settling.price().unwrap().unwrap();
        assert_eq!(price, int(&case["settlement_price"]), "{name}");
        let split = settling.split(settling.end_ms).unwrap();
        assert_eq!((split.fixed_ms, split.variable_ms), (int(&case["covered_ms"]), 0), "{name}");
        let mut dust = 0;
        for (holder, position) in case["positions"].as_object().unwrap() {
            let (strike, lots) = (int(&position[0]), int(&position[2]));
            let cash = option_cash(side(&position[1]), strike, lots, price).unwrap();
            assert_eq!(cash, int(&case["cash"][holder]), "{name} {holder}");
            dust -= cash;
        }
        assert_eq!(dust, int(&case["dust_to_insurance"]), "{name}");
    }
}

#[test]
fn liquidation_fees_of_the_partial_close_vectors() {
    let vectors = parse(LIQUIDATION);
    let closes: Vec<_> =
        list(&vectors).iter().filter(|case| !case["close_lots"].is_null()).collect();
    assert_eq!(closes.len(), 3);
    for case in closes {
        let (fill, rate) = (int(&case["in_"]["fill"]), int(&case["in_"]["fee_ppm"]));
        let fee = liquidation_fee(fill, int(&case["close_lots"]), rate);
        assert_eq!(fee, Ok(int(&case["post"]["fee_to_insurance"])), "{}", case["name"]);
    }
}
