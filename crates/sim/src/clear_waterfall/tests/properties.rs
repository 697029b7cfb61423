//! What must hold whatever happens: seeded streams of events, and what a bankrupt account ends
//! with.

use super::slices::{AUCTION, maintenance};
use super::*;
use crate::rng::Rng;

const INSTRUMENTS: [u32; 4] = [PERPETUAL, OTHER_PERPETUAL, CALL, OTHER_CALL];
const ACCOUNTS: [u32; 6] = [10, 11, 12, 13, 14, 15];
const PURSES: [Purse; 4] = [Purse::Fund(1), Purse::Fund(2), Purse::Shared, Purse::Fees];
const SEEDS_MIN: u64 = 200;
const EVENTS: usize = 400;

/// More streams in the long run, which counts its cases in events.
fn seeds() -> std::ops::Range<u64> {
    let cases = std::env::var("LOCKSTEP_CASES").ok().and_then(|cases| cases.parse::<u64>().ok());
    0..SEEDS_MIN.max(cases.unwrap_or(0) / 400)
}

fn one_of<T: Copy>(rng: &mut Rng, all: &[T]) -> T {
    all[rng.below_usize(all.len())]
}

/// A signed amount below `bound`, of any order of magnitude.
fn amount(rng: &mut Rng, bound: u64) -> i64 {
    let size = i64::try_from(rng.below(bound) >> rng.below(40)).unwrap();
    if rng.one_in(3) { -size } else { size }
}

fn random_fill(rng: &mut Rng) -> Fill {
    Fill {
        instrument: one_of(rng, &INSTRUMENTS),
        price: amount(rng, 200_000_000_000).max(0),
        lots: amount(rng, 10_000).max(1),
        buyer: one_of(rng, &ACCOUNTS),
        seller: one_of(rng, &ACCOUNTS),
    }
}

/// An event that is often impossible, and often not.
fn random_event(rng: &mut Rng, venue: &ClearWaterfall) -> Event {
    let weights = weights(&[(1, rng.below(5)), (2, rng.next_u64() >> rng.below(64))]);
    let account = one_of(rng, &ACCOUNTS);
    match rng.below(16) {
        0 => Event::Flow { purse: one_of(rng, &PURSES), amount: amount(rng, 1 << 40) },
        1 => Event::Flow { purse: Purse::Account(account), amount: amount(rng, 1 << 40) },
        2 | 3 => Event::Mark {
            instrument: one_of(rng, &INSTRUMENTS),
            price: amount(rng, 200_000_000_000).abs(),
        },
        4..=7 => {
            let fill = random_fill(rng);
            Event::Trade { fill, buyer_fee: amount(rng, 1_000), seller_fee: amount(rng, 1_000) }
        }
        8 | 9 => {
            let fill = random_fill(rng);
            let account = if rng.one_in(2) { fill.buyer } else { fill.seller };
            Event::Liquidation { fill, account, other_fee: amount(rng, 1_000) }
        }
        10..=12 => {
            let bidder = one_of(rng, &ACCOUNTS);
            let share_ppm = i64::from(rng.below_u32(1_000_001)) >> rng.below(20);
            let equity = venue.equity(account).unwrap_or(0);
            let needed = if equity == 0 { 0 } else { maintenance(venue, account) };
            let elapsed_ms = i128::from(rng.below(50_000_000));
            let whole = terms::whole_price(&AUCTION, equity, needed, elapsed_ms);
            let price = terms::slice_price(whole, i128::from(share_ppm));
            let price = i64::try_from(price).unwrap();
            Event::Slice { account, bidder, share_ppm, price, weights }
        }
        13 => Event::Cover { account, weights },
        _ => Event::Deleverage { fill: random_fill(rng) },
    }
}

/// All money and what linear positions cost, counted from outside.
fn total_nano(venue: &ClearWaterfall) -> i128 {
    let accounts = ACCOUNTS.map(Purse::Account);
    let money: i128 = accounts.iter().chain(&PURSES).map(|&purse| venue.money(purse)).sum();
    let legs = ACCOUNTS.iter().flat_map(|&account| venue.legs(account));
    let cost_nano: i128 =
        legs.filter(|(id, _)| *id <= OTHER_PERPETUAL).map(|(_, leg)| leg.cost_nano).sum();
    money * NANOS - cost_nano + venue.dust_nano
}

/// Carries out streams and shows each event that was possible: where, the event, the venue before
/// and after it, and what followed.
fn for_each_event(
    mut look: impl FnMut(&str, &Event, &ClearWaterfall, &ClearWaterfall, &Outcome),
) -> [usize; 8] {
    let mut counts = [0; 8];
    for seed in seeds() {
        let mut rng = Rng::new(seed);
        let mut venue = venue(&[]);
        for instrument in INSTRUMENTS {
            mark(&mut venue, instrument, 1 + amount(&mut rng, 100_000_000_000).abs());
        }
        for at in 0..EVENTS {
            let event = random_event(&mut rng, &venue);
            let before = venue.clone();
            let Ok(outcome) = venue.apply(&event) else { continue };
            counts[kind(&event)] += 1;
            let place = format!("seed {seed} event {at} {event:?} gave {outcome:?}");
            look(&place, &event, &before, &venue, &outcome);
        }
    }
    counts
}

fn kind(event: &Event) -> usize {
    match event {
        Event::Flow { .. } => 0,
        Event::Mark { .. } => 1,
        Event::Index { .. } => 2,
        Event::Trade { .. } => 3,
        Event::Liquidation { .. } => 4,
        Event::Slice { .. } => 5,
        Event::Cover { .. } => 6,
        Event::Deleverage { .. } => 7,
    }
}

#[test]
fn no_event_makes_or_loses_money() {
    let counts = for_each_event(|place, event, before, after, _| {
        let came_nano = match event {
            Event::Flow { amount, .. } => i128::from(*amount) * NANOS,
            _ => 0,
        };
        assert_eq!(total_nano(after), total_nano(before) + came_nano, "{place}");
        assert!((0..NANOS).contains(&after.dust_nano), "{place}");
    });
    for (kind, count) in counts.into_iter().enumerate() {
        assert!(kind == 2 || count > 100, "only {count} events of kind {kind} were possible");
    }
}

#[test]
fn only_those_who_take_part_are_changed() {
    for_each_event(|place, event, before, after, outcome| {
        let parties = match event {
            Event::Flow { purse: Purse::Account(account), .. } => vec![*account],
            Event::Flow { .. } | Event::Mark { .. } | Event::Index { .. } => vec![],
            Event::Trade { fill, .. }
            | Event::Liquidation { fill, .. }
            | Event::Deleverage { fill } => vec![fill.buyer, fill.seller],
            Event::Slice { account, bidder, .. } => vec![*account, *bidder],
            Event::Cover { account, .. } => vec![*account],
        };
        for account in ACCOUNTS.into_iter().filter(|account| !parties.contains(account)) {
            let purse = Purse::Account(account);
            assert_eq!(before.money(purse), after.money(purse), "{place}");
            assert!(before.legs(account).eq(after.legs(account)), "{place}");
        }
        if let Event::Flow { .. } | Event::Liquidation { .. } = event {
            return;
        }
        for underlying in UNDERLYINGS {
            let paid = outcome.from_funds.get(&underlying).copied().unwrap_or(0);
            let purse = Purse::Fund(underlying);
            assert_eq!(before.money(purse) - paid, after.money(purse), "{place}");
        }
    });
}

#[test]
fn a_trade_at_mark_moves_no_equity_but_its_rounding() {
    let mut seen = 0;
    for_each_event(|place, _, before, _, _| {
        let mut venue = before.clone();
        for instrument in INSTRUMENTS {
            let price = venue.marks[&instrument];
            let fill = Fill { instrument, price, lots: 7, buyer: ALICE, seller: BOB };
            let equity = [ALICE, BOB].map(|account| venue.equity(account).unwrap());
            trade(&mut venue, fill);
            for (account, equity) in [ALICE, BOB].into_iter().zip(equity) {
                let moved = venue.equity(account).unwrap() - equity;
                assert!((-1..=0).contains(&moved), "{place}: {moved} moved");
            }
            seen += 1;
        }
    });
    assert!(seen > 1_000);
}

#[test]
fn insurance_pays_deficits_only_and_as_far_as_it_goes() {
    let mut paid = 0;
    for_each_event(|place, event, before, after, outcome| {
        let Event::Cover { account, weights } = event else { return };
        let deficit = (-before.equity(*account).unwrap()).max(0);
        let from_funds: i128 = outcome.from_funds.values().sum();
        assert_eq!(from_funds + outcome.from_shared + outcome.uncovered, deficit, "{place}");
        assert_eq!((-after.equity(*account).unwrap()).max(0), outcome.uncovered, "{place}");
        assert!(outcome.uncovered == 0 || after.money(Purse::Shared) == 0, "{place}");
        let total: i128 = weights.values().map(|&weight| i128::from(weight)).sum();
        for (underlying, &part) in &outcome.from_funds {
            let exact = deficit * i128::from(weights[underlying]);
            assert!((part - 1) * total < exact, "{place}: more than its part");
        }
        paid += usize::from(from_funds + outcome.from_shared > 0);
    });
    assert!(paid > 100, "only {paid} deficits were paid");
}

#[test]
fn deleveraging_leaves_a_bankrupt_account_at_zero() {
    for seed in 0..3_000 {
        let mut rng = Rng::new(seed);
        let size = 1 + i64::from(rng.below_u32(50_000));
        let (entry, money) = (100_000 * USD, i64::from(rng.below_u32(2_000_000_000)));
        let mut venue = venue(&[(ALICE, money)]);
        // Alice against five others, each of whom holds some of the other side.
        let is_long = rng.one_in(2);
        let sides = |one, other| if is_long { (one, other) } else { (other, one) };
        let mut held: BTreeMap<u32, i128> = BTreeMap::new();
        let mut left = size;
        for account in [11, 12, 13, 14, 15] {
            let part = if account == 15 { left } else { 1 + amount(&mut rng, 20_000).abs() };
            let part = part.min(left);
            let (buyer, seller) = sides(ALICE, account);
            if part > 0 {
                trade(&mut venue, fill(buyer, seller, part, entry + amount(&mut rng, 1_000)));
                held.insert(account, i128::from(part));
                left -= part;
            }
        }
        // Beyond her bankruptcy price, to where insurance may or may not reach.
        let beyond = i64::try_from(i128::from(money) * 1_000 / i128::from(size)).unwrap();
        let moved = (beyond + 1_000 + i64::from(rng.below_u32(2_000_000_000))).min(entry);
        let price = if is_long { entry - moved } else { entry + moved };
        mark(&mut venue, PERPETUAL, price);
        flow(&mut venue, Purse::Fund(1), i64::from(rng.below_u32(1 << 31)));
        flow(&mut venue, Purse::Shared, i64::from(rng.below_u32(1 << 30)));
        let cover = Event::Cover { account: ALICE, weights: weights(&[(1, 1)]) };
        let uncovered = venue.apply(&cover).unwrap().uncovered;
        let position = i128::from(if is_long { size } else { -size });
        let price = terms::deleverage_price(i128::from(price), uncovered, position);
        let weights = held.iter().map(|(&id, _)| (id, 1 + rng.below(1_000))).collect();
        let parts = terms::divide_capped(i128::from(size), &weights, &held);
        assert_eq!(parts, held, "seed {seed}: all of the other side is needed");
        for (account, part) in parts {
            let (seller, buyer) = sides(ALICE, account);
            let (part, price) = (i64::try_from(part).unwrap(), i64::try_from(price).unwrap());
            venue.apply(&Event::Deleverage { fill: fill(buyer, seller, part, price) }).unwrap();
        }
        assert_eq!(lots(&venue, ALICE), 0, "seed {seed}");
        // The price is rounded by less than a micro per unit; each fill rounds twice.
        let cash = venue.money(Purse::Account(ALICE));
        let price_rounding = i128::from(size) / 1_000 + 1;
        assert!((-2 * 5..=price_rounding).contains(&cash), "seed {seed}: {cash} left");
    }
}
