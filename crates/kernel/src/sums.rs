//! Sums of lots times entries, for all entries of an array at once.

/// How many entries an array has: the scenarios of a risk array.
pub const ENTRIES: usize = 33;
/// What is multiplied.
pub type Entries = [i32; ENTRIES];
/// One sum per entry.
pub type Vector = [i64; ENTRIES];

/// All entries but the last: their sums fill eight vectors of 256 bits, which a compiler keeps in
/// registers while it goes through the terms. With the last among them it does not.
const ABREAST: usize = ENTRIES - 1;

/// Sums that are being added up, modulo 2^64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sums {
    abreast: [i64; ABREAST],
    last: i64,
}

impl Sums {
    /// Nothing added yet.
    pub const ZERO: Self = Self { abreast: [0; ABREAST], last: 0 };

    /// Adds `lots x entry` to each sum. A product of two half words is one instruction, and fits.
    #[inline(always)]
    pub fn add_product(&mut self, entries: &Entries, lots: i32) {
        let lots = i64::from(lots);
        let [abreast @ .., last] = entries;
        for (sum, &entry) in self.abreast.iter_mut().zip(abreast) {
            *sum = sum.wrapping_add(lots.wrapping_mul(i64::from(entry)));
        }
        self.last = self.last.wrapping_add(lots.wrapping_mul(i64::from(*last)));
    }

    /// Adds `min(0, lots x entry + edge)` to each sum.
    #[inline(always)]
    pub fn add_loss(&mut self, entries: &Entries, lots: i32, edge: i64) {
        let lots = i64::from(lots);
        let loss = |entry: i32| lots.wrapping_mul(i64::from(entry)).wrapping_add(edge).min(0);
        let [abreast @ .., last] = entries;
        for (sum, &entry) in self.abreast.iter_mut().zip(abreast) {
            *sum = sum.wrapping_add(loss(entry));
        }
        self.last = self.last.wrapping_add(loss(*last));
    }

    /// The sums.
    #[inline(always)]
    #[must_use]
    pub fn into_vector(self) -> Vector {
        let mut vector = [self.last; ENTRIES];
        vector[..ABREAST].copy_from_slice(&self.abreast);
        vector
    }
}
