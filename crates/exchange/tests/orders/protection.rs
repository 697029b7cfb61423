//! M9: market maker protection.

use super::common::{price, rejects};
use super::desk::*;
use lockstep_types::command::{Command, ProtectionLimits, SmileParams};
use lockstep_types::event::{CancelReason, Event};
use lockstep_types::ids::{GroupId, UnderlyingId};
use lockstep_types::instrument::expiry_of_date;
use lockstep_types::order::{NewOrder, Side};
use lockstep_types::reject::{Reject, RejectCode};
use lockstep_types::units::{Lots, Ppm, SpanMs, TimeMs, Usd, Vol};

const GROUP: GroupId = GroupId(3);
const NONE: ProtectionLimits = ProtectionLimits {
    interval: SpanMs(15_000),
    frozen_time: SpanMs(0),
    lots_max: Lots(0),
    delta_max: Lots(0),
    vega_max: Usd(0),
    trades_max: 0,
};

fn set(desk: &mut Desk, limits: ProtectionLimits) {
    let group = GROUP;
    desk.venue.send_ok(ANN, Command::SetProtection { underlying: BTC, group, limits });
}

fn quote(desk: &Desk, side: Side, lots: i64, dollars: i64) -> NewOrder {
    NewOrder { protection: Some(GROUP), ..desk.order(side, lots, dollars) }
}

fn hit(desk: &mut Desk, side: Side, lots: i64, dollars: i64) -> Vec<Event> {
    let order = desk.order(side, lots, dollars);
    desk.venue.send_ok(DAN, Command::Place(order))
}

fn tripped(events: &[Event]) -> Vec<TimeMs> {
    let tripped = |event: &Event| match event {
        Event::ProtectionTripped { until, .. } => Some(*until),
        _ => None,
    };
    events.iter().filter_map(tripped).collect()
}

#[test]
fn an_order_needs_its_groups_settings_and_settings_have_ranges() {
    let mut desk = Desk::new();
    let order = quote(&desk, Buy, 1, 99_000);
    let reject = desk.refused(ANN, Command::Place(order.clone()));
    assert_eq!(reject.code, RejectCode::ProtectionUnset);
    let day = 86_400_000;
    let wrong = [
        (GroupId(16), NONE, 16, 15),
        (GROUP, ProtectionLimits { interval: SpanMs(0), ..NONE }, 0, 1),
        (GROUP, ProtectionLimits { interval: SpanMs(day + 1), ..NONE }, day + 1, day),
        (GROUP, ProtectionLimits { frozen_time: SpanMs(-1), ..NONE }, -1, 0),
        (GROUP, ProtectionLimits { lots_max: Lots(-1), ..NONE }, -1, 0),
        (GROUP, ProtectionLimits { delta_max: Lots(-7), ..NONE }, -7, 0),
        (GROUP, ProtectionLimits { vega_max: Usd(i64::MIN), ..NONE }, i64::MIN, 0),
    ];
    for (group, limits, actual, limit) in wrong {
        let command = Command::SetProtection { underlying: BTC, group, limits };
        let expected = Reject::beyond(RejectCode::ProtectionLimits, actual, limit);
        assert_eq!(desk.refused(ANN, command), expected);
    }
    let command =
        Command::SetProtection { underlying: UnderlyingId(1), group: GROUP, limits: NONE };
    assert_eq!(desk.refused(ANN, command).code, RejectCode::UnknownUnderlying);
    let reset = Command::ResetProtection { underlying: BTC, group: GROUP };
    assert_eq!(desk.refused(ANN, reset).code, RejectCode::ProtectionUnset);
    set(&mut desk, NONE);
    desk.place(ANN, order.clone());
    // It is Ann's group, not Ben's.
    assert_eq!(desk.refused(BEN, Command::Place(order)).code, RejectCode::ProtectionUnset);
}

#[test]
fn without_limits_nothing_trips() {
    let mut desk = Desk::new();
    set(&mut desk, NONE);
    desk.place(ANN, quote(&desk, Buy, 1_000, 99_000));
    assert_eq!(tripped(&hit(&mut desk, Sell, 1_000, 99_000)), []);
}

#[test]
fn reaching_a_limit_cancels_the_group_and_freezes_it_for_its_time() {
    let mut desk = Desk::new();
    set(&mut desk, ProtectionLimits { lots_max: Lots(10), frozen_time: SpanMs(5_000), ..NONE });
    let (near, _) = desk.place(ANN, quote(&desk, Buy, 9, 99_500));
    let (far, _) = desk.place(ANN, quote(&desk, Buy, 9, 99_400));
    let (ask, _) = desk.place(ANN, quote(&desk, Sell, 9, 100_500));
    let mut stop = quote(&desk, Buy, 9, 103_000);
    stop.trigger = desk.stop(Buy, 9, Index, 102_000).trigger;
    let (stop, _) = desk.place(ANN, stop);
    let alone = desk.limit(ANN, Buy, 2, 99_400);
    assert_eq!(tripped(&hit(&mut desk, Sell, 9, 99_500)), []);
    assert_eq!(desk.left(near), 0);
    // The tenth lot trips it in the middle of a sweep; the sweep goes on without the group.
    let events = hit(&mut desk, Sell, 5, 99_400);
    let until = desk.venue.time.plus(SpanMs(5_000));
    assert_eq!(tripped(&events), [until]);
    let fill = fills(&events);
    assert_eq!((fill[0].0, fill[0].2, fill.len()), (far, 5, 1), "one fill may pass the limit");
    let protection = CancelReason::Protection;
    let expected = [(far, 4, protection), (ask, 9, protection), (stop, 9, protection)];
    assert_eq!(cancelled(&events), expected);
    assert_eq!(desk.left(alone), 2, "what is in no group stays");
    let order = quote(&desk, Buy, 1, 99_000);
    let reject = desk.refused(ANN, Command::Place(order.clone()));
    let expected = Reject::beyond(RejectCode::ProtectionFrozen, desk.venue.time.0, until.0);
    assert_eq!(reject, expected);
    desk.venue.tick_at(TimeMs(until.0 - 1_001));
    assert_eq!(desk.refused(ANN, Command::Place(order.clone())).code, expected.code);
    desk.venue.pace = SpanMs(1);
    desk.place(ANN, order);
    assert_eq!(desk.venue.time, until);
    // It counts from nothing again.
    desk.place(ANN, quote(&desk, Buy, 9, 99_500));
    assert_eq!(tripped(&hit(&mut desk, Sell, 9, 99_500)), []);
}

#[test]
fn a_sweep_goes_on_without_the_group_that_it_tripped() {
    let mut desk = Desk::new();
    set(&mut desk, ProtectionLimits { trades_max: 2, ..NONE });
    for dollars in [99_900, 99_800, 99_700] {
        desk.place(ANN, quote(&desk, Buy, 1, dollars));
    }
    let ben = desk.limit(BEN, Buy, 1, 99_600);
    let events = hit(&mut desk, Sell, 4, 99_600);
    let prices: Vec<i64> = fills(&events).iter().map(|fill| fill.3).collect();
    assert_eq!(prices, [99_900, 99_800, 99_600]);
    assert_eq!((desk.left(ben), tripped(&events)), (0, vec![TimeMs::MAX]));
}

#[test]
fn frozen_without_a_time_it_waits_for_a_reset() {
    let mut desk = Desk::new();
    set(&mut desk, ProtectionLimits { trades_max: 1, ..NONE });
    desk.place(ANN, quote(&desk, Buy, 5, 99_900));
    assert_eq!(tripped(&hit(&mut desk, Sell, 1, 99_900)), [TimeMs::MAX]);
    let later = desk.venue.time.plus(SpanMs(86_400_000));
    desk.venue.tick_at(later);
    let order = quote(&desk, Buy, 1, 99_000);
    assert_eq!(desk.refused(ANN, Command::Place(order.clone())).code, RejectCode::ProtectionFrozen);
    // New limits do not unfreeze it.
    set(&mut desk, ProtectionLimits { trades_max: 9, ..NONE });
    assert_eq!(desk.refused(ANN, Command::Place(order.clone())).code, RejectCode::ProtectionFrozen);
    desk.venue.send_ok(ANN, Command::ResetProtection { underlying: BTC, group: GROUP });
    desk.place(ANN, order);
}

#[test]
fn the_interval_rolls_and_a_fill_counts_for_all_of_it() {
    let mut desk = Desk::new();
    // Fifteen seconds in parts of one.
    set(&mut desk, ProtectionLimits { lots_max: Lots(10), ..NONE });
    desk.place(ANN, quote(&desk, Buy, 100, 99_900));
    hit(&mut desk, Sell, 4, 99_900);
    let start = desk.venue.time;
    desk.venue.tick_at(start.plus(SpanMs(7_000)));
    hit(&mut desk, Sell, 5, 99_900);
    // Fifteen seconds after the first fill it still counts, two later it does not.
    let mut twin = Desk { venue: desk.venue.clone(), perpetual: desk.perpetual };
    twin.venue.tick_at(start.plus(SpanMs(14_000)));
    assert_eq!(tripped(&hit(&mut twin, Sell, 1, 99_900)).len(), 1);
    desk.venue.tick_at(start.plus(SpanMs(16_000)));
    assert_eq!(tripped(&hit(&mut desk, Sell, 1, 99_900)), []);
    assert_eq!(tripped(&hit(&mut desk, Sell, 3, 99_900)), []);
    assert_eq!(tripped(&hit(&mut desk, Sell, 1, 99_900)).len(), 1, "five, one, three and one");
}

#[test]
fn delta_is_net_and_lots_are_not() {
    let mut desk = Desk::new();
    set(&mut desk, ProtectionLimits { delta_max: Lots(10), ..NONE });
    desk.place(ANN, quote(&desk, Buy, 100, 99_900));
    desk.place(ANN, quote(&desk, Sell, 100, 100_100));
    for _ in 0..4 {
        assert_eq!(tripped(&hit(&mut desk, Sell, 9, 99_900)), []);
        assert_eq!(tripped(&hit(&mut desk, Buy, 9, 100_100)), []);
    }
    assert_eq!(tripped(&hit(&mut desk, Sell, 9, 99_900)), []);
    assert_eq!(tripped(&hit(&mut desk, Sell, 1, 99_900)).len(), 1);
}

#[test]
fn an_options_delta_and_vega_are_those_of_its_mark() {
    let mut desk = Desk::new();
    let expiry = expiry_of_date(2026, 3, 27);
    let smile = SmileParams { atm: Vol(600_000_000), rho: Ppm(0), phi: Ppm(0) };
    let quoted = desk.venue.quoted.get_mut(&BTC).unwrap();
    quoted.expiries.insert(expiry.0, (0, Some(smile)));
    let call = desk.venue.list("BTC_USDC-27MAR26-100000-C");
    desk.venue.tick();
    let bid = |desk: &Desk, lots| NewOrder {
        instrument: call,
        price: Some(price(11_000)),
        ..quote(desk, Buy, lots, 11_000)
    };
    let sell = |desk: &mut Desk, lots| {
        let order = NewOrder { instrument: call, ..desk.order(Sell, lots, 11_000) };
        desk.venue.send_ok(DAN, Command::Place(order))
    };
    // At the money the delta is a little over a half: 17 lots are below 10 lots of delta.
    set(&mut desk, ProtectionLimits { delta_max: Lots(10), ..NONE });
    desk.place(ANN, bid(&desk, 100));
    assert_eq!(tripped(&sell(&mut desk, 17)), []);
    assert_eq!(tripped(&sell(&mut desk, 1)).len(), 1);
    // Vega of one BTC is about 190 USD per point for 81 days, so 0.19 USD per lot.
    desk.venue.send_ok(ANN, Command::ResetProtection { underlying: BTC, group: GROUP });
    set(&mut desk, ProtectionLimits { vega_max: Usd(18_500_000), ..NONE });
    desk.place(ANN, bid(&desk, 200));
    assert_eq!(tripped(&sell(&mut desk, 90)), []);
    assert_eq!(tripped(&sell(&mut desk, 10)).len(), 1);
}

#[test]
fn a_taker_of_the_group_counts_and_stops_when_it_trips() {
    let mut desk = Desk::new();
    set(&mut desk, ProtectionLimits { lots_max: Lots(5), ..NONE });
    let (resting, _) = desk.place(ANN, quote(&desk, Sell, 1, 101_000));
    for dollars in [100_000, 100_010, 100_020] {
        desk.limit(DAN, Sell, 3, dollars);
    }
    let taker = quote(&desk, Buy, 9, 100_020);
    let (id, events) = desk.place(ANN, taker);
    assert_eq!(fills(&events).len(), 2, "the second fill reaches the limit");
    let protection = CancelReason::Protection;
    assert_eq!(cancelled(&events), [(resting, 1, protection), (id, 3, protection)]);
}

#[test]
fn another_groups_quotes_are_not_concerned() {
    let mut desk = Desk::new();
    set(&mut desk, ProtectionLimits { trades_max: 1, ..NONE });
    let group = GroupId(4);
    desk.venue.send_ok(ANN, Command::SetProtection { underlying: BTC, group, limits: NONE });
    let other = NewOrder { protection: Some(group), ..desk.order(Buy, 1, 99_000) };
    let (other, _) = desk.place(ANN, other);
    desk.place(ANN, quote(&desk, Buy, 2, 99_900));
    let events = hit(&mut desk, Sell, 1, 99_900);
    assert_eq!((tripped(&events).len(), desk.left(other)), (1, 1));
    assert_eq!(rejects(&events), []);
}
