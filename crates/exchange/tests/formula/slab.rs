//! Sums of portfolios over a slab against those of the same legs, at the limits of words as well.

use crate::{any_array, config};
use lockstep_exchange::formula::FormulaError;
use lockstep_exchange::formula::latency::ExtraMoves;
use lockstep_exchange::formula::portfolio::*;
use lockstep_exchange::formula::portfolio_margin::*;
use lockstep_exchange::formula::risk_array::SCENARIOS;
use lockstep_exchange::formula::slab::*;
use proptest::prelude::*;

/// Perpetuals of two kinds, and a few expiries with futures and both options of some strikes.
fn keys() -> Vec<(i64, Contract)> {
    let mut keys = vec![(0, Contract::Linear), (0, Contract::Linear)];
    for expiry in [3, 7, 8, 40] {
        keys.push((expiry, Contract::Linear));
        for strike in [-1, 5, 90] {
            keys.extend([(expiry, Contract::Option { strike }); 2]);
        }
    }
    keys
}

fn any_slab() -> impl Strategy<Value = Slab> {
    prop::collection::vec(any_array(), keys().len()).prop_map(|arrays| {
        let series = keys().into_iter().zip(arrays).map(|((expiry, contract), array)| Series {
            expiry,
            contract,
            array,
        });
        Slab::new(series).unwrap()
    })
}

fn any_portfolio() -> impl Strategy<Value = Vec<Entry>> {
    let lots = prop_oneof![
        8 => -10_000..10_000_i32,
        1 => any::<i32>(),
        1 => Just(i32::MIN),
        1 => Just(i32::MAX),
    ];
    let series = 0..u32::try_from(keys().len()).unwrap();
    prop::collection::vec((series, lots), 0..30).prop_map(|mut entries| {
        entries.sort_by_key(|entry| entry.0);
        entries.into_iter().map(|(series, lots)| Entry { series, lots }).collect()
    })
}

fn any_market() -> impl Strategy<Value = Market> {
    (1..=200_000_000_000_i64, 0..=1_000_000_i64, 0..=160_000_i64, 0..=160_000_i64).prop_map(
        |(spot, confidence_ppm, initial_ppm, maintenance_ppm)| Market {
            spot,
            confidence_ppm,
            moves: ExtraMoves { initial_ppm, maintenance_ppm },
        },
    )
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_slab_adds_up_what_the_legs_do(
        slab in any_slab(),
        portfolio in any_portfolio(),
        market in any_market(),
    ) {
        let legs: Vec<_> = portfolio.iter().map(|&entry| slab.leg(entry).unwrap()).collect();
        prop_assert_eq!(slab.positions(&portfolio), positions(&legs));
        let params = PortfolioMarginParams::REFERENCE;
        let expected = underlying_requirement(&params, &market, &legs, &[]);
        let expected = expected.map(|parts| parts.requirement);
        prop_assert_eq!(slab.required(&params, &market, &portfolio), expected);
    }

    #[test]
    fn the_lean_requirement_is_that_of_the_breakdown(
        slab in any_slab(),
        portfolio in any_portfolio(),
        losses in prop::collection::vec(-1_000_000_000_000_000..=1_i64, SCENARIOS),
        market in any_market(),
    ) {
        let Ok(sums) = slab.positions(&portfolio) else { return Ok(()) };
        let losses = losses.try_into().unwrap();
        let orders = OpenOrders { losses, short_lots: 7, linear_lots: 11 };
        let params = PortfolioMarginParams::REFERENCE;
        let parts = requirement(&params, &market, &sums, &orders).map(|parts| parts.requirement);
        prop_assert_eq!(required(&params, &market, &sums, &orders), parts);
    }
}

fn slab() -> Slab {
    let series = keys().into_iter().map(|(expiry, contract)| Series {
        expiry,
        contract,
        array: [i32::MIN; SCENARIOS],
    });
    Slab::new(series).unwrap()
}

#[test]
fn series_and_portfolios_out_of_order_are_refused() {
    let array = [0; SCENARIOS];
    let series = |expiry, contract| Series { expiry, contract, array };
    let option = |strike| Contract::Option { strike };
    let refused = |one, other| Slab::new([one, other]).unwrap_err() == FormulaError::Domain;
    assert!(refused(series(2, Contract::Linear), series(1, Contract::Linear)));
    assert!(refused(series(1, option(5)), series(1, Contract::Linear)));
    assert!(refused(series(1, option(5)), series(1, option(4))));
    let expiries = |count| Slab::new((0..count).map(|expiry| series(expiry, option(1))));
    assert_eq!(expiries(16).map(|slab| slab.len()), Ok(16));
    assert_eq!(expiries(17).unwrap_err(), FormulaError::Domain);
    let slab = slab();
    let entry = |series| Entry { series, lots: 1 };
    assert_eq!(slab.positions(&[entry(1), entry(0)]), Err(FormulaError::Domain));
    let beyond = u32::try_from(slab.len()).unwrap();
    assert_eq!(slab.positions(&[entry(beyond)]), Err(FormulaError::Domain));
    assert_eq!(slab.leg(entry(beyond)).unwrap_err(), FormulaError::Domain);
}

#[test]
fn a_refreshed_series_has_its_new_array() {
    let mut slab = slab();
    let beyond = u32::try_from(slab.len()).unwrap();
    assert_eq!(slab.refresh(beyond, [1; SCENARIOS]), Err(FormulaError::Domain));
    slab.refresh(3, [5; SCENARIOS]).unwrap();
    let sums = slab.positions(&[Entry { series: 3, lots: -2 }]).unwrap();
    assert_eq!((sums.profit, sums.short_lots), ([-10; SCENARIOS], 2));
}

#[test]
fn lots_that_do_not_fit_words_take_the_long_way() {
    // Twice 2^31 lots of -2^31 each: 2^63 for both, one more than a word has.
    let slab = slab();
    let entry = |series, lots| Entry { series, lots };
    let one = slab.positions(&[entry(0, i32::MIN)]).unwrap();
    assert_eq!((one.profit, one.linear_lots), ([1 << 62; SCENARIOS], 1 << 31));
    let both = [entry(0, i32::MIN), entry(3, i32::MIN)];
    assert_eq!(slab.positions(&both), Err(FormulaError::Overflow));
    let less = [entry(0, i32::MIN), entry(3, i32::MIN + 1)];
    assert_eq!(slab.positions(&less).unwrap().profit, [i64::MAX - (1 << 31) + 1; SCENARIOS]);
}
