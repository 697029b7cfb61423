//! A chain of three epochs is in order; whatever is changed in it is named with height and field.

use super::*;
use crate::block::Block;
use crate::header::{Header, body_root};
use crate::light::offline::archives;
use crate::light::tests::world::{EPOCH_BLOCKS, World, finalization, run};
use crate::store::PAGE_BYTES;
use bytes::Bytes;
use commonware_codec::{Encode as _, Read as _};
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_consensus::simplex::types::Finalization;
use commonware_cryptography::Digestible as _;
use commonware_runtime::buffer::paged::CacheRef;
use commonware_storage::archive::Archive as _;
use commonware_utils::NZUsize;
use lockstep_ledger::{Block as Body, Committee, Evidence, OffenceKind, Participation, SystemItem};
use lockstep_types::codec::{Bounded, Encode as _};
use std::sync::OnceLock;

pub(super) const CARE: Care = Care { everything_blocks: 7 };
/// The block with all the commands.
const BUSY: u64 = 2;
/// The last block of the first epoch.
const LAST: u64 = EPOCH_BLOCKS as u64 - 1;

/// Blocks and handovers that somebody hands out.
#[derive(Clone)]
pub(super) struct Given {
    pub(super) frames: Vec<Frame>,
    pub(super) handovers: Vec<Handover>,
}

impl Blocks for Given {
    fn block(&mut self, height: u64) -> Result<Option<Frame>, String> {
        Ok(self.frames.get(place(height)).cloned())
    }

    fn handover(&mut self, epoch: u64) -> Result<Option<Handover>, String> {
        let of_epoch = |handover: &&Handover| handover.committee.epoch == epoch + 1;
        Ok(self.handovers.iter().find(of_epoch).cloned())
    }

    fn last(&self) -> u64 {
        u64::try_from(self.frames.len()).unwrap()
    }
}

pub(super) struct Story {
    pub(super) genesis: Genesis,
    pub(super) given: Given,
    pub(super) handovers: Vec<Handover>,
    headers: Vec<Header>,
    committee: Committee,
}

/// Places begin at zero, heights at one.
pub(super) fn place(height: u64) -> usize {
    usize::try_from(height).unwrap() - 1
}

pub(super) fn story() -> &'static Story {
    static STORY: OnceLock<Story> = OnceLock::new();
    STORY.get_or_init(|| {
        run(|context| async move {
            let mut world = World::new(&context).await;
            world.trade().await;
            Story {
                given: Given { frames: world.frames(), handovers: Vec::new() },
                handovers: world.handovers(),
                committee: world.committees[&0].clone(),
                headers: world.headers,
                genesis: world.genesis,
            }
        })
    })
}

fn beginning() -> Beginning<'static> {
    Beginning { genesis: &story().genesis, snapshot: None }
}

fn verdict(given: &mut Given) -> Result<Audited, AuditError> {
    audit_blocks(beginning(), CARE, given, &mut |_, _| {})
}

/// Changes a copy; the height and field that are named.
#[track_caller]
fn named(change: impl FnOnce(&mut Given)) -> (u64, String) {
    let mut given = story().given.clone();
    change(&mut given);
    match verdict(&mut given) {
        Err(AuditError::Broken { height, field, .. }) => (height, field),
        other => panic!("{other:?}"),
    }
}

/// Changes a block, whose header then names the changed body; its certificate stays.
#[track_caller]
fn named_in(height: u64, change: impl FnOnce(&mut Header, &mut Body)) -> String {
    let (found, field) = named(|given| {
        let frame = &mut given.frames[place(height)];
        let block = Block::from_bytes(&frame.block).unwrap();
        let (mut header, mut body) = (block.header().clone(), block.body().clone());
        change(&mut header, &mut body);
        header.body_root = body_root(&body.to_bytes());
        frame.block = Block::new(header, body).unwrap().encode().to_vec();
    });
    assert_eq!(found, height, "{field}");
    field
}

#[test]
fn a_chain_in_order_is_audited_to_its_end() {
    let mut told = Vec::new();
    let story = story();
    let mut given = story.given.clone();
    let audited =
        audit_blocks(beginning(), CARE, &mut given, &mut |done, of| told.push((done, of)));
    let audited = audited.unwrap();
    let (last, count) = (story.headers.last().unwrap(), given.last());
    assert_eq!((audited.height, audited.certified, audited.certificates), (count, count, count));
    assert_eq!((audited.epoch, audited.committees), (2, 2));
    assert_eq!((audited.commands, audited.items), (6, 4 * count));
    assert_eq!((audited.state_root, audited.time), (last.state_root, last.time));
    assert_eq!(audited.looks, count / CARE.everything_blocks + 1);
    assert_eq!((audited.accounts, audited.deficit), (8, 0));
    assert!(audited.events > audited.commands && audited.escrow.0 > 0);
    assert_eq!(told, (1..=count).map(|height| (height, count)).collect::<Vec<_>>());
}

#[test]
fn certificates_may_be_missing_but_for_an_epochs_last_and_handovers_stand_in() {
    let mut given = story().given.clone();
    given.handovers = story().handovers.clone();
    given.frames.iter_mut().for_each(|frame| frame.certificate.clear());
    let audited = verdict(&mut given).unwrap();
    assert_eq!((audited.certificates, audited.certified), (2, 2 * u64::from(EPOCH_BLOCKS) - 1));
    let found = named(|given| given.frames[place(LAST)].certificate.clear());
    assert_eq!(found, (LAST + 1, "certificate".to_string()));
    // At the very end it may still come.
    let mut given = story().given.clone();
    given.frames.truncate(place(LAST + 1));
    given.frames[place(LAST)].certificate.clear();
    assert_eq!(verdict(&mut given).map(|audited| audited.certified), Ok(LAST - 1));
}

#[test]
fn bytes_that_are_changed_are_found() {
    let found = named(|given| {
        let byte = given.frames[place(BUSY)].block.last_mut().unwrap();
        *byte ^= 1;
    });
    assert_eq!(found, (BUSY, "block".to_string()));
    let found = named(|given| given.frames[place(4)].block.truncate(100));
    assert_eq!(found, (4, "block".to_string()));
    let found = named(|given| drop(given.frames.remove(place(5))));
    assert_eq!(found, (5, "height".to_string()));
}

#[test]
fn what_a_header_says_is_checked() {
    type Change = fn(&mut Header);
    let changes: [(&str, Change); 10] = [
        ("parent", |header| header.parent[3] ^= 1),
        ("epoch", |header| header.epoch += 1),
        ("view", |header| header.view -= 1),
        ("leader", |header| header.view += 1),
        ("state_root", |header| header.state_root[31] ^= 1),
        ("operations_root", |header| header.operations_root[31] ^= 1),
        ("operations_start", |header| header.operations_start += 1),
        ("operations_end", |header| header.operations_end += 1),
        ("events_root", |header| header.events_root[0] ^= 1),
        ("next", |header| header.next = Some([1; 32])),
    ];
    for (field, change) in changes {
        let found = named_in(6, |header, _| change(header));
        // Between an operation's start and end nothing else may be.
        assert_eq!(found, field);
    }
    assert_eq!(named_in(LAST, |header, _| header.next = None), "next");
    assert_eq!(named_in(LAST, |header, _| header.next = Some([1; 32])), "next");
}

#[test]
fn clocks_leaders_and_bodies_are_checked() {
    let before = story().headers[place(5)].time;
    for time in [before, lockstep_types::units::TimeMs(before.0 - 10)] {
        let field = named_in(6, |header, body| {
            header.time = time;
            body.time = time;
        });
        assert_eq!(field, "time");
    }
    let seats = &story().committee.seats;
    let leader = story().headers[place(6)].leader;
    let other = seats.iter().find(|seat| seat.key != leader).unwrap().key;
    let field = named_in(6, |header, body| {
        header.leader = other;
        body.leader = other;
    });
    assert_eq!(field, "leader");
    // Nobody can have signed the block before an epoch's first one in that epoch.
    let field = named_in(LAST + 1, |_, body| {
        body.participation = Participation(Bounded::new(vec![0xff]).unwrap());
    });
    assert_eq!(field, "body");
}

#[test]
fn every_signature_is_checked() {
    let field = named_in(BUSY, |_, body| {
        let mut commands = std::mem::take(&mut body.commands).into_vec();
        commands[3].signature[5] ^= 1;
        body.commands = Bounded::new(commands).unwrap();
    });
    assert_eq!(field, "commands[3].signature");
    let field = named_in(BUSY, |_, body| {
        let mut commands = std::mem::take(&mut body.commands).into_vec();
        commands[1].command.nonce += 1;
        body.commands = Bounded::new(commands).unwrap();
    });
    assert_eq!(field, "commands[1].signature");
    let field = named_in(6, |_, body| {
        let mut items = std::mem::take(&mut body.system).into_vec();
        if let SystemItem::Report(signed) = &mut items[2] {
            signed.report.prices = Bounded::default();
        }
        body.system = Bounded::new(items).unwrap();
    });
    assert_eq!(field, "system[2].signature");
    // Evidence without votes.
    let (reporter, offender) = (story().committee.seats[0].key, story().committee.seats[1].key);
    let field = named_in(6, |_, body| {
        let mut items = std::mem::take(&mut body.system).into_vec();
        items.push(SystemItem::Evidence(Evidence {
            kind: OffenceKind::ConflictingNotarize,
            epoch: 0,
            view: 3,
            offender,
            reporter,
            proof: Bounded::new(vec![7; 200]).unwrap(),
        }));
        body.system = Bounded::new(items).unwrap();
    });
    assert_eq!(field, "system[4].signature");
}

#[test]
fn certificates_and_handovers_are_checked() {
    let story = story();
    let in_certificate = |change: &dyn Fn(&mut Vec<u8>)| {
        let found = named(|given| change(&mut given.frames[place(5)].certificate));
        assert_eq!(found, (5, "certificate".to_string()));
    };
    in_certificate(&|certificate| *certificate.last_mut().unwrap() ^= 1);
    in_certificate(&|certificate| certificate.truncate(50));
    in_certificate(&|certificate| {
        certificate.clone_from(&story.given.frames[place(4)].certificate);
    });
    // Three signatures, of which two are the same.
    in_certificate(&|certificate| {
        let header = &story.headers[place(5)];
        *certificate =
            finalization(&story.genesis, &story.committee, header, &[0, 1, 2]).encode().to_vec();
        let signatures = certificate.len() - 64;
        certificate.copy_within(signatures - 64..signatures, signatures);
    });
    let found = named(|given| {
        given.frames[place(LAST)].certificate.clear();
        given.handovers = story.handovers.clone();
        given.handovers[0].last = story.handovers[1].last.clone();
    });
    assert_eq!(found, (LAST, "handover".to_string()));
    let found = named(|given| {
        given.frames[place(LAST)].certificate.clear();
        given.handovers = story.handovers.clone();
        given.handovers[0].committee.seed[0] ^= 1;
    });
    assert_eq!(found, (LAST, "handover".to_string()));
}

#[test]
fn another_genesis_has_other_blocks() {
    let mut genesis = story().genesis.clone();
    genesis.salt[0] ^= 1;
    let other = Beginning { genesis: &genesis, snapshot: None };
    let found = audit_blocks(other, CARE, &mut story().given.clone(), &mut |_, _| {});
    assert!(matches!(found, Err(AuditError::Broken { height: 1, field, .. }) if field == "parent"));
}

/// Keeps some of the blocks as a validator does.
pub(super) fn keep(folder: &Path, heights: impl Iterator<Item = u64>) {
    let kept = in_runtime(folder, |context| async move {
        let pages = CacheRef::new(PAGE_BYTES, NZUsize!(64));
        let (mut finalizations, mut blocks) = archives(&context, "v", pages).await.unwrap();
        for height in heights {
            let frame = &story().given.frames[place(height)];
            let block = Block::from_bytes(&frame.block).unwrap();
            let mut bytes = Bytes::copy_from_slice(&frame.certificate);
            let certificate = Finalization::<Scheme, _>::read_cfg(&mut bytes, &16).unwrap();
            let digest = block.digest();
            blocks = blocks.put_sync(height, digest, &block).await.unwrap();
            finalizations = finalizations.put_sync(height, digest, &certificate).await.unwrap();
        }
        Ok(())
    });
    kept.unwrap();
}

#[test]
fn files_are_audited_and_blocks_that_are_not_there_are_named() {
    let count = story().given.last();
    let audit = |heights: &mut dyn Iterator<Item = u64>| {
        let scratch = Scratch::new("audited");
        keep(scratch.folder(), heights);
        audit_files(scratch.folder(), "v", beginning(), CARE, &mut |_, _| {})
    };
    let audited = audit(&mut (1..=count)).unwrap();
    assert_eq!((audited.height, audited.certificates), (count, count));
    let missing = audit(&mut (1..=count).filter(|height| *height != 12)).unwrap_err();
    let why = "it is missing, though block 13 is there".to_string();
    assert_eq!(missing, AuditError::Broken { height: 12, field: "block".to_string(), why });
    let pruned = audit(&mut (5..=count)).unwrap_err().to_string();
    assert!(pruned.contains("only blocks from 5 on are kept"), "{pruned}");
    let scratch = Scratch::new("audited");
    std::fs::create_dir_all(scratch.folder()).unwrap();
    let none = audit_files(scratch.folder(), "v", beginning(), CARE, &mut |_, _| {});
    assert!(matches!(none, Err(AuditError::Failed(why)) if why.contains("no blocks of v")));
}
