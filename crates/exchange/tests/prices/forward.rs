//! Forwards (P2) and smiles (P3) of expiries.

use crate::market::{BTC, Market, btc, usd, venue};
use lockstep_types::command::{ExpiryReport, SmileParams, SystemCommand};
use lockstep_types::instrument::expiry_of_date;
use lockstep_types::order::Side;
use lockstep_types::reject::RejectCode;
use lockstep_types::units::{HOUR_MS, Ppm, Price, TimeMs, Vol};

const FUTURE: &str = "BTC_USDC-27MAR26";

fn expiry() -> TimeMs {
    expiry_of_date(2026, 3, 27)
}

fn flat(atm: i64) -> Option<SmileParams> {
    Some(SmileParams { atm: Vol(atm), rho: Ppm(0), phi: Ppm(0) })
}

fn word(basis_ppb: i64, smile: Option<SmileParams>) -> ExpiryReport {
    ExpiryReport { expiry: expiry(), basis_ppb, smile }
}

fn forward(market: &Market) -> Price {
    market.exchange.expiry_view(BTC, expiry()).unwrap().forward.unwrap()
}

fn smile_at(market: &Market, expiry: TimeMs) -> Option<SmileParams> {
    market.exchange.expiry_view(BTC, expiry).unwrap().smile
}

/// Three reporters of weight 1 who all report the index.
fn three() -> Market {
    let mut market = Market::empty(venue());
    market.tell(SystemCommand::AddUnderlying(btc()));
    market.weigh(1, 1).weigh(2, 1).weigh(3, 1).list(FUTURE).list("BTC_USDC-26JUN26");
    market
}

fn say(market: &mut Market, words: [&[ExpiryReport]; 3]) {
    let now = market.now;
    for (reporter, words) in (1..).zip(words) {
        market.report_by(reporter, usd(100_000), now, words);
    }
    market.block();
}

#[test]
fn the_forward_is_the_index_plus_the_median_basis() {
    let mut market = three();
    let words = [word(5_000_000, None), word(20_000_000, None), word(-900_000, None)];
    say(&mut market, [&words[..1], &words[1..2], &words[2..]]);
    assert_eq!(forward(&market), usd(100_500));
    assert_eq!(market.mark(0), Some(usd(100_500)), "a future without a book follows it");
}

#[test]
fn without_reports_of_an_expiry_its_forward_is_the_index() {
    let mut market = three();
    say(&mut market, [&[], &[], &[]]);
    assert_eq!(forward(&market), usd(100_000));
}

#[test]
fn less_than_two_thirds_of_stake_move_neither_basis_nor_smile() {
    let mut market = three();
    let (old, new) = (word(5_000_000, flat(500_000_000)), word(50_000_000, flat(900_000_000)));
    say(&mut market, [&[old], &[old], &[]]);
    assert_eq!(forward(&market), usd(100_500));
    assert_eq!(smile_at(&market, expiry()), flat(500_000_000));
    market.after(1_000);
    say(&mut market, [&[], &[], &[new]]);
    assert_eq!(forward(&market), usd(100_500));
    assert_eq!(smile_at(&market, expiry()), flat(500_000_000));
    market.after(1_000);
    say(&mut market, [&[new], &[], &[new]]);
    assert_eq!(forward(&market), usd(105_000));
    assert_eq!(smile_at(&market, expiry()), flat(900_000_000));
}

#[test]
fn a_tight_book_of_the_future_is_the_forward() {
    let mut market = Market::listing(btc(), &[FUTURE]);
    market.fund(1);
    // 0.2 % of the index is 200 USD.
    market.order(0, Side::Buy, 0, 1, usd(101_000)).order(0, Side::Sell, 0, 1, usd(101_200));
    market.block();
    market.after(1).report(usd(100_000)).block();
    assert_eq!(forward(&market), usd(101_100));
    // A wider book is not the forward.
    market.cancel_all(0);
    market.order(0, Side::Buy, 0, 1, usd(101_000)).order(0, Side::Sell, 0, 1, usd(101_201));
    market.block();
    market.after(1).report(usd(100_000)).block();
    assert_eq!(forward(&market), usd(100_000));
}

#[test]
fn a_tight_book_far_from_what_is_reported_is_not_believed() {
    let mut market = Market::listing(btc(), &[FUTURE]);
    market.fund(1);
    market.order(0, Side::Buy, 0, 1, usd(105_100)).order(0, Side::Sell, 0, 1, usd(105_200));
    market.block();
    market.after(1).report(usd(100_000)).block();
    assert_eq!(forward(&market), usd(100_000));
    // Reporters see the contango too: now it is near.
    let now = market.now;
    market.report_by(1, usd(100_000), now, &[word(40_000_000, None)]).block();
    assert_eq!(forward(&market), usd(105_150));
}

#[test]
fn within_the_settlement_window_the_book_is_not_the_forward() {
    let mut market = Market::listing(btc(), &[FUTURE]);
    market.fund(1);
    market.order(0, Side::Buy, 0, 1, usd(101_000)).order(0, Side::Sell, 0, 1, usd(101_100));
    market.at(TimeMs(expiry().0 - HOUR_MS / 2)).report(usd(100_000)).block();
    market.report(usd(100_000)).block();
    assert_eq!(forward(&market), usd(101_050));
    market.after(1).report(usd(100_000)).block();
    assert_eq!(forward(&market), usd(100_000));
}

#[test]
fn forwards_and_smiles_stand_while_the_index_is_stale() {
    let mut market = three();
    let told = word(5_000_000, flat(500_000_000));
    say(&mut market, [&[told], &[told], &[told]]);
    market.after(10_001);
    let now = market.now;
    let new = word(50_000_000, flat(900_000_000));
    market.report_by(1, usd(100_000), now, &[new]).block();
    assert_eq!(forward(&market), usd(100_500));
    assert_eq!(smile_at(&market, expiry()), flat(500_000_000));
}

#[test]
fn each_parameter_of_a_smile_is_a_median_of_its_own() {
    let mut market = three();
    let smile = |atm, rho, phi| Some(SmileParams { atm: Vol(atm), rho: Ppm(rho), phi: Ppm(phi) });
    let words = [
        word(0, smile(500_000_000, -100_000, 900_000)),
        word(0, smile(600_000_000, -300_000, 500_000)),
        word(0, smile(700_000_000, -200_000, 700_000)),
    ];
    say(&mut market, [&words[..1], &words[1..2], &words[2..]]);
    assert_eq!(smile_at(&market, expiry()), smile(600_000_000, -200_000, 700_000));
}

#[test]
fn medians_that_make_no_smile_together_do_not_replace_the_last_one() {
    let mut market = three();
    let smile = |atm, rho, phi| Some(SmileParams { atm: Vol(atm), rho: Ppm(rho), phi: Ppm(phi) });
    // Each is free of butterflies; the medians 0.6, -0.9 and 12 are not.
    let words = [
        word(0, smile(600_000_000, 0, 12_000_000)),
        word(0, smile(600_000_000, -900_000, 5_000_000)),
        word(0, smile(300_000_000, -900_000, 12_000_000)),
    ];
    say(&mut market, [&words[..1], &words[1..2], &words[2..]]);
    assert_eq!(smile_at(&market, expiry()), None);
    market.after(1_000);
    say(&mut market, [&words[..1], &words[..1], &words[2..]]);
    assert_eq!(smile_at(&market, expiry()), words[0].smile);
}

#[test]
fn a_smile_out_of_bounds_or_with_butterflies_is_refused() {
    let mut market = Market::listing(btc(), &[FUTURE]);
    let smiles = [(9_999_999, 0, 0), (600_000_000, 1_000_000, 0), (600_000_000, 0, -1)];
    // theta phi^2 (1 + |rho|) <= 4 with theta = 0.36 x 25 / 365 allows phi up to 12.7.
    let wild = (600_000_000, 0, 12_800_000);
    for (atm, rho, phi) in smiles.into_iter().chain([wild]) {
        let smile = Some(SmileParams { atm: Vol(atm), rho: Ppm(rho), phi: Ppm(phi) });
        let now = market.now;
        market.report_by(1, usd(99_000), now, &[word(0, smile)]);
        assert_eq!(market.refusal_code(), RejectCode::BadSmile);
    }
    let smile = SmileParams { atm: Vol(600_000_000), rho: Ppm(0), phi: Ppm(12_700_000) };
    let now = market.now;
    market.report_by(1, usd(99_000), now, &[word(0, Some(smile))]).block();
    assert_eq!(smile_at(&market, expiry()), Some(smile));
}

#[test]
fn a_basis_beyond_a_half_or_an_expiry_named_twice_is_refused() {
    let mut market = Market::listing(btc(), &[FUTURE]);
    let now = market.now;
    for basis in [500_000_001, -500_000_001, i64::MIN] {
        market.report_by(1, usd(99_000), now, &[word(basis, None)]);
        assert_eq!(market.refusal_code(), RejectCode::BadReport);
    }
    market.report_by(1, usd(99_000), now, &[word(0, None), word(1, None)]);
    assert_eq!(market.refusal_code(), RejectCode::BadReport);
}

#[test]
fn a_smile_with_calendar_arbitrage_does_not_replace_the_last_one() {
    let far = expiry_of_date(2026, 6, 26);
    let mut market = Market::listing(btc(), &[FUTURE, "BTC_USDC-26JUN26"]);
    let now = market.now;
    let later = |atm| ExpiryReport { expiry: far, basis_ppb: 0, smile: flat(atm) };
    let told = [word(0, flat(600_000_000)), later(600_000_000)];
    market.report_by(1, usd(100_000), now, &told).block();
    assert_eq!(smile_at(&market, far), flat(600_000_000));
    // 0.6^2 x 25 days is 9; 0.25^2 x 116 days is 7.25: total variance would fall.
    let told = [word(0, flat(600_000_000)), later(250_000_000)];
    market.report_by(1, usd(100_000), now, &told).block();
    assert_eq!(smile_at(&market, far), flat(600_000_000));
    // The same from the other side: 1.4^2 x 25 days is 49, 0.6^2 x 116 days is 42.
    let told = [word(0, flat(1_400_000_000)), later(600_000_000)];
    market.report_by(1, usd(100_000), now, &told).block();
    assert_eq!(smile_at(&market, expiry()), flat(600_000_000));
    // Both together fit again.
    let told = [word(0, flat(500_000_000)), later(250_000_000)];
    market.report_by(1, usd(100_000), now, &told).block();
    assert_eq!(smile_at(&market, expiry()), flat(500_000_000));
    assert_eq!(smile_at(&market, far), flat(250_000_000));
}

#[test]
fn reports_on_an_expiry_count_from_its_listing_on() {
    let mut market = Market::listing(btc(), &[]);
    let now = market.now;
    market.report_by(1, usd(100_000), now, &[word(5_000_000, flat(500_000_000))]).block();
    assert_eq!(market.exchange.expiry_view(BTC, expiry()), None);
    market.list(FUTURE).block();
    assert_eq!(forward(&market), usd(100_500));
    assert_eq!(smile_at(&market, expiry()), flat(500_000_000));
}
