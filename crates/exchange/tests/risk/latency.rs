//! Latency as a risk, through the engine (R4): what is measured, what it forbids, and that nobody
//! is liquidated for it.

use super::*;
use lockstep_types::command::{
    Block, Command, MarginMode, Phase, PhaseReason, PhaseScope, Report, UserCommand,
};
use lockstep_types::order::NewOrder;
use lockstep_types::params::LatencySource;
use lockstep_types::reject::RejectCode;
use lockstep_types::units::{SpanMs, TimeMs};

fn assumed(now_ms: i64, slow_ms: i64) -> VenueParams {
    let mut params = free(MarginRegime::Enforced);
    params.latency.source = LatencySource::Assumed { now: SpanMs(now_ms), slow: SpanMs(slow_ms) };
    params
}

fn measured() -> VenueParams {
    let mut params = free(MarginRegime::Enforced);
    params.latency.source = LatencySource::Measured;
    params
}

/// A venue with blocks as they come, and reports that are as old as is said.
struct Slow {
    venue: Venue,
    perpetual: InstrumentId,
}

impl Slow {
    fn new() -> Self {
        let (mut venue, perpetual) = bitcoin_venue(free(MarginRegime::Enforced));
        set(&mut venue, measured());
        Self { venue, perpetual }
    }

    /// A block `gap_ms` after the last one, whose report was published `age_ms` ago.
    fn block(&mut self, gap_ms: i64, age_ms: i64, commands: Vec<UserCommand>) -> Vec<Event> {
        let time = self.venue.time.plus(SpanMs(gap_ms));
        let report = Report {
            reporter: common::REPORTER,
            underlying: BTC,
            price: self.venue.quoted[&BTC].price,
            published: TimeMs(time.0 - age_ms),
            expiries: common::bounded(Vec::new()),
        };
        self.venue.height += 1;
        self.venue.time = time;
        let block = Block {
            height: self.venue.height,
            time,
            system: common::bounded(vec![SystemCommand::Report(report)]),
            commands: common::bounded(commands),
        };
        self.venue.exchange.execute(&block).unwrap();
        self.venue.exchange.events().to_vec()
    }

    fn order(&mut self, account: AccountId, side: Side, at: Price) -> UserCommand {
        let order = NewOrder::limit(self.perpetual, side, Lots(100), at);
        self.venue.command(account, Command::Place(order))
    }
}

/// Age, finality, present and slow latency, and the two moves.
fn told(events: &[Event]) -> (i64, i64, i64, i64, i64, i64) {
    let told = events.iter().find_map(|event| match event {
        Event::Latency { age, finality, now_us, slow_us, initial, maintenance, .. } => {
            Some((age.0, finality.0, *now_us, *slow_us, initial.0, maintenance.0))
        }
        _ => None,
    });
    told.unwrap_or_else(|| panic!("each block says it: {events:?}"))
}

fn phases(events: &[Event]) -> Vec<Phase> {
    let changed = |event: &Event| match event {
        Event::PhaseChanged { scope: PhaseScope::Underlying(BTC), phase, reason } => {
            assert_eq!(*reason, PhaseReason::Latency);
            Some(*phase)
        }
        _ => None,
    };
    events.iter().filter_map(changed).collect()
}

#[test]
fn it_is_the_age_of_prices_and_three_times_finality() {
    let mut slow = Slow::new();
    for _ in 0..600 {
        slow.block(250, 40, Vec::new());
    }
    assert_eq!(told(&slow.block(250, 40, Vec::new())), (40, 250, 790_000, 1_000_000, 0, 0));
    // One late block counts in full while it is among the last eight.
    let (age, finality, now_us, _, initial, maintenance) = told(&slow.block(900, 100, Vec::new()));
    assert_eq!((age, finality, now_us), (100, 900, 2_800_000));
    // 0.45 % x (sqrt(2.8) - 1), and nothing on maintenance.
    assert_eq!((initial, maintenance), (3_028, 0));
    for _ in 0..7 {
        assert_eq!(told(&slow.block(250, 40, Vec::new())).1, 900);
    }
    assert_eq!(
        told(&slow.block(250, 40, Vec::new())).1,
        250,
        "one in 512 is less than a hundredth"
    );
}

#[test]
fn a_slow_venue_takes_only_what_reduces_and_a_stuck_one_collects_and_reopens() {
    let mut slow = Slow::new();
    let (buyer, seller) = (rich(&mut slow.venue, 1), rich(&mut slow.venue, 2));
    for _ in 0..600 {
        slow.block(250, 0, Vec::new());
    }
    let sell = slow.order(seller, Side::Sell, price(100_000));
    let buy = slow.order(buyer, Side::Buy, price(100_000));
    slow.block(250, 0, vec![sell, buy]);
    // Two seconds of silence: six seconds until anything is done.
    let more = slow.order(buyer, Side::Buy, price(99_000));
    let less = slow.order(buyer, Side::Sell, price(101_000));
    let events = slow.block(2_000, 0, vec![more, less]);
    assert_eq!(phases(&events), [Phase::ReduceOnly]);
    let codes: Vec<RejectCode> = common::rejects(&events).iter().map(|no| no.code).collect();
    assert_eq!(codes, [RejectCode::ReduceOnlyPhase], "an order that reduces is taken");
    // Half a minute of silence: marks freeze, orders collect.
    slow.venue.quoted.get_mut(&BTC).unwrap().price = price(98_000);
    let events = slow.block(30_000, 0, Vec::new());
    assert_eq!(phases(&events), [Phase::Auction]);
    assert!(events.contains(&Event::Stale { underlying: BTC, stale: true }));
    let mark = slow.venue.exchange.mark_seen(slow.perpetual);
    assert_eq!(mark, Some(price(100_000)), "frozen as it was");
    // The late block is among the last eight for a while; then orders collect.
    for _ in 0..8 {
        slow.block(250, 0, Vec::new());
    }
    let sell = slow.order(seller, Side::Sell, price(98_000));
    let buy = slow.order(buyer, Side::Buy, price(98_500));
    let events = slow.block(250, 0, vec![sell, buy]);
    assert_eq!((common::trades(&events), common::rejects(&events)), (vec![], vec![]));
    let mut reopened = Vec::new();
    let mut blocks = 0;
    while reopened.is_empty() && blocks < 200 {
        reopened = slow.block(250, 0, Vec::new());
        reopened
            .retain(|event| matches!(event, Event::PhaseChanged { .. } | Event::Uncrossed { .. }));
        blocks += 1;
    }
    assert!(matches!(reopened[1], Event::Uncrossed { .. }), "{reopened:?}");
    assert!(
        (30..=40).contains(&blocks),
        "ten seconds after it is fast again, not before: {blocks}"
    );
    assert!(!slow.venue.exchange.underlying_view(BTC).unwrap().stale);
    audit(&slow.venue);
}

#[test]
fn initial_margin_knows_the_present_latency_and_maintenance_the_slow_one() {
    let (mut venue, perpetual) = bitcoin_venue(free(MarginRegime::Off));
    let (account, other) = (venue.deposit(1, usd(16_000)), rich(&mut venue, 2));
    trade(&mut venue, account, other, perpetual, 1_000, price(100_000));
    venue.send_ok(account, Command::SetMarginMode(MarginMode::Portfolio));
    let mut margin_with = |now_ms, slow_ms| {
        set(&mut venue, assumed(now_ms, slow_ms));
        venue.exchange.margin_of(account).unwrap()
    };
    let swift = margin_with(1_000, 1_000);
    // 80 % of 16,003 and 1 %; 16,003 and 1.5 %: the perpetual's mark is a little above the index.
    let late = margin_with(4_000, 1_000);
    assert_eq!(late.maintenance, swift.maintenance, "nobody is liquidated for a slow network");
    // 0.45 % more may have moved on 100,000.
    assert_eq!(late.initial - swift.initial, 450_000_000);
    let chronic = margin_with(1_000, 4_000);
    assert_eq!(chronic.maintenance - swift.maintenance, 450_000_000);
    assert_eq!(chronic.initial, late.initial, "the worse of the two counts");
    assert!(!venue.exchange.account_view(account).unwrap().liquidating);
}

#[test]
fn withdrawals_and_orders_feel_it_at_once() {
    let (mut venue, perpetual) = bitcoin_venue(free(MarginRegime::Off));
    let (account, other) = (venue.deposit(1, usd(18_000)), rich(&mut venue, 2));
    trade(&mut venue, account, other, perpetual, 1_000, price(100_000));
    venue.send_ok(account, Command::SetMarginMode(MarginMode::Portfolio));
    set(&mut venue, assumed(4_000, 1_000));
    let code = venue.refused(account, Command::Withdraw { amount: usd(400) });
    assert_eq!(code, RejectCode::InsufficientBalance);
    set(&mut venue, assumed(1_000, 1_000));
    venue.send_ok(account, Command::Withdraw { amount: usd(400) });
}

#[test]
fn the_slow_latency_follows_bad_days_over_a_day() {
    let mut slow = Slow::new();
    let mut reached = Vec::new();
    for block in 0..4 * 2_880 {
        // Four days of blocks half a minute apart, but for a minute a day with three seconds.
        let gap_ms = if block % 2_880 < 20 { 3_000 } else { 29_940 };
        let events = slow.block(gap_ms, 0, Vec::new());
        reached.push(told(&events).3);
    }
    assert_eq!(reached[0], 1_000_000, "nothing is known yet");
    let last = *reached.last().unwrap();
    // Three times half a minute, counted at the upper end of their bucket.
    assert!(last > 89_820_000 && last < 2 * 89_820_000, "{last}");
    assert!(reached.is_sorted(), "it only had reason to rise");
    let steps: Vec<i64> = reached.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let most = steps.iter().max().unwrap();
    assert!(*most * 2_000 < last, "over a day, not at once: {most}");
}

#[test]
fn margin_must_cover_what_moves_meanwhile() {
    let mut venue = Venue::new(free(MarginRegime::Enforced));
    let params = UnderlyingParams { jump: Ppm(40_000), ..bitcoin() };
    let block = venue.block(vec![SystemCommand::AddUnderlying(params.clone())], Vec::new());
    let reject = common::rejects(&block)[0];
    // 4 % and 0.45 % x sqrt(2) and 1 % of slippage against 5 %.
    assert_eq!(
        (reject.code, reject.actual, reject.limit),
        (RejectCode::LatencyMargin, 50_000, 56_363)
    );
    let dearer = UnderlyingParams { standard_factor: Ppm(1_200_000), ..params.clone() };
    let underlying = venue.add_underlying_with(dearer, price(100_000));
    let cheap = SystemCommand::SetUnderlyingParams { underlying, params };
    let code = common::rejects(&venue.block(vec![cheap], Vec::new()))[0].code;
    assert_eq!(code, RejectCode::LatencyMargin);
    let mut clumsy = free(MarginRegime::Enforced);
    clumsy.latency.execution = SpanMs(60_000);
    let clumsy = SystemCommand::SetVenueParams(Box::new(clumsy));
    let code = common::rejects(&venue.block(vec![clumsy], Vec::new()))[0].code;
    assert_eq!(code, RejectCode::LatencyMargin, "parameters of the venue are held to it too");
}
