//! A month of a scheduled venue, at random: prices walk and go stale, strikes are listed and
//! extended, accounts trade and leave orders behind, expiries come and go. [`Market`] checks every
//! block; here it is checked that all of it happened and that nothing piles up.

use crate::market::{BTC, Market, btc, monday, usd};
use lockstep_exchange::state::key::LeafKey;
use lockstep_types::command::{Command, ExpiryReport, SmileParams};
use lockstep_types::event::Event;
use lockstep_types::ids::InstrumentId;
use lockstep_types::order::{NewOrder, Side, Trigger, TriggerKind, TriggerSource};
use lockstep_types::params::{ListingPolicy, UnderlyingParams};
use lockstep_types::units::{DAY_MS, HOUR_MS, Lots, MINUTE_MS, Ppm, Price, TimeMs, Vol};
use std::collections::BTreeMap;

const ACCOUNTS: u32 = 6;

/// Numbers of Knuth's MMIX generator; good enough to choose by.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: i64) -> i64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).unwrap() % below
    }
}

/// A report of the index and of smiles that suit it.
fn report(market: &mut Market, dice: &mut Dice, price: i64) {
    let expiries: Vec<ExpiryReport> = market
        .exchange
        .expiries(BTC)
        .into_iter()
        .filter(|expiry| *expiry > market.now)
        .map(|expiry| ExpiryReport {
            expiry,
            basis_ppb: dice.roll(20_000_000),
            smile: Some(SmileParams {
                atm: Vol(550_000_000 + dice.roll(10_000_000)),
                rho: Ppm(-dice.roll(300_000)),
                phi: Ppm(dice.roll(1_000_000)),
            }),
        })
        .collect();
    let now = market.now;
    market.report_by(1, usd(price), now, &expiries);
}

/// A few orders at and around marks of random instruments; some sleep.
fn trade(market: &mut Market, dice: &mut Dice) {
    let listed = market.exchange.instruments();
    if listed.is_empty() {
        return;
    }
    for _ in 0..dice.roll(12) {
        let at = usize::try_from(dice.roll(i64::try_from(listed.len()).unwrap())).unwrap();
        // The perpetual sorts first, and is what most trade.
        let (name, id) = if dice.roll(5) == 0 { listed[0] } else { listed[at] };
        let Some(mark) = market.exchange.mark_seen(id) else { continue };
        let tick = if name.contract.is_option() { 1_000_000 } else { 100_000 };
        let price = Price((mark.0 / tick + dice.roll(5) - 2).max(1) * tick);
        let side = if dice.roll(2) == 0 { Side::Buy } else { Side::Sell };
        let account = u32::try_from(dice.roll(i64::from(ACCOUNTS))).unwrap();
        let lots = Lots(1 + dice.roll(20));
        let mut order = NewOrder::limit(id, side, lots, price);
        if dice.roll(6) == 0 {
            let trigger_price = Price(mark.0 / tick * tick + tick * 50);
            order.trigger = Some(Trigger {
                source: TriggerSource::Mark,
                kind: TriggerKind::Stop { price: trigger_price },
            });
            order.side = Side::Buy;
        }
        market.send(account, Command::Place(order.clone()));
        // Somebody takes the other side, often.
        if order.trigger.is_none() && dice.roll(3) > 0 {
            let other = (account + 1) % ACCOUNTS;
            market.order(other, side.opposite(), id.0, lots.0, price);
        }
    }
}

#[test]
fn a_month_of_a_scheduled_venue_balances_and_leaves_nothing_behind() {
    let mut market = Market::new(UnderlyingParams { listing: ListingPolicy::Scheduled, ..btc() });
    market.fund(ACCOUNTS).block();
    let mut dice = Dice(20_260_302);
    let mut price = 100_000;
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut leaves_max = 0;
    // Steps of some hours, and of some minutes around each 08:00.
    let end = TimeMs(monday().0 + 31 * DAY_MS + 1);
    while market.now < end {
        let to_eight = DAY_MS - (market.now.0 - monday().0).rem_euclid(DAY_MS);
        let step = match to_eight {
            ..=HOUR_MS => to_eight.min(7 * MINUTE_MS + dice.roll(MINUTE_MS)),
            _ => (3 * HOUR_MS + dice.roll(HOUR_MS)).min(to_eight - HOUR_MS / 2),
        };
        market.after(step.max(1));
        price = (price + dice.roll(4_001) - 2_000).clamp(60_000, 160_000);
        if dice.roll(8) > 0 {
            report(&mut market, &mut dice, price);
        }
        trade(&mut market, &mut dice);
        for event in market.block() {
            let kind = match event {
                Event::Listed { .. } => "listed",
                Event::Expired { .. } => "expired",
                Event::Settled { .. } => "settled",
                Event::Trade(_) => "trade",
                Event::Triggered { .. } => "triggered",
                Event::Stale { stale: true, .. } => "stale",
                Event::FundingPaid { .. } => "funding",
                _ => continue,
            };
            *seen.entry(kind).or_default() += 1;
        }
        leaves_max = leaves_max.max(market.leaves().len());
    }
    assert_eq!(seen.len(), 7, "{seen:?}");
    assert!(seen.values().all(|count| *count >= 20), "{seen:?}");
    // What came went.
    let listed = market.exchange.underlying_view(BTC).unwrap().listed;
    let ever = market.totals().instruments;
    assert!(listed < ever / 2, "{listed} of {ever}");
    let names = market.leaves().iter().filter(|(key, _)| matches!(key, LeafKey::Name(_))).count();
    assert_eq!(u32::try_from(names), Ok(listed));
    assert!(leaves_max < 8_000, "{leaves_max}");
    assert!(market.exchange.instrument_view(InstrumentId(0)).is_some(), "the perpetual stays");
}
