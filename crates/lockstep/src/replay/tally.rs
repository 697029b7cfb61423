//! What every replay counts, and the parts of its report that follow from the counts.

use crate::events_json;
use crate::report::{Bar, BarChart, Block, Column, Conservation, Report, Table, Tone};
use lockstep_types::event::{CancelReason, TradeKind};
use lockstep_types::reject::RejectCode;
use lockstep_types::{Event, Usd};
use std::collections::BTreeMap;
use std::time::Duration;

/// Counts over a whole replay.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Blocks that ran.
    pub blocks: u64,
    /// Users' commands in them.
    pub commands: u64,
    /// Events that they yielded.
    pub events: u64,
    /// Orders accepted.
    pub accepted: u64,
    /// Trades.
    pub fills: u64,
    /// Lots traded.
    pub lots: i128,
    /// Price times lots of all trades, nano-USD.
    pub volume_nano: i128,
    /// Fees that takers and makers paid, micro-USD.
    pub fees: i128,
    /// Rejected commands and orders, by code.
    pub rejections: BTreeMap<RejectCode, u64>,
    /// Refused system commands, by code.
    pub system_rejections: BTreeMap<RejectCode, u64>,
    /// Orders that ended unfilled, by reason.
    pub cancels: BTreeMap<CancelReason, u64>,
    /// Accounts that fell below maintenance.
    pub liquidations: u64,
    /// Trades of liquidation orders.
    pub liquidation_fills: u64,
    /// Sleeping orders that woke.
    pub triggered: u64,
    /// Times that market maker protection tripped.
    pub protections: u64,
}

impl Tally {
    /// Counts an event.
    pub fn event(&mut self, event: &Event) {
        self.events += 1;
        match event {
            Event::Rejected { reject, .. } => {
                *self.rejections.entry(reject.code).or_default() += 1;
            }
            Event::SystemRejected { reject, .. } => {
                *self.system_rejections.entry(reject.code).or_default() += 1;
            }
            Event::Accepted(_) => self.accepted += 1,
            Event::Trade(trade) => {
                self.fills += 1;
                self.lots += i128::from(trade.lots.0);
                self.volume_nano += i128::from(trade.price.0) * i128::from(trade.lots.0);
                self.fees += i128::from(trade.taker_fee.0) + i128::from(trade.maker_fee.0);
                self.liquidation_fills += u64::from(trade.kind == TradeKind::Liquidation);
            }
            Event::Cancelled { reason, .. } => *self.cancels.entry(*reason).or_default() += 1,
            Event::LiquidationStarted { .. } => self.liquidations += 1,
            Event::Triggered { .. } => self.triggered += 1,
            Event::ProtectionTripped { .. } => self.protections += 1,
            _ => {}
        }
    }

    /// All rejections of users' commands.
    pub fn rejected(&self) -> u64 {
        self.rejections.values().sum()
    }

    /// The figures that every replay has. `elapsed` is the only number that differs between runs.
    pub fn figures(&self, report: &mut Report, elapsed: Duration) {
        let count = |report: &mut Report, label: &str, value: u64, note: &str| {
            report.figure(label, grouped(value), note, Tone::Plain);
        };
        count(report, "Blocks", self.blocks, "");
        count(report, "Commands", self.commands, "");
        let per_second = u128::from(self.commands) * 1_000 / elapsed.as_millis().max(1);
        let per_second = u64::try_from(per_second).unwrap_or(u64::MAX);
        count(report, "Commands per second", per_second, "by the wall clock; differs between runs");
        count(report, "Fills", self.fills, "");
        count(report, "Rejections", self.rejected(), "");
        count(report, "Liquidations", self.liquidations, "times an account fell below maintenance");
        report.figure("Fees", usd(self.fees), "of takers and makers", Tone::Plain);
    }

    /// Rejections by rule, and how orders ended.
    pub fn sections(&self, report: &mut Report) {
        let mut blocks = vec![Block::Table(self.rejection_table())];
        if !self.rejections.is_empty() {
            blocks.push(Block::BarChart(self.rejection_chart()));
        }
        if !self.system_rejections.is_empty() {
            blocks
                .push(Block::Table(code_table("Refused system commands", &self.system_rejections)));
        }
        report.section("Rejections", blocks);
        if !self.cancels.is_empty() {
            report.section("Orders that ended unfilled", vec![Block::Table(self.cancel_table())]);
        }
    }

    fn rejection_table(&self) -> Table {
        let mut table = code_table("Rejections by rule", &self.rejections);
        if self.rejections.is_empty() {
            table.note = "None.".to_string();
        }
        table
    }

    fn rejection_chart(&self) -> BarChart {
        let mut rules: BTreeMap<&'static str, u64> = BTreeMap::new();
        for (code, count) in &self.rejections {
            *rules.entry(code.rule()).or_default() += count;
        }
        let mut bars: Vec<(&str, u64)> = rules.into_iter().collect();
        bars.sort_by_key(|(rule, count)| (std::cmp::Reverse(*count), *rule));
        let bar = |(rule, count): (&str, u64)| Bar {
            label: rule.to_string(),
            value: shown(count),
            note: String::new(),
        };
        BarChart {
            title: "Rejections by rule".to_string(),
            bars: bars.into_iter().map(bar).collect(),
            ..BarChart::default()
        }
    }

    fn cancel_table(&self) -> Table {
        let mut rows: Vec<(&CancelReason, &u64)> = self.cancels.iter().collect();
        rows.sort_by_key(|(reason, count)| (std::cmp::Reverse(**count), **reason));
        let row = |(reason, count): (&CancelReason, &u64)| {
            vec![events_json::cancel_reason(*reason).to_string(), grouped(*count)]
        };
        Table {
            title: "By reason".to_string(),
            columns: vec![Column::words("reason"), Column::numbers("orders")],
            rows: rows.into_iter().map(row).collect(),
            ..Table::default()
        }
    }
}

/// Codes with rule, field, message and count, the most frequent first.
fn code_table(title: &str, counts: &BTreeMap<RejectCode, u64>) -> Table {
    let mut rows: Vec<(RejectCode, u64)> = counts.iter().map(|(code, n)| (*code, *n)).collect();
    rows.sort_by_key(|(code, count)| (std::cmp::Reverse(*count), *code));
    let row = |(code, count): (RejectCode, u64)| {
        let words = [code.rule(), code.field(), code.message()].map(str::to_string);
        words.into_iter().chain([grouped(count)]).collect()
    };
    Table {
        title: title.to_string(),
        columns: vec![
            Column::words("rule"),
            Column::words("field"),
            Column::words("why"),
            Column::numbers("count"),
        ],
        rows: rows.into_iter().map(row).collect(),
        ..Table::default()
    }
}

/// The section that proves the books, or says that nobody looked.
pub fn conservation(report: &mut Report, books: Option<Conservation>) {
    let block = match books {
        Some(books) => {
            let tone = if books.balances() { Tone::Good } else { Tone::Bad };
            let value = if books.balances() { "balance" } else { "do NOT balance" };
            report.figure("Books", value, "to the micro-dollar (rule C1)", tone);
            Block::Conservation(books)
        }
        None => Block::Prose("Not checked (--check off).".to_string()),
    };
    report.section("Books", vec![block]);
}

/// A count with separators between thousands.
pub fn grouped(value: impl Into<u128>) -> String {
    let digits = value.into().to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Whole US dollars of micro-USD.
pub fn usd(micro: i128) -> String {
    let whole = micro.unsigned_abs() / u128::from(Usd(1_000_000).0.unsigned_abs());
    let sign = if micro < 0 && whole > 0 { "-" } else { "" };
    format!("{sign}${}", grouped(whole))
}

/// A count as a chart takes it: exact up to 2^53, which no replay reaches.
pub fn shown(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(grouped(0_u64), "0");
        assert_eq!(grouped(999_u64), "999");
        assert_eq!(grouped(1_234_567_u64), "1,234,567");
        assert_eq!(usd(-1_234_567_890), "-$1,234");
        assert_eq!(usd(-999_999), "$0");
    }
}
