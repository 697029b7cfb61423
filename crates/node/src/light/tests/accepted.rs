//! What is true is accepted, and says what the ledger says.

use super::world::{EPOCH_BLOCKS, World, run};
use crate::light::claim::{Claim, Statement};
use crate::light::prove::prove;
use crate::light::{Certified, LightClient, ProofError, verify};
use crate::store::{CHUNK_BYTES, Key, Value};
use commonware_cryptography::Sha256;
use commonware_storage::mmr::Family;
use commonware_storage::qmdb::any::value::VariableEncoding;
use commonware_storage::qmdb::current::ordered::proof::constant::ExclusionProof;
use lockstep_types::ids::{AccountId, InstrumentId, OrderId};
use lockstep_types::units::{Lots, Usd};

const TRADER: AccountId = AccountId(6);

async fn proven(world: &World, claim: Claim) -> Statement {
    let bundle = world.bundle(claim).await;
    let handovers = world.handovers();
    let (header, statement) = verify(&world.genesis, &handovers, &bundle, world.now())
        .unwrap_or_else(|error| {
            panic!("{claim:?}: {error}");
        });
    assert_eq!(header, world.last());
    statement
}

#[test]
fn all_of_an_account_is_proven_over_two_handovers() {
    run(|context| async move {
        let mut world = World::new(&context).await;
        world.trade().await;
        assert_eq!(world.last().epoch, 2);
        assert_eq!(world.committees[&0].seats.len(), 4);
        assert_eq!(world.committees[&1].seats.len(), 5, "the committee has changed");
        let Statement::Account(all) = proven(&world, Claim::Account { account: TRADER }).await
        else {
            panic!("an account");
        };
        let view = world.ledger().exchange().account_view(TRADER).unwrap();
        assert_eq!(all.account.cash, view.cash);
        assert_eq!(all.holdings.len(), 1);
        assert_eq!(all.holdings[0].holding.lots, Lots(300));
        assert_eq!(all.holdings[0].holding.orders, 2);
        let views = world.ledger().exchange().orders_of_account(TRADER);
        let ids: Vec<OrderId> = all.orders.iter().map(|shown| shown.order.id).collect();
        assert_eq!(ids.len(), 2);
        assert!(views.iter().all(|view| ids.contains(&view.id)));
        let labels: Vec<_> = all.orders.iter().filter_map(|shown| shown.extra.clone()).collect();
        assert_eq!(labels.len(), 1);
        assert_eq!(labels[0].label.as_ref().unwrap().as_str(), "resting");
        assert_eq!(all.withdrawal, None);
    });
}

#[test]
fn a_withdrawal_that_waits_is_part_of_an_account() {
    run(|context| async move {
        let mut world = World::new(&context).await;
        world.trade().await;
        let account = AccountId(7);
        let Statement::Account(all) = proven(&world, Claim::Account { account }).await else {
            panic!("an account");
        };
        assert_eq!(all.withdrawal.unwrap().amount, Usd(5_000_000));
        assert_eq!(all.account.cash, Usd(1_000_000_000_000 - 5_000_000));
        assert_eq!((all.holdings.len(), all.orders.len()), (0, 0));
    });
}

#[test]
fn accounts_positions_and_orders_are_proven_to_be_absent() {
    run(|context| async move {
        let mut world = World::new(&context).await;
        world.trade().await;
        let nobody = AccountId(4_000_000_000);
        let account = Claim::Account { account: nobody };
        assert_eq!(proven(&world, account).await, Statement::NoAccount(nobody));
        let instrument = InstrumentId(0);
        for account in [AccountId(0), nobody] {
            let claim = Claim::Position { account, instrument };
            let none = Statement::Position { account, instrument, held: None };
            assert_eq!(proven(&world, claim).await, none);
        }
        // One whose slot is empty, and one whose slot has another order now.
        let open = world.ledger().exchange().orders_of_account(TRADER)[0].id;
        for id in [OrderId::new(1, 77), OrderId::new(1_000, open.slot())] {
            let none = Statement::Order { id, open: None };
            assert_eq!(proven(&world, Claim::Order { order: id }).await, none);
        }
    });
}

#[test]
fn a_position_and_an_order_are_proven_by_themselves() {
    run(|context| async move {
        let mut world = World::new(&context).await;
        world.trade().await;
        let claim = Claim::Position { account: AccountId(5), instrument: InstrumentId(0) };
        let Statement::Position { held: Some(held), .. } = proven(&world, claim).await else {
            panic!("a position");
        };
        assert_eq!((held.holding.lots, held.holding.sell_lots), (Lots(-300), Lots(200)));
        for view in world.ledger().exchange().orders_of_account(TRADER) {
            let claim = Claim::Order { order: view.id };
            let Statement::Order { open: Some(open), .. } = proven(&world, claim).await else {
                panic!("an order");
            };
            assert_eq!((open.order.price, Lots(open.order.left.into())), (view.price, view.left));
        }
    });
}

#[test]
fn totals_are_those_of_the_ledger() {
    run(|context| async move {
        let mut world = World::new(&context).await;
        world.trade().await;
        let Statement::Totals { venue, chain, underlyings } = proven(&world, Claim::Totals).await
        else {
            panic!("totals");
        };
        let funds = world.ledger().exchange().funds();
        assert_eq!(venue.deposits, funds.deposits);
        assert_eq!(*chain, world.ledger().totals());
        assert_eq!(chain.withdrawals_pending, Usd(5_000_000));
        assert_eq!(underlyings.len(), 1);
    });
}

#[test]
fn a_block_without_a_certificate_is_final_by_its_descendant() {
    run(|context| async move {
        let mut world = World::new(&context).await;
        world.trade().await;
        let bundle = world.bundle(Claim::Totals).await;
        let proven_height = world.last().height;
        world.block(vec![]).await;
        world.block(vec![]).await;
        let tip = world.last().clone();
        let finalization = world.finalization(&tip, tip.epoch, &[0, 1, 2, 4]);
        let path: Vec<_> = [1, 2].map(|below| world.header(tip.height - below).clone()).into();
        let certified = Certified::of(tip, path, &finalization).unwrap();
        let bundle = super::super::Bundle { certified, ..bundle };
        let checked = verify(&world.genesis, &world.handovers(), &bundle, world.now());
        assert_eq!(checked.unwrap().0.height, proven_height);
    });
}

#[test]
fn a_client_goes_from_committee_to_committee_and_never_back() {
    run(|context| async move {
        let mut world = World::new(&context).await;
        world.trade().await;
        let mut rng = rand::rng();
        let mut client = LightClient::new(&world.genesis).unwrap();
        let handovers = world.handovers();
        let first = world.certified(1);
        assert!(client.check(&first, &mut rng).is_ok());
        for (epoch, handover) in (1..).zip(&handovers) {
            client.advance(handover, &mut rng).unwrap();
            assert_eq!(client.committee(), &world.committees[&epoch]);
            assert!(client.advance(handover, &mut rng).is_err(), "a handover leads on once");
        }
        let past = ProofError::PastEpoch { trusted: 2, found: 0 };
        assert_eq!(client.check(&first, &mut rng), Err(past));
        assert!(client.check(&world.certified(2 * u64::from(EPOCH_BLOCKS)), &mut rng).is_ok());
    });
}

/// The library's own proofs of single keys against ours of the same keys: same verdict, each way.
#[test]
fn our_proofs_say_what_the_librarys_say() {
    run(|context| async move {
        let mut world = World::new(&context).await;
        world.trade().await;
        let mut keys = Vec::new();
        world.ledger().each_leaf(&mut |key, _| keys.push(key));
        keys.sort();
        // Beside each leaf a key that is none.
        let absent = keys.iter().map(|key| [key.as_slice(), &[0]].concat());
        let absent: Vec<Vec<u8>> = absent.chain([vec![0], vec![255; 9]]).collect();
        let root = commonware_cryptography::sha256::Digest(world.last().state_root);
        for key in &keys {
            let ours = prove(&world.stores, std::slice::from_ref(key)).await.unwrap().state;
            let proven = ours.verify(world.last()).unwrap();
            let value = world.ledger().leaf(key).unwrap();
            assert_eq!(proven.value(key), Some(value.as_slice()));
            assert_eq!(proven.gap_around(key), None);
            let store = world.stores.read().await;
            let theirs = store.key_value_proof(Key::from(key.clone())).await.unwrap();
            let holds = |value: Vec<u8>| {
                let (key, value) = (Key::from(key.clone()), Value::from(value));
                theirs.verify::<Sha256, VariableEncoding<Value>>(key, value, &root)
            };
            assert!(holds(value.clone()) && !holds([value, vec![1]].concat()));
        }
        for key in &absent {
            let ours = prove(&world.stores, std::slice::from_ref(key)).await.unwrap().state;
            let proven = ours.verify(world.last()).unwrap();
            assert!(proven.value(key).is_none() && proven.gap_around(key).is_some());
            let store = world.stores.read().await;
            type Theirs = ExclusionProof<
                Family,
                Key,
                VariableEncoding<Value>,
                commonware_cryptography::sha256::Digest,
                CHUNK_BYTES,
            >;
            let key = Key::from(key.clone());
            let theirs: Theirs = store.exclusion_proof(&key).await.unwrap();
            assert!(theirs.verify::<Sha256>(&key, &root));
        }
        // All at once.
        let all: Vec<Vec<u8>> = keys.iter().chain(&absent).cloned().collect();
        let proven = prove(&world.stores, &all).await.unwrap().state;
        let proven = proven.verify(world.last()).unwrap();
        assert_eq!(proven.keys().count(), keys.len());
        assert!(absent.iter().all(|key| proven.gap_around(key).is_some()));
    });
}
