//! Laws of option prices that hold without exception because every price is correctly rounded.

use lockstep_exchange::option::{
    Black76, Deviation, Field, ImpliedVolatilityError, LogPrice, PRICE_MAX, Prices, SECONDS_MAX,
    Side, VOL_E9_MAX, implied_volatility_e9, prices,
};
use proptest::prelude::*;

/// A number whose logarithm is uniform: as many small ones as large ones.
fn spread(maximum: i64) -> impl Strategy<Value = i64> {
    (any::<u64>(), 0_u32..64).prop_map(move |(bits, shift)| {
        i64::try_from(bits >> shift).unwrap_or(i64::MAX).clamp(1, maximum)
    })
}

/// Integers of every size and sign.
fn any_integer() -> impl Strategy<Value = i64> {
    prop_oneof![4 => spread(i64::MAX), 1 => any::<i64>()]
}

/// Options over the whole range, most of them near enough to the money to have time value.
fn any_option() -> impl Strategy<Value = Black76> {
    let money = (spread(PRICE_MAX), any::<i64>(), 0_u32..63);
    let strike = money.prop_map(|(forward, bits, shift)| {
        let distance = (i128::from(bits) * i128::from(forward)) >> 63 >> shift;
        let strike = i128::from(forward) + distance;
        (forward, i64::try_from(strike).unwrap().clamp(1, PRICE_MAX))
    });
    (strike, spread(VOL_E9_MAX), spread(SECONDS_MAX)).prop_map(
        |((forward, strike), vol_e9, seconds)| Black76 { forward, strike, vol_e9, seconds },
    )
}

/// Two different values, the smaller first.
fn ordered(a: i64, b: i64) -> (i64, i64) {
    (a.min(b), a.max(b))
}

fn price(option: Black76) -> Prices {
    option.prices().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn parity_is_exact_and_prices_stay_within_their_bounds(option in any_option()) {
        let Black76 { forward, strike, .. } = option;
        let Prices { call, put } = price(option);
        prop_assert_eq!(call - put, forward - strike);
        prop_assert!((forward - strike).max(0) <= call && call <= forward);
        prop_assert!((strike - forward).max(0) <= put && put <= strike);
    }

    #[test]
    fn prices_rise_with_volatility_and_with_time(
        option in any_option(),
        vol_e9 in spread(VOL_E9_MAX),
        seconds in spread(SECONDS_MAX),
    ) {
        let (less, more) = ordered(option.vol_e9, vol_e9);
        let calm = price(Black76 { vol_e9: less, ..option });
        let wild = price(Black76 { vol_e9: more, ..option });
        prop_assert!(calm.call <= wild.call);
        let (less, more) = ordered(option.seconds, seconds);
        let soon = price(Black76 { seconds: less, ..option });
        let late = price(Black76 { seconds: more, ..option });
        prop_assert!(soon.call <= late.call);
        let next = Black76 { vol_e9: (option.vol_e9 + 1).min(VOL_E9_MAX), ..option };
        prop_assert!(price(option).call <= price(next).call);
    }

    #[test]
    fn a_call_moves_with_the_forward_and_against_the_strike(
        option in any_option(),
        other in spread(PRICE_MAX),
        step in 1_i64..1_000,
    ) {
        for forward in [other, (option.forward + step).min(PRICE_MAX)] {
            let (less, more) = ordered(option.forward, forward);
            let lower = price(Black76 { forward: less, ..option });
            let higher = price(Black76 { forward: more, ..option });
            prop_assert!(lower.call <= higher.call && lower.put >= higher.put);
            prop_assert!(higher.call - lower.call <= more - less + 1);
        }
        for strike in [other, (option.strike + step).min(PRICE_MAX)] {
            let (less, more) = ordered(option.strike, strike);
            let lower = price(Black76 { strike: less, ..option });
            let higher = price(Black76 { strike: more, ..option });
            prop_assert!(lower.call >= higher.call && lower.put <= higher.put);
        }
    }

    #[test]
    fn a_butterfly_is_worth_nothing_less_than_its_rounding(
        option in any_option(),
        wing in spread(PRICE_MAX / 2),
    ) {
        let Black76 { strike, .. } = option;
        let wing = wing.min(strike - 1).min(PRICE_MAX - strike);
        prop_assume!(wing > 0);
        let call = |strike| price(Black76 { strike, ..option }).call;
        // Three roundings of at most a half, the middle one twice.
        prop_assert!(call(strike - wing) - 2 * call(strike) + call(strike + wing) >= -2);
    }

    #[test]
    fn exchanging_forward_and_strike_exchanges_call_and_put(option in any_option()) {
        let mirrored = Black76 { forward: option.strike, strike: option.forward, ..option };
        let (Prices { call, put }, mirror) = (price(option), price(mirrored));
        prop_assert_eq!((call, put), (mirror.put, mirror.call));
    }

    #[test]
    fn prepared_parts_give_the_same_price(option in any_option()) {
        let forward = LogPrice::new(Field::Forward, option.forward).unwrap();
        let strike = LogPrice::new(Field::Strike, option.strike).unwrap();
        let deviation = Deviation::new(option.vol_e9, option.seconds).unwrap();
        prop_assert_eq!(prices(&forward, &strike, &deviation), price(option));
    }

    #[test]
    fn nothing_panics_on_any_input(
        forward in any_integer(),
        strike in any_integer(),
        vol_e9 in any_integer(),
        seconds in any_integer(),
        target in any_integer(),
        is_call: bool,
    ) {
        let option = Black76 { forward, strike, vol_e9, seconds };
        let in_range = (1..=PRICE_MAX).contains(&forward)
            && (1..=PRICE_MAX).contains(&strike)
            && vol_e9 <= VOL_E9_MAX
            && seconds <= SECONDS_MAX;
        prop_assert_eq!(option.prices().is_ok(), in_range);
        prop_assert_eq!(option.greeks().is_ok(), in_range);
        let side = if is_call { Side::Call } else { Side::Put };
        let implied = implied_volatility_e9(side, target, forward, strike, seconds);
        prop_assert!(implied.is_err() || (1..=PRICE_MAX).contains(&forward));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn greeks_keep_their_signs_and_symmetry(option in any_option()) {
        let greeks = option.greeks().unwrap();
        prop_assert!((0..=1_000_000_000).contains(&greeks.delta_call_e9));
        prop_assert_eq!(greeks.delta_call_e9 - greeks.delta_put_e9, 1_000_000_000);
        prop_assert!(greeks.gamma_e15 >= 0 && greeks.vega >= 0 && greeks.theta_per_day <= 0);
        // F n(d1) = K n(d2): exchanging forward and strike keeps vega and theta.
        let mirrored = Black76 { forward: option.strike, strike: option.forward, ..option };
        let mirror = mirrored.greeks().unwrap();
        prop_assert_eq!(greeks.vega, mirror.vega);
        prop_assert_eq!(greeks.theta_per_day, mirror.theta_per_day);
    }

    #[test]
    fn implied_volatility_is_the_smallest_that_reaches_the_price(
        option in any_option(),
        is_call: bool,
    ) {
        let Black76 { forward, strike, vol_e9, seconds } = option;
        let side = if is_call { Side::Call } else { Side::Put };
        let of = |prices: Prices| if is_call { prices.call } else { prices.put };
        let target = of(price(option));
        match implied_volatility_e9(side, target, forward, strike, seconds) {
            Ok(found) => {
                prop_assert!(found <= vol_e9);
                let at = |vol_e9| of(price(Black76 { vol_e9, ..option }));
                prop_assert_eq!(at(found), target);
                prop_assert!(at(found - 1) < target);
            }
            Err(ImpliedVolatilityError::NoVega) => {
                prop_assert_eq!(target, of(price(Black76 { vol_e9: 0, ..option })));
            }
            Err(ImpliedVolatilityError::AboveMaximum { maximum }) => {
                prop_assert_eq!(target, maximum);
            }
            Err(error) => prop_assert!(false, "a price of the formula gave {}", error),
        }
    }
}
