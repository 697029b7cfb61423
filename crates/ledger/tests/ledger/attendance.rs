//! Participation and jail (S5, S7).

use crate::network::Network;
use lockstep_ledger::state::leaves::Standing;
use lockstep_types::chain::{ChainCommand, ChainEvent, ChainRejectCode};
use lockstep_types::units::{HOUR_MS, SpanMs};

fn standing(network: &Network, owner: u8) -> Standing {
    network.ledger.validator(network.validator(owner)).unwrap().record.standing
}

/// The place of a validator's seat.
fn seat(network: &Network, owner: u8) -> usize {
    let id = network.validator(owner);
    network.committee().seats.iter().position(|seat| seat.validator == id).unwrap()
}

fn all_but(network: &Network, owner: u8) -> Vec<usize> {
    let absent = seat(network, owner);
    (0..network.committee().seats.len()).filter(|seat| *seat != absent).collect()
}

#[test]
fn who_neither_signs_nor_reports_for_long_is_jailed_and_may_come_back() {
    let mut network = Network::default();
    network.next_epoch();
    network.signing = Some(all_but(&network, 2));
    let events = network.end_epoch();
    assert_eq!(standing(&network, 2), Standing::Active, "one epoch is not long: {events:?}");
    network.next_epoch();
    let events = network.end_epoch();
    let jailed = events.iter().any(|event| matches!(event, ChainEvent::Jailed { .. }));
    assert!(jailed && matches!(standing(&network, 2), Standing::Jailed { .. }), "{events:?}");
    network.signing = None;
    network.next_epoch();
    assert_eq!(network.committee().seats.len(), 3);
    assert_eq!(network.refused(2, ChainCommand::Unjail), ChainRejectCode::JailTerm);
    network.leap(SpanMs(HOUR_MS));
    network.must(2, ChainCommand::Unjail);
    network.next_epoch();
    assert_eq!(network.committee().seats.len(), 4);
    assert_eq!(network.ledger.totals().treasury.0, 0, "nothing is slashed");
}

#[test]
fn one_good_epoch_makes_up_for_the_ones_before() {
    let mut network = Network::default();
    for _ in 0..4 {
        network.next_epoch();
        network.signing = Some(all_but(&network, 2));
        network.end_epoch();
        network.signing = Some(vec![0, 1, 2, 3]);
        network.next_epoch();
        network.end_epoch();
    }
    assert_eq!(standing(&network, 2), Standing::Active);
}

#[test]
fn who_reports_is_alive_though_too_slow_for_certificates() {
    let mut network = Network { reporting: true, ..Network::default() };
    for _ in 0..4 {
        network.next_epoch();
        network.signing = Some(all_but(&network, 2));
        network.end_epoch();
    }
    assert_eq!(standing(&network, 2), Standing::Active);
}

#[test]
fn who_signs_is_alive_though_he_does_not_report() {
    let mut network = Network::default();
    network.next_epoch();
    network.signing = Some(vec![0, 1, 2, 3]);
    for _ in 0..4 {
        for _ in 0..4 {
            let reports = [0, 1, 3].map(|owner| Network::item(network.report(owner, 60_000)));
            network.block(reports.to_vec(), Vec::new());
        }
        network.next_epoch();
    }
    assert_eq!(standing(&network, 2), Standing::Active);
}

#[test]
fn nobody_is_absent_while_no_proposer_says_who_signed() {
    let mut network = Network::default();
    for _ in 0..5 {
        network.next_epoch();
    }
    assert!((0..4).all(|owner| standing(&network, owner) == Standing::Active));
}

#[test]
fn participation_is_counted_by_seat() {
    let mut network = Network { signing: Some(vec![0, 1, 3]), ..Network::default() };
    network.block(Vec::new(), Vec::new());
    network.signing = Some(vec![1, 2, 3]);
    network.block(Vec::new(), Vec::new());
    let attendance = network.ledger.attendance();
    assert_eq!(attendance.blocks, 2);
    assert_eq!(attendance.signed.to_vec(), [1, 2, 1, 2]);
    network.next_epoch();
    assert_eq!(network.ledger.attendance().blocks, 0);
}
