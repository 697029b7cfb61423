//! Rejections: which rule refused a command, which field, and where the limit was (C4).
//!
//! A rejection is an ordinary answer. It is small and `Copy`, because matching passes it around;
//! its words are looked up when someone reads it.

use crate::codec::{Decode, DecodeError, DecodeErrorKind, Encode, Reader};
use crate::codec_struct;
use alloc::vec::Vec;
use core::fmt;

/// A refused command or order: the code, the value that was refused and the limit it broke
/// (both 0 where a code has no number to show).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reject {
    /// What was wrong.
    pub code: RejectCode,
    /// The offending value.
    pub actual: i64,
    /// The limit.
    pub limit: i64,
}
codec_struct!(Reject { code, actual, limit });

impl Reject {
    /// A rejection without numbers.
    #[must_use]
    pub const fn of(code: RejectCode) -> Self {
        Self { code, actual: 0, limit: 0 }
    }

    /// A rejection of `actual`, which breaks `limit`.
    #[must_use]
    pub const fn beyond(code: RejectCode, actual: i64, limit: i64) -> Self {
        Self { code, actual, limit }
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.code.rule(), self.code.field(), self.code.message())?;
        if self.actual != 0 || self.limit != 0 {
            write!(f, " ({}, limit {})", self.actual, self.limit)?;
        }
        Ok(())
    }
}

impl core::error::Error for Reject {}

macro_rules! reject_codes {
    ($($tag:literal $name:ident $rule:literal $field:literal $message:literal;)*) => {
        /// Everything that can be wrong with a command, each under its rule of the exchange.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum RejectCode {
            $(#[doc = concat!($rule, ", field `", $field, "`: ", $message, ".")]
            $name = $tag,)*
        }

        impl RejectCode {
            /// Every code, in the order of their tags.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The rule that refuses, as `docs/exchange.md` numbers them.
            #[must_use]
            pub const fn rule(self) -> &'static str {
                match self { $(Self::$name => $rule),* }
            }

            /// The field of the command that is wrong.
            #[must_use]
            pub const fn field(self) -> &'static str {
                match self { $(Self::$name => $field),* }
            }

            /// What is wrong, in words.
            #[must_use]
            pub const fn message(self) -> &'static str {
                match self { $(Self::$name => $message),* }
            }

            /// The code with the given name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.name() == name)
            }

            /// The code's name, as scenarios and event logs spell it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),* }
            }
        }

        impl Encode for RejectCode {
            fn encode(&self, out: &mut Vec<u8>) {
                out.push(match self { $(Self::$name => $tag),* });
            }
        }

        impl Decode for RejectCode {
            fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                match u8::decode(reader)? {
                    $($tag => Ok(Self::$name),)*
                    tag => Err(DecodeError::new(DecodeErrorKind::BadTag { tag }).within("code")),
                }
            }
        }
    };
}

reject_codes! {
    0 UnknownInstrument "I2" "instrument" "there is no such instrument";
    1 UnknownUnderlying "I1" "underlying" "there is no such underlying";
    2 AlreadyListed "I4" "instrument" "the instrument is listed already";
    3 ListingLimit "I4" "instrument" "the underlying has its maximum of listed instruments";
    4 InstrumentExpired "I4" "instrument" "the instrument has expired";
    5 OffTick "I3" "price" "the price is not on the instrument's tick";
    6 BelowMinimum "I3" "lots" "the amount is below the instrument's minimum";
    7 UnknownAccount "A1" "account" "there is no such account";
    8 UnknownSigner "A1" "signer" "the signing key is not known";
    9 NotOwner "A1" "signer" "only the owner may do this";
    10 NotAuthorised "A1" "signer" "the signer may not act for this account";
    11 SubAccountExists "A1" "sub" "the owner has this sub-account already";
    12 AgentScope "A2" "signer" "the agent's scope does not cover this";
    13 AgentExpired "A2" "signer" "the agent's registration has expired";
    14 AgentExists "A2" "key" "the key is registered already";
    15 UnknownAgent "A2" "key" "the key is no agent of this owner";
    16 AgentLimit "A2" "key" "the owner has its maximum of agents";
    17 AgentNotional "A2" "lots" "the order exceeds the agent's maximum notional";
    18 NonceUsed "A3" "nonce" "the nonce was used before";
    19 NonceTooOld "A3" "nonce" "the nonce lies before the window";
    20 NonceTooFar "A3" "nonce" "the nonce lies too far in the future";
    21 TooLate "A3" "valid_until" "the command is valid no longer";
    22 LabelInUse "A4" "label" "an open order of the account has this label";
    23 DeadManTooSoon "A5" "at" "the time must lie in the future";
    24 MarginModeUnavailable "A6" "mode" "the account cannot change to this margin mode";
    25 UnknownOrder "M1" "order" "the account has no such open order";
    26 UnexpectedPrice "M2" "price" "this order takes no limit price";
    27 NoReference "M2" "price" "there is no mark to protect a market order with";
    28 BadTrigger "M2" "trigger" "the trigger is not positive or would fire at once";
    29 TriggerLimit "M2" "trigger" "the instrument has its maximum of sleeping orders";
    30 BadTimeInForce "M2" "time_in_force" "the time in force does not fit the order";
    31 FillOrKillUnfilled "M2" "time_in_force" "the order cannot fill as a whole";
    32 PostOnlyWouldTake "M3" "post_only" "the order would take liquidity";
    33 ReduceOnlyIncreases "M3" "reduce_only" "the order would not reduce the position";
    34 BadDisplay "M3" "display" "the displayed amount is not between the minimum and the amount";
    35 BadLinks "M3" "orders" "these orders cannot be linked like this";
    36 AmendNothing "M4" "amend" "the order cannot be changed like this";
    37 SelfTradeBlock "M5" "legs" "a party would trade with itself";
    38 AuctionPhase "M7" "time_in_force" "this order cannot wait for the auction";
    39 ReduceOnlyPhase "M7" "instrument" "only orders that reduce a position are taken now";
    40 Halted "M7" "instrument" "trading is halted";
    41 PriceBand "M8" "price" "the price lies outside the band around mark";
    42 OrderSize "M8" "lots" "the order is larger than the maximum";
    43 PositionLimit "M8" "lots" "the position could exceed its maximum";
    44 OpenInterestCap "M8" "lots" "open interest could exceed its cap";
    45 ProtectionFrozen "M9" "protection" "the quote group is frozen";
    46 ProtectionUnset "M9" "protection" "the quote group has no protection settings";
    47 ProtectionLimits "M9" "protection" "the protection settings are out of range";
    48 BadQuote "M10" "quotes" "the quote is crossed or not positive";
    49 BlockTradeTerms "M11" "legs" "there are no legs";
    50 BlockTradeConsent "M11" "consents" "a party has not signed";
    51 StaleIndex "P5" "instrument" "the index is stale, only reducing orders are taken";
    52 UnknownReporter "P1" "reporter" "the reporter has no weight";
    53 BadReport "P1" "report" "the report is not positive, too old or from the future";
    54 BadSmile "P3" "smile" "the volatility smile is out of range or allows arbitrage";
    55 InsufficientMargin "R1" "margin" "the account's initial margin would not be covered";
    56 InsufficientBalance "R1" "amount" "the withdrawable balance is too small";
    57 BelowMaintenance "R2" "account" "the account is being liquidated";
    58 OrderLimit "L1" "orders" "the account has its maximum of open orders";
    59 InstrumentLimit "L2" "instrument" "the account has its maximum of instruments";
    60 VenueOrderLimit "L4" "orders" "the venue has its maximum of open orders";
    61 NotPositive "L5" "lots" "the amount must be positive";
    62 Overflow "L6" "amount" "the amount exceeds what the venue can represent";
    63 BaseFeeUnpaid "F2" "account" "the balance does not cover the base fee";
    64 BadParameters "F3" "params" "the parameters are out of range";
    65 AccountLimit "A1" "account" "the venue has its maximum of accounts";
    66 WorkLimit "L7" "block" "the block has no work left for this command";
    67 NoBackstop "R3" "account" "no slice of this account is on offer";
    68 BidShare "R3" "share" "the share is not positive or more than is on offer";
    69 BidPrice "R3" "price_max" "the slice costs more than the bid";
    70 LatencyMargin "R4" "params" "maintenance margin would not cover how far spot may move";
    71 NoChain "A1" "command" "only a chain around the venue can do this";
    72 ValidatorFees "F3" "amount" "that much is not due to validators";
}
