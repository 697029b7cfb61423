//! `lockstep margin`.

use super::{fails, file, lockstep_with, scratch, stderr, stdout, succeeds};
use serde_json::Value;
use std::process::Command;

/// A file of test vectors.
fn vectors(name: &str) -> String {
    file(&format!("crates/exchange/tests/vectors/{name}.json"))
}

#[test]
fn all_vectors_hold_through_the_command_line() {
    let portfolio = vectors("portfolio_margin");
    for flags in [&[][..], &["--reprice"], &["--mode", "portfolio"]] {
        let arguments = [&["margin", &portfolio], flags].concat();
        let text = succeeds(&arguments);
        assert!(text.contains("Margin of 32 accounts"), "{text}");
        assert!(text.contains("32 compared with the file: 0 of "), "{text}");
    }
    let random = succeeds(&["margin", "--reprice", &vectors("portfolio_margin_random")]);
    assert!(random.contains("48 compared with the file: 0 of "), "{random}");
    let standard = vectors("standard_margin");
    let text = succeeds(&["margin", &standard, "--instruments", &portfolio]);
    assert!(text.contains("23 compared with the file: 0 of 253 numbers differ"), "{text}");
    let (code, complaint) = fails(&["margin", &standard]);
    assert_eq!(code, 1);
    assert!(complaint.contains("--instruments names one that has"), "{complaint}");
}

#[test]
fn json_of_a_case_has_what_the_vector_expects() {
    let text = std::fs::read_to_string(vectors("portfolio_margin")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let output = lockstep_with(&["margin", "--json", "--case", "mixed_20_legs", "-"], &text);
    assert!(output.status.success(), "{}", stderr(&output));
    let found: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let expect = &expected["cases"][31]["expect"];
    for key in ["equity", "MM", "IM", "mm_excess", "im_excess"] {
        assert_eq!(found[key], expect[key], "{key}");
    }
    for (key, value) in expect["u"]["BTC"].as_object().unwrap() {
        assert_eq!(&found["u"]["BTC"][key], value, "{key}");
    }
    assert_eq!(found["scenarios"], expected["scenarios"]);
    assert_eq!(found["positions"].as_array().unwrap().len(), 37);
}

#[test]
fn a_difference_is_shown_and_makes_the_exit_code_one() {
    let text = std::fs::read_to_string(vectors("portfolio_margin")).unwrap();
    let mut changed: Value = serde_json::from_str(&text).unwrap();
    changed["cases"][4]["expect"]["u"]["BTC"]["scan_mm"] = 1.into();
    let output = lockstep_with(&["margin", "-"], &changed.to_string());
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("u.BTC.scan_mm"), "{}", stdout(&output));
    let complaint = stderr(&output);
    assert!(complaint.contains("1 of 2848 numbers differ from the file's"), "{complaint}");
}

#[test]
fn what_does_not_read_names_file_and_field() {
    let bad = scratch("portfolio.json");
    std::fs::write(&bad, "{\n  \"spots\": {\"BTC\": 1e5},\n  \"cash\": 1\n}").unwrap();
    let (code, complaint) = fails(&["margin", &bad]);
    assert_eq!(code, 1);
    assert!(complaint.contains(&format!("{bad}: spots.BTC: write 1e5 out in full")), "{complaint}");
    std::fs::write(&bad, [0x7b, 0xff]).unwrap();
    let (code, complaint) = fails(&["margin", &bad]);
    assert!(code == 1 && complaint.contains("not UTF-8"), "{complaint}");
    let (code, complaint) = fails(&["margin", "/nowhere.json"]);
    assert!(code == 1 && complaint.contains("/nowhere.json"), "{complaint}");
    let (code, complaint) = fails(&["margin"]);
    assert!(code == 2 && complaint.contains("FILE"), "{complaint}");
    let (code, complaint) = fails(&["margin", "--case", "cash_onyl", &vectors("portfolio_margin")]);
    assert!(code == 2 && complaint.contains("did you mean `cash_only`?"), "{complaint}");
}

#[test]
fn the_example_that_it_prints_can_be_asked() {
    let example = succeeds(&["margin", "--example"]);
    let output = lockstep_with(&["margin", "-"], &example);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(stdout(&output), succeeds(&["margin", &file("examples/short-strangle.json")]));
    let help = succeeds(&["margin", "--help"]);
    let begin = help.find("  {\"spots\"").unwrap();
    let end = help.find("\n\nor a file of test vectors").unwrap();
    let output = lockstep_with(&["margin", "-"], &help[begin..end]);
    assert!(output.status.success(), "the help's own example: {}", stderr(&output));
}

/// Runs a line of a document as it stands there, from the root of the repository.
fn run_line(line: &str) -> String {
    let arguments = line.strip_prefix("$ lockstep ").unwrap().split_whitespace();
    let output = Command::new(env!("CARGO_BIN_EXE_lockstep"))
        .args(arguments)
        .current_dir(file(""))
        .env("NO_COLOR", "1")
        .env("COLUMNS", "100")
        .output()
        .unwrap();
    assert!(output.status.success(), "{line}: {}", stderr(&output));
    stdout(&output)
}

#[test]
fn the_documents_quote_what_the_command_says() {
    let mut count = 0;
    for document in ["docs/risk.md", "docs/operations.md"] {
        let text = std::fs::read_to_string(file(document)).unwrap();
        for block in text.split("```text\n$ lockstep margin").skip(1) {
            count += 1;
            let block = block.split("\n```").next().unwrap();
            let (line, quoted) = block.split_once('\n').unwrap();
            let line = format!("$ lockstep margin{line}");
            let output = run_line(&line);
            // `[...]` on a line of its own stands for lines that are left out.
            let mut rest = output.as_str();
            for piece in quoted.split("\n[...]\n") {
                let piece = piece.trim_end_matches("\n[...]");
                let at = rest.find(piece);
                let at = at.unwrap_or_else(|| panic!("{line} does not say\n{piece}\nbut\n{rest}"));
                rest = &rest[at + piece.len()..];
            }
        }
    }
    assert_eq!(count, 2, "worked examples");
}

#[test]
fn every_field_of_the_documented_shape_is_in_the_document() {
    let text = std::fs::read_to_string(file("docs/operations.md")).unwrap();
    let section = text.split("\n## margin\n").nth(1).unwrap().split("\n## ").next().unwrap();
    for name in ["short-strangle", "calendar-spread"] {
        let path = file(&format!("examples/{name}.json"));
        let example: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let objects = [&example, &example["instruments"][0], &example["positions"][0]];
        let objects = objects.into_iter().chain([&example["orders"][0], &example["latency"]]);
        for field in objects.flat_map(|object| object.as_object().unwrap().keys()) {
            assert!(section.contains(&format!("`{field}`")), "docs/operations.md lacks `{field}`");
        }
    }
}
