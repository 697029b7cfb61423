//! The binary as people run it: arguments in, results on stdout, complaints on stderr, exit codes.

mod bench;
mod devnet;
mod hostile;
mod margin;
mod operate;
mod price;
mod proof;
mod replay;

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// Runs the binary.
fn lockstep(arguments: &[&str]) -> Output {
    lockstep_with(arguments, "")
}

/// Runs the binary with something on stdin.
fn lockstep_with(arguments: &[&str], stdin: &str) -> Output {
    use std::io::Write;
    let mut child = Command::new(env!("CARGO_BIN_EXE_lockstep"))
        .args(arguments)
        .env("NO_COLOR", "1")
        .env("COLUMNS", "140")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The output of a run that must succeed.
fn succeeds(arguments: &[&str]) -> String {
    let output = lockstep(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
    stdout(&output)
}

/// Exit code and complaint of a run that must fail.
fn fails(arguments: &[&str]) -> (i32, String) {
    let output = lockstep(arguments);
    assert!(!output.status.success(), "{arguments:?} should fail");
    (output.status.code().unwrap(), stderr(&output))
}

/// A file of the repository.
fn file(path: &str) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.join(path).to_str().unwrap().to_owned()
}

/// A file that a test writes.
fn scratch(name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    folder.join(format!("{}-{name}", std::process::id())).to_str().unwrap().to_owned()
}

#[test]
fn the_help_names_every_command() {
    let help = succeeds(&["--help"]);
    for command in ["replay", "price", "margin", "bench", "series"] {
        assert!(help.contains(command), "{help}");
    }
}

#[test]
fn a_wrong_argument_is_refused_with_code_two() {
    let (code, complaint) = fails(&["replay", "--acounts", "10"]);
    assert_eq!(code, 2);
    assert!(complaint.contains("--accounts"), "{complaint}");
}

#[test]
fn series_names_the_raw_file_that_is_missing() {
    let (code, complaint) = fails(&["series", "--raw", "/nowhere", "--out", "/nowhere"]);
    assert_eq!(code, 1);
    assert!(complaint.contains("index-2025-10-10-1s.csv"), "{complaint}");
}
