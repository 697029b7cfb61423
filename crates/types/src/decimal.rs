//! People's decimals to integers and back, exactly.
//!
//! `"61250.5"` at six places is `61_250_500_000`. More digits than the unit has are refused, never
//! rounded; exponents, signs other than a leading `-`, and blanks are refused.

use core::fmt;

/// The finest unit: 10^18 fits 64 bits.
pub const PLACES_MAX: u32 = 18;

/// Why a text is not a decimal of the wanted unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecimalError {
    /// No digits, or a character that is not one.
    Malformed,
    /// More digits after the point than the unit resolves.
    TooFine {
        /// The places that the unit has.
        places: u32,
    },
    /// Beyond the range of the integer.
    OutOfRange,
}

impl fmt::Display for DecimalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => write!(f, "not a decimal number"),
            Self::TooFine { places } => write!(f, "more than {places} digits after the point"),
            Self::OutOfRange => write!(f, "too large"),
        }
    }
}

impl core::error::Error for DecimalError {}

/// The integer that `text` means at `places` digits after the point.
///
/// # Errors
/// See [`DecimalError`]. Zeros beyond `places` are fine, any other digit there is `TooFine`. A text
/// that is no number is `Malformed`, whatever else is wrong with it.
pub fn parse(text: &str, places: u32) -> Result<i64, DecimalError> {
    assert!(places <= PLACES_MAX, "a power of ten that fits 64 bits");
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let is_bare_point = digits.contains('.') && fraction.is_empty();
    if whole.is_empty() || is_bare_point || !is_number(whole) || !is_number(fraction) {
        return Err(DecimalError::Malformed);
    }
    let mut value: i128 = 0;
    let mut scale = 0;
    let fraction_digits = fraction.bytes().map(|byte| (byte, true));
    for (byte, after_point) in whole.bytes().map(|byte| (byte, false)).chain(fraction_digits) {
        if after_point && scale == places {
            if byte != b'0' {
                return Err(DecimalError::TooFine { places });
            }
            continue;
        }
        scale += u32::from(after_point);
        value = value * 10 + i128::from(byte - b'0');
        if value > i128::from(u64::MAX) {
            return Err(DecimalError::OutOfRange);
        }
    }
    while scale < places {
        value = value.checked_mul(10).ok_or(DecimalError::OutOfRange)?;
        scale += 1;
    }
    let signed = if negative { -value } else { value };
    i64::try_from(signed).map_err(|_| DecimalError::OutOfRange)
}

/// Displays `value` with `places` digits after the point, without trailing zeros. Width, fill and
/// alignment of the format are honoured, so that columns line up.
#[derive(Clone, Copy, Debug)]
pub struct Decimal {
    /// The integer.
    pub value: i64,
    /// Digits after the point.
    pub places: u32,
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        assert!(self.places <= PLACES_MAX, "a power of ten that fits 64 bits");
        let scale = 10_u64.pow(self.places);
        let magnitude = self.value.unsigned_abs();
        let (whole, mut fraction) = (magnitude / scale, magnitude % scale);
        let mut text = alloc::format!("{whole}");
        if fraction > 0 {
            let mut width = usize::try_from(self.places).unwrap_or(0);
            while fraction.is_multiple_of(10) {
                fraction /= 10;
                width -= 1;
            }
            text += &alloc::format!(".{fraction:0width$}");
        }
        f.pad_integral(self.value >= 0, "", &text)
    }
}
