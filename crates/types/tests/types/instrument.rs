//! Names of instruments and the calendar behind them.

use crate::arbitrary::{instrument_name, named_instrument};
use lockstep_types::instrument::*;
use lockstep_types::{Price, TimeMs};
use proptest::collection::vec;
use proptest::prelude::*;

const DAY_MS: i64 = 86_400_000;

fn parse(text: &str) -> Result<InstrumentName, NameError> {
    text.parse()
}

#[test]
fn names_read_as_the_field_writes_them() {
    let expiry = TimeMs(1_774_598_400_000);
    for (text, contract) in [
        ("BTC_USDC-PERPETUAL", Contract::Perpetual),
        ("BTC_USDC-27MAR26", Contract::Future { expiry }),
        (
            "BTC_USDC-27MAR26-60000-C",
            Contract::Option { expiry, strike: Price(60_000_000_000), side: OptionSide::Call },
        ),
        (
            "BTC_USDC-27MAR26-0d625-P",
            Contract::Option { expiry, strike: Price(625_000), side: OptionSide::Put },
        ),
        (
            "BTC_USDC-27MAR26-9223372036854d775807-P",
            Contract::Option { expiry, strike: Price::MAX, side: OptionSide::Put },
        ),
    ] {
        let name = parse(text).unwrap();
        assert_eq!(name.contract, contract);
        assert_eq!(name.underlying.as_str(), "BTC");
        assert_eq!(name.to_string(), text);
    }
    assert_eq!(parse("A_USDC-1JAN00").unwrap().contract.expiry(), Some(TimeMs(946_713_600_000)));
    assert_eq!(parse("ABCDEFG8_USDC-PERPETUAL").unwrap().underlying.as_str(), "ABCDEFG8");
}

#[test]
fn malformed_names_are_refused_with_their_reason() {
    use NameError::*;
    for (text, error) in [
        ("", Form),
        ("-", Form),
        ("BTC_USDC", Form),
        ("BTC-PERPETUAL", Form),
        ("BTC_USD-PERPETUAL", Form),
        ("BTC_USDT-PERPETUAL", Form),
        ("BTC_usdc-PERPETUAL", Form),
        ("BTC_USDC-27MAR26-60000", Form),
        ("BTC_USDC-27MAR26-60000-C-", Form),
        ("BTC_USDC-27MAR26-60000-C-C", Form),
        ("BTC_USDC-27MAR26-60000-c", Form),
        ("BTC_USDC-27MAR26-60000-X", Form),
        ("BTC_USDC-27MAR26-60000-", Form),
        ("BTC_USDC-27MAR26-60000-CALL", Form),
        ("BTC_USDC-27MAR26--60000-C", Form),
        ("_USDC-PERPETUAL", Ticker),
        ("btc_USDC-PERPETUAL", Ticker),
        ("1BTC_USDC-PERPETUAL", Ticker),
        ("BTCBTCBTC_USDC-PERPETUAL", Ticker),
        ("B C_USDC-PERPETUAL", Ticker),
        ("BTC_USDC_USDC-PERPETUAL", Ticker),
        ("BTC\0_USDC-PERPETUAL", Ticker),
        ("ВТС_USDC-PERPETUAL", Ticker),
        ("BTC_USDC-", Date),
        ("BTC_USDC-perpetual", Date),
        ("BTC_USDC-PERPETUAL ", Date),
        ("BTC_USDC-PERPETUAL-60000-C", Date),
        ("BTC_USDC-MAR26", Date),
        ("BTC_USDC-07MAR26", Date),
        ("BTC_USDC-0MAR26", Date),
        ("BTC_USDC-00MAR26", Date),
        ("BTC_USDC-32MAR26", Date),
        ("BTC_USDC-99MAR26", Date),
        ("BTC_USDC-127MAR26", Date),
        ("BTC_USDC-+7MAR26", Date),
        ("BTC_USDC-27mar26", Date),
        ("BTC_USDC-27Mar26", Date),
        ("BTC_USDC-27MRZ26", Date),
        ("BTC_USDC-27MAR2026", Date),
        ("BTC_USDC-27MAR6", Date),
        ("BTC_USDC-27MAR+6", Date),
        ("BTC_USDC-29FEB26", Date),
        ("BTC_USDC-30FEB24", Date),
        ("BTC_USDC-31APR26", Date),
        ("BTC_USDC-31JUN26", Date),
        ("BTC_USDC-31SEP26", Date),
        ("BTC_USDC-31NOV26", Date),
        ("BTC_USDC-27ÄR26", Date),
        ("BTC_USDC-2٣MAR26", Date),
        ("BTC_USDC-é", Date),
        ("BTC_USDC-32MAR26-60000-C", Date),
        ("BTC_USDC-27MAR26-0-C", Strike),
        ("BTC_USDC-27MAR26-00-C", Strike),
        ("BTC_USDC-27MAR26-060000-C", Strike),
        ("BTC_USDC-27MAR26-60000d-C", Strike),
        ("BTC_USDC-27MAR26-60000d0-C", Strike),
        ("BTC_USDC-27MAR26-60000d50-C", Strike),
        ("BTC_USDC-27MAR26-d5-C", Strike),
        ("BTC_USDC-27MAR26-0d0-C", Strike),
        ("BTC_USDC-27MAR26-60000.5-C", Strike),
        ("BTC_USDC-27MAR26-1d2d3-C", Strike),
        ("BTC_USDC-27MAR26-0d0000001-C", Strike),
        ("BTC_USDC-27MAR26-1d0000000-C", Strike),
        ("BTC_USDC-27MAR26-+5-C", Strike),
        ("BTC_USDC-27MAR26-6e4-C", Strike),
        ("BTC_USDC-27MAR26- 5-C", Strike),
        ("BTC_USDC-27MAR26--C", Strike),
        ("BTC_USDC-27MAR26-9223372036854d775808-C", Strike),
        ("BTC_USDC-27MAR26-99999999999999999999999999999999999999999-C", Strike),
    ] {
        assert_eq!(parse(text), Err(error), "{text:?}");
    }
}

#[test]
fn every_error_cites_the_rule() {
    for error in [NameError::Ticker, NameError::Form, NameError::Date, NameError::Strike] {
        assert!(error.to_string().starts_with("I2: "));
    }
}

/// Days of each month, by the rule that everybody knows.
fn days_of_month(year: i64, month: i64) -> i64 {
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 31,
    }
}

#[test]
fn the_calendar_agrees_with_counting_days_one_by_one() {
    let mut day_number = days_from_civil(1600, 1, 1);
    assert_eq!(day_number, -135_140);
    for year in 1600..=2400 {
        for month in 1..=12 {
            for day in 1..=days_of_month(year, month) {
                assert_eq!(days_from_civil(year, month, day), day_number, "{year}-{month}-{day}");
                assert_eq!(civil_from_days(day_number), (year, month, day));
                day_number += 1;
            }
        }
    }
    assert_eq!(civil_from_days(0), (1970, 1, 1));
}

#[test]
fn the_calendar_holds_wherever_a_time_can_point() {
    for days in [i64::MIN / DAY_MS - 1, -719_469, -719_468, -1, i64::MAX / DAY_MS] {
        let (year, month, day) = civil_from_days(days);
        assert_eq!(days_from_civil(year, month, day), days);
    }
}

#[test]
fn every_day_of_the_two_digit_years_has_one_name() {
    let months = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN"]
        .into_iter()
        .chain(["JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]);
    let months: Vec<&str> = months.collect();
    let mut expected = days_from_civil(2000, 1, 1) * DAY_MS + 8 * 3_600_000;
    for year in 0..=99_i64 {
        for (index, month) in months.iter().enumerate() {
            let number = i64::try_from(index).unwrap() + 1;
            for day in 1..=31 {
                let text = format!("ETH_USDC-{day}{month}{year:02}");
                if day <= days_of_month(2000 + year, number) {
                    let name = parse(&text).unwrap();
                    let expiry = TimeMs(expected);
                    assert_eq!(name.contract, Contract::Future { expiry }, "{text}");
                    assert_eq!(expiry, expiry_of_date(2000 + year, number, day));
                    assert_eq!(name.to_string(), text);
                    expected += DAY_MS;
                } else {
                    assert_eq!(parse(&text), Err(NameError::Date), "{text}");
                }
            }
        }
    }
}

#[test]
fn what_has_no_name_is_told_apart() {
    let underlying = Ticker::new("BTC").unwrap();
    let future = |expiry| InstrumentName { underlying, contract: Contract::Future { expiry } };
    let first = expiry_of_date(2000, 1, 1);
    let last = expiry_of_date(2099, 12, 31);
    assert_eq!(future(first).validate(), Ok(()));
    assert_eq!(future(last).validate(), Ok(()));
    for expiry in [
        TimeMs(first.0 - DAY_MS),
        TimeMs(last.0 + DAY_MS),
        TimeMs(first.0 + 1),
        TimeMs(first.0 + DAY_MS / 2),
        TimeMs::MIN,
        TimeMs::MAX,
    ] {
        assert_eq!(future(expiry).validate(), Err(NameError::Date), "{expiry}");
    }
    for strike in [Price(0), Price(-1), Price::MIN] {
        let contract = Contract::Option { expiry: first, strike, side: OptionSide::Put };
        let name = InstrumentName { underlying, contract };
        assert_eq!(name.validate(), Err(NameError::Strike));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_has_a_name_reads_back(name in named_instrument()) {
        prop_assert_eq!(name.validate(), Ok(()));
        prop_assert_eq!(parse(&name.to_string()), Ok(name));
    }

    #[test]
    fn validity_means_that_the_name_reads_back(name in instrument_name()) {
        let reads_back = parse(&name.to_string()) == Ok(name);
        prop_assert_eq!(name.validate().is_ok(), reads_back, "{}", name);
    }

    #[test]
    fn parsing_never_panics_and_accepts_one_spelling(text in vec(any::<char>(), 0..30)) {
        let text: String = text.into_iter().collect();
        if let Ok(name) = parse(&text) {
            prop_assert_eq!(name.to_string(), text);
        }
    }

    #[test]
    fn a_name_with_a_letter_changed_is_another_or_none(
        name in named_instrument(),
        place in any::<prop::sample::Index>(),
        letter in prop_oneof![any::<char>(), proptest::char::range(' ', '~')],
    ) {
        let mut letters: Vec<char> = name.to_string().chars().collect();
        let place = place.index(letters.len());
        let changed = letters[place] != letter;
        letters[place] = letter;
        let text: String = letters.into_iter().collect();
        if let Ok(other) = parse(&text) {
            prop_assert_eq!(other.to_string(), text);
            prop_assert_eq!(other != name, changed);
        }
    }

    #[test]
    fn tickers_are_one_to_eight_capitals_or_digits(
        text in vec(proptest::char::range('\0', 'z'), 0..10),
    ) {
        let text: String = text.into_iter().collect();
        let legal = (1..=8).contains(&text.len())
            && text.starts_with(|first: char| first.is_ascii_uppercase())
            && text.chars().all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit());
        match Ticker::new(&text) {
            Ok(ticker) => {
                prop_assert!(legal);
                prop_assert_eq!((ticker.as_str(), ticker.to_string()), (&*text, text.clone()));
            }
            Err(error) => prop_assert!(!legal && error == NameError::Ticker),
        }
    }
}
