//! Cleaning, cutting and escaping of text. Everything that a page or a terminal shows and that a
//! caller wrote goes through here.

use super::{LABEL_CHARS_MAX, PROSE_CHARS_MAX};

/// A label: one line, at most [`LABEL_CHARS_MAX`] characters.
pub fn label(text: &str) -> String {
    clean(text, LABEL_CHARS_MAX)
}

/// A paragraph: one line, at most [`PROSE_CHARS_MAX`] characters.
pub fn prose(text: &str) -> String {
    clean(text, PROSE_CHARS_MAX)
}

/// An escaped label.
pub fn html_label(text: &str) -> String {
    escape(&label(text))
}

/// An escaped paragraph.
pub fn html_prose(text: &str) -> String {
    escape(&prose(text))
}

/// Escapes text for the body and for quoted attributes of HTML.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// White space becomes one blank; other control characters, and marks that turn the direction of
/// writing, are dropped; what is too long ends with an ellipsis.
fn clean(text: &str, chars_max: usize) -> String {
    let mut cleaned = String::new();
    let mut count = 0;
    for c in text.chars() {
        let c = if matches!(c, '\t' | '\n' | '\r') { ' ' } else { c };
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}');
        // U+FFFE and U+FFFF are not allowed in a document.
        let foreign = matches!(c, '\u{fffe}' | '\u{ffff}');
        if c.is_control() || turns || foreign || (c == ' ' && cleaned.ends_with(' ')) {
            continue;
        }
        if count == chars_max {
            cleaned.pop();
            cleaned.push('…');
            break;
        }
        cleaned.push(c);
        count += 1;
    }
    cleaned
}

/// Writes the caption of a figure: title, unit, an aside (the time it covers) and a note; all but
/// the title only if there are any.
pub fn write_caption(out: &mut String, title: &str, unit: &str, aside: &str, note: &str) {
    put!(out, "<figcaption><h3>{}", html_label(title));
    for (part, class) in [(unit, "unit"), (aside, "aside")] {
        if !part.is_empty() {
            put!(out, " <small class=\"{class}\">{}</small>", escape(part));
        }
    }
    out.push_str("</h3>");
    if !note.is_empty() {
        put!(out, "<p>{}</p>", html_prose(note));
    }
    out.push_str("</figcaption>");
}
