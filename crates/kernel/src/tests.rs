//! The wide sums against the same code run as any processor can, and both against 128-bit sums.

use crate::{ENTRIES, Entries, Sums, Task, Vector, run};
use proptest::prelude::*;
use std::vec::Vec;

/// Products of all terms.
#[derive(Clone, Copy)]
struct Products<'a>(&'a [(Entries, i32, i64)]);

impl Task for Products<'_> {
    type Output = Vector;

    #[inline(always)]
    fn run(self) -> Vector {
        let mut sums = Sums::ZERO;
        for (entries, lots, _) in self.0 {
            sums.add_product(entries, *lots);
        }
        sums.into_vector()
    }
}

/// Losses of all terms.
#[derive(Clone, Copy)]
struct Losses<'a>(&'a [(Entries, i32, i64)]);

impl Task for Losses<'_> {
    type Output = Vector;

    #[inline(always)]
    fn run(self) -> Vector {
        let mut sums = Sums::ZERO;
        for (entries, lots, edge) in self.0 {
            sums.add_loss(entries, *lots, *edge);
        }
        sums.into_vector()
    }
}

/// Entry by entry what `of` makes of the term, in 128 bits.
fn clear(terms: &[(Entries, i32, i64)], of: impl Fn(i128, i128) -> i128) -> Vec<i128> {
    let sum = |place: usize| {
        let term = |(entries, lots, edge): &(Entries, i32, i64)| {
            of(i128::from(entries[place]) * i128::from(*lots), i128::from(*edge))
        };
        terms.iter().map(term).sum()
    };
    (0..ENTRIES).map(sum).collect()
}

fn modulo_2_64(sums: &[i128]) -> Vec<i64> {
    sums.iter().map(|&sum| sum as i64).collect()
}

fn any_terms() -> impl Strategy<Value = Vec<(Entries, i32, i64)>> {
    let entry = || prop_oneof![any::<i32>(), -9_999..9_999, Just(i32::MIN), Just(i32::MAX)];
    let entries = prop::collection::vec(entry(), ENTRIES)
        .prop_map(|entries| Entries::try_from(entries).unwrap());
    let edge = prop_oneof![any::<i64>(), -9_999_i64..9_999, Just(0), Just(-1_i64 << 62)];
    prop::collection::vec((entries, entry(), edge), 0..70)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn wide_products_are_the_plain_ones_and_the_clear_ones(terms in any_terms()) {
        let plain = Products(&terms).run();
        prop_assert_eq!(run(Products(&terms)), plain);
        prop_assert_eq!(plain.to_vec(), modulo_2_64(&clear(&terms, |product, _| product)));
    }

    #[test]
    fn wide_losses_are_the_plain_ones_and_the_clear_ones(terms in any_terms()) {
        let plain = Losses(&terms).run();
        prop_assert_eq!(run(Losses(&terms)), plain);
        // A product and an edge that do not fit together wrap before the comparison with zero.
        let wrapped = |product: i128, edge| i128::from(((product + edge) as i64).min(0));
        prop_assert_eq!(plain.to_vec(), modulo_2_64(&clear(&terms, wrapped)));
    }
}

#[test]
fn the_extremes_agree() {
    let ends = [i32::MIN, i32::MIN + 1, -1, 0, 1, i32::MAX];
    let terms: Vec<_> = ends
        .iter()
        .flat_map(|&entry| ends.map(|lots| ([entry; ENTRIES], lots, i64::MIN)))
        .collect();
    for count in 0..=terms.len() {
        let terms = &terms[..count];
        assert_eq!(run(Products(terms)), Products(terms).run(), "{count}");
        assert_eq!(run(Losses(terms)), Losses(terms).run(), "{count}");
    }
    let one = [([i32::MIN; ENTRIES], i32::MIN, -1)];
    assert_eq!(run(Products(&one)), [1 << 62; ENTRIES]);
    assert_eq!(run(Losses(&one)), [0; ENTRIES]);
}

#[test]
fn each_sum_is_that_of_its_own_entry() {
    for place in 0..ENTRIES {
        let mut entries = [0; ENTRIES];
        entries[place] = 7;
        let mut expected = [0; ENTRIES];
        expected[place] = -21;
        assert_eq!(run(Products(&[(entries, -3, 0)])), expected);
        assert_eq!(run(Losses(&[(entries, -3, 0)])), expected);
    }
}
