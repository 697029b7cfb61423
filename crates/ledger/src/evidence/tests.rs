use super::cut;
use lockstep_sim::rng::Rng;
use lockstep_types::chain::Stake;
use lockstep_types::units::Ppm;

#[test]
fn cuts_in_steps_take_the_share_of_the_whole_and_never_more_than_there_is() {
    let mut rng = Rng::new(3);
    for _ in 0..10_000 {
        let whole = rng.next_u64() >> (1 + rng.below(62));
        let mut left = whole;
        let mut from = 0;
        for _ in 0..4 {
            let to = from + i64::try_from(rng.below(1_000_001)).unwrap() % (1_000_001 - from);
            let taken = cut(Stake(left), Ppm(from), Ppm(to)).0;
            assert!(taken <= left);
            left -= taken;
            from = to;
            let fair = u128::from(whole) * u128::from(1_000_000 - to.unsigned_abs()) / 1_000_000;
            assert!(u128::from(left) <= fair + 1, "rounding goes against the offender");
            assert!(u128::from(left) + 4 >= fair, "by no more than a unit a step");
        }
    }
}

#[test]
fn a_whole_takes_all_and_nothing_more_takes_nothing() {
    assert_eq!(cut(Stake(7), Ppm(0), Ppm(1_000_000)), Stake(7));
    assert_eq!(cut(Stake(7), Ppm(900_000), Ppm(1_000_000)), Stake(7));
    assert_eq!(cut(Stake(7), Ppm(1_000_000), Ppm(1_000_000)), Stake(0));
    assert_eq!(cut(Stake(7), Ppm(500_000), Ppm(400_000)), Stake(0));
    assert_eq!(cut(Stake(0), Ppm(0), Ppm(50_000)), Stake(0));
}
