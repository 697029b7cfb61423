//! Validity, post, time in force, cancel and views (M1 to M3).

use super::super::{Command, LOTS_MAX, Level, Phase};
use super::*;

#[test]
fn an_order_that_does_not_cross_is_booked() {
    let mut book = book();
    assert_eq!(book.add(buy(1, 100, 5)), [booked(1, 100, 5)]);
    assert_eq!(book.add(sell(2, 101, 6)), [booked(2, 101, 6)]);
    assert_eq!((book.best_bid(), book.best_ask()), (Some(100), Some(101)));
    assert_eq!(ids(&book), [1, 2]);
}

#[test]
fn invalid_orders_are_refused_with_their_reason_and_change_nothing() {
    let mut book = book_of(&[buy(1, 100, 5)]);
    let before = book.dump();
    let cases = [
        (buy(1, 100, 5), RejectReason::DuplicateId),
        (buy(2, 100, 0), RejectReason::Lots),
        (buy(2, 100, LOTS_MAX + 1), RejectReason::Lots),
        (sell(2, 0, 5), RejectReason::Price),
        (sell(2, PRICE_TICKS_MAX + 1, 5), RejectReason::Price),
        (sell(2, 100, 5).showing(0), RejectReason::Display),
    ];
    for (bad, reason) in cases {
        assert_eq!(book.add(bad), [rejected(bad.id, reason)]);
    }
    assert_eq!(book.dump(), before);
    assert_eq!(book.add(buy(2, 1, LOTS_MAX)), [booked(2, 1, LOTS_MAX)]);
    assert_eq!(book.add(sell(3, PRICE_TICKS_MAX, 1)), [booked(3, PRICE_TICKS_MAX, 1)]);
}

#[test]
fn an_id_can_be_used_again_once_its_order_is_gone() {
    let mut book = book_of(&[buy(1, 100, 5)]);
    assert_eq!(book.cancel(1), [cancelled(1, 5, CancelReason::Requested)]);
    assert_eq!(book.add(sell(1, 90, 2)), [booked(1, 90, 2)]);
}

#[test]
fn cancel_takes_out_one_order_and_refuses_an_unknown_id() {
    let mut book = book_of(&[buy(1, 100, 5), buy(2, 100, 6), buy(3, 100, 7).showing(2)]);
    assert_eq!(book.cancel(2), [cancelled(2, 6, CancelReason::Requested)]);
    assert_eq!(book.cancel(2), [rejected(2, RejectReason::UnknownOrder)]);
    assert_eq!(book.cancel(3), [cancelled(3, 7, CancelReason::Requested)]);
    assert_eq!(ids(&book), [1]);
}

#[test]
fn the_rest_of_an_immediate_order_is_cancelled() {
    let mut book = book_of(&[sell(1, 100, 5)]);
    let effects = book.add(buy(2, 101, 8).immediate());
    assert_eq!(effects, [trade(1, 2, 100, 5), cancelled(2, 3, CancelReason::Immediate)]);
    let effects = book.add(buy(3, 101, 8).immediate());
    assert_eq!(effects, [cancelled(3, 8, CancelReason::Immediate)]);
    assert!(ids(&book).is_empty());
}

#[test]
fn a_fill_or_kill_fills_whole_over_levels_or_has_no_effect() {
    let mut book = book_of(&[sell(1, 100, 5), sell(2, 101, 5), sell(3, 102, 5)]);
    let before = book.dump();
    let killed = book.add(buy(4, 101, 11).fill_or_kill());
    assert_eq!(killed, [rejected(4, RejectReason::FillOrKill)]);
    assert_eq!(book.dump(), before);
    let filled = book.add(buy(4, 101, 10).fill_or_kill());
    assert_eq!(filled, [trade(1, 4, 100, 5), trade(2, 4, 101, 5)]);
    assert_eq!(ids(&book), [3]);
}

#[test]
fn a_fill_or_kill_counts_on_hidden_lots() {
    let mut book = book_of(&[sell(1, 100, 9).showing(4)]);
    let effects = book.add(buy(2, 100, 9).fill_or_kill());
    assert_eq!(effects, [trade(1, 2, 100, 4), trade(1, 2, 100, 4), trade(1, 2, 100, 1)]);
}

#[test]
fn post_reject_is_refused_at_the_touch_and_booked_one_tick_inside() {
    let mut book = book_of(&[buy(1, 98, 5), sell(2, 100, 5)]);
    let reject = |order: NewOrder| order.posting(Post::Reject);
    assert_eq!(book.add(reject(buy(3, 100, 1))), [rejected(3, RejectReason::Post)]);
    assert_eq!(book.add(reject(sell(3, 98, 1))), [rejected(3, RejectReason::Post)]);
    assert_eq!(book.add(reject(buy(3, 99, 1))), [booked(3, 99, 1)]);
    assert_eq!(ids(&book), [3, 1, 2]);
}

#[test]
fn post_reprice_moves_to_one_tick_inside_the_opposite_best() {
    let mut book = book_of(&[buy(1, 95, 5), sell(2, 100, 5)]);
    let reprice = |order: NewOrder| order.posting(Post::Reprice);
    assert_eq!(book.add(reprice(buy(3, 104, 1))), [booked(3, 99, 1)]);
    assert_eq!(book.add(reprice(sell(4, 90, 1))), [booked(4, 100, 1)]);
    assert_eq!(book.add(reprice(buy(5, 97, 1))), [booked(5, 97, 1)]);
    assert_eq!(ids(&book), [3, 5, 1, 2, 4]);
}

#[test]
fn post_reprice_is_refused_where_there_is_no_tick_inside() {
    let mut floor = book_of(&[sell(1, 1, 5)]);
    let effects = floor.add(buy(2, 1, 1).posting(Post::Reprice));
    assert_eq!(effects, [rejected(2, RejectReason::Post)]);
    let mut ceiling = book_of(&[buy(1, PRICE_TICKS_MAX, 5)]);
    let effects = ceiling.add(sell(2, PRICE_TICKS_MAX, 1).posting(Post::Reprice));
    assert_eq!(effects, [rejected(2, RejectReason::Post)]);
}

#[test]
fn a_post_order_that_cannot_rest_never_trades() {
    let mut book = book_of(&[sell(1, 100, 5)]);
    let effects = book.add(buy(2, 100, 1).posting(Post::Reprice).immediate());
    assert_eq!(effects, [cancelled(2, 1, CancelReason::Immediate)]);
    let effects = book.add(buy(2, 100, 1).posting(Post::Reprice).fill_or_kill());
    assert_eq!(effects, [rejected(2, RejectReason::FillOrKill)]);
}

#[test]
fn depth_sums_levels_best_first_and_an_order_shows_its_state() {
    let mut book =
        book_of(&[buy(1, 99, 5), buy(2, 100, 7).showing(2), buy(3, 100, 1), sell(4, 103, 4)]);
    book.add(sell(5, 100, 1));
    let level = |price_ticks, visible_lots, total_lots, orders| Level {
        price_ticks,
        visible_lots,
        total_lots,
        orders,
    };
    assert_eq!(book.depth(Side::Buy, 9), [level(100, 2, 7, 2), level(99, 5, 5, 1)]);
    assert_eq!(book.depth(Side::Buy, 1).len(), 1);
    assert_eq!(book.depth(Side::Sell, 9), [level(103, 4, 4, 1)]);
    let iceberg = book.order(2).unwrap();
    assert_eq!((iceberg.total_lots, iceberg.filled_lots, iceberg.visible_lots), (7, 1, 1));
    assert_eq!((book.order(5), book.orders_resting()), (None, 4));
}

#[test]
fn apply_does_what_the_methods_do() {
    let (mut applied, mut called) = (book(), book());
    let commands = [
        Command::Add(buy(1, 100, 5)),
        Command::Amend(amendment(1, 101, 6)),
        Command::StartAuction,
        Command::Add(sell(2, 99, 4)),
        Command::Uncross { reference_ticks: 100 },
        Command::Cancel { id: 1 },
    ];
    let effects: Vec<Effect> = commands.iter().flat_map(|c| applied.apply(c)).collect();
    let mut expected = called.add(buy(1, 100, 5));
    expected.extend(called.amend(amendment(1, 101, 6)));
    called.start_auction();
    assert_eq!(called.phase(), Phase::Auction);
    expected.extend(called.add(sell(2, 99, 4)));
    expected.extend(called.uncross(100));
    expected.extend(called.cancel(1));
    assert_eq!(effects, expected);
    assert_eq!(applied.phase(), Phase::Continuous);
}
