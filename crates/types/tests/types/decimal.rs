//! People's decimals.

use lockstep_types::decimal::{Decimal, DecimalError, PLACES_MAX, parse};
use proptest::collection::vec;
use proptest::prelude::*;

fn print(value: i64, places: u32) -> String {
    Decimal { value, places }.to_string()
}

#[test]
fn the_limits_print_and_parse_at_every_place() {
    for places in 0..=PLACES_MAX {
        for value in [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX] {
            assert_eq!(parse(&print(value, places), places), Ok(value));
        }
    }
    assert_eq!(print(i64::MIN, 6), "-9223372036854.775808");
    assert_eq!(parse("9223372036854.775807", 6), Ok(i64::MAX));
    assert_eq!(parse("9223372036854.775808", 6), Err(DecimalError::OutOfRange));
    assert_eq!(parse("-9223372036854.775808", 6), Ok(i64::MIN));
    assert_eq!(parse("-9223372036854.775809", 6), Err(DecimalError::OutOfRange));
    assert_eq!(parse("9223372036855", 6), Err(DecimalError::OutOfRange));
    // Beyond 64 and beyond 128 bits, in both parts.
    assert_eq!(parse("18446744073709551616", 0), Err(DecimalError::OutOfRange));
    assert_eq!(parse(&"9".repeat(1_000), 0), Err(DecimalError::OutOfRange));
    assert_eq!(parse("18446744073709551615", 18), Err(DecimalError::OutOfRange));
    assert_eq!(parse(&format!("{}1", "0".repeat(1_000)), 6), Ok(1_000_000));
    assert_eq!(parse(&format!("0.{}", "0".repeat(1_000)), 6), Ok(0));
}

#[test]
fn decimals_scale_exactly() {
    for (text, places, value) in [
        ("61250.5", 6, 61_250_500_000),
        ("0.000001", 6, 1),
        ("-0.000001", 6, -1),
        ("007", 0, 7),
        ("-0", 6, 0),
        ("1.500000000000000", 1, 15),
        ("1.0", 0, 1),
    ] {
        assert_eq!(parse(text, places), Ok(value), "{text}");
    }
}

#[test]
fn what_is_no_number_is_malformed_whatever_else_is_wrong() {
    for text in [
        "",
        "-",
        ".",
        "-.",
        "1.",
        ".5",
        "-.5",
        "+1",
        "--1",
        "1-",
        "1e3",
        "1E3",
        "0x1",
        " 1",
        "1 ",
        "1,000",
        "1_000",
        "1.2.3",
        "1..2",
        "inf",
        "NaN",
        "٣",
        "１",
        "1.٣",
        "\0",
        "1\0",
        "1.5x",
        "99999999999999999999999999x",
        "99999999999999999999999999.5x",
        "1.1234567x",
        "−1",
    ] {
        assert_eq!(parse(text, 6), Err(DecimalError::Malformed), "{text:?}");
    }
}

#[test]
fn digits_beyond_the_unit_are_refused_unless_zero() {
    let fine = DecimalError::TooFine { places: 6 };
    assert_eq!(parse("1.0000001", 6), Err(fine));
    assert_eq!(parse("0.00000000000001", 6), Err(fine));
    assert_eq!(parse("1.5", 0), Err(DecimalError::TooFine { places: 0 }));
    assert_eq!(parse("1.5000000", 6), Ok(1_500_000));
    assert_eq!(fine.to_string(), "more than 6 digits after the point");
}

#[test]
#[should_panic(expected = "a power of ten that fits 64 bits")]
fn a_unit_finer_than_64_bits_is_a_broken_invariant() {
    let _ = parse("0", PLACES_MAX + 1);
}

proptest! {
    #[test]
    fn printing_round_trips(value in any::<i64>(), places in 0..=PLACES_MAX) {
        let text = print(value, places);
        prop_assert_eq!(parse(&text, places), Ok(value));
        // The shortest spelling: no zeros at the end of a fraction.
        prop_assert!(!text.contains('.') || !text.ends_with('0'), "{}", text);
    }

    #[test]
    fn parsing_never_panics(text in vec(any::<char>(), 0..40), places in 0..=PLACES_MAX) {
        let _ = parse(&text.into_iter().collect::<String>(), places);
    }

    #[test]
    fn what_parses_has_the_value_that_its_digits_say(
        text in vec(proptest::sample::select(b"0123456789.-0123456789".to_vec()), 0..24),
        places in 0..=PLACES_MAX,
    ) {
        let text = String::from_utf8(text).unwrap();
        if let Ok(value) = parse(&text, places) {
            // Another way to the same number: drop the point, then compare exactly.
            let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
            let fraction = fraction.trim_end_matches('0');
            prop_assert!(u32::try_from(fraction.len()).unwrap() <= places);
            let zeros = "0".repeat(usize::try_from(places).unwrap() - fraction.len());
            let digits: i128 = format!("{whole}{fraction}{zeros}").parse().unwrap();
            prop_assert_eq!(digits, i128::from(value));
        }
    }
}
