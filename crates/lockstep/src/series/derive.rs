//! Derives the shipped series from the raw public files. `data/README.md` names each source.
//!
//! What a derivation may do: choose rows, cut to the window, convert to integers in the column's
//! unit (to the nearest; prices are exact, they have whole cents). It never smooths or
//! interpolates, and a point stands at the second from which its value was known. One exception:
//! of a bar only the minute is known, so [`bar_path`] puts its prices where they may have been.

use std::{
    fmt,
    fs::File,
    io::{self, BufRead, BufReader, BufWriter},
    path::{Path, PathBuf},
};

use super::{
    Column, Fault, Point, ReadError, Series, TIME_S_MAX, chain,
    rows::{Row, Rows},
    shipped::{
        CHAIN_RAW_FILE, INTEREST_FILE, SMILES_FILE, Shipped, Source, TAPE_FILE, TAPE_RAW_FILE,
    },
    tape::{self, TapeReader},
};

/// Most rows of a raw file: more than two underlyings by the second for a day.
const RAW_ROWS_MAX: u64 = 400_000;
/// A raw bar covers a minute.
const BAR_S: i64 = 60;
/// Where in its minute each of a bar's four prices is put: open, first extreme, second, close.
const BAR_POINTS_S: [i64; 4] = [0, 20, 40, 59];
const MS_PER_S: i64 = 1_000;

/// Seconds from `start_s` up to, not including, `end_s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// First second, UTC.
    pub start_s: i64,
    /// Second after the last, UTC.
    pub end_s: i64,
}

/// 10 October 2025, 20:00 to 22:30 UTC: an hour of calm, the crash, and its aftermath.
pub const CRASH_WINDOW: Window = Window { start_s: 1_760_126_400, end_s: 1_760_135_400 };

/// Why the shipped files could not be derived.
#[derive(Debug)]
pub enum DeriveError {
    /// A raw file does not read.
    Raw {
        /// The file.
        path: PathBuf,
        /// Why.
        error: ReadError,
    },
    /// A file does not open, or a result cannot be written.
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

impl fmt::Display for DeriveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Raw { path, error } => write!(f, "{}: {error}", path.display()),
            Self::File { path, error } => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl std::error::Error for DeriveError {}

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Derived {
    /// Where.
    pub path: PathBuf,
    /// Rows below the header.
    pub rows: usize,
}

/// Derives every shipped file from the raw files in `raw_dir` and writes them into `out_dir`.
pub fn derive_all(raw_dir: &Path, out_dir: &Path) -> Result<Vec<Derived>, DeriveError> {
    let mut written = Vec::new();
    for shipped in Shipped::ALL {
        let from = raw_dir.join(shipped.raw_file_name());
        let series = derive(open(&from)?, shipped.source(), CRASH_WINDOW)
            .map_err(|error| DeriveError::Raw { path: from, error })?;
        let path = out_dir.join(shipped.file_name());
        create(&path)
            .and_then(|file| series.write(file))
            .map_err(|error| DeriveError::File { path: path.clone(), error })?;
        written.push(Derived { path, rows: series.points().len() });
    }
    let from = raw_dir.join(CHAIN_RAW_FILE);
    let (smiles, interest) =
        derive_chains(open(&from)?).map_err(|error| DeriveError::Raw { path: from, error })?;
    let path = out_dir.join(SMILES_FILE);
    create(&path)
        .and_then(|file| chain::write_smiles(file, &smiles))
        .map_err(|error| DeriveError::File { path: path.clone(), error })?;
    written.push(Derived { path, rows: smiles.len() });
    let path = out_dir.join(INTEREST_FILE);
    create(&path)
        .and_then(|file| chain::write_interest(file, &interest))
        .map_err(|error| DeriveError::File { path: path.clone(), error })?;
    written.push(Derived { path, rows: interest.len() });
    let from = raw_dir.join(TAPE_RAW_FILE);
    let events = TapeReader::open(open(&from)?)
        .and_then(tape::excerpt)
        .map_err(|error| DeriveError::Raw { path: from, error })?;
    let path = out_dir.join(TAPE_FILE);
    create(&path)
        .and_then(|file| tape::write(file, &events))
        .map_err(|error| DeriveError::File { path: path.clone(), error })?;
    written.push(Derived { path, rows: events.len() });
    Ok(written)
}

fn derive_chains(
    packed: impl BufRead,
) -> Result<(Vec<chain::SmileRow>, Vec<chain::InterestRow>), ReadError> {
    chain::derive::chains(BufReader::new(flate2::bufread::MultiGzDecoder::new(packed)))
}

fn open(path: &Path) -> Result<BufReader<File>, DeriveError> {
    match File::open(path) {
        Ok(file) => Ok(BufReader::new(file)),
        Err(error) => Err(DeriveError::File { path: path.to_path_buf(), error }),
    }
}

fn create(path: &Path) -> io::Result<BufWriter<File>> {
    File::create(path).map(BufWriter::new)
}

/// Derives one series from one raw file.
pub fn derive(reader: impl BufRead, source: Source, window: Window) -> Result<Series, ReadError> {
    match source {
        Source::Index { underlying } => index(reader, underlying, window),
        Source::BarPath => bar_path(reader, window),
        Source::MarkVolatility { instrument } => mark_volatility(reader, instrument, window),
    }
}

/// The index of one underlying from `time_ms,underlying,price` rows, only the seconds with
/// trades. If none fell on the window's first second, that second has the last price before it.
pub fn index(reader: impl BufRead, underlying: &str, window: Window) -> Result<Series, ReadError> {
    let mut rows = Rows::open(reader, "time_ms,underlying,price", RAW_ROWS_MAX)?;
    let mut cut = Cut::new(Column::PriceCents, window);
    while let Some(row) = rows.next_row(["time_ms", "underlying", "price"])? {
        if row.cell(1) == underlying {
            let time_s = second(&row, MS_PER_S)?;
            let value = row.decimal(2, 2, 1, Column::PriceCents.value_max())?;
            cut.add(&row, Point { time_s, value })?;
        }
    }
    cut.finish()
}

/// A path through one-minute bars from `open_time_ms,open,high,low,close` rows: each bar's open,
/// the extreme against its direction, the other extreme, its close. All prices are the bar's; when
/// in the minute its extremes were, and in which order, it does not say.
pub fn bar_path(reader: impl BufRead, window: Window) -> Result<Series, ReadError> {
    let mut rows = Rows::open(reader, "open_time_ms,open,high,low,close", RAW_ROWS_MAX)?;
    let mut cut = Cut::new(Column::PriceCents, window);
    while let Some(row) = rows.next_row(["open_time_ms", "open", "high", "low", "close"])? {
        let time_s = second(&row, BAR_S * MS_PER_S)?;
        let price = |cell| row.decimal(cell, 2, 1, Column::PriceCents.value_max());
        let (open, high, low, close) = (price(1)?, price(2)?, price(3)?, price(4)?);
        let path = match close < open {
            true => [open, high, low, close],
            false => [open, low, high, close],
        };
        for (after_s, value) in BAR_POINTS_S.into_iter().zip(path) {
            cut.add(&row, Point { time_s: time_s + after_s, value })?;
        }
    }
    cut.finish()
}

/// Mark volatility of one option from `time_ms,instrument,mark_iv` rows, by the minute.
pub fn mark_volatility(
    reader: impl BufRead,
    instrument: &str,
    window: Window,
) -> Result<Series, ReadError> {
    let mut rows = Rows::open(reader, "time_ms,instrument,mark_iv", RAW_ROWS_MAX)?;
    let mut cut = Cut::new(Column::VolatilityNano, window);
    while let Some(row) = rows.next_row(["time_ms", "instrument", "mark_iv"])? {
        if row.cell(1) == instrument {
            let time_s = second(&row, BAR_S * MS_PER_S)?;
            let value = row.decimal(2, 9, 1, Column::VolatilityNano.value_max())?;
            cut.add(&row, Point { time_s, value })?;
        }
    }
    cut.finish()
}

/// The time in the first field, which stands in milliseconds on a grid.
fn second<const N: usize>(row: &Row<'_, N>, step_ms: i64) -> Result<i64, ReadError> {
    let time_ms = row.integer(0, 0, TIME_S_MAX * MS_PER_S)?;
    if time_ms % step_ms != 0 {
        return Err(row.fault(0, Fault::OffGrid { step_ms }));
    }
    Ok(time_ms / MS_PER_S)
}

/// Keeps the points of a window, and the value in force when it opens.
struct Cut {
    column: Column,
    window: Window,
    points: Vec<Point>,
    /// The last point seen, in the window or not.
    last: Option<Point>,
}

impl Cut {
    fn new(column: Column, window: Window) -> Self {
        Self { column, window, points: Vec::new(), last: None }
    }

    fn add<const N: usize>(&mut self, row: &Row<'_, N>, point: Point) -> Result<(), ReadError> {
        if let Some(last) = self.last
            && point.time_s <= last.time_s
        {
            return Err(row.fault(0, Fault::NotAfter { previous: last.time_s }));
        }
        let Window { start_s, end_s } = self.window;
        if (start_s..end_s).contains(&point.time_s) {
            if self.points.is_empty() && point.time_s > start_s {
                let before = self.last.map(|last| Point { time_s: start_s, value: last.value });
                self.points.extend(before);
            }
            self.points.push(point);
        }
        self.last = Some(point);
        Ok(())
    }

    fn finish(self) -> Result<Series, ReadError> {
        if self.points.is_empty() {
            return Err(ReadError::NoRows);
        }
        Ok(Series::from_points(self.column, self.points))
    }
}
