//! The shape of the test vectors: integers in the engine's units under the reference's short keys.
//!
//! ```text
//! {spot: {u: price}, params, scenarios, vol_mult_table, instruments: [...], cases: [...]}
//! instrument   {id, u, kind: PERP | FUT | OPT, T, F, K, vol, cp: C | P, mark, risk_array}
//! case         {name, account, latency: {tau_struct_us, tau_now_us}, oracle_conf_ppm, params,
//!               expect}
//! account      {cash, pos: {id: lots}, orders: [[id, B | S, lots, limit]], entry: {id: price}}
//! ```
//!
//! A single case may stand in `case`, or its fields beside `spot`. What the reference defaults may
//! be left out. `scenarios` and `vol_mult_table` are fixed; a file that has others is refused.

use super::{CASES_MAX, INSTRUMENTS_MAX, LATENCY_US, NOTES, ORDERS_MAX, POSITIONS_MAX};
use super::{limits, listed, params, place, places};
use crate::json::Json;
use crate::margin::model::{Case, Instrument, Kind, Order, Params, Position, World};
use crate::scenario::fields::{self, Fields};
use crate::scenario::problem::{Parsed, Problem};
use crate::scenario::value;
use lockstep_exchange::formula::risk_array::{SCENARIO_TABLE, VOL_MULTIPLIERS, VolMove};
use lockstep_exchange::formula::{OptionSide, PPM};
use lockstep_exchange::option::{PRICE_MAX, SECONDS_MAX, VOL_E9_MAX};
use lockstep_types::Side;
use std::collections::BTreeMap;

/// Reads a file of cases, or one case with its market.
///
/// # Errors
/// What is wrong, with the path of the field.
pub fn world(json: Json) -> Parsed<World> {
    let mut fields = Fields::of(json)?;
    let spots = fields.need(&["spot", "spots"], spots)?;
    let read = |value: &Json| params::integers(value, Params::default());
    let params = fields.opt(&["params"], read)?.unwrap_or_default();
    fields.opt(&["scenarios"], fixed_scenarios)?;
    fields.opt(&["vol_mult_table"], fixed_multipliers)?;
    let instruments = fields.opt(&["instruments"], instruments)?.unwrap_or_default();
    let mut world = World { spots, params, instruments, cases: Vec::new() };
    let places = places(&world.instruments)?;
    world.cases = match fields.raw(&["cases", "case"])? {
        Some(("case", value)) => {
            vec![case(&world, &places, value).map_err(|problem| problem.at("case"))?]
        }
        Some((name, value)) => {
            let read = |part: &Json| case(&world, &places, part.clone());
            listed("cases", &value, CASES_MAX, read).map_err(|problem| problem.at(name))?
        }
        None => vec![case_of(&world, &places, &mut fields)?],
    };
    fields.opt(&NOTES, |_| Ok(()))?;
    fields.finish()?;
    Ok(world)
}

/// Prices by name.
fn spots(value: &Json) -> Parsed<BTreeMap<String, i64>> {
    let mut spots = BTreeMap::new();
    for (name, price) in Fields::of(value.clone())?.rest() {
        limits::legal_name(&name)?;
        let price = limits::whole(&price, 1, PRICE_MAX).map_err(|problem| problem.at(&name))?;
        spots.insert(name, price);
    }
    Ok(spots)
}

fn instruments(value: &Json) -> Parsed<Vec<Instrument>> {
    let found = fields::list(value, |part| Ok(part.clone()))?;
    limits::count("instruments", found.len(), INSTRUMENTS_MAX)?;
    let read = |(index, part)| instrument(part).map_err(|problem: Problem| problem.at_index(index));
    found.into_iter().enumerate().map(read).collect()
}

fn instrument(value: Json) -> Parsed<Instrument> {
    #[derive(Clone, Copy)]
    enum Word {
        Perpetual,
        Future,
        Option,
    }
    let words = [("perp", Word::Perpetual), ("fut", Word::Future), ("opt", Word::Option)];
    let sides = [("c", OptionSide::Call), ("p", OptionSide::Put)];
    let price = |value: &Json| limits::whole(value, 1, PRICE_MAX);
    let mut fields = Fields::of(value)?;
    let id = fields.need(&["id"], limits::name)?;
    let underlying = fields.need(&["u"], limits::name)?;
    let word = fields.need(&["kind"], |value| value::word(value, "kind", &words))?;
    // An expired option has its intrinsic value, however long ago it expired.
    let time = |value: &Json| limits::whole(value, -SECONDS_MAX, SECONDS_MAX);
    let (kind, seconds) = match word {
        Word::Perpetual => (Kind::Perpetual, fields.opt(&["T"], time)?.unwrap_or(0)),
        Word::Future => (Kind::Future, fields.need(&["T"], time)?),
        Word::Option => {
            let strike = fields.need(&["K"], price)?;
            let side = fields.need(&["cp"], |value| value::word(value, "cp", &sides))?;
            (Kind::Option { strike, side }, fields.need(&["T"], time)?)
        }
    };
    let forward = fields.opt(&["F"], price)?;
    let vol_e9 = match kind.is_option() {
        true => fields.opt(&["vol"], |value| limits::whole(value, 0, VOL_E9_MAX))?,
        false => None,
    };
    // An option far out of the money may be worth nothing.
    let least = i64::from(!kind.is_option());
    let mark = fields.opt(&["mark"], |value| limits::whole(value, least, PRICE_MAX))?;
    let array = fields.opt(&["risk_array"], limits::risk_array)?;
    fields.opt(&NOTES, |_| Ok(()))?;
    fields.finish()?;
    Ok(Instrument { id, underlying, kind, seconds, forward, vol_e9, mark, array })
}

fn case(world: &World, places: &BTreeMap<String, usize>, value: Json) -> Parsed<Case> {
    let mut fields = Fields::of(value)?;
    let case = case_of(world, places, &mut fields)?;
    fields.opt(&NOTES, |_| Ok(()))?;
    fields.finish()?;
    Ok(case)
}

fn case_of(world: &World, places: &BTreeMap<String, usize>, fields: &mut Fields) -> Parsed<Case> {
    let name = fields.opt(&["name", "id"], limits::name)?.unwrap_or_default();
    let mut case = match fields.raw(&["account"])? {
        Some((key, account)) => {
            let mut fields = Fields::of(account).map_err(|problem| problem.at(key))?;
            let read =
                account_of(places, &mut fields).and_then(|case| fields.finish().map(|()| case));
            read.map_err(|problem| problem.at(key))?
        }
        None => account_of(places, fields)?,
    };
    let (slow_us, now_us) = fields.opt(&["latency"], latency)?.unwrap_or((LATENCY_US, LATENCY_US));
    let confidence = |value: &Json| limits::whole(value, 0, PPM);
    let confidence_ppm = fields.opt(&["oracle_conf_ppm", "conf_ppm"], confidence)?.unwrap_or(PPM);
    // The params beside a single case are the world's.
    if fields.has("params") {
        case.params = fields.opt(&["params"], |value| params::integers(value, world.params))?;
    }
    case.expect = fields.raw(&["expect"])?.map(|(_, value)| value).filter(|v| *v != Json::Null);
    Ok(Case { name, slow_us, now_us, confidence_ppm, ..case })
}

/// The account's own part of a case.
fn account_of(places: &BTreeMap<String, usize>, fields: &mut Fields) -> Parsed<Case> {
    let cash = |value: &Json| limits::whole(value, -limits::CASH_MAX, limits::CASH_MAX);
    let cash = fields.need(&["cash"], cash)?;
    let entries = fields.opt(&["entry"], |value| entries(places, value))?.unwrap_or_default();
    let read = |value: &Json| positions(places, &entries, value);
    let positions = fields.opt(&["pos"], read)?.unwrap_or_default();
    let read = |value: &Json| listed("orders", value, ORDERS_MAX, |part| order(places, part));
    let orders = fields.opt(&["orders"], read)?.unwrap_or_default();
    Ok(Case {
        name: String::new(),
        cash,
        positions,
        orders,
        slow_us: LATENCY_US,
        now_us: LATENCY_US,
        confidence_ppm: PPM,
        params: None,
        expect: None,
    })
}

/// Entry prices by the place of the instrument. One without a position is of no account.
fn entries(places: &BTreeMap<String, usize>, value: &Json) -> Parsed<BTreeMap<usize, i64>> {
    let mut entries = BTreeMap::new();
    for (id, price) in Fields::of(value.clone())?.rest() {
        let at = place(places, &id)?;
        let price = limits::whole(&price, -PRICE_MAX, PRICE_MAX);
        entries.insert(at, price.map_err(|problem| problem.at(&id))?);
    }
    Ok(entries)
}

fn positions(
    places: &BTreeMap<String, usize>,
    entries: &BTreeMap<usize, i64>,
    value: &Json,
) -> Parsed<Vec<Position>> {
    let held = Fields::of(value.clone())?.rest();
    limits::count("positions", held.len(), POSITIONS_MAX)?;
    let read = |(id, lots): (String, Json)| {
        let instrument = place(places, &id)?;
        let lots = limits::whole(&lots, -limits::LOTS_MAX, limits::LOTS_MAX);
        let lots = lots.map_err(|problem| problem.at(&id))?;
        Ok(Position { instrument, lots, entry: entries.get(&instrument).copied() })
    };
    held.into_iter().map(read).collect()
}

/// `[id, "B" or "S", lots, limit]`, or the same as an object.
fn order(places: &BTreeMap<String, usize>, value: &Json) -> Parsed<Order> {
    let fields = match value {
        Json::List(parts) if parts.len() == 4 => {
            let names = ["id", "side", "lots", "limit"].map(str::to_string);
            names.into_iter().zip(parts.iter().cloned()).collect()
        }
        Json::List(parts) => {
            let message = format!("{} parts; an order reads [id, side, lots, limit]", parts.len());
            return Err(Problem::new(message));
        }
        other => Fields::of(other.clone())?.rest(),
    };
    let sides = [("b", Side::Buy), ("s", Side::Sell), ("buy", Side::Buy), ("sell", Side::Sell)];
    let mut fields = Fields::from_entries(fields);
    let instrument = fields.need(&["id"], |id| place(places, &value::text(id)?))?;
    let side = fields.need(&["side"], |side| value::word(side, "side", &sides))?;
    let size = fields.need(&["lots"], |lots| limits::whole(lots, 1, limits::LOTS_MAX))?;
    let limit = fields.need(&["limit"], |limit| limits::whole(limit, 0, PRICE_MAX))?;
    fields.finish()?;
    Ok(Order { instrument, lots: if side == Side::Buy { size } else { -size }, limit })
}

/// The slow and the present latency.
fn latency(value: &Json) -> Parsed<(i64, i64)> {
    let time = |value: &Json| limits::whole(value, 0, limits::LATENCY_US_MAX);
    let mut fields = Fields::of(value.clone())?;
    let slow_us = fields.opt(&["tau_struct_us", "tau_struct"], time)?.unwrap_or(LATENCY_US);
    let now_us = fields.opt(&["tau_now_us", "tau_now"], time)?.unwrap_or(LATENCY_US);
    fields.finish()?;
    Ok((slow_us, now_us))
}

/// # Errors
/// When the scenarios are not the engine's.
fn fixed_scenarios(value: &Json) -> Parsed<()> {
    same_list(value, &scenarios())
}

/// The fixed scenarios, as the vectors write them.
pub fn scenarios() -> Vec<Json> {
    let scenario = SCENARIO_TABLE.iter().map(|scenario| {
        Json::List(vec![
            Json::number(scenario.spot_permille),
            Json::text(vol_word(scenario.vol)),
            Json::number(scenario.weight_permille),
        ])
    });
    scenario.collect()
}

/// The vectors' letter for a move of volatility.
fn vol_word(vol: VolMove) -> &'static str {
    match vol {
        VolMove::Up => "U",
        VolMove::Flat => "F",
        VolMove::Down => "D",
    }
}

/// # Errors
/// When the table is not the engine's.
fn fixed_multipliers(value: &Json) -> Parsed<()> {
    let (days, ppm): (Vec<_>, Vec<_>) =
        VOL_MULTIPLIERS.iter().map(|(days, ppm)| (Json::number(days), Json::number(ppm))).unzip();
    let mut fields = Fields::of(value.clone())?;
    fields.need(&["days"], |value| same_list(value, &days))?;
    fields.need(&["ppm"], |value| same_list(value, &ppm))?;
    fields.finish()
}

fn same_list(value: &Json, wanted: &[Json]) -> Parsed<()> {
    let Json::List(found) = value else {
        return Err(Problem::new(format!("expected a list, found {}", value.kind())));
    };
    if found.len() != wanted.len() {
        let message = format!("{} entries; the engine has {}", found.len(), wanted.len());
        return Err(Problem::new(message));
    }
    match found.iter().zip(wanted).position(|(found, wanted)| found != wanted) {
        None => Ok(()),
        Some(index) => {
            let message = format!("the engine's is {}, which no file can change", wanted[index]);
            Err(Problem::new(message).at_index(index))
        }
    }
}
