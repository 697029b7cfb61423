//! Auctions (M7).

use super::super::{AuctionPrice, Phase};
use super::*;
use std::cmp::Reverse;

/// A book in auction that collected the orders.
fn collected(orders: &[NewOrder]) -> ClearBook {
    let mut book = book();
    book.start_auction();
    for new in orders {
        let effects = book.add(*new);
        assert!(matches!(effects[..], [Effect::Booked { .. }]), "collects: {effects:?}");
    }
    book.assert_invariants();
    book
}

fn price(book: &ClearBook, reference_ticks: u64) -> (u64, u64, i128) {
    let AuctionPrice { price_ticks, lots, imbalance_lots } =
        book.auction_price(reference_ticks).unwrap();
    (price_ticks, lots, imbalance_lots)
}

#[test]
fn orders_collect_without_trading() {
    let book = collected(&[buy(1, 105, 5), sell(2, 95, 5)]);
    assert_eq!((book.best_bid(), book.best_ask()), (Some(105), Some(95)));
    assert_eq!(book.phase(), Phase::Auction);
}

#[test]
fn immediate_fill_or_kill_and_post_orders_are_refused_in_an_auction() {
    let mut book = collected(&[buy(1, 105, 5), sell(2, 95, 5)]);
    let refused = [rejected(3, RejectReason::NotInAuction)];
    assert_eq!(book.add(buy(3, 100, 1).immediate()), refused);
    assert_eq!(book.add(buy(3, 100, 1).fill_or_kill()), refused);
    assert_eq!(book.add(buy(3, 90, 1).posting(Post::Reject)), refused);
    assert_eq!(book.add(buy(3, 90, 1).posting(Post::Reprice)), refused);
    assert_eq!(book.cancel(2), [cancelled(2, 5, CancelReason::Requested)]);
}

#[test]
fn an_amendment_in_an_auction_moves_the_order_without_trading() {
    let mut book = collected(&[buy(1, 90, 5), sell(2, 95, 5)]);
    let effects = book.amend(amendment(1, 100, 5));
    assert_eq!(effects, [amended(1, 100, 5, false), booked(1, 100, 5)]);
}

#[test]
fn a_resting_post_order_can_shrink_but_not_re_enter_in_an_auction() {
    let mut book = book_of(&[buy(1, 90, 5).posting(Post::Reject)]);
    book.start_auction();
    assert_eq!(book.amend(amendment(1, 91, 5)), [rejected(1, RejectReason::NotInAuction)]);
    assert_eq!(book.amend(amendment(1, 90, 4)), [amended(1, 90, 4, true)]);
}

#[test]
fn a_book_that_is_not_crossed_has_no_auction_price_and_trades_nothing() {
    let mut book = collected(&[buy(1, 99, 5), sell(2, 100, 5)]);
    assert_eq!(book.auction_price(100), None);
    assert!(book.uncross(100).is_empty());
    assert_eq!(book.phase(), Phase::Continuous);
    assert_eq!(collected(&[buy(1, 99, 5)]).auction_price(100), None);
}

#[test]
fn the_price_of_greatest_volume_wins() {
    let book = collected(&[
        buy(1, 103, 5),
        buy(2, 102, 5),
        buy(3, 101, 5),
        sell(4, 101, 4),
        sell(5, 102, 6),
        sell(6, 103, 10),
    ]);
    // At 101: 15 to buy and 4 to sell; at 102: 10 and 10; at 103: 5 and 20.
    assert_eq!(price(&book, 103), (102, 10, 0));
}

#[test]
fn among_equal_volumes_the_least_imbalance_wins() {
    let book = collected(&[buy(1, 105, 10), sell(2, 100, 10), buy(3, 101, 3)]);
    // 10 trade anywhere from 100 to 105, but at 100 and 101 three more want to buy.
    assert_eq!(price(&book, 100), (102, 10, 0));
}

#[test]
fn among_equal_imbalances_the_nearest_to_the_reference_wins() {
    let orders = [buy(1, 110, 10), sell(2, 100, 10)];
    assert_eq!(price(&collected(&orders), 104), (104, 10, 0));
    assert_eq!(price(&collected(&orders), 90), (100, 10, 0));
    assert_eq!(price(&collected(&orders), 900), (110, 10, 0));
}

#[test]
fn the_price_may_lie_where_no_order_is() {
    let orders = [buy(1, 105, 7), buy(2, 102, 4), sell(3, 102, 7), sell(4, 105, 4)];
    // At 102: 11 to buy and 7 to sell; from 103 to 104: 7 and 7; at 105: 7 and 11.
    assert_eq!(price(&collected(&orders), 104), (104, 7, 0));
    assert_eq!(price(&collected(&orders), 101), (103, 7, 0));
    assert_eq!(price(&collected(&orders), 106), (104, 7, 0));
}

#[test]
fn no_tick_at_all_is_a_better_price() {
    // Every book of two bids and two asks of up to two lots within five ticks, at every reference.
    let levels = || (0..5_u64).flat_map(|price| (1..=2_u64).map(move |lots| (10 + price, lots)));
    let pairs: Vec<_> = levels().flat_map(|one| levels().map(move |two| [one, two])).collect();
    for bids in &pairs {
        for asks in &pairs {
            let book = collected_levels(bids, asks);
            for reference in 9..16 {
                let better = (0..20)
                    .map(|price| {
                        let [buys, sells] = [
                            bids.iter().filter(|bid| bid.0 >= price).map(|bid| bid.1).sum::<u64>(),
                            asks.iter().filter(|ask| ask.0 <= price).map(|ask| ask.1).sum::<u64>(),
                        ];
                        let rank = (buys.abs_diff(sells), price.abs_diff(reference), price);
                        (Reverse(buys.min(sells)), rank)
                    })
                    .min()
                    .filter(|(volume, _)| volume.0 > 0);
                let found = book.auction_price(reference);
                assert_eq!(
                    found.map(|found| (found.price_ticks, found.lots)),
                    better.map(|(volume, rank)| (rank.2, volume.0)),
                    "bids {bids:?}, asks {asks:?}, reference {reference}"
                );
            }
        }
    }
}

/// A book in auction with orders of these prices and lots.
fn collected_levels(bids: &[(u64, u64)], asks: &[(u64, u64)]) -> ClearBook {
    let bids = bids.iter().zip(1..).map(|(&(price, lots), id)| buy(id, price, lots));
    let asks = asks.iter().zip(11..).map(|(&(price, lots), id)| sell(id, price, lots));
    collected(&bids.chain(asks).collect::<Vec<_>>())
}

#[test]
fn imbalance_counts_alike_on_both_sides_and_hidden_lots_count() {
    let book = collected(&[buy(1, 104, 9).showing(1), sell(2, 104, 6).showing(2)]);
    assert_eq!(price(&book, 1), (104, 6, 3));
    let book = collected(&[buy(1, 104, 6), sell(2, 104, 9)]);
    assert_eq!(price(&book, 1), (104, 6, -3));
}

#[test]
fn everybody_trades_at_one_price_by_price_then_time() {
    let mut book = collected(&[
        buy(1, 101, 4),
        buy(2, 103, 5),
        buy(3, 101, 4),
        sell(4, 100, 6),
        sell(5, 99, 3),
        sell(6, 104, 1),
    ]);
    // 9 to sell from 100; at 101 there are 13 to buy, at 103 only 5.
    assert_eq!(price(&book, 100), (100, 9, 4));
    let effects = book.uncross(100);
    assert_eq!(effects, [trade(2, 5, 100, 3), trade(2, 4, 100, 2), trade(1, 4, 100, 4)]);
    assert_eq!(ids(&book), [3, 6]);
    assert_eq!(book.phase(), Phase::Continuous);
}

#[test]
fn icebergs_show_slice_after_slice_in_an_auction() {
    let mut book = collected(&[buy(1, 101, 6).showing(2), buy(2, 101, 3), sell(3, 101, 7)]);
    let effects = book.uncross(101);
    assert_eq!(effects, [trade(1, 3, 101, 2), trade(2, 3, 101, 3), trade(1, 3, 101, 2)]);
    assert_eq!(slices(&book), [(1, 2, 2)]);
}

#[test]
fn where_an_account_meets_itself_the_newer_order_is_cancelled() {
    let mut book = collected(&[buy(1, 101, 5).of(7), sell(2, 101, 4).of(7), sell(3, 101, 2)]);
    let effects = book.uncross(101);
    assert_eq!(effects, [cancelled(2, 4, CancelReason::SelfTrade), trade(1, 3, 101, 2)]);
    assert_eq!(slices(&book), [(1, 3, 3)]);
}

#[test]
fn an_amended_order_that_lost_its_priority_is_the_newer_one() {
    let mut book = collected(&[buy(1, 101, 5).of(7), sell(2, 101, 4).of(7)]);
    book.amend(amendment(1, 102, 5));
    assert_eq!(book.uncross(101), [cancelled(1, 5, CancelReason::SelfTrade)]);
    let mut book = collected(&[buy(1, 101, 5).of(7), sell(2, 101, 4).of(7)]);
    book.amend(amendment(1, 101, 4));
    assert_eq!(book.uncross(101), [cancelled(2, 4, CancelReason::SelfTrade)]);
}

#[test]
fn a_new_slice_does_not_make_an_order_newer() {
    let mut book =
        collected(&[buy(1, 101, 4).of(7).showing(1), sell(2, 101, 1), sell(3, 101, 2).of(7)]);
    let effects = book.uncross(101);
    assert_eq!(effects, [trade(1, 2, 101, 1), cancelled(3, 2, CancelReason::SelfTrade)]);
    assert_eq!(slices(&book), [(1, 1, 3)]);
}

#[test]
fn the_auction_is_repeated_at_another_price_while_the_book_is_crossed() {
    let mut book = collected(&[sell(1, 90, 10).of(7), buy(2, 110, 10).of(7), buy(3, 100, 3)]);
    // Only above 100 do ten meet ten; but they are of one account, and what is left crosses below.
    assert_eq!(price(&book, 95), (101, 10, 0));
    let effects = book.uncross(95);
    assert_eq!(effects, [cancelled(2, 10, CancelReason::SelfTrade), trade(1, 3, 95, 3)]);
    assert_eq!(slices(&book), [(1, 7, 7)]);
}

#[test]
fn lots_left_without_a_partner_stay_in_the_book_in_their_order() {
    let mut book = collected(&[buy(1, 101, 5), buy(2, 101, 5), sell(3, 101, 7)]);
    book.uncross(101);
    assert_eq!(slices(&book), [(2, 3, 3)]);
    assert_eq!(book.add(sell(4, 101, 1)), [trade(2, 4, 101, 1)]);
}
