//! Rules for source text: lengths, module comments, words that must not be left behind.
//!
//! The words are written in two halves, so that this file keeps its own rules.

/// Longest line of Rust, in characters.
const LINE_CHARS_MAX: usize = 100;

/// Longest file of Rust, in lines; 300 to 500 is the aim.
const FILE_LINES_MAX: usize = 700;

/// Marks of unfinished work.
const UNFINISHED: [&str; 5] = [
    concat!("todo", "!"),
    concat!("dbg", "!"),
    concat!("unimplemented", "!"),
    concat!("FIX", "ME"),
    concat!("HA", "CK"),
];

/// Folders that exist on the author's machine only.
const MACHINE_FOLDERS: [&str; 5] = [
    concat!("/", "work"),
    concat!("/", "tmp"),
    concat!("/", "home"),
    concat!("/", "root"),
    concat!("/", "Users"),
];

/// What pure code may not name: its results would depend on the machine or the moment.
const IMPURE: [&str; 6] = [
    concat!("f", "32"),
    concat!("f", "64"),
    concat!("Hash", "Map"),
    concat!("Hash", "Set"),
    concat!("System", "Time"),
    concat!("Inst", "ant"),
];

/// Crates whose shipped code is pure.
const PURE_CRATES: [&str; 4] =
    ["crates/types/src/", "crates/kernel/src/", "crates/exchange/src/", "crates/ledger/src/"];

/// Lines longer than the page.
pub fn long_lines(text: &str) -> Vec<String> {
    numbered(text)
        .filter(|(_, line)| line.chars().count() > LINE_CHARS_MAX)
        .map(|(number, line)| {
            format!("{number}: {} characters, at most {LINE_CHARS_MAX}", line.chars().count())
        })
        .collect()
}

/// A file too long to have one idea.
pub fn long_file(text: &str) -> Vec<String> {
    let lines = text.lines().count();
    if lines <= FILE_LINES_MAX {
        return Vec::new();
    }
    vec![format!("{lines}: {lines} lines, at most {FILE_LINES_MAX}: split it by idea")]
}

/// A module that does not open with what it is. A `tests.rs` need not: the module it tests says.
pub fn missing_module_doc(text: &str) -> Vec<String> {
    let first = text.lines().next().unwrap_or_default();
    if first.strip_prefix("//!").is_some_and(|doc| !doc.trim().is_empty()) {
        return Vec::new();
    }
    vec!["1: begin with a `//!` comment that says what this is".to_owned()]
}

/// Marks of unfinished work, in code and in comments.
pub fn unfinished(text: &str) -> Vec<String> {
    words_in(text, &UNFINISHED, |line| line.to_owned())
        .map(|(number, word)| format!("{number}: {word} left behind"))
        .collect()
}

/// Absolute paths that exist on one machine only.
pub fn machine_paths(text: &str) -> Vec<String> {
    // A path part before the slash makes it relative, or part of a web address.
    let is_path = |c: char| c.is_alphanumeric() || "._-/*}".contains(c);
    numbered(text)
        .flat_map(|(number, line)| {
            let found = MACHINE_FOLDERS.into_iter().filter(move |folder| {
                line.match_indices(folder).any(|(at, _)| {
                    let before = line[..at].chars().next_back();
                    let after = line[at + folder.len()..].chars().next();
                    !before.is_some_and(is_path)
                        && !after.is_some_and(|c| c.is_alphanumeric() || "_-".contains(c))
                })
            });
            found.map(move |folder| format!("{number}: names {folder} of one machine"))
        })
        .collect()
}

/// Whether the file is pure code that ships: tests may be as impure as they like.
pub fn is_shipped_pure_code(path: &str) -> bool {
    let is_test = path.ends_with("tests.rs") || path.contains("/tests/");
    path.ends_with(".rs") && !is_test && PURE_CRATES.iter().any(|folder| path.starts_with(folder))
}

/// Floats, clocks and unordered maps in code; a comment may say that they are absent.
pub fn impure_words(text: &str) -> Vec<String> {
    let words = words_in(text, &IMPURE, code_of)
        .map(|(number, word)| format!("{number}: {word} in a pure crate"));
    let literals = numbered(text)
        .filter(|(_, line)| has_float_literal(&code_of(line)))
        .map(|(number, _)| format!("{number}: a floating-point literal in a pure crate"));
    words.chain(literals).collect()
}

/// Lines of code that say "unsafe", beyond the first `allowed` of them.
pub fn unsafe_code(text: &str, allowed: usize) -> Vec<String> {
    words_in(text, &["unsafe"], code_of)
        .skip(allowed)
        .map(|(number, word)| format!("{number}: {word} stands in one place only, the kernel's"))
        .collect()
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line))
}

/// Lines in which a word of `words` stands on its own, after `view` took from the line what counts.
fn words_in<'a>(
    text: &'a str,
    words: &'a [&'static str],
    view: impl Fn(&str) -> String + 'a,
) -> impl Iterator<Item = (usize, &'static str)> + 'a {
    numbered(text).flat_map(move |(number, line)| {
        let seen = view(line);
        let found: Vec<_> =
            words.iter().filter(|word| has_word(&seen, word)).map(|word| (number, *word)).collect();
        found
    })
}

fn has_word(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let open_ended = word.ends_with('!');
        !before.is_some_and(is_part) && (open_ended || !after.is_some_and(is_part))
    })
}

/// The line without its comment and without what its string and character literals hold. Literals
/// that run over several lines are not followed: pure code has none.
fn code_of(line: &str) -> String {
    let mut code = String::new();
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '/' if rest.peek() == Some(&'/') => break,
            '"' => {
                code.push('"');
                skip_string(&mut rest);
                code.push('"');
            }
            '\'' => {
                // A lifetime has no second quote two characters on; a character literal has.
                let ahead: Vec<char> = rest.clone().take(3).collect();
                let literal_len = match ahead.as_slice() {
                    ['\\', _, '\'', ..] => 3,
                    [_, '\'', ..] => 2,
                    _ => 0,
                };
                rest.by_ref().take(literal_len).for_each(drop);
                code.push('\'');
            }
            _ => code.push(c),
        }
    }
    code
}

fn skip_string(rest: &mut impl Iterator<Item = char>) {
    while let Some(c) = rest.next() {
        match c {
            '\\' => drop(rest.next()),
            '"' => return,
            _ => {}
        }
    }
}

/// Whether `1.5` stands in the code; `pair.0.1`, `0..5` and `1.max(2)` are no floats.
fn has_float_literal(code: &str) -> bool {
    let chars: Vec<char> = code.chars().collect();
    (1..chars.len().saturating_sub(1)).any(|dot| {
        if chars[dot] != '.' || !chars[dot - 1].is_ascii_digit() || !chars[dot + 1].is_ascii_digit()
        {
            return false;
        }
        let start = (0..dot)
            .rev()
            .find(|at| !(chars[*at].is_ascii_alphanumeric() || chars[*at] == '_'))
            .map_or(0, |before| before + 1);
        let is_number = chars[start].is_ascii_digit();
        is_number && (start == 0 || chars[start - 1] != '.')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_101_characters_is_too_long_and_one_of_100_is_not() {
        let fits = "é".repeat(100);
        assert_eq!(long_lines(&fits), Vec::<String>::new());
        assert_eq!(long_lines(&format!("{fits}\n{fits}x")), ["2: 101 characters, at most 100"]);
    }

    #[test]
    fn a_file_of_701_lines_is_too_long_and_one_of_700_is_not() {
        assert!(long_file(&"x\n".repeat(700)).is_empty());
        assert_eq!(long_file(&"x\n".repeat(701)).len(), 1);
    }

    #[test]
    fn a_module_must_open_with_words() {
        assert!(missing_module_doc("//! The book.\nuse x;").is_empty());
        for bad in ["", "use x;\n//! Late.", "//!\n", "// The book.", "\n//! The book."] {
            assert_eq!(missing_module_doc(bad).len(), 1, "{bad:?}");
        }
    }

    #[test]
    fn each_mark_of_unfinished_work_is_found() {
        for word in UNFINISHED {
            assert_eq!(unfinished(&format!("a\n  {word}(1) // x")).len(), 1, "{word}");
        }
        assert!(unfinished("let todo = HACKNEY; mytodo!(x); fn dbg() {}").is_empty());
    }

    #[test]
    fn paths_of_one_machine_are_found_and_relative_paths_are_not() {
        for folder in MACHINE_FOLDERS {
            for line in [format!("see {folder}/x"), format!("\"{folder}\""), format!("={folder}/")]
            {
                assert_eq!(machine_paths(&line).len(), 1, "{line}");
            }
            for line in [format!("docs{folder}/x"), format!("{folder}bench"), format!("..{folder}")]
            {
                assert!(machine_paths(&line).is_empty(), "{line}");
            }
        }
    }

    #[test]
    fn only_shipped_code_of_the_pure_crates_is_pure() {
        assert!(is_shipped_pure_code("crates/exchange/src/book/mod.rs"));
        assert!(!is_shipped_pure_code("crates/exchange/src/book/tests.rs"));
        assert!(!is_shipped_pure_code("crates/types/src/tests/codec.rs"));
        assert!(!is_shipped_pure_code("crates/exchange/tests/book.rs"));
        assert!(!is_shipped_pure_code("crates/lockstep/src/main.rs"));
    }

    #[test]
    fn impure_words_are_found_in_code_and_not_in_comments_or_strings() {
        for word in IMPURE {
            let code = format!("fn a<'a>(c: char) -> {word} {{ c == '\"' }} // why");
            assert_eq!(impure_words(&code).len(), 1, "{code}");
            let spoken = format!("//! No {word} here.\nlet s = \"a \\\" {word}\"; // {word}");
            assert!(impure_words(&spoken).is_empty(), "{spoken}");
            assert!(impure_words(&format!("My{word} {word}ly {word}_x")).is_empty());
        }
    }

    #[test]
    fn unsafe_is_found_in_code_and_not_in_comments_or_names() {
        let text =
            "unsafe { a() } // unsafe\n#[allow(unsafe_code)]\nlet s = \"unsafe\";\nunsafe fn b()";
        assert_eq!(unsafe_code(text, 0).len(), 2);
        assert_eq!(unsafe_code(text, 1).len(), 1);
        assert!(unsafe_code(text, 2).is_empty());
    }

    #[test]
    fn float_literals_are_told_from_fields_ranges_and_methods() {
        for bad in ["let x = 1.5;", "a*0.25", "1.0e3", "(2.0)", "1_000.5"] {
            assert_eq!(impure_words(bad).len(), 1, "{bad}");
        }
        for good in ["x.0.1", "0..5", "1.max(2)", "a.1", "pair.0.0.1", "x1.0", "\"1.5\"", "// 1.5"]
        {
            assert!(impure_words(good).is_empty(), "{good}");
        }
    }
}
