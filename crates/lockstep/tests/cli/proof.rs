//! `lockstep proof` and `lockstep verify`, on the files of a network that has run.

use super::devnet::free_ports;
use super::{fails, scratch, succeeds};
use std::fs;

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// The number at the end of the line of a report that names it.
fn value(report: &str, name: &str) -> String {
    let row = report.lines().find(|line| line.split("  ").any(|cell| cell.trim().ends_with(name)));
    let row = row.unwrap_or_else(|| panic!("{name} in {report}"));
    row.split_whitespace().last().unwrap().to_string()
}

#[test]
fn what_a_network_did_is_proven_from_its_files_and_believed_by_the_genesis_alone() {
    let data = scratch("proof-network");
    let out = scratch("proof");
    let genesis = format!("{data}/genesis.bin");
    let port = free_ports().to_string();
    succeeds(&["devnet", "--data", &data, "--port", &port, "--blocks", "60", "--prices", "walk"]);
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

    // What traders did is executed again, from two validators' files, and is in order.
    for validator in ["0", "3"] {
        let audit = ["audit", "--data", &data, "--validator", validator, "--everything", "10"];
        let audited = succeeds(&audit);
        assert!(audited.contains("holds, all of it"), "{audited}");
        let commands: u64 = value(&audited, "commands").parse().unwrap();
        assert!(commands > 0, "{audited}");
        let (blocks, vouched) =
            (value(&audited, "blocks executed"), value(&audited, "up to block"));
        assert!(vouched.parse::<u64>().unwrap() <= blocks.parse().unwrap(), "{audited}");
    }
    // From the state at the end there is nothing left to execute but what came after it.
    let taken = scratch("proof-snapshot");
    let made = succeeds(&["snapshot", "--data", &data, "--validator", "1", "--out", &taken]);
    assert!(made.contains("the state after block"), "{made}");
    let begin = ["audit", "--from-snapshot", &taken, "--genesis", &genesis];
    let from = succeeds(&[&begin[..], &["--data", &data]].concat());
    assert!(from.contains("a snapshot after block"), "{from}");
    assert!(succeeds(&begin).contains("a snapshot after block"));
    let mut changed = fs::read(&taken).unwrap();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    fs::write(&taken, changed).unwrap();
    let (code, complaint) = fails(&begin);
    assert!(code == 1 && complaint.contains("snapshot: "), "{complaint}");
    fs::remove_file(&taken).unwrap();
    assert_eq!(fails(&["audit", "--genesis", &genesis]).0, 2, "blocks or a state are needed");
    let (code, complaint) = fails(&["audit", "--data", &data, "--validator", "9"]);
    assert!(code == 1 && complaint.contains("no blocks of validator-9"), "{complaint}");

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
