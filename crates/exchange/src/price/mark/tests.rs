//! The cache forgets, and a crossed book shows no touch.

use super::*;

#[test]
fn a_cleared_cache_is_empty_for_many_instruments_and_for_few() {
    let model = Model { price: Price(5), forward: Price(7), pulled: true };
    for mut cache in [MarkCache::default(), MarkCache::partial()] {
        assert_eq!(cache.get(InstrumentId(3)), None);
        cache.put(InstrumentId(3), model);
        assert_eq!(cache.get(InstrumentId(3)), Some(model));
        assert_eq!(cache.get(InstrumentId(2)), None);
        cache.clear();
        assert_eq!(cache.get(InstrumentId(3)), None);
        cache.put(InstrumentId(1), model);
        assert_eq!(cache.get(InstrumentId(1)), Some(model));
    }
}

#[test]
fn a_crossed_book_shows_no_touch() {
    let ticks = TickSchedule::new(10, &[]).unwrap();
    let both = Touch { bid: Some(50), ask: Some(60) };
    assert_eq!(touch_at(&ticks, 5, 6), both);
    assert_eq!(touch_at(&ticks, 5, NONE), Touch { ask: None, ..both });
    assert_eq!(touch_at(&ticks, NONE, 6), Touch { bid: None, ..both });
    assert_eq!(touch_at(&ticks, 6, 6), Touch::default());
    assert_eq!(touch_at(&ticks, 7, 6), Touch::default());
}
