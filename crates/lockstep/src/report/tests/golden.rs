//! A small report drawn as it was drawn before. To accept a change on purpose, run the tests once
//! with `LOCKSTEP_ACCEPT_GOLDEN=1` and read the difference.

use super::*;

fn compare(name: &str, drawn: &str, expected: &str) {
    if std::env::var_os("LOCKSTEP_ACCEPT_GOLDEN").is_some() {
        let path = format!("{}/src/report/golden/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::write(&path, drawn).unwrap();
        return;
    }
    for (at, (drawn, expected)) in drawn.lines().zip(expected.lines()).enumerate() {
        assert_eq!(drawn, expected, "{name}, line {}", at + 1);
    }
    assert_eq!(drawn.len(), expected.len(), "{name} has another length");
}

/// What stands between the style and the script, each element that opens a line on its own.
fn body(page: &str) -> String {
    let start = page.find("<main>").unwrap();
    let end = page.find("</main>").unwrap();
    page[start..end].replace("><", ">\n<")
}

#[test]
fn the_page_of_a_small_report() {
    compare("small.html", &body(&html::render(&small())), include_str!("../golden/small.html"));
}

#[test]
fn the_text_of_a_small_report() {
    let text = terminal::render(&small(), terminal::Style { columns: 80, colour: false });
    compare("small.txt", &text, include_str!("../golden/small.txt"));
}
