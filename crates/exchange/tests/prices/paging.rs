//! Settlement that takes several blocks (I5) while the schedule has something to list (I4).

use crate::market::{BTC, Market, btc, monday, usd};
use lockstep_types::event::Event;
use lockstep_types::ids::InstrumentId;
use lockstep_types::params::{ListingPolicy, UnderlyingParams};
use lockstep_types::units::{DAY_MS, TimeMs};

/// So many accounts are settled in three pages.
const ACCOUNTS: u32 = 22_000;

/// What a block did: accounts settled, instruments expired and listed.
#[derive(Debug, Default, PartialEq, Eq)]
struct Done {
    settled: Vec<u32>,
    expired: usize,
    listed: usize,
}

fn done(events: &[Event]) -> Done {
    let mut done = Done::default();
    for event in events {
        match event {
            Event::Settled { account, .. } => done.settled.push(account.0),
            Event::Expired { .. } => done.expired += 1,
            Event::Listed { .. } => done.listed += 1,
            Event::Rejected { reject, .. } | Event::SystemRejected { reject, .. } => {
                panic!("nothing is refused: {reject}")
            }
            _ => {}
        }
    }
    done
}

/// A venue with everything that the schedule lists, and these accounts.
fn scheduled() -> Market {
    let listing = ListingPolicy::Scheduled;
    let mut market = Market::new(UnderlyingParams { listing, ..btc() });
    for from in (0..ACCOUNTS).step_by(9_000) {
        market.fund_range(from, ACCOUNTS.min(from + 9_000)).report(usd(100_000)).block();
    }
    loop {
        market.after(1).report(usd(100_000));
        if done(&market.block()).listed == 0 {
            return market;
        }
    }
}

fn id_of(market: &Market, name: &str) -> InstrumentId {
    market.exchange.instrument_id(&name.parse().unwrap()).unwrap()
}

#[test]
fn the_schedule_waits_until_the_last_page_of_a_settlement() {
    let mut market = scheduled();
    let call = id_of(&market, "BTC_USDC-3MAR26-95000-C").0;
    market.trade(0, ACCOUNTS - 1, call, 4, usd(5_000)).trade(9_000, 10_001, call, 2, usd(5_000));
    assert_eq!(done(&market.block()), Done::default());
    let before = market.exchange.expiries(BTC);
    assert_eq!(before.len(), 12);

    // A new day begins, and the index has moved by more than a strike step on top of it.
    market.at(TimeMs(monday().0 + DAY_MS - 60_000)).report(usd(100_000)).block();
    market.at(TimeMs(monday().0 + DAY_MS)).report(usd(104_000));
    let first = done(&market.block());
    assert_eq!(first, Done { settled: vec![0, 9_000], ..Done::default() });
    assert_eq!(market.exchange.expiries(BTC), before, "nothing goes before all are paid");
    let strikes = market.exchange.expiry_view(BTC, before[0]).unwrap().strikes;
    assert_eq!(strikes, 21, "nor is an expired series extended");

    market.after(1).report(usd(104_000));
    let second = done(&market.block());
    assert_eq!(second, Done { settled: vec![10_001], ..Done::default() });

    // With the last page the schedule goes on in the same block: higher strikes, and those of
    // Friday, which is near enough now to have twice as many.
    market.after(1).report(usd(104_000));
    let third = done(&market.block());
    assert_eq!(third, Done { settled: vec![ACCOUNTS - 1], expired: 42, listed: 50 });
    assert_eq!(market.exchange.expiries(BTC), before[1..]);
    id_of(&market, "BTC_USDC-4MAR26-114000-C");
    id_of(&market, "BTC_USDC-6MAR26-95000-P");
    market.after(1).report(usd(104_000));
    assert_eq!(done(&market.block()), Done::default(), "and rests");
}

#[test]
fn two_expiries_that_an_outage_left_are_settled_one_after_the_other() {
    let mut market = scheduled();
    let tuesday = id_of(&market, "BTC_USDC-3MAR26-95000-C").0;
    let wednesday = id_of(&market, "BTC_USDC-4MAR26-95000-C").0;
    let last = ACCOUNTS - 1;
    market.trade(0, last, tuesday, 4, usd(5_000)).trade(1, last, wednesday, 3, usd(5_000));
    market.block();
    let before = market.exchange.expiries(BTC);

    // Two days without a block; then the index is as old, and all wait for a fresh one.
    market.at(TimeMs(monday().0 + 2 * DAY_MS));
    assert_eq!(done(&market.block()), Done::default());
    let mut all = Done::default();
    let mut blocks_to_last_page = Vec::new();
    for block in 1..=6 {
        market.after(1).report(usd(104_000));
        let now = done(&market.block());
        if now.expired > 0 {
            blocks_to_last_page.push(block);
        }
        let gone = market.exchange.expiries(BTC)[0] > before[1];
        assert_eq!(now.listed > 0, gone, "the schedule waits for both: {now:?}");
        all.settled.extend(now.settled);
        all.expired += now.expired;
    }
    assert_eq!(all.settled, [0, last, 1, last], "one after the other");
    assert_eq!(all.expired, 84);
    // 22,000 accounts of the first, and what the third block has left goes to the second.
    assert_eq!(blocks_to_last_page, [3, 5]);
}
