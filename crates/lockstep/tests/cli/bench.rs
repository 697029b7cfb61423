//! `lockstep bench`.

use super::{fails, succeeds};

#[test]
fn every_row_does_the_same_work_before_it_is_timed() {
    let text = succeeds(&["bench", "match", "--quick", "--margin", "--flow", "tight_1m"]);
    for row in [
        "plain BTreeMap book",
        "bare book",
        "exchange, journal off",
        "exchange, journal on",
        "exchange, journal and margin",
    ] {
        assert!(text.contains(row), "{text}");
    }
    assert!(text.contains("the same in every row"), "{text}");
}

#[test]
fn an_unknown_flow_is_named() {
    let (code, complaint) = fails(&["bench", "match", "--flow", "none.oflow"]);
    assert_eq!(code, 1);
    assert!(complaint.contains("none.oflow"), "{complaint}");
}

#[test]
fn every_row_of_risk_agrees_with_the_first_before_it_is_timed() {
    let text = succeeds(&["bench", "risk", "--quick"]);
    for row in [
        "scenario by scenario",
        "all at once, wide vectors",
        "both arrays of a strike",
        "portfolios over a slab",
        "portfolio margin, the index moves",
        "1000 series",
        "3104 series",
    ] {
        assert!(text.contains(row), "{row} is missing in:\n{text}");
    }
    assert!(!text.contains(" 0 trades"), "{text}");
}

#[test]
fn a_table_of_risk_is_chosen_by_name() {
    let text = succeeds(&["bench", "risk", "--quick", "--rows", "sums"]);
    assert!(text.contains("scenario by scenario") && !text.contains("series"), "{text}");
    let (code, complaint) = fails(&["bench", "risk", "--rows", "none"]);
    assert_eq!(code, 2);
    assert!(complaint.contains("none"), "{complaint}");
}
