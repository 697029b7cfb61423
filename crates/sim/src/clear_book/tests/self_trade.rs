//! Self-trade prevention, alone and with fill-or-kill (M5, M2).

use super::*;

const OWN: u64 = 7;

/// Sells of another account, of the own one, and of another again.
fn sandwich() -> ClearBook {
    book_of(&[sell(1, 100, 5), sell(2, 100, 5).of(OWN), sell(3, 100, 5)])
}

fn taker(self_trade: SelfTrade) -> NewOrder {
    buy(4, 100, 12).of(OWN).preventing(self_trade)
}

#[test]
fn cancel_taker_keeps_earlier_fills_and_cancels_the_rest() {
    let mut book = sandwich();
    let effects = book.add(taker(SelfTrade::CancelTaker));
    assert_eq!(effects, [trade(1, 4, 100, 5), cancelled(4, 7, CancelReason::SelfTrade)]);
    assert_eq!(ids(&book), [2, 3]);
}

#[test]
fn cancel_maker_cancels_the_resting_order_and_goes_on() {
    let mut book = sandwich();
    let effects = book.add(taker(SelfTrade::CancelMaker));
    let expected = [
        trade(1, 4, 100, 5),
        cancelled(2, 5, CancelReason::SelfTrade),
        trade(3, 4, 100, 5),
        booked(4, 100, 2),
    ];
    assert_eq!(effects, expected);
    assert_eq!(ids(&book), [4]);
}

#[test]
fn cancel_both_cancels_the_resting_order_then_the_taker() {
    let mut book = sandwich();
    let effects = book.add(taker(SelfTrade::CancelBoth));
    let expected = [
        trade(1, 4, 100, 5),
        cancelled(2, 5, CancelReason::SelfTrade),
        cancelled(4, 7, CancelReason::SelfTrade),
    ];
    assert_eq!(effects, expected);
    assert_eq!(ids(&book), [3]);
}

#[test]
fn the_flag_of_the_taker_decides() {
    let mut book = book_of(&[sell(1, 100, 5).of(OWN).preventing(SelfTrade::CancelMaker)]);
    let effects = book.add(buy(2, 100, 5).of(OWN).preventing(SelfTrade::CancelTaker));
    assert_eq!(effects, [cancelled(2, 5, CancelReason::SelfTrade)]);
    assert_eq!(ids(&book), [1]);
}

#[test]
fn a_cancelled_iceberg_loses_its_hidden_lots_too() {
    let mut book = book_of(&[sell(1, 100, 9).of(OWN).showing(2)]);
    let effects = book.add(buy(2, 100, 5).of(OWN).preventing(SelfTrade::CancelMaker));
    assert_eq!(effects, [cancelled(1, 9, CancelReason::SelfTrade), booked(2, 100, 5)]);
}

#[test]
fn a_taker_that_is_filled_before_it_meets_its_own_order_cancels_nothing() {
    let mut book = sandwich();
    let effects = book.add(buy(4, 100, 5).of(OWN).preventing(SelfTrade::CancelBoth));
    assert_eq!(effects, [trade(1, 4, 100, 5)]);
    assert_eq!(ids(&book), [2, 3]);
}

#[test]
fn the_rest_of_an_immediate_order_stopped_by_its_own_is_a_self_trade_cancel() {
    let mut book = sandwich();
    let effects = book.add(taker(SelfTrade::CancelTaker).immediate());
    assert_eq!(effects, [trade(1, 4, 100, 5), cancelled(4, 7, CancelReason::SelfTrade)]);
}

#[test]
fn an_own_order_ends_what_a_fill_or_kill_counts_on() {
    for self_trade in [SelfTrade::CancelTaker, SelfTrade::CancelBoth] {
        let mut book = sandwich();
        let before = book.dump();
        let six = NewOrder { lots: 6, ..taker(self_trade).fill_or_kill() };
        assert_eq!(book.add(six), [rejected(4, RejectReason::FillOrKill)]);
        assert_eq!(book.dump(), before);
        let five = NewOrder { lots: 5, ..six };
        assert_eq!(book.add(five), [trade(1, 4, 100, 5)]);
    }
}

#[test]
fn a_fill_or_kill_that_cancels_makers_counts_past_its_own_orders() {
    let eleven = NewOrder { lots: 11, ..taker(SelfTrade::CancelMaker).fill_or_kill() };
    let mut book = sandwich();
    assert_eq!(book.add(eleven), [rejected(4, RejectReason::FillOrKill)]);
    assert_eq!(ids(&book), [1, 2, 3]);
    let effects = book.add(NewOrder { lots: 10, ..eleven });
    let own = cancelled(2, 5, CancelReason::SelfTrade);
    assert_eq!(effects, [trade(1, 4, 100, 5), own, trade(3, 4, 100, 5)]);
}

/// What an iceberg that stands before the own order hides shows up behind that order.
#[test]
fn a_fill_or_kill_does_not_count_hidden_lots_that_an_own_order_keeps_from_it() {
    let icebergs = [sell(1, 99, 3).showing(1), sell(2, 100, 9).showing(2), sell(3, 100, 5).of(OWN)];
    let mut book = book_of(&icebergs);
    let five = NewOrder { lots: 5, ..taker(SelfTrade::CancelTaker).fill_or_kill() };
    assert_eq!(book.add(NewOrder { lots: 6, ..five }), [rejected(4, RejectReason::FillOrKill)]);
    let lots: Vec<Effect> = [(1, 99, 1), (1, 99, 1), (1, 99, 1), (2, 100, 2)]
        .map(|(maker, price_ticks, lots)| trade(maker, 4, price_ticks, lots))
        .to_vec();
    assert_eq!(book.add(five), lots);
    assert_eq!(slices(&book), [(3, 5, 5), (2, 2, 7)]);
}
