//! What the chain refuses, and by which rule of `docs/chain.md`. Small and `Copy`, like the
//! venue's own rejections; the words are looked up when someone reads them.

use crate::codec::{Decode, DecodeError, DecodeErrorKind, Encode, Reader};
use crate::codec_struct;
use alloc::vec::Vec;
use core::fmt;

/// A refused command or system item: the code, the value that was refused and the limit it broke
/// (both 0 where a code has no number to show).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainReject {
    /// What was wrong.
    pub code: ChainRejectCode,
    /// The offending value.
    pub actual: i64,
    /// The limit.
    pub limit: i64,
}
codec_struct!(ChainReject { code, actual, limit });

impl ChainReject {
    /// A rejection without numbers.
    #[must_use]
    pub const fn of(code: ChainRejectCode) -> Self {
        Self { code, actual: 0, limit: 0 }
    }

    /// A rejection of `actual`, which breaks `limit`.
    #[must_use]
    pub const fn beyond(code: ChainRejectCode, actual: i64, limit: i64) -> Self {
        Self { code, actual, limit }
    }

    /// A rejection of an unsigned amount, which breaks `limit`; beyond the range the most is
    /// shown.
    #[must_use]
    pub fn amount(code: ChainRejectCode, actual: u64, limit: u64) -> Self {
        let shown = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        Self { code, actual: shown(actual), limit: shown(limit) }
    }
}

impl fmt::Display for ChainReject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.code.rule(), self.code.field(), self.code.message())?;
        if self.actual != 0 || self.limit != 0 {
            write!(f, " ({}, limit {})", self.actual, self.limit)?;
        }
        Ok(())
    }
}

impl core::error::Error for ChainReject {}

macro_rules! chain_reject_codes {
    ($($tag:literal $name:ident $rule:literal $field:literal $message:literal;)*) => {
        /// Everything that the chain refuses, each under its rule.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum ChainRejectCode {
            $(#[doc = concat!($rule, ", field `", $field, "`: ", $message, ".")]
            $name = $tag,)*
        }

        impl ChainRejectCode {
            /// Every code, in the order of their tags.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The rule that refuses, as `docs/chain.md` numbers them.
            #[must_use]
            pub const fn rule(self) -> &'static str {
                match self { $(Self::$name => $rule),* }
            }

            /// The field that is wrong.
            #[must_use]
            pub const fn field(self) -> &'static str {
                match self { $(Self::$name => $field),* }
            }

            /// What is wrong, in words.
            #[must_use]
            pub const fn message(self) -> &'static str {
                match self { $(Self::$name => $message),* }
            }

            /// The code's name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),* }
            }
        }

        impl Encode for ChainRejectCode {
            fn encode(&self, out: &mut Vec<u8>) {
                out.push(match self { $(Self::$name => $tag),* });
            }
        }

        impl Decode for ChainRejectCode {
            fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                match u8::decode(reader)? {
                    $($tag => Ok(Self::$name),)*
                    tag => Err(DecodeError::new(DecodeErrorKind::BadTag { tag }).within("code")),
                }
            }
        }
    };
}

chain_reject_codes! {
    0 UnknownValidator "S1" "validator" "there is no such validator";
    1 NotValidator "S1" "signer" "only a validator's owner may do this";
    2 IsValidator "S1" "signer" "the owner has a validator already";
    3 KeyInUse "S1" "key" "the key is a validator's already";
    4 UnknownKey "S1" "key" "the key is not this validator's, or its last";
    5 KeyLimit "S1" "key" "the validator has its maximum of keys";
    6 ValidatorLimit "S1" "key" "the chain has its maximum of validators";
    7 SelfStake "S1" "stake" "the validator's own stake would be below the minimum";
    8 Tombstoned "S6" "validator" "the validator has offended and is out for ever";
    9 BelowMinimum "S2" "amount" "the amount is below the minimum of a delegation";
    10 FreeStake "S2" "amount" "the owner has not that much free stake";
    11 SlashedAway "S2" "validator" "the validator has been slashed too far to take delegations";
    12 NotDelegated "S3" "amount" "the delegation is not worth that much";
    13 UnbondingLimit "S3" "validator" "the delegator has its maximum of unbonding entries";
    14 NothingToCollect "S3" "validator" "nothing is due yet";
    15 CommissionRange "S5" "commission" "the commission is out of range";
    16 NotJailed "S7" "validator" "the validator is not jailed";
    17 JailTerm "S7" "validator" "the jail term is not over";
    18 UnknownOwner "S2" "to" "no account belongs to this key";
    19 ProposalLimit "G1" "change" "the chain has its maximum of open proposals";
    20 UnknownProposal "G1" "proposal" "there is no such open proposal";
    21 BadParameters "G2" "change" "the parameters are out of range";
    22 VenueRefuses "G2" "change" "the venue refuses the parameters";
    23 EpochFixed "G2" "epoch_blocks" "the length of an epoch is fixed at genesis";
    24 NotFaucet "B2" "signer" "only the faucet's key may do this";
    25 DepositRefused "B1" "amount" "the venue refuses the deposit";
    26 UnknownReporter "O1" "validator" "the key has no seat in the committee";
    27 ReportTwice "O1" "time" "the validator has reported in this interval";
    28 ReportTime "O1" "time" "the report is from the future";
    29 EvidenceKey "S6" "offender" "the key is no validator's";
    30 EvidenceKnown "S6" "offender" "the validator has been slashed for an offence already";
    31 EvidenceTooOld "S6" "epoch" "the unbonding period of the offence is over";
    32 EvidenceFuture "S6" "epoch" "the epoch of the offence has not come yet";
    33 DepositNumber "B1" "number" "the deposit is credited already or too far ahead";
    34 DepositTwice "B1" "number" "the validator has spoken of this deposit";
    35 BadKey "S1" "key" "not an ed25519 public key";
    36 Overflow "S2" "amount" "the amount exceeds what the chain can represent";
}
