//! Rows of a small, strict CSV: no quotes, no blanks, no comments, a header that must match, and
//! every line ended by a newline. Lines and rows are bounded before anything is kept, so that a
//! hostile file (or a compressed one that unfolds without end) costs at most the limits.

use std::io::{BufRead, Read};

use super::error::{Fault, ReadError, quoted};

/// Most bytes in a line, newline included.
pub const LINE_BYTES_MAX: usize = 160;
/// Most digits of a number that is read: an `i128` holds any of them.
const DIGITS_MAX: usize = 30;
/// Most digits after the point of a decimal.
const FRACTION_DIGITS_MAX: usize = 12;

/// A source of rows.
pub struct Rows<R> {
    reader: R,
    buffer: Vec<u8>,
    /// The line last read, from 1.
    line: u64,
    rows_max: u64,
}

/// One row: as many cells as the header has names.
pub struct Row<'a, const N: usize> {
    line: u64,
    names: [&'static str; N],
    cells: [&'a str; N],
}

impl<R: BufRead> Rows<R> {
    /// Reads the header and checks it.
    pub fn open(reader: R, header: &'static str, rows_max: u64) -> Result<Self, ReadError> {
        let mut rows = Self { reader, buffer: Vec::new(), line: 0, rows_max };
        let present = rows.read_line()?;
        let found = rows.text()?;
        if !present || found != header {
            return Err(ReadError::Header { expected: header, found: quoted(found) });
        }
        Ok(rows)
    }

    /// The next row, or `None` at the end of the file.
    pub fn next_row<const N: usize>(
        &mut self,
        names: [&'static str; N],
    ) -> Result<Option<Row<'_, N>>, ReadError> {
        if !self.read_line()? {
            return Ok(None);
        }
        let line = self.line;
        // The header is line 1, so row n stands on line n + 1.
        if line - 1 > self.rows_max {
            return Err(ReadError::TooManyRows { line, rows_max: self.rows_max });
        }
        let text = self.text()?;
        let mut cells = [""; N];
        let mut found = 0;
        for cell in text.split(',') {
            if let Some(slot) = cells.get_mut(found) {
                *slot = cell;
            }
            found += 1;
        }
        if found != N {
            return Err(ReadError::FieldCount { line, expected: N, found });
        }
        Ok(Some(Row { line, names, cells }))
    }

    /// Reads one line into the buffer, without its newline. False at the end of the file.
    fn read_line(&mut self) -> Result<bool, ReadError> {
        self.buffer.clear();
        self.line += 1;
        let line = self.line;
        let limit = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX);
        (&mut self.reader)
            .take(limit)
            .read_until(b'\n', &mut self.buffer)
            .map_err(|error| ReadError::Io { line, kind: error.kind() })?;
        match self.buffer.pop() {
            None => Ok(false),
            Some(b'\n') => Ok(true),
            Some(_) if self.buffer.len() + 1 == LINE_BYTES_MAX => {
                Err(ReadError::LineTooLong { line, bytes_max: LINE_BYTES_MAX })
            }
            Some(_) => Err(ReadError::CutOff { line }),
        }
    }

    fn text(&self) -> Result<&str, ReadError> {
        std::str::from_utf8(&self.buffer).map_err(|_| ReadError::NotText { line: self.line })
    }
}

impl<const N: usize> Row<'_, N> {
    /// The cell as it stands.
    pub fn cell(&self, index: usize) -> &str {
        self.cells[index]
    }

    /// An error about a cell.
    pub fn fault(&self, index: usize, fault: Fault) -> ReadError {
        ReadError::Field { line: self.line, field: self.names[index], fault }
    }

    /// A whole number between two limits. Only its plain form is read: no plus, no leading zero.
    pub fn integer(&self, index: usize, min: i64, max: i64) -> Result<i64, ReadError> {
        let cell = self.cells[index];
        if cell.is_empty() {
            return Err(self.fault(index, Fault::Empty));
        }
        let digits = cell.strip_prefix('-').unwrap_or(cell);
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.is_empty()
            && (digits.len() == 1 || !digits.starts_with('0'))
            && cell != "-0";
        if !plain {
            return Err(self.fault(index, Fault::NotAnInteger { found: quoted(cell) }));
        }
        let negative = digits.len() < cell.len();
        let wide = cell.parse().unwrap_or(if negative { i128::MIN } else { i128::MAX });
        self.within(index, wide, min, max)
    }

    /// A positive decimal such as `116682.01`, in units of 10^-`scale`, rounded to the nearest
    /// (a half rounds up), between two limits.
    pub fn decimal(&self, index: usize, scale: u32, min: i64, max: i64) -> Result<i64, ReadError> {
        let cell = self.cells[index];
        if cell.is_empty() {
            return Err(self.fault(index, Fault::Empty));
        }
        let (whole, fraction) = cell.split_once('.').unwrap_or((cell, "0"));
        let all_digits =
            |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let plain = all_digits(whole)
            && all_digits(fraction)
            && whole.len() <= DIGITS_MAX - FRACTION_DIGITS_MAX
            && fraction.len() <= FRACTION_DIGITS_MAX;
        if !plain {
            return Err(self.fault(
                index,
                Fault::NotADecimal {
                    found: quoted(cell),
                    fraction_digits_max: FRACTION_DIGITS_MAX,
                },
            ));
        }
        assert!(scale <= 12, "a scale beyond the digits that are read");
        // Both parts were counted and checked above, so together they fit an i128.
        let digits: i128 =
            format!("{whole}{fraction:0<FRACTION_DIGITS_MAX$}").parse().unwrap_or(i128::MAX / 2);
        let unit = 10_i128.pow(12 - scale);
        self.within(index, (digits + unit / 2) / unit, min, max)
    }

    /// A decimal likewise, of which digits beyond those that [`Row::decimal`] reads are cut off:
    /// raw numbers have as many as a float prints.
    pub fn decimal_cut(
        &self,
        index: usize,
        scale: u32,
        min: i64,
        max: i64,
    ) -> Result<i64, ReadError> {
        let mut cells = self.cells;
        if let Some((whole, fraction)) = cells[index].split_once('.') {
            let kept = whole.len() + 1 + fraction.len().min(FRACTION_DIGITS_MAX);
            // A cut inside a letter leaves the cell as it is, and that is no decimal.
            cells[index] = cells[index].get(..kept).unwrap_or(cells[index]);
        }
        Row { line: self.line, names: self.names, cells }.decimal(index, scale, min, max)
    }

    fn within(&self, index: usize, found: i128, min: i64, max: i64) -> Result<i64, ReadError> {
        let out = || {
            let (min, max) = (i128::from(min), i128::from(max));
            self.fault(index, Fault::OutOfRange { found, min, max })
        };
        match i64::try_from(found) {
            Ok(value) if (min..=max).contains(&value) => Ok(value),
            _ => Err(out()),
        }
    }
}
