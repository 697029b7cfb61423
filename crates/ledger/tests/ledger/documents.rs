//! The documents say what the code says: rejections, events, rules, bounds, kinds of leaves.

use lockstep_types::chain::ChainRejectCode;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_path_buf()
}

fn text_of(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The Rust files below a folder, as text.
fn sources(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(sources(&path)),
            false => found.extend(fs::read_to_string(&path)),
        }
    }
    found
}

fn all_sources() -> Vec<String> {
    let mut all = sources(&root().join("crates/ledger/src"));
    all.extend(sources(&root().join("crates/types/src/chain")));
    all
}

/// Rules of the chain in a text: one of its letters and a digit, standing alone.
fn rules_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let is_rule = |word: &&str| {
        word.len() == 2 && "SOGHB".contains(&word[..1]) && word.as_bytes()[1].is_ascii_digit()
    };
    words.filter(is_rule).map(str::to_owned).collect()
}

fn defined() -> BTreeSet<String> {
    let chain = text_of("docs/chain.md");
    let headings = chain.lines().filter_map(|line| line.strip_prefix("### "));
    headings.filter_map(|heading| heading.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn every_rejection_is_in_the_rules() {
    let chain = text_of("docs/chain.md");
    for code in ChainRejectCode::ALL {
        let (tag, name, rule) = (*code as u8, code.name(), code.rule());
        let row =
            format!("| {tag} | `{name}` | {rule} | `{}` | {} |", code.field(), code.message());
        assert!(chain.contains(&row), "docs/chain.md lacks the row\n{row}");
        assert!(defined().contains(rule), "{name} is under {rule}");
    }
}

#[test]
fn every_event_is_in_the_rules_with_its_fields() {
    let chain = text_of("docs/chain.md");
    let source = text_of("crates/types/src/chain/event.rs");
    let list = source.split("codec_enum!(ChainEvent {").nth(1).unwrap();
    let mut count = 0;
    for line in list.lines().map(str::trim).filter(|line| line.contains(" => ")) {
        count += 1;
        let (tag, variant) = line.trim_end_matches(',').split_once(" => ").unwrap();
        let (name, fields) = variant.split_once(" { ").unwrap_or((variant, ""));
        let row = format!("| {tag} | `{name}` | {} |", fields.trim_end_matches(" }"));
        assert!(chain.contains(&row), "docs/chain.md lacks the row\n{row}");
    }
    assert!(count > 20, "events were found");
}

#[test]
fn every_rule_that_the_code_cites_is_defined_and_every_rule_is_cited() {
    let defined = defined();
    let cited: BTreeSet<String> =
        all_sources().iter().flat_map(|source| rules_in(source)).collect();
    assert_eq!(cited, defined);
}

#[test]
fn every_bound_that_is_named_is_what_the_code_says() {
    let (chain, sources) = (text_of("docs/chain.md"), all_sources());
    let bounds = chain.split("## Bounds").nth(1).unwrap().split("\n## ").next().unwrap();
    let mut count = 0;
    for (at, _) in bounds.match_indices('`').step_by(2) {
        let rest = &bounds[at + 1..];
        let (name, after) = rest.split_once('`').unwrap();
        let number: String = after
            .trim_start()
            .chars()
            .take_while(|c| c.is_ascii_digit() || *c == ',')
            .filter(char::is_ascii_digit)
            .collect();
        count += 1;
        let declared = sources.iter().find_map(|source| {
            let (_, value) = source.split_once(&format!("const {name}: "))?;
            let (_, value) = value.split_once(" = ")?;
            Some(value.split_once(';')?.0.replace('_', ""))
        });
        assert_eq!(declared.as_deref(), Some(number.as_str()), "{name}");
    }
    assert!(count > 10, "bounds were found");
}

#[test]
fn every_kind_of_leaf_is_in_the_protocol() {
    let protocol = text_of("docs/protocol.md");
    let source = text_of("crates/ledger/src/state/mod.rs");
    let tables = source.split("\ntables! {").nth(1).unwrap().split("\n}").next().unwrap();
    let mut count = 0;
    let mut doc = String::new();
    for line in tables.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("/// ") {
            doc = text.trim_end_matches('.').to_owned();
        } else if let Some((kind, rest)) = line.split_once(' ') {
            count += 1;
            let value = rest.split(" => ").nth(1).unwrap().trim_end_matches(';');
            let row = protocol.lines().find(|row| row.starts_with(&format!("| {kind} | {doc} |")));
            let row =
                row.unwrap_or_else(|| panic!("docs/protocol.md lacks a row | {kind} | {doc} |"));
            assert!(row.ends_with(&format!("| `{value}` |")), "{row} has {value}");
        }
    }
    assert!(count > 15, "kinds were found");
}
