//! Market maker protection (M9).
//!
//! A group counts what its orders trade, resting or taking, over a rolling interval: lots, net
//! delta, net vega and trades. When one of them reaches its limit the group trips: all its orders
//! on the underlying are cancelled, and it is frozen for its time or until it is reset; then it
//! counts from nothing. Delta and vega are those of the marks' volatility at the moment of the
//! fill.
//!
//! The interval is kept in [`PROTECTION_BUCKETS`] parts of equal length. A part counts until all of
//! it has left the interval, so up to a fifteenth of the interval too much is counted, never too
//! little.
//!
//! Deliberately absent: block trades, which skip the book; deleting a group, whose leaf stays.

use crate::engine::Exchange;
use crate::option::Black76;
use crate::state::Outcome;
use crate::state::key::{ExpiryKey, ProtectionKey};
use crate::state::leaves::{NO_GROUP, Order, PROTECTION_BUCKETS, Protection, ProtectionBucket};
use lockstep_types::command::{CancelScope, ProtectionLimits};
use lockstep_types::event::{CancelReason, Event, Trade};
use lockstep_types::ids::{AccountId, GroupId, UnderlyingId};
use lockstep_types::instrument::{Contract, OptionSide};
use lockstep_types::reject::{Reject, RejectCode};
use lockstep_types::units::{DAY_MS, LOTS_PER_UNIT, Lots, PPM, SpanMs, TimeMs, Usd};

/// Groups per account and underlying; they are numbered from 0 (M9).
pub const GROUPS_MAX: u8 = 16;
/// Longest interval and longest freeze.
pub const PROTECTION_SPAN_MAX: SpanMs = SpanMs(DAY_MS);
/// A delta of one, in 1e-9.
const DELTA_ONE_E9: i64 = 1_000_000_000;
/// Points in a volatility of 1.00.
const POINTS: i64 = 100;

const NO_BUCKETS: [ProtectionBucket; PROTECTION_BUCKETS] =
    [ProtectionBucket { part: 0, lots: Lots::ZERO, delta_ppm: 0, vega: Usd::ZERO, trades: 0 };
        PROTECTION_BUCKETS];

/// What one unit of an instrument is exposed to.
#[derive(Clone, Copy, Debug)]
struct Sensitivity {
    /// In 1e-9.
    delta_e9: i64,
    /// Micro-USD per volatility of 1.00.
    vega: i64,
}

impl Protection {
    /// Length of a bucket: there is one more than an interval has, so that none is overwritten
    /// while it counts.
    fn part_ms(&self) -> i64 {
        let parts = i64::try_from(PROTECTION_BUCKETS - 1).unwrap_or(i64::MAX);
        (self.limits.interval.0 + parts - 1) / parts
    }

    /// Adds a fill to the bucket of `now`.
    fn count(&mut self, now: TimeMs, fill: &ProtectionBucket) {
        let part = now.0.div_euclid(self.part_ms());
        let count = i64::try_from(PROTECTION_BUCKETS).unwrap_or(i64::MAX);
        let slot = usize::try_from(part.rem_euclid(count)).unwrap_or(0);
        let bucket = &mut self.buckets[slot];
        if bucket.part != part {
            *bucket = ProtectionBucket { part, ..ProtectionBucket::default() };
        }
        bucket.lots = Lots(bucket.lots.0.saturating_add(fill.lots.0));
        bucket.delta_ppm = bucket.delta_ppm.saturating_add(fill.delta_ppm);
        bucket.vega = Usd(bucket.vega.0.saturating_add(fill.vega.0));
        bucket.trades = bucket.trades.saturating_add(1);
    }

    /// Whether what counts at `now` reaches a limit.
    fn reaches_limit(&self, now: TimeMs) -> bool {
        let part_ms = self.part_ms();
        let start = now.0.saturating_sub(self.limits.interval.0);
        let (mut lots, mut delta, mut vega, mut trades) = (0_i128, 0_i128, 0_i128, 0_i128);
        for bucket in &self.buckets {
            if bucket.trades == 0 || (bucket.part + 1).saturating_mul(part_ms) <= start {
                continue;
            }
            lots += i128::from(bucket.lots.0);
            delta += i128::from(bucket.delta_ppm);
            vega += i128::from(bucket.vega.0);
            trades += i128::from(bucket.trades);
        }
        let ProtectionLimits { lots_max, delta_max, vega_max, trades_max, .. } = self.limits;
        let reached = |value: i128, limit: i128| limit > 0 && value.abs() >= limit;
        reached(lots, i128::from(lots_max.0))
            || reached(delta, i128::from(delta_max.0) * i128::from(PPM))
            || reached(vega, i128::from(vega_max.0))
            || reached(trades, i128::from(trades_max))
    }
}

impl Exchange {
    /// Sets the limits of a group. A frozen one stays frozen; a new interval counts from nothing.
    ///
    /// # Errors
    /// Rejections: `UnknownUnderlying`; `ProtectionLimits` for a group beyond [`GROUPS_MAX`], a
    /// negative limit, and an interval or freeze beyond [`PROTECTION_SPAN_MAX`].
    pub(crate) fn set_protection(
        &mut self,
        account: AccountId,
        underlying: UnderlyingId,
        group: GroupId,
        limits: &ProtectionLimits,
    ) -> Outcome<()> {
        if underlying.0 >= self.state.totals()?.underlyings {
            return Err(Reject::of(RejectCode::UnknownUnderlying).into());
        }
        check_limits(group, limits)?;
        let key = ProtectionKey { account, underlying, group };
        let leaf = self.state.protections.touch(key)?;
        let frozen_until = leaf.map_or(TimeMs::ZERO, |before| before.frozen_until);
        let kept = leaf.filter(|before| before.limits.interval == limits.interval);
        let buckets = kept.map_or(NO_BUCKETS, |before| before.buckets);
        *leaf = Some(Protection { limits: *limits, frozen_until, buckets });
        self.events.push(Event::ProtectionSet { account, underlying, group });
        Ok(())
    }

    /// Unfreezes a group, which counts from nothing.
    pub(crate) fn reset_protection(
        &mut self,
        account: AccountId,
        underlying: UnderlyingId,
        group: GroupId,
    ) -> Outcome<()> {
        let key = ProtectionKey { account, underlying, group };
        let Some(protection) = self.state.protections.touch(key)? else {
            return Err(Reject::of(RejectCode::ProtectionUnset).into());
        };
        protection.frozen_until = TimeMs::ZERO;
        protection.buckets = NO_BUCKETS;
        self.events.push(Event::ProtectionSet { account, underlying, group });
        Ok(())
    }

    /// Refuses a new order of a group that is frozen or not set up.
    pub(crate) fn check_protection(
        &mut self,
        account: AccountId,
        underlying: UnderlyingId,
        group: GroupId,
    ) -> Outcome<()> {
        let now = self.state.totals()?.time;
        let key = ProtectionKey { account, underlying, group };
        match self.state.protections.touch(key)? {
            None => Err(Reject::of(RejectCode::ProtectionUnset).into()),
            Some(protection) if protection.frozen_until > now => {
                let (actual, limit) = (now.0, protection.frozen_until.0);
                Err(Reject::beyond(RejectCode::ProtectionFrozen, actual, limit).into())
            }
            Some(_) => Ok(()),
        }
    }

    /// Counts a fill of an order of a group; trips the group if a limit is reached.
    pub(crate) fn count_protection(&mut self, order: &Order, trade: &Trade) -> Outcome<()> {
        let now = self.state.totals()?.time;
        let instrument = *self.state.instrument(order.instrument)?;
        let (account, underlying) = (order.account, instrument.underlying);
        let group = GroupId(order.group);
        let key = ProtectionKey { account, underlying, group };
        let Some(protection) = *self.state.protections.touch(key)? else { return Ok(()) };
        if protection.frozen_until > now {
            return Ok(());
        }
        let limits = protection.limits;
        let needs_greeks = limits.delta_max > Lots::ZERO || limits.vega_max > Usd::ZERO;
        let exposed = match (needs_greeks, instrument.contract) {
            (true, Contract::Option { expiry, strike, side }) => {
                self.sensitivity(ExpiryKey { underlying, expiry }, strike.0, side)?
            }
            _ => Sensitivity { delta_e9: DELTA_ONE_E9, vega: 0 },
        };
        let fill = exposed.of_fill(order.side.signed(trade.lots), trade.lots);
        let Some(protection) = self.state.protections.touch(key)? else { return Ok(()) };
        protection.count(now, &fill);
        if !protection.reaches_limit(now) {
            return Ok(());
        }
        let until = match limits.frozen_time {
            SpanMs::ZERO => TimeMs::MAX,
            span => now.plus(span),
        };
        protection.frozen_until = until;
        protection.buckets = NO_BUCKETS;
        self.events.push(Event::ProtectionTripped { account, underlying, group, until });
        let scope = CancelScope::Group { underlying, group };
        self.end_orders(account, scope, CancelReason::Protection)
    }

    /// Delta and vega of an option at its expiry's terms; before it has had a forward, those of the
    /// underlying itself, which is the more careful.
    fn sensitivity(
        &mut self,
        key: ExpiryKey,
        strike: i64,
        side: OptionSide,
    ) -> Outcome<Sensitivity> {
        let whole = match side {
            OptionSide::Call => DELTA_ONE_E9,
            OptionSide::Put => -DELTA_ONE_E9,
        };
        let unknown = Sensitivity { delta_e9: whole, vega: 0 };
        let Some(terms) = self.expiry_terms(key)? else { return Ok(unknown) };
        let vol_e9 = terms.vol_e9(lockstep_types::units::Price(strike)).unwrap_or(0);
        let (forward, seconds) = (terms.forward.0, terms.seconds);
        let Ok(greeks) = (Black76 { forward, strike, vol_e9, seconds }).greeks() else {
            return Ok(unknown);
        };
        let delta_e9 = match side {
            OptionSide::Call => greeks.delta_call_e9,
            OptionSide::Put => greeks.delta_put_e9,
        };
        Ok(Sensitivity { delta_e9, vega: greeks.vega })
    }

    /// Whether an incoming order must stop taking, after a fill: its own group has tripped.
    #[inline]
    pub(crate) fn taker_must_stop(&mut self, taker: &Order) -> Outcome<Option<CancelReason>> {
        if taker.group == NO_GROUP {
            return Ok(None);
        }
        let now = self.state.totals()?.time;
        let underlying = self.state.instrument(taker.instrument)?.underlying;
        let group = GroupId(taker.group);
        let key = ProtectionKey { account: taker.account, underlying, group };
        let protection = self.state.protections.touch(key)?;
        let frozen = protection.as_ref().is_some_and(|leaf| leaf.frozen_until > now);
        Ok(frozen.then_some(CancelReason::Protection))
    }
}

impl Sensitivity {
    /// What a fill of signed lots counts as.
    fn of_fill(self, signed: Lots, lots: Lots) -> ProtectionBucket {
        let times = |value: i64, divisor: i64| {
            let wide = i128::from(signed.0) * i128::from(value) / i128::from(divisor);
            let edge = if wide < 0 { i64::MIN } else { i64::MAX };
            i64::try_from(wide).unwrap_or(edge)
        };
        ProtectionBucket {
            part: 0,
            lots,
            delta_ppm: times(self.delta_e9, DELTA_ONE_E9 / PPM),
            vega: Usd(times(self.vega, LOTS_PER_UNIT * POINTS)),
            trades: 1,
        }
    }
}

/// Refuses limits that are out of range.
fn check_limits(group: GroupId, limits: &ProtectionLimits) -> Result<(), Reject> {
    let span_max = PROTECTION_SPAN_MAX.0;
    let ranges = [
        (i64::from(group.0), 0, i64::from(GROUPS_MAX) - 1),
        (limits.interval.0, 1, span_max),
        (limits.frozen_time.0, 0, span_max),
        (limits.lots_max.0, 0, i64::MAX),
        (limits.delta_max.0, 0, i64::MAX),
        (limits.vega_max.0, 0, i64::MAX),
    ];
    for (value, least, most) in ranges {
        if value < least || value > most {
            let limit = if value < least { least } else { most };
            return Err(Reject::beyond(RejectCode::ProtectionLimits, value, limit));
        }
    }
    Ok(())
}
