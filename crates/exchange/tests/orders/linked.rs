//! M3: one cancels other, one triggers other, and both, once they are placed.

use super::common::{price, rejects};
use super::desk::*;
use lockstep_types::command::{Command, LinkKind};
use lockstep_types::event::{CancelReason, Event};
use lockstep_types::ids::{LinkId, OrderId};
use lockstep_types::order::{NewOrder, Side, TimeInForce};
use lockstep_types::units::Lots;

const OCO: LinkKind = LinkKind::OneCancelsOther;
const OTO: LinkKind = LinkKind::OneTriggersOther;
const OTOCO: LinkKind = LinkKind::OneTriggersOneCancelsOther;

/// Links orders of Ann's; the handles of those that were placed.
fn linked(desk: &mut Desk, kind: LinkKind, orders: &[NewOrder]) -> Vec<OrderId> {
    let events = desk.link(ANN, kind, orders);
    assert_eq!(rejects(&events), []);
    accepted(&events)
}

/// Dan takes.
fn take(desk: &mut Desk, side: Side, lots: i64, dollars: i64) -> Vec<Event> {
    let order = desk.order(side, lots, dollars);
    desk.venue.send_ok(DAN, Command::Place(order))
}

fn sets(desk: &Desk) -> usize {
    (0..100).filter(|id| desk.venue.exchange.link_view(LinkId(*id)).is_some()).count()
}

#[test]
fn a_fill_of_one_shrinks_the_others_and_its_end_ends_them() {
    let mut desk = Desk::new();
    let orders =
        [desk.order(Sell, 10, 101_000), desk.order(Buy, 10, 99_000), desk.order(Buy, 4, 98_000)];
    let ids = linked(&mut desk, OCO, &orders);
    let [sell, near, far] = ids[..] else { panic!("three orders were placed") };
    assert_eq!(desk.view(sell).unwrap().link, desk.view(far).unwrap().link);
    take(&mut desk, Buy, 3, 101_000);
    assert_eq!((desk.left(sell), desk.left(near), desk.left(far)), (7, 7, 1));
    // A second fill takes the last lot of the smallest, and that ends nothing else.
    let events = take(&mut desk, Sell, 1, 99_000);
    assert_eq!(cancelled(&events), [(far, 1, CancelReason::Linked)]);
    assert_eq!((desk.left(sell), desk.left(near)), (6, 6));
    let events = take(&mut desk, Buy, 6, 101_000);
    assert_eq!(cancelled(&events), [(near, 6, CancelReason::Linked)]);
    assert_eq!((desk.venue.exchange.orders_of_account(ANN).len(), sets(&desk)), (0, 0));
}

#[test]
fn cancelling_one_of_a_set_ends_the_others() {
    let mut desk = Desk::new();
    let orders = [
        desk.order(Sell, 10, 101_000),
        desk.stop(Sell, 10, Index, 99_000),
        desk.order(Buy, 1, 90_000),
    ];
    let ids = linked(&mut desk, OCO, &orders);
    let events = desk.venue.cancel(ANN, ids[1]);
    let linked = CancelReason::Linked;
    let expected = [(ids[1], 10, CancelReason::Request), (ids[0], 10, linked), (ids[2], 1, linked)];
    assert_eq!(cancelled(&events), expected);
    assert_eq!(sets(&desk), 0);
}

#[test]
fn a_take_profit_ends_its_stop_and_the_stop_its_take_profit() {
    for index in [100_000, 99_000] {
        let mut desk = Desk::new();
        desk.hold(ANN, 10);
        let closing = |order: NewOrder| NewOrder { reduce_only: true, ..order };
        let orders =
            [closing(desk.order(Sell, 10, 101_000)), closing(desk.stop(Sell, 10, Index, 99_000))];
        let ids = linked(&mut desk, OCO, &orders);
        let bid = desk.limit(DAN, Buy, 20, 98_900);
        // A partial profit leaves as much to stop out.
        take(&mut desk, Buy, 4, 101_000);
        assert_eq!((desk.left(ids[0]), desk.left(ids[1]), desk.position(ANN)), (6, 6, 6));
        let events = match index {
            100_000 => take(&mut desk, Buy, 6, 101_000),
            _ => desk.move_index(index),
        };
        match index {
            100_000 => assert_eq!(cancelled(&events), [(ids[1], 6, CancelReason::Linked)]),
            _ => {
                assert_eq!(fills(&events), [(bid, ids[1], 6, 98_900)]);
                // The position that it was to reduce is gone, which is seen first.
                assert_eq!(cancelled(&events), [(ids[0], 6, CancelReason::ReduceOnly)]);
            }
        }
        assert_eq!((desk.position(ANN), sets(&desk)), (0, 0));
        assert_eq!(desk.venue.exchange.account_view(ANN).unwrap().orders, 0);
    }
}

#[test]
fn a_stop_that_woke_and_found_too_little_ends_its_set() {
    let mut desk = Desk::new();
    desk.hold(ANN, 10);
    let orders = [desk.order(Sell, 10, 101_000), desk.stop(Sell, 10, Index, 99_000)];
    let ids = linked(&mut desk, OCO, &orders);
    let bid = desk.limit(DAN, Buy, 3, 98_900);
    let events = desk.move_index(99_000);
    assert_eq!(fills(&events), [(bid, ids[1], 3, 98_900)]);
    let rest = CancelReason::ImmediateRest;
    assert_eq!(cancelled(&events), [(ids[1], 7, rest), (ids[0], 10, CancelReason::Linked)]);
}

#[test]
fn one_sweep_never_fills_more_than_the_set_meant() {
    let mut desk = Desk::new();
    let orders = [
        desk.order(Sell, 10, 100_100),
        desk.order(Sell, 10, 100_100),
        desk.order(Sell, 10, 100_200),
    ];
    let ids = linked(&mut desk, OCO, &orders);
    let events = take(&mut desk, Buy, 4, 100_100);
    assert_eq!(fills(&events).len(), 1);
    assert_eq!(ids.iter().map(|id| desk.left(*id)).collect::<Vec<_>>(), [6, 6, 6]);
    let events = take(&mut desk, Buy, 30, 100_200);
    assert_eq!(fills(&events).iter().map(|fill| fill.2).sum::<i64>(), 6);
    assert_eq!((desk.position(ANN), sets(&desk)), (-10, 0));
}

#[test]
fn a_linked_iceberg_shrinks_the_others_slice_by_slice() {
    let mut desk = Desk::new();
    let iceberg = NewOrder { display: Some(Lots(2)), ..desk.order(Sell, 10, 100_100) };
    let plain = desk.order(Sell, 10, 100_200);
    let ids = linked(&mut desk, OCO, &[iceberg, plain]);
    take(&mut desk, Buy, 5, 100_100);
    assert_eq!((desk.left(ids[0]), desk.left(ids[1])), (5, 5));
}

#[test]
fn changing_one_of_a_set_leaves_it_in_the_set() {
    let mut desk = Desk::new();
    let orders = [desk.order(Sell, 10, 101_000), desk.order(Buy, 10, 99_000)];
    let ids = linked(&mut desk, OCO, &orders);
    desk.limit(DAN, Buy, 4, 100_500);
    // Moved through the book it takes four, and as much goes off the other.
    let events = desk.amend(ANN, ids[0], None, Some(100_500), None);
    assert_eq!(fills(&events).len(), 1);
    assert_eq!((desk.left(ids[0]), desk.left(ids[1])), (6, 6));
    desk.limit(DAN, Buy, 6, 100_400);
    let events = desk.amend(ANN, ids[0], None, Some(100_400), None);
    assert_eq!(cancelled(&events), [(ids[1], 6, CancelReason::Linked)]);
    assert_eq!(sets(&desk), 0);
}

#[test]
fn an_order_that_meets_its_own_set_ends_with_it() {
    let mut desk = Desk::new();
    let maker = desk.order(Buy, 10, 99_000);
    let orders = [maker, desk.order(Sell, 10, 101_000)];
    let ids = linked(&mut desk, OCO, &orders);
    // Moved onto the bid of its own set it is cancelled, and the bid with it.
    let events = desk.amend(ANN, ids[1], None, Some(99_000), None);
    let expected = [(ids[1], 10, CancelReason::SelfTrade), (ids[0], 10, CancelReason::Linked)];
    assert_eq!(cancelled(&events), expected);
    assert_eq!(sets(&desk), 0);
}

#[test]
fn an_order_that_cancels_one_of_its_own_set_does_not_outlive_it() {
    let mut desk = Desk::new();
    let cancels = lockstep_types::order::SelfTrade::CancelMaker;
    let orders = [
        desk.order(Buy, 10, 99_000),
        NewOrder { self_trade: cancels, ..desk.order(Sell, 10, 101_000) },
    ];
    let ids = linked(&mut desk, OCO, &orders);
    let events = desk.amend(ANN, ids[1], None, Some(99_000), None);
    let expected = [(ids[0], 10, CancelReason::SelfTrade), (ids[1], 10, CancelReason::Linked)];
    assert_eq!(cancelled(&events), expected);
    assert_eq!((sets(&desk), desk.venue.exchange.orders_of_account(ANN).len()), (0, 0));
}

#[test]
fn the_complete_fill_of_the_primary_places_the_rest_and_a_part_does_not() {
    let mut desk = Desk::new();
    let orders = [
        desk.order(Buy, 10, 99_900),
        desk.order(Sell, 10, 101_000),
        desk.stop(Sell, 10, Index, 99_000),
    ];
    let ids = linked(&mut desk, OTO, &orders);
    assert_eq!(ids.len(), 1, "only the primary is placed");
    assert_eq!(accepted(&take(&mut desk, Sell, 9, 99_900)).len(), 1);
    let events = take(&mut desk, Sell, 1, 99_900);
    let placed = &accepted(&events)[1..];
    assert_eq!(placed.len(), 2, "right after the fill, in the same command's step");
    assert_eq!((desk.left(placed[0]), desk.left(placed[1])), (10, 10));
    assert_eq!(desk.view(placed[0]).unwrap().link, None, "they do not depend on each other");
    assert_eq!(sets(&desk), 0);
    desk.venue.cancel(ANN, placed[0]);
    assert_eq!(desk.left(placed[1]), 10);
}

#[test]
fn a_primary_that_ends_otherwise_takes_the_rest_with_it() {
    let mut desk = Desk::new();
    let orders = [desk.order(Buy, 10, 99_900), desk.order(Sell, 10, 101_000)];
    let ids = linked(&mut desk, OTO, &orders);
    take(&mut desk, Sell, 9, 99_900);
    assert_eq!(sets(&desk), 1);
    desk.venue.cancel(ANN, ids[0]);
    assert_eq!(sets(&desk), 0);
    assert_eq!(desk.venue.exchange.orders_of_account(ANN), []);
    // So does one whose rest could not trade at once.
    desk.limit(DAN, Sell, 4, 100_000);
    let primary =
        NewOrder { time_in_force: TimeInForce::ImmediateOrCancel, ..desk.order(Buy, 10, 100_000) };
    let rest = desk.order(Sell, 10, 101_000);
    let events = desk.link(ANN, OTO, &[primary, rest]);
    assert_eq!((accepted(&events).len(), sets(&desk)), (1, 0));
}

#[test]
fn a_bracket_cancels_itself() {
    let mut desk = Desk::new();
    desk.limit(DAN, Sell, 10, 100_000);
    let closing = |order: NewOrder| NewOrder { reduce_only: true, ..order };
    // The entry fills at once; its take profit and stop are placed in the same step.
    let orders = [
        desk.order(Buy, 10, 100_000),
        closing(desk.order(Sell, 10, 101_000)),
        closing(desk.stop(Sell, 10, Index, 99_000)),
    ];
    let ids = linked(&mut desk, OTOCO, &orders);
    assert_eq!(ids.len(), 3);
    assert_eq!(sets(&desk), 1);
    take(&mut desk, Buy, 3, 101_000);
    assert_eq!((desk.left(ids[1]), desk.left(ids[2])), (7, 7));
    let events = take(&mut desk, Buy, 7, 101_000);
    assert_eq!(cancelled(&events), [(ids[2], 7, CancelReason::Linked)]);
    assert_eq!((desk.position(ANN), sets(&desk)), (0, 0));
}

#[test]
fn the_stop_of_a_bracket_fires_at_once_if_the_price_has_passed_it() {
    let mut desk = Desk::new();
    desk.limit(DAN, Buy, 10, 98_500);
    let orders = [
        desk.order(Buy, 10, 99_500),
        desk.order(Sell, 10, 101_000),
        desk.stop(Sell, 10, Index, 99_000),
    ];
    let ids = linked(&mut desk, OTOCO, &orders);
    desk.move_index(98_800);
    let events = desk.venue.send_ok(CAT, Command::Place(desk.order(Sell, 10, 99_500)));
    let stop = accepted(&events)[2];
    assert_eq!(woken(&events), [stop], "at the end of the very block");
    assert_eq!((desk.left(ids[0]), desk.position(ANN), sets(&desk)), (0, 0, 0));
}

#[test]
fn what_a_primary_triggers_is_not_met_by_the_order_that_filled_it() {
    let mut desk = Desk::new();
    // Were the second order placed amid the sweep, the sweep would take it.
    let orders = [desk.order(Sell, 1, 100_000), desk.order(Sell, 5, 100_010)];
    linked(&mut desk, OTO, &orders);
    desk.limit(BEN, Sell, 1, 100_020);
    let events = take(&mut desk, Buy, 7, 100_020);
    let prices: Vec<i64> = fills(&events).iter().map(|fill| fill.3).collect();
    // It rests with five at 100,020, and then the second order comes and takes those.
    assert_eq!(prices, [100_000, 100_020, 100_020]);
    let last = fills(&events)[2];
    assert_eq!((last.2, desk.position(ANN)), (5, -6));
}

#[test]
fn triggered_orders_can_fill_other_primaries_in_turn() {
    let mut desk = Desk::new();
    let chain = 9;
    for step in 0..chain {
        // Ann buys at a price and then sells at the next lower one, where Ben's primary bids.
        let account = if step % 2 == 0 { ANN } else { BEN };
        let bid = 99_900 - step * 10;
        let orders = [desk.order(Buy, 1, bid), desk.order(Sell, 1, bid - 10)];
        desk.link(account, OTO, &orders);
    }
    let events = take(&mut desk, Sell, 1, 99_900);
    assert_eq!(fills(&events).len(), 9, "each fill triggers the next");
    assert_eq!(sets(&desk), 0);
}

#[test]
fn more_sets_than_a_step_places_are_placed_when_the_block_ends() {
    let mut desk = Desk::new();
    let orders = [desk.order(Buy, 1, 99_900), desk.order(Sell, 1, 101_000)];
    for _ in 0..20 {
        linked(&mut desk, OTO, &orders);
    }
    let sweep = Command::Place(desk.order(Sell, 20, 99_900));
    let after = Command::Place(desk.order(Buy, 1, 50_000));
    let commands = vec![desk.venue.command(DAN, sweep), desk.venue.command(CAT, after)];
    let events = desk.venue.block(Vec::new(), commands);
    let whose: Vec<u32> = events
        .iter()
        .filter_map(|event| match event {
            Event::Accepted(accepted) => Some(accepted.account.0),
            _ => None,
        })
        .collect();
    let mut expected = vec![DAN.0];
    expected.extend([ANN.0; 16]);
    expected.push(CAT.0);
    expected.extend([ANN.0; 4]);
    assert_eq!(whose, expected);
    assert_eq!((desk.position(ANN), sets(&desk)), (20, 0));
    let asks = desk.venue.exchange.depth(desk.perpetual, Sell, 9);
    assert_eq!((asks[0].price, asks[0].lots), (price(101_000), Lots(20)));
}

#[test]
fn what_a_primary_triggers_without_a_link_is_placed_in_full() {
    let mut desk = Desk::new();
    let orders = [
        desk.order(Buy, 10, 99_900),
        // The first takes four on coming; the second is none of its business.
        desk.order(Sell, 10, 99_500),
        desk.order(Sell, 10, 101_000),
    ];
    linked(&mut desk, OTO, &orders);
    desk.limit(DAN, Buy, 4, 99_800);
    let events = desk.venue.send_ok(CAT, Command::Place(desk.order(Sell, 10, 99_900)));
    let lots: Vec<i64> = events
        .iter()
        .filter_map(|event| match event {
            Event::Booked { lots, .. } => Some(lots.0),
            _ => None,
        })
        .collect();
    assert_eq!(lots, [6, 10]);
}
