//! M2, P5: what wakes sleeping orders, in which order, and what becomes of them then.

use super::common::{bounded, price, rejects, usd};
use super::desk::*;
use lockstep_types::command::{BatchItem, Command, Phase, UserCommand};
use lockstep_types::event::{CancelReason, Event};
use lockstep_types::order::{NewOrder, PostOnly, Side, TimeInForce, TriggerKind};
use lockstep_types::params::VenueParams;
use lockstep_types::reject::RejectCode;
use lockstep_types::units::{Lots, SpanMs};

#[test]
fn stops_and_takes_of_both_sides_fire_when_the_index_reaches_their_price() {
    let stop = |dollars| TriggerKind::Stop { price: price(dollars) };
    let take = |dollars| TriggerKind::Take { price: price(dollars) };
    let cases: [(Side, TriggerKind, i64, i64); 4] = [
        (Buy, stop(101_000), 100_999, 101_000),
        (Sell, stop(99_000), 99_001, 99_000),
        (Buy, take(99_000), 99_001, 99_000),
        (Sell, take(101_000), 100_999, 101_000),
    ];
    for (side, kind, short, reached) in cases {
        let mut desk = Desk::new();
        let (id, _) = desk.place(ANN, desk.asleep(side, 2, Index, kind));
        let maker = desk.limit(BEN, side.opposite(), 5, 100_000);
        assert_eq!(woken(&desk.move_index(short)), [], "{kind:?} sleeps at {short}");
        let events = desk.move_index(reached);
        assert!(events.contains(&Event::Triggered { order: id, price: price(reached) }));
        assert_eq!(fills(&events), [(maker, id, 2, 100_000)], "{kind:?}");
        assert_eq!(desk.view(id), None);
        let lots = side.signed(Lots(2)).0;
        assert_eq!(desk.position(ANN), lots);
    }
}

#[test]
fn a_market_order_that_woke_trades_within_the_band_and_its_rest_is_cancelled() {
    let mut desk = Desk::new();
    let (id, _) = desk.place(ANN, desk.stop(Buy, 9, Index, 101_000));
    let near = desk.limit(BEN, Sell, 4, 102_000);
    // 2 % above a mark of 101,000 is 103,020.
    let far = desk.limit(BEN, Sell, 9, 103_100);
    let events = desk.move_index(101_000);
    assert_eq!(fills(&events), [(near, id, 4, 102_000)]);
    assert_eq!(cancelled(&events), [(id, 5, CancelReason::ImmediateRest)]);
    assert_eq!(desk.left(far), 9);
    let told = events.iter().find_map(|event| match event {
        Event::Amended { order, price, .. } if *order == id => Some(*price),
        _ => None,
    });
    let limit = told.unwrap();
    assert!(price(102_000) < limit && limit < price(103_100), "its protection limit is told");
}

#[test]
fn a_stop_limit_that_woke_rests_with_what_it_cannot_take() {
    let mut desk = Desk::new();
    let order = NewOrder {
        price: Some(price(101_500)),
        time_in_force: TimeInForce::GoodTilCancelled,
        display: Some(Lots(2)),
        ..desk.stop(Buy, 9, Index, 101_000)
    };
    let (id, _) = desk.place(ANN, order);
    let maker = desk.limit(BEN, Sell, 3, 101_500);
    let events = desk.move_index(101_000);
    assert_eq!(fills(&events), [(maker, id, 3, 101_500)]);
    let view = desk.view(id).unwrap();
    assert_eq!((view.left, view.visible, view.total), (Lots(6), Lots(2), Lots(9)));
    assert_eq!((view.price, view.trigger_price), (price(101_500), None));
}

#[test]
fn times_in_force_hold_from_the_moment_of_waking() {
    let mut desk = Desk::new();
    let limit = |desk: &Desk, time_in_force, post_only| NewOrder {
        price: Some(price(101_500)),
        time_in_force,
        post_only,
        ..desk.stop(Buy, 5, Index, 101_000)
    };
    let fok = limit(&desk, TimeInForce::FillOrKill, PostOnly::No);
    let (fok, _) = desk.place(ANN, fok);
    let ioc = limit(&desk, TimeInForce::ImmediateOrCancel, PostOnly::No);
    let (ioc, _) = desk.place(BEN, ioc);
    let post = limit(&desk, TimeInForce::GoodTilCancelled, PostOnly::Reprice);
    let (post, _) = desk.place(CAT, post);
    let maker = desk.limit(DAN, Sell, 3, 101_200);
    desk.limit(DAN, Sell, 3, 101_600);
    let events = desk.move_index(101_000);
    assert_eq!(woken(&events), [fok, ioc, post]);
    assert_eq!(fills(&events), [(maker, ioc, 3, 101_200)]);
    let rest = CancelReason::ImmediateRest;
    assert_eq!(cancelled(&events), [(fok, 5, rest), (ioc, 2, rest)]);
    assert_eq!(rejects(&events)[0].code, RejectCode::FillOrKillUnfilled);
    assert_eq!(desk.view(post).unwrap().price, price(101_500));
}

#[test]
fn what_fires_wakes_in_the_order_in_which_the_price_got_there_then_by_age() {
    let mut desk = Desk::new();
    let (late, _) = desk.place(ANN, desk.stop(Buy, 1, Index, 102_000));
    let (first, _) = desk.place(BEN, desk.stop(Buy, 1, Index, 101_000));
    let (second, _) = desk.place(CAT, desk.stop(Buy, 1, Index, 101_000));
    assert_eq!(woken(&desk.move_index(103_000)), [first, second, late]);
    let (late, _) = desk.place(ANN, desk.stop(Sell, 1, Index, 101_000));
    let (first, _) = desk.place(BEN, desk.stop(Sell, 1, Index, 102_000));
    let (second, _) = desk.place(CAT, desk.stop(Sell, 1, Index, 102_000));
    assert_eq!(woken(&desk.move_index(100_000)), [first, second, late]);
}

#[test]
fn a_wake_that_trades_wakes_others_that_watch_the_last_price() {
    let mut desk = Desk::new();
    desk.limit(BEN, Sell, 1, 100_000);
    desk.limit(BEN, Sell, 1, 100_200);
    desk.limit(BEN, Sell, 1, 100_400);
    desk.limit(BEN, Sell, 1, 100_600);
    // The last price is 99,000 to begin with.
    desk.limit(DAN, Buy, 1, 99_000);
    let command = Command::Place(desk.order(Sell, 1, 99_000));
    desk.venue.send_ok(CAT, command);
    let (second, _) = desk.place(ANN, desk.stop(Buy, 1, Last, 100_200));
    let (third, _) = desk.place(ANN, desk.stop(Buy, 1, Last, 100_400));
    let (first, _) = desk.place(CAT, desk.stop(Buy, 1, Last, 100_000));
    let (never, _) = desk.place(DAN, desk.stop(Buy, 1, Last, 100_700));
    let spark = Command::Place(desk.order(Buy, 1, 100_000));
    let events = desk.venue.send_ok(CAT, spark);
    assert_eq!(woken(&events), [first, second, third], "all at the end of one block");
    let prices: Vec<i64> = fills(&events).iter().map(|fill| fill.3).collect();
    assert_eq!(prices, [100_000, 100_200, 100_400, 100_600]);
    assert_eq!(desk.left(never), 1);
}

#[test]
fn the_last_price_is_looked_at_when_the_block_ends() {
    let mut desk = Desk::new();
    desk.limit(BEN, Sell, 1, 101_000);
    desk.limit(BEN, Buy, 5, 99_500);
    desk.limit(DAN, Buy, 1, 99_000);
    let (stop, _) = desk.place(ANN, desk.stop(Buy, 1, Last, 101_000));
    // Up and down again within the block: only where it ends counts.
    let order = |desk: &Desk, side, dollars| Command::Place(desk.order(side, 1, dollars));
    let up = order(&desk, Buy, 101_000);
    let down = order(&desk, Sell, 99_500);
    let commands: Vec<UserCommand> =
        vec![desk.venue.command(CAT, up), desk.venue.command(CAT, down)];
    let events = desk.venue.block(Vec::new(), commands);
    assert_eq!(fills(&events).len(), 2);
    assert_eq!(woken(&events), []);
    assert_eq!(desk.left(stop), 1);
}

#[test]
fn one_look_wakes_at_most_a_thousand_and_the_next_one_goes_on() {
    let mut desk = Desk::new();
    let order = desk.stop(Buy, 1, Index, 101_000);
    let mut placed = Vec::new();
    for account in [ANN, BEN, CAT] {
        for _ in 0..7 {
            let items = (0..100).map(|_| BatchItem::Place(order.clone())).collect();
            let events = desk.venue.send_ok(account, Command::Batch(bounded(items)));
            placed.extend(accepted(&events));
        }
    }
    // Two looks in the block that moves the price, and one in the next.
    assert_eq!(woken(&desk.move_index(101_000)), placed[..2_000]);
    assert_eq!(woken(&desk.venue.tick()), placed[2_000..]);
    assert_eq!(woken(&desk.venue.tick()), []);
}

#[test]
fn while_the_index_is_stale_only_the_last_price_wakes() {
    let params = VenueParams { report_age_max: SpanMs(5_000), ..VenueParams::default() };
    let mut desk = Desk::with(params);
    desk.hold(ANN, 5);
    desk.hold(BEN, 5);
    let reduce =
        |desk: &Desk, source| NewOrder { reduce_only: true, ..desk.stop(Sell, 5, source, 99_900) };
    let (index, _) = desk.place(ANN, reduce(&desk, Index));
    let (mark, _) = desk.place(ANN, reduce(&desk, Mark));
    let (last, _) = desk.place(BEN, reduce(&desk, Last));
    let (wrong, _) = desk.place(CAT, desk.stop(Sell, 5, Last, 99_900));
    let bid = desk.limit(DAN, Buy, 9, 99_900);
    desk.limit(DAN, Buy, 9, 99_950);
    desk.venue.quoted.get_mut(&BTC).unwrap().price = price(99_000);
    let silent = desk.venue.quoted.remove(&BTC).unwrap();
    let now = desk.venue.time;
    desk.venue.tick_at(now.plus(SpanMs(60_000)));
    // Reducing orders still trade: Ann sells one of her five through the upper level.
    let sell = NewOrder { reduce_only: true, ..desk.order(Sell, 1, 99_900) };
    let events = desk.venue.send_ok(ANN, Command::Place(sell));
    assert_eq!(woken(&events), [], "the last price is 99,950");
    desk.venue.send_ok(DAN, Command::CancelAll(lockstep_types::command::CancelScope::Account));
    assert_eq!(desk.left(bid), 0);
    desk.venue.quoted.insert(BTC, silent);
    let events = desk.venue.tick();
    assert_eq!(woken(&events), [index, mark], "fresh again, both see 99,000");
    assert_eq!((desk.left(last), desk.left(wrong)), (5, 5));
}

#[test]
fn a_last_price_stop_that_does_not_reduce_ends_when_it_wakes_on_a_stale_index() {
    let params = VenueParams { report_age_max: SpanMs(5_000), ..VenueParams::default() };
    let mut desk = Desk::with(params);
    desk.hold(ANN, 5);
    let (wrong, _) = desk.place(CAT, desk.stop(Sell, 5, Last, 99_900));
    desk.limit(DAN, Buy, 9, 99_900);
    desk.venue.quoted.remove(&BTC);
    let now = desk.venue.time;
    desk.venue.tick_at(now.plus(SpanMs(60_000)));
    let sell = NewOrder { reduce_only: true, ..desk.order(Sell, 1, 99_900) };
    let events = desk.venue.send(ANN, Command::Place(sell));
    assert_eq!(woken(&events), [wrong]);
    assert_eq!(cancelled(&events), [(wrong, 5, CancelReason::Phase)]);
    assert_eq!(rejects(&events)[0].code, RejectCode::StaleIndex);
}

#[test]
fn in_auction_and_halt_orders_sleep_on_and_wake_when_trading_goes_on() {
    for phase in [Phase::Auction, Phase::Halted] {
        let mut desk = Desk::new();
        let (id, _) = desk.place(ANN, desk.stop(Buy, 1, Index, 101_000));
        desk.set_phase(phase);
        assert_eq!(woken(&desk.move_index(102_000)), [], "{phase:?}");
        let events = desk.set_phase(Phase::Continuous);
        assert_eq!(woken(&events), [id], "{phase:?}");
    }
}

#[test]
fn a_reduce_only_stop_is_clipped_when_it_wakes_and_ends_without_a_position() {
    let mut desk = Desk::new();
    desk.hold(ANN, 6);
    desk.hold(BEN, 6);
    let stop = NewOrder { reduce_only: true, ..desk.stop(Sell, 6, Index, 99_500) };
    let (clipped, _) = desk.place(ANN, stop.clone());
    let (idle, _) = desk.place(BEN, stop);
    // Ann closes four of her six, Ben all.
    let bid = desk.limit(DAN, Buy, 20, 99_900);
    for (account, lots) in [(ANN, 4), (BEN, 6)] {
        let close = Command::Place(desk.order(Sell, lots, 99_900));
        desk.venue.send_ok(account, close);
    }
    assert_eq!((desk.left(clipped), desk.left(idle)), (6, 6), "they sleep as they are");
    let events = desk.move_index(99_500);
    assert_eq!(fills(&events), [(bid, clipped, 2, 99_900)]);
    assert_eq!(cancelled(&events), [(idle, 6, CancelReason::ReduceOnly)]);
    assert_eq!(rejects(&events)[0].code, RejectCode::ReduceOnlyIncreases);
    assert_eq!((desk.position(ANN), desk.position(BEN)), (0, 0));
}

#[test]
fn margin_is_asked_for_when_it_wakes() {
    let mut desk = Desk::new();
    desk.venue.deposit(9, usd(1_000));
    let poor = lockstep_types::ids::AccountId(4);
    let (id, _) = desk.place(poor, desk.stop(Buy, 1_000, Index, 101_000));
    desk.limit(BEN, Sell, 1_000, 101_000);
    let events = desk.move_index(101_000);
    assert_eq!(cancelled(&events), [(id, 1_000, CancelReason::Margin)]);
    assert_eq!(rejects(&events)[0].code, RejectCode::InsufficientMargin);
    assert_eq!(desk.position(poor), 0);
}
