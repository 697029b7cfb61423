//! How large proofs are: of accounts large and small, in a state of many leaves.

use super::world::{commit, open, run};
use crate::header::Header;
use crate::light::prove::prove;
use crate::light::state::Proven;
use lockstep_exchange::state::leaves::{Holding, Order};
use lockstep_ledger::Changes;
use lockstep_types::codec::Encode as _;
use lockstep_types::ids::{AccountId, InstrumentId, OrderId};
use lockstep_types::order::{PostOnly, SelfTrade, Side};
use lockstep_types::units::{Price, TimeMs};

/// What all proofs of one account may have together.
const ACCOUNT_BYTES_MAX: usize = 64 * 1024;
/// Leaves of others.
const OTHERS: u32 = 100_000;
/// Leaves of others that change in each block.
const CHANGES: u32 = 200;
/// Bytes of an account's leaf.
const ACCOUNT_BYTES: usize = 64;

fn key(kind: u8, parts: &[u32]) -> Vec<u8> {
    let parts = parts.iter().flat_map(|part| part.to_be_bytes());
    std::iter::once(kind).chain(parts).collect()
}

fn order(slot: u32) -> Vec<u8> {
    let order = Order {
        id: OrderId::new(u64::from(slot) + 1, slot),
        price: Price(1),
        tick: 1,
        account: AccountId(0),
        instrument: InstrumentId(0),
        total: 1,
        left: 1,
        visible: 1,
        side: Side::Buy,
        post_only: PostOnly::No,
        self_trade: SelfTrade::CancelTaker,
        reduce_only: false,
        group: 0,
        has_extra: false,
        asleep: false,
    };
    order.to_bytes()
}

/// A key, and a value or none.
type Change = (Vec<u8>, Option<Vec<u8>>);

fn together(parts: &[Change]) -> Changes {
    let mut changes = Changes::default();
    parts.iter().for_each(|(key, value)| changes.add_bytes(key, value.as_deref()));
    changes
}

/// The leaves of an account with so many holdings and orders, as a proof of it has them.
fn account(count: u32) -> Vec<Change> {
    let mut leaves = vec![
        (key(6, &[0]), Some(vec![1; ACCOUNT_BYTES])),
        (key(3, &[0]), Some(vec![1; ACCOUNT_BYTES])),
        (key(146, &[0]), Some(vec![1; 16])),
    ];
    for index in 0..count {
        leaves.push((key(9, &[0, index]), Some(Holding::default().to_bytes())));
        leaves.push((key(10, &[7 * index]), Some(order(7 * index))));
    }
    leaves
}

/// Names, which are written with the rest of the listing.
fn names(count: u32) -> Vec<Change> {
    (0..count).map(|index| (key(17, &[0, 0, 0, 0, index]), Some(vec![1; 4]))).collect()
}

fn header(state_root: [u8; 32], operations_root: [u8; 32], range: (u64, u64)) -> Header {
    Header {
        epoch: 0,
        view: 1,
        parent_view: 0,
        parent: [0; 32],
        leader: [0; 32],
        height: 1,
        time: TimeMs(1),
        state_root,
        operations_root,
        operations_start: range.0,
        operations_end: range.1,
        events_root: [0; 32],
        body_root: [0; 32],
        next: None,
    }
}

/// Bytes of the proof of an account whose leaves are written all in one block, or a few in each of
/// many blocks; and what it proves.
async fn measure(
    context: &commonware_runtime::deterministic::Context,
    name: &'static str,
    count: u32,
    blocks: usize,
) -> (usize, Proven) {
    let stores = open(context, name).await;
    let other = |place: u32| (key(6, &[1 + place]), Some(vec![2; ACCOUNT_BYTES]));
    let mut all: Vec<Change> = (0..OTHERS).map(other).collect();
    all.extend(names(count));
    all.sort();
    commit(&stores, 1, together(&all)).await;
    let own = account(count);
    let mut last = None;
    for (block, part) in (0_u32..).zip(own.chunks(own.len().div_ceil(blocks))) {
        // In between others change.
        let touched = (0..CHANGES).map(|step| (block * 7_919 + step * 499) % OTHERS);
        let mut changes: Vec<Change> = touched.map(other).collect();
        changes.extend_from_slice(part);
        changes.sort();
        changes.dedup();
        last = Some(commit(&stores, 2 + u64::from(block), together(&changes)).await);
    }
    let (state_root, operations_root, start, end) = last.unwrap();
    let keys: Vec<Vec<u8>> = own.into_iter().chain(names(count)).map(|(key, _)| key).collect();
    let proof = prove(&stores, &keys).await.unwrap();
    let proven = proof.state.verify(&header(state_root, operations_root, (start, end))).unwrap();
    assert_eq!(proven.keys().count(), keys.len());
    (proof.state.to_bytes().len(), proven)
}

#[test]
fn a_proof_of_an_account_fits_64_kib() {
    run(|context| async move {
        // A maker with a hundred holdings and orders that it renews together.
        let (maker, _) = measure(&context, "maker", 100, 2).await;
        // A trader with twenty of each, no two of which changed in the same block.
        let (trader, _) = measure(&context, "trader", 20, 50).await;
        println!("maker: {maker} bytes, trader: {trader} bytes");
        assert!(maker <= ACCOUNT_BYTES_MAX && trader <= ACCOUNT_BYTES_MAX, "{maker} {trader}");
        // The worst case: a hundred of each, every one changed in a block of its own.
        let (scattered, _) = measure(&context, "scattered", 100, 203).await;
        println!("scattered: {scattered} bytes");
        assert!(scattered <= 2 * ACCOUNT_BYTES_MAX, "{scattered}");
    });
}
