//! Unsigned fixed point with 128 integer and 256 fraction bits, for the rare exact path.
//!
//! Small and clear rather than fast: every product is schoolbook, every function is its series.
//! Each operation rounds down by less than one unit of 2^-256, and a result that does not fit is
//! a broken invariant (the callers bound their arguments). Absent: signs and division by a `Wide`;
//! the formulas of `exact` are arranged so that neither is needed.

use core::cmp::Ordering;

use super::log_exp_table::{DENSITY_AT_ZERO_Q256, LN_2_Q256};
use super::word::{high_word, low_word, multiply_wide};

const LIMBS: usize = 6;
const FRACTION_LIMBS: usize = 4;
const FRACTION_BITS: u32 = 256;
/// No series here needs more: the longest, the normal tail at z = 13, takes about 400 terms.
const SERIES_TERMS_MAX: u32 = 1_000;

/// A number in [0, 2^128) in units of 2^-256, lowest limb first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wide([u64; LIMBS]);

impl Ord for Wide {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.iter().rev().cmp(other.0.iter().rev())
    }
}

impl PartialOrd for Wide {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Wide {
    pub(super) const ZERO: Self = Self([0; LIMBS]);
    pub(super) const ONE: Self = Self::from_integer(1);
    pub(super) const LN_2: Self = Self::from_fraction(LN_2_Q256);
    /// 1 / sqrt(2 pi).
    pub(super) const DENSITY_AT_ZERO: Self = Self::from_fraction(DENSITY_AT_ZERO_Q256);

    /// An integer.
    pub(super) const fn from_integer(value: u128) -> Self {
        Self([0, 0, 0, 0, low_word(value), high_word(value)])
    }

    const fn from_fraction(limbs: [u64; FRACTION_LIMBS]) -> Self {
        let [a, b, c, d] = limbs;
        Self([a, b, c, d, 0, 0])
    }

    /// 2^exponent, -256 <= exponent < 128.
    pub(super) fn power_of_two(exponent: i32) -> Self {
        let mut limbs = [0; LIMBS];
        let mut bit = i64::from(exponent) + i64::from(FRACTION_BITS);
        for limb in &mut limbs {
            if (0..64).contains(&bit) {
                *limb = 1 << bit;
            }
            bit -= 64;
        }
        assert!(limbs != [0; LIMBS], "the power of two is outside the range of a wide number");
        Self(limbs)
    }

    pub(super) fn is_zero(&self) -> bool {
        self.0 == [0; LIMBS]
    }

    /// Places of the highest set bit relative to 2^0; the value is in [2^n, 2^(n+1)).
    pub(super) fn exponent(&self) -> i32 {
        assert!(!self.is_zero(), "zero has no exponent");
        let mut bit = -256;
        let mut found = bit;
        for limb in self.0 {
            if limb != 0 {
                found = bit + 63 - limb.leading_zeros().cast_signed();
            }
            bit += 64;
        }
        found
    }

    pub(super) fn plus(&self, other: &Self) -> Self {
        let mut limbs = [0; LIMBS];
        let mut carry = 0_u128;
        for (limb, (a, b)) in limbs.iter_mut().zip(self.0.iter().zip(&other.0)) {
            let sum = u128::from(*a) + u128::from(*b) + carry;
            *limb = low_word(sum);
            carry = sum >> 64;
        }
        assert!(carry == 0, "a wide sum must stay below 2^128");
        Self(limbs)
    }

    /// self - other, or zero when other is larger.
    pub(super) fn saturating_minus(&self, other: &Self) -> Self {
        let mut limbs = [0; LIMBS];
        let mut borrow = false;
        for (limb, (a, b)) in limbs.iter_mut().zip(self.0.iter().zip(&other.0)) {
            let (difference, first) = a.overflowing_sub(*b);
            let (difference, second) = difference.overflowing_sub(u64::from(borrow));
            *limb = difference;
            borrow = first || second;
        }
        if borrow { Self::ZERO } else { Self(limbs) }
    }

    /// |self - other| and whether other is the larger.
    pub(super) fn difference(&self, other: &Self) -> (Self, bool) {
        if self < other {
            (other.saturating_minus(self), true)
        } else {
            (self.saturating_minus(other), false)
        }
    }

    pub(super) fn times(&self, other: &Self) -> Self {
        let mut product = [0_u64; 2 * LIMBS];
        for (i, a) in self.0.iter().enumerate() {
            let mut carry = 0;
            for (limb, b) in product.iter_mut().skip(i).zip(&other.0) {
                let sum = multiply_wide(*a, *b) + u128::from(*limb) + u128::from(carry);
                *limb = low_word(sum);
                carry = high_word(sum);
            }
            if let Some(limb) = product.get_mut(i + LIMBS) {
                *limb = carry;
            }
        }
        let mut limbs = [0; LIMBS];
        limbs.copy_from_slice(&product[FRACTION_LIMBS..FRACTION_LIMBS + LIMBS]);
        let above = product.iter().skip(FRACTION_LIMBS + LIMBS).all(|limb| *limb == 0);
        assert!(above, "a wide product must stay below 2^128");
        Self(limbs)
    }

    pub(super) fn times_integer(&self, factor: u64) -> Self {
        let mut limbs = [0; LIMBS];
        let mut carry = 0;
        for (limb, a) in limbs.iter_mut().zip(&self.0) {
            let sum = multiply_wide(*a, factor) + u128::from(carry);
            *limb = low_word(sum);
            carry = high_word(sum);
        }
        assert!(carry == 0, "a wide product must stay below 2^128");
        Self(limbs)
    }

    pub(super) fn over_integer(&self, divisor: u64) -> Self {
        assert!(divisor > 0, "a wide number is divided by a positive integer");
        let divisor = u128::from(divisor);
        let mut limbs = [0; LIMBS];
        let mut remainder = 0_u128;
        for (limb, a) in limbs.iter_mut().zip(&self.0).rev() {
            let dividend = (remainder << 64) | u128::from(*a);
            *limb = low_word(dividend / divisor);
            remainder = dividend % divisor;
        }
        Self(limbs)
    }

    pub(super) fn half(&self) -> Self {
        let mut limbs = [0; LIMBS];
        let mut carry = 0;
        for (limb, a) in limbs.iter_mut().zip(&self.0).rev() {
            *limb = (*a >> 1) | (carry << 63);
            carry = *a & 1;
        }
        Self(limbs)
    }

    /// The nearest integer, a half upwards.
    pub(super) fn round(&self) -> u128 {
        let [_, _, _, fraction, low, high] = self.0;
        ((u128::from(high) << 64) | u128::from(low)) + u128::from(fraction >> 63)
    }

    /// 1 / sqrt(self) for 2^-86 <= self < 2^86, by Newton's iteration y <- y (3 - v y^2) / 2.
    pub(super) fn inverse_square_root(&self) -> Self {
        /// The first error |1 - v y^2| <= 3/4 is below 2^-300 after ten steps.
        const STEPS: u32 = 10;
        let exponent = self.exponent();
        assert!((-86..86).contains(&exponent), "the square root is taken of a moderate number");
        let mut y = Self::power_of_two(-exponent.div_euclid(2) - 1);
        for _ in 0..STEPS {
            let square = self.times(&y.times(&y));
            y = y.times(&Self::from_integer(3).saturating_minus(&square)).half();
        }
        y
    }

    /// ln v for v >= 1: with v = 2^k m, ln m = 2 artanh((v - 2^k) / (v + 2^k)).
    pub(super) fn ln(v: u64) -> Self {
        assert!(0 < v && v < 1 << 63, "the logarithm is taken of a positive integer");
        let k = v.ilog2();
        let power = 1_u64 << k;
        let t = Self::from_integer(u128::from(v - power)).over_integer(v + power);
        let t_square = t.times(&t);
        let mut term = t;
        let mut sum = t;
        for j in 1..SERIES_TERMS_MAX {
            term = term.times(&t_square);
            let part = term.over_integer(u64::from(2 * j + 1));
            if part.is_zero() {
                break;
            }
            sum = sum.plus(&part);
        }
        sum.plus(&sum).plus(&Self::LN_2.times_integer(u64::from(k)))
    }

    /// e^-self: the series at self / 2^10, then ten squarings; 0 <= self < 256.
    pub(super) fn exp_negative(&self) -> Self {
        const SQUARINGS: u32 = 10;
        assert!(*self < Self::from_integer(256), "the exponent is below 256");
        let x = self.over_integer(1 << SQUARINGS);
        let mut even = Self::ONE;
        let mut odd = Self::ZERO;
        let mut term = Self::ONE;
        for k in 1..SERIES_TERMS_MAX {
            term = term.times(&x).over_integer(u64::from(k));
            if term.is_zero() {
                break;
            }
            if k % 2 == 0 {
                even = even.plus(&term);
            } else {
                odd = odd.plus(&term);
            }
        }
        let mut power = even.saturating_minus(&odd);
        for _ in 0..SQUARINGS {
            power = power.times(&power);
        }
        power
    }

    /// The normal density n(z), 0 <= z < 16.
    pub(super) fn normal_density(&self) -> Self {
        Self::DENSITY_AT_ZERO.times(&self.times(self).half().exp_negative())
    }

    /// N(-z) for z = self: 1/2 - n(z) (z + z^3/3 + z^5/15 + ...), and zero from 13 on, where the
    /// tail is below 2^-126. The sum is below 2^123 before that, so the error is below 2^-120.
    pub(super) fn normal_tail(&self) -> Self {
        if *self >= Self::from_integer(13) {
            return Self::ZERO;
        }
        let square = self.times(self);
        let mut term = *self;
        let mut sum = *self;
        for k in 1..SERIES_TERMS_MAX {
            term = term.times(&square).over_integer(u64::from(2 * k + 1));
            if term.is_zero() {
                break;
            }
            sum = sum.plus(&term);
        }
        Self::ONE.half().saturating_minus(&self.normal_density().times(&sum))
    }
}

#[cfg(test)]
mod tests;
