//! What a block caused, as nodes hand it out: `GET /v1/events/{height}`.
//!
//! ```text
//! count: u32 || the venue's events, in order || count: u32 || the chain's events, in order
//! ```
//!
//! Deliberately absent: belief; a header's events root commits to them.

use lockstep_types::chain::ChainEvent;
use lockstep_types::codec::{Decode, DecodeError, Encode, Reader};
use lockstep_types::event::Event;

/// The events of one block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Happened {
    /// On the venue.
    pub venue: Vec<Event>,
    /// On the chain around it.
    pub chain: Vec<ChainEvent>,
}

/// Appends events of either side.
pub fn write_events<T: Encode>(events: &[T], to: &mut Vec<u8>) {
    u32::try_from(events.len()).unwrap_or(u32::MAX).encode(to);
    events.iter().for_each(|event| event.encode(to));
}

fn read_events<T: Decode>(reader: &mut Reader<'_>) -> Result<Vec<T>, DecodeError> {
    let count = u32::decode(reader)?;
    // A count alone makes no room.
    let mut events = Vec::new();
    for _ in 0..count {
        events.push(T::decode(reader)?);
    }
    Ok(events)
}

impl Happened {
    /// Reads an answer.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let venue = read_events(&mut reader).map_err(|error| error.within("venue"))?;
        let chain = read_events(&mut reader).map_err(|error| error.within("chain"))?;
        reader.finish()?;
        Ok(Self { venue, chain })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_types::ids::ValidatorId;

    #[test]
    fn events_read_back_and_torn_ones_are_refused() {
        let chain = vec![
            ChainEvent::Unjailed { validator: ValidatorId(1) },
            ChainEvent::Retired { validator: ValidatorId(2) },
        ];
        let mut bytes = Vec::new();
        write_events::<Event>(&[], &mut bytes);
        write_events(&chain, &mut bytes);
        assert_eq!(Happened::read(&bytes), Ok(Happened { venue: Vec::new(), chain }));
        for end in 0..bytes.len() {
            assert!(Happened::read(&bytes[..end]).is_err(), "{end}");
        }
    }
}
