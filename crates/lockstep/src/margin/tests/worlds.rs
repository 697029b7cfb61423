//! Random markets and accounts, and both shapes of file written from them.

use crate::margin::model::{Case, Document, Instrument, Kind, Order, Params, Position, World};
use crate::margin::read::params::{Entry, PORTFOLIO, STANDARD, Unit};
use lockstep_exchange::formula::OptionSide;
use lockstep_types::decimal::Decimal;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const UNDERLYINGS: [&str; 2] = ["BTC", "ETH"];
const DAY_S: i64 = 86_400;

fn any_price() -> impl Strategy<Value = i64> {
    prop_oneof![1_i64..200_000_000_000, 1_i64..5_000_000]
}

fn any_side() -> impl Strategy<Value = OptionSide> {
    prop_oneof![Just(OptionSide::Call), Just(OptionSide::Put)]
}

fn any_instrument() -> impl Strategy<Value = Instrument> {
    let option =
        || (any_price(), any_side()).prop_map(|(strike, side)| Kind::Option { strike, side });
    let kind = prop_oneof![Just(Kind::Perpetual), Just(Kind::Future), option(), option()];
    let array = proptest::array::uniform32(-2_000_000_i32..2_000_000);
    (
        kind,
        0..2_usize,
        0..400 * DAY_S,
        any_price(),
        0..3_000_000_000_i64,
        of(any_price()),
        of(array),
    )
        .prop_map(|(kind, underlying, seconds, forward, vol_e9, mark, array)| {
            let linear = !kind.is_option();
            Instrument {
                id: String::new(),
                underlying: UNDERLYINGS[underlying].to_owned(),
                kind,
                seconds: if kind == Kind::Perpetual { 0 } else { seconds },
                forward: Some(forward),
                vol_e9: (!linear).then_some(vol_e9),
                mark: if linear { Some(forward) } else { mark },
                array: array.map(|entries: [i32; 32]| {
                    let mut array = [0; 33];
                    array[..32].copy_from_slice(&entries);
                    Box::new(array)
                }),
            }
        })
}

/// Parameters with some of them moved within their limits.
fn any_params() -> impl Strategy<Value = Params> {
    let moves = vec(of(0.0..1.0_f64), PORTFOLIO.len() + STANDARD.len());
    moves.prop_map(|moves| {
        let mut params = Params::default();
        for (entry, part) in PORTFOLIO.iter().chain(&STANDARD).zip(moves) {
            // The first half percent of the range, so that sums fit.
            let (Some(part), false) = (part, entry.key.is_empty()) else { continue };
            let span = (entry.max - entry.min).min(5_000_000) as f64;
            *(entry.place)(&mut params) = entry.min + (span * part) as i64;
        }
        params
    })
}

/// A market with one account.
pub fn any_world() -> impl Strategy<Value = World> {
    let held =
        vec((any::<prop::sample::Index>(), -1_000_000..1_000_000_i64, of(any_price())), 0..6);
    let size = prop_oneof![-1_000_000..0_i64, 1..1_000_000_i64];
    let orders = vec((any::<prop::sample::Index>(), size, any_price()), 0..5);
    let times = (0..600_000_000_i64, 0..600_000_000_i64, 0..=1_000_000_i64);
    let spots = (any_price(), any_price());
    let cash = -1_000_000_000_000..1_000_000_000_000_i64;
    (spots, any_params(), vec(any_instrument(), 1..8), held, orders, times, cash).prop_map(
        |(spots, params, mut instruments, held, orders, times, cash)| {
            for (number, instrument) in instruments.iter_mut().enumerate() {
                instrument.id = format!("instrument {number}");
            }
            let mut positions: Vec<Position> = Vec::new();
            for (index, lots, entry) in held {
                let instrument = index.index(instruments.len());
                if positions.iter().all(|other| other.instrument != instrument) {
                    positions.push(Position { instrument, lots, entry });
                }
            }
            // `serde_json` writes objects in the order of their names.
            positions.sort_by_key(|position| position.instrument);
            let orders = orders.into_iter().map(|(index, lots, limit)| Order {
                instrument: index.index(instruments.len()),
                lots,
                limit,
            });
            let case = Case {
                name: "some account".to_owned(),
                cash,
                positions,
                orders: orders.collect(),
                slow_us: times.0,
                now_us: times.1,
                confidence_ppm: times.2,
                params: None,
                expect: None,
            };
            World {
                spots: UNDERLYINGS.map(str::to_owned).into_iter().zip([spots.0, spots.1]).collect(),
                params,
                instruments,
                cases: vec![case],
            }
        },
    )
}

/// The document that a world's text should read as.
pub fn document(world: &World) -> Document {
    Document { single: true, worlds: vec![world.clone()] }
}

/// A world with one account in the vectors' shape.
pub fn as_integers(world: &World) -> Value {
    let case = &world.cases[0];
    let id = |at: usize| world.instruments[at].id.clone();
    let instruments = world.instruments.iter().map(|instrument| {
        let kind = match instrument.kind {
            Kind::Perpetual => "PERP",
            Kind::Future => "FUT",
            Kind::Option { .. } => "OPT",
        };
        let mut fields = json!({
            "id": instrument.id, "u": instrument.underlying, "kind": kind,
            "T": instrument.seconds, "F": instrument.forward,
        });
        if let Kind::Option { strike, side } = instrument.kind {
            fields["K"] = json!(strike);
            fields["cp"] = json!(if side == OptionSide::Call { "C" } else { "P" });
            fields["vol"] = json!(instrument.vol_e9);
        }
        if let Some(mark) = instrument.mark {
            fields["mark"] = json!(mark);
        }
        if let Some(array) = &instrument.array {
            fields["risk_array"] = json!(array.to_vec());
        }
        fields
    });
    let positions = case.positions.iter();
    let pos: Map<_, _> =
        positions.clone().map(|one| (id(one.instrument), json!(one.lots))).collect();
    let entry: Map<_, _> =
        positions.filter_map(|one| Some((id(one.instrument), json!(one.entry?)))).collect();
    let orders = case.orders.iter().map(|order| {
        let side = if order.lots > 0 { "B" } else { "S" };
        json!([id(order.instrument), side, order.lots.abs(), order.limit])
    });
    let params: Map<_, _> = PORTFOLIO
        .iter()
        .chain(&STANDARD)
        .filter(|entry| !entry.key.is_empty())
        .map(|entry| (entry.key.to_owned(), json!(entry.get(&world.params))))
        .collect();
    json!({
        "spot": world.spots, "params": params,
        "instruments": instruments.collect::<Vec<_>>(),
        "case": {
            "name": case.name,
            "account": {
                "cash": case.cash, "pos": pos, "entry": entry,
                "orders": orders.collect::<Vec<_>>(),
            },
            "latency": {"tau_struct_us": case.slow_us, "tau_now_us": case.now_us},
            "oracle_conf_ppm": case.confidence_ppm,
        },
    })
}

fn decimal(value: i64, places: u32) -> Value {
    json!(Decimal { value, places }.to_string())
}

fn parameters(entries: &[Entry], params: &Params) -> Map<String, Value> {
    let written = entries.iter().map(|entry| {
        let value = entry.get(params);
        let value = match entry.unit {
            // A percent sign moves the point.
            Unit::Ratio(places) if value % 2 == 0 => {
                json!(format!("{}%", Decimal { value, places: places - 2 }))
            }
            Unit::Ratio(places) => decimal(value, places),
            Unit::Usd => decimal(value, 6),
            Unit::Span => json!(format!("{value}us")),
        };
        (entry.name.to_owned(), value)
    });
    written.collect()
}

/// A world with one account in the documented shape.
pub fn as_decimals(world: &World) -> Value {
    let case = &world.cases[0];
    let id = |at: usize| world.instruments[at].id.clone();
    let instruments = world.instruments.iter().map(|instrument| {
        let mut fields = json!({
            "name": instrument.id, "kind": instrument.kind.word(),
            "underlying": instrument.underlying,
        });
        if let Kind::Option { strike, side } = instrument.kind {
            fields["strike"] = decimal(strike, 6);
            fields["type"] = json!(if side == OptionSide::Call { "call" } else { "put" });
            fields["vol"] = decimal(instrument.vol_e9.unwrap_or(0), 9);
            fields["forward"] = decimal(instrument.forward.unwrap_or(0), 6);
        }
        if instrument.kind != Kind::Perpetual {
            fields["seconds"] = match instrument.seconds % 2 {
                0 => json!(format!("{}s", instrument.seconds)),
                _ => json!(instrument.seconds),
            };
        }
        if let Some(mark) = instrument.mark {
            fields["mark"] = decimal(mark, 6);
        }
        if let Some(array) = &instrument.array {
            fields["risk_array"] = json!(array.to_vec());
        }
        fields
    });
    let positions = case.positions.iter().map(|one| {
        let mut fields = json!({"instrument": id(one.instrument), "amount": decimal(one.lots, 3)});
        if let Some(entry) = one.entry {
            fields["entry"] = decimal(entry, 6);
        }
        fields
    });
    let orders = case.orders.iter().map(|order| {
        let side = if order.lots > 0 { "buy" } else { "sell" };
        json!({
            "instrument": id(order.instrument), "side": side, "lots": order.lots.abs(),
            "price": decimal(order.limit, 6),
        })
    });
    let spots: Map<_, _> =
        world.spots.iter().map(|(name, spot)| (name.clone(), decimal(*spot, 6))).collect();
    let mut params = parameters(&PORTFOLIO, &world.params);
    let standard = parameters(&STANDARD, &world.params);
    params.insert("standard_margin".to_owned(), Value::Object(standard));
    json!({
        "title": case.name, "spots": spots, "params": params, "cash": decimal(case.cash, 6),
        "instruments": instruments.collect::<Vec<_>>(),
        "positions": positions.collect::<Vec<_>>(),
        "orders": orders.collect::<Vec<_>>(),
        "latency": {
            "tau_struct": format!("{}us", case.slow_us), "tau_now_us": case.now_us,
        },
        "oracle_confidence": decimal(case.confidence_ppm, 6),
    })
}
