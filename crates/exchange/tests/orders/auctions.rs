//! M7: phases, and auctions that end in one price. How orders of a crossed book trade is compared
//! with the clear book in `differential.rs`; here is what a book by itself does not have.

use super::common::{price, rejects, trades};
use super::desk::*;
use lockstep_types::command::{
    Command, Phase, PhaseReason, PhaseScope, ProtectionLimits, SystemCommand,
};
use lockstep_types::event::{CancelReason, Event, TradeKind};
use lockstep_types::ids::{GroupId, InstrumentId, UnderlyingId};
use lockstep_types::order::{NewOrder, PostOnly, TimeInForce};
use lockstep_types::reject::RejectCode;
use lockstep_types::units::{Lots, SpanMs, Usd};

/// Price in dollars, lots and imbalance of each uncrossing.
fn uncrossed(events: &[Event]) -> Vec<(i64, i64, i64)> {
    let uncrossed = |event: &Event| match event {
        Event::Uncrossed { price, lots, imbalance, .. } => {
            Some((dollars(*price), lots.0, imbalance.0))
        }
        _ => None,
    };
    events.iter().filter_map(uncrossed).collect()
}

#[test]
fn orders_collect_in_an_auction_and_trade_at_one_price_when_it_ends() {
    let mut desk = Desk::new();
    desk.set_phase(Phase::Auction);
    let high = desk.limit(ANN, Buy, 5, 100_300);
    let low = desk.limit(BEN, Buy, 5, 99_900);
    let cheap = desk.limit(CAT, Sell, 4, 99_800);
    let dear = desk.limit(DAN, Sell, 3, 100_200);
    assert_eq!(fills(&desk.venue.tick()), []);
    let events = desk.set_phase(Phase::Continuous);
    // Five trade at 100,200 and above, up to 100,300; the index of 100,000 is nearer to 100,200.
    assert_eq!(fills(&events), [(high, cheap, 4, 100_200), (high, dear, 1, 100_200)]);
    assert!(trades(&events).iter().all(|trade| trade.kind == TradeKind::Auction));
    assert_eq!(uncrossed(&events), [(100_200, 5, -2)]);
    assert_eq!((desk.left(low), desk.left(dear)), (5, 2));
    let phase = events.iter().position(|event| matches!(event, Event::PhaseChanged { .. }));
    let trade = events.iter().position(|event| matches!(event, Event::Trade(_)));
    assert!(phase < trade, "first the phase changes, then its consequences follow");
}

#[test]
fn the_reference_is_the_mark_on_the_tick_below() {
    let mut desk = Desk::new();
    desk.set_phase(Phase::Auction);
    desk.limit(ANN, Buy, 5, 101_000);
    desk.limit(BEN, Sell, 5, 99_000);
    // Any price between trades all without imbalance.
    desk.venue.quoted.get_mut(&BTC).unwrap().price.0 += 250_500_000;
    desk.venue.tick();
    let events = desk.set_phase(Phase::Continuous);
    assert_eq!(uncrossed(&events), [(100_250, 5, 0)]);
}

#[test]
fn the_later_order_is_the_taker_and_an_amended_one_came_again() {
    let mut desk = Desk::new();
    desk.set_phase(Phase::Auction);
    let bid = desk.limit(ANN, Buy, 5, 99_000);
    let ask = desk.limit(BEN, Sell, 5, 99_500);
    desk.amend(ANN, bid, None, Some(100_000), None);
    let events = desk.set_phase(Phase::Continuous);
    assert_eq!(fills(&events)[0].0, ask, "the bid was moved after the offer had come");
    assert_eq!(trades(&events)[0].taker_order, bid);
    assert_eq!(trades(&events)[0].taker_side, Buy);
}

#[test]
fn making_it_smaller_is_no_second_arrival() {
    let mut desk = Desk::new();
    desk.set_phase(Phase::Auction);
    let bid = desk.limit(ANN, Buy, 5, 100_000);
    desk.limit(BEN, Sell, 5, 100_000);
    desk.amend(ANN, bid, Some(4), None, None);
    let events = desk.set_phase(Phase::Continuous);
    assert_eq!(fills(&events)[0].0, bid);
}

#[test]
fn an_account_does_not_trade_with_itself_in_an_auction() {
    let mut desk = Desk::new();
    desk.set_phase(Phase::Auction);
    let bid = desk.limit(ANN, Buy, 5, 100_000);
    let own = desk.limit(ANN, Sell, 5, 100_000);
    let ben = desk.limit(BEN, Sell, 5, 100_000);
    let events = desk.set_phase(Phase::Continuous);
    assert_eq!(cancelled(&events), [(own, 5, CancelReason::SelfTrade)]);
    assert_eq!(fills(&events), [(bid, ben, 5, 100_000)]);
}

#[test]
fn what_cannot_wait_is_refused_in_an_auction() {
    let mut desk = Desk::new();
    desk.set_phase(Phase::Auction);
    let good = desk.order(Buy, 1, 100_000);
    let now = NewOrder { time_in_force: TimeInForce::ImmediateOrCancel, ..good.clone() };
    let post = NewOrder { post_only: PostOnly::Reprice, ..good.clone() };
    let market = NewOrder::market(desk.perpetual, Buy, Lots(1));
    for order in [now, post, market] {
        let reject = desk.refused(ANN, Command::Place(order));
        assert_eq!(reject.code, RejectCode::AuctionPhase);
    }
    desk.place(ANN, good);
}

#[test]
fn a_crossed_book_is_uncrossed_also_after_a_halt_and_into_reduce_only() {
    for phase in [Phase::Continuous, Phase::ReduceOnly] {
        let mut desk = Desk::new();
        desk.set_phase(Phase::Auction);
        desk.limit(ANN, Buy, 5, 100_000);
        desk.limit(BEN, Sell, 5, 100_000);
        let events = desk.set_phase(Phase::Halted);
        assert_eq!((fills(&events).len(), desk.venue.tick().len()), (0, 0), "orders stay");
        let events = desk.set_phase(phase);
        assert_eq!(uncrossed(&events), [(100_000, 5, 0)], "{phase:?}");
    }
}

#[test]
fn the_strictest_of_venue_underlying_and_instrument_holds() {
    let mut desk = Desk::new();
    let future = desk.venue.list("BTC_USDC-27MAR26");
    let option = desk.venue.list("BTC_USDC-27MAR26-100000-C");
    let scopes =
        [PhaseScope::Venue, PhaseScope::Underlying(BTC), PhaseScope::Instrument(desk.perpetual)];
    for scope in scopes {
        desk.set_phase_of(scope, Phase::Auction);
    }
    for instrument in [desk.perpetual, future, option] {
        let dollars = if instrument == option { 10_000 } else { 100_000 };
        for (account, side) in [(ANN, Buy), (BEN, Sell)] {
            let order = NewOrder { instrument, ..desk.order(side, 5, dollars) };
            desk.place(account, order);
        }
    }
    let events = desk.set_phase_of(scopes[2], Phase::Continuous);
    assert_eq!(fills(&events), [], "venue and underlying are still in auction");
    desk.set_phase_of(scopes[2], Phase::Auction);
    let events = desk.set_phase_of(scopes[0], Phase::Continuous);
    assert_eq!(fills(&events), [], "the underlying still is");
    let events = desk.set_phase_of(scopes[1], Phase::Continuous);
    let traded: Vec<InstrumentId> = trades(&events).iter().map(|t| t.instrument).collect();
    assert_eq!(traded, [future, option], "but the perpetual, by itself, still is");
    let events = desk.set_phase_of(scopes[2], Phase::Continuous);
    assert_eq!(fills(&events).len(), 1);
}

#[test]
fn a_phase_of_what_is_not_there_is_refused_and_no_change_is_no_event() {
    let mut desk = Desk::new();
    let set = |desk: &mut Desk, scope| {
        let (phase, reason) = (Phase::Continuous, PhaseReason::Emergency);
        desk.venue.block(vec![SystemCommand::SetPhase { scope, phase, reason }], Vec::new())
    };
    let events = set(&mut desk, PhaseScope::Instrument(InstrumentId(9)));
    assert_eq!(rejects(&events)[0].code, RejectCode::UnknownInstrument);
    let events = set(&mut desk, PhaseScope::Underlying(UnderlyingId(9)));
    assert_eq!(rejects(&events)[0].code, RejectCode::UnknownUnderlying);
    assert_eq!(set(&mut desk, PhaseScope::Venue), []);
}

#[test]
fn an_auction_fills_linked_reduce_only_and_protected_orders_like_any_trade() {
    let mut desk = Desk::new();
    desk.hold(CAT, 4);
    let limits = ProtectionLimits {
        interval: SpanMs(15_000),
        frozen_time: SpanMs(0),
        lots_max: Lots(4),
        delta_max: Lots(0),
        vega_max: Usd(0),
        trades_max: 0,
    };
    let group = GroupId(1);
    desk.venue.send_ok(BEN, Command::SetProtection { underlying: BTC, group, limits });
    desk.set_phase(Phase::Auction);
    let pair = [desk.order(Buy, 10, 100_000), desk.order(Buy, 10, 90_000)];
    let pair = accepted(&desk.link(ANN, lockstep_types::command::LinkKind::OneCancelsOther, &pair));
    let reduce =
        |desk: &Desk, dollars| NewOrder { reduce_only: true, ..desk.order(Sell, 4, dollars) };
    let (first, _) = desk.place(CAT, reduce(&desk, 100_000));
    let (second, _) = desk.place(CAT, reduce(&desk, 110_000));
    let guarded = |desk: &Desk, lots, dollars| NewOrder {
        protection: Some(group),
        ..desk.order(Sell, lots, dollars)
    };
    let (quote, _) = desk.place(BEN, guarded(&desk, 5, 100_000));
    let (other, _) = desk.place(BEN, guarded(&desk, 5, 120_000));
    let events = desk.set_phase(Phase::Continuous);
    assert_eq!(fills(&events), [(pair[0], first, 4, 100_000), (pair[0], quote, 5, 100_000)]);
    assert_eq!((desk.left(pair[0]), desk.left(pair[1])), (1, 1));
    let expected = [(second, 4, CancelReason::ReduceOnly), (other, 5, CancelReason::Protection)];
    assert_eq!(cancelled(&events), expected);
}

#[test]
fn an_uncrossing_that_would_take_too_many_slices_ends_with_cancels() {
    let mut desk = Desk::new();
    desk.set_phase(Phase::Auction);
    let sliced = |desk: &Desk, side| NewOrder {
        display: Some(Lots(1)),
        ..desk.order(side, 150_000, 100_000)
    };
    let (bid, _) = desk.place(ANN, sliced(&desk, Buy));
    let (ask, _) = desk.place(BEN, sliced(&desk, Sell));
    let events = desk.set_phase(Phase::Continuous);
    assert_eq!(trades(&events).len(), 100_000);
    assert_eq!(cancelled(&events), [(ask, 50_000, CancelReason::Limit)]);
    assert_eq!(desk.left(bid), 50_000);
    assert_eq!(price(100_000), desk.view(bid).unwrap().price);
}

#[test]
fn what_expired_in_an_auction_does_not_trade_any_more() {
    let mut desk = Desk::new();
    let call = desk.venue.list("BTC_USDC-6JAN26-100000-C");
    desk.set_phase_of(PhaseScope::Venue, Phase::Auction);
    for (account, side) in [(ANN, Buy), (BEN, Sell)] {
        let order = NewOrder { instrument: call, ..desk.order(side, 5, 1_000) };
        desk.place(account, order);
    }
    // Without an index the expiry waits, with its crossed book.
    desk.venue.quoted.remove(&BTC);
    let expiry = lockstep_types::instrument::expiry_of_date(2026, 1, 6);
    desk.venue.tick_at(expiry);
    let events = desk.set_phase_of(PhaseScope::Venue, Phase::Continuous);
    assert_eq!((fills(&events), uncrossed(&events)), (vec![], vec![]));
    assert_eq!(desk.venue.exchange.check_invariants(), Ok(()));
    let reject = desk
        .refused(CAT, Command::Place(NewOrder { instrument: call, ..desk.order(Buy, 1, 1_000) }));
    assert_eq!(reject.code, RejectCode::InstrumentExpired);
}
