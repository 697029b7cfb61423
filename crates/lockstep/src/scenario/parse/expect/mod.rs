//! Reading expectations.

mod account;
mod book;
mod error;
mod events;

pub use error::error_want;

use super::{Parser, number, system};
use crate::json::Json;
use crate::scenario::fields::Fields;
use crate::scenario::model::AccountRef;
use crate::scenario::problem::{Parsed, Problem, not_among};
use crate::scenario::value::{self, AMOUNT_PLACES, PPB_PLACES, PPM_PLACES, PRICE_PLACES};
use crate::scenario::want::{Check, Figure, Pool, Subject, Want};
use lockstep_types::TimeMs;
use lockstep_types::command::MarginMode;
use lockstep_types::instrument::{Contract, InstrumentName};

/// Everything that can be expected.
pub(super) const SUBJECTS: &[&str] = &[
    "balance",
    "equity",
    "im",
    "initial_margin",
    "mm",
    "maintenance_margin",
    "available",
    "account",
    "margin_mode",
    "liquidating",
    "position",
    "positions",
    "order",
    "orders",
    "book",
    "events",
    "error",
    "phase",
    "index",
    "confidence",
    "stale",
    "mark",
    "last_price",
    "forward",
    "volatility",
    "funding",
    "open_interest",
    "insurance",
    "fees",
    "treasury",
    "trades",
    "last_trades",
    "listed",
    "time",
    "digest",
];

const MODES: &[(&str, MarginMode)] =
    &[("portfolio", MarginMode::Portfolio), ("standard", MarginMode::Standard)];

fn usd_want(value: &Json) -> Parsed<Want> {
    number::want(value, PRICE_PLACES)
}

fn amount_want(value: &Json) -> Parsed<Want> {
    number::want(value, AMOUNT_PLACES)
}

/// An amount under its name, or as `lots`.
fn opt_amount(fields: &mut Fields, name: &'static str) -> Parsed<Option<Want>> {
    let units = fields.opt(&[name], amount_want)?;
    // A lot is the last place of an amount, so that both are the same integer.
    let lots = fields.opt(&["lots"], |lots| number::want(lots, 0))?;
    match (units, lots) {
        (Some(_), Some(_)) => Err(Problem::new(format!("say either `{name}` or `lots`"))),
        (units, lots) => {
            Ok(units.or(lots.map(|want| Want { places: AMOUNT_PLACES, range: want.range })))
        }
    }
}

fn ratio_want(value: &Json, places: u32) -> Parsed<Want> {
    number::want(value, places)
}

/// `null` means that there is no such value.
fn maybe(value: &Json, places: u32) -> Parsed<Option<Want>> {
    match value {
        Json::Null => Ok(None),
        value => number::want(value, places).map(Some),
    }
}

impl Parser {
    /// Reads an `expect`: an object, or a list of them.
    pub(super) fn checks(&self, value: Json) -> Parsed<Vec<Check>> {
        let mut checks = Vec::new();
        let objects = match value {
            Json::List(parts) => parts,
            single => vec![single],
        };
        for object in objects {
            let entries = self.with_default_instrument(Fields::of(object)?.rest());
            for (name, value) in entries {
                let read = self.subject(&name, &value).map_err(|problem| problem.at(&name))?;
                if read.is_empty() {
                    return Err(Problem::new("nothing is expected here").at(&name));
                }
                checks.extend(read);
            }
        }
        match checks.is_empty() {
            true => Err(Problem::new(format!("nothing is expected; say {}", SUBJECTS.join(", ")))),
            false => Ok(checks),
        }
    }

    /// A book, a mark and the like without an instrument mean the header's.
    fn with_default_instrument(&self, entries: Vec<(String, Json)>) -> Vec<(String, Json)> {
        let Some(instrument) = self.instrument else { return entries };
        let short = |name: &str, value: &Json| match name {
            "book" => ["bids", "asks", "best_bid", "best_ask", "top"]
                .iter()
                .any(|field| value.get(field).is_some()),
            "mark" | "last_price" | "open_interest" | "funding" => {
                !matches!(value, Json::Object(fields)
                    if fields.iter().any(|(field, _)| field.contains("_USDC-")))
            }
            "last_trades" => matches!(value, Json::List(_)),
            _ => false,
        };
        let full = |(name, value): (String, Json)| match short(&name, &value) {
            true => (name, Json::Object(vec![(instrument.to_string(), value)])),
            false => (name, value),
        };
        entries.into_iter().map(full).collect()
    }

    fn subject(&self, name: &str, value: &Json) -> Parsed<Vec<Check>> {
        let figure = match name {
            "balance" => Some(Figure::Balance),
            "equity" => Some(Figure::Equity),
            "im" | "initial_margin" => Some(Figure::Initial),
            "mm" | "maintenance_margin" => Some(Figure::Maintenance),
            "available" => Some(Figure::Available),
            _ => None,
        };
        if let Some(figure) = figure {
            return by_account(name, value, |account, value| {
                Ok(Subject::Figure(account, figure, usd_want(value)?))
            });
        }
        match name {
            "account" => self.accounts(value),
            "margin_mode" => by_account(name, value, |account, value| {
                Ok(Subject::MarginMode(account, value::word(value, "margin mode", MODES)?))
            }),
            "liquidating" => by_account(name, value, |account, value| {
                Ok(Subject::Liquidating(account, value::boolean(value)?))
            }),
            "position" => self.positions(value),
            "positions" => by_account(name, value, |account, value| {
                let mut all = Vec::new();
                for (name, value) in Fields::of(value.clone())?.rest() {
                    let want =
                        account::position_want(&value).map_err(|problem| problem.at(&name))?;
                    all.push((value::instrument_text(&name)?, want));
                }
                Ok(Subject::Positions(account, all))
            }),
            "order" | "orders" => self.orders_by_name(name, value),
            "book" => self.books(value),
            "events" => events::events(value),
            "trades" | "last_trades" => events::trades(name, value),
            "error" => Ok(vec![check(name, Subject::Error(error::error_or_none(value)?))]),
            "phase" => phases(value),
            _ => self.venue_subject(name, value),
        }
    }

    fn venue_subject(&self, name: &str, value: &Json) -> Parsed<Vec<Check>> {
        match name {
            "index" => {
                by_ticker(name, value, |ticker, value| Ok(Subject::Index(ticker, usd_want(value)?)))
            }
            "confidence" => by_ticker(name, value, |ticker, value| {
                Ok(Subject::Confidence(ticker, ratio_want(value, PPM_PLACES)?))
            }),
            "stale" => by_ticker(name, value, |ticker, value| {
                Ok(Subject::Stale(ticker, value::boolean(value)?))
            }),
            "mark" => by_instrument(name, value, |instrument, value| {
                Ok(vec![Subject::Mark(instrument, maybe(value, PRICE_PLACES)?)])
            }),
            "last_price" => by_instrument(name, value, |instrument, value| {
                Ok(vec![Subject::LastPrice(instrument, maybe(value, PRICE_PLACES)?)])
            }),
            "volatility" => by_instrument(name, value, |instrument, value| {
                Ok(vec![Subject::Volatility(instrument, maybe(value, PPB_PLACES)?)])
            }),
            "open_interest" => by_instrument(name, value, |instrument, value| {
                Ok(vec![Subject::OpenInterest(instrument, amount_want(value)?)])
            }),
            "funding" => by_instrument(name, value, funding),
            "forward" => forwards(value),
            "insurance" => Ok(vec![pool(name, Pool::Insurance, value)?]),
            "treasury" => Ok(vec![pool(name, Pool::Treasury, value)?]),
            "fees" => {
                let mut fields = Fields::of(value.clone())?;
                let mut checks = Vec::new();
                let pools = [
                    ("validators", Pool::Validators),
                    ("insurance", Pool::Insurance),
                    ("treasury", Pool::Treasury),
                ];
                for (word, which) in pools {
                    if let Some((_, value)) = fields.raw(&[word])? {
                        checks.push(pool(&format!("fees.{word}"), which, &value)?);
                    }
                }
                fields.finish()?;
                Ok(checks)
            }
            "listed" => by_instrument(name, value, |instrument, value| {
                Ok(vec![Subject::Listed(instrument, value::boolean(value)?)])
            }),
            "time" => match value::time(value)? {
                crate::scenario::model::TimeSpec::At(time) => {
                    Ok(vec![check(name, Subject::Clock(time))])
                }
                _ => Err(Problem::new("expected a date and a time")),
            },
            "digest" => {
                let text = value::text(value)?.to_lowercase();
                let legal = !text.is_empty() && text.chars().all(|c| c.is_ascii_hexdigit());
                match legal {
                    true => Ok(vec![check(name, Subject::Digest(text))]),
                    false => Err(Problem::new("a digest is hexadecimal")),
                }
            }
            other => Err(not_among("expectation", other, SUBJECTS)),
        }
    }

    fn books(&self, value: &Json) -> Parsed<Vec<Check>> {
        let mut checks = Vec::new();
        for (name, value) in Fields::of(value.clone())?.rest() {
            let instrument = value::instrument_text(&name)?;
            let read = book::book(&format!("book.{name}"), instrument, value);
            checks.extend(read.map_err(|problem| problem.at(&name))?);
        }
        Ok(checks)
    }
}

fn check(path: &str, subject: Subject) -> Check {
    Check { path: path.to_string(), subject }
}

fn pool(path: &str, pool: Pool, value: &Json) -> Parsed<Check> {
    Ok(check(path, Subject::Pool(pool, usd_want(value)?)))
}

fn by_account(
    name: &str,
    value: &Json,
    read: impl Fn(AccountRef, &Json) -> Parsed<Subject>,
) -> Parsed<Vec<Check>> {
    let mut checks = Vec::new();
    for (key, value) in Fields::of(value.clone())?.rest() {
        let subject = value::account_text(&key).and_then(|account| read(account, &value));
        let subject = subject.map_err(|problem| problem.at(&key))?;
        checks.push(check(&format!("{name}.{key}"), subject));
    }
    Ok(checks)
}

fn by_ticker(
    name: &str,
    value: &Json,
    read: impl Fn(lockstep_types::instrument::Ticker, &Json) -> Parsed<Subject>,
) -> Parsed<Vec<Check>> {
    let mut checks = Vec::new();
    for (key, value) in Fields::of(value.clone())?.rest() {
        let subject = value::ticker_text(&key).and_then(|ticker| read(ticker, &value));
        let subject = subject.map_err(|problem| problem.at(&key))?;
        checks.push(check(&format!("{name}.{key}"), subject));
    }
    Ok(checks)
}

fn by_instrument(
    name: &str,
    value: &Json,
    read: impl Fn(InstrumentName, &Json) -> Parsed<Vec<Subject>>,
) -> Parsed<Vec<Check>> {
    let mut checks = Vec::new();
    for (key, value) in Fields::of(value.clone())?.rest() {
        let subjects = value::instrument_text(&key).and_then(|instrument| read(instrument, &value));
        let subjects = subjects.map_err(|problem| problem.at(&key))?;
        checks.extend(subjects.into_iter().map(|subject| check(&format!("{name}.{key}"), subject)));
    }
    Ok(checks)
}

/// Reads a rate, or `{"rate_8h": 0.0001, "index": 12.5}`.
fn funding(instrument: InstrumentName, value: &Json) -> Parsed<Vec<Subject>> {
    let rate = |value: &Json| ratio_want(value, PPB_PLACES);
    let named = value.get("rate_8h").is_some() || value.get("index").is_some();
    if !named {
        return Ok(vec![Subject::FundingRate(instrument, rate(value)?)]);
    }
    let mut fields = Fields::of(value.clone())?;
    let mut subjects = Vec::new();
    let rate = fields.opt(&["rate_8h"], rate)?;
    subjects.extend(rate.map(|want| Subject::FundingRate(instrument, want)));
    let index = fields.opt(&["index"], usd_want)?;
    subjects.extend(index.map(|want| Subject::FundingIndex(instrument, want)));
    fields.finish()?;
    Ok(subjects)
}

/// Reads `{"BTC_USDC-27MAR26": 100500}` or `{"BTC": {"27MAR26": 100500}}`.
fn forwards(value: &Json) -> Parsed<Vec<Check>> {
    let mut checks = Vec::new();
    for (key, value) in Fields::of(value.clone())?.rest() {
        let pairs: Vec<(String, InstrumentName, Json)> = match value {
            Json::Object(ref inner)
                if !inner.iter().any(|(f, _)| ["min", "max", "near"].contains(&&**f)) =>
            {
                let ticker = value::ticker_text(&key)?;
                let mut pairs = Vec::new();
                for (expiry, value) in inner {
                    let expiry_time = value::expiry_text(expiry)?;
                    let contract = Contract::Future { expiry: expiry_time };
                    let name = InstrumentName { underlying: ticker, contract };
                    pairs.push((format!("forward.{key}.{expiry}"), name, value.clone()));
                }
                pairs
            }
            value => vec![(format!("forward.{key}"), value::instrument_text(&key)?, value)],
        };
        for (path, name, value) in pairs {
            let expiry: Option<TimeMs> = name.contract.expiry();
            let expiry = expiry.ok_or_else(|| Problem::new(format!("{name} does not expire")))?;
            let want = maybe(&value, PRICE_PLACES)?;
            checks.push(check(&path, Subject::Forward(name.underlying, expiry, want)));
        }
    }
    Ok(checks)
}

/// Reads `"auction"` for the venue, or `{"BTC_USDC-PERPETUAL": "auction"}`.
fn phases(value: &Json) -> Parsed<Vec<Check>> {
    if matches!(value, Json::Text(_)) {
        let scope = crate::scenario::model::ScopeSpec::Venue;
        return Ok(vec![check("phase", Subject::Phase(scope, system::phase(value)?))]);
    }
    let mut checks = Vec::new();
    for (key, value) in Fields::of(value.clone())?.rest() {
        let phase = system::phase(&value).map_err(|problem| problem.at(&key))?;
        let subject = Subject::Phase(system::scope_text(&key)?, phase);
        checks.push(check(&format!("phase.{key}"), subject));
    }
    Ok(checks)
}
