//! What a block must be, what its execution hands out, and how a ledger is put together again.

use crate::network::{Network, seat_key, usd};
use lockstep_ledger::block::TIME_MAX;
use lockstep_ledger::{Invalid, Ledger, Participation};
use lockstep_types::command::Command;
use lockstep_types::units::{SpanMs, TimeMs};
use std::collections::BTreeMap;

#[test]
fn a_block_that_can_never_follow_is_refused_and_changes_nothing() {
    let mut network = Network::default();
    let good = network.build(Vec::new(), Vec::new());
    let digest = network.ledger.digest();
    let mut refuse = |change: &dyn Fn(&mut lockstep_ledger::Block)| {
        let mut block = good.clone();
        change(&mut block);
        let error = network.ledger.execute(&block).unwrap_err();
        assert_eq!(network.ledger.digest(), digest);
        error
    };
    assert_eq!(refuse(&|block| block.height = 3), Invalid::Height { expected: 2, found: 3 });
    let last = good.time.0 - 1_000;
    let found = TimeMs(last);
    assert_eq!(refuse(&|block| block.time.0 = last), Invalid::Time { last: found, found });
    let beyond = TimeMs(TIME_MAX.0 + 1);
    assert!(matches!(refuse(&|block| block.time = beyond), Invalid::Time { .. }));
    assert_eq!(refuse(&|block| block.leader = seat_key(5, 0)), Invalid::Leader);
    let few = |block: &mut lockstep_ledger::Block| {
        block.participation = Participation::of(4, [0, 1]);
    };
    assert_eq!(refuse(&few), Invalid::Participation { signed: 2, quorum: 3 });
    let stray = |block: &mut lockstep_ledger::Block| {
        block.participation = Participation::of(5, [0, 1, 2, 4]);
    };
    assert!(matches!(refuse(&stray), Invalid::Participation { .. }));
    let mut block = good.clone();
    block.participation = Participation::of(4, [0, 1, 3]);
    assert_eq!(network.ledger.execute(&block), Ok(()));
}

#[test]
fn the_first_block_of_an_epoch_claims_no_participation() {
    let mut network = Network::default();
    network.end_epoch();
    let mut block = network.build(Vec::new(), Vec::new());
    block.participation = Participation::of(4, [0, 1, 2]);
    assert_eq!(network.ledger.check(&block), Err(Invalid::ParticipationAtBoundary));
}

#[test]
fn epochs_are_runs_of_heights_from_zero() {
    let network = Network::default();
    let epochs: Vec<u64> =
        [0, 7, 8, 15, 16].into_iter().map(|height| network.ledger.epoch_of(height)).collect();
    assert_eq!(epochs, [0, 0, 1, 1, 2]);
    assert!(network.ledger.is_last_of_epoch(7) && !network.ledger.is_last_of_epoch(8));
}

#[test]
fn the_next_committee_is_known_after_the_last_block_of_an_epoch() {
    let mut network = Network::default();
    assert!(network.ledger.committee(1).is_none());
    network.end_epoch();
    let (current, next) = (network.ledger.committee(0), network.ledger.committee(1));
    let (current, next) = (current.unwrap(), next.unwrap());
    assert_eq!(current.seats, next.seats);
    assert_ne!(current.seed, next.seed);
    for _ in 0..20 {
        network.next_epoch();
    }
    assert!(network.ledger.committee(0).is_none(), "old committees go");
    assert!(network.ledger.committee(network.epoch() - 5).is_some());
}

#[test]
fn undo_puts_everything_back_and_the_same_block_gives_the_same_again() {
    let mut network = Network { reporting: true, ..Network::default() };
    network.block(Vec::new(), Vec::new());
    drop(network.ledger.checkpoint());
    let before = network.ledger.digest();
    let withdraw = network.command(5, Command::Withdraw { amount: usd(10) });
    let block = network.build(Vec::new(), vec![withdraw]);
    network.ledger.execute(&block).unwrap();
    let (after, root) = (network.ledger.digest(), network.ledger.events_root());
    let journal = network.ledger.checkpoint();
    let changes = network.ledger.changes(&journal);
    assert!(changes.iter().is_sorted_by(|one, other| one.0 < other.0));
    network.ledger.undo(journal);
    assert_eq!(network.ledger.digest(), before);
    network.ledger.execute(&block).unwrap();
    assert_eq!((network.ledger.digest(), network.ledger.events_root()), (after, root));
    let journal = network.ledger.checkpoint();
    assert_eq!(network.ledger.changes(&journal), changes);
}

/// All leaves of a ledger, by key bytes.
pub fn leaves(ledger: &Ledger) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut leaves = BTreeMap::new();
    ledger.each_leaf(&mut |key, value| {
        assert!(leaves.insert(key, value).is_none(), "a key is one leaf's");
    });
    leaves
}

#[test]
fn a_ledger_is_its_leaves() {
    let mut network = Network { reporting: true, ..Network::default() };
    network.next_epoch();
    let all = leaves(&network.ledger);
    let again = Ledger::from_leaves(&all).unwrap();
    assert_eq!(again.digest(), network.ledger.digest());
    for (key, value) in &all {
        assert_eq!(again.leaf(key).as_ref(), Some(value));
    }
    assert!(again.leaf(&[255]).is_none() && again.leaf(&[]).is_none());
}

#[test]
fn leaves_that_are_no_ledger_are_refused() {
    let network = Network::default();
    let all = leaves(&network.ledger);
    assert!(Ledger::from_leaves(BTreeMap::<Vec<u8>, Vec<u8>>::new()).is_err());
    for kind in [1, 2, 128, 129, 130, 138] {
        let mut some = all.clone();
        some.retain(|key, _| key[0] != kind);
        let error = Ledger::from_leaves(&some).unwrap_err();
        assert_eq!(error.field, "missing leaf", "without kind {kind}");
    }
    let mut odd = all.clone();
    odd.insert(vec![250], vec![1]);
    assert!(Ledger::from_leaves(&odd).is_err());
    let mut short = all;
    short.insert(vec![128], vec![1]);
    assert!(Ledger::from_leaves(&short).is_err());
}

#[test]
fn the_chains_kinds_of_leaves_are_none_of_the_exchanges() {
    for kind in lockstep_ledger::state::KIND_MIN..=u8::MAX {
        let mut key = vec![kind];
        for _ in 0..120 {
            assert!(lockstep_exchange::state::key::LeafKey::from_bytes(&key).is_err());
            key.push(0);
        }
    }
}

#[test]
fn the_root_of_events_depends_on_each_event_and_their_order() {
    let mut network = Network { pace: SpanMs(100), ..Network::default() };
    let empty = network.ledger.events_root();
    let one = network.command(5, Command::Withdraw { amount: usd(1) });
    let two = network.command(6, Command::Withdraw { amount: usd(1) });
    let mut roots = vec![empty];
    for commands in [vec![], vec![one.clone()], vec![two.clone()], vec![one, two]] {
        let mut other = network.clone();
        other.block(Vec::new(), commands.clone());
        roots.push(other.ledger.events_root());
        let mut other = network.clone();
        other.block(Vec::new(), commands.into_iter().rev().collect());
        roots.push(other.ledger.events_root());
    }
    // The empty block twice, each single command twice; two commands in two orders.
    assert_eq!(roots[1], roots[2]);
    assert_eq!((roots[3], roots[5]), (roots[4], roots[6]));
    assert_ne!(roots[3], roots[5]);
    assert_ne!(roots[7], roots[8]);
    assert_ne!(roots[7], roots[3]);
}
