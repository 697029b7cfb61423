//! The series against identities and against digits from tables.

use proptest::prelude::*;

use super::Wide;

/// Whether two numbers are within 2^exponent of each other.
fn close(a: &Wide, b: &Wide, exponent: i32) -> bool {
    a.difference(b).0 < Wide::power_of_two(exponent)
}

/// floor(10^36 x) for x below 10^2.
fn digits(x: &Wide) -> u128 {
    let scaled = x.times(&Wide::from_integer(10_u128.pow(36)));
    scaled.round() - u128::from(scaled < Wide::from_integer(scaled.round()))
}

/// arctan(1 / n) by its alternating series.
fn arctangent_of_inverse(n: u64) -> Wide {
    let (mut plus, mut minus) = (Wide::ZERO, Wide::ZERO);
    let mut power = Wide::ONE.over_integer(n);
    for k in 0_u64.. {
        if power.is_zero() {
            break;
        }
        let term = power.over_integer(2 * k + 1);
        if k % 2 == 0 {
            plus = plus.plus(&term);
        } else {
            minus = minus.plus(&term);
        }
        power = power.over_integer(n * n);
    }
    plus.saturating_minus(&minus)
}

#[test]
fn the_constant_ln_2_is_twice_the_artanh_of_a_third() {
    let mut sum = Wide::ZERO;
    let mut power = Wide::ONE.over_integer(3);
    for k in 0_u64..200 {
        sum = sum.plus(&power.over_integer(2 * k + 1));
        power = power.over_integer(9);
    }
    assert!(close(&sum.plus(&sum), &Wide::LN_2, -246));
}

#[test]
fn the_constant_density_squared_times_two_pi_is_one() {
    // Machin: pi = 16 arctan(1/5) - 4 arctan(1/239).
    let pi = arctangent_of_inverse(5)
        .times_integer(16)
        .saturating_minus(&arctangent_of_inverse(239).times_integer(4));
    assert_eq!(digits(&pi), 3_141_592_653_589_793_238_462_643_383_279_502_884);
    let product = pi.times_integer(2).times(&Wide::DENSITY_AT_ZERO.times(&Wide::DENSITY_AT_ZERO));
    assert!(close(&product, &Wide::ONE, -245));
}

#[test]
fn functions_match_the_digits_of_tables() {
    assert_eq!(digits(&Wide::ln(10)), 2_302_585_092_994_045_684_017_991_454_684_364_207);
    let e_inverse = Wide::ONE.exp_negative();
    assert_eq!(digits(&e_inverse), 367_879_441_171_442_321_595_523_770_161_460_867);
    let root = Wide::from_integer(2).inverse_square_root();
    assert_eq!(digits(&root), 707_106_781_186_547_524_400_844_362_104_849_039);
    assert_eq!(digits(&Wide::ONE.normal_tail()), 158_655_253_931_457_051_414_767_454_367_962_077);
    let density = Wide::ONE.normal_density();
    assert_eq!(digits(&density), 241_970_724_519_143_349_797_830_192_935_560_654);
    // N(-12) = 1.776482112077678997e-33; the cancellation costs a hundred bits there.
    let far = Wide::from_integer(1_776_482_112_077_678_997)
        .over_integer(10_u64.pow(17))
        .over_integer(10_u64.pow(17))
        .over_integer(10_u64.pow(17));
    assert!(close(&Wide::from_integer(12).normal_tail(), &far, -150));
}

#[test]
fn the_extremes_of_the_square_root_are_as_good_as_its_middle() {
    for exponent in -86..86 {
        let v = Wide::power_of_two(exponent).plus(&Wide::power_of_two(exponent - 2));
        let y = v.inverse_square_root();
        assert!(close(&v.times(&y.times(&y)), &Wide::ONE, -120), "2^{exponent}");
    }
}

#[test]
fn rounding_is_to_nearest_with_halves_up() {
    let half = Wide::ONE.half();
    let hair = Wide::power_of_two(-256);
    assert_eq!(half.round(), 1);
    assert_eq!(half.saturating_minus(&hair).round(), 0);
    assert_eq!(Wide::from_integer(41).plus(&half).round(), 42);
    assert_eq!(Wide::from_integer(41).saturating_minus(&half).round(), 41);
}

#[test]
#[should_panic(expected = "a wide product must stay below 2^128")]
fn an_overflow_is_caught() {
    let large = Wide::power_of_two(64);
    let _ = large.times(&large);
}

fn any_wide() -> impl Strategy<Value = Wide> {
    (any::<[u64; 4]>(), any::<u32>()).prop_map(|([a, b, c, d], integer)| {
        Wide::from_fraction([a, b, c, d]).plus(&Wide::from_integer(u128::from(integer)))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn arithmetic_keeps_its_laws(a in any_wide(), b in any_wide(), n in 1..u64::MAX) {
        prop_assert_eq!(a.plus(&b).saturating_minus(&b), a);
        prop_assert_eq!(a.times(&b), b.times(&a));
        prop_assert_eq!(a.times(&Wide::ONE), a);
        prop_assert_eq!(a.plus(&a).half(), a);
        prop_assert_eq!(a.over_integer(n).times_integer(n).plus(&Wide::ZERO) <= a, true);
        prop_assert_eq!(a.times_integer(3), a.plus(&a).plus(&a));
        prop_assert_eq!(a.times(&Wide::power_of_two(-1)), a.half());
        let (difference, negative) = a.difference(&b);
        let back = if negative { a.plus(&difference) } else { b.plus(&difference) };
        prop_assert_eq!(back, if negative { b } else { a });
    }

    #[test]
    fn ln_turns_products_into_sums(a in 1..u64::from(u32::MAX), b in 1..u64::from(u32::MAX >> 1)) {
        prop_assert!(close(&Wide::ln(a * b), &Wide::ln(a).plus(&Wide::ln(b)), -240));
    }

    #[test]
    fn exp_undoes_ln(v in 1_u64..1 << 62) {
        let product = Wide::ln(v).exp_negative().times_integer(v);
        prop_assert!(close(&product, &Wide::ONE, -170));
    }

    #[test]
    fn the_tail_falls_at_the_rate_of_the_density(z_e3 in 0_u64..9_000) {
        // Midpoint rule over a step h: the error is below h^3 / 24 * max |n''| < h^3 / 24.
        let z = Wide::from_integer(u128::from(z_e3)).over_integer(1_000);
        let step = Wide::power_of_two(-60);
        let fall = z.normal_tail().saturating_minus(&z.plus(&step).normal_tail());
        let expected = z.plus(&step.half()).normal_density().times(&step);
        prop_assert!(close(&fall, &expected, -183));
    }
}
