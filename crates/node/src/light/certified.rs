//! Certificates of finality, and the committees that are believed.
//!
//! A client begins with the committee that the genesis elects. The last block of an epoch names the
//! next committee by its digest, so that a certificate over that block and the committee itself
//! hand over. A certificate is over one header; headers below it follow by their parents' digests,
//! because not every final block has a certificate of its own.
//!
//! Invariants: nothing is believed that fewer than a quorum of the epoch's seats signed; the client
//! moves forward only. Deliberately absent: which handovers there are to follow, and fetching them.

use super::error::ProofError;
use crate::block::Digest;
use crate::committees::{BadCommittee, scheme_of};
use crate::header::Header;
use crate::store::STRATEGY;
use bytes::Bytes;
use commonware_codec::{Encode as _, Read as _};
use commonware_consensus::Epochable as _;
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_consensus::simplex::types::Finalization;
use commonware_cryptography::{Hasher as _, Sha256};
use lockstep_ledger::{Committee, Genesis, Ledger};
use lockstep_types::codec::{Bounded, Encode as _};
use lockstep_types::codec_struct;
use lockstep_types::envelope::ChainId;
use lockstep_types::units::{SpanMs, TimeMs};
use rand::CryptoRng;

/// Domain of a committee's digest.
pub const COMMITTEE_DOMAIN: &[u8] = b"lockstep/committee/v1";
/// Headers between a certified one and the one that is wanted at most.
pub const PATH_MAX: usize = 64;
/// Bytes of a certificate at most: a signature of each of 128 seats, and room.
pub const CERTIFICATE_BYTES_MAX: usize = 9_216;
/// How far ahead of the client's clock a header may be, ms.
pub const AHEAD_MS_MAX: i64 = 60_000;

/// A header that is final: certified itself, or an ancestor of one that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certified {
    /// The header that the certificate is over.
    pub tip: Header,
    /// From its parent down to the header that is meant, each the parent of the one before.
    pub path: Bounded<Header, PATH_MAX>,
    /// The certificate of finality, as consensus encodes it.
    pub certificate: Bounded<u8, CERTIFICATE_BYTES_MAX>,
}
codec_struct!(Certified { tip, path, certificate });

/// What leads from one committee to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handover {
    /// The last block of an epoch.
    pub last: Certified,
    /// The committee that it names.
    pub committee: Committee,
}
codec_struct!(Handover { last, committee });

/// The digest of a committee, as the last block before its epoch names it.
#[must_use]
pub fn committee_digest(committee: &Committee) -> [u8; 32] {
    Sha256::hash(&[COMMITTEE_DOMAIN, &committee.to_bytes()]).0
}

impl Certified {
    /// The certificate of one header.
    ///
    /// # Errors
    /// `CertificateForm` when there are too many signatures.
    pub fn of(
        tip: Header,
        path: Vec<Header>,
        finalization: &Finalization<Scheme, Digest>,
    ) -> Result<Self, ProofError> {
        let too_long = |_| ProofError::CertificateForm { why: "too long".to_string() };
        let certificate = Bounded::new(finalization.encode().to_vec()).map_err(too_long)?;
        let height = tip.height;
        let path = Bounded::new(path).map_err(|_| ProofError::Path { height })?;
        Ok(Self { tip, path, certificate })
    }

    /// The header that is meant.
    #[must_use]
    pub fn header(&self) -> &Header {
        self.path.last().unwrap_or(&self.tip)
    }

    /// Whether each header on the way is the parent of the one before.
    fn check_path(&self) -> Result<(), ProofError> {
        let mut child = &self.tip;
        for header in self.path.iter() {
            let follows = header.height.checked_add(1) == Some(child.height)
                && header.epoch == child.epoch
                && header.digest().0 == child.parent;
            if !follows {
                return Err(ProofError::Path { height: header.height });
            }
            child = header;
        }
        Ok(())
    }
}

/// Whom a client believes: the committee of one epoch of one chain.
#[derive(Clone, Debug)]
pub struct LightClient {
    chain: ChainId,
    epoch_blocks: u64,
    unbonding: SpanMs,
    committee: Committee,
    scheme: Scheme,
}

impl LightClient {
    /// A client that believes the genesis alone.
    ///
    /// # Errors
    /// When the genesis is no chain's.
    pub fn new(genesis: &Genesis) -> Result<Self, ProofError> {
        let ledger = Ledger::genesis(genesis);
        let ledger = ledger.map_err(|error| ProofError::Genesis(error.to_string()))?;
        let committee = ledger.committee(0).cloned().unwrap_or_default();
        let chain = genesis.chain_id();
        Ok(Self {
            chain,
            epoch_blocks: u64::from(genesis.chain.epoch_blocks).max(1),
            unbonding: genesis.chain.unbonding,
            scheme: verifier(chain, &committee)?,
            committee,
        })
    }

    /// The chain.
    #[must_use]
    pub fn chain(&self) -> ChainId {
        self.chain
    }

    /// The committee that is believed.
    #[must_use]
    pub fn committee(&self) -> &Committee {
        &self.committee
    }

    /// The epoch of a height.
    #[must_use]
    pub fn epoch_of(&self, height: u64) -> u64 {
        height / self.epoch_blocks
    }

    /// What checks the votes of the committee that is believed.
    pub(crate) fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// Follows a handover: from then on the next committee is believed.
    ///
    /// # Errors
    /// What is wrong with it; the client stays as it is.
    pub fn advance(
        &mut self,
        handover: &Handover,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ProofError> {
        let header = handover.last.header();
        let next = header.height.checked_add(1);
        if next.is_none_or(|next| !next.is_multiple_of(self.epoch_blocks)) {
            return Err(ProofError::NotLast { height: header.height });
        }
        let named = header.next.ok_or(ProofError::NoNext { height: header.height })?;
        let committee = &handover.committee;
        let is_next = self.committee.epoch.checked_add(1) == Some(committee.epoch);
        if !is_next || committee_digest(committee) != named {
            return Err(ProofError::OtherCommittee { epoch: committee.epoch });
        }
        self.check(&handover.last, rng)?;
        self.scheme = verifier(self.chain, committee)?;
        self.committee = committee.clone();
        Ok(())
    }

    /// Whether the committee made a header final; the header.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check<'a>(
        &self,
        certified: &'a Certified,
        rng: &mut impl CryptoRng,
    ) -> Result<&'a Header, ProofError> {
        let (tip, epoch) = (&certified.tip, self.committee.epoch);
        if tip.epoch > epoch {
            return Err(ProofError::NoHandover { reached: epoch, wanted: tip.epoch });
        }
        if tip.epoch < epoch {
            return Err(ProofError::PastEpoch { trusted: epoch, found: tip.epoch });
        }
        certified.check_path()?;
        for header in [tip, certified.header()] {
            if header.height == 0 {
                return Err(ProofError::GenesisBlock);
            }
            let expected = self.epoch_of(header.height);
            if expected != header.epoch {
                let (height, found) = (header.height, header.epoch);
                return Err(ProofError::Epoch { height, expected, found });
            }
        }
        self.check_certificate(certified, rng)?;
        Ok(certified.header())
    }

    fn check_certificate(
        &self,
        certified: &Certified,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ProofError> {
        let (tip, seats) = (&certified.tip, self.committee.seats.len());
        let mut bytes = Bytes::copy_from_slice(&certified.certificate);
        let read = Finalization::<Scheme, Digest>::read_cfg(&mut bytes, &seats);
        let finalization = read
            .map_err(|error| ProofError::CertificateForm { why: error.to_string() })
            .and_then(|read| {
                // One certificate, one encoding: what was read must write as it was.
                let is_same = read.encode().as_ref() == certified.certificate.as_ref();
                let why = || ProofError::CertificateForm { why: "not its own encoding".into() };
                is_same.then_some(read).ok_or_else(why)
            })?;
        if finalization.proposal.payload != tip.digest() {
            return Err(ProofError::OtherBlock { height: tip.height });
        }
        let found = finalization.epoch().get();
        if found != tip.epoch {
            return Err(ProofError::CertificateEpoch { expected: tip.epoch, found });
        }
        if !finalization.verify(rng, &self.scheme, &STRATEGY) {
            return Err(ProofError::Quorum { epoch: tip.epoch, seats });
        }
        Ok(())
    }

    /// Whether a header's committee can still be made to pay for it: it is not older than the
    /// unbonding period, nor from the future.
    ///
    /// # Errors
    /// `Old` or `Future`.
    pub fn check_age(&self, header: &Header, now: TimeMs) -> Result<(), ProofError> {
        let age_ms = now.0.saturating_sub(header.time.0);
        let limit_ms = self.unbonding.0;
        if age_ms > limit_ms {
            return Err(ProofError::Old { age_ms, limit_ms });
        }
        let ahead_ms = age_ms.saturating_neg();
        if ahead_ms > AHEAD_MS_MAX {
            return Err(ProofError::Future { ahead_ms, limit_ms: AHEAD_MS_MAX });
        }
        Ok(())
    }
}

/// What checks the certificates of a committee.
fn verifier(chain: ChainId, committee: &Committee) -> Result<Scheme, ProofError> {
    let wrong =
        |error: BadCommittee| ProofError::Seats { epoch: committee.epoch, why: error.to_string() };
    scheme_of(chain, committee, None).map_err(wrong)
}
