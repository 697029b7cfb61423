//! How far the engine's executions and queues are the tape's, by class, with an example of each.

use super::plan::{Fill, Taker};
use crate::replay::tally::grouped;
use crate::report::{Column, Table};
use crate::series::tape::Side;
use lockstep_types::TimeMs;
use std::collections::BTreeMap;

/// How executions compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// The same resting orders, at the same prices, for the same lots, in the same sequence.
    Same,
    /// The same, but the tape tells an iceberg's slices as one row, behind the others of its price.
    Gathered,
    /// The same, but the tape tells this order behind the others of its price.
    Deferred,
    /// The same order and lots, in another sequence.
    Resequenced,
    /// Another order, price or number of lots.
    Different,
}

impl Class {
    const ALL: [Self; 5] =
        [Self::Same, Self::Gathered, Self::Deferred, Self::Resequenced, Self::Different];

    fn title(self) -> &'static str {
        match self {
            Self::Same => "same order, price, lots and sequence",
            Self::Gathered => "same, an iceberg's slices told as one row",
            Self::Deferred => "same, but told behind the others of its price",
            Self::Resequenced => "same order and lots, other sequence",
            Self::Different => "other order, price or lots",
        }
    }
}

/// Something that was counted, with the first example of it.
#[derive(Clone, Debug, Default)]
pub struct Counted {
    /// How often.
    pub count: u64,
    /// The first.
    pub example: String,
}

impl Counted {
    /// Counts `by` more.
    pub fn add(&mut self, by: u64, example: impl FnOnce() -> String) {
        if self.count == 0 && by > 0 {
            self.example = example();
        }
        self.count += by;
    }
}

/// The comparison so far.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    executions: BTreeMap<Class, Counted>,
    /// Executions of the engine that the tape does not have.
    pub surplus: Counted,
    /// Levels whose queue was compared after a group that touched them.
    pub levels: u64,
    /// Of these, how many were not the same, by what differed.
    pub mismatches: BTreeMap<&'static str, Counted>,
    /// Comparisons of the whole book, and how many levels they looked at.
    pub whole_books: u64,
    /// Levels in them.
    pub whole_levels: u64,
    /// What needs explaining though nothing differs, by explanation.
    pub remarks: BTreeMap<&'static str, Counted>,
}

/// Fills as text: `order x size @ price`.
fn listed(fills: &[Fill]) -> String {
    let shown = fills.iter().take(6).map(|Fill { order, price_ticks, size }| match order {
        -1 => format!("?x{size}@{price_ticks}"),
        _ => format!("{order}x{size}@{price_ticks}"),
    });
    let more = if fills.len() > 6 { ", ..." } else { "" };
    format!("{}{more}", shown.collect::<Vec<_>>().join(", "))
}

/// Lots of each order and price.
fn gathered(fills: &[Fill]) -> BTreeMap<(i64, i64), i64> {
    let mut sums = BTreeMap::new();
    for fill in fills {
        *sums.entry((fill.price_ticks, fill.order)).or_default() += fill.size;
    }
    sums
}

/// How the executions of one incoming order compare when all lots agree: from the last of each
/// price backwards, an order that stands elsewhere in the engine's sequence was told late. Once one
/// stands where it should, a later one that does not is out of sequence.
fn sequence(wanted: &[Fill], found: &[Fill], is_iceberg: impl Fn(i64) -> bool) -> Vec<Class> {
    let mut classes = Vec::with_capacity(wanted.len());
    for tape in wanted.chunk_by(|left, right| left.price_ticks == right.price_ticks) {
        let price_ticks = tape.first().map_or(0, |fill| fill.price_ticks);
        // The engine's sequence of first fills, and how many slices each order gave.
        let mut engine: Vec<(i64, u32)> = Vec::new();
        for fill in found.iter().filter(|fill| fill.price_ticks == price_ticks) {
            match engine.iter_mut().find(|(order, _)| *order == fill.order) {
                Some((_, slices)) => *slices += 1,
                None => engine.push((fill.order, 1)),
            }
        }
        let mut is_settled = false;
        for fill in tape.iter().rev() {
            let Some(at) = engine.iter().position(|(order, _)| *order == fill.order) else {
                continue;
            };
            let is_last = at + 1 == engine.len();
            let (order, slices) = engine.remove(at);
            classes.push(match (is_last, is_iceberg(order) || slices > 1) {
                (true, true) if slices > 1 => Class::Gathered,
                (true, _) => Class::Same,
                (false, true) => Class::Gathered,
                (false, false) if is_settled => Class::Resequenced,
                (false, false) => Class::Deferred,
            });
            is_settled |= is_last;
        }
    }
    classes
}

impl Verdict {
    /// Compares what an incoming order met on the tape and in the engine.
    pub fn executions(
        &mut self,
        time: TimeMs,
        taker: &Taker,
        found: &[Fill],
        is_iceberg: impl Fn(i64) -> bool,
    ) {
        let wanted = &taker.fills;
        let count = |fills: &[Fill]| u64::try_from(fills.len()).unwrap_or(u64::MAX);
        let example = || {
            let side = if taker.side == Side::Bid { "buy" } else { "sell" };
            format!(
                "{time} {side} {} (order {}): tape {}; engine {}",
                taker.traded,
                taker.order,
                listed(wanted),
                listed(found)
            )
        };
        if wanted.as_slice() == found {
            return self.class(Class::Same).add(count(wanted), example);
        }
        let (tape, engine) = (gathered(wanted), gathered(found));
        if tape == engine {
            for class in sequence(wanted, found, is_iceberg) {
                self.class(class).add(1, example);
            }
            return;
        }
        for fill in wanted {
            let key = (fill.price_ticks, fill.order);
            let same = engine.get(&key) == tape.get(&key);
            let class = if same { Class::Resequenced } else { Class::Different };
            self.class(class).add(1, example);
        }
        let surplus = engine.keys().filter(|key| !tape.contains_key(key)).count();
        self.surplus.add(u64::try_from(surplus).unwrap_or(u64::MAX), example);
    }

    fn class(&mut self, class: Class) -> &mut Counted {
        self.executions.entry(class).or_default()
    }

    /// Counts something that explains.
    pub fn remark(&mut self, what: &'static str, by: u64, example: impl FnOnce() -> String) {
        self.remarks.entry(what).or_default().add(by, example);
    }

    /// Counts a queue that differs.
    pub fn mismatch(&mut self, what: &'static str, example: impl FnOnce() -> String) {
        self.mismatches.entry(what).or_default().add(1, example);
    }

    /// Executions in a class.
    pub fn count(&self, class: Class) -> u64 {
        self.executions.get(&class).map_or(0, |counted| counted.count)
    }

    /// All executions of the tape that were compared.
    pub fn compared(&self) -> u64 {
        self.executions.values().map(|counted| counted.count).sum()
    }

    /// Executions that the engine reproduces.
    pub fn reproduced(&self) -> u64 {
        self.compared() - self.count(Class::Resequenced) - self.count(Class::Different)
    }

    /// The classes as a table.
    pub fn execution_table(&self) -> Table {
        let mut rows: Vec<Vec<String>> = Class::ALL
            .into_iter()
            .map(|class| {
                let counted = self.executions.get(&class).cloned().unwrap_or_default();
                let share = u128::from(counted.count) * 10_000 / u128::from(self.compared().max(1));
                let share = format!("{}.{:02} %", share / 100, share % 100);
                // What is the same needs no example.
                let example = if class == Class::Same { String::new() } else { counted.example };
                vec![class.title().to_string(), grouped(counted.count), share, example]
            })
            .collect();
        rows.push(vec![
            "executions that only the engine has".to_string(),
            grouped(self.surplus.count),
            String::new(),
            self.surplus.example.clone(),
        ]);
        Table {
            title: "Executions of resting orders in continuous trading".to_string(),
            note:
                "Each fill row of the tape against the engine's trade with the inferred incoming \
                   order."
                    .to_string(),
            columns: vec![
                Column::words("compared with the tape"),
                Column::numbers("count"),
                Column::numbers("share"),
                Column::words("first example"),
            ],
            rows,
        }
    }

    /// The queues as a table.
    pub fn queue_table(&self) -> Table {
        let row = |(what, counted): (&&str, &Counted)| {
            vec![(*what).to_string(), grouped(counted.count), counted.example.clone()]
        };
        Table {
            title: "Queues that differed".to_string(),
            note: format!(
                "{} queues compared, each after a group of rows that touched it, order by order \
                 with what is shown; besides {} whole books with {} levels. A queue that differs \
                 is entered anew, so that one difference does not make others.",
                grouped(self.levels),
                grouped(self.whole_books),
                grouped(self.whole_levels)
            ),
            columns: vec![
                Column::words("what"),
                Column::numbers("queues"),
                Column::words("first example"),
            ],
            rows: self.mismatches.iter().map(row).collect(),
        }
    }

    /// The remarks as a table.
    pub fn remark_table(&self) -> Table {
        let row = |(what, counted): (&&str, &Counted)| {
            vec![(*what).to_string(), grouped(counted.count), counted.example.clone()]
        };
        Table {
            title: "What the tape does not say outright, and how it was read".to_string(),
            columns: vec![
                Column::words("reading"),
                Column::numbers("count"),
                Column::words("first example"),
            ],
            rows: self.remarks.iter().map(row).collect(),
            ..Table::default()
        }
    }
}
