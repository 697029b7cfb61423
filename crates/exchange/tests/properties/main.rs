//! What must hold of the whole exchange, over random runs of every command.
//!
//! `LOCKSTEP_CASES` is the number of commands that each property is shown at least; without it,
//! each sees enough for a second or two. A failure names the seed of its run.

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/workload.rs"]
mod workload;

mod coverage;
mod cushions;
mod determinism;
mod encoding;
mod hostile;
mod invariants;
mod limits;
mod priority;
mod rejection;
mod shadow;
mod snapshot;
mod undo;
mod witness;

use lockstep_exchange::Exchange;
use lockstep_types::command::Block;
use lockstep_types::params::{MarginRegime, VenueParams};
use workload::{Profile, Workload};

/// Blocks of one run.
const RUN_BLOCKS: u64 = 100;

/// Commands that a property is shown.
fn commands_max(usual: u64) -> u64 {
    let asked = std::env::var("LOCKSTEP_CASES").ok();
    asked.and_then(|cases| cases.parse().ok()).unwrap_or(0).max(usual)
}

/// Says which run failed.
struct Named(&'static str, u64);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("property `{}` failed in the run with seed {}", self.0, self.1);
        }
    }
}

/// The kind of workload of a run: mostly the usual one; some without margin, some mostly garbage,
/// some with jumping prices, some at the venue's limits.
fn profile_of(seed: u64) -> Profile {
    let usual = Profile::default();
    Profile {
        margin: if seed % 4 == 3 { MarginRegime::Off } else { usual.margin },
        hostile: if seed % 5 == 4 { 40 } else { usual.hostile },
        parameters: !seed.is_multiple_of(3),
        wild: seed % 2 == 1,
        tight: seed % 6 == 5,
        assumed: !seed.is_multiple_of(3),
        ..usual
    }
}

/// Runs `property` over random runs until it has seen `usual` commands, or as many as asked for.
fn over_runs(name: &'static str, usual: u64, mut property: impl FnMut(u64, &mut Workload)) {
    let (mut seen, mut seed) = (0, 0);
    let first =
        name.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    while seen < commands_max(usual) {
        let named = Named(name, first.wrapping_add(seed));
        let mut workload = Workload::new(named.1, profile_of(seed));
        property(named.1, &mut workload);
        seen += workload.commands.max(1);
        seed += 1;
    }
}

/// An exchange with nothing in it.
fn empty() -> Exchange {
    Exchange::new(VenueParams::default())
}

fn execute(exchange: &mut Exchange, block: &Block) {
    let done = exchange.execute(block);
    assert!(done.is_ok(), "a whole state misses nothing: {done:?}");
}
