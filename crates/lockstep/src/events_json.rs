//! Events as JSON: human decimals, UTC times and names instead of the engine's integers.
//!
//! `lockstep replay --events` writes one such object per line, and scenarios match their
//! expectations against the same objects, so that what is shown is what can be expected.
//! [`KINDS`] is the whole vocabulary. Deliberately absent: reading events back; the canonical
//! encoding of `lockstep_types` is the format for machines.

use crate::json::Json;
use crate::scenario::names::Names;
use crate::scenario::value::{AMOUNT_PLACES, PPB_PLACES, PPM_PLACES, PRICE_PLACES, show_time};
use lockstep_types::command::{AgentScope, Phase, PhaseReason, PhaseScope};
use lockstep_types::decimal::Decimal;
use lockstep_types::event::{Accepted, CancelReason, Trade, TradeKind};
use lockstep_types::ids::{AccountId, InstrumentId, OrderId, SignerId, UnderlyingId};
use lockstep_types::reject::Reject;
use lockstep_types::{Event, Lots, Price, Side, TimeMs, Usd};

/// Every kind of event and its fields, as they are written.
pub const KINDS: &[(&str, &[&str])] = &[
    ("rejected", &["account", "item", "rule", "code", "field", "message", "actual", "limit"]),
    ("system_rejected", &["item", "rule", "code", "field", "message", "actual", "limit"]),
    ("accepted", &["order", "account", "instrument", "side", "price", "amount"]),
    ("labelled", &["order", "label"]),
    ("booked", &["order", "amount", "visible"]),
    ("sleeping", &["order", "trigger_price"]),
    ("triggered", &["order", "price"]),
    (
        "trade",
        &[
            "id",
            "instrument",
            "price",
            "amount",
            "side",
            "taker",
            "maker",
            "taker_order",
            "maker_order",
            "taker_fee",
            "maker_fee",
            "kind",
        ],
    ),
    ("refreshed", &["order", "visible"]),
    ("amended", &["order", "price", "amount", "kept_priority"]),
    ("cancelled", &["order", "account", "amount", "reason"]),
    ("linked", &["link", "orders"]),
    ("protection_tripped", &["account", "underlying", "group", "until"]),
    ("protection_set", &["account", "underlying", "group"]),
    ("cancel_scheduled", &["account", "cancel_at"]),
    ("account_opened", &["account", "owner", "sub"]),
    ("deposited", &["account", "amount"]),
    ("withdrawn", &["account", "amount"]),
    ("transferred", &["from", "to", "amount"]),
    ("agent_registered", &["owner", "agent", "sub", "instruments", "notional_max", "expires"]),
    ("agent_revoked", &["owner", "agent"]),
    ("margin_mode_set", &["account", "mode"]),
    ("underlying_added", &["underlying"]),
    ("listed", &["instrument"]),
    ("expired", &["instrument", "price"]),
    ("settled", &["account", "instrument", "position", "amount"]),
    ("index", &["underlying", "price", "confidence"]),
    ("stale", &["underlying", "stale"]),
    ("funding_rate", &["instrument", "rate_8h", "index"]),
    ("funding_paid", &["account", "instrument", "amount"]),
    ("phase_changed", &["scope", "phase", "reason"]),
    ("uncrossed", &["instrument", "price", "amount", "imbalance"]),
    ("liquidation_started", &["account", "equity", "maintenance"]),
    ("liquidation_ended", &["account", "equity", "maintenance"]),
    ("base_fee", &["per_unit"]),
    ("parameters_set", &[]),
    ("insurance_paid", &["account", "fund", "amount"]),
    (
        "latency",
        &["underlying", "age", "finality", "queue", "now", "slow", "initial", "maintenance"],
    ),
    ("backstop_started", &["account", "equity", "maintenance"]),
    ("backstop_taken", &["account", "bidder", "share", "price", "cash"]),
    ("deleveraged", &["account", "instrument", "position", "price", "mark", "uncovered"]),
];

/// Why an order was cancelled, in a word.
pub const fn cancel_reason(reason: CancelReason) -> &'static str {
    match reason {
        CancelReason::Request => "request",
        CancelReason::ImmediateRest => "immediate_rest",
        CancelReason::SelfTrade => "self_trade",
        CancelReason::TimeInForce => "time_in_force",
        CancelReason::DeadMan => "dead_man",
        CancelReason::Protection => "protection",
        CancelReason::Replaced => "replaced",
        CancelReason::Linked => "linked",
        CancelReason::ReduceOnly => "reduce_only",
        CancelReason::Amended => "amended",
        CancelReason::Liquidation => "liquidation",
        CancelReason::Margin => "margin",
        CancelReason::Expiry => "expiry",
        CancelReason::Phase => "phase",
        CancelReason::Limit => "limit",
    }
}

/// The words of [`cancel_reason`].
pub const CANCEL_REASONS: &[&str] = &[
    "request",
    "immediate_rest",
    "self_trade",
    "time_in_force",
    "dead_man",
    "protection",
    "replaced",
    "linked",
    "reduce_only",
    "amended",
    "liquidation",
    "margin",
    "expiry",
    "phase",
    "limit",
];

/// A side, in a word.
pub const fn side(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

/// A phase, in a word.
pub const fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Continuous => "continuous",
        Phase::ReduceOnly => "reduce_only",
        Phase::Auction => "auction",
        Phase::Halted => "halted",
    }
}

const fn phase_reason(reason: PhaseReason) -> &'static str {
    match reason {
        PhaseReason::Scheduled => "scheduled",
        PhaseReason::Outage => "outage",
        PhaseReason::Prices => "prices",
        PhaseReason::Emergency => "emergency",
        PhaseReason::Latency => "latency",
    }
}

const fn trade_kind(kind: TradeKind) -> &'static str {
    match kind {
        TradeKind::Continuous => "continuous",
        TradeKind::Auction => "auction",
        TradeKind::Block => "block",
        TradeKind::Liquidation => "liquidation",
        TradeKind::Backstop => "backstop",
        TradeKind::Deleverage => "deleverage",
    }
}

/// The kind of an event, in a word.
pub const fn kind(event: &Event) -> &'static str {
    match event {
        Event::Rejected { .. } => "rejected",
        Event::SystemRejected { .. } => "system_rejected",
        Event::Accepted(_) => "accepted",
        Event::Labelled { .. } => "labelled",
        Event::Booked { .. } => "booked",
        Event::Sleeping { .. } => "sleeping",
        Event::Triggered { .. } => "triggered",
        Event::Trade(_) => "trade",
        Event::Refreshed { .. } => "refreshed",
        Event::Amended { .. } => "amended",
        Event::Cancelled { .. } => "cancelled",
        Event::Linked { .. } => "linked",
        Event::ProtectionTripped { .. } => "protection_tripped",
        Event::ProtectionSet { .. } => "protection_set",
        Event::CancelScheduled { .. } => "cancel_scheduled",
        Event::AccountOpened { .. } => "account_opened",
        Event::Deposited { .. } => "deposited",
        Event::Withdrawn { .. } => "withdrawn",
        Event::ValidatorsPaid { .. } => "validators_paid",
        Event::Transferred { .. } => "transferred",
        Event::AgentRegistered { .. } => "agent_registered",
        Event::AgentRevoked { .. } => "agent_revoked",
        Event::MarginModeSet { .. } => "margin_mode_set",
        Event::UnderlyingAdded { .. } => "underlying_added",
        Event::Listed { .. } => "listed",
        Event::Expired { .. } => "expired",
        Event::Settled { .. } => "settled",
        Event::Index { .. } => "index",
        Event::Stale { .. } => "stale",
        Event::FundingRate { .. } => "funding_rate",
        Event::FundingPaid { .. } => "funding_paid",
        Event::PhaseChanged { .. } => "phase_changed",
        Event::Uncrossed { .. } => "uncrossed",
        Event::LiquidationStarted { .. } => "liquidation_started",
        Event::LiquidationEnded { .. } => "liquidation_ended",
        Event::BaseFee { .. } => "base_fee",
        Event::ParametersSet => "parameters_set",
        Event::InsurancePaid { .. } => "insurance_paid",
        Event::Latency { .. } => "latency",
        Event::BackstopStarted { .. } => "backstop_started",
        Event::BackstopTaken { .. } => "backstop_taken",
        Event::Deleveraged { .. } => "deleveraged",
    }
}

/// An event with the block it happened in.
pub fn to_json_in_block(event: &Event, height: u64, time: TimeMs, names: &Names) -> Json {
    let mut fields = vec![
        ("height".to_string(), Json::number(height)),
        ("time".to_string(), Json::text(show_time(time))),
    ];
    if let Json::Object(own) = to_json(event, names) {
        fields.extend(own);
    }
    Json::Object(fields)
}

/// An event as an object; the field `event` says of which kind.
pub fn to_json(event: &Event, names: &Names) -> Json {
    let mut line = Line { names, fields: Vec::new() };
    line.put("event", Json::text(kind(event)));
    line.event(event);
    Json::Object(line.fields)
}

/// The object that is being written.
struct Line<'a> {
    names: &'a Names,
    fields: Vec<(String, Json)>,
}

impl Line<'_> {
    fn put(&mut self, name: &str, value: Json) -> &mut Self {
        self.fields.push((name.to_string(), value));
        self
    }

    fn decimal(&mut self, name: &str, value: i64, places: u32) -> &mut Self {
        self.put(name, Json::number(Decimal { value, places }))
    }

    fn price(&mut self, name: &str, price: Price) -> &mut Self {
        self.decimal(name, price.0, PRICE_PLACES)
    }

    fn usd(&mut self, name: &str, amount: Usd) -> &mut Self {
        self.decimal(name, amount.0, PRICE_PLACES)
    }

    fn lots(&mut self, name: &str, lots: Lots) -> &mut Self {
        self.decimal(name, lots.0, AMOUNT_PLACES)
    }

    fn time(&mut self, name: &str, time: Option<TimeMs>) -> &mut Self {
        let value = time.map_or(Json::Null, |time| Json::text(show_time(time)));
        self.put(name, value)
    }

    fn account(&mut self, name: &str, id: AccountId) -> &mut Self {
        let text = self.names.account(id);
        self.put(name, Json::text(text))
    }

    fn signer(&mut self, name: &str, id: SignerId) -> &mut Self {
        let text = self.names.signer(id);
        self.put(name, Json::text(text))
    }

    fn order(&mut self, name: &str, id: OrderId) -> &mut Self {
        let text = self.names.order(id);
        self.put(name, Json::text(text))
    }

    fn instrument(&mut self, id: InstrumentId) -> &mut Self {
        let text = self.names.instrument(id);
        self.put("instrument", Json::text(text))
    }

    fn underlying(&mut self, id: UnderlyingId) -> &mut Self {
        let text = self.names.underlying(id);
        self.put("underlying", Json::text(text))
    }

    /// Whose insurance fund.
    fn fund(&mut self, underlying: Option<UnderlyingId>) -> &mut Self {
        let text = underlying.map_or("shared".to_string(), |id| self.names.underlying(id));
        self.put("fund", Json::text(text))
    }

    fn reject(&mut self, item: u16, reject: Reject) {
        self.put("item", Json::number(item));
        self.put("rule", Json::text(reject.code.rule()));
        self.put("code", Json::text(reject.code.name()));
        self.put("field", Json::text(reject.code.field()));
        self.put("message", Json::text(reject.code.message()));
        self.put("actual", Json::number(reject.actual));
        self.put("limit", Json::number(reject.limit));
    }

    fn accepted(&mut self, accepted: &Accepted) {
        self.order("order", accepted.order);
        self.account("account", accepted.account).instrument(accepted.instrument);
        self.put("side", Json::text(side(accepted.side)));
        self.price("price", accepted.price).lots("amount", accepted.lots);
    }

    fn trade(&mut self, trade: &Trade) {
        self.put("id", Json::number(trade.id.0)).instrument(trade.instrument);
        self.price("price", trade.price).lots("amount", trade.lots);
        self.put("side", Json::text(side(trade.taker_side)));
        self.account("taker", trade.taker).account("maker", trade.maker);
        let kinds = [TradeKind::Block, TradeKind::Backstop, TradeKind::Deleverage];
        if kinds.contains(&trade.kind) {
            // These have no orders.
            self.put("taker_order", Json::Null).put("maker_order", Json::Null);
        } else {
            self.order("taker_order", trade.taker_order).order("maker_order", trade.maker_order);
        }
        self.usd("taker_fee", trade.taker_fee).usd("maker_fee", trade.maker_fee);
        self.put("kind", Json::text(trade_kind(trade.kind)));
    }

    fn agent(&mut self, owner: SignerId, agent: SignerId, scope: &AgentScope) {
        self.signer("owner", owner).signer("agent", agent);
        self.put("sub", scope.sub.map_or(Json::Null, Json::number));
        let instruments = scope.instruments.iter().map(|id| self.names.instrument(*id));
        let instruments = instruments.map(Json::Text).collect();
        self.put("instruments", Json::List(instruments));
        let notional = scope
            .notional_max
            .map_or(Json::Null, |usd| Json::number(Decimal { value: usd.0, places: PRICE_PLACES }));
        self.put("notional_max", notional).time("expires", scope.expires);
    }

    /// What happens to orders; everything else is [`Line::venue_event`]'s.
    fn event(&mut self, event: &Event) {
        match event {
            Event::Rejected { account, item, reject } => {
                self.account("account", *account).reject(*item, *reject);
            }
            Event::SystemRejected { item, reject } => {
                self.reject(*item, *reject);
            }
            Event::Accepted(accepted) => self.accepted(accepted),
            Event::Labelled { order, label } => {
                self.order("order", *order);
                self.put("label", Json::text(label.as_str()));
            }
            Event::Booked { order, lots, visible } => {
                self.order("order", *order);
                self.lots("amount", *lots).lots("visible", *visible);
            }
            Event::Sleeping { order, trigger_price } => {
                self.order("order", *order).price("trigger_price", *trigger_price);
            }
            Event::Triggered { order, price } => {
                self.order("order", *order).price("price", *price);
            }
            Event::Trade(trade) => self.trade(trade),
            Event::Refreshed { order, visible } => {
                self.order("order", *order).lots("visible", *visible);
            }
            Event::Amended { order, price, lots, kept_priority } => {
                self.order("order", *order);
                self.price("price", *price).lots("amount", *lots);
                self.put("kept_priority", Json::Bool(*kept_priority));
            }
            Event::Cancelled { order, account, lots, reason } => {
                self.order("order", *order).account("account", *account);
                self.lots("amount", *lots);
                self.put("reason", Json::text(cancel_reason(*reason)));
            }
            Event::Linked { link, orders } => {
                self.put("link", Json::number(link.0));
                self.put("orders", Json::number(orders));
            }
            other => self.account_event(other),
        }
    }

    /// What happens to accounts.
    fn account_event(&mut self, event: &Event) {
        match event {
            Event::ProtectionTripped { account, underlying, group, until } => {
                self.account("account", *account);
                self.underlying(*underlying).put("group", Json::number(group.0));
                self.time("until", Some(*until));
            }
            Event::ProtectionSet { account, underlying, group } => {
                self.account("account", *account);
                self.underlying(*underlying).put("group", Json::number(group.0));
            }
            Event::CancelScheduled { account, at } => {
                self.account("account", *account).time("cancel_at", *at);
            }
            Event::AccountOpened { account, owner, sub } => {
                self.account("account", *account);
                self.signer("owner", *owner).put("sub", Json::number(sub));
            }
            Event::Deposited { account, amount }
            | Event::Withdrawn { account, amount }
            | Event::ValidatorsPaid { account, amount } => {
                self.account("account", *account).usd("amount", *amount);
            }
            Event::Transferred { from, to, amount } => {
                self.account("from", *from).account("to", *to);
                self.usd("amount", *amount);
            }
            Event::AgentRegistered { owner, agent, scope } => self.agent(*owner, *agent, scope),
            Event::AgentRevoked { owner, agent } => {
                self.signer("owner", *owner).signer("agent", *agent);
            }
            Event::MarginModeSet { account, portfolio } => {
                self.account("account", *account);
                self.put("mode", Json::text(if *portfolio { "portfolio" } else { "standard" }));
            }
            Event::Settled { account, instrument, lots, amount } => {
                self.account("account", *account).instrument(*instrument);
                self.lots("position", *lots).usd("amount", *amount);
            }
            Event::FundingPaid { account, instrument, amount } => {
                self.account("account", *account).instrument(*instrument);
                self.usd("amount", *amount);
            }
            Event::InsurancePaid { account, underlying, amount } => {
                self.account("account", *account).fund(*underlying).usd("amount", *amount);
            }
            Event::BackstopStarted { account, equity, maintenance } => {
                self.account("account", *account);
                self.usd("equity", *equity).usd("maintenance", *maintenance);
            }
            Event::BackstopTaken { account, bidder, share, price, cash } => {
                self.account("account", *account).account("bidder", *bidder);
                self.decimal("share", share.0, PPM_PLACES);
                self.usd("price", *price).usd("cash", *cash);
            }
            Event::Deleveraged { account, instrument, lots, price, mark, uncovered } => {
                self.account("account", *account).instrument(*instrument);
                self.lots("position", *lots).price("price", *price).price("mark", *mark);
                self.usd("uncovered", *uncovered);
            }
            Event::LiquidationStarted { account, equity, maintenance } => {
                self.account("account", *account);
                self.usd("equity", *equity).usd("maintenance", *maintenance);
            }
            Event::LiquidationEnded { account, equity, maintenance } => {
                self.account("account", *account);
                self.usd("equity", *equity).usd("maintenance", *maintenance);
            }
            other => self.venue_event(other),
        }
    }

    /// What happens to the venue.
    fn venue_event(&mut self, event: &Event) {
        match event {
            Event::UnderlyingAdded { underlying } => {
                self.underlying(*underlying);
            }
            Event::Listed { name, .. } => {
                self.put("instrument", Json::text(name.to_string()));
            }
            Event::Expired { instrument, price } => {
                self.instrument(*instrument).price("price", *price);
            }
            Event::Index { underlying, price, confidence } => {
                self.underlying(*underlying).price("price", *price);
                self.decimal("confidence", confidence.0, PPM_PLACES);
            }
            Event::Latency {
                underlying,
                age,
                finality,
                queue,
                now_us,
                slow_us,
                initial,
                maintenance,
            } => {
                self.underlying(*underlying);
                self.decimal("age", age.0, 3).decimal("finality", finality.0, 3);
                self.put("queue", Json::number(*queue));
                self.decimal("now", *now_us, 6).decimal("slow", *slow_us, 6);
                self.decimal("initial", initial.0, PPM_PLACES);
                self.decimal("maintenance", maintenance.0, PPM_PLACES);
            }
            Event::Stale { underlying, stale } => {
                self.underlying(*underlying).put("stale", Json::Bool(*stale));
            }
            Event::FundingRate { instrument, rate_8h_ppb, index } => {
                self.instrument(*instrument);
                self.decimal("rate_8h", *rate_8h_ppb, PPB_PLACES).price("index", *index);
            }
            Event::PhaseChanged { scope, phase: new, reason } => {
                let scope = match scope {
                    PhaseScope::Venue => "venue".to_string(),
                    PhaseScope::Underlying(id) => self.names.underlying(*id),
                    PhaseScope::Instrument(id) => self.names.instrument(*id),
                };
                self.put("scope", Json::text(scope));
                self.put("phase", Json::text(phase(*new)));
                self.put("reason", Json::text(phase_reason(*reason)));
            }
            Event::Uncrossed { instrument, price, lots, imbalance } => {
                self.instrument(*instrument).price("price", *price);
                self.lots("amount", *lots).lots("imbalance", *imbalance);
            }
            Event::BaseFee { per_unit } => {
                self.usd("per_unit", *per_unit);
            }
            // Those of orders and accounts have been written above; one has no fields.
            _ => {}
        }
    }
}
