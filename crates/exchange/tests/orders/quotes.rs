//! M10: mass quotes.

use super::common::{bounded, price, usd};
use super::desk::*;
use lockstep_types::command::{Command, Phase, ProtectionLimits, Quote, QuoteSide};
use lockstep_types::event::{CancelReason, Event};
use lockstep_types::ids::{AccountId, GroupId, InstrumentId, OrderId};
use lockstep_types::order::{NewOrder, Side};
use lockstep_types::reject::RejectCode;
use lockstep_types::units::{Lots, Price, SpanMs, Usd};

const GROUP: GroupId = GroupId(0);

type Wanted = Option<(i64, i64)>;

/// A desk where Ann's group is set up.
fn desk() -> Desk {
    let mut desk = Desk::new();
    set_up(&mut desk, ANN, Lots(0));
    desk
}

fn set_up(desk: &mut Desk, account: AccountId, lots_max: Lots) {
    let limits = ProtectionLimits {
        interval: SpanMs(15_000),
        frozen_time: SpanMs(0),
        lots_max,
        delta_max: Lots(0),
        vega_max: Usd(0),
        trades_max: 0,
    };
    let command = Command::SetProtection { underlying: BTC, group: GROUP, limits };
    desk.venue.send_ok(account, command);
}

/// Lots and dollars of both sides on an instrument.
fn on(instrument: InstrumentId, bid: Wanted, ask: Wanted) -> Quote {
    let side = |wanted: Wanted| {
        wanted.map(|(lots, dollars)| QuoteSide { price: price(dollars), lots: Lots(lots) })
    };
    Quote { instrument, bid: side(bid), ask: side(ask) }
}

fn send(desk: &mut Desk, account: AccountId, quotes: Vec<Quote>) -> Vec<Event> {
    let quotes = bounded(quotes);
    desk.venue.send(account, Command::MassQuote { group: GROUP, quotes })
}

fn quote(desk: &mut Desk, bid: Wanted, ask: Wanted) -> Vec<Event> {
    let quote = on(desk.perpetual, bid, ask);
    send(desk, ANN, vec![quote])
}

/// Items and codes of what was refused.
fn refused(events: &[Event]) -> Vec<(u16, RejectCode)> {
    let refused = |event: &Event| match event {
        Event::Rejected { item, reject, .. } => Some((*item, reject.code)),
        _ => None,
    };
    events.iter().filter_map(refused).collect()
}

/// Best first: handle, lots, dollars.
fn book(desk: &Desk, side: Side) -> Vec<(OrderId, i64, i64)> {
    let orders = desk.venue.exchange.book(desk.perpetual, side);
    orders.iter().map(|order| (order.id, order.left.0, dollars(order.price))).collect()
}

#[test]
fn a_quote_stands_until_the_next_one_replaces_it() {
    let mut desk = desk();
    let first = accepted(&quote(&mut desk, Some((5, 99_000)), Some((6, 101_000))));
    assert_eq!(book(&desk, Buy), [(first[0], 5, 99_000)]);
    assert_eq!(book(&desk, Sell), [(first[1], 6, 101_000)]);
    assert_eq!(desk.view(first[0]).unwrap().group, Some(GROUP));
    let events = quote(&mut desk, Some((5, 99_100)), Some((7, 101_000)));
    let second = accepted(&events);
    let replaced = CancelReason::Replaced;
    assert_eq!(cancelled(&events), [(first[0], 5, replaced), (first[1], 6, replaced)]);
    assert_eq!(book(&desk, Buy), [(second[0], 5, 99_100)]);
    assert_eq!(book(&desk, Sell), [(second[1], 7, 101_000)]);
    let events = quote(&mut desk, None, Some((7, 101_000)));
    assert_eq!(cancelled(&events), [(second[0], 5, replaced)]);
    assert_eq!((book(&desk, Buy), book(&desk, Sell).len()), (vec![], 1));
}

#[test]
fn the_same_price_keeps_its_place_when_it_is_not_larger() {
    let mut desk = desk();
    let ids = accepted(&quote(&mut desk, Some((5, 99_000)), Some((5, 101_000))));
    let ben = desk.limit(BEN, Buy, 1, 99_000);
    let events = quote(&mut desk, Some((5, 99_000)), Some((5, 101_000)));
    assert_eq!(events, [], "a quote that says the same changes nothing");
    let events = quote(&mut desk, Some((3, 99_000)), Some((5, 101_000)));
    let shrunk =
        Event::Amended { order: ids[0], price: price(99_000), lots: Lots(3), kept_priority: true };
    assert_eq!(events, [shrunk]);
    assert_eq!(book(&desk, Buy), [(ids[0], 3, 99_000), (ben, 1, 99_000)]);
    // Two of its three trade: one is left, two are asked for, so it queues anew.
    desk.venue.send_ok(DAN, Command::Place(desk.order(Sell, 2, 99_000)));
    let anew = accepted(&quote(&mut desk, Some((2, 99_000)), Some((5, 101_000))));
    assert_eq!(book(&desk, Buy), [(ben, 1, 99_000), (anew[0], 2, 99_000)]);
}

#[test]
fn moving_through_the_former_quote_does_not_meet_it() {
    let mut desk = desk();
    quote(&mut desk, Some((5, 99_000)), Some((5, 99_500)));
    let events = quote(&mut desk, Some((5, 100_000)), Some((5, 100_500)));
    assert!(cancelled(&events).iter().all(|cancel| cancel.2 == CancelReason::Replaced));
    let place = |wanted: fn(&Event) -> bool| events.iter().position(wanted);
    let booked = place(|event| matches!(event, Event::Accepted(_)));
    let last_cancel = events.iter().rposition(|event| matches!(event, Event::Cancelled { .. }));
    assert!(last_cancel < booked, "all cancels come first");
    assert_eq!((book(&desk, Buy).len(), book(&desk, Sell).len()), (1, 1));
}

#[test]
fn all_cancels_of_a_command_come_before_its_new_quotes() {
    let mut desk = desk();
    let future = desk.venue.list("BTC_USDC-27MAR26");
    let quotes = |desk: &Desk, bid| {
        vec![on(desk.perpetual, Some((5, bid)), None), on(future, Some((5, bid)), None)]
    };
    let first = quotes(&desk, 99_000);
    send(&mut desk, ANN, first);
    let second = quotes(&desk, 99_100);
    let events = send(&mut desk, ANN, second);
    let kinds: String = events
        .iter()
        .filter_map(|event| match event {
            Event::Cancelled { .. } => Some('c'),
            Event::Accepted(_) => Some('a'),
            _ => None,
        })
        .collect();
    assert_eq!(kinds, "ccaa");
}

#[test]
fn each_quote_has_its_own_result() {
    let mut desk = desk();
    let future = desk.venue.list("BTC_USDC-27MAR26");
    let kept = accepted(&quote(&mut desk, Some((5, 99_000)), Some((5, 101_000))));
    let perpetual = desk.perpetual;
    let off_tick = QuoteSide { price: Price(1), lots: Lots(1) };
    let quotes = vec![
        on(perpetual, Some((1, 100_000)), Some((1, 100_000))),
        on(InstrumentId(77), Some((1, 99_000)), None),
        on(future, Some((1, 99_000)), Some((1, 101_000))),
        on(future, Some((2, 99_000)), None),
        Quote { bid: Some(off_tick), ..on(perpetual, None, None) },
    ];
    let events = send(&mut desk, ANN, quotes);
    let expected = [
        (0, RejectCode::BadQuote),
        (1, RejectCode::UnknownInstrument),
        (3, RejectCode::BadQuote),
        (4, RejectCode::BadQuote),
    ];
    assert_eq!(refused(&events), expected, "the perpetual and the future are named twice");
    assert_eq!(accepted(&events).len(), 2);
    assert_eq!(book(&desk, Buy)[0].0, kept[0]);
    assert_eq!(book(&desk, Sell)[0].0, kept[1]);
}

#[test]
fn a_quote_that_is_not_allowed_leaves_the_former_one() {
    let mut desk = desk();
    let kept = accepted(&quote(&mut desk, Some((5, 99_000)), Some((5, 101_000))));
    let cases: [(Wanted, Wanted, RejectCode); 5] = [
        (Some((5, 99_000)), Some((5, 80_000)), RejectCode::BadQuote),
        (Some((0, 99_000)), None, RejectCode::BadQuote),
        (Some((5, -1)), None, RejectCode::BadQuote),
        // One side alone is wrong: neither changes.
        (Some((5, 99_100)), Some((20_000_000, 101_000)), RejectCode::OrderSize),
        (None, Some((5, 89_000)), RejectCode::PriceBand),
    ];
    for (bid, ask, code) in cases {
        assert_eq!(refused(&quote(&mut desk, bid, ask)), [(0, code)]);
        assert_eq!((book(&desk, Buy)[0].0, book(&desk, Sell)[0].0), (kept[0], kept[1]));
    }
}

#[test]
fn a_side_that_margin_forbids_is_refused_when_its_turn_comes() {
    let mut desk = Desk::new();
    let poor = AccountId(4);
    desk.venue.deposit(4, usd(1_000));
    set_up(&mut desk, poor, Lots(0));
    let perpetual = desk.perpetual;
    // A hundred lots at 100,000 need 660 USD.
    assert_eq!(refused(&send(&mut desk, poor, vec![on(perpetual, Some((100, 99_000)), None)])), []);
    let events = send(&mut desk, poor, vec![on(perpetual, Some((200, 99_000)), None)]);
    assert_eq!(refused(&events), [(0, RejectCode::InsufficientMargin)]);
    assert_eq!(cancelled(&events).len(), 1, "what its owner has withdrawn does not stand");
    assert_eq!(book(&desk, Buy), []);
    // The former quote's margin is free for the new one.
    for dollars in [99_000, 99_100, 99_200] {
        let quotes = vec![on(perpetual, Some((140, dollars)), None)];
        assert_eq!(refused(&send(&mut desk, poor, quotes)), []);
    }
}

#[test]
fn a_group_without_protection_or_frozen_cannot_quote_but_withdraw() {
    let mut desk = Desk::new();
    let events = quote(&mut desk, Some((5, 99_000)), None);
    assert_eq!(refused(&events), [(0, RejectCode::ProtectionUnset)]);
    set_up(&mut desk, ANN, Lots(1));
    quote(&mut desk, Some((5, 99_000)), Some((5, 101_000)));
    desk.venue.send_ok(DAN, Command::Place(desk.order(Sell, 1, 99_000)));
    assert_eq!((book(&desk, Buy), book(&desk, Sell)), (vec![], vec![]), "it has tripped");
    let events = quote(&mut desk, Some((5, 99_000)), None);
    assert_eq!(refused(&events), [(0, RejectCode::ProtectionFrozen)]);
    assert_eq!(quote(&mut desk, None, None), []);
}

#[test]
fn no_group_is_not_the_group_of_orders_without_one() {
    let mut desk = desk();
    let plain = desk.limit(ANN, Buy, 1, 99_000);
    let quotes = bounded(vec![on(desk.perpetual, None, None)]);
    let command = Command::MassQuote { group: GroupId(u8::MAX), quotes };
    assert_eq!(desk.refused(ANN, command).code, RejectCode::ProtectionUnset);
    assert_eq!(desk.left(plain), 1);
}

#[test]
fn quotes_trip_their_group_while_the_command_goes_on() {
    let mut desk = Desk::new();
    set_up(&mut desk, ANN, Lots(3));
    let future = desk.venue.list("BTC_USDC-27MAR26");
    desk.limit(DAN, Sell, 3, 99_000);
    let quotes = vec![
        on(desk.perpetual, Some((5, 99_000)), Some((5, 101_000))),
        on(future, Some((5, 99_000)), None),
    ];
    let events = send(&mut desk, ANN, quotes);
    let frozen = RejectCode::ProtectionFrozen;
    assert_eq!(refused(&events), [(0, frozen), (1, frozen)]);
    assert_eq!(fills(&events).len(), 1);
    assert_eq!(cancelled(&events)[0].2, CancelReason::Protection);
    assert_eq!(book(&desk, Buy), []);
}

#[test]
fn withdrawing_works_in_a_halt_and_quoting_does_not() {
    let mut desk = desk();
    quote(&mut desk, Some((5, 99_000)), Some((5, 101_000)));
    desk.set_phase(Phase::Halted);
    let events = quote(&mut desk, Some((4, 99_000)), None);
    assert_eq!(refused(&events), [(0, RejectCode::Halted)]);
    assert_eq!(book(&desk, Sell).len(), 1);
    assert_eq!(cancelled(&quote(&mut desk, None, None)).len(), 2);
}

#[test]
fn other_groups_and_sleeping_orders_are_no_quotes() {
    let mut desk = desk();
    let plain = desk.limit(ANN, Buy, 1, 98_000);
    let asleep = NewOrder { protection: Some(GROUP), ..desk.stop(Buy, 1, Index, 101_000) };
    let (asleep, _) = desk.place(ANN, asleep);
    // A single order of the group is its quote.
    let single = NewOrder { protection: Some(GROUP), ..desk.order(Buy, 1, 97_000) };
    let (single, _) = desk.place(ANN, single);
    quote(&mut desk, Some((5, 99_000)), None);
    assert_eq!((desk.left(plain), desk.left(asleep), desk.left(single)), (1, 1, 0));
}

#[test]
fn a_hundred_quotes_go_into_one_command() {
    let mut desk = desk();
    let mut instruments = vec![desk.perpetual];
    for strike in 0..99 {
        let name = format!("BTC_USDC-27MAR26-{}-C", 60_000 + strike * 1_000);
        instruments.push(desk.venue.list(&name));
    }
    let quotes = |tick: i64| -> Vec<Quote> {
        let bid = Some((1, 10 + tick));
        instruments.iter().map(|id| on(*id, bid, None)).collect()
    };
    let all = quotes(0);
    assert_eq!(accepted(&send(&mut desk, ANN, all)).len(), 100);
    let all = quotes(1);
    let events = send(&mut desk, ANN, all);
    assert_eq!((accepted(&events).len(), cancelled(&events).len()), (100, 100));
}

#[test]
fn of_several_orders_at_the_wanted_price_the_oldest_stays() {
    let mut desk = desk();
    let single = NewOrder { protection: Some(GROUP), ..desk.order(Buy, 5, 99_000) };
    let (first, _) = desk.place(ANN, single.clone());
    let (second, _) = desk.place(ANN, single);
    let events = quote(&mut desk, Some((5, 99_000)), None);
    assert_eq!(cancelled(&events), [(second, 5, CancelReason::Replaced)]);
    assert_eq!(book(&desk, Buy), [(first, 5, 99_000)]);
}
