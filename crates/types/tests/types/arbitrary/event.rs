//! Events and rejections.

use super::command::{agent_scope, phase, phase_reason, phase_scope};
use super::order::{label, side};
use super::*;
use lockstep_types::event::*;
use proptest::option::of;

pub fn reject_code() -> BoxedStrategy<RejectCode> {
    proptest::sample::select(RejectCode::ALL).boxed()
}

pub fn reject() -> BoxedStrategy<Reject> {
    (reject_code(), int(), int())
        .prop_map(|(code, actual, limit)| Reject { code, actual, limit })
        .boxed()
}

pub fn cancel_reason() -> BoxedStrategy<CancelReason> {
    each()
}

pub fn trade_kind() -> BoxedStrategy<TradeKind> {
    each()
}

pub fn trade() -> BoxedStrategy<Trade> {
    let what = (trade_id(), instrument_id(), price(), lots(), side(), trade_kind());
    let who = (account(), account(), order_id(), order_id(), usd(), usd());
    (what, who)
        .prop_map(|(what, who)| {
            let (id, instrument, price, lots, taker_side, kind) = what;
            let (taker, maker, taker_order, maker_order, taker_fee, maker_fee) = who;
            Trade {
                id,
                instrument,
                price,
                lots,
                taker_side,
                taker,
                maker,
                taker_order,
                maker_order,
                taker_fee,
                maker_fee,
                kind,
            }
        })
        .boxed()
}

pub fn accepted() -> BoxedStrategy<Accepted> {
    (order_id(), account(), instrument_id(), side(), price(), lots())
        .prop_map(|(order, account, instrument, side, price, lots)| Accepted {
            order,
            account,
            instrument,
            side,
            price,
            lots,
        })
        .boxed()
}

pub fn event() -> BoxedStrategy<Event> {
    prop_oneof![order_event(), account_event(), market_event()].boxed()
}

fn order_event() -> BoxedStrategy<Event> {
    prop_oneof![
        (account(), any::<u16>(), reject()).prop_map(|(account, item, reject)| Event::Rejected {
            account,
            item,
            reject
        }),
        (any::<u16>(), reject()).prop_map(|(item, reject)| Event::SystemRejected { item, reject }),
        accepted().prop_map(Event::Accepted),
        (order_id(), label())
            .prop_map(|(order, label)| Event::Labelled { order, label: Box::new(label) }),
        (order_id(), lots(), lots()).prop_map(|(order, lots, visible)| Event::Booked {
            order,
            lots,
            visible
        }),
        (order_id(), price())
            .prop_map(|(order, trigger_price)| Event::Sleeping { order, trigger_price }),
        (order_id(), price()).prop_map(|(order, price)| Event::Triggered { order, price }),
        trade().prop_map(Event::Trade),
        (order_id(), lots()).prop_map(|(order, visible)| Event::Refreshed { order, visible }),
        (order_id(), price(), lots(), any::<bool>()).prop_map(
            |(order, price, lots, kept_priority)| Event::Amended {
                order,
                price,
                lots,
                kept_priority
            }
        ),
        (order_id(), account(), lots(), cancel_reason()).prop_map(
            |(order, account, lots, reason)| Event::Cancelled { order, account, lots, reason }
        ),
        (link(), any::<u8>()).prop_map(|(link, orders)| Event::Linked { link, orders }),
    ]
    .boxed()
}

fn account_event() -> BoxedStrategy<Event> {
    let tripped = (account(), underlying(), group(), time()).prop_map(
        |(account, underlying, group, until)| Event::ProtectionTripped {
            account,
            underlying,
            group,
            until,
        },
    );
    let registered = (signer(), signer(), agent_scope()).prop_map(|(owner, agent, scope)| {
        Event::AgentRegistered { owner, agent, scope: Box::new(scope) }
    });
    prop_oneof![
        tripped,
        (account(), underlying(), group()).prop_map(|(account, underlying, group)| {
            Event::ProtectionSet { account, underlying, group }
        }),
        (account(), of(time())).prop_map(|(account, at)| Event::CancelScheduled { account, at }),
        (account(), signer(), any::<u8>()).prop_map(|(account, owner, sub)| Event::AccountOpened {
            account,
            owner,
            sub
        }),
        (account(), usd()).prop_map(|(account, amount)| Event::Deposited { account, amount }),
        (account(), usd()).prop_map(|(account, amount)| Event::Withdrawn { account, amount }),
        (account(), account(), usd()).prop_map(|(from, to, amount)| Event::Transferred {
            from,
            to,
            amount
        }),
        registered,
        (signer(), signer()).prop_map(|(owner, agent)| Event::AgentRevoked { owner, agent }),
        (account(), any::<bool>())
            .prop_map(|(account, portfolio)| Event::MarginModeSet { account, portfolio }),
        (account(), usd(), usd()).prop_map(|(account, equity, maintenance)| {
            Event::LiquidationStarted { account, equity, maintenance }
        }),
        (account(), usd(), usd()).prop_map(|(account, equity, maintenance)| {
            Event::LiquidationEnded { account, equity, maintenance }
        }),
    ]
    .boxed()
}

fn market_event() -> BoxedStrategy<Event> {
    prop_oneof![
        underlying().prop_map(|underlying| Event::UnderlyingAdded { underlying }),
        (instrument_id(), instrument_name())
            .prop_map(|(instrument, name)| Event::Listed { instrument, name: Box::new(name) }),
        (instrument_id(), price())
            .prop_map(|(instrument, price)| Event::Expired { instrument, price }),
        (account(), instrument_id(), lots(), usd()).prop_map(
            |(account, instrument, lots, amount)| Event::Settled {
                account,
                instrument,
                lots,
                amount
            }
        ),
        (underlying(), price(), ppm()).prop_map(|(underlying, price, confidence)| Event::Index {
            underlying,
            price,
            confidence
        }),
        (underlying(), any::<bool>())
            .prop_map(|(underlying, stale)| Event::Stale { underlying, stale }),
        (instrument_id(), int(), price()).prop_map(|(instrument, rate_8h_ppb, index)| {
            Event::FundingRate { instrument, rate_8h_ppb, index }
        }),
        (account(), instrument_id(), usd()).prop_map(|(account, instrument, amount)| {
            Event::FundingPaid { account, instrument, amount }
        }),
        (phase_scope(), phase(), phase_reason())
            .prop_map(|(scope, phase, reason)| Event::PhaseChanged { scope, phase, reason }),
        (instrument_id(), price(), lots(), lots()).prop_map(
            |(instrument, price, lots, imbalance)| Event::Uncrossed {
                instrument,
                price,
                lots,
                imbalance
            }
        ),
        usd().prop_map(|per_unit| Event::BaseFee { per_unit }),
        Just(Event::ParametersSet),
        risk_event(),
    ]
    .boxed()
}

fn risk_event() -> BoxedStrategy<Event> {
    let latency = (underlying(), span(), span(), any::<u32>(), int(), int(), ppm(), ppm());
    let slice = (account(), account(), ppm(), usd(), usd());
    let closed = (account(), instrument_id(), lots(), price(), price(), usd());
    prop_oneof![
        (account(), of(underlying()), usd()).prop_map(|(account, underlying, amount)| {
            Event::InsurancePaid { account, underlying, amount }
        }),
        latency.prop_map(
            |(underlying, age, finality, queue, now_us, slow_us, initial, maintenance)| {
                Event::Latency {
                    underlying,
                    age,
                    finality,
                    queue,
                    now_us,
                    slow_us,
                    initial,
                    maintenance,
                }
            }
        ),
        (account(), usd(), usd()).prop_map(|(account, equity, maintenance)| {
            Event::BackstopStarted { account, equity, maintenance }
        }),
        slice.prop_map(|(account, bidder, share, price, cash)| Event::BackstopTaken {
            account,
            bidder,
            share,
            price,
            cash
        }),
        closed.prop_map(|(account, instrument, lots, price, mark, uncovered)| {
            Event::Deleveraged { account, instrument, lots, price, mark, uncovered }
        }),
        (account(), usd()).prop_map(|(account, amount)| Event::ValidatorsPaid { account, amount }),
    ]
    .boxed()
}
