//! Handovers are kept, found again, and only whole messages about them are read.

use super::*;
use crate::light::tests::world::{World, run};
use crate::store::PAGE_BYTES;
use commonware_runtime::Supervisor as _;
use commonware_runtime::deterministic::Context;
use commonware_utils::NZUsize;
use lockstep_types::codec::DecodeErrorKind;
use proptest::prelude::*;

async fn open(context: &Context, start: u64) -> (Keeper<Context>, Registry) {
    let pages = CacheRef::new(PAGE_BYTES, NZUsize!(16));
    let context = context.child("kept").with_attribute("start", start);
    Keeper::open(context, "keeper", pages).await.unwrap()
}

#[test]
fn what_is_kept_is_found_after_a_restart() {
    run(|context| async move {
        let mut world = World::new(&context).await;
        world.trade().await;
        let handovers = world.handovers();
        assert!(handovers.len() > 1, "the story has several epochs");
        let (mut keeper, registry) = open(&context, 0).await;
        assert_eq!((registry.newest(), keeper.get(1).await.unwrap()), (0, None));
        for handover in &handovers {
            keeper = keeper.put(handover).await.unwrap();
        }
        drop(keeper);
        let (keeper, registry) = open(&context, 1).await;
        assert_eq!(usize::try_from(registry.newest()).unwrap(), handovers.len());
        assert_eq!(keeper.from(1).await.unwrap(), handovers);
        assert_eq!(keeper.from(2).await.unwrap(), handovers[1..]);
        assert_eq!(keeper.from(registry.newest() + 1).await.unwrap(), []);
    });
}

#[test]
fn messages_are_their_encoding_and_nothing_else_is_one() {
    run(|context| async move {
        let mut world = World::new(&context).await;
        world.trade().await;
        let handovers = Bounded::new(world.handovers()).unwrap();
        let tip = Some(world.certified(world.last().height));
        let answer = Message::Answer(Box::new(Answer { handovers, tip }));
        for message in [Message::Ask(7), answer] {
            let bytes = message.to_bytes();
            assert_eq!(Message::read(&bytes).as_ref(), Ok(&message));
            for length in (0..bytes.len()).step_by(7) {
                assert!(Message::read(&bytes[..length]).is_err(), "{length}");
            }
            assert!(Message::read(&[bytes.as_slice(), &[0]].concat()).is_err());
        }
    });
    let error = Message::read(&vec![0; MESSAGE_BYTES_MAX + 1]).unwrap_err();
    assert!(matches!(error.kind, DecodeErrorKind::TooLong { limit: MESSAGE_BYTES_MAX, .. }));
}

proptest! {
    #[test]
    fn garbage_is_refused_or_its_own_encoding(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        if let Ok(message) = Message::read(&bytes) {
            prop_assert_eq!(message.to_bytes(), bytes);
        }
    }
}
