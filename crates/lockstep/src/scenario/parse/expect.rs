//! Reading expectations.

use super::{Parser, number, system};
use crate::events_json::{CANCEL_REASONS, KINDS};
use crate::json::Json;
use crate::scenario::fields::{self, Fields};
use crate::scenario::model::AccountRef;
use crate::scenario::problem::{Parsed, Problem, not_among};
use crate::scenario::value::{self, AMOUNT_PLACES, PPB_PLACES, PPM_PLACES, PRICE_PLACES};
use crate::scenario::want::{
    Check, ErrorWant, EventWant, EventsShape, EventsWant, Figure, LevelWant, OrderState,
    OrderWant, Pool, PositionWant, Subject, TradeWant, Want,
};
use lockstep_types::command::MarginMode;
use lockstep_types::instrument::{Contract, InstrumentName};
use lockstep_types::reject::RejectCode;
use lockstep_types::{Side, TimeMs};

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

const STATES: &[(&str, OrderState)] = &[
    ("waiting", OrderState::Waiting),
    ("open", OrderState::Open),
    ("sleeping", OrderState::Sleeping),
    ("untriggered", OrderState::Sleeping),
    ("filled", OrderState::Filled),
    ("cancelled", OrderState::Cancelled),
    ("canceled", OrderState::Cancelled),
    ("rejected", OrderState::Rejected),
];

const MODES: &[(&str, MarginMode)] =
    &[("portfolio", MarginMode::Portfolio), ("standard", MarginMode::Standard)];

fn usd_want(value: &Json) -> Parsed<Want> {
    number::want(value, PRICE_PLACES)
}

fn amount_want(value: &Json) -> Parsed<Want> {
    number::want(value, AMOUNT_PLACES)
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
                    let want = position_want(&value).map_err(|problem| problem.at(&name))?;
                    all.push((value::instrument_text(&name)?, want));
                }
                Ok(Subject::Positions(account, all))
            }),
            "order" | "orders" => self.orders_by_name(name, value),
            "book" => self.books(value),
            "events" => events(value),
            "trades" | "last_trades" => trades(name, value),
            "error" => Ok(vec![check(name, Subject::Error(error_or_none(value)?))]),
            "phase" => phases(value),
            _ => self.venue_subject(name, value),
        }
    }

    fn venue_subject(&self, name: &str, value: &Json) -> Parsed<Vec<Check>> {
        match name {
            "index" => by_ticker(name, value, |ticker, value| {
                Ok(Subject::Index(ticker, usd_want(value)?))
            }),
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

    /// Reads `{"alice": {"balance": 1, "im": 2, "position": {...}}}`: all about one account.
    fn accounts(&self, value: &Json) -> Parsed<Vec<Check>> {
        let mut checks = Vec::new();
        for (name, value) in Fields::of(value.clone())?.rest() {
            let account = value::account_text(&name)?;
            if matches!(value, Json::Null | Json::Bool(_)) {
                let exists = value == Json::Bool(true);
                checks.push(check(&format!("account.{name}"), Subject::Exists(account, exists)));
                continue;
            }
            for (field, inner) in Fields::of(value)?.rest() {
                let known = [
                    "balance",
                    "equity",
                    "im",
                    "initial_margin",
                    "mm",
                    "maintenance_margin",
                    "available",
                    "margin_mode",
                    "liquidating",
                    "position",
                    "positions",
                    "orders",
                ];
                if !known.contains(&field.as_str()) {
                    return Err(not_among("field", &field, &known).at(&name));
                }
                let wrapped = Json::Object(vec![(name.clone(), inner)]);
                let read = self.subject(&field, &wrapped);
                checks.extend(read.map_err(|problem| problem.at(&field))?);
            }
        }
        Ok(checks)
    }

    /// Reads `{"alice": {"BTC_USDC-PERPETUAL": 0.1}}`; with a default instrument `{"alice": 0.1}`.
    fn positions(&self, value: &Json) -> Parsed<Vec<Check>> {
        let mut checks = Vec::new();
        for (name, value) in Fields::of(value.clone())?.rest() {
            let account = value::account_text(&name)?;
            let by_name = matches!(&value, Json::Object(fields)
                if fields.iter().any(|(field, _)| field.contains("_USDC-")));
            let pairs = match (by_name, self.instrument) {
                (false, Some(instrument)) => vec![(instrument.to_string(), value)],
                _ => Fields::of(value).map_err(|problem| problem.at(&name))?.rest(),
            };
            for (instrument, value) in pairs {
                let path = format!("position.{name}.{instrument}");
                let want = position_want(&value).map_err(|problem| problem.at(&name))?;
                let instrument = value::instrument_text(&instrument)?;
                checks.push(check(&path, Subject::Position(account.clone(), instrument, want)));
            }
        }
        Ok(checks)
    }

    /// Reads `{"a1": "filled", "alice": ["a2"], "bob": 0}`.
    fn orders_by_name(&self, word: &str, value: &Json) -> Parsed<Vec<Check>> {
        let mut checks = Vec::new();
        for (name, value) in Fields::of(value.clone())?.rest() {
            let path = format!("{word}.{name}");
            let subject = self.order_subject(word, &name, &value);
            checks.push(check(&path, subject.map_err(|problem| problem.at(&name))?));
        }
        Ok(checks)
    }

    fn order_subject(&self, word: &str, name: &str, value: &Json) -> Parsed<Subject> {
        // An account has a list or a count of orders; a single order has a state or fields.
        let about_account = matches!(value, Json::List(_) | Json::Number(_))
            || matches!(value, Json::Object(fields)
                if fields.iter().any(|(field, _)| ["min", "max", "near"].contains(&&**field)));
        if about_account && word == "orders" {
            let account = value::account_text(name)?;
            let Json::List(_) = value else {
                return Ok(Subject::OrderCount(account, number::want(value, 0)?));
            };
            let wants = fields::list(value, |order| match order {
                Json::Text(name) => {
                    self.order_account(name)?;
                    Ok(OrderWant { name: Some(name.clone()), ..OrderWant::default() })
                }
                other => self.order_want(other),
            })?;
            return Ok(Subject::Orders(account, wants));
        }
        self.order_account(name)?;
        let want = match value {
            Json::Text(_) => {
                let state = value::word(value, "state", STATES)?;
                OrderWant { state: Some(state), ..OrderWant::default() }
            }
            other => self.order_want(other)?,
        };
        Ok(Subject::Order(name.to_string(), Box::new(want)))
    }

    fn order_want(&self, value: &Json) -> Parsed<OrderWant> {
        let mut fields = Fields::of(value.clone())?;
        let want = OrderWant {
            name: fields.opt(&["as", "id", "order"], value::name)?,
            label: fields.opt(&["label"], value::text)?,
            instrument: fields.opt(&["instrument", "instrument_name"], value::instrument)?,
            side: fields.opt(&["side", "direction"], value::side)?,
            state: fields.opt(&["state"], |word| value::word(word, "state", STATES))?,
            price: fields.opt(&["price"], usd_want)?,
            amount: fields.opt(&["amount"], amount_want)?,
            remaining: fields.opt(&["remaining"], amount_want)?,
            filled: fields.opt(&["filled", "filled_amount"], amount_want)?,
            visible: fields.opt(&["visible"], amount_want)?,
            average_price: fields.opt(&["average_price"], usd_want)?,
            trigger_price: fields.opt(&["trigger_price"], usd_want)?,
            reason: fields.opt(&["reason"], |word| {
                let word = value::text(word)?;
                match CANCEL_REASONS.contains(&word.as_str()) {
                    true => Ok(word),
                    false => Err(not_among("reason", &word, CANCEL_REASONS)),
                }
            })?,
        };
        fields.finish()?;
        if let Some(name) = &want.name {
            self.order_account(name)?;
        }
        Ok(want)
    }

    fn books(&self, value: &Json) -> Parsed<Vec<Check>> {
        let mut checks = Vec::new();
        for (name, value) in Fields::of(value.clone())?.rest() {
            let instrument = value::instrument_text(&name)?;
            let read = book(&format!("book.{name}"), instrument, value);
            checks.extend(read.map_err(|problem| problem.at(&name))?);
        }
        Ok(checks)
    }
}

fn book(path: &str, instrument: InstrumentName, value: Json) -> Parsed<Vec<Check>> {
    let mut fields = Fields::of(value)?;
    let top = fields.opt(&["top"], |top| value::integer::<usize>(top, 1, 10_000))?;
    let mut checks = Vec::new();
    for (word, side) in [("bids", Side::Buy), ("asks", Side::Sell)] {
        if let Some(levels) = fields.opt(&[word], levels)? {
            let subject = Subject::Levels(instrument, side, levels, top);
            checks.push(check(&format!("{path}.{word}"), subject));
        }
    }
    for (word, side) in [("best_bid", Side::Buy), ("best_ask", Side::Sell)] {
        if let Some((_, value)) = fields.raw(&[word])? {
            let best = match value {
                Json::Null => None,
                Json::Object(_) | Json::List(_) => Some(level(&value)?),
                price => Some(LevelWant { price: usd_want(&price)?, amount: None, orders: None }),
            };
            checks.push(check(&format!("{path}.{word}"), Subject::Best(instrument, side, best)));
        }
    }
    fields.finish()?;
    match checks.is_empty() {
        true => Err(Problem::new("say `bids`, `asks`, `best_bid` or `best_ask`")),
        false => Ok(checks),
    }
}

fn levels(value: &Json) -> Parsed<Vec<LevelWant>> {
    match value {
        Json::List(_) => fields::list(value, level),
        other => Err(Problem::new(format!(
            "expected a list of [price, amount], found {}",
            other.kind()
        ))),
    }
}

fn level(value: &Json) -> Parsed<LevelWant> {
    if let Json::List(parts) = value {
        return match parts.as_slice() {
            [price, amount] => Ok(LevelWant {
                price: usd_want(price)?,
                amount: Some(amount_want(amount)?),
                orders: None,
            }),
            [price, amount, orders] => Ok(LevelWant {
                price: usd_want(price)?,
                amount: Some(amount_want(amount)?),
                orders: Some(number::want(orders, 0)?),
            }),
            _ => Err(Problem::new("a level reads [price, amount] or [price, amount, orders]")),
        };
    }
    let mut fields = Fields::of(value.clone())?;
    let level = LevelWant {
        price: fields.need(&["price"], usd_want)?,
        amount: fields.opt(&["amount"], amount_want)?,
        orders: fields.opt(&["orders"], |orders| number::want(orders, 0))?,
    };
    fields.finish()?;
    Ok(level)
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

fn position_want(value: &Json) -> Parsed<PositionWant> {
    let named = ["amount", "average_price", "unrealised"];
    let by_field = named.iter().any(|field| value.get(field).is_some());
    if matches!(value, Json::Null) {
        let none = amount_want(&Json::number(0))?;
        return Ok(PositionWant { amount: Some(none), average_price: None, unrealised: None });
    }
    if !by_field && !matches!(value, Json::Object(fields) if fields.is_empty()) {
        let amount = Some(amount_want(value)?);
        return Ok(PositionWant { amount, average_price: None, unrealised: None });
    }
    let mut fields = Fields::of(value.clone())?;
    let want = PositionWant {
        amount: fields.opt(&["amount"], amount_want)?,
        average_price: fields.opt(&["average_price"], usd_want)?,
        unrealised: fields.opt(&["unrealised"], usd_want)?,
    };
    fields.finish()?;
    Ok(want)
}

/// Reads trades: of the last line, or by instrument the last ones ever.
fn trades(name: &str, value: &Json) -> Parsed<Vec<Check>> {
    if let Json::List(_) = value {
        if name == "last_trades" {
            return Err(Problem::new("name the instrument: {\"BTC_USDC-PERPETUAL\": [...]}"));
        }
        let wants = fields::list(value, trade_want)?;
        return Ok(vec![check(name, Subject::Trades(None, wants))]);
    }
    if name == "trades" {
        return Err(Problem::new("expected a list of [price, amount]"));
    }
    by_instrument(name, value, |instrument, value| match value {
        Json::List(_) => {
            let wants = fields::list(value, trade_want)?;
            Ok(vec![Subject::Trades(Some(instrument), wants)])
        }
        _ => Err(Problem::new("expected a list of [price, amount]")),
    })
}

fn trade_want(value: &Json) -> Parsed<TradeWant> {
    if let Json::List(_) = value {
        let level = level(value)?;
        if level.orders.is_some() {
            return Err(Problem::new("a trade reads [price, amount]"));
        }
        let (price, amount) = (Some(level.price), level.amount);
        return Ok(TradeWant { price, amount, fields: Vec::new() });
    }
    let mut fields = Fields::of(value.clone())?;
    let price = fields.opt(&["price"], usd_want)?;
    let amount = fields.opt(&["amount"], amount_want)?;
    let rest = fields.rest();
    event_fields("trade", &rest)?;
    Ok(TradeWant { price, amount, fields: rest })
}

/// Reads a list of events in order, or `{"exactly": [...], "since": "start"}` and the like.
fn events(value: &Json) -> Parsed<Vec<Check>> {
    let make = |path: &str, since_start, shape| {
        check(path, Subject::Events(EventsWant { since_start, shape }))
    };
    if matches!(value, Json::List(_) | Json::Text(_)) {
        let wants = fields::list(value, event_want)?;
        return Ok(vec![make("events", false, EventsShape::InOrder(wants))]);
    }
    let mut fields = Fields::of(value.clone())?;
    let since = &[("start", true), ("last", false)];
    let since = fields.opt(&["since"], |word| value::word(word, "since", since))?.unwrap_or(false);
    let mut checks = Vec::new();
    let patterns = |value: &Json| fields::list(value, event_want);
    if let Some(wants) = fields.opt(&["in_order"], patterns)? {
        checks.push(make("events.in_order", since, EventsShape::InOrder(wants)));
    }
    if let Some(wants) = fields.opt(&["exactly"], patterns)? {
        checks.push(make("events.exactly", since, EventsShape::Exactly(wants)));
    }
    if let Some(wants) = fields.opt(&["never"], patterns)? {
        checks.push(make("events.never", since, EventsShape::Never(wants)));
    }
    if let Some(counts) = fields.opt(&["count"], |counts| Ok(counts.clone()))? {
        for (kind, value) in Fields::of(counts).map_err(|problem| problem.at("count"))?.rest() {
            let pattern = event_want(&Json::text(kind.clone()))?;
            let want = number::want(&value, 0).map_err(|problem| problem.at(&kind))?;
            let shape = EventsShape::Count(pattern, want);
            checks.push(make(&format!("events.count.{kind}"), since, shape));
        }
    }
    fields.finish()?;
    match checks.is_empty() {
        true => Err(Problem::new("say `in_order`, `exactly`, `never` or `count`")),
        false => Ok(checks),
    }
}

/// Reads `"trade"`, `{"event": "trade", "price": 1}` or `{"trade": {"price": 1}}`.
fn event_want(value: &Json) -> Parsed<EventWant> {
    let kinds: Vec<&str> = KINDS.iter().map(|(kind, _)| *kind).collect();
    let (kind, fields) = match value {
        Json::Text(kind) => (kind.clone(), Vec::new()),
        Json::Object(entries) if value.get("event").is_none() => match entries.as_slice() {
            [(kind, Json::Object(inner))] => (kind.clone(), inner.clone()),
            _ => return Err(Problem::new("an event reads {\"event\": \"trade\", ...}")),
        },
        other => {
            let mut fields = Fields::of(other.clone())?;
            let kind = fields.need(&["event"], value::text)?;
            (kind, fields.rest())
        }
    };
    if !kinds.contains(&kind.as_str()) {
        return Err(not_among("event", &kind, &kinds));
    }
    event_fields(&kind, &fields)?;
    Ok(EventWant { kind, fields })
}

/// Checks that an event of this kind has such fields.
fn event_fields(kind: &str, fields: &[(String, Json)]) -> Parsed<()> {
    let known = KINDS.iter().find(|(name, _)| *name == kind).map_or(&[][..], |(_, known)| *known);
    for (field, value) in fields {
        if !known.contains(&field.as_str()) {
            return Err(not_among(&format!("field of `{kind}`"), field, known));
        }
        if matches!(value, Json::Object(_)) {
            number::want(value, PPB_PLACES).map_err(|problem| problem.at(field))?;
        }
    }
    Ok(())
}

fn error_or_none(value: &Json) -> Parsed<Option<ErrorWant>> {
    match value {
        Json::Null | Json::Bool(false) => Ok(None),
        Json::Text(text) if text == "none" => Ok(None),
        value => error_want(value).map(Some),
    }
}

/// Reads a rejection: `"M3"`, `"PostOnlyWouldTake"`, `{"rule": "M3", "code": ...}`, or `true`.
pub(super) fn error_want(value: &Json) -> Parsed<ErrorWant> {
    match value {
        Json::Bool(true) => Ok(ErrorWant::default()),
        Json::Text(text) => {
            let mut want = ErrorWant::default();
            for word in text.split([' ', ':', ',']).filter(|word| !word.is_empty()) {
                match rule_name(word) {
                    Some(rule) => want.rule = Some(rule),
                    None => want.code = Some(code(word)?),
                }
            }
            consistent(want)
        }
        other => {
            let mut fields = Fields::of(other.clone())?;
            let number = |value: &Json| value::integer(value, i64::MIN, i64::MAX);
            let want = ErrorWant {
                rule: fields.opt(&["rule"], |rule| {
                    let rule = value::text(rule)?;
                    rule_name(&rule).ok_or_else(|| unknown_code(&rule))
                })?,
                code: fields.opt(&["code"], |word| code(&value::text(word)?))?,
                field: fields.opt(&["field"], value::text)?,
                actual: fields.opt(&["actual"], number)?,
                limit: fields.opt(&["limit"], number)?,
            };
            fields.finish()?;
            consistent(want)
        }
    }
}

fn rule_name(word: &str) -> Option<String> {
    let upper = word.to_uppercase();
    RejectCode::ALL.iter().find(|code| code.rule() == upper).map(|_| upper)
}

fn code(word: &str) -> Parsed<RejectCode> {
    let plain = |word: &str| word.replace('_', "").to_lowercase();
    let wanted = plain(word);
    let found = RejectCode::ALL.iter().find(|code| plain(code.name()) == wanted);
    found.copied().ok_or_else(|| unknown_code(word))
}

fn unknown_code(word: &str) -> Problem {
    let names: Vec<String> = RejectCode::ALL
        .iter()
        .map(|code| format!("{} {}", code.rule(), code.name()))
        .collect();
    let short: Vec<&str> = RejectCode::ALL.iter().map(|code| code.name()).collect();
    let near = crate::scenario::problem::nearest(word, short.iter().copied());
    let hint = near.map_or(String::new(), |name| format!(" (did you mean `{name}`?)"));
    Problem::new(format!("`{word}` is no rule or code{hint}; known: {}", names.join(", ")))
}

fn consistent(want: ErrorWant) -> Parsed<ErrorWant> {
    if let (Some(rule), Some(code)) = (&want.rule, want.code) {
        if rule != code.rule() {
            let message = format!("{} belongs to rule {}, not {rule}", code.name(), code.rule());
            return Err(Problem::new(message));
        }
    }
    Ok(want)
}
