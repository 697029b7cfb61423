//! Positive numbers with 64 significant bits, for products that span many powers of two.
//!
//! Invariant: the top bit of the significand is set, and each operation rounds down with a
//! relative error below 2^-62. Absent: zero, signs and addition; the Greeks need only products.

use super::word::{high_word, low_word, multiply_wide};

/// significand * 2^exponent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Magnitude {
    significand: u64,
    exponent: i32,
}

impl Magnitude {
    /// value * 2^exponent for a positive value.
    #[inline]
    pub(super) fn new(value: u64, exponent: i32) -> Self {
        assert!(value > 0, "a magnitude is positive");
        let zeros = value.leading_zeros();
        Self { significand: value << zeros, exponent: exponent - zeros.cast_signed() }
    }

    #[inline]
    pub(super) fn times(self, other: Self) -> Self {
        let product = multiply_wide(self.significand, other.significand);
        let zeros = product.leading_zeros();
        let exponent = self.exponent + other.exponent + 64 - zeros.cast_signed();
        Self { significand: high_word(product << zeros), exponent }
    }

    #[inline]
    pub(super) fn times_integer(self, factor: u64) -> Self {
        self.times(Self::new(factor, 0))
    }

    #[inline]
    pub(super) fn over_integer(self, divisor: u64) -> Self {
        let divisor = Self::new(divisor, 0);
        let dividend = u128::from(self.significand) << 63;
        // Both significands have the top bit, so the quotient is in (2^62, 2^64).
        let quotient = low_word(dividend / u128::from(divisor.significand));
        Self::new(quotient, self.exponent - divisor.exponent - 63)
    }

    /// The nearest integer, if it is the same for every value within the relative error
    /// `error_q64` (units of 2^-64, at most 2^62).
    #[inline]
    pub(super) fn round_within(self, error_q64: u64) -> Option<u64> {
        assert!(error_q64 <= 1 << 62, "a relative error leaves the leading bits standing");
        if self.exponent <= -66 {
            // Below 2^-2, or below 2^-1 with the error.
            return Some(0);
        }
        if self.exponent >= 0 {
            return None;
        }
        let shift = self.exponent.unsigned_abs();
        let bound = u128::from(high_word(multiply_wide(self.significand, error_q64))) + 1;
        let unit = 1_u128 << shift;
        let rounded = u128::from(self.significand) + unit / 2;
        let place = rounded & (unit - 1);
        if place <= bound || place + bound >= unit {
            return None;
        }
        Some(low_word(rounded >> shift))
    }
}

#[cfg(test)]
mod tests {
    use super::Magnitude;

    #[test]
    fn products_and_quotients_keep_their_bits() {
        let third = Magnitude::new(1, 0).over_integer(3);
        assert_eq!(third.significand, 0xAAAA_AAAA_AAAA_AAAA);
        assert_eq!(third.exponent, -65);
        let same = Magnitude::new(7, 5).times_integer(6);
        assert_eq!(same, Magnitude::new(42, 5));
        assert_eq!(Magnitude::new(u64::MAX, 0).over_integer(u64::MAX), Magnitude::new(1, 0));
        assert_eq!(Magnitude::new(1, 0).over_integer(1), Magnitude::new(1, 0));
        let top = Magnitude::new(u64::MAX, 0).times(Magnitude::new(u64::MAX, 0));
        assert_eq!(top, Magnitude::new(u64::MAX - 1, 64));
    }

    #[test]
    fn rounding_answers_only_when_the_error_cannot_matter() {
        let value = |eighths| Magnitude::new(eighths, -3);
        assert_eq!(value(8 * 5 + 1).round_within(1 << 40), Some(5));
        assert_eq!(value(8 * 5 + 5).round_within(1 << 40), Some(6));
        assert_eq!(value(8 * 5 + 4).round_within(1), None, "exactly a half");
        // 5 + 1/8 within one part in eight is anything from 4.48 to 5.77.
        assert_eq!(value(8 * 5 + 1).round_within(1 << 61), None);
        assert_eq!(value(1).round_within(1 << 61), Some(0));
        assert_eq!(Magnitude::new(1, -80).round_within(1 << 62), Some(0));
        assert_eq!(Magnitude::new(u64::MAX, 0).round_within(1), None, "no bits are left");
    }
}
