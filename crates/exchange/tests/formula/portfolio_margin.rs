//! Portfolio margin by brute force over fill subsets, its order of requirements, and the ends of
//! i64.

use crate::{any_array, any_i64, ceil_of, config};
use lockstep_exchange::formula::latency::ExtraMoves;
use lockstep_exchange::formula::portfolio::*;
use lockstep_exchange::formula::portfolio_margin::*;
use lockstep_exchange::formula::risk_array::*;
use lockstep_exchange::formula::scenario_vector::{Holding, order_edge, profit};
use lockstep_exchange::formula::standard_margin::Requirement;
use lockstep_exchange::formula::{FormulaError, OptionSide};
use lockstep_exchange::option::Black76;
use proptest::prelude::*;
use std::sync::LazyLock;

const DOLLAR: i64 = 1_000_000;
const DAY_S: i64 = 86_400;
const SPOT: i64 = 100_000 * DOLLAR;
const PARAMS: PortfolioMarginParams = PortfolioMarginParams::REFERENCE;

struct Instrument {
    expiry: i64,
    contract: Contract,
    mark: i64,
    array: RiskArray,
}

/// A perpetual, a future and options of two expiries, sorted as legs are.
static INSTRUMENTS: LazyLock<Vec<Instrument>> = LazyLock::new(|| {
    let linear = |expiry, mark| Instrument {
        expiry,
        contract: Contract::Linear,
        mark,
        array: linear_array(mark).unwrap(),
    };
    let mut instruments = vec![linear(0, SPOT + 20 * DOLLAR), linear(30, SPOT + 400 * DOLLAR)];
    for (days, forward) in [(7, SPOT + 100 * DOLLAR), (30, SPOT + 400 * DOLLAR)] {
        for strike in [80_000, 100_000, 120_000].map(|strike| strike * DOLLAR) {
            let (vol_e9, seconds) = (550_000_000, days * DAY_S);
            let option = Black76 { forward, strike, vol_e9, seconds };
            let prices = option.prices().unwrap();
            for (side, mark) in [(OptionSide::Call, prices.call), (OptionSide::Put, prices.put)] {
                instruments.push(Instrument {
                    expiry: days,
                    contract: Contract::Option { strike },
                    mark,
                    array: option_array(&VolMoveParams::REFERENCE, &option, side).unwrap(),
                });
            }
        }
    }
    instruments.sort_by_key(|instrument| (instrument.expiry, instrument.contract));
    instruments
});

fn market(initial_ppm: i64, maintenance_ppm: i64) -> Market {
    let moves = ExtraMoves { initial_ppm, maintenance_ppm };
    Market { spot: SPOT, confidence_ppm: 1_000_000, moves }
}

fn leg(index: usize, lots: i64) -> Leg<'static> {
    let Instrument { expiry, contract, array, .. } = &INSTRUMENTS[index];
    Leg { expiry: *expiry, contract: *contract, lots, array }
}

/// An order at a limit of `limit_permille` of mark, with 3 basis points of it as fee.
fn order(index: usize, lots: i64, limit_permille: i64) -> Order<'static> {
    let Instrument { contract, mark, array, .. } = &INSTRUMENTS[index];
    let limit = mark * limit_permille / 1_000;
    let fee = ceil_of(i128::from(lots.abs()) * i128::from(limit) * 300, 1_000_000_000);
    let edge = order_edge(lots, *mark, limit, i64::try_from(fee).unwrap()).unwrap();
    Order { contract: *contract, lots, edge, array }
}

/// Lots per instrument, as legs.
fn any_legs() -> impl Strategy<Value = Vec<Leg<'static>>> {
    let lots = prop_oneof![Just(0), -5_000..5_000_i64];
    prop::collection::vec(lots, INSTRUMENTS.len()).prop_map(|lots| {
        let legs = lots.into_iter().enumerate().filter(|&(_, lots)| lots != 0);
        legs.map(|(index, lots)| leg(index, lots)).collect()
    })
}

fn any_order() -> impl Strategy<Value = Order<'static>> {
    let lots = prop_oneof![-5_000..=-1_i64, 1..=5_000_i64];
    (0..INSTRUMENTS.len(), lots, 900..1_100_i64)
        .prop_map(|(index, lots, limit_permille)| order(index, lots, limit_permille))
}

fn any_market() -> impl Strategy<Value = Market> {
    (0..=160_000_i64, 0..=160_000_i64, 0..=1_000_000_i64).prop_map(|(now, slow, confidence_ppm)| {
        Market { confidence_ppm, ..market(now.max(slow), slow) }
    })
}

/// Profit per scenario of the legs and of those orders whose bit is set.
fn filled(legs: &[Leg<'_>], orders: &[Order<'_>], subset: usize) -> Vec<i64> {
    let taken = |index: usize| subset & (1 << index) != 0;
    (0..SCENARIOS)
        .map(|scenario| {
            let held: i64 = legs.iter().map(|leg| leg.lots * i64::from(leg.array[scenario])).sum();
            let fills = orders.iter().enumerate().filter(|&(index, _)| taken(index));
            let traded: i64 = fills
                .map(|(_, order)| order.lots * i64::from(order.array[scenario]) + order.edge)
                .sum();
            held + traded
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..config() })]

    #[test]
    fn open_orders_are_the_worst_over_every_subset_of_fills(
        legs in any_legs(),
        orders in prop::collection::vec(any_order(), 0..8),
    ) {
        let parts = underlying_requirement(&PARAMS, &market(0, 0), &legs, &orders).unwrap();
        let mut worst = filled(&legs, &orders, 0);
        let mut loss = 0;
        for subset in 0..1 << orders.len() {
            let profit = filled(&legs, &orders, subset);
            loss = loss.max(-profit.iter().min().unwrap());
            worst.iter_mut().zip(&profit).for_each(|(least, &value)| *least = value.min(*least));
        }
        prop_assert_eq!(parts.profit.to_vec(), filled(&legs, &orders, 0));
        prop_assert_eq!(parts.profit_open.to_vec(), worst);
        prop_assert_eq!(parts.scan.initial, loss);
    }

    #[test]
    fn initial_covers_scan_and_linear_and_short_of_every_subset_filled(
        legs in any_legs(),
        orders in prop::collection::vec(any_order(), 0..6),
        subset in any::<usize>(),
    ) {
        let needed = underlying_requirement(&PARAMS, &market(5_000, 5_000), &legs, &orders);
        let needed = needed.unwrap();
        let mut lots: Vec<_> = INSTRUMENTS.iter().map(|_| 0).collect();
        for leg in &legs {
            lots[index_of(leg.array)] += leg.lots;
        }
        let mut edges = 0;
        for (index, order) in orders.iter().enumerate() {
            if subset & (1 << index) != 0 {
                lots[index_of(order.array)] += order.lots;
                edges += order.edge;
            }
        }
        let after = lots.iter().enumerate().map(|(index, &lots)| leg(index, lots));
        let after: Vec<_> = after.collect();
        let after = underlying_requirement(&PARAMS, &market(5_000, 5_000), &after, &[]).unwrap();
        prop_assert!(needed.scan.initial >= after.scan.maintenance - edges);
        // A charge of zero may stand for a gain, which need not cover the edges. Two floors of the
        // line between scenarios.
        if after.latency.maintenance > 0 {
            prop_assert!(needed.latency.initial + 2 >= after.latency.maintenance - edges);
        }
        prop_assert!(needed.short.initial >= after.short.initial);
        prop_assert!(needed.linear.initial >= after.linear.initial);
    }

    #[test]
    fn initial_is_at_least_maintenance_and_an_order_never_lowers_it(
        legs in any_legs(),
        orders in prop::collection::vec(any_order(), 1..8),
        market in any_market(),
        worse in 0..1_000_000_000_i64,
    ) {
        let needed = |orders: &[Order<'_>]| {
            let parts = underlying_requirement(&PARAMS, &market, &legs, orders).unwrap();
            let Requirement { initial, maintenance } = parts.requirement;
            assert!(initial >= maintenance && maintenance >= 0);
            parts.requirement
        };
        let all = needed(&orders);
        let fewer = needed(&orders[1..]);
        prop_assert!(all.initial >= fewer.initial);
        prop_assert_eq!(all.maintenance, fewer.maintenance);
        let mut adverse = orders.clone();
        adverse[0].edge -= worse;
        prop_assert!(needed(&adverse).initial >= all.initial);
        adverse[0].lots *= 2;
        adverse[0].edge *= 2;
        prop_assert!(needed(&adverse).initial >= all.initial);
    }

    #[test]
    fn a_longer_latency_never_lowers_the_requirement_of_perpetuals(
        lots in -100_000..100_000_i64,
        short_ppm in 0..=160_000_i64,
        long_ppm in 0..=160_000_i64,
    ) {
        let legs = [leg(0, lots)];
        let charge = |ppm| {
            let parts = underlying_requirement(&PARAMS, &market(ppm, ppm), &legs, &[]).unwrap();
            parts.latency
        };
        // A move of the mark by exactly that much: a perpetual's profit is a line throughout.
        let mark = i128::from(INSTRUMENTS[0].mark);
        let moved = i128::from(lots.abs()) * mark * i128::from(short_ppm);
        let exact = i64::try_from(ceil_of(moved, 1_000_000_000)).unwrap();
        prop_assert_eq!(charge(short_ppm), Requirement { initial: exact, maintenance: exact });
        let longer = short_ppm.max(long_ppm);
        prop_assert!(charge(longer).initial >= exact);
    }

    #[test]
    fn a_portfolio_a_million_times_as_large_has_a_million_times_the_vector(legs in any_legs()) {
        let times = |factor: i64| {
            let legs = legs.iter().map(|leg| Leg { lots: leg.lots * factor, ..*leg });
            positions(&legs.collect::<Vec<_>>()).unwrap()
        };
        let (one, million) = (times(1), times(1_000_000));
        for scenario in 0..SCENARIOS {
            prop_assert_eq!(million.profit[scenario], one.profit[scenario] * 1_000_000);
        }
        prop_assert_eq!(million.delta, one.delta * 1_000_000);
        prop_assert_eq!(million.short_lots, one.short_lots * 1_000_000);
        prop_assert_eq!(million.linear_lots, one.linear_lots * 1_000_000);
        // Halves of odd sums are floored.
        prop_assert!((million.delta_hedged - one.delta_hedged * 1_000_000) <= 500_000);
        prop_assert!(million.delta_hedged >= one.delta_hedged * 1_000_000);
    }

    #[test]
    fn positions_are_those_of_what_each_leg_adds(
        legs in prop::collection::vec((0..4_i64, any_contract(), any_lots(), any_array()), 0..8),
    ) {
        let mut legs = legs_of(&legs);
        let added = |legs: &[Leg<'_>]| -> Vec<LegSums> {
            let of = |leg: &Leg<'_>| LegSums::of(leg.expiry, leg.contract, leg.lots, leg.array);
            legs.iter().map(of).collect()
        };
        let nothing = [0; SCENARIOS];
        let is_sorted = legs.is_sorted_by_key(|leg| (leg.expiry, leg.contract));
        prop_assert_eq!(
            positions_of(nothing, &added(&legs)) == Err(FormulaError::Domain),
            !is_sorted
        );
        legs.sort_by_key(|leg| (leg.expiry, leg.contract));
        let holdings = legs.iter().map(|leg| Holding { array: leg.array, lots: leg.lots });
        let kept = profit(holdings).and_then(|profit| positions_of(profit, &added(&legs)));
        prop_assert_eq!(positions(&legs), kept);
    }

    #[test]
    fn nothing_panics_at_the_limits(
        legs in prop::collection::vec((any_i64(), any_contract(), any_i64(), any_array()), 0..5),
        orders in prop::collection::vec((any_contract(), any_i64(), any_i64(), any_array()), 0..5),
        numbers in prop::collection::vec(any_i64(), 16),
        sensible in any::<bool>(),
        reference in any::<bool>(),
    ) {
        let mut legs = legs_of(&legs);
        legs.sort_by_key(|leg| (leg.expiry, leg.contract));
        let orders: Vec<_> = orders
            .iter()
            .map(|(contract, lots, edge, array)| Order {
                contract: *contract,
                lots: *lots,
                edge: *edge,
                array,
            })
            .collect();
        let params = if reference { PARAMS } else { params_of(&numbers, sensible) };
        let part = |index: usize| {
            if sensible { numbers[index].rem_euclid(160_001) } else { numbers[index] }
        };
        let moves = ExtraMoves { initial_ppm: part(12), maintenance_ppm: part(13) };
        let market = Market { spot: numbers[14], confidence_ppm: part(15), moves };
        if let Ok(parts) = underlying_requirement(&params, &market, &legs, &orders) {
            let Requirement { initial, maintenance } = parts.requirement;
            prop_assert!(initial >= maintenance && maintenance >= 0 && market.spot > 0);
        }
    }
}

/// Legs of expiry, contract, lots and array.
fn legs_of(given: &[(i64, Contract, i64, RiskArray)]) -> Vec<Leg<'_>> {
    let leg = |&(expiry, contract, lots, ref array)| Leg { expiry, contract, lots, array };
    given.iter().map(leg).collect()
}

fn index_of(array: &RiskArray) -> usize {
    INSTRUMENTS.iter().position(|instrument| core::ptr::eq(&instrument.array, array)).unwrap()
}

/// Lots of which words hold the sums, and any.
fn any_lots() -> impl Strategy<Value = i64> {
    prop_oneof![4 => -5_000..5_000_i64, 1 => any::<i32>().prop_map(i64::from), 1 => any_i64()]
}

fn any_contract() -> impl Strategy<Value = Contract> {
    prop_oneof![
        Just(Contract::Linear),
        any_i64().prop_map(|strike| Contract::Option { strike }),
        Just(Contract::Option { strike: 1 }),
    ]
}

/// Parameters from the first twelve numbers; not negative if they are to be sensible.
fn params_of(numbers: &[i64], sensible: bool) -> PortfolioMarginParams {
    let at = |index: usize| {
        let number = numbers[index];
        if sensible { number.checked_abs().unwrap_or(i64::MAX).max(1) } else { number }
    };
    PortfolioMarginParams {
        scan_initial_permille: at(0),
        scan_maintenance_permille: at(1),
        basis_ppm: at(2),
        vega_ppm: at(3),
        short_initial_ppm: at(4),
        short_maintenance_ppm: at(5),
        linear_initial_ppm: at(6),
        linear_maintenance_ppm: at(7),
        concentration_free: at(8),
        concentration_scale: at(9),
        confidence_ppm_min: at(10),
        confidence_factor_ppm: at(11),
    }
}

fn needed(legs: &[Leg<'_>], orders: &[Order<'_>]) -> Breakdown {
    underlying_requirement(&PARAMS, &market(0, 0), legs, orders).unwrap()
}

#[test]
fn without_positions_and_orders_nothing_is_needed() {
    let nothing = needed(&[], &[]);
    assert_eq!(nothing.requirement, Requirement::default());
    let kept = requirement(&PARAMS, &market(0, 0), &Positions::NONE, &OpenOrders::NONE);
    assert_eq!(kept, Ok(nothing));
    assert_eq!(positions(&[]), Ok(Positions::NONE));
    assert_eq!(open_orders(&[]), Ok(OpenOrders::NONE));
}

#[test]
fn two_orders_that_cancel_out_need_what_the_worse_of_them_needs() {
    // All fills and no fills lose almost nothing; one of the two alone loses 16 %.
    let orders = [order(0, 1_000, 1_000), order(0, -1_000, 1_000)];
    let parts = needed(&[], &orders);
    let alone = needed(&[], &orders[..1]);
    assert!(parts.scan.initial > 16_000 * DOLLAR);
    assert_eq!(parts.scan.initial, alone.scan.initial.max(needed(&[], &orders[1..]).scan.initial));
}

#[test]
fn a_call_pairs_with_the_put_of_its_strike_and_expiry_only() {
    let find = |expiry: i64, strike: i64| {
        let contract = Contract::Option { strike: strike * DOLLAR };
        let same = |one: &Instrument| one.expiry == expiry && one.contract == contract;
        INSTRUMENTS.iter().position(same).unwrap()
    };
    let (call, put) = (find(30, 100_000), find(30, 100_000) + 1);
    let short_lots = |legs: &[Leg<'_>]| positions(legs).unwrap().short_lots;
    assert_eq!(short_lots(&[leg(call, -500), leg(put, 300)]), 200);
    assert_eq!(short_lots(&[leg(call, 500), leg(put, -500)]), 0);
    assert_eq!(short_lots(&[leg(call, -500), leg(find(30, 120_000), 500)]), 500);
    assert_eq!(short_lots(&[leg(find(7, 100_000), 500), leg(call, -500)]), 500);
}

#[test]
fn a_hedge_in_another_expiry_is_charged_for_the_basis() {
    let linear = |one: &Instrument| one.contract == Contract::Linear;
    let perpetual = INSTRUMENTS.iter().position(linear).unwrap();
    let future = INSTRUMENTS.iter().rposition(linear).unwrap();
    assert_eq!(needed(&[leg(perpetual, 1_000)], &[]).basis, 0);
    // One unit against one unit: 0.6 % of the smaller notional, that of the perpetual.
    let legs = [leg(perpetual, 1_000), leg(future, -1_000)];
    assert_eq!(needed(&legs, &[]).basis, 600_120_000);
    let unsorted = [legs[1], legs[0]];
    assert_eq!(positions(&unsorted), Err(FormulaError::Domain));
}

#[test]
fn concentration_charges_at_most_the_whole_notional() {
    let charge = |lots| needed(&[leg(0, lots)], &[]).concentration;
    let notional = |lots: i64| lots * INSTRUMENTS[0].mark / 1_000;
    assert_eq!(charge(199_960), 0);
    assert!(charge(199_961) > 0);
    // Half the way to 20 million plus 400 million USD.
    let half = notional(2_200_000);
    let expected = i128::from(half) * i128::from(half - PARAMS.concentration_free);
    let expected = ceil_of(expected, i128::from(PARAMS.concentration_scale));
    assert_eq!(i128::from(charge(2_200_000)), expected);
    assert_eq!(charge(4_300_000), notional(4_300_000));
    assert_eq!(charge(-4_300_000), notional(4_300_000));
}

#[test]
fn low_confidence_charges_the_notional_with_orders_and_only_initially() {
    let orders = [order(0, 500, 1_000)];
    let parts = |confidence_ppm| {
        let market = Market { confidence_ppm, ..market(0, 0) };
        underlying_requirement(&PARAMS, &market, &[leg(0, 1_000)], &orders).unwrap()
    };
    assert_eq!(parts(550_000).confidence, 0);
    assert_eq!(parts(549_999).confidence, 67_500_150_000);
    assert_eq!(parts(0).confidence, 150_000 * DOLLAR);
    assert_eq!(parts(0).requirement.maintenance, parts(550_000).requirement.maintenance);
    assert!(parts(0).requirement.initial > parts(550_000).requirement.initial);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let with = |market: &Market, params: &PortfolioMarginParams| {
        requirement(params, market, &Positions::NONE, &OpenOrders::NONE)
    };
    let good = market(0, 0);
    let bad_markets = [
        Market { spot: 0, ..good },
        Market { confidence_ppm: -1, ..good },
        Market { confidence_ppm: 1_000_001, ..good },
        market(-1, 0),
        market(0, -1),
        market(160_001, 0),
        market(0, 160_001),
    ];
    for bad in bad_markets {
        assert_eq!(with(&bad, &PARAMS), Err(FormulaError::Domain), "{bad:?}");
    }
    for bad in [
        PortfolioMarginParams { concentration_scale: 0, ..PARAMS },
        PortfolioMarginParams { concentration_scale: i64::MIN, ..PARAMS },
        PortfolioMarginParams { vega_ppm: -1, ..PARAMS },
        PortfolioMarginParams { scan_initial_permille: -1, ..PARAMS },
    ] {
        assert_eq!(with(&good, &bad), Err(FormulaError::Domain), "{bad:?}");
    }
    let gains = OpenOrders { losses: [1; SCENARIOS], ..OpenOrders::NONE };
    let result = requirement(&PARAMS, &good, &Positions::NONE, &gains);
    assert_eq!(result, Err(FormulaError::Domain));
    let mut huge = Positions::NONE;
    huge.profit[0] = i64::MIN;
    let result = requirement(&PARAMS, &good, &huge, &OpenOrders::NONE);
    assert_eq!(result, Err(FormulaError::Overflow));
    assert_eq!(
        open_orders(&[order(0, 1, 1_000), Order { lots: 0, ..order(0, 1, 1_000) }]),
        Err(FormulaError::Domain)
    );
}
