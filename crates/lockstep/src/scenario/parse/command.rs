//! Reading what signers ask for.

use super::order::{group, need_lots, opt_lots};
use super::{Parser, action_of, expect, objects};
use crate::json::Json;
use crate::scenario::fields::{self, Fields};
use crate::scenario::model::{
    AccountRef, BatchSpec, BatchStep, CancelAllSpec, LegSpec, NonceSpec, QuoteSideSpec, QuoteSpec,
    Request, TimeSpec, UserStep,
};
use crate::scenario::problem::{Parsed, Problem};
use crate::scenario::value;
use lockstep_types::command::{LinkKind, MarginMode, ProtectionLimits};
use lockstep_types::{Lots, SpanMs, Usd};

/// How long a block trade's terms bind when they do not say.
const TERMS_SPAN: SpanMs = SpanMs(60_000);

impl Parser {
    /// Reads a signer's command.
    pub(super) fn user_step(&mut self, action: &str, fields: &mut Fields) -> Parsed<UserStep> {
        let by = fields.opt(&["by"], value::name)?;
        let nonce = fields.opt(&["nonce"], nonce)?;
        let valid_until = fields.opt(&["valid_until"], value::time)?;
        let account = fields.opt(&["account", "from"], value::account)?;
        let (account, request) = self.request(action, account, fields)?;
        Ok(UserStep { account, by, nonce, valid_until, request })
    }

    fn request(
        &mut self,
        action: &str,
        account: Option<AccountRef>,
        fields: &mut Fields,
    ) -> Parsed<(AccountRef, Request)> {
        match action {
            "amend" => {
                let (amend, account) = self.amend(fields, account)?;
                return Ok((account, Request::Amend(amend)));
            }
            "cancel" => {
                let (target, account) = self.target(fields, account)?;
                return Ok((account, Request::Cancel(target)));
            }
            _ => {}
        }
        let account = account.ok_or_else(|| Problem::new("field `account` is missing"))?;
        let request = match action {
            "buy" | "sell" | "order" => Request::Place(self.order(action, &account, fields)?),
            "cancel_all" => Request::CancelAll(cancel_all(fields)?),
            "batch" => self.batch(&account, fields)?,
            "linked" => self.linked(&account, fields)?,
            "mass_quote" => self.mass_quote(&account, fields)?,
            "set_mmp" => set_mmp(fields)?,
            "reset_mmp" => Request::ResetProtection {
                underlying: fields.need(&["underlying"], value::ticker)?,
                group: group(fields)?,
            },
            "dead_man" => match fields.raw(&["cancel_at", "at"])? {
                None => return Err(Problem::new("field `cancel_at` is missing")),
                Some((_, Json::Null)) => Request::ScheduleCancel(None),
                Some((_, at)) => {
                    let at = value::time(&at).map_err(|problem| problem.at("cancel_at"))?;
                    Request::ScheduleCancel(Some(at))
                }
            },
            "create_sub_account" => {
                let sub = fields.opt(&["sub"], |sub| value::integer(sub, 0, 255))?;
                let sub = sub.unwrap_or(account.sub);
                let owner = AccountRef { sub: 0, ..account };
                return Ok((owner, Request::CreateSubAccount(sub)));
            }
            "transfer" => Request::Transfer {
                to: fields.need(&["to"], value::account)?,
                amount: fields.need(&["amount"], value::usd)?,
            },
            "withdraw" => Request::Withdraw(fields.need(&["amount"], value::usd)?),
            "register_agent" => Request::RegisterAgent {
                agent: fields.need(&["agent"], value::name)?,
                sub: fields.opt(&["sub"], |sub| value::integer(sub, 0, 255))?,
                instruments: fields
                    .opt(&["instruments"], |list| fields::list(list, value::instrument))?
                    .unwrap_or_default(),
                notional_max: fields.opt(&["notional_max", "max_notional"], value::usd)?,
                expires: fields.opt(&["expires"], value::time)?,
            },
            "revoke_agent" => Request::RevokeAgent(fields.need(&["agent"], value::name)?),
            "margin_mode" => {
                let modes =
                    &[("portfolio", MarginMode::Portfolio), ("standard", MarginMode::Standard)];
                let mode = |word: &Json| value::word(word, "margin mode", modes);
                Request::SetMarginMode(fields.need(&["mode"], mode)?)
            }
            "backstop_bid" => Request::Bid {
                account: fields.need(&["for", "of"], value::account)?,
                share: fields.need(&["share"], value::ppm)?,
                price_max: fields.opt(&["price_max", "max_price"], value::usd)?.unwrap_or(Usd::MAX),
            },
            "block_trade" => self.block_trade(fields)?,
            other => return Err(Problem::new(format!("unknown action `{other}`"))),
        };
        Ok((account, request))
    }

    fn batch(&mut self, account: &AccountRef, fields: &mut Fields) -> Parsed<Request> {
        let items = fields
            .need(&["items"], |items| objects(items, |item| self.batch_item(account, item)))?;
        Ok(Request::Batch(items))
    }

    fn batch_item(&mut self, account: &AccountRef, item: Json) -> Parsed<BatchSpec> {
        let Json::Object(entries) = item else {
            return Err(Problem::new(format!("expected an object, found {}", item.kind())));
        };
        let Some((action, mut fields)) = action_of(entries)? else {
            return Err(Problem::new("the item does nothing"));
        };
        let expect_error = fields.opt(&["expect_error"], expect::error_want)?;
        let own = Some(account.clone());
        let step = match action {
            "buy" | "sell" | "order" => {
                BatchStep::Place(Box::new(self.order(action, account, &mut fields)?))
            }
            "amend" => BatchStep::Amend(self.amend(&mut fields, own)?.0),
            "cancel" => BatchStep::Cancel(self.target(&mut fields, own)?.0),
            other => {
                let allowed = "allowed: buy, sell, order, amend, cancel";
                return Err(Problem::new(format!("`{other}` cannot stand in a batch; {allowed}")));
            }
        };
        fields.finish()?;
        Ok(BatchSpec { step, expect_error })
    }

    fn linked(&mut self, account: &AccountRef, fields: &mut Fields) -> Parsed<Request> {
        let kinds = &[
            ("oco", LinkKind::OneCancelsOther),
            ("oto", LinkKind::OneTriggersOther),
            ("otoco", LinkKind::OneTriggersOneCancelsOther),
            ("one_cancels_other", LinkKind::OneCancelsOther),
            ("one_triggers_other", LinkKind::OneTriggersOther),
            ("one_triggers_one_cancels_other", LinkKind::OneTriggersOneCancelsOther),
        ];
        let kind = fields.need(&["kind", "linked_order_type"], |kind| {
            value::word(kind, "kind of link", kinds)
        })?;
        let orders = fields.need(&["orders"], |orders| {
            objects(orders, |order| self.inner_order(account, order))
        })?;
        Ok(Request::Linked { kind, orders })
    }

    fn mass_quote(&mut self, account: &AccountRef, fields: &mut Fields) -> Parsed<Request> {
        let group = group(fields)?;
        let quotes = fields.need(&["quotes"], |quotes| {
            objects(quotes, |quote| {
                let mut fields = Fields::of(quote)?;
                let instrument = self.instrument(&mut fields)?;
                let bid = fields.opt(&["bid"], quote_side)?;
                let ask = fields.opt(&["ask"], quote_side)?;
                fields.finish()?;
                Ok(QuoteSpec { instrument, bid, ask })
            })
        })?;
        for quote in &quotes {
            let sides = [&quote.bid, &quote.ask].into_iter().flatten();
            for name in sides.filter_map(|side| side.name.as_deref()) {
                self.name_order(name, account, None)?;
            }
        }
        Ok(Request::MassQuote { group, quotes })
    }

    fn block_trade(&mut self, fields: &mut Fields) -> Parsed<Request> {
        let legs = fields.need(&["legs"], |legs| {
            objects(legs, |leg| {
                let mut fields = Fields::of(leg)?;
                let leg = LegSpec {
                    instrument: self.instrument(&mut fields)?,
                    lots: need_lots(&mut fields)?,
                    price: fields.need(&["price"], value::price)?,
                    buyer: fields.need(&["buyer"], value::account)?,
                    seller: fields.need(&["seller"], value::account)?,
                };
                fields.finish()?;
                Ok(leg)
            })
        })?;
        let agreed_until = fields.opt(&["agreed_until"], value::time)?;
        Ok(Request::BlockTrade {
            legs,
            agreed_until: agreed_until.unwrap_or(TimeSpec::After(TERMS_SPAN)),
            consents: fields.opt(&["consents"], |list| fields::list(list, value::account))?,
        })
    }
}

fn quote_side(value: &Json) -> Parsed<QuoteSideSpec> {
    if let Json::List(parts) = value {
        let [price, amount] = parts.as_slice() else {
            return Err(Problem::new("a side reads [price, amount]"));
        };
        let (price, lots) = (value::price(price)?, value::amount(amount)?);
        return Ok(QuoteSideSpec { price, lots, name: None });
    }
    let mut fields = Fields::of(value.clone())?;
    let side = QuoteSideSpec {
        price: fields.need(&["price"], value::price)?,
        lots: need_lots(&mut fields)?,
        name: fields.opt(&["as", "id"], value::name)?,
    };
    fields.finish()?;
    Ok(side)
}

fn cancel_all(fields: &mut Fields) -> Parsed<CancelAllSpec> {
    let instrument = fields.opt(&["instrument", "instrument_name"], value::instrument)?;
    let underlying = fields.opt(&["underlying"], value::ticker)?;
    let group = fields.opt(&["group", "mmp_group"], |group| value::integer(group, 0, 255))?;
    match (instrument, underlying, group) {
        (None, None, None) => Ok(CancelAllSpec::Account),
        (Some(instrument), None, None) => Ok(CancelAllSpec::Instrument(instrument)),
        (None, Some(underlying), None) => Ok(CancelAllSpec::Underlying(underlying)),
        (None, Some(underlying), Some(group)) => {
            Ok(CancelAllSpec::Group(underlying, lockstep_types::ids::GroupId(group)))
        }
        _ => Err(Problem::new(
            "say `instrument`, or `underlying`, or `underlying` and `group`, or none of them",
        )),
    }
}

fn set_mmp(fields: &mut Fields) -> Parsed<Request> {
    let trades = |count: &Json| value::integer::<u32>(count, 0, i64::from(u32::MAX));
    Ok(Request::SetProtection {
        underlying: fields.need(&["underlying"], value::ticker)?,
        group: group(fields)?,
        limits: ProtectionLimits {
            interval: fields.need(&["interval"], value::span)?,
            frozen_time: fields.opt(&["frozen_time"], value::span)?.unwrap_or(SpanMs::ZERO),
            lots_max: opt_lots(fields, &["quantity_limit"], &["lots_max"])?.unwrap_or(Lots::ZERO),
            delta_max: opt_lots(fields, &["delta_limit"], &["delta_lots_max"])?
                .unwrap_or(Lots::ZERO),
            vega_max: fields.opt(&["vega_limit"], value::usd)?.unwrap_or(Usd::ZERO),
            trades_max: fields.opt(&["trade_count_limit"], trades)?.unwrap_or(0),
        },
    })
}

fn nonce(value: &Json) -> Parsed<NonceSpec> {
    let Json::Text(text) = value else {
        return value::integer(value, 0, i64::MAX).map(NonceSpec::Exactly);
    };
    let text = text.trim();
    if text == "last" {
        return Ok(NonceSpec::Last);
    }
    if let Some(span) = text.strip_prefix('+') {
        return value::span_text(span).map(|span| NonceSpec::Clock(span.0));
    }
    if let Some(span) = text.strip_prefix('-') {
        return value::span_text(span).map(|span| NonceSpec::Clock(-span.0));
    }
    let number = text.parse().map(NonceSpec::Exactly);
    number.map_err(|_| {
        Problem::new("a nonce is a number, \"last\", or the clock and a span: \"+61s\", \"-5m\"")
    })
}
