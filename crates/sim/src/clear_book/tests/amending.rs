//! Amendments (M4).

use super::*;

#[test]
fn a_smaller_amount_keeps_the_place_in_the_queue() {
    let mut book = book_of(&[buy(1, 100, 5), buy(2, 100, 5)]);
    assert_eq!(book.amend(amendment(1, 100, 3)), [amended(1, 100, 3, true)]);
    assert_eq!(slices(&book), [(1, 3, 3), (2, 5, 5)]);
    assert_eq!(book.amend(amendment(1, 100, 3)), [amended(1, 100, 3, true)]);
    assert_eq!(ids(&book), [1, 2]);
}

#[test]
fn a_larger_amount_goes_to_the_back_of_the_queue() {
    let mut book = book_of(&[buy(1, 100, 5), buy(2, 100, 5)]);
    let effects = book.amend(amendment(1, 100, 6));
    assert_eq!(effects, [amended(1, 100, 6, false), booked(1, 100, 6)]);
    assert_eq!(slices(&book), [(2, 5, 5), (1, 6, 6)]);
}

#[test]
fn another_price_goes_to_the_back_of_its_level_even_with_fewer_lots() {
    let mut book = book_of(&[buy(1, 100, 5), buy(2, 99, 5)]);
    let effects = book.amend(amendment(1, 99, 2));
    assert_eq!(effects, [amended(1, 99, 2, false), booked(1, 99, 2)]);
    assert_eq!(ids(&book), [2, 1]);
}

#[test]
fn the_new_total_counts_what_has_filled() {
    let mut book = book_of(&[buy(1, 100, 10), sell(2, 100, 4)]);
    assert_eq!(book.amend(amendment(1, 100, 7)), [amended(1, 100, 7, true)]);
    assert_eq!(slices(&book), [(1, 3, 3)]);
    let effects = book.amend(amendment(1, 101, 9));
    assert_eq!(effects, [amended(1, 101, 9, false), booked(1, 101, 5)]);
    assert_eq!(book.order(1).unwrap().filled_lots, 4);
}

#[test]
fn a_total_of_at_most_what_has_filled_cancels_the_rest_whatever_the_price() {
    for (price_ticks, total_lots) in [(100, 4), (100, 0), (120, 3), (0, 4)] {
        let mut book = book_of(&[buy(1, 100, 10), sell(2, 100, 4)]);
        let effects = book.amend(amendment(1, price_ticks, total_lots));
        assert_eq!(effects, [cancelled(1, 6, CancelReason::AmendedBelowFilled)]);
        assert!(ids(&book).is_empty());
    }
}

#[test]
fn an_amended_order_can_trade_and_its_rest_is_booked() {
    let mut book = book_of(&[buy(1, 99, 10), sell(2, 101, 4)]);
    let effects = book.amend(amendment(1, 102, 11));
    assert_eq!(effects, [amended(1, 102, 11, false), trade(2, 1, 101, 4), booked(1, 102, 7)]);
    assert_eq!(book.order(1).unwrap().filled_lots, 4);
}

#[test]
fn an_amended_order_that_meets_its_own_account_is_prevented() {
    let mut book = book_of(&[buy(1, 99, 10).of(7), sell(2, 101, 4), sell(3, 101, 4).of(7)]);
    let effects = book.amend(amendment(1, 101, 10));
    let rest = cancelled(1, 6, CancelReason::SelfTrade);
    assert_eq!(effects, [amended(1, 101, 10, false), trade(2, 1, 101, 4), rest]);
    assert_eq!(ids(&book), [3]);
}

#[test]
fn an_amendment_of_a_post_reject_order_that_would_cross_changes_nothing() {
    let mut book = book_of(&[buy(1, 99, 5).posting(Post::Reject), buy(2, 99, 5), sell(3, 101, 4)]);
    let before = book.dump();
    assert_eq!(book.amend(amendment(1, 101, 2)), [rejected(1, RejectReason::Post)]);
    assert_eq!(book.dump(), before);
    let effects = book.amend(amendment(1, 100, 5));
    assert_eq!(effects, [amended(1, 100, 5, false), booked(1, 100, 5)]);
}

#[test]
fn an_amendment_of_a_post_reprice_order_slides() {
    let mut book = book_of(&[buy(1, 98, 5).posting(Post::Reprice), sell(3, 101, 4)]);
    let effects = book.amend(amendment(1, 105, 5));
    assert_eq!(effects, [amended(1, 100, 5, false), booked(1, 100, 5)]);
    assert_eq!(book.best_bid(), Some(100));
}

#[test]
fn a_slide_that_ends_where_the_order_stood_still_loses_the_place() {
    let mut book =
        book_of(&[buy(1, 100, 5).posting(Post::Reprice), buy(2, 100, 5), sell(3, 101, 4)]);
    let effects = book.amend(amendment(1, 105, 4));
    assert_eq!(effects, [amended(1, 100, 4, false), booked(1, 100, 4)]);
    assert_eq!(ids(&book), [2, 1, 3]);
}

#[test]
fn invalid_amendments_are_refused_and_change_nothing() {
    let mut book = book_of(&[buy(1, 100, 5)]);
    let before = book.dump();
    assert_eq!(book.amend(amendment(9, 100, 5)), [rejected(9, RejectReason::UnknownOrder)]);
    assert_eq!(book.amend(amendment(1, 0, 5)), [rejected(1, RejectReason::Price)]);
    let above = PRICE_TICKS_MAX + 1;
    assert_eq!(book.amend(amendment(1, above, 5)), [rejected(1, RejectReason::Price)]);
    assert_eq!(book.amend(amendment(1, 100, u64::MAX)), [rejected(1, RejectReason::Lots)]);
    assert_eq!(book.dump(), before);
}

#[test]
fn a_smaller_iceberg_keeps_its_slice_until_the_rest_is_smaller() {
    let mut book = book_of(&[sell(1, 100, 10).showing(4), sell(2, 100, 1)]);
    book.add(buy(3, 100, 1));
    assert_eq!(book.amend(amendment(1, 100, 6)), [amended(1, 100, 6, true)]);
    assert_eq!(slices(&book), [(1, 3, 5), (2, 1, 1)]);
    assert_eq!(book.amend(amendment(1, 100, 3)), [amended(1, 100, 3, true)]);
    assert_eq!(slices(&book), [(1, 2, 2), (2, 1, 1)]);
}

#[test]
fn a_larger_iceberg_shows_a_whole_slice_again_at_the_back() {
    let mut book = book_of(&[sell(1, 100, 10).showing(4), sell(2, 100, 1)]);
    book.add(buy(3, 100, 1));
    let effects = book.amend(amendment(1, 100, 11));
    let rest = Effect::Booked { id: 1, price_ticks: 100, lots: 10, visible_lots: 4 };
    assert_eq!(effects, [amended(1, 100, 11, false), rest]);
    assert_eq!(slices(&book), [(2, 1, 1), (1, 4, 10)]);
}
