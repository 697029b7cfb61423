//! Standard margin against a clear second implementation, its bounds, and the ends of i64.

use crate::{any_i64, ceil_of, config, floor_of};
use lockstep_exchange::formula::standard_margin::*;
use lockstep_exchange::formula::{FormulaError, OptionSide};
use lockstep_types::params::StandardMarginParams;
use proptest::prelude::*;

const DOLLAR: i64 = 1_000_000;

fn any_side() -> impl Strategy<Value = OptionSide> {
    prop_oneof![Just(OptionSide::Call), Just(OptionSide::Put)]
}

/// Legs whose strikes are multiples of `step`, in any order.
fn any_legs(step: i64) -> impl Strategy<Value = Vec<OptionLeg>> {
    let leg = (any_side(), 0..300_000 * DOLLAR / step, -50_000..50_000_i64, 0..50_000 * DOLLAR);
    let leg = leg.prop_map(move |(side, steps, lots, mark)| OptionLeg {
        side,
        strike: steps * step,
        lots,
        mark,
    });
    prop::collection::vec(leg, 0..24)
}

fn payoff(leg: &OptionLeg, price: i64) -> i128 {
    let difference = match leg.side {
        OptionSide::Call => price - leg.strike,
        OptionSide::Put => leg.strike - price,
    };
    i128::from(difference.max(0))
}

/// `sm_margin` of the reference for one expiry, in 128 bits and the reference's order of terms.
fn clear(params: &StandardMarginParams, expiry: &ExpiryLegs<'_>) -> [i128; 7] {
    let (spot, forward) = (i128::from(expiry.spot), i128::from(expiry.forward));
    let [most, least, maintenance, factor] = [
        params.option_max.0,
        params.option_min.0,
        params.option_maintenance.0,
        params.put_initial_factor.0,
    ]
    .map(i128::from);
    let (mut isolated_initial, mut isolated_maintenance, mut value, mut calls) = (0, 0, 0, 0);
    for leg in expiry.legs {
        let (lots, mark) = (i128::from(leg.lots), i128::from(leg.mark));
        value += floor_of(lots * mark, 1_000);
        if leg.side == OptionSide::Call {
            calls += lots;
        }
        if lots >= 0 {
            continue;
        }
        let short = -lots;
        let call = leg.side == OptionSide::Call;
        let strike = i128::from(leg.strike);
        let out = (if call { strike - spot } else { spot - strike }).max(0);
        let share = least.max(most - out * 1_000_000 / spot);
        let marked = ceil_of(short * mark, 1_000);
        let base = ceil_of(short * spot * share, 1_000_000_000) + marked;
        let of_spot = ceil_of(short * spot * maintenance, 1_000_000_000);
        let of_mark = ceil_of(short * mark * maintenance, 1_000_000_000);
        let kept = if call { of_spot } else { of_spot.max(of_mark) } + marked;
        isolated_initial +=
            if call { base.max(kept) } else { base.max(ceil_of(kept * factor, 1_000_000)) };
        isolated_maintenance += kept;
    }
    let pay = |price: i64| -> i128 {
        expiry
            .legs
            .iter()
            .map(|leg| floor_of(i128::from(leg.lots) * payoff(leg, price), 1_000))
            .sum()
    };
    let worst = expiry.legs.iter().map(|leg| pay(leg.strike)).chain([pay(0)]).min().unwrap();
    let loss = (-worst).max(0);
    let unpaired = |ppm: i64| ceil_of((-calls).max(0) * forward * i128::from(ppm), 1_000_000_000);
    [
        isolated_initial,
        isolated_maintenance,
        loss,
        calls,
        isolated_initial.min(loss + unpaired(params.unpaired_initial.0)),
        isolated_maintenance.min(loss + unpaired(params.unpaired_maintenance.0)),
        value,
    ]
}

fn flat(parts: &ExpiryRequirement) -> [i128; 7] {
    [
        parts.isolated.initial,
        parts.isolated.maintenance,
        parts.loss_max,
        parts.net_calls_lots,
        parts.requirement.initial,
        parts.requirement.maintenance,
        parts.option_value,
    ]
    .map(i128::from)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn one_pass_equals_the_clear_sum(
        mut legs in any_legs(500 * DOLLAR),
        spot in 1..200_000 * DOLLAR,
    ) {
        legs.sort_by_key(|leg| leg.strike);
        let expiry = ExpiryLegs { spot, forward: spot + 77, legs: &legs };
        let params = StandardMarginParams::default();
        prop_assert_eq!(
            flat(&expiry_requirement(&params, &expiry).unwrap()),
            clear(&params, &expiry)
        );
    }

    #[test]
    fn uneven_strikes_in_any_order_equal_the_clear_sum(
        legs in any_legs(1),
        spot in 1..200_000 * DOLLAR,
    ) {
        let expiry = ExpiryLegs { spot, forward: spot + 77, legs: &legs };
        let params = StandardMarginParams::default();
        prop_assert_eq!(
            flat(&expiry_requirement(&params, &expiry).unwrap()),
            clear(&params, &expiry)
        );
    }

    #[test]
    fn the_order_of_legs_is_no_matter(legs in any_legs(500 * DOLLAR)) {
        let params = StandardMarginParams::default();
        let margin = |legs: &[OptionLeg]| {
            let expiry = ExpiryLegs { spot: 100_000 * DOLLAR, forward: 100_500 * DOLLAR, legs };
            expiry_requirement(&params, &expiry)
        };
        let mut sorted = legs.clone();
        sorted.sort_by_key(|leg| leg.strike);
        prop_assert_eq!(margin(&legs), margin(&sorted));
    }

    #[test]
    fn a_requirement_is_never_negative_and_covers_settlement_anywhere(
        legs in any_legs(500 * DOLLAR),
        settled in 0..300_000 * DOLLAR,
    ) {
        let params = StandardMarginParams::default();
        let expiry = ExpiryLegs { spot: 100_000 * DOLLAR, forward: 100_500 * DOLLAR, legs: &legs };
        let parts = expiry_requirement(&params, &expiry).unwrap();
        let Requirement { initial, maintenance } = parts.requirement;
        prop_assert!(initial >= maintenance && maintenance >= 0);
        // Between strikes payoffs are linear, so the worst is at one, unless calls are owed.
        if parts.net_calls_lots >= 0 {
            let paid: i128 = legs
                .iter()
                .map(|leg| floor_of(i128::from(leg.lots) * payoff(leg, settled), 1_000))
                .sum();
            // Each leg's floor may cost a micro-USD away from the strikes.
            prop_assert!(paid + i128::from(parts.loss_max) + 24 >= 0);
        }
    }

    #[test]
    fn the_isolated_requirement_grows_with_the_short(
        side in any_side(),
        strike in 0..300_000 * DOLLAR,
        mark in 0..100_000 * DOLLAR,
        lots in 0..1_000_000_i64,
        more in 0..1_000_000_i64,
    ) {
        let params = StandardMarginParams::default();
        let isolated = |short: i64| {
            let leg = OptionLeg { side, strike, lots: -short, mark };
            isolated_option(&params, 100_000 * DOLLAR, &leg).unwrap()
        };
        let (less, whole) = (isolated(lots), isolated(lots + more));
        prop_assert!(whole.initial >= less.initial && whole.maintenance >= less.maintenance);
        prop_assert!(less.initial >= less.maintenance);
        let (one, other) =
            (isolated_linear(&params, mark + 1, lots), isolated_linear(&params, mark + 1, -lots));
        prop_assert_eq!(one, other);
    }

    #[test]
    fn nothing_panics_at_the_limits(
        legs in prop::collection::vec((any_side(), any_i64(), any_i64(), any_i64()), 0..6),
        spot in any_i64(),
        forward in any_i64(),
        lots in any_i64(),
    ) {
        let legs: Vec<_> = legs
            .into_iter()
            .map(|(side, strike, lots, mark)| OptionLeg { side, strike, lots, mark })
            .collect();
        let params = StandardMarginParams::default();
        let expiry = ExpiryLegs { spot, forward, legs: &legs };
        let in_domain =
            spot > 0 && forward >= 0 && legs.iter().all(|leg| leg.strike >= 0 && leg.mark >= 0);
        match account_requirement(&params, [LinearLeg { spot, lots }], [expiry], |_, _| ()) {
            Ok(account) => {
                prop_assert!(in_domain);
                prop_assert!(account.requirement.maintenance >= 0);
            }
            Err(FormulaError::Domain) => prop_assert!(!in_domain),
            Err(FormulaError::Overflow) => {}
        }
    }
}

#[test]
fn more_legs_than_an_account_can_have_are_refused() {
    let leg = OptionLeg { side: OptionSide::Put, strike: 1, lots: 1, mark: 0 };
    let margin = |count: usize| {
        let legs = vec![leg; count];
        let expiry = ExpiryLegs { spot: 1, forward: 1, legs: &legs };
        expiry_requirement(&StandardMarginParams::default(), &expiry)
    };
    assert!(margin(LEGS_MAX).is_ok());
    assert_eq!(margin(LEGS_MAX + 1), Err(FormulaError::Domain));
}

#[test]
fn far_out_of_the_money_meets_the_minimum_share_even_where_the_ratio_does_not_fit() {
    let leg = OptionLeg { side: OptionSide::Call, strike: i64::MAX, lots: -1_000, mark: 0 };
    let params = StandardMarginParams::default();
    let requirement = isolated_option(&params, 10, &leg).unwrap();
    assert_eq!(requirement, Requirement { initial: 1, maintenance: 1 });
    let at_spot = OptionLeg { strike: 100 * DOLLAR, ..leg };
    let requirement = isolated_option(&params, 100 * DOLLAR, &at_spot).unwrap();
    assert_eq!(requirement, Requirement { initial: 15 * DOLLAR, maintenance: 7_500_000 });
}
