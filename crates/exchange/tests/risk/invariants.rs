//! A broken leaf is found and named (C1, C2, C3).

use super::*;
use lockstep_exchange::Exchange;
use lockstep_exchange::state::key::LeafKey;
use lockstep_exchange::state::leaves::{Account, Holding, Instrument, Level, Order, Totals};
use lockstep_types::codec::{Decode, Encode};

/// A venue with a position, resting orders and a trigger.
fn busy() -> Exchange {
    use lockstep_types::order::{NewOrder, Trigger, TriggerKind, TriggerSource};
    let (mut venue, perpetual) = bitcoin_venue(VenueParams::default());
    let (buyer, seller) = (rich(&mut venue, 1), rich(&mut venue, 2));
    trade(&mut venue, buyer, seller, perpetual, 100, price(100_000));
    for away in 0..3 {
        venue.limit(buyer, perpetual, Side::Buy, 10 + away, price(99_000 - away));
        venue.limit(seller, perpetual, Side::Sell, 10 + away, price(101_000));
    }
    let kind = TriggerKind::Stop { price: price(95_000) };
    let stop = NewOrder {
        trigger: Some(Trigger { source: TriggerSource::Mark, kind }),
        ..NewOrder::limit(perpetual, Side::Sell, Lots(5), price(94_000))
    };
    venue.place(buyer, stop);
    audit(&venue);
    venue.exchange
}

/// The exchange with one leaf changed, or dropped.
fn tampered(
    exchange: &Exchange,
    change: &mut dyn FnMut(LeafKey, Vec<u8>) -> Option<Vec<u8>>,
) -> Exchange {
    let mut leaves = Vec::new();
    exchange.each_leaf(&mut |key, value| leaves.push((key, value)));
    let leaves: Vec<_> =
        leaves.into_iter().filter_map(|(key, value)| Some((key, change(key, value)?))).collect();
    Exchange::from_leaves(leaves.iter().map(|(key, value)| (*key, value.as_slice()))).unwrap()
}

/// Changes the first leaf of a kind; the rule that then does not hold.
fn broken<T: Encode + Decode>(
    kind: impl Fn(LeafKey) -> bool,
    mut change: impl FnMut(&mut T),
) -> String {
    let mut left = true;
    let exchange = tampered(&busy(), &mut |key, bytes| {
        if !left || !kind(key) {
            return Some(bytes);
        }
        left = false;
        let mut value = T::from_bytes(&bytes).unwrap();
        change(&mut value);
        Some(value.to_bytes())
    });
    assert!(!left, "there is such a leaf");
    let error = exchange.check_invariants().unwrap_err();
    format!("{} {}", error.rule, error.what)
}

#[test]
fn untouched_leaves_hold() {
    let exchange = busy();
    let same = tampered(&exchange, &mut |_, bytes| Some(bytes));
    assert_eq!(same.digest(), exchange.digest());
    assert_eq!(same.check_invariants(), Ok(()));
}

#[test]
fn a_micro_usd_too_many_is_found() {
    let rule =
        broken::<Account>(|key| matches!(key, LeafKey::Account(_)), |account| account.cash.0 += 1);
    assert_eq!(rule, "C1 all balances add up to the deposits");
    let rule =
        broken::<Totals>(|key| matches!(key, LeafKey::Totals(_)), |totals| totals.dust_nano += 1);
    assert_eq!(rule, "C1 all balances add up to the deposits");
}

#[test]
fn a_lot_too_many_is_found() {
    let rule = broken::<Instrument>(
        |key| matches!(key, LeafKey::Instrument(_)),
        |instrument| instrument.open_interest.0 += 1,
    );
    assert_eq!(rule, "C2 open interest is what longs hold");
    let rule =
        broken::<Holding>(|key| matches!(key, LeafKey::Holding(_)), |holding| holding.lots.0 -= 1);
    assert!(rule.starts_with("C2"), "{rule}");
}

#[test]
fn a_book_that_does_not_hang_together_is_found() {
    let level = |key| matches!(key, LeafKey::Level(_));
    assert_eq!(
        broken::<Level>(level, |level| level.lots += 1),
        "C3 a level counts its visible lots"
    );
    assert_eq!(
        broken::<Level>(level, |level| level.tail = 999),
        "C3 a level's tail is its last order"
    );
    let order = |key| matches!(key, LeafKey::Order(_));
    assert!(broken::<Order>(order, |order| order.left += 1).starts_with("C3"));
    let rule = broken::<Holding>(
        |key| matches!(key, LeafKey::Holding(_)),
        |holding| holding.buy_lots.0 += 1,
    );
    assert_eq!(rule, "C3 a holding adds up its open buys");
    let rule =
        broken::<Totals>(|key| matches!(key, LeafKey::Totals(_)), |totals| totals.open_orders += 1);
    assert_eq!(rule, "C3 open orders are counted");
}

#[test]
fn every_dropped_leaf_of_an_order_is_found() {
    let exchange = busy();
    let mut keys = Vec::new();
    exchange.each_leaf(&mut |key, _| keys.push(key));
    let mut dropped = 0;
    for victim in keys {
        let matters = matches!(
            victim,
            LeafKey::Order(_)
                | LeafKey::Level(_)
                | LeafKey::Extra(_)
                | LeafKey::Entry(_)
                | LeafKey::Holding(_)
                | LeafKey::Sleepers(_)
                | LeafKey::Linear(_)
                | LeafKey::Sub(_)
        );
        if !matters {
            continue;
        }
        dropped += 1;
        let without = tampered(&exchange, &mut |key, bytes| (key != victim).then_some(bytes));
        assert!(without.check_invariants().is_err(), "{victim:?} is missed");
    }
    assert!(dropped > 20);
}
