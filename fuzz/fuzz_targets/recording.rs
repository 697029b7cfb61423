//! Recorded series, option chains and tapes: reading never panics, and what reads as plain text has
//! this one spelling. A tape may also be compressed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lockstep::series::chain;
use lockstep::series::tape::{self, TapeEvent, TapeReader};
use lockstep::series::{Column, Series};

fuzz_target!(|bytes: &[u8]| {
    for column in [Column::PriceCents, Column::VolatilityNano] {
        if let Ok(series) = Series::read(bytes, column) {
            let mut again = Vec::new();
            assert!(series.write(&mut again).is_ok() && again == bytes, "one spelling");
            assert!(series.point_at(series.first().time_s) == Some(series.first()));
        }
    }
    if let Ok(smiles) = chain::read_smiles(bytes) {
        let mut again = Vec::new();
        assert!(chain::write_smiles(&mut again, &smiles).is_ok() && again == bytes, "one spelling");
    }
    if let Ok(interest) = chain::read_interest(bytes) {
        let mut again = Vec::new();
        assert!(chain::write_interest(&mut again, &interest).is_ok());
        assert!(chain::read_interest(&again[..]).as_ref() == Ok(&interest), "reads the same again");
    }
    if let Err(error) = chain::derive::chains(bytes) {
        drop(error.to_string());
    }
    let read = TapeReader::open(bytes).and_then(|tape| tape.collect::<Result<Vec<TapeEvent>, _>>());
    match read {
        Ok(events) => {
            let mut again = Vec::new();
            assert!(tape::write(&mut again, &events).is_ok());
            assert!(again == bytes || bytes.starts_with(&[0x1f, 0x8b]), "one spelling");
            drop(tape::excerpt(events.into_iter().map(Ok)));
        }
        Err(error) => drop(error.to_string()),
    }
});
