//! What an operator does, with real processes: keys, a network of four, a look at it, stake.

use super::devnet::{Folder, free_ports};
use super::{fails, lockstep, stderr, stdout, succeeds};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// Between the port for validators and the one for HTTP.
pub const RPC_PORT_OFFSET: u16 = 1_000;
/// Looks at a network before it counts as dead.
const LOOKS: usize = 600;
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(200);

/// A running node that does not outlive its test.
pub struct Running(Child);

impl Running {
    pub fn start(folder: &Path, index: usize) -> Self {
        let config = folder.join(format!("host-{index}/node.toml"));
        let child = Command::new(env!("CARGO_BIN_EXE_lockstep"))
            .args(["node", "--lines", "1", "--config"])
            .arg(config)
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn();
        Self(child.unwrap())
    }

    /// Asks the process to stop; its exit code.
    fn stop(mut self) -> Option<i32> {
        let asked = Command::new("kill").arg(self.0.id().to_string()).status();
        assert!(asked.unwrap().success());
        self.0.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The heights of nodes that agree, once all are beyond `height`.
pub fn agreed(urls: &[String], height: u64) -> Vec<u64> {
    let mut arguments = vec!["status", "--lines"];
    arguments.extend(urls.iter().map(String::as_str));
    let mut last = String::new();
    for _ in 0..LOOKS {
        let output = lockstep(&arguments);
        let text = stdout(&output);
        last = format!("{text}{}", stderr(&output));
        let heights: Vec<u64> =
            text.lines().filter_map(|line| line.split(" | ").nth(1)?.parse().ok()).collect();
        let is_there = heights.len() == urls.len() && heights.iter().all(|found| *found > height);
        if is_there && output.status.success() {
            return heights;
        }
        assert!(!last.contains("different"), "{last}");
        sleep(PAUSE);
    }
    panic!("the network is not beyond {height}: {last}");
}

#[test]
fn keys_are_made_shown_and_never_written_over() {
    let folder = Folder::new("keys");
    fs::create_dir_all(&folder.0).unwrap();
    let path = folder.0.join("a.key");
    let file = path.to_str().unwrap();
    let made = succeeds(&["keys", "new", file]);
    assert_eq!(succeeds(&["keys", "show", file]), made);
    let secret = fs::read_to_string(&path).unwrap();
    assert!(!made.contains(secret.trim()), "the public half is another text");
    let (code, complaint) = fails(&["keys", "new", file]);
    assert!(code == 1 && complaint.contains("is there already"), "{complaint}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let (_, complaint) = fails(&["keys", "show", file]);
    assert!(complaint.contains("mode 644"), "{complaint}");
}

#[test]
fn what_is_wrong_with_a_network_to_be_made_is_named() {
    let folder = Folder::new("testnet-wrong");
    let out = folder.0.to_str().unwrap();
    let init = |more: &[&str]| fails(&[&["testnet", "init", "--out", out], more].concat());
    let (code, complaint) = init(&["--base-port", "65000"]);
    assert!(code == 2 && complaint.contains("--base-port"), "{complaint}");
    let (code, complaint) = init(&["--hosts", "a b"]);
    assert!(code == 2 && complaint.contains("--hosts"), "{complaint}");
    assert!(!folder.0.exists(), "nothing is left behind");
    fs::create_dir_all(&folder.0).unwrap();
    let (code, complaint) = init(&[]);
    assert!(code == 2 && complaint.contains("is there already"), "{complaint}");
    let (code, complaint) = fails(&["node", "--config", &format!("{out}/node.toml")]);
    assert!(code == 1 && complaint.contains("node.toml"), "{complaint}");
}

#[test]
fn four_nodes_of_a_made_network_agree_take_stake_and_go_on_after_a_stop() {
    let folder = Folder::new("testnet");
    let out = folder.0.to_str().unwrap();
    let port = free_ports();
    let base = port.to_string();
    succeeds(&["testnet", "init", "--out", out, "--base-port", &base]);
    for entry in fs::read_dir(&folder.0).unwrap() {
        let path = entry.unwrap().path();
        let files = if path.is_dir() { fs::read_dir(&path).unwrap() } else { continue };
        for file in files {
            let file = file.unwrap();
            let mode = file.metadata().unwrap().permissions().mode() & 0o077;
            let is_secret = file.file_name().to_str().unwrap().ends_with(".key");
            assert!(!is_secret || mode == 0, "{:?}", file.path());
        }
    }
    let url = |index: u16| format!("http://127.0.0.1:{}", port + RPC_PORT_OFFSET + index);
    let urls: Vec<String> = (0..4).map(url).collect();
    let mut nodes: Vec<Running> = (0..4).map(|index| Running::start(&folder.0, index)).collect();
    agreed(&urls, 10);

    let key = format!("{out}/host-1/validator.key");
    let genesis = format!("{out}/genesis.bin");
    let stake = |what: &[&str]| {
        let given = ["--node", &urls[2], "--key", &key, "--genesis", &genesis];
        lockstep(&[&["stake"], what, &given[..]].concat())
    };
    let done = stake(&["delegate", "--validator", "1", "1000"]);
    assert!(done.status.success(), "{}", stderr(&done));
    let shown = succeeds(&["stake", "show", "--node", &urls[2]]);
    assert!(shown.contains("validator 1 of signer 0: stake 11000,"), "{shown}");
    let refused = stake(&["delegate", "--validator", "1", "1000000"]);
    assert!(stderr(&refused).contains("refused: S2 amount"), "{}", stderr(&refused));

    // Traders bring commands, also to one that is not there; every node has what was acknowledged.
    let record = format!("{out}/record");
    let all = urls.join(",");
    let dead = format!("http://127.0.0.1:1,{all}");
    let traded = succeeds(&[
        "trade",
        "run",
        "--node",
        &dead,
        "--network",
        out,
        "--record",
        &record,
        "--seconds",
        "3",
        "--gamblers",
        "2",
    ]);
    assert!(traded.contains("Final after"), "{traded}");
    let check = |record: &str| lockstep(&["trade", "check", "--node", &all, "--record", record]);
    let checked = check(&record);
    assert!(checked.status.success(), "{}", stderr(&checked));
    let lines = fs::read_to_string(&record).unwrap();
    let last = lines.lines().find(|line| line.contains("\"final\"")).unwrap();
    let id = last.split('"').nth(3).unwrap();
    let other = format!("{out}/other");
    fs::write(&other, lines.replace(id, &"0f".repeat(32))).unwrap();
    let complaint = stderr(&check(&other));
    assert!(complaint.contains("1 commands are not in their blocks"), "{complaint}");

    // One stops; three go on; it comes back and catches up.
    assert_eq!(nodes.remove(3).stop(), Some(0), "asked to stop is no failure");
    let (code, complaint) = fails(&["status", &urls[0], &urls[3]]);
    assert!(code == 1 && complaint.contains("not reached"), "{complaint}");
    let heights = agreed(&urls[..3], 30);
    nodes.push(Running::start(&folder.0, 3));
    agreed(&urls, heights[0] + 20);
    for node in nodes {
        assert_eq!(node.stop(), Some(0));
    }
}
