//! Blocks of a chain with three epochs are followed; what is changed in them is not.

use super::*;
use crate::light::tests::world::{EPOCH_BLOCKS, World, run};
use lockstep_client::follow::{FollowError, Follower, Source};
use lockstep_ledger::Genesis;
use lockstep_types::codec::Encode as _;
use std::sync::OnceLock;

/// A node's answers.
#[derive(Clone)]
struct Node {
    frames: Vec<Frame>,
    handovers: Vec<Handover>,
}

impl Source for Node {
    fn name(&self) -> &str {
        "node"
    }

    fn blocks(&self, from: u64) -> Result<Vec<Frame>, String> {
        let from = usize::try_from(from).unwrap() - 1;
        Ok(self.frames.iter().skip(from).take(6).cloned().collect())
    }

    fn handovers(&self, from: u64) -> Result<Vec<u8>, String> {
        let later = self.handovers.iter().filter(|handover| handover.committee.epoch > from);
        Ok(later.flat_map(|handover| handover.to_bytes()).collect())
    }
}

fn world() -> &'static (Genesis, Node) {
    static WORLD: OnceLock<(Genesis, Node)> = OnceLock::new();
    WORLD.get_or_init(|| {
        run(|context| async move {
            let mut world = World::new(&context).await;
            world.trade().await;
            let (frames, handovers) = (world.frames(), world.handovers());
            (world.genesis, Node { frames, handovers })
        })
    })
}

/// Follows until nothing new comes: the heights, and what went wrong.
fn follow(node: Node, first: u64) -> (Vec<u64>, Option<FollowError>) {
    let client = LightClient::new(&world().0).unwrap();
    let mut follower = Follower::new(vec![node], first, LightJudge::new(client, first));
    let (mut heights, mut quiet) = (Vec::new(), 0);
    // Blocks without a certificate are asked for, and wait for one.
    while quiet < 5 {
        match follower.poll() {
            Ok(blocks) if blocks.is_empty() => quiet += 1,
            Ok(blocks) => heights.extend(blocks.iter().map(|block| block.header().height)),
            Err(error) => return (heights, Some(error)),
        }
    }
    (heights, None)
}

#[test]
fn blocks_are_followed_from_any_height_across_handovers() {
    let node = &world().1;
    let last = u64::try_from(node.frames.len()).unwrap();
    assert!(last > 2 * u64::from(EPOCH_BLOCKS), "three epochs");
    for first in 1..=last {
        assert_eq!(follow(node.clone(), first), ((first..=last).collect(), None));
    }
}

#[test]
fn a_later_certificate_vouches_for_the_blocks_before_it() {
    let mut node = world().1.clone();
    for (place, frame) in node.frames.iter_mut().enumerate() {
        let height = u64::try_from(place).unwrap() + 1;
        if (height + 1) % u64::from(EPOCH_BLOCKS) != 0 && height != 18 {
            frame.certificate.clear();
        }
    }
    assert_eq!(follow(node, 1), ((1..=18).collect(), None), "19 waits");
}

/// What is said of a changed node that is followed from the beginning.
fn refused(change: impl FnOnce(&mut Node)) -> String {
    let mut node = world().1.clone();
    change(&mut node);
    match follow(node, 1) {
        (_, Some(error)) => error.to_string(),
        (heights, None) => panic!("{heights:?} are accepted"),
    }
}

/// The block of a frame with another header.
fn with_header(frame: &mut Frame, change: impl FnOnce(&mut Header)) {
    use commonware_codec::Encode as _;
    let block = Block::from_bytes(&frame.block).unwrap();
    let mut header = block.header().clone();
    change(&mut header);
    frame.block = Block::new(header, block.body().clone()).unwrap().encode().to_vec();
}

#[test]
fn what_is_changed_is_refused_and_named() {
    let said = refused(|node| {
        let byte = node.frames[3].block.last_mut().unwrap();
        *byte ^= 1;
    });
    assert!(said.contains("block: "), "{said}");
    let said = refused(|node| with_header(&mut node.frames[3], |header| header.state_root[0] ^= 1));
    assert!(said.contains("header: block 4 is not the parent of"), "{said}");
    // The last of all has no child that would tell.
    let said = refused(|node| {
        with_header(node.frames.last_mut().unwrap(), |header| header.state_root[0] ^= 1);
    });
    assert!(said.contains("certificate: is over another block"), "{said}");
    let said = refused(|node| drop(node.frames.remove(6)));
    assert!(said.contains("header: block 8 is not"), "{said}");
    let said = refused(|node| with_header(&mut node.frames[0], |header| header.epoch = 7));
    assert!(said.contains("block 1 is of epoch 0, not 7"), "{said}");
    let said = refused(|node| {
        for frame in &mut node.frames[..6] {
            *frame.certificate.last_mut().unwrap() ^= 1;
        }
    });
    assert!(said.contains("certificate: "), "{said}");
    let said = refused(|node| node.handovers.swap(0, 1));
    assert!(said.contains("handover: "), "{said}");
    let said = refused(|node| node.handovers.clear());
    assert!(said.contains("no handover leads from epoch 0 to 1"), "{said}");
}

#[test]
fn handovers_are_followed_no_further_than_they_are_needed() {
    let (genesis, node) = world();
    let mut judge = LightJudge::new(LightClient::new(genesis).unwrap(), 9);
    let handovers = node.handovers(0).unwrap();
    assert_eq!(judge.judge(&node.frames[8..10]), Ok(Verdict::Handovers { from: 0, to: 1 }));
    assert_eq!(judge.advance(&handovers, 1), Ok(1));
    assert_eq!(judge.client().committee().epoch, 1);
    assert!(matches!(judge.judge(&node.frames[8..10]), Ok(Verdict::Final(blocks))
        if blocks.len() == 2));
    // A client that is further than the block cannot judge it.
    let mut client = LightClient::new(genesis).unwrap();
    for handover in &node.handovers {
        client.advance(handover, &mut rand::rng()).unwrap();
    }
    let mut late = LightJudge::new(client, 9);
    let past = ProofError::PastEpoch { trusted: 2, found: 1 };
    assert_eq!(late.judge(&node.frames[8..10]), Err(past));
}
