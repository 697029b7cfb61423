use super::*;
use crate::failure::Failure;

fn priced(csv: &str) -> Result<String, Failure> {
    let mut out = Vec::new();
    table::run("test.csv", csv.as_bytes(), &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

fn complaint(csv: &str) -> String {
    priced(csv).unwrap_err().to_string()
}

#[test]
fn decimals_keep_all_their_places() {
    assert_eq!(fixed(0, 6), "0.000000");
    assert_eq!(fixed(-1, 6), "-0.000001");
    assert_eq!(fixed(123_456_789, 6), "123.456789");
    assert_eq!(number::volatility("65%"), Ok(650_000_000));
    assert_eq!(number::volatility("0.65"), Ok(650_000_000));
    assert!(number::volatility("0.6500000001").is_err());
    assert_eq!(number::seconds("1d"), Ok(86_400));
    assert_eq!(number::seconds("500ms"), Ok(1));
}

#[test]
fn both_units_give_the_same_option() {
    let integers = priced("F,K,vol_e9,T_s\n100000000000,105000000000,600000000,2592000\n").unwrap();
    let decimals = priced("strike,forward,vol,seconds\n105000,100000,60%,30d").unwrap();
    let digits = |text: &str| -> Vec<String> {
        let row = text.lines().nth(1).unwrap();
        row.split(',').map(|cell| cell.replace('.', "").trim_start_matches('0').into()).collect()
    };
    let minus = |cells: Vec<String>| -> Vec<String> {
        cells.iter().map(|cell| cell.replace("-0", "-").replace("-0", "-")).collect()
    };
    assert_eq!(minus(digits(&integers)), minus(digits(&decimals)));
}

#[test]
fn a_price_and_its_type_imply_the_volatility() {
    let text = "forward,strike,price,type,seconds\n100000,105000,4931.193852,call,2592000\n";
    let vol = priced(text).unwrap().lines().nth(1).unwrap().split(',').nth(2).unwrap().to_owned();
    let back = format!("forward,strike,vol,seconds\n100000,105000,{vol},2592000\n");
    let row = priced(&back).unwrap().lines().nth(1).unwrap().to_owned();
    assert_eq!(row.split(',').nth(4), Some("4931.193852"));
}

#[test]
fn moments_give_the_seconds_between() {
    let text = "forward,strike,vol,expiry,at\n1,1,1,27MAR26,2026-03-27T07:00:00Z\n";
    let row = priced(text).unwrap().lines().nth(1).unwrap().to_owned();
    assert_eq!(row.split(',').nth(3), Some("3600"));
}

#[test]
fn errors_name_line_and_column() {
    let head = "F,K,vol_e9,T_s\n";
    let good = "1,1,1,1\n";
    for (csv, wanted) in [
        (String::new(), "test.csv: line 1: there is no header"),
        ("a,b\n".into(), "line 1: the header has neither `F`"),
        ("F,F,K\n".into(), "line 1: the header has two columns `F`"),
        ("F,vol_e9,T_s\n".into(), "line 1: the header has no column `K`"),
        ("F,K,T_s\n".into(), "line 1: the header has neither `vol_e9` nor `price`"),
        (format!("{head}{good}1,x,1,1\n"), "line 3: column K: `x`: not a decimal number"),
        (format!("{head}1,1.5,1,1\n"), "line 2: column K: `1.5`: more than 0 digits"),
        (format!("{head}1,1,1\n"), "line 2: column T_s: 3 fields, the header has 4"),
        (format!("{head}1,1,1,1,1\n"), "line 2: column past the last: 5 fields"),
        (format!("{head}0,1,1,1\n"), "line 2: Forward is 0, outside 1..="),
        (format!("{head}{}\n", "1".repeat(5_000)), "line 2: longer than 4096 bytes"),
        ("F,K,price,type,T_s\n1,1,1,none,1\n".into(), "line 2: column type: `none`: neither"),
        ("F,K,price,type,T_s\n9,9,9,call,1\n".into(), "line 2: column price: `9`: price is not"),
    ] {
        let found = complaint(&csv);
        assert!(found.contains(wanted), "{found:?} should contain {wanted:?}");
    }
}
