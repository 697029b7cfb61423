//! What the worst accounts can do is bounded: by the leaves that a block touches and the events
//! that it makes, never by time on a clock.
//!
//! Each situation is about a hundred times worse than a fair day. Bounds are per thing that the
//! account did, so that they stay true when limits change.

use super::common::{Venue, bounded, price, rejects, trades, usd};
use lockstep_types::command::{BatchItem, CancelScope, Command, UserCommand};
use lockstep_types::event::{CancelReason, Event};
use lockstep_types::ids::{AccountId, InstrumentId};
use lockstep_types::order::{
    NewOrder, OrderTarget, SelfTrade, Side, TimeInForce, Trigger, TriggerKind, TriggerSource,
};
use lockstep_types::params::{MarginRegime, VenueParams};
use lockstep_types::reject::RejectCode;
use lockstep_types::units::{Lots, Price, SpanMs};

/// What a block cost.
#[derive(Clone, Debug)]
struct Cost {
    leaves: usize,
    events: Vec<Event>,
}

/// A venue where margin is off, its perpetual at 100,000 USD, and accounts with collateral.
fn venue(accounts: u8) -> (Venue, InstrumentId) {
    let mut venue = Venue::new(VenueParams { margin: MarginRegime::Off, ..VenueParams::default() });
    venue.add_underlying("BTC", 100_000);
    let perpetual = venue.list("BTC_USDC-PERPETUAL");
    for owner in 0..accounts {
        venue.deposit(owner, usd(1_000_000_000));
    }
    venue.exchange.record(true);
    (venue, perpetual)
}

/// Runs a block and says what it touched and told.
fn cost_of(venue: &mut Venue, commands: Vec<UserCommand>) -> Cost {
    drop(venue.exchange.checkpoint());
    let events = venue.block(Vec::new(), commands);
    let leaves = venue.exchange.checkpoint().len();
    let checked = venue.exchange.check_invariants();
    assert!(checked.is_ok(), "{checked:?}");
    Cost { leaves, events }
}

/// One block with the account's orders, a hundred in each of its batches.
fn place_all(venue: &mut Venue, account: AccountId, orders: Vec<NewOrder>) -> Cost {
    let items: Vec<BatchItem> = orders.into_iter().map(BatchItem::Place).collect();
    let batches = items.chunks(100).map(|items| Command::Batch(bounded(items.to_vec())));
    let commands: Vec<Command> = batches.collect();
    let commands = commands.into_iter().map(|batch| venue.command(account, batch)).collect();
    cost_of(venue, commands)
}

fn send(venue: &mut Venue, account: AccountId, command: Command) -> Cost {
    let command = venue.command(account, command);
    cost_of(venue, vec![command])
}

fn leaves(venue: &Venue) -> usize {
    let mut count = 0;
    venue.exchange.each_leaf(&mut |_, _| count += 1);
    count
}

fn limits(
    instrument: InstrumentId,
    side: Side,
    lots: i64,
    count: i64,
    first: i64,
    step: i64,
) -> Vec<NewOrder> {
    let order =
        |number: i64| NewOrder::limit(instrument, side, Lots(lots), price(first + number * step));
    (0..count).map(order).collect()
}

const MAKER: AccountId = AccountId(0);
const TAKER: AccountId = AccountId(1);

#[test]
fn dust_at_a_thousand_levels_costs_each_order_a_few_leaves_and_leaves_none_behind() {
    let (mut venue, perpetual) = venue(2);
    let before = leaves(&venue);
    // Every order opens a page of levels of its own.
    let placed = place_all(&mut venue, MAKER, limits(perpetual, Side::Sell, 1, 1_000, 100_000, 9));
    assert_eq!(rejects(&placed.events), []);
    assert!(placed.leaves < 4 * 1_000 + 100, "placing touched {}", placed.leaves);
    let over = venue
        .refused(MAKER, Command::Place(limits(perpetual, Side::Sell, 1, 1, 100_000, 0)[0].clone()));
    assert_eq!(over, RejectCode::OrderLimit);
    let order = NewOrder::limit(perpetual, Side::Buy, Lots(1_000), price(109_999));
    let taken = send(&mut venue, TAKER, Command::Place(order));
    assert_eq!(trades(&taken.events).len(), 1_000);
    assert!(taken.leaves < 4 * 1_000 + 100, "taking touched {}", taken.leaves);
    assert!(taken.events.len() < 2 * 1_000 + 20, "taking told {}", taken.events.len());
    // Two holdings and two volumes, and the pages of free slots.
    let after = leaves(&venue);
    assert!(after <= before + 4 + 1_000 / 64 + 1, "from {before} to {after} leaves");
}

#[test]
fn cancelling_everything_costs_each_order_a_few_leaves() {
    let (mut venue, perpetual) = venue(2);
    place_all(&mut venue, MAKER, limits(perpetual, Side::Sell, 1, 1_000, 100_000, 9));
    let ended = send(&mut venue, MAKER, Command::CancelAll(CancelScope::Account));
    assert!(ended.leaves < 4 * 1_000 + 100, "cancelling touched {}", ended.leaves);
    assert!(ended.events.len() < 1_000 + 20);
    // A scope that holds none of them looks at the orders, and at nothing else.
    place_all(&mut venue, MAKER, limits(perpetual, Side::Sell, 1, 1_000, 100_000, 9));
    let scope = CancelScope::Instrument(InstrumentId(7));
    let nothing = send(&mut venue, MAKER, Command::CancelAll(scope));
    assert!(nothing.leaves < 1_000 + 50, "looking touched {}", nothing.leaves);
}

#[test]
fn a_self_trade_storm_ends_each_order_once_or_stops_at_the_first() {
    let (mut venue, perpetual) = venue(2);
    let mut taker = NewOrder::limit(perpetual, Side::Buy, Lots(10_000), price(109_999));
    for (self_trade, ended) in
        [(SelfTrade::CancelTaker, 1), (SelfTrade::CancelBoth, 2), (SelfTrade::CancelMaker, 1_000)]
    {
        send(&mut venue, MAKER, Command::CancelAll(CancelScope::Account));
        // The newcomer counts towards the limit of orders, too.
        place_all(&mut venue, MAKER, limits(perpetual, Side::Sell, 1, 999, 100_000, 9));
        taker.self_trade = self_trade;
        taker.time_in_force = TimeInForce::ImmediateOrCancel;
        let cost = send(&mut venue, MAKER, Command::Place(taker.clone()));
        let cancelled =
            cost.events.iter().filter(|event| matches!(event, Event::Cancelled { .. })).count();
        assert_eq!(cancelled, ended, "{self_trade:?}");
        assert_eq!(trades(&cost.events), [], "nobody trades with himself (M5)");
        assert!(cost.leaves < 4 * ended + 60, "{self_trade:?} touched {}", cost.leaves);
    }
}

#[test]
fn an_iceberg_that_shows_one_lot_meets_a_taker_ten_thousand_times_at_most() {
    let (mut venue, perpetual) = venue(2);
    let mut iceberg = NewOrder::limit(perpetual, Side::Sell, Lots(1_000_000), price(100_000));
    iceberg.display = Some(Lots(1));
    venue.place(MAKER, iceberg);
    let order = NewOrder::market(perpetual, Side::Buy, Lots(1_000_000));
    let cost = send(&mut venue, TAKER, Command::Place(order));
    assert_eq!(trades(&cost.events).len(), 10_000);
    assert!(cost.leaves < 60, "one order is a few leaves: {}", cost.leaves);
    assert!(cost.events.len() < 2 * 10_000 + 20);
    let stopped = cost.events.iter().any(|event| {
        matches!(event, Event::Cancelled { reason: CancelReason::Limit, lots: Lots(990_000), .. })
    });
    assert!(stopped, "the rest is cancelled, and says why");
    // All or nothing is nothing, then.
    let mut whole = NewOrder::limit(perpetual, Side::Buy, Lots(10_001), price(100_000));
    whole.time_in_force = TimeInForce::FillOrKill;
    assert_eq!(venue.refused(TAKER, Command::Place(whole)), RejectCode::FillOrKillUnfilled);
}

#[test]
fn reduce_only_orders_are_few_and_shrink_without_looking_at_the_whole_account_often() {
    let (mut venue, perpetual) = venue(3);
    // A long position of a thousand lots, and every order that the account may have beside it.
    venue.limit(TAKER, perpetual, Side::Sell, 1_000, price(100_000));
    venue.limit(MAKER, perpetual, Side::Buy, 1_000, price(100_000));
    let mut orders = limits(perpetual, Side::Sell, 1_000, 40, 101_000, 10);
    orders.iter_mut().for_each(|order| order.reduce_only = true);
    let placed = place_all(&mut venue, MAKER, orders);
    let refused = rejects(&placed.events);
    assert_eq!(refused.len(), 8, "thirty-two reduce-only orders at most: {refused:?}");
    place_all(&mut venue, MAKER, limits(perpetual, Side::Sell, 1, 960, 100_010, 1));
    // Each fill shrinks the position and with it all thirty-two.
    let order = NewOrder::limit(perpetual, Side::Buy, Lots(900), price(100_999));
    let cost = send(&mut venue, TAKER, Command::Place(order));
    let amended = cost.events.iter().filter(|event| matches!(event, Event::Amended { .. })).count();
    assert_eq!(trades(&cost.events).len(), 900);
    assert_eq!(amended, 900 * 32, "every one of them after every fill");
    assert!(cost.leaves < 5 * 1_000 + 100, "touched {}", cost.leaves);
}

#[test]
fn thousands_of_stops_at_one_price_wake_a_thousand_at_a_time() {
    let (mut venue, perpetual) = venue(9);
    let stop = |number: i64| NewOrder {
        trigger: Some(Trigger {
            source: TriggerSource::Index,
            kind: TriggerKind::Stop { price: price(99_000) },
        }),
        ..NewOrder::limit(perpetual, Side::Sell, Lots(1), price(90_000 + number))
    };
    let mut asleep = 0;
    for account in 0..9 {
        let cost = place_all(&mut venue, AccountId(account), (0..500).map(stop).collect());
        let refused = rejects(&cost.events);
        assert!(refused.iter().all(|reject| reject.code == RejectCode::TriggerLimit));
        asleep += 500 - refused.len();
        assert!(cost.leaves < 6 * 500 + 100, "sleeping touched {}", cost.leaves);
    }
    assert_eq!(asleep, 4_096, "an instrument has so many sleeping orders at most");
    let underlying = lockstep_types::ids::UnderlyingId(0);
    venue.quoted.get_mut(&underlying).unwrap().price = price(98_000);
    let mut woken = 0;
    for _ in 0..3 {
        let cost = cost_of(&mut venue, Vec::new());
        let now =
            cost.events.iter().filter(|event| matches!(event, Event::Triggered { .. })).count();
        woken += now;
        // A block looks at the prices twice.
        assert!(now <= 2_000, "{now} woke in one block");
        assert!(cost.leaves < 12 * now + 300, "waking {now} touched {}", cost.leaves);
        assert!(cost.events.len() < 4 * now + 50);
    }
    assert_eq!(woken, 4_096, "and all of them in the end");
}

#[test]
fn ten_thousand_orders_that_end_at_once_cost_each_a_few_leaves() {
    let (mut venue, perpetual) = venue(10);
    let until = venue.time.plus(SpanMs(3_600_000));
    let before = leaves(&venue);
    for account in 0..10 {
        let mut orders = limits(perpetual, Side::Buy, 1, 1_000, 90_000, 1);
        orders.iter_mut().for_each(|order| order.time_in_force = TimeInForce::GoodTil(until));
        let placed = place_all(&mut venue, AccountId(account), orders);
        assert!(placed.leaves < 8 * 1_000 + 100, "placing touched {}", placed.leaves);
    }
    venue.pace = SpanMs(3_600_000);
    let cost = cost_of(&mut venue, Vec::new());
    let ended = cost.events.iter().filter(|event| {
        matches!(event, Event::Cancelled { reason: CancelReason::TimeInForce, .. })
    });
    assert_eq!(ended.count(), 10_000);
    assert!(cost.leaves < 6 * 10_000 + 500, "ending touched {}", cost.leaves);
    let after = leaves(&venue);
    // Pages of free slots, and the earlier nonces of ten signers.
    assert!(after <= before + 10_000 / 64 + 1 + 10, "from {before} to {after} leaves");
}

#[test]
fn garbage_touches_next_to_nothing() {
    let (mut venue, perpetual) = venue(2);
    let nobody = InstrumentId(u32::MAX);
    let order = NewOrder::limit(nobody, Side::Buy, Lots(1), price(1));
    let unknown = OrderTarget::Id(lockstep_types::ids::OrderId(u64::MAX));
    let garbage = [
        Command::Place(order.clone()),
        Command::Place(NewOrder { instrument: perpetual, lots: Lots(i64::MAX), ..order.clone() }),
        Command::Place(NewOrder { instrument: perpetual, price: Some(Price(i64::MAX)), ..order }),
        Command::Cancel(unknown),
        Command::CancelAll(CancelScope::Instrument(nobody)),
        Command::Withdraw { amount: lockstep_types::units::Usd(i64::MIN) },
    ];
    let idle = cost_of(&mut venue, Vec::new());
    for command in garbage {
        let shown = format!("{command:?}");
        let cost = send(&mut venue, TAKER, command);
        assert!(cost.leaves <= idle.leaves + 8, "{shown} touched {}", cost.leaves);
        assert!(cost.events.len() <= 2, "{shown} told {:?}", cost.events);
    }
}
