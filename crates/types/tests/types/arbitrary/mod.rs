//! Generators of every type that has an encoding. They aim at the edges of integers and lists, not
//! at what the exchange would accept: the encoding must carry everything.

pub mod chain;
pub mod command;
pub mod event;
pub mod order;
pub mod params;

use lockstep_types::codec::{Bounded, Decode};
use lockstep_types::ids::{GroupId, LinkId, ReporterId, TradeId};
use lockstep_types::instrument::{Contract, InstrumentName, OptionSide, Ticker, expiry_of_date};
use lockstep_types::*;
use proptest::collection::vec;
use proptest::prelude::*;

/// Integers, the edges more often than chance.
pub fn int() -> BoxedStrategy<i64> {
    let edges = [0, 1, -1, i64::MAX, i64::MIN, 1_000_000, i64::from(u32::MAX)];
    prop_oneof![any::<i64>(), -10_000..10_000_i64, proptest::sample::select(edges.to_vec())].boxed()
}

/// The values of an enum without fields: whatever a single byte decodes to.
pub fn each<T: Decode + Clone + std::fmt::Debug + 'static>() -> BoxedStrategy<T> {
    let values: Vec<T> = (0..=255).filter_map(|tag| T::from_bytes(&[tag]).ok()).collect();
    proptest::sample::select(values).boxed()
}

pub fn usd() -> BoxedStrategy<Usd> {
    int().prop_map(Usd).boxed()
}

pub fn price() -> BoxedStrategy<Price> {
    int().prop_map(Price).boxed()
}

pub fn lots() -> BoxedStrategy<Lots> {
    int().prop_map(Lots).boxed()
}

pub fn ppm() -> BoxedStrategy<Ppm> {
    int().prop_map(Ppm).boxed()
}

pub fn vol() -> BoxedStrategy<Vol> {
    int().prop_map(Vol).boxed()
}

pub fn time() -> BoxedStrategy<TimeMs> {
    int().prop_map(TimeMs).boxed()
}

pub fn span() -> BoxedStrategy<SpanMs> {
    int().prop_map(SpanMs).boxed()
}

pub fn account() -> BoxedStrategy<AccountId> {
    any::<u32>().prop_map(AccountId).boxed()
}

pub fn signer() -> BoxedStrategy<SignerId> {
    any::<u32>().prop_map(SignerId).boxed()
}

pub fn instrument_id() -> BoxedStrategy<InstrumentId> {
    any::<u32>().prop_map(InstrumentId).boxed()
}

pub fn underlying() -> BoxedStrategy<UnderlyingId> {
    any::<u8>().prop_map(UnderlyingId).boxed()
}

pub fn reporter() -> BoxedStrategy<ReporterId> {
    any::<u16>().prop_map(ReporterId).boxed()
}

pub fn group() -> BoxedStrategy<GroupId> {
    any::<u8>().prop_map(GroupId).boxed()
}

pub fn trade_id() -> BoxedStrategy<TradeId> {
    any::<u64>().prop_map(TradeId).boxed()
}

pub fn link() -> BoxedStrategy<LinkId> {
    any::<u64>().prop_map(LinkId).boxed()
}

pub fn order_id() -> BoxedStrategy<OrderId> {
    any::<u64>().prop_map(OrderId).boxed()
}

pub fn bytes_32() -> BoxedStrategy<[u8; 32]> {
    proptest::array::uniform32(any::<u8>()).boxed()
}

pub fn bytes_64() -> BoxedStrategy<[u8; 64]> {
    proptest::array::uniform::<_, 64>(any::<u8>()).boxed()
}

/// A short list, or now and then a full one when its elements are small.
pub fn list<T: std::fmt::Debug, const LIMIT: usize>(
    element: impl Strategy<Value = T>,
    len_max: usize,
) -> impl Strategy<Value = Bounded<T, LIMIT>> {
    vec(element, 0..=len_max.min(LIMIT)).prop_map(|list| Bounded::new(list).expect("short"))
}

pub fn ticker() -> BoxedStrategy<Ticker> {
    let alphabet: Vec<u8> = (b'A'..=b'Z').chain(b'0'..=b'9').collect();
    let rest = vec(proptest::sample::select(alphabet), 0..=7);
    (b'A'..=b'Z', rest)
        .prop_map(|(first, rest)| {
            let text: String = std::iter::once(first).chain(rest).map(char::from).collect();
            Ticker::new(&text).expect("one to eight capital letters or digits")
        })
        .boxed()
}

/// Any contract, with a name or without.
pub fn contract() -> BoxedStrategy<Contract> {
    let side = each::<OptionSide>();
    prop_oneof![
        Just(Contract::Perpetual),
        time().prop_map(|expiry| Contract::Future { expiry }),
        (time(), price(), side).prop_map(|(expiry, strike, side)| Contract::Option {
            expiry,
            strike,
            side
        }),
    ]
    .boxed()
}

pub fn instrument_name() -> BoxedStrategy<InstrumentName> {
    (ticker(), prop_oneof![contract(), named_contract()])
        .prop_map(|(underlying, contract)| InstrumentName { underlying, contract })
        .boxed()
}

/// A contract that has a name: dates from 2000 to 2099, positive strikes.
pub fn named_contract() -> BoxedStrategy<Contract> {
    let days = 36_525_i64;
    let expiry =
        (0..days).prop_map(|day| expiry_of_date(2000, 1, 1).plus(SpanMs(day * 86_400_000)));
    let cents = (1..10_000_000_i64).prop_map(|cents| cents * 10_000);
    let strike = prop_oneof![1..=i64::MAX, 1..=200_000_000_000_i64, cents].prop_map(Price);
    let side = each::<OptionSide>();
    prop_oneof![
        Just(Contract::Perpetual),
        expiry.clone().prop_map(|expiry| Contract::Future { expiry }),
        (expiry, strike, side).prop_map(|(expiry, strike, side)| Contract::Option {
            expiry,
            strike,
            side
        }),
    ]
    .boxed()
}

pub fn named_instrument() -> BoxedStrategy<InstrumentName> {
    (ticker(), named_contract())
        .prop_map(|(underlying, contract)| InstrumentName { underlying, contract })
        .boxed()
}
