//! The standard model over views: the published vectors, and its bound against brute force.

use super::*;
use crate::formula::OptionSide;
use crate::formula::order_margin::OpenSide;
use crate::margin::model::Outlook;
use crate::margin::view::{FeeKind, View};
use lockstep_types::command::MarginMode;
use lockstep_types::ids::{InstrumentId, UnderlyingId};
use lockstep_types::order::Side;
use lockstep_types::units::{Price, TimeMs};
use proptest::prelude::*;
use serde_json::Value;
use std::vec;

const STANDARD: &str = include_str!("../../../tests/vectors/standard_margin.json");
const PORTFOLIO: &str = include_str!("../../../tests/vectors/portfolio_margin.json");
const RATES: Rates =
    Rates { maker_ppm: 100, taker_ppm: 350, liquidation_ppm: 5_000, cap_ppm: 125_000 };

fn leg(id: u32, contract: Contract, lots: i64, mark: i64) -> Leg {
    Leg {
        instrument: InstrumentId(id),
        underlying: UnderlyingId(0),
        contract,
        expired: false,
        stale: false,
        lots,
        cost_nano: 0,
        funding_due_nano: 0,
        factor_ppm: 1_000_000,
        mark,
        mark_max: mark,
        spot: 100_000_000_000,
        forward: 100_400_000_000,
        buys: OpenSide::default(),
        sells: OpenSide::default(),
    }
}

fn option(strike: i64, side: OptionSide) -> Contract {
    let expiry = TimeMs(1_772_438_400_000);
    Contract::Option { expiry, strike: Price(strike * 1_000_000), side }
}

fn view(cash: i64, legs: Vec<Leg>) -> View {
    let params = StandardMarginParams::default();
    View { mode: MarginMode::Standard, cash, rates: RATES, params, legs, scenarios: None }
}

fn int(value: &Value) -> i64 {
    value.as_i64().unwrap()
}

/// A case of the vectors as a view with the marks that the vectors give.
fn view_of(case: &Value, spots: &Value, instruments: &Value) -> View {
    let account = &case["account"];
    let mut legs = Vec::new();
    for (number, instrument) in (0..).zip(instruments.as_array().unwrap()) {
        let Some(lots) = account["pos"].get(instrument["id"].as_str().unwrap()) else { continue };
        let contract = match instrument["kind"] == "OPT" {
            false => Contract::Perpetual,
            true => Contract::Option {
                expiry: TimeMs(int(&instrument["T"]) * 1_000),
                strike: Price(int(&instrument["K"])),
                side: if instrument["cp"] == "C" { OptionSide::Call } else { OptionSide::Put },
            },
        };
        let entry = account["entry"].get(instrument["id"].as_str().unwrap());
        let entry = entry.map_or(int(&instrument["mark"]), int);
        legs.push(Leg {
            underlying: UnderlyingId(u8::from(instrument["u"] == "ETH")),
            cost_nano: i128::from(int(lots)) * i128::from(entry),
            spot: int(&spots[instrument["u"].as_str().unwrap()]),
            forward: int(&instrument["F"]),
            ..leg(number, contract, int(lots), int(&instrument["mark"]))
        });
    }
    let mut view = view(int(&account["cash"]), legs);
    view.sort();
    view
}

#[test]
fn all_standard_margin_vectors_hold_for_whole_accounts() {
    let standard: Value = serde_json::from_str(STANDARD).unwrap();
    let portfolio: Value = serde_json::from_str(PORTFOLIO).unwrap();
    let cases = standard["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 23);
    for case in cases {
        let view = view_of(case, &standard["spot"], &portfolio["instruments"]);
        let margin = view.assess();
        assert_eq!(margin.initial, int(&case["expect"]["im"]), "{}", case["name"]);
        assert_eq!(margin.maintenance, int(&case["expect"]["mm"]), "{}", case["name"]);
        assert_eq!(margin.needed, margin.initial, "no orders, nothing more is needed");
        let details = case["expect"]["detail"].as_array().unwrap();
        let value: i64 = view
            .legs
            .iter()
            .filter(|leg| leg.contract.is_option())
            .map(|leg| (leg.lots * leg.mark).div_euclid(1_000))
            .sum();
        let published: i64 = details.iter().map(|detail| int(&detail["option_value"])).sum();
        assert_eq!(value, published, "{}", case["name"]);
        assert_eq!(margin.equity - margin.balance, value, "options count in equity alone");
        for place in 0..view.legs.len() {
            assert_eq!(Outlook::of(&view, place).assess(&view), margin, "an outlook adds up");
        }
    }
}

#[test]
fn profit_and_funding_are_rounded_against_the_account() {
    let mut perpetual = leg(0, Contract::Perpetual, 3, 100_000_000_001);
    // Profit of 0.003 and of -0.003 micro-USD.
    perpetual.cost_nano = 300_000_000_000;
    assert_eq!(view(0, vec![perpetual]).assess().balance, 0);
    perpetual.cost_nano = 300_000_000_006;
    assert_eq!(view(0, vec![perpetual]).assess().balance, -1);
    perpetual.cost_nano = 300_000_000_003;
    perpetual.funding_due_nano = 1;
    assert_eq!(view(0, vec![perpetual]).assess().balance, -1);
    perpetual.funding_due_nano = -999;
    assert_eq!(view(0, vec![perpetual]).assess().balance, 0);
}

#[test]
fn an_expired_leg_needs_nothing_and_counts_like_cash() {
    let mut call = leg(0, option(90_000, OptionSide::Call), -1_000, 10_000_000_000);
    assert!(view(0, vec![call]).assess().maintenance > 0);
    call.expired = true;
    let margin = view(15_000_000_000, vec![call]).assess();
    assert_eq!((margin.balance, margin.maintenance, margin.needed), (5_000_000_000, 0, 0));
}

#[test]
fn selling_the_long_that_pairs_a_short_needs_the_margin_of_the_short_alone() {
    let short = leg(0, option(100_000, OptionSide::Call), -1_000, 5_927_411_224);
    let mut long = leg(1, option(110_000, OptionSide::Call), 1_000, 2_387_914_795);
    let paired = view(0, vec![short, long]).assess();
    assert_eq!((paired.initial, paired.needed), (10_000_000_000, 10_000_000_000));
    long.sells = OpenSide { lots: 1_000, cost_nano: 2_000_000_000_000 };
    let selling = view(0, vec![short, long]).assess();
    let alone = view(0, vec![short]).assess();
    assert_eq!(selling.initial, paired.initial, "the position is still what it was");
    assert_eq!(alone.initial, 20_927_411_224);
    // 0.035 % of the index on one bitcoin is 35 USD, below an eighth of the premium.
    assert_eq!(selling.needed, alone.initial + 35_000_000);
}

#[test]
fn a_new_short_in_a_bounded_book_is_margined_as_if_it_had_filled() {
    let legs = vec![
        leg(0, option(80_000, OptionSide::Put), 1_000, 1_154_657_874),
        leg(1, option(90_000, OptionSide::Put), -1_000, 2_507_837_333),
        leg(2, option(95_000, OptionSide::Put), 0, 3_707_540_561),
    ];
    let before = view(0, legs.clone()).assess();
    assert_eq!(before.initial, 10_000_000_000);
    let mut selling = legs.clone();
    selling[2].sells = OpenSide { lots: 1_000, cost_nano: 3_700_000_000_000 };
    let mut sold = legs;
    sold[2].lots = -1_000;
    let (selling, sold) = (view(0, selling).assess(), view(0, sold).assess());
    // More than the new leg's own requirement: the old short is no longer bounded either.
    assert_eq!(selling.needed, sold.initial + 35_000_000);
    assert!(selling.needed > before.initial + 13_707_540_561);
}

#[test]
fn a_resting_buy_at_a_far_strike_changes_no_requirement() {
    let short = leg(0, option(100_000, OptionSide::Call), -1_000, 5_927_411_224);
    let covered = leg(1, option(105_000, OptionSide::Call), 1_000, 3_740_300_610);
    let more = leg(2, option(105_000, OptionSide::Call), -100, 3_740_300_610);
    let mut far = leg(3, option(200_000, OptionSide::Call), 0, 33_931_082);
    let before = view(0, vec![short, covered, more]).assess();
    far.buys = OpenSide { lots: 1_000, cost_nano: 1_000 * 30_000_000 };
    let with = view(0, vec![short, covered, more, far]).assess();
    assert_eq!((with.initial, with.maintenance), (before.initial, before.maintenance));
    // The premium and an eighth of it.
    assert_eq!(with.needed, before.needed + 30_000_000 + 3_750_000);
}

#[test]
fn what_does_not_fit_is_never_covered() {
    let huge = leg(0, Contract::Perpetual, i64::MAX / 2, 100_000_000_000);
    let margin = view(i64::MAX, vec![huge]).assess();
    assert_eq!(margin.maintenance, i64::MAX);
}

fn side_of(put: bool) -> OptionSide {
    if put { OptionSide::Put } else { OptionSide::Call }
}

prop_compose! {
    /// A leg at one of few strikes, with a position and at most one order on each side; the buy is
    /// below the sell, as in a book.
    fn random_leg(id: u32)(
        strike in 8_i64..13,
        put in any::<bool>(),
        linear in prop::bool::weighted(0.2),
        lots in -40_i64..40,
        premium in 1_i64..60,
        buys in 0_i64..30,
        sells in 0_i64..30,
        edges in (0_i64..40, 1_i64..40),
    ) -> Leg {
        let (contract, mark, unit) = match linear {
            true => (Contract::Perpetual, 100_000_000_000, 1_000_000_000),
            false => (option(strike * 10_000, side_of(put)), premium * 100_000_000, 100_000_000),
        };
        let mut leg = leg(id, contract, lots, mark);
        leg.cost_nano = i128::from(lots) * i128::from(mark);
        let bid = (mark - edges.0 * unit / 10).max(0);
        let ask = mark + edges.1 * unit / 10;
        // At mark or worse for linear ones: a better limit would offset a worse one.
        let (bid, ask) = if linear { (mark, mark) } else { (bid, ask) };
        leg.buys = OpenSide { lots: buys, cost_nano: i128::from(buys) * i128::from(bid) };
        leg.sells = OpenSide { lots: sells, cost_nano: i128::from(sells) * i128::from(ask) };
        leg
    }
}

fn random_view() -> impl Strategy<Value = View> {
    (random_leg(0), random_leg(1), random_leg(2), random_leg(3)).prop_map(|(a, b, c, d)| {
        let mut view = view(1_000_000_000_000, vec![a, b, c, d]);
        view.sort();
        view
    })
}

/// What one side's orders of a leg would do if a part of them filled; options sold bring nothing.
fn fill_side(view: &mut View, place: usize, side: Side, part: i64) {
    let mut open = *view.legs[place].open_mut(side);
    if open.lots < part {
        return;
    }
    let price = i64::try_from(open.cost_nano / i128::from(open.lots)).unwrap();
    open.lots /= part;
    let signed = side.signed(lockstep_types::units::Lots(open.lots)).0;
    let cash = view.cash;
    view.fill(place, signed, price, FeeKind::Either);
    if view.legs[place].contract.is_option() && side == Side::Sell {
        // Only the fee stays: the module counts no premium to come.
        let premium = (i128::from(open.lots) * i128::from(price)).div_euclid(1_000);
        view.cash = cash.min(view.cash - i64::try_from(premium).unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_fills_what_was_needed_suffices(view in random_view()) {
        let before = view.assess();
        prop_assert!(before.needed >= before.initial);
        // Each leg: nothing, its buys, its sells, or a third of either.
        for choice in 0..625 {
            let mut filled = view.clone();
            let mut digits = choice;
            for place in 0..4 {
                match digits % 5 {
                    1 => fill_side(&mut filled, place, Side::Buy, 1),
                    2 => fill_side(&mut filled, place, Side::Sell, 1),
                    3 => fill_side(&mut filled, place, Side::Buy, 3),
                    4 => fill_side(&mut filled, place, Side::Sell, 3),
                    _ => {}
                }
                digits /= 5;
            }
            let after = filled.assess();
            let lost = before.balance - after.balance;
            // Each fill may round cash and profit by a micro-USD.
            prop_assert!(before.needed + 16 >= after.initial + lost, "choice {choice}");
        }
    }

    #[test]
    fn another_order_never_lowers_what_is_needed(
        view in random_view(),
        place in 0_usize..4,
        sell in any::<bool>(),
        more in 1_i64..50,
    ) {
        let mut with = view.clone();
        let side = if sell { Side::Sell } else { Side::Buy };
        let mark = with.legs[place].mark;
        let open = with.legs[place].open_mut(side);
        open.lots += more;
        open.cost_nano += i128::from(more) * i128::from(mark);
        prop_assert!(with.assess().needed >= view.assess().needed);
        prop_assert_eq!(with.assess().initial, view.assess().initial);
    }

    #[test]
    fn buying_options_never_raises_a_requirement(view in random_view(), place in 0_usize..4) {
        prop_assume!(view.legs[place].contract.is_option());
        let mut bought = view.clone();
        bought.legs[place].lots += 7;
        prop_assert!(bought.assess().initial <= view.assess().initial);
        prop_assert!(bought.assess().maintenance <= view.assess().maintenance);
    }
}
