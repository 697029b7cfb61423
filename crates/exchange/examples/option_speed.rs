//! Prints what option prices cost on this machine: `cargo run --release --example option_speed`.
//!
//! Every loop checks a digest of its results against a second, slower way to get them before it
//! is timed. The plain multiply loop gives the scale of the machine; compare ratios, not times.

use std::hint::black_box;
use std::time::Instant;

use lockstep_exchange::option::{
    Black76, Deviation, Field, LogPrice, Side, implied_volatility_e9, prices,
};

const ROUNDS: u32 = 15;
const REPEATS: u32 = 2_000;
const SPOT_SHOCKS: [i64; 15] =
    [-160, -120, -80, -40, 0, 40, 80, 120, 160, -660, -330, 500, 1_000, 2_000, 4_000];

/// The smallest time per call of `work` over the rounds, in nanoseconds.
fn nanoseconds(mut work: impl FnMut() -> i64) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..REPEATS {
            black_box(work());
        }
        best = best.min(start.elapsed().as_nanos() as f64 / f64::from(REPEATS));
    }
    best
}

/// The 33 call prices of a risk array, folded into one number, from prepared parts.
fn risk_array(forward: i64, strike: i64, vols_e9: [i64; 3], seconds: i64) -> i64 {
    let strike = LogPrice::new(Field::Strike, strike).expect("strike in range");
    let deviations =
        vols_e9.map(|vol_e9| Deviation::new(vol_e9, seconds).expect("vol and time in range"));
    let mut digest = 0_i64;
    for (index, shock) in SPOT_SHOCKS.iter().enumerate() {
        let shocked = forward * (1_000 + shock) / 1_000;
        let shocked = LogPrice::new(Field::Forward, shocked).expect("forward in range");
        let scenarios = if index < 9 { 3 } else { 1 };
        for deviation in &deviations[..scenarios] {
            digest = digest.wrapping_mul(31) + prices(&shocked, &strike, deviation).call;
        }
    }
    digest
}

/// The same from the plain formula.
fn risk_array_plain(forward: i64, strike: i64, vols_e9: [i64; 3], seconds: i64) -> i64 {
    let mut digest = 0_i64;
    for (index, shock) in SPOT_SHOCKS.iter().enumerate() {
        let forward = forward * (1_000 + shock) / 1_000;
        for vol_e9 in &vols_e9[..if index < 9 { 3 } else { 1 }] {
            let option = Black76 { forward, strike, vol_e9: *vol_e9, seconds };
            digest = digest.wrapping_mul(31) + option.prices().expect("in range").call;
        }
    }
    digest
}

fn main() {
    let (forward, strike, vols_e9, seconds) =
        (100_000_000, 110_000_000, [900_000_000, 600_000_000, 420_000_000], 2_592_000);
    let fast = risk_array(forward, strike, vols_e9, seconds);
    assert_eq!(fast, risk_array_plain(forward, strike, vols_e9, seconds), "digests agree");
    println!("digest of the array {fast}");

    let unit = nanoseconds(|| {
        let mut value = black_box(1_i64);
        for factor in 0..100 {
            value = value.wrapping_mul(black_box(factor));
        }
        value
    }) / 100.0;
    let option = Black76 { forward, strike, vol_e9: vols_e9[0], seconds };
    let target = option.prices().expect("in range").call;
    let forward_log = LogPrice::new(Field::Forward, forward).expect("in range");
    let strike_log = LogPrice::new(Field::Strike, strike).expect("in range");
    let deviation = Deviation::new(vols_e9[0], seconds).expect("in range");
    let rows = [
        ("one multiply through memory", unit),
        (
            "price, all prepared",
            nanoseconds(|| {
                prices(black_box(&forward_log), &strike_log, black_box(&deviation)).call
            }),
        ),
        (
            "logarithm of a price",
            nanoseconds(|| {
                let log = LogPrice::new(Field::Forward, black_box(forward));
                black_box(&log);
                0
            }),
        ),
        (
            "deviation",
            nanoseconds(|| {
                let deviation = Deviation::new(black_box(vols_e9[0]), seconds);
                black_box(&deviation);
                0
            }),
        ),
        (
            "price from plain inputs",
            nanoseconds(|| black_box(option).prices().expect("in range").call),
        ),
        (
            "33-entry array, nothing prepared",
            nanoseconds(|| risk_array(black_box(forward), strike, black_box(vols_e9), seconds)),
        ),
        ("Greeks", nanoseconds(|| black_box(option).greeks().expect("in range").vega)),
        (
            "implied volatility",
            nanoseconds(|| {
                implied_volatility_e9(Side::Call, black_box(target), forward, strike, seconds)
                    .expect("in range")
            }),
        ),
    ];
    for (name, time) in rows {
        println!("{name:35} {time:10.1} ns  {:8.1} x", time / unit);
    }
}
