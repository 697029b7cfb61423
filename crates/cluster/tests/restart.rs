//! A restart at every height of a run: what follows is what would have followed.
//!
//! The state is read back from files at each height and blocks above are executed again. A bug in
//! that (something that an engine remembers and its leaves do not say) shows itself only in the
//! blocks after a restart, and only if whoever compares was not restarted with the others.

use lockstep_cluster::stage::{Stage, VALIDATORS, play};
use std::collections::BTreeSet;

/// Heights of a run.
const HEIGHTS: u64 = 60;

/// Restarts some validators whenever there is a higher final block, while traders trade; the
/// heights at which that was.
fn restart_at_every_height(stage: &Stage, restarted: &[usize]) -> BTreeSet<u64> {
    let mut heights = BTreeSet::new();
    while stage.height() < HEIGHTS {
        stage.trade_until(stage.height() + 1);
        heights.insert(stage.height());
        restarted.iter().for_each(|index| stage.crash(*index));
        restarted.iter().for_each(|index| stage.start(*index));
        // All states as read back are the auditor's, who was not restarted.
        stage.assert_in_order();
    }
    stage.trade_until(HEIGHTS + 10);
    heights
}

/// A block may become final with its parent, whose height is then no height to restart at.
fn assert_almost_all(heights: &BTreeSet<u64>) {
    let wanted = usize::try_from(HEIGHTS * 3 / 4).unwrap();
    assert!(heights.len() >= wanted, "restarted at {heights:?}");
}

#[test]
fn three_restart_at_every_height_and_agree_with_the_fourth() {
    // Without the votes of two who were restarted nothing is final, and the fourth follows only as
    // long as it comes to the roots that they voted for.
    play(11, |stage| {
        let heights = restart_at_every_height(stage, &[0, 1, 2]);
        assert_almost_all(&heights);
        assert!(stage.trades() > 0, "the blocks have work in them");
        let heights = stage.heights();
        assert!(heights[3] >= HEIGHTS, "{heights:?}");
    });
}

#[test]
fn all_restart_at_every_height_and_agree_with_the_auditor() {
    play(12, |stage| {
        let all: Vec<usize> = (0..VALIDATORS).collect();
        assert_almost_all(&restart_at_every_height(stage, &all));
        assert!(stage.trades() > 0, "the blocks have work in them");
    });
}
