//! The index of each block, and the order in which all other prices follow from it (P1, P5).
//!
//! ```text
//! reports --median--> index --> forwards, smiles, settlement averages --> marks --> funding
//! ```
//!
//! Invariants: with less than two thirds of all stake fresh the index is stale, and then nothing
//! here changes but the confidence; running it twice in a block is the same as once.
//!
//! An underlying whose index nobody is to report (no reporter has a weight, and there never was an
//! index) is not stale: it has no oracle. That is how tapes of other venues are replayed.

use super::UNDERLYINGS_MAX;
use super::latency::Pace;
use crate::engine::Exchange;
use crate::formula::latency::Observation;
use crate::formula::weighted_median::{Index, IndexParams, Report, index_price};
use crate::state::key::{IndexId, ObservationKey};
use crate::state::leaves::Underlying;
use crate::state::{Missing, Outcome, Touch};
use alloc::vec::Vec;
use lockstep_types::command::ExpiryReport;
use lockstep_types::event::Event;
use lockstep_types::ids::{ReporterId, UnderlyingId};
use lockstep_types::units::{Ppm, Price, TimeMs};

/// P1: how far a report may stand out from the median before it counts only as the edge.
const CLAMP_PPM: i64 = 5_000;

/// What a fresh report says of an expiry, with its reporter's weight.
pub(crate) type ExpiryWord = (u64, ExpiryReport);

/// What the fresh reports on an underlying say.
#[derive(Debug, Default)]
pub(crate) struct Spoken {
    /// The index, if anybody spoke.
    pub(crate) index: Option<Index>,
    /// All that was said of expiries.
    pub(crate) expiries: Vec<ExpiryWord>,
    /// All stake.
    pub(crate) stake: u64,
    /// When each reporter that ever spoke did so last.
    pub(crate) heard: Vec<Observation>,
}

/// An underlying as it was before a block's refresh, and the block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refresh {
    /// Which.
    pub(crate) underlying: UnderlyingId,
    /// Its price state at the end of the block before.
    pub(crate) before: Underlying,
    /// Its index now.
    pub(crate) index: Price,
    /// The block's time.
    pub(crate) now: TimeMs,
}

impl Exchange {
    /// The price state of an underlying that is known to exist.
    pub(crate) fn underlying(&mut self, id: UnderlyingId) -> Touch<&mut Underlying> {
        match self.state.underlyings.touch(id)? {
            Some(underlying) => Ok(underlying),
            None => {
                assert!(self.state.partial, "an instrument's underlying exists");
                Err(Missing::leaf(id))
            }
        }
    }

    /// The index of an underlying that is known to exist; zero before it has had one.
    pub(crate) fn index_or_zero(&mut self, id: UnderlyingId) -> Touch<Price> {
        Ok(self.underlying(id)?.index)
    }

    /// The reporters with their weights, by id.
    pub(crate) fn reporters(&mut self) -> Outcome<Vec<(ReporterId, u64)>> {
        let most = super::REPORTERS_MAX;
        let entries = self.state.entries.up_to(IndexId::Reporters, i64::MAX, most)?;
        let mut reporters = Vec::with_capacity(entries.len());
        for (_, item) in entries {
            let id = ReporterId(u16::try_from(item).unwrap_or(u16::MAX));
            match self.state.reporters.touch(id)? {
                Some(reporter) => reporters.push((id, reporter.weight)),
                None => {
                    assert!(self.state.partial, "a listed reporter has a weight");
                    return Err(Missing::leaf(id).into());
                }
            }
        }
        Ok(reporters)
    }

    /// Index, staleness, forwards, smiles, marks and funding of every underlying, at this block.
    pub(crate) fn refresh_prices(&mut self) -> Outcome<()> {
        let count = self.state.totals()?.underlyings;
        assert!(count <= UNDERLYINGS_MAX, "underlyings are counted when they are added");
        let reporters = self.reporters()?;
        let pace = self.pace()?;
        for id in 0..count {
            self.refresh_underlying(UnderlyingId(id), &reporters, pace.as_ref())?;
        }
        // Models were computed from the leaves that have just changed.
        self.marks.clear();
        (0..count).try_for_each(|id| self.follow_latency(UnderlyingId(id)))
    }

    fn refresh_underlying(
        &mut self,
        id: UnderlyingId,
        reporters: &[(ReporterId, u64)],
        pace: Option<&Pace>,
    ) -> Outcome<()> {
        let now = self.state.totals()?.time;
        let mut spoken = self.listen(id, reporters, now)?;
        let before = *self.underlying(id)?;
        if spoken.stake == 0 && before.index == Price::ZERO {
            return Ok(());
        }
        if let Some(pace) = pace
            && before.index > Price::ZERO
        {
            self.measure_latency(id, pace, &mut spoken.heard, spoken.stake)?;
        }
        // Before its first index there is nothing to freeze.
        let frozen = before.index > Price::ZERO && self.is_frozen_by_latency(id)?;
        let underlying = self.underlying(id)?;
        let Some(index) = spoken.index.filter(|index| !index.stale && !frozen) else {
            underlying.confidence = Ppm(spoken.index.map_or(0, |index| index.confidence_ppm));
            underlying.stale = true;
            if !before.stale {
                self.events.push(Event::Stale { underlying: id, stale: true });
            }
            return Ok(());
        };
        let price = Price(index.median);
        #[cfg(feature = "planted")]
        let price = match crate::planted::is(crate::planted::Planted::Nondeterminism) {
            true if crate::planted::chance() => Price(price.0 + 1),
            _ => price,
        };
        underlying.index = price;
        underlying.confidence = Ppm(index.confidence_ppm);
        underlying.stale = false;
        underlying.fresh = now;
        if before.stale {
            self.events.push(Event::Stale { underlying: id, stale: false });
        }
        if before.index != price {
            let confidence = Ppm(index.confidence_ppm);
            self.events.push(Event::Index { underlying: id, price, confidence });
        }
        let refresh = Refresh { underlying: id, before, index: price, now };
        if let Some(perpetual) = before.perpetual {
            self.refresh_perpetual(perpetual, &refresh)?;
        }
        self.refresh_expiries(&refresh, &spoken)
    }

    /// Hears what the reporters last said of an underlying, as far as it is fresh (P1).
    fn listen(
        &mut self,
        id: UnderlyingId,
        reporters: &[(ReporterId, u64)],
        now: TimeMs,
    ) -> Outcome<Spoken> {
        let age_ms_max = self.state.venue()?.report_age_max.0;
        #[cfg(feature = "planted")]
        let age_ms_max = match crate::planted::is(crate::planted::Planted::StaleLiquidation) {
            true => age_ms_max * 1_000,
            false => age_ms_max,
        };
        let mut spoken = Spoken::default();
        let mut reports = Vec::with_capacity(reporters.len());
        for &(reporter, weight) in reporters {
            // Weights are admitted only while their sum fits.
            spoken.stake = spoken.stake.saturating_add(weight);
            let key = ObservationKey { underlying: id, reporter };
            let Some(heard) = self.state.observations.touch(key)? else { continue };
            spoken.heard.push(Observation { published_ms: heard.published.0, weight });
            if now.since(heard.published).0 > age_ms_max {
                continue;
            }
            let published_ms = heard.published.0;
            reports.push(Report { price: heard.price.0, weight, published_ms });
            spoken.expiries.extend(heard.expiries.iter().map(|expiry| (weight, *expiry)));
        }
        // Reports from the future are refused, so none is ahead.
        let params = IndexParams { age_ms_max, ahead_ms_max: 0, clamp_ppm: CLAMP_PPM };
        let index = index_price(&params, &mut reports, spoken.stake, now.0);
        assert!(index.is_ok(), "weights and prices of reports are bounded when they are taken");
        spoken.index = index.unwrap_or(None);
        Ok(spoken)
    }
}
