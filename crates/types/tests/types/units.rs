//! Units at the limits of their integers, and as people read them.

use lockstep_types::decimal::DecimalError;
use lockstep_types::units::notional_nano;
use lockstep_types::*;
use proptest::prelude::*;
use std::panic::catch_unwind;

#[test]
fn checked_sums_stop_at_the_limits() {
    assert_eq!(Usd::MAX.checked_add(Usd(1)), None);
    assert_eq!(Usd::MIN.checked_sub(Usd(1)), None);
    assert_eq!(Usd::MIN.checked_add(Usd(-1)), None);
    assert_eq!(Usd::ZERO.checked_sub(Usd::MIN), None);
    assert_eq!(Usd::MAX.checked_sub(Usd(-1)), None);
    assert_eq!(Usd::MAX.checked_add(Usd::ZERO), Some(Usd::MAX));
    assert_eq!(Usd(-1).checked_sub(Usd::MIN), Some(Usd::MAX));
    assert_eq!(Usd::MAX.checked_add(Usd::MIN), Some(Usd(-1)));
}

#[test]
fn operators_stop_at_a_broken_invariant() {
    assert_eq!(Lots(2) + Lots(3) - Lots(4), Lots(1));
    assert!(catch_unwind(|| Lots::MAX + Lots(1)).is_err());
    assert!(catch_unwind(|| Lots::MIN - Lots(1)).is_err());
    assert!(catch_unwind(|| Lots::ZERO - Lots::MIN).is_err());
    let add_assign = |mut sum: Lots| {
        sum += Lots(1);
        sum
    };
    let sub_assign = |mut sum: Lots| {
        sum -= Lots(1);
        sum
    };
    assert!(catch_unwind(|| add_assign(Lots::MAX)).is_err());
    assert!(catch_unwind(|| sub_assign(Lots::MIN)).is_err());
    assert!(catch_unwind(|| Side::Sell.signed(Lots::MIN)).is_err());
    assert_eq!(Side::Buy.signed(Lots::MIN), Lots::MIN);
    assert_eq!(Side::Sell.signed(Lots::MAX), Lots(-i64::MAX));
}

#[test]
fn time_saturates() {
    assert_eq!(TimeMs::MAX.plus(SpanMs(1)), TimeMs::MAX);
    assert_eq!(TimeMs::MIN.plus(SpanMs(-1)), TimeMs::MIN);
    assert_eq!(TimeMs::MAX.since(TimeMs(-1)), SpanMs::MAX);
    assert_eq!(TimeMs::MIN.since(TimeMs(1)), SpanMs::MIN);
    assert_eq!(TimeMs(5).since(TimeMs(7)), SpanMs(-2));
}

#[test]
fn notional_holds_the_product_of_any_two() {
    let square = 1_i128 << 126;
    assert_eq!(notional_nano(Price::MIN, Lots::MIN), square);
    assert_eq!(notional_nano(Price(61_250_500_000), Lots(-2)), -122_501_000_000);
}

#[test]
fn orders_sort_by_arrival_and_know_their_slot() {
    let last = OrderId::SLOTS_MAX - 1;
    assert_eq!(OrderId::new(77, last).slot(), last);
    assert_eq!(OrderId::new(u64::MAX, 5).slot(), 5);
    assert!(OrderId::new(1, last) < OrderId::new(2, 0));
    assert!(OrderId::new((1 << 40) - 2, 9) < OrderId::new((1 << 40) - 1, 0));
    assert!(catch_unwind(|| OrderId::new(1, OrderId::SLOTS_MAX)).is_err());
}

#[test]
fn people_read_decimals() {
    assert_eq!(Usd(-1_500_000).to_string(), "-1.5");
    assert_eq!(Price(61_250_500_000).to_string(), "61250.5");
    assert_eq!(Price::MIN.to_string(), "-9223372036854.775808");
    assert_eq!(Lots(1).to_string(), "0.001");
    assert_eq!(Ppm(350).to_string(), "0.035%");
    assert_eq!(Ppm(1_000_000).to_string(), "100%");
    assert_eq!(Vol(625_000_000).to_string(), "62.5%");
    assert_eq!(SpanMs(1_500).to_string(), "1.5s");
    assert_eq!(TimeMs(1_774_598_400_000).to_string(), "2026-03-27T08:00:00.000Z");
    assert_eq!(TimeMs(-1).to_string(), "1969-12-31T23:59:59.999Z");
    assert_eq!(
        format!("{:>8}|{:<6}|{:+}", Usd(1_500_000), Lots(-1), Usd(5)),
        "     1.5|-0.001|+0.000005"
    );
    assert_eq!(Side::Buy.to_string() + "/" + &Side::Sell.to_string(), "buy/sell");
    // No moment is too far off to be printed.
    assert!(TimeMs::MAX.to_string().ends_with('Z') && TimeMs::MIN.to_string().starts_with('-'));
}

#[test]
fn people_write_decimals() {
    assert_eq!("61250.5".parse(), Ok(Price(61_250_500_000)));
    assert_eq!("0.001".parse(), Ok(Lots(1)));
    assert_eq!("0.0001".parse::<Lots>(), Err(DecimalError::TooFine { places: 3 }));
    assert_eq!("1e3".parse::<Usd>(), Err(DecimalError::Malformed));
}

proptest! {
    #[test]
    fn what_a_unit_prints_parses_back(value in any::<i64>()) {
        prop_assert_eq!(Usd(value).to_string().parse(), Ok(Usd(value)));
        prop_assert_eq!(Price(value).to_string().parse(), Ok(Price(value)));
        prop_assert_eq!(Lots(value).to_string().parse(), Ok(Lots(value)));
    }

    #[test]
    fn checked_sums_agree_with_wider_integers(left in any::<i64>(), right in any::<i64>()) {
        let within = |wide: i128| i64::try_from(wide).ok().map(Usd);
        let (left_wide, right_wide) = (i128::from(left), i128::from(right));
        prop_assert_eq!(Usd(left).checked_add(Usd(right)), within(left_wide + right_wide));
        prop_assert_eq!(Usd(left).checked_sub(Usd(right)), within(left_wide - right_wide));
    }
}
