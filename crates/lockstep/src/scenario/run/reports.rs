//! What reporters said, and say again in every block unless told otherwise.

use crate::scenario::model::{Published, ReportSpec};
use crate::scenario::names::Names;
use lockstep_types::codec::Bounded;
use lockstep_types::command::{ExpiryReport, Report, SystemCommand};
use lockstep_types::ids::{ReporterId, UnderlyingId};
use lockstep_types::{Price, TimeMs};
use std::collections::{BTreeMap, BTreeSet};

/// A reporter's view of an underlying.
#[derive(Clone, Debug)]
struct Said {
    price: Price,
    expiries: Vec<ExpiryReport>,
}

type Key = (ReporterId, UnderlyingId);

/// Reporters, their weights and what they said last.
#[derive(Clone, Debug, Default)]
pub struct Reports {
    weights: BTreeMap<ReporterId, u64>,
    said: BTreeMap<Key, Said>,
    /// Switched off, all together or one by one.
    silent: BTreeSet<ReporterId>,
    all_silent: bool,
    /// Those whose times the story tells itself.
    manual: BTreeSet<Key>,
}

/// A report that a line asks for, and what to remember if it is accepted.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The command.
    pub command: SystemCommand,
    key: Key,
    said: Said,
    manual: bool,
}

impl Reports {
    /// Sets a reporter's weight.
    pub fn weigh(&mut self, reporter: ReporterId, weight: u64) {
        self.weights.insert(reporter, weight);
    }

    /// Switches automatic reports of one reporter, or of all.
    pub fn switch(&mut self, reporter: Option<ReporterId>, on: bool) {
        match reporter {
            None => {
                self.all_silent = !on;
                self.silent.clear();
                if on {
                    self.manual.clear();
                }
            }
            Some(reporter) if on => {
                self.silent.remove(&reporter);
                self.manual.retain(|(manual, _)| *manual != reporter);
            }
            Some(reporter) => {
                self.silent.insert(reporter);
            }
        }
    }

    /// The reports that a line asks for at `now`.
    ///
    /// # Errors
    /// In words, when a reporter has no price to repeat or there are too many expiries.
    pub fn asked(
        &self,
        spec: &ReportSpec,
        names: &mut Names,
        now: TimeMs,
    ) -> Result<Vec<Asked>, String> {
        let underlying = names.underlying_id(spec.underlying).unwrap_or(UnderlyingId(u8::MAX));
        let reporters: Vec<ReporterId> = match &spec.reporter {
            Some(name) => vec![names.reporter_id(name)],
            None => self.voters().collect(),
        };
        let (published, manual) = match spec.published {
            Published::Now => (now, false),
            Published::At(time) => (time.resolve(now), true),
            Published::Age(age) => (TimeMs(now.0 - age.0), true),
        };
        let mut out = Vec::new();
        for reporter in reporters {
            let before = self.said.get(&(reporter, underlying));
            let price = spec.price.or(before.map(|said| said.price));
            let Some(price) = price else {
                let name = names.reporter(reporter);
                return Err(format!("{name} has given no price of {} yet", spec.underlying));
            };
            let expiries = match &spec.expiries {
                Some(given) => given.clone(),
                None => before.map(|said| said.expiries.clone()).unwrap_or_default(),
            };
            let said = Said { price, expiries };
            let key = (reporter, underlying);
            let command = report(key, &said, published, TimeMs(i64::MIN))?;
            out.push(Asked { command, key, said, manual });
        }
        Ok(out)
    }

    /// Remembers a report that was accepted.
    pub fn accept(&mut self, asked: Asked) {
        self.said.insert(asked.key, asked.said);
        if asked.manual {
            self.manual.insert(asked.key);
        } else {
            self.manual.remove(&asked.key);
        }
    }

    /// What reporters say by themselves at `now`, those left out who are asked to anyway.
    pub fn automatic(&self, now: TimeMs, asked: &[Asked]) -> Vec<SystemCommand> {
        if self.all_silent {
            return Vec::new();
        }
        let speaks = |key: &Key| {
            self.weights.get(&key.0).is_some_and(|weight| *weight > 0)
                && !self.silent.contains(&key.0)
                && !self.manual.contains(key)
                && !asked.iter().any(|asked| asked.key == *key)
        };
        let said = self.said.iter().filter(|(key, _)| speaks(key));
        said.filter_map(|(key, said)| report(*key, said, now, now).ok()).collect()
    }

    fn voters(&self) -> impl Iterator<Item = ReporterId> {
        self.weights.iter().filter(|(_, weight)| **weight > 0).map(|(reporter, _)| *reporter)
    }
}

/// The report of what was said, without expiries up to `past`.
fn report(
    (reporter, underlying): Key,
    said: &Said,
    published: TimeMs,
    past: TimeMs,
) -> Result<SystemCommand, String> {
    let live = said.expiries.iter().filter(|expiry| expiry.expiry > past).copied().collect();
    let expiries = Bounded::new(live).map_err(|error| format!("expiries: {error}"))?;
    let price = said.price;
    Ok(SystemCommand::Report(Report { reporter, underlying, price, published, expiries }))
}
