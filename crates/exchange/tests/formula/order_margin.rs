//! Order margin: nothing for nothing, never less for more, and enough once the orders fill.

use crate::{any_i64, config};
use lockstep_exchange::formula::fee::OPTION_FEE_CAP_PPM;
use lockstep_exchange::formula::order_margin::*;
use lockstep_exchange::formula::standard_margin::{
    ExpiryLegs, ExpiryRequirement, OptionLeg, expiry_requirement, isolated_linear, isolated_option,
};
use lockstep_exchange::formula::{FormulaError, OptionSide};
use lockstep_types::params::StandardMarginParams;
use proptest::prelude::*;

const DOLLAR: i64 = 1_000_000;
const SPOT: i64 = 100_000 * DOLLAR;

fn any_contract() -> impl Strategy<Value = OrderContract> {
    let option =
        |side| (0..200_000 * DOLLAR).prop_map(move |strike| OrderContract::Option { side, strike });
    prop_oneof![Just(OrderContract::Linear), option(OptionSide::Call), option(OptionSide::Put)]
}

fn side_of(lots: i64, limit: i64) -> OpenSide {
    OpenSide { lots, cost_nano: i128::from(lots) * i128::from(limit) }
}

fn orders(contract: OrderContract, position_lots: i64, mark: i64) -> OpenOrders {
    OpenOrders {
        contract,
        position_lots,
        mark,
        spot: SPOT,
        buys: OpenSide::default(),
        sells: OpenSide::default(),
        fee_ppm: 350,
        option_fee_cap_ppm: OPTION_FEE_CAP_PPM,
    }
}

fn margin(orders: &OpenOrders) -> i64 {
    order_margin(&StandardMarginParams::default(), orders).unwrap()
}

fn isolated(contract: OrderContract, lots: i64, mark: i64) -> i64 {
    let params = StandardMarginParams::default();
    match contract {
        OrderContract::Linear => isolated_linear(&params, SPOT, lots).unwrap().initial,
        OrderContract::Option { side, strike } => {
            isolated_option(&params, SPOT, &OptionLeg { side, strike, lots, mark }).unwrap().initial
        }
    }
}

#[test]
fn a_perpetual_bid_at_mark_reserves_its_initial_margin_and_fee() {
    let bid = OpenOrders { buys: side_of(1_000, SPOT), ..orders(OrderContract::Linear, 0, SPOT) };
    assert_eq!(margin(&bid), 6_600 * DOLLAR + 35 * DOLLAR);
    let above = OpenOrders { buys: side_of(1_000, SPOT + 100 * DOLLAR), ..bid };
    assert_eq!(margin(&above), 6_600 * DOLLAR + 100 * DOLLAR + 35 * DOLLAR + 35_000);
    let both = OpenOrders { sells: side_of(1_000, SPOT), ..bid };
    assert_eq!(margin(&both), margin(&bid));
}

#[test]
fn a_rebate_is_no_credit_before_it_is_earned() {
    let close = OpenOrders {
        sells: side_of(1_000, SPOT),
        fee_ppm: -100,
        ..orders(OrderContract::Linear, 1_000, SPOT)
    };
    assert_eq!(margin(&close), 0);
    let open = OpenOrders { position_lots: 0, ..close };
    assert_eq!(margin(&open), 6_600 * DOLLAR);
}

#[test]
fn an_order_that_closes_reserves_no_margin() {
    let close =
        OpenOrders { sells: side_of(1_000, SPOT), ..orders(OrderContract::Linear, 1_000, SPOT) };
    assert_eq!(margin(&close), 35 * DOLLAR);
    // Twice the position turns it round: the same risk as before.
    assert_eq!(margin(&OpenOrders { sells: side_of(2_000, SPOT), ..close }), 70 * DOLLAR);
    // One lot more is one lot of new risk.
    let more = OpenOrders { sells: side_of(2_001, SPOT), ..close };
    assert_eq!(margin(&more), 70 * DOLLAR + 35_000 + 6_600_000);
}

#[test]
fn an_option_bid_reserves_its_premium_and_an_option_offer_its_short() {
    let call = OrderContract::Option { side: OptionSide::Call, strike: SPOT };
    let mark = 5_000 * DOLLAR;
    let bid = OpenOrders { buys: side_of(1_000, mark), ..orders(call, 0, mark) };
    assert_eq!(margin(&bid), 5_000 * DOLLAR + 35 * DOLLAR);
    let offer = OpenOrders { sells: side_of(1_000, mark), ..orders(call, 0, mark) };
    assert_eq!(margin(&offer), 15_000 * DOLLAR + 5_000 * DOLLAR + 35 * DOLLAR);
    // A cheap option's fee is capped by its premium (F1).
    let cheap = OpenOrders { buys: side_of(1_000, 8 * DOLLAR), ..orders(call, 0, 8 * DOLLAR) };
    assert_eq!(margin(&cheap), 9 * DOLLAR);
    // Selling what is held needs the fee only.
    let held = OpenOrders { position_lots: 1_000, ..offer };
    assert_eq!(margin(&held), 35 * DOLLAR);
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_orders_reserve_nothing(
        contract in any_contract(),
        position in -100_000..100_000_i64,
        mark in 0..SPOT,
    ) {
        prop_assert_eq!(margin(&orders(contract, position, mark)), 0);
    }

    #[test]
    fn more_at_no_better_price_never_reserves_less(
        contract in any_contract(),
        position in -100_000..100_000_i64,
        mark in 1..SPOT,
        had in (0..100_000_i64, 0..100_000_i64),
        more in (0..100_000_i64, 0..100_000_i64),
        worse_ppm in 0..900_000_i64,
    ) {
        let edge = mark / 1_000_000 * worse_ppm;
        let before = OpenOrders {
            buys: side_of(had.0, mark + edge),
            sells: side_of(had.1, mark - edge),
            ..orders(contract, position, mark)
        };
        let after = OpenOrders {
            buys: side_of(had.0 + more.0, mark + edge),
            sells: side_of(had.1 + more.1, mark - edge),
            ..before
        };
        prop_assert!(margin(&after) >= margin(&before));
        // A worse limit for the same lots reserves no less either. (An option's seller gets less
        // premium, which never was a credit, and so may pay a smaller capped fee.)
        let worse = OpenOrders { buys: side_of(had.0, mark + edge + 1_000), ..before };
        prop_assert!(margin(&worse) >= margin(&before));
    }

    #[test]
    fn after_the_fill_the_reserve_has_been_enough(
        contract in any_contract(),
        position in -100_000..100_000_i64,
        mark in 1..SPOT,
        lots in 1..100_000_i64,
        part_ppm in 0..=1_000_000_i64,
        limit in 1..SPOT,
        buy in any::<bool>(),
    ) {
        let mut open = orders(contract, position, mark);
        let side = side_of(lots, limit);
        if buy {
            open.buys = side
        } else {
            open.sells = side
        }
        let reserve = i128::from(margin(&open));
        prop_assert!(reserve >= 0);
        let filled = lots * part_ppm / 1_000_000;
        let signed = if buy { filled } else { -filled };
        let rise = i128::from(
            isolated(contract, position + signed, mark) - isolated(contract, position, mark),
        );
        // Cash and linear profit at mark, without the fee: what the fill changes in equity.
        let (limit, mark, signed) = (i128::from(limit), i128::from(mark), i128::from(signed));
        let gained = match contract {
            OrderContract::Linear => (signed * (mark - limit)).div_euclid(1_000),
            OrderContract::Option { .. } => (-signed * limit).div_euclid(1_000),
        };
        prop_assert!(reserve + gained.min(0) >= rise);
    }

    #[test]
    fn nothing_panics_at_the_limits(
        contract in any_contract(),
        numbers in (any_i64(), any_i64(), any_i64(), any_i64(), any_i64(), any_i64()),
        costs in (any::<i128>(), any::<i128>()),
    ) {
        let (position_lots, mark, spot, buys, sells, fee_ppm) = numbers;
        let open = OpenOrders {
            contract,
            position_lots,
            mark,
            spot,
            buys: OpenSide { lots: buys, cost_nano: costs.0 },
            sells: OpenSide { lots: sells, cost_nano: costs.1 },
            fee_ppm,
            option_fee_cap_ppm: OPTION_FEE_CAP_PPM,
        };
        let in_domain =
            mark >= 0 && spot > 0 && buys >= 0 && sells >= 0 && costs.0 >= 0 && costs.1 >= 0;
        match order_margin(&StandardMarginParams::default(), &open) {
            Ok(reserve) => prop_assert!(in_domain && reserve >= 0),
            Err(FormulaError::Domain) => prop_assert!(!in_domain),
            Err(FormulaError::Overflow) => prop_assert!(in_domain),
        }
    }
}

fn expiry(legs: &[OptionLeg]) -> ExpiryRequirement {
    let expiry = ExpiryLegs { spot: SPOT, forward: SPOT, legs };
    expiry_requirement(&StandardMarginParams::default(), &expiry).unwrap()
}

fn option(strike: i64, side: OptionSide, lots: i64, mark: i64) -> OptionLeg {
    OptionLeg { side, strike: strike * DOLLAR, lots, mark }
}

/// A leg's orders at its mark.
fn leg_orders(leg: &OptionLeg, bought: i64, sold: i64) -> OpenOrders {
    let contract = OrderContract::Option { side: leg.side, strike: leg.strike };
    OpenOrders {
        buys: side_of(bought, leg.mark),
        sells: side_of(sold, leg.mark),
        ..orders(contract, leg.lots, leg.mark)
    }
}

#[test]
fn selling_the_option_that_pairs_a_short_needs_what_the_short_needs_alone() {
    let params = StandardMarginParams::default();
    let short = option(100_000, OptionSide::Call, -1_000, 5_000 * DOLLAR);
    let long = option(110_000, OptionSide::Call, 1_000, 2_000 * DOLLAR);
    let (paired, alone) = (expiry(&[short, long]), expiry(&[short]));
    assert_eq!(paired.requirement.initial, 10_000 * DOLLAR);
    let open = [leg_orders(&short, 0, 0), leg_orders(&long, 0, 1_000)];
    let sold = expiry(&[short, OptionLeg { lots: 0, ..long }]);
    let needed = expiry_needed(&params, SPOT, &paired, &sold, open.into_iter()).unwrap();
    // The fee is 0.035 % of the index, below an eighth of the premium.
    assert_eq!(needed, i128::from(alone.requirement.initial + 35 * DOLLAR));
    let none = [leg_orders(&short, 0, 0), leg_orders(&long, 0, 0)];
    let needed = expiry_needed(&params, SPOT, &paired, &paired, none.into_iter()).unwrap();
    assert_eq!(needed, i128::from(paired.requirement.initial));
}

proptest! {
    #![proptest_config(config())]

    /// Whatever of the orders fills: what was needed before covers what is needed after, the
    /// premiums paid and the fees.
    #[test]
    fn what_an_expiry_needs_covers_every_fill(
        legs in prop::collection::vec(
            (80_i64..120, any::<bool>(), -2_000..2_000_i64, 1..8_000_i64, 0..500_i64, 0..500_i64),
            1..4,
        ),
        filled in prop::collection::vec((0..=4_i64, 0..=4_i64), 4),
    ) {
        let params = StandardMarginParams::default();
        let options: Vec<(OptionLeg, i64, i64)> = legs
            .iter()
            .enumerate()
            .map(|(at, &(strike, call, lots, mark, buys, sells))| {
                // Strikes apart, so that no instrument is twice in the list.
                let strike = strike * 1_000 + i64::try_from(at).unwrap();
                let side = if call { OptionSide::Call } else { OptionSide::Put };
                (option(strike, side, lots, mark * DOLLAR), 4 * buys, 4 * sells)
            })
            .collect();
        let now: Vec<OptionLeg> = options.iter().map(|(leg, _, _)| *leg).collect();
        let less = |(leg, _, sells): &(OptionLeg, i64, i64)| {
            OptionLeg { lots: leg.lots - sells, ..*leg }
        };
        let sold: Vec<OptionLeg> = options.iter().map(less).collect();
        let open = options.iter().map(|(leg, buys, sells)| leg_orders(leg, *buys, *sells));
        let needed =
            expiry_needed(&params, SPOT, &expiry(&now), &expiry(&sold), open).unwrap();
        let (mut after, mut paid) = (Vec::new(), 0_i128);
        for ((leg, buys, sells), (bought, sold)) in options.iter().zip(&filled) {
            let (bought, sold) = (buys / 4 * bought, sells / 4 * sold);
            after.push(OptionLeg { lots: leg.lots + bought - sold, ..*leg });
            let premium = i128::from(leg.mark) * i128::from(bought - sold) / 1_000;
            let fee = |lots: i64| {
                let notional = i128::from(SPOT) * i128::from(lots) * 350 / 1_000_000_000;
                notional.min(i128::from(leg.mark) * i128::from(lots) / 8_000)
            };
            paid += premium + fee(bought) + fee(sold);
        }
        let required = i128::from(expiry(&after).requirement.initial);
        // Fees of one side are rounded together, here by the fill.
        prop_assert!(required + paid <= needed + 8, "{required} + {paid} > {needed}");
    }
}
