//! Risk arrays against a plain second implementation, their shape, and the ends of their inputs.

use crate::{any_i64, ceil_of, config, floor_of};
use lockstep_exchange::formula::risk_array::*;
use lockstep_exchange::formula::{FormulaError, OptionSide};
use lockstep_exchange::option::{
    Black76, Field, OutOfRange, PRICE_MAX, Prices, SECONDS_MAX, VOL_E9_MAX,
};
use proptest::prelude::*;

const DOLLAR: i64 = 1_000_000;
const DAY_S: i64 = 86_400;

/// The reference's `rdiv`.
fn round_of(value: i128, divisor: i128) -> i128 {
    let size = (value.abs() + divisor / 2) / divisor;
    if value < 0 { -size } else { size }
}

/// The reference's `vols`, in 128 bits.
fn plain_vols(params: &VolMoveParams, vol_e9: i64, seconds: i64) -> [i64; 3] {
    let factor = i128::from(vol_e9) * i128::from(vol_multiplier_ppm(seconds));
    let trillion = 1_000_000_000_000;
    let up = i128::from(vol_e9) + floor_of(factor * i128::from(params.up_ppm), trillion);
    let down = i128::from(vol_e9) - ceil_of(factor * i128::from(params.down_ppm), trillion);
    let [up, down] = [up.max(params.up_e9_min.into()), down.max(0)];
    [i64::try_from(up).unwrap(), vol_e9, i64::try_from(down).unwrap()]
}

/// One price by the plain formula; without a forward or strike, what it tends to.
fn plain_prices(forward: i64, strike: i64, vol_e9: i64, seconds: i64) -> Prices {
    if forward == 0 || strike == 0 {
        return Prices { call: (forward - strike).max(0), put: (strike - forward).max(0) };
    }
    Black76 { forward, strike, vol_e9, seconds }.prices().unwrap()
}

/// The reference's `risk_array` of both options, wide.
fn plain_arrays(params: &VolMoveParams, option: &Black76) -> [Vec<i128>; 2] {
    let Black76 { forward, strike, vol_e9, seconds } = *option;
    let [up, flat, down] = plain_vols(params, vol_e9, seconds);
    let base = plain_prices(forward / 1_000, strike / 1_000, flat, seconds);
    let changes = SCENARIO_TABLE.iter().map(|scenario| {
        let vol_e9 = match scenario.vol {
            VolMove::Up => up,
            VolMove::Flat => flat,
            VolMove::Down => down,
        };
        let moved = i128::from(forward) * i128::from(1_000 + scenario.spot_permille);
        let moved = i64::try_from(moved / 1_000_000).unwrap();
        let prices = plain_prices(moved, strike / 1_000, vol_e9, seconds);
        let entry = |change: i64| {
            round_of(i128::from(change) * i128::from(scenario.weight_permille), 1_000)
        };
        (entry(prices.call - base.call), entry(prices.put - base.put))
    });
    let (call, put) = changes.unzip();
    [call, put]
}

fn wide(array: &RiskArray) -> Vec<i128> {
    array.iter().map(|&entry| i128::from(entry)).collect()
}

fn any_params() -> impl Strategy<Value = VolMoveParams> {
    (0..2_000_000_i64, 0..2_000_000_i64, 0..2_000_000_000_i64)
        .prop_map(|(up_ppm, down_ppm, up_e9_min)| VolMoveParams { up_ppm, down_ppm, up_e9_min })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..config() })]

    #[test]
    fn arrays_of_options_equal_the_plain_formula(
        params in any_params(),
        forward in prop_oneof![1..10_000_i64, 1..1_000 * DOLLAR, 1..1_000_000 * DOLLAR],
        ratio_permille in 1..6_000_i64,
        vol_e9 in 0..5_000_000_000_i64,
        seconds in prop_oneof![-10..10_i64, 0..3 * DAY_S, 0..500 * DAY_S],
    ) {
        let strike = (forward * ratio_permille / 1_000).max(1);
        let option = Black76 { forward, strike, vol_e9, seconds };
        let [call, put] = plain_arrays(&params, &option);
        let arrays = option_arrays(&params, &option).unwrap();
        prop_assert_eq!(wide(&arrays.call), call);
        prop_assert_eq!(wide(&arrays.put), put);
        let alone = |side| option_array(&params, &option, side).unwrap();
        prop_assert_eq!(alone(OptionSide::Call), arrays.call);
        prop_assert_eq!(alone(OptionSide::Put), arrays.put);
    }

    #[test]
    fn a_call_less_its_put_is_the_forward(
        forward in 1_000 * DOLLAR..1_000_000 * DOLLAR,
        ratio_permille in 100..4_000_i64,
        vol_e9 in 0..3_000_000_000_i64,
        seconds in 1..400 * DAY_S,
    ) {
        let strike = forward * ratio_permille / 1_000;
        let option = Black76 { forward, strike, vol_e9, seconds };
        let arrays = option_arrays(&VolMoveParams::REFERENCE, &option).unwrap();
        let linear = linear_array(forward).unwrap();
        for (scenario, forward) in linear.iter().enumerate() {
            let synthetic = arrays.call[scenario] - arrays.put[scenario];
            prop_assert!((synthetic - forward).abs() <= 2, "scenario {}", scenario);
        }
        prop_assert_eq!((arrays.call[CENTRE], arrays.put[CENTRE], linear[CENTRE]), (0, 0, 0));
    }

    #[test]
    fn volatilities_are_ordered_and_equal_the_plain_formula(
        params in any_params(),
        vol_e9 in 0..=VOL_E9_MAX,
        seconds in -10..500 * DAY_S,
    ) {
        let vols = moved_vols_e9(&params, vol_e9, seconds).unwrap();
        prop_assert_eq!(vols, plain_vols(&params, vol_e9, seconds));
        prop_assert!(vols[0] >= vols[1] && vols[1] >= vols[2] && vols[2] >= 0);
    }

    #[test]
    fn volatility_moves_less_the_longer_the_expiry(seconds in any_i64(), more in 0..10 * DAY_S) {
        let near = vol_multiplier_ppm(seconds);
        let far = vol_multiplier_ppm(seconds.saturating_add(more));
        prop_assert!((722_649..=2_774_191).contains(&far) && far <= near);
    }

    #[test]
    fn nothing_panics_at_the_limits(
        values in prop::array::uniform4(any_i64()),
        params in prop::array::uniform3(any_i64()),
        modest in any::<bool>(),
    ) {
        let [forward, strike, vol_e9, seconds] =
            if modest { values.map(|value| value.rem_euclid(PRICE_MAX)) } else { values };
        let option = Black76 { forward, strike, vol_e9, seconds };
        let [up_ppm, down_ppm, up_e9_min] = params;
        let params = VolMoveParams { up_ppm, down_ppm, up_e9_min };
        for params in [params, VolMoveParams::REFERENCE] {
            match option_arrays(&params, &option) {
                Ok(arrays) => prop_assert_eq!(arrays.call[CENTRE], 0),
                Err(RiskArrayError::Entry { value, .. }) => {
                    prop_assert!(i32::try_from(value).is_err());
                }
                Err(RiskArrayError::OutOfRange(error)) => {
                    prop_assert!(error.value < error.minimum || error.value > error.maximum);
                }
                Err(RiskArrayError::Formula(error)) => {
                    prop_assert_eq!(error, FormulaError::Domain);
                    prop_assert_ne!(params, VolMoveParams::REFERENCE);
                }
            }
        }
        if let Ok(array) = linear_array(forward) {
            prop_assert_eq!(array[CENTRE], 0);
        }
    }
}

#[test]
fn the_multiplier_is_exact_on_its_days_and_a_line_between_them() {
    for (days, ppm) in VOL_MULTIPLIERS {
        assert_eq!(vol_multiplier_ppm(days * DAY_S), ppm);
    }
    assert_eq!(vol_multiplier_ppm(i64::MIN), 2_774_191);
    assert_eq!(vol_multiplier_ppm(DAY_S / 2), 2_774_191);
    assert_eq!(vol_multiplier_ppm(i64::MAX), 722_649);
    // Half-way from 2,774,191 to 2,253,343, and a second past one day, floored.
    assert_eq!(vol_multiplier_ppm(3 * DAY_S / 2), 2_513_767);
    assert_eq!(vol_multiplier_ppm(DAY_S + 1), 2_774_184);
}

#[test]
fn scenarios_stand_where_their_columns_say() {
    for (row, spot_permille) in SPOT_MOVES_PERMILLE.into_iter().enumerate() {
        for vol in [VolMove::Up, VolMove::Flat, VolMove::Down] {
            let expected = Scenario { spot_permille, vol, weight_permille: 1_000 };
            assert_eq!(SCENARIO_TABLE[column(row, vol)], expected);
        }
    }
    assert_eq!(SCENARIO_TABLE[CENTRE].spot_permille, 0);
    for pair in SPOT_MOVES_PERMILLE.windows(2) {
        assert_eq!((pair[1] - pair[0]) * 1_000, SPOT_STEP_PPM);
    }
}

#[test]
fn an_entry_that_does_not_fit_is_named() {
    // 16 % of a thousandth of this is just below and just above 2^31 micro-USD.
    let fits = linear_array(13_421_772 * DOLLAR).unwrap();
    assert_eq!(fits[0], -2_147_483_520);
    let error = linear_array(13_421_773 * DOLLAR).unwrap_err();
    assert_eq!(error, RiskArrayError::Entry { scenario: 0, value: -2_147_483_680 });
    let message = "-2147483680 micro-USD per lot in scenario 0 does not fit 32 bits";
    assert_eq!(error.to_string(), message);
    let deep = Black76 {
        forward: 20_000_000 * DOLLAR,
        strike: DOLLAR,
        vol_e9: 500_000_000,
        seconds: DAY_S,
    };
    let error = option_array(&VolMoveParams::REFERENCE, &deep, OptionSide::Call).unwrap_err();
    assert_eq!(error, RiskArrayError::Entry { scenario: 0, value: -3_200_000_000 });
    assert!(option_array(&VolMoveParams::REFERENCE, &deep, OptionSide::Put).is_ok());
    assert!(option_arrays(&VolMoveParams::REFERENCE, &deep).is_err());
}

#[test]
fn inputs_out_of_range_are_named() {
    let good = Black76 {
        forward: 100 * DOLLAR,
        strike: 100 * DOLLAR,
        vol_e9: 500_000_000,
        seconds: DAY_S,
    };
    let field = |option: Black76| match option_arrays(&VolMoveParams::REFERENCE, &option) {
        Err(RiskArrayError::OutOfRange(error)) => error.field,
        other => panic!("not out of range: {other:?}"),
    };
    assert_eq!(field(Black76 { forward: 0, ..good }), Field::Forward);
    assert_eq!(field(Black76 { forward: PRICE_MAX + 1, ..good }), Field::Forward);
    assert_eq!(field(Black76 { strike: -1, ..good }), Field::Strike);
    assert_eq!(field(Black76 { vol_e9: VOL_E9_MAX + 1, ..good }), Field::VolE9);
    assert_eq!(field(Black76 { seconds: SECONDS_MAX + 1, ..good }), Field::Seconds);
    // The volatility itself is in range, what it is moved up to is not.
    assert_eq!(field(Black76 { vol_e9: VOL_E9_MAX / 2, ..good }), Field::VolE9);
    let range = OutOfRange { field: Field::Forward, value: 0, minimum: 1, maximum: PRICE_MAX };
    assert_eq!(linear_array(0), Err(RiskArrayError::OutOfRange(range)));
    for params in [
        VolMoveParams { up_ppm: -1, ..VolMoveParams::REFERENCE },
        VolMoveParams { up_ppm: 100_000_001, ..VolMoveParams::REFERENCE },
        VolMoveParams { down_ppm: -1, ..VolMoveParams::REFERENCE },
        VolMoveParams { down_ppm: 100_000_001, ..VolMoveParams::REFERENCE },
        VolMoveParams { up_e9_min: -1, ..VolMoveParams::REFERENCE },
    ] {
        let error = option_arrays(&params, &good);
        assert_eq!(error, Err(RiskArrayError::Formula(FormulaError::Domain)), "{params:?}");
    }
}

#[test]
fn at_expiry_an_array_is_intrinsic_value() {
    let option =
        Black76 { forward: 100 * DOLLAR, strike: 100 * DOLLAR, vol_e9: 500_000_000, seconds: 0 };
    let arrays = option_arrays(&VolMoveParams::REFERENCE, &option).unwrap();
    for (scenario, moved) in SCENARIO_TABLE.iter().enumerate() {
        let change = i32::try_from(moved.spot_permille * 100 * moved.weight_permille / 1_000);
        assert_eq!(arrays.call[scenario], change.unwrap().max(0));
        assert_eq!(arrays.put[scenario], (-change.unwrap()).max(0));
    }
}
