//! SplitMix64: the one source of chance of all workloads.
//!
//! Integers only, so that a seed gives the same draws on every machine. Not for secrets.

#[cfg(test)]
mod tests;

/// A SplitMix64 stream (Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
/// 2014). Two streams of one seed are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rng {
    state: u64,
}

impl Rng {
    /// The stream of `seed`; every seed is as good as another.
    #[must_use]
    pub fn new(seed: u64) -> Rng {
        Rng { state: seed }
    }

    /// The next 64 random bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Uniform in `0..bound`; 0 when `bound` is 0. The bias is below `bound` / 2^64.
    #[inline]
    pub fn below(&mut self, bound: u64) -> u64 {
        high_word(u128::from(self.next_u64()) * u128::from(bound))
    }

    /// Uniform in `0..bound`, from the same draw as [`Rng::below`].
    #[inline]
    pub fn below_u32(&mut self, bound: u32) -> u32 {
        // The draw is below `bound`, so it always fits.
        u32::try_from(self.below(u64::from(bound))).unwrap_or(u32::MAX)
    }

    /// Uniform in `0..bound`, from the same draw as [`Rng::below`]; for indexing.
    #[inline]
    pub fn below_usize(&mut self, bound: usize) -> usize {
        let wide = u64::try_from(bound).unwrap_or(u64::MAX);
        usize::try_from(self.below(wide)).unwrap_or(usize::MAX)
    }

    /// True once in `denominator` draws on average; never when `denominator` is 0.
    #[inline]
    pub fn one_in(&mut self, denominator: u64) -> bool {
        let draw = self.below(denominator);
        denominator != 0 && draw == 0
    }

    /// A distance of geometric distribution with the given mean, at most `cap`. One draw per step,
    /// so the cost grows with `mean`.
    #[inline]
    pub fn geometric(&mut self, mean: u64, cap: u64) -> u64 {
        let outcomes = mean.saturating_add(1);
        let mut distance = 0;
        while distance < cap && self.below(outcomes) != 0 {
            distance += 1;
        }
        distance
    }
}

/// The upper half of a double word.
#[inline]
fn high_word(wide: u128) -> u64 {
    // Lossless: the shift leaves 64 bits. `try_from` would put a branch into every draw.
    (wide >> 64) as u64
}
