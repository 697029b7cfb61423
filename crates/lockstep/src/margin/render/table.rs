//! Cells of tables: money, lots, moves and times as people read them, exactly.

use crate::margin::model::Instrument;
use crate::report::{Column, Table, micro_usd};
use crate::scenario::value::show_span;
use lockstep_exchange::formula::risk_array::{SCENARIO_TABLE, VolMove};
use lockstep_types::SpanMs;
use lockstep_types::decimal::Decimal;

/// Money in USD, to the micro-USD.
pub fn money(amount: i64) -> String {
    micro_usd(amount.into())
}

/// A price in USD.
pub fn price(price: i64) -> String {
    Decimal { value: price, places: 6 }.to_string().replace('-', "−")
}

/// Lots in units of the underlying, with a sign.
pub fn amount(lots: i64) -> String {
    let sign = if lots > 0 { "+" } else { "" };
    format!("{sign}{}", Decimal { value: lots, places: 3 }).replace('-', "−")
}

/// A ratio of `places` digits in percent.
pub fn percent(value: i64, places: u32) -> String {
    format!("{}%", Decimal { value, places: places - 2 })
}

/// A move of spot in percent, with a sign.
fn spot_move(permille: i64) -> String {
    let sign = if permille > 0 { "+" } else { "" };
    format!("{sign}{}%", Decimal { value: permille, places: 1 }).replace('-', "−")
}

fn vol_move(vol: VolMove) -> &'static str {
    match vol {
        VolMove::Up => "up",
        VolMove::Flat => "flat",
        VolMove::Down => "down",
    }
}

/// Time to expiry.
pub fn until(seconds: i64) -> String {
    match seconds.checked_mul(1_000) {
        Some(ms) if seconds > 0 => show_span(SpanMs(ms)),
        _ => "now".to_string(),
    }
}

/// A latency.
pub fn latency(microseconds: i64) -> String {
    format!("{} s", Decimal { value: microseconds, places: 6 })
}

/// What an instrument is called and when it expires.
pub fn described(instrument: &Instrument) -> String {
    let kind = instrument.kind.word();
    match instrument.seconds {
        0 => kind.to_string(),
        seconds => format!("{kind}, {}", until(seconds)),
    }
}

/// The columns that name a scenario.
pub fn scenario_columns() -> Vec<Column> {
    ["#", "spot"].map(Column::numbers).into_iter().chain([Column::words("vol")]).collect()
}

/// The cells that name a scenario.
pub fn scenario_cells(scenario: usize) -> Vec<String> {
    match SCENARIO_TABLE.get(scenario) {
        None => Vec::new(),
        Some(what) => {
            vec![
                scenario.to_string(),
                spot_move(what.spot_permille),
                vol_move(what.vol).to_string(),
            ]
        }
    }
}

/// How much of a scenario counts.
pub fn weight(scenario: usize) -> String {
    let weight = SCENARIO_TABLE.get(scenario).map_or(0, |what| what.weight_permille);
    Decimal { value: weight, places: 3 }.to_string()
}

/// A scenario in words: `scenario 27 (−66%, up, weight 0.21)`.
pub fn scenario_words(scenario: usize) -> String {
    let Some(what) = SCENARIO_TABLE.get(scenario) else { return String::new() };
    let (spot, vol) = (spot_move(what.spot_permille), vol_move(what.vol));
    match what.weight_permille {
        1_000 => format!("scenario {scenario} ({spot}, {vol})"),
        _ => format!("scenario {scenario} ({spot}, {vol}, weight {})", weight(scenario)),
    }
}

/// A table without rows.
pub fn table(title: &str, note: &str, columns: Vec<Column>) -> Table {
    Table { title: title.to_string(), note: note.to_string(), columns, rows: Vec::new() }
}
