use super::fit::{Target, distance_e9, fit};
use super::*;
use crate::series::shipped;
use lockstep_exchange::formula::smile::{Smile, is_calendar_free};
use lockstep_types::instrument::Contract;

/// 4 February 2026, 09:36:20 UTC.
const FIRST_S: i64 = 1_770_197_780;

#[test]
fn the_shipped_chains_read_and_write_back_the_same() {
    let mut bytes = Vec::new();
    let smiles = shipped::smiles().unwrap();
    write_smiles(&mut bytes, &smiles).unwrap();
    assert_eq!(read_smiles(&bytes[..]).unwrap(), smiles);
    bytes.clear();
    let interest = shipped::interest().unwrap();
    write_interest(&mut bytes, &interest).unwrap();
    assert_eq!(read_interest(&bytes[..]).unwrap(), interest);
}

#[test]
fn the_shipped_smiles_are_near_what_was_quoted_and_free_of_arbitrage() {
    let smiles = shipped::smiles().unwrap();
    assert_eq!((smiles.len(), smiles[0].time_s), (62, FIRST_S));
    for row in &smiles {
        let seconds = row.expiry_s - row.time_s;
        assert!(row.smile().is_butterfly_free(seconds), "{row:?}");
        // Two days before an expiry quoted smiles have more curvature than is free of arbitrage.
        let allowed = if seconds < 3 * 86_400 { 200_000_000 } else { 40_000_000 };
        assert!(row.error_nano < allowed, "{row:?}");
    }
    let pairs = smiles.windows(2).filter(|pair| {
        (pair[0].time_s, pair[0].underlying) == (pair[1].time_s, pair[1].underlying)
    });
    for pair in pairs {
        let seconds = |row: &SmileRow| row.expiry_s - row.time_s;
        let (near, far) = (&pair[0], &pair[1]);
        let free = is_calendar_free(&near.smile(), seconds(near), &far.smile(), seconds(far));
        assert_eq!(free, Ok(true), "{pair:?}");
    }
}

#[test]
fn what_was_held_is_of_options_that_had_not_expired() {
    let interest = shipped::interest().unwrap();
    assert_eq!(interest.len(), 1_068);
    for row in &interest {
        let Contract::Option { expiry, .. } = row.name.contract else { panic!("{}", row.name) };
        assert!(expiry.0 / 1_000 > FIRST_S, "{}", row.name);
    }
    let milli: i64 = interest.iter().map(|row| row.milli).sum();
    assert!(milli > 1_000_000_000, "more than a million units in all: {milli}");
}

#[test]
fn a_smile_of_the_family_is_found_again() {
    let smile = Smile { atm_vol_e9: 620_000_000, rho_ppm: -310_000, phi_ppm: 4_200_000 };
    let at = |log_moneyness_e9| Target {
        log_moneyness_e9,
        vol_e9: smile.vol_e9(log_moneyness_e9).unwrap(),
    };
    let targets: Vec<Target> = (-10..=10).map(|step| at(step * 40_000_000)).collect();
    let (found, distance) = fit(&targets, 30 * 86_400, None).unwrap();
    assert!(distance < 200_000, "{distance} of {found:?}");
    assert_eq!(distance_e9(&found, &targets), Some(distance));
    assert_eq!(fit(&[], 30 * 86_400, None), None, "nothing to fit");
}

#[test]
fn raw_snapshots_become_smiles_and_holdings() {
    let mut raw = String::from(
        "time,underlying,index,forward,expiry,strike,type,bid,ask,mark,mark_iv,open_interest\n",
    );
    for (strike, vol) in [(70_000, "0.6"), (75_000, "0.55"), (80_000, "0.52"), (85_000, "0.53")] {
        for (kind, held) in [("call", "1.5"), ("put", "0.0")] {
            raw += &format!(
                "2026-02-04T09:36:20Z,BTC,76000.5,76100.123456789012345,2026-02-27,{strike},\
                 {kind},,,0.1,{vol}99999999999999999,{held}\n"
            );
        }
    }
    let (smiles, interest) = derive::chains(raw.as_bytes()).unwrap();
    assert_eq!(smiles.len(), 1);
    let row = smiles[0];
    assert_eq!((row.time_s, row.underlying, row.expiry_s), (FIRST_S, 0, 1_772_179_200));
    assert_eq!((row.index_cents, row.forward_cents), (7_600_050, 7_610_012));
    assert!(row.error_nano < 20_000_000, "{row:?}");
    let held: Vec<i64> = interest.iter().map(|row| row.milli).collect();
    assert_eq!(held, [1_500, 0, 1_500, 0, 1_500, 0, 1_500, 0]);
    assert_eq!(interest[0].name.to_string(), "BTC_USDC-27FEB26-70000-C");
    let wrong = |from: &str, to: &str| {
        let text = raw.replacen(from, to, 1);
        derive::chains(text.as_bytes()).unwrap_err().to_string()
    };
    assert!(wrong("call", "both").contains("type"), "{}", wrong("call", "both"));
    assert!(wrong("09:36:20Z", "25:00:00Z").contains("time"));
    assert!(wrong("2026-02-27", "2026-13-27").contains("expiry"));
}

#[test]
fn faults_of_chains_name_line_and_field() {
    let smiles = |row: &str| {
        let text = format!("{SMILES_HEADER}\n{row}\n");
        read_smiles(text.as_bytes()).unwrap_err().to_string()
    };
    let fault = smiles("1,SOL,1,1,1,1,1,1,1");
    assert!(fault.starts_with("line 2, underlying:"), "{fault}");
    assert!(smiles("1,BTC,1,1,0,1,1,1,1").contains("forward_cents"));
    assert!(smiles("2,BTC,1,1,1,1,1,1,1\n1,BTC,1,1,1,1,1,1,1").starts_with("line 3, time_s"));
    let text = format!("{INTEREST_HEADER}\nBTC-WHAT,1\n");
    let fault = read_interest(text.as_bytes()).unwrap_err().to_string();
    assert!(fault.starts_with("line 2, instrument:"), "{fault}");
    assert_eq!(read_smiles(format!("{SMILES_HEADER}\n").as_bytes()), Err(ReadError::NoRows));
}
