//! Replay protection by a sliding window of nonces (A3).
//!
//! Any order of arrival is fine within the window, nothing is accepted twice. By convention a
//! nonce is the client's clock in milliseconds, so a client that lost its state can go on.
//! Source: the anti-replay window of RFC 4303 section 3.4.3, as a ring of words like that of
//! RFC 6479.
//!
//! The window is kept in two parts. The 64 numbers among which the highest nonce is are at hand
//! ([`NonceWindow`]); the sixteen such blocks before them lie in a ring ([`NonceHistory`]) that is
//! needed only when a nonce leaves the block, which a busy client's seldom does.

use crate::codec::{Decode, DecodeError, DecodeErrorKind, Encode, Reader};
use crate::codec_struct;
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

/// Numbers in a block.
const BLOCK: u64 = 64;
/// Blocks before the highest nonce's that the window reaches into.
const RING: usize = 16;

/// The highest nonce that one key has used, and which numbers of its block were used.
///
/// Either nothing was used and all is zero, or the highest's bit is set. So an empty `used` always
/// means "never used", also when the highest nonce is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NonceWindow {
    highest: u64,
    /// Bit `i`: number `i` of the highest nonce's block was used.
    used: u64,
}

/// Which numbers of the sixteen blocks before the highest nonce's were used: block `b` of 64
/// numbers is at `b` modulo 16, bit `i` is its number `i`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NonceHistory {
    used: [u64; RING],
}
codec_struct!(NonceHistory { used });

impl Encode for NonceWindow {
    fn encode(&self, out: &mut Vec<u8>) {
        self.highest.encode(out);
        self.used.encode(out);
    }
}

impl Decode for NonceWindow {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let window = Self { highest: u64::decode(reader)?, used: u64::decode(reader)? };
        if window.is_reachable() {
            Ok(window)
        } else {
            let why = "no sequence of nonces leads to this window";
            Err(DecodeError::new(DecodeErrorKind::Invalid(why)).within("used"))
        }
    }
}

impl NonceWindow {
    /// Uses `nonce` up if the block at hand is enough to tell; `false`: it takes
    /// [`Self::accept`], and nothing has changed.
    ///
    /// # Errors
    /// As [`Self::accept`].
    #[inline]
    pub fn accept_near(&mut self, nonce: u64, now: TimeMs) -> Result<bool, Reject> {
        let limit = u64::try_from(now.0).unwrap_or(0).saturating_add(NONCE_AHEAD_MS);
        if nonce > limit {
            return Err(Reject::beyond(RejectCode::NonceTooFar, shown(nonce), shown(limit)));
        }
        if self.used == 0 {
            *self = Self { highest: nonce, used: bit(nonce) };
            return Ok(true);
        }
        if nonce / BLOCK != self.highest / BLOCK {
            return Ok(false);
        }
        if self.used & bit(nonce) != 0 {
            return Err(Reject::beyond(RejectCode::NonceUsed, shown(nonce), 0));
        }
        self.used |= bit(nonce);
        self.highest = self.highest.max(nonce);
        Ok(true)
    }

    /// Uses `nonce` up. `history` goes with this window; an empty one with a window that was never
    /// used.
    ///
    /// # Errors
    /// `NonceUsed`, `NonceTooOld` below the window, `NonceTooFar` beyond the clock; nothing is
    /// changed then.
    pub fn accept(
        &mut self,
        history: &mut NonceHistory,
        nonce: u64,
        now: TimeMs,
    ) -> Result<(), Reject> {
        if self.accept_near(nonce, now)? {
            return Ok(());
        }
        if nonce > self.highest {
            history.advance(self.highest / BLOCK, self.used, nonce / BLOCK);
            *self = Self { highest: nonce, used: bit(nonce) };
            return Ok(());
        }
        if self.highest - nonce >= NONCE_WINDOW {
            let oldest = self.highest - (NONCE_WINDOW - 1);
            return Err(Reject::beyond(RejectCode::NonceTooOld, shown(nonce), shown(oldest)));
        }
        let word = history.word(nonce / BLOCK);
        if *word & bit(nonce) != 0 {
            return Err(Reject::beyond(RejectCode::NonceUsed, shown(nonce), 0));
        }
        *word |= bit(nonce);
        Ok(())
    }

    /// Whether some sequence of nonces leads here, so that one state has one encoding.
    fn is_reachable(&self) -> bool {
        if self.used == 0 {
            return self.highest == 0;
        }
        u64::from(63 - self.used.leading_zeros()) == self.highest % BLOCK
    }
}

impl NonceHistory {
    /// Files what was used of the block `from` and makes room up to the block `to`, a later one.
    fn advance(&mut self, from: u64, used: u64, to: u64) {
        *self.word(from) = used;
        // What is more than a ring behind is overwritten once.
        let ring = u64::try_from(RING).unwrap_or(u64::MAX);
        for block in (from + 1).max(to.saturating_sub(ring))..to {
            *self.word(block) = 0;
        }
        if to - from > ring {
            *self.word(from) = 0;
        }
    }

    fn word(&mut self, block: u64) -> &mut u64 {
        let ring = u64::try_from(RING).unwrap_or(u64::MAX);
        &mut self.used[usize::try_from(block % ring).unwrap_or(0)]
    }
}

fn bit(nonce: u64) -> u64 {
    1 << (nonce % BLOCK)
}

/// A nonce in a rejection.
fn shown(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
