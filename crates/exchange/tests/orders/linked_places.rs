//! M3: placing a set. It is checked as a whole, and fills on the way count.

use super::common::{price, rejects, usd};
use super::desk::*;
use lockstep_types::command::{Command, LinkKind};
use lockstep_types::event::{CancelReason, Event};
use lockstep_types::ids::{AccountId, LinkId};
use lockstep_types::order::{Label, NewOrder, TimeInForce};
use lockstep_types::params::VenueParams;
use lockstep_types::reject::{Reject, RejectCode};
use lockstep_types::units::{Lots, Price};

const OCO: LinkKind = LinkKind::OneCancelsOther;
const OTO: LinkKind = LinkKind::OneTriggersOther;

/// The one rejection and its item; nothing else has happened.
fn refused_at(events: &[Event]) -> (u16, Reject) {
    match events {
        [Event::Rejected { item, reject, .. }] => (*item, *reject),
        other => panic!("one rejection and nothing else: {other:?}"),
    }
}

#[test]
fn what_the_first_takes_on_coming_the_second_does_not_ask_for() {
    let mut desk = Desk::new();
    desk.limit(DAN, Buy, 4, 100_000);
    let orders = [desk.order(Sell, 10, 100_000), desk.order(Sell, 10, 101_000)];
    let events = desk.link(ANN, OCO, &orders);
    let ids = accepted(&events);
    assert_eq!(events[0], Event::Linked { link: LinkId(1), orders: 2 });
    assert_eq!((desk.left(ids[0]), desk.left(ids[1])), (6, 6));
    assert_eq!(desk.view(ids[1]).unwrap().total, Lots(6));
}

#[test]
fn what_the_second_takes_on_coming_goes_off_the_first() {
    let mut desk = Desk::new();
    desk.limit(DAN, Sell, 3, 100_000);
    let orders = [
        desk.order(Sell, 10, 101_000),
        desk.order(Buy, 10, 100_000),
        desk.stop(Sell, 10, Index, 99_000),
    ];
    let ids = accepted(&desk.link(ANN, OCO, &orders));
    assert_eq!(ids.iter().map(|id| desk.left(*id)).collect::<Vec<_>>(), [7, 7, 7]);
}

#[test]
fn a_first_that_fills_whole_on_coming_leaves_no_second() {
    let mut desk = Desk::new();
    desk.limit(DAN, Buy, 10, 100_000);
    let orders = [desk.order(Sell, 10, 100_000), desk.order(Sell, 10, 101_000)];
    let events = desk.link(ANN, OCO, &orders);
    assert_eq!(accepted(&events).len(), 1);
    assert_eq!(cancelled(&events), []);
    assert_eq!(desk.venue.exchange.link_view(LinkId(1)), None);
}

#[test]
fn a_second_that_fills_whole_on_coming_ends_the_first() {
    let mut desk = Desk::new();
    desk.limit(DAN, Sell, 10, 100_000);
    let orders = [desk.order(Sell, 10, 101_000), desk.order(Buy, 10, 100_000)];
    let events = desk.link(ANN, OCO, &orders);
    let ids = accepted(&events);
    assert_eq!(cancelled(&events), [(ids[0], 10, CancelReason::Linked)]);
    assert_eq!(desk.venue.exchange.link_view(LinkId(1)), None);
}

#[test]
fn the_first_order_that_is_wrong_refuses_the_whole_set_by_its_number() {
    let mut desk = Desk::new();
    let good = desk.order(Sell, 10, 101_000);
    let off_tick = NewOrder { price: Some(Price(1)), ..good.clone() };
    let fires = desk.stop(Sell, 10, Index, 100_000);
    let events = desk.link(ANN, OCO, &[good.clone(), good.clone(), off_tick.clone()]);
    assert_eq!(refused_at(&events), (2, Reject::beyond(RejectCode::OffTick, 1, 1_000_000)));
    let events = desk.link(ANN, OCO, &[good.clone(), fires.clone()]);
    assert_eq!((refused_at(&events).0, refused_at(&events).1.code), (1, RejectCode::BadTrigger));
    // What waits for a primary is checked by itself; the market may have moved by then.
    let events = desk.link(ANN, OTO, &[good.clone(), off_tick]);
    assert_eq!((refused_at(&events).0, refused_at(&events).1.code), (1, RejectCode::OffTick));
    assert_eq!(rejects(&desk.link(ANN, OTO, &[good, fires])), []);
}

#[test]
fn a_set_has_at_least_two_orders_and_those_that_cancel_each_other_can_wait() {
    let mut desk = Desk::new();
    let good = desk.order(Sell, 10, 101_000);
    let code = |desk: &mut Desk, kind, orders: &[NewOrder]| {
        refused_at(&desk.link(ANN, kind, orders)).1.code
    };
    assert_eq!(code(&mut desk, OCO, &[]), RejectCode::BadLinks);
    assert_eq!(code(&mut desk, OTO, std::slice::from_ref(&good)), RejectCode::BadLinks);
    let market = NewOrder::market(desk.perpetual, Sell, Lots(1));
    assert_eq!(code(&mut desk, OCO, &[good.clone(), market.clone()]), RejectCode::BadLinks);
    let now = NewOrder { time_in_force: TimeInForce::ImmediateOrCancel, ..good.clone() };
    assert_eq!(code(&mut desk, OCO, &[now, good.clone()]), RejectCode::BadLinks);
    assert_eq!(rejects(&desk.link(ANN, OTO, &[good, market])), []);
}

#[test]
fn labels_are_unique_within_a_set_and_beyond() {
    let mut desk = Desk::new();
    let label = Label::new("one").unwrap();
    let named = NewOrder { label: Some(label), ..desk.order(Sell, 1, 101_000) };
    let plain = desk.order(Sell, 1, 102_000);
    let events = desk.link(ANN, OTO, &[named.clone(), plain.clone(), named.clone()]);
    assert_eq!(refused_at(&events).1.code, RejectCode::LabelInUse);
    desk.place(ANN, named.clone());
    let events = desk.link(ANN, OCO, &[plain, named]);
    assert_eq!((refused_at(&events).0, refused_at(&events).1.code), (1, RejectCode::LabelInUse));
}

#[test]
fn a_set_needs_margin_for_all_of_it() {
    let mut desk = Desk::new();
    let poor = AccountId(4);
    desk.venue.deposit(4, usd(1_000));
    // A hundred lots are 10,000 USD and need 660 USD; twice that is more than there is.
    let orders = [desk.order(Buy, 100, 99_000), desk.order(Buy, 100, 98_000)];
    let events = desk.link(poor, OCO, &orders);
    let (item, reject) = refused_at(&events);
    assert_eq!((item, reject.code), (1, RejectCode::InsufficientMargin));
    let view = desk.venue.exchange.account_view(poor).unwrap();
    assert_eq!((view.orders, view.positions.len()), (0, 0), "nothing is left of the check");
    for order in orders {
        let (id, _) = desk.place(poor, order);
        desk.venue.cancel(poor, id);
    }
}

#[test]
fn a_set_needs_room_for_all_of_it() {
    let params = VenueParams { orders_per_account_max: 3, ..VenueParams::default() };
    let mut desk = Desk::with(params);
    desk.limit(ANN, Buy, 1, 90_000);
    desk.limit(ANN, Buy, 1, 90_000);
    let orders = [desk.order(Sell, 1, 101_000), desk.order(Sell, 1, 102_000)];
    let (_, reject) = refused_at(&desk.link(ANN, OCO, &orders));
    assert_eq!(reject, Reject::beyond(RejectCode::OrderLimit, 4, 3));
    assert_eq!(rejects(&desk.link(ANN, OTO, &orders)), [], "only the primary counts yet");
}

#[test]
fn a_waiting_order_that_is_refused_when_its_time_comes_is_told_by_its_number() {
    let mut desk = Desk::new();
    desk.hold(ANN, 1);
    let orders = [
        desk.order(Sell, 1, 100_500),
        NewOrder { reduce_only: true, ..desk.order(Sell, 1, 101_000) },
        desk.order(Buy, 1, 99_000),
    ];
    desk.link(ANN, OTO, &orders);
    let order = desk.order(Buy, 1, 100_500);
    let events = desk.venue.send(DAN, Command::Place(order));
    let refused: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Rejected { account, item, reject } => Some((*account, *item, reject.code)),
            _ => None,
        })
        .collect();
    assert_eq!(refused, [(ANN, 1, RejectCode::ReduceOnlyIncreases)]);
    assert_eq!(desk.venue.exchange.depth(desk.perpetual, Buy, 1)[0].price, price(99_000));
}
