use super::Rng;

#[test]
fn the_stream_is_the_published_one() {
    // First outputs of the reference implementation for the seed 1234567.
    let mut rng = Rng::new(1_234_567);
    let drawn: Vec<u64> = (0..3).map(|_| rng.next_u64()).collect();
    let published =
        [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
    assert_eq!(drawn, published);
}

#[test]
fn below_stays_below_and_reaches_every_value() {
    let mut rng = Rng::new(7);
    let mut seen = [0_u32; 10];
    for _ in 0..10_000 {
        seen[rng.below_usize(10)] += 1;
    }
    assert!(seen.iter().all(|&count| (850..1_150).contains(&count)), "{seen:?}");
    assert_eq!(rng.below(0), 0);
    assert_eq!(rng.below(1), 0);
    assert!(rng.below(u64::MAX) < u64::MAX);
}

#[test]
fn narrow_draws_equal_the_wide_draw() {
    let (mut wide, mut narrow) = (Rng::new(9), Rng::new(9));
    for bound in 1..1_000_u32 {
        assert_eq!(wide.below(u64::from(bound)), u64::from(narrow.below_u32(bound)));
    }
    assert_eq!(wide, narrow);
}

#[test]
fn one_in_zero_never_happens_and_one_in_one_always_does() {
    let mut rng = Rng::new(3);
    for _ in 0..100 {
        assert!(!rng.one_in(0));
        assert!(rng.one_in(1));
    }
}

#[test]
fn geometric_has_its_mean_and_its_cap() {
    let mut rng = Rng::new(11);
    let draws = 20_000_u64;
    let sum: u64 = (0..draws).map(|_| rng.geometric(20, 240)).sum();
    assert!((19 * draws..21 * draws).contains(&sum), "the mean of 20 became {sum} / {draws}");
    assert!((0..1_000).all(|_| rng.geometric(1_000, 5) <= 5));
    assert_eq!(rng.geometric(0, 5), 0);
}
