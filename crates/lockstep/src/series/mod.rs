//! Small recorded series: prices by the second, closes and volatilities by the minute, and an
//! order-by-order tape. Scenarios and tests replay them; `data/README.md` says whence they come.
//!
//! Invariants: everything is an integer in the unit its column names; times are UTC, strictly
//! increasing in a series and never decreasing on a tape; whatever the bytes are, a reader answers
//! with values inside the named limits or with a [`ReadError`] that names line, field and limit.
//!
//! A series file keeps only the moments at which something traded; [`Series::point_at`] carries the
//! last value forward, [`Series::value_between`] draws a line to the next. Deliberately absent:
//! floating point, and any dependence on the raw files: a build and its
//! tests need only what `data/` holds.

pub mod chain;
pub mod derive;
mod error;
mod rows;
pub mod shipped;
pub mod tape;

#[cfg(test)]
mod tests;

use std::io::{self, BufRead, Write};

pub use error::{Fault, ReadError};
use rows::{Row, Rows};

/// Most rows one series file may have: a day of seconds.
pub const SERIES_ROWS_MAX: u64 = 86_400;
/// Latest time accepted, seconds: the last second of the year 9999.
pub const TIME_S_MAX: i64 = 253_402_300_799;
/// Micro-USD in a cent: files have prices in cents, the exchange in micro-USD.
pub const CENT: i64 = 10_000;

/// What the second column of a series file holds, and in which unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// A price in US cents.
    PriceCents,
    /// An annualised volatility in units of 1e-9 (0.65 is 650,000,000).
    VolatilityNano,
}

impl Column {
    /// Name of the column, as the header of the file writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PriceCents => "price_cents",
            Self::VolatilityNano => "volatility_nano",
        }
    }

    /// First line of a file with this column.
    pub const fn header(self) -> &'static str {
        match self {
            Self::PriceCents => "time_s,price_cents",
            Self::VolatilityNano => "time_s,volatility_nano",
        }
    }

    /// Largest value accepted: 100 million USD, or a volatility of 50 (5,000 %).
    pub const fn value_max(self) -> i64 {
        match self {
            Self::PriceCents => 10_000_000_000,
            Self::VolatilityNano => 50_000_000_000,
        }
    }
}

/// One value and the second from which it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// UTC, seconds since 1970.
    pub time_s: i64,
    /// In the unit of the series' column.
    pub value: i64,
}

/// A step function of time: at least one point, times strictly increasing, values positive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    column: Column,
    points: Vec<Point>,
}

impl Series {
    /// Reads a series file: the column's header, then one `time_s,value` row per point, each line
    /// ended by a newline (so that a cut-off file is an error, not another number).
    pub fn read(reader: impl BufRead, column: Column) -> Result<Self, ReadError> {
        let mut rows = Rows::open(reader, column.header(), SERIES_ROWS_MAX)?;
        let mut points = Vec::new();
        while let Some(row) = rows.next_row(["time_s", column.name()])? {
            push_point(&mut points, &row, read_point(&row, column)?)?;
        }
        if points.is_empty() {
            return Err(ReadError::NoRows);
        }
        Ok(Self { column, points })
    }

    /// Builds a series from points that a caller has already put in order.
    ///
    /// # Panics
    /// When there is no point, or a time does not lie after the one before it.
    pub(crate) fn from_points(column: Column, points: Vec<Point>) -> Self {
        assert!(!points.is_empty(), "a series has at least one point");
        assert!(
            points.windows(2).all(|pair| pair[0].time_s < pair[1].time_s),
            "the times of a series increase strictly"
        );
        Self { column, points }
    }

    /// Writes the file that [`Series::read`] reads.
    pub fn write(&self, mut to: impl Write) -> io::Result<()> {
        writeln!(to, "{}", self.column.header())?;
        for point in &self.points {
            writeln!(to, "{},{}", point.time_s, point.value)?;
        }
        to.flush()
    }

    /// The recorded points, oldest first.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// The point in force at `time_s`: the last one at or before it. `None` before the first.
    pub fn point_at(&self, time_s: i64) -> Option<Point> {
        let after = self.points.partition_point(|point| point.time_s <= time_s);
        after.checked_sub(1).map(|at| self.points[at])
    }

    /// The value on the straight line between the points before and after `time_s`, rounded to the
    /// nearest; before the first point and after the last, theirs.
    ///
    /// It looks ahead: it is for a world that is made up between what is known of it, and nobody in
    /// that world may be shown the next point.
    pub fn value_between(&self, time_s: i64) -> i64 {
        let after = self.points.partition_point(|point| point.time_s <= time_s);
        let Some(before) = after.checked_sub(1).map(|at| self.points[at]) else {
            return self.first().value;
        };
        let Some(next) = self.points.get(after) else { return before.value };
        between(before, *next, time_s)
    }

    /// The first point.
    pub fn first(&self) -> Point {
        self.points[0]
    }
}

/// The value at a time on the line through two points, rounded to the nearest, a half up.
fn between(from: Point, to: Point, time_s: i64) -> i64 {
    let span = i128::from(to.time_s - from.time_s);
    let rise = i128::from(to.value - from.value) * i128::from(time_s - from.time_s);
    let value = i128::from(from.value) + (2 * rise + span).div_euclid(2 * span);
    i64::try_from(value).unwrap_or(to.value)
}

fn read_point(row: &Row<'_, 2>, column: Column) -> Result<Point, ReadError> {
    Ok(Point {
        time_s: row.integer(0, 0, TIME_S_MAX)?,
        value: row.integer(1, 1, column.value_max())?,
    })
}

/// Adds a point, which must lie after the last.
fn push_point<const N: usize>(
    points: &mut Vec<Point>,
    row: &Row<'_, N>,
    point: Point,
) -> Result<(), ReadError> {
    match points.last() {
        Some(last) if point.time_s <= last.time_s => {
            Err(row.fault(0, Fault::NotAfter { previous: last.time_s }))
        }
        _ => {
            points.push(point);
            Ok(())
        }
    }
}
