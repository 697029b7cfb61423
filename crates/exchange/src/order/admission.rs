//! Admission: everything that must hold before an order may touch the book.
//!
//! Nothing here changes the state but by touching leaves, so a refused order leaves no trace (C4).

use crate::engine::Exchange;
use crate::formula::tick::TickSchedule;
use crate::state::Outcome;
use crate::state::key::LabelKey;
use crate::state::leaves::Instrument;
use lockstep_types::command::Phase;
use lockstep_types::ids::{AccountId, InstrumentId, UnderlyingId};
use lockstep_types::instrument::EXPIRY_TIME_OF_DAY_MS;
use lockstep_types::order::{NewOrder, PostOnly, Side, TimeInForce, TriggerKind};
use lockstep_types::params::UnderlyingParams;
use lockstep_types::reject::{Reject, RejectCode};
use lockstep_types::units::{DAY_MS, LOTS_PER_UNIT, Lots, PPM, Ppm, Price, TimeMs};

/// Reduce-only orders per account and instrument; each fill looks at all of them (L1).
pub const REDUCE_ONLY_MAX: u32 = 32;
/// No order, position or open interest is larger than this.
pub const LOTS_LIMIT: i64 = 1 << 31;
/// No price is larger than this: a billion USD.
pub const PRICE_LIMIT: i64 = 1_000_000_000_000_000;
/// No order and no position is worth more than this at its underlying's highest price, which
/// follows from it: about a million million USD. It keeps notionals within 64 bits (L6).
pub const NOTIONAL_LIMIT: i64 = 1 << 60;
/// With a balance beyond this, either way, nobody sends orders, so that what they come to stays
/// within 64 bits (L6).
pub const CASH_LIMIT: i64 = 1 << 61;

/// The highest price of an underlying and its instruments: at it not even the largest position is
/// worth more than [`NOTIONAL_LIMIT`].
pub(crate) fn price_most(params: &UnderlyingParams) -> i64 {
    let lots = params.order_lots_max.max(params.position_lots_max).0.max(1);
    let wide = i128::from(NOTIONAL_LIMIT) * i128::from(LOTS_PER_UNIT) / i128::from(lots);
    i64::try_from(wide).unwrap_or(i64::MAX).min(PRICE_LIMIT)
}

/// What admission found out about an order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Admitted {
    pub(crate) underlying: UnderlyingId,
    pub(crate) is_option: bool,
    pub(crate) phase: Phase,
    /// Its amount, clipped to the position if it is reduce-only.
    pub(crate) lots: u32,
    /// Its limit price and the price's tick; for a market order the edge of the band.
    pub(crate) price: Price,
    pub(crate) tick: u32,
    pub(crate) reduce_only: bool,
    /// When it ends; 0: never.
    pub(crate) until: TimeMs,
    /// Whether what does not trade at once is cancelled.
    pub(crate) immediate: bool,
}

/// What an order says by itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    pub(crate) instrument: Instrument,
    /// When it ends; 0: never.
    pub(crate) until: TimeMs,
    /// Whether what does not trade at once is cancelled.
    pub(crate) immediate: bool,
    /// Its limit price and the price's tick; `None` for a market order.
    pub(crate) limit: Option<(Price, u32)>,
}

/// Price limits around a mark, in micro-USD.
pub(crate) fn band(mark: Price, width: i64) -> (Price, Price) {
    (Price((mark.0 - width).max(0)), Price(mark.0.saturating_add(width)))
}

/// `ppm` of a price that is within [`PRICE_LIMIT`].
pub(crate) fn share(price: Price, ppm: Ppm) -> i64 {
    let wide = i128::from(price.0) * i128::from(ppm.0) / i128::from(PPM);
    i64::try_from(wide).unwrap_or(i64::MAX)
}

impl Exchange {
    /// The instrument, if it is listed.
    #[inline]
    pub(crate) fn listed(&mut self, id: InstrumentId) -> Outcome<Instrument> {
        // An id that was never given is not asked for, so that nobody can make the array grow.
        if id.0 >= self.state.totals()?.instruments {
            return Err(Reject::of(RejectCode::UnknownInstrument).into());
        }
        match self.state.instruments.touch(id)? {
            Some(instrument) => Ok(*instrument),
            None => Err(Reject::of(RejectCode::UnknownInstrument).into()),
        }
    }

    /// The underlying's parameters.
    pub(crate) fn underlying_params(&mut self, id: UnderlyingId) -> Outcome<&UnderlyingParams> {
        let key = crate::state::key::UnderlyingKey(id);
        match self.state.underlying_params.touch(key)? {
            Some(params) => Ok(params),
            None => Err(Reject::of(RejectCode::UnknownUnderlying).into()),
        }
    }

    /// The tick schedule of an instrument (I3).
    pub(crate) fn ticks(&mut self, instrument: &Instrument) -> Outcome<TickSchedule> {
        let is_option = instrument.contract.is_option();
        Ok(*self.rules_of(instrument.underlying)?.ticks(is_option))
    }

    /// The strictest phase that applies to an instrument (M7, R4).
    pub(crate) fn phase_of(&mut self, instrument: &Instrument) -> Outcome<Phase> {
        let venue = self.state.totals()?.phase;
        let underlying = self.underlying(instrument.underlying)?;
        Ok(venue.max(underlying.phase).max(underlying.pace).max(instrument.phase))
    }

    /// Checks a new order against the rules of the instrument and the account; margin, label and
    /// protection come after. `filled` lots of it have traded before, if it was amended.
    #[inline]
    pub(crate) fn admit(
        &mut self,
        account: AccountId,
        order: &NewOrder,
        filled: u32,
    ) -> Outcome<Admitted> {
        let form = self.check_form(order, filled)?;
        let record = *self.state.account(account)?;
        if record.liquidating {
            return Err(Reject::of(RejectCode::BelowMaintenance).into());
        }
        let cash = record.cash.0;
        if !(-CASH_LIMIT..=CASH_LIMIT).contains(&cash) {
            return Err(Reject::beyond(RejectCode::Overflow, cash, CASH_LIMIT).into());
        }
        self.check_order_count(account, &record, order.instrument)?;
        let Form { instrument, until, immediate, .. } = form;
        let venue = self.state.totals()?.phase;
        let underlying = self.underlying(instrument.underlying)?;
        let stale = underlying.stale;
        let phase = venue.max(underlying.phase).max(underlying.pace).max(instrument.phase);
        check_phase(order, phase, immediate)?;
        let (lots, reduce_only) = self.check_reach(account, order, &instrument, phase, stale)?;
        let (price, tick) = match form.limit {
            Some((price, tick)) => {
                if order.trigger.is_none() {
                    self.check_band(order, &instrument, price)?;
                }
                (price, tick)
            }
            // Its limit is made when it wakes.
            None if order.trigger.is_some() => (Price::ZERO, 0),
            None => self.market_limit(order, &instrument)?,
        };
        Ok(Admitted {
            underlying: instrument.underlying,
            is_option: instrument.contract.is_option(),
            phase,
            lots,
            price,
            tick,
            reduce_only,
            until,
            immediate,
        })
    }

    /// Checks what an order says by itself: no account, no position, no market.
    #[inline]
    pub(crate) fn check_form(&mut self, order: &NewOrder, filled: u32) -> Outcome<Form> {
        let instrument = self.listed(order.instrument)?;
        let now = self.state.totals()?.time;
        if instrument.contract.expiry().is_some_and(|expiry| expiry <= now) {
            return Err(Reject::of(RejectCode::InstrumentExpired).into());
        }
        let (until, immediate) = check_lifetime(order, now)?;
        let rules = self.rules_of(instrument.underlying)?;
        rules.check_amount(order, filled)?;
        check_trigger_form(order)?;
        let limit = match order.price {
            Some(price) => Some((price, rules.check_tick(price, instrument.contract.is_option())?)),
            None => None,
        };
        Ok(Form { instrument, until, immediate, limit })
    }

    /// Reduction, position and open interest limits (M3, M8): the lots that count, and whether the
    /// order may only reduce.
    #[inline(always)]
    fn check_reach(
        &mut self,
        account: AccountId,
        order: &NewOrder,
        instrument: &Instrument,
        phase: Phase,
        stale: bool,
    ) -> Outcome<(u32, bool)> {
        let holding = self.state.holding_or_empty(account, order.instrument)?;
        let reduce_only = order.reduce_only || phase == Phase::ReduceOnly || stale;
        let rules = self.rules_of(instrument.underlying)?;
        let (position_max, interest_max) = (rules.position_lots_max, rules.open_interest_max);
        let mut lots = order.lots.0;
        let reducible = match order.side {
            Side::Buy => -holding.lots.0,
            Side::Sell => holding.lots.0,
        };
        if reduce_only {
            if reducible <= 0 {
                let code = match (order.reduce_only, stale) {
                    (true, _) => RejectCode::ReduceOnlyIncreases,
                    (false, true) => RejectCode::StaleIndex,
                    (false, false) => RejectCode::ReduceOnlyPhase,
                };
                return Err(Reject::of(code).into());
            }
            if holding.reduce_only >= REDUCE_ONLY_MAX {
                let limit = i64::from(REDUCE_ONLY_MAX);
                return Err(Reject::beyond(RejectCode::OrderLimit, limit, limit).into());
            }
            lots = lots.min(reducible);
        } else {
            let reach = holding.open_lots(order.side).0 + lots - reducible;
            if reach > position_max {
                let code = RejectCode::PositionLimit;
                return Err(Reject::beyond(code, reach, position_max).into());
            }
            let interest = instrument.open_interest.0 + lots;
            if lots > reducible && interest > interest_max {
                let code = RejectCode::OpenInterestCap;
                return Err(Reject::beyond(code, interest, interest_max).into());
            }
        }
        Ok((u32::try_from(lots).unwrap_or(u32::MAX), reduce_only))
    }

    /// The protection limit of a market order, and its tick (M2).
    fn market_limit(&mut self, order: &NewOrder, instrument: &Instrument) -> Outcome<(Price, u32)> {
        let (least, most) = self.market_limits(order.instrument, instrument)?;
        let rules = self.rules_of(instrument.underlying)?;
        let highest = rules.price_most;
        let ticks = rules.ticks(instrument.contract.is_option());
        let edge = match order.side {
            Side::Buy => ticks.price_floor(most.0.min(highest)),
            Side::Sell => ticks.price_ceil(least.0),
        };
        let edge = edge.unwrap_or(0).max(ticks.price_of(1).unwrap_or(1));
        let tick =
            ticks.level_of(edge).map_err(|_| Reject::beyond(RejectCode::OffTick, edge, 0))?;
        Ok((Price(edge), tick))
    }

    fn check_band(
        &mut self,
        order: &NewOrder,
        instrument: &Instrument,
        price: Price,
    ) -> Outcome<()> {
        let option = instrument.contract.is_option();
        let rules = self.rules_of(instrument.underlying)?;
        let width = if option { rules.option_price_band } else { rules.price_band };
        if width.0 == 0 {
            return Ok(());
        }
        let Some(mark) = self.mark(order.instrument)? else {
            // Before the first index there is nothing to compare with.
            return Ok(());
        };
        let reach = match option {
            true => share(self.forward_of(order.instrument)?.unwrap_or(mark), width),
            false => share(mark, width),
        };
        let (least, most) = band(mark, reach);
        // A price far on the passive side of the book harms nobody; far through it harms its owner.
        match order.side {
            Side::Buy if price > most => {
                Err(Reject::beyond(RejectCode::PriceBand, price.0, most.0).into())
            }
            Side::Sell if price < least => {
                Err(Reject::beyond(RejectCode::PriceBand, price.0, least.0).into())
            }
            _ => Ok(()),
        }
    }

    /// Between which prices a market order may trade (M2).
    fn market_limits(
        &mut self,
        id: InstrumentId,
        instrument: &Instrument,
    ) -> Outcome<(Price, Price)> {
        let Some(mark) = self.mark(id)? else {
            return Err(Reject::of(RejectCode::NoReference).into());
        };
        let reference = match instrument.contract.is_option() {
            true => self.forward_of(id)?.unwrap_or(mark),
            false => mark,
        };
        let width = self.rules_of(instrument.underlying)?.market_band;
        Ok(band(mark, share(reference, width)))
    }

    /// Checks that a label is free (A4).
    pub(crate) fn check_label(&mut self, account: AccountId, order: &NewOrder) -> Outcome<()> {
        let Some(label) = &order.label else { return Ok(()) };
        match self.state.labels.touch(LabelKey::new(account, label))? {
            None => Ok(()),
            Some(_) => Err(Reject::of(RejectCode::LabelInUse).into()),
        }
    }
}

/// When the order ends, and whether it may rest at all (M2, M3).
#[inline]
fn check_lifetime(order: &NewOrder, now: TimeMs) -> Result<(TimeMs, bool), Reject> {
    let market = order.price.is_none();
    let fleeting =
        matches!(order.time_in_force, TimeInForce::ImmediateOrCancel | TimeInForce::FillOrKill);
    let immediate = market || fleeting;
    // A sleeping order ends at its time whatever it becomes when it wakes.
    let waits = !market || order.trigger.is_some();
    if immediate && (order.post_only != PostOnly::No || order.display.is_some()) {
        return Err(Reject::of(RejectCode::BadTimeInForce));
    }
    let until = match order.time_in_force {
        TimeInForce::GoodTil(time) if time <= now => {
            return Err(Reject::beyond(RejectCode::BadTimeInForce, time.0, now.0));
        }
        TimeInForce::GoodTil(time) if waits => time,
        TimeInForce::GoodTilDay if waits => {
            let today = now.0.div_euclid(DAY_MS) * DAY_MS + EXPIRY_TIME_OF_DAY_MS;
            TimeMs(if today > now.0 { today } else { today + DAY_MS })
        }
        _ => TimeMs::ZERO,
    };
    Ok((until, immediate))
}

/// A trigger's numbers: positive, and a trailing stop becomes a market order (M2).
#[inline]
fn check_trigger_form(order: &NewOrder) -> Result<(), Reject> {
    let Some(trigger) = order.trigger else { return Ok(()) };
    let number = match trigger.kind {
        TriggerKind::Stop { price } | TriggerKind::Take { price } => price,
        TriggerKind::Trailing { offset } => {
            if let Some(price) = order.price {
                return Err(Reject::beyond(RejectCode::UnexpectedPrice, price.0, 0));
            }
            offset
        }
    };
    if number.0 <= 0 || number.0 > PRICE_LIMIT {
        let limit = if number.0 <= 0 { 1 } else { PRICE_LIMIT };
        return Err(Reject::beyond(RejectCode::BadTrigger, number.0, limit));
    }
    Ok(())
}

/// Whether the phase takes the order at all (M7); what must reduce is checked with the position.
/// Orders may go to sleep in an auction: none wakes before it is over.
#[inline]
fn check_phase(order: &NewOrder, phase: Phase, immediate: bool) -> Result<(), Reject> {
    match phase {
        Phase::Halted => Err(Reject::of(RejectCode::Halted)),
        Phase::Auction if order.trigger.is_some() => Ok(()),
        Phase::Auction if immediate || order.post_only != PostOnly::No => {
            Err(Reject::of(RejectCode::AuctionPhase))
        }
        _ => Ok(()),
    }
}

/// The lots of an order that are shown at once (M3).
pub(crate) fn visible_of(display: u32, left: u32) -> u32 {
    if display == 0 { left } else { display.min(left) }
}

/// `Lots` as an order stores them.
pub(crate) fn stored(lots: Lots) -> u32 {
    u32::try_from(lots.0).unwrap_or(u32::MAX)
}
