//! L4: a venue with as many orders as it can have takes no more; their numbers begin at 1.

use super::common::{Venue, bounded, price, rejects};
use super::desk::{ANN, Buy, Desk};
use lockstep_exchange::Exchange;
use lockstep_exchange::state::key::LeafKey;
use lockstep_exchange::state::leaves::Totals;
use lockstep_types::codec::{Decode, Encode};
use lockstep_types::command::{Command, LinkKind};
use lockstep_types::ids::{AccountId, OrderId};
use lockstep_types::order::{NewOrder, Side};
use lockstep_types::reject::{Reject, RejectCode};
use lockstep_types::units::Lots;

/// Goes on with other counters, as a venue has them that ran for years.
fn pretend(venue: &mut Venue, change: impl Fn(&mut Totals)) {
    let mut leaves: Vec<(LeafKey, Vec<u8>)> = Vec::new();
    venue.exchange.each_leaf(&mut |key, value| leaves.push((key, value)));
    for (key, value) in &mut leaves {
        if matches!(key, LeafKey::Totals(_)) {
            let mut totals = Totals::from_bytes(value).unwrap();
            change(&mut totals);
            *value = totals.to_bytes();
        }
    }
    let leaves = leaves.iter().map(|(key, value)| (*key, value.as_slice()));
    venue.exchange = Exchange::from_leaves(leaves).unwrap();
}

#[test]
fn the_first_order_is_number_one() {
    let mut desk = Desk::new();
    assert_eq!(desk.limit(ANN, Buy, 1, 99_000), OrderId::new(1, 0));
    assert_eq!(desk.limit(ANN, Buy, 1, 99_000), OrderId::new(2, 1));
    assert_eq!(desk.view(OrderId(0)), None);
}

#[test]
fn a_venue_with_a_place_left_takes_one_more_order() {
    let most = i64::from(OrderId::SLOTS_MAX);
    let full = Reject::beyond(RejectCode::VenueOrderLimit, most, most);
    let (mut venue, perpetual) = Venue::with_perpetual();
    let [ann, ben] = [AccountId(0), AccountId(1)];
    pretend(&mut venue, |totals| totals.slots = OrderId::SLOTS_MAX - 1);
    let order = |dollars| NewOrder::limit(perpetual, Side::Buy, Lots(1), price(dollars));
    let kind = LinkKind::OneCancelsOther;
    let orders = bounded(vec![order(99_000), order(98_000)]);
    let events = venue.send(ann, Command::PlaceLinked { kind, orders });
    assert_eq!(rejects(&events), [full], "there is no room for both");
    let last = venue.place(ann, order(99_000)).0;
    assert_eq!(last.slot(), OrderId::SLOTS_MAX - 1);
    let events = venue.send(ben, Command::Place(order(98_000)));
    assert_eq!(rejects(&events), [full]);
    // The place of an order that ended is free.
    venue.cancel(ann, last);
    assert_eq!(venue.place(ben, order(98_000)).0, OrderId::new(2, last.slot()));
}
