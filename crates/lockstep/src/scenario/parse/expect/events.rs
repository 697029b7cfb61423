//! Reading expectations of events and trades.

use super::book::level;
use super::{by_instrument, check, opt_amount, usd_want};
use crate::events_json::KINDS;
use crate::json::Json;
use crate::scenario::fields::{self, Fields};
use crate::scenario::parse::number;
use crate::scenario::problem::{Parsed, Problem, not_among};
use crate::scenario::value::{self, PPB_PLACES};
use crate::scenario::want::{Check, EventWant, EventsShape, EventsWant, Subject, TradeWant};

/// Reads trades: of the last line, or by instrument the last ones ever.
pub(super) fn trades(name: &str, value: &Json) -> Parsed<Vec<Check>> {
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
    let amount = opt_amount(&mut fields, "amount")?;
    let rest = fields.rest();
    event_fields("trade", &rest)?;
    Ok(TradeWant { price, amount, fields: rest })
}

/// Reads a list of events in order, or `{"exactly": [...], "since": "start"}` and the like.
pub(super) fn events(value: &Json) -> Parsed<Vec<Check>> {
    let make = |path: &str, since_start, shape| {
        check(path, Subject::Events(EventsWant { since_start, shape }))
    };
    if matches!(value, Json::List(_) | Json::Text(_)) {
        let wants = fields::list(value, event_want)?;
        if wants.is_empty() {
            return Err(Problem::new("an empty list says nothing; say {\"exactly\": []}"));
        }
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
