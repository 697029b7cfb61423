//! Reading expectations of accounts: their positions and orders.

use super::{amount_want, check, opt_amount, usd_want};
use crate::events_json::CANCEL_REASONS;
use crate::json::Json;
use crate::scenario::fields::{self, Fields};
use crate::scenario::parse::{Parser, number};
use crate::scenario::problem::{Parsed, not_among};
use crate::scenario::value;
use crate::scenario::want::{Check, OrderState, OrderWant, PositionWant, Subject};

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

impl Parser {
    /// Reads `{"alice": {"balance": 1, "im": 2, "position": {...}}}`: all about one account.
    pub(super) fn accounts(&self, value: &Json) -> Parsed<Vec<Check>> {
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
    pub(super) fn positions(&self, value: &Json) -> Parsed<Vec<Check>> {
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
    pub(super) fn orders_by_name(&self, word: &str, value: &Json) -> Parsed<Vec<Check>> {
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
                    self.named_order(name)?;
                    Ok(OrderWant { name: Some(name.clone()), ..OrderWant::default() })
                }
                other => self.order_want(other),
            })?;
            return Ok(Subject::Orders(account, wants));
        }
        self.named_order(name)?;
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
            amount: opt_amount(&mut fields, "amount")?,
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
            self.named_order(name)?;
        }
        Ok(want)
    }
}

/// Reads an amount, `null` for none, or `{"amount": -0.1, "average_price": 61000}`.
pub(super) fn position_want(value: &Json) -> Parsed<PositionWant> {
    let named = ["amount", "lots", "average_price", "unrealised"];
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
        amount: opt_amount(&mut fields, "amount")?,
        average_price: fields.opt(&["average_price"], usd_want)?,
        unrealised: fields.opt(&["unrealised"], usd_want)?,
    };
    fields.finish()?;
    Ok(want)
}
