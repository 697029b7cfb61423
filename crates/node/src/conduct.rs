//! How other validators behave at the door: who keeps bringing what does not hold is cut off.
//!
//! An honest validator checks a command before it passes it on, so that hardly any of its commands
//! has a signature that does not hold; each costs us the work of a check. Invariant: it takes
//! [`BAD_MAX`] in one [`WINDOW`], so that nobody is cut off over a misunderstanding. Deliberately
//! absent: commands of signers that our state does not know; whoever is ahead of us knows more.

use crate::block::PublicKey;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// Bad commands of one peer in one window at most.
pub const BAD_MAX: usize = 1_024;
/// Length of a window.
pub const WINDOW: Duration = Duration::from_secs(10);

/// What peers brought of late that did not hold.
#[derive(Debug)]
pub struct Conduct {
    began: SystemTime,
    bad: BTreeMap<PublicKey, usize>,
}

impl Conduct {
    /// A window that begins now.
    #[must_use]
    pub fn new(now: SystemTime) -> Self {
        Self { began: now, bad: BTreeMap::new() }
    }

    /// A peer brought so many bad commands; whether it is to be cut off.
    pub fn note(&mut self, now: SystemTime, peer: &PublicKey, bad: usize) -> bool {
        // A clock that was set back begins a window too.
        let passed = now.duration_since(self.began).unwrap_or(WINDOW);
        if passed >= WINDOW {
            *self = Self::new(now);
        }
        if bad == 0 {
            return false;
        }
        let count = self.bad.entry(peer.clone()).or_default();
        *count = count.saturating_add(bad);
        *count > BAD_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use commonware_cryptography::{Signer as _, ed25519};

    fn peer(seed: u64) -> PublicKey {
        ed25519::PrivateKey::from_seed(seed).public_key()
    }

    #[test]
    fn who_keeps_bringing_what_does_not_hold_is_cut_off_and_others_are_not() {
        let began = SystemTime::UNIX_EPOCH;
        let mut conduct = Conduct::new(began);
        assert!(!conduct.note(began, &peer(1), BAD_MAX));
        assert!(!conduct.note(began, &peer(2), BAD_MAX), "each has a count of its own");
        assert!(!conduct.note(began, &peer(1), 0), "good ones never hurt");
        assert!(conduct.note(began, &peer(1), 1));
        let later = began + WINDOW;
        assert!(!conduct.note(later, &peer(2), BAD_MAX), "what was long ago is forgotten");
        assert!(!conduct.note(began, &peer(2), BAD_MAX), "a clock that went back begins anew");
        assert!(conduct.note(began, &peer(2), usize::MAX));
    }
}
