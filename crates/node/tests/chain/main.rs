//! Whole validators: agreement, partitions, crashes, on a runtime that repeats itself to the bit.

mod cluster;
mod genesis;

use cluster::{Cluster, run};
use genesis::{OWNERS, command};
use lockstep_node::mempool::Refusal;
use lockstep_node::signatures::CommandId;

/// Commands of every owner, each given to one of the first two validators.
async fn submit_round(cluster: &Cluster, round: u64) -> Vec<CommandId> {
    let mut ids = Vec::new();
    for index in 0..OWNERS {
        let signed = command(&cluster.genesis, index, round);
        ids.push(cluster.submit(usize::from(index) % 2, signed).await.unwrap());
    }
    ids
}

fn assert_included_once(cluster: &Cluster, ids: &[CommandId]) {
    for index in 0..cluster::VALIDATORS {
        for id in ids {
            assert_eq!(cluster.inclusions(index, *id), 1, "validator {index}");
        }
    }
}

#[test]
fn four_validators_agree_and_repeat_themselves() {
    let story = |cluster: Cluster| async move {
        let ids = submit_round(&cluster, 1).await;
        cluster.sleep(5).await;
        let heights = cluster.heights();
        assert!(heights.iter().all(|height| *height >= 20), "{heights:?}");
        assert_included_once(&cluster, &ids);
        cluster
    };
    let first = run(1, story);
    assert_eq!(first, run(1, story), "the same seed repeats the run");
    assert_ne!(first, run(2, story), "another seed is another run");
}

#[test]
fn three_go_on_without_the_fourth_which_catches_up() {
    run(3, |mut cluster| async move {
        cluster.sleep(2).await;
        cluster.connect(&[&[0, 1, 2], &[3]]).await;
        cluster.sleep(1).await;
        let (apart, alone) = (cluster.height(0), cluster.height(3));
        let ids = submit_round(&cluster, 1).await;
        cluster.sleep(10).await;
        assert!(cluster.height(0) > apart + 10, "three of four make progress");
        assert_eq!(cluster.height(3), alone, "one of four makes none");
        cluster.connect(&[&[0, 1, 2, 3]]).await;
        cluster.sleep(10).await;
        assert!(cluster.height(3) + 5 >= cluster.height(0), "{:?}", cluster.heights());
        assert_included_once(&cluster, &ids);
        cluster
    });
}

#[test]
fn two_and_two_halt_and_resume() {
    run(4, |mut cluster| async move {
        cluster.sleep(2).await;
        cluster.connect(&[&[0, 1], &[2, 3]]).await;
        cluster.sleep(2).await;
        let halted = cluster.heights();
        let ids = submit_round(&cluster, 1).await;
        cluster.sleep(20).await;
        assert_eq!(cluster.heights(), halted, "no side has a quorum");
        cluster.connect(&[&[0, 1, 2, 3]]).await;
        cluster.sleep(10).await;
        assert!(cluster.heights().iter().all(|height| *height > halted[0] + 10));
        assert_included_once(&cluster, &ids);
        cluster
    });
}

#[test]
fn a_crashed_validator_goes_on_from_its_files() {
    let story = |mut cluster: Cluster| async move {
        let mut ids = submit_round(&cluster, 1).await;
        cluster.sleep(3).await;
        cluster.crash(2);
        let height = cluster.height(2);
        cluster.sleep(5).await;
        assert!(height > 0 && cluster.height(0) > height + 5);
        ids.extend(submit_round(&cluster, 2).await);
        cluster.start(2).await;
        cluster.sleep(10).await;
        assert!(cluster.height(2) + 5 >= cluster.height(0), "{:?}", cluster.heights());
        assert_included_once(&cluster, &ids);
        cluster
    };
    assert_eq!(run(5, story), run(5, story), "a run with a crash repeats itself too");
}

#[test]
fn all_validators_crash_and_go_on() {
    run(6, |mut cluster| async move {
        let ids = submit_round(&cluster, 1).await;
        cluster.sleep(3).await;
        (0..cluster::VALIDATORS).for_each(|index| cluster.crash(index));
        let highest = cluster.heights().into_iter().max().unwrap();
        for index in 0..cluster::VALIDATORS {
            cluster.start(index).await;
        }
        cluster.sleep(5).await;
        let heights = cluster.heights();
        assert!(heights.iter().all(|height| *height > highest + 10), "{highest}: {heights:?}");
        assert_included_once(&cluster, &ids);
        cluster
    });
}

#[test]
fn what_a_client_brings_to_one_reaches_all() {
    run(7, |cluster: Cluster| async move {
        // Connections are up by then.
        cluster.sleep(1).await;
        let id = cluster.submit(0, command(&cluster.genesis, 0, 1)).await.unwrap();
        assert_eq!(
            cluster.submit(0, command(&cluster.genesis, 0, 1)).await,
            Err(Refusal::Known),
            "twice is once"
        );
        let mut forged = command(&cluster.genesis, 1, 1);
        forged.signature[7] ^= 1;
        assert_eq!(cluster.submit(0, forged).await, Err(Refusal::Signature));
        cluster.sleep(2).await;
        assert_included_once(&cluster, &[id]);
        assert!((0..cluster::VALIDATORS).all(|index| cluster.waiting(index) == 0));
        cluster
    });
}

#[test]
fn a_forged_command_in_a_leaders_mempool_stays_there() {
    run(8, |cluster: Cluster| async move {
        let mut forged = command(&cluster.genesis, 1, 1);
        forged.signature[7] ^= 1;
        let forged: Vec<_> =
            (0..cluster::VALIDATORS).map(|index| cluster.smuggle(index, forged.clone())).collect();
        let ids = submit_round(&cluster, 2).await;
        cluster.sleep(5).await;
        assert_included_once(&cluster, &ids);
        assert_eq!(cluster.inclusions(0, forged[0]), 0);
        assert!(cluster.heights().iter().all(|height| *height >= 20), "nobody lost a turn");
        cluster
    });
}
