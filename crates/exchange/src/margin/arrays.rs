//! Risk arrays of listed instruments, for the block at hand.
//!
//! An array is a function of what its instrument's model price comes from (forward, smile, time),
//! so it is no leaf: it is made when an account that has the instrument is first looked at in a
//! block, and kept until the marks move. A block makes at most as many as the accounts that it
//! looks at hold, however many series are listed. The call and the put of a strike are made
//! together, and only if what they come from has changed.
//!
//! Invariant: the cache lives and dies with the models of [`crate::price::mark`], and computing an
//! array touches the same leaves as computing the model, so that a run touches the same leaves
//! whatever is known from before.

use crate::engine::Exchange;
use crate::formula::risk_array::{
    RiskArray, VolMoveParams, linear_array, option_array, option_arrays,
};
use crate::option::Black76;
use crate::state::Outcome;
use crate::state::computed::Computed;
use crate::state::key::ExpiryKey;
use crate::state::table::index;
use alloc::vec::Vec;
use lockstep_types::ids::InstrumentId;
use lockstep_types::instrument::{Contract, OptionSide};

/// The array of an instrument, if its moves fit one.
pub(crate) type Array = Option<RiskArray>;

/// Strikes whose arrays are remembered with what they were made of.
const STRIKES_REMEMBERED_MAX: usize = 4_096;

/// Arrays by instrument, valid within one era of marks.
#[derive(Clone, Debug, Default)]
pub(crate) struct ArrayCache {
    /// Each marked with one above the era of marks that it was made in.
    arrays: Computed<Array>,
    /// The latest of each place; see [`Self::option`].
    strikes: Vec<Option<StrikeArrays>>,
}

/// The arrays of a strike's call and put, and what they were made of.
#[derive(Clone, Debug)]
struct StrikeArrays {
    moves: VolMoveParams,
    option: Black76,
    call: Array,
    put: Array,
}

impl StrikeArrays {
    fn new(moves: VolMoveParams, option: Black76) -> Self {
        let (call, put) = match option_arrays(&moves, &option) {
            Ok(arrays) => (Some(arrays.call), Some(arrays.put)),
            // One of the two may still fit.
            Err(_) => {
                let of = |side| option_array(&moves, &option, side).ok();
                (of(OptionSide::Call), of(OptionSide::Put))
            }
        };
        Self { moves, option, call, put }
    }
}

impl ArrayCache {
    /// For a state of which few instruments are known.
    pub(crate) fn partial() -> Self {
        Self { arrays: Computed::partial(), strikes: Vec::new() }
    }

    /// The array of an instrument that was made in the era of marks one below `mark`.
    pub(crate) fn get(&self, instrument: InstrumentId, mark: u64) -> Option<&Array> {
        self.arrays.get(instrument, mark)
    }

    fn put(&mut self, instrument: InstrumentId, mark: u64, array: Array) {
        self.arrays.put(instrument, mark, array);
    }

    /// The array of an option, made together with that of the other side, and not made at all if
    /// what it is made of is what it was: marks are looked at anew more often than they move.
    ///
    /// Each strike has one place, which others may have as well; who comes last keeps it. There are
    /// as many places as instruments seen, up to a limit.
    fn option(&mut self, moves: VolMoveParams, option: Black76, side: OptionSide) -> Array {
        let wanted = self.arrays.len().next_power_of_two().clamp(16, STRIKES_REMEMBERED_MAX);
        if self.strikes.len() != wanted {
            self.strikes.clear();
            self.strikes.resize(wanted, None);
        }
        let mixed = (option.strike ^ option.seconds.rotate_left(32)).wrapping_mul(MIX);
        // The upper half depends on all of the bits below.
        let [.., a, b, c, d] = mixed.to_le_bytes();
        let at = index(u32::from_le_bytes([a, b, c, d])) & (wanted - 1);
        let made = match &mut self.strikes[at] {
            Some(made) if made.moves == moves && made.option == option => made,
            other => other.insert(StrikeArrays::new(moves, option)),
        };
        match side {
            OptionSide::Call => made.call,
            OptionSide::Put => made.put,
        }
    }
}

/// An odd number without pattern: 2^64 over the golden ratio.
const MIX: i64 = -0x61c8_8646_80b5_83eb;

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
        Ok(self.arrays.option(moves, option, side))
    }
}

#[cfg(test)]
mod tests;
