//! Test networks' parts that need no network.

use super::Prices;
use super::feed::Feed;
use super::files::{Files, Plan, TRADERS, UNDERLYINGS, trader};
use super::status::{compare_roots, percentile_tenths, shown_ms};
use lockstep_ledger::Ledger;
use lockstep_types::codec::Encode as _;
use lockstep_types::units::TimeMs;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

const NOW: TimeMs = TimeMs(1_767_603_600_000);

fn plan_of(validators: usize, prices: Prices) -> Plan {
    Plan { validators, prices, traders: TRADERS, epoch_blocks: 64 }
}

/// A folder of this test's own that is gone afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("lockstep-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_folder_is_made_once_and_used_again() {
    let folder = Folder::new("again");
    let plan = plan_of(3, Prices::Walk);
    let made = Files::open(&folder.0, &plan, NOW).unwrap();
    let again = Files::open(&folder.0, &plan, TimeMs(NOW.0 + 1)).unwrap();
    assert_eq!(made.genesis, again.genesis, "the clock of the second start plays no part");
    assert_eq!((made.validators, made.traders), (again.validators, again.traders));
    let other = plan_of(4, Prices::Walk);
    assert!(Files::open(&folder.0, &other, NOW).is_err(), "another network");
    std::fs::write(folder.0.join("genesis.bin"), b"x").unwrap();
    assert!(Files::open(&folder.0, &plan, NOW).is_err(), "a broken file");
}

#[test]
fn the_genesis_is_one_and_lists_what_is_quoted() {
    for prices in [Prices::Walk, Prices::Crash] {
        let folder = Folder::new(&format!("genesis-{prices:?}"));
        let files = Files::open(&folder.0, &plan_of(4, prices), NOW).unwrap();
        let ledger = Ledger::genesis(&files.genesis).unwrap();
        assert_eq!(ledger.committee(0).unwrap().seats.len(), 4);
        assert_eq!(ledger.exchange().instruments().len(), UNDERLYINGS.len() * 23);
        let key = trader(files.traders, 0).public_key();
        assert!(ledger.exchange().account_of(key, 0).is_some());
        assert!(files.genesis.to_bytes().len() > 1_000);
    }
}

#[test]
fn keys_are_readable_by_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new("keys");
    Files::open(&folder.0, &plan_of(1, Prices::Walk), NOW).unwrap();
    let mode = std::fs::metadata(folder.0.join("validator-0.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn prices_stay_near_and_are_the_same_for_all() {
    let folder = Folder::new("prices");
    let plan = plan_of(1, Prices::Crash);
    let genesis = Files::open(&folder.0, &plan, NOW).unwrap().genesis;
    let (walk, crash) =
        (Feed::new(Prices::Walk, &genesis).unwrap(), Feed::new(Prices::Crash, &genesis).unwrap());
    for (index, underlying) in UNDERLYINGS.iter().enumerate() {
        let start = underlying.price_usd * 1_000_000;
        let mut seen = std::collections::BTreeSet::new();
        for step in 0..10_000 {
            let price = walk.price(index, TimeMs(NOW.0 + step * 500)).0;
            assert!((start * 3 / 4..start * 5 / 4).contains(&price), "{price}");
            seen.insert(price);
        }
        assert!(seen.len() > 5_000, "it moves");
        let fall = crash.price(index, NOW).0 - crash.price(index, TimeMs(NOW.0 + 2_100_000)).0;
        assert!(fall > 0, "it falls");
    }
}

#[test]
fn different_roots_are_found() {
    let roots = |list: &[(u64, u8)]| -> BTreeMap<u64, [u8; 32]> {
        list.iter().map(|(height, root)| (*height, [*root; 32])).collect()
    };
    let equal = [roots(&[(1, 1), (2, 2)]), roots(&[(2, 2), (3, 3)])];
    assert_eq!(compare_roots(&equal), (1, vec![]));
    let different = [roots(&[(1, 1), (2, 2)]), roots(&[(1, 1), (2, 9)])];
    assert_eq!(compare_roots(&different), (2, vec![2]));
}

#[test]
fn percentiles_are_of_the_sorted_samples() {
    let samples: Vec<Duration> = (1..=101).rev().map(Duration::from_millis).collect();
    assert_eq!(shown_ms(percentile_tenths(&samples, 50)), "51.0");
    assert_eq!(shown_ms(percentile_tenths(&samples, 99)), "100.0");
    assert_eq!(shown_ms(percentile_tenths(&[], 99)), "0.0");
}
