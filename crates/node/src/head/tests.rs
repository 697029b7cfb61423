//! Whatever branch is asked for, the engine is at the state that executing it from scratch gives.

use super::*;
use crate::fixture::{OWNERS, START, command, genesis, validator};
use crate::header::body_root;
use lockstep_types::codec::{Bounded, Encode as _};
use lockstep_types::units::TimeMs;
use proptest::prelude::*;

/// A block of a tree: its header and body, and the way to it from the genesis.
#[derive(Clone)]
struct Node {
    header: Header,
    body: Body,
    way: Vec<usize>,
}

fn genesis_head() -> Head {
    let ledger = Ledger::genesis(&genesis()).unwrap();
    Head::new(ledger, Base { height: 0, state_root: [0; 32] })
}

fn header_of(parent: [u8; 32], body: &Body, state_root: [u8; 32]) -> Header {
    Header {
        epoch: 0,
        view: body.height,
        parent_view: 0,
        parent,
        leader: body.leader,
        height: body.height,
        time: body.time,
        state_root,
        operations_root: [0; 32],
        operations_start: 0,
        operations_end: 1,
        events_root: [0; 32],
        body_root: body_root(&body.to_bytes()),
        next: None,
    }
}

fn genesis_header() -> Header {
    let body = Body { time: START, ..Body::default() };
    header_of([0; 32], &body, [0; 32])
}

/// A tree of blocks: each names its parent among those before it (0 is the genesis).
fn tree(parents: &[usize]) -> Vec<Node> {
    let root = Node { header: genesis_header(), body: Body::default(), way: vec![] };
    let mut nodes = vec![root];
    for (place, parent) in parents.iter().enumerate() {
        let parent = &nodes[parent % nodes.len()];
        let number = u64::try_from(place).unwrap();
        let owner = u8::try_from(place).unwrap() % OWNERS;
        let body = Body {
            height: parent.header.height + 1,
            time: TimeMs(parent.header.time.0 + 10 + i64::try_from(place).unwrap()),
            leader: validator().public_key(),
            commands: Bounded::new(vec![command(owner, number + 1)]).unwrap(),
            ..Body::default()
        };
        let mut way = parent.way.clone();
        way.push(nodes.len());
        // The state's digest stands for the root.
        let mut ledger = Ledger::genesis(&genesis()).unwrap();
        for step in &way[..way.len() - 1] {
            ledger.execute(&nodes[*step].body).unwrap();
        }
        ledger.execute(&body).unwrap();
        let header = header_of(parent.header.digest().0, &body, ledger.digest());
        nodes.push(Node { header, body, way });
    }
    nodes
}

/// Brings a head to a block as the application does.
fn bring(head: &mut Head, nodes: &[Node], target: usize) {
    let mut path = Vec::new();
    let mut way = nodes[target].way.clone();
    loop {
        let at = way.pop().unwrap_or(0);
        if let Some(place) = head.place_of(&nodes[at].header) {
            head.rewind(place);
            break;
        }
        path.push(at);
    }
    for at in path.into_iter().rev() {
        let node = &nodes[at];
        let ids = node.body.commands.iter().map(CommandId::of).collect();
        head.advance(StepKey::from(&node.header), &node.body, ids).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn every_branch_is_reached_from_every_other(
        parents in proptest::collection::vec(0_usize..100, 1..10),
        visits in proptest::collection::vec(0_usize..100, 1..20),
    ) {
        let nodes = tree(&parents);
        let mut head = genesis_head();
        for visit in visits {
            let target = visit % nodes.len();
            bring(&mut head, &nodes, target);
            if target > 0 {
                prop_assert_eq!(head.ledger().digest(), nodes[target].header.state_root);
                prop_assert!(head.includes(CommandId::of(&nodes[target].body.commands[0])));
            }
        }
    }

    #[test]
    fn finality_follows_any_branch(
        parents in proptest::collection::vec(0_usize..100, 1..10),
        detours in proptest::collection::vec(0_usize..100, 10),
    ) {
        let nodes = tree(&parents);
        let last = nodes.len() - 1;
        let mut head = genesis_head();
        for (step, detour) in nodes[last].way.clone().into_iter().zip(detours) {
            // Before each block is final, consensus asks for some other that may still follow.
            let target = detour % nodes.len();
            let base = head.base().height;
            let follows = base == 0
                || nodes[target].way.iter().any(|at| {
                    let header = &nodes[*at].header;
                    header.height == base && header.state_root == head.base().state_root
                });
            if follows {
                bring(&mut head, &nodes, target);
            }
            let node = &nodes[step];
            let events = head.finalize(&node.header, &node.body);
            prop_assert!(events.is_some_and(|events| !events.venue.is_empty()));
            prop_assert_eq!(head.base().height, node.header.height);
            prop_assert!(!head.includes(CommandId::of(&node.body.commands[0])));
        }
        head.rewind_to_base();
        prop_assert_eq!(head.ledger().digest(), nodes[last].header.state_root);
    }
}

#[test]
fn the_first_block_commits_all_leaves_and_later_ones_their_changes() {
    let nodes = tree(&[0, 1]);
    let mut head = genesis_head();
    let (first, second) = (&nodes[1], &nodes[2]);
    let all = head.advance(StepKey::from(&first.header), &first.body, vec![]).unwrap();
    let mut leaves = 0;
    head.ledger().each_leaf(&mut |_, _| leaves += 1);
    assert_eq!(all.changes.len(), leaves);
    let some = head.advance(StepKey::from(&second.header), &second.body, vec![]).unwrap();
    assert!(!some.changes.is_empty() && some.changes.len() < leaves);
    // The leaves after both are those of the engine.
    let mut committed: std::collections::BTreeMap<_, _> = all.changes.iter().collect();
    committed.extend(some.changes.iter());
    committed.retain(|_, value| value.is_some());
    let mut expected = std::collections::BTreeMap::new();
    head.ledger().each_leaf(&mut |key, value| drop(expected.insert(key, value)));
    let expected = expected.iter().map(|(key, value)| (key.as_slice(), Some(value.as_slice())));
    assert!(committed.into_iter().eq(expected));
}

#[test]
fn a_body_that_cannot_follow_leaves_the_head_where_it_is() {
    let nodes = tree(&[0]);
    let mut head = genesis_head();
    let before = head.ledger().digest();
    for wrong in [
        Body { height: 2, ..nodes[1].body.clone() },
        Body { time: START, ..nodes[1].body.clone() },
        Body { leader: [7; 32], ..nodes[1].body.clone() },
    ] {
        let key = StepKey { parent: [0; 32], body_root: [1; 32] };
        assert!(head.advance(key, &wrong, vec![]).is_err());
        assert_eq!(head.ledger().digest(), before);
    }
}

#[test]
fn a_final_block_with_missing_ancestors_is_not_executed() {
    let nodes = tree(&[0, 1]);
    let mut head = genesis_head();
    assert!(head.finalize(&nodes[2].header, &nodes[2].body).is_none());
    assert_eq!(head.base().height, 0);
    assert!(head.finalize(&nodes[1].header, &nodes[1].body).is_some());
    assert!(head.finalize(&nodes[1].header, &nodes[1].body).is_none(), "it is the base already");
}
