//! Reading rejections that are expected.

use crate::json::Json;
use crate::scenario::fields::Fields;
use crate::scenario::problem::{Parsed, Problem};
use crate::scenario::value;
use crate::scenario::want::ErrorWant;
use lockstep_types::reject::RejectCode;

pub(super) fn error_or_none(value: &Json) -> Parsed<Option<ErrorWant>> {
    match value {
        Json::Null | Json::Bool(false) => Ok(None),
        Json::Text(text) if text == "none" => Ok(None),
        value => error_want(value).map(Some),
    }
}

/// Reads a rejection: `"M3"`, `"PostOnlyWouldTake"`, `{"rule": "M3", "code": ...}`, or `true`.
pub fn error_want(value: &Json) -> Parsed<ErrorWant> {
    match value {
        Json::Bool(true) => Ok(ErrorWant::default()),
        Json::Text(text) => {
            let mut want = ErrorWant::default();
            for word in text.split([' ', ':', ',']).filter(|word| !word.is_empty()) {
                match rule_name(word) {
                    Some(rule) => want.rule = Some(rule),
                    None => want.code = Some(code(word)?),
                }
            }
            consistent(want)
        }
        other => {
            let mut fields = Fields::of(other.clone())?;
            let number = |value: &Json| value::integer(value, i64::MIN, i64::MAX);
            let want = ErrorWant {
                rule: fields.opt(&["rule"], |rule| {
                    let rule = value::text(rule)?;
                    rule_name(&rule).ok_or_else(|| unknown_code(&rule))
                })?,
                code: fields.opt(&["code"], |word| code(&value::text(word)?))?,
                field: fields.opt(&["field"], value::text)?,
                actual: fields.opt(&["actual"], number)?,
                limit: fields.opt(&["limit"], number)?,
            };
            fields.finish()?;
            consistent(want)
        }
    }
}

fn rule_name(word: &str) -> Option<String> {
    let upper = word.to_uppercase();
    RejectCode::ALL.iter().find(|code| code.rule() == upper).map(|_| upper)
}

fn code(word: &str) -> Parsed<RejectCode> {
    let plain = |word: &str| word.replace('_', "").to_lowercase();
    let wanted = plain(word);
    let found = RejectCode::ALL.iter().find(|code| plain(code.name()) == wanted);
    found.copied().ok_or_else(|| unknown_code(word))
}

fn unknown_code(word: &str) -> Problem {
    let names: Vec<String> =
        RejectCode::ALL.iter().map(|code| format!("{} {}", code.rule(), code.name())).collect();
    let short: Vec<&str> = RejectCode::ALL.iter().map(|code| code.name()).collect();
    let near = crate::scenario::problem::nearest(word, short.iter().copied());
    let hint = near.map_or(String::new(), |name| format!(" (did you mean `{name}`?)"));
    Problem::new(format!("`{word}` is no rule or code{hint}; known: {}", names.join(", ")))
}

fn consistent(want: ErrorWant) -> Parsed<ErrorWant> {
    if let (Some(rule), Some(code)) = (&want.rule, want.code)
        && rule != code.rule()
    {
        let message = format!("{} belongs to rule {}, not {rule}", code.name(), code.rule());
        return Err(Problem::new(message));
    }
    Ok(want)
}
