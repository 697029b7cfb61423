//! Each table against the plainest collection that can do the same: look-up, order, neighbours,
//! undo, and what a partial table may say.

use super::holdings::Holdings;
use super::key::{EntryKey, HoldingKey, IndexId, LabelKey, LevelKey, Slot};
use super::leaves::{Holding, Level};
use super::levels::Levels;
use super::noted::Noted;
use super::ordered::{Next, Ordered};
use super::places::Places;
use super::table::{Dense, Key, Sparse, Table};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use lockstep_types::ids::{AccountId, InstrumentId, OrderId};
use lockstep_types::order::{Label, Side};
use lockstep_types::units::Lots;
use proptest::prelude::*;
use std::format;

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { failure_persistence: None, cases, ..ProptestConfig::default() }
}

/// One step on a table: which key, what to put there (`None`: only look), whether the run ends
/// after it, and whether that run is then undone.
#[derive(Clone, Debug)]
struct Step {
    key: u32,
    value: Option<Option<i64>>,
    ends: bool,
    undone: bool,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let value = prop_oneof![Just(None), Just(Some(None)), (0..9_i64).prop_map(|v| Some(Some(v)))];
    let step = (0..12_u32, value, prop::bool::weighted(0.2), any::<bool>());
    let step = step.prop_map(|(key, value, ends, undone)| Step { key, value, ends, undone });
    proptest::collection::vec(step, 1..80)
}

fn contents<T: Table>(table: &T) -> BTreeMap<T::Key, T::Value> {
    let mut found = BTreeMap::new();
    table.each(&mut |key, value| {
        assert!(found.insert(key, value.clone()).is_none(), "each leaf is shown once");
    });
    found
}

/// Walks steps over a table and a map; `touch` reads and writes a leaf of the table.
fn check<T, K, V>(
    steps: &[Step],
    mut table: T,
    key: impl Fn(u32) -> K,
    value: impl Fn(i64) -> V,
    touch: impl Fn(&mut T, K) -> &mut Option<V>,
) where
    T: Table<Key = K, Value = V>,
    K: Key + core::fmt::Debug,
    V: Clone + PartialEq + core::fmt::Debug,
{
    table.log().recording = true;
    let mut model: BTreeMap<K, V> = BTreeMap::new();
    let mut before = model.clone();
    for step in steps {
        let at = key(step.key);
        let held = touch(&mut table, at);
        assert_eq!(held.as_ref(), model.get(&at), "a look-up");
        if let Some(new) = step.value {
            *held = new.map(&value);
            match new {
                Some(new) => drop(model.insert(at, value(new))),
                None => drop(model.remove(&at)),
            }
        }
        assert_eq!(table.peek(at), model.get(&at));
        assert_eq!(contents(&table), model);
        if !step.ends {
            continue;
        }
        let touched = table.log().take();
        let keys: BTreeSet<K> = touched.iter().map(|(key, _)| *key).collect();
        assert_eq!(keys.len(), touched.len(), "a leaf is noted once");
        for (key, value) in &touched {
            assert_eq!(value.as_ref(), before.get(key), "its value before is noted");
            table.sweep(*key);
        }
        if step.undone {
            for (key, value) in touched {
                table.restore(key, value);
                table.sweep(key);
            }
            model.clone_from(&before);
        }
        assert_eq!(contents(&table), model);
        before.clone_from(&model);
    }
}

fn level(key: LevelKey) -> Level {
    let slot = key.tick;
    Level { better: 0, worse: 0, head: slot, tail: slot, lots: 1 }
}

/// Ticks that lie close together, at the ends of pages and words, and far apart.
fn tick() -> impl Strategy<Value = u32> {
    let edges = [0, 1, 63, 64, 127, 4_095, 4_096, 262_143, 262_144, 9_999_999, (1 << 24) - 1];
    prop_oneof![
        4 => 1_000_000..1_000_300_u32,
        1 => 0..200_u32,
        1 => 0..(1_u32 << 24),
        1 => proptest::sample::select(edges.to_vec()),
    ]
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn a_dense_table_is_a_map(steps in steps()) {
        let table: Dense<Slot, i64, false> = Dense::default();
        check(&steps, table, Slot, |v| v, |table, key| table.touch(key).unwrap());
    }

    #[test]
    fn a_dense_table_that_recycles_is_a_map(steps in steps()) {
        let table: Dense<InstrumentId, i64, true> = Dense::default();
        check(&steps, table, InstrumentId, |v| v, |table, key| table.touch(key).unwrap());
    }

    #[test]
    fn a_sparse_table_is_a_map(steps in steps()) {
        let key = |number: u32| {
            let label = Label::new(&format!("label {number}")).unwrap();
            LabelKey::new(AccountId(number % 3), &label)
        };
        let value = |v: i64| OrderId(v.unsigned_abs());
        let table: Sparse<LabelKey, OrderId> = Sparse::default();
        check(&steps, table, key, value, |table, key| table.touch(key).unwrap());
    }

    #[test]
    fn a_sparse_table_without_a_log_forgets_what_is_absent_and_nothing_else(steps in steps()) {
        let key = |number: u32| EntryKey { index: IndexId::DeadMan, sort: 0, item: number.into() };
        let mut table: Sparse<EntryKey, Next> = Sparse::default();
        let mut model = BTreeMap::new();
        for (number, step) in (0..).zip(&steps) {
            for absent in 0..200 {
                table.touch(key(1_000 + 200 * number + absent)).unwrap();
            }
            let at = key(step.key);
            if let Some(new) = step.value {
                let new = new.map(|value| Next { next: Some((value, 0)) });
                *table.touch(at).unwrap() = new;
                match new {
                    Some(new) => drop(model.insert(at, new)),
                    None => drop(model.remove(&at)),
                }
            }
            table.tidy();
            prop_assert_eq!(&contents(&table), &model);
            prop_assert!(table.cells() < 2 * 1_024 + 200, "{} cells", table.cells());
        }
    }

    #[test]
    fn holdings_are_a_map_that_knows_its_accounts(steps in steps()) {
        let key = |number: u32| HoldingKey {
            account: AccountId(number % 3),
            instrument: InstrumentId(100 - number),
        };
        let value = |v: i64| Holding { lots: Lots(v), ..Holding::default() };
        check(&steps, Holdings::default(), key, value, |table, key| table.touch(key).unwrap());
        let mut table = Holdings::default();
        let mut model = BTreeMap::new();
        for step in &steps {
            let key = key(step.key);
            if let Some(new) = step.value {
                *table.touch(key).unwrap() = new.map(value);
                match new {
                    Some(new) => drop(model.insert(key, new)),
                    None => drop(model.remove(&key)),
                }
            }
            let known: Vec<InstrumentId> =
                model
                    .keys()
                    .filter(|at| at.account == key.account)
                    .map(|at| at.instrument)
                    .collect();
            let count = u32::try_from(known.len()).unwrap();
            assert_eq!(table.instruments(key.account, count), Ok(known));
        }
    }

    #[test]
    fn levels_are_a_map_that_finds_the_next_better_level(
        steps in proptest::collection::vec(
            (tick(), any::<bool>(), any::<bool>(), 0..2_u32, 0..9_u8),
            1..120,
        ),
    ) {
        let mut table = Levels::default();
        table.log().recording = true;
        let mut model: BTreeMap<LevelKey, Level> = BTreeMap::new();
        let mut before = model.clone();
        for (tick, buys, adds, instrument, end) in steps {
            let side = if buys { Side::Buy } else { Side::Sell };
            let key = LevelKey { instrument: InstrumentId(instrument), side, tick };
            let same_side = |other: &&LevelKey| {
                other.instrument == key.instrument && other.side == key.side
            };
            let ticks = model.keys().filter(same_side).map(|other| other.tick);
            let expected = match side {
                Side::Buy => ticks.filter(|other| *other > tick).min(),
                Side::Sell => ticks.filter(|other| *other < tick).max(),
            };
            prop_assert_eq!(table.better_than(key), expected, "next to {:?}", key);
            prop_assert_eq!(table.peek(key), model.get(&key));
            if adds && !model.contains_key(&key) {
                let position = table.put(key, level(key)).unwrap();
                prop_assert_eq!(table.at(position, key).unwrap().copied(), Some(level(key)));
                model.insert(key, level(key));
            } else if !adds && model.contains_key(&key) {
                let held = *table.get(key).unwrap();
                prop_assert_eq!(held, level(key));
                table.drop_level(key);
                model.remove(&key);
            } else if let Some(found) = table.find(key).unwrap() {
                found.lots += 1;
                let lots = found.lots;
                model.entry(key).and_modify(|level| level.lots = lots);
                // Levels that are dropped later must be as they were put.
                table.get(key).unwrap().lots = 1;
                model.entry(key).and_modify(|level| level.lots = 1);
            }
            prop_assert_eq!(&contents(&table), &model);
            if end < 7 {
                continue;
            }
            let touched = table.log().take();
            for (key, value) in &touched {
                prop_assert_eq!(value.as_ref(), before.get(key));
                table.sweep(*key);
            }
            if end == 8 {
                for (key, value) in touched {
                    table.restore(key, value);
                    table.sweep(key);
                }
                model.clone_from(&before);
            }
            prop_assert_eq!(&contents(&table), &model);
            before.clone_from(&model);
        }
        // An instrument without levels can go, and its memory serves another.
        let mine: Vec<LevelKey> =
            model.keys().copied().filter(|key| key.instrument == InstrumentId(0)).collect();
        for key in mine {
            table.get(key).unwrap();
            table.drop_level(key);
            model.remove(&key);
        }
        table.release(InstrumentId(0));
        let key = LevelKey { instrument: InstrumentId(9), side: Side::Buy, tick: 5 };
        prop_assert_eq!(table.better_than(key), None);
        table.put(key, level(key)).unwrap();
        model.insert(key, level(key));
        prop_assert_eq!(&contents(&table), &model);
    }

    #[test]
    fn an_ordered_index_is_a_sorted_set(
        steps in proptest::collection::vec(
            (0..3_u8, 0..6_i64, 0..4_u64, 0..9_i64, 0..5_usize),
            1..100,
        ),
    ) {
        let indexes = [IndexId::OrderEnds, IndexId::DeadMan, IndexId::Reporters];
        let mut table = Ordered::default();
        let mut model: BTreeMap<IndexId, BTreeSet<(i64, u64)>> = BTreeMap::new();
        for (index, sort, item, bound, limit) in steps {
            let index = indexes[usize::from(index)];
            let set = model.entry(index).or_default();
            // Sorts of every size, and the head's own.
            let sort = [i64::MIN, i64::MIN + 1, -1, 0, 7, i64::MAX][usize::try_from(sort).unwrap()];
            let item = if sort == i64::MIN { item + 1 } else { item };
            if set.remove(&(sort, item)) {
                table.remove(index, sort, item).unwrap();
            } else {
                set.insert((sort, item));
                table.insert(index, sort, item).unwrap();
            }
            prop_assert_eq!(table.first(index).unwrap(), set.first().copied());
            let within: Vec<(i64, u64)> =
                set.iter().copied().filter(|entry| entry.0 <= bound).take(limit).collect();
            prop_assert_eq!(table.up_to(index, bound, limit).unwrap(), within);
        }
        let heads = model.values().filter(|set| !set.is_empty()).count();
        let entries: usize = model.values().map(BTreeSet::len).sum();
        prop_assert_eq!(contents(&table).len(), heads + entries, "an empty index leaves no leaf");
    }

    #[test]
    fn places_are_given_to_one_number_at_a_time(
        steps in proptest::collection::vec((0..20_u32, any::<bool>()), 1..100),
    ) {
        let mut places = Places::default();
        let mut model: BTreeMap<u32, usize> = BTreeMap::new();
        let mut len = 0;
        for (number, makes) in steps {
            if makes {
                let place = places.make(number, len);
                prop_assert!(place <= len, "at most one beyond the end");
                len = len.max(place + 1);
                let taken = model.iter().any(|(other, at)| *other != number && *at == place);
                prop_assert!(!taken, "nobody else has the place");
                prop_assert!(model.insert(number, place).is_none_or(|before| before == place));
            } else {
                places.release(number);
                model.remove(&number);
            }
            let found = places.find(number);
            prop_assert_eq!((found < len).then_some(found), model.get(&number).copied());
            let mut shown = BTreeMap::new();
            places.each(&mut |number, place| {
                shown.insert(number, place);
            });
            prop_assert_eq!(&shown, &model);
            prop_assert!(len <= 20, "released places are used again");
        }
    }

    #[test]
    fn an_accounts_orders_are_a_set(
        steps in proptest::collection::vec((0..3_u32, 0..30_u32), 1..100),
    ) {
        let mut owned = Noted::<OrderId, 4>::default();
        let mut model: BTreeMap<u32, (u32, OrderId)> = BTreeMap::new();
        let (mut number, mut most) = (0, 0);
        for (account, slot) in steps {
            if model.remove(&slot).is_none() {
                number += 1;
                let id = OrderId::new(number, slot);
                let is_open = |id: OrderId| {
                    model.get(&id.slot()).is_some_and(|(_, open): &(u32, OrderId)| *open == id)
                };
                owned.add(account, id, is_open);
                // Noting one again does no harm.
                owned.add(account, id, is_open);
                model.insert(slot, (account, id));
            }
            for account in 0..3 {
                let expected: Vec<OrderId> =
                    model
                        .values()
                        .filter(|entry| entry.0 == account)
                        .map(|entry| entry.1)
                        .collect();
                let noted: Vec<OrderId> = owned.of(account).collect();
                prop_assert!(expected.iter().all(|id| noted.contains(id)));
                most = most.max(expected.len());
                prop_assert!(noted.len() <= 4 + 4 * most.max(4), "{} noted", noted.len());
                if slot % 2 == 0 {
                    continue;
                }
                let count = u32::try_from(expected.len()).unwrap();
                owned.tidy(account, count, |id| expected.contains(&id));
                let noted: Vec<OrderId> = owned.of(account).collect();
                prop_assert!(expected.iter().all(|id| noted.contains(id)));
                prop_assert!(noted.len() <= 2 * expected.len() + 2 * 4);
            }
        }
    }
}

#[test]
fn a_partial_table_knows_what_it_was_told_and_nothing_else() {
    let mut dense: Dense<Slot, i64, false> = Dense::default();
    dense.make_partial();
    dense.restore(Slot(3), Some(7));
    dense.restore(Slot(u32::MAX), None);
    assert_eq!(dense.touch(Slot(3)), Ok(&mut Some(7)));
    assert_eq!(dense.touch(Slot(u32::MAX)), Ok(&mut None));
    assert!(dense.touch(Slot(0)).is_err(), "not told is not absent");

    let key = |sort| EntryKey { index: IndexId::OrderEnds, sort, item: 1 };
    let head = EntryKey { item: 0, ..key(i64::MIN) };
    let mut ordered = Ordered::default();
    ordered.make_partial();
    ordered.restore(head, Some(Next { next: Some((5, 1)) }));
    ordered.restore(key(9), None);
    assert!(ordered.insert(IndexId::OrderEnds, 9, 1).is_err(), "the entry at 5 was left out");
    ordered.restore(key(5), Some(Next { next: None }));
    assert_eq!(ordered.insert(IndexId::OrderEnds, 9, 1), Ok(()));

    let at = |tick| LevelKey { instrument: InstrumentId(4_000_000_000), side: Side::Buy, tick };
    let mut levels = Levels::default();
    levels.make_partial();
    levels.restore(at(70), Some(level(at(70))));
    levels.restore(at(71), None);
    assert_eq!(levels.find(at(71)).map(|found| found.is_none()), Ok(true));
    assert!(levels.find(at(72)).is_err() && levels.find(at(1_000)).is_err());
    assert!(levels.put(at(72), level(at(72))).is_err());
    assert!(levels.put(at(71), level(at(71))).is_ok());

    let mut holdings = Holdings::default();
    holdings.make_partial();
    let holding = HoldingKey { account: AccountId(1), instrument: InstrumentId(2) };
    holdings.restore(holding, Some(Holding::default()));
    assert_eq!(holdings.instruments(AccountId(1), 1), Ok([InstrumentId(2)].into()));
    assert!(holdings.instruments(AccountId(1), 2).is_err(), "one is missing");
}
