//! A small checker of pages: every tag closed in order, every attribute quoted, no bare brackets,
//! every id once, nothing loaded from elsewhere.

use super::*;

/// Elements without a closing tag in HTML.
const VOID: [&str; 1] = ["meta"];

/// Checks a page; tells the first thing that is wrong with it.
pub(super) fn check(page: &str) -> Result<(), String> {
    let mut rest = page.strip_prefix("<!DOCTYPE html>").ok_or("no doctype")?;
    let mut open: Vec<&str> = Vec::new();
    let mut ids = std::collections::BTreeSet::new();
    while let Some(start) = rest.find('<') {
        check_text(&rest[..start])?;
        rest = &rest[start + 1..];
        let end = tag_end(rest).ok_or_else(|| format!("no end of <{rest:.40}"))?;
        let (tag, after) = (&rest[..end], &rest[end + 1..]);
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            match open.pop() {
                Some(top) if top == name => continue,
                other => return Err(format!("</{name}> closes {other:?}")),
            }
        }
        let closed = tag.ends_with('/');
        let tag = tag.trim_end_matches('/');
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(format!("odd tag <{tag:.40}"));
        }
        check_attributes(attributes, &mut ids)?;
        if closed || VOID.contains(&name) {
            continue;
        }
        open.push(name);
        if matches!(name, "script" | "style") {
            // Their content is not markup; it ends at the first closing tag.
            let end = rest.find("</").ok_or("endless script or style")?;
            rest = &rest[end..];
        }
    }
    check_text(rest)?;
    if open.is_empty() { Ok(()) } else { Err(format!("left open: {open:?}")) }
}

/// Where a tag ends: the first bracket outside quotes.
fn tag_end(tag: &str) -> Option<usize> {
    let mut quoted = false;
    tag.char_indices().find_map(|(at, c)| {
        quoted ^= c == '"';
        (c == '>' && !quoted).then_some(at)
    })
}

fn check_text(text: &str) -> Result<(), String> {
    if text.contains('>') {
        return Err(format!("a bare bracket in {text:?}"));
    }
    for (at, _) in text.match_indices('&') {
        let known = ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"];
        if !known.iter().any(|name| text[at..].starts_with(name)) {
            return Err(format!("a bare ampersand in {text:?}"));
        }
    }
    let control = |c: char| c.is_control() && c != '\n';
    if text.contains(control) { Err(format!("control characters in {text:?}")) } else { Ok(()) }
}

fn check_attributes<'a>(
    mut rest: &'a str,
    ids: &mut std::collections::BTreeSet<&'a str>,
) -> Result<(), String> {
    const KNOWN: [&str; 34] = [
        "aria-label",
        "charset",
        "class",
        "colspan",
        "content",
        "d",
        "data-bar",
        "data-decimals",
        "data-end",
        "data-high",
        "data-line",
        "data-log",
        "data-low",
        "data-prefix",
        "data-start",
        "data-suffix",
        "height",
        "http-equiv",
        "id",
        "lang",
        "name",
        "preserveAspectRatio",
        "role",
        "scope",
        "style",
        "tabindex",
        "type",
        "viewBox",
        "width",
        "x",
        "y",
        "rx",
        "fill",
        "stroke",
    ];
    while !rest.trim().is_empty() {
        let (name, after) = rest.trim_start().split_once("=\"").ok_or("an unquoted attribute")?;
        let (value, after) = after.split_once('"').ok_or("an endless attribute")?;
        if !KNOWN.contains(&name) {
            return Err(format!("an unexpected attribute {name:?}"));
        }
        if value.contains('<') {
            return Err(format!("a bracket in {name}={value:?}"));
        }
        check_text(value)?;
        if name == "id" && !ids.insert(value) {
            return Err(format!("id {value} twice"));
        }
        rest = after;
    }
    Ok(())
}

#[test]
fn the_checker_finds_what_is_wrong() {
    let page = |body: &str| check(&format!("<!DOCTYPE html><p>{body}</p>"));
    assert_eq!(page("<b class=\"x\">a &amp; b</b>"), Ok(()));
    for wrong in [
        "<b>",
        "</b>",
        "<b></i>",
        "a & b",
        "a > b",
        "<b class=x></b>",
        "<b onclick=\"x\"></b>",
        "<i id=\"a\"></i><i id=\"a\"></i>",
        "<b class=\"<\"></b>",
        "\u{1b}",
        "<3",
        "<script>",
        "<a href=\"x\"></a>",
    ] {
        assert!(page(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_page_is_well_formed_and_loads_nothing() {
    for report in [small(), Report::default()] {
        let page = html::render(&report);
        assert_eq!(check(&page), Ok(()));
        for outside in ["http:", "https:", "//www", "url(", "@import", "<link", "<img", "src="] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}
