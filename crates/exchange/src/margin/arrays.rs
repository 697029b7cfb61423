//! Risk arrays of listed instruments, for the block at hand.
//!
//! An array is a function of what its instrument's model price comes from (forward, smile, time),
//! so it is no leaf: it is made when an account that has the instrument is first looked at in a
//! block, and kept until the marks move. A block makes at most as many as the accounts that it
//! looks at hold, however many series are listed.
//!
//! Invariant: the cache lives and dies with the models of [`crate::price::mark`], and computing an
//! array touches the same leaves as computing the model, so that a run touches the same leaves
//! whatever is known from before.

use crate::engine::Exchange;
use crate::formula::risk_array::{RiskArray, VolMoveParams, linear_array, option_array};
use crate::option::Black76;
use crate::state::Outcome;
use crate::state::computed::Computed;
use crate::state::key::ExpiryKey;
use lockstep_types::ids::InstrumentId;
use lockstep_types::instrument::Contract;

/// The array of an instrument, if its moves fit one.
pub(crate) type Array = Option<RiskArray>;

/// Arrays by instrument, each marked with one above the era of marks that it was made in.
pub(crate) type ArrayCache = Computed<Array>;

impl Exchange {
    /// What one lot of an instrument does in each scenario; `None` where it has no model price yet,
    /// or moves further than an array can say, so that nobody can carry it.
    pub(crate) fn risk_array(&mut self, id: InstrumentId) -> Outcome<Array> {
        let era = self.marks.era();
        if let Some(array) = self.arrays.get(id, era + 1) {
            return Ok(*array);
        }
        let array = self.make_array(id)?;
        self.arrays.put(id, era + 1, array);
        Ok(array)
    }

    fn make_array(&mut self, id: InstrumentId) -> Outcome<Array> {
        let instrument = *self.state.instrument(id)?;
        let Some(model) = self.model(id)? else { return Ok(None) };
        let Contract::Option { expiry, strike, side } = instrument.contract else {
            return Ok(linear_array(model.price.0).ok());
        };
        let key = ExpiryKey { underlying: instrument.underlying, expiry };
        let Some(terms) = self.expiry_terms(key)? else { return Ok(None) };
        let Some(vol_e9) = terms.vol_e9(strike) else { return Ok(None) };
        let params = self.state.venue()?.portfolio_margin;
        let moves = VolMoveParams {
            up_ppm: params.volatility_up.0,
            down_ppm: params.volatility_down.0,
            up_e9_min: params.volatility_up_min.0,
        };
        let (forward, seconds) = (terms.forward.0, terms.seconds);
        let option = Black76 { forward, strike: strike.0, vol_e9, seconds };
        Ok(option_array(&moves, &option, side).ok())
    }
}
