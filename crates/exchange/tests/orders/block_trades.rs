//! M11: block trades.

use super::common::{bounded, price, rejects, trades, usd};
use super::desk::*;
use lockstep_types::command::{
    AgentScope, BlockLeg, BlockTerms, Command, Consent, Phase, SystemCommand,
};
use lockstep_types::event::{Event, TradeKind};
use lockstep_types::ids::{AccountId, InstrumentId, OrderId, SignerId};
use lockstep_types::order::NewOrder;
use lockstep_types::params::{UnderlyingParams, VenueParams};
use lockstep_types::reject::{Reject, RejectCode};
use lockstep_types::units::{Lots, Price, SpanMs, TimeMs, Usd};

fn leg(
    instrument: InstrumentId,
    lots: i64,
    dollars: i64,
    buyer: AccountId,
    seller: AccountId,
) -> BlockLeg {
    BlockLeg { instrument, lots: Lots(lots), price: price(dollars), buyer, seller }
}

/// Accounts and owners were opened in the same order here.
fn consent(account: AccountId, nonce: u64) -> Consent {
    Consent { signer: SignerId(account.0), account, nonce, signature: [0; 64] }
}

fn block(legs: Vec<BlockLeg>, consents: Vec<Consent>) -> Command {
    let terms = BlockTerms { legs: bounded(legs), valid_until: TimeMs::MAX };
    Command::BlockTrade { terms, consents: bounded(consents) }
}

#[test]
fn several_parties_trade_several_legs_at_their_own_prices() {
    let mut desk = Desk::new();
    let perpetual = desk.perpetual;
    let future = desk.venue.list("BTC_USDC-27MAR26");
    desk.limit(DAN, Sell, 1, 100_000);
    desk.limit(CAT, Buy, 1, 100_000);
    // Far from the band, and Ann only arranges for three others.
    let legs = vec![
        leg(perpetual, 7, 140_000, BEN, CAT),
        leg(future, 5, 60_000, CAT, DAN),
        leg(future, 2, 60_001, DAN, BEN),
    ];
    let consents = vec![consent(BEN, 1_000), consent(CAT, 1_000), consent(DAN, 1_000)];
    let events = desk.venue.send_ok(ANN, block(legs, consents));
    let told: Vec<_> = trades(&events)
        .iter()
        .map(|trade| (trade.taker, trade.maker, trade.lots.0, dollars(trade.price), trade.kind))
        .collect();
    let kind = TradeKind::Block;
    let expected =
        [(BEN, CAT, 7, 140_000, kind), (CAT, DAN, 5, 60_000, kind), (DAN, BEN, 2, 60_001, kind)];
    assert_eq!(told, expected);
    assert!(trades(&events).iter().all(|trade| trade.taker_order == OrderId(0)));
    assert_eq!((desk.position(BEN), desk.position(CAT)), (7, -6));
    let last = desk.venue.exchange.instrument_view(perpetual).unwrap().last;
    assert_eq!(last, Some(price(100_000)), "a block trade is no last price");
    let interest = desk.venue.exchange.instrument_view(future).unwrap().open_interest;
    assert_eq!(interest, Lots(5));
}

#[test]
fn both_sides_pay_as_takers() {
    let mut desk = Desk::new();
    let legs = vec![leg(desk.perpetual, 10, 100_000, ANN, BEN)];
    let events = desk.venue.send_ok(ANN, block(legs, vec![consent(BEN, 1_000)]));
    let trade = trades(&events)[0];
    // 1,000 USD at 350 ppm.
    assert_eq!((trade.taker_fee, trade.maker_fee), (Usd(350_000), Usd(350_000)));
}

#[test]
fn every_account_in_the_legs_speaks_exactly_once() {
    let mut desk = Desk::new();
    let perpetual = desk.perpetual;
    let legs = || vec![leg(perpetual, 1, 100_000, BEN, CAT)];
    let cases = [
        vec![],
        vec![consent(BEN, 1)],
        vec![consent(BEN, 1), consent(CAT, 1), consent(CAT, 2)],
        vec![consent(BEN, 1), consent(CAT, 1), consent(DAN, 1)],
        vec![consent(BEN, 1), consent(CAT, 1), consent(ANN, 1)],
    ];
    for consents in cases {
        let reject = desk.refused(ANN, block(legs(), consents));
        assert_eq!(reject.code, RejectCode::BlockTradeConsent);
    }
    let consents = vec![consent(BEN, 1_000), consent(CAT, 1_000)];
    desk.venue.send_ok(ANN, block(legs(), consents));
}

#[test]
fn a_consent_is_its_accounts_and_works_once() {
    let mut desk = Desk::new();
    let legs = || vec![leg(InstrumentId(0), 1, 100_000, ANN, BEN)];
    let foreign = Consent { signer: SignerId(CAT.0), ..consent(BEN, 1_000) };
    let reject = desk.refused(ANN, block(legs(), vec![foreign]));
    assert_eq!(reject.code, RejectCode::NotAuthorised);
    let unknown = Consent { signer: SignerId(99), ..consent(BEN, 1_000) };
    let reject = desk.refused(ANN, block(legs(), vec![unknown]));
    assert_eq!(reject.code, RejectCode::UnknownSigner);
    desk.venue.send_ok(ANN, block(legs(), vec![consent(BEN, 1_000)]));
    let reject = desk.refused(ANN, block(legs(), vec![consent(BEN, 1_000)]));
    assert_eq!(reject.code, RejectCode::NonceUsed);
    // A trade that is refused for another reason uses no nonce up.
    let mut bad = legs();
    bad.push(leg(InstrumentId(0), 0, 100_000, ANN, BEN));
    assert_eq!(
        desk.refused(ANN, block(bad, vec![consent(BEN, 1_001)])).code,
        RejectCode::NotPositive
    );
    desk.venue.send_ok(ANN, block(legs(), vec![consent(BEN, 1_001)]));
}

#[test]
fn an_agent_consents_within_its_scope() {
    let mut desk = Desk::new();
    let future = desk.venue.list("BTC_USDC-27MAR26");
    let scope = AgentScope {
        sub: None,
        instruments: bounded(vec![desk.perpetual]),
        notional_max: None,
        expires: None,
    };
    let register = Command::RegisterAgent { key: [77; 32], scope };
    let events = desk.venue.send_ok(BEN, register);
    let agent = events.iter().find_map(|event| match event {
        Event::AgentRegistered { agent, .. } => Some(*agent),
        _ => None,
    });
    let said = Consent { signer: agent.unwrap(), ..consent(BEN, 1_000) };
    let outside = vec![leg(future, 1, 100_000, ANN, BEN)];
    let reject = desk.refused(ANN, block(outside, vec![said.clone()]));
    assert_eq!(reject.code, RejectCode::AgentScope);
    // Legs that do not concern its account are not its business.
    let inside = vec![leg(desk.perpetual, 1, 100_000, ANN, BEN), leg(future, 1, 100_000, ANN, CAT)];
    desk.venue.send_ok(ANN, block(inside, vec![said, consent(CAT, 1_000)]));
}

#[test]
fn terms_that_make_no_trade_are_refused() {
    let mut desk = Desk::new();
    let good = leg(desk.perpetual, 1, 100_000, ANN, BEN);
    let cases = [
        (vec![], RejectCode::BlockTradeTerms),
        (vec![BlockLeg { seller: ANN, ..good }], RejectCode::SelfTradeBlock),
        (vec![BlockLeg { seller: AccountId(9), ..good }], RejectCode::UnknownAccount),
        (vec![BlockLeg { instrument: InstrumentId(9), ..good }], RejectCode::UnknownInstrument),
        (vec![BlockLeg { lots: Lots(0), ..good }], RejectCode::NotPositive),
        (vec![BlockLeg { lots: Lots(i64::MIN), ..good }], RejectCode::NotPositive),
        (vec![BlockLeg { lots: Lots(i64::MAX), ..good }], RejectCode::OrderSize),
        (vec![BlockLeg { price: Price(0), ..good }], RejectCode::NotPositive),
        (vec![BlockLeg { price: Price(7), ..good }], RejectCode::OffTick),
        (vec![BlockLeg { price: Price(i64::MAX), ..good }], RejectCode::OffTick),
    ];
    for (legs, code) in cases {
        let reject = desk.refused(ANN, block(legs, vec![consent(BEN, 1_000)]));
        assert_eq!(reject.code, code);
    }
    let past = desk.venue.time;
    let terms = BlockTerms { legs: bounded(vec![good]), valid_until: past };
    let consents = bounded(vec![consent(BEN, 1_000)]);
    let late = Command::BlockTrade { terms: terms.clone(), consents: consents.clone() };
    assert_eq!(desk.refused(ANN, late).code, RejectCode::TooLate);
    let in_time = BlockTerms { valid_until: desk.venue.time.plus(SpanMs(1_000)), ..terms };
    desk.venue.send_ok(ANN, Command::BlockTrade { terms: in_time, consents });
}

#[test]
fn it_executes_whole_or_not_at_all() {
    let mut desk = Desk::new();
    let poor = AccountId(4);
    desk.venue.deposit(4, usd(1_000));
    let perpetual = desk.perpetual;
    let legs =
        vec![leg(perpetual, 10, 100_000, ANN, BEN), leg(perpetual, 1_000, 100_000, poor, BEN)];
    let consents = || vec![consent(BEN, 1_000), consent(poor, 1_000)];
    let reject = desk.refused(ANN, block(legs, consents()));
    assert_eq!(reject.code, RejectCode::InsufficientMargin);
    assert_eq!((desk.position(ANN), desk.position(BEN)), (0, 0));
    // Margin is asked for after all legs: what one leg opens the other may close.
    let legs =
        vec![leg(perpetual, 1_000, 100_000, poor, BEN), leg(perpetual, 1_000, 100_000, ANN, poor)];
    desk.venue.send_ok(ANN, block(legs, consents()));
    assert_eq!((desk.position(ANN), desk.position(BEN), desk.position(poor)), (1_000, -1_000, 0));
}

#[test]
fn position_interest_and_instrument_limits_hold_after_all_legs() {
    let params = VenueParams { instruments_per_account_max: 1, ..VenueParams::default() };
    let mut desk = Desk::with(params);
    let future = desk.venue.list("BTC_USDC-27MAR26");
    let perpetual = desk.perpetual;
    let ticker = lockstep_types::instrument::Ticker::new("BTC").unwrap();
    let genesis = UnderlyingParams::genesis(ticker, 100_000);
    desk.venue.must(SystemCommand::SetUnderlyingParams {
        underlying: BTC,
        params: UnderlyingParams {
            position_lots_max: Lots(100),
            open_interest_max: Lots(120),
            ..genesis
        },
    });
    let agree = || vec![consent(BEN, 1_000), consent(CAT, 1_000)];
    let two = vec![leg(perpetual, 1, 100_000, ANN, BEN), leg(future, 1, 100_000, ANN, CAT)];
    let reject = desk.refused(ANN, block(two, agree()));
    assert_eq!(reject, Reject::beyond(RejectCode::InstrumentLimit, 2, 1));
    let resting = desk.limit(ANN, Buy, 40, 90_000);
    let large = vec![leg(perpetual, 61, 100_000, ANN, BEN)];
    let reject = desk.refused(ANN, block(large, vec![consent(BEN, 1_000)]));
    assert_eq!(reject, Reject::beyond(RejectCode::PositionLimit, 101, 100));
    desk.venue.cancel(ANN, resting);
    let wide = vec![leg(perpetual, 61, 100_000, ANN, BEN), leg(perpetual, 60, 100_000, CAT, BEN)];
    let reject = desk.refused(ANN, block(wide.clone(), agree()));
    assert_eq!(reject, Reject::beyond(RejectCode::PositionLimit, 121, 100));
    let wide = vec![leg(perpetual, 61, 100_000, ANN, BEN), leg(perpetual, 60, 100_000, CAT, DAN)];
    let all = vec![consent(BEN, 1_000), consent(CAT, 1_000), consent(DAN, 1_000)];
    let reject = desk.refused(ANN, block(wide, all));
    assert_eq!(reject, Reject::beyond(RejectCode::OpenInterestCap, 121, 120));
}

#[test]
fn it_does_not_trade_in_a_halt_and_only_reduces_in_a_reduce_only_phase() {
    let mut desk = Desk::new();
    let perpetual = desk.perpetual;
    desk.hold(ANN, 5);
    let trade =
        |lots| block(vec![leg(perpetual, lots, 100_000, DAN, ANN)], vec![consent(DAN, 1_000)]);
    desk.set_phase(Phase::Halted);
    assert_eq!(desk.refused(ANN, trade(5)).code, RejectCode::Halted);
    desk.set_phase(Phase::ReduceOnly);
    assert_eq!(desk.refused(ANN, trade(6)).code, RejectCode::ReduceOnlyPhase, "it would flip");
    desk.venue.send_ok(ANN, trade(5));
    assert_eq!((desk.position(ANN), desk.position(DAN)), (0, 0));
}

#[test]
fn reduce_only_orders_shrink_to_the_position_after_all_legs() {
    let mut desk = Desk::new();
    desk.hold(ANN, 10);
    let reduce = NewOrder { reduce_only: true, ..desk.order(Sell, 10, 101_000) };
    let (id, _) = desk.place(ANN, reduce);
    let perpetual = desk.perpetual;
    // Between the legs nothing of the position is left.
    let legs = vec![leg(perpetual, 10, 100_000, BEN, ANN), leg(perpetual, 4, 100_000, ANN, BEN)];
    let events = desk.venue.send_ok(ANN, block(legs, vec![consent(BEN, 1_000)]));
    assert_eq!(rejects(&events), []);
    assert_eq!((desk.position(ANN), desk.left(id)), (4, 4));
}
