//! The public face of the module: ranges and their errors.

use alloc::string::ToString;

use super::*;

const OPTION: Black76 =
    Black76 { forward: 1_000, strike: 1_000, vol_e9: 1_000_000_000, seconds: 86_400 };

#[test]
fn an_input_out_of_range_is_named_with_its_limits() {
    let out = |field, value, minimum, maximum| Err(OutOfRange { field, value, minimum, maximum });
    let price_limits = [0, -1, i64::MIN, PRICE_MAX + 1, i64::MAX];
    for forward in price_limits {
        let expected = out(Field::Forward, forward, 1, PRICE_MAX);
        assert_eq!(Black76 { forward, ..OPTION }.prices(), expected);
    }
    for strike in price_limits {
        let expected = out(Field::Strike, strike, 1, PRICE_MAX);
        assert_eq!(Black76 { strike, ..OPTION }.prices(), expected);
    }
    for vol_e9 in [VOL_E9_MAX + 1, i64::MAX] {
        let expected = out(Field::VolE9, vol_e9, i64::MIN, VOL_E9_MAX);
        assert_eq!(Black76 { vol_e9, ..OPTION }.prices(), expected);
    }
    for seconds in [SECONDS_MAX + 1, i64::MAX] {
        let expected = out(Field::Seconds, seconds, i64::MIN, SECONDS_MAX);
        assert_eq!(Black76 { seconds, ..OPTION }.prices(), expected);
        assert!(Black76 { seconds, ..OPTION }.greeks().is_err());
    }
    let error = Black76 { strike: 0, ..OPTION }.prices().unwrap_err();
    assert_eq!(error.to_string(), "Strike is 0, outside 1..=10000000000000000");
}

#[test]
fn without_time_or_volatility_the_price_is_intrinsic() {
    for (vol_e9, seconds) in [(0, 1), (-1, 1), (i64::MIN, 1), (1, 0), (1, -1), (1, i64::MIN)] {
        let option = Black76 { forward: 1_500, strike: 1_000, vol_e9, seconds };
        assert_eq!(option.prices(), Ok(Prices { call: 500, put: 0 }));
        let option = Black76 { forward: 1_000, strike: 1_500, ..option };
        assert_eq!(option.prices(), Ok(Prices { call: 0, put: 500 }));
    }
}

#[test]
fn the_limits_themselves_are_accepted() {
    let largest =
        Black76 { forward: PRICE_MAX, strike: PRICE_MAX, vol_e9: VOL_E9_MAX, seconds: SECONDS_MAX };
    assert_eq!(largest.prices(), Ok(Prices { call: PRICE_MAX, put: PRICE_MAX }));
    let smallest = Black76 { forward: 1, strike: 1, vol_e9: 1, seconds: 1 };
    assert_eq!(smallest.prices(), Ok(Prices { call: 0, put: 0 }));
}
