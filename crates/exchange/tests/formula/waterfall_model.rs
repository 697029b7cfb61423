//! The formulas of the waterfall against the clear model's, which are written by definition and
//! share no code with them; and the model's accounts moved by the formulas' numbers.

use crate::config;
use lockstep_exchange::formula::backstop::{self, BackstopParams};
use lockstep_exchange::formula::deleverage::{allocate, deleverage_price, leverage_ppm, weight};
use lockstep_exchange::formula::fee::liquidation_fee;
use lockstep_exchange::formula::insurance::{Fund, cover};
use lockstep_exchange::formula::pro_rata::{Claim, divide};
use lockstep_sim::clear_waterfall::terms::{self, Auction};
use lockstep_sim::clear_waterfall::{
    ClearWaterfall, Contract, Event, Fill, Purse, Rules, SliceLots,
};
use lockstep_types::ids::UnderlyingId;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn any_params() -> impl Strategy<Value = BackstopParams> {
    let ms = || prop_oneof![0..10_i64, 0..100_000_000_i64];
    let ppm = || 0..=1_000_000_i64;
    let times = (ms(), ms(), ms());
    (ppm(), ppm(), 1_000_000..3_000_000_i64, times).prop_map(|(one, other, buffer, times)| {
        BackstopParams {
            start_ppm: one.max(other),
            cut_ppm: one.min(other),
            fast_ms: times.0,
            slow_ms: times.1,
            buffer_ppm: buffer,
            insolvent_ms: times.2,
            ..BackstopParams::REFERENCE
        }
    })
}

fn auction_of(params: &BackstopParams) -> Auction {
    Auction {
        start_ppm: i128::from(params.start_ppm),
        cut_ppm: i128::from(params.cut_ppm),
        fast_ms: i128::from(params.fast_ms),
        slow_ms: i128::from(params.slow_ms),
        buffer_ppm: i128::from(params.buffer_ppm),
        insolvent_ms: i128::from(params.insolvent_ms),
    }
}

/// Weights and caps by id, small and large.
fn any_claims() -> impl Strategy<Value = Vec<(u64, u64)>> {
    let size = || prop_oneof![0..20_u64, any::<u64>(), 0..1_000_000_u64];
    prop::collection::vec((size(), size()), 0..12)
}

const PERPETUAL: u32 = 0;
const BANKRUPT: u32 = 1;
const OTHERS: [u32; 4] = [2, 3, 4, 5];

/// The bankrupt account has a perpetual against the others, each of whom has a part, and no cash.
fn venue(parts: [i64; 4], is_long: bool, price: i64) -> ClearWaterfall {
    let contract = Contract { underlying: 0, is_option: false };
    let mut venue = ClearWaterfall::new(Rules {
        contracts: BTreeMap::from([(PERPETUAL, contract)]),
        liquidation_fee_ppm: 5_000,
        option_fee_cap_ppm: 125_000,
        slice_lots: SliceLots::AwayFromZero,
    });
    for (other, lots) in OTHERS.into_iter().zip(parts) {
        let fill = closing(other, lots, !is_long, price);
        venue.apply(&Event::Trade { fill, buyer_fee: 0, seller_fee: 0 }).unwrap();
    }
    venue
}

/// Closes lots of the bankrupt account, or opens them if it were the other way round.
fn closing(other: u32, lots: i64, is_long: bool, price: i64) -> Fill {
    let (buyer, seller) = if is_long { (other, BANKRUPT) } else { (BANKRUPT, other) };
    Fill { instrument: PERPETUAL, price, lots, buyer, seller }
}

fn narrow(value: i128) -> i64 {
    i64::try_from(value).unwrap()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn prices_and_shares_of_slices_are_the_models(
        params in any_params(),
        equity in prop_oneof![any::<i32>().prop_map(i64::from), any::<i64>()],
        maintenance in prop_oneof![0..1_i64 << 32, 0..=i64::MAX],
        elapsed in prop_oneof![0..20_i64, 0..200_000_000_i64],
    ) {
        let auction = auction_of(&params);
        let (e, m, t) = (i128::from(equity), i128::from(maintenance), i128::from(elapsed));
        let whole = terms::whole_price(&auction, e, m, t);
        let ours = backstop::whole_price(&params, equity, maintenance, elapsed);
        prop_assert_eq!(ours.ok(), i64::try_from(whole).ok());
        let share = terms::share_ppm_max(&auction, e, m, t);
        let ours = backstop::share_ppm_max(&params, equity, maintenance, elapsed).unwrap();
        prop_assert_eq!(i128::from(ours), share);
        if let Ok(whole) = i64::try_from(whole) {
            let price = backstop::slice_price(whole, ours).unwrap();
            prop_assert_eq!(i128::from(price), terms::slice_price(i128::from(whole), share));
        }
    }

    #[test]
    fn divisions_are_the_models(pairs in any_claims(), quantity in 0..=i64::MAX) {
        let mut claims: Vec<Claim> = (0..)
            .zip(&pairs)
            .map(|(id, &(weight, cap))| Claim::new(id, weight, cap))
            .collect();
        let weights: BTreeMap<u32, u64> = claims.iter().map(|one| (one.id, one.weight)).collect();
        let caps = claims.iter().map(|one| (one.id, i128::from(one.cap))).collect();
        // The model leaves out who has no weight.
        let taken = |claims: &[Claim]| -> BTreeMap<u32, i128> {
            let some = claims.iter().filter(|claim| claim.weight > 0);
            some.map(|claim| (claim.id, i128::from(claim.taken))).collect()
        };
        divide(quantity.unsigned_abs(), &mut claims).unwrap();
        prop_assert_eq!(taken(&claims), terms::divide(i128::from(quantity), &weights));
        allocate(quantity.unsigned_abs(), &mut claims).unwrap();
        prop_assert_eq!(
            taken(&claims),
            terms::divide_capped(i128::from(quantity), &weights, &caps)
        );
    }

    #[test]
    fn funds_pay_what_the_models_funds_pay(
        funds in prop::collection::vec((0..1_000_u64, 0..1_i64 << 40), 1..6),
        tail in 0..1_i64 << 40,
        deficit in 0..1_i64 << 42,
    ) {
        let mut ours: Vec<Fund> = (0..)
            .zip(&funds)
            .map(|(id, &(weight, balance))| {
                Fund { underlying: UnderlyingId(id), weight, balance, paid: 0 }
            })
            .collect();
        let covered = cover(deficit, &mut ours, tail).unwrap();
        let mut model = venue([1; 4], true, 1);
        model.apply(&Event::Mark { instrument: PERPETUAL, price: 1 }).unwrap();
        for fund in &ours {
            let purse = Purse::Fund(fund.underlying.0);
            model.apply(&Event::Flow { purse, amount: fund.balance }).unwrap();
        }
        model.apply(&Event::Flow { purse: Purse::Shared, amount: tail }).unwrap();
        let purse = Purse::Account(BANKRUPT);
        model.apply(&Event::Flow { purse, amount: -deficit }).unwrap();
        let weights = ours.iter().map(|fund| (fund.underlying.0, fund.weight)).collect();
        let outcome = model.apply(&Event::Cover { account: BANKRUPT, weights }).unwrap();
        for fund in &ours {
            let paid = outcome.from_funds.get(&fund.underlying.0).copied().unwrap_or(0);
            prop_assert_eq!(i128::from(fund.paid), paid);
        }
        prop_assert_eq!(i128::from(covered.from_tail), outcome.from_shared);
        prop_assert_eq!(i128::from(covered.uncovered), outcome.uncovered);
    }

    #[test]
    fn prices_of_deleveraging_and_fees_are_the_models(
        mark in 0..1_i64 << 40,
        uncovered in prop_oneof![0..1_000_i64, 0..1_i64 << 50],
        lots in 1..1_000_000_i64,
        is_long in any::<bool>(),
    ) {
        let position = if is_long { lots } else { -lots };
        let price = terms::deleverage_price(
            i128::from(mark), i128::from(uncovered), i128::from(position));
        prop_assert_eq!(deleverage_price(mark, uncovered, position), Ok(narrow(price)));
        let mut model = venue([lots; 4], is_long, mark);
        let fill = closing(OTHERS[0], lots, is_long, mark);
        let event = Event::Liquidation { fill, account: BANKRUPT, other_fee: 0 };
        let fee = model.apply(&event).unwrap().liquidation_fee;
        prop_assert_eq!(liquidation_fee(mark, lots, 5_000), Ok(narrow(fee)));
    }

    #[test]
    fn a_bankrupt_account_ends_at_zero_with_the_formulas_numbers(
        parts in prop::array::uniform4(1..20_000_i64),
        equities in prop::array::uniform4(-1_000_000_000..10_000_000_000_i64),
        is_long in any::<bool>(),
        entry in 50_000_000_000..100_000_000_000_i64,
        moved in 1_000..20_000_000_000_i64,
        money in 0..2_000_000_000_i64,
        insurance in 0..1_000_000_000_i64,
    ) {
        let lots: i64 = parts.iter().sum();
        let position = if is_long { lots } else { -lots };
        let mut model = venue(parts, is_long, entry);
        let purse = Purse::Account(BANKRUPT);
        model.apply(&Event::Flow { purse, amount: money }).unwrap();
        model.apply(&Event::Flow { purse: Purse::Fund(0), amount: insurance }).unwrap();
        let mark = if is_long { entry - moved } else { entry + moved };
        model.apply(&Event::Mark { instrument: PERPETUAL, price: mark }).unwrap();
        let deficit = narrow(-model.equity(BANKRUPT).unwrap());
        prop_assume!(deficit > 0);
        let underlying = UnderlyingId(0);
        let mut fund = [Fund { underlying, weight: 1, balance: insurance, paid: 0 }];
        let uncovered = cover(deficit, &mut fund, 0).unwrap().uncovered;
        let event = Event::Cover { account: BANKRUPT, weights: BTreeMap::from([(0, 1)]) };
        prop_assert_eq!(model.apply(&event).unwrap().uncovered, i128::from(uncovered));
        let price = deleverage_price(mark, uncovered, position).unwrap();
        let mut claims: Vec<Claim> = OTHERS
            .into_iter()
            .zip(parts.into_iter().zip(equities))
            .map(|(other, (part, equity))| {
                let size = part.unsigned_abs();
                let notional = size * mark.unsigned_abs() / 1_000;
                Claim::new(other, weight(size, leverage_ppm(notional, equity)).unwrap(), size)
            })
            .collect();
        // First half of it, in which weights count, then the rest, which is all that there is.
        let first = lots / 2;
        for quantity in [first, lots - first] {
            let left = allocate(quantity.unsigned_abs(), &mut claims).unwrap();
            prop_assert_eq!(left, 0);
            for claim in &mut claims {
                let part = i64::try_from(claim.taken).unwrap();
                claim.cap -= claim.taken;
                if part > 0 {
                    let fill = closing(claim.id, part, is_long, price);
                    model.apply(&Event::Deleverage { fill }).unwrap();
                }
            }
        }
        prop_assert_eq!(model.position(BANKRUPT, PERPETUAL).lots, 0);
        // The price is rounded by less than a micro per unit; each of eight fills rounds twice.
        let cash = model.money(purse);
        prop_assert!((-16..=i128::from(lots / 1_000 + 1)).contains(&cash), "{cash} left");
    }
}
