//! Snapshots of a chain at several heights: audits go on from them, and nothing in them can be
//! changed.

use super::*;
use crate::application::{genesis_block, hash};
use crate::audit::tests::{CARE, Given, keep, place, story};
use crate::audit::{Audited, Beginning, Blocks as _, audit_blocks, audit_files};
use crate::block::Block;
use crate::head::{Base, Head, StepKey};
use crate::light::tests::world::EPOCH_BLOCKS;
use commonware_runtime::tokio::Context;

/// The last block of the first epoch.
const LAST: u64 = EPOCH_BLOCKS as u64 - 1;

/// A validator's folder with the state after a height, and all blocks.
fn folder(height: u64) -> Scratch {
    let scratch = Scratch::new("snapshotted");
    keep(scratch.folder(), 1..=story().given.last());
    let made = in_runtime(scratch.folder(), |context| async move {
        let pages = CacheRef::new(PAGE_BYTES, NZUsize!(64));
        let config = store_config("v", pages.clone());
        let stores = Stores::init(context.child("state"), config, None).await;
        let genesis = &story().genesis;
        let first = genesis_block::<Context>(genesis).unwrap();
        let base = Base { height: 0, state_root: first.header().state_root };
        let mut head = Head::new(Ledger::genesis(genesis).unwrap(), base);
        for height in 1..=height {
            let block = Block::from_bytes(&story().given.frames[place(height)].block).unwrap();
            let key = StepKey::from(block.header());
            let executed = head.advance(key, block.body(), Vec::new()).unwrap();
            let hashed = hash(stores.new_batches().await, height, executed).await.unwrap();
            stores.apply(hashed).await;
        }
        assert!(stores.finalize().await.durable().await);
        let (mut keeper, _) = Keeper::open(context.child("handovers"), "v", pages).await.unwrap();
        for handover in &story().handovers {
            keeper = keeper.put(handover).await.unwrap();
        }
        Ok(())
    });
    made.unwrap();
    scratch
}

fn snapshot(height: u64) -> Snapshot {
    Snapshot::of_files(folder(height).folder(), "v", &story().genesis).unwrap()
}

/// An audit of all blocks after a snapshot's.
fn go_on(genesis: &Genesis, snapshot: &Snapshot, given: &mut Given) -> Result<Audited, AuditError> {
    let beginning = Beginning { genesis, snapshot: Some(snapshot) };
    audit_blocks(beginning, CARE, given, &mut |_, _| {})
}

#[test]
fn audits_go_on_from_snapshots_as_they_do_from_the_genesis() {
    let story = story();
    let mut whole = story.given.clone();
    let beginning = Beginning { genesis: &story.genesis, snapshot: None };
    let whole = audit_blocks(beginning, CARE, &mut whole, &mut |_, _| {}).unwrap();
    for height in [3, LAST, LAST + 1, 2 * LAST + 1, whole.height] {
        let file = snapshot(height).to_file();
        let read = Snapshot::from_file(&file).unwrap();
        assert_eq!(read.to_file(), file, "a file is its encoding");
        assert_eq!(read.certified.header().height, height);
        let audited = go_on(&story.genesis, &read, &mut story.given.clone()).unwrap();
        assert_eq!((audited.first, audited.height), (height, whole.height));
        assert_eq!(audited.state_root, whole.state_root);
        assert_eq!((audited.deficit, audited.insurance), (whole.deficit, whole.insurance));
        // What comes after is looked at as closely.
        if height < whole.height {
            let mut given = story.given.clone();
            *given.frames[place(whole.height)].certificate.last_mut().unwrap() ^= 1;
            let error = go_on(&story.genesis, &read, &mut given).unwrap_err();
            assert!(matches!(error, AuditError::Broken { height, .. } if height == whole.height));
        }
    }
}

#[test]
fn a_folder_without_the_first_blocks_is_audited_from_a_snapshot() {
    let (taken, pruned) = (snapshot(9), Scratch::new("pruned"));
    keep(pruned.folder(), 10..=story().given.last());
    let audit = |snapshot| {
        let beginning = Beginning { genesis: &story().genesis, snapshot };
        audit_files(pruned.folder(), "v", beginning, CARE, &mut |_, _| {})
    };
    assert_eq!(audit(Some(&taken)).map(|audited| audited.height), Ok(story().given.last()));
    let error = audit(None).unwrap_err().to_string();
    assert!(error.contains("only blocks from 10 on are kept"), "{error}");
    let early = snapshot(5);
    let error = audit(Some(&early)).unwrap_err().to_string();
    assert!(error.contains("the audit begins with block 6"), "{error}");
}

#[test]
fn what_is_changed_in_a_snapshot_is_refused() {
    let story = story();
    let file = snapshot(12).to_file();
    let verdict = |bytes: &[u8]| {
        let snapshot = Snapshot::from_file(bytes)?;
        let mut nothing = Given { frames: Vec::new(), handovers: Vec::new() };
        go_on(&story.genesis, &snapshot, &mut nothing)
    };
    assert_eq!(verdict(&file).map(|audited| audited.height), Ok(12));
    let step = file.len() / 60;
    for place in (0..file.len()).step_by(step.max(1)) {
        let mut changed = file.clone();
        changed[place] ^= 4;
        assert!(verdict(&changed).is_err(), "byte {place} of {}", file.len());
        assert!(verdict(&file[..place]).is_err(), "the first {place} bytes");
    }
    let mut longer = file.clone();
    longer.push(0);
    assert!(verdict(&longer).is_err());
}

#[test]
fn parts_of_other_snapshots_are_refused_by_name() {
    let story = story();
    let (taken, other) = (snapshot(12), snapshot(5));
    let refused = |change: &dyn Fn(&mut Snapshot)| {
        let mut changed = taken.clone();
        change(&mut changed);
        let mut nothing = Given { frames: Vec::new(), handovers: Vec::new() };
        go_on(&story.genesis, &changed, &mut nothing).unwrap_err().to_string()
    };
    let said = refused(&|changed| changed.told = other.told.clone());
    assert!(said.contains("snapshot: answers: "), "{said}");
    let said = refused(&|changed| drop(changed.told.pop()));
    assert!(said.contains("snapshot: answers: "), "{said}");
    let said = refused(&|changed| changed.handovers.clear());
    assert!(said.contains("snapshot: block: handovers: lead to epoch 0"), "{said}");
    let said = refused(&|changed| changed.certified = other.certified.clone());
    assert!(said.contains("snapshot: block: "), "{said}");
    let said = refused(&|changed| changed.chain.0[0] ^= 1);
    assert!(said.contains("snapshot: chain: "), "{said}");
    let nothing = Scratch::new("nothing");
    std::fs::create_dir_all(nothing.folder()).unwrap();
    let error = Snapshot::of_files(nothing.folder(), "v", &story.genesis).unwrap_err();
    assert!(error.to_string().contains("no state of v"), "{error}");
}
