//! Which expiries there should be on a day, and which strikes (I4): pure functions of numbers.
//!
//! Days are numbered from the Unix epoch; a trading day begins at 08:00 UTC, when the day before
//! expires. Dailies, weeklies (Fridays), monthlies and quarterlies (last Fridays) overlap: a date
//! is listed once. Only dailies that are nothing else have no future.

use alloc::vec::Vec;
use lockstep_types::instrument::{EXPIRY_TIME_OF_DAY_MS, civil_from_days, days_from_civil};
use lockstep_types::units::{DAY_MS, Price, TimeMs};

/// Days ahead that expire daily.
const DAILIES: i64 = 3;
/// Fridays ahead.
const WEEKLIES: usize = 3;
/// Last Fridays of months ahead.
const MONTHLIES: usize = 3;
/// Last Fridays of quarters ahead.
const QUARTERLIES: usize = 4;
/// Strikes on each side of the one at the forward.
const STRIKES_EACH_SIDE: i64 = 10;

/// The trading day at a time: the number of the day whose 08:00 was the latest.
#[must_use]
pub const fn trading_day(now: TimeMs) -> i64 {
    now.0.saturating_sub(EXPIRY_TIME_OF_DAY_MS).div_euclid(DAY_MS)
}

/// 08:00 UTC of a day.
#[must_use]
pub fn expiry_of(day: i64) -> TimeMs {
    TimeMs(day * DAY_MS + EXPIRY_TIME_OF_DAY_MS)
}

/// Whether a day is a Friday; the epoch was a Thursday.
#[must_use]
pub const fn is_friday(day: i64) -> bool {
    day.rem_euclid(7) == 1
}

/// The last Friday of the month that begins `ahead` months after the one of `day`.
fn last_friday(day: i64, ahead: i64) -> i64 {
    let (year, month, _) = civil_from_days(day);
    // Months since year 0, so that carrying over years is a division.
    let next = year * 12 + month + ahead;
    let last = days_from_civil(next.div_euclid(12), next.rem_euclid(12) + 1, 1) - 1;
    last - (last - 1).rem_euclid(7)
}

/// Whether the month of a day ends a quarter.
fn ends_quarter(day: i64) -> bool {
    civil_from_days(day).1 % 3 == 0
}

/// The days whose 08:00 should be listed on trading day `today`, ascending; each is later.
#[must_use]
pub fn expiry_days(today: i64) -> Vec<i64> {
    let mut days: Vec<i64> = (today + 1..=today + DAILIES).collect();
    days.extend((today + 1..).filter(|day| is_friday(*day)).take(WEEKLIES));
    let month_ends = || (0..).map(|ahead| last_friday(today, ahead)).filter(|day| *day > today);
    days.extend(month_ends().take(MONTHLIES));
    days.extend(month_ends().filter(|day| ends_quarter(*day)).take(QUARTERLIES));
    days.sort_unstable();
    days.dedup();
    days
}

/// Whether a day's expiry has a dated future: every Friday.
#[must_use]
pub const fn has_future(day: i64) -> bool {
    is_friday(day)
}

/// How many steps apart the strikes of an expiry so many days ahead are.
#[must_use]
pub const fn strike_multiple(days_ahead: i64) -> i64 {
    match days_ahead {
        ..=3 => 1,
        4..=21 => 2,
        22..=100 => 5,
        _ => 10,
    }
}

/// The strikes that should be listed around a forward, ascending: multiples of `step`, ten on each
/// side of the one next to the forward, as far as they are positive.
///
/// Empty unless forward and step are positive.
#[must_use]
pub fn strikes(forward: Price, step: i64) -> Vec<Price> {
    if forward.0 <= 0 || step <= 0 {
        return Vec::new();
    }
    let centre = (forward.0.saturating_add(step / 2)) / step;
    let numbers = (centre - STRIKES_EACH_SIDE).max(1)..=centre.saturating_add(STRIKES_EACH_SIDE);
    numbers.filter_map(|number| number.checked_mul(step)).map(Price).collect()
}

#[cfg(test)]
mod tests;
