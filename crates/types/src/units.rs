//! One type per unit, so that a price cannot be added to a quantity.
//!
//! All are integers. `+` and `-` are for sums that the rules bound: beyond the range they panic,
//! in release too, because a wrapped balance is worse than a stopped node. Whatever comes from
//! outside goes through `checked_add` and `checked_sub` first. Products that change the unit live
//! beside the formula that needs them and name their rounding.
//!
//! People read and write decimals: `Display` and `FromStr` go by [`crate::decimal`], exactly.
//! Deliberately absent: floating point, and any conversion from or to it.

use crate::codec::{Decode, DecodeError, Encode, Reader};
use crate::decimal::{self, Decimal, DecimalError};
use crate::instrument::civil_from_days;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

macro_rules! unit {
    ($(#[$doc:meta])* $name:ident($int:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $int);

        impl $name {
            /// Nothing of it.
            pub const ZERO: Self = Self(0);
            /// The smallest representable value.
            pub const MIN: Self = Self(<$int>::MIN);
            /// The largest representable value.
            pub const MAX: Self = Self(<$int>::MAX);

            /// The bare integer, in the unit that the type documents.
            pub const fn get(self) -> $int {
                self.0
            }

            /// The sum, or `None` beyond the range.
            #[must_use]
            pub const fn checked_add(self, other: Self) -> Option<Self> {
                match self.0.checked_add(other.0) {
                    Some(sum) => Some(Self(sum)),
                    None => None,
                }
            }

            /// The difference, or `None` beyond the range.
            #[must_use]
            pub const fn checked_sub(self, other: Self) -> Option<Self> {
                match self.0.checked_sub(other.0) {
                    Some(difference) => Some(Self(difference)),
                    None => None,
                }
            }
        }

        impl core::ops::Add for $name {
            type Output = Self;
            /// The sum; panics beyond the range, see the module.
            fn add(self, other: Self) -> Self {
                Self(self.0 + other.0)
            }
        }

        impl core::ops::Sub for $name {
            type Output = Self;
            /// The difference; panics beyond the range, see the module.
            fn sub(self, other: Self) -> Self {
                Self(self.0 - other.0)
            }
        }

        impl core::ops::AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                self.0 += other.0;
            }
        }

        impl core::ops::SubAssign for $name {
            fn sub_assign(&mut self, other: Self) {
                self.0 -= other.0;
            }
        }

        impl Encode for $name {
            fn encode(&self, out: &mut Vec<u8>) {
                self.0.encode(out);
            }
        }

        impl Decode for $name {
            fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                Ok(Self(<$int>::decode(reader)?))
            }
        }
    };
}

unit! {
    /// Money in micro-USDC (1e-6 USD), signed.
    Usd(i64)
}
unit! {
    /// Price in micro-USDC per unit of the underlying.
    Price(i64)
}
unit! {
    /// Quantity in lots of 1/1000 of the underlying; signed where a direction is meant (I3).
    Lots(i64)
}
unit! {
    /// A ratio in parts per million.
    Ppm(i64)
}
unit! {
    /// An annualised volatility in 1e-9 (1.0 = 100 % = 1_000_000_000).
    Vol(i64)
}
unit! {
    /// A moment in milliseconds since the Unix epoch, by the chain's clock.
    TimeMs(i64)
}
unit! {
    /// A span of time in milliseconds.
    SpanMs(i64)
}

/// Units that people write as plain decimals, with their places after the point.
macro_rules! decimal_unit {
    ($($name:ident $places:literal;)*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                Decimal { value: self.0, places: $places }.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = DecimalError;

            fn from_str(text: &str) -> Result<Self, DecimalError> {
                decimal::parse(text, $places).map(Self)
            }
        }
    )*};
}
decimal_unit! {
    // US dollars.
    Usd 6;
    Price 6;
    // The underlying: 1 lot reads 0.001 (I3).
    Lots 3;
}

impl fmt::Display for Ppm {
    /// In percent: 350 reads `0.035%`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", Decimal { value: self.0, places: 4 })
    }
}

impl fmt::Display for Vol {
    /// In percent: 600,000,000 reads `60%`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", Decimal { value: self.0, places: 7 })
    }
}

impl fmt::Display for TimeMs {
    /// In UTC as ISO 8601 writes it: `2026-03-27T08:00:00.000Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.0.div_euclid(DAY_MS));
        let of_day_ms = self.0.rem_euclid(DAY_MS);
        let (hour, minute) = (of_day_ms / HOUR_MS, of_day_ms % HOUR_MS / MINUTE_MS);
        let (second, ms) = (of_day_ms % MINUTE_MS / 1_000, of_day_ms % 1_000);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
    }
}

impl fmt::Display for SpanMs {
    /// In seconds: 1,500 reads `1.5s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s", Decimal { value: self.0, places: 3 })
    }
}

/// Lots in one unit of the underlying (I3).
pub const LOTS_PER_UNIT: i64 = 1_000;
/// Micro-USDC in one USDC.
pub const MICROS_PER_USD: i64 = 1_000_000;
/// Parts per million in a whole.
pub const PPM: i64 = 1_000_000;
/// Milliseconds in a minute.
pub const MINUTE_MS: i64 = 60_000;
/// Milliseconds in an hour.
pub const HOUR_MS: i64 = 3_600_000;
/// Milliseconds in a day.
pub const DAY_MS: i64 = 86_400_000;

impl TimeMs {
    /// The time `span` later, saturating at the end of time.
    #[must_use]
    pub const fn plus(self, span: SpanMs) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// How long ago `earlier` was; negative when it is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> SpanMs {
        SpanMs(self.0.saturating_sub(earlier.0))
    }
}

/// Notional of `lots` at `price` in nano-USD: exact, because a lot is a thousandth.
#[must_use]
pub fn notional_nano(price: Price, lots: Lots) -> i128 {
    i128::from(price.0) * i128::from(lots.0)
}
