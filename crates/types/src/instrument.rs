//! What can be traded, and how it is named (I1, I2).
//!
//! Names read as the field writes them: `BTC_USDC-PERPETUAL`, `BTC_USDC-27MAR26`,
//! `BTC_USDC-27MAR26-60000-C`, `XRP_USDC-27MAR26-0d625-P`. A name has one spelling: what parses
//! prints back to the same text. Everything expires at 08:00 UTC. Names have two digits for the
//! year, so they reach from 2000 to 2099. A [`InstrumentName`] can hold what has no name (a strike
//! of zero, another time of day); [`InstrumentName::validate`] tells.

use crate::codec::{Decode, DecodeError, DecodeErrorKind, Encode, Reader};
use crate::decimal::{self, Decimal};
use crate::units::{DAY_MS, HOUR_MS, Price, TimeMs};
use crate::{codec_enum, codec_struct};
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

/// Time of day at which everything expires: 08:00 UTC (I3).
pub const EXPIRY_TIME_OF_DAY_MS: i64 = 8 * HOUR_MS;

/// The symbol of an underlying: one to eight capital letters or digits, a letter first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticker([u8; 8]);

impl Ticker {
    /// The ticker spelled `text`.
    ///
    /// # Errors
    /// When the text is not one to eight of `A-Z0-9` with a letter first.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let bytes = text.as_bytes();
        let legal = (1..=8).contains(&bytes.len())
            && bytes[0].is_ascii_uppercase()
            && bytes.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        if !legal {
            return Err(NameError::Ticker);
        }
        let mut out = [0; 8];
        out[..bytes.len()].copy_from_slice(bytes);
        Ok(Self(out))
    }

    /// The ticker as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let len = self.0.iter().position(|byte| *byte == 0).unwrap_or(8);
        core::str::from_utf8(&self.0[..len]).unwrap_or("")
    }
}

impl fmt::Display for Ticker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Ticker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Encode for Ticker {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
    }
}

impl Decode for Ticker {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let ticker = Self(reader.array()?);
        // The padding must be zeros to the end, or one ticker would have two encodings.
        match Self::new(ticker.as_str()) {
            Ok(clean) if clean == ticker => Ok(ticker),
            _ => Err(DecodeError::new(DecodeErrorKind::Invalid("not a ticker"))),
        }
    }
}

/// Right to buy or right to sell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OptionSide {
    /// The right to buy.
    Call,
    /// The right to sell.
    Put,
}
codec_enum!(OptionSide { 0 => Call, 1 => Put });

/// What kind of contract an instrument is (I2). All are linear: quoted and settled in USDC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Contract {
    /// A future without expiry, held to the index by funding (P6).
    Perpetual,
    /// A dated future.
    Future {
        /// 08:00 UTC of the expiry day.
        expiry: TimeMs,
    },
    /// A European option.
    Option {
        /// 08:00 UTC of the expiry day.
        expiry: TimeMs,
        /// Strike price.
        strike: Price,
        /// Call or put.
        side: OptionSide,
    },
}
codec_enum!(Contract {
    0 => Perpetual,
    1 => Future { expiry },
    2 => Option { expiry, strike, side },
});

impl Contract {
    /// When it expires, if ever.
    #[must_use]
    pub fn expiry(&self) -> Option<TimeMs> {
        match *self {
            Self::Perpetual => None,
            Self::Future { expiry } | Self::Option { expiry, .. } => Some(expiry),
        }
    }

    /// Whether it is an option.
    #[must_use]
    pub fn is_option(&self) -> bool {
        matches!(self, Self::Option { .. })
    }
}

/// An underlying and a contract on it: what a name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstrumentName {
    /// Symbol of the underlying.
    pub underlying: Ticker,
    /// The contract.
    pub contract: Contract,
}
codec_struct!(InstrumentName { underlying, contract });

/// Why a text names no instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    /// Not one to eight capital letters or digits.
    Ticker,
    /// Not of the form `BTC_USDC-PERPETUAL`, `BTC_USDC-27MAR26` or `BTC_USDC-27MAR26-60000-C`.
    Form,
    /// Not a day of the calendar, or written otherwise than `6FEB26`.
    Date,
    /// Not a positive strike price, or written with superfluous zeros.
    Strike,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ticker => "I2: the ticker is not one to eight capital letters or digits",
            Self::Form => {
                "I2: an instrument reads BTC_USDC-PERPETUAL, BTC_USDC-27MAR26 or \
                 BTC_USDC-27MAR26-60000-C"
            }
            Self::Date => "I2: the expiry reads like 6FEB26",
            Self::Strike => "I2: the strike is a positive decimal with d for the point",
        })
    }
}

impl core::error::Error for NameError {}

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

/// Days since the Unix epoch of a date of the proleptic Gregorian calendar. The year lies within
/// a hundred million of zero, or the arithmetic overflows (a broken invariant).
///
/// Source: H. Hinnant, "chrono-compatible low-level date algorithms", `days_from_civil`.
#[must_use]
pub fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted_month = (month + 9).rem_euclid(12);
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month (1-12) and day (1-31) of a day since the Unix epoch; right for every day that a
/// [`TimeMs`] can name.
///
/// Source: as [`days_from_civil`], `civil_from_days`.
#[must_use]
pub fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// The moment at which things that expire on the given date expire (I3); bounds as for
/// [`days_from_civil`].
#[must_use]
pub fn expiry_of_date(year: i64, month: i64, day: i64) -> TimeMs {
    TimeMs(days_from_civil(year, month, day) * DAY_MS + EXPIRY_TIME_OF_DAY_MS)
}

fn parse_expiry(text: &str) -> Result<TimeMs, NameError> {
    let split = text.len().checked_sub(5).ok_or(NameError::Date)?;
    let (Some(day_text), Some(month_text), Some(year_text)) =
        (text.get(..split), text.get(split..split + 3), text.get(split + 3..))
    else {
        return Err(NameError::Date);
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if day_text.is_empty() || day_text.len() > 2 || day_text.starts_with('0') {
        return Err(NameError::Date);
    }
    if !digits(day_text) || !digits(year_text) {
        return Err(NameError::Date);
    }
    let day = i64::from_str(day_text).map_err(|_| NameError::Date)?;
    let year = 2000 + i64::from_str(year_text).map_err(|_| NameError::Date)?;
    let index = MONTHS.iter().position(|name| *name == month_text).ok_or(NameError::Date)?;
    let month = i64::try_from(index).map_err(|_| NameError::Date)? + 1;
    // A day that the month does not have comes back as another date.
    if civil_from_days(days_from_civil(year, month, day)) != (year, month, day) {
        return Err(NameError::Date);
    }
    Ok(expiry_of_date(year, month, day))
}

fn write_expiry(f: &mut fmt::Formatter<'_>, expiry: TimeMs) -> fmt::Result {
    let (year, month, day) = civil_from_days(expiry.0.div_euclid(DAY_MS));
    let index = usize::try_from(month - 1).unwrap_or(0);
    write!(f, "{day}{}{:02}", MONTHS[index], year.rem_euclid(100))
}

fn parse_strike(text: &str) -> Result<Price, NameError> {
    let (whole, fraction) = text.split_once('d').unwrap_or((text, ""));
    let spelled = match fraction {
        "" => alloc::string::String::from(whole),
        _ => alloc::format!("{whole}.{fraction}"),
    };
    let price = decimal::parse(&spelled, 6).map_err(|_| NameError::Strike)?;
    let canonical = alloc::format!("{}", Strike(Price(price)));
    if price <= 0 || canonical != text { Err(NameError::Strike) } else { Ok(Price(price)) }
}

/// A strike as names write it: `d` for the decimal point.
struct Strike(Price);

impl fmt::Display for Strike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = alloc::format!("{}", Decimal { value: self.0.0, places: 6 });
        f.write_str(&text.replace('.', "d"))
    }
}

impl InstrumentName {
    /// Whether the instrument has a name that reads back as itself: it expires at 08:00 UTC of a
    /// day from 2000 to 2099 (I3), and a strike is positive. Anyone who takes an instrument in
    /// another form than its name asks this before listing it (I4).
    ///
    /// # Errors
    /// `Date` or `Strike`.
    pub fn validate(&self) -> Result<(), NameError> {
        if let Some(expiry) = self.contract.expiry() {
            let in_names = expiry_of_date(2000, 1, 1)..=expiry_of_date(2099, 12, 31);
            let time_of_day_ms = expiry.0.rem_euclid(DAY_MS);
            if !in_names.contains(&expiry) || time_of_day_ms != EXPIRY_TIME_OF_DAY_MS {
                return Err(NameError::Date);
            }
        }
        match self.contract {
            Contract::Option { strike, .. } if strike <= Price::ZERO => Err(NameError::Strike),
            _ => Ok(()),
        }
    }
}

impl FromStr for InstrumentName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (pair, rest) = text.split_once('-').ok_or(NameError::Form)?;
        let ticker = pair.strip_suffix("_USDC").ok_or(NameError::Form)?;
        let underlying = Ticker::new(ticker)?;
        let mut parts = rest.split('-');
        let first = parts.next().ok_or(NameError::Form)?;
        let contract = match (parts.next(), parts.next(), parts.next()) {
            (None, _, _) if first == "PERPETUAL" => Contract::Perpetual,
            (None, _, _) => Contract::Future { expiry: parse_expiry(first)? },
            (Some(strike), Some(side), None) => Contract::Option {
                expiry: parse_expiry(first)?,
                strike: parse_strike(strike)?,
                side: match side {
                    "C" => OptionSide::Call,
                    "P" => OptionSide::Put,
                    _ => return Err(NameError::Form),
                },
            },
            _ => return Err(NameError::Form),
        };
        Ok(Self { underlying, contract })
    }
}

impl fmt::Display for InstrumentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_USDC-", self.underlying)?;
        match self.contract {
            Contract::Perpetual => f.write_str("PERPETUAL"),
            Contract::Future { expiry } => write_expiry(f, expiry),
            Contract::Option { expiry, strike, side } => {
                write_expiry(f, expiry)?;
                let letter = if side == OptionSide::Call { 'C' } else { 'P' };
                write!(f, "-{}-{letter}", Strike(strike))
            }
        }
    }
}
