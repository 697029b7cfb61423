//! Reports: prices for the venue, finality as validators saw it, randomness (O1, O2, O3).
//!
//! Validators with a seat are the venue's reporters, weighted by the stake behind their seats; the
//! venue takes the medians (P1 to P3) and measures the oracle's age (R4). Here it is seen to that a
//! validator speaks once per interval, that what it reveals is what it had committed to, and that
//! weights follow the committee.
//!
//! Who reveals last can see the seed with and without its own bytes and leave them out, which is
//! one bit of choice per validator and epoch; that is what commit and reveal costs.

use crate::block::Report;
use crate::ledger::{Chain, venue};
use crate::state::leaves::{Committee, SeenFinal, Standing, Word};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use lockstep_exchange::Exchange;
use lockstep_types::chain::{ChainEvent, ChainReject, ChainRejectCode, ValidatorKey};
use lockstep_types::codec::{Bounded, Encode};
use lockstep_types::command::SystemCommand;
use lockstep_types::ids::{ReporterId, ValidatorId};
use lockstep_types::units::TimeMs;

/// Domain of what mixes a reveal into the seed.
const REVEAL_DOMAIN: &[u8] = b"lockstep/reveal/v1";

/// Stake behind all seats of each validator.
fn weights(committee: Option<&Committee>) -> BTreeMap<ValidatorId, u64> {
    let mut weights = BTreeMap::new();
    for seat in committee.iter().flat_map(|committee| committee.seats.iter()) {
        *weights.entry(seat.validator).or_insert(0) += seat.stake.0.max(1);
    }
    weights
}

impl Chain {
    /// The validator of a key that has a seat now, unless it has offended.
    ///
    /// # Errors
    /// `UnknownReporter`.
    pub(crate) fn seated_validator(&self, key: ValidatorKey) -> Result<ValidatorId, ChainReject> {
        let unknown = ChainReject::of(ChainRejectCode::UnknownReporter);
        let committee = self.state.committees.get(self.epoch()).ok_or(unknown)?;
        let place = committee.seats.binary_search_by_key(&key, |seat| seat.key);
        let seat = place.ok().and_then(|place| committee.seats.get(place)).ok_or(unknown)?;
        let known = self.state.validators.get(seat.validator).ok_or(unknown)?;
        match known.standing {
            Standing::Tombstoned => Err(unknown),
            _ => Ok(seat.validator),
        }
    }

    /// Makes the committee's validators the venue's reporters, each weighted by its stake.
    pub(crate) fn set_reporters(&mut self, exchange: &mut Exchange) {
        let epoch = self.epoch();
        let before = epoch.checked_sub(1).and_then(|last| self.state.committees.get(last));
        let before = weights(before);
        let mut wanted = weights(self.state.committees.get(epoch));
        wanted.retain(|id, _| {
            let known = self.state.validators.get(*id);
            known.is_some_and(|known| known.standing != Standing::Tombstoned)
        });
        let gone = before.keys().filter(|id| !wanted.contains_key(id)).map(|id| (*id, 0));
        let is_new = |(id, weight): &(ValidatorId, u64)| before.get(id) != Some(weight);
        let set = wanted.iter().map(|(id, weight)| (*id, *weight)).filter(is_new);
        for (id, weight) in gone.chain(set) {
            let reporter = ReporterId(id.0);
            // Removing one that was silenced already is refused, which is as well.
            let _ = venue(exchange, &SystemCommand::SetReporterWeight { reporter, weight });
        }
    }

    /// Takes a report.
    ///
    /// # Errors
    /// `UnknownReporter`, `ReportTime`, `ReportTwice`; a price that the venue refuses is an event.
    pub(crate) fn report(
        &mut self,
        exchange: &mut Exchange,
        item: u16,
        report: &Report,
    ) -> Result<(), ChainReject> {
        let id = self.seated_validator(report.validator)?;
        let now = self.now();
        if report.time > now {
            return Err(ChainReject::beyond(ChainRejectCode::ReportTime, report.time.0, now.0));
        }
        let span = self.params().report_interval.0.max(1);
        let interval = |time: TimeMs| time.0.div_euclid(span);
        let last = self.state.words.get(id).cloned();
        if let Some(last) = &last
            && interval(report.time) <= interval(last.time)
        {
            let code = ChainRejectCode::ReportTwice;
            return Err(ChainReject::beyond(code, report.time.0, last.time.0));
        }
        for word in report.prices.iter() {
            let told = SystemCommand::Report(lockstep_types::command::Report {
                reporter: ReporterId(id.0),
                underlying: word.underlying,
                price: word.price,
                published: word.published,
                expiries: word.expiries.clone(),
            });
            if let Err(reject) = venue(exchange, &told) {
                let underlying = word.underlying;
                self.events.push(ChainEvent::PriceRefused { item, underlying, reject });
            }
        }
        self.mix(id, last.as_ref(), &report.reveal);
        self.remember(id, last, report);
        Ok(())
    }

    /// Mixes what a validator reveals into the seed, if it is what it had committed to (O3).
    fn mix(&mut self, id: ValidatorId, last: Option<&Word>, reveal: &[u8; 32]) {
        let committed = last.map(|last| last.commit);
        if committed != Some(*blake3::hash(reveal).as_bytes()) {
            return;
        }
        let mut bytes = Vec::from(REVEAL_DOMAIN);
        let state = self.totals();
        state.seed.encode(&mut bytes);
        id.encode(&mut bytes);
        reveal.encode(&mut bytes);
        state.seed = *blake3::hash(&bytes).as_bytes();
    }

    fn remember(&mut self, id: ValidatorId, last: Option<Word>, report: &Report) {
        let epoch = self.epoch();
        let before = last.filter(|last| last.epoch == epoch).map_or(0, |last| last.reports);
        let seen = report.finality.iter();
        let seen = seen.map(|word| SeenFinal { height: word.height, seen: word.seen }).collect();
        let word = Word {
            time: report.time,
            commit: report.commit,
            epoch,
            reports: before.saturating_add(1),
            finality: Bounded::new(seen).unwrap_or_default(),
        };
        self.state.words.set(id, Some(word));
    }

    /// When a block was final by the stake-weighted median of the committee's last reports (O2);
    /// `None` unless more than two thirds of its stake speak of it.
    pub(crate) fn seen_final(&self, height: u64) -> Option<TimeMs> {
        let all = weights(self.state.committees.get(self.epoch()));
        let total: u128 = all.values().map(|weight| u128::from(*weight)).sum();
        let mut said: Vec<(TimeMs, u128)> = Vec::new();
        for (id, weight) in all {
            let word = self.state.words.get(id);
            let spoken =
                word.and_then(|word| word.finality.iter().find(|one| one.height == height));
            said.extend(spoken.map(|one| (one.seen, u128::from(weight))));
        }
        let spoken: u128 = said.iter().map(|(_, weight)| weight).sum();
        if spoken * 3 <= total * 2 {
            return None;
        }
        said.sort_unstable();
        let mut below = 0;
        for (seen, weight) in said {
            below += weight;
            if below * 2 >= spoken {
                return Some(seen);
            }
        }
        None
    }
}
