//! An answer as JSON: exact integers in the engine's units, under the vectors' keys where the
//! vectors have the thing.
//!
//! Money is micro-USD, lots are thousandths, ratios ppm. Deliberately absent: floats, and rounding.

use crate::json::Json;
use crate::margin::account::{Holding, Offer};
use crate::margin::answer::Answer;
use crate::margin::expect::Comparison;
use crate::margin::model::{Case, Instrument, Kind, Params, World};
use crate::margin::portfolio::{Portfolio, Underlying};
use crate::margin::quote::{Risk, Source};
use crate::margin::read::params::{Entry, PORTFOLIO, STANDARD};
use crate::margin::standard::Standard;
use lockstep_exchange::formula::OptionSide;
use lockstep_exchange::formula::standard_margin::Requirement;
use std::fmt::Display;

/// An object from its fields.
fn object<'a>(fields: impl IntoIterator<Item = (&'a str, Json)>) -> Json {
    Json::Object(named(fields))
}

fn named<'a>(fields: impl IntoIterator<Item = (&'a str, Json)>) -> Vec<(String, Json)> {
    fields.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
}

fn numbers<T: Display>(values: impl IntoIterator<Item = T>) -> Json {
    Json::List(values.into_iter().map(Json::number).collect())
}

fn or_null<T: Display>(value: Option<T>) -> Json {
    value.map_or(Json::Null, Json::number)
}

/// An excess: it always fits, as a difference of two numbers that do may not.
fn excess(of: i64, over: i64) -> Json {
    Json::number(i128::from(of) - i128::from(over))
}

/// All parameters under the vectors' keys; what they do not name, under its documented name.
pub fn params(params: &Params) -> Json {
    let field = |entry: &Entry| {
        let key = if entry.key.is_empty() { entry.name } else { entry.key };
        (key.to_string(), Json::number(entry.get(params)))
    };
    Json::Object(PORTFOLIO.iter().chain(&STANDARD).map(field).collect())
}

/// One account's margin.
pub fn case(world: &World, case: &Case, answer: &Answer) -> Json {
    let latency = object([
        ("tau_struct_us", Json::number(case.slow_us)),
        ("tau_now_us", Json::number(case.now_us)),
    ]);
    let mut fields = vec![
        ("name", Json::text(&case.name)),
        ("cash", Json::number(case.cash)),
        ("latency", latency),
        ("oracle_conf_ppm", Json::number(case.confidence_ppm)),
        ("equity", Json::number(answer.account.equity)),
    ];
    match &answer.portfolio {
        None => {}
        Some(Err(problem)) => fields.push(("portfolio_error", Json::text(problem.to_string()))),
        Some(Ok(portfolio)) => fields.extend(portfolio_fields(portfolio, answer.account.equity)),
    }
    match &answer.standard {
        None => {}
        Some(Err(problem)) => fields.push(("standard_error", Json::text(problem.to_string()))),
        Some(Ok(found)) => fields.push(("standard", standard(world, found))),
    }
    let has_risk = answer.portfolio.is_some();
    let held = answer.account.holdings.iter().map(|holding| position(world, holding, has_risk));
    fields.push(("positions", Json::List(held.collect())));
    let offered = answer.account.offers.iter().map(|offer| order(world, offer, has_risk));
    fields.push(("orders", Json::List(offered.collect())));
    if let Some(comparison) = &answer.comparison {
        fields.push(("compared", compared(comparison)));
    }
    object(fields)
}

fn portfolio_fields(portfolio: &Portfolio, equity: i64) -> [(&'static str, Json); 5] {
    let Requirement { initial, maintenance } = portfolio.requirement;
    let parts = portfolio.underlyings.iter().map(|one| (one.name.clone(), underlying(one)));
    [
        ("u", Json::Object(parts.collect())),
        ("MM", Json::number(maintenance)),
        ("IM", Json::number(initial)),
        ("mm_excess", excess(equity, maintenance)),
        ("im_excess", excess(equity, initial)),
    ]
}

fn underlying(one: &Underlying) -> Json {
    let parts = &one.parts;
    let expiries = one.exposures.iter().map(|expiry| {
        object([
            ("T", Json::number(expiry.seconds)),
            ("D", Json::number(expiry.delta)),
            ("V", Json::number(expiry.vega)),
        ])
    });
    object([
        ("spot", Json::number(one.spot)),
        ("P", numbers(parts.profit)),
        ("Pim", numbers(parts.profit_open)),
        ("worst", Json::number(parts.worst)),
        ("worst_open", Json::number(parts.worst_open)),
        ("scan", Json::number(parts.scan.maintenance)),
        ("scan_open", Json::number(parts.scan.initial)),
        ("scan_mm", Json::number(parts.scan_charge.maintenance)),
        ("scan_im", Json::number(parts.scan_charge.initial)),
        ("A_mm_ppm", Json::number(one.moves.maintenance_ppm)),
        ("A_im_ppm", Json::number(one.moves.initial_ppm)),
        ("lat_mm", Json::number(parts.latency.maintenance)),
        ("lat_im", Json::number(parts.latency.initial)),
        ("basis", Json::number(parts.basis)),
        ("vega", Json::number(parts.vega)),
        ("short_mm", Json::number(parts.short.maintenance)),
        ("short_im", Json::number(parts.short.initial)),
        ("lin_mm", Json::number(parts.linear.maintenance)),
        ("lin_im", Json::number(parts.linear.initial)),
        ("conc", Json::number(parts.concentration)),
        ("conf", Json::number(parts.confidence)),
        ("mm", Json::number(parts.requirement.maintenance)),
        ("im", Json::number(parts.requirement.initial)),
        ("expiries", Json::List(expiries.collect())),
    ])
}

fn standard(world: &World, found: &Standard) -> Json {
    let linear = found.linear.iter().map(|part| {
        object([
            ("id", Json::text(&world.instruments[part.instrument].id)),
            ("im", Json::number(part.requirement.initial)),
            ("mm", Json::number(part.requirement.maintenance)),
            ("needed", Json::number(part.needed)),
        ])
    });
    let detail = found.expiries.iter().filter(|part| part.held).map(|part| {
        object([
            ("u", Json::text(&part.underlying)),
            ("T", Json::number(part.seconds)),
            ("iso_im", Json::number(part.parts.isolated.initial)),
            ("iso_mm", Json::number(part.parts.isolated.maintenance)),
            ("maxloss", Json::number(part.parts.loss_max)),
            ("net_calls", Json::number(part.parts.net_calls_lots)),
            ("im", Json::number(part.parts.requirement.initial)),
            ("mm", Json::number(part.parts.requirement.maintenance)),
            ("option_value", Json::number(part.parts.option_value)),
            ("needed", Json::number(part.needed)),
        ])
    });
    let ordered = found.expiries.iter().filter(|part| !part.held).map(|part| {
        object([
            ("u", Json::text(&part.underlying)),
            ("T", Json::number(part.seconds)),
            ("needed", Json::number(part.needed)),
        ])
    });
    object([
        ("balance", Json::number(found.balance)),
        ("im", Json::number(found.requirement.initial)),
        ("mm", Json::number(found.requirement.maintenance)),
        ("needed", Json::number(found.needed)),
        ("im_excess", excess(found.balance, found.needed)),
        ("mm_excess", excess(found.balance, found.requirement.maintenance)),
        ("linear", Json::List(linear.collect())),
        ("detail", Json::List(detail.collect())),
        ("ordered", Json::List(ordered.collect())),
    ])
}

/// What an instrument is, under the vectors' keys.
fn terms(instrument: &Instrument) -> Vec<(String, Json)> {
    let kind = match instrument.kind {
        Kind::Perpetual => "PERP",
        Kind::Future => "FUT",
        Kind::Option { .. } => "OPT",
    };
    let mut fields = vec![
        ("id", Json::text(&instrument.id)),
        ("u", Json::text(&instrument.underlying)),
        ("kind", Json::text(kind)),
        ("T", Json::number(instrument.seconds)),
        ("F", or_null(instrument.forward)),
    ];
    if let Kind::Option { strike, side } = instrument.kind {
        let letter = if side == OptionSide::Call { "C" } else { "P" };
        fields.push(("K", Json::number(strike)));
        fields.push(("cp", Json::text(letter)));
    }
    named(fields)
}

fn source(source: Source) -> Json {
    Json::text(if source == Source::Given { "given" } else { "computed" })
}

fn risk_fields(instrument: &Instrument, risk: &Risk) -> Vec<(String, Json)> {
    let mut fields = vec![
        ("risk_array".to_string(), numbers(risk.array)),
        ("risk_array_is".to_string(), source(risk.source)),
    ];
    if instrument.kind.is_option() {
        fields.insert(0, ("vol".to_string(), or_null(risk.vol_e9)));
    }
    fields
}

fn position(world: &World, holding: &Holding, has_risk: bool) -> Json {
    let instrument = &world.instruments[holding.instrument];
    let mut fields = terms(instrument);
    let mut push = |name: &str, value: Json| fields.push((name.to_string(), value));
    push("lots", Json::number(holding.lots));
    push("entry", or_null(holding.entry));
    push("mark", Json::number(holding.mark.price));
    push("mark_is", source(holding.mark.source));
    push("value", Json::number(holding.value));
    if has_risk {
        fields.extend(risk_fields(instrument, &holding.risk));
        fields.push(("P".to_string(), numbers(holding.profit)));
    }
    Json::Object(fields)
}

fn order(world: &World, offer: &Offer, has_risk: bool) -> Json {
    let instrument = &world.instruments[offer.instrument];
    let mut fields = terms(instrument);
    let mut push = |name: &str, value: Json| fields.push((name.to_string(), value));
    push("lots", Json::number(offer.lots));
    push("limit", Json::number(offer.limit));
    push("mark", Json::number(offer.mark.price));
    push("mark_is", source(offer.mark.source));
    push("fee", Json::number(offer.fee));
    push("edge", Json::number(offer.edge));
    if has_risk {
        fields.extend(risk_fields(instrument, &offer.risk));
        fields.push(("O".to_string(), numbers(offer.losses)));
    }
    Json::Object(fields)
}

fn compared(comparison: &Comparison) -> Json {
    let differences = comparison.differences.iter().map(|difference| {
        object([
            ("path", Json::text(&difference.path)),
            ("expected", Json::text(&difference.expected)),
            ("found", Json::text(&difference.found)),
        ])
    });
    object([
        ("numbers", Json::number(comparison.numbers)),
        ("differing", Json::number(comparison.differing)),
        ("skipped", Json::number(comparison.skipped)),
        ("differences", Json::List(differences.collect())),
    ])
}
