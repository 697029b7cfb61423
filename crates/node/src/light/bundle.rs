//! The files: a proof, and the handovers that lead to its committee.
//!
//! ```text
//! proof      "lockstep/proof/v1\n"     || Bundle
//! handovers  "lockstep/handovers/v1\n" || Handover, one after the other, from epoch 0's on
//! ```
//!
//! Invariants: a file that reads is its own encoding; nothing follows it. Deliberately absent: the
//! genesis, which whoever verifies has from elsewhere.

use super::certified::{Certified, Handover, LightClient};
use super::claim::{Claim, Statement};
use super::error::ProofError;
use super::state::StateProof;
use crate::header::Header;
use lockstep_ledger::Genesis;
use lockstep_types::codec::{Decode as _, Encode as _, Reader};
use lockstep_types::codec_struct;
use lockstep_types::envelope::ChainId;
use lockstep_types::units::TimeMs;
use rand::CryptoRng;

/// How a proof's file begins.
pub const PROOF_MAGIC: &str = "lockstep/proof/v1\n";
/// How a file of handovers begins.
pub const HANDOVERS_MAGIC: &str = "lockstep/handovers/v1\n";
/// Bytes of a proof's file at most.
pub const BUNDLE_BYTES_MAX: usize = 1 << 22;
/// Bytes of a file of handovers at most.
pub const HANDOVERS_BYTES_MAX: usize = 1 << 28;

/// A claim, and all that proves it to who knows the committee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// The chain.
    pub chain: ChainId,
    /// The block after which the claim holds.
    pub certified: Certified,
    /// What is claimed.
    pub claim: Claim,
    /// Leaves that prove it.
    pub state: StateProof,
}
codec_struct!(Bundle { chain, certified, claim, state });

/// What follows a file's first bytes.
fn body<'a>(
    bytes: &'a [u8],
    expected: &'static str,
    limit: usize,
) -> Result<Reader<'a>, ProofError> {
    if bytes.len() > limit {
        return Err(ProofError::TooLong { bytes: bytes.len(), limit });
    }
    let body = bytes.strip_prefix(expected.as_bytes());
    body.map(Reader::new).ok_or(ProofError::Magic { expected })
}

impl Bundle {
    /// The file.
    ///
    /// # Errors
    /// `TooLong` when it would exceed [`BUNDLE_BYTES_MAX`].
    pub fn to_file(&self) -> Result<Vec<u8>, ProofError> {
        let mut bytes = PROOF_MAGIC.as_bytes().to_vec();
        self.encode(&mut bytes);
        body(&bytes, PROOF_MAGIC, BUNDLE_BYTES_MAX)?;
        Ok(bytes)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// `TooLong`, `Magic` or `Encoding`.
    pub fn from_file(bytes: &[u8]) -> Result<Self, ProofError> {
        let mut reader = body(bytes, PROOF_MAGIC, BUNDLE_BYTES_MAX)?;
        let bundle = Self::decode(&mut reader)?;
        reader.finish()?;
        Ok(bundle)
    }

    /// Checks the bundle with a client that knows its committee; what it proves.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(
        &self,
        client: &LightClient,
        now: TimeMs,
        rng: &mut impl CryptoRng,
    ) -> Result<(&Header, Statement), ProofError> {
        if self.chain != client.chain() {
            return Err(ProofError::OtherChain);
        }
        let header = client.check(&self.certified, rng)?;
        client.check_age(header, now)?;
        let proven = self.state.verify(header)?;
        Ok((header, self.claim.check(&proven, header)?))
    }
}

/// The file of handovers, from epoch 0's on.
#[must_use]
pub fn write_handovers(handovers: &[Handover]) -> Vec<u8> {
    let mut bytes = HANDOVERS_MAGIC.as_bytes().to_vec();
    handovers.iter().for_each(|handover| handover.encode(&mut bytes));
    bytes
}

/// Reads a file of handovers.
///
/// # Errors
/// `TooLong`, `Magic` or `Encoding`.
pub fn read_handovers(bytes: &[u8]) -> Result<Vec<Handover>, ProofError> {
    let mut reader = body(bytes, HANDOVERS_MAGIC, HANDOVERS_BYTES_MAX)?;
    let mut handovers = Vec::new();
    while reader.remaining() > 0 {
        handovers.push(Handover::decode(&mut reader)?);
    }
    Ok(handovers)
}

/// Checks a proof from nothing but the genesis and handovers, of which no more are followed than
/// lead to the certified block's epoch; the block and what is proven.
///
/// # Errors
/// What is wrong, the first thing that is found.
pub fn verify<'a>(
    genesis: &Genesis,
    handovers: &[Handover],
    bundle: &'a Bundle,
    now: TimeMs,
) -> Result<(&'a Header, Statement), ProofError> {
    let mut client = LightClient::new(genesis)?;
    if bundle.chain != client.chain() {
        return Err(ProofError::OtherChain);
    }
    // Signatures are checked together; how must not be foreseen by who made them.
    let mut rng = rand::rng();
    for handover in handovers {
        if client.committee().epoch >= bundle.certified.tip.epoch {
            break;
        }
        client.advance(handover, &mut rng)?;
    }
    bundle.check(&client, now, &mut rng)
}
