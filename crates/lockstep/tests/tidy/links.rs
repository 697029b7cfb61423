//! Links between documents: files exist, anchors are headings.
//!
//! Web addresses are left alone: a test that needs a network fails for the wrong reason.

use super::files::TextFile;
use std::collections::BTreeMap;

/// Links of `documents` that lead nowhere; `exists` tells of paths from the repository's root.
pub fn broken(documents: &[TextFile], exists: impl Fn(&str) -> bool) -> Vec<String> {
    let anchors: BTreeMap<&str, Vec<String>> =
        documents.iter().map(|file| (file.path.as_str(), anchors_of(&file.text))).collect();
    let mut complaints = Vec::new();
    for document in documents {
        for (number, target) in targets_of(&document.text) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let path = if file.is_empty() {
                Some(document.path.clone())
            } else {
                resolve(&document.path, file)
            };
            let has_anchor = |path: &str| {
                anchors.get(path).is_none_or(|known| known.iter().any(|known| known == anchor))
            };
            let why = match path {
                None => "leaves the repository",
                Some(path) if !exists(&path) => "no such file",
                Some(path) if !anchor.is_empty() && !has_anchor(&path) => "no such heading",
                Some(_) => continue,
            };
            complaints.push(format!("{}:{number}: link to {target}: {why}", document.path));
        }
    }
    complaints
}

/// Lines outside fenced code, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let is_fence = line.trim_start().starts_with("```");
        fenced ^= is_fence;
        (!fenced && !is_fence).then_some((index + 1, line))
    })
}

/// What `[text](target)` points to, with line numbers; a title after the target is dropped.
fn targets_of(text: &str) -> Vec<(usize, String)> {
    let mut targets = Vec::new();
    for (number, line) in prose(text) {
        // Every second piece between backticks is code.
        let line: String = line.split('`').step_by(2).collect::<Vec<_>>().join("code");
        for (at, _) in line.match_indices("](") {
            let rest = &line[at + 2..];
            let target = rest.split([')', ' ']).next().unwrap_or_default();
            targets.push((number, target.trim_matches(['<', '>']).to_owned()));
        }
    }
    targets
}

/// Anchors as code hosts make them: lower case, punctuation dropped, spaces to hyphens, and a
/// number after a heading that was there before.
fn anchors_of(text: &str) -> Vec<String> {
    let mut anchors: Vec<String> = Vec::new();
    for (_, line) in prose(text) {
        let heading = line.trim_start_matches('#');
        let level = line.len() - heading.len();
        if !(1..=6).contains(&level) || !heading.starts_with(' ') {
            continue;
        }
        let slug: String = heading
            .trim()
            .to_lowercase()
            .chars()
            .filter(|c| c.is_alphanumeric() || "-_ ".contains(*c))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect();
        let repeats = (1..).map(|count| format!("{slug}-{count}"));
        let anchor = std::iter::once(slug.clone())
            .chain(repeats)
            .find(|candidate| !anchors.contains(candidate))
            .expect("numbers do not run out");
        anchors.push(anchor);
    }
    anchors
}

/// The path from the root of `target` as seen from `document`; `None` if it climbs out.
fn resolve(document: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = document.split('/').collect();
    parts.pop();
    if target.starts_with('/') {
        return None;
    }
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(text: &str) -> Vec<String> {
        let file = |path: &str, text: &str| TextFile { path: path.into(), text: text.into() };
        let documents = [file("docs/a.md", text), file("docs/b.md", "# The Book!\n\n# The book")];
        broken(&documents, |path| ["docs/a.md", "docs/b.md", "README.md", "docs"].contains(&path))
    }

    #[test]
    fn good_links_pass() {
        let text = "# Own `head`: 1\n[a](b.md) [b](b.md#the-book-1 \"title\") [c](../README.md)\n\
            [d](#own-head-1) ![e](./b.md) [f](https://x.org/none) `[g](none.md)`\n\
            ```\n[h](none.md)\n```\n[i](<b.md>) [j](../docs/)";
        assert_eq!(complaints(text), Vec::<String>::new());
    }

    #[test]
    fn bad_links_are_named_with_line_and_reason() {
        for (text, why) in [
            ("[a](none.md)", "docs/a.md:1: link to none.md: no such file"),
            ("\n[a](b.md#none)", "docs/a.md:2: link to b.md#none: no such heading"),
            ("[a](#none)", "docs/a.md:1: link to #none: no such heading"),
            ("[a](../../x.md)", "docs/a.md:1: link to ../../x.md: leaves the repository"),
            ("[a](/README.md)", "docs/a.md:1: link to /README.md: leaves the repository"),
            ("![a](b.png)", "docs/a.md:1: link to b.png: no such file"),
        ] {
            assert_eq!(complaints(text), [why]);
        }
    }
}
