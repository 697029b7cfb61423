//! Who signed which certificate, as this node saw it: what a proposer says of its parent.
//!
//! Invariants: what is kept is bounded; only certificates that consensus has checked are noted.
//! Deliberately absent: what follows from attendance, which the ledger decides.

use crate::block::Digest;
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_consensus::simplex::types::Activity;
use commonware_cryptography::certificate::Scheme as _;
use lockstep_ledger::Participation;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Blocks of which it is kept.
const BLOCKS_KEPT: usize = 64;

/// Who signed the latest blocks' certificates; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Attendance(Arc<Mutex<VecDeque<(Digest, Participation)>>>);

impl Attendance {
    /// Takes note of a certificate over a block; the one that more seats signed counts.
    pub fn note(&self, activity: &Activity<Scheme, Digest>, scheme: &Scheme) {
        let (block, signers) = match activity {
            Activity::Notarization(seen) => (seen.proposal.payload, &seen.certificate.signers),
            Activity::Finalization(seen) => (seen.proposal.payload, &seen.certificate.signers),
            _ => return,
        };
        let seats = scheme.participants().len();
        let signers = signers.iter().filter_map(|seat| usize::try_from(seat.get()).ok());
        let participation = Participation::of(seats, signers);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = kept.iter_mut().find(|(known, _)| *known == block) {
            if participation.count() > known.count() {
                *known = participation;
            }
            return;
        }
        kept.push_back((block, participation));
        if kept.len() > BLOCKS_KEPT {
            kept.pop_front();
        }
    }

    /// Who signed a block, as far as it is known.
    #[must_use]
    pub fn of(&self, block: Digest) -> Participation {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().find(|(known, _)| *known == block);
        found.map(|(_, participation)| participation.clone()).unwrap_or_default()
    }
}
