//! `lockstep proof` and `lockstep verify`, on the files of a network that has run.

use super::{fails, scratch, succeeds};
use std::fs;

/// The first of the ports that this test's network uses.
const PORT: &str = "43310";
/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

#[test]
fn what_a_network_did_is_proven_from_its_files_and_believed_by_the_genesis_alone() {
    let data = scratch("proof-network");
    let out = scratch("proof");
    let genesis = format!("{data}/genesis.bin");
    succeeds(&["devnet", "--data", &data, "--port", PORT, "--blocks", "60", "--prices", "walk"]);
    let prove = |claim: &[&str]| {
        let made = succeeds(&[&["proof", "--data", &data, "--out", &out], claim].concat());
        assert!(made.contains("after block"), "{made}");
        succeeds(&["verify", "--genesis", &genesis, "--proof", &out])
    };
    // The first of the makers, after the validators' owners.
    let account = prove(&["--account", "4"]);
    assert!(account.contains("All of account 4: nothing was left out."), "{account}");
    assert!(account.contains("cash, USD"), "{account}");
    let nobody = prove(&["--account", "70000", "--validator", "2"]);
    assert!(nobody.contains("There is no account 70000."), "{nobody}");
    let none = prove(&["--position", "0/0"]);
    assert!(none.contains("Account 0 has neither a position nor an order"), "{none}");
    let closed = prove(&["--order", "16777999"]);
    assert!(closed.contains("Order 16777999 is not open."), "{closed}");
    let totals = prove(&["--totals"]);
    assert!(totals.contains("held by the bridge, USD"), "{totals}");

    let verify = ["verify", "--genesis", &genesis, "--proof", &out];
    let proof = fs::read(&out).unwrap();
    // One byte of the state.
    let mut changed = proof.clone();
    *changed.last_mut().unwrap() ^= 1;
    fs::write(&out, &changed).unwrap();
    let (code, complaint) = fails(&verify);
    assert_eq!(code, 1);
    assert!(complaint.contains("state: the"), "{complaint}");
    fs::write(&out, &proof[..100]).unwrap();
    assert!(fails(&verify).1.contains("the input ends too early"));
    fs::write(&out, b"something else").unwrap();
    assert!(fails(&verify).1.contains("does not begin with"));
    fs::write(&out, &proof).unwrap();
    // Two weeks of unbonding and a day later nobody pays for a lie any more.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let late = (i64::try_from(now.as_millis()).unwrap() + 15 * DAY_MS).to_string();
    let (_, complaint) = fails(&[&verify[..], &["--at", &late]].concat());
    assert!(complaint.contains("more than the unbonding period"), "{complaint}");
    // Another network's genesis.
    let mut other = fs::read(&genesis).unwrap();
    // The salt is behind the name and its length.
    other["devnet".len() + 2] ^= 1;
    let foreign = scratch("proof-genesis");
    fs::write(&foreign, other).unwrap();
    let (_, complaint) = fails(&["verify", "--genesis", &foreign, "--proof", &out]);
    assert!(complaint.contains("chain: the proof is of a chain with another genesis"));
    let (code, _) = fails(&["proof", "--data", &data, "--out", &out]);
    assert_eq!(code, 2, "a claim is needed");
    fs::remove_dir_all(&data).unwrap();
    fs::remove_file(&out).unwrap();
    fs::remove_file(&foreign).unwrap();
}
