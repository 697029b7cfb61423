//! What must hold over random runs of everything: nothing is made or lost, undo is exact, leaves
//! are all there is, garbage stops nothing.
//!
//! `LOCKSTEP_CASES` is the number of blocks that each property is shown at least.

use crate::blocks::leaves;
use crate::chaos::Chaos;
use lockstep_ledger::{Block, Ledger, SystemItem};
use lockstep_sim::rng::Rng;
use lockstep_types::chain::ChainEvent;
use lockstep_types::codec::{Decode, Encode};
use lockstep_types::envelope::SignedCommand;
use std::collections::BTreeMap;

const RUN_BLOCKS: u64 = 150;

/// Says which run failed.
struct Named(u64);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the run with seed {} failed", self.0);
        }
    }
}

/// Runs with different seeds until `usual` blocks were shown, or as many as asked for.
pub fn over_runs(first: u64, usual: u64, mut run: impl FnMut(Chaos)) {
    let asked = std::env::var("LOCKSTEP_CASES").ok().and_then(|cases| cases.parse().ok());
    let blocks: u64 = asked.unwrap_or(0).max(usual);
    for seed in first..first + blocks.div_ceil(RUN_BLOCKS) {
        let named = Named(seed);
        run(Chaos::new(seed));
        drop(named);
    }
}

fn kind(event: &ChainEvent) -> String {
    let text = format!("{event:?}");
    text.chars().take_while(char::is_ascii_alphanumeric).collect()
}

#[test]
fn stake_and_money_add_up_after_every_block_and_everything_happens() {
    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    over_runs(1_000, 9_000, |mut chaos| {
        for _ in 0..RUN_BLOCKS {
            let block = chaos.block();
            let ledger = &mut chaos.network.ledger;
            ledger.execute(&block).unwrap();
            ledger.check_invariants().unwrap_or_else(|error| panic!("{error}"));
            assert!(ledger.is_conserved());
            for event in ledger.chain_events() {
                *kinds.entry(kind(event)).or_default() += 1;
            }
        }
    });
    let all = [
        "Refused",
        "ItemRefused",
        "PriceRefused",
        "Registered",
        "KeyChanged",
        "CommissionSet",
        "Delegated",
        "Undelegated",
        "Collected",
        "StakeSent",
        "Slashed",
        "Tombstoned",
        "Elected",
        "Rewarded",
        "Proposed",
        "Voted",
        "Decided",
        "Activated",
        "OutageBegan",
        "OutageEnded",
        "DepositCredited",
        "DepositReturned",
        "WithdrawalQueued",
        "WithdrawalPaid",
    ];
    let missing: Vec<_> = all.iter().filter(|kind| !kinds.contains_key(**kind)).collect();
    assert!(missing.is_empty(), "never seen: {missing:?} of {kinds:?}");
}

#[test]
fn undo_is_exact_and_a_block_does_the_same_again() {
    over_runs(2_000, 900, |mut chaos| {
        drop(chaos.network.ledger.checkpoint());
        let mut undone = Vec::new();
        for number in 0..RUN_BLOCKS {
            let block = chaos.block();
            let ledger = &mut chaos.network.ledger;
            let before = ledger.digest();
            ledger.execute(&block).unwrap();
            let (after, root) = (ledger.digest(), ledger.events_root());
            let journal = ledger.checkpoint();
            let changes = ledger.changes(&journal);
            undone.push((before, journal));
            // Go back some blocks and forward again now and then.
            if number % 10 == 9 {
                let mut again = ledger.clone();
                for (digest, journal) in undone.drain(..).rev() {
                    again.undo(journal);
                    assert_eq!(again.digest(), digest);
                }
                continue;
            }
            if number % 3 == 0 {
                let (digest, journal) = undone.pop().unwrap();
                ledger.undo(journal);
                assert_eq!(ledger.digest(), digest);
                ledger.execute(&block).unwrap();
                assert_eq!((ledger.digest(), ledger.events_root()), (after, root));
                let journal = ledger.checkpoint();
                assert_eq!(ledger.changes(&journal), changes);
                undone.push((before, journal));
            }
        }
    });
}

#[test]
fn changes_make_of_the_leaves_before_the_leaves_after() {
    over_runs(3_000, 600, |mut chaos| {
        let mut known = leaves(&chaos.network.ledger);
        drop(chaos.network.ledger.checkpoint());
        for _ in 0..RUN_BLOCKS {
            let block = chaos.block();
            let ledger = &mut chaos.network.ledger;
            ledger.execute(&block).unwrap();
            let journal = ledger.checkpoint();
            let changes = ledger.changes(&journal);
            assert!(changes.iter().is_sorted_by(|one, other| one.0 < other.0));
            for (key, value) in changes.iter() {
                let before = match value {
                    Some(value) => known.insert(key.to_vec(), value.to_vec()),
                    None => known.remove(key),
                };
                assert_ne!(before.as_deref(), value, "only what differs is a change");
            }
            assert_eq!(known, leaves(ledger));
        }
    });
}

#[test]
fn a_ledger_from_leaves_goes_on_like_the_one_that_they_are_of() {
    over_runs(4_000, 600, |mut chaos| {
        let mut twin = None;
        for number in 0..RUN_BLOCKS {
            if number % 23 == 0 {
                twin = Ledger::from_leaves(leaves(&chaos.network.ledger)).ok();
                drop(chaos.network.ledger.checkpoint());
            }
            let block = chaos.block();
            let twin = twin.as_mut().unwrap();
            for ledger in [&mut *twin, &mut chaos.network.ledger] {
                ledger.execute(&block).unwrap();
            }
            let ledger = &mut chaos.network.ledger;
            assert_eq!(twin.events_root(), ledger.events_root());
            let (one, other) = (twin.checkpoint(), ledger.checkpoint());
            assert_eq!(twin.changes(&one), ledger.changes(&other));
            assert_eq!(twin.digest(), ledger.digest());
        }
    });
}

#[test]
fn blocks_have_one_encoding() {
    over_runs(5_000, 300, |mut chaos| {
        for _ in 0..RUN_BLOCKS {
            let block = chaos.block();
            let bytes = block.to_bytes();
            assert_eq!(Block::from_bytes(&bytes).as_ref(), Ok(&block));
            assert!(Block::from_bytes(&bytes[..bytes.len() - 1]).is_err());
            chaos.network.ledger.execute(&block).unwrap();
        }
    });
}

/// The bytes with a few of them changed.
fn scrambled(bytes: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=rng.below(3) {
        let place = usize::try_from(rng.below(u64::try_from(bytes.len()).unwrap())).unwrap();
        bytes[place] = match rng.below(3) {
            0 => 0,
            1 => 255,
            _ => rng.next_u64().to_le_bytes()[0],
        };
    }
    bytes
}

/// The values of the given encodings that are values still after some bytes were changed.
fn garbage<T: Encode + Decode>(values: &[T], rng: &mut Rng) -> Vec<T> {
    let tries = values.iter().flat_map(|value| [value; 4]);
    tries.filter_map(|value| T::from_bytes(&scrambled(&value.to_bytes(), rng)).ok()).collect()
}

#[test]
fn garbage_in_a_block_stops_nothing() {
    let mut rng = Rng::new(6);
    let mut seen = 0;
    over_runs(6_000, 1_500, |mut chaos| {
        for _ in 0..RUN_BLOCKS {
            let mut block = chaos.block();
            let items: Vec<SystemItem> = garbage(&block.system, &mut rng);
            let commands: Vec<SignedCommand> = garbage(&block.commands, &mut rng);
            seen += items.len() + commands.len();
            block.system = crate::network::bounded(items);
            block.commands = crate::network::bounded(commands);
            if let Ok(odd) = Block::from_bytes(&scrambled(&block.to_bytes(), &mut rng)) {
                let mut other = chaos.network.ledger.clone();
                if other.execute(&odd).is_ok() {
                    other.check_invariants().unwrap_or_else(|error| panic!("{error}"));
                }
            }
            let ledger = &mut chaos.network.ledger;
            ledger.execute(&block).unwrap();
            ledger.check_invariants().unwrap_or_else(|error| panic!("{error}"));
        }
    });
    assert!(seen > 5_000, "{seen}");
}
