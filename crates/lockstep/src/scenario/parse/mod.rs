//! Reading scenarios: JSON Lines to [`super::model`].
//!
//! The whole text is read and judged before anything runs, so that a misspelt field in line 200
//! shows at once and all faults show together. A line is an object with one action; the action's
//! fields stand inside its object or beside it, whichever reads better. Limits are named here.

mod command;
mod expect;
mod genesis;
pub(super) mod number;
mod order;
mod params;
mod system;
#[cfg(test)]
mod tests;

use super::fields::{self, Fields};
use super::model::{AccountRef, Action, Line, Scenario, Step, StepKind, Timing};
use super::problem::{Parsed, Problem, not_among};
use super::value;
use super::want::Check;
use crate::json::Json;
use lockstep_types::instrument::{InstrumentName, Ticker};
use lockstep_types::order::Label;
use lockstep_types::params::{UnderlyingParams, VenueParams};
use std::collections::BTreeMap;

/// Bytes of a scenario file at most.
pub const FILE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes of a line at most.
pub const LINE_BYTES_MAX: usize = 256 * 1024;
/// Empty blocks that one `blocks` line may ask for.
pub const BLOCKS_MAX: i64 = 1_000_000;
/// Faults that are collected before reading stops.
pub const PROBLEMS_MAX: usize = 20;
/// Characters of a line that failures quote.
const SOURCE_CHARS_MAX: usize = 160;

/// A fault and its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineProblem {
    /// Line number, from 1; 0 for the file as a whole.
    pub line: usize,
    /// What is wrong.
    pub problem: Problem,
}

/// Every action with the field that its value means when it is no object.
const ACTIONS: &[(&str, &str)] = &[
    ("buy", "amount"),
    ("sell", "amount"),
    ("order", "amount"),
    ("amend", "order"),
    ("cancel", "order"),
    ("cancel_all", "account"),
    ("batch", "items"),
    ("linked", "orders"),
    ("mass_quote", "quotes"),
    ("set_mmp", "account"),
    ("reset_mmp", "account"),
    ("dead_man", "account"),
    ("create_sub_account", "account"),
    ("transfer", "amount"),
    ("withdraw", "amount"),
    ("register_agent", "agent"),
    ("revoke_agent", "agent"),
    ("margin_mode", "mode"),
    ("backstop_bid", "share"),
    ("block_trade", "legs"),
    ("deposit", "amount"),
    ("fund_insurance", "amount"),
    ("report", "reports"),
    ("reporter_weight", "weight"),
    ("list", "instruments"),
    ("phase", "phase"),
    ("venue_params", "params"),
    ("underlying_params", "params"),
    ("add_underlying", "ticker"),
    ("auto_report", "on"),
    ("block", "lines"),
    ("blocks", "count"),
];

/// What stands on a line besides an action.
const BESIDE: &[&str] = &["at", "wait", "outage", "every", "expect", "note"];

/// Reads a scenario.
///
/// # Errors
/// All faults that were found, at most [`PROBLEMS_MAX`].
pub fn parse(text: &str) -> Result<Scenario, Vec<LineProblem>> {
    let whole = |message: String| vec![LineProblem { line: 0, problem: Problem::new(message) }];
    if text.len() > FILE_BYTES_MAX {
        return Err(whole(format!("{} bytes exceed the limit of {FILE_BYTES_MAX}", text.len())));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut problems = Vec::new();
    let mut parser: Option<Parser> = None;
    let mut scenario: Option<Scenario> = None;
    for (index, source) in text.lines().enumerate() {
        let (number, source) = (index + 1, source.trim());
        if source.is_empty() || source.starts_with('#') {
            continue;
        }
        let result = read_object(source).and_then(|entries| match (&mut parser, &mut scenario) {
            (Some(parser), Some(scenario)) => {
                scenario.lines.push(parser.line(number, source, entries)?);
                Ok(())
            }
            _ => {
                let (header, instrument) = genesis::header(number, entries)?;
                parser = Some(Parser::new(&header.genesis, instrument));
                scenario = Some(Scenario { header, lines: Vec::new() });
                Ok(())
            }
        });
        if let Err(problem) = result {
            problems.push(LineProblem { line: number, problem });
            // Without a header nothing after it can be judged.
            if scenario.is_none() || problems.len() >= PROBLEMS_MAX {
                break;
            }
        }
    }
    match scenario {
        Some(scenario) if problems.is_empty() => Ok(scenario),
        None if problems.is_empty() => {
            Err(whole("the file has no header line {\"scenario\": \"title\"}".to_string()))
        }
        _ => Err(problems),
    }
}

/// Every word of the language that stands for an action or an expectation.
#[cfg(test)]
pub fn vocabulary() -> impl Iterator<Item = &'static str> {
    let actions = ACTIONS.iter().map(|(name, _)| *name);
    actions.chain(BESIDE.iter().copied()).chain(expect::SUBJECTS.iter().copied())
}

fn read_object(source: &str) -> Parsed<Vec<(String, Json)>> {
    if source.len() > LINE_BYTES_MAX {
        let message = format!("{} bytes exceed the line limit of {LINE_BYTES_MAX}", source.len());
        return Err(Problem::new(message));
    }
    match Json::parse(source).map_err(|error| Problem::new(error.to_string()))? {
        Json::Object(entries) => Ok(entries),
        other => Err(Problem::new(format!("expected an object, found {}", other.kind()))),
    }
}

fn shorten(source: &str) -> String {
    match source.char_indices().nth(SOURCE_CHARS_MAX) {
        Some((end, _)) => format!("{}...", source.get(..end).unwrap_or(source)),
        None => source.to_string(),
    }
}

/// What reading remembers from line to line.
#[derive(Debug)]
struct Parser {
    /// The account and the label of every order that has a name.
    orders: BTreeMap<String, (AccountRef, Option<Label>)>,
    /// The instrument of lines that name none.
    instrument: Option<InstrumentName>,
    /// The venue's parameters as the lines so far leave them.
    venue: VenueParams,
    /// The underlyings' parameters as the lines so far leave them.
    underlyings: BTreeMap<Ticker, UnderlyingParams>,
}

impl Parser {
    fn new(genesis: &super::model::Genesis, instrument: Option<InstrumentName>) -> Self {
        let params = genesis.underlyings.iter().map(|underlying| &underlying.params);
        Self {
            orders: BTreeMap::new(),
            instrument,
            venue: genesis.venue.clone(),
            underlyings: params.map(|params| (params.ticker, params.clone())).collect(),
        }
    }

    fn line(
        &mut self,
        number: usize,
        source: &str,
        mut entries: Vec<(String, Json)>,
    ) -> Parsed<Line> {
        if entries.iter().any(|(name, _)| name == "scenario") {
            return Err(Problem::new("the header stands once, in the first line"));
        }
        let beside = take_beside(&mut entries);
        let action = action_of(entries)?;
        let name = action.as_ref().map_or("", |(name, _)| *name);
        let mut beside = Fields::from_entries(beside);
        let _note = beside.opt(&["note"], |_| Ok(()))?;
        let blocks_every = if name == "blocks" { every(&mut beside)? } else { None };
        let timing = timing(&mut beside)?;
        let expected = beside.raw(&["expect"])?;
        beside.finish()?;
        let action = match action {
            None => Action::Nothing,
            Some((name, fields)) => {
                self.action(name, fields, blocks_every).map_err(|problem| problem.at(name))?
            }
        };
        // After the action: a check may name an order that this very line places.
        let checks: Vec<Check> = match expected {
            Some((_, value)) => self.checks(value).map_err(|problem| problem.at("expect"))?,
            None => Vec::new(),
        };
        if matches!(action, Action::Nothing) && timing.is_none() && checks.is_empty() {
            let names: Vec<&str> = ACTIONS.iter().map(|(name, _)| *name).collect();
            let message = format!(
                "the line does nothing; it needs `expect`, `at`, `wait`, `outage` or one of: {}",
                names.join(", ")
            );
            return Err(Problem::new(message));
        }
        Ok(Line { number, source: shorten(source), timing, action, checks })
    }

    fn action(
        &mut self,
        name: &'static str,
        mut fields: Fields,
        every: Option<lockstep_types::SpanMs>,
    ) -> Parsed<Action> {
        match name {
            "block" => {
                let lines = fields.need(&["lines"], |lines| match lines {
                    Json::List(lines) => Ok(lines.clone()),
                    other => Err(Problem::new(format!("expected a list, found {}", other.kind()))),
                })?;
                fields.finish()?;
                let mut steps = Vec::new();
                for (index, line) in lines.into_iter().enumerate() {
                    let step = self.block_line(index, line);
                    steps.push(step.map_err(|problem| problem.at_index(index))?);
                }
                Ok(Action::Block(steps))
            }
            "blocks" => {
                let every = self::every(&mut fields)?.or(every);
                if let Some(to) = fields.opt(&["until"], value::time)? {
                    fields.finish()?;
                    return Ok(Action::Until(Timing { to, every, outage: false }));
                }
                let count =
                    fields.need(&["count"], |count| value::integer(count, 1, BLOCKS_MAX))?;
                fields.finish()?;
                Ok(Action::Blocks { count, every })
            }
            "auto_report" => Ok(Action::AutoReport(system::auto_report(fields)?)),
            _ => Ok(Action::Block(vec![self.step(0, name, fields)?])),
        }
    }

    fn block_line(&mut self, index: usize, line: Json) -> Parsed<Step> {
        let Json::Object(mut entries) = line else {
            return Err(Problem::new(format!("expected an object, found {}", line.kind())));
        };
        entries.retain(|(name, _)| name != "note");
        if entries.iter().any(|(name, _)| name == "expect") {
            return Err(Problem::new("`expect` stands after the block, not in it"));
        }
        match action_of(entries)? {
            None => Err(Problem::new("the line does nothing")),
            Some((name @ ("block" | "blocks" | "auto_report"), _)) => {
                Err(Problem::new(format!("`{name}` cannot stand in a block")))
            }
            Some((name, fields)) => {
                self.step(index + 1, name, fields).map_err(|problem| problem.at(name))
            }
        }
    }

    fn step(&mut self, place: usize, name: &'static str, mut fields: Fields) -> Parsed<Step> {
        let expect_error = fields.opt(&["expect_error"], expect::error_want)?;
        let refused = expect_error.is_some();
        let kind = match self.system_step(name, &mut fields, refused)? {
            Some(step) => StepKind::System(step),
            None => StepKind::User(Box::new(self.user_step(name, &mut fields)?)),
        };
        fields.finish()?;
        Ok(Step { place, kind, expect_error })
    }

    /// The instrument that an order or a quote names, or the header's.
    fn instrument(&self, fields: &mut Fields) -> Parsed<InstrumentName> {
        let named = fields.opt(&["instrument", "instrument_name"], value::instrument)?;
        named.or(self.instrument).ok_or_else(|| {
            Problem::new("field `instrument` is missing, and the header sets no `instrument`")
        })
    }

    fn name_order(&mut self, name: &str, account: &AccountRef, label: Option<Label>) -> Parsed<()> {
        if self.orders.insert(name.to_string(), (account.clone(), label)).is_some() {
            return Err(Problem::new(format!("an order is named `{name}` already")).at("as"));
        }
        Ok(())
    }

    /// The account and the label of a named order.
    fn named_order(&self, name: &str) -> Parsed<&(AccountRef, Option<Label>)> {
        self.orders.get(name).ok_or_else(|| {
            let names: Vec<&str> = self.orders.keys().map(String::as_str).collect();
            let mut problem = not_among("order", name, &names);
            if names.is_empty() {
                problem.message = format!("no order is named `{name}`; name one with `as`");
            }
            problem
        })
    }
}

/// Takes out what stands beside the action; the fields of a flat `do` stay.
fn take_beside(entries: &mut Vec<(String, Json)>) -> Vec<(String, Json)> {
    let (beside, rest) =
        std::mem::take(entries).into_iter().partition(|(name, _)| BESIDE.contains(&name.as_str()));
    *entries = rest;
    beside
}

fn every(fields: &mut Fields) -> Parsed<Option<lockstep_types::SpanMs>> {
    let every = fields.opt(&["every"], value::span)?;
    if every.is_some_and(|every| every.0 == 0) {
        return Err(Problem::new("blocks are at least 1ms apart").at("every"));
    }
    Ok(every)
}

fn timing(fields: &mut Fields) -> Parsed<Option<Timing>> {
    let every = every(fields)?;
    let at = fields.opt(&["at"], value::time)?;
    let span = |value: &Json| value::span(value).map(super::model::TimeSpec::After);
    let wait = fields.opt(&["wait"], span)?;
    let outage = fields.opt(&["outage"], span)?;
    let given = [at, wait, outage];
    match given.iter().flatten().count() {
        0 if every.is_some() => Err(Problem::new("`every` needs `at`, `wait` or `blocks`")),
        0 => Ok(None),
        1 => {
            let to = given.into_iter().flatten().next();
            Ok(to.map(|to| Timing { to, every, outage: outage.is_some() }))
        }
        _ => Err(Problem::new("say one of `at`, `wait` and `outage`")),
    }
}

/// The one action among the fields, with its own fields from inside and beside it.
fn action_of(mut entries: Vec<(String, Json)>) -> Parsed<Option<(&'static str, Fields)>> {
    if let Some(index) = entries.iter().position(|(name, _)| name == "do") {
        let (_, word) = entries.remove(index);
        let word = value::text(&word).map_err(|problem| problem.at("do"))?;
        let table: Vec<&str> = ACTIONS.iter().map(|(name, _)| *name).collect();
        let known = ACTIONS.iter().find(|(name, _)| *name == word);
        let (name, _) = known.ok_or_else(|| not_among("action", &word, &table).at("do"))?;
        return Ok(Some((name, Fields::from_entries(entries))));
    }
    let known = |name: &str| ACTIONS.iter().find(|(action, _)| *action == name);
    let mut places = (0..entries.len()).filter(|index| known(&entries[*index].0).is_some());
    let Some(index) = places.next() else {
        return match entries.first() {
            None => Ok(None),
            Some((name, _)) => {
                let names: Vec<&str> =
                    ACTIONS.iter().map(|(name, _)| *name).chain(BESIDE.iter().copied()).collect();
                Err(not_among("action", name, &names))
            }
        };
    };
    if let Some(second) = places.next() {
        let (first, second) = (&entries[index].0, &entries[second].0);
        return Err(Problem::new(format!(
            "a line does one thing, here are two: `{first}` and `{second}`; put them into \
             {{\"block\": [...]}} or on lines of their own"
        )));
    }
    let (name, body) = entries.remove(index);
    let Some((action, main)) = known(&name) else { return Ok(None) };
    let mut merged = match body {
        Json::Object(inner) => inner,
        list @ Json::List(_) if *action == "deposit" => vec![("deposits".to_string(), list)],
        other => vec![((*main).to_string(), other)],
    };
    for (field, value) in entries {
        if merged.iter().any(|(name, _)| *name == field) {
            return Err(Problem::new(format!("field `{field}` stands twice")).at(action));
        }
        merged.push((field, value));
    }
    Ok(Some((action, Fields::from_entries(merged))))
}

/// Reads a list of objects, each with `read`.
fn objects<T>(value: &Json, mut read: impl FnMut(Json) -> Parsed<T>) -> Parsed<Vec<T>> {
    let mut out = Vec::new();
    for (index, part) in fields::list(value, |part| Ok(part.clone()))?.into_iter().enumerate() {
        out.push(read(part).map_err(|problem| problem.at_index(index))?);
    }
    Ok(out)
}
