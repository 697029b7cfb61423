//! Steps one and two of the waterfall, and insurance, through the engine (R2, R3, P5).

use super::*;
use common::{bounded, trades};
use lockstep_types::event::{CancelReason, Trade, TradeKind};
use lockstep_types::units::SpanMs;
use serde_json::Value;

fn liquidations(events: &[Event]) -> Vec<Trade> {
    let of_liquidation = |trade: &Trade| trade.kind == TradeKind::Liquidation;
    trades(events).into_iter().filter(of_liquidation).collect()
}

fn started(events: &[Event]) -> Vec<(AccountId, i64, i64)> {
    let start = |event: &Event| match event {
        Event::LiquidationStarted { account, equity, maintenance } => {
            Some((*account, equity.0, maintenance.0))
        }
        _ => None,
    };
    events.iter().filter_map(start).collect()
}

fn ended(events: &[Event]) -> Vec<(AccountId, i64, i64)> {
    let end = |event: &Event| match event {
        Event::LiquidationEnded { account, equity, maintenance } => {
            Some((*account, equity.0, maintenance.0))
        }
        _ => None,
    };
    events.iter().filter_map(end).collect()
}

/// The account of a vector with its position, a bid or offer of `depth` lots at the vector's fill
/// price, and the index still at the entry; margin is off.
fn account_of(vector: &Value, depth: i64) -> (Venue, InstrumentId, AccountId) {
    let input = &vector["in_"];
    let (mut venue, perpetual) = bitcoin_venue(free(MarginRegime::Off));
    let account = venue.deposit(1, Usd(int(&input["cash"])));
    let (other, maker) = (rich(&mut venue, 2), rich(&mut venue, 3));
    let (lots, entry) = (int(&input["lots"]), Price(int(&input["entry"])));
    let (buyer, seller) = if lots > 0 { (account, other) } else { (other, account) };
    trade(&mut venue, buyer, seller, perpetual, lots.abs(), entry);
    let side = if lots > 0 { Side::Buy } else { Side::Sell };
    venue.limit(maker, perpetual, side, depth, Price(int(&input["fill"])));
    venue.quoted.get_mut(&BTC).unwrap().price = Price(int(&input["mark"]));
    (venue, perpetual, account)
}

fn check_partial(name: &str, spread: i64) {
    let vector = liquidation_vector(name);
    let input = &vector["in_"];
    let (mut venue, perpetual, account) = account_of(&vector, 4_000);
    let params = VenueParams {
        liquidation_fee: Ppm(int(&input["fee_ppm"])),
        liquidation_spread: Ppm(spread),
        ..free(MarginRegime::Enforced)
    };
    let events = set(&mut venue, params);
    let (pre, post) = (&vector["pre"], &vector["post"]);
    assert_eq!(started(&events), [(account, int(&pre["E"]), int(&pre["MM"]))], "{name}");
    let fills = liquidations(&events);
    assert_eq!(fills.len(), 1, "{name}");
    assert_eq!(fills[0].lots.0, int(&vector["close_lots"]), "{name}");
    assert_eq!(fills[0].price.0, int(&input["fill"]), "{name}");
    assert_eq!(fills[0].taker_fee.0, int(&post["fee_to_insurance"]), "{name}");
    assert_eq!(ended(&events), [(account, int(&post["E"]), int(&post["MM"]))], "{name}");
    assert_eq!(cash(&venue, account).0, int(&post["cash"]), "{name}");
    assert_eq!(position(&venue, account, perpetual).0, int(&post["lots"]), "{name}");
    assert_eq!(venue.exchange.funds().insurance.0, int(&post["fee_to_insurance"]), "{name}");
    assert!(!venue.exchange.account_view(account).unwrap().liquidating);
    audit(&venue);
}

#[test]
fn l1_to_l3_through_the_engine() {
    check_partial("L1_partial_at_mark", 1_500_000);
    // Forty basis points lie beyond the limit of so slight a breach with the usual spread.
    check_partial("L2_partial_with_40bps_slippage", 10_000_000);
    check_partial("L3_partial_short_30bps", 1_500_000);
}

#[test]
fn l4_nothing_is_sold_below_the_limit_price() {
    let mut vector = liquidation_vector("L4_fillable_and_bankruptcy_price");
    let limit = int(&vector["limit_price"]);
    // The first ticks on either side of it; the bankruptcy price lies below both.
    let (above, below) = (limit.div_euclid(100_000) * 100_000 + 100_000, limit / 100_000 * 100_000);
    assert!(below > int(&vector["bankruptcy_price"]));
    for (fill, trades) in [(above, 1), (below, 0)] {
        vector["in_"]["fill"] = fill.into();
        let (mut venue, _, account) = account_of(&vector, 4_000);
        let events = set(&mut venue, free(MarginRegime::Enforced));
        assert_eq!(started(&events), [(account, int(&vector["E"]), int(&vector["MM"]))]);
        assert_eq!(liquidations(&events).len(), trades, "at {fill}");
        audit(&venue);
    }
}

#[test]
fn l8_insurance_covers_what_a_bankrupt_account_owes() {
    let vector = liquidation_vector("L8_insurance_covers");
    let (mut venue, perpetual, account) = account_of(&vector, 4_000);
    let fund = Usd(int(&vector["in_"]["insurance"]));
    venue.must(SystemCommand::FundInsurance { underlying: None, amount: fund });
    let params = VenueParams { liquidation_fee: Ppm(0), ..free(MarginRegime::Enforced) };
    let events = set(&mut venue, params);
    assert_eq!(started(&events)[0].1, int(&vector["E_at_mark"]));
    assert_eq!(liquidations(&events)[0].lots, Lots(1_000));
    assert_eq!(ended(&events), [(account, int(&vector["cash_after_close"]), 0)]);
    let paid = Event::InsurancePaid {
        account,
        underlying: None,
        amount: Usd(int(&vector["insurance_paid"])),
    };
    assert!(events.contains(&paid));
    assert_eq!(venue.exchange.funds().insurance.0, int(&vector["insurance_after"]));
    assert_eq!(cash(&venue, account).0, int(&vector["user_cash"]));
    assert_eq!(position(&venue, account, perpetual), Lots(0));
    audit(&venue);
}

#[test]
fn what_the_fund_cannot_pay_is_closed_against_who_gained() {
    let vector = liquidation_vector("L8_insurance_covers");
    let (mut venue, perpetual, account) = account_of(&vector, 4_000);
    venue.must(SystemCommand::FundInsurance { underlying: Some(BTC), amount: usd(50) });
    let params = VenueParams { liquidation_fee: Ppm(0), ..free(MarginRegime::Enforced) };
    let events = set(&mut venue, params);
    let paid = Event::InsurancePaid { account, underlying: Some(BTC), amount: usd(50) };
    assert!(events.contains(&paid), "{events:?}");
    // 800 are missing at mark, 50 are paid, and 750 are for one BTC.
    let closed = Event::Deleveraged {
        account,
        instrument: perpetual,
        lots: Lots(1_000),
        price: Price(97_950_000_000),
        mark: Price(97_200_000_000),
        uncovered: usd(750),
    };
    assert!(events.contains(&closed), "{events:?}");
    assert_eq!(cash(&venue, account), Usd(0));
    assert_eq!(position(&venue, account, perpetual), Lots(0));
    assert_eq!(venue.exchange.funds().insurance, Usd(0));
    assert_eq!(ended(&events).len(), 1);
    assert_eq!(started(&venue.tick()), []);
    audit(&venue);
}

#[test]
fn a_block_takes_at_most_its_share_of_the_depth_and_the_next_goes_on() {
    let vector = liquidation_vector("L1_partial_at_mark");
    let (mut venue, perpetual, account) = account_of(&vector, 40);
    let events = set(&mut venue, free(MarginRegime::Enforced));
    let mut sold: Vec<i64> = liquidations(&events).iter().map(|fill| fill.lots.0).collect();
    assert_eq!(ended(&events), []);
    let mut blocks = 1;
    while venue.exchange.account_view(account).unwrap().liquidating {
        let events = venue.tick();
        sold.extend(liquidations(&events).iter().map(|fill| fill.lots.0));
        blocks += 1;
        assert!(blocks < 10, "it ends");
        audit(&venue);
    }
    // A quarter of 40, then of 30, rounded down: then maintenance is covered again.
    assert_eq!(sold, [10, 7]);
    assert_eq!(position(&venue, account, perpetual).0, 1_000 - sold.iter().sum::<i64>());
    let margin = venue.exchange.margin_of(account).unwrap();
    assert!(!margin.is_below_maintenance());
}

#[test]
fn open_orders_go_first_and_their_reason_is_told() {
    let (mut venue, perpetual) = bitcoin_venue(free(MarginRegime::Enforced));
    let (long, other) = (venue.deposit(1, usd(9_000)), rich(&mut venue, 2));
    trade(&mut venue, long, other, perpetual, 1_000, price(100_000));
    let orders = [
        venue.limit(long, perpetual, Side::Sell, 1_000, price(110_000)),
        venue.limit(long, perpetual, Side::Buy, 100, price(80_000)),
    ];
    let events = venue.move_price(BTC, price(95_000));
    let place = |wanted: &dyn Fn(&Event) -> bool| events.iter().position(wanted);
    let begun = place(&|event| matches!(event, Event::LiquidationStarted { .. })).unwrap();
    for order in orders {
        let cancelled = Event::Cancelled {
            order,
            account: long,
            lots: if order == orders[0] { Lots(1_000) } else { Lots(100) },
            reason: CancelReason::Liquidation,
        };
        assert!(place(&|event| *event == cancelled).unwrap() < begun);
    }
    assert_eq!(venue.exchange.account_view(long).unwrap().orders, 0);
    // With a deposit it is over, with or without a trade.
    venue.deposit(1, usd(5_000));
    assert!(!venue.exchange.account_view(long).unwrap().liquidating);
    audit(&venue);
}

#[test]
fn nobody_is_liquidated_on_a_frozen_mark() {
    let vector = liquidation_vector("L1_partial_at_mark");
    let (mut venue, _, account) = account_of(&vector, 4_000);
    // The price moves to where the account is below maintenance, and then nobody reports.
    venue.tick();
    let quoted = venue.quoted.remove(&BTC).unwrap();
    venue.tick_at(venue.time.plus(SpanMs(20_000)));
    let events = set(&mut venue, free(MarginRegime::Enforced));
    assert!(venue.exchange.margin_of(account).unwrap().is_below_maintenance());
    assert_eq!(started(&events), []);
    venue.quoted.insert(BTC, quoted);
    let events = venue.tick();
    assert_eq!(started(&events).len(), 1);
    assert_eq!(liquidations(&events).len(), 1);
    audit(&venue);
}

#[test]
fn in_a_halt_orders_are_cancelled_but_nothing_is_sold() {
    use lockstep_types::command::{Phase, PhaseReason, PhaseScope};
    let vector = liquidation_vector("L1_partial_at_mark");
    let (mut venue, _, account) = account_of(&vector, 4_000);
    let phase = |phase| SystemCommand::SetPhase {
        scope: PhaseScope::Venue,
        phase,
        reason: PhaseReason::Emergency,
    };
    venue.must(phase(Phase::Halted));
    let events = set(&mut venue, free(MarginRegime::Enforced));
    assert_eq!(started(&events).len(), 1);
    assert_eq!(liquidations(&events), []);
    let events = venue.must(phase(Phase::Continuous));
    assert_eq!(liquidations(&events).len(), 1);
    assert!(!venue.exchange.account_view(account).unwrap().liquidating);
    audit(&venue);
}

#[test]
fn the_short_leg_of_a_spread_is_bought_back_and_the_long_that_pairs_it_stays() {
    let (mut venue, _) = bitcoin_venue(free(MarginRegime::Off));
    let [near, far] =
        ["BTC_USDC-27MAR26-100000-C", "BTC_USDC-27MAR26-110000-C"].map(|name| venue.list(name));
    let (account, other, maker) =
        (venue.deposit(1, usd(3_000)), rich(&mut venue, 2), rich(&mut venue, 3));
    trade(&mut venue, other, account, near, 2_000, price(6_000));
    trade(&mut venue, account, other, far, 2_000, price(2_500));
    // A hundred dollars away from mark, on both legs.
    let mark = |what| venue.exchange.mark_seen(what).unwrap().0 / 1_000_000;
    let (ask, bid) = (price(mark(near) + 100), price(mark(far) - 100));
    venue.limit(maker, near, Side::Sell, 8_000, ask);
    venue.limit(maker, far, Side::Buy, 8_000, bid);
    // Maintenance is the greatest loss, 20,000; 10,000 is there.
    let events = set(&mut venue, free(MarginRegime::Enforced));
    assert_eq!(started(&events), [(account, 10_000_000_000, 20_000_000_000)]);
    let fills = liquidations(&events);
    assert!(!fills.is_empty());
    assert!(fills.iter().all(|fill| fill.instrument == near), "{fills:?}");
    assert_eq!(position(&venue, account, far), Lots(2_000));
    audit(&venue);
}

#[test]
fn an_options_liquidation_fee_is_capped_by_its_premium() {
    let (mut venue, _) = bitcoin_venue(free(MarginRegime::Off));
    let far = venue.list("BTC_USDC-27MAR26-200000-C");
    let (account, other, maker) =
        (venue.deposit(1, usd(7_000)), rich(&mut venue, 2), rich(&mut venue, 3));
    trade(&mut venue, other, account, far, 1_000, price(100));
    let at = Price((venue.exchange.mark_seen(far).unwrap().0 / 100_000 + 1) * 100_000);
    venue.limit(maker, far, Side::Sell, 8_000, at);
    let before = venue.exchange.funds().insurance;
    let events = set(&mut venue, free(MarginRegime::Enforced));
    let fills = liquidations(&events);
    assert_eq!(fills.len(), 1);
    // An eighth of the premium, which is less than 0.5 % of the index.
    let fee = (at.0 * fills[0].lots.0).div_euclid(8_000);
    assert!((fee..=fee + 1).contains(&fills[0].taker_fee.0), "{:?}", fills[0]);
    assert!(fee < fills[0].lots.0 * 500_000);
    let collected = venue.exchange.funds().insurance.0 - before.0;
    assert!((0..=1).contains(&(collected - fills[0].taker_fee.0)), "and dust at most");
    audit(&venue);
}

#[test]
fn liquidating_from_a_witness_gives_the_same_block() {
    use lockstep_exchange::Exchange;
    use lockstep_types::command::{Block, Report};
    let vector = liquidation_vector("L1_partial_at_mark");
    let (mut venue, ..) = account_of(&vector, 8);
    set(&mut venue, free(MarginRegime::Enforced));
    venue.exchange.record(true);
    for _ in 0..3 {
        let time = venue.time.plus(SpanMs(1_000));
        let report = Report {
            reporter: common::REPORTER,
            underlying: BTC,
            price: venue.quoted[&BTC].price,
            published: time,
            expiries: bounded(Vec::new()),
        };
        let block = Block {
            height: venue.height + 1,
            time,
            system: bounded(vec![SystemCommand::Report(report)]),
            commands: bounded(Vec::new()),
        };
        let events = venue.tick();
        assert!(!liquidations(&events).is_empty(), "it is still on");
        let journal = venue.exchange.checkpoint();
        let mut stranger = Exchange::from_witness(&journal.witness()).unwrap();
        stranger.execute(&block).unwrap();
        assert_eq!(stranger.events(), events);
        let retold = stranger.checkpoint();
        assert_eq!(stranger.changes(&retold), venue.exchange.changes(&journal));
    }
}
