//! What is remembered of strikes never changes an array.

use super::{ArrayCache, STRIKES_REMEMBERED_MAX};
use crate::formula::risk_array::{VolMoveParams, option_array};
use crate::option::Black76;
use lockstep_types::ids::InstrumentId;
use lockstep_types::instrument::OptionSide;

const DOLLAR: i64 = 1_000_000;

fn option(forward: i64, strike: i64, seconds: i64) -> Black76 {
    Black76 { forward, strike, vol_e9: 600_000_000, seconds }
}

/// The remembered array is the one that would be made, whatever has its place.
fn assert_is_made(cache: &mut ArrayCache, moves: VolMoveParams, option: Black76) {
    for side in [OptionSide::Call, OptionSide::Put, OptionSide::Call] {
        let made = option_array(&moves, &option, side).ok();
        assert_eq!(cache.option(moves, option, side), made, "{option:?} {side:?}");
    }
}

#[test]
fn strikes_that_share_a_place_and_inputs_that_change_are_told_apart() {
    let mut cache = ArrayCache::default();
    let other = VolMoveParams { up_ppm: 400_000, ..VolMoveParams::REFERENCE };
    // More strikes than the sixteen places of an empty cache, so that some share one.
    for round in 0..3 {
        for strike in 1..=60 {
            let forward = (100_000 + round / 2) * DOLLAR;
            let option = option(forward, strike * 4_000 * DOLLAR, 86_400 * (1 + strike % 3));
            assert_is_made(&mut cache, VolMoveParams::REFERENCE, option);
            assert_is_made(&mut cache, other, option);
        }
    }
    assert_eq!(cache.strikes.len(), 16);
}

#[test]
fn there_are_as_many_places_as_instruments_up_to_a_limit() {
    let mut cache = ArrayCache::default();
    for (instruments, places) in [(17, 32), (3_000, 4_096), (20_000, STRIKES_REMEMBERED_MAX)] {
        cache.put(InstrumentId(instruments - 1), 1, None);
        let option = option(100_000 * DOLLAR, 90_000 * DOLLAR, 86_400);
        assert_is_made(&mut cache, VolMoveParams::REFERENCE, option);
        assert_eq!(cache.strikes.len(), places);
    }
}

#[test]
fn a_call_that_moves_too_far_leaves_its_put() {
    let far = option(20_000_000 * DOLLAR, 1_000_000 * DOLLAR, 86_400);
    let mut cache = ArrayCache::default();
    assert_is_made(&mut cache, VolMoveParams::REFERENCE, far);
    assert_eq!(cache.option(VolMoveParams::REFERENCE, far, OptionSide::Call), None);
    assert!(cache.option(VolMoveParams::REFERENCE, far, OptionSide::Put).is_some());
}
