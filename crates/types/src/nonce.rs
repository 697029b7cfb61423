//! Replay protection by a sliding window of nonces (A3).
//!
//! Any order of arrival is fine within the window, nothing is accepted twice. By convention a
//! nonce is the client's clock in milliseconds, so a client that lost its state can go on.
//! Source: the anti-replay window of RFC 4303 section 3.4.3, as restated in RFC 6479.

use crate::codec_struct;
use crate::reject::{Reject, RejectCode};
use crate::units::TimeMs;

/// How far behind the highest nonce a new one may lie.
pub const NONCE_WINDOW: u64 = 256;
/// How far ahead of the chain's clock a nonce may lie, so that nobody locks himself out.
pub const NONCE_AHEAD_MS: u64 = 60_000;

const WORDS: usize = 4;

/// The nonces that one key has used: the highest, and which of the 256 up to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NonceWindow {
    highest: u64,
    /// Bit `i` of the whole: `highest - i` was used.
    used: [u64; WORDS],
}
codec_struct!(NonceWindow { highest, used });

impl NonceWindow {
    /// Uses `nonce` up.
    ///
    /// # Errors
    /// `NonceUsed`, `NonceTooOld` below the window, `NonceTooFar` beyond the clock; the window is
    /// unchanged then.
    pub fn accept(&mut self, nonce: u64, now: TimeMs) -> Result<(), Reject> {
        let shown = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let limit = u64::try_from(now.0).unwrap_or(0).saturating_add(NONCE_AHEAD_MS);
        if nonce > limit {
            return Err(Reject::beyond(RejectCode::NonceTooFar, shown(nonce), shown(limit)));
        }
        if nonce > self.highest || self.used == [0; WORDS] {
            let shift = if self.used == [0; WORDS] { NONCE_WINDOW } else { nonce - self.highest };
            self.shift(shift);
            self.highest = nonce;
            self.used[0] |= 1;
            return Ok(());
        }
        let back = self.highest - nonce;
        if back >= NONCE_WINDOW {
            let oldest = self.highest - (NONCE_WINDOW - 1);
            return Err(Reject::beyond(RejectCode::NonceTooOld, shown(nonce), shown(oldest)));
        }
        let (word, bit) = (usize::try_from(back / 64).unwrap_or(0), back % 64);
        if self.used[word] >> bit & 1 == 1 {
            return Err(Reject::beyond(RejectCode::NonceUsed, shown(nonce), 0));
        }
        self.used[word] |= 1 << bit;
        Ok(())
    }

    /// Moves every bit `by` places up; those that leave the window are forgotten.
    fn shift(&mut self, by: u64) {
        if by >= NONCE_WINDOW {
            self.used = [0; WORDS];
            return;
        }
        let (words, bits) = (usize::try_from(by / 64).unwrap_or(0), by % 64);
        let old = self.used;
        for (index, word) in self.used.iter_mut().enumerate() {
            let low = index.checked_sub(words).map_or(0, |from| old[from]);
            let lower = index.checked_sub(words + 1).map_or(0, |from| old[from]);
            *word = low << bits;
            if bits > 0 {
                *word |= lower >> (64 - bits);
            }
        }
    }
}
