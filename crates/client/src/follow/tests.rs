//! Sources that are silent, behind or false, and a judge that knows the truth by a byte.
//!
//! A true block is its height in eight bytes; the certificate of a block is the epoch that signed
//! it. Epochs have eight blocks.

use super::*;
use std::cell::Cell;
use std::rc::Rc;

const EPOCH: u64 = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Honest,
    /// Does not answer.
    Silent,
    /// Has no more than so many blocks.
    Behind(u64),
    /// From this height on its blocks are others.
    FalseFrom(u64),
    /// Its certificates never come.
    WithoutCertificates,
    /// Has no handovers.
    WithoutHandovers,
    /// Its handovers are false.
    FalseHandovers,
}

#[derive(Clone)]
struct Node {
    name: &'static str,
    mood: Rc<Cell<Mood>>,
    height: Rc<Cell<u64>>,
    /// Only blocks of which the height is a multiple have certificates.
    certified_every: u64,
}

impl Node {
    fn new(name: &'static str, mood: Mood, height: u64) -> Self {
        let (mood, height) = (Rc::new(Cell::new(mood)), Rc::new(Cell::new(height)));
        Self { name, mood, height, certified_every: 1 }
    }
}

impl Source for Node {
    fn name(&self) -> &str {
        self.name
    }

    fn blocks(&self, from: u64) -> Result<Vec<Frame>, String> {
        let last = match self.mood.get() {
            Mood::Silent => return Err("nobody is there".to_string()),
            Mood::Behind(most) => self.height.get().min(most),
            _ => self.height.get(),
        };
        let frame = |height: u64| {
            let is_false = matches!(self.mood.get(), Mood::FalseFrom(from) if height >= from);
            let shown = if is_false { height + 1_000 } else { height };
            // The last block of an epoch always has one.
            let is_last = (height + 1).is_multiple_of(EPOCH);
            let is_certified = height.is_multiple_of(self.certified_every) || is_last;
            let is_certified = is_certified && self.mood.get() != Mood::WithoutCertificates;
            let certificate = if is_certified { vec![(height / EPOCH) as u8] } else { Vec::new() };
            Frame { block: shown.to_le_bytes().to_vec(), certificate }
        };
        Ok((from..=last).take(5).map(frame).collect())
    }

    fn handovers(&self, from: u64) -> Result<Vec<u8>, String> {
        Ok(match self.mood.get() {
            Mood::WithoutHandovers => Vec::new(),
            Mood::FalseHandovers => vec![99],
            _ => (from + 1..=self.height.get() / EPOCH).map(|epoch| epoch as u8).collect(),
        })
    }
}

struct Truth {
    next: u64,
    epoch: u64,
}

impl Judge for Truth {
    type Block = u64;
    type Error = String;

    fn judge(&mut self, frames: &[Frame]) -> Result<Verdict<u64>, String> {
        let heights: Vec<u64> = frames
            .iter()
            .map(|frame| u64::from_le_bytes(frame.block.clone().try_into().unwrap()))
            .collect();
        if heights.iter().zip(self.next..).any(|(found, expected)| *found != expected) {
            return Err("it is another block".to_string());
        }
        if self.next / EPOCH > self.epoch {
            return Ok(Verdict::Handovers { from: self.epoch, to: self.next / EPOCH });
        }
        let of_epoch = heights.iter().take_while(|height| **height / EPOCH == self.epoch).count();
        let certified = frames[..of_epoch].iter().rposition(|frame| !frame.certificate.is_empty());
        let Some(place) = certified else { return Ok(Verdict::Unvouched) };
        if u64::from(frames[place].certificate[0]) != self.epoch {
            return Err("another epoch signed".to_string());
        }
        self.next += place as u64 + 1;
        Ok(Verdict::Final(heights[..=place].to_vec()))
    }

    fn advance(&mut self, handovers: &[u8], to: u64) -> Result<u64, String> {
        let mut count = 0;
        for epoch in handovers.iter().map(|epoch| u64::from(*epoch)) {
            if self.epoch == to {
                break;
            }
            if epoch != self.epoch + 1 {
                return Err("the handover does not hold".to_string());
            }
            self.epoch = epoch;
            count += 1;
        }
        Ok(count)
    }
}

fn follower(nodes: &[&Node], next: u64) -> Follower<Node, Truth> {
    let nodes = nodes.iter().map(|node| (*node).clone()).collect();
    Follower::new(nodes, next, Truth { next, epoch: 0 })
}

/// All that comes until nothing does for longer than a source may be idle, and what was wrong.
fn all(follower: &mut Follower<Node, Truth>) -> (Vec<u64>, Vec<FollowError>) {
    let (mut blocks, mut errors, mut quiet) = (Vec::new(), Vec::new(), 0);
    while quiet < 3 * IDLE_MAX && errors.len() < 20 {
        match follower.poll() {
            Ok(more) if more.is_empty() => quiet += 1,
            Ok(more) => blocks.extend(more),
            Err(error) => errors.push(error),
        }
    }
    (blocks, errors)
}

#[test]
fn blocks_come_in_order_across_epochs_from_any_height() {
    for certified_every in [1, 2, 3, 7] {
        for first in [1, 2, 7, 8, 9, 20] {
            let node = Node { certified_every, ..Node::new("a", Mood::Honest, 30) };
            let mut follower = follower(&[&node], first);
            let (blocks, errors) = all(&mut follower);
            let last = (first..=30).rev().find(|height| {
                height.is_multiple_of(certified_every) || (height + 1).is_multiple_of(EPOCH)
            });
            assert_eq!(blocks, (first..=last.unwrap()).collect::<Vec<_>>(), "{first}");
            assert_eq!(errors, []);
            assert_eq!(follower.next(), last.unwrap() + 1);
            // What comes later is handed on later.
            node.height.set(40);
            assert_eq!(all(&mut follower).0.first(), Some(&(last.unwrap() + 1)));
        }
    }
}

#[test]
fn a_silent_source_makes_room_for_the_next_and_is_asked_again() {
    let (silent, good) = (Node::new("a", Mood::Silent, 9), Node::new("b", Mood::Honest, 9));
    let mut follower = follower(&[&silent, &good], 1);
    let error = FollowError::Silent { source: "a".into(), why: "nobody is there".into() };
    assert_eq!(follower.poll(), Err(error));
    assert_eq!(all(&mut follower).0, (1..=9).collect::<Vec<_>>());
    silent.mood.set(Mood::Honest);
    silent.height.set(12);
    good.mood.set(Mood::Silent);
    assert_eq!(all(&mut follower).0, (10..=12).collect::<Vec<_>>());
}

#[test]
fn a_source_that_stays_behind_is_left() {
    let (behind, good) = (Node::new("a", Mood::Behind(3), 20), Node::new("b", Mood::Honest, 20));
    let (blocks, errors) = all(&mut follower(&[&behind, &good], 1));
    assert_eq!(blocks, (1..=20).collect::<Vec<_>>());
    assert_eq!(errors, []);
}

#[test]
fn a_source_that_lies_is_named_and_never_asked_again() {
    for lie in [Mood::FalseFrom(1), Mood::FalseFrom(4), Mood::FalseFrom(9), Mood::FalseHandovers] {
        let (liar, good) = (Node::new("a", lie, 20), Node::new("b", Mood::Honest, 20));
        let mut follower = follower(&[&liar, &good], 1);
        let (blocks, errors) = all(&mut follower);
        assert_eq!(blocks, (1..=20).collect::<Vec<_>>(), "{lie:?}");
        assert!(matches!(&errors[..], [FollowError::False { source, .. }] if source == "a"));
        good.mood.set(Mood::Silent);
        let (_, errors) = all(&mut follower);
        assert!(errors.iter().all(|error| matches!(error, FollowError::Silent { source, .. }
            if source == "b")));
        assert!(!errors.is_empty());
    }
}

#[test]
fn blocks_that_nobody_vouches_for_are_not_waited_for_without_end() {
    let liar = Node::new("a", Mood::WithoutCertificates, 1_000);
    // One epoch, so that handovers are not what is missing.
    let mut follower =
        Follower::new(vec![liar.clone()], 1, Endless { asked: Rc::new(Cell::new(0)) });
    let mut polls = 0;
    let error = loop {
        polls += 1;
        match follower.poll() {
            Ok(blocks) => assert_eq!(blocks, Vec::<u64>::new()),
            Err(error) => break error,
        }
    };
    assert!(error.to_string().contains("no certificate in 65 blocks"), "{error}");
    assert_eq!(polls, 13, "five blocks a time");
    assert_eq!(follower.poll(), Err(FollowError::Nobody));
}

#[test]
fn a_source_without_handovers_is_silent_and_another_one_has_them() {
    let (poor, good) =
        (Node::new("a", Mood::WithoutHandovers, 20), Node::new("b", Mood::Honest, 20));
    let (blocks, errors) = all(&mut follower(&[&poor, &good], 1));
    assert_eq!(blocks, (1..=20).collect::<Vec<_>>());
    let why = "no handover leads from epoch 0 to 1".to_string();
    assert_eq!(errors, [FollowError::Silent { source: "a".into(), why }]);
}

#[test]
fn when_all_have_lied_nobody_is_left() {
    let (one, other) =
        (Node::new("a", Mood::FalseFrom(3), 9), Node::new("b", Mood::FalseFrom(5), 9));
    let mut follower = follower(&[&one, &other], 1);
    let mut outcomes = Vec::new();
    for _ in 0..4 {
        outcomes.push(follower.poll());
    }
    assert!(matches!(&outcomes[0], Err(FollowError::False { height: 1, .. })), "{outcomes:?}");
    assert!(matches!(&outcomes[1], Err(FollowError::False { height: 1, .. })), "{outcomes:?}");
    assert_eq!(outcomes[2], Err(FollowError::Nobody));
    assert!(follower.source().is_none());
}

/// Accepts nothing and refuses nothing.
struct Endless {
    asked: Rc<Cell<u32>>,
}

impl Judge for Endless {
    type Block = u64;
    type Error = String;

    fn judge(&mut self, _: &[Frame]) -> Result<Verdict<u64>, String> {
        self.asked.set(self.asked.get() + 1);
        Ok(Verdict::Unvouched)
    }

    fn advance(&mut self, _: &[u8], _: u64) -> Result<u64, String> {
        Ok(0)
    }
}
