//! The calendar over fifty years, and strikes at the edges.

use super::*;
use lockstep_types::instrument::expiry_of_date;
use std::vec;

fn day(year: i64, month: i64, day: i64) -> i64 {
    days_from_civil(year, month, day)
}

#[test]
fn a_trading_day_begins_at_eight() {
    let expiry = expiry_of_date(2026, 3, 2);
    assert_eq!(trading_day(expiry), day(2026, 3, 2));
    assert_eq!(trading_day(TimeMs(expiry.0 - 1)), day(2026, 3, 1));
    assert_eq!(expiry_of(day(2026, 3, 2)), expiry);
}

#[test]
fn fridays_are_fridays() {
    assert!(is_friday(day(2026, 3, 27)) && is_friday(day(1969, 12, 26)));
    assert!(!is_friday(day(2026, 3, 26)));
}

#[test]
fn the_days_of_a_year_end_are_dailies_fridays_and_last_fridays() {
    let dates = [
        (2025, 12, 31),
        (2026, 1, 1),
        (2026, 1, 2),
        (2026, 1, 9),
        (2026, 1, 16),
        (2026, 1, 30),
        (2026, 2, 27),
        (2026, 3, 27),
        (2026, 6, 26),
        (2026, 9, 25),
        (2026, 12, 25),
    ];
    let days: Vec<i64> = dates.map(|(year, month, date)| day(year, month, date)).into();
    assert_eq!(expiry_days(day(2025, 12, 30)), days);
}

#[test]
fn there_are_never_more_than_twelve_expiries_and_each_is_later() {
    for today in day(2000, 1, 1)..day(2050, 1, 1) {
        let days = expiry_days(today);
        assert!(days.len() <= crate::listing::EXPIRIES_MAX, "{today}");
        assert!(days.is_sorted_by(|a, b| a < b) && days[0] == today + 1);
        assert!(days[3..].iter().all(|day| is_friday(*day)));
        let quarters = days.iter().filter(|day| {
            let next_friday_month = civil_from_days(**day + 7).1;
            ends_quarter(**day) && next_friday_month != civil_from_days(**day).1
        });
        assert!(quarters.count() >= 4, "{today}");
    }
}

#[test]
fn a_listed_expiry_stays_on_the_calendar_until_it_is_over() {
    for today in day(2026, 1, 1)..day(2030, 1, 1) {
        let (now, next) = (expiry_days(today), expiry_days(today + 1));
        let lost: Vec<&i64> = now.iter().filter(|day| !next.contains(day)).collect();
        assert_eq!(lost, vec![&(today + 1)]);
    }
}

#[test]
fn strikes_surround_the_forward_and_are_positive() {
    let around = strikes(Price(100_400), 1_000);
    assert_eq!((around.len(), around[0], around[20]), (21, Price(90_000), Price(110_000)));
    assert_eq!(strikes(Price(100_500), 1_000)[10], Price(101_000));
    let low = strikes(Price(3_000), 1_000);
    assert_eq!((low[0], low.len()), (Price(1_000), 13));
    assert_eq!(strikes(Price(0), 1_000), []);
    assert_eq!(strikes(Price(1_000), 0), []);
    assert!(strikes(Price(i64::MAX), 1).len() <= 21);
}

#[test]
fn strikes_are_wider_apart_the_later_they_expire() {
    let multiples: Vec<i64> = (1..400).map(strike_multiple).collect();
    assert!(multiples.is_sorted());
    assert_eq!((multiples[0], multiples[398]), (1, 10));
}
