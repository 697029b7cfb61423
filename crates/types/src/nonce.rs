//! Replay protection by a sliding window of nonces (A3).
//!
//! Any order of arrival is fine within the window, nothing is accepted twice. By convention a
//! nonce is the client's clock in milliseconds, so a client that lost its state can go on.
//! Source: the anti-replay window of RFC 4303 section 3.4.3, as restated in RFC 6479.

use crate::codec::{Decode, DecodeError, DecodeErrorKind, Encode, Reader};
use crate::reject::{Reject, RejectCode};
use crate::units::TimeMs;
use alloc::vec::Vec;

/// How far behind the highest nonce a new one may lie.
///
/// About a second, several blocks. Commands overtake each other: parallel senders, a command that
/// waited for the next leader, and cancels, which run before the other commands of their block
/// (M6). A window shorter than that would refuse honest commands.
pub const NONCE_WINDOW: u64 = 1_024;
/// How far ahead of the chain's clock a nonce may lie, so that nobody locks himself out.
pub const NONCE_AHEAD_MS: u64 = 60_000;

/// A bit for every place of the window.
const WORDS: usize = 16;

/// The nonces that one key has used: the highest, and which of the 1,024 up to it.
///
/// Either nothing was used and all is zero, or bit 0 is set, because the highest was used. So an
/// empty `used` always means "never used", also when the highest nonce is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NonceWindow {
    highest: u64,
    /// Bit `i` of the whole: `highest - i` was used.
    used: [u64; WORDS],
}

impl Encode for NonceWindow {
    fn encode(&self, out: &mut Vec<u8>) {
        self.highest.encode(out);
        self.used.encode(out);
    }
}

impl Decode for NonceWindow {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let window = Self { highest: u64::decode(reader)?, used: <[u64; WORDS]>::decode(reader)? };
        if window.is_reachable() {
            Ok(window)
        } else {
            let why = "no sequence of nonces leads to this window";
            Err(DecodeError::new(DecodeErrorKind::Invalid(why)).within("used"))
        }
    }
}

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
        if self.is_unused() {
            self.highest = nonce;
            self.used[0] = 1;
            return Ok(());
        }
        if nonce > self.highest {
            self.shift(nonce - self.highest);
            self.highest = nonce;
            self.used[0] |= 1;
            return Ok(());
        }
        let back = self.highest - nonce;
        if back >= NONCE_WINDOW {
            let oldest = self.highest - (NONCE_WINDOW - 1);
            return Err(Reject::beyond(RejectCode::NonceTooOld, shown(nonce), shown(oldest)));
        }
        if self.is_set(back) {
            return Err(Reject::beyond(RejectCode::NonceUsed, shown(nonce), 0));
        }
        let (word, bit) = position(back);
        self.used[word] |= 1 << bit;
        Ok(())
    }

    /// Whether no nonce was used yet.
    fn is_unused(&self) -> bool {
        self.used == [0; WORDS]
    }

    /// Whether some sequence of nonces leads here, so that one state has one encoding.
    fn is_reachable(&self) -> bool {
        if self.is_unused() {
            return self.highest == 0;
        }
        // Bits beyond the highest nonce would stand for nonces below zero.
        let legal = |bit: u64| bit <= self.highest || !self.is_set(bit);
        self.is_set(0) && (0..NONCE_WINDOW).all(legal)
    }

    /// Whether the nonce `back` places below the highest was used.
    fn is_set(&self, back: u64) -> bool {
        let (word, bit) = position(back);
        self.used[word] >> bit & 1 == 1
    }

    /// Moves every bit `by` places up; those that leave the window are forgotten.
    fn shift(&mut self, by: u64) {
        if by >= NONCE_WINDOW {
            self.used = [0; WORDS];
            return;
        }
        let (words, bits) = position(by);
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

/// Word and bit of the place `back` within the window.
fn position(back: u64) -> (usize, u64) {
    assert!(back < NONCE_WINDOW, "a place within the window");
    (usize::try_from(back / 64).unwrap_or(WORDS), back % 64)
}
