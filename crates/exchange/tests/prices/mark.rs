//! Marks of perpetuals and futures (P4) and of options (P3).

use crate::market::{BTC, Market, btc, monday, usd};
use lockstep_exchange::formula::smile::Smile;
use lockstep_exchange::option::Black76;
use lockstep_types::command::{
    Command, ExpiryReport, Phase, PhaseReason, PhaseScope, SmileParams, SystemCommand,
};
use lockstep_types::event::Event;
use lockstep_types::ids::InstrumentId;
use lockstep_types::instrument::expiry_of_date;
use lockstep_types::order::{NewOrder, Side};
use lockstep_types::params::UnderlyingParams;
use lockstep_types::units::{Lots, Ppm, Price, SpanMs, TimeMs, Vol};

const CALL: &str = "BTC_USDC-27MAR26-110000-C";
const PUT: &str = "BTC_USDC-27MAR26-110000-P";

fn expiry() -> TimeMs {
    expiry_of_date(2026, 3, 27)
}

/// A perpetual whose average basis reaches the mid at once.
fn quick() -> UnderlyingParams {
    UnderlyingParams { basis_time: SpanMs(1), ..btc() }
}

#[test]
fn without_a_book_a_perpetual_is_marked_at_its_index() {
    let mut market = Market::listing(btc(), &["BTC_USDC-PERPETUAL"]);
    assert_eq!(market.mark(0), Some(usd(100_000)));
    market.after(1_000).report(usd(90_000)).block();
    assert_eq!(market.mark(0), Some(usd(90_000)));
}

#[test]
fn without_an_index_nothing_has_a_mark() {
    let mut market = Market::new(btc());
    market.list("BTC_USDC-PERPETUAL").list("BTC_USDC-27MAR26").list(CALL).block();
    assert_eq!([market.mark(0), market.mark(1), market.mark(2)], [None; 3]);
}

#[test]
fn the_mark_of_a_perpetual_is_the_median_of_fair_mid_and_last() {
    let mut market = Market::listing(quick(), &["BTC_USDC-PERPETUAL"]);
    market.fund(2);
    // Mid 101,000; last 102,000; the average basis has had no time to move.
    market.trade(0, 1, 0, 1, usd(102_000));
    market.order(0, Side::Buy, 0, 1, usd(100_900)).order(1, Side::Sell, 0, 1, usd(101_100));
    market.report(usd(100_000)).block();
    assert_eq!(market.mark(0), Some(usd(100_000)), "marks move once per block, before orders");
    market.report(usd(100_000)).block();
    // The first sample starts the average: fair is 101,000 too.
    assert_eq!(market.mark(0), Some(usd(101_000)));
    // The index falls; the average follows within milliseconds. Last is the outlier.
    market.after(1_000).report(usd(99_500)).block();
    let mark = market.mark(0).unwrap();
    assert!(mark >= usd(100_999) && mark <= usd(101_001), "{mark}");
}

#[test]
fn the_mark_of_a_perpetual_stays_within_its_band_around_the_index() {
    let mut market = Market::listing(quick(), &["BTC_USDC-PERPETUAL"]);
    market.fund(2);
    market.trade(0, 1, 0, 1, usd(120_000));
    market.order(0, Side::Buy, 0, 1, usd(119_000)).order(1, Side::Sell, 0, 1, usd(121_000));
    market.block();
    market.after(1).report(usd(100_000)).block();
    market.after(1_000).report(usd(100_000)).block();
    assert_eq!(market.mark(0), Some(usd(105_000)));
}

#[test]
fn a_mid_counts_in_the_average_no_further_than_the_band() {
    let params = UnderlyingParams { basis_time: SpanMs(10_000), ..btc() };
    let mut market = Market::listing(params, &["BTC_USDC-PERPETUAL"]);
    market.fund(1);
    let quote = |market: &mut Market, mid: i64| {
        market.cancel_all(0);
        market.order(0, Side::Buy, 0, 1, usd(mid - 10)).order(0, Side::Sell, 0, 1, usd(mid + 10));
        market.block();
    };
    quote(&mut market, 120_000);
    market.after(1).report(usd(100_000)).block();
    quote(&mut market, 100_000);
    // After one time constant half of the band's five percent is left, not half of twenty.
    market.after(10_000).report(usd(100_000)).block();
    assert_eq!(market.mark(0), Some(usd(102_500)));
}

#[test]
fn a_market_order_is_protected_around_the_same_mark_that_is_shown() {
    let params = UnderlyingParams { market_band: Ppm(0), ..quick() };
    let names = ["BTC_USDC-PERPETUAL", "BTC_USDC-27MAR26", CALL];
    let mut market = Market::listing(params.clone(), &names);
    market.fund(2);
    let model = market.mark(2).unwrap().0 / 1_000_000;
    for (instrument, mid) in [(0, 101_000), (1, 102_000), (2, model + 40)] {
        market.order(0, Side::Buy, instrument, 1, usd(mid - 30));
        market.order(0, Side::Sell, instrument, 1, usd(mid + 30));
    }
    market.report(usd(100_000)).block();
    market.after(1_000).report(usd(100_100)).block();
    for instrument in 0..3 {
        let order = NewOrder::market(InstrumentId(instrument), Side::Buy, Lots(1));
        market.send(1, Command::Place(order));
    }
    let shown = (0..3).map(|id| market.mark(id).unwrap());
    let tick = [params.linear_ticks.base.0, params.linear_ticks.base.0, params.option_ticks.base.0];
    let floored: Vec<Price> =
        shown.zip(tick).map(|(mark, tick)| Price(mark.0 / tick * tick)).collect();
    let accepted: Vec<Price> = market
        .block()
        .iter()
        .filter_map(|event| match event {
            Event::Accepted(accepted) => Some(accepted.price),
            _ => None,
        })
        .collect();
    assert_eq!(accepted, floored);
}

#[test]
fn marks_are_computed_anew_after_an_uncrossing_that_comes_before_the_new_index() {
    let mut market = Market::listing(UnderlyingParams { market_band: Ppm(0), ..btc() }, &[CALL]);
    let phase = |phase| SystemCommand::SetPhase {
        scope: PhaseScope::Instrument(InstrumentId(0)),
        phase,
        reason: PhaseReason::Scheduled,
    };
    market.fund(3).tell(phase(Phase::Auction)).block();
    let price = Price(market.mark(0).unwrap().0 / 1_000_000 * 1_000_000);
    market.order(0, Side::Buy, 0, 1, price).order(1, Side::Sell, 0, 1, price).block();
    market.after(1_000).tell(phase(Phase::Continuous)).report(usd(120_000));
    market.send(2, Command::Place(NewOrder::market(InstrumentId(0), Side::Buy, Lots(1))));
    let events = market.block();
    let accepted = events.iter().find_map(|event| match event {
        Event::Accepted(accepted) => Some(accepted.price),
        _ => None,
    });
    let mark = market.mark(0).unwrap();
    assert!(mark > usd(12_000));
    assert_eq!(accepted, Some(Price(mark.0 / 1_000_000 * 1_000_000)));
}

#[test]
fn marks_stand_still_while_the_index_is_stale() {
    let mut market = Market::listing(quick(), &["BTC_USDC-PERPETUAL", "BTC_USDC-27MAR26", CALL]);
    market.fund(2);
    market.order(0, Side::Buy, 0, 1, usd(101_000)).order(1, Side::Sell, 0, 1, usd(101_200));
    market.order(0, Side::Buy, 1, 1, usd(101_000)).order(1, Side::Sell, 1, 1, usd(101_200));
    market.block();
    let marks = |market: &Market| [market.mark(0), market.mark(1), market.mark(2)];
    let before = marks(&market);
    market.after(3_600_000).block();
    assert!(market.exchange.underlying_view(BTC).unwrap().stale);
    assert_eq!(marks(&market), before, "an hour later, an hour nearer to expiry");
    market.report(usd(100_000)).block();
    assert_ne!(marks(&market)[0], before[0]);
    assert_ne!(marks(&market)[2], before[2]);
}

#[test]
fn a_stale_option_is_marked_by_its_model_alone() {
    let mut market = Market::listing(btc(), &[CALL]);
    let model = market.mark(0).unwrap();
    market
        .fund(1)
        .order(0, Side::Buy, 0, 1, Price((model.0 / 10 * 11).div_euclid(1_000_000) * 1_000_000))
        .block();
    assert!(market.mark(0).unwrap() > model);
    market.after(10_001).block();
    assert_eq!(market.mark(0), Some(model));
}

#[test]
fn an_option_is_marked_by_black_76_on_its_smile() {
    let mut market = Market::listing(btc(), &[CALL, PUT]);
    let smile = SmileParams { atm: Vol(700_000_000), rho: Ppm(-300_000), phi: Ppm(1_500_000) };
    let report = ExpiryReport { expiry: expiry(), basis_ppb: 10_000_000, smile: Some(smile) };
    let now = market.now;
    market.report_by(1, usd(100_000), now, &[report]).block();
    let view = market.exchange.expiry_view(BTC, expiry()).unwrap();
    assert_eq!((view.forward, view.smile), (Some(usd(101_000)), Some(smile)));
    let formula = Smile { atm_vol_e9: 700_000_000, rho_ppm: -300_000, phi_ppm: 1_500_000 };
    let (forward, strike) = (usd(101_000).0, usd(110_000).0);
    let vol_e9 = formula.vol_at_strike_e9(forward, strike).unwrap();
    let seconds = (expiry().0 - monday().0) / 1_000;
    let prices = Black76 { forward, strike, vol_e9, seconds }.prices().unwrap();
    assert_eq!(market.mark(0), Some(Price(prices.call)));
    assert_eq!(market.mark(1), Some(Price(prices.put)));
    let seen = market.exchange.instrument_view(InstrumentId(0)).unwrap();
    assert_eq!(seen.volatility, Some(Vol(vol_e9)));
}

#[test]
fn time_to_expiry_is_rounded_up_to_a_second() {
    let mark_at = |left_ms: i64| {
        let mut market = Market::listing(btc(), &[CALL]);
        market.at(TimeMs(expiry().0 - left_ms)).report(usd(110_000)).block();
        market.mark(0).unwrap()
    };
    assert_eq!(mark_at(86_399_001), mark_at(86_400_000));
    assert!(mark_at(86_399_000) < mark_at(86_400_000));
}

#[test]
fn an_option_is_pulled_half_way_to_its_book_within_the_band() {
    let mut market = Market::listing(btc(), &[CALL]);
    market.fund(2);
    let model = market.mark(0).unwrap().0;
    let tick = btc().option_ticks.base.0;
    let around = |offset: i64| Price((model + offset).div_euclid(tick) * tick);
    // Within the band: 0.2 % of the forward is 200 USD, a fifth of the premium is more.
    assert!(model / 5 > usd(200).0);
    let (bid, ask) = (around(usd(50).0), around(usd(150).0));
    market.order(0, Side::Buy, 0, 1, bid).order(1, Side::Sell, 0, 1, ask).block();
    let mid = bid.0.midpoint(ask.0);
    let expected = model + (mid - model + 1) / 2;
    assert!((market.mark(0).unwrap().0 - expected).abs() <= 1);
    // Beyond it.
    market.cancel_all(0).cancel_all(1);
    market.order(0, Side::Buy, 0, 1, around(usd(900).0));
    market.order(1, Side::Sell, 0, 1, around(usd(1_100).0)).block();
    assert_eq!(market.mark(0), Some(Price(model + usd(200).0)));
    // A bid below the model alone contradicts nothing.
    market.cancel_all(0).cancel_all(1).order(0, Side::Buy, 0, 1, around(-usd(900).0)).block();
    assert_eq!(market.mark(0), Some(Price(model)));
}

#[test]
fn marks_do_not_depend_on_what_was_asked_before() {
    // The price band of an order is around mark, so a refused order shows the mark inside a block.
    let params = UnderlyingParams { option_price_band: Ppm(1), ..btc() };
    let refused_at = |warm: bool| {
        let mut market = Market::listing(params.clone(), &[CALL, PUT]);
        market.fund(2).block();
        if warm {
            market.order(0, Side::Buy, 0, 1, usd(50_000));
        }
        let mark = market.mark(0).unwrap();
        let near = Price(mark.0.div_euclid(1_000_000) * 1_000_000);
        market.order(1, Side::Sell, 0, 1, Price(near.0 + 5_000_000));
        market.order(0, Side::Buy, 0, 1, usd(60_000));
        let events = market.block();
        events.iter().rev().find_map(|event| match event {
            Event::Rejected { reject, .. } => Some(reject.limit),
            _ => None,
        })
    };
    assert!(refused_at(true).is_some());
    assert_eq!(refused_at(true), refused_at(false));
}
