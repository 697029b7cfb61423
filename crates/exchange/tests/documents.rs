//! The documents say what the code says: rejections, events, rule numbers, bounds, places.
//!
//! Each check compares a table of `docs/` with the source it describes, as text. Deliberately
//! absent: prose, which nobody can check but a reader, and links, which `tests/tidy` checks.

use lockstep_types::reject::RejectCode;
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
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}

fn pure_sources() -> Vec<(PathBuf, String)> {
    let mut found = sources(&root().join("crates/types/src"));
    found.extend(sources(&root().join("crates/exchange/src")));
    found
}

/// Words that stand between backticks.
fn code_words(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The letters under which `docs/exchange.md` has rules.
const LETTERS: &str = "IAMPFRCL";

/// Rule numbers in a text: one of the letters and one or two digits, standing alone.
fn rules_in(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(|c: char| !is_part(c))
        .filter(|word| {
            let digits = word.get(1..).unwrap_or_default();
            LETTERS.contains(word.get(..1).unwrap_or("?"))
                && (1..=2).contains(&digits.len())
                && digits.bytes().all(|byte| byte.is_ascii_digit())
        })
        .map(str::to_owned)
        .collect()
}

fn defined_rules() -> BTreeSet<String> {
    let exchange = text_of("docs/exchange.md");
    let headings = exchange.lines().filter_map(|line| line.strip_prefix("### "));
    headings.filter_map(|heading| heading.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn every_rejection_is_in_the_rules() {
    let exchange = text_of("docs/exchange.md");
    for code in RejectCode::ALL {
        let row = format!(
            "| {} | `{}` | {} | `{}` | {} |",
            *code as u8,
            code.name(),
            code.rule(),
            code.field(),
            code.message()
        );
        assert!(exchange.contains(&row), "docs/exchange.md lacks the row\n{row}");
    }
}

#[test]
fn every_event_is_in_the_rules_with_its_fields() {
    let exchange = text_of("docs/exchange.md");
    let source = text_of("crates/types/src/event.rs");
    let list = source.split("codec_enum!(Event {").nth(1).unwrap().split("});").next().unwrap();
    let mut count = 0;
    for line in list.lines().map(str::trim).filter(|line| line.contains(" => ")) {
        count += 1;
        let (tag, variant) = line.trim_end_matches(',').split_once(" => ").unwrap();
        let name: String = variant.chars().take_while(char::is_ascii_alphanumeric).collect();
        let begin = format!("| {tag} | `{name}` | ");
        let row = exchange.lines().find(|row| row.starts_with(&begin));
        let row = row.unwrap_or_else(|| panic!("docs/exchange.md lacks a row {begin}"));
        if let Some((_, fields)) = variant.split_once("{ ") {
            let end = format!("| {} |", fields.trim_end_matches(" }"));
            assert!(row.ends_with(&end), "fields of {name} are {fields}:\n{row}");
        }
    }
    assert!(count > 30, "events were found");
}

#[test]
fn every_rule_that_the_code_cites_is_defined() {
    let defined = defined_rules();
    assert!(defined.len() > 40, "rules were found");
    for (path, text) in pure_sources() {
        let unknown: Vec<String> = rules_in(&text).difference(&defined).cloned().collect();
        assert!(unknown.is_empty(), "{} cites {unknown:?}", path.display());
    }
    for code in RejectCode::ALL {
        assert!(defined.contains(code.rule()), "{} is under {}", code.name(), code.rule());
    }
}

#[test]
fn every_rule_has_a_place_in_the_code_and_a_test() {
    let architecture = text_of("docs/architecture.md");
    let table = architecture.split("| rule | modules | tests | scenarios |").nth(1).unwrap();
    let mut placed = BTreeSet::new();
    for row in table.lines().skip(2).take_while(|row| row.starts_with('|')) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        placed.insert(cells[1].to_owned());
        for module in code_words(cells[2]) {
            let (krate, path) = match module.strip_prefix("types::") {
                Some(path) => ("types", path),
                None => ("exchange", module),
            };
            let place = format!("crates/{krate}/src/{}", path.replace("::", "/"));
            let exists = [".rs", "/mod.rs"]
                .iter()
                .any(|ending| root().join(format!("{place}{ending}")).exists());
            assert!(exists, "{}: no module {module}", cells[1]);
        }
        for test in code_words(cells[3]) {
            let place = match test.starts_with("crates/") {
                true => test.to_owned(),
                false => format!("crates/exchange/tests/{test}"),
            };
            assert!(root().join(&place).exists(), "{}: no test {place}", cells[1]);
        }
        for scenario in code_words(cells[4]) {
            assert!(root().join(scenario).exists(), "{}: no {scenario}", cells[1]);
        }
    }
    assert_eq!(placed, defined_rules(), "docs/architecture.md places each rule once");
}

#[test]
fn every_call_that_the_library_document_names_exists() {
    let sources = pure_sources();
    let api = text_of("docs/api.md");
    let mut count = 0;
    for row in api.lines().filter(|line| line.starts_with("| ")) {
        let is_call = |word: &&str| word.starts_with(|c: char| c.is_ascii_lowercase());
        for call in code_words(row).filter(is_call) {
            count += 1;
            let name = call.split('(').next().unwrap_or_default();
            let exists = [format!("fn {name}("), format!("fn {name}<")]
                .iter()
                .any(|declared| sources.iter().any(|(_, source)| source.contains(declared)));
            assert!(exists, "docs/api.md names {call}, which is no function");
        }
    }
    assert!(count > 30, "calls were found");
}

#[test]
fn every_bound_that_is_named_exists() {
    let sources = pure_sources();
    let mut count = 0;
    for document in ["docs/risk.md", "docs/exchange.md"] {
        let text = text_of(document);
        let constant = |word: &&str| {
            word.contains('_') && word.chars().all(|c| c.is_ascii_uppercase() || c == '_')
        };
        for name in code_words(&text).filter(constant) {
            count += 1;
            let declared = format!("const {name}:");
            let exists = sources.iter().any(|(_, source)| source.contains(&declared));
            assert!(exists, "{document} names {name}, which is no constant");
        }
    }
    assert!(count > 15, "constants were found");
}
