//! Funding of perpetuals (P6), and that it stands still with a stale index (P5).

use crate::market::{Market, btc, usd};
use lockstep_types::command::{Phase, PhaseReason, PhaseScope, SystemCommand};
use lockstep_types::event::Event;
use lockstep_types::ids::{AccountId, InstrumentId};
use lockstep_types::order::Side;
use lockstep_types::params::UnderlyingParams;
use lockstep_types::units::{HOUR_MS, Lots, MINUTE_MS, Usd};

const PERPETUAL: &str = "BTC_USDC-PERPETUAL";
/// No change of the rate.
const NO_RATES: [i64; 0] = [];

fn perpetual() -> UnderlyingParams {
    UnderlyingParams { impact_lots: Lots(10), ..btc() }
}

fn rates(events: &[Event]) -> Vec<i64> {
    let rate = |event: &Event| match event {
        Event::FundingRate { rate_8h_ppb, .. } => Some(*rate_8h_ppb),
        _ => None,
    };
    events.iter().filter_map(rate).collect()
}

fn funding_index(market: &Market) -> i64 {
    market.exchange.instrument_view(InstrumentId(0)).unwrap().funding_index.0
}

#[test]
fn the_premium_is_sampled_once_a_minute_of_the_clock() {
    let mut market = Market::listing(perpetual(), &[PERPETUAL]);
    market.fund(1).order(0, Side::Buy, 0, 10, usd(100_500)).block();
    // The book's premium of 0.5 % is seen only by the next minute.
    market.after(MINUTE_MS - 1).report(usd(100_000));
    assert_eq!(rates(&market.block()), NO_RATES);
    market.after(1).report(usd(100_000));
    assert_eq!(rates(&market.block()), [5_000_000 - 500_000]);
    market.after(MINUTE_MS).report(usd(100_000));
    assert_eq!(rates(&market.block()), NO_RATES, "told when it changes");
    market.cancel_all(0).block();
    market.after(MINUTE_MS).report(usd(100_000));
    assert_eq!(rates(&market.block()), [100_000]);
}

#[test]
fn an_impact_price_walks_the_visible_book() {
    let mut market = Market::listing(perpetual(), &[PERPETUAL]);
    market.fund(1);
    // Ten lots sell for 4 x 100,500 + 6 x 100,400: 100,440 on average.
    market.order(0, Side::Buy, 0, 4, usd(100_500)).order(0, Side::Buy, 0, 9, usd(100_400)).block();
    market.after(MINUTE_MS).report(usd(100_000));
    assert_eq!(rates(&market.block()), [4_400_000 - 500_000]);
    // Asks below the index pull the other way; nine lots of them are too few to pull at all.
    market.cancel_all(0).order(0, Side::Sell, 0, 9, usd(99_000)).block();
    market.after(MINUTE_MS).report(usd(100_000));
    assert_eq!(rates(&market.block()), [100_000]);
    market.order(0, Side::Sell, 0, 1, usd(99_000)).block();
    market.after(MINUTE_MS).report(usd(100_000));
    assert_eq!(rates(&market.block()), [-10_000_000 + 500_000]);
}

#[test]
fn a_crossed_book_of_an_auction_exerts_no_pull() {
    let mut market = Market::listing(perpetual(), &[PERPETUAL]);
    let phase = |phase| SystemCommand::SetPhase {
        scope: PhaseScope::Instrument(InstrumentId(0)),
        phase,
        reason: PhaseReason::Scheduled,
    };
    market.tell(phase(Phase::Auction)).fund(2);
    market.order(0, Side::Buy, 0, 10, usd(102_000)).order(1, Side::Sell, 0, 10, usd(101_000));
    market.block();
    market.after(MINUTE_MS).report(usd(100_000));
    assert_eq!(rates(&market.block()), NO_RATES);
    assert_eq!(market.mark(0), Some(usd(100_000)));
}

#[test]
fn a_book_that_is_only_deep_beyond_64_levels_exerts_no_pull() {
    let mut market =
        Market::listing(UnderlyingParams { impact_lots: Lots(65), ..btc() }, &[PERPETUAL]);
    market.fund(1);
    for level in 0..65 {
        market.order(0, Side::Buy, 0, 1, usd(101_000 - level));
    }
    market.block();
    market.after(MINUTE_MS).report(usd(100_000));
    assert_eq!(rates(&market.block()), NO_RATES);
    market.order(0, Side::Buy, 0, 1, usd(101_000)).block();
    market.after(MINUTE_MS).report(usd(100_000));
    assert_eq!(rates(&market.block()).len(), 1);
}

#[test]
fn funding_accrues_the_same_however_time_is_cut() {
    let run = |cuts: &[i64]| {
        let params = UnderlyingParams { interest_ppb: 123_457, ..perpetual() };
        let mut market = Market::listing(params, &[PERPETUAL]);
        for cut in cuts {
            market.after(*cut).report(usd(100_000)).block();
        }
        funding_index(&market)
    };
    // One hour at an eighth of 0.0123457 %: floor(100,000 USD x 15,432 / 1e9).
    assert_eq!(run(&[HOUR_MS]), 1_543_200);
    assert_eq!(run(&[1, 999, 17, HOUR_MS - 1_017]), 1_543_200);
    assert_eq!(run(&[HOUR_MS / 7; 7]), run(&[HOUR_MS / 7 * 7]));
}

#[test]
fn time_passes_at_the_index_that_held() {
    let mut market = Market::listing(perpetual(), &[PERPETUAL]);
    market.after(HOUR_MS).report(usd(200_000)).block();
    assert_eq!(funding_index(&market), 1_250_000);
    market.after(HOUR_MS).report(usd(200_000)).block();
    assert_eq!(funding_index(&market), 3_750_000);
}

#[test]
fn funding_stands_still_while_the_index_is_stale() {
    let mut market = Market::listing(perpetual(), &[PERPETUAL]);
    market.after(HOUR_MS).block();
    assert_eq!(funding_index(&market), 0);
    market.after(HOUR_MS).block();
    // The block that finds it fresh again accrues nothing either.
    market.after(HOUR_MS).report(usd(100_000)).block();
    assert_eq!(funding_index(&market), 0);
    market.after(HOUR_MS).report(usd(100_000)).block();
    assert_eq!(funding_index(&market), 1_250_000);
}

#[test]
fn funding_is_paid_before_a_position_changes_and_adds_up_with_the_dust() {
    let mut market = Market::listing(perpetual(), &[PERPETUAL]);
    market.fund(3).trade(0, 1, 0, 7, usd(100_000)).block();
    market.after(1_234_567).report(usd(100_000)).block();
    let index = funding_index(&market);
    assert_eq!(index, 428_669);
    // Account 2 buys three from account 0: both are paid up, account 1 is not asked.
    market.trade(2, 0, 0, 3, usd(100_000));
    let events = market.block();
    let paid: Vec<(AccountId, Usd)> = events
        .iter()
        .filter_map(|event| match event {
            Event::FundingPaid { account, amount, .. } => Some((*account, *amount)),
            _ => None,
        })
        .collect();
    // 7 x 428,669 / 1000 is 3,000.683: a long pays it rounded up.
    assert_eq!(paid, [(AccountId(0), Usd(3_001))]);
    assert_eq!(market.totals().dust_nano, 317);
    // Account 1 owes nothing in its turn; it receives, rounded down.
    market.trade(1, 2, 0, 3, usd(100_000));
    let events = market.block();
    let received = events.iter().find_map(|event| match event {
        Event::FundingPaid { account: AccountId(1), amount, .. } => Some(*amount),
        _ => None,
    });
    assert_eq!(received, Some(Usd(-3_000)));
    assert_eq!(market.totals().dust_nano, 0);
    assert_eq!(market.totals().insurance, Usd(1));
}

#[test]
fn a_new_position_owes_nothing_of_the_past() {
    let mut market = Market::listing(perpetual(), &[PERPETUAL]);
    market.fund(2);
    // The account has an order, and so a holding, from the start.
    market.order(0, Side::Buy, 0, 5, usd(100_000)).block();
    market.after(HOUR_MS).report(usd(100_000)).block();
    market.order(1, Side::Sell, 0, 5, usd(100_000));
    let events = market.block();
    assert!(events.iter().any(|event| matches!(event, Event::Trade(_))));
    assert!(!events.iter().any(|event| matches!(event, Event::FundingPaid { .. })));
    assert_eq!(market.exchange.pending_funding_nano(AccountId(0), InstrumentId(0)), 0);
    market.after(HOUR_MS).report(usd(100_000)).block();
    assert_eq!(market.exchange.pending_funding_nano(AccountId(0), InstrumentId(0)), -5 * 1_250_000);
}

#[test]
fn the_hourly_rate_is_capped() {
    let params = UnderlyingParams { funding_cap_ppb: 1_000, ..perpetual() };
    let mut market = Market::listing(params, &[PERPETUAL]);
    market.after(HOUR_MS).report(usd(100_000)).block();
    assert_eq!(funding_index(&market), 100_000);
}
