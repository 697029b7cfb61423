//! The exchange's formulas against their published vectors, against clear second implementations in
//! 128-bit integers, and at the limits of i64.

mod auction;
mod backstop;
mod deleverage;
mod fee;
mod funding;
mod insurance;
mod latency;
mod mark;
mod order_margin;
mod portfolio_margin;
mod portfolio_vectors;
mod pro_rata;
mod risk_array;
mod rounding;
mod scenario_vector;
mod settlement;
mod slab;
mod smile;
mod standard_margin;
mod tick;
mod vectors;
mod waterfall_model;
mod weighted_median;

use lockstep_exchange::formula::risk_array::{RiskArray, SCENARIOS};
use proptest::prelude::*;

/// Two thousand cases per property, without files of past failures.
fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, cases: 2_000, ..ProptestConfig::default() }
}

/// Any i64, with the ends and their neighbourhood often.
fn any_i64() -> impl Strategy<Value = i64> {
    prop_oneof![
        any::<i64>(),
        -1_000_i64..1_000,
        Just(i64::MIN),
        Just(i64::MAX),
        Just(i64::MIN + 1),
        any::<i32>().prop_map(i64::from),
    ]
}

/// Entries of the usual size and of any, the least often.
fn any_array() -> impl Strategy<Value = RiskArray> {
    let entry = prop_oneof![any::<i32>(), -20_000_000..20_000_000_i32, Just(i32::MIN)];
    prop::collection::vec(entry, SCENARIOS).prop_map(|entries| entries.try_into().unwrap())
}

/// Floor division as Python's `//`, for a positive divisor.
fn floor_of(value: i128, divisor: i128) -> i128 {
    value.div_euclid(divisor)
}

/// The reference's `cdiv`, for a positive divisor.
fn ceil_of(value: i128, divisor: i128) -> i128 {
    -((-value).div_euclid(divisor))
}
