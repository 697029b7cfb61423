//! `lockstep replay`: recorded and seeded markets through the whole exchange.
//!
//! [`scenarios`] runs market stories, [`flow`] the benchmark's order flows, [`tape`] another
//! venue's order-by-order day, [`crash`] (without any path) the crash of 10 October 2025 with a
//! seeded population. Each gives a [`Finished`]: a report and state digests. The same inputs give
//! the same digests on every machine; only the wall clock in the report differs.

pub mod crash;
mod flow;
mod scenarios;
pub mod tally;
mod tape;

use crate::failure::Failure;
use crate::output::{self, EventSink};
use crate::report::Report;
use crate::series::shipped::TAPE_NAME;
use clap::{Args, ValueEnum};
use lockstep_sim::flow::NAMES;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Arguments of `lockstep replay`.
#[derive(Args, Clone, Debug)]
#[group(skip)]
pub struct Arguments {
    /// Scenarios (files or folders of .jsonl), order flows (.oflow, tight_1m, deep_1m, chain_1m),
    /// or tapes (.csv, .csv.gz, or l3-excerpt). Without any: the crash of 10 October 2025.
    paths: Vec<PathBuf>,
    /// Write every event as JSON Lines (`-`: stdout, the report then goes to stderr).
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// Write the report as one web page.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Print nothing but the state digest.
    #[arg(long)]
    digest_only: bool,
    /// When the books are audited (rules C1 to C3).
    #[arg(long, value_enum, default_value_t = Check::End)]
    check: Check,
    #[command(flatten)]
    crash: crash::Arguments,
}

impl Default for Arguments {
    fn default() -> Self {
        Self {
            paths: Vec::new(),
            events: None,
            report: None,
            digest_only: false,
            check: Check::End,
            crash: crash::Arguments::default(),
        }
    }
}

/// When the books are audited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Check {
    /// After every block.
    Every,
    /// After the last block.
    End,
    /// Never.
    Off,
}

/// What every kind of replay is given.
pub struct Context {
    /// When to audit.
    pub check: Check,
    /// Where events go.
    pub sink: EventSink,
}

/// What came of a replay.
pub struct Finished {
    /// For people.
    pub report: Report,
    /// What was run and the digest of its last state.
    pub digests: Vec<(String, String)>,
    /// What did not hold, if anything: the process fails with it, after the report.
    pub complaint: Option<String>,
}

/// What a path holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Scenario,
    Flow,
    Tape,
}

fn kind_of(path: &Path) -> Result<Kind, Failure> {
    let is_flow_name = path.to_str().is_some_and(|name| NAMES.contains(&name));
    match path.extension().and_then(OsStr::to_str) {
        _ if path.is_dir() => Ok(Kind::Scenario),
        None if is_flow_name => Ok(Kind::Flow),
        None if path.as_os_str() == TAPE_NAME => Ok(Kind::Tape),
        Some("jsonl") => Ok(Kind::Scenario),
        Some("oflow") => Ok(Kind::Flow),
        Some("csv" | "gz") => Ok(Kind::Tape),
        _ => Err(Failure::Usage(format!(
            "{}: neither a folder nor .jsonl, .oflow, .csv, .csv.gz, nor one of {}, {TAPE_NAME}",
            path.display(),
            NAMES.join(", ")
        ))),
    }
}

/// Runs `lockstep replay`.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let kinds: Result<Vec<Kind>, Failure> =
        arguments.paths.iter().map(|path| kind_of(path)).collect();
    let kinds = kinds?;
    if kinds.windows(2).any(|pair| pair[0] != pair[1]) {
        let what = "scenarios, flows and tapes are replayed apart: give paths of one kind";
        return Err(Failure::Usage(what.to_string()));
    }
    let one_each = matches!(kinds.first(), Some(Kind::Flow | Kind::Tape));
    if one_each && kinds.len() > 1 && arguments.report.is_some() {
        let what = "--report makes one page: give one flow or tape with it";
        return Err(Failure::Usage(what.to_string()));
    }
    let mut context =
        Context { check: arguments.check, sink: EventSink::open(arguments.events.as_deref())? };
    let mut complaints = Vec::new();
    match kinds.first() {
        None => {
            let finished = crash::run(&arguments.crash, &mut context)?;
            complaints.extend(publish(arguments, &context, finished)?);
        }
        Some(Kind::Scenario) => {
            let finished = scenarios::run(&arguments.paths, &mut context)?;
            complaints.extend(publish(arguments, &context, finished)?);
        }
        Some(kind) => {
            for path in &arguments.paths {
                let finished = match kind {
                    Kind::Flow => flow::run(path, &mut context)?,
                    _ => {
                        let name = path.display().to_string();
                        tape::run(&tape::read(path)?, &name, &mut context)?
                    }
                };
                complaints.extend(publish(arguments, &context, finished)?);
            }
        }
    }
    context.sink.finish()?;
    if complaints.is_empty() { Ok(()) } else { Err(Failure::Broken(complaints.join("\n"))) }
}

/// Shows what came of a replay; gives its complaint.
fn publish(
    arguments: &Arguments,
    context: &Context,
    finished: Finished,
) -> Result<Option<String>, Failure> {
    let Finished { report, digests, complaint } = finished;
    if let Some(path) = &arguments.report {
        output::write_page(&report, path)?;
    }
    if arguments.digest_only {
        for (name, digest) in &digests {
            let line =
                if digests.len() == 1 { digest.clone() } else { format!("{digest}  {name}") };
            output::line(&line)?;
        }
    } else if context.sink.takes_stdout() {
        output::print_aside(&report)?;
    } else {
        output::print(&report)?;
    }
    Ok(complaint)
}
