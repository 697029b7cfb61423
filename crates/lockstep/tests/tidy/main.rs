//! House rules that no compiler checks, as tests over the files of this repository.
//!
//! Each rule is a pure function from text to a list of complaints, with tests of its own on text
//! that breaks it; here they meet the real files. A complaint names file, line and remedy.
//! Deliberately absent: anything rustfmt, clippy or rustdoc already says.

mod dependencies;
mod files;
mod links;
mod rules;
mod source;

use files::{TextFile, repository_files};
use std::collections::BTreeSet;

/// Fails with every complaint at once: one run shows all there is to mend.
fn assert_none(complaints: &[String]) {
    assert!(complaints.is_empty(), "{} to mend:\n{}", complaints.len(), complaints.join("\n"));
}

/// What `check` complains about in the files that `of_interest` picks; there must be some.
fn complaints_in(
    of_interest: impl Fn(&TextFile) -> bool,
    check: impl Fn(&TextFile) -> Vec<String>,
) -> Vec<String> {
    let files: Vec<TextFile> = repository_files().into_iter().filter(of_interest).collect();
    assert!(!files.is_empty(), "a rule that looks at no file proves nothing");
    files
        .iter()
        .flat_map(|file| check(file).into_iter().map(|what| format!("{}:{what}", file.path)))
        .collect()
}

fn is_rust(file: &TextFile) -> bool {
    file.path.ends_with(".rs")
}

#[test]
fn lines_fit_the_page() {
    assert_none(&complaints_in(is_rust, |file| source::long_lines(&file.text)));
}

#[test]
fn files_stay_short() {
    assert_none(&complaints_in(is_rust, |file| source::long_file(&file.text)));
}

#[test]
fn every_module_says_what_it_is() {
    let is_module = |file: &TextFile| is_rust(file) && !file.path.ends_with("/tests.rs");
    assert_none(&complaints_in(is_module, |file| source::missing_module_doc(&file.text)));
}

#[test]
fn nothing_unfinished_is_left_behind() {
    assert_none(&complaints_in(is_rust, |file| source::unfinished(&file.text)));
}

#[test]
fn no_file_names_a_path_of_one_machine() {
    assert_none(&complaints_in(|_| true, |file| source::machine_paths(&file.text)));
}

#[test]
fn pure_crates_name_no_float_clock_or_unordered_map() {
    assert_none(&complaints_in(
        |file| source::is_shipped_pure_code(&file.path),
        |file| source::impure_words(&file.text),
    ));
}

#[test]
fn unsafe_code_is_one_block_of_the_kernel() {
    assert_none(&complaints_in(
        |file| is_rust(file) && file.path.starts_with("crates/kernel/"),
        |file| source::unsafe_code(&file.text, usize::from(file.path.ends_with("/src/lib.rs"))),
    ));
    // Everywhere else the compiler forbids it.
    assert_none(&complaints_in(
        |file| file.path.starts_with("crates/") && file.path.ends_with("/Cargo.toml"),
        |file| {
            let inherits = file.text.contains("[lints]\nworkspace = true");
            let good = inherits || file.path.starts_with("crates/kernel/");
            if good { Vec::new() } else { vec!["1: take the lints of the workspace".to_owned()] }
        },
    ));
}

#[test]
fn links_in_documents_resolve() {
    let files = repository_files();
    let documents: Vec<TextFile> =
        files.into_iter().filter(|file| file.path.ends_with(".md")).collect();
    assert!(!documents.is_empty(), "there are documents");
    assert_none(&links::broken(&documents, |path| files::root().join(path).exists()));
}

#[test]
fn every_rule_of_the_exchange_has_a_scenario() {
    let files = repository_files();
    let text_of = |wanted: &dyn Fn(&str) -> bool| -> Vec<&TextFile> {
        files.iter().filter(|file| wanted(&file.path)).collect()
    };
    let defined = text_of(&|path| path == "docs/exchange.md")
        .first()
        .map(|file| rules::defined(&file.text))
        .unwrap_or_default();
    let cited: BTreeSet<String> =
        text_of(&|path| path.starts_with("scenarios/") && path.ends_with(".jsonl"))
            .iter()
            .flat_map(|file| rules::cited(&file.text))
            .collect();
    assert_none(&rules::mismatches(&defined, &cited));
}

#[test]
fn every_dependency_has_a_reason() {
    let files = repository_files();
    let records: String = files
        .iter()
        .filter(|file| file.path.starts_with("docs/decisions/"))
        .map(|file| file.text.as_str())
        .collect();
    assert_none(&complaints_in(
        |file| file.path.starts_with("crates/") && file.path.ends_with("/Cargo.toml"),
        |file| dependencies::without_record(&file.text, &records),
    ));
}
