//! Double-width products of machine words: the only lossy casts of the option module.
//!
//! Absent: anything that knows a unit. Each function states why nothing is lost that matters.

/// The low 64 bits; the caller has moved or masked everything above, or wants arithmetic mod 2^64.
#[inline]
#[allow(clippy::cast_possible_truncation)]
pub(super) const fn low_word(value: u128) -> u64 {
    value as u64
}

/// The high 64 bits; exact, since a shift by 64 leaves 64 bits.
#[inline]
pub(super) const fn high_word(value: u128) -> u64 {
    low_word(value >> 64)
}

/// floor(a b / 2^64) of signed words; it always fits because |a b| <= 2^126.
#[inline]
#[allow(clippy::cast_possible_truncation)]
pub(super) const fn multiply_high(a: i64, b: i64) -> i64 {
    ((a as i128 * b as i128) >> 64) as i64
}

/// a b in full.
#[inline]
pub(super) const fn multiply_wide(a: u64, b: u64) -> u128 {
    a as u128 * b as u128
}
