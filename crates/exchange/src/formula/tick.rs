//! Tick schedules (I3): which prices are valid, and their dense numbering.
//!
//! A schedule has a base tick and up to [`STEPS_MAX`] steps: from a step's `above` on (that price
//! included) the tick is another. Each `above` is a multiple of the ticks on both sides of it,
//! so the valid prices of every part are the multiples of its tick.
//!
//! Levels number the valid prices from zero upwards, starting with price zero, without gaps:
//! `level_of` and `price_of` are inverses and both strictly rising. A level fits an array index: at
//! most [`LEVELS_MAX`] levels exist, and [`TickSchedule::price_max`] is the last one's price.
//!
//! Deliberately absent: whether a price may be zero or how far it may be from mark (M8).

use core::fmt;
use lockstep_types::params::TickStep;

/// The most steps above the base tick.
pub const STEPS_MAX: usize = 4;
/// The most levels of a schedule.
pub const LEVELS_MAX: u32 = 1 << 24;

/// Why a schedule or a price is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TickError {
    /// A tick is not positive.
    TickNotPositive,
    /// More than [`STEPS_MAX`] steps.
    TooManySteps,
    /// Steps do not rise, or a step's price is no multiple of the ticks on both sides of it.
    StepMisplaced,
    /// A step begins beyond the last level.
    StepUnreachable,
    /// The price is negative.
    Negative,
    /// The price is no multiple of its tick.
    OffTick,
    /// The price is beyond the last level's.
    TooHigh,
    /// The level is beyond the last one.
    NoSuchLevel,
}

impl fmt::Display for TickError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TickNotPositive => "I3: a tick is not positive",
            Self::TooManySteps => "I3: too many tick steps",
            Self::StepMisplaced => "I3: a tick step is out of order or off the ticks around it",
            Self::StepUnreachable => "I3: a tick step lies beyond the last price level",
            Self::Negative => "I3: the price is negative",
            Self::OffTick => "I3: the price is not a multiple of its tick",
            Self::TooHigh => "I3: the price is beyond the last price level",
            Self::NoSuchLevel => "I3: no such price level",
        })
    }
}

impl core::error::Error for TickError {}

/// A run of prices with one tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    from_price: i64,
    tick: i64,
    first_level: u32,
}

/// A checked tick schedule with its numbering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TickSchedule {
    base: Run,
    /// Runs above the base; those beyond `steps_count` repeat the last and are never read.
    above: [Run; STEPS_MAX],
    steps_count: usize,
}

impl TickSchedule {
    /// A schedule from its base tick and steps.
    ///
    /// # Errors
    /// A [`TickError`] that says what is wrong with them.
    pub fn new(base_tick: i64, steps: &[TickStep]) -> Result<Self, TickError> {
        if base_tick <= 0 {
            return Err(TickError::TickNotPositive);
        }
        if steps.len() > STEPS_MAX {
            return Err(TickError::TooManySteps);
        }
        let base = Run { from_price: 0, tick: base_tick, first_level: 0 };
        let mut schedule = Self { base, above: [base; STEPS_MAX], steps_count: 0 };
        for (slot, step) in steps.iter().enumerate() {
            let below = schedule.last_run();
            if step.tick.0 <= 0 {
                return Err(TickError::TickNotPositive);
            }
            let whole = step.above.0 % below.tick == 0 && step.above.0 % step.tick.0 == 0;
            if step.above.0 <= below.from_price || !whole {
                return Err(TickError::StepMisplaced);
            }
            let first_level = level_in(below, step.above.0).ok_or(TickError::StepUnreachable)?;
            let run = Run { from_price: step.above.0, tick: step.tick.0, first_level };
            schedule.above[slot..].fill(run);
            schedule.steps_count = slot + 1;
        }
        Ok(schedule)
    }

    /// The level of a valid price.
    ///
    /// # Errors
    /// [`TickError::Negative`], [`TickError::OffTick`] or [`TickError::TooHigh`].
    pub fn level_of(&self, price: i64) -> Result<u32, TickError> {
        let run = self.run_at_price(price)?;
        let rise = price - run.from_price;
        let ticks = rise / run.tick;
        if ticks * run.tick != rise {
            return Err(TickError::OffTick);
        }
        level_above(run, ticks).ok_or(TickError::TooHigh)
    }

    /// The price of a level.
    ///
    /// # Errors
    /// [`TickError::NoSuchLevel`] from [`LEVELS_MAX`] on, or if the price does not fit i64.
    pub fn price_of(&self, level: u32) -> Result<i64, TickError> {
        if level >= LEVELS_MAX {
            return Err(TickError::NoSuchLevel);
        }
        let run = self.run_at_level(level);
        i64::from(level - run.first_level)
            .checked_mul(run.tick)
            .and_then(|rise| rise.checked_add(run.from_price))
            .ok_or(TickError::NoSuchLevel)
    }

    /// Whether a price is valid.
    ///
    /// # Errors
    /// As [`Self::level_of`].
    pub fn check(&self, price: i64) -> Result<(), TickError> {
        self.level_of(price).map(|_| ())
    }

    /// The tick that applies at a price.
    ///
    /// # Errors
    /// [`TickError::Negative`].
    pub fn tick_at(&self, price: i64) -> Result<i64, TickError> {
        Ok(self.run_at_price(price)?.tick)
    }

    /// The greatest valid price that is not above `price`.
    ///
    /// # Errors
    /// [`TickError::Negative`].
    pub fn price_floor(&self, price: i64) -> Result<i64, TickError> {
        let run = self.run_at_price(price)?;
        let floor = price - (price - run.from_price) % run.tick;
        Ok(floor.min(self.price_max()))
    }

    /// The least valid price that is not below `price`.
    ///
    /// # Errors
    /// [`TickError::TooHigh`].
    pub fn price_ceil(&self, price: i64) -> Result<i64, TickError> {
        if price <= 0 {
            return Ok(0);
        }
        if price > self.price_max() {
            return Err(TickError::TooHigh);
        }
        let run = self.run_at_price(price)?;
        let over = (price - run.from_price) % run.tick;
        if over == 0 {
            return Ok(price);
        }
        // Cannot pass the next run's first price, which is a multiple of this tick, nor price_max.
        Ok(price - over + run.tick)
    }

    /// The price of the last level that fits i64.
    #[must_use]
    pub fn price_max(&self) -> i64 {
        let run = self.last_run();
        let levels_left = i64::from(LEVELS_MAX - 1 - run.first_level);
        let rise = levels_left.min((i64::MAX - run.from_price) / run.tick) * run.tick;
        run.from_price + rise
    }

    fn last_run(&self) -> Run {
        match self.steps_count.checked_sub(1) {
            Some(last) => self.above[last],
            None => self.base,
        }
    }

    fn run_at_price(&self, price: i64) -> Result<Run, TickError> {
        if price < 0 {
            return Err(TickError::Negative);
        }
        let steps = &self.above[..self.steps_count];
        let run = steps.iter().rev().find(|run| run.from_price <= price);
        Ok(*run.unwrap_or(&self.base))
    }

    fn run_at_level(&self, level: u32) -> Run {
        let steps = &self.above[..self.steps_count];
        let run = steps.iter().rev().find(|run| run.first_level <= level);
        *run.unwrap_or(&self.base)
    }
}

/// The level of a price that lies in `run` or ends it; `None` beyond the last level.
fn level_in(run: Run, price: i64) -> Option<u32> {
    level_above(run, (price - run.from_price) / run.tick)
}

/// The level that lies `ticks` above the first of `run`; `None` beyond the last level.
fn level_above(run: Run, ticks: i64) -> Option<u32> {
    let rise = u32::try_from(ticks).ok()?;
    run.first_level.checked_add(rise).filter(|level| *level < LEVELS_MAX)
}
