//! M2: orders that sleep. What is taken, what is refused, what can be changed, and what they count
//! as meanwhile.

use super::common::{bounded, price, rejects};
use super::desk::*;
use lockstep_types::command::{BatchItem, CancelScope, Command, Phase};
use lockstep_types::event::{CancelReason, Event};
use lockstep_types::ids::OrderId;
use lockstep_types::order::{
    Label, NewOrder, OrderTarget, PostOnly, TimeInForce, Trigger, TriggerKind,
};
use lockstep_types::reject::{Reject, RejectCode};
use lockstep_types::units::{Lots, Price, TimeMs, Usd};

fn stop(dollars: i64) -> TriggerKind {
    TriggerKind::Stop { price: price(dollars) }
}

fn take(dollars: i64) -> TriggerKind {
    TriggerKind::Take { price: price(dollars) }
}

#[test]
fn a_sleeping_order_is_told_and_found_and_counts_but_adds_nothing_to_the_book() {
    let mut desk = Desk::new();
    let label = Label::new("my stop").unwrap();
    let new = NewOrder { label: Some(label.clone()), ..desk.stop(Buy, 5, Index, 101_000) };
    let (id, events) = desk.place(ANN, new);
    let sleeping = Event::Sleeping { order: id, trigger_price: price(101_000) };
    assert_eq!(events.last(), Some(&sleeping));
    assert!(events.contains(&Event::Labelled { order: id, label: Box::new(label.clone()) }));
    let view = desk.view(id).unwrap();
    assert_eq!((view.left, view.visible), (Lots(5), Lots::ZERO));
    assert_eq!((view.trigger_price, view.label), (Some(price(101_000)), Some(label.clone())));
    assert_eq!(desk.venue.exchange.book(desk.perpetual, Buy), []);
    let account = desk.venue.exchange.account_view(ANN).unwrap();
    assert_eq!(account.orders, 1);
    assert_eq!((account.positions[0].buy_lots, account.positions[0].orders), (Lots::ZERO, 1));
    let margin = account.margin.unwrap().total;
    assert_eq!(margin.needed, 0, "a sleeping order needs no margin");
    let target = OrderTarget::Label(label.clone());
    let events = desk.venue.send_ok(ANN, Command::Cancel(target));
    assert_eq!(cancelled(&events), [(id, 5, CancelReason::Request)]);
    assert_eq!(desk.venue.exchange.account_view(ANN).unwrap().orders, 0);
    // It leaves nothing that could wake, and its label is free.
    assert_eq!(woken(&desk.move_index(102_000)), []);
    let new = NewOrder { label: Some(label), ..desk.stop(Buy, 5, Index, 103_000) };
    desk.place(ANN, new);
}

#[test]
fn a_trigger_that_would_fire_at_once_is_refused_with_both_prices() {
    let mut desk = Desk::new();
    let maker = desk.limit(BEN, Sell, 1, 100_000);
    desk.limit(CAT, Buy, 1, 100_000);
    assert_eq!(desk.left(maker), 0, "there is a last price of 100,000");
    for source in [Index, Mark, Last] {
        for (side, kind) in [
            (Buy, stop(100_000)),
            (Buy, stop(99_000)),
            (Sell, stop(100_000)),
            (Sell, stop(101_000)),
            (Buy, take(100_000)),
            (Buy, take(101_000)),
            (Sell, take(100_000)),
            (Sell, take(99_000)),
        ] {
            let order = desk.asleep(side, 1, source, kind);
            let (TriggerKind::Stop { price: at } | TriggerKind::Take { price: at }) = kind else {
                unreachable!()
            };
            let reject = desk.refused(ANN, Command::Place(order));
            let expected = Reject::beyond(RejectCode::BadTrigger, at.0, price(100_000).0);
            assert_eq!(reject, expected, "{side:?} {kind:?} on {source:?}");
        }
        for (side, kind) in
            [(Buy, stop(100_001)), (Sell, stop(99_999)), (Buy, take(99_999)), (Sell, take(100_001))]
        {
            desk.place(ANN, desk.asleep(side, 1, source, kind));
        }
    }
}

#[test]
fn a_trigger_is_positive_and_within_the_prices_that_exist() {
    let mut desk = Desk::new();
    for at in [i64::MIN, -1, 0, 1_000_000_000_000_001, i64::MAX] {
        for kind in [
            TriggerKind::Stop { price: Price(at) },
            TriggerKind::Take { price: Price(at) },
            TriggerKind::Trailing { offset: Price(at) },
        ] {
            let order = desk.asleep(Buy, 1, Index, kind);
            let reject = desk.refused(ANN, Command::Place(order));
            assert_eq!((reject.code, reject.actual), (RejectCode::BadTrigger, at));
        }
    }
}

#[test]
fn a_stop_without_a_price_to_compare_with_is_taken() {
    let mut desk = Desk::new();
    // Nothing has traded, so there is no last price.
    let (id, _) = desk.place(ANN, desk.stop(Sell, 1, Last, 150_000));
    assert_eq!(woken(&desk.venue.tick()), []);
    desk.limit(BEN, Sell, 1, 100_000);
    let command = Command::Place(desk.order(Buy, 1, 100_000));
    let events = desk.venue.send(CAT, command);
    assert_eq!(woken(&events), [id], "the first trade is below it");
}

#[test]
fn a_stop_limit_is_held_to_the_band_when_it_wakes_and_not_before() {
    let mut desk = Desk::new();
    // The band is 10 % around the mark.
    let far = |desk: &Desk, dollars| NewOrder {
        trigger: Some(Trigger { source: Index, kind: stop(120_000) }),
        ..desk.order(Buy, 1, dollars)
    };
    let (good, _) = desk.place(ANN, far(&desk, 130_000));
    let (wild, _) = desk.place(BEN, far(&desk, 140_000));
    let events = desk.move_index(120_000);
    assert_eq!(woken(&events), [good, wild]);
    assert_eq!(desk.left(good), 1, "it rests at 130,000");
    assert_eq!(cancelled(&events), [(wild, 1, CancelReason::Limit)]);
    let expected = Reject::beyond(RejectCode::PriceBand, price(140_000).0, price(132_000).0);
    assert_eq!(rejects(&events), [expected]);
}

#[test]
fn form_amount_and_tick_are_checked_before_it_sleeps() {
    let mut desk = Desk::new();
    let good = desk.stop(Buy, 5, Index, 101_000);
    let cases = [
        (NewOrder { lots: Lots(0), ..good.clone() }, RejectCode::NotPositive),
        (NewOrder { lots: Lots(20_000_000), ..good.clone() }, RejectCode::OrderSize),
        (NewOrder { price: Some(Price(1)), ..good.clone() }, RejectCode::OffTick),
        (NewOrder { price: Some(Price(-1)), ..good.clone() }, RejectCode::NotPositive),
        (NewOrder { display: Some(Lots(2)), ..good.clone() }, RejectCode::BadTimeInForce),
        (NewOrder { post_only: PostOnly::Reject, ..good.clone() }, RejectCode::BadTimeInForce),
        (
            NewOrder { time_in_force: TimeInForce::GoodTil(TimeMs(1)), ..good.clone() },
            RejectCode::BadTimeInForce,
        ),
        (
            NewOrder {
                price: Some(price(100_000)),
                trigger: Some(Trigger {
                    source: Index,
                    kind: TriggerKind::Trailing { offset: price(100) },
                }),
                ..good.clone()
            },
            RejectCode::UnexpectedPrice,
        ),
    ];
    for (order, code) in cases {
        assert_eq!(desk.refused(ANN, Command::Place(order)).code, code);
    }
}

#[test]
fn a_reduce_only_stop_needs_its_position_when_it_is_placed() {
    let mut desk = Desk::new();
    let stop = NewOrder { reduce_only: true, ..desk.stop(Sell, 5, Index, 99_000) };
    let reject = desk.refused(ANN, Command::Place(stop.clone()));
    assert_eq!(reject.code, RejectCode::ReduceOnlyIncreases);
    desk.hold(ANN, 3);
    let (id, _) = desk.place(ANN, stop);
    assert_eq!(desk.left(id), 3, "clipped to what there is to reduce");
}

#[test]
fn a_sleeping_order_ends_at_its_time_and_with_the_dead_man() {
    let mut desk = Desk::new();
    let until = desk.venue.time.plus(lockstep_types::units::SpanMs(5_000));
    let timed = NewOrder {
        time_in_force: TimeInForce::GoodTil(until),
        ..desk.stop(Buy, 1, Index, 101_000)
    };
    let (id, _) = desk.place(ANN, timed.clone());
    assert_eq!(desk.view(id).unwrap().until, Some(until));
    let events = desk.venue.tick_at(until);
    assert_eq!(cancelled(&events), [(id, 1, CancelReason::TimeInForce)]);
    // The day's end is its end too, although a market order has none once awake.
    let day = NewOrder { time_in_force: TimeInForce::GoodTilDay, ..timed };
    let (id, _) = desk.place(ANN, day);
    assert!(desk.view(id).unwrap().until.is_some());
    let at = desk.venue.time.plus(lockstep_types::units::SpanMs(1_500));
    desk.venue.send_ok(ANN, Command::ScheduleCancel { at: Some(at) });
    desk.venue.tick();
    assert_eq!(desk.view(id), None, "the dead-man switch ends sleeping orders too");
}

#[test]
fn sleeping_orders_are_cancelled_with_all_others_of_their_scope() {
    let mut desk = Desk::new();
    let resting = desk.limit(ANN, Buy, 1, 99_000);
    let (asleep, _) = desk.place(ANN, desk.stop(Buy, 2, Index, 101_000));
    let scope = CancelScope::Instrument(desk.perpetual);
    let events = desk.venue.send_ok(ANN, Command::CancelAll(scope));
    let request = CancelReason::Request;
    assert_eq!(cancelled(&events), [(resting, 1, request), (asleep, 2, request)]);
}

#[test]
fn amount_limit_and_trigger_of_a_sleeping_order_can_be_changed() {
    let mut desk = Desk::new();
    let stop_limit = NewOrder {
        price: Some(price(101_500)),
        time_in_force: TimeInForce::GoodTilCancelled,
        ..desk.stop(Buy, 5, Index, 101_000)
    };
    let (id, _) = desk.place(ANN, stop_limit);
    let events = desk.amend(ANN, id, Some(7), Some(102_500), Some(102_000));
    let amended =
        Event::Amended { order: id, price: price(102_500), lots: Lots(7), kept_priority: true };
    let sleeping = Event::Sleeping { order: id, trigger_price: price(102_000) };
    assert_eq!(events[events.len() - 2..], [amended, sleeping]);
    let view = desk.view(id).unwrap();
    assert_eq!((view.total, view.left, view.price), (Lots(7), Lots(7), price(102_500)));
    assert_eq!(woken(&desk.move_index(101_500)), [], "the old trigger is gone");
    assert_eq!(woken(&desk.move_index(102_000)), [id]);
    assert_eq!(desk.venue.exchange.book(desk.perpetual, Buy)[0].left, Lots(7));
    // Awake, it has no trigger to change.
    assert_eq!(rejects(&desk.amend(ANN, id, None, None, Some(103_000))).len(), 1);
}

#[test]
fn a_bad_change_of_a_sleeping_order_changes_nothing() {
    let mut desk = Desk::new();
    let (market, _) = desk.place(ANN, desk.stop(Buy, 5, Index, 101_000));
    let before = desk.view(market);
    let cases = [
        (amend(market, None, Some(100_000), None), RejectCode::UnexpectedPrice),
        (amend(market, Some(0), None, None), RejectCode::NotPositive),
        (amend(market, Some(20_000_000), None, None), RejectCode::OrderSize),
        (amend(market, None, None, Some(100_000)), RejectCode::BadTrigger),
        (amend(market, None, None, Some(0)), RejectCode::BadTrigger),
        (amend(market, None, None, Some(i64::MIN / 1_000_000)), RejectCode::BadTrigger),
        (amend(market, None, None, Some(i64::MAX / 1_000_000)), RejectCode::BadTrigger),
        (amend(market, None, None, None), RejectCode::AmendNothing),
    ];
    for (command, code) in cases {
        assert_eq!(desk.refused(ANN, command).code, code);
        assert_eq!(desk.view(market), before);
    }
    desk.set_phase(Phase::Halted);
    let reject = desk.refused(ANN, amend(market, Some(3), None, None));
    assert_eq!(reject.code, RejectCode::Halted);
}

/// Places many orders in blocks of batches; gives their handles.
fn place_many(
    desk: &mut Desk,
    account: lockstep_types::ids::AccountId,
    order: &NewOrder,
    count: usize,
) -> Vec<OrderId> {
    let mut placed = Vec::new();
    while placed.len() < count {
        let size = (count - placed.len()).min(100);
        let items = (0..size).map(|_| BatchItem::Place(order.clone())).collect();
        let events = desk.venue.send_ok(account, Command::Batch(bounded(items)));
        placed.extend(accepted(&events));
    }
    placed
}

#[test]
fn an_instrument_has_at_most_256_trailing_stops_per_watched_price() {
    let mut desk = Desk::new();
    let trailing = |desk: &Desk, source| {
        desk.asleep(Sell, 1, source, TriggerKind::Trailing { offset: price(50) })
    };
    let order = trailing(&desk, Index);
    let placed = place_many(&mut desk, ANN, &order, 256);
    let reject = desk.refused(BEN, Command::Place(order.clone()));
    assert_eq!(reject, Reject::beyond(RejectCode::TriggerLimit, 256, 256));
    let other = trailing(&desk, Mark);
    desk.place(BEN, other);
    desk.venue.cancel(ANN, placed[3]);
    desk.place(BEN, order);
}

#[test]
fn an_instrument_has_at_most_4096_sleeping_orders() {
    let mut desk = Desk::new();
    let order = desk.stop(Buy, 1, Index, 101_000);
    for (account, count) in [(ANN, 1_000), (BEN, 1_000), (CAT, 1_000), (DAN, 999)] {
        place_many(&mut desk, account, &order, count);
    }
    for owner in 4..6 {
        desk.venue.deposit(owner, Usd(1_000_000_000_000));
    }
    let (eve, fay) = (lockstep_types::ids::AccountId(4), lockstep_types::ids::AccountId(5));
    place_many(&mut desk, eve, &order, 97);
    let reject = desk.refused(fay, Command::Place(order.clone()));
    assert_eq!(reject, Reject::beyond(RejectCode::TriggerLimit, 4_096, 4_096));
    let reject = desk.refused(ANN, Command::Place(order));
    assert_eq!(reject.code, RejectCode::OrderLimit, "sleeping orders are open orders (L1)");
}

#[test]
fn orders_may_go_to_sleep_in_an_auction_but_not_in_a_halt() {
    let mut desk = Desk::new();
    desk.set_phase(Phase::Auction);
    desk.place(ANN, desk.stop(Buy, 1, Index, 101_000));
    desk.set_phase(Phase::Halted);
    let order = desk.stop(Buy, 1, Index, 101_000);
    assert_eq!(desk.refused(ANN, Command::Place(order)).code, RejectCode::Halted);
}
