//! Tables as HTML: rows and columns, and the conservation table with its sums.

use super::{
    Align, Amount, COLUMNS_MAX, Conservation, ROWS_MAX, Table, Tone, number::micro_usd, text,
};

/// Writes a table.
pub fn write(out: &mut String, table: &Table) {
    out.push_str("<figure class=\"rows\">");
    text::write_caption(out, &table.title, "", "", &table.note);
    let columns = &table.columns[..table.columns.len().min(COLUMNS_MAX)];
    let class = |align| match align {
        Align::Left => "",
        Align::Right => " class=\"n\"",
    };
    out.push_str("<div class=\"wide\"><table><thead><tr>");
    for column in columns {
        let heading = text::html_label(&column.heading);
        put!(out, "<th scope=\"col\"{}>{heading}</th>", class(column.align));
    }
    out.push_str("</tr></thead><tbody>");
    for row in table.rows.iter().take(ROWS_MAX) {
        out.push_str("<tr>");
        for (at, column) in columns.iter().enumerate() {
            let cell = row.get(at).map_or_else(String::new, |cell| text::html_label(cell));
            put!(out, "<td{}>{cell}</td>", class(column.align));
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></div>");
    for (hidden, what) in [
        (table.rows.len().saturating_sub(ROWS_MAX), "rows"),
        (table.columns.len() - columns.len(), "columns"),
    ] {
        if hidden > 0 {
            put!(out, "<p class=\"more\">{hidden} more {what} are not shown.</p>");
        }
    }
    out.push_str("</figure>\n");
}

/// Writes a conservation table. If it has more rows than a table may, the last fall into one
/// line, so that the sums stay those of the lines.
pub fn write_conservation(out: &mut String, books: &Conservation) {
    out.push_str("<figure class=\"books\">");
    text::write_caption(out, &books.title, "USD", "", &books.note);
    out.push_str("<div class=\"wide\"><table>");
    let totals = books.totals();
    let sides = [
        ("Held", &books.held, totals.map(|sums| sums.0)),
        ("Came in less went out", &books.flows, totals.map(|sums| sums.1)),
    ];
    for (heading, amounts, sum) in sides {
        put!(out, "<tbody><tr class=\"head\"><th colspan=\"2\" scope=\"colgroup\">{heading}</th>");
        out.push_str("</tr>");
        for amount in bounded(amounts) {
            write_amount(out, "", &text::html_label(&amount.label), Some(amount.micro_usd));
        }
        write_amount(out, "sum", "Sum", sum);
        out.push_str("</tbody>");
    }
    let (tone, verdict) = verdict(books);
    let class = if tone == Tone::Good { "good" } else { "bad" };
    out.push_str("<tbody>");
    write_amount(out, class, "Difference", totals.map(|sums| sums.2));
    put!(out, "</tbody></table></div><p class=\"verdict {class}\">{verdict}</p></figure>\n");
}

/// What the books say, in a sentence.
pub fn verdict(books: &Conservation) -> (Tone, &'static str) {
    match books.totals() {
        Some((_, _, 0)) => (Tone::Good, "The books balance to the micro-dollar."),
        Some(_) => (Tone::Bad, "The books do not balance."),
        None => (Tone::Bad, "A sum leaves the range of its integer."),
    }
}

/// At most [`ROWS_MAX`] amounts; what is beyond becomes one amount, in full.
pub fn bounded(amounts: &[Amount]) -> Vec<Amount> {
    if amounts.len() <= ROWS_MAX {
        return amounts.to_vec();
    }
    let (shown, rest) = amounts.split_at(ROWS_MAX - 1);
    let sum = rest.iter().fold(0_i128, |sum, amount| sum.saturating_add(amount.micro_usd));
    let mut bounded = shown.to_vec();
    bounded.push(Amount { label: format!("{} more", rest.len()), micro_usd: sum });
    bounded
}

fn write_amount(out: &mut String, class: &str, label: &str, micro_usd_or: Option<i128>) {
    let amount = micro_usd_or.map_or_else(|| "–".to_owned(), micro_usd);
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    put!(out, "<tr{class}><th scope=\"row\">{label}</th><td class=\"n\">{amount}</td></tr>");
}
