//! The mempool's order and limits, situation by situation.

use super::*;
use crate::fixture::{START, command, command_of};
use lockstep_types::codec::{Bounded, Encode as _};
use lockstep_types::command::{BATCH_MAX, CancelScope, Quote};
use lockstep_types::ids::{GroupId, InstrumentId, OrderId};
use lockstep_types::order::OrderTarget;

const PLENTY: Room = Room { commands: 1_000_000, bytes: usize::MAX, work: u64::MAX };

fn insert(mempool: &Mempool, signed: SignedCommand) -> Result<CommandId, Refusal> {
    let id = CommandId::of(&signed);
    let bytes = signed.to_bytes().len();
    mempool.insert(id, signed, bytes, START).map(|()| id)
}

fn names(chosen: &[(CommandId, Arc<SignedCommand>)]) -> Vec<CommandId> {
    chosen.iter().map(|(id, _)| *id).collect()
}

#[test]
fn cancels_go_first_and_the_rest_as_it_came() {
    let mempool = Mempool::default();
    let first = insert(&mempool, command(0, 1)).unwrap();
    let second = insert(&mempool, command(1, 2)).unwrap();
    let cancel = command_of(2, 3, Command::CancelAll(CancelScope::Account));
    let cancel = insert(&mempool, cancel).unwrap();
    let one = command_of(2, 4, Command::Cancel(OrderTarget::Id(OrderId(1))));
    let one = insert(&mempool, one).unwrap();
    assert_eq!(names(&mempool.select(PLENTY, |_| false)), [cancel, one, first, second]);
    assert_eq!(names(&mempool.select(PLENTY, |id| id == cancel)), [one, first, second]);
}

#[test]
fn a_block_takes_no_more_than_it_has_room_for() {
    let mempool = Mempool::default();
    let ids: Vec<_> = (1..=5).map(|nonce| insert(&mempool, command(0, nonce)).unwrap()).collect();
    let bytes = command(0, 1).to_bytes().len();
    for (room, count) in [
        (Room { commands: 2, ..PLENTY }, 2),
        (Room { bytes: 3 * bytes, ..PLENTY }, 3),
        (Room { bytes: 3 * bytes + bytes - 1, ..PLENTY }, 3),
        (Room { work: 4, ..PLENTY }, 4),
        (Room { commands: 0, ..PLENTY }, 0),
    ] {
        assert_eq!(names(&mempool.select(room, |_| false)), ids[..count], "{room:?}");
    }
}

#[test]
fn what_was_selected_stays_until_it_is_final() {
    let mempool = Mempool::default();
    let id = insert(&mempool, command(0, 1)).unwrap();
    assert_eq!(mempool.select(PLENTY, |_| false).len(), 1);
    assert_eq!(mempool.select(PLENTY, |_| false).len(), 1, "the first block was dropped");
    mempool.forget([id]);
    assert!(mempool.is_empty());
    assert_eq!(insert(&mempool, command(0, 1)), Ok(id), "nonces are the state's to remember");
}

#[test]
fn twice_the_same_and_twice_the_nonce_are_refused() {
    let mempool = Mempool::default();
    insert(&mempool, command(0, 1)).unwrap();
    assert_eq!(insert(&mempool, command(0, 1)), Err(Refusal::Known));
    let other = command_of(0, 1, Command::CancelAll(CancelScope::Account));
    assert_eq!(insert(&mempool, other), Err(Refusal::Nonce));
    assert!(insert(&mempool, command(1, 1)).is_ok(), "another signer's nonces are his");
}

#[test]
fn a_signer_cannot_take_all_the_room() {
    let mempool = Mempool::default();
    for nonce in 0..SIGNER_COMMANDS_MAX {
        let cancel = Command::CancelAll(CancelScope::Account);
        insert(&mempool, command_of(0, u64::try_from(nonce).unwrap(), cancel)).unwrap();
    }
    assert_eq!(insert(&mempool, command(0, 999_999)), Err(Refusal::Signer));
    assert!(insert(&mempool, command(1, 1)).is_ok());
    assert_eq!(mempool.len(), SIGNER_COMMANDS_MAX + 1);
}

#[test]
fn bytes_are_bounded() {
    let mempool = Mempool::default();
    let signed = command(0, 1);
    let id = CommandId::of(&signed);
    let refused = mempool.insert(id, signed.clone(), BYTES_MAX + 1, START);
    assert_eq!(refused, Err(Refusal::Bytes));
    assert_eq!(mempool.insert(id, signed, BYTES_MAX, START), Ok(()));
    assert_eq!(insert(&mempool, command(0, 2)), Err(Refusal::Bytes));
    mempool.forget([id]);
    assert!(insert(&mempool, command(0, 2)).is_ok(), "the room is given back");
}

#[test]
fn what_is_late_or_waits_too_long_goes() {
    let mempool = Mempool::default();
    let mut late = command(0, 1);
    late.command.valid_until = Some(TimeMs(START.0 - 1));
    assert_eq!(insert(&mempool, late), Err(Refusal::TooLate));
    let mut soon = command(0, 2);
    soon.command.valid_until = Some(TimeMs(START.0 + 100));
    insert(&mempool, soon).unwrap();
    insert(&mempool, command(0, 3)).unwrap();
    mempool.expire(TimeMs(START.0 + 100));
    assert_eq!(mempool.len(), 2);
    mempool.expire(TimeMs(START.0 + 99 + EXPIRE_EVERY_MS));
    assert_eq!(mempool.len(), 2, "looked for not so often");
    mempool.expire(TimeMs(START.0 + 100 + EXPIRE_EVERY_MS));
    assert_eq!(mempool.len(), 1, "valid no longer");
    mempool.expire(TimeMs(START.0 + WAIT_MS_MAX));
    assert_eq!(mempool.len(), 1);
    mempool.expire(TimeMs(START.0 + WAIT_MS_MAX + EXPIRE_EVERY_MS));
    assert!(mempool.is_empty(), "waited too long");
}

#[test]
fn after_skipped_views_there_is_less_room_and_always_some() {
    let room = Room { commands: 4_000, bytes: 1_000_000, work: 20_000 };
    assert_eq!([room.after_skips(0), room.after_skips(1)], [room; 2], "one leader may be away");
    let half = Room { commands: 2_000, work: 10_000, ..room };
    assert_eq!(room.after_skips(2), half);
    let least = room.after_skips(u64::MAX);
    assert_eq!((least.commands, least.work, least.bytes), (3, WORK_MIN, room.bytes));
    let quote = Quote { instrument: InstrumentId(1), bid: None, ask: None };
    let quotes = Bounded::new(vec![quote; BATCH_MAX]).unwrap();
    let largest = Command::MassQuote { group: GroupId(0), quotes };
    assert_eq!(work_of(&largest), WORK_MIN, "there is room for any command");
    let small = Room { commands: 1, bytes: 1, work: 1 };
    assert_eq!(small.after_skips(9), small);
}
