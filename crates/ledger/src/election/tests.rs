use super::{Candidate, apportion};
use alloc::vec::Vec;
use lockstep_sim::rng::Rng;
use lockstep_types::chain::Stake;
use lockstep_types::ids::ValidatorId;
use std::collections::BTreeMap;

fn candidate(number: u16, stake: u64, keys: u8) -> Candidate {
    let [high, low] = number.to_be_bytes();
    let key = |seat: u8| {
        let mut key = [0; 32];
        key[..3].copy_from_slice(&[high, low, seat]);
        key
    };
    let keys = (0..keys).map(key).collect();
    Candidate { validator: ValidatorId(number), stake: Stake(stake), keys }
}

fn counts(candidates: &[Candidate], seats: u16, cap: u8) -> BTreeMap<u16, u64> {
    let mut counts = BTreeMap::new();
    for seat in apportion(candidates, seats, cap) {
        *counts.entry(seat.validator.0).or_insert(0) += 1;
    }
    counts
}

/// The textbook way: all quotients of everybody, the largest first.
fn by_quotients(candidates: &[Candidate], seats: u16, cap: u8) -> BTreeMap<u16, u64> {
    let mut quotients = Vec::new();
    for candidate in candidates {
        let most = usize::from(cap).min(candidate.keys.len());
        for divisor in 1..=most {
            // Exact: over a common denominator of all divisors up to eight.
            let quotient = u128::from(candidate.stake.0) * 840 / divisor as u128;
            if candidate.stake.0 > 0 {
                quotients.push((quotient, core::cmp::Reverse(candidate.keys.clone()), candidate));
            }
        }
    }
    quotients.sort_by(|one, other| (other.0, &other.1).cmp(&(one.0, &one.1)));
    let mut counts = BTreeMap::new();
    for (_, _, candidate) in quotients.into_iter().take(usize::from(seats)) {
        *counts.entry(candidate.validator.0).or_insert(0) += 1;
    }
    counts
}

fn random(rng: &mut Rng) -> Vec<Candidate> {
    let count = 1 + rng.below(12);
    let stakes = |rng: &mut Rng| match rng.below(3) {
        0 => rng.below(4),
        1 => rng.below(1_000),
        _ => rng.next_u64() >> 1,
    };
    (1..=count)
        .map(|number| {
            let keys = u8::try_from(1 + rng.below(8)).unwrap();
            candidate(u16::try_from(number).unwrap(), stakes(rng), keys)
        })
        .collect()
}

#[test]
fn seats_go_to_the_highest_quotients() {
    let mut rng = Rng::new(1);
    for _ in 0..2_000 {
        let candidates = random(&mut rng);
        let seats = u16::try_from(1 + rng.below(20)).unwrap();
        let cap = u8::try_from(1 + rng.below(8)).unwrap();
        assert_eq!(
            counts(&candidates, seats, cap),
            by_quotients(&candidates, seats, cap),
            "{candidates:?} {seats} {cap}"
        );
    }
}

#[test]
fn the_order_in_which_candidates_came_does_not_matter() {
    let mut rng = Rng::new(2);
    for _ in 0..2_000 {
        let mut candidates = random(&mut rng);
        let elected = apportion(&candidates, 9, 3);
        for _ in 0..3 {
            for place in (1..candidates.len()).rev() {
                let other = rng.below(u64::try_from(place).unwrap() + 1);
                candidates.swap(place, usize::try_from(other).unwrap());
            }
            assert_eq!(apportion(&candidates, 9, 3), elected);
        }
    }
}

#[test]
fn a_cap_a_lack_of_keys_and_a_lack_of_stake_limit_a_candidate() {
    let rich = [candidate(1, 1_000, 8), candidate(2, 1, 8), candidate(3, 0, 8)];
    assert_eq!(counts(&rich, 8, 3), BTreeMap::from([(1, 3), (2, 3)]));
    let one_key = [candidate(1, 1_000, 1), candidate(2, 1, 8)];
    assert_eq!(counts(&one_key, 3, 8), BTreeMap::from([(1, 1), (2, 2)]));
    assert!(apportion(&[], 8, 3).is_empty());
}

#[test]
fn ties_go_to_the_lower_key_and_seats_are_in_order_of_key() {
    let tied = [candidate(9, 5, 1), candidate(4, 5, 1), candidate(6, 5, 1)];
    let seats: Vec<u16> = apportion(&tied, 2, 1).iter().map(|seat| seat.validator.0).collect();
    assert_eq!(seats, [4, 6]);
}
