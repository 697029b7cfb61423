//! The text files of the repository, in order of path, without what builds and tools leave there.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders that hold no source: build output, version control, fetched packages, fuzz findings.
const SKIPPED_FOLDERS: [&str; 6] = ["target", ".git", "out", "node_modules", "artifacts", "dist"];

/// Endings of the files we write by hand.
const TEXT_ENDINGS: [&str; 13] =
    ["rs", "md", "toml", "sh", "jsonl", "json", "py", "yml", "yaml", "ts", "tsx", "css", "html"];

/// Files without an ending that we write by hand.
const TEXT_NAMES: [&str; 4] = ["test", "run", "justfile", ".gitignore"];

/// One file, with its path from the repository's root, `/` between the parts.
#[derive(Debug)]
pub struct TextFile {
    /// For example `crates/types/src/lib.rs`.
    pub path: String,
    /// Its whole content.
    pub text: String,
}

/// The folder that holds the workspace.
pub fn root() -> PathBuf {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_folder.ancestors().nth(2).expect("this crate lies in crates/").to_path_buf()
}

/// Every text file below the root.
pub fn repository_files() -> Vec<TextFile> {
    let mut files = Vec::new();
    collect(&root(), "", &mut files);
    files.sort_by(|left, right| left.path.cmp(&right.path));
    files
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<TextFile>) {
    for entry in fs::read_dir(folder).expect("a folder of the repository can be read") {
        let entry = entry.expect("a folder of the repository can be read");
        let name = entry.file_name().into_string().expect("names are UTF-8");
        let path = format!("{prefix}{name}");
        // A build of another checkout may come and go while we look.
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            if !SKIPPED_FOLDERS.contains(&name.as_str()) {
                collect(&entry.path(), &format!("{path}/"), files);
            }
        } else if kind.is_file() && is_text(&name) {
            let text = fs::read_to_string(entry.path()).expect("a text file is UTF-8");
            files.push(TextFile { path, text });
        }
    }
}

fn is_text(name: &str) -> bool {
    let ending = Path::new(name).extension().and_then(|ending| ending.to_str());
    TEXT_NAMES.contains(&name) || ending.is_some_and(|ending| TEXT_ENDINGS.contains(&ending))
}

#[test]
fn sources_are_found_and_build_output_is_not() {
    let files = repository_files();
    let has = |path: &str| files.iter().any(|file| file.path == path);
    assert!(has("Cargo.toml") && has("test") && has(".ci/run"));
    assert!(has("crates/types/src/lib.rs") && has("crates/lockstep/tests/tidy/files.rs"));
    assert!(!files.iter().any(|file| file.path.starts_with("target/")));
    assert!(!is_text("Cargo.lock") && !is_text("book.csv.gz") && is_text("crash.jsonl"));
}
