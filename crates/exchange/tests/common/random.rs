//! Seeded randomness for tests: the same numbers on every machine.

/// A generator by counting and mixing. Source: G. L. Steele, D. Lea, C. H. Flood, "Fast splittable
/// pseudorandom number generators" (2014), the mixer of SplitMix64.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// A number from `least` to `most`, both included.
    pub fn between(&mut self, least: i64, most: i64) -> i64 {
        let span = u64::try_from(most - least).unwrap() + 1;
        least + i64::try_from(self.below(span)).unwrap()
    }

    /// True in `percent` of all cases.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// True once in `times` cases.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of `these`.
    pub fn pick<T: Clone>(&mut self, these: &[T]) -> T {
        let at = usize::try_from(self.below(these.len() as u64)).unwrap();
        these[at].clone()
    }

    /// The number of one of the `weights`, as often as its weight says.
    pub fn weighted(&mut self, weights: &[u64]) -> usize {
        let mut at = self.below(weights.iter().sum());
        for (number, weight) in weights.iter().enumerate() {
            if at < *weight {
                return number;
            }
            at -= weight;
        }
        unreachable!("the sum of all weights is the bound");
    }

    /// Any integer at all, the edges of what the engine has limits for more often than chance.
    pub fn garbage(&mut self) -> i64 {
        const EDGES: [i64; 20] = [
            i64::MIN,
            i64::MIN + 1,
            -1_000_000,
            -1,
            0,
            1,
            2,
            (1 << 31) - 1,
            1 << 31,
            (1 << 31) + 1,
            (1 << 32) - 1,
            1 << 32,
            1_000_000_000_000_000,
            1_000_000_000_000_001,
            1 << 60,
            1 << 62,
            i64::MAX / 1_000,
            i64::MAX / 2,
            i64::MAX - 1,
            i64::MAX,
        ];
        match self.below(3) {
            0 => self.pick(&EDGES),
            1 => self.between(-100, 100),
            // Every length of number is as likely.
            _ => i64::from_le_bytes(self.next().to_le_bytes()) >> self.below(64),
        }
    }
}
