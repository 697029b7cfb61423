//! The binary of Lockstep: replays, option prices, benchmarks.
//!
//! [`cli`] reads the command line and hands over to [`replay`], [`price`], [`mod@bench`] or
//! [`series`]. Results go to stdout, progress to stderr. All file and clock access of the project
//! is in this crate; the engine it drives has none.

mod bench;
mod books;
mod cli;
mod events_json;
mod failure;
mod json;
mod output;
mod population;
mod price;
mod progress;
mod replay;
mod report;
mod scenario;
mod series;

fn main() -> std::process::ExitCode {
    cli::run()
}
