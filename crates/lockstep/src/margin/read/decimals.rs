//! The documented shape: one portfolio in people's decimals (docs/operations.md, margin).
//!
//! An instrument whose name is one of the exchange's says by its name what it is; what stands
//! beside it may repeat that, not contradict it. Deliberately absent: defaults of prices. A mark or
//! a forward that is missing is asked for, because a guess would look like an answer.

use super::{INSTRUMENTS_MAX, LATENCY_US, NOTES, ORDERS_MAX, POSITIONS_MAX, limits, params};
use super::{listed, place, places, shown};
use crate::json::Json;
use crate::margin::model::{Case, Instrument, Kind, Order, Params, Position, World};
use crate::scenario::fields::Fields;
use crate::scenario::model::TimeSpec;
use crate::scenario::problem::{Parsed, Problem};
use crate::scenario::value::{self, AMOUNT_PLACES};
use lockstep_exchange::formula::{OptionSide, PPM};
use lockstep_exchange::option::{PRICE_MAX, SECONDS_MAX};
use lockstep_types::instrument::{Contract, InstrumentName};
use lockstep_types::{Side, TimeMs};
use std::collections::BTreeMap;

/// Reads a portfolio.
///
/// # Errors
/// What is wrong, with the path of the field.
pub fn world(json: Json) -> Parsed<World> {
    let mut fields = Fields::of(json)?;
    let name = fields.opt(&["title", "name"], limits::name)?.unwrap_or_default();
    fields.opt(&NOTES, |_| Ok(()))?;
    let at = fields.opt(&["at"], moment)?;
    let spots = fields.need(&["spots", "spot"], spots)?;
    let read = |value: &Json| params::decimals(value, Params::default());
    let params = fields.opt(&["params"], read)?.unwrap_or_default();
    let read = |value: &Json| instruments(value, at);
    let instruments = fields.opt(&["instruments"], read)?.unwrap_or_default();
    let places = places(&instruments)?;
    let cash = |value: &Json| limits::usd(value, -limits::CASH_MAX, limits::CASH_MAX);
    let cash = fields.need(&["cash"], cash)?;
    let read = |value: &Json| positions(value, &places);
    let positions = fields.opt(&["positions"], read)?.unwrap_or_default();
    let read = |value: &Json| orders(value, &places);
    let orders = fields.opt(&["orders", "open_orders"], read)?.unwrap_or_default();
    let (slow_us, now_us) = fields.opt(&["latency"], latency)?.unwrap_or((LATENCY_US, LATENCY_US));
    let confidence = fields.opt(&["oracle_confidence", "confidence"], limits::confidence)?;
    fields.finish()?;
    let case = Case {
        name,
        cash,
        positions,
        orders,
        slow_us,
        now_us,
        confidence_ppm: confidence.unwrap_or(PPM),
        params: None,
        expect: None,
    };
    Ok(World { spots, params, instruments, cases: vec![case] })
}

fn moment(value: &Json) -> Parsed<TimeMs> {
    match value::time(value)? {
        TimeSpec::At(time) => Ok(time),
        _ => Err(Problem::new("a date is missing; write \"2026-03-02T12:00:00Z\"")),
    }
}

/// Prices by ticker.
fn spots(value: &Json) -> Parsed<BTreeMap<String, i64>> {
    let mut spots = BTreeMap::new();
    for (name, price) in Fields::of(value.clone())?.rest() {
        value::ticker_text(&name)?;
        let price = limits::price(&price).map_err(|problem| problem.at(&name))?;
        spots.insert(name, price);
    }
    Ok(spots)
}

/// The parts of a list of objects, or of an object whose names are data: those become the field
/// `key`, and a value that is no object the field `main`.
fn parts(value: &Json, key: &str, main: &str) -> Parsed<Vec<(String, Json)>> {
    match value {
        Json::List(parts) => {
            let index = |(index, part): (usize, &Json)| (format!("[{index}]"), part.clone());
            Ok(parts.iter().enumerate().map(index).collect())
        }
        Json::Object(named) => {
            let part = |(name, part): &(String, Json)| {
                let mut fields = vec![(key.to_string(), Json::text(name))];
                match part {
                    Json::Object(own) => fields.extend(own.iter().cloned()),
                    other => fields.push((main.to_string(), other.clone())),
                }
                (name.clone(), Json::Object(fields))
            };
            Ok(named.iter().map(part).collect())
        }
        other => Err(Problem::new(format!("expected a list, found {}", other.kind()))),
    }
}

fn instruments(value: &Json, at: Option<TimeMs>) -> Parsed<Vec<Instrument>> {
    let found = parts(value, "name", "mark")?;
    limits::count("instruments", found.len(), INSTRUMENTS_MAX)?;
    let read =
        |(path, part): (String, Json)| instrument(part, at).map_err(|problem| problem.at(&path));
    found.into_iter().map(read).collect()
}

/// What the fields of an instrument say, and what its name says.
fn agree<T: PartialEq + Copy>(name: &str, given: Option<T>, named: Option<T>) -> Parsed<Option<T>> {
    match (given, named) {
        (Some(given), Some(named)) if given != named => {
            Err(Problem::new("contradicts the instrument's name").at(name))
        }
        (given, named) => Ok(given.or(named)),
    }
}

fn missing(name: &str) -> Problem {
    Problem::new(format!("field `{name}` is missing"))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum KindWord {
    Perpetual,
    Future,
    Option,
}

/// The words for kinds.
const KINDS: [(&str, KindWord); 5] = [
    ("perpetual", KindWord::Perpetual),
    ("future", KindWord::Future),
    ("option", KindWord::Option),
    ("perp", KindWord::Perpetual),
    ("fut", KindWord::Future),
];
/// The words for the sides of an option.
const TYPES: [(&str, OptionSide); 4] = [
    ("call", OptionSide::Call),
    ("put", OptionSide::Put),
    ("c", OptionSide::Call),
    ("p", OptionSide::Put),
];

fn instrument(value: Json, at: Option<TimeMs>) -> Parsed<Instrument> {
    let mut fields = Fields::of(value)?;
    let id = fields.need(&["name", "id", "instrument"], limits::name)?;
    let named: Option<InstrumentName> = id.parse().ok();
    let contract = named.map(|name| name.contract);
    let kind = fields.opt(&["kind"], |value| value::word(value, "kind", &KINDS))?;
    let kind = agree("kind", kind, contract.map(word_of))?.ok_or_else(|| {
        let hint = "; it can be left out for names such as BTC_USDC-27MAR26-100000-C";
        Problem::new(format!("field `kind` is missing{hint}"))
    })?;
    let underlying = fields.opt(&["underlying"], value::ticker)?;
    let underlying = agree("underlying", underlying, named.map(|name| name.underlying))?
        .ok_or_else(|| missing("underlying"))?
        .to_string();
    let expiry = contract.and_then(|contract| contract.expiry());
    let seconds = match kind {
        KindWord::Perpetual => 0,
        _ => time_to_expiry(&mut fields, at, expiry)?,
    };
    let kind = match kind {
        KindWord::Perpetual => Kind::Perpetual,
        KindWord::Future => Kind::Future,
        KindWord::Option => option_kind(&mut fields, contract)?,
    };
    let instrument = priced(
        &mut fields,
        Instrument {
            id,
            underlying,
            kind,
            seconds,
            forward: None,
            vol_e9: None,
            mark: None,
            array: None,
        },
    )?;
    fields.opt(&NOTES, |_| Ok(()))?;
    fields.finish()?;
    Ok(instrument)
}

fn word_of(contract: Contract) -> KindWord {
    match contract {
        Contract::Perpetual => KindWord::Perpetual,
        Contract::Future { .. } => KindWord::Future,
        Contract::Option { .. } => KindWord::Option,
    }
}

fn option_kind(fields: &mut Fields, named: Option<Contract>) -> Parsed<Kind> {
    let named = match named {
        Some(Contract::Option { strike, side, .. }) => Some((strike.0, side)),
        _ => None,
    };
    let strike = fields.opt(&["strike"], limits::price)?;
    let strike = agree("strike", strike, named.map(|(strike, _)| strike))?;
    let side = fields.opt(&["type"], |value| value::word(value, "type", &TYPES))?;
    let side = agree("type", side, named.map(|(_, side)| side))?;
    Ok(Kind::Option {
        strike: strike.ok_or_else(|| missing("strike"))?,
        side: side.ok_or_else(|| missing("type"))?,
    })
}

/// Reads what an instrument is worth, and its risk array.
fn priced(fields: &mut Fields, instrument: Instrument) -> Parsed<Instrument> {
    let array = fields.opt(&["risk_array"], limits::risk_array)?;
    if !instrument.kind.is_option() {
        let price = fields.need(&["mark", "price", "forward"], limits::price)?;
        return Ok(Instrument { forward: Some(price), mark: Some(price), array, ..instrument });
    }
    // An option far out of the money may be worth nothing.
    let mark = fields.opt(&["mark"], |value| limits::usd(value, 0, PRICE_MAX))?;
    let forward = fields.opt(&["forward"], limits::price)?;
    let vol_e9 = fields.opt(&["vol", "volatility"], limits::vol)?;
    if forward.is_none() && (mark.is_none() || array.is_none()) {
        return Err(Problem::new(
            "field `forward` is missing; an option needs it unless `mark` and `risk_array` stand \
             there",
        ));
    }
    if vol_e9.is_none() && mark.is_none() {
        return Err(Problem::new(
            "field `vol` is missing; it can be left out where `mark` stands, which implies it",
        ));
    }
    Ok(Instrument { forward, vol_e9, mark, array, ..instrument })
}

/// Seconds to expiry, from `seconds`, or from `expiry` or the name and the moment `at`.
fn time_to_expiry(fields: &mut Fields, at: Option<TimeMs>, named: Option<TimeMs>) -> Parsed<i64> {
    let seconds = fields.opt(&["seconds"], limits::seconds)?;
    let expiry = agree("expiry", fields.opt(&["expiry"], expiry)?, named)?;
    let (expiry, at) = match (seconds, expiry, at) {
        (Some(seconds), None, _) | (Some(seconds), Some(_), None) => return Ok(seconds),
        (Some(_), Some(_), Some(_)) => {
            let message = "the expiry and the file's `at` say it already; leave one of them out";
            return Err(Problem::new(message).at("seconds"));
        }
        (None, Some(expiry), Some(at)) => (expiry, at),
        (None, Some(_), None) => {
            let message = "`at`, the moment of valuation, is missing in the file; or say `seconds`";
            return Err(Problem::new(message).at("expiry"));
        }
        (None, None, _) => return Err(Problem::new("field `seconds` or `expiry` is missing")),
    };
    // Rounded up, as time to expiry always is.
    let left = -(at.since(expiry).0.div_euclid(1_000));
    if !(0..=SECONDS_MAX).contains(&left) {
        let (expiry, at) = (value::show_time(expiry), value::show_time(at));
        let message = format!("{expiry} is not within 100 years after `at`, {at}");
        return Err(Problem::new(message).at("expiry"));
    }
    Ok(left)
}

/// A day such as 27MAR26 (08:00 UTC), or a moment.
fn expiry(value: &Json) -> Parsed<TimeMs> {
    if let Json::Text(text) = value
        && let Ok(time) = value::expiry_text(text)
    {
        return Ok(time);
    }
    moment(value)
}

/// Lots, from `amount` in units of the underlying or `lots`.
fn lots(fields: &mut Fields, min: i64) -> Parsed<i64> {
    let checked = |lots: i64| match (min..=limits::LOTS_MAX).contains(&lots) {
        true => Ok(lots),
        false => Err(Problem::new(format!(
            "{lots} lots (of 0.001) is not between {min} and {}",
            limits::LOTS_MAX
        ))),
    };
    let amount = |value: &Json| value::scaled(value, AMOUNT_PLACES).and_then(checked);
    let amount = fields.opt(&["amount"], amount)?;
    let lots = fields.opt(&["lots"], |value| value::scaled(value, 0).and_then(checked))?;
    match (amount, lots) {
        (Some(_), Some(_)) => Err(Problem::new("say either `amount` or `lots`")),
        (Some(lots), None) | (None, Some(lots)) => Ok(lots),
        (None, None) => Err(missing("amount")),
    }
}

fn instrument_place(fields: &mut Fields, places: &BTreeMap<String, usize>) -> Parsed<usize> {
    let names = ["instrument", "instrument_name"];
    fields.need(&names, |value| place(places, &value::text(value)?))
}

fn positions(value: &Json, places: &BTreeMap<String, usize>) -> Parsed<Vec<Position>> {
    let found = parts(value, "instrument", "amount")?;
    limits::count("positions", found.len(), POSITIONS_MAX)?;
    let mut positions: Vec<Position> = Vec::new();
    let mut held = std::collections::BTreeSet::new();
    for (path, part) in found {
        let position = position(part, places).map_err(|problem| problem.at(&path))?;
        if !held.insert(position.instrument) {
            let name = places.iter().find(|(_, place)| **place == position.instrument);
            let name = name.map_or("", |(name, _)| name);
            let message = format!("a second position in `{}`", shown(name));
            return Err(Problem::new(message).at(&path));
        }
        positions.push(position);
    }
    Ok(positions)
}

fn position(value: Json, places: &BTreeMap<String, usize>) -> Parsed<Position> {
    let mut fields = Fields::of(value)?;
    let instrument = instrument_place(&mut fields, places)?;
    let lots = lots(&mut fields, -limits::LOTS_MAX)?;
    let price = |value: &Json| limits::usd(value, -PRICE_MAX, PRICE_MAX);
    let entry = fields.opt(&["entry", "entry_price"], price)?;
    fields.opt(&NOTES, |_| Ok(()))?;
    fields.finish()?;
    Ok(Position { instrument, lots, entry })
}

fn orders(value: &Json, places: &BTreeMap<String, usize>) -> Parsed<Vec<Order>> {
    listed("orders", value, ORDERS_MAX, |part| order(part.clone(), places))
}

fn order(value: Json, places: &BTreeMap<String, usize>) -> Parsed<Order> {
    let mut fields = Fields::of(value)?;
    let instrument = instrument_place(&mut fields, places)?;
    let side = fields.need(&["side"], value::side)?;
    let size = lots(&mut fields, 1)?;
    let limit = fields.need(&["price", "limit"], |value| limits::usd(value, 0, PRICE_MAX))?;
    fields.opt(&NOTES, |_| Ok(()))?;
    fields.finish()?;
    Ok(Order { instrument, lots: if side == Side::Buy { size } else { -size }, limit })
}

/// The slow and the present latency.
fn latency(value: &Json) -> Parsed<(i64, i64)> {
    let mut fields = Fields::of(value.clone())?;
    let slow_us = time(&mut fields, "tau_struct", "tau_struct_us")?;
    let now_us = time(&mut fields, "tau_now", "tau_now_us")?;
    fields.finish()?;
    Ok((slow_us, now_us))
}

fn time(fields: &mut Fields, span: &'static str, micros: &'static str) -> Parsed<i64> {
    let given = fields.opt(&[span], limits::latency)?;
    let read = |value: &Json| limits::whole(value, 0, limits::LATENCY_US_MAX);
    match (given, fields.opt(&[micros], read)?) {
        (Some(_), Some(_)) => Err(Problem::new(format!("say either `{span}` or `{micros}`"))),
        (given, micros) => Ok(given.or(micros).unwrap_or(LATENCY_US)),
    }
}
