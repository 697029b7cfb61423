//! M2, M3, M4: corners of filling, amending and showing that the differential test led to or that
//! it cannot see.

use super::common::{price, rejects};
use super::desk::*;
use lockstep_types::command::Command;
use lockstep_types::event::CancelReason;
use lockstep_types::order::{NewOrder, PostOnly, TimeInForce};
use lockstep_types::params::UnderlyingParams;
use lockstep_types::reject::{Reject, RejectCode};
use lockstep_types::units::Lots;

fn fill_or_kill(desk: &Desk, lots: i64, dollars: i64) -> Command {
    let order = desk.order(Buy, lots, dollars);
    Command::Place(NewOrder { time_in_force: TimeInForce::FillOrKill, ..order })
}

#[test]
fn a_fill_or_kill_counts_hidden_lots() {
    let mut desk = Desk::new();
    let iceberg = NewOrder { display: Some(Lots(1)), ..desk.order(Sell, 7, 100_000) };
    desk.place(BEN, iceberg);
    let short = desk.refused(ANN, fill_or_kill(&desk, 8, 100_000));
    assert_eq!(short, Reject::beyond(RejectCode::FillOrKillUnfilled, 1, 8));
    let order = fill_or_kill(&desk, 7, 100_000);
    let events = desk.venue.send_ok(ANN, order);
    assert_eq!(fills(&events).len(), 7, "slice by slice");
}

#[test]
fn a_fill_or_kill_does_not_count_what_its_own_order_keeps_from_it() {
    let mut desk = Desk::new();
    let iceberg = NewOrder { display: Some(Lots(2)), ..desk.order(Sell, 9, 100_000) };
    let (maker, _) = desk.place(BEN, iceberg);
    desk.limit(ANN, Sell, 5, 100_000);
    let short = desk.refused(ANN, fill_or_kill(&desk, 6, 100_000));
    assert_eq!(short, Reject::beyond(RejectCode::FillOrKillUnfilled, 4, 6));
    let order = fill_or_kill(&desk, 2, 100_000);
    let events = desk.venue.send_ok(ANN, order);
    assert_eq!(fills(&events).len(), 1);
    assert_eq!(desk.left(maker), 7);
}

#[test]
fn a_fill_or_kill_that_would_meet_more_slices_than_allowed_is_refused() {
    let mut desk = Desk::new();
    let iceberg = NewOrder { display: Some(Lots(1)), ..desk.order(Sell, 12_000, 100_000) };
    let (maker, _) = desk.place(BEN, iceberg);
    let reject = desk.refused(ANN, fill_or_kill(&desk, 10_001, 100_000));
    assert_eq!(reject.code, RejectCode::FillOrKillUnfilled);
    let order = fill_or_kill(&desk, 10_000, 100_000);
    let events = desk.venue.send_ok(ANN, order);
    assert_eq!(fills(&events).len(), 10_000);
    assert_eq!(desk.left(maker), 2_000);
}

#[test]
fn an_iceberg_that_was_made_small_and_large_again_shows_its_old_slice() {
    let mut desk = Desk::new();
    let iceberg = NewOrder { display: Some(Lots(6)), ..desk.order(Sell, 10, 100_000) };
    let (id, _) = desk.place(BEN, iceberg);
    desk.amend(BEN, id, Some(3), None, None);
    assert_eq!(desk.view(id).unwrap().visible, Lots(3));
    desk.amend(BEN, id, Some(20), None, None);
    let view = desk.view(id).unwrap();
    assert_eq!((view.left, view.visible), (Lots(20), Lots(6)));
}

#[test]
fn the_rest_of_an_order_may_be_moved_although_it_is_below_the_minimum() {
    let mut desk = Desk::new();
    let id = desk.limit(BEN, Sell, 10, 100_000);
    let buy = Command::Place(desk.order(Buy, 7, 100_000));
    desk.venue.send_ok(ANN, buy);
    let ticker = lockstep_types::instrument::Ticker::new("BTC").unwrap();
    let genesis = UnderlyingParams::genesis(ticker, 100_000);
    let params = UnderlyingParams { lots_min: Lots(5), ..genesis };
    desk.venue.must(lockstep_types::command::SystemCommand::SetUnderlyingParams {
        underlying: BTC,
        params,
    });
    assert_eq!(rejects(&desk.amend(BEN, id, None, Some(100_100), None)), []);
    assert_eq!(desk.view(id).unwrap().left, Lots(3));
    let reject = desk.refused(ANN, Command::Place(desk.order(Buy, 3, 90_000)));
    assert_eq!(reject, Reject::beyond(RejectCode::BelowMinimum, 3, 5));
}

#[test]
fn a_post_only_order_is_not_repriced_beyond_the_last_price_there_is() {
    let mut desk = Desk::new();
    // At the largest price of all nothing can be offered behind a bid. Bands keep bids from there,
    // so the corner is looked at from the other side: below one tick nothing can be bid.
    desk.limit(BEN, Sell, 1, 100_000);
    let reprice = NewOrder { post_only: PostOnly::Reprice, ..desk.order(Buy, 1, 100_000) };
    let (id, _) = desk.place(ANN, reprice);
    assert_eq!(desk.view(id).unwrap().price, price(99_999));
}

#[test]
fn reduce_only_orders_shrink_with_the_position_oldest_first() {
    let mut desk = Desk::new();
    desk.hold(ANN, 10);
    let reduce = |desk: &Desk, lots, dollars| NewOrder {
        reduce_only: true,
        ..desk.order(Sell, lots, dollars)
    };
    let (first, _) = desk.place(ANN, reduce(&desk, 10, 101_000));
    let (second, _) = desk.place(ANN, reduce(&desk, 4, 102_000));
    desk.limit(DAN, Buy, 7, 99_900);
    let sell = Command::Place(desk.order(Sell, 7, 99_900));
    desk.venue.send_ok(ANN, sell);
    assert_eq!((desk.position(ANN), desk.left(first), desk.left(second)), (3, 3, 3));
    desk.limit(DAN, Buy, 3, 101_000);
    let events = desk.venue.tick();
    assert_eq!(cancelled(&events), []);
    assert_eq!((desk.position(ANN), desk.left(first), desk.left(second)), (0, 0, 0));
}

#[test]
fn a_reduce_only_maker_that_fills_ends_what_the_position_no_longer_covers() {
    let mut desk = Desk::new();
    desk.hold(ANN, 4);
    let reduce =
        |desk: &Desk, dollars| NewOrder { reduce_only: true, ..desk.order(Sell, 4, dollars) };
    let (first, _) = desk.place(ANN, reduce(&desk, 101_000));
    let (second, _) = desk.place(ANN, reduce(&desk, 102_000));
    let sweep = Command::Place(desk.order(Buy, 8, 102_000));
    let events = desk.venue.send_ok(DAN, sweep);
    assert_eq!(fills(&events).len(), 1, "the second was gone before the sweep reached it");
    assert_eq!(cancelled(&events), [(second, 4, CancelReason::ReduceOnly)]);
    assert_eq!((desk.left(first), desk.position(ANN)), (0, 0));
}
