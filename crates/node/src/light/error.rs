//! What can be wrong with a proof, in words for a person.
//!
//! Deliberately absent: whose fault it is.

use lockstep_types::codec::DecodeError;
use std::fmt;

/// Why a proof proves nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "fields say what their variants and messages say of them")]
pub enum ProofError {
    /// A file exceeds its limit.
    TooLong { bytes: usize, limit: usize },
    /// A file is none of ours.
    Magic { expected: &'static str },
    /// Bytes are no encoding.
    Encoding(DecodeError),
    /// Bytes are no block.
    Block(String),
    /// The genesis is no chain's.
    Genesis(String),
    /// The proof is of another chain.
    OtherChain,
    /// A committee's keys make no sense.
    Seats { epoch: u64, why: String },
    /// No handovers lead to the committee of the certified block.
    NoHandover { reached: u64, wanted: u64 },
    /// The certified block is of an epoch before the committee that is trusted.
    PastEpoch { trusted: u64, found: u64 },
    /// A handover's block is not the last of its epoch.
    NotLast { height: u64 },
    /// A handover's block names no next committee.
    NoNext { height: u64 },
    /// A handover's committee is not the one that its block names.
    OtherCommittee { epoch: u64 },
    /// A header is of another epoch than its height says.
    Epoch { height: u64, expected: u64, found: u64 },
    /// Headers on the way from the certified one do not follow each other.
    Path { height: u64 },
    /// The genesis block has no certificate.
    GenesisBlock,
    /// The certificate's bytes are no certificate of a committee of that size.
    CertificateForm { why: String },
    /// The certificate is over another block.
    OtherBlock { height: u64 },
    /// The certificate is of another epoch than the header.
    CertificateEpoch { expected: u64, found: u64 },
    /// The certificate's signatures are not those of a quorum of the committee.
    Quorum { epoch: u64, seats: usize },
    /// The certified block is older than the unbonding period.
    Old { age_ms: i64, limit_ms: i64 },
    /// The certified block is from the future.
    Future { ahead_ms: i64, limit_ms: i64 },
    /// The bitmap's unfinished chunk is missing, superfluous or not the one that is committed to.
    Partial,
    /// The parts do not make the header's state root.
    StateRoot,
    /// Leaves are not in order of location, or beyond the last operation.
    Location { key: String, location: u64 },
    /// There are more or fewer chunks than leaves need.
    Chunks { expected: usize, found: usize },
    /// A leaf is not in force any more.
    Overwritten { key: String },
    /// The leaves and digests do not make the grafted root.
    Inclusion { leaves: usize },
    /// A leaf is there twice.
    Twice { key: String },
    /// A leaf's value does not read.
    Leaf { what: String, error: DecodeError },
    /// A leaf that the claim needs is neither proven nor proven to be absent.
    Missing { what: String },
    /// A leaf that must be there is proven to be absent.
    Absent { what: String },
    /// The proof has a leaf that the claim does not need.
    Superfluous { key: String },
    /// Fewer or more than the account has are proven.
    Count { what: &'static str, expected: u32, found: usize },
    /// Proven leaves contradict each other.
    Contradiction { what: String },
    /// The store could not be read, or is not at the height of the certified block.
    Store(String),
}

impl From<DecodeError> for ProofError {
    fn from(error: DecodeError) -> Self {
        Self::Encoding(error)
    }
}

impl std::error::Error for ProofError {}

impl fmt::Display for ProofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { bytes, limit } => {
                write!(f, "file: {bytes} bytes exceed the limit of {limit}")
            }
            Self::Magic { expected } => write!(f, "file: does not begin with {expected:?}"),
            Self::Encoding(error) => write!(f, "encoding: {error}"),
            Self::Block(why) => write!(f, "block: {why}"),
            Self::Genesis(why) => write!(f, "genesis: {why}"),
            Self::OtherChain => write!(f, "chain: the proof is of a chain with another genesis"),
            Self::Leaf { what, error } => write!(f, "state: {what}: {error}"),
            Self::Store(why) => write!(f, "store: {why}"),
            Self::Seats { .. }
            | Self::NoHandover { .. }
            | Self::PastEpoch { .. }
            | Self::NotLast { .. }
            | Self::NoNext { .. }
            | Self::OtherCommittee { .. } => self.of_committees(f),
            Self::Epoch { .. }
            | Self::Path { .. }
            | Self::GenesisBlock
            | Self::CertificateForm { .. }
            | Self::OtherBlock { .. }
            | Self::CertificateEpoch { .. }
            | Self::Quorum { .. }
            | Self::Old { .. }
            | Self::Future { .. } => self.of_certificate(f),
            _ => self.of_state(f),
        }
    }
}

impl ProofError {
    fn of_committees(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seats { epoch, why } => write!(f, "committee of epoch {epoch}: {why}"),
            Self::NoHandover { reached, wanted } => write!(
                f,
                "handovers: lead to epoch {reached}, the certified block is of epoch {wanted}"
            ),
            Self::PastEpoch { trusted, found } => write!(
                f,
                "handovers: the certified block is of epoch {found}, the trusted committee of \
                 {trusted}"
            ),
            Self::NotLast { height } => {
                write!(f, "handover: block {height} is not the last of its epoch")
            }
            Self::NoNext { height } => {
                write!(f, "handover: block {height} names no next committee")
            }
            Self::OtherCommittee { epoch } => write!(
                f,
                "handover: the committee of epoch {epoch} is not the one that the block before \
                 names"
            ),
            _ => Ok(()),
        }
    }

    fn of_certificate(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Epoch { height, expected, found } => {
                write!(f, "header: block {height} is of epoch {expected}, not {found}")
            }
            Self::Path { height } => {
                write!(f, "header: block {height} is not the parent of the one that follows it")
            }
            Self::GenesisBlock => write!(f, "header: the genesis block has no certificate"),
            Self::CertificateForm { why } => write!(f, "certificate: {why}"),
            Self::OtherBlock { height } => {
                write!(f, "certificate: is over another block than the header of {height}")
            }
            Self::CertificateEpoch { expected, found } => {
                write!(f, "certificate: is of epoch {found}, the header of {expected}")
            }
            Self::Quorum { epoch, seats } => write!(
                f,
                "certificate: its signatures are not those of a quorum of the {seats} seats of \
                 epoch {epoch}"
            ),
            Self::Old { age_ms, limit_ms } => write!(
                f,
                "header: {age_ms} ms old, more than the unbonding period of {limit_ms} ms: its \
                 committee has nothing at stake any more"
            ),
            Self::Future { ahead_ms, limit_ms } => {
                write!(f, "header: {ahead_ms} ms ahead of the clock, more than {limit_ms} ms")
            }
            _ => Ok(()),
        }
    }

    fn of_state(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Partial => write!(
                f,
                "state: the last chunk of the bitmap is not the one that the root commits to"
            ),
            Self::StateRoot => write!(f, "state: the roots do not make the header's state root"),
            Self::Location { key, location } => write!(
                f,
                "state: leaf {key} at location {location} is out of order or beyond the last"
            ),
            Self::Chunks { expected, found } => {
                write!(f, "state: {found} chunks of the bitmap, the leaves need {expected}")
            }
            Self::Overwritten { key } => write!(f, "state: leaf {key} is not in force any more"),
            Self::Inclusion { leaves } => {
                write!(f, "state: the {leaves} leaves and the digests do not make the root")
            }
            Self::Twice { key } => write!(f, "state: leaf {key} is there twice"),
            Self::Missing { what } => {
                write!(f, "state: {what} is neither proven nor proven to be absent")
            }
            Self::Absent { what } => write!(f, "state: {what} is proven to be absent"),
            Self::Superfluous { key } => {
                write!(f, "state: leaf {key} is not needed for what is claimed")
            }
            Self::Count { what, expected, found } => {
                write!(f, "claim: the account has {expected} {what}, {found} are proven")
            }
            Self::Contradiction { what } => write!(f, "claim: {what}"),
            _ => Ok(()),
        }
    }
}
