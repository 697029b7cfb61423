//! Orders and their parts.

use super::{each, group, instrument_id, lots, order_id, price, time};
use lockstep_types::order::*;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

pub fn side() -> BoxedStrategy<Side> {
    each()
}

pub fn time_in_force() -> BoxedStrategy<TimeInForce> {
    prop_oneof![
        Just(TimeInForce::GoodTilCancelled),
        Just(TimeInForce::GoodTilDay),
        Just(TimeInForce::ImmediateOrCancel),
        Just(TimeInForce::FillOrKill),
        time().prop_map(TimeInForce::GoodTil),
    ]
    .boxed()
}

pub fn post_only() -> BoxedStrategy<PostOnly> {
    each()
}

pub fn self_trade() -> BoxedStrategy<SelfTrade> {
    each()
}

pub fn trigger_source() -> BoxedStrategy<TriggerSource> {
    each()
}

pub fn trigger_kind() -> BoxedStrategy<TriggerKind> {
    prop_oneof![
        price().prop_map(|price| TriggerKind::Stop { price }),
        price().prop_map(|price| TriggerKind::Take { price }),
        price().prop_map(|offset| TriggerKind::Trailing { offset }),
    ]
    .boxed()
}

pub fn trigger() -> BoxedStrategy<Trigger> {
    (trigger_source(), trigger_kind()).prop_map(|(source, kind)| Trigger { source, kind }).boxed()
}

/// Labels of any printable text, up to the limit in bytes.
pub fn label() -> BoxedStrategy<Label> {
    let letter = prop_oneof![any::<char>(), proptest::char::range(' ', '~')]
        .prop_filter("printable", |letter| !letter.is_control());
    (vec(letter, 1..=LABEL_BYTES_MAX), 1..=LABEL_BYTES_MAX)
        .prop_map(|(letters, bytes_max)| {
            let mut text: String = letters.into_iter().collect();
            while text.len() > bytes_max && text.chars().count() > 1 {
                text.pop();
            }
            Label::new(&text).expect("a legal label")
        })
        .boxed()
}

pub fn new_order() -> BoxedStrategy<NewOrder> {
    let what = (instrument_id(), side(), lots(), of(price()), time_in_force(), post_only());
    let how = (any::<bool>(), of(lots()), self_trade(), of(group()), of(trigger()), of(label()));
    (what, how)
        .prop_map(|(what, how)| {
            let (instrument, side, lots, price, time_in_force, post_only) = what;
            let (reduce_only, display, self_trade, protection, trigger, label) = how;
            NewOrder {
                instrument,
                side,
                lots,
                price,
                time_in_force,
                post_only,
                reduce_only,
                display,
                self_trade,
                protection,
                trigger,
                label,
            }
        })
        .boxed()
}

pub fn target() -> BoxedStrategy<OrderTarget> {
    prop_oneof![order_id().prop_map(OrderTarget::Id), label().prop_map(OrderTarget::Label)].boxed()
}

pub fn amend() -> BoxedStrategy<Amend> {
    (target(), of(lots()), of(price()), of(price()))
        .prop_map(|(target, lots, price, trigger_price)| Amend {
            target,
            lots,
            price,
            trigger_price,
        })
        .boxed()
}
