//! Reading orders: Deribit's words for types, times in force and triggers.

use super::Parser;
use super::action_of;
use crate::json::Json;
use crate::scenario::fields::Fields;
use crate::scenario::model::{AccountRef, AmendSpec, OrderSpec, TargetSpec, TifSpec};
use crate::scenario::problem::{Parsed, Problem};
use crate::scenario::value;
use lockstep_types::ids::GroupId;
use lockstep_types::order::{PostOnly, SelfTrade, Trigger, TriggerKind, TriggerSource};
use lockstep_types::{Lots, Side};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OrderType {
    Limit,
    Market,
    StopLimit,
    StopMarket,
    TakeLimit,
    TakeMarket,
    TrailingStop,
}

const TYPES: &[(&str, OrderType)] = &[
    ("limit", OrderType::Limit),
    ("market", OrderType::Market),
    ("stop_limit", OrderType::StopLimit),
    ("stop_market", OrderType::StopMarket),
    ("take_limit", OrderType::TakeLimit),
    ("take_market", OrderType::TakeMarket),
    ("trailing_stop", OrderType::TrailingStop),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tif {
    Cancelled,
    Day,
    Immediate,
    Kill,
    Time,
}

const TIMES_IN_FORCE: &[(&str, Tif)] = &[
    ("good_til_cancelled", Tif::Cancelled),
    ("good_til_day", Tif::Day),
    ("immediate_or_cancel", Tif::Immediate),
    ("fill_or_kill", Tif::Kill),
    ("good_til_time", Tif::Time),
    ("gtc", Tif::Cancelled),
    ("gtd", Tif::Day),
    ("ioc", Tif::Immediate),
    ("fok", Tif::Kill),
    ("gtt", Tif::Time),
];

impl Parser {
    /// Reads an order whose action is `buy`, `sell` or `order`.
    pub(super) fn order(
        &mut self,
        action: &str,
        account: &AccountRef,
        fields: &mut Fields,
    ) -> Parsed<OrderSpec> {
        let side = match action {
            "buy" => Side::Buy,
            "sell" => Side::Sell,
            _ => fields.need(&["side", "direction"], value::side)?,
        };
        let name = fields.opt(&["as", "id"], value::name)?;
        let instrument = self.instrument(fields)?;
        let lots = need_lots(fields)?;
        let kind = fields.opt(&["type"], |kind| value::word(kind, "type", TYPES))?;
        let price = fields.opt(&["price"], value::price)?;
        let (trigger, kind) = trigger(fields, kind, price.is_some())?;
        let takes_price =
            matches!(kind, OrderType::Limit | OrderType::StopLimit | OrderType::TakeLimit);
        match (takes_price, price) {
            (true, None) => {
                return Err(Problem::new("field `price` is missing: a limit order has one"));
            }
            (false, Some(_)) if kind != OrderType::TrailingStop => {
                return Err(Problem::new("this type of order takes no price").at("price"));
            }
            _ => {}
        }
        let time_in_force = time_in_force(fields, kind)?;
        let spec = OrderSpec {
            name,
            instrument,
            side,
            lots,
            price,
            time_in_force,
            post_only: post_only(fields)?,
            reduce_only: fields.opt(&["reduce_only"], value::boolean)?.unwrap_or(false),
            display: opt_lots(fields, &["display_amount", "max_show"], &["display_lots"])?,
            self_trade: self_trade(fields)?,
            protection: protection(fields)?,
            trigger,
            label: fields.opt(&["label"], value::label)?,
        };
        if let Some(name) = &spec.name {
            self.name_order(name, account, spec.label.clone())?;
        }
        Ok(spec)
    }

    /// Reads an order inside a batch or a set of linked orders: `{"buy": {...}}` or with a `side`.
    pub(super) fn inner_order(&mut self, account: &AccountRef, line: Json) -> Parsed<OrderSpec> {
        let Json::Object(entries) = line else {
            return Err(Problem::new(format!("expected an order, found {}", line.kind())));
        };
        let keyed = entries.iter().any(|(name, _)| name == "buy" || name == "sell");
        let (action, mut fields) = match keyed {
            true => action_of(entries)?.unwrap_or(("order", Fields::from_entries(Vec::new()))),
            false => ("order", Fields::from_entries(entries)),
        };
        let order = self.order(action, account, &mut fields)?;
        fields.finish()?;
        Ok(order)
    }

    /// Reads which order is meant, and whose it is.
    pub(super) fn target(
        &self,
        fields: &mut Fields,
        account: Option<AccountRef>,
    ) -> Parsed<(TargetSpec, AccountRef)> {
        let name = fields.opt(&["order"], value::name)?;
        let label = fields.opt(&["label"], value::label)?;
        let id = fields.opt(&["order_id"], |id| value::integer(id, 0, i64::MAX))?;
        let (target, owner) = match (name, label, id) {
            (Some(name), None, None) => {
                let known = self.named_order(&name).map_err(|problem| problem.at("order"))?;
                (TargetSpec::Named(name, known.1.clone()), Some(known.0.clone()))
            }
            (None, Some(label), None) => (TargetSpec::Label(label), None),
            (None, None, Some(id)) => (TargetSpec::Id(id), None),
            _ => return Err(Problem::new("say one of `order`, `label` and `order_id`")),
        };
        match account.or(owner) {
            Some(account) => Ok((target, account)),
            None => Err(Problem::new("field `account` is missing")),
        }
    }

    /// Reads a change of an order.
    pub(super) fn amend(
        &self,
        fields: &mut Fields,
        account: Option<AccountRef>,
    ) -> Parsed<(AmendSpec, AccountRef)> {
        let (target, account) = self.target(fields, account)?;
        let lots = opt_lots(fields, &["amount", "to_amount"], &["lots"])?;
        let price = fields.opt(&["price", "to_price"], value::price)?;
        let trigger_price = fields.opt(&["trigger_price", "trigger_offset"], value::price)?;
        Ok((AmendSpec { target, lots, price, trigger_price }, account))
    }
}

/// An amount in units of the underlying, or in lots, under the given names.
pub(super) fn opt_lots(
    fields: &mut Fields,
    amounts: &[&'static str],
    lots: &[&'static str],
) -> Parsed<Option<Lots>> {
    let units = fields.opt(amounts, value::amount)?;
    let bare = fields.opt(lots, value::lots)?;
    match (units, bare) {
        (Some(_), Some(_)) => {
            let (amount, lots) = (amounts.first().unwrap_or(&""), lots.first().unwrap_or(&""));
            Err(Problem::new(format!("say either `{amount}` or `{lots}`")))
        }
        (units, bare) => Ok(units.or(bare)),
    }
}

/// An amount that must be there.
pub(super) fn need_lots(fields: &mut Fields) -> Parsed<Lots> {
    opt_lots(fields, &["amount"], &["lots"])?
        .ok_or_else(|| Problem::new("field `amount` (or `lots`) is missing"))
}

fn trigger(
    fields: &mut Fields,
    kind: Option<OrderType>,
    has_price: bool,
) -> Parsed<(Option<Trigger>, OrderType)> {
    let sources = &[
        ("index_price", TriggerSource::Index),
        ("mark_price", TriggerSource::Mark),
        ("last_price", TriggerSource::Last),
        ("index", TriggerSource::Index),
        ("mark", TriggerSource::Mark),
        ("last", TriggerSource::Last),
    ];
    let source = fields.opt(&["trigger"], |word| value::word(word, "trigger", sources))?;
    let price = fields.opt(&["trigger_price", "stop_price"], value::price)?;
    let offset = fields.opt(&["trigger_offset"], value::price)?;
    let kind = match kind {
        Some(kind) => kind,
        None if offset.is_some() => OrderType::TrailingStop,
        None if price.is_some() || source.is_some() => {
            return Err(Problem::new(
                "a trigger needs a `type`: stop_limit, stop_market, take_limit, take_market or \
                 trailing_stop",
            ));
        }
        None if has_price => OrderType::Limit,
        None => OrderType::Market,
    };
    let need_price = || price.ok_or_else(|| Problem::new("field `trigger_price` is missing"));
    let trigger_kind = match kind {
        OrderType::Limit | OrderType::Market => {
            if price.is_some() || offset.is_some() || source.is_some() {
                return Err(Problem::new("this type of order has no trigger"));
            }
            return Ok((None, kind));
        }
        OrderType::StopLimit | OrderType::StopMarket => TriggerKind::Stop { price: need_price()? },
        OrderType::TakeLimit | OrderType::TakeMarket => TriggerKind::Take { price: need_price()? },
        OrderType::TrailingStop => {
            if price.is_some() {
                let message = "a trailing stop has a `trigger_offset`, no trigger price";
                return Err(Problem::new(message).at("trigger_price"));
            }
            let missing = || Problem::new("field `trigger_offset` is missing");
            TriggerKind::Trailing { offset: offset.ok_or_else(missing)? }
        }
    };
    if kind != OrderType::TrailingStop && offset.is_some() {
        return Err(Problem::new("only a trailing_stop has an offset").at("trigger_offset"));
    }
    let source = source.unwrap_or(TriggerSource::Mark);
    Ok((Some(Trigger { source, kind: trigger_kind }), kind))
}

fn time_in_force(fields: &mut Fields, kind: OrderType) -> Parsed<TifSpec> {
    let read = |word: &Json| value::word(word, "time in force", TIMES_IN_FORCE);
    let word = fields.opt(&["time_in_force", "tif"], read)?;
    let until = fields.opt(&["until"], value::time)?;
    match (word, until) {
        (None | Some(Tif::Time), Some(until)) => Ok(TifSpec::GoodTil(until)),
        (Some(_), Some(_)) => Err(Problem::new("only good_til_time has `until`").at("until")),
        (Some(Tif::Time), None) => {
            Err(Problem::new("field `until` is missing: good_til_time needs it"))
        }
        (Some(Tif::Cancelled), None) => Ok(TifSpec::GoodTilCancelled),
        (Some(Tif::Day), None) => Ok(TifSpec::GoodTilDay),
        (Some(Tif::Immediate), None) => Ok(TifSpec::ImmediateOrCancel),
        (Some(Tif::Kill), None) => Ok(TifSpec::FillOrKill),
        (None, None) if kind == OrderType::Market => Ok(TifSpec::ImmediateOrCancel),
        (None, None) => Ok(TifSpec::GoodTilCancelled),
    }
}

fn post_only(fields: &mut Fields) -> Parsed<PostOnly> {
    let given = fields.opt(&["post_only"], |value| match value {
        Json::Bool(true) => Ok(PostOnly::Reject),
        Json::Bool(false) => Ok(PostOnly::No),
        other => value::word(
            other,
            "post_only",
            &[
                ("reject", PostOnly::Reject),
                ("reprice", PostOnly::Reprice),
                ("true", PostOnly::Reject),
                ("false", PostOnly::No),
            ],
        ),
    })?;
    match fields.opt(&["reject_post_only"], value::boolean)? {
        // Deribit's pair of flags: post_only alone re-prices, with reject_post_only it refuses.
        Some(reject) if given == Some(PostOnly::Reject) => {
            Ok(if reject { PostOnly::Reject } else { PostOnly::Reprice })
        }
        Some(_) => Err(Problem::new("goes with `post_only`: true").at("reject_post_only")),
        None => Ok(given.unwrap_or(PostOnly::No)),
    }
}

fn self_trade(fields: &mut Fields) -> Parsed<SelfTrade> {
    let table = &[
        ("cancel_taker", SelfTrade::CancelTaker),
        ("cancel_maker", SelfTrade::CancelMaker),
        ("cancel_both", SelfTrade::CancelBoth),
    ];
    let given = fields.opt(&["self_trade"], |word| value::word(word, "self_trade", table))?;
    Ok(given.unwrap_or(SelfTrade::CancelTaker))
}

fn protection(fields: &mut Fields) -> Parsed<Option<GroupId>> {
    let given = fields.opt(&["mmp", "mmp_group", "group"], |value| match value {
        Json::Bool(true) => Ok(Some(GroupId(0))),
        Json::Bool(false) => Ok(None),
        other => value::integer(other, 0, 255).map(|group| Some(GroupId(group))),
    })?;
    Ok(given.flatten())
}

/// A protection group's number; 0 unless given.
pub(super) fn group(fields: &mut Fields) -> Parsed<GroupId> {
    let given = fields.opt(&["group", "mmp_group"], |group| value::integer(group, 0, 255))?;
    Ok(GroupId(given.unwrap_or(0)))
}
