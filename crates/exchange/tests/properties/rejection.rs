//! A refused command changes nothing but its signer's nonces, the block's work and the base fee
//! that it paid (C4).

use super::{RUN_BLOCKS, empty, over_runs};
use lockstep_exchange::Step;
use lockstep_exchange::state::journal::LeafChange;
use lockstep_exchange::state::key::LeafKey;
use lockstep_exchange::state::leaves::{Account, SignerRecord, Totals};
use lockstep_types::codec::Decode;
use lockstep_types::command::{Command, UserCommand};
use lockstep_types::event::Event;
use lockstep_types::units::Usd;

/// A change of a leaf that was there before and is there after.
fn both<T: Decode>(change: &LeafChange) -> (T, T) {
    let read = |bytes: &Option<Vec<u8>>| {
        let bytes = bytes.as_ref().unwrap_or_else(|| panic!("{:?} appears or goes", change.key));
        T::from_bytes(bytes).unwrap_or_else(|error| panic!("{:?}: {error}", change.key))
    };
    (read(&change.before), read(&change.after))
}

fn check_changes(command: &UserCommand, changes: &[LeafChange]) {
    let (mut paid, mut earned) = (Usd::ZERO, Usd::ZERO);
    for change in changes {
        match change.key {
            LeafKey::Totals(_) => {
                let (before, after): (Totals, Totals) = both(change);
                earned = after.fees - before.fees;
                let fees = after.fees;
                assert!(after.work >= before.work);
                assert_eq!(Totals { work: after.work, fees, ..before }, after);
            }
            LeafKey::Signer(id) => {
                let (before, after): (SignerRecord, SignerRecord) = both(change);
                assert_eq!(id, command.signer, "only the signer's nonces move");
                assert_eq!(SignerRecord { nonces: after.nonces, ..before }, after);
            }
            LeafKey::History(key) => {
                assert_eq!(key.0, command.signer, "only the signer's nonces move");
            }
            LeafKey::Account(id) => {
                let (before, after): (Account, Account) = both(change);
                assert_eq!(id, command.account, "only the account itself pays");
                paid = before.cash - after.cash;
                assert_eq!(Account { cash: after.cash, ..before }, after);
            }
            other => panic!("a refused command changed {other:?}: {command:?}"),
        }
    }
    assert!(paid >= Usd::ZERO);
    assert_eq!(paid, earned, "the base fee goes to the fees");
}

/// How many refusals a command must give to have done nothing at all.
fn items_of(command: &Command) -> usize {
    match command {
        Command::Batch(items) => items.len(),
        Command::MassQuote { .. } => usize::MAX,
        _ => 1,
    }
}

#[test]
fn a_refused_command_changes_nothing_but_nonce_and_base_fee() {
    let mut refused = 0_u64;
    over_runs("rejection", 12_000, |_, workload| {
        let mut exchange = empty();
        exchange.record(true);
        for _ in 0..RUN_BLOCKS {
            let block = workload.next_block();
            let mut shown = 0;
            let done = exchange.execute_by_step(&block, &mut |exchange, step| {
                let journal = exchange.checkpoint();
                let events = &exchange.events()[shown..];
                shown = exchange.events().len();
                let all_refused = !events.is_empty()
                    && events.iter().all(|event| {
                        matches!(event, Event::Rejected { .. } | Event::SystemRejected { .. })
                    });
                if !all_refused {
                    return;
                }
                let changes = exchange.changes(&journal);
                match step {
                    Step::Early(command) | Step::User(command)
                        if events.len() == items_of(&command.command) || events.len() == 1 =>
                    {
                        check_changes(command, &changes);
                        refused += 1;
                    }
                    Step::System(_, command) => {
                        assert_eq!(changes, [], "a refused {command:?} changes nothing");
                        refused += 1;
                    }
                    _ => {}
                }
            });
            assert!(done.is_ok(), "a whole state misses nothing: {done:?}");
            workload.observe(exchange.events());
        }
    });
    assert!(refused > 500, "the workload is hostile enough: {refused}");
}
