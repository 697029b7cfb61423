//! `lockstep margin`: a portfolio in, its margin out, part by part and scenario by scenario.
//!
//! The file is read ([`read`]) into markets and accounts ([`model`]); [`account`] values what an
//! account has by marks and risk arrays ([`quote`]); [`answer`] asks both models ([`portfolio`],
//! [`standard`]); [`checked`] compares with what a test vector expects ([`expect`]); [`render`]
//! shows it. All numbers come from `lockstep_exchange`'s
//! formulas, which are the engine's own.
//!
//! Invariants: the same text gives the same answer on every machine; a number is exact or the file
//! is refused, with the path of the field and its limit; nothing that a file holds makes it panic.
//! Deliberately absent: an engine, accounts of a running venue, and advice.

pub mod account;
pub mod answer;
pub mod checked;
pub mod expect;
pub mod model;
pub mod portfolio;
pub mod quote;
pub mod read;
pub mod render;
pub mod standard;
#[cfg(test)]
mod tests;

use crate::failure::Failure;
use crate::json::Json;
use crate::output;
use crate::scenario::problem::{Parsed, Problem};
use account::{Mode, Options};
use answer::Answer;
use clap::Args;
use model::{Case, Document, World};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A portfolio that reads, for whoever wants to begin with one.
const EXAMPLE: &str = include_str!("../../../../examples/short-strangle.json");

/// What stands below the list of flags.
const AFTER_HELP: &str = "\
The file is one JSON object, in USD and units of the underlying (--example prints a whole one):

  {\"spots\": {\"BTC\": 100000}, \"cash\": 20000,
   \"instruments\": [
     {\"name\": \"perp\", \"kind\": \"perpetual\", \"underlying\": \"BTC\", \"mark\": 100020},
     {\"name\": \"call\", \"kind\": \"option\", \"underlying\": \"BTC\", \"type\": \"call\",
      \"strike\": 110000, \"seconds\": \"30d\", \"forward\": 100400, \"vol\": \"50%\"}],
   \"positions\": [{\"instrument\": \"perp\", \"amount\": 1, \"entry\": 99000},
                 {\"instrument\": \"call\", \"amount\": -1}],
   \"orders\": [{\"instrument\": \"perp\", \"side\": \"sell\", \"amount\": 1, \"price\": 100150}],
   \"latency\": {\"tau_struct\": \"1s\", \"tau_now\": \"5s\"}, \"oracle_confidence\": 0.9}

or a file of test vectors in integers (keys `spot`, `params`, `instruments`, `cases`): every case is
run, and compared with its `expect`; a difference makes the exit code 1. All fields are described in
docs/operations.md, the formulas in docs/risk.md.";

/// Arguments of `lockstep margin`.
#[derive(Args, Clone, Debug, Default)]
#[group(skip)]
#[command(about, long_about = None, after_help = AFTER_HELP)]
pub struct Arguments {
    /// The portfolio, or a file of test vectors; `-` is stdin.
    #[arg(value_name = "FILE", required_unless_present = "example")]
    file: Option<PathBuf>,
    /// Another file with the instruments (and spots and params) that this one lacks.
    #[arg(long, value_name = "FILE")]
    instruments: Option<PathBuf>,
    /// Which models are asked.
    #[arg(long, value_name = "MODE", value_enum, default_value_t)]
    mode: Mode,
    /// Only the case of that name (or number, from 1), in full.
    #[arg(long, value_name = "NAME")]
    case: Option<String>,
    /// Beside the scenarios a column for each position and order.
    #[arg(long)]
    positions: bool,
    /// Compute marks and risk arrays even where the file gives them, and compare.
    #[arg(long)]
    reprice: bool,
    /// Print everything as JSON, in exact integers.
    #[arg(long)]
    json: bool,
    /// Print a portfolio to begin with.
    #[arg(long, exclusive = true)]
    example: bool,
}

/// Runs `lockstep margin`.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Some(file) = arguments.file.as_deref().filter(|_| !arguments.example) else {
        return output::text(EXAMPLE);
    };
    let (name, text) = read_file(file)?;
    let listing = arguments.instruments.as_deref().map(read_file).transpose()?;
    let listing = listing.map(|(_, text)| text);
    let refused = |problem: Problem| Failure::Document { name: name.clone(), problem };
    let mut document = read::read(&text, listing.as_deref()).map_err(refused)?;
    if let Some(wanted) = &arguments.case {
        select(&mut document, wanted)?;
    }
    let options = Options { mode: arguments.mode, reprice: arguments.reprice };
    let answers = answers(&document, options).map_err(refused)?;
    if arguments.json {
        output::line(&json_of(&document, &answers).to_string())?;
    } else {
        let view = render::report::View { positions: arguments.positions };
        output::print(&report_of(&document, &answers, options.mode, view))?;
    }
    complaint(&document, &answers).map_or(Ok(()), |what| Err(Failure::Broken(what)))
}

/// The name and the text of a file; a longer one than may be read is cut, and then refused.
fn read_file(path: &Path) -> Result<(String, String), Failure> {
    let bytes_max = u64::try_from(read::FILE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    let (name, read) = match path.as_os_str() == "-" {
        true => {
            let read = std::io::stdin().lock().take(bytes_max).read_to_end(&mut bytes);
            ("stdin".to_string(), read)
        }
        false => {
            let file = File::open(path).map_err(Failure::file(path))?;
            (path.display().to_string(), file.take(bytes_max).read_to_end(&mut bytes))
        }
    };
    read.map_err(Failure::file(path))?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok((name, text)),
        Err(error) => {
            let problem = Problem::new(format!("not UTF-8: {}", error.utf8_error()));
            Err(Failure::Document { name, problem })
        }
    }
}

/// Leaves only the case of that name, or else of that number.
fn select(document: &mut Document, wanted: &str) -> Result<(), Failure> {
    let cases = || document.worlds.iter().flat_map(|world| &world.cases);
    let by_name = cases().position(|case| case.name == wanted);
    let by_number = wanted.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    let count = cases().count();
    let Some(mut at) = by_name.or(by_number.filter(|at| *at < count)) else {
        let names = cases().map(|case| case.name.as_str());
        let hint = crate::scenario::problem::nearest(wanted, names);
        let hint = hint.map_or(String::new(), |name| format!(" (did you mean `{name}`?)"));
        let wanted = wanted.escape_debug();
        let what = format!("--case: none of the {count} cases is `{wanted}`{hint}");
        return Err(Failure::Usage(what));
    };
    document.single = true;
    for mut world in std::mem::take(&mut document.worlds) {
        if at < world.cases.len() {
            world.cases = vec![world.cases.swap_remove(at)];
            document.worlds = vec![world];
            break;
        }
        at -= world.cases.len();
    }
    Ok(())
}

/// Margins every account of a document, world by world.
///
/// # Errors
/// The first account that has no answer, with the path of the field.
pub fn answers(document: &Document, options: Options) -> Parsed<Vec<Vec<Answer>>> {
    let of_case = |world: &World, case: &Case| {
        checked::checked(world, case, options).map_err(|problem| match case.name.is_empty() {
            true => problem,
            false => Problem::new(format!("case `{}`: {problem}", case.name)),
        })
    };
    let of_world = |world: &World| world.cases.iter().map(|case| of_case(world, case)).collect();
    document.worlds.iter().map(of_world).collect()
}

/// The one account of a document that has only one.
fn only<'a>(
    document: &'a Document,
    answers: &'a [Vec<Answer>],
) -> Option<(&'a World, &'a Case, &'a Answer)> {
    match (document.worlds.as_slice(), answers) {
        ([world], [answers]) => match (world.cases.as_slice(), answers.as_slice()) {
            ([case], [answer]) if document.single => Some((world, case, answer)),
            _ => None,
        },
        _ => None,
    }
}

/// The answers as JSON: of a single portfolio an object, of a file of cases their list.
pub fn json_of(document: &Document, answers: &[Vec<Answer>]) -> Json {
    let cases = document.worlds.iter().zip(answers).flat_map(|(world, answers)| {
        world.cases.iter().zip(answers).map(move |(case, answer)| (world, case, answer))
    });
    let told = |(world, case, answer): (&World, &Case, &Answer)| {
        let mut told = render::json::case(world, case, answer);
        if let Json::Object(fields) = &mut told {
            let params = render::json::params(&world.params_of(case));
            fields.push(("params".to_string(), params));
        }
        told
    };
    let scenarios = ("scenarios".to_string(), Json::List(read::integers::scenarios()));
    if let Some(one) = only(document, answers) {
        let mut told = told(one);
        if let Json::Object(fields) = &mut told {
            fields.push(scenarios);
        }
        return told;
    }
    Json::Object(vec![("cases".to_string(), Json::List(cases.map(told).collect())), scenarios])
}

/// The answers as a report: of a single portfolio in full, of a file of cases a row for each.
pub fn report_of(
    document: &Document,
    answers: &[Vec<Answer>],
    mode: Mode,
    view: render::report::View,
) -> crate::report::Report {
    match only(document, answers) {
        Some((world, case, answer)) => render::report::single(world, case, answer, view),
        None => render::report::summary(document, answers, mode),
    }
}

/// All that can be shown of a text: as JSON, and as a report in full.
///
/// # Errors
/// As reading it and margining its accounts.
pub fn shown(text: &str, options: Options) -> Parsed<[String; 2]> {
    let document = read::read(text, None)?;
    let answers = answers(&document, options)?;
    let view = render::report::View { positions: true };
    let report = report_of(&document, &answers, options.mode, view);
    let report =
        crate::report::terminal::render(&report, crate::report::terminal::Style::default());
    Ok([json_of(&document, &answers).to_string(), report])
}

/// What did not hold, if anything: a model without an answer, numbers that differ.
fn complaint(document: &Document, answers: &[Vec<Answer>]) -> Option<String> {
    for (world, answers) in document.worlds.iter().zip(answers) {
        for (case, answer) in world.cases.iter().zip(answers) {
            let named = |what: String| match case.name.is_empty() {
                true => what,
                false => format!("case `{}`: {what}", case.name),
            };
            if let Some(Err(problem)) = &answer.portfolio {
                return Some(named(format!(
                    "portfolio margin: {problem} (--mode standard leaves it out)"
                )));
            }
            if let Some(Err(problem)) = &answer.standard {
                return Some(named(format!(
                    "standard margin: {problem} (--mode portfolio leaves it out)"
                )));
            }
        }
    }
    let compared = answers.iter().flatten().filter_map(|answer| answer.comparison.as_ref());
    let (numbers, differing) = compared.fold((0, 0), |(numbers, differing), one| {
        (numbers + one.numbers, differing + one.differing)
    });
    (differing > 0).then(|| format!("{differing} of {numbers} numbers differ from the file's"))
}
