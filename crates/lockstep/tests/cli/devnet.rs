//! A network of real validators over sockets and files, as `lockstep devnet` runs it.

use super::{fails, succeeds};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU16, Ordering};

/// A folder of one test's own that is gone afterwards.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let name = format!("lockstep-cli-{}-{name}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// How many times ports were looked for: tests that run side by side must not find the same.
static LOOKED: AtomicU16 = AtomicU16::new(0);

/// The first of four ports in a row on which nobody listens; below those that the system gives to
/// whoever connects.
pub fn free_ports() -> u16 {
    let process = u16::try_from(std::process::id() % 200).unwrap();
    let mut first = 20_000 + process * 50 + LOOKED.fetch_add(4, Ordering::Relaxed);
    loop {
        let open: Vec<_> =
            (first..first + 4).map(|port| TcpListener::bind(("127.0.0.1", port))).collect();
        if open.iter().all(Result::is_ok) {
            return first;
        }
        first += 1_000;
    }
}

/// Runs a network for so many blocks; what it printed.
fn devnet(folder: &Folder, blocks: &str) -> String {
    let port = free_ports().to_string();
    let data = folder.0.to_str().unwrap();
    succeeds(&["devnet", "--blocks", blocks, "--data", data, "--port", &port])
}

/// The height of the first validator in the closing table.
fn height(text: &str) -> u64 {
    let table = text.split("skipped views").last().unwrap();
    let row = table.lines().find(|line| line.trim_start().starts_with("0 ")).unwrap();
    row.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn four_validators_agree_and_go_on_after_a_restart() {
    let folder = Folder::new("devnet");
    let first = devnet(&folder, "30");
    assert!(first.contains("roots are compared at"), "{first}");
    let before = height(&first);
    assert!(before >= 30, "{first}");
    // The files may be some blocks behind what was shown; the others' votes bring those back.
    let second = devnet(&folder, "30");
    assert!(height(&second) > before, "the second run goes on from the first: {second}");
}

#[test]
fn a_folder_of_another_network_is_refused() {
    let folder = Folder::new("devnet-other");
    devnet(&folder, "2");
    let data = folder.0.to_str().unwrap();
    let (code, complaint) = fails(&["devnet", "--validators", "3", "--data", data]);
    assert_eq!(code, 2);
    assert!(complaint.contains("has a network of 4"), "{complaint}");
    let (code, complaint) = fails(&["devnet", "--validators", "0", "--data", data]);
    assert_eq!(code, 2);
    assert!(complaint.contains("--validators"), "{complaint}");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let folder = Folder::new("devnet-port");
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let data = folder.0.to_str().unwrap();
    let (code, complaint) = fails(&["devnet", "--blocks", "1", "--data", data, "--port", &port]);
    assert_eq!(code, 2);
    assert!(complaint.contains(&port), "{complaint}");
}

#[test]
fn the_bench_of_the_chain_ends_with_equal_roots() {
    let port = free_ports().to_string();
    let arguments = ["bench", "chain", "--seconds", "1", "--commands", "100", "--port", &port];
    let text = succeeds(&arguments);
    assert!(text.contains("empty") && text.contains("full"), "{text}");
    assert!(text.contains("equal roots"), "{text}");
}
