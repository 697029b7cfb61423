//! Deposits by the word of validators, the faucet, withdrawals (B1 to B4, H3).

use crate::network::{Network, TOKEN, owner_key, params, seat_key, tokens, usd};
use lockstep_ledger::{DepositWord, SignedDepositWord, SystemItem};
use lockstep_types::chain::{ChainCommand, ChainEvent, ChainParams, ChainRejectCode};
use lockstep_types::command::Command;
use lockstep_types::units::{HOUR_MS, Ppm, SpanMs, Usd};

fn word(validator: u8, number: u64, amount: Usd) -> SystemItem {
    let (validator, owner) = (seat_key(validator, 0), owner_key(40));
    let word = DepositWord { validator, number, owner, sub: 3, amount };
    SystemItem::Deposit(SignedDepositWord { word, signature: [0; 64] })
}

fn credited(events: &[ChainEvent]) -> Vec<(u64, Usd)> {
    let of = |event: &ChainEvent| match event {
        ChainEvent::DepositCredited { number, amount } => Some((*number, *amount)),
        _ => None,
    };
    events.iter().filter_map(of).collect()
}

#[test]
fn a_deposit_is_credited_when_more_than_two_thirds_say_the_same() {
    let mut network = Network::default();
    let escrow = network.ledger.money_table().escrow;
    network.block(vec![word(0, 1, usd(7)), word(1, 1, usd(7)), word(2, 1, usd(8))], Vec::new());
    assert_eq!(network.ledger.money_table().escrow, escrow);
    let events = network.block(vec![word(3, 1, usd(7))], Vec::new());
    assert_eq!(credited(&events), [(1, usd(7))]);
    assert_eq!(network.ledger.money_table().escrow, escrow + usd(7));
    let account = network.ledger.exchange().account_of(owner_key(40), 3).unwrap();
    assert_eq!(network.ledger.exchange().account_view(account).unwrap().cash, usd(7));
}

#[test]
fn deposits_are_credited_in_the_bridges_order() {
    let mut network = Network::default();
    let later = (0..4).map(|validator| word(validator, 2, usd(2))).collect();
    assert_eq!(credited(&network.block(later, Vec::new())), []);
    let first = (0..3).map(|validator| word(validator, 1, usd(1))).collect();
    assert_eq!(credited(&network.block(first, Vec::new())), [(1, usd(1)), (2, usd(2))]);
    let late = network.item_refused(word(3, 1, usd(1)));
    assert_eq!(late, ChainRejectCode::DepositNumber);
}

#[test]
fn a_validator_speaks_once_of_a_deposit_and_of_none_far_ahead() {
    let mut network = Network::default();
    network.block(vec![word(0, 1, usd(1))], Vec::new());
    assert_eq!(network.item_refused(word(0, 1, usd(2))), ChainRejectCode::DepositTwice);
    assert_eq!(network.item_refused(word(0, 257, usd(1))), ChainRejectCode::DepositNumber);
    assert_eq!(network.item_refused(word(0, 0, usd(1))), ChainRejectCode::DepositNumber);
    assert_eq!(network.item_refused(word(9, 1, usd(1))), ChainRejectCode::UnknownReporter);
}

#[test]
fn a_deposit_that_the_venue_refuses_stays_with_the_bridge() {
    let mut network = Network::default();
    let words = (0..3).map(|validator| word(validator, 1, Usd(-5))).collect();
    let events = network.block(words, Vec::new());
    assert!(events.contains(&ChainEvent::DepositReturned { number: 1, amount: Usd(-5) }));
    let words = (0..3).map(|validator| word(validator, 2, usd(5))).collect();
    assert_eq!(credited(&network.block(words, Vec::new())), [(2, usd(5))]);
}

#[test]
fn the_faucet_hands_out_test_money_and_its_own_stake() {
    let mut network = Network::default();
    let gift = |owner, amount, stake| ChainCommand::Faucet { owner, sub: 0, amount, stake };
    let (to, stake) = (owner_key(60), tokens(10));
    let code = network.refused(6, gift(to, usd(5), stake));
    assert_eq!(code, ChainRejectCode::NotFaucet);
    let events = network.must(7, gift(to, usd(5), stake));
    assert_eq!(credited(&events), [(0, usd(5))]);
    assert_eq!(network.free(60), 10 * TOKEN);
    assert_eq!(network.free(7), 990 * TOKEN);
    let code = network.refused(7, gift(to, usd(5), tokens(991)));
    assert_eq!(code, ChainRejectCode::FreeStake);
    let code = network.refused(7, gift(to, Usd(-1), stake));
    assert_eq!(code, ChainRejectCode::DepositRefused);
    let code = network.refused(7, gift([1; 32], Usd(0), stake));
    assert_eq!(code, ChainRejectCode::UnknownOwner);
}

#[test]
fn escrow_is_bounded_however_often_money_comes_and_leaves() {
    let mut network = Network::default();
    let amount = Usd((1 << 60) - usd(900_000).0);
    let gift = ChainCommand::Faucet { owner: owner_key(5), sub: 0, amount, stake: tokens(0) };
    network.must(7, gift.clone());
    withdraw(&mut network, 5, amount);
    assert_eq!(network.ledger.money_table().pending, amount);
    assert_eq!(network.refused(7, gift), ChainRejectCode::DepositRefused);
    let words = (0..3).map(|validator| word(validator, 1, amount)).collect();
    let events = network.block(words, Vec::new());
    assert!(events.contains(&ChainEvent::DepositReturned { number: 1, amount }));
}

fn withdraw(network: &mut Network, owner: u8, amount: Usd) -> Vec<ChainEvent> {
    let command = network.command(owner, Command::Withdraw { amount });
    network.block(Vec::new(), vec![command])
}

fn paid(events: &[ChainEvent]) -> Vec<Usd> {
    let of = |event: &ChainEvent| match event {
        ChainEvent::WithdrawalPaid { amount, .. } => Some(*amount),
        _ => None,
    };
    events.iter().filter_map(of).collect()
}

#[test]
fn a_withdrawal_waits_and_is_then_paid() {
    let mut network = Network::new(ChainParams { withdrawal_delay: SpanMs(3_000), ..params() });
    let escrow = network.ledger.money_table().escrow;
    withdraw(&mut network, 5, usd(100));
    let table = network.ledger.money_table();
    assert_eq!((table.escrow, table.pending), (escrow, usd(100)));
    assert_eq!(network.ledger.withdrawal(network.account(5)).unwrap().0, usd(100));
    for _ in 0..2 {
        assert_eq!(paid(&network.block(Vec::new(), Vec::new())), []);
    }
    let events = network.block(Vec::new(), Vec::new());
    assert_eq!(paid(&events), [usd(100)]);
    let owners = events.iter().any(
        |event| matches!(event, ChainEvent::WithdrawalPaid { owner, .. } if *owner == owner_key(5)),
    );
    assert!(owners);
    let table = network.ledger.money_table();
    assert_eq!((table.escrow, table.pending), (escrow - usd(100), usd(0)));
}

#[test]
fn a_second_withdrawal_adds_to_the_first_and_waits_anew() {
    let mut network = Network::new(ChainParams { withdrawal_delay: SpanMs(3_000), ..params() });
    withdraw(&mut network, 5, usd(100));
    network.block(Vec::new(), Vec::new());
    withdraw(&mut network, 5, usd(20));
    for _ in 0..2 {
        assert_eq!(paid(&network.block(Vec::new(), Vec::new())), []);
    }
    assert_eq!(paid(&network.block(Vec::new(), Vec::new())), [usd(120)]);
}

#[test]
fn a_window_lets_out_a_share_of_the_escrow_and_the_next_one_goes_on() {
    let chain = ChainParams {
        withdrawal_delay: SpanMs(1),
        withdrawal_window: SpanMs(60_000),
        withdrawal_share: Ppm(100_000),
        withdrawal_floor: usd(10),
        ..params()
    };
    let mut network = Network::new(chain);
    network.pace = SpanMs(2_000);
    // A tenth of 800,000 per window.
    for owner in [4, 5] {
        withdraw(&mut network, owner, usd(50_000));
    }
    let mut all = Vec::new();
    for _ in 0..40 {
        all.extend(paid(&network.block(Vec::new(), Vec::new())));
    }
    assert_eq!(all.iter().map(|amount| amount.0).sum::<i64>(), usd(100_000).0 - usd(50_000).0);
    assert_eq!(network.ledger.money_table().pending, usd(0));
    assert_eq!(all, [usd(30_000), usd(20_000)]);
}

#[test]
fn nothing_is_paid_out_for_a_while_after_an_outage() {
    let mut network = Network::new(ChainParams { withdrawal_delay: SpanMs(1), ..params() });
    network.pace = SpanMs(6_000);
    network.block(Vec::new(), Vec::new());
    network.pace = SpanMs(1_000);
    withdraw(&mut network, 5, usd(100));
    assert!(network.ledger.totals().outage.is_none());
    for _ in 0..20 {
        assert_eq!(paid(&network.block(Vec::new(), Vec::new())), []);
    }
    network.pace = SpanMs(4_000);
    let blocks = HOUR_MS / 4_000 + 1;
    let all: Vec<Usd> =
        (0..blocks).flat_map(|_| paid(&network.block(Vec::new(), Vec::new()))).collect();
    assert_eq!(all, [usd(100)]);
}
