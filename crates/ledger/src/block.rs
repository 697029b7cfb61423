//! Blocks of the chain, and what validators say in them.
//!
//! A [`Block`] is what consensus orders: who led, who signed the parent, what validators report,
//! and the users' signed commands. Its encoding is canonical and bounded. Signatures are here, and
//! so are the messages that they cover; whoever accepts a block checks them first
//! ([`SignedReport::verify`], [`lockstep_types::envelope::verify_batch`]): the ledger takes them
//! as checked, like proofs of evidence.
//!
//! Deliberately absent: headers, parents, roots and certificates, which are the node's.

use alloc::vec::Vec;
use core::fmt;
use lockstep_types::chain::ValidatorKey;
use lockstep_types::chain::params::SEATS_MAX;
use lockstep_types::codec::{Bounded, Decode, DecodeError, Encode, Reader};
use lockstep_types::command::{BLOCK_COMMANDS_MAX, ExpiryReport, REPORT_EXPIRIES_MAX};
use lockstep_types::envelope::{ChainId, SignatureError, SignedCommand, Signer, Verifier};
use lockstep_types::ids::UnderlyingId;
use lockstep_types::units::{Price, TimeMs, Usd};
use lockstep_types::{codec_enum, codec_struct};

/// System items in one block: one report of every seat, and as much again for the rest.
pub const SYSTEM_ITEMS_MAX: usize = 256;
/// Underlyings in one report.
pub const REPORT_PRICES_MAX: usize = 32;
/// Heights in one report.
pub const REPORT_HEIGHTS_MAX: usize = 8;
/// Bytes that prove an offence.
pub const EVIDENCE_BYTES_MAX: usize = 4_096;
/// Bytes of a bitmap with a bit for each seat.
pub const PARTICIPATION_BYTES_MAX: usize = 16;
/// No block is later (the end of the year 9999): beyond it calendars have no days.
pub const TIME_MAX: TimeMs = TimeMs(253_402_300_799_999);

/// Domain of reports' signatures.
pub const REPORT_DOMAIN: &[u8] = b"lockstep/report/v1";
/// Domain of signatures under deposits.
pub const DEPOSIT_DOMAIN: &[u8] = b"lockstep/deposit/v1";

const _: () = assert!(PARTICIPATION_BYTES_MAX * 8 >= SEATS_MAX as usize, "a bit for each seat");

/// Which seats signed the certificate of a block's parent, as its proposer saw it: bit `i % 8` of
/// byte `i / 8` is seat `i` of the parent's committee. Empty: the proposer does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Participation(pub Bounded<u8, PARTICIPATION_BYTES_MAX>);

impl Participation {
    /// The bitmap of `signed` among `seats`, which is at most [`SEATS_MAX`].
    #[must_use]
    pub fn of(seats: usize, signed: impl IntoIterator<Item = usize>) -> Self {
        let mut bytes = alloc::vec![0_u8; seats.min(usize::from(SEATS_MAX)).div_ceil(8)];
        for seat in signed.into_iter().filter(|seat| *seat < seats) {
            bytes[seat / 8] |= 1 << (seat % 8);
        }
        Self(Bounded::new(bytes).unwrap_or_default())
    }

    /// Whether a seat signed.
    #[must_use]
    pub fn has(&self, seat: usize) -> bool {
        self.0.get(seat / 8).is_some_and(|byte| byte & (1 << (seat % 8)) != 0)
    }

    /// How many signed.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.0.iter().map(|byte| byte.count_ones()).sum()
    }

    /// Whether it has as many bytes as `seats` need and no bit beyond them.
    fn fits(&self, seats: usize) -> bool {
        let stray = (seats..self.0.len() * 8).any(|seat| self.has(seat));
        self.0.len() == seats.div_ceil(8) && !stray
    }

    /// Checks a claim about a committee of `seats`.
    pub(crate) fn check(&self, seats: usize) -> Result<(), Invalid> {
        if self.0.is_empty() {
            return Ok(());
        }
        let signed = usize::try_from(self.count()).unwrap_or(0);
        if !self.fits(seats) || signed < quorum(seats) {
            return Err(Invalid::Participation { signed, quorum: quorum(seats) });
        }
        Ok(())
    }
}

impl Encode for Participation {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
    }
}

impl Decode for Participation {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self(Decode::decode(reader)?))
    }
}

/// How many of `seats` make a quorum: all but less than a third.
#[must_use]
pub fn quorum(seats: usize) -> usize {
    seats - seats.saturating_sub(1) / 3
}

/// What a report says of one underlying (O1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceWord {
    /// Which.
    pub underlying: UnderlyingId,
    /// Its price.
    pub price: Price,
    /// When the sources published it.
    pub published: TimeMs,
    /// Forwards and smiles.
    pub expiries: Bounded<ExpiryReport, REPORT_EXPIRIES_MAX>,
}
codec_struct!(PriceWord { underlying, price, published, expiries });

/// When a validator saw a block final (O2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FinalityWord {
    /// The block.
    pub height: u64,
    /// When, by the validator's clock.
    pub seen: TimeMs,
}
codec_struct!(FinalityWord { height, seen });

/// What a validator reports (O1, O2, O3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// One of its keys with a seat.
    pub validator: ValidatorKey,
    /// Its clock; one report counts in each interval of it.
    pub time: TimeMs,
    /// Prices.
    pub prices: Bounded<PriceWord, REPORT_PRICES_MAX>,
    /// Blocks that it has seen final since its last report.
    pub finality: Bounded<FinalityWord, REPORT_HEIGHTS_MAX>,
    /// The random bytes whose digest the last report had; zero in the first.
    pub reveal: [u8; 32],
    /// blake3 digest of the bytes that the next report will reveal.
    pub commit: [u8; 32],
}
codec_struct!(Report { validator, time, prices, finality, reveal, commit });

/// A report with its validator's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedReport {
    /// The report.
    pub report: Report,
    /// ed25519 over [`REPORT_DOMAIN`], the chain id and the report.
    pub signature: [u8; 64],
}
codec_struct!(SignedReport { report, signature });

/// A validator's word that the bridge has taken in a deposit (B1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DepositWord {
    /// One of its keys.
    pub validator: ValidatorKey,
    /// Number of the deposit at the bridge, from 1.
    pub number: u64,
    /// Whose.
    pub owner: [u8; 32],
    /// For which sub-account.
    pub sub: u8,
    /// How much.
    pub amount: Usd,
}
codec_struct!(DepositWord { validator, number, owner, sub, amount });

/// A word on a deposit with its validator's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedDepositWord {
    /// The word.
    pub word: DepositWord,
    /// ed25519 over [`DEPOSIT_DOMAIN`], the chain id and the word.
    pub signature: [u8; 64],
}
codec_struct!(SignedDepositWord { word, signature });

fn message(domain: &[u8], chain: ChainId, value: &impl Encode) -> Vec<u8> {
    let mut message = Vec::from(domain);
    chain.0.encode(&mut message);
    value.encode(&mut message);
    message
}

macro_rules! signed {
    ($signed:ident { $field:ident: $inner:ident }, $domain:ident) => {
        impl $signed {
            /// Signs for one chain; `signer` must hold the key that the content names.
            #[must_use]
            pub fn new(signer: &Signer, chain: ChainId, $field: $inner) -> Self {
                let signature = signer.sign_message(&message($domain, chain, &$field));
                Self { $field, signature }
            }

            /// Checks the signature under the key that the content names.
            ///
            /// # Errors
            /// When the key is none, or the signature is not its over this content.
            pub fn verify(&self, chain: ChainId) -> Result<(), SignatureError> {
                let verifier = Verifier::new(self.$field.validator)?;
                verifier.verify_message(&message($domain, chain, &self.$field), self.signature)
            }
        }
    };
}
signed!(SignedReport { report: Report }, REPORT_DOMAIN);
signed!(SignedDepositWord { word: DepositWord }, DEPOSIT_DOMAIN);

/// What a validator did that two of its signatures prove (S6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OffenceKind {
    /// It notarized two blocks in one view.
    ConflictingNotarize,
    /// It finalized two blocks in one view.
    ConflictingFinalize,
    /// It nullified a view and finalized a block in it.
    NullifyFinalize,
}
codec_enum!(OffenceKind {
    0 => ConflictingNotarize, 1 => ConflictingFinalize, 2 => NullifyFinalize,
});

/// An offence with its proof (S6). The node has checked that the proof is the offender's two
/// signatures in that epoch and view; here it is bytes with a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// What was done.
    pub kind: OffenceKind,
    /// In which epoch.
    pub epoch: u64,
    /// In which view of it.
    pub view: u64,
    /// With which key.
    pub offender: ValidatorKey,
    /// A key of the validator that hands it in and is paid for it.
    pub reporter: ValidatorKey,
    /// The two votes, as the consensus engine encodes them.
    pub proof: Bounded<u8, EVIDENCE_BYTES_MAX>,
}
codec_struct!(Evidence { kind, epoch, view, offender, reporter, proof });

/// One item of a block's system part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SystemItem {
    /// A validator reports.
    Report(SignedReport),
    /// A validator has offended.
    Evidence(Evidence),
    /// A validator has seen a deposit.
    Deposit(SignedDepositWord),
}
codec_enum!(SystemItem { 0 => Report(report), 1 => Evidence(evidence), 2 => Deposit(word) });

/// One block of the chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// One more than the block before; the first is 1.
    pub height: u64,
    /// The proposer's clock, later than the block before.
    pub time: TimeMs,
    /// The key of the seat that proposed it.
    pub leader: ValidatorKey,
    /// Who signed the parent's certificate.
    pub participation: Participation,
    /// What validators say.
    pub system: Bounded<SystemItem, SYSTEM_ITEMS_MAX>,
    /// What users say, in the leader's order.
    pub commands: Bounded<SignedCommand, BLOCK_COMMANDS_MAX>,
}
codec_struct!(Block { height, time, leader, participation, system, commands });

/// Why a block can never follow this state: whoever proposed it is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invalid {
    /// The height is not one more than the last.
    Height {
        /// What it should be.
        expected: u64,
        /// What it is.
        found: u64,
    },
    /// The time is not later than the last block's, or beyond [`TIME_MAX`].
    Time {
        /// The last block's.
        last: TimeMs,
        /// The block's.
        found: TimeMs,
    },
    /// The leader's key has no seat in the committee of the block's epoch.
    Leader,
    /// The participation is no quorum of the parent's committee, or of another size.
    Participation {
        /// Seats that it says have signed.
        signed: usize,
        /// Seats that a certificate takes.
        quorum: usize,
    },
    /// The first block of the chain and of an epoch says nothing of participation: nobody, or
    /// another committee, signed its parent.
    ParticipationAtBoundary,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Height { expected, found } => write!(f, "height {found} instead of {expected}"),
            Self::Time { last, found } => {
                write!(f, "time {} ms is not after {} ms, or beyond all clocks", found.0, last.0)
            }
            Self::Leader => f.write_str("leader: the key has no seat in this epoch"),
            Self::Participation { signed, quorum } => {
                write!(f, "participation: {signed} seats signed, {quorum} are a quorum")
            }
            Self::ParticipationAtBoundary => {
                f.write_str("participation: the first block claims none")
            }
        }
    }
}

impl core::error::Error for Invalid {}
