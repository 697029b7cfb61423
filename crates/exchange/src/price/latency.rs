//! Latency as a risk (R4): how long the venue takes to act on a price, what margin charges for it,
//! and what it forbids.
//!
//! ```text
//! block gaps --99 % quantile--> finality
//! reports    --two thirds-----> age          tau = age + (actions + queue) finality
//! tau of each block, by time --99.9 % over 30 days, once a day, ramped over a day--> slow tau
//! ```
//!
//! The present tau acts at once, but only on initial requirements, withdrawals and admission: above
//! one threshold an underlying takes only orders that reduce, above another its marks freeze and
//! its orders collect, until it has been fast for a while and reopens by an auction. Maintenance
//! requirements know only the slow tau: nobody is liquidated because the network is slow today.
//!
//! Invariants: nothing depends on one proposer's word, because block times and ages are medians of
//! many; with an assumed latency no leaf of this module is ever touched; a block does the work of
//! one quantile of 512 gaps, and once a day per underlying that of 30 days of buckets.
//!
//! Deliberately absent: the formulas, which are [`crate::formula::latency`].

use crate::engine::Exchange;
use crate::formula::latency::{
    DelayParams, ExtraMoves, GAPS_MAX, MoveParams, Observation, US_PER_MS, extra_moves,
    finality_ms, move_ppm, oracle_age_ms, queue_blocks, reaction_us,
};
use crate::formula::risk_array::SPOT_MOVE_PPM_MAX;
use crate::formula::rounding::mul_div_floor;
use crate::liquidation::LIQUIDATIONS_PER_BLOCK;
use crate::state::key::{GapsKey, LatencyDayKey, LatencyKey};
use crate::state::leaves::{Gaps, LATENCY_BUCKETS, LATENCY_DAYS, Latency, LatencyDay};
use crate::state::{Outcome, Touch};
use alloc::vec::Vec;
use lockstep_types::command::{Phase, PhaseReason, PhaseScope};
use lockstep_types::event::Event;
use lockstep_types::ids::UnderlyingId;
use lockstep_types::params::{LatencyParams, LatencySource, UnderlyingParams, VenueParams};
use lockstep_types::reject::{Reject, RejectCode};
use lockstep_types::units::{DAY_MS, PPM, Ppm, SpanMs, TimeMs};

/// The slow latency is at least the one that held for this share of the time.
const SLOW_QUANTILE_PPM: i64 = 999_000;
/// Less time than this says nothing of the slow latency.
const SLOW_HISTORY_MS_MIN: u64 = 3_600_000;
/// The first bucket is below this power of two of microseconds; each doubling has four.
const BUCKET_FROM: u32 = 17;

/// What is the same for all underlyings of a block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    finality_ms: i64,
    queue: i64,
    /// Since the block before.
    gap_ms: i64,
}

impl Gaps {
    /// Adds the latest gap; the oldest makes room for it.
    fn add(&mut self, gap_ms: u32) {
        let place = usize::from(self.next) % GAPS_MAX;
        self.gaps_ms[place] = gap_ms;
        let next = (place + 1) % GAPS_MAX;
        self.next = u16::try_from(next).unwrap_or(0);
        let count = (usize::from(self.count) + 1).min(GAPS_MAX);
        self.count = u16::try_from(count).unwrap_or(u16::MAX);
    }

    /// Oldest first.
    fn in_order(&self) -> Vec<i64> {
        let count = usize::from(self.count).min(GAPS_MAX);
        let first = (usize::from(self.next) + GAPS_MAX - count) % GAPS_MAX;
        let place = |number: usize| (first + number) % GAPS_MAX;
        (0..count).map(|number| i64::from(self.gaps_ms[place(number)])).collect()
    }

    fn latest(&self) -> i64 {
        let place = (usize::from(self.next) + GAPS_MAX - 1) % GAPS_MAX;
        i64::from(self.gaps_ms[place])
    }
}

/// The bucket of a latency: four to a doubling.
fn bucket_of(now_us: i64) -> usize {
    let us = u64::try_from(now_us).unwrap_or(0);
    let power = us.checked_ilog2().unwrap_or(0);
    if power < BUCKET_FROM {
        return 0;
    }
    let quarter = usize::try_from((us >> (power - 2)) & 3).unwrap_or(0);
    let doublings = usize::try_from(power - BUCKET_FROM).unwrap_or(LATENCY_BUCKETS);
    (4 * doublings + quarter).min(LATENCY_BUCKETS - 1)
}

/// What no latency of a bucket reaches.
fn bucket_end_us(bucket: usize) -> i64 {
    let quarter = i64::try_from(bucket % 4).unwrap_or(0);
    let doublings = u32::try_from(bucket / 4).unwrap_or(0);
    (5 + quarter) << (BUCKET_FROM - 2 + doublings)
}

/// The least bucket end that was not exceeded in [`SLOW_QUANTILE_PPM`] of the time; `None` if there
/// is too little time to say.
fn slow_quantile_us(days: &[LatencyDay]) -> Option<i64> {
    let of = |bucket: usize| days.iter().map(|day| u64::from(day.ms[bucket])).sum::<u64>();
    let total: u64 = (0..LATENCY_BUCKETS).map(of).sum();
    if total < SLOW_HISTORY_MS_MIN {
        return None;
    }
    let wanted = u128::from(total) * u128::from(SLOW_QUANTILE_PPM.unsigned_abs());
    let mut below = 0_u128;
    for bucket in 0..LATENCY_BUCKETS {
        below += u128::from(of(bucket)) * u128::from(PPM.unsigned_abs());
        if below >= wanted {
            return Some(bucket_end_us(bucket));
        }
    }
    None
}

impl Latency {
    /// The slow latency at a time: on its way from one day's to the next.
    fn slow_at(&self, now: TimeMs) -> i64 {
        let elapsed_ms = now.since(self.ramp_since).0.clamp(0, DAY_MS);
        let part = mul_div_floor(self.ramp_to_us - self.ramp_from_us, elapsed_ms, DAY_MS);
        self.ramp_from_us + part.unwrap_or(0)
    }
}

/// A span in microseconds.
fn us(span: SpanMs) -> i64 {
    span.0.saturating_mul(US_PER_MS)
}

/// How latency is measured, by the parameters.
fn delay_of(params: &LatencyParams) -> DelayParams {
    DelayParams { finality_ms_min: params.finality_min.0, actions: i64::from(params.actions) }
}

/// How far an underlying may move, by its parameters.
fn moves_of(venue: &LatencyParams, own: &UnderlyingParams) -> MoveParams {
    MoveParams {
        jump_ppm: own.jump.0,
        rate_ppm: own.jump_rate.0,
        reference_us: us(venue.reference),
        cap_ppm: venue.cap.0,
    }
}

/// Refuses parameters with which a position at maintenance could be under water before anybody can
/// act: the least that a perpetual needs must cover what spot may move in the reference latency
/// while a liquidation is executed, and what executing it costs.
///
/// # Errors
/// Rejection: `LatencyMargin` with the margin and what it would have to cover, in ppm.
pub(crate) fn check_latency_margin(
    venue: &VenueParams,
    own: &UnderlyingParams,
) -> Result<(), Reject> {
    let latency = &venue.latency;
    let span = SpanMs(latency.reference.0.saturating_add(latency.execution.0));
    let moved = move_ppm(&moves_of(latency, own), us(span));
    let wanted = moved.map_or(i64::MAX, |ppm| ppm.saturating_add(latency.slippage.0));
    let standard = venue.standard_margin.linear_maintenance.0;
    let standard = mul_div_floor(standard, own.standard_factor.0, PPM).unwrap_or(0);
    let shares = &venue.portfolio_margin;
    // The worst scenario of a perpetual is the outermost move of spot.
    let scanned = mul_div_floor(SPOT_MOVE_PPM_MAX, shares.scan_maintenance.0, PPM).unwrap_or(0);
    let portfolio = scanned.saturating_add(shares.linear_maintenance.0);
    let least = standard.min(portfolio);
    if least < wanted {
        return Err(Reject::beyond(RejectCode::LatencyMargin, least, wanted));
    }
    Ok(())
}

impl Exchange {
    /// Notes the time between two blocks.
    pub(crate) fn note_gap(&mut self, before: TimeMs, now: TimeMs) -> Outcome<()> {
        let measured = self.state.venue()?.latency.source == LatencySource::Measured;
        if !measured || before == TimeMs::ZERO {
            return Ok(());
        }
        let gap_ms = u32::try_from(now.since(before).0).unwrap_or(u32::MAX);
        self.state.gaps.touch(GapsKey)?.get_or_insert_default().add(gap_ms);
        Ok(())
    }

    /// What all underlyings of this block have in common; `None` with an assumed latency.
    pub(crate) fn pace(&mut self) -> Outcome<Option<Pace>> {
        let params = self.state.venue()?.latency;
        if params.source != LatencySource::Measured {
            return Ok(None);
        }
        let gaps = self.state.gaps.touch(GapsKey)?.unwrap_or_default();
        let finality = finality_ms(&delay_of(&params), &mut gaps.in_order(), 0);
        assert!(finality.is_ok(), "the chain's clock does not go back");
        // Who waits beyond what this block works on.
        let capacity = u32::try_from(LIQUIDATIONS_PER_BLOCK).unwrap_or(u32::MAX);
        let waiting = self.state.totals()?.liquidating.saturating_sub(capacity);
        let queue = queue_blocks(i64::from(waiting), i64::from(capacity)).unwrap_or(0);
        let finality_ms = finality.unwrap_or(params.finality_min.0);
        Ok(Some(Pace { finality_ms, queue, gap_ms: gaps.latest() }))
    }

    /// Measures the latency of an underlying that has an index, and says what it is.
    pub(crate) fn measure_latency(
        &mut self,
        id: UnderlyingId,
        pace: &Pace,
        heard: &mut [Observation],
        stake: u64,
    ) -> Outcome<()> {
        let params = self.state.venue()?.latency;
        let now = self.state.totals()?.time;
        let age = if stake == 0 { Ok(Some(0)) } else { oracle_age_ms(heard, stake, now.0) };
        // While less than two thirds have spoken at all nothing can be acted upon.
        let age_ms = age.ok().flatten().unwrap_or(params.freeze.0);
        let reaction = reaction_us(&delay_of(&params), age_ms, pace.finality_ms, pace.queue);
        let now_us = reaction.unwrap_or(i64::MAX);
        let reference_us = us(params.reference);
        self.count_latency(id, now, now_us, pace.gap_ms, reference_us)?;
        let latency = self.latency(id, reference_us)?;
        latency.now_us = now_us;
        latency.slow_us = latency.slow_at(now);
        let slow_us = latency.slow_us;
        let moves = self.extra_moves(id)?;
        self.events.push(Event::Latency {
            underlying: id,
            age: SpanMs(age_ms),
            finality: SpanMs(pace.finality_ms),
            queue: u32::try_from(pace.queue).unwrap_or(u32::MAX),
            now_us,
            slow_us,
            initial: Ppm(moves.initial_ppm),
            maintenance: Ppm(moves.maintenance_ppm),
        });
        Ok(())
    }

    /// The latency leaf of an underlying; before anything is known, of the reference latency.
    fn latency(&mut self, id: UnderlyingId, reference_us: i64) -> Touch<&mut Latency> {
        let fresh = Latency {
            now_us: reference_us,
            slow_us: reference_us,
            ramp_from_us: reference_us,
            ramp_to_us: reference_us,
            ramp_since: TimeMs::ZERO,
            day: 0,
        };
        Ok(self.state.latencies.touch(LatencyKey(id))?.get_or_insert(fresh))
    }

    /// Counts how long a latency held; when a day is over, the slow latency sets out for the new
    /// quantile.
    fn count_latency(
        &mut self,
        id: UnderlyingId,
        now: TimeMs,
        now_us: i64,
        gap_ms: i64,
        reference_us: i64,
    ) -> Outcome<()> {
        let day = now.0.div_euclid(DAY_MS);
        let last = self.latency(id, reference_us)?.day;
        if day != last {
            if last != 0 {
                self.turn_day(id, now, reference_us)?;
            }
            // Days without any block are no days of latency: what is older than thirty days goes.
            let gone = day.saturating_sub(last).clamp(1, i64::from(LATENCY_DAYS));
            for number in (day - gone + 1)..=day {
                *self.state.latency_days.touch(day_key(id, number))? = None;
            }
            self.latency(id, reference_us)?.day = day;
        }
        let held = self.state.latency_days.touch(day_key(id, day))?;
        let held = held.get_or_insert(LatencyDay { ms: [0; LATENCY_BUCKETS] });
        let bucket = &mut held.ms[bucket_of(now_us)];
        *bucket = bucket.saturating_add(u32::try_from(gap_ms).unwrap_or(u32::MAX));
        Ok(())
    }

    fn turn_day(&mut self, id: UnderlyingId, now: TimeMs, reference_us: i64) -> Outcome<()> {
        let mut days = Vec::new();
        for slot in 0..LATENCY_DAYS {
            let key = LatencyDayKey { underlying: id, slot };
            days.extend(*self.state.latency_days.touch(key)?);
        }
        let Some(quantile_us) = slow_quantile_us(&days) else { return Ok(()) };
        let latency = self.latency(id, reference_us)?;
        latency.ramp_from_us = latency.slow_at(now);
        latency.ramp_to_us = quantile_us;
        latency.ramp_since = now;
        Ok(())
    }

    /// The present and the slow latency of an underlying, in microseconds.
    fn latencies_us(&mut self, id: UnderlyingId) -> Outcome<(i64, i64)> {
        let params = self.state.venue()?.latency;
        match params.source {
            LatencySource::Assumed { now, slow } => Ok((us(now), us(slow))),
            LatencySource::Measured => {
                let reference_us = us(params.reference);
                let held = *self.state.latencies.touch(LatencyKey(id))?;
                Ok(held.map_or((reference_us, reference_us), |held| (held.now_us, held.slow_us)))
            }
        }
    }

    /// The moves of spot that requirements in an underlying are charged for.
    pub(crate) fn extra_moves(&mut self, id: UnderlyingId) -> Outcome<ExtraMoves> {
        let (now_us, slow_us) = self.latencies_us(id)?;
        let venue = self.state.venue()?.latency;
        let params = moves_of(&venue, self.underlying_params(id)?);
        let moves = extra_moves(&params, slow_us, now_us);
        // Parameters are checked when they are set; beyond them the most is charged.
        let most = ExtraMoves { initial_ppm: venue.cap.0, maintenance_ppm: venue.cap.0 };
        Ok(moves.unwrap_or(most))
    }

    /// Whether an underlying's marks are to freeze, by its latency (R4).
    pub(crate) fn is_frozen_by_latency(&mut self, id: UnderlyingId) -> Outcome<bool> {
        let (now_us, _) = self.latencies_us(id)?;
        Ok(now_us > us(self.state.venue()?.latency.freeze))
    }

    /// Brings what an underlying admits in line with its latency (R4).
    pub(crate) fn follow_latency(&mut self, id: UnderlyingId) -> Outcome<()> {
        let (now_us, _) = self.latencies_us(id)?;
        let params = self.state.venue()?.latency;
        let now = self.state.totals()?.time;
        let underlying = self.underlying(id)?;
        if now_us > us(params.freeze) {
            underlying.reopens = TimeMs(now.0.saturating_add(params.reopen.0));
            return self.set_pace_phase(id, Phase::Auction);
        }
        if underlying.pace == Phase::Auction && now < underlying.reopens {
            return Ok(());
        }
        let slow = now_us > us(params.reduce_only);
        self.set_pace_phase(id, if slow { Phase::ReduceOnly } else { Phase::Continuous })
    }

    fn set_pace_phase(&mut self, id: UnderlyingId, phase: Phase) -> Outcome<()> {
        let scope = PhaseScope::Underlying(id);
        let before = self.underlying(id)?.pace;
        self.change_phase(scope, before, phase, PhaseReason::Latency, |exchange| {
            exchange.underlying(id)?.pace = phase;
            Ok(())
        })
    }
}

/// The leaf of a day: they go round.
fn day_key(underlying: UnderlyingId, day: i64) -> LatencyDayKey {
    let slot = day.rem_euclid(i64::from(LATENCY_DAYS));
    LatencyDayKey { underlying, slot: u8::try_from(slot).unwrap_or(0) }
}

#[cfg(test)]
mod tests;
