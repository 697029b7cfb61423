//! Whole validators: agreement, partitions, crashes, on a runtime that repeats itself to the bit.

use lockstep_cluster::stage::{Stage, VALIDATORS, play};
use lockstep_cluster::world::TRADERS;
use lockstep_node::mempool::Refusal;
use lockstep_node::signatures::CommandId;
use std::time::Duration;

/// Everybody hears everybody.
const TOGETHER: [&[usize]; 1] = [&[0, 1, 2, 3]];

fn seconds(stage: &Stage, seconds: u64) {
    stage.sleep(Duration::from_secs(seconds));
}

/// Commands of every trader, each given to one of the first two validators.
fn submit_round(stage: &Stage, round: u8) -> Vec<CommandId> {
    let submit = |trader: usize| stage.submit(trader % 2, stage.command(trader, round)).unwrap();
    (0..TRADERS).map(submit).collect()
}

fn assert_included_once(stage: &Stage, ids: &[CommandId]) {
    for index in 0..VALIDATORS {
        for id in ids {
            assert_eq!(stage.inclusions(index, *id), 1, "validator {index}");
        }
    }
}

#[test]
fn four_validators_agree_and_repeat_themselves() {
    let story = |stage: &Stage| {
        let ids = submit_round(stage, 1);
        seconds(stage, 5);
        let heights = stage.heights();
        assert!(heights.iter().all(|height| *height >= 20), "{heights:?}");
        assert_included_once(stage, &ids);
    };
    let first = play(1, story);
    assert_eq!(first, play(1, story), "the same seed repeats the run");
    assert_ne!(first, play(2, story), "another seed is another run");
}

#[test]
fn three_go_on_without_the_fourth_which_catches_up() {
    play(3, |stage| {
        seconds(stage, 2);
        stage.connect(&[&[0, 1, 2], &[3]]);
        seconds(stage, 1);
        let before = stage.heights();
        let ids = submit_round(stage, 1);
        seconds(stage, 10);
        let apart = stage.heights();
        assert!(apart[0] > before[0] + 10, "three of four make progress");
        assert_eq!(apart[3], before[3], "one of four makes none");
        stage.connect(&TOGETHER);
        seconds(stage, 10);
        let heights = stage.heights();
        assert!(heights[3] + 5 >= heights[0], "{heights:?}");
        assert_included_once(stage, &ids);
    });
}

#[test]
fn two_and_two_halt_and_resume() {
    play(4, |stage| {
        seconds(stage, 2);
        stage.connect(&[&[0, 1], &[2, 3]]);
        seconds(stage, 2);
        let halted = stage.heights();
        let ids = submit_round(stage, 1);
        seconds(stage, 20);
        assert_eq!(stage.heights(), halted, "no side has a quorum");
        stage.connect(&TOGETHER);
        seconds(stage, 10);
        assert!(stage.heights().iter().all(|height| *height > halted[0] + 10));
        assert_included_once(stage, &ids);
    });
}

#[test]
fn a_crashed_validator_goes_on_from_its_files() {
    let story = |stage: &Stage| {
        let mut ids = submit_round(stage, 1);
        seconds(stage, 3);
        stage.crash(2);
        let height = stage.heights()[2];
        seconds(stage, 5);
        assert!(height > 0 && stage.heights()[0] > height + 5);
        ids.extend(submit_round(stage, 2));
        stage.start(2);
        seconds(stage, 10);
        let heights = stage.heights();
        assert!(heights[2] + 5 >= heights[0], "{heights:?}");
        assert_included_once(stage, &ids);
    };
    assert_eq!(play(5, story), play(5, story), "a run with a crash repeats itself too");
}

#[test]
fn all_validators_crash_and_go_on() {
    play(6, |stage| {
        let ids = submit_round(stage, 1);
        seconds(stage, 3);
        (0..VALIDATORS).for_each(|index| stage.crash(index));
        let highest = stage.height();
        (0..VALIDATORS).for_each(|index| stage.start(index));
        seconds(stage, 5);
        let heights = stage.heights();
        assert!(heights.iter().all(|height| *height > highest + 10), "{highest}: {heights:?}");
        assert_included_once(stage, &ids);
    });
}

#[test]
fn what_a_client_brings_to_one_reaches_all() {
    play(7, |stage| {
        // Connections are up by then.
        seconds(stage, 1);
        let id = stage.submit(0, stage.command(0, 1)).unwrap();
        let again = stage.submit(0, stage.command(0, 1));
        assert_eq!(again, Err(Refusal::Known), "twice is once");
        let mut forged = stage.command(1, 1);
        forged.signature[7] ^= 1;
        assert_eq!(stage.submit(0, forged), Err(Refusal::Signature));
        seconds(stage, 2);
        assert_included_once(stage, &[id]);
        assert!((0..VALIDATORS).all(|index| stage.waiting(index) == 0));
    });
}

#[test]
fn a_forged_command_in_a_leaders_mempool_stays_there() {
    play(8, |stage| {
        let mut forged = stage.command(1, 1);
        forged.signature[7] ^= 1;
        let smuggle = |index| stage.smuggle(index, forged.clone()).unwrap();
        let forged: Vec<CommandId> = (0..VALIDATORS).map(smuggle).collect();
        let ids = submit_round(stage, 2);
        seconds(stage, 5);
        assert_included_once(stage, &ids);
        assert_eq!(stage.inclusions(0, forged[0]), 0);
        assert!(stage.heights().iter().all(|height| *height >= 20), "nobody lost a turn");
    });
}
