//! The nonce window against the plainest model of it: a set.

use lockstep_types::nonce::{NONCE_AHEAD_MS, NONCE_WINDOW, NonceHistory, NonceWindow};
use lockstep_types::{Reject, RejectCode, TimeMs};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Every nonce that was ever accepted.
#[derive(Default)]
struct Model {
    used: BTreeSet<u64>,
}

impl Model {
    fn accept(&mut self, nonce: u64, now: TimeMs) -> Result<(), RejectCode> {
        let ahead = i128::from(nonce) - i128::from(now.0.max(0));
        if ahead > i128::from(NONCE_AHEAD_MS) {
            return Err(RejectCode::NonceTooFar);
        }
        let highest = self.used.last().copied();
        if highest.is_some_and(|highest| nonce + NONCE_WINDOW <= highest) {
            return Err(RejectCode::NonceTooOld);
        }
        if self.used.insert(nonce) { Ok(()) } else { Err(RejectCode::NonceUsed) }
    }
}

/// Both parts of a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Nonces {
    window: NonceWindow,
    history: NonceHistory,
}

impl Nonces {
    fn accept(&mut self, nonce: u64, now: TimeMs) -> Result<(), Reject> {
        self.window.accept(&mut self.history, nonce, now)
    }
}

fn agrees(nonces: impl IntoIterator<Item = (u64, TimeMs)>) -> Result<(), TestCaseError> {
    let (mut window, mut model) = (Nonces::default(), Model::default());
    for (nonce, now) in nonces {
        let before = window;
        let answer = window.accept(nonce, now).map_err(|reject| reject.code);
        prop_assert_eq!(answer, model.accept(nonce, now), "nonce {} at {:?}", nonce, now);
        if answer.is_err() {
            prop_assert_eq!(window, before, "a refusal changes nothing");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn nonces_near_each_other(base in 0..u64::MAX / 4, steps in vec(0..2_500_u64, 0..300)) {
        agrees(steps.into_iter().map(|step| (base + step, TimeMs::MAX)))?;
    }

    #[test]
    fn nonces_from_zero(nonces in vec(0..1_500_u64, 0..300)) {
        agrees(nonces.into_iter().map(|nonce| (nonce, TimeMs(0))))?;
    }

    #[test]
    fn clients_that_number_in_a_wandering_order(jumps in vec(-1_100..1_400_i64, 0..300)) {
        let mut nonce = 1_774_000_000_000_i64;
        agrees(jumps.into_iter().map(|jump| {
            nonce += jump;
            (u64::try_from(nonce).unwrap(), TimeMs(1_774_000_000_000))
        }))?;
    }

    #[test]
    fn any_nonce_at_any_time(pairs in vec((any::<u64>(), any::<i64>()), 0..50)) {
        agrees(pairs.into_iter().map(|(nonce, now)| (nonce, TimeMs(now))))?;
    }

    #[test]
    fn clocks_that_jump_about_the_nonces(
        pairs in vec((0..200_000_u64, -70_000..200_000_i64), 0..100),
    ) {
        agrees(pairs.into_iter().map(|(nonce, now)| (nonce, TimeMs(now))))?;
    }
}

fn code(result: Result<(), Reject>) -> Option<RejectCode> {
    result.err().map(|reject| reject.code)
}

#[test]
fn the_first_nonce_may_be_zero_and_works_once() {
    let mut window = Nonces::default();
    assert_eq!(window.accept(0, TimeMs(0)), Ok(()));
    assert_ne!(window, Nonces::default(), "having used 0 differs from having used nothing");
    assert_eq!(code(window.accept(0, TimeMs(0))), Some(RejectCode::NonceUsed));
    assert_eq!(window.accept(1, TimeMs(0)), Ok(()));
    assert_eq!(code(window.accept(0, TimeMs(0))), Some(RejectCode::NonceUsed));
}

#[test]
fn a_jump_by_exactly_the_window_forgets_nothing_that_counts() {
    for jump in NONCE_WINDOW - 1..=NONCE_WINDOW + 1 {
        let mut window = Nonces::default();
        window.accept(1_000, TimeMs::MAX).unwrap();
        window.accept(1_000 + jump, TimeMs::MAX).unwrap();
        let again = code(window.accept(1_000, TimeMs::MAX));
        let expected =
            if jump < NONCE_WINDOW { RejectCode::NonceUsed } else { RejectCode::NonceTooOld };
        assert_eq!(again, Some(expected), "jump {jump}");
        assert_eq!(code(window.accept(1_000 + jump, TimeMs::MAX)), Some(RejectCode::NonceUsed));
    }
}

#[test]
fn the_largest_nonces_work_and_only_by_the_last_clock() {
    let mut window = Nonces::default();
    let limit = u64::try_from(i64::MAX).unwrap() + NONCE_AHEAD_MS;
    let too_far = window.accept(u64::MAX, TimeMs::MAX).unwrap_err();
    assert_eq!(too_far, Reject::beyond(RejectCode::NonceTooFar, i64::MAX, i64::MAX));
    assert_eq!(window, Nonces::default());
    assert_eq!(window.accept(limit, TimeMs::MAX), Ok(()));
    assert_eq!(code(window.accept(limit + 1, TimeMs::MAX)), Some(RejectCode::NonceTooFar));
    assert_eq!(window.accept(limit + 1 - NONCE_WINDOW, TimeMs::MAX), Ok(()));
    let old = window.accept(limit - NONCE_WINDOW, TimeMs::MAX);
    assert_eq!(code(old), Some(RejectCode::NonceTooOld));
}

#[test]
fn rejections_show_the_nonce_and_the_limit() {
    let mut window = Nonces::default();
    let far = window.accept(60_011, TimeMs(10)).unwrap_err();
    assert_eq!((far.actual, far.limit), (60_011, 60_010));
    assert_eq!(window.accept(60_010, TimeMs(10)), Ok(()));
    let old = window.accept(5, TimeMs(10)).unwrap_err();
    assert_eq!((old.code, old.actual, old.limit), (RejectCode::NonceTooOld, 5, 58_987));
    assert_eq!(window.accept(58_987, TimeMs(10)), Ok(()));
    // A clock before 1970 counts as 1970.
    let early = Nonces::default().accept(60_001, TimeMs::MIN).unwrap_err();
    assert_eq!((early.code, early.limit), (RejectCode::NonceTooFar, 60_000));
}
