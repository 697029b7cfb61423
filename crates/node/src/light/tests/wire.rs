//! Whatever a peer or a file may say: true messages that were changed as a fuzzer would change them
//! are refused or are their own encoding, and no reader gives up otherwise.

use super::world::{World, run};
use crate::fixture::command;
use crate::handovers::{self, Answer};
use crate::header::Header;
use crate::intake;
use crate::light::claim::Claim;
use crate::light::{Bundle, Certified, Handover};
use lockstep_types::codec::{Bounded, Decode, DecodeError, Encode};
use lockstep_types::ids::{AccountId, InstrumentId, OrderId};
use proptest::prelude::*;
use std::sync::OnceLock;

/// A reader: what it reads, written again.
type Again = fn(&[u8]) -> Option<Vec<u8>>;

fn again<T: Encode>(read: Result<T, DecodeError>) -> Option<Vec<u8>> {
    read.ok().map(|value| value.to_bytes())
}

fn decode<T: Encode + Decode>(bytes: &[u8]) -> Option<Vec<u8>> {
    again(T::from_bytes(bytes))
}

/// All that a node and a light client read, with true examples.
fn examples() -> &'static Vec<(Again, Vec<Vec<u8>>)> {
    static EXAMPLES: OnceLock<Vec<(Again, Vec<Vec<u8>>)>> = OnceLock::new();
    EXAMPLES.get_or_init(|| {
        run(|context| async move {
            let mut world = World::new(&context).await;
            world.trade().await;
            let handovers = world.handovers();
            let bundle = world
                .bundle(Claim::Position { account: AccountId(6), instrument: InstrumentId(0) });
            let bundle = bundle.await;
            let tip = Some(bundle.certified.clone());
            let answer = Answer { handovers: Bounded::new(handovers.clone()).unwrap(), tip };
            let commands = Bounded::new(vec![command(0, 1), command(1, 2)]).unwrap();
            let items = Bounded::new(world.blocks[3].body().system.to_vec()).unwrap();
            let claims = [
                Claim::Account { account: AccountId(6) },
                Claim::Order { order: OrderId(77) },
                Claim::Totals,
                bundle.claim,
            ];
            let headers = [world.header(7), world.header(8)].map(Encode::to_bytes);
            let asked = [handovers::Message::Ask(3), handovers::Message::Answer(Box::new(answer))];
            let brought = [intake::Message::Commands(commands), intake::Message::Items(items)];
            vec![
                (decode::<Header> as Again, headers.into()),
                (decode::<Certified>, vec![bundle.certified.to_bytes()]),
                (decode::<Handover>, handovers.iter().map(Encode::to_bytes).collect()),
                (decode::<Claim>, claims.iter().map(Encode::to_bytes).collect()),
                (decode::<Bundle>, vec![bundle.to_bytes()]),
                (
                    |bytes| again(handovers::Message::read(bytes)),
                    asked.iter().map(Encode::to_bytes).collect(),
                ),
                (
                    |bytes| again(intake::Message::read(bytes)),
                    brought.iter().map(Encode::to_bytes).collect(),
                ),
            ]
        })
    })
}

/// What is done to a message, one thing after the other.
#[derive(Clone, Debug)]
enum Change {
    Flip(prop::sample::Index, u8),
    Put(prop::sample::Index, Vec<u8>),
    Cut(prop::sample::Index, usize),
    /// Another example's bytes from the same place on.
    Splice(prop::sample::Index, prop::sample::Index),
}

fn change() -> impl Strategy<Value = Change> {
    // Lengths and counts that are as large as they get, small ones, and any bytes.
    let ends = prop_oneof![Just(vec![0xff; 4]), Just(vec![0; 4]), Just(vec![1, 0, 0, 0])];
    let bytes = prop_oneof![ends, proptest::collection::vec(any::<u8>(), 1..9)];
    prop_oneof![
        (any::<prop::sample::Index>(), 1_u8..).prop_map(|(at, flip)| Change::Flip(at, flip)),
        (any::<prop::sample::Index>(), bytes).prop_map(|(at, bytes)| Change::Put(at, bytes)),
        (any::<prop::sample::Index>(), 1_usize..40).prop_map(|(at, count)| Change::Cut(at, count)),
        (any::<prop::sample::Index>(), any::<prop::sample::Index>())
            .prop_map(|(at, other)| Change::Splice(at, other)),
    ]
}

fn apply(bytes: &mut Vec<u8>, change: &Change, all: &[Vec<u8>]) {
    if bytes.is_empty() {
        return;
    }
    match change {
        Change::Flip(at, flip) => {
            let place = at.index(bytes.len());
            bytes[place] ^= flip;
        }
        Change::Put(at, put) => {
            let place = at.index(bytes.len());
            let end = bytes.len().min(place + put.len());
            bytes.splice(place..end, put.iter().copied());
        }
        Change::Cut(at, count) => {
            let place = at.index(bytes.len());
            bytes.drain(place..bytes.len().min(place + count));
        }
        Change::Splice(at, other) => {
            let (place, other) = (at.index(bytes.len()), other.get(all));
            bytes.truncate(place);
            bytes.extend(other.iter().skip(place));
        }
    }
}

#[test]
fn true_messages_read_as_they_are() {
    for (reader, examples) in examples() {
        for bytes in examples {
            assert_eq!(reader(bytes).as_ref(), Some(bytes));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn changed_messages_are_refused_or_their_own_encoding(
        example in any::<prop::sample::Index>(),
        changes in proptest::collection::vec(change(), 1..6),
    ) {
        for (reader, examples) in examples() {
            let mut bytes = example.get(examples).clone();
            for change in &changes {
                apply(&mut bytes, change, examples);
            }
            if let Some(again) = reader(&bytes) {
                prop_assert_eq!(again, bytes);
            }
        }
    }
}
