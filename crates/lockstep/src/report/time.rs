//! UTC times as people read them. Proleptic Gregorian calendar, no leap seconds.

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Times are shown from 1 January 1900 to 31 December 9999; others are drawn at these ends.
const TIME_MS_MIN: i64 = -25_567 * DAY_MS;
const TIME_MS_MAX: i64 = 2_932_897 * DAY_MS - 1;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Steps between the ticks of a time axis, milliseconds.
const STEPS_MS: [i64; 27] = [
    1,
    5,
    20,
    100,
    500,
    SECOND_MS,
    2 * SECOND_MS,
    5 * SECOND_MS,
    15 * SECOND_MS,
    30 * SECOND_MS,
    MINUTE_MS,
    2 * MINUTE_MS,
    5 * MINUTE_MS,
    10 * MINUTE_MS,
    15 * MINUTE_MS,
    30 * MINUTE_MS,
    HOUR_MS,
    2 * HOUR_MS,
    3 * HOUR_MS,
    6 * HOUR_MS,
    12 * HOUR_MS,
    DAY_MS,
    2 * DAY_MS,
    7 * DAY_MS,
    30 * DAY_MS,
    91 * DAY_MS,
    365 * DAY_MS,
];

/// Most ticks of a time axis.
const TICKS_MAX: i64 = 9;

/// A time within the range that can be shown.
pub fn clamp(time_ms: i64) -> i64 {
    time_ms.clamp(TIME_MS_MIN, TIME_MS_MAX)
}

/// `10 Oct 2025`.
pub fn date(time_ms: i64) -> String {
    let (year, month, day) = civil(time_ms);
    format!("{day} {} {year}", MONTHS[month])
}

/// `21:14`, or as fine as `step_ms` needs.
pub fn clock(time_ms: i64, step_ms: i64) -> String {
    let in_day = clamp(time_ms).rem_euclid(DAY_MS);
    let (hour, minute) = (in_day / HOUR_MS, in_day / MINUTE_MS % 60);
    let (second, milli) = (in_day / SECOND_MS % 60, in_day % SECOND_MS);
    if step_ms >= MINUTE_MS {
        format!("{hour:02}:{minute:02}")
    } else if step_ms >= SECOND_MS {
        format!("{hour:02}:{minute:02}:{second:02}")
    } else {
        format!("{hour:02}:{minute:02}:{second:02}.{milli:03}")
    }
}

/// `10 Oct 2025, 20:00–22:30 UTC`, or with both dates if they differ.
pub fn range(start_ms: i64, end_ms: i64) -> String {
    let step_ms =
        if end_ms.saturating_sub(start_ms) < 10 * MINUTE_MS { SECOND_MS } else { MINUTE_MS };
    let (start, end) = (clock(start_ms, step_ms), clock(end_ms, step_ms));
    let (first, last) = (date(start_ms), date(end_ms));
    if first == last {
        format!("{first}, {start}–{end} UTC")
    } else {
        format!("{first}, {start} – {last}, {end} UTC")
    }
}

/// A tick of a time axis.
pub struct Tick {
    /// Where it is.
    pub time_ms: i64,
    /// What it says.
    pub label: String,
}

/// Ticks at round times from `start_ms` to `end_ms`.
pub fn ticks(start_ms: i64, end_ms: i64) -> Vec<Tick> {
    let (start_ms, end_ms) = (clamp(start_ms), clamp(end_ms));
    let span_ms = (end_ms - start_ms).max(0);
    let longest = STEPS_MS[STEPS_MS.len() - 1];
    let step_ms = STEPS_MS
        .into_iter()
        .find(|step| span_ms / step < TICKS_MAX)
        .unwrap_or_else(|| longest * (span_ms / longest / TICKS_MAX + 1));
    let mut time_ms = start_ms.div_euclid(step_ms) * step_ms;
    if time_ms < start_ms {
        time_ms += step_ms;
    }
    let mut ticks = Vec::new();
    while time_ms <= end_ms {
        let label = if time_ms.rem_euclid(DAY_MS) == 0 {
            let (year, month, day) = civil(time_ms);
            if step_ms >= 91 * DAY_MS {
                format!("{} {year}", MONTHS[month])
            } else {
                format!("{day} {}", MONTHS[month])
            }
        } else {
            clock(time_ms, step_ms)
        };
        ticks.push(Tick { time_ms, label });
        time_ms += step_ms;
    }
    ticks
}

/// Year, month (from 0) and day of a time. Days are counted from 1 March of the year 0, so that
/// the leap day is the last of its year; 400 years have 146,097 days.
fn civil(time_ms: i64) -> (i64, usize, i64) {
    let days = clamp(time_ms).div_euclid(DAY_MS) + 719_468;
    let era = days.div_euclid(146_097);
    let in_era = days.rem_euclid(146_097);
    let year_of_era = (in_era - in_era / 1_460 + in_era / 36_524 - in_era / 146_096) / 365;
    let day_of_year = in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Months from March; five of them have 153 days.
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = (from_march + 2) % 12;
    let year = year_of_era + 400 * era + i64::from(from_march >= 10);
    (year, usize::try_from(month).unwrap_or(0), day)
}
