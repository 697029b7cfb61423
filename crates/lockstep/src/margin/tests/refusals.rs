//! What is wrong with a file is said in words: which field, and what is allowed.

use super::refusal;
use crate::margin::read::{CASES_MAX, FILE_BYTES_MAX, read};

/// A portfolio in decimals with one part of it replaced.
fn decimals(part: &str, with: &str) -> String {
    let text = r#"{"spots": {"BTC": 100}, "at": "2026-03-26T08:00:00Z", "cash": 1,
        "instruments": [
            {"name": "p", "kind": "perpetual", "underlying": "BTC", "mark": 100},
            {"name": "o", "kind": "option", "underlying": "BTC", "type": "call",
             "strike": 100, "seconds": "1d", "forward": 100, "vol": "50%"}],
        "positions": [{"instrument": "o", "amount": 1}],
        "orders": [{"instrument": "p", "side": "buy", "amount": 1, "price": 2}],
        "latency": {"tau_struct": "1s"}, "params": {"basis": 0.1}}"#;
    assert!(read(text, None).is_ok());
    assert!(text.contains(part), "{part}");
    text.replacen(part, with, 1)
}

/// A file of cases with one part of it replaced.
fn integers(part: &str, with: &str) -> String {
    let text = r#"{"spot": {"BTC": 100000000}, "params": {"mm_f": 800},
        "instruments": [
            {"id": "p", "u": "BTC", "kind": "PERP", "T": 0, "F": 100000000},
            {"id": "o", "u": "BTC", "kind": "OPT", "T": 86400, "F": 100000000, "K": 100000000,
             "vol": 500000000, "cp": "C"}],
        "cases": [{"name": "one", "account": {"cash": 1, "pos": {"o": 1}, "entry": {},
            "orders": [["p", "B", 1000, 99000000]]},
            "latency": {"tau_struct_us": 1, "tau_now_us": 2}, "oracle_conf_ppm": 1000000}]}"#;
    assert!(read(text, None).is_ok());
    assert!(text.contains(part), "{part}");
    text.replacen(part, with, 1)
}

#[test]
fn faults_in_the_documented_shape_are_named() {
    for (part, with, wanted) in [
        (r#""cash": 1"#, r#""cahs": 1"#, "field `cash` is missing; is it `cahs`?"),
        (r#""cash": 1"#, r#""cash": 1, "csah": 2"#, "unknown field `csah` (did you mean `cash`?)"),
        (r#""cash": 1"#, r#""cash": 1.0000001"#, "cash: 1.0000001 is finer than the smallest step"),
        (r#""cash": 1"#, r#""cash": "1e9""#, "cash: `1e9` is not a decimal number"),
        (r#""cash": 1"#, r#""cash": 1000000000001"#, "not between -1000000000000 and 10000"),
        (r#""BTC": 100}"#, r#""BTC": 0}"#, "spots.BTC: 0 is not between 0.000001 and 10000000000"),
        (r#""BTC": 100}"#, r#""btc": 100}"#, "spots: `btc` is no ticker"),
        (r#""BTC": 100}"#, r#""ETH": 100}"#, "spots: the price of `BTC` is missing"),
        (
            r#""vol": "50%""#,
            r#""vol": "20000%""#,
            "instruments[1].vol: 200 is not between 0 and 100",
        ),
        (r#""vol": "50%""#, r#""vol": 90"#, "instruments[1].vol: moved up it is 21"),
        (r#""vol": "50%""#, r#""vol": -0.1"#, "instruments[1].vol: -0.1 is not between 0"),
        (r#""vol": "50%""#, r#""mark": 200"#, "instruments[1].mark: it implies no volatility"),
        (r#""type": "call""#, r#""type": "cal""#, "instruments[1].type: unknown type `cal`"),
        (r#""kind": "option""#, r#""kind": "swap""#, "instruments[1].kind: unknown kind `swap`"),
        (r#""seconds": "1d""#, r#""seconds": 1.5"#, "instruments[1].seconds: 1.5 is finer"),
        (r#""seconds": "1d""#, r#""seconds": -1"#, "instruments[1].seconds: -1 is not between 0"),
        (r#""seconds": "1d""#, r#""expiry": "26FEB26""#, "is not within 100 years after `at`"),
        (r#""seconds": "1d""#, r#""expiry": "30FEB26""#, "instruments[1].expiry: `30FEB26` is no"),
        (r#""seconds": "1d""#, r#""strike": 1"#, "field `strike` stands twice"),
        (
            r#""seconds": "1d""#,
            r#""seconds": 5, "expiry": "27MAR26""#,
            "instruments[1].seconds: the expiry and the file's `at` say it already",
        ),
        (r#""name": "p", "#, r#""name": "", "#, "instruments[0].name: `` is no name"),
        (r#""name": "p", "#, r#""name": "o", "#, "instruments[1]: `o` stands twice"),
        (
            r#""name": "p", "kind": "perpetual""#,
            r#""name": "BTC_USDC-PERPETUAL", "strike": 1"#,
            "instruments[0]: unknown field `strike`",
        ),
        (r#""name": "p", "#, r#""name": "BTC_USDC-27MAR26", "#, "contradicts the instrument's"),
        (r#""mark": 100}"#, r#""mark": 20000000}"#, "per lot in scenario 0 does not fit 32 bits"),
        (r#""mark": 100}"#, r#""risk_array": [1]}"#, "risk_array: 1 entries; there are 33"),
        (
            r#""instrument": "o", "amount": 1"#,
            r#""instrument": "oo", "amount": 1"#,
            "positions[0].instrument: no instrument is named `oo` (did you mean `o`?)",
        ),
        (r#""amount": 1}],"#, r#""amount": 0.0001}],"#, "positions[0].amount: 0.0001 is finer"),
        (r#""amount": 1}],"#, r#""amount": 1000000000.001}],"#, "1000000000001 lots (of 0.001)"),
        (r#""amount": 1}],"#, r#""amount": 1, "lots": 1}],"#, "say either `amount` or `lots`"),
        (
            r#"[{"instrument": "o", "amount": 1}]"#,
            r#"[{"instrument": "o", "amount": 1}, {"instrument": "o", "amount": 2}]"#,
            "positions[1]: a second position in `o`",
        ),
        (r#""side": "buy""#, r#""side": "by""#, "orders[0].side: unknown side `by` (did you mean"),
        (
            r#""side": "buy", "amount": 1"#,
            r#""side": "buy", "amount": -1"#,
            "orders[0].amount: -1000 lots (of 0.001) is not between 1 and",
        ),
        (r#""price": 2"#, r#""price": -2"#, "orders[0].price: -2 is not between 0 and"),
        (r#""tau_struct": "1s""#, r#""tau_struct": 1"#, "latency.tau_struct: 1 of what? write"),
        (r#""tau_struct": "1s""#, r#""tau_strukt": "1s""#, "latency: unknown field `tau_strukt`"),
        (r#""tau_struct": "1s""#, r#""tau_struct": "500d""#, "is not between 0 and 31536000000000"),
        (
            r#""basis": 0.1"#,
            r#""basi": 0.1"#,
            "params: unknown field `basi` (did you mean `basis`?)",
        ),
        (
            r#""basis": 0.1"#,
            r#""latency_cap": "17%""#,
            "params.latency_cap: 0.17 is not between 0 and 0.16",
        ),
        (r#""basis": 0.1"#, r#""scan_initial": 0.0005"#, "finer than the smallest step, 0.001"),
        (r#""basis": 0.1"#, r#""concentration_scale": 0"#, "0 is not between 0.000001 and"),
        (
            r#""basis": 0.1"#,
            r#""standard_margin": {"option_mix": 1}"#,
            "params.standard_margin: unknown field `option_mix` (did you mean `option_max`?)",
        ),
        (r#""at": "2026-03-26T08:00:00Z""#, r#""at": "08:00""#, "at: a date is missing"),
    ] {
        let found = refusal(&decimals(part, with));
        assert!(found.contains(wanted), "{with}:\n  {found:?} should contain\n  {wanted:?}");
    }
}

#[test]
fn faults_in_the_vectors_shape_are_named() {
    for (part, with, wanted) in [
        (r#""mm_f": 800"#, r#""mm_g": 800"#, "params: unknown field `mm_g` (did you mean `mm_f`?)"),
        (r#""mm_f": 800"#, r#""mm_f": 0.8"#, "params.mm_f: 0.8 is finer than the smallest step, 1"),
        (r#""mm_f": 800"#, r#""lat_cap_ppm": 160001"#, "160001 is not between 0 and 160000"),
        (
            r#""mm_f": 800}"#,
            r#""mm_f": 800}, "scenarios": [[1, "U", 1]]"#,
            "scenarios: 1 entries; the engine has 33",
        ),
        (
            r#""mm_f": 800}"#,
            r#""mm_f": 800}, "vol_mult_table": {"days": [1], "ppm": [1]}"#,
            "vol_mult_table.days: 1 entries; the engine has 14",
        ),
        (r#""BTC": 100000000}"#, r#""BTC": 0}"#, "spot.BTC: 0 is not between 1 and"),
        (r#""kind": "PERP""#, r#""kind": "PREP""#, "instruments[0].kind: unknown kind `PREP`"),
        (r#""K": 100000000,"#, "", "instruments[1]: field `K` is missing"),
        (r#", "cp": "C""#, "", "instruments[1]: field `cp` is missing"),
        (r#""vol": 500000000, "#, "", "instruments[1]: field `vol` is missing; the mark is"),
        (r#""F": 100000000}"#, r#""x": 1}"#, "instruments[0]: unknown field `x`"),
        (r#", "F": 100000000}"#, "}", "instruments[0]: field `mark` is missing; a perpetual"),
        (
            r#""pos": {"o": 1}"#,
            r#""pos": {"q": 1}"#,
            "cases[0].account.pos: no instrument is named",
        ),
        (r#""pos": {"o": 1}"#, r#""pos": {"o": 0.5}"#, "cases[0].account.pos.o: 0.5 is finer"),
        (r#""pos": {"o": 1}"#, r#""pos": [1]"#, "cases[0].account.pos: expected an object"),
        (r#"["p", "B", 1000, 99000000]"#, r#"["p", "B", 1000]"#, "orders[0]: 3 parts; an order"),
        (r#"["p", "B", 1000, 99000000]"#, r#"["p", "X", 1000, 1]"#, "orders[0].side: unknown side"),
        (
            r#"["p", "B", 1000, 99000000]"#,
            r#"["p", "B", 0, 1]"#,
            "orders[0].lots: 0 is not between",
        ),
        (r#""tau_now_us": 2"#, r#""tau_now_us": -2"#, "cases[0].latency.tau_now_us: -2 is not"),
        (
            r#""oracle_conf_ppm": 1000000"#,
            r#""oracle_conf_ppm": 1000001"#,
            "oracle_conf_ppm: 1000001",
        ),
        (r#""name": "one""#, r#""name": "one", "odd": 1"#, "cases[0]: unknown field `odd`"),
        (r#""cash": 1,"#, "", "cases[0].account: field `cash` is missing"),
    ] {
        let found = refusal(&integers(part, with));
        assert!(found.contains(wanted), "{with}:\n  {found:?} should contain\n  {wanted:?}");
    }
}

#[test]
fn syntax_is_named_by_line_and_column_and_sizes_are_bounded() {
    assert_eq!(refusal("{\n  \"cash\": 1,\n}"), "line 3, column 1: key must be a string");
    assert!(refusal("[1]").contains("[0]: expected an object, found a number"));
    assert!(refusal("5").contains("expected an object, found a number"));
    let long = " ".repeat(FILE_BYTES_MAX + 1);
    assert_eq!(
        refusal(&long),
        format!("{} bytes exceed the limit of {FILE_BYTES_MAX}", long.len())
    );
    let cases = vec!["{\"cash\":0}"; CASES_MAX + 1].join(",");
    let many = format!(r#"{{"spot": {{}}, "cases": [{cases}]}}"#);
    assert_eq!(refusal(&many), "cases: 10001 cases exceed the limit of 10000");
    let options = (0..129).map(|at| {
        format!(
            r#"{{"name": "o{at}", "kind": "option", "underlying": "X", "type": "call", "strike":
            {}, "seconds": 9, "forward": 9, "vol": 1}}"#,
            at + 1
        )
    });
    let names = (0..129).map(|at| format!(r#""o{at}": 1"#));
    let text = format!(
        r#"{{"spots": {{"X": 9}}, "cash": 0, "instruments": [{}], "positions": {{{}}}}}"#,
        options.collect::<Vec<_>>().join(","),
        names.collect::<Vec<_>>().join(",")
    );
    let (_, answers) = super::asked(&text, Default::default());
    assert!(answers[0][0].portfolio.as_ref().unwrap().is_ok());
    let problem = answers[0][0].standard.clone().unwrap().unwrap_err();
    assert_eq!(problem.to_string(), "X, options in 9 s: 129 instruments exceed the limit of 128");
}

#[test]
fn another_file_gives_what_this_one_lacks_and_nothing_else() {
    let whole = integers("one", "one");
    let value: serde_json::Value = serde_json::from_str(&whole).unwrap();
    let mut without = value.clone();
    without.as_object_mut().unwrap().remove("instruments");
    without["params"]["mm_f"] = 700.into();
    let found = read(&without.to_string(), Some(&whole)).unwrap();
    assert_eq!(found.worlds[0].instruments, read(&whole, None).unwrap().worlds[0].instruments);
    assert_eq!(found.worlds[0].params.portfolio.scan_maintenance_permille, 700);
    without.as_object_mut().unwrap().remove("params");
    let found = read(&without.to_string(), Some(&whole)).unwrap();
    assert_eq!(found.worlds[0].params.portfolio.scan_maintenance_permille, 800);
    let missing = read(&without.to_string(), None).unwrap_err().to_string();
    assert!(missing.contains("`o`: the file has no `instruments`; --instruments"), "{missing}");
    let useless = read(&without.to_string(), Some("{}")).unwrap_err().to_string();
    assert_eq!(useless, "--instruments: field `instruments` is missing");
}
