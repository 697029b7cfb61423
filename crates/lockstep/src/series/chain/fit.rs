//! A smile through volatilities: the nearest of the family that the venue takes.
//!
//! Search by coordinates from several starts, with steps that halve, over the mean absolute
//! distance. Every candidate is free of butterfly arbitrage at the given time to expiry, and of
//! calendar arbitrage against the expiry before. Integers only, so the result is the same on every
//! machine.

use lockstep_exchange::formula::smile::{Smile, is_calendar_free};

/// A volatility to be met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// ln(strike / forward), 1e-9.
    pub log_moneyness_e9: i64,
    /// Volatility, 1e-9.
    pub vol_e9: i64,
}

/// A smile and its time to expiry, seconds.
pub type Slice = (Smile, i64);

/// Curvatures from which a search starts, ppm: this, and so often half as much again.
const START_PHI_PPM: i64 = 200_000;
const STARTS: u32 = 14;
/// Tilts from which it starts, ppm.
const STARTS_RHO_PPM: [i64; 4] = [-600_000, -400_000, -200_000, 0];
/// First steps: of volatility (1e-9), of tilt (ppm), of curvature (a part of it).
const STEP_ATM_E9: i64 = 40_000_000;
const STEP_RHO_PPM: i64 = 150_000;
const STEP_PHI_PART: i64 = 3;
/// How often steps are halved.
const HALVINGS: u32 = 14;
/// Most rounds with one size of steps.
const ROUNDS_MAX: u32 = 40;

/// Mean absolute distance of a smile from targets, 1e-9; `None` if it is out of bounds.
pub fn distance_e9(smile: &Smile, targets: &[Target]) -> Option<i64> {
    let mut sum = 0_i64;
    for target in targets {
        sum += (smile.vol_e9(target.log_moneyness_e9).ok()? - target.vol_e9).abs();
    }
    Some(sum / i64::try_from(targets.len()).ok()?.max(1))
}

fn is_admissible(smile: &Smile, seconds: i64, near: Option<&Slice>) -> bool {
    smile.is_butterfly_free(seconds)
        && near.is_none_or(|(near, near_s)| {
            is_calendar_free(near, *near_s, smile, seconds).unwrap_or(false)
        })
}

/// The smile nearest to the targets, and its distance; `None` if no start is admissible.
pub fn fit(targets: &[Target], seconds: i64, near: Option<&Slice>) -> Option<(Smile, i64)> {
    let at_the_money = targets.iter().min_by_key(|target| target.log_moneyness_e9.abs())?;
    let mut best: Option<(Smile, i64)> = None;
    let mut phi_ppm = START_PHI_PPM;
    for _ in 0..STARTS {
        for rho_ppm in STARTS_RHO_PPM {
            let start = Smile { atm_vol_e9: at_the_money.vol_e9, rho_ppm, phi_ppm };
            if !is_admissible(&start, seconds, near) {
                continue;
            }
            let found = descend(start, targets, seconds, near)?;
            if best.is_none_or(|(_, distance)| found.1 < distance) {
                best = Some(found);
            }
        }
        phi_ppm += phi_ppm / 2;
    }
    best
}

fn descend(
    start: Smile,
    targets: &[Target],
    seconds: i64,
    near: Option<&Slice>,
) -> Option<(Smile, i64)> {
    let mut smile = start;
    let mut distance = distance_e9(&smile, targets)?;
    for halving in 0..HALVINGS {
        for _ in 0..ROUNDS_MAX {
            let mut moved = false;
            for candidate in neighbours(&smile, halving) {
                if !is_admissible(&candidate, seconds, near) {
                    continue;
                }
                let Some(there) = distance_e9(&candidate, targets) else { continue };
                if there < distance {
                    (smile, distance, moved) = (candidate, there, true);
                }
            }
            if !moved {
                break;
            }
        }
    }
    Some((smile, distance))
}

/// A step either way along each coordinate, and along two together: a level that falls while the
/// curvature rises is one valley.
fn neighbours(smile: &Smile, halving: u32) -> Vec<Smile> {
    let atm = (STEP_ATM_E9 >> halving).max(1);
    let rho = (STEP_RHO_PPM >> halving).max(1);
    let phi = ((smile.phi_ppm / STEP_PHI_PART) >> halving).max(1);
    let mut found = Vec::new();
    for steps in [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (1, 0, -1), (0, 1, 1), (0, 1, -1)] {
        for sign in [1, -1] {
            found.push(Smile {
                atm_vol_e9: smile.atm_vol_e9 + sign * steps.0 * atm,
                rho_ppm: smile.rho_ppm + sign * steps.1 * rho,
                phi_ppm: smile.phi_ppm + sign * steps.2 * phi,
            });
        }
    }
    found
}
