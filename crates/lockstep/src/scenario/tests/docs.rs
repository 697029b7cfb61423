//! `docs/scenarios.md` is complete, and its examples are the ones that are shipped.

use crate::events_json::KINDS;
use crate::scenario::parse;
use lockstep_types::reject::RejectCode;

const DOCS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/scenarios.md"));

#[test]
fn every_word_of_the_language_is_documented() {
    let mut missing = Vec::new();
    let words = parse::vocabulary().chain(
        KINDS
            .iter()
            .flat_map(|(kind, fields)| std::iter::once(*kind).chain(fields.iter().copied())),
    );
    for word in words {
        let named = [format!("`{word}`"), format!("\"{word}\"")];
        if !named.iter().any(|named| DOCS.contains(named)) {
            missing.push(word.to_string());
        }
    }
    assert!(missing.is_empty(), "not in docs/scenarios.md: {missing:?}");
}

#[test]
fn every_rejection_is_documented_in_its_words() {
    for code in RejectCode::ALL {
        let row = format!(
            "| {} | `{}` | {} | {} |",
            code.rule(),
            code.name(),
            code.field(),
            code.message()
        );
        assert!(DOCS.contains(&row), "docs/scenarios.md lacks the row\n{row}");
    }
}

#[test]
fn the_examples_of_the_docs_are_shipped_files() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scenarios");
    let mut count = 0;
    for block in DOCS.split("```json\n").skip(1) {
        let example = block.split("```").next().unwrap();
        if !example.starts_with("{\"scenario\"") {
            continue;
        }
        count += 1;
        parse::parse(example).unwrap_or_else(|faults| panic!("{example}\n{faults:?}"));
        let shipped = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap_or_default());
        assert!(shipped.into_iter().any(|text| text == example), "not in scenarios/:\n{example}");
    }
    assert_eq!(count, 3, "three examples");
}
