//! Which orders of a tape hide lots, and how many: found by looking ahead.
//!
//! A tape shows only an iceberg's slice. It gives itself away when a filled order is said to have
//! another size left than what was shown less what was filled. What it had in all is what it traded
//! from its first appearance to its end, and what it showed then.

use crate::series::tape::{Action, TapeEvent};
use std::collections::{BTreeMap, BTreeSet};

/// Icebergs by order number, with the contracts they have in all when they come to rest.
#[derive(Clone, Debug, Default)]
pub struct Icebergs(BTreeMap<i64, i64>);

#[derive(Default)]
struct Watched {
    /// What the book shows of it.
    shown: i64,
    /// What it traded while resting.
    traded: i64,
}

impl Icebergs {
    /// Looks through a whole tape.
    pub fn find(events: &[TapeEvent]) -> Self {
        let mut open: BTreeMap<i64, Watched> = BTreeMap::new();
        let mut found: BTreeMap<i64, i64> = BTreeMap::new();
        for rows in events.chunk_by(|left, right| left.time_ns == right.time_ns) {
            group(rows, &mut open, &mut found);
        }
        for (order, watched) in open {
            if let Some(total) = found.get_mut(&order) {
                *total = watched.traded + watched.shown;
            }
        }
        Self(found)
    }

    /// What an iceberg has in all, from when it came to rest; `None` for an ordinary order.
    pub fn total(&self, order: i64) -> Option<i64> {
        self.0.get(&order).copied()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

fn group(rows: &[TapeEvent], open: &mut BTreeMap<i64, Watched>, found: &mut BTreeMap<i64, i64>) {
    let takers: BTreeSet<i64> =
        rows.iter().filter(|row| row.action == Action::Trade).map(|row| row.order).collect();
    let mut filled: BTreeMap<i64, i64> = BTreeMap::new();
    for row in rows {
        let is_taker = takers.contains(&row.order);
        match row.action {
            Action::Add => {
                open.entry(row.order).or_default().shown = row.size;
            }
            Action::Fill if !is_taker => {
                *filled.entry(row.order).or_default() += row.size;
                if let Some(watched) = open.get_mut(&row.order) {
                    watched.traded += row.size;
                }
            }
            Action::Modify => {
                let Some(watched) = open.get_mut(&row.order) else { continue };
                let fills = filled.get(&row.order).copied().unwrap_or(0);
                if fills > 0 && row.size != watched.shown - fills {
                    found.entry(row.order).or_default();
                }
                watched.shown = row.size;
            }
            Action::Cancel => {
                let Some(watched) = open.remove(&row.order) else { continue };
                let fills = filled.get(&row.order).copied().unwrap_or(0);
                if fills > watched.shown && !is_taker {
                    found.entry(row.order).or_default();
                }
                if let Some(total) = found.get_mut(&row.order) {
                    let left = if fills > 0 { 0 } else { watched.shown };
                    *total = watched.traded + left;
                }
            }
            Action::Trade | Action::Fill => {}
        }
    }
}
