//! Listing and expiry of instruments (I4, I5).
//!
//! [`Exchange::list`] makes an instrument of a name; [`calendar`] says which expiries and strikes
//! there should be; [`schedule`] lists those that are missing; [`expiry`] settles what has expired
//! and deletes it.
//!
//! Invariants: an instrument's id is never used twice; an expiry has a leaf exactly while it has an
//! instrument; a dead series leaves no leaf.

pub mod calendar;
pub(crate) mod expiry;
pub(crate) mod schedule;

use crate::engine::Exchange;
use crate::order::admission::price_most;
use crate::state::Outcome;
use crate::state::key::{ExpiryKey, IndexId, LinearKey};
use crate::state::leaves::{Expiry, Instrument, Linear, NONE};
use alloc::boxed::Box;
use lockstep_types::command::Phase;
use lockstep_types::event::Event;
use lockstep_types::ids::{InstrumentId, UnderlyingId};
use lockstep_types::instrument::{Contract, InstrumentName, NameError, OptionSide};
use lockstep_types::reject::{Reject, RejectCode};
use lockstep_types::units::{Lots, Price, TimeMs};

/// Expiries per underlying (I4), those that are being settled included. With the perpetual this
/// bounds perpetual and futures, whose marks move in every block, to thirteen per underlying.
pub const EXPIRIES_MAX: usize = 12;
/// Strikes per expiry (I4).
pub const STRIKES_MAX: u32 = 128;
/// Instruments per expiry: calls, puts and a future.
pub const SERIES_MAX: usize = 257;

/// The series to which a contract belongs; perpetuals have one of their own.
fn series_of(underlying: UnderlyingId, contract: &Contract) -> ExpiryKey {
    ExpiryKey { underlying, expiry: contract.expiry().unwrap_or(TimeMs::ZERO) }
}

/// The same strike's option of the other side.
fn twin(name: &InstrumentName) -> Option<InstrumentName> {
    let Contract::Option { expiry, strike, side } = name.contract else { return None };
    let side = match side {
        OptionSide::Call => OptionSide::Put,
        OptionSide::Put => OptionSide::Call,
    };
    Some(InstrumentName { contract: Contract::Option { expiry, strike, side }, ..*name })
}

impl Exchange {
    /// Lists an instrument; gives its id.
    ///
    /// # Errors
    /// Rejections: `UnknownUnderlying`; `UnknownInstrument` for what has no name; `OffTick` for a
    /// strike off the ticks of the underlying; `InstrumentExpired`; `AlreadyListed`;
    /// `ListingLimit` beyond [`EXPIRIES_MAX`] or [`STRIKES_MAX`].
    pub(crate) fn list(&mut self, name: &InstrumentName) -> Outcome<InstrumentId> {
        let Some(underlying) = self.underlying_named(name.underlying)? else {
            return Err(Reject::of(RejectCode::UnknownUnderlying).into());
        };
        self.check_name(name, underlying)?;
        let new_strike = self.check_room(name, underlying)?;
        let id = InstrumentId(self.state.totals()?.instruments);
        let contract = name.contract;
        let key = series_of(underlying, &contract);
        let listed = self.state.totals()?.time;
        self.state.totals()?.instruments += 1;
        *self.state.instruments.touch(id)? = Some(Instrument {
            underlying,
            contract,
            phase: Phase::Continuous,
            best_bid: NONE,
            best_ask: NONE,
            orders: 0,
            holders: 0,
            open_interest: Lots::ZERO,
            last: Price::ZERO,
            listed,
        });
        *self.state.names.touch(*name)? = Some(id);
        self.state.entries.insert(IndexId::Series(key), i64::from(id.0), u64::from(id.0))?;
        if !contract.is_option() {
            *self.state.linears.touch(LinearKey(id))? = Some(Linear::default());
        }
        if contract.expiry().is_some() {
            self.join_expiry(key, id, &contract, new_strike)?;
        }
        let record = self.underlying(underlying)?;
        record.listed += 1;
        if contract == Contract::Perpetual {
            record.perpetual = Some(id);
        }
        self.events.push(Event::Listed { instrument: id, name: Box::new(*name) });
        Ok(id)
    }

    /// Refuses what is no instrument, has expired, or is listed.
    fn check_name(&mut self, name: &InstrumentName, underlying: UnderlyingId) -> Outcome<()> {
        let contract = &name.contract;
        if let Contract::Option { strike, .. } = contract {
            let params = self.underlying_params(underlying)?;
            let (ticks, most) = (&params.linear_ticks, price_most(params));
            let base = ticks.base.0;
            let schedule = crate::formula::tick::TickSchedule::new(base, &ticks.steps);
            let on_tick = schedule.is_ok_and(|schedule| schedule.check(strike.0).is_ok());
            if !on_tick || strike.0 <= 0 || strike.0 > most {
                return Err(Reject::beyond(RejectCode::OffTick, strike.0, base).into());
            }
        }
        match name.validate() {
            Ok(()) => {}
            Err(NameError::Date) => {
                let expiry = contract.expiry().map_or(0, |expiry| expiry.0);
                return Err(Reject::beyond(RejectCode::UnknownInstrument, expiry, 0).into());
            }
            Err(_) => return Err(Reject::of(RejectCode::UnknownInstrument).into()),
        }
        let now = self.state.totals()?.time;
        if let Some(expiry) = contract.expiry().filter(|expiry| *expiry <= now) {
            return Err(Reject::beyond(RejectCode::InstrumentExpired, expiry.0, now.0).into());
        }
        match self.state.names.touch(*name)? {
            Some(_) => Err(Reject::of(RejectCode::AlreadyListed).into()),
            None => Ok(()),
        }
    }

    /// Refuses an expiry or a strike too many; whether the strike is new.
    fn check_room(&mut self, name: &InstrumentName, underlying: UnderlyingId) -> Outcome<bool> {
        let full =
            |actual: i64, limit: i64| Reject::beyond(RejectCode::ListingLimit, actual, limit);
        let instruments = self.state.totals()?.instruments;
        if instruments == u32::MAX {
            return Err(full(i64::from(instruments), i64::from(instruments)).into());
        }
        if name.contract.expiry().is_none() {
            return Ok(false);
        }
        let key = series_of(underlying, &name.contract);
        let Some(expiry) = *self.state.expiries.touch(key)? else {
            let count = self.expiries_of(underlying)?.len();
            if count >= EXPIRIES_MAX {
                let count = i64::try_from(count).unwrap_or(i64::MAX);
                return Err(full(count, count).into());
            }
            return Ok(name.contract.is_option());
        };
        let new_strike = match twin(name) {
            Some(twin) => self.state.names.touch(twin)?.is_none(),
            None => false,
        };
        if new_strike && expiry.strikes >= STRIKES_MAX {
            return Err(full(i64::from(expiry.strikes), i64::from(STRIKES_MAX)).into());
        }
        Ok(new_strike)
    }

    /// Counts a new instrument in its expiry, which is made if need be.
    fn join_expiry(
        &mut self,
        key: ExpiryKey,
        id: InstrumentId,
        contract: &Contract,
        new_strike: bool,
    ) -> Outcome<()> {
        if self.state.expiries.touch(key)?.is_none() {
            let index = IndexId::Expiries(key.underlying);
            self.state.entries.insert(index, key.expiry.0, 0)?;
        }
        let expiry = self.state.expiries.touch(key)?.get_or_insert(Expiry::default());
        expiry.strikes += u32::from(new_strike);
        if !contract.is_option() {
            expiry.future = Some(id);
        }
        Ok(())
    }

    /// Deletes an instrument that has neither orders nor holders; its expiry's leaf stays.
    fn delist(&mut self, id: InstrumentId) -> Outcome<()> {
        let instrument = *self.state.instrument(id)?;
        assert!(instrument.orders == 0 && instrument.holders == 0, "only what nobody has goes");
        assert!(instrument.open_interest == Lots::ZERO, "nobody has any of it (C2)");
        let ticker = self.underlying_params(instrument.underlying)?.ticker;
        let name = InstrumentName { underlying: ticker, contract: instrument.contract };
        let key = series_of(instrument.underlying, &instrument.contract);
        *self.state.names.touch(name)? = None;
        self.state.entries.remove(IndexId::Series(key), i64::from(id.0), u64::from(id.0))?;
        if !instrument.contract.is_option() {
            *self.state.linears.touch(LinearKey(id))? = None;
        }
        self.state.levels.release(id);
        *self.state.instruments.touch(id)? = None;
        self.underlying(instrument.underlying)?.listed -= 1;
        Ok(())
    }
}
