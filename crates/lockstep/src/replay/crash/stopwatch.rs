//! Where the time of a run goes, part by part, by the thread's processor clock.

use crate::replay::tally::grouped;
use crate::report::{Column, Table};
use lockstep_sim::measure::thread_cpu_ns;

/// A part of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The engine: blocks executed, journal and margin on.
    Engine,
    /// What the population decides, and what it looks at.
    Population,
    /// What validators report.
    Reports,
    /// Counting the money and checking everything else.
    Audit,
    /// Charts, tables and events written.
    Report,
}

/// All parts, in the order of the table.
const PARTS: [(Part, &str); 5] = [
    (Part::Engine, "engine, journal and margin on"),
    (Part::Population, "population"),
    (Part::Reports, "validators' reports"),
    (Part::Audit, "books"),
    (Part::Report, "charts, counts, events"),
];

/// Processor time by part.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    spent_ns: [u64; PARTS.len()],
    lap_ns: u64,
}

impl Stopwatch {
    /// A watch that has just been started.
    pub fn start() -> Self {
        Self { spent_ns: [0; PARTS.len()], lap_ns: thread_cpu_ns() }
    }

    /// Books the time since the last lap on a part.
    pub fn lap(&mut self, part: Part) {
        let now_ns = thread_cpu_ns();
        if let Some(at) = PARTS.iter().position(|(of, _)| *of == part) {
            self.spent_ns[at] += now_ns.saturating_sub(self.lap_ns);
        }
        self.lap_ns = now_ns;
    }

    /// Commands in a second of the engine's time.
    pub fn engine_commands_per_second(&self, commands: u64) -> u64 {
        let micros = u128::from(self.spent_ns[0] / 1_000).max(1);
        u64::try_from(u128::from(commands) * 1_000_000 / micros).unwrap_or(u64::MAX)
    }

    /// The parts, with so many blocks and users' commands.
    pub fn table(&self, blocks: u64, commands: u64) -> Table {
        let row = |((_, name), spent_ns): (&(Part, &str), &u64)| {
            vec![
                (*name).to_string(),
                grouped(spent_ns / 1_000_000),
                grouped(spent_ns / 1_000 / blocks.max(1)),
                grouped(spent_ns / commands.max(1)),
            ]
        };
        Table {
            title: "Processor time of the one thread".to_string(),
            note: "Differs between runs and machines; everything else on this page does not."
                .to_string(),
            columns: std::iter::once(Column::words("part"))
                .chain(["ms in all", "us a block", "ns a command"].map(Column::numbers))
                .collect(),
            rows: PARTS.iter().zip(&self.spent_ns).map(row).collect(),
        }
    }
}
