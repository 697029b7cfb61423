//! Validators, delegation, unbonding, rewards, elections (S1 to S5).

use crate::network::{Network, START, TOKEN, owner_key, params, seat_key, tokens, usd};
use lockstep_types::chain::{ChainCommand, ChainEvent, ChainParams, ChainRejectCode, Stake};
use lockstep_types::command::{Command, UserCommand};
use lockstep_types::ids::ValidatorId;
use lockstep_types::order::{NewOrder, PostOnly, SelfTrade, Side, TimeInForce};
use lockstep_types::units::{DAY_MS, Lots, Ppm, Price, SpanMs, Usd};

fn register(network: &mut Network, owner: u8, stake: u64) -> ValidatorId {
    let key = seat_key(owner, 0);
    let commission = Ppm(50_000);
    network.must(owner, ChainCommand::Register { key, commission, stake: tokens(stake) });
    network.validator(owner)
}

#[test]
fn a_delegation_bonds_and_comes_back_after_the_unbonding_period() {
    let mut network = Network::default();
    let validator = network.validator(0);
    network.must(5, ChainCommand::Delegate { validator, amount: tokens(300) });
    assert_eq!((network.free(5), network.bonded(5, 0)), (700 * TOKEN, 300 * TOKEN));
    let too_much = ChainCommand::Undelegate { validator, amount: tokens(301) };
    assert_eq!(network.refused(5, too_much), ChainRejectCode::NotDelegated);
    network.must(5, ChainCommand::Undelegate { validator, amount: tokens(100) });
    network.must(5, ChainCommand::Undelegate { validator, amount: tokens(200) });
    assert_eq!((network.bonded(5, 0), network.unbonding(5, 0)), (0, 300 * TOKEN));
    let collect = ChainCommand::Collect { validator };
    assert_eq!(network.refused(5, collect.clone()), ChainRejectCode::NothingToCollect);
    network.leap(SpanMs(DAY_MS));
    network.must(5, collect.clone());
    assert_eq!((network.free(5), network.unbonding(5, 0)), (1_000 * TOKEN, 0));
    assert_eq!(network.refused(5, collect), ChainRejectCode::NothingToCollect);
}

#[test]
fn what_cannot_be_delegated_is_refused() {
    let mut network = Network::default();
    let validator = network.validator(0);
    let mut refused = |owner, validator, amount| {
        network.refused(owner, ChainCommand::Delegate { validator, amount })
    };
    assert_eq!(refused(5, validator, tokens(1_001)), ChainRejectCode::FreeStake);
    assert_eq!(refused(5, validator, Stake(TOKEN - 1)), ChainRejectCode::BelowMinimum);
    assert_eq!(refused(5, ValidatorId(9), tokens(1)), ChainRejectCode::UnknownValidator);
    assert_eq!(refused(5, validator, Stake(u64::MAX)), ChainRejectCode::FreeStake);
}

#[test]
fn a_new_validator_with_enough_stake_is_elected_for_the_next_epoch() {
    let mut network = Network::default();
    let validator = register(&mut network, 5, 500);
    assert!(network.committee().seats.iter().all(|seat| seat.validator != validator));
    network.next_epoch();
    assert_eq!(network.committee().seats.len(), 5);
    assert_eq!(network.ledger.validator(validator).unwrap().seats, 1);
}

#[test]
fn registering_is_refused_where_a_rule_says_so() {
    let mut network = Network::default();
    let key = seat_key(5, 0);
    let register = |key, commission, stake| ChainCommand::Register { key, commission, stake };
    let refusals = [
        (5, register(seat_key(0, 0), Ppm(0), tokens(500)), ChainRejectCode::KeyInUse),
        (5, register(key, Ppm(200_001), tokens(500)), ChainRejectCode::CommissionRange),
        (5, register(key, Ppm(-1), tokens(500)), ChainRejectCode::CommissionRange),
        (5, register(key, Ppm(0), tokens(99)), ChainRejectCode::SelfStake),
        (5, register(key, Ppm(0), tokens(1_001)), ChainRejectCode::FreeStake),
        (5, register([2; 32], Ppm(0), tokens(500)), ChainRejectCode::BadKey),
        (0, register(key, Ppm(0), tokens(500)), ChainRejectCode::IsValidator),
        (5, ChainCommand::AddKey { key }, ChainRejectCode::NotValidator),
        (0, ChainCommand::AddKey { key: seat_key(1, 0) }, ChainRejectCode::KeyInUse),
        (0, ChainCommand::RemoveKey { key: seat_key(0, 0) }, ChainRejectCode::UnknownKey),
        (0, ChainCommand::RemoveKey { key: seat_key(1, 0) }, ChainRejectCode::UnknownKey),
        (0, ChainCommand::Unjail, ChainRejectCode::NotJailed),
    ];
    for (owner, command, code) in refusals {
        assert_eq!(network.refused(owner, command.clone()), code, "{command:?}");
    }
}

#[test]
fn a_large_staker_holds_as_many_seats_as_it_has_stake_keys_and_leave_for() {
    let mut network = Network::default();
    network
        .must(0, ChainCommand::Delegate { validator: network.validator(0), amount: tokens(1_000) });
    network.next_epoch();
    assert_eq!(network.ledger.validator(network.validator(0)).unwrap().seats, 1, "one key");
    for seat in 1..3 {
        network.must(0, ChainCommand::AddKey { key: seat_key(0, seat) });
    }
    let limit = ChainCommand::AddKey { key: seat_key(0, 3) };
    assert_eq!(network.refused(0, limit), ChainRejectCode::KeyLimit);
    network.next_epoch();
    // Eight seats, six candidates' keys: everybody has all its keys.
    assert_eq!(network.ledger.validator(network.validator(0)).unwrap().seats, 3);
    assert_eq!(network.committee().seats.len(), 6);
    assert!(network.committee().seats.is_sorted_by(|one, other| one.key < other.key));
    network.must(0, ChainCommand::RemoveKey { key: seat_key(0, 0) });
    assert_eq!(network.committee().seats.len(), 6, "until the epoch ends");
    network.next_epoch();
    assert_eq!(network.committee().seats.len(), 5);
    let taken = ChainCommand::AddKey { key: seat_key(0, 0) };
    assert_eq!(network.refused(1, taken), ChainRejectCode::KeyInUse, "it stays the validator's");
}

#[test]
fn seats_follow_stake_when_there_are_fewer_than_keys() {
    let mut network = Network::new(ChainParams { seats: 4, ..params() });
    network.must(0, ChainCommand::AddKey { key: seat_key(0, 1) });
    let validator = network.validator(0);
    network.must(0, ChainCommand::Delegate { validator, amount: tokens(1_000) });
    network.must(4, ChainCommand::Delegate { validator, amount: tokens(1) });
    network.must(5, ChainCommand::Delegate { validator: network.validator(3), amount: tokens(5) });
    network.next_epoch();
    let seats = |network: &Network, owner| {
        network.ledger.validator(network.validator(owner)).unwrap().seats
    };
    // 2,001 / 2 is more than 1,000.
    assert_eq!((seats(&network, 0), seats(&network, 3)), (2, 1));
    assert_eq!(seats(&network, 1) + seats(&network, 2), 1);
}

#[test]
fn a_validator_without_enough_stake_of_its_own_is_not_elected() {
    let mut network = Network::default();
    let validator = network.validator(0);
    network.must(5, ChainCommand::Delegate { validator, amount: tokens(500) });
    network.must(0, ChainCommand::Undelegate { validator, amount: tokens(901) });
    network.next_epoch();
    assert_eq!(network.ledger.validator(validator).unwrap().seats, 0);
    assert_eq!(network.committee().seats.len(), 3);
    network.must(0, ChainCommand::Delegate { validator, amount: tokens(1) });
    network.next_epoch();
    assert_eq!(network.ledger.validator(validator).unwrap().seats, 1);
}

#[test]
fn where_nobody_can_be_elected_the_committee_stays() {
    let mut network = Network::default();
    for owner in 0..4 {
        let validator = network.validator(owner);
        network.must(owner, ChainCommand::Undelegate { validator, amount: tokens(950) });
    }
    network.next_epoch();
    assert_eq!(network.committee().seats.len(), 4);
}

#[test]
fn a_validator_of_which_nothing_is_left_is_dropped_and_its_key_is_free() {
    let mut network = Network::default();
    let validator = register(&mut network, 5, 200);
    network.must(5, ChainCommand::Undelegate { validator, amount: tokens(200) });
    network.leap(SpanMs(DAY_MS));
    network.must(5, ChainCommand::Collect { validator });
    network.next_epoch();
    assert!(network.ledger.validator(validator).is_none());
    assert_eq!(network.ledger.validator_of_key(seat_key(5, 0)), None);
    assert_eq!(register(&mut network, 6, 200).0, validator.0, "its number is used again");
}

#[test]
fn free_stake_can_be_sent_to_who_has_an_account() {
    let mut network = Network::default();
    network.must(5, ChainCommand::SendStake { to: owner_key(6), amount: tokens(400) });
    assert_eq!((network.free(5), network.free(6)), (600 * TOKEN, 1_400 * TOKEN));
    let nobody = ChainCommand::SendStake { to: [9; 32], amount: tokens(1) };
    assert_eq!(network.refused(5, nobody), ChainRejectCode::UnknownOwner);
    let too_much = ChainCommand::SendStake { to: owner_key(6), amount: tokens(601) };
    assert_eq!(network.refused(5, too_much), ChainRejectCode::FreeStake);
    let nothing = ChainCommand::SendStake { to: owner_key(6), amount: Stake(0) };
    assert_eq!(network.refused(5, nothing), ChainRejectCode::BelowMinimum);
}

#[test]
fn only_owners_tell_the_chain_anything() {
    let mut network = Network::default();
    let validator = network.validator(0);
    let delegate = ChainCommand::Delegate { validator, amount: tokens(1) };
    let mut forged = network.command(5, Command::Chain(Box::new(delegate)));
    let account = network.account(6);
    forged.command = UserCommand { account, ..forged.command };
    let events = network.block(Vec::new(), vec![forged.clone(), forged]);
    assert!(events.is_empty());
    assert_eq!(network.ledger.venue_events().len(), 2, "the venue refuses both");
    assert_eq!(network.free(5), 1_000 * TOKEN);
}

#[test]
fn a_nonce_is_good_for_one_chain_command() {
    let mut network = Network::default();
    let validator = network.validator(0);
    let delegate = ChainCommand::Delegate { validator, amount: tokens(1) };
    let signed = network.command(5, Command::Chain(Box::new(delegate)));
    network.block(Vec::new(), vec![signed.clone(), signed]);
    assert_eq!(network.bonded(5, 0), TOKEN);
}

fn order(side: Side) -> NewOrder {
    NewOrder {
        instrument: lockstep_types::InstrumentId(0),
        side,
        lots: Lots(100),
        price: Some(Price(60_000_000_000)),
        time_in_force: TimeInForce::GoodTilCancelled,
        post_only: PostOnly::No,
        reduce_only: false,
        display: None,
        self_trade: SelfTrade::CancelTaker,
        protection: None,
        trigger: None,
        label: None,
    }
}

/// Trades whose fees are there for validators at the end of the epoch.
fn trade(network: &mut Network) -> Usd {
    let before = network.ledger.money_table();
    network.reporting = true;
    network.block(Vec::new(), Vec::new());
    let instrument = network.ledger.exchange().instruments()[0].1;
    for side in [Side::Sell, Side::Buy] {
        let owner = if side == Side::Sell { 4 } else { 5 };
        let order = NewOrder { instrument, ..order(side) };
        let command = network.command(owner, Command::Place(order));
        network.block(Vec::new(), vec![command]);
    }
    network.ledger.money_table().validators - before.validators
}

#[test]
fn fees_go_to_seats_by_participation_and_to_delegators_by_shares() {
    let mut network = Network::default();
    network.next_epoch();
    // Whoever has the first seat signs nothing.
    network.signing = Some(vec![1, 2, 3]);
    let absent = network.committee().seats[0].validator;
    let validator = network.validator(0);
    network.must(5, ChainCommand::Delegate { validator, amount: tokens(1_000) });
    let fees = trade(&mut network);
    assert!(fees > usd(1), "{fees}");
    let events = network.end_epoch();
    let given = events.iter().find_map(|event| match event {
        ChainEvent::Rewarded { amount, .. } => Some(*amount),
        _ => None,
    });
    let per_seat = Usd(fees.0 / 4);
    assert_eq!(given, Some(Usd(per_seat.0 * 3)));
    assert_eq!(network.ledger.money_table().owed, Usd(per_seat.0 * 3));
    let due = |network: &Network, owner, of| {
        network.ledger.delegation(network.signer(owner), network.validator(of)).rewards.0
    };
    for owner in 0..4 {
        if network.validator(owner) == absent {
            assert_eq!(due(&network, owner, owner), 0);
        } else if owner != 0 {
            assert!((per_seat.0 - 1..=per_seat.0).contains(&due(&network, owner, owner)));
        }
    }
    if network.validator(0) != absent {
        let commission = per_seat.0 / 10;
        let half = (per_seat.0 - commission) / 2;
        assert!((half - 1..=half).contains(&due(&network, 5, 0)));
        assert!((half + commission - 1..=half + commission).contains(&due(&network, 0, 0)));
    }
}

#[test]
fn rewards_are_collected_as_money_in_the_first_account() {
    let mut network = Network::default();
    network.next_epoch();
    let validator = network.validator(1);
    trade(&mut network);
    network.end_epoch();
    let (account, signer) = (network.account(1), network.signer(1));
    let due = network.ledger.delegation(signer, validator).rewards;
    let cash = |network: &Network| network.ledger.exchange().account_view(account).unwrap().cash;
    let before = cash(&network);
    let events = network.must(1, ChainCommand::Collect { validator });
    let collected =
        ChainEvent::Collected { validator, delegator: signer, rewards: due, stake: Stake(0) };
    assert!(due > Usd(0) && events.contains(&collected), "{events:?}");
    assert_eq!(cash(&network) - before, due);
    assert_eq!(network.ledger.delegation(signer, validator).rewards, Usd(0));
}

#[test]
fn commission_rises_by_a_limited_step_per_epoch_and_falls_at_will() {
    let mut network = Network::default();
    let set = |commission| ChainCommand::SetCommission { commission: Ppm(commission) };
    assert_eq!(network.refused(0, set(110_001)), ChainRejectCode::CommissionRange);
    network.must(0, set(110_000));
    assert_eq!(network.refused(0, set(110_001)), ChainRejectCode::CommissionRange);
    network.must(0, set(20_000));
    network.must(0, set(110_000));
    network.next_epoch();
    network.must(0, set(120_000));
    assert_eq!(network.refused(5, set(0)), ChainRejectCode::NotValidator);
    for _ in 0..10 {
        network.next_epoch();
        let now = network.ledger.validator(network.validator(0)).unwrap().record.commission;
        network.tell(0, set(now.0 + 10_000));
    }
    assert_eq!(network.refused(0, set(200_001)), ChainRejectCode::CommissionRange);
    assert!(network.ledger.time() > START);
}
