//! Price-time priority and icebergs (M1, M3).

use super::*;

#[test]
fn better_prices_trade_first_then_older_orders_at_the_resting_price() {
    let mut book = book_of(&[sell(1, 102, 5), sell(2, 101, 5), sell(3, 101, 5)]);
    let effects = book.add(buy(4, 103, 12));
    assert_eq!(effects, [trade(2, 4, 101, 5), trade(3, 4, 101, 5), trade(1, 4, 102, 2)]);
    assert_eq!(slices(&book), [(1, 3, 3)]);
}

#[test]
fn sellers_meet_the_highest_bid_first() {
    let mut book = book_of(&[buy(1, 98, 5), buy(2, 99, 5), buy(3, 99, 5)]);
    let effects = book.add(sell(4, 98, 11));
    assert_eq!(effects, [trade(2, 4, 99, 5), trade(3, 4, 99, 5), trade(1, 4, 98, 1)]);
}

#[test]
fn the_rest_of_a_taker_is_booked_at_its_limit() {
    let mut book = book_of(&[sell(1, 100, 5), sell(2, 102, 5)]);
    assert_eq!(book.add(buy(3, 101, 8)), [trade(1, 3, 100, 5), booked(3, 101, 3)]);
    let rest = book.order(3).unwrap();
    assert_eq!((rest.total_lots, rest.filled_lots), (8, 5));
}

#[test]
fn a_partly_filled_order_keeps_its_place() {
    let mut book = book_of(&[sell(1, 100, 5), sell(2, 100, 5)]);
    book.add(buy(3, 100, 2));
    assert_eq!(slices(&book), [(1, 3, 3), (2, 5, 5)]);
    assert_eq!(book.add(buy(4, 100, 4)), [trade(1, 4, 100, 3), trade(2, 4, 100, 1)]);
}

#[test]
fn a_partly_hit_slice_keeps_its_place() {
    let mut book = book_of(&[sell(1, 100, 9).showing(3), sell(2, 100, 5)]);
    book.add(buy(3, 100, 2));
    assert_eq!(slices(&book), [(1, 1, 7), (2, 5, 5)]);
}

#[test]
fn a_new_slice_goes_to_the_back_of_its_level() {
    let mut book = book_of(&[sell(1, 100, 9).showing(3), sell(2, 100, 5)]);
    assert_eq!(book.add(buy(3, 100, 3)), [trade(1, 3, 100, 3)]);
    assert_eq!(slices(&book), [(2, 5, 5), (1, 3, 6)]);
}

#[test]
fn one_taker_may_hit_the_slices_of_an_iceberg_again_and_again() {
    let mut book = book_of(&[sell(1, 100, 8).showing(3), sell(2, 100, 2)]);
    let effects = book.add(buy(3, 100, 20));
    let expected = [
        trade(1, 3, 100, 3),
        trade(2, 3, 100, 2),
        trade(1, 3, 100, 3),
        trade(1, 3, 100, 2),
        booked(3, 100, 10),
    ];
    assert_eq!(effects, expected);
}

#[test]
fn two_icebergs_take_turns() {
    let mut book = book_of(&[sell(1, 100, 4).showing(2), sell(2, 100, 3).showing(1)]);
    let effects = book.add(buy(3, 100, 6));
    let expected =
        [trade(1, 3, 100, 2), trade(2, 3, 100, 1), trade(1, 3, 100, 2), trade(2, 3, 100, 1)];
    assert_eq!(effects, expected);
    assert_eq!(slices(&book), [(2, 1, 1)]);
}

#[test]
fn an_iceberg_takes_with_all_its_lots_and_shows_a_slice_of_the_rest() {
    let mut book = book_of(&[sell(1, 100, 5)]);
    let effects = book.add(buy(2, 100, 12).showing(4));
    let rest = Effect::Booked { id: 2, price_ticks: 100, lots: 7, visible_lots: 4 };
    assert_eq!(effects, [trade(1, 2, 100, 5), rest]);
}

#[test]
fn a_display_beyond_the_order_shows_it_all() {
    let book = book_of(&[buy(1, 100, 5).showing(50)]);
    assert_eq!(slices(&book), [(1, 5, 5)]);
}
