//! Implied volatility: each error, and that the answer is sharp.

use super::super::{Black76, PRICE_MAX, SECONDS_MAX};
use super::*;

const MONTH: i64 = 2_592_000;

#[test]
fn each_price_out_of_bounds_has_its_own_error() {
    use ImpliedVolatilityError::{AboveMaximum, BelowIntrinsic, NoVega, VolAboveLimit};
    let call = |price| implied_volatility_e9(Side::Call, price, 1_200, 1_000, MONTH);
    let put = |price| implied_volatility_e9(Side::Put, price, 1_000, 1_200, MONTH);
    assert_eq!(call(199), Err(BelowIntrinsic { intrinsic: 200 }));
    assert_eq!(call(200), Err(NoVega));
    assert_eq!(call(1_200), Err(AboveMaximum { maximum: 1_200 }));
    assert_eq!(put(199), Err(BelowIntrinsic { intrinsic: 200 }));
    assert_eq!(put(200), Err(NoVega));
    assert_eq!(put(1_200), Err(AboveMaximum { maximum: 1_200 }));
    assert_eq!(put(-1), Err(BelowIntrinsic { intrinsic: 200 }));
    let expired = implied_volatility_e9(Side::Call, 300, 1_200, 1_000, 0);
    assert_eq!(expired, Err(NoVega));
    let one_second = implied_volatility_e9(Side::Call, 900_000, 1_000_000, 1_000_000, 1);
    assert_eq!(one_second, Err(VolAboveLimit));
}

#[test]
fn inputs_out_of_range_are_named() {
    let error = |forward, strike, seconds| match implied_volatility_e9(
        Side::Put,
        1,
        forward,
        strike,
        seconds,
    ) {
        Err(ImpliedVolatilityError::OutOfRange(error)) => error.field,
        other => panic!("expected a range error, got {other:?}"),
    };
    assert_eq!(error(0, 1, 1), Field::Forward);
    assert_eq!(error(1, PRICE_MAX + 1, 1), Field::Strike);
    assert_eq!(error(1, 1, SECONDS_MAX + 1), Field::Seconds);
}

#[test]
fn the_answer_is_the_smallest_volatility_that_reaches_the_price() {
    for (forward, strike, seconds) in
        [(100_000_000_000, 95_000_000_000, MONTH), (1_000, 1_300, MONTH), (5_000_000, 5_000_000, 3)]
    {
        let at = |vol_e9| Black76 { forward, strike, vol_e9, seconds }.prices().unwrap();
        for vol_e9 in [50_000_000, 600_000_000, 1_234_567_890, 5_000_000_000] {
            let target = at(vol_e9);
            let call = implied_volatility_e9(Side::Call, target.call, forward, strike, seconds);
            let put = implied_volatility_e9(Side::Put, target.put, forward, strike, seconds);
            assert_eq!(call, put, "parity");
            if target.call.min(target.put) == 0 {
                assert_eq!(call, Err(ImpliedVolatilityError::NoVega));
                continue;
            }
            let found = call.unwrap();
            assert!(found <= vol_e9, "a smaller volatility than {vol_e9} may do, no larger");
            assert_eq!(at(found), target);
            assert!(at(found - 1).call < target.call);
        }
    }
}
