//! The recorded files in `data/`: their names, what each holds, and their text, which is part of
//! the binary so that every command that replays them works from any directory.

use super::chain::{self, InterestRow, SmileRow};
use super::{Column, ReadError, Series, tape};

/// Name by which the shipped excerpt of an order-by-order tape is known.
pub const TAPE_NAME: &str = "l3-excerpt";
/// Its file name.
pub const TAPE_FILE: &str = "l3-excerpt.csv";
/// File name of the raw tape it is taken from.
pub(super) const TAPE_RAW_FILE: &str = "l3-index-future-2023-12-24_25.csv.gz";

/// File name of the raw option chains.
pub(super) const CHAIN_RAW_FILE: &str = "option-chains-2026-02-04_06.csv.gz";
/// Smiles of the option chains.
pub const SMILES_FILE: &str = "2026-02-04_06-smiles.csv";
/// What was held of each series at the first of their moments.
pub const INTEREST_FILE: &str = "2026-02-04-open-interest.csv";

/// The shipped series, all of 10 October 2025, 20:00 to 22:30 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shipped {
    /// BTC index, the seconds with trades, cents.
    IndexBtc,
    /// ETH index, the seconds with trades, cents.
    IndexEth,
    /// A path through one-minute bars of a BTC perpetual, cents.
    PathBtc,
    /// Mark volatility by the minute of a BTC put struck at 80,000, expiring 31 October 2025.
    VolatilityPut,
    /// Mark volatility by the minute of a BTC call struck at 132,000, expiring 28 November 2025.
    VolatilityCall,
}

/// How a series is taken from its raw file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// One underlying of an index file.
    Index {
        /// As the file writes it.
        underlying: &'static str,
    },
    /// The four prices of each one-minute bar, one after the other.
    BarPath,
    /// Mark volatility of one option.
    MarkVolatility {
        /// As the file writes it.
        instrument: &'static str,
    },
}

impl Shipped {
    /// Every shipped series.
    pub const ALL: [Self; 5] =
        [Self::IndexBtc, Self::IndexEth, Self::PathBtc, Self::VolatilityPut, Self::VolatilityCall];

    /// Name of its file in `data/`.
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::IndexBtc => "2025-10-10-index-btc-1s.csv",
            Self::IndexEth => "2025-10-10-index-eth-1s.csv",
            Self::PathBtc => "2025-10-10-perpetual-btc-path.csv",
            Self::VolatilityPut => "2025-10-10-volatility-btc-31oct25-80000-p-1m.csv",
            Self::VolatilityCall => "2025-10-10-volatility-btc-28nov25-132000-c-1m.csv",
        }
    }

    /// Name of the raw file it is derived from.
    pub const fn raw_file_name(self) -> &'static str {
        match self {
            Self::IndexBtc | Self::IndexEth => "index-2025-10-10-1s.csv",
            Self::PathBtc => "btc-perp-2025-10-09_10-1m.csv",
            Self::VolatilityPut | Self::VolatilityCall => "mark-iv-2025-10-10-1m.csv",
        }
    }

    /// How it is taken from the raw file.
    pub const fn source(self) -> Source {
        match self {
            Self::IndexBtc => Source::Index { underlying: "BTC" },
            Self::IndexEth => Source::Index { underlying: "ETH" },
            Self::PathBtc => Source::BarPath,
            Self::VolatilityPut => Source::MarkVolatility { instrument: "BTC-31OCT25-80000-P" },
            Self::VolatilityCall => Source::MarkVolatility { instrument: "BTC-28NOV25-132000-C" },
        }
    }

    /// What its values are.
    pub const fn column(self) -> Column {
        match self {
            Self::IndexBtc | Self::IndexEth | Self::PathBtc => Column::PriceCents,
            Self::VolatilityPut | Self::VolatilityCall => Column::VolatilityNano,
        }
    }

    /// The file's text.
    pub const fn text(self) -> &'static str {
        match self {
            Self::IndexBtc => include_str!("../../../../data/2025-10-10-index-btc-1s.csv"),
            Self::IndexEth => include_str!("../../../../data/2025-10-10-index-eth-1s.csv"),
            Self::PathBtc => {
                include_str!("../../../../data/2025-10-10-perpetual-btc-path.csv")
            }
            Self::VolatilityPut => {
                include_str!("../../../../data/2025-10-10-volatility-btc-31oct25-80000-p-1m.csv")
            }
            Self::VolatilityCall => {
                include_str!("../../../../data/2025-10-10-volatility-btc-28nov25-132000-c-1m.csv")
            }
        }
    }

    /// The series.
    pub fn read(self) -> Result<Series, ReadError> {
        Series::read(self.text().as_bytes(), self.column())
    }
}

/// Text of the shipped tape excerpt.
pub const fn tape_text() -> &'static str {
    include_str!("../../../../data/l3-excerpt.csv")
}

/// The events of the shipped tape excerpt.
pub fn tape() -> Result<Vec<tape::TapeEvent>, ReadError> {
    tape::TapeReader::open(tape_text().as_bytes())?.collect()
}

/// The smiles of the shipped option chains.
pub fn smiles() -> Result<Vec<SmileRow>, ReadError> {
    chain::read_smiles(include_bytes!("../../../../data/2026-02-04_06-smiles.csv").as_slice())
}

/// The open interest of the shipped option chains.
pub fn interest() -> Result<Vec<InterestRow>, ReadError> {
    let bytes = include_bytes!("../../../../data/2026-02-04-open-interest.csv");
    chain::read_interest(bytes.as_slice())
}
