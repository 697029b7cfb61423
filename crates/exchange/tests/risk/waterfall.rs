//! Steps three to five of the waterfall through the engine (R3): who may bid for what at which
//! price, whose insurance pays, and against whom a bankrupt account is closed.

use super::*;
use common::trades;
use lockstep_types::command::{Command, MarginMode};
use lockstep_types::event::{Trade, TradeKind};
use lockstep_types::params::BackstopParams;
use lockstep_types::reject::RejectCode;
use lockstep_types::units::TimeMs;

/// Parameters under which an account is on offer from the first block on.
fn at_once() -> VenueParams {
    let backstop = BackstopParams { blocks: 0, ..BackstopParams::default() };
    VenueParams { liquidation_fee: Ppm(0), backstop, ..free(MarginRegime::Enforced) }
}

/// A venue where an account bought at an entry from the owner number 2, and where the index now is
/// at mark; nobody makes a market, and margin is off.
fn long_account(cash: Usd, lots: i64, entry: Price, mark: Price) -> (Venue, AccountId) {
    let (mut venue, perpetual) = bitcoin_venue(free(MarginRegime::Off));
    let account = venue.deposit(1, cash);
    let other = rich(&mut venue, 2);
    trade(&mut venue, account, other, perpetual, lots, entry);
    venue.quoted.get_mut(&BTC).unwrap().price = mark;
    (venue, account)
}

const PERPETUAL: InstrumentId = InstrumentId(0);

fn bid(account: AccountId, share: i64, price_max: i64) -> Command {
    Command::Bid { account, share: Ppm(share), price_max: Usd(price_max) }
}

fn of_kind(events: &[Event], kind: TradeKind) -> Vec<Trade> {
    trades(events).into_iter().filter(|trade| trade.kind == kind).collect()
}

fn is_on_offer(events: &[Event], account: AccountId) -> bool {
    events.iter().any(|event| match event {
        Event::BackstopStarted { account: who, .. } => *who == account,
        _ => false,
    })
}

/// Runs blocks a minute apart until a time, so that the index stays fresh.
fn wait_until(venue: &mut Venue, until: TimeMs) -> Vec<Event> {
    let mut events = Vec::new();
    while venue.time < until {
        let next = venue.time.0.saturating_add(60_000).min(until.0);
        events = venue.tick_at(TimeMs(next));
    }
    events
}

fn taken(events: &[Event]) -> (Ppm, Usd, Usd) {
    let taken = events.iter().find_map(|event| match event {
        Event::BackstopTaken { share, price, cash, .. } => Some((*share, *price, *cash)),
        _ => None,
    });
    taken.unwrap_or_else(|| panic!("a slice was taken: {events:?}"))
}

#[test]
fn l6_a_slice_brings_a_solvent_account_to_its_buffer() {
    let vector = liquidation_vector("L6_solvent_auction_max_share");
    // 0.8 BTC at 100,000 need 4,000; 3,000 are there, more than two thirds of it.
    let mark = price(100_000);
    let (mut venue, account) = long_account(usd(3_000), 800, mark, mark);
    let bidder = rich(&mut venue, 4);
    assert!(is_on_offer(&set(&mut venue, at_once()), account));
    let opened = venue.time;
    let elapsed = int(&vector["in_"]["elapsed_ms"]);
    wait_until(&mut venue, TimeMs(opened.0 + elapsed - 1_000));
    let (most, cost) = (int(&vector["max_share_ppm"]), int(&vector["cash_paid_for_max_share"]));
    // Each command is a second later than the one before; so the price is asked at its time.
    venue.pace = lockstep_types::units::SpanMs(500);
    let events = venue.send(bidder, bid(account, most + 2, i64::MAX));
    let refused = common::rejects(&events);
    assert_eq!((refused[0].code, refused[0].actual), (RejectCode::BidShare, most + 2));
    let before = cash(&venue, bidder);
    let events = venue.send(bidder, bid(account, most, cost - 1));
    let refused = common::rejects(&events);
    assert_eq!(
        (refused[0].code, refused[0].actual, refused[0].limit),
        (RejectCode::BidPrice, cost, cost - 1)
    );
    venue.time = TimeMs(venue.time.0 - 500);
    venue.height += 1;
    let events = venue.send_ok(bidder, bid(account, most, cost));
    let collateral = 3_000_000_000 * most / 1_000_000;
    assert_eq!(taken(&events), (Ppm(most), Usd(cost), Usd(collateral)));
    let moved = of_kind(&events, TradeKind::Backstop);
    // At least the share of the position, at mark, without fees.
    assert_eq!((moved.len(), moved[0].lots, moved[0].price), (1, Lots(305), mark));
    assert_eq!((moved[0].taker, moved[0].maker), (bidder, account));
    assert_eq!((moved[0].taker_fee, moved[0].maker_fee), (Usd(0), Usd(0)));
    assert_eq!(cash(&venue, bidder), Usd(before.0 - cost + collateral));
    let margin = venue.exchange.margin_of(account).unwrap();
    assert!(i128::from(margin.balance) * 100 >= i128::from(margin.maintenance) * 115);
    let events = venue.tick();
    let over = |event: &Event| matches!(event, Event::LiquidationEnded { .. });
    assert!(events.iter().any(over), "it is above maintenance again");
    audit(&venue);
}

#[test]
fn l7_who_waits_until_the_price_is_nothing_gets_everything() {
    let vector = liquidation_vector("L7_backstop_takeover");
    let input = &vector["in_"];
    let (lots, mark) = (int(&input["lots"]), Price(int(&input["mark"])));
    let money = Usd(int(&input["cash"]));
    let (mut venue, account) = long_account(money, lots, Price(int(&input["entry"])), mark);
    let bidder = rich(&mut venue, 4);
    let params = VenueParams { liquidation_fee: Ppm(0), ..free(MarginRegime::Enforced) };
    // Below two thirds of its requirement it does not wait.
    let events = set(&mut venue, params);
    let offered = Event::BackstopStarted {
        account,
        equity: Usd(int(&vector["E"])),
        maintenance: Usd(int(&vector["MM"])),
    };
    assert!(events.contains(&offered), "{events:?}");
    let until = TimeMs(venue.time.0 + 900_000 + 43_200_000);
    wait_until(&mut venue, until);
    let before = cash(&venue, bidder);
    let events = venue.send_ok(bidder, bid(account, 1_000_000, 0));
    let post = &vector["post_backstop"];
    let received = Usd(int(&post["cash_received"]));
    assert_eq!(taken(&events), (Ppm(1_000_000), Usd(0), received));
    assert_eq!(cash(&venue, account), Usd(0));
    assert_eq!(position(&venue, account, PERPETUAL), Lots(0));
    assert_eq!(position(&venue, bidder, PERPETUAL), Lots(int(&post["lots"])));
    assert_eq!(cash(&venue, bidder) - before, received);
    let view = venue.exchange.account_view(bidder).unwrap();
    assert_eq!(view.positions[0].average_price, Price(int(&post["entry"])));
    venue.tick();
    assert!(!venue.exchange.account_view(account).unwrap().liquidating);
    audit(&venue);
}

#[test]
fn nobody_takes_what_he_cannot_carry_or_what_is_not_on_offer() {
    let mark = price(100_000);
    let (mut venue, account) = long_account(usd(3_000), 800, mark, mark);
    let (bidder, poor) = (rich(&mut venue, 4), venue.deposit(5, usd(1_100)));
    let code = venue.refused(bidder, bid(account, 1_000, i64::MAX));
    assert_eq!(code, RejectCode::NoBackstop, "it is not being liquidated");
    set(
        &mut venue,
        VenueParams {
            backstop: BackstopParams { blocks: 3, ..BackstopParams::default() },
            ..at_once()
        },
    );
    let code = venue.refused(bidder, bid(account, 1_000, i64::MAX));
    assert_eq!(code, RejectCode::NoBackstop, "the books are still asked");
    venue.tick();
    assert!(is_on_offer(&venue.tick(), account));
    for (who, what, share, code) in [
        (bidder, account, 0, RejectCode::BidShare),
        (bidder, account, 1_000_001, RejectCode::BidShare),
        (bidder, bidder, 1_000, RejectCode::NoBackstop),
        (account, account, 1_000, RejectCode::NoBackstop),
        (bidder, AccountId(77), 1_000, RejectCode::NoBackstop),
        (poor, account, 350_000, RejectCode::InsufficientMargin),
    ] {
        assert_eq!(venue.refused(who, bid(what, share, i64::MAX)), code, "{who} {share}");
    }
    // A small part the poor one can carry; a tenth of a lot counts as a lot.
    let events = venue.send_ok(poor, bid(account, 100, i64::MAX));
    assert_eq!(of_kind(&events, TradeKind::Backstop)[0].lots, Lots(1));
    audit(&venue);
}

#[test]
fn insurance_pays_who_takes_over_a_bankrupt_account_and_more_with_time() {
    // Worth 1,000 less than nothing, with a requirement of 4,750.
    let (mut venue, account) = long_account(usd(4_000), 1_000, price(100_000), price(95_000));
    let bidder = rich(&mut venue, 4);
    venue.must(SystemCommand::FundInsurance { underlying: Some(BTC), amount: usd(1_500) });
    venue.must(SystemCommand::FundInsurance { underlying: None, amount: usd(1_500) });
    assert!(is_on_offer(&set(&mut venue, at_once()), account));
    let opened = venue.time;
    wait_until(&mut venue, TimeMs(opened.0 + 1_800_000 - 1_000));
    // Half an hour later half of the requirement is paid on top; two fifths of it all is sold.
    let fair = -(1_000_000_000_i64 + 2_375_000_000) * 2 / 5;
    let code = venue.refused(bidder, bid(account, 400_000, fair - 1_000_000_000));
    assert_eq!(code, RejectCode::BidPrice, "nobody is paid what he likes");
    venue.time = TimeMs(opened.0 + 1_800_000 - 1_000);
    let before = cash(&venue, bidder);
    let events = venue.send_ok(bidder, bid(account, 400_000, 0));
    assert_eq!(taken(&events), (Ppm(400_000), Usd(fair), usd(-400)));
    assert_eq!(cash(&venue, bidder) - before, Usd(-fair - 400_000_000));
    // The market's own fund pays first; it is the only one that the account's margin was of.
    assert_eq!(venue.exchange.funds().insurance, Usd(3_000_000_000 + fair));
    assert_eq!(venue.exchange.funds().insurance_shared, usd(1_500));
    assert_eq!(position(&venue, account, PERPETUAL), Lots(600));
    // What insurance cannot pay it does not promise.
    venue.pace = lockstep_types::units::SpanMs(60_000);
    wait_until(&mut venue, TimeMs(opened.0 + 3_000_000));
    let code = venue.refused(bidder, bid(account, 1_000_000, 0));
    assert_eq!(code, RejectCode::InsufficientBalance);
    audit(&venue);
}

#[test]
fn l9_the_bankrupt_closes_against_the_most_leveraged() {
    let vector = liquidation_vector("L9_adl_risk_weighted_pro_rata");
    let (mut venue, perpetual) = bitcoin_venue(free(MarginRegime::Off));
    let bankrupt = venue.deposit(1, Usd(int(&vector["in_"]["bankrupt"]["cash"])));
    let rich = rich(&mut venue, 2);
    let mark = int(&vector["in_"]["mark"]);
    // Their equity at mark is what makes their leverage; each gains since its entry.
    let names = ["A", "B", "C", "D"];
    let mut shorts = Vec::new();
    for (owner, (name, entry)) in (3..).zip(names.iter().zip([100_000, 99_000, 95_100, 96_000])) {
        let lots = int(&vector["in_"]["opposite_shorts"][name]);
        let leverage = int(&vector["in_"]["leverage_ppm"][name]);
        let equity = lots * mark / 1_000 * 1_000_000 / leverage;
        let gain = lots * (entry * 1_000_000 - mark) / 1_000;
        let account = venue.deposit(owner, Usd(equity - gain));
        trade(&mut venue, rich, account, perpetual, lots, price(entry));
        shorts.push((account, lots, int(&vector["closed_lots"][name])));
    }
    trade(&mut venue, bankrupt, rich, perpetual, 1_000, price(100_000));
    let amount = Usd(int(&vector["in_"]["insurance"]));
    venue.must(SystemCommand::FundInsurance { underlying: Some(BTC), amount });
    venue.quoted.get_mut(&BTC).unwrap().price = Price(mark);
    let events = set(&mut venue, at_once());
    let closed = Event::Deleveraged {
        account: bankrupt,
        instrument: perpetual,
        lots: Lots(1_000),
        price: Price(int(&vector["adl_price"])),
        mark: Price(mark),
        uncovered: Usd(int(&vector["deficit"]) - int(&vector["insurance_used"])),
    };
    assert!(events.contains(&closed), "{events:?}");
    for (account, lots, closed) in shorts {
        assert_eq!(position(&venue, account, perpetual), Lots(closed - lots), "{account}");
    }
    assert_eq!(cash(&venue, bankrupt), Usd(0));
    assert_eq!(position(&venue, bankrupt, perpetual), Lots(0));
    assert_eq!(venue.exchange.funds().insurance, Usd(0));
    audit(&venue);
}

#[test]
fn a_hedged_book_keeps_its_hedge_while_anybody_else_is_left() {
    let (mut venue, perpetual) = bitcoin_venue(free(MarginRegime::Off));
    let future = venue.list("BTC_USDC-27MAR26");
    let (bankrupt, rich) = (venue.deposit(1, usd(2_000)), rich(&mut venue, 2));
    let (hedged, alone) = (venue.deposit(3, usd(20_000)), venue.deposit(4, usd(60_000)));
    // Short the perpetual and long the future: one leg is the other's hedge.
    trade(&mut venue, rich, hedged, perpetual, 1_000, price(100_000));
    trade(&mut venue, hedged, rich, future, 1_000, price(100_000));
    trade(&mut venue, rich, alone, perpetual, 1_200, price(100_000));
    trade(&mut venue, bankrupt, rich, perpetual, 1_000, price(100_000));
    venue.send_ok(hedged, Command::SetMarginMode(MarginMode::Portfolio));
    venue.quoted.get_mut(&BTC).unwrap().price = price(97_000);
    let events = set(&mut venue, at_once());
    let against = of_kind(&events, TradeKind::Deleverage);
    assert_eq!(against.len(), 1, "{against:?}");
    assert_eq!((against[0].maker, against[0].lots), (alone, Lots(1_000)));
    assert_eq!(position(&venue, hedged, perpetual), Lots(-1_000));
    assert_eq!(position(&venue, hedged, future), Lots(1_000));
    audit(&venue);
}

#[test]
fn a_solvent_account_that_nobody_wants_is_brought_to_its_target() {
    let mark = price(100_000);
    let (mut venue, account) = long_account(usd(3_000), 800, mark, mark);
    set(&mut venue, at_once());
    let end = TimeMs(venue.time.0 + 900_000 + 43_200_000 + 3_600_000);
    wait_until(&mut venue, TimeMs(end.0 - 1));
    assert_eq!(position(&venue, account, PERPETUAL), Lots(800));
    let events = venue.tick_at(end);
    let closed = of_kind(&events, TradeKind::Deleverage);
    // 3,000 are 110 % of what 545.45 lots need.
    assert_eq!((closed.len(), closed[0].lots, closed[0].price), (1, Lots(255), mark));
    assert_eq!(cash(&venue, account), usd(3_000), "at mark nobody loses");
    assert!(!venue.exchange.account_view(account).unwrap().liquidating);
    audit(&venue);
}

#[test]
fn one_markets_failure_is_no_other_funds_business() {
    let (mut venue, account) = long_account(usd(2_000), 1_000, price(100_000), price(100_000));
    let ether = venue.add_underlying("ETH", 4_000);
    for (underlying, amount) in [(Some(BTC), 300), (Some(ether), 10_000), (None, 200)] {
        venue.must(SystemCommand::FundInsurance { underlying, amount: usd(amount) });
    }
    venue.quoted.get_mut(&BTC).unwrap().price = price(97_000);
    let events = set(&mut venue, at_once());
    let payments: Vec<(Option<UnderlyingId>, Usd)> = events
        .iter()
        .filter_map(|event| match event {
            Event::InsurancePaid { underlying, amount, account: who } if *who == account => {
                Some((*underlying, *amount))
            }
            _ => None,
        })
        .collect();
    assert_eq!(payments, [(Some(BTC), usd(300)), (None, usd(200))]);
    assert_eq!(venue.exchange.funds().insurance, usd(10_000));
    assert_eq!(venue.exchange.underlying_view(ether).unwrap().insurance, usd(10_000));
    audit(&venue);
}

#[test]
fn money_sent_to_an_account_in_liquidation_changes_its_equity_and_nothing_else() {
    let run = |gift: Option<Usd>| {
        let mark = price(100_000);
        let (mut venue, account) = long_account(usd(3_000), 800, mark, mark);
        let bidder = rich(&mut venue, 4);
        set(&mut venue, at_once());
        if let Some(gift) = gift {
            venue.deposit(1, gift);
        } else {
            venue.tick();
        }
        assert!(venue.exchange.account_view(account).unwrap().liquidating);
        let events = venue.send_ok(bidder, bid(account, 100_000, i64::MAX));
        let lots = of_kind(&events, TradeKind::Backstop)[0].lots;
        let code = venue.refused(account, Command::Withdraw { amount: Usd(1) });
        assert_eq!(code, RejectCode::BelowMaintenance, "nor does it come out again");
        lots
    };
    assert_eq!(run(None), run(Some(Usd(1))));
    assert_eq!(run(None), run(Some(usd(500))));
}
