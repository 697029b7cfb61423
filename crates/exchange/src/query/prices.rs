//! Views of prices and instruments: index, forwards, smiles, marks, funding, phases (P1 to P6, I4).
//!
//! Marks are computed here from the same functions as inside, by looking instead of touching.

use crate::engine::Exchange;
use crate::formula::mark::Touch;
use crate::formula::tick::TickSchedule;
use crate::price::forward::ExpiryTerms;
use crate::price::mark::{Model, model_of, pulled, touch_at};
use crate::state::key::{ExpiryKey, HoldingKey, LatencyKey, LinearKey, Only, UnderlyingKey};
use crate::state::leaves::{Instrument, Linear};
use crate::state::table::Table;
use alloc::vec::Vec;
use lockstep_types::command::{Phase, PhaseScope, SmileParams};
use lockstep_types::ids::{AccountId, InstrumentId, UnderlyingId};
use lockstep_types::instrument::{Contract, InstrumentName, Ticker};
use lockstep_types::units::{Lots, Ppm, Price, TimeMs, Usd, Vol, notional_nano};

/// An instrument, its prices and its totals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstrumentView {
    /// Its name.
    pub name: InstrumentName,
    /// Its underlying.
    pub underlying: UnderlyingId,
    /// Its own phase (M7); the strictest of it, its underlying's and the venue's holds.
    pub phase: Phase,
    /// Mark; `None` before the underlying has had an index.
    pub mark: Option<Price>,
    /// Forward of what it settles at; a perpetual's index.
    pub forward: Option<Price>,
    /// Volatility of an option's model price, scaled as within the settlement window (I5).
    pub volatility: Option<Vol>,
    /// Highest bid.
    pub bid: Option<Price>,
    /// Lowest ask.
    pub ask: Option<Price>,
    /// Price of the last trade.
    pub last: Option<Price>,
    /// Open interest (C2).
    pub open_interest: Lots,
    /// Open orders, sleeping ones included.
    pub orders: u32,
    /// Accounts with a position or an order.
    pub holders: u32,
    /// When it was listed.
    pub listed: TimeMs,
    /// A perpetual's rate per eight hours in 1e-9 (P6).
    pub rate_8h_ppb: i64,
    /// A perpetual's cumulative funding per unit of the underlying (P6).
    pub funding_index: Price,
}

/// An underlying and its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnderlyingView {
    /// Its symbol.
    pub ticker: Ticker,
    /// Index; `None` before it has had one.
    pub index: Option<Price>,
    /// Share of stake that is fresh (P1).
    pub confidence: Ppm,
    /// Whether the index is stale (P5).
    pub stale: bool,
    /// Time of the last block with a fresh index.
    pub fresh: TimeMs,
    /// Its own phase (M7).
    pub phase: Phase,
    /// What its latency allows; the stricter of this and its phase holds (R4).
    pub pace: Phase,
    /// Its latency in the latest block and the slow one, microseconds; `None` while they are
    /// assumed, or nothing is measured yet (R4).
    pub latency_us: Option<(i64, i64)>,
    /// Its own insurance fund (R3).
    pub insurance: Usd,
    /// Its perpetual.
    pub perpetual: Option<InstrumentId>,
    /// Listed instruments.
    pub listed: u32,
}

/// An expiry and its prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpiryView {
    /// When it expires.
    pub expiry: TimeMs,
    /// Forward of the index at expiry (P2); `None` before there has been an index.
    pub forward: Option<Price>,
    /// Forward of the settlement price: within the window, of its fixed and variable part (I5).
    pub settlement_forward: Option<Price>,
    /// Share of the settlement price that still moves with the index (I5).
    pub variable: Ppm,
    /// Smile in force; `None`: the default volatility (P3).
    pub smile: Option<SmileParams>,
    /// Reported basis in force, in 1e-9 of the index.
    pub basis_ppb: i64,
    /// Its dated future.
    pub future: Option<InstrumentId>,
    /// Strikes with a listed option.
    pub strikes: u32,
    /// Settlement price, while positions are being settled.
    pub settlement: Option<Price>,
}

impl Exchange {
    /// The id of a listed instrument.
    #[must_use]
    pub fn instrument_id(&self, name: &InstrumentName) -> Option<InstrumentId> {
        self.state.names.peek(*name).copied()
    }

    /// Every listed instrument, by name.
    #[must_use]
    pub fn instruments(&self) -> Vec<(InstrumentName, InstrumentId)> {
        let mut listed = Vec::new();
        self.state.names.each(&mut |name, id| listed.push((name, *id)));
        listed.sort_unstable();
        listed
    }

    /// A listed instrument.
    #[must_use]
    pub fn instrument_view(&self, id: InstrumentId) -> Option<InstrumentView> {
        let record = *self.state.instruments.peek(id)?;
        let ticker = self.state.underlying_params.peek(UnderlyingKey(record.underlying))?.ticker;
        let touch = self.touch_seen(&record);
        let linear = self.state.linears.peek(LinearKey(id)).copied().unwrap_or_default();
        let model = self.model_seen(&record, &linear);
        let terms = self.terms_seen(&record);
        let volatility = match record.contract {
            Contract::Option { strike, .. } => terms.and_then(|terms| terms.vol_e9(strike)),
            _ => None,
        };
        Some(InstrumentView {
            name: InstrumentName { underlying: ticker, contract: record.contract },
            underlying: record.underlying,
            phase: record.phase,
            mark: model.map(|model| self.pulled_seen(&record, &model, touch)),
            forward: model.map(|model| model.forward),
            volatility: volatility.map(Vol),
            bid: touch.bid.map(Price),
            ask: touch.ask.map(Price),
            last: (record.last > Price::ZERO).then_some(record.last),
            open_interest: record.open_interest,
            orders: record.orders,
            holders: record.holders,
            listed: record.listed,
            rate_8h_ppb: linear.rate_8h_ppb,
            funding_index: linear.funding,
        })
    }

    /// The mark of a listed instrument; `None` before its underlying has had an index.
    #[must_use]
    pub fn mark_seen(&self, id: InstrumentId) -> Option<Price> {
        let record = self.state.instruments.peek(id)?;
        let linear = self.state.linears.peek(LinearKey(id)).copied().unwrap_or_default();
        let model = self.model_seen(record, &linear)?;
        Some(self.pulled_seen(record, &model, self.touch_seen(record)))
    }

    /// The underlying with a ticker.
    #[must_use]
    pub fn underlying_id(&self, ticker: Ticker) -> Option<UnderlyingId> {
        let count = self.state.totals.peek(Only)?.underlyings;
        (0..count).map(UnderlyingId).find(|id| {
            let params = self.state.underlying_params.peek(UnderlyingKey(*id));
            params.is_some_and(|params| params.ticker == ticker)
        })
    }

    /// An underlying and its index.
    #[must_use]
    pub fn underlying_view(&self, id: UnderlyingId) -> Option<UnderlyingView> {
        let record = self.state.underlyings.peek(id)?;
        let params = self.state.underlying_params.peek(UnderlyingKey(id))?;
        let latency = self.state.latencies.peek(LatencyKey(id));
        Some(UnderlyingView {
            ticker: params.ticker,
            index: (record.index > Price::ZERO).then_some(record.index),
            confidence: record.confidence,
            stale: record.stale,
            fresh: record.fresh,
            phase: record.phase,
            pace: record.pace,
            latency_us: latency.map(|latency| (latency.now_us, latency.slow_us)),
            insurance: record.insurance,
            perpetual: record.perpetual,
            listed: record.listed,
        })
    }

    /// A listed expiry.
    #[must_use]
    pub fn expiry_view(&self, underlying: UnderlyingId, expiry: TimeMs) -> Option<ExpiryView> {
        let record = self.state.expiries.peek(ExpiryKey { underlying, expiry })?;
        let fresh = self.state.underlyings.peek(underlying)?.fresh;
        let params = self.state.underlying_params.peek(UnderlyingKey(underlying))?;
        let terms = record.terms(expiry, fresh, params.volatility_default);
        Some(ExpiryView {
            expiry,
            forward: (record.forward > Price::ZERO).then_some(record.forward),
            settlement_forward: terms.map(|terms| terms.forward),
            variable: terms.map_or(Ppm::ZERO, |terms| terms.variable),
            smile: record.smile,
            basis_ppb: record.basis_ppb,
            future: record.future,
            strikes: record.strikes,
            settlement: record.settlement,
        })
    }

    /// The listed expiries of an underlying, by time.
    #[must_use]
    pub fn expiries(&self, underlying: UnderlyingId) -> Vec<TimeMs> {
        let mut times = Vec::new();
        self.state.expiries.each(&mut |key, _| {
            if key.underlying == underlying {
                times.push(key.expiry);
            }
        });
        times.sort_unstable();
        times
    }

    /// The phase of something by itself, the phases above it not counted (M7); of an underlying the
    /// stricter of its phase and what its latency allows (R4); `None` if there is
    /// no such thing.
    #[must_use]
    pub fn phase(&self, scope: PhaseScope) -> Option<Phase> {
        Some(match scope {
            PhaseScope::Venue => self.state.totals.peek(Only)?.phase,
            PhaseScope::Underlying(id) => {
                let underlying = self.state.underlyings.peek(id)?;
                underlying.phase.max(underlying.pace)
            }
            PhaseScope::Instrument(id) => self.state.instruments.peek(id)?.phase,
        })
    }

    /// What a holding would receive in funding if it were paid now, in nano-USD: negative when it
    /// owes (P6). A term of rule C1.
    #[must_use]
    pub fn pending_funding_nano(&self, account: AccountId, instrument: InstrumentId) -> i128 {
        let record = self.state.instruments.peek(instrument);
        if record.is_none_or(|record| record.contract != Contract::Perpetual) {
            return 0;
        }
        let holding = self.state.holdings.peek(HoldingKey { account, instrument });
        let linear = self.state.linears.peek(LinearKey(instrument));
        match (holding, linear) {
            (Some(holding), Some(linear)) => {
                -notional_nano(linear.funding - holding.funding, holding.lots)
            }
            _ => 0,
        }
    }

    /// What expiries that are being settled have paid so far beyond what they have collected, in
    /// nano-USD (I5): until the last position is settled, all balances together exceed deposits by
    /// this much. A term of rule C1.
    #[must_use]
    pub fn settlement_advance_nano(&self) -> i128 {
        let mut sum = 0;
        self.state.expiries.each(&mut |_, expiry| sum += expiry.paid_nano);
        sum
    }

    fn terms_seen(&self, record: &Instrument) -> Option<ExpiryTerms> {
        let (underlying, expiry) = (record.underlying, record.contract.expiry()?);
        let fresh = self.state.underlyings.peek(underlying)?.fresh;
        let params = self.state.underlying_params.peek(UnderlyingKey(underlying))?;
        let record = self.state.expiries.peek(ExpiryKey { underlying, expiry })?;
        record.terms(expiry, fresh, params.volatility_default)
    }

    /// The same as [`Exchange::model`], without touching.
    fn model_seen(&self, record: &Instrument, linear: &Linear) -> Option<Model> {
        let underlying = self.state.underlyings.peek(record.underlying)?;
        model_of(&record.contract, underlying, self.terms_seen(record), linear.mark)
    }

    fn pulled_seen(&self, record: &Instrument, model: &Model, touch: Touch) -> Price {
        let params = self.state.underlying_params.peek(UnderlyingKey(record.underlying));
        match (record.contract, params) {
            (Contract::Option { strike, side, .. }, Some(params)) if model.pulled => {
                pulled(model, touch, strike, side, params.option_mark_band)
            }
            _ => model.price,
        }
    }

    fn touch_seen(&self, record: &Instrument) -> Touch {
        let Some(params) = self.state.underlying_params.peek(UnderlyingKey(record.underlying))
        else {
            return Touch::default();
        };
        let table = match record.contract.is_option() {
            true => &params.option_ticks,
            false => &params.linear_ticks,
        };
        match TickSchedule::new(table.base.0, &table.steps) {
            Ok(ticks) => touch_at(&ticks, record.best_bid, record.best_ask),
            Err(_) => Touch::default(),
        }
    }
}
