//! Planning: the published vectors, and choices that are easy to see.

use super::*;
use crate::formula::order_margin::OpenSide;
use crate::margin::view::Rates;
use lockstep_types::command::MarginMode;
use lockstep_types::ids::UnderlyingId;
use lockstep_types::instrument::{Contract, OptionSide};
use lockstep_types::params::StandardMarginParams;
use lockstep_types::units::{Price, TimeMs};
use serde_json::Value;
use std::vec;
use std::vec::Vec;

const VECTORS: &str = include_str!("../../../tests/vectors/liquidation_adl.json");
const TARGET_PPM: i64 = 1_100_000;
const SPREAD_PPM: i64 = 1_500_000;

fn int(value: &Value) -> i64 {
    value.as_i64().unwrap()
}

fn vector(name: &str) -> Value {
    let all: Value = serde_json::from_str(VECTORS).unwrap();
    let found = all.as_array().unwrap().iter().find(|vector| vector["name"] == name);
    found.unwrap().clone()
}

fn leg(id: u32, contract: Contract, lots: i64, entry: i64, mark: i64, spot: i64) -> Leg {
    Leg {
        instrument: InstrumentId(id),
        underlying: UnderlyingId(0),
        contract,
        expired: false,
        stale: false,
        lots,
        cost_nano: i128::from(lots) * i128::from(entry),
        funding_due_nano: 0,
        factor_ppm: 1_000_000,
        mark,
        mark_max: mark,
        spot,
        forward: spot,
        buys: OpenSide::default(),
        sells: OpenSide::default(),
    }
}

fn view(cash: i64, legs: Vec<Leg>, liquidation_ppm: i64) -> View {
    View {
        mode: MarginMode::Standard,
        cash,
        rates: Rates { liquidation_ppm, cap_ppm: 125_000, ..Rates::default() },
        params: StandardMarginParams::default(),
        legs,
        scenarios: None,
    }
}

/// The account of a vector: one perpetual, marked at its index.
fn account_of(input: &Value) -> View {
    let (entry, mark) = (int(&input["entry"]), int(&input["mark"]));
    let leg = leg(0, Contract::Perpetual, int(&input["lots"]), entry, mark, mark);
    view(int(&input["cash"]), vec![leg], input["fee_ppm"].as_i64().unwrap_or(0))
}

fn call(strike: i64) -> Contract {
    let (expiry, strike) = (TimeMs(1_772_438_400_000), Price(strike * 1_000_000));
    Contract::Option { expiry, strike, side: OptionSide::Call }
}

#[test]
fn l1_to_l3_close_the_fewest_lots_that_reach_the_target() {
    for name in ["L1_partial_at_mark", "L2_partial_with_40bps_slippage", "L3_partial_short_30bps"] {
        let vector = vector(name);
        let view = account_of(&vector["in_"]);
        let margin = view.assess();
        assert_eq!(margin.balance, int(&vector["pre"]["E"]), "{name}");
        assert_eq!(margin.maintenance, int(&vector["pre"]["MM"]), "{name}");
        assert!(margin.is_below_maintenance(), "{name}");
        let closing = Closing::new(&view, 0, TARGET_PPM);
        let price = int(&vector["in_"]["fill"]);
        let offers = [Offer { tick: 1, price, lots: 1_000_000 }];
        let most = closing.closable();
        assert_eq!(most, view.legs[0].lots.abs(), "{name}");
        let lots = closing.fewest(&offers, most);
        assert_eq!(lots, int(&vector["close_lots"]), "{name}");
        let after = closing.after(&view, lots, price);
        let margin = after.assess();
        assert_eq!(after.cash, int(&vector["post"]["cash"]), "{name}");
        assert_eq!(after.legs[0].lots, int(&vector["post"]["lots"]), "{name}");
        assert_eq!(margin.balance, int(&vector["post"]["E"]), "{name}");
        assert_eq!(margin.maintenance, int(&vector["post"]["MM"]), "{name}");
        // The fee is what neither profit nor cash explains: E before less E after less slippage.
        let slippage = (price - view.legs[0].mark).abs() * lots / 1_000;
        let fee = int(&vector["pre"]["E"]) - margin.balance - slippage;
        assert_eq!(fee, int(&vector["post"]["fee_to_insurance"]), "{name}");
    }
}

#[test]
fn l4_fillable_and_bankruptcy_price() {
    let vector = vector("L4_fillable_and_bankruptcy_price");
    assert_eq!(int(&vector["in_"]["BA_ppm"]), BANKRUPTCY_ADJUSTMENT_PPM);
    assert_eq!(int(&vector["in_"]["SMMR_ppm"]), SPREAD_PPM);
    let view = account_of(&vector["in_"]);
    let margin = view.assess();
    assert_eq!((margin.balance, margin.maintenance), (int(&vector["E"]), int(&vector["MM"])));
    let limit = limit(&view, &view.legs[0], &margin, SPREAD_PPM, 0);
    assert_eq!(limit.ruin_ppm, int(&vector["abr_ppm"]));
    assert_eq!(limit.spread, int(&vector["spread_total"]));
    assert_eq!(limit.price, int(&vector["limit_price"]));
    assert_eq!(limit.bankruptcy, int(&vector["bankruptcy_price"]));
}

#[test]
fn with_equity_left_no_order_goes_beyond_ruin_and_without_it_the_spread_is_the_limit() {
    let perpetual = |cash: i64, lots: i64| {
        let mark = 97_000_000_000;
        view(cash, vec![leg(0, Contract::Perpetual, lots, mark, mark, mark)], 5_000)
    };
    for lots in [1_000_i64, -1_000] {
        let away = |price: i64| (price - 97_000_000_000).abs() * lots.signum();
        let poor = perpetual(500_000_000, lots);
        let near = limit(&poor, &poor.legs[0], &poor.assess(), SPREAD_PPM, i64::MAX);
        assert_eq!(near.price, near.bankruptcy);
        assert_eq!(away(near.price), 500_000_000 * lots.signum());
        let ruined = perpetual(-1, lots);
        let far = limit(&ruined, &ruined.legs[0], &ruined.assess(), SPREAD_PPM, i64::MAX);
        assert_eq!(far.ruin_ppm, PPM);
        assert_eq!(away(far.price), 7_275_000_000 * lots.signum());
    }
}

#[test]
fn a_long_option_is_sold_down_to_nothing_only_when_nothing_is_left() {
    let option = leg(0, call(100_000), 2_000, 0, 6_000_000_000, 100_000_000_000);
    let broke = view(-20_000_000_000, vec![option], 5_000);
    let limit = limit(&broke, &option, &broke.assess(), SPREAD_PPM, i64::MAX);
    assert_eq!((limit.ruin_ppm, limit.price), (PPM, 0));
}

#[test]
fn levels_are_taken_in_order_and_only_as_far_as_needed() {
    let vector = vector("L1_partial_at_mark");
    let view = account_of(&vector["in_"]);
    let closing = Closing::new(&view, 0, TARGET_PPM);
    let mark = view.legs[0].mark;
    let offer = |price: i64, lots: i64| Offer { tick: 1, price, lots };
    // 110 lots at mark do it; 60 of them there leave less than 60 further below.
    let split = [offer(mark, 60), offer(mark * 996 / 1_000, 500)];
    let lots = closing.fewest(&split, 560);
    assert!((110..=119).contains(&lots), "{lots}");
    let enough = |lots: i64| {
        let first = closing.after(&view, 60, mark);
        let after = closing.after(&first, lots - 60, split[1].price).assess();
        shortfall(&after, TARGET_PPM) <= 0
    };
    assert!(enough(lots) && !enough(lots - 1), "the fewest");
    assert_eq!(closing.fewest(&split, 70), 70, "no more than allowed");
    assert_eq!(closing.fewest(&[], 70), 0, "nothing rests, nothing is closed");
}

#[test]
fn a_long_that_pairs_a_short_is_closed_only_as_far_as_it_pairs_nothing() {
    let spot = 100_000_000_000;
    let short = leg(0, call(110_000), -600, 0, 2_400_000_000, spot);
    let long = leg(1, call(100_000), 1_000, 0, 6_000_000_000, spot);
    let mut view = view(0, vec![short, long], 5_000);
    view.sort();
    let place = view.place_of(InstrumentId(1)).unwrap();
    assert_eq!(Closing::new(&view, place, TARGET_PPM).closable(), 400);
    let place = view.place_of(InstrumentId(0)).unwrap();
    assert_eq!(Closing::new(&view, place, TARGET_PPM).closable(), 600);
}

#[test]
fn the_leg_with_most_relief_per_cost_comes_first_and_ties_go_by_id() {
    let rate = |gain, cost| Rate { gain, cost };
    let mut legs = [
        (InstrumentId(4), rate(-5, 10)),
        (InstrumentId(3), rate(100, 10)),
        (InstrumentId(1), rate(100, 10)),
        (InstrumentId(2), rate(30, 1)),
    ];
    rank(&mut legs);
    assert_eq!(legs.map(|(id, _)| id.0), [2, 1, 3, 4]);
}

#[test]
fn a_share_of_the_depth_is_at_least_a_lot() {
    let offer = |lots: i64| Offer { tick: 1, price: 1, lots };
    assert_eq!(share_of_depth(&[offer(3), offer(5)], 250_000), 2);
    assert_eq!(share_of_depth(&[offer(1)], 250_000), 1);
    assert_eq!(share_of_depth(&[], 250_000), 0);
}
