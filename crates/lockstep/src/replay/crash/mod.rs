//! Crash stories: recorded prices, a made-up population, the whole exchange.
//!
//! Prices and volatilities are those of a [`story`] ([`october`]), which validators report with a
//! delay ([`feed`], [`latency`]); who trades, and how, is made up ([`crate::population`]);
//! everything that follows (books, fills, triggers, liquidations, insurance) is the exchange's
//! ([`venue`] sets it up). [`run`](mod@run) has the loop, [`audit`] looks at the books, [`chart`]
//! keeps what the report draws and [`summary`] writes it.
//!
//! A run is a function of the arguments: the same story, seed, accounts and times give the same
//! digest.

mod audit;
mod bars;
mod chart;
mod delay;
mod february;
mod feed;
mod latency;
mod ledger;
mod october;
mod run;
mod solvency;
mod stopwatch;
mod story;
mod study;
mod summary;
#[cfg(test)]
mod tests;
mod venue;

use super::{Context, Finished};
use crate::failure::Failure;
use crate::population::{ACCOUNTS_MAX, ACCOUNTS_MIN};
use latency::{BLOCK_MS, LATENCY_MS_MAX, LATENCY_MS_MIN, Latency};
use std::time::Instant;
use story::{Story, Which};

/// Arguments of a crash story.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
#[command(next_help_heading = "Crash stories")]
pub struct Arguments {
    /// Which story.
    #[arg(long, value_enum, default_value_t = Which::default())]
    story: Which,
    /// Accounts in the population [default: the story's].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32)
        .range(i64::from(ACCOUNTS_MIN)..=i64::from(ACCOUNTS_MAX)))]
    pub accounts: Option<u32>,
    /// Seed of everything that the population does.
    #[arg(long, value_name = "N", default_value_t = Self::default().seed)]
    pub seed: u64,
    /// First time, UTC: a time of the story's first day, or with its date [default: the story's].
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Time at which it ends [default: the story's].
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// Milliseconds from block to block [default: the story's].
    #[arg(long, value_name = "MS", conflicts_with = "latency",
        value_parser = clap::value_parser!(i64).range(BLOCK_MS))]
    pub block_ms: Option<i64>,
    /// How late the chain is (`0.3`, `5s`): the age of reports and three blocks, together.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub latency: Option<i64>,
    /// Run the worst of the story with latencies of 0.3, 5 and 60 seconds, and compare.
    #[arg(long, conflicts_with_all = ["latency", "block_ms"])]
    pub latency_study: bool,
}

impl Default for Arguments {
    fn default() -> Self {
        Self {
            story: Which::default(),
            accounts: None,
            seed: 20_251_010,
            from: None,
            to: None,
            block_ms: None,
            latency: None,
            latency_study: false,
        }
    }
}

/// Milliseconds of a number of seconds, as a flag writes it.
fn seconds(text: &str) -> Result<i64, String> {
    let wanted = "seconds such as 0.3, 5 or 60s are wanted";
    let plain = text.strip_suffix('s').unwrap_or(text);
    let (whole, fraction) = plain.split_once('.').unwrap_or((plain, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || whole.len() > 6 || fraction.len() > 3 {
        return Err(wanted.to_string());
    }
    let ms: i64 = format!("{whole}{fraction:0<3}").parse().map_err(|_| wanted.to_string())?;
    match (LATENCY_MS_MIN..=LATENCY_MS_MAX).contains(&ms) {
        true => Ok(ms),
        false => Err(format!(
            "outside {} to {} seconds",
            LATENCY_MS_MIN as f64 / 1e3,
            LATENCY_MS_MAX / 1_000
        )),
    }
}

/// What part of a story is run, and how slow the chain is.
#[derive(Clone, Copy, Debug)]
struct Course {
    accounts: u32,
    start_ms: i64,
    end_ms: i64,
    latency: Latency,
    /// Whether margin charges for latency.
    charged: bool,
}

impl Arguments {
    fn course(&self, story: &Story) -> Result<Course, Failure> {
        let moment = |flag: &str, text: &Option<String>, otherwise: i64| match text {
            Some(text) => story.moment(flag, text),
            None => Ok(otherwise),
        };
        let usual = match (self.latency_study, story.worst_ms) {
            (false, _) => story.default_ms,
            (true, Some(worst_ms)) => worst_ms,
            (true, None) => {
                let what = "--latency-study needs a story that is known by the second: oct-2025";
                return Err(Failure::Usage(what.to_string()));
            }
        };
        let start_ms = moment("--from", &self.from, usual.0)?;
        let end_ms = moment("--to", &self.to, usual.1)?;
        if end_ms <= start_ms {
            return Err(Failure::Usage("--to must lie after --from".to_string()));
        }
        let latency = match (self.latency, self.block_ms) {
            (Some(latency_ms), _) => Latency::of_ms(latency_ms),
            (None, Some(block_ms)) => Latency { block_ms, ..story.latency },
            (None, None) => story.latency,
        };
        let accounts = self.accounts.unwrap_or(story.accounts);
        Ok(Course { accounts, start_ms, end_ms, latency, charged: true })
    }
}

/// Runs a story, or the study of latency on it.
pub fn run(arguments: &Arguments, context: &mut Context) -> Result<Finished, Failure> {
    let started = Instant::now();
    let story = arguments.story.story()?;
    let course = arguments.course(&story)?;
    if arguments.latency_study {
        return study::run(arguments, course, context);
    }
    run::play(arguments, story, course, context)?.finish(arguments, started)
}
