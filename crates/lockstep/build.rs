//! Tells the binary which commit it is of: `LOCKSTEP_COMMIT`, or `unknown` outside a checkout.
//!
//! Run again when the commit changes or a crate's source does, so that a changed tree says so.

use std::path::Path;
use std::process::Command;

fn main() {
    let described = git(&["describe", "--always", "--tags", "--abbrev=12", "--dirty=-modified"]);
    let commit = described.unwrap_or_else(|| "unknown".to_string());
    println!("cargo::rustc-env=LOCKSTEP_COMMIT={commit}");
    println!("cargo::rerun-if-changed=build.rs");
    // The last lines of these are the commit and the branch; in a second work tree they lie
    // elsewhere.
    for file in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--path-format=absolute", "--git-path", file]) {
            watch(Path::new(&path));
        }
    }
    let Ok(crates) = std::fs::read_dir("..") else { return };
    crates.flatten().for_each(|each| watch(&each.path().join("src")));
}

/// Cargo takes a file that is not there for one that has changed.
fn watch(path: &Path) {
    if path.exists() {
        println!("cargo::rerun-if-changed={}", path.display());
    }
}

/// What git says, if it is there and this is a checkout.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_string();
    (output.status.success() && !text.is_empty()).then_some(text)
}
