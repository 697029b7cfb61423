//! M2: trailing stops, whose triggers follow the best price at a fixed distance.

use super::common::{price, rejects};
use super::desk::*;
use lockstep_types::command::Command;
use lockstep_types::event::Event;
use lockstep_types::order::{NewOrder, Side, TriggerKind, TriggerSource};
use lockstep_types::reject::RejectCode;

fn trailing(desk: &Desk, side: Side, source: TriggerSource, dollars: i64) -> NewOrder {
    desk.asleep(side, 1, source, TriggerKind::Trailing { offset: price(dollars) })
}

fn trigger(desk: &Desk, order: lockstep_types::ids::OrderId) -> i64 {
    dollars(desk.view(order).unwrap().trigger_price.unwrap())
}

#[test]
fn a_seller_follows_the_price_up_and_never_down() {
    let mut desk = Desk::new();
    let (id, events) = desk.place(ANN, trailing(&desk, Sell, Index, 500));
    let sleeping = Event::Sleeping { order: id, trigger_price: price(99_500) };
    assert_eq!(events.last(), Some(&sleeping));
    for (index, expected) in [
        (100_200, 99_700),
        (99_900, 99_700),
        (101_000, 100_500),
        (100_600, 100_500),
        (100_501, 100_500),
    ] {
        assert_eq!(woken(&desk.move_index(index)), []);
        assert_eq!(trigger(&desk, id), expected, "at {index}");
    }
    assert_eq!(woken(&desk.move_index(100_500)), [id]);
}

#[test]
fn a_buyer_follows_the_price_down_and_never_up() {
    let mut desk = Desk::new();
    let (id, _) = desk.place(ANN, trailing(&desk, Buy, Mark, 500));
    assert_eq!(trigger(&desk, id), 100_500);
    for (index, expected) in [(99_800, 100_300), (100_200, 100_300), (99_000, 99_500)] {
        assert_eq!(woken(&desk.move_index(index)), []);
        assert_eq!(trigger(&desk, id), expected, "at {index}");
    }
    assert_eq!(woken(&desk.move_index(99_500)), [id]);
}

#[test]
fn each_follows_the_best_price_since_its_own_placing() {
    let mut desk = Desk::new();
    let (old, _) = desk.place(ANN, trailing(&desk, Sell, Index, 500));
    desk.move_index(102_000);
    desk.move_index(101_800);
    let (young, _) = desk.place(BEN, trailing(&desk, Sell, Index, 500));
    assert_eq!((trigger(&desk, old), trigger(&desk, young)), (101_500, 101_300));
    desk.move_index(101_900);
    assert_eq!((trigger(&desk, old), trigger(&desk, young)), (101_500, 101_400));
    // Both reach the same new best.
    desk.move_index(103_000);
    assert_eq!((trigger(&desk, old), trigger(&desk, young)), (102_500, 102_500));
    assert_eq!(woken(&desk.move_index(102_400)), [old, young]);
}

#[test]
fn on_the_last_price_it_follows_trades() {
    let mut desk = Desk::new();
    let reject = desk.refused(ANN, Command::Place(trailing(&desk, Sell, Last, 300)));
    assert_eq!(reject.code, RejectCode::NoReference, "nothing has traded");
    desk.hold(ANN, 1);
    let (id, _) = desk.place(ANN, trailing(&desk, Sell, Last, 300));
    assert_eq!(trigger(&desk, id), 99_700);
    for (dollars, expected) in [(100_100, 99_800), (99_900, 99_800)] {
        desk.limit(BEN, Sell, 1, dollars);
        desk.limit(CAT, Buy, 1, dollars);
        assert_eq!(trigger(&desk, id), expected);
    }
    desk.limit(BEN, Sell, 1, 99_800);
    let buy = Command::Place(desk.order(Buy, 1, 99_800));
    assert_eq!(woken(&desk.venue.send_ok(CAT, buy)), [id]);
}

#[test]
fn a_distance_that_leaves_no_price_is_refused() {
    let mut desk = Desk::new();
    let order = trailing(&desk, Sell, Index, 100_000);
    let reject = desk.refused(ANN, Command::Place(order));
    assert_eq!((reject.code, reject.actual), (RejectCode::BadTrigger, 0));
    desk.place(ANN, trailing(&desk, Sell, Index, 99_999));
    desk.place(ANN, trailing(&desk, Buy, Index, 500_000));
}

#[test]
fn changing_the_distance_keeps_the_best_price_seen() {
    let mut desk = Desk::new();
    let (id, _) = desk.place(ANN, trailing(&desk, Sell, Index, 500));
    desk.move_index(102_000);
    desk.move_index(101_800);
    desk.amend(ANN, id, None, None, Some(700));
    assert_eq!(trigger(&desk, id), 101_300, "700 below 102,000");
    // 100 below 102,000 would fire at 101,800.
    let events = desk.amend(ANN, id, None, None, Some(100));
    assert_eq!(rejects(&events)[0].code, RejectCode::BadTrigger);
    assert_eq!(trigger(&desk, id), 101_300);
    desk.move_index(103_000);
    assert_eq!(trigger(&desk, id), 102_300);
    assert_eq!(woken(&desk.move_index(102_300)), [id]);
}
