//! Parameters by name, in either shape: one table says the vectors' key, the documented name, the
//! unit and the limits of each.
//!
//! What is not named stays as it was. Deliberately absent: parameters of one underlying alone; the
//! reference has one set for an account.

use super::limits;
use crate::json::Json;
use crate::margin::model::Params;
use crate::scenario::fields::Fields;
use crate::scenario::problem::{Parsed, Problem};
use crate::scenario::value::{PPB_PLACES, PPM_PLACES};
use lockstep_exchange::formula::PPM;
use lockstep_exchange::formula::risk_array::SPOT_MOVE_PPM_MAX;
use lockstep_exchange::option::VOL_E9_MAX;

/// How a parameter is written in decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A ratio with so many places.
    Ratio(u32),
    /// USD.
    Usd,
    /// A span of time.
    Span,
}

/// One parameter.
pub struct Entry {
    /// Its key in the vectors; empty if they have none.
    pub key: &'static str,
    /// Its name in the documented shape.
    pub name: &'static str,
    /// Its unit there.
    pub unit: Unit,
    /// The least it can be, as an integer.
    pub min: i64,
    /// The most it can be.
    pub max: i64,
    /// Where it is.
    pub place: fn(&mut Params) -> &mut i64,
}

/// Places of a ratio in thousandths.
const PERMILLE_PLACES: u32 = 3;
/// Largest ratio in thousandths: a thousand.
const PERMILLE_MAX: i64 = 1_000_000;
/// Largest ratio in ppm where nothing else bounds it: a thousand.
const SHARE_MAX: i64 = 1_000 * PPM;
/// Largest move of volatility in ppm: what its formula takes.
const VOL_MOVE_MAX: i64 = 100 * PPM;

const fn share(key: &'static str, name: &'static str, place: fn(&mut Params) -> &mut i64) -> Entry {
    Entry { key, name, unit: Unit::Ratio(PPM_PLACES), min: 0, max: SHARE_MAX, place }
}

const fn permille(
    key: &'static str,
    name: &'static str,
    place: fn(&mut Params) -> &mut i64,
) -> Entry {
    Entry { key, name, unit: Unit::Ratio(PERMILLE_PLACES), min: 0, max: PERMILLE_MAX, place }
}

/// The parameters of portfolio margin and of the fee of orders.
pub const PORTFOLIO: [Entry; 21] = [
    permille("im_f", "scan_initial", |p| &mut p.portfolio.scan_initial_permille),
    permille("mm_f", "scan_maintenance", |p| &mut p.portfolio.scan_maintenance_permille),
    Entry { max: VOL_MOVE_MAX, ..share("vol_up_ppm", "vol_up", |p| &mut p.vols.up_ppm) },
    Entry { max: VOL_MOVE_MAX, ..share("vol_dn_ppm", "vol_down", |p| &mut p.vols.down_ppm) },
    Entry {
        key: "min_vol_up_e9",
        name: "vol_up_min",
        unit: Unit::Ratio(PPB_PLACES),
        min: 0,
        max: VOL_E9_MAX,
        place: |p| &mut p.vols.up_e9_min,
    },
    share("lat_J_ppm", "latency_jump", |p| &mut p.moves.jump_ppm),
    share("lat_k_ppm", "latency_rate", |p| &mut p.moves.rate_ppm),
    Entry {
        key: "tau_ref_us",
        name: "latency_reference",
        unit: Unit::Span,
        min: 0,
        max: limits::LATENCY_US_MAX,
        place: |p| &mut p.moves.reference_us,
    },
    Entry {
        max: SPOT_MOVE_PPM_MAX,
        ..share("lat_cap_ppm", "latency_cap", |p| &mut p.moves.cap_ppm)
    },
    share("basis_ppm", "basis", |p| &mut p.portfolio.basis_ppm),
    share("vega_ppm", "vega", |p| &mut p.portfolio.vega_ppm),
    share("short_im_ppm", "short_initial", |p| &mut p.portfolio.short_initial_ppm),
    share("short_mm_ppm", "short_maintenance", |p| &mut p.portfolio.short_maintenance_ppm),
    share("lin_im_ppm", "linear_initial", |p| &mut p.portfolio.linear_initial_ppm),
    share("lin_mm_ppm", "linear_maintenance", |p| &mut p.portfolio.linear_maintenance_ppm),
    Entry {
        key: "conc_T",
        name: "concentration_free",
        unit: Unit::Usd,
        min: 0,
        max: limits::CASH_MAX,
        place: |p| &mut p.portfolio.concentration_free,
    },
    Entry {
        key: "conc_D",
        name: "concentration_scale",
        unit: Unit::Usd,
        min: 1,
        max: limits::CASH_MAX,
        place: |p| &mut p.portfolio.concentration_scale,
    },
    share("conf_thr_ppm", "confidence_min", |p| &mut p.portfolio.confidence_ppm_min),
    share("conf_factor_ppm", "confidence_factor", |p| &mut p.portfolio.confidence_factor_ppm),
    share("fee_ppm", "fee", |p| &mut p.fee_ppm),
    share("", "option_fee_cap", |p| &mut p.option_fee_cap_ppm),
];

/// The parameters of standard margin; the names are those of the venue's parameters.
pub const STANDARD: [Entry; 8] = [
    share("perp_im_ppm", "linear_initial", |p| &mut p.standard.linear_initial.0),
    share("perp_mm_ppm", "linear_maintenance", |p| &mut p.standard.linear_maintenance.0),
    share("max_ppm", "option_max", |p| &mut p.standard.option_max.0),
    share("min_ppm", "option_min", |p| &mut p.standard.option_min.0),
    share("mm_ppm", "option_maintenance", |p| &mut p.standard.option_maintenance.0),
    share("mmoff_ppm", "put_initial_factor", |p| &mut p.standard.put_initial_factor.0),
    share("unp_im", "unpaired_initial", |p| &mut p.standard.unpaired_initial.0),
    share("unp_mm", "unpaired_maintenance", |p| &mut p.standard.unpaired_maintenance.0),
];

impl Entry {
    /// The parameter's value.
    pub fn get(&self, params: &Params) -> i64 {
        *(self.place)(&mut params.clone())
    }

    fn decimal(&self, value: &Json) -> Parsed<i64> {
        match self.unit {
            Unit::Ratio(places) => limits::ratio(value, places, self.min, self.max),
            Unit::Usd => limits::usd(value, self.min, self.max),
            Unit::Span => limits::latency(value),
        }
    }
}

/// Reads parameters under the vectors' keys, as integers; both models' stand side by side.
///
/// # Errors
/// An unknown key, or a number beyond its limits.
pub fn integers(value: &Json, mut params: Params) -> Parsed<Params> {
    let mut fields = Fields::of(value.clone())?;
    for entry in PORTFOLIO.iter().chain(&STANDARD).filter(|entry| !entry.key.is_empty()) {
        let read = |value: &Json| limits::whole(value, entry.min, entry.max);
        if let Some(value) = fields.opt(&[entry.key], read)? {
            *(entry.place)(&mut params) = value;
        }
    }
    fields.finish()?;
    Ok(params)
}

/// Reads parameters under their documented names; the standard model's stand in an object
/// `standard_margin` among the others.
///
/// # Errors
/// An unknown name, or a number beyond its limits.
pub fn decimals(value: &Json, mut params: Params) -> Parsed<Params> {
    let mut fields = Fields::of(value.clone())?;
    take(&mut fields, &PORTFOLIO, &mut params)?;
    if let Some((name, standard)) = fields.raw(&["standard_margin"])? {
        let read = |standard, params: &mut Params| -> Parsed<()> {
            let mut fields = Fields::of(standard)?;
            take(&mut fields, &STANDARD, params)?;
            fields.finish()
        };
        read(standard, &mut params).map_err(|problem: Problem| problem.at(name))?;
    }
    fields.finish()?;
    Ok(params)
}

fn take(fields: &mut Fields, entries: &[Entry], params: &mut Params) -> Parsed<()> {
    for entry in entries {
        if let Some(value) = fields.opt(&[entry.name], |value| entry.decimal(value))? {
            *(entry.place)(params) = value;
        }
    }
    Ok(())
}
