//! What validators report of the world: the same, each with its delay.
//!
//! Every validator reports in every block, stamped with the moment at which it looked: a source
//! in which nothing trades for a while still says so. Nothing is known before its time, and
//! nothing is noise. Only what the world itself has no value for (a hole that nothing fills) goes
//! stale.

use super::latency::{Latency, VALIDATORS};
use super::story::World;
use lockstep_types::TimeMs;
use lockstep_types::codec::Bounded;
use lockstep_types::command::{Report, SystemCommand};
use lockstep_types::ids::{ReporterId, UnderlyingId};
use std::rc::Rc;

/// The validators.
pub struct Feed {
    world: Rc<dyn World>,
    underlyings: usize,
    ages_ms: [i64; VALIDATORS],
}

impl Feed {
    /// Validators who see a world of so many underlyings.
    pub fn new(world: Rc<dyn World>, underlyings: usize, latency: &Latency) -> Self {
        Self { world, underlyings, ages_ms: latency.ages_ms() }
    }

    /// Whether something stands in for the index of the first underlying.
    pub fn is_hole(&self, now_ms: i64) -> bool {
        self.world.is_hole(now_ms.div_euclid(1_000))
    }

    /// What the validators report in the block at `now_ms`.
    pub fn reports(&self, now_ms: i64) -> Vec<SystemCommand> {
        let mut reports = Vec::new();
        for (validator, age_ms) in self.ages_ms.into_iter().enumerate() {
            let looked_ms = now_ms - age_ms;
            for underlying in 0..self.underlyings {
                let seen = self.world.seen(underlying, looked_ms.div_euclid(1_000));
                reports.push(SystemCommand::Report(Report {
                    reporter: reporter(validator),
                    underlying: UnderlyingId(u8::try_from(underlying).unwrap_or(u8::MAX)),
                    price: seen.price,
                    published: TimeMs(looked_ms),
                    expiries: Bounded::new(seen.expiries).unwrap_or_default(),
                }));
            }
        }
        reports
    }
}

/// The id of a validator as a reporter.
pub fn reporter(validator: usize) -> ReporterId {
    ReporterId(u16::try_from(validator).unwrap_or(u16::MAX))
}
