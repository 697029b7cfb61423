//! `lockstep price`.

use super::{fails, lockstep_with, stderr, stdout, succeeds};

/// The acceptance vectors of options: inputs and expected values by an independent reference.
const VECTORS: &str = include_str!("../../../exchange/tests/vectors/options.csv");

/// The columns of a CSV by name, as rows of (name, cell).
fn cells(csv: &str) -> (Vec<&str>, Vec<Vec<&str>>) {
    let mut lines = csv.lines();
    let names = lines.next().unwrap().split(',').collect();
    (names, lines.map(|line| line.split(',').collect()).collect())
}

#[test]
fn the_vectors_are_reproduced_through_the_command_line() {
    let output = lockstep_with(&["price", "--csv", "-"], VECTORS);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = stdout(&output);
    let ((vector_names, vectors), (names, rows)) = (cells(VECTORS), cells(&text));
    assert_eq!(vectors.len(), 220);
    assert_eq!(rows.len(), 220);
    let at = |names: &[&str], name: &str| names.iter().position(|other| *other == name).unwrap();
    for (vector, row) in vectors.iter().zip(&rows) {
        for name in ["F", "K", "vol_e9", "T_s", "call", "put"] {
            let wanted = vector[at(&vector_names, name)];
            assert_eq!(row[at(&names, name)], wanted, "{name} of case {}", vector[0]);
        }
        let close = |name: &str, reference: &str, scale: f64| {
            let wanted: f64 = vector[at(&vector_names, reference)].parse().unwrap();
            let found: f64 = row[at(&names, name)].parse().unwrap();
            // Half a unit, and what a double cannot tell.
            let off = (found - wanted * scale).abs();
            assert!(off <= 0.5 + (wanted * scale).abs() * 1e-12, "{name} of case {}", vector[0]);
        };
        close("delta_call_e9", "delta_call_hp", 1e9);
        close("delta_put_e9", "delta_put_hp", 1e9);
        close("gamma_e15", "gamma_per_usd_hp", 1e15);
        close("vega", "vega_usd_per_1vol_hp", 1e6);
        close("theta_per_day", "theta_usd_per_day_hp", 1e6);
    }
}

#[test]
fn one_option_is_priced_on_both_sides() {
    let common = ["price", "--forward", "100000", "--strike", "105000"];
    let text = succeeds(&[&common[..], &["--vol", "60%", "--seconds", "30d"]].concat());
    assert!(text.contains("4805.246112") && text.contains("9805.246112"), "{text}");
    assert!(text.contains("0.421666399") && text.contains("-0.578333601"), "{text}");
    let moments = ["--vol", "0.6", "--expiry", "27MAR26", "--at", "2026-02-25T08:00:00Z"];
    assert_eq!(succeeds(&[&common[..], &moments].concat()), text);
}

#[test]
fn a_price_gives_its_volatility() {
    let common = ["price", "--forward", "100000", "--strike", "105000", "--seconds", "30d"];
    let text = succeeds(&[&common[..], &["--price", "4805.246112", "--type", "call"]].concat());
    assert!(text.contains("implied by the call's price"), "{text}");
    assert!(text.contains("4805.246112"), "{text}");
    let (code, complaint) = fails(&[&common[..], &["--price", "4000", "--type", "put"]].concat());
    assert_eq!(code, 2);
    assert!(complaint.contains("below the intrinsic value"), "{complaint}");
}

#[test]
fn what_is_no_number_is_named() {
    let (code, complaint) =
        fails(&["price", "--forward", "1e5", "--strike", "1", "--vol", "1", "--seconds", "1"]);
    assert_eq!(code, 2);
    assert!(complaint.contains("--forward: `1e5`: not a decimal number"), "{complaint}");
}

#[test]
fn a_bad_row_is_named_after_the_good_ones() {
    let rows = "forward,strike,vol,seconds\n100,100,50%,1d\n100,100,fifty,1d\n";
    let output = lockstep_with(&["price", "--csv", "-"], rows);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stdout(&output).lines().count(), 2);
    let complaint = stderr(&output);
    assert!(complaint.contains("stdin: line 3: column vol: `fifty`"), "{complaint}");
}
