//! Rule numbers of the exchange: which ones the document defines, which ones scenarios cite.
//!
//! A rule is a capital letter and a number, such as `M3`. `docs/exchange.md` defines it where a
//! heading, list item or table row begins with it; one marked `(planned)` needs no scenario yet.
//! A scenario cites it in the value of a `"rule"` or `"rules"` key on any line.

use std::collections::{BTreeMap, BTreeSet};

/// Whether a defined rule is in force or only planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Must be shown by a scenario.
    InForce,
    /// Written down ahead of the code.
    Planned,
}

/// Rules the document defines.
pub fn defined(document: &str) -> BTreeMap<String, Standing> {
    let mut rules = BTreeMap::new();
    for line in document.lines() {
        let line = line.trim_start();
        let text = line.trim_start_matches(['#', '-', '*', '|', ' ', '`']);
        let is_marked = text.len() < line.len();
        let Some(rule) = leading_rule(text).filter(|_| is_marked) else { continue };
        let standing =
            if line.contains("(planned)") { Standing::Planned } else { Standing::InForce };
        // The first mention is the definition; a later list may begin an item with the number.
        rules.entry(rule).or_insert(standing);
    }
    rules
}

/// Rules that the lines of a scenario cite.
pub fn cited(scenario: &str) -> BTreeSet<String> {
    let mut rules = BTreeSet::new();
    for line in scenario.lines() {
        for key in ["\"rule\"", "\"rules\""] {
            for (at, _) in line.match_indices(key) {
                rules.extend(rules_in(value_after(&line[at + key.len()..])));
            }
        }
    }
    rules
}

/// Rules in force that no scenario cites, and citations of rules that nobody defined.
pub fn mismatches(defined: &BTreeMap<String, Standing>, cited: &BTreeSet<String>) -> Vec<String> {
    let uncited = defined
        .iter()
        .filter(|(rule, standing)| **standing == Standing::InForce && !cited.contains(*rule))
        .map(|(rule, _)| format!("rule {rule} of docs/exchange.md is cited by no scenario"));
    let undefined = cited.iter().filter(|rule| !defined.contains_key(*rule)).map(|rule| {
        format!("a scenario cites rule {rule}, which docs/exchange.md does not define")
    });
    uncited.chain(undefined).collect()
}

/// The text of the JSON string or array of strings that follows a key.
fn value_after(rest: &str) -> &str {
    let value = rest.trim_start_matches([':', ' ']);
    let (open_len, close) = match value.chars().next() {
        Some('[') => (1, ']'),
        Some('"') => (1, '"'),
        _ => return "",
    };
    let inner = &value[open_len..];
    inner.split(close).next().unwrap_or_default()
}

fn rules_in(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_ascii_alphanumeric()).filter_map(|word| {
        let rule = leading_rule(word)?;
        (rule.len() == word.len()).then_some(rule)
    })
}

/// The rule number that `text` begins with, if a whole word of it is one.
fn leading_rule(text: &str) -> Option<String> {
    let mut chars = text.chars();
    let letter = chars.next().filter(char::is_ascii_uppercase)?;
    let digits: String = chars.clone().take_while(char::is_ascii_digit).collect();
    let next = chars.nth(digits.len());
    let ends = !next.is_some_and(|c| c.is_alphanumeric() || "_-/%".contains(c));
    (ends && !digits.is_empty()).then(|| format!("{letter}{digits}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "# Rules\n\n### M1 Price, then time\nM9 is prose.\n- M2. Types\n\
        * **M3** Flags\n| `M4` | Amend |\n## L1: Limits (planned)\n- M12-like\n- A shape\n- BTC1\n";

    #[test]
    fn headings_items_and_rows_define_rules_and_prose_does_not() {
        let rules = defined(DOCUMENT);
        let names: Vec<&str> = rules.keys().map(String::as_str).collect();
        assert_eq!(names, ["L1", "M1", "M2", "M3", "M4"]);
        assert_eq!(rules["L1"], Standing::Planned);
        assert_eq!(rules["M1"], Standing::InForce);
    }

    #[test]
    fn keys_cite_rules_and_other_text_does_not() {
        let scenario = "{\"scenario\":\"M1 in words\",\"rules\":[\"M2\",\"M11\", \"xM5\"]}\n\
            {\"expect\":{\"rule\": \"A3\",\"text\":\"see P4\"}}\n{\"rule\":7}\n{\"rules\":[]}";
        let rules: Vec<String> = cited(scenario).into_iter().collect();
        assert_eq!(rules, ["A3", "M11", "M2"]);
    }

    #[test]
    fn uncited_and_undefined_rules_are_both_complaints() {
        let rules = defined(DOCUMENT);
        let all: BTreeSet<String> = ["M1", "M2", "M3", "M4"].map(String::from).into();
        assert!(mismatches(&rules, &all).is_empty());
        let mut wrong = all.clone();
        wrong.remove("M3");
        wrong.insert("Z9".to_owned());
        assert_eq!(
            mismatches(&rules, &wrong),
            [
                "rule M3 of docs/exchange.md is cited by no scenario",
                "a scenario cites rule Z9, which docs/exchange.md does not define",
            ]
        );
    }
}
