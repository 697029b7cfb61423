//! Prices and levels are two names of the same thing.

use crate::{any_i64, config};
use lockstep_exchange::formula::tick::*;
use lockstep_types::params::TickStep;
use lockstep_types::units::Price;
use proptest::prelude::*;

fn schedule(base: i64, steps: &[(i64, i64)]) -> Result<TickSchedule, TickError> {
    let steps: Vec<_> = steps
        .iter()
        .map(|&(above, tick)| TickStep { above: Price(above), tick: Price(tick) })
        .collect();
    TickSchedule::new(base, &steps)
}

#[test]
fn a_schedule_with_steps_numbers_its_prices_without_gaps() {
    let schedule = schedule(5, &[(20, 10), (60, 20)]).unwrap();
    let prices: Vec<_> = (0..10).map(|level| schedule.price_of(level).unwrap()).collect();
    assert_eq!(prices, [0, 5, 10, 15, 20, 30, 40, 50, 60, 80]);
    assert_eq!(schedule.level_of(25), Err(TickError::OffTick));
    assert_eq!(schedule.level_of(-5), Err(TickError::Negative));
    assert_eq!((schedule.price_floor(59), schedule.price_ceil(51)), (Ok(50), Ok(60)));
    assert_eq!((schedule.price_floor(79), schedule.price_ceil(61)), (Ok(60), Ok(80)));
    assert_eq!(
        (schedule.tick_at(19), schedule.tick_at(20), schedule.tick_at(60)),
        (Ok(5), Ok(10), Ok(20))
    );
    assert_eq!(schedule.price_floor(-1), Err(TickError::Negative));
    assert_eq!(schedule.price_ceil(-1), Ok(0));
}

#[test]
fn the_last_level_ends_the_prices() {
    let flat = schedule(500_000, &[]).unwrap();
    let last = LEVELS_MAX - 1;
    assert_eq!(flat.price_of(last), Ok(flat.price_max()));
    assert_eq!(flat.level_of(flat.price_max()), Ok(last));
    assert_eq!(flat.level_of(flat.price_max() + 500_000), Err(TickError::TooHigh));
    assert_eq!(flat.price_of(LEVELS_MAX), Err(TickError::NoSuchLevel));
    assert_eq!(flat.price_floor(i64::MAX), Ok(flat.price_max()));
    assert_eq!(flat.price_ceil(flat.price_max() + 1), Err(TickError::TooHigh));
    assert_eq!(flat.price_max(), 500_000 * i64::from(last));
}

#[test]
fn schedules_that_do_not_fit_together_are_refused() {
    assert_eq!(schedule(0, &[]), Err(TickError::TickNotPositive));
    assert_eq!(schedule(5, &[(20, 0)]), Err(TickError::TickNotPositive));
    assert_eq!(schedule(5, &[(22, 11)]), Err(TickError::StepMisplaced));
    assert_eq!(schedule(5, &[(25, 10)]), Err(TickError::StepMisplaced));
    assert_eq!(schedule(5, &[(20, 10), (20, 20)]), Err(TickError::StepMisplaced));
    assert_eq!(schedule(5, &[(0, 10)]), Err(TickError::StepMisplaced));
    assert_eq!(schedule(1, &[(1 << 30, 2)]), Err(TickError::StepUnreachable));
    let steps: Vec<_> = (1..=5).map(|step| (step * 100, 10)).collect();
    assert!(schedule(10, &steps[..4]).is_ok());
    assert_eq!(schedule(10, &steps), Err(TickError::TooManySteps));
}

/// Any valid schedule: each step's price a common multiple of the ticks around it.
fn any_schedule() -> impl Strategy<Value = TickSchedule> {
    (1..1_000_000_i64, prop::collection::vec((1..12_i64, 1..50_i64), 0..=4)).prop_map(
        |(base, parts)| {
            let (mut below, mut tick) = (0, base);
            let mut steps = Vec::new();
            for (factor, multiples) in parts {
                let (old, new) = (tick, base * factor);
                // base x factor x old factor is a common multiple of both ticks.
                let common = new * (old / base);
                let above = (below / common + multiples) * common;
                steps.push((above, new));
                (below, tick) = (above, new);
            }
            schedule(base, &steps).unwrap()
        },
    )
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn level_and_price_are_inverse_and_rise(
        schedule in any_schedule(),
        level in 0..LEVELS_MAX - 1,
    ) {
        let price = schedule.price_of(level).unwrap();
        prop_assert_eq!(schedule.level_of(price), Ok(level));
        let next = schedule.price_of(level + 1).unwrap();
        prop_assert!(next > price);
        prop_assert_eq!(next - price, schedule.tick_at(price).unwrap());
        prop_assert_eq!(schedule.price_floor(next - 1), Ok(price));
        prop_assert_eq!(schedule.price_ceil(price + 1), Ok(next));
        let within = price + (next - price) / 2;
        prop_assert_eq!(schedule.check(within).is_ok(), within == price);
    }

    #[test]
    fn nearest_prices_enclose_any_price(schedule in any_schedule(), price in 0..i64::MAX) {
        let floor = schedule.price_floor(price).unwrap();
        prop_assert!(floor <= price && schedule.level_of(floor).is_ok());
        match schedule.price_ceil(price) {
            Ok(ceil) => prop_assert!(
                ceil >= price
                    && schedule.level_of(ceil).unwrap() - schedule.level_of(floor).unwrap() <= 1
            ),
            Err(error) => prop_assert!(error == TickError::TooHigh && price > schedule.price_max()),
        }
    }

    #[test]
    fn nothing_panics_at_the_limits(
        base in any_i64(),
        steps in prop::collection::vec((any_i64(), any_i64()), 0..6),
        price in any_i64(),
        level in any::<u32>(),
    ) {
        if let Ok(schedule) = schedule(base, &steps) {
            let _ =
                (schedule.level_of(price), schedule.price_of(level), schedule.price_ceil(price));
            let max = schedule.price_max();
            prop_assert!(schedule.level_of(max).is_ok());
            prop_assert_eq!(schedule.price_floor(i64::MAX), Ok(max));
        }
    }
}
