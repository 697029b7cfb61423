//! Reading expectations of books.

use super::{amount_want, check, opt_amount, usd_want};
use crate::json::Json;
use crate::scenario::fields::{self, Fields};
use crate::scenario::parse::number;
use crate::scenario::problem::{Parsed, Problem};
use crate::scenario::value;
use crate::scenario::want::{Check, LevelWant, Subject};
use lockstep_types::Side;
use lockstep_types::instrument::InstrumentName;

pub(super) fn book(path: &str, instrument: InstrumentName, value: Json) -> Parsed<Vec<Check>> {
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
        other => {
            Err(Problem::new(format!("expected a list of [price, amount], found {}", other.kind())))
        }
    }
}

pub(super) fn level(value: &Json) -> Parsed<LevelWant> {
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
        amount: opt_amount(&mut fields, "amount")?,
        orders: fields.opt(&["orders"], |orders| number::want(orders, 0))?,
    };
    fields.finish()?;
    Ok(level)
}
