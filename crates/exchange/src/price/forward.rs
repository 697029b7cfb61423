//! Forwards, smiles and settlement averages of expiries, and what pricing needs of them.
//!
//! Each block with a fresh index, every listed expiry takes the index into its settlement average
//! (I5), its forward from its future's book or from the index and the reported basis (P2), and its
//! smile from the reports (P3).
//!
//! A smile is taken over only if it is free of butterfly arbitrage and of calendar arbitrage with
//! its neighbours; else the last one stays. Expiries without any smile are no neighbours: they are
//! priced with the default volatility, which nobody vouches for.
//!
//! Basis and smile need two thirds of all stake behind them, like the index; below that the last
//! ones stay. So no minority can move a forward or a surface.
//!
//! Within the settlement window the price is partly known. What an instrument of the expiry settles
//! at is then the mean of a fixed and a variable part (I5): [`ExpiryTerms`] has the forward of that
//! mean and the share of it that still moves. An option on it is priced as lognormal with its
//! volatility scaled by the share, at the time to expiry. (The variable part is itself a mean and
//! moves less than its last price; the difference stays, as a reserve for who is short options.)

use super::index::{ExpiryWord, Refresh, Spoken};
use super::report::{seconds_until, smile_of};
use crate::engine::Exchange;
use crate::formula::mark::{Touch, forward_price};
use crate::formula::rounding::mul_div_floor;
use crate::formula::settlement::{Sample, Settling, WINDOW_MS};
use crate::formula::smile::{Smile, is_calendar_free, median_smile};
use crate::formula::weighted_median::weighted_median;
use crate::formula::{PPB, PPM};
use crate::state::key::{ExpiryKey, IndexId};
use crate::state::leaves::Expiry;
use crate::state::{self, Missing, Outcome};
use alloc::vec::Vec;
use lockstep_types::command::SmileParams;
use lockstep_types::ids::{InstrumentId, UnderlyingId};
use lockstep_types::units::{Ppm, Price, TimeMs, Vol};

/// What pricing needs to know of an expiry, as of the last block with a fresh index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ExpiryTerms {
    /// Forward of the settlement price: within the window, of its fixed and its variable part.
    pub(crate) forward: Price,
    /// Share of the settlement price that still moves with the index (I5).
    pub(crate) variable: Ppm,
    /// Time to expiry, rounded up.
    pub(crate) seconds: i64,
    /// Volatility over strikes, before it is scaled by the variable share.
    pub(crate) smile: Smile,
    /// Whether the settlement price is fixed: it is the forward then.
    pub(crate) settled: bool,
}

impl ExpiryTerms {
    /// Volatility (1e-9) of the settlement price at a strike; `None` for a strike that is not
    /// positive.
    pub(crate) fn vol_e9(&self, strike: Price) -> Option<i64> {
        let smile = &self.smile;
        let vol = match smile.phi_ppm {
            // Flat: no need for a logarithm.
            0 => smile.atm_vol_e9,
            _ => smile.vol_at_strike_e9(self.forward.0, strike.0).ok()?,
        };
        match self.variable.0 {
            PPM => Some(vol),
            share => mul_div_floor(vol, share, PPM).ok(),
        }
    }
}

impl Expiry {
    /// The settlement average so far, of the expiry at `end`.
    pub(crate) fn settling(&self, end: TimeMs) -> Settling {
        let held = Sample { time_ms: self.twap_time.0, price: self.twap_price.0 };
        Settling {
            start_ms: end.0.saturating_sub(WINDOW_MS),
            end_ms: end.0,
            held: (self.twap_price > Price::ZERO).then_some(held),
            sum: self.twap_sum,
            covered_ms: self.twap_ms,
        }
    }

    /// Takes the index at `now` into the settlement average (I5). The last one from before the
    /// window counts from the window's start, so each is kept.
    fn take_sample(&mut self, end: TimeMs, now: TimeMs, index: Price) {
        let mut settling = self.settling(end);
        let taken = settling.add(Sample { time_ms: now.0, price: index.0 });
        assert!(taken.is_ok(), "the chain's clock does not go back, and an index is positive");
        self.twap_sum = settling.sum;
        self.twap_ms = settling.covered_ms;
        self.twap_price = index;
        self.twap_time = now;
    }

    /// What pricing needs of the expiry at `end`, when the index was last fresh at `fresh`; `None`
    /// before it has had a forward.
    pub(crate) fn terms(&self, end: TimeMs, fresh: TimeMs, default: Vol) -> Option<ExpiryTerms> {
        let flat = Smile { atm_vol_e9: default.0, rho_ppm: 0, phi_ppm: 0 };
        let smile = self.smile.as_ref().map_or(flat, smile_of);
        let seconds = seconds_until(end, fresh);
        let (forward, variable) = (self.forward, Ppm(PPM));
        let whole = ExpiryTerms { forward, variable, seconds, smile, settled: false };
        if let Some(forward) = self.settlement {
            // It is worth what it pays.
            let variable = Ppm::ZERO;
            return Some(ExpiryTerms { forward, variable, seconds: 0, settled: true, ..whole });
        }
        if forward == Price::ZERO {
            return None;
        }
        if fresh.0 <= end.0.saturating_sub(WINDOW_MS) {
            return Some(whole);
        }
        let split = self.settling(end).split(fresh.0).ok()?;
        let (Ok(forward), Ok(share)) = (split.forward(self.forward.0), split.variable_ppm()) else {
            // Nothing is fixed and nothing remains: no index came before the expiry.
            return Some(whole);
        };
        Some(ExpiryTerms { forward: Price(forward.max(1)), variable: Ppm(share), ..whole })
    }
}

/// Whether `weight` of `stake` is enough to set a basis or a smile.
fn is_quorum(weight: u128, stake: u64) -> bool {
    weight > 0 && weight * 3 >= u128::from(stake) * 2
}

/// The stake-weighted median basis of an expiry in 1e-9, if enough stake reports one (P2).
fn median_basis(words: &[ExpiryWord], expiry: TimeMs, stake: u64) -> Option<i64> {
    let about = words.iter().filter(|(_, word)| word.expiry == expiry);
    let mut values: Vec<(i64, u64)> =
        about.map(|(weight, word)| (word.basis_ppb, *weight)).collect();
    let weight = values.iter().map(|(_, weight)| u128::from(*weight)).sum();
    is_quorum(weight, stake).then(|| weighted_median(&mut values)).flatten()
}

/// The stake-weighted median smile of an expiry, if enough stake reports one and it is free of
/// butterfly arbitrage (P3).
fn agreed_smile(
    words: &[ExpiryWord],
    expiry: TimeMs,
    stake: u64,
    seconds: i64,
) -> Option<SmileParams> {
    let about = words.iter().filter(|(_, word)| word.expiry == expiry);
    let smiles: Vec<(Smile, u64)> = about
        .filter_map(|(weight, word)| word.smile.as_ref().map(|smile| (smile_of(smile), *weight)))
        .collect();
    let weight = smiles.iter().map(|(_, weight)| u128::from(*weight)).sum();
    if !is_quorum(weight, stake) {
        return None;
    }
    let mut scratch = alloc::vec![(0, 0); smiles.len()];
    let median = median_smile(&smiles, &mut scratch).ok().flatten()?;
    let params = SmileParams {
        atm: Vol(median.atm_vol_e9),
        rho: Ppm(median.rho_ppm),
        phi: Ppm(median.phi_ppm),
    };
    median.is_butterfly_free(seconds).then_some(params)
}

/// A smile and the seconds to its expiry.
type Slice = (SmileParams, i64);

/// Whether two neighbouring smiles admit no calendar arbitrage; true without a neighbour.
fn fit(near: Option<Slice>, far: Option<Slice>) -> bool {
    let (Some(near), Some(far)) = (near, far) else { return true };
    let (near_smile, far_smile) = (smile_of(&near.0), smile_of(&far.0));
    is_calendar_free(&near_smile, near.1, &far_smile, far.1).unwrap_or(false)
}

impl Exchange {
    /// The price state of an expiry that is known to be listed.
    pub(crate) fn expiry(&mut self, key: ExpiryKey) -> state::Touch<&mut Expiry> {
        match self.state.expiries.touch(key)? {
            Some(expiry) => Ok(expiry),
            None => {
                assert!(self.state.partial, "the expiry of a listed instrument has its leaf");
                Err(Missing::leaf(key))
            }
        }
    }

    /// The listed expiries of an underlying, by time; those that are being settled included.
    pub(crate) fn expiries_of(&mut self, underlying: UnderlyingId) -> Outcome<Vec<ExpiryKey>> {
        let index = IndexId::Expiries(underlying);
        let most = crate::listing::EXPIRIES_MAX;
        let entries = self.state.entries.up_to(index, i64::MAX, most)?;
        let key = |expiry| ExpiryKey { underlying, expiry: TimeMs(expiry) };
        Ok(entries.into_iter().map(|(expiry, _)| key(expiry)).collect())
    }

    /// What pricing needs of an expiry; `None` before it has had a forward.
    pub(crate) fn expiry_terms(&mut self, key: ExpiryKey) -> Outcome<Option<ExpiryTerms>> {
        let fresh = self.underlying(key.underlying)?.fresh;
        let default = self.underlying_params(key.underlying)?.volatility_default;
        Ok(self.expiry(key)?.terms(key.expiry, fresh, default))
    }

    /// Refreshes every expiry of an underlying whose index is fresh; see the module.
    pub(crate) fn refresh_expiries(&mut self, refresh: &Refresh, spoken: &Spoken) -> Outcome<()> {
        let mut keys = self.expiries_of(refresh.underlying)?;
        let mut open = Vec::with_capacity(keys.len());
        for key in keys.drain(..) {
            let expiry = self.expiry(key)?;
            if expiry.settlement.is_some() {
                continue;
            }
            expiry.take_sample(key.expiry, refresh.now, refresh.index);
            if key.expiry > refresh.now {
                open.push(key);
            }
        }
        self.refresh_smiles(&open, refresh.now, spoken)?;
        for key in open {
            self.refresh_forward(key, refresh, spoken)?;
        }
        Ok(())
    }

    /// Takes over the smiles that are agreed on and fit between their neighbours (P3).
    fn refresh_smiles(&mut self, keys: &[ExpiryKey], now: TimeMs, spoken: &Spoken) -> Outcome<()> {
        if spoken.expiries.iter().all(|(_, word)| word.smile.is_none()) {
            return Ok(());
        }
        let mut slices = Vec::with_capacity(keys.len());
        for key in keys {
            let seconds = seconds_until(key.expiry, now);
            let agreed = agreed_smile(&spoken.expiries, key.expiry, spoken.stake, seconds);
            slices.push((self.expiry(*key)?.smile, agreed, seconds));
        }
        let mut near: Option<Slice> = None;
        for (place, key) in keys.iter().enumerate() {
            let (held, agreed, seconds) = slices[place];
            let far = slices[place + 1..].iter().find_map(|(held, agreed, seconds)| {
                agreed.or(*held).map(|smile| (smile, *seconds))
            });
            let candidate = agreed.filter(|smile| Some(*smile) != held);
            let taken = candidate.map(|smile| (smile, seconds));
            if taken.is_some() && fit(near, taken) && fit(taken, far) {
                self.expiry(*key)?.smile = candidate;
                near = taken;
            } else if let Some(held) = held {
                near = Some((held, seconds));
            }
        }
        Ok(())
    }

    /// Sets the forward of an expiry (P2), and its future's mark (P4).
    fn refresh_forward(
        &mut self,
        key: ExpiryKey,
        refresh: &Refresh,
        spoken: &Spoken,
    ) -> Outcome<()> {
        let expiry = *self.expiry(key)?;
        let agreed = median_basis(&spoken.expiries, key.expiry, spoken.stake);
        let basis_ppb = agreed.unwrap_or(expiry.basis_ppb);
        let index = refresh.index.0;
        // Rounding down must leave a forward of at least a micro, however small the index is.
        let basis = mul_div_floor(index, basis_ppb, PPB).unwrap_or(0).max(1 - index);
        let touch = self.forward_touch(key, &expiry, refresh, index + basis)?;
        let spread_max = self.underlying_params(key.underlying)?.forward_spread_max;
        let forward = forward_price(index, basis, &touch, spread_max.0);
        assert!(forward.is_ok(), "a basis is less than a half of the index");
        let record = self.expiry(key)?;
        record.basis_ppb = basis_ppb;
        record.forward = Price(forward.unwrap_or(index));
        match expiry.future {
            Some(future) => self.refresh_future(future, key, basis, refresh),
            None => Ok(()),
        }
    }

    /// The touch from which the forward may be read: empty unless the future's book trades the
    /// forward, which it no longer does within the settlement window, and its mid is within the
    /// band of marks around what is reported, so that a thin book cannot carry the surface away.
    fn forward_touch(
        &mut self,
        key: ExpiryKey,
        expiry: &Expiry,
        refresh: &Refresh,
        reported: i64,
    ) -> Outcome<Touch> {
        let in_window = refresh.now.0 > key.expiry.0.saturating_sub(WINDOW_MS);
        let future = expiry.future.filter(|_| !in_window);
        let Some(future) = future else { return Ok(Touch::default()) };
        let touch = self.touch_of(future)?;
        let band = self.underlying_params(key.underlying)?.mark_band;
        let reach = mul_div_floor(reported, band.0, PPM).unwrap_or(0);
        let near = |mid: i64| (mid - reported).abs() <= reach;
        let trusted = touch.mid().ok().flatten().is_some_and(near);
        Ok(if trusted { touch } else { Touch::default() })
    }

    /// The forward of what an instrument settles at; a perpetual's is its index. `None` before its
    /// underlying has had an index.
    pub(crate) fn forward_of(&mut self, instrument: InstrumentId) -> Outcome<Option<Price>> {
        Ok(self.model(instrument)?.map(|model| model.forward))
    }
}
