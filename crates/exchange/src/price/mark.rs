//! Marks (P3, P4).
//!
//! A perpetual's or future's mark is a leaf, moved once per block. An option's is not: with a
//! hundred thousand series that would be a hundred thousand leaves per block. It is a function of
//! the expiry's terms and of the touch of its book now: the Black-76 price on the smile, pulled
//! half way towards the book's own mid, by no more than the narrower of a share of the forward and
//! a share of the premium.
//!
//! While the index is stale an option is marked at its model price alone, which then stands still;
//! a book that trades on without an index moves no mark (P5). The same holds from the expiry on.
//!
//! Invariant: the cache holds a function of leaves that stand still between two clearings (each
//! block's refresh, a change of parameters, a checkpoint), so marks do not depend on it.

use super::index::Refresh;
use crate::engine::Exchange;
use crate::formula::PPM;
use crate::formula::mark::{
    LinearMark, MovingAverage, OptionMark, Touch, band_clamp, linear_mark, option_mark,
};
use crate::formula::rounding::mul_div_floor;
use crate::formula::settlement::WINDOW_MS;
use crate::formula::tick::TickSchedule;
use crate::option::Black76;
use crate::price::forward::ExpiryTerms;
use crate::state::computed::Computed;
use crate::state::key::{ExpiryKey, LinearKey};
use crate::state::leaves::{Instrument, Linear, NONE, Underlying};
use crate::state::{self, Missing, Outcome, State};
use lockstep_types::ids::InstrumentId;
use lockstep_types::instrument::{Contract, OptionSide};
use lockstep_types::units::{Ppm, Price, SpanMs, TimeMs};

/// How much of the distance from the model to the book's mid counts (P3).
const OPTION_PULL_PPM: i64 = 500_000;
/// An option's mark moves at most this share of the model price towards the book (P3).
const OPTION_BAND_PREMIUM_PPM: i64 = 200_000;

/// What a mark comes from, within one block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Model {
    /// An option's model price; the mark itself of anything else.
    pub(crate) price: Price,
    /// Forward of what it settles at.
    pub(crate) forward: Price,
    /// Whether the book may pull it.
    pub(crate) pulled: bool,
}

/// Models by instrument, valid within one block and one run of steps.
#[derive(Clone, Debug, Default)]
pub(crate) struct MarkCache {
    /// How often it was cleared.
    era: u64,
    /// Each marked with one above the era that it was computed in.
    models: Computed<Model>,
}

impl MarkCache {
    /// For a state of which few instruments are known.
    pub(crate) fn partial() -> Self {
        Self { era: 0, models: Computed::partial() }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.era += 1;
    }

    /// What was computed from marks of another era holds no longer.
    pub(crate) fn era(&self) -> u64 {
        self.era
    }

    /// The mark of a perpetual or future, if it was asked for in this era.
    pub(crate) fn mark_of_linear(&self, instrument: InstrumentId) -> Option<Price> {
        self.get(instrument).filter(|model| !model.pulled).map(|model| model.price)
    }

    /// The model price of an instrument, if it was asked for in this era.
    pub(crate) fn model_price(&self, instrument: InstrumentId) -> Option<Price> {
        self.get(instrument).map(|model| model.price)
    }

    #[inline]
    fn get(&self, instrument: InstrumentId) -> Option<Model> {
        self.models.get(instrument, self.era + 1).copied()
    }

    fn put(&mut self, instrument: InstrumentId, model: Model) {
        self.models.put(instrument, self.era + 1, model);
    }
}

/// The price of an option by its expiry's smile (P3).
fn model_price(terms: &ExpiryTerms, strike: Price, side: OptionSide) -> Option<Price> {
    let vol_e9 = terms.vol_e9(strike)?;
    let ExpiryTerms { forward, seconds, .. } = *terms;
    let option = Black76 { forward: forward.0, strike: strike.0, vol_e9, seconds };
    let prices = option.prices().ok()?;
    Some(Price(match side {
        OptionSide::Call => prices.call,
        OptionSide::Put => prices.put,
    }))
}

/// What a mark comes from: `terms` are those of a dated contract's expiry, `mark` is the stored one
/// of a perpetual or future. `None` before there has been an index.
pub(crate) fn model_of(
    contract: &Contract,
    underlying: &Underlying,
    terms: Option<ExpiryTerms>,
    mark: Price,
) -> Option<Model> {
    match *contract {
        Contract::Option { strike, side, .. } => {
            let terms = terms?;
            let price = model_price(&terms, strike, side);
            assert!(price.is_some(), "forwards, strikes and smiles are within the model's range");
            let pulled = !underlying.stale && terms.seconds > 0;
            Some(Model { price: price?, forward: terms.forward, pulled })
        }
        Contract::Future { .. } => {
            let terms = terms?;
            let price = if terms.settled { terms.forward } else { mark };
            let model = Model { price, forward: terms.forward, pulled: false };
            (price > Price::ZERO).then_some(model)
        }
        Contract::Perpetual => {
            let model = Model { price: mark, forward: underlying.index, pulled: false };
            (mark > Price::ZERO).then_some(model)
        }
    }
}

/// The mark of an option whose model price is known and which the book may pull (P3).
pub(crate) fn pulled(
    model: &Model,
    touch: Touch,
    strike: Price,
    side: OptionSide,
    band: Ppm,
) -> Price {
    let inputs = OptionMark {
        model: model.price.0,
        touch,
        side,
        strike: strike.0,
        forward: model.forward.0,
        pull_ppm: OPTION_PULL_PPM,
        band_premium_ppm: OPTION_BAND_PREMIUM_PPM,
        band_forward_ppm: band.0,
    };
    // Prices of books and models are not negative, and bands are bounded parameters.
    option_mark(&inputs).map_or(model.price, Price)
}

/// Whether bid and offer cross or lock, as they can while orders collect for an auction (M7).
pub(crate) fn is_crossed(best_bid: u32, best_ask: u32) -> bool {
    best_bid != NONE && best_ask != NONE && best_bid >= best_ask
}

/// The best prices of a book that is not crossed. A crossed one (in an auction) has no mid that
/// anybody would trade at, so it shows none.
pub(crate) fn touch_at(ticks: &TickSchedule, best_bid: u32, best_ask: u32) -> Touch {
    if is_crossed(best_bid, best_ask) {
        return Touch::default();
    }
    let price = |tick: u32| if tick == NONE { None } else { ticks.price_of(tick).ok() };
    Touch { bid: price(best_bid), ask: price(best_ask) }
}

impl Exchange {
    /// The mark of a listed instrument; `None` before its underlying has had an index. That of an
    /// expired one that is not paid yet is its settlement value.
    #[inline]
    pub(crate) fn mark(&mut self, id: InstrumentId) -> Outcome<Option<Price>> {
        let Some(model) = self.model(id)? else { return Ok(None) };
        if !model.pulled {
            return Ok(Some(model.price));
        }
        let instrument = *self.state.instrument(id)?;
        let Contract::Option { strike, side, .. } = instrument.contract else {
            return Ok(Some(model.price));
        };
        if instrument.best_bid == NONE && instrument.best_ask == NONE {
            return Ok(Some(model.price));
        }
        let band = self.underlying_params(instrument.underlying)?.option_mark_band;
        let ticks = self.ticks(&instrument)?;
        let touch = touch_at(&ticks, instrument.best_bid, instrument.best_ask);
        Ok(Some(pulled(&model, touch, strike, side, band)))
    }

    /// The highest mark that orders can give an instrument while its model stands.
    pub(crate) fn mark_max(&mut self, id: InstrumentId) -> Outcome<Option<Price>> {
        let Some(model) = self.model(id)? else { return Ok(None) };
        if !model.pulled {
            return Ok(Some(model.price));
        }
        let underlying = self.state.instrument(id)?.underlying;
        let band = self.underlying_params(underlying)?.option_mark_band;
        let of_premium = mul_div_floor(model.price.0, OPTION_BAND_PREMIUM_PPM, PPM);
        let of_forward = mul_div_floor(model.forward.0, band.0, PPM);
        let reach = of_premium.unwrap_or(i64::MAX).min(of_forward.unwrap_or(i64::MAX));
        Ok(Some(Price(model.price.0.saturating_add(reach))))
    }

    /// What the mark of a listed instrument comes from.
    #[inline]
    pub(crate) fn model(&mut self, id: InstrumentId) -> Outcome<Option<Model>> {
        if let Some(model) = self.marks.get(id) {
            return Ok(Some(model));
        }
        let model = self.compute_model(id)?;
        if let Some(model) = model {
            self.marks.put(id, model);
        }
        Ok(model)
    }

    fn compute_model(&mut self, id: InstrumentId) -> Outcome<Option<Model>> {
        let instrument = *self.state.instrument(id)?;
        let underlying = *self.underlying(instrument.underlying)?;
        let terms = match instrument.contract.expiry() {
            Some(expiry) => {
                self.expiry_terms(ExpiryKey { underlying: instrument.underlying, expiry })?
            }
            None => None,
        };
        let mark = match instrument.contract.is_option() {
            true => Price::ZERO,
            false => self.state.linear(id)?.mark,
        };
        Ok(model_of(&instrument.contract, &underlying, terms, mark))
    }

    /// The best prices of a listed instrument's book.
    pub(crate) fn touch_of(&mut self, id: InstrumentId) -> Outcome<Touch> {
        let instrument = *self.state.instrument(id)?;
        let ticks = self.ticks(&instrument)?;
        Ok(touch_at(&ticks, instrument.best_bid, instrument.best_ask))
    }

    /// Moves a perpetual's mark and funding; the index is fresh (P4, P6).
    pub(crate) fn refresh_perpetual(&mut self, id: InstrumentId, refresh: &Refresh) -> Outcome<()> {
        self.accrue_funding(id, refresh)?;
        self.sample_premium(id, refresh)?;
        let touch = self.touch_of(id)?;
        let instrument = *self.state.instrument(id)?;
        let rule = self.mark_rule(refresh)?;
        let linear = self.state.linear(id)?;
        // Without a mid the average rests.
        if let Some(mid) = touch.mid().ok().flatten() {
            rule.move_basis(linear, mid, refresh);
        }
        linear.mark = rule.mark(refresh.index, linear.basis(), touch, &instrument);
        Ok(())
    }

    /// Moves a future's mark; the index is fresh (P4). Without a mid its average basis goes to the
    /// reported one. Within the settlement window the mark is made and banded around the forward
    /// of the settlement price, which is what the future is worth (I5).
    pub(crate) fn refresh_future(
        &mut self,
        id: InstrumentId,
        key: ExpiryKey,
        basis: i64,
        refresh: &Refresh,
    ) -> Outcome<()> {
        let touch = self.touch_of(id)?;
        let instrument = *self.state.instrument(id)?;
        let rule = self.mark_rule(refresh)?;
        let settling = match self.expiry_terms(key)? {
            Some(terms) if in_window(key.expiry, refresh.now) => Some(terms.forward),
            _ => None,
        };
        let linear = self.state.linear(id)?;
        let mid = touch.mid().ok().flatten().unwrap_or(refresh.index.0 + basis);
        rule.move_basis(linear, mid, refresh);
        let (centre, basis) = match settling {
            Some(forward) => (forward, 0),
            None => (refresh.index, linear.basis()),
        };
        linear.mark = rule.mark(centre, basis, touch, &instrument);
        Ok(())
    }

    fn mark_rule(&mut self, refresh: &Refresh) -> Outcome<MarkRule> {
        let params = self.underlying_params(refresh.underlying)?;
        Ok(MarkRule { band: params.mark_band, time: params.basis_time })
    }
}

/// How the marks of an underlying's perpetual and futures move (P4).
#[derive(Clone, Copy, Debug)]
struct MarkRule {
    /// Greatest distance from the index.
    band: Ppm,
    /// Time constant of the average basis.
    time: SpanMs,
}

impl MarkRule {
    /// Moves the average basis towards that of `mid`, which counts no further than the band.
    fn move_basis(self, linear: &mut Linear, mid: i64, refresh: &Refresh) {
        let index = refresh.index.0;
        let banded = band_clamp(mid, index, self.band.0).unwrap_or(index);
        let (sample, now_ms) = (banded - index, refresh.now.0);
        let average = match linear.basis_time.0 {
            0 => MovingAverage::new(sample, now_ms),
            updated_ms => {
                let mut average = MovingAverage { nano: linear.basis_ema_nano, updated_ms };
                average.update(sample, now_ms, self.time.0).map(|()| average)
            }
        };
        assert!(average.is_ok(), "an index and its band are within the average's range");
        if let Ok(average) = average {
            linear.basis_ema_nano = average.nano;
            linear.basis_time = TimeMs(average.updated_ms);
        }
    }

    /// The mark around `centre`.
    fn mark(self, centre: Price, basis: i64, touch: Touch, instrument: &Instrument) -> Price {
        let last = (instrument.last > Price::ZERO).then_some(instrument.last.0);
        let band_ppm = self.band.0;
        let mark = linear_mark(&LinearMark { index: centre.0, basis, touch, last, band_ppm });
        assert!(mark.is_ok(), "an index is positive and a band below a whole");
        mark.map_or(centre, Price)
    }
}

/// Whether the settlement average of the expiry at `end` has begun.
fn in_window(end: TimeMs, now: TimeMs) -> bool {
    now.0 > end.0.saturating_sub(WINDOW_MS)
}

impl Linear {
    /// The average distance of the mid from the index in micro-USD per unit, floored.
    fn basis(&self) -> i64 {
        MovingAverage { nano: self.basis_ema_nano, updated_ms: self.basis_time.0 }.value()
    }
}

impl State {
    /// The price state of a perpetual or future that is known to be listed.
    pub(crate) fn linear(&mut self, id: InstrumentId) -> state::Touch<&mut Linear> {
        match self.linears.touch(LinearKey(id))? {
            Some(linear) => Ok(linear),
            None => {
                assert!(self.partial, "a perpetual or future has a price state");
                Err(Missing::leaf(LinearKey(id)))
            }
        }
    }
}

#[cfg(test)]
mod tests;
