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
