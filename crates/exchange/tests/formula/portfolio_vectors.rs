//! Every published vector of portfolio margin and latency, exactly: with the arrays that the
//! vectors give, and end to end with arrays and marks from the option formula.

use lockstep_exchange::formula::backstop::BackstopParams;
use lockstep_exchange::formula::fee::linear_fee;
use lockstep_exchange::formula::latency::*;
use lockstep_exchange::formula::portfolio::*;
use lockstep_exchange::formula::portfolio_margin::*;
use lockstep_exchange::formula::risk_array::*;
use lockstep_exchange::formula::rounding::mul_div_floor;
use lockstep_exchange::formula::scenario_vector::order_edge;
use lockstep_exchange::formula::{LOTS_PER_UNIT, OptionSide};
use lockstep_exchange::option::Black76;
use lockstep_types::instrument::Ticker;
use lockstep_types::params::{UnderlyingParams, VenueParams};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const PORTFOLIO: &str = include_str!("../vectors/portfolio_margin.json");
const RANDOM: &str = include_str!("../vectors/portfolio_margin_random.json");
const LATENCY: &str = include_str!("../vectors/latency.json");

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn int(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("not an integer: {value}"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

/// All parameters of a vector.
struct Params {
    vols: VolMoveParams,
    moves: MoveParams,
    margin: PortfolioMarginParams,
    fee_ppm: i64,
}

fn params_of(given: &Value) -> Params {
    let at = |name: &str| int(&given[name]);
    Params {
        vols: VolMoveParams {
            up_ppm: at("vol_up_ppm"),
            down_ppm: at("vol_dn_ppm"),
            up_e9_min: at("min_vol_up_e9"),
        },
        moves: move_params_of(given),
        margin: PortfolioMarginParams {
            scan_initial_permille: at("im_f"),
            scan_maintenance_permille: at("mm_f"),
            basis_ppm: at("basis_ppm"),
            vega_ppm: at("vega_ppm"),
            short_initial_ppm: at("short_im_ppm"),
            short_maintenance_ppm: at("short_mm_ppm"),
            linear_initial_ppm: at("lin_im_ppm"),
            linear_maintenance_ppm: at("lin_mm_ppm"),
            concentration_free: at("conc_T"),
            concentration_scale: at("conc_D"),
            confidence_ppm_min: at("conf_thr_ppm"),
            confidence_factor_ppm: at("conf_factor_ppm"),
        },
        fee_ppm: at("fee_ppm"),
    }
}

fn move_params_of(given: &Value) -> MoveParams {
    MoveParams {
        jump_ppm: int(&given["lat_J_ppm"]),
        rate_ppm: int(&given["lat_k_ppm"]),
        reference_us: int(&given["tau_ref_us"]),
        cap_ppm: int(&given["lat_cap_ppm"]),
    }
}

/// An instrument of the vectors with its mark and array.
struct Listed {
    underlying: String,
    expiry: i64,
    contract: Contract,
    mark: i64,
    array: RiskArray,
}

fn option_of(instrument: &Value) -> (Black76, OptionSide) {
    let option = Black76 {
        forward: int(&instrument["F"]),
        strike: int(&instrument["K"]),
        vol_e9: int(&instrument["vol"]),
        seconds: int(&instrument["T"]),
    };
    (option, if instrument["cp"] == "C" { OptionSide::Call } else { OptionSide::Put })
}

/// Mark and array from the formulas.
fn computed(vols: &VolMoveParams, instrument: &Value) -> (i64, RiskArray) {
    if instrument["kind"] != "OPT" {
        let price = int(&instrument["F"]);
        return (price, linear_array(price).unwrap());
    }
    let (option, side) = option_of(instrument);
    let (prices, arrays) = (option.prices().unwrap(), option_arrays(vols, &option).unwrap());
    let array = option_array(vols, &option, side).unwrap();
    match side {
        OptionSide::Call => {
            assert_eq!(array, arrays.call);
            (prices.call, array)
        }
        OptionSide::Put => {
            assert_eq!(array, arrays.put);
            (prices.put, array)
        }
    }
}

/// Mark and array as the vectors have them.
fn given(instrument: &Value) -> (i64, RiskArray) {
    let entries = list(&instrument["risk_array"]);
    let entries: Vec<_> = entries.iter().map(|entry| i32::try_from(int(entry)).unwrap()).collect();
    (int(&instrument["mark"]), entries.try_into().unwrap())
}

fn listed(
    instruments: &Value,
    price: impl Fn(&Value) -> (i64, RiskArray),
) -> BTreeMap<String, Listed> {
    let list = list(instruments).iter().map(|instrument| {
        let (mark, array) = price(instrument);
        let contract = match text(&instrument["kind"]) {
            "OPT" => Contract::Option { strike: int(&instrument["K"]) },
            _ => Contract::Linear,
        };
        let listed = Listed {
            underlying: text(&instrument["u"]).to_owned(),
            expiry: int(&instrument["T"]),
            contract,
            mark,
            array,
        };
        (text(&instrument["id"]).to_owned(), listed)
    });
    list.collect()
}

/// Each component under the reference's name.
fn component_json(parts: &Breakdown, moves: &ExtraMoves) -> Value {
    json!({
        "P": parts.profit.to_vec(), "Pim": parts.profit_open.to_vec(),
        "worst": parts.worst, "scan": parts.scan.maintenance,
        "scan_mm": parts.scan_charge.maintenance, "scan_im": parts.scan_charge.initial,
        "A_mm_ppm": moves.maintenance_ppm, "A_im_ppm": moves.initial_ppm,
        "lat_mm": parts.latency.maintenance, "lat_im": parts.latency.initial,
        "basis": parts.basis, "vega": parts.vega,
        "short_mm": parts.short.maintenance, "short_im": parts.short.initial,
        "lin_mm": parts.linear.maintenance, "lin_im": parts.linear.initial,
        "conc": parts.concentration, "conf": parts.confidence,
        "mm": parts.requirement.maintenance, "im": parts.requirement.initial,
    })
}

fn legs_of<'a>(
    account: &Value,
    listed: &'a BTreeMap<String, Listed>,
    underlying: &str,
) -> Vec<Leg<'a>> {
    let mut legs: Vec<_> = account["pos"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(id, lots)| (&listed[id], int(lots)))
        .filter(|(instrument, _)| instrument.underlying == underlying)
        .map(|(instrument, lots)| Leg {
            expiry: instrument.expiry,
            contract: instrument.contract,
            lots,
            array: &instrument.array,
        })
        .collect();
    legs.sort_by_key(|leg| (leg.expiry, leg.contract));
    legs
}

fn orders_of<'a>(
    account: &Value,
    listed: &'a BTreeMap<String, Listed>,
    underlying: &str,
    fee_ppm: i64,
) -> Vec<Order<'a>> {
    let orders = list(&account["orders"]).iter().filter_map(|order| {
        let instrument = &listed[text(&order[0])];
        let (size, limit) = (int(&order[2]), int(&order[3]));
        let lots = if order[1] == "B" { size } else { -size };
        let fee = linear_fee(limit, size, fee_ppm).unwrap();
        (instrument.underlying == underlying).then(|| Order {
            contract: instrument.contract,
            lots,
            edge: order_edge(lots, instrument.mark, limit, fee).unwrap(),
            array: &instrument.array,
        })
    });
    orders.collect()
}

fn equity_of(account: &Value, listed: &BTreeMap<String, Listed>) -> i64 {
    let mut equity = int(&account["cash"]);
    for (id, lots) in account["pos"].as_object().unwrap() {
        let (instrument, entry) = (&listed[id], &account["entry"][id]);
        let paid = match instrument.contract {
            Contract::Option { .. } => 0,
            Contract::Linear => entry.as_i64().unwrap_or(instrument.mark),
        };
        equity += mul_div_floor(int(lots), instrument.mark - paid, LOTS_PER_UNIT).unwrap();
    }
    equity
}

/// One case: every component of every underlying, and the account's totals.
fn check_case(case: &Value, spots: &Value, params: &Params, listed: &BTreeMap<String, Listed>) {
    let (name, account) = (&case["name"], &case["account"]);
    let slow_us = int(&case["latency"]["tau_struct_us"]);
    let now_us = int(&case["latency"]["tau_now_us"]);
    let moves = extra_moves(&params.moves, slow_us, now_us).unwrap();
    let ordered = list(&account["orders"]).iter().map(|order| text(&order[0]));
    let held = account["pos"].as_object().unwrap().keys().map(String::as_str);
    let underlyings: BTreeSet<_> =
        held.chain(ordered).map(|id| listed[id].underlying.as_str()).collect();
    let mut found = serde_json::Map::new();
    let (mut initial, mut maintenance) = (0, 0);
    for underlying in underlyings {
        let market = Market {
            spot: int(&spots[underlying]),
            confidence_ppm: int(&case["oracle_conf_ppm"]),
            moves,
        };
        let legs = legs_of(account, listed, underlying);
        let orders = orders_of(account, listed, underlying, params.fee_ppm);
        let parts = underlying_requirement(&params.margin, &market, &legs, &orders).unwrap();
        assert_eq!(parts.profit_open[parts.worst_open], *parts.profit_open.iter().min().unwrap());
        assert_eq!(parts.scan.initial, (-parts.profit_open[parts.worst_open]).max(0), "{name}");
        initial += parts.requirement.initial;
        maintenance += parts.requirement.maintenance;
        found.insert(underlying.to_owned(), component_json(&parts, &moves));
    }
    let equity = equity_of(account, listed);
    let found = json!({
        "u": found, "equity": equity, "MM": maintenance, "IM": initial,
        "mm_excess": equity - maintenance, "im_excess": equity - initial,
    });
    assert_eq!(found, case["expect"], "{name}");
}

#[test]
fn all_32_portfolio_margin_vectors_from_the_given_arrays() {
    let vectors = parse(PORTFOLIO);
    let (params, listed) = (params_of(&vectors["params"]), listed(&vectors["instruments"], given));
    let cases = list(&vectors["cases"]);
    assert_eq!(cases.len(), 32);
    cases.iter().for_each(|case| check_case(case, &vectors["spot"], &params, &listed));
}

#[test]
fn all_32_portfolio_margin_vectors_end_to_end() {
    let vectors = parse(PORTFOLIO);
    let params = params_of(&vectors["params"]);
    let listed = listed(&vectors["instruments"], |one| computed(&params.vols, one));
    let cases = list(&vectors["cases"]);
    assert_eq!(cases.len(), 32);
    cases.iter().for_each(|case| check_case(case, &vectors["spot"], &params, &listed));
}

#[test]
fn all_42_marks_and_arrays_of_the_vectors() {
    let vectors = parse(PORTFOLIO);
    let instruments = list(&vectors["instruments"]);
    assert_eq!(instruments.len(), 42);
    let params = params_of(&vectors["params"]);
    for instrument in instruments {
        assert_eq!(computed(&params.vols, instrument), given(instrument), "{}", instrument["id"]);
    }
}

#[test]
fn random_markets_parameters_and_portfolios_of_the_reference() {
    let worlds = parse(RANDOM);
    let worlds = list(&worlds);
    assert_eq!(worlds.len(), 12);
    for world in worlds {
        let params = params_of(&world["params"]);
        for instrument in list(&world["instruments"]) {
            let id = &instrument["id"];
            assert_eq!(computed(&params.vols, instrument), given(instrument), "{id}");
        }
        let listed = listed(&world["instruments"], given);
        for case in list(&world["cases"]) {
            check_case(case, &world["spot"], &params, &listed);
        }
    }
}

#[test]
fn scenarios_and_reference_parameters_are_those_of_the_vectors() {
    let vectors = parse(PORTFOLIO);
    let scenarios: Vec<_> = SCENARIO_TABLE
        .iter()
        .map(|scenario| {
            let vol = match scenario.vol {
                VolMove::Up => "U",
                VolMove::Flat => "F",
                VolMove::Down => "D",
            };
            json!([scenario.spot_permille, vol, scenario.weight_permille])
        })
        .collect();
    assert_eq!(Value::from(scenarios), vectors["scenarios"]);
    let (days, ppm): (Vec<_>, Vec<_>) = VOL_MULTIPLIERS.into_iter().unzip();
    assert_eq!(json!({ "days": days, "ppm": ppm }), vectors["vol_mult_table"]);
    let params = params_of(&vectors["params"]);
    assert_eq!(params.vols, VolMoveParams::REFERENCE);
    assert_eq!(params.moves, MoveParams::REFERENCE);
    assert_eq!(params.margin, PortfolioMarginParams::REFERENCE);
}

#[test]
fn a_venue_begins_with_the_references_parameters() {
    let venue = VenueParams::default();
    let own = UnderlyingParams::genesis(Ticker::new("BTC").unwrap(), 100_000);
    let (given, reference) = (venue.portfolio_margin, PortfolioMarginParams::REFERENCE);
    let margin = PortfolioMarginParams {
        scan_initial_permille: given.scan_initial.0 / 1_000,
        scan_maintenance_permille: given.scan_maintenance.0 / 1_000,
        basis_ppm: given.basis.0,
        vega_ppm: given.vega.0,
        short_initial_ppm: given.short_initial.0,
        short_maintenance_ppm: given.short_maintenance.0,
        linear_initial_ppm: given.linear_initial.0,
        linear_maintenance_ppm: given.linear_maintenance.0,
        concentration_free: own.concentration_free.0,
        concentration_scale: own.concentration_scale.0,
        confidence_ppm_min: given.confidence_min.0,
        confidence_factor_ppm: given.confidence_factor.0,
    };
    assert_eq!(margin, reference);
    let vols = VolMoveParams {
        up_ppm: given.volatility_up.0,
        down_ppm: given.volatility_down.0,
        up_e9_min: given.volatility_up_min.0,
    };
    assert_eq!(vols, VolMoveParams::REFERENCE);
    let latency = venue.latency;
    let moves = MoveParams {
        jump_ppm: own.jump.0,
        rate_ppm: own.jump_rate.0,
        reference_us: latency.reference.0 * US_PER_MS,
        cap_ppm: latency.cap.0,
    };
    assert_eq!(moves, MoveParams::REFERENCE);
    let (finality_ms_min, actions) = (latency.finality_min.0, i64::from(latency.actions));
    assert_eq!(DelayParams { finality_ms_min, actions }, DelayParams::REFERENCE);
    let backstop = venue.backstop;
    let auction = BackstopParams {
        start_ppm: backstop.start.0,
        cut_ppm: backstop.cut.0,
        fast_ms: backstop.fast.0,
        slow_ms: backstop.slow.0,
        buffer_ppm: backstop.buffer.0,
        insolvent_ms: backstop.insolvent.0,
        ..BackstopParams::REFERENCE
    };
    assert_eq!(auction, BackstopParams::REFERENCE);
}

#[test]
fn all_11_moves_of_the_latency_vectors() {
    let vectors = parse(LATENCY);
    let params = move_params_of(&vectors["params"]);
    let rows = list(&vectors["table_tau_m_A"]);
    assert_eq!(rows.len(), 11);
    for row in rows {
        let latency_us = int(&row[0]);
        assert_eq!(move_ppm(&params, latency_us), Ok(int(&row[1])), "{latency_us}");
        assert_eq!(extra_move_ppm(&params, latency_us), Ok(int(&row[2])), "{latency_us}");
    }
}

#[test]
fn all_3_measured_latencies_of_the_vectors() {
    let vectors = parse(LATENCY);
    let cases = list(&vectors["tau_cases"]);
    assert_eq!(cases.len(), 3);
    for case in cases {
        let (times, now_ms) = (list(&case["block_ts_ms"]), int(&case["now_ms"]));
        let mut gaps_ms: Vec<_> =
            times.windows(2).map(|pair| int(&pair[1]) - int(&pair[0])).collect();
        let since_last_ms = now_ms - int(times.last().unwrap());
        let finality = finality_ms(&DelayParams::REFERENCE, &mut gaps_ms, since_last_ms).unwrap();
        let mut observations: Vec<_> = list(&case["oracle_pub"])
            .iter()
            .map(|one| Observation {
                published_ms: int(&one[0]),
                weight: u64::try_from(int(&one[1])).unwrap(),
            })
            .collect();
        let weight = observations.iter().map(|one| one.weight).sum();
        let age = oracle_age_ms(&mut observations, weight, now_ms).unwrap().unwrap();
        let reaction = reaction_us(&DelayParams::REFERENCE, age, finality, 0).unwrap();
        let found = json!({ "finality_ms": finality, "oracle_age_ms": age, "tau_us": reaction });
        assert_eq!(found, case["expect"]);
    }
}
