//! What an operator does, with real processes: keys, a network of four, a look at it, stake.

use super::devnet::{Folder, free_ports};
use super::{fails, lockstep, scratch, stderr, stdout, succeeds};
use lockstep_client::RemoteNode;
use lockstep_client::frames::Frame;
use std::fs;
use std::net::TcpListener;
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
    succeeds(&["testnet", "init", "--out", out, "--base-port", &base, "--epoch-blocks", "24"]);
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
    blocks_are_followed(&urls, &genesis);
    whatever_is_wrong_with_a_chain_is_named(&urls[1], &genesis, &folder.0);
    for node in nodes {
        assert_eq!(node.stop(), Some(0));
    }
    let data = format!("{out}/host-2/data");
    let audited = succeeds(&["audit", "--data", &data]);
    assert!(audited.contains("holds, all of it"), "the genesis is beside the folder: {audited}");
}

/// Blocks 5 to 24 come from whoever answers; nobody who knows another chain is believed.
fn blocks_are_followed(urls: &[String], genesis: &str) {
    // Nobody answers at a port that was given back.
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let deaf = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let given = ["--from", "5", "--blocks", "20", "--events"];
    // The last one was stopped, and has no events of what it had executed before.
    let nodes = ["follow", "--node", &deaf, "--node", &urls[0], "--genesis", genesis];
    let output = lockstep(&[&nodes[..], &given[..]].concat());
    let (followed, said) = (stdout(&output), stderr(&output));
    assert!(output.status.success(), "{said}");
    let heights: Vec<u64> = followed
        .lines()
        .filter(|line| line.contains("| state "))
        .map(|line| line.split(" | ").next().unwrap().parse().unwrap())
        .collect();
    assert_eq!(heights, (5..25).collect::<Vec<_>>(), "{followed}");
    assert!(said.contains(&deaf) && !said.contains("not believed"), "{said}");
    assert!(followed.contains("\"event\""), "{followed}");
    let other = scratch("follow-genesis");
    let mut bytes = fs::read(genesis).unwrap();
    // The salt is behind the name and its length.
    let salt = usize::from(bytes[0]) + 2;
    bytes[salt] ^= 1;
    fs::write(&other, bytes).unwrap();
    let (code, complaint) = fails(&["follow", "--node", &urls[0], "--genesis", &other]);
    assert_eq!(code, 1);
    assert!(complaint.contains("is not believed any more: block"), "{complaint}");
    assert!(complaint.contains("no node left"), "{complaint}");
    fs::remove_file(other).unwrap();
}

/// A node's whole chain is in order, and a copy of it is not once anything in it is changed.
fn whatever_is_wrong_with_a_chain_is_named(url: &str, genesis: &str, folder: &Path) {
    let audited = succeeds(&["audit", "--node", url, "--genesis", genesis]);
    assert!(audited.contains("holds, all of it"), "{audited}");
    let node = RemoteNode::new(url);
    let mut frames = Vec::new();
    while frames.len() < 40 {
        frames.extend(node.blocks(frames.len() as u64 + 1, 40).unwrap());
    }
    let path = folder.join("frames");
    let file = path.to_str().unwrap();
    let audit = |change: &dyn Fn(&mut Vec<Frame>)| {
        let (mut changed, mut bytes) = (frames.clone(), Vec::new());
        change(&mut changed);
        changed.iter().for_each(|frame| frame.write(&mut bytes));
        fs::write(&path, bytes).unwrap();
        lockstep(&["audit", "--frames", file, "--genesis", genesis])
    };
    let clean = audit(&|_| {});
    assert!(clean.status.success(), "{}", stderr(&clean));
    let named = |change: &dyn Fn(&mut Vec<Frame>)| {
        let output = audit(change);
        assert_eq!(output.status.code(), Some(1));
        stderr(&output)
    };
    let certified = frames[10..].iter().position(|frame| !frame.certificate.is_empty()).unwrap();
    let certified = 10 + certified;
    let said = named(&|frames| *frames[6].block.last_mut().unwrap() ^= 1);
    assert!(said.contains("block 7: block: "), "{said}");
    let said = named(&|frames| *frames[certified].certificate.last_mut().unwrap() ^= 1);
    assert!(said.contains(&format!("block {}: certificate: ", certified + 1)), "{said}");
    let said = named(&|frames| drop(frames.remove(8)));
    assert!(said.contains("block 9: height: 10 is there instead"), "{said}");
    let said = named(&|frames| frames.swap(3, 4));
    assert!(said.contains("block 4: height: 5"), "{said}");
}
