//! What validators say in blocks: checked, and kept until a final block has it.
//!
//! Of reports only each validator's latest waits, for an older one says nothing anymore; deposits
//! and evidence wait in the order they came. Invariants: whatever waits has had its signatures
//! checked; the number that waits is bounded. Deliberately absent: what follows from an item, which
//! the ledger decides.

#[cfg(test)]
mod tests;

use crate::block::Digest;
use crate::signatures::CommandId;
use bytes::Bytes;
use commonware_codec::{DecodeExt as _, Encode as _};
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_consensus::simplex::types::{
    Activity, Attributable, ConflictingFinalize, ConflictingNotarize, NullifyFinalize,
};
use commonware_consensus::types::Participant;
use commonware_consensus::{Epochable, Viewable};
use commonware_cryptography::certificate::Scheme as _;
use lockstep_ledger::block::SYSTEM_ITEMS_MAX;
use lockstep_ledger::{Evidence, OffenceKind, SignedReport, SystemItem};
use lockstep_types::chain::ValidatorKey;
use lockstep_types::codec::{Bounded, Encode as _};
use lockstep_types::envelope::ChainId;
use lockstep_types::units::TimeMs;
use rand::CryptoRng;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::store::STRATEGY;

/// Deposits and pieces of evidence that wait at most.
pub const OTHERS_MAX: usize = 1_024;

/// An item's name, among those of commands.
#[must_use]
pub fn id_of(item: &SystemItem) -> CommandId {
    CommandId(*blake3::hash(&item.to_bytes()).as_bytes())
}

/// Whether an item's signatures hold on this chain. Evidence must be of an epoch whose committee
/// `scheme` knows.
pub fn holds(
    chain: ChainId,
    item: &SystemItem,
    scheme: &impl Fn(u64) -> Option<Scheme>,
    rng: &mut impl CryptoRng,
) -> bool {
    match item {
        SystemItem::Report(signed) => signed.verify(chain).is_ok(),
        SystemItem::Deposit(signed) => signed.verify(chain).is_ok(),
        SystemItem::Evidence(evidence) => {
            scheme(evidence.epoch).is_some_and(|scheme| evidence_holds(evidence, &scheme, rng))
        }
    }
}

fn evidence_holds(evidence: &Evidence, scheme: &Scheme, rng: &mut impl CryptoRng) -> bool {
    let bytes = Bytes::copy_from_slice(&evidence.proof);
    // The votes name epoch, view and signer themselves: the record must say the same.
    macro_rules! check {
        ($kind:ident) => {
            $kind::<Scheme, Digest>::decode(bytes).is_ok_and(|proof| {
                is_about(evidence, &proof, scheme) && proof.verify(rng, scheme, &STRATEGY)
            })
        };
    }
    match evidence.kind {
        OffenceKind::ConflictingNotarize => check!(ConflictingNotarize),
        OffenceKind::ConflictingFinalize => check!(ConflictingFinalize),
        OffenceKind::NullifyFinalize => check!(NullifyFinalize),
    }
}

fn is_about(
    evidence: &Evidence,
    proof: &(impl Attributable + Epochable + Viewable),
    scheme: &Scheme,
) -> bool {
    proof.epoch().get() == evidence.epoch
        && proof.view().get() == evidence.view
        && key_of(scheme, proof.signer()) == Some(evidence.offender)
}

/// The key of a seat.
pub(crate) fn key_of(scheme: &Scheme, signer: Participant) -> Option<ValidatorKey> {
    let place = usize::try_from(signer.get()).ok()?;
    let key = scheme.participants().iter().nth(place)?;
    key.as_ref().try_into().ok()
}

/// The evidence in what consensus saw, if it is an offence; `reporter` hands it in. The votes have
/// not been verified: [`holds`] does it.
#[must_use]
pub fn evidence_of(
    activity: &Activity<Scheme, Digest>,
    scheme: &Scheme,
    reporter: ValidatorKey,
) -> Option<SystemItem> {
    let (kind, epoch, view, signer, proof) = match activity {
        Activity::ConflictingNotarize(proof) => (
            OffenceKind::ConflictingNotarize,
            proof.epoch(),
            proof.view(),
            proof.signer(),
            proof.encode(),
        ),
        Activity::ConflictingFinalize(proof) => (
            OffenceKind::ConflictingFinalize,
            proof.epoch(),
            proof.view(),
            proof.signer(),
            proof.encode(),
        ),
        Activity::NullifyFinalize(proof) => (
            OffenceKind::NullifyFinalize,
            proof.epoch(),
            proof.view(),
            proof.signer(),
            proof.encode(),
        ),
        _ => return None,
    };
    Some(SystemItem::Evidence(Evidence {
        kind,
        epoch: epoch.get(),
        view: view.get(),
        offender: key_of(scheme, signer)?,
        reporter,
        proof: Bounded::new(proof.to_vec()).ok()?,
    }))
}

#[derive(Debug, Default)]
struct Waiting {
    reports: BTreeMap<ValidatorKey, SignedReport>,
    others: BTreeMap<u64, (CommandId, SystemItem)>,
    arrivals: u64,
}

/// Items that wait for a block; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Items(Arc<Mutex<Waiting>>);

impl Items {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // A thread that died while it held the lock left at worst an item too few.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an item whose signatures hold, from a validator of the committee; whether it is news.
    pub fn insert(&self, item: SystemItem) -> bool {
        let mut waiting = self.waiting();
        if let SystemItem::Report(signed) = item {
            let known = waiting.reports.get(&signed.report.validator);
            if known.is_some_and(|known| known.report.time >= signed.report.time) {
                return false;
            }
            waiting.reports.insert(signed.report.validator, signed);
            return true;
        }
        let id = id_of(&item);
        let is_known = waiting.others.values().any(|(known, _)| *known == id);
        if is_known || waiting.others.len() >= OTHERS_MAX {
            return false;
        }
        let turn = waiting.arrivals;
        waiting.arrivals += 1;
        waiting.others.insert(turn, (id, item));
        true
    }

    /// Items of at most so many bytes for a block at `now`, without those that `skip` names:
    /// evidence and deposits first, for reports come again.
    #[must_use]
    pub fn select(
        &self,
        now: TimeMs,
        bytes_max: usize,
        skip: impl Fn(CommandId) -> bool,
    ) -> Vec<SystemItem> {
        let waiting = self.waiting();
        let others = waiting.others.values().filter(|(id, _)| !skip(*id));
        let others = others.map(|(_, item)| item.clone());
        let reports = waiting.reports.values().filter(|signed| signed.report.time <= now);
        let reports = reports.cloned().map(SystemItem::Report).filter(|item| !skip(id_of(item)));
        let mut room = bytes_max;
        let fits = |item: &SystemItem| {
            let rest = room.checked_sub(item.to_bytes().len());
            room = rest.unwrap_or(room);
            rest.is_some()
        };
        others.chain(reports).filter(fits).take(SYSTEM_ITEMS_MAX).collect()
    }

    /// Forgets what a final block has.
    pub fn forget<'a>(&self, items: impl IntoIterator<Item = &'a SystemItem>) {
        let mut waiting = self.waiting();
        for item in items {
            match item {
                SystemItem::Report(signed) => {
                    let known = waiting.reports.get(&signed.report.validator);
                    if known.is_some_and(|known| known.report.time <= signed.report.time) {
                        waiting.reports.remove(&signed.report.validator);
                    }
                }
                other => {
                    let id = id_of(other);
                    waiting.others.retain(|_, (known, _)| *known != id);
                }
            }
        }
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let waiting = self.waiting();
        waiting.reports.is_empty() && waiting.others.is_empty()
    }
}
