//! Slices of an account in liquidation: the vectors, what a slice leaves behind, and the limits.

use crate::vectors::{int, liquidation_vector, list};
use crate::{any_i64, ceil_of, config, floor_of};
use lockstep_exchange::formula::FormulaError;
use lockstep_exchange::formula::backstop::*;
use proptest::prelude::*;

const PARAMS: BackstopParams = BackstopParams::REFERENCE;
const PPM: i128 = 1_000_000;

#[test]
fn the_price_falls_as_vector_l5_says() {
    let vector = liquidation_vector("L5_dutch_auction_factor_ppm_by_elapsed_ms");
    let ours = serde_json::json!({
        "start_ppm": PARAMS.start_ppm, "cut_ppm": PARAMS.cut_ppm,
        "fast_ms": PARAMS.fast_ms, "slow_ms": PARAMS.slow_ms,
    });
    assert_eq!(ours, vector["params"]);
    let points = list(&vector["points"]);
    assert_eq!(points.len(), 10);
    for point in points {
        assert_eq!(factor_ppm(&PARAMS, int(&point[0])), Ok(int(&point[1])), "{point}");
    }
}

#[test]
fn a_solvent_account_is_sold_as_vector_l6_says() {
    let vector = liquidation_vector("L6_solvent_auction_max_share");
    let given = |name: &str| int(&vector["in_"][name]);
    let (equity, maintenance, elapsed) =
        (given("mtm"), given("mm_requirement"), given("elapsed_ms"));
    assert_eq!(PARAMS.buffer_ppm, given("buffer_ppm"));
    let factor = factor_ppm(&PARAMS, elapsed).unwrap();
    assert_eq!(factor, int(&vector["factor_ppm"]));
    let share = share_ppm_max(&PARAMS, equity, maintenance, elapsed).unwrap();
    assert_eq!(share, int(&vector["max_share_ppm"]));
    let whole = whole_price(&PARAMS, equity, maintenance, elapsed).unwrap();
    assert_eq!(Ok(whole), solvent_price(equity, factor));
    assert_eq!(slice_price(whole, share), Ok(int(&vector["cash_paid_for_max_share"])));
}

#[test]
fn the_backstop_takes_over_as_vector_l7_says() {
    let vector = liquidation_vector("L7_backstop_takeover");
    let (equity, maintenance) = (int(&vector["E"]), int(&vector["MM"]));
    assert_eq!(Ok(vector["backstop"] == true), is_backstop(&PARAMS, equity, maintenance));
    // All of it at mark: the position as it is, and all equity as collateral.
    let lots = slice_lots(int(&vector["in_"]["lots"]), 1_000_000);
    assert_eq!(lots, Ok(int(&vector["post_backstop"]["lots"])));
    let collateral = slice_collateral(equity, 1_000_000).unwrap();
    assert_eq!(collateral, int(&vector["post_backstop"]["cash_received"]));
    assert_eq!(equity - collateral, int(&vector["post_user"]["cash"]));
}

#[test]
fn an_insolvent_account_is_sold_as_vector_l12_says() {
    let vector = liquidation_vector("L12_insolvent_auction_price");
    let (equity, net) = (int(&vector["in_"]["mtm"]), int(&vector["in_"]["net_mm"]));
    assert_eq!(PARAMS.insolvent_ms, int(&vector["in_"]["length_ms"]));
    let points = list(&vector["points"]);
    assert_eq!(points.len(), 5);
    for point in points {
        // The vector gives equity less requirement.
        let price = whole_price(&PARAMS, equity, equity - net, int(&point[0]));
        assert_eq!(price, Ok(int(&point[1])), "{point}");
    }
}

#[test]
fn two_thirds_are_exact() {
    for (equity, maintenance, due) in [
        (2, 3, false),
        (1, 3, true),
        (1_999_999, 3_000_000, true),
        (2_000_000, 3_000_000, false),
        (2_000_000, 3_000_001, true),
        (0, 0, false),
        (-1, 0, true),
        (-1, -3, true),
        (0, -3, false),
        (i64::MAX / 3 * 2, i64::MAX / 3 * 3, false),
        (i64::MAX / 3 * 2 - 1, i64::MAX / 3 * 3, true),
        (i64::MIN, i64::MAX, true),
    ] {
        assert_eq!(is_backstop(&PARAMS, equity, maintenance), Ok(due), "{equity} {maintenance}");
    }
}

#[test]
fn a_price_without_phases_is_nothing_at_once() {
    let params = BackstopParams { fast_ms: 0, slow_ms: 0, insolvent_ms: 0, ..PARAMS };
    assert_eq!(factor_ppm(&params, 0), Ok(0));
    assert_eq!(insolvent_price(&params, -5, 7, 0), Ok(-12));
    let params = BackstopParams { fast_ms: 0, ..PARAMS };
    assert_eq!(factor_ppm(&params, 0), Ok(PARAMS.cut_ppm));
    assert_eq!(factor_ppm(&PARAMS, -1), Ok(PARAMS.start_ppm));
    assert_eq!(insolvent_price(&PARAMS, -5, 7, i64::MIN), Ok(-5));
}

#[test]
fn a_share_of_next_to_nothing_takes_a_lot_of_every_leg() {
    assert_eq!(slice_lots(3, 1), Ok(1));
    assert_eq!(slice_lots(-3, 1), Ok(-1));
    assert_eq!(slice_lots(3, 333_334), Ok(2));
    assert_eq!(slice_lots(-3, 333_333), Ok(-1));
    assert_eq!(slice_lots(0, 1), Ok(0));
    assert_eq!(slice_lots(-3, 0), Ok(0));
    assert_eq!(slice_lots(i64::MIN, 1_000_000), Ok(i64::MIN));
}

#[test]
fn shares_are_rounded_against_the_bidder() {
    // Paid: up. Received with a debt: towards zero. Collateral: down, and a debt away from zero.
    assert_eq!(slice_price(10, 250_000), Ok(3));
    assert_eq!(slice_price(-10, 250_000), Ok(-2));
    assert_eq!(slice_collateral(10, 250_000), Ok(2));
    assert_eq!(slice_collateral(-10, 250_000), Ok(-3));
}

#[test]
fn parameters_out_of_range_are_refused_by_every_function() {
    let wrong = [
        BackstopParams { trigger_numerator: -1, ..PARAMS },
        BackstopParams { trigger_numerator: 4, ..PARAMS },
        BackstopParams { trigger_numerator: 0, trigger_denominator: 0, ..PARAMS },
        BackstopParams { start_ppm: 1_000_001, ..PARAMS },
        BackstopParams { cut_ppm: 950_001, ..PARAMS },
        BackstopParams { cut_ppm: -1, ..PARAMS },
        BackstopParams { fast_ms: -1, ..PARAMS },
        BackstopParams { slow_ms: -1, ..PARAMS },
        BackstopParams { insolvent_ms: -1, ..PARAMS },
        BackstopParams { buffer_ppm: 999_999, ..PARAMS },
        BackstopParams { buffer_ppm: BUFFER_PPM_MAX + 1, ..PARAMS },
    ];
    for params in wrong {
        let refused = Err(FormulaError::Domain);
        assert_eq!(factor_ppm(&params, 0), refused, "{params:?}");
        assert_eq!(share_ppm_max(&params, 1, 1, 0), refused, "{params:?}");
        assert_eq!(whole_price(&params, 1, 1, 0), refused, "{params:?}");
        assert_eq!(whole_price(&params, -1, 1, 0), refused, "{params:?}");
        assert_eq!(is_backstop(&params, 1, 1), Err(FormulaError::Domain), "{params:?}");
    }
}

#[test]
fn arguments_out_of_range_are_refused() {
    assert_eq!(solvent_price(-1, 1), Err(FormulaError::Domain));
    assert_eq!(solvent_price(1, 1_000_001), Err(FormulaError::Domain));
    assert_eq!(insolvent_price(&PARAMS, 0, 1, 0), Err(FormulaError::Domain));
    for share in [-1, 1_000_001] {
        assert_eq!(slice_price(1, share), Err(FormulaError::Domain));
        assert_eq!(slice_collateral(1, share), Err(FormulaError::Domain));
        assert_eq!(slice_lots(1, share), Err(FormulaError::Domain));
    }
    assert_eq!(whole_price(&PARAMS, i64::MIN, i64::MAX, i64::MAX), Err(FormulaError::Overflow));
}

fn any_params() -> impl Strategy<Value = BackstopParams> {
    let ms = || prop_oneof![0..10_i64, 0..100_000_000_i64, Just(i64::MAX)];
    let ppm = || 0..=1_000_000_i64;
    let buffer = prop_oneof![1_000_000..2_000_000_i64, Just(BUFFER_PPM_MAX)];
    (ppm(), ppm(), ms(), ms(), buffer, ms()).prop_map(|(one, other, fast, slow, buffer, whole)| {
        BackstopParams {
            start_ppm: one.max(other),
            cut_ppm: one.min(other),
            fast_ms: fast,
            slow_ms: slow,
            buffer_ppm: buffer,
            insolvent_ms: whole,
            ..PARAMS
        }
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_equity_requirement_and_time_has_a_share(
        params in any_params(),
        equity in any_i64(),
        maintenance in any_i64(),
        elapsed in any_i64(),
    ) {
        let share = share_ppm_max(&params, equity, maintenance, elapsed).unwrap();
        prop_assert!((0..=1_000_000).contains(&share));
        let wanted = i128::from(maintenance.max(0)) * i128::from(params.buffer_ppm);
        let at_buffer = equity >= 0 && i128::from(equity) * PPM >= wanted;
        prop_assert_eq!(share == 0, at_buffer);
        if equity < 0 {
            prop_assert_eq!(share, 1_000_000);
        }
    }

    #[test]
    fn the_largest_share_is_the_least_that_brings_the_account_to_its_buffer(
        params in any_params(),
        equity in 0..=i64::MAX,
        maintenance in 0..=i64::MAX,
        elapsed in any_i64(),
    ) {
        let share = share_ppm_max(&params, equity, maintenance, elapsed).unwrap();
        let price = i128::from(whole_price(&params, equity, maintenance, elapsed).unwrap());
        // In millionths: what is left after a share, and the buffer of what is left.
        let enough = |share: i64| {
            let (sold, kept) = (i128::from(share), PPM - i128::from(share));
            let buffer =
                ceil_of(i128::from(maintenance) * i128::from(params.buffer_ppm), PPM) * kept;
            i128::from(equity) * kept + price * sold >= buffer
        };
        prop_assert!(enough(share));
        prop_assert!(share == 0 || !enough(share - 1));
    }

    #[test]
    fn what_a_slice_leaves_is_at_the_buffer_to_the_micro(
        equity in 0..1_i64 << 50,
        mark in 1..1_000_000_000_000_i64,
        lots in 1..1_000_000_i64,
        elapsed in 0..50_000_000_i64,
    ) {
        // One perpetual at 5 %.
        let needs = |lots: i64| {
            let notional = ceil_of(i128::from(lots) * i128::from(mark), 1_000);
            i64::try_from(ceil_of(notional * 50_000, PPM)).unwrap()
        };
        let share = share_ppm_max(&PARAMS, equity, needs(lots), elapsed).unwrap();
        let price = whole_price(&PARAMS, equity, needs(lots), elapsed).unwrap();
        let left = equity - slice_collateral(equity, share).unwrap()
            + slice_price(price, share).unwrap();
        let rest = needs(lots - slice_lots(lots, share).unwrap());
        // Two roundings of the requirement, one of its buffer.
        let buffer = ceil_of(i128::from(rest) * i128::from(PARAMS.buffer_ppm), PPM);
        prop_assert!(i128::from(left) + 3 >= buffer, "{left} left, {buffer} wanted");
    }

    #[test]
    fn time_lowers_prices_and_raises_shares(
        params in any_params(),
        equity in any_i64(),
        maintenance in any_i64(),
        one in any_i64(),
        other in any_i64(),
    ) {
        let (early, late) = (one.min(other), one.max(other));
        let factor = |elapsed| factor_ppm(&params, elapsed).unwrap();
        prop_assert!(factor(late) <= factor(early));
        prop_assert!((0..=params.start_ppm).contains(&factor(early)));
        let share = |elapsed| share_ppm_max(&params, equity, maintenance, elapsed).unwrap();
        prop_assert!(share(late) >= share(early));
        let price = |elapsed| whole_price(&params, equity, maintenance, elapsed);
        if let (Ok(early), Ok(late)) = (price(early), price(late)) {
            prop_assert!(late <= early);
            let end = if equity < 0 { equity.saturating_sub(maintenance.max(0)) } else { 0 };
            prop_assert!(late >= end && early <= equity);
        }
    }

    #[test]
    fn more_equity_means_a_smaller_share_and_a_higher_price(
        params in any_params(),
        one in any_i64(),
        other in any_i64(),
        maintenance in any_i64(),
        elapsed in any_i64(),
    ) {
        let (poor, rich) = (one.min(other), one.max(other));
        let share = |equity| share_ppm_max(&params, equity, maintenance, elapsed).unwrap();
        prop_assert!(share(rich) <= share(poor));
        let price = |equity| whole_price(&params, equity, maintenance, elapsed);
        if let (Ok(poor), Ok(rich)) = (price(poor), price(rich)) {
            prop_assert!(poor <= rich);
        }
        let due = |equity| is_backstop(&params, equity, maintenance).unwrap();
        prop_assert!(due(poor) || !due(rich));
    }

    #[test]
    fn factors_and_prices_are_those_of_the_reference(
        params in any_params(),
        equity in any_i64(),
        maintenance in 0..=i64::MAX,
        elapsed in 0..=i64::MAX,
    ) {
        let (t, f) = (i128::from(elapsed), i128::from(params.fast_ms));
        let (s, whole) = (i128::from(params.slow_ms), i128::from(params.insolvent_ms));
        let (start, cut) = (i128::from(params.start_ppm), i128::from(params.cut_ppm));
        let factor = if t < f {
            start - floor_of((start - cut) * t, f)
        } else if t >= f + s {
            0
        } else {
            cut - floor_of(cut * (t - f), s)
        };
        prop_assert_eq!(i128::from(factor_ppm(&params, elapsed).unwrap()), factor);
        let (e, net) = (i128::from(equity), i128::from(equity) - i128::from(maintenance));
        let price = if equity >= 0 {
            floor_of(e * factor, PPM)
        } else if t >= whole {
            net
        } else {
            floor_of((net - e) * t, whole) + e
        };
        let expected = i64::try_from(price).map_err(|_| FormulaError::Overflow);
        prop_assert_eq!(whole_price(&params, equity, maintenance, elapsed), expected);
    }

    #[test]
    fn slices_of_a_whole_never_sum_to_less_than_it_for_the_venue(
        price in any_i64(),
        equity in any_i64(),
        lots in any_i64(),
        share in 0..=1_000_000_i64,
    ) {
        let rest = 1_000_000 - share;
        let sum = |of: &dyn Fn(i64) -> i64| i128::from(of(share)) + i128::from(of(rest));
        let paid = sum(&|share| slice_price(price, share).unwrap());
        prop_assert!((0..=1).contains(&(paid - i128::from(price))));
        let given = sum(&|share| slice_collateral(equity, share).unwrap());
        prop_assert!((-1..=0).contains(&(given - i128::from(equity))));
        let moved = sum(&|share| slice_lots(lots, share).unwrap()) * i128::from(lots.signum());
        prop_assert!((0..=1).contains(&(moved - i128::from(lots).abs())));
    }

    #[test]
    fn nothing_panics_at_the_limits(
        fields in prop::collection::vec(any_i64(), 8),
        equity in any_i64(),
        maintenance in any_i64(),
        elapsed in any_i64(),
    ) {
        let [trigger_numerator, trigger_denominator, start_ppm, cut_ppm] = fields[..4] else {
            return Ok(());
        };
        let [fast_ms, slow_ms, buffer_ppm, insolvent_ms] = fields[4..] else { return Ok(()) };
        let params = BackstopParams {
            trigger_numerator, trigger_denominator, start_ppm, cut_ppm,
            fast_ms, slow_ms, buffer_ppm, insolvent_ms,
        };
        let _ = is_backstop(&params, equity, maintenance);
        let _ = whole_price(&params, equity, maintenance, elapsed);
        let _ = insolvent_price(&params, equity, maintenance, elapsed);
        let _ = share_ppm_max(&params, equity, maintenance, elapsed);
        let _ = solvent_price(equity, maintenance);
        let _ = slice_price(equity, maintenance);
        let _ = slice_lots(equity, maintenance);
        let _ = slice_collateral(equity, maintenance);
    }
}
