//! Reading the header: the story's title and the world it starts in.

use super::{params, system};
use crate::json::Json;
use crate::scenario::fields::{self, Fields};
use crate::scenario::model::{Genesis, GenesisUnderlying, Header, TimeSpec};
use crate::scenario::problem::{Parsed, Problem};
use crate::scenario::value::{self, PPB_PLACES};
use lockstep_types::instrument::{Contract, InstrumentName, Ticker, days_from_civil};
use lockstep_types::params::{UnderlyingParams, VenueParams};
use lockstep_types::units::{DAY_MS, HOUR_MS};
use lockstep_types::{Price, SpanMs, TimeMs, Usd};

/// Underlyings and prices of the default world.
const UNDERLYINGS: [(&str, i64); 3] = [("BTC", 100_000), ("ETH", 4_000), ("SOL", 200)];
/// Characters of a title or a description at most.
const TEXT_CHARS_MAX: usize = 2_000;

/// No story starts earlier: 1 January 2000.
const EARLIEST: TimeMs = TimeMs(946_684_800_000);

/// Noon of Monday, 2 March 2026: no expiry and no end of day is near.
fn default_time() -> TimeMs {
    TimeMs(days_from_civil(2026, 3, 2) * DAY_MS + 12 * HOUR_MS)
}

/// Reads the header line, and the instrument of lines that name none.
///
/// # Errors
/// When a field is wrong or unknown.
pub fn header(
    line: usize,
    entries: Vec<(String, Json)>,
) -> Parsed<(Header, Option<InstrumentName>)> {
    let mut fields = Fields::from_entries(entries);
    if !fields.has("scenario") {
        let message = "the first line is the header: {\"scenario\": \"title\", \"rules\": [...]}";
        return Err(Problem::new(message));
    }
    let title = fields.need(&["scenario"], title)?;
    let rules = fields.opt(&["rules"], |rules| fields::list(rules, rule))?.unwrap_or_default();
    let _about = fields.opt(&["about"], title_or_lines)?;
    let _note = fields.opt(&["note"], |_| Ok(()))?;
    let instrument = fields.opt(&["instrument"], value::instrument)?;
    let genesis = match fields.opt(&["genesis"], |value| Ok(value.clone()))? {
        Some(value) => {
            let mut inner = Fields::of(value).map_err(|problem| problem.at("genesis"))?;
            let read = genesis(&mut inner).and_then(|genesis| {
                inner.finish()?;
                Ok(genesis)
            });
            read.map_err(|problem| problem.at("genesis"))?
        }
        None => genesis(&mut Fields::from_entries(Vec::new()))?,
    };
    fields.finish()?;
    Ok((Header { line, title, rules, genesis }, instrument))
}

fn title(value: &Json) -> Parsed<String> {
    let text = value::text(value)?;
    if text.is_empty() || text.chars().count() > TEXT_CHARS_MAX {
        return Err(Problem::new(format!("1 to {TEXT_CHARS_MAX} characters")));
    }
    Ok(text)
}

fn title_or_lines(value: &Json) -> Parsed<()> {
    fields::list(value, title).map(|_| ())
}

/// A rule's number: `M3`.
fn rule(value: &Json) -> Parsed<String> {
    let text = value::text(value)?;
    let letters = text.chars().take_while(char::is_ascii_uppercase).count();
    let digits = text.chars().skip(letters).all(|letter| letter.is_ascii_digit());
    if letters == 1 && digits && text.len() > 1 {
        return Ok(text);
    }
    Err(Problem::new(format!("`{text}` is no rule; one reads like M3")))
}

fn genesis(fields: &mut Fields) -> Parsed<Genesis> {
    let time = fields.opt(&["time"], value::time)?;
    let time = match time {
        None => default_time(),
        Some(TimeSpec::At(time)) if time >= EARLIEST => time,
        Some(TimeSpec::At(_)) => {
            return Err(Problem::new("the story starts after the year 2000").at("time"));
        }
        Some(_) => return Err(Problem::new("expected a date and a time").at("time")),
    };
    let positive = |value: &Json| match value::span(value)? {
        SpanMs(0) => Err(Problem::new("blocks are at least 1ms apart")),
        span => Ok(span),
    };
    let step = fields.opt(&["step"], positive)?.unwrap_or(SpanMs(1));
    let every = fields.opt(&["every"], positive)?;
    let mut venue = VenueParams::default();
    params::no_fees(&mut venue);
    params::assume_latency(&mut venue);
    if let Some((name, given)) = fields.raw(&["fees"])? {
        params::fees(&given, &mut venue).map_err(|problem| problem.at(name))?;
    }
    if let Some(regime) = fields.opt(&["margin"], params::margin)? {
        venue.margin = regime;
    }
    fields.opt(&["venue"], |value| {
        let mut inner = Fields::of(value.clone())?;
        params::venue(&mut inner, &mut venue)?;
        inner.finish()
    })?;
    let interest = fields.opt(&["interest"], |value| value::ratio(value, PPB_PLACES))?.unwrap_or(0);
    let underlyings = match fields.opt(&["underlyings"], |value| underlyings(value, interest))? {
        Some(given) => given,
        None => default_underlyings(interest)?,
    };
    let reporters =
        fields.opt(&["reporters"], |value| system::weights(Fields::of(value.clone())?.rest()))?;
    let perpetuals = fields.opt(&["perpetuals"], value::boolean)?.unwrap_or(true);
    let mut list: Vec<InstrumentName> = Vec::new();
    if perpetuals {
        list.extend(underlyings.iter().map(|underlying| InstrumentName {
            underlying: underlying.params.ticker,
            contract: Contract::Perpetual,
        }));
    }
    let named = fields.opt(&["list"], |list| fields::list(list, value::instrument))?;
    for name in named.unwrap_or_default() {
        if !list.contains(&name) {
            list.push(name);
        }
    }
    Ok(Genesis {
        time,
        step,
        every,
        venue,
        underlyings,
        reporters: reporters.unwrap_or_else(|| vec![("v1".to_string(), 1)]),
        auto_report: fields.opt(&["auto_report"], value::boolean)?.unwrap_or(true),
        insurance: fields.opt(&["insurance"], value::usd)?.unwrap_or(Usd::ZERO),
        list,
    })
}

fn default_underlyings(interest: i64) -> Parsed<Vec<GenesisUnderlying>> {
    let world = UNDERLYINGS.iter().map(|(name, price)| {
        let params = settings(value::ticker_text(name)?, Price(price * 1_000_000), interest);
        let price = Some(Price(price * 1_000_000));
        Ok(GenesisUnderlying { params, price, expiries: Vec::new() })
    });
    world.collect()
}

/// The engine's settings for an underlying of that price; its interest is the story's, so that
/// balances stay round where nobody speaks of funding.
fn settings(ticker: Ticker, price: Price, interest_ppb: i64) -> UnderlyingParams {
    UnderlyingParams { interest_ppb, ..UnderlyingParams::genesis(ticker, price.0 / 1_000_000) }
}

/// Reads `{"BTC": 61000, "ETH": {"price": 3000, "price_band": "5%"}}`.
fn underlyings(value: &Json, interest: i64) -> Parsed<Vec<GenesisUnderlying>> {
    let mut out = Vec::new();
    for (name, value) in Fields::of(value.clone())?.rest() {
        let read = value::ticker_text(&name).and_then(|ticker| underlying(ticker, value, interest));
        out.push(read.map_err(|problem| problem.at(&name))?);
    }
    match out.is_empty() {
        true => Err(Problem::new("name an underlying and its price: {\"BTC\": 100000}")),
        false => Ok(out),
    }
}

fn underlying(ticker: Ticker, value: Json, interest: i64) -> Parsed<GenesisUnderlying> {
    if !matches!(value, Json::Object(_)) {
        let price = positive(value::price(&value)?)?;
        let (params, expiries) = (settings(ticker, price, interest), Vec::new());
        return Ok(GenesisUnderlying { params, price: Some(price), expiries });
    }
    let mut fields = Fields::of(value)?;
    let known = UNDERLYINGS.iter().find(|(name, _)| *name == ticker.as_str());
    let usual = known.map(|(_, price)| Price(price * 1_000_000));
    let price = match fields.opt(&["price"], value::price)?.or(usual) {
        Some(price) => positive(price).map_err(|problem| problem.at("price"))?,
        None => return Err(Problem::new("field `price` is missing")),
    };
    let reported = fields.opt(&["reported"], value::boolean)?.unwrap_or(true);
    let mut params = settings(ticker, price, interest);
    params::underlying(&mut fields, &mut params)?;
    let expiries = fields.opt(&["expiries"], system::expiries)?.unwrap_or_default();
    fields.finish()?;
    Ok(GenesisUnderlying { params, price: reported.then_some(price), expiries })
}

fn positive(price: Price) -> Parsed<Price> {
    if price.0 > 0 { Ok(price) } else { Err(Problem::new("the price is positive")) }
}
