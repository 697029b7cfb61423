//! Reports, deposits and evidence: what holds, what waits, in which order.

use super::*;
use crate::block::PublicKey;
use commonware_consensus::simplex::types::{Finalize, Notarize, Nullify, Proposal};
use commonware_consensus::types::{Epoch, Round, View};
use commonware_cryptography::sha256;
use commonware_cryptography::{Signer as _, ed25519};
use commonware_utils::ordered::Set;
use commonware_utils::{TestRng, TryCollect as _};
use lockstep_ledger::{DepositWord, Report, SignedDepositWord};
use lockstep_types::envelope::Signer;
use lockstep_types::units::Usd;

/// More bytes than all items here have.
const PLENTY: usize = 1 << 20;
const CHAIN: ChainId = ChainId([5; 32]);

fn keys() -> Vec<ed25519::PrivateKey> {
    let mut keys: Vec<_> = (0..4).map(ed25519::PrivateKey::from_seed).collect();
    keys.sort_by_key(|key| key.public_key());
    keys
}

fn schemes() -> Vec<Scheme> {
    let committee: Set<PublicKey> =
        keys().iter().map(|key| key.public_key()).try_collect().unwrap();
    keys()
        .into_iter()
        .map(|key| Scheme::signer(b"votes", committee.clone(), key).unwrap())
        .collect()
}

fn seat(index: usize) -> ValidatorKey {
    keys()[index].public_key().as_ref().try_into().unwrap()
}

fn report(seed: u8, time: i64) -> SystemItem {
    let signer = Signer::from_seed([seed; 32]);
    let report = Report {
        validator: signer.public_key(),
        time: TimeMs(time),
        prices: Bounded::default(),
        finality: Bounded::default(),
        reveal: [0; 32],
        commit: [0; 32],
    };
    SystemItem::Report(SignedReport::new(&signer, CHAIN, report))
}

fn deposit(number: u64) -> SystemItem {
    let signer = Signer::from_seed([1; 32]);
    let word = DepositWord {
        validator: signer.public_key(),
        number,
        owner: [2; 32],
        sub: 0,
        amount: Usd(1),
    };
    SystemItem::Deposit(SignedDepositWord::new(&signer, CHAIN, word))
}

fn proposal(view: u64, payload: u8) -> Proposal<sha256::Digest> {
    let round = Round::new(Epoch::new(0), View::new(view));
    Proposal::new(round, View::new(view - 1), sha256::Digest([payload; 32]))
}

fn offences() -> Vec<Activity<Scheme, Digest>> {
    let scheme = &schemes()[1];
    let notarize = |payload| Notarize::sign(scheme, proposal(3, payload)).unwrap();
    let finalize = |payload| Finalize::sign(scheme, proposal(3, payload)).unwrap();
    let round = Round::new(Epoch::new(0), View::new(3));
    let nullify = Nullify::sign::<Digest>(scheme, round).unwrap();
    vec![
        Activity::ConflictingNotarize(ConflictingNotarize::new(notarize(1), notarize(2))),
        Activity::ConflictingFinalize(ConflictingFinalize::new(finalize(1), finalize(2))),
        Activity::NullifyFinalize(NullifyFinalize::new(nullify, finalize(1))),
    ]
}

fn does_hold(item: &SystemItem) -> bool {
    let scheme = |epoch| (epoch == 0).then(|| schemes().swap_remove(0));
    holds(CHAIN, item, &scheme, &mut TestRng::new(1))
}

#[test]
fn each_offence_makes_evidence_that_holds() {
    for offence in offences() {
        let item = evidence_of(&offence, &schemes()[0], seat(0)).unwrap();
        assert!(does_hold(&item), "{offence:?}");
        let SystemItem::Evidence(evidence) = item else { panic!("evidence") };
        assert_eq!((evidence.offender, evidence.reporter), (seat(1), seat(0)));
        assert_eq!((evidence.epoch, evidence.view), (0, 3));
    }
}

#[test]
fn evidence_that_says_something_else_does_not_hold() {
    for offence in offences() {
        let Some(SystemItem::Evidence(good)) = evidence_of(&offence, &schemes()[0], seat(0)) else {
            panic!("evidence")
        };
        let change: [fn(&mut Evidence); 6] = [
            |evidence| evidence.offender = seat(2),
            |evidence| evidence.epoch += 1,
            |evidence| evidence.view += 1,
            |evidence| evidence.proof = Bounded::default(),
            |evidence| {
                let mut proof = evidence.proof.to_vec();
                let last = proof.len() - 1;
                proof[last] ^= 1;
                evidence.proof = Bounded::new(proof).unwrap();
            },
            |evidence| {
                evidence.kind = match evidence.kind {
                    OffenceKind::ConflictingNotarize => OffenceKind::ConflictingFinalize,
                    _ => OffenceKind::ConflictingNotarize,
                };
            },
        ];
        for (place, change) in change.into_iter().enumerate() {
            let mut evidence = good.clone();
            change(&mut evidence);
            assert!(!does_hold(&SystemItem::Evidence(evidence)), "{:?} {place}", good.kind);
        }
    }
}

#[test]
fn two_equal_votes_are_no_offence() {
    let scheme = &schemes()[1];
    let vote = Notarize::<Scheme, Digest>::sign(scheme, proposal(3, 1)).unwrap();
    let proof = [vote.encode().to_vec(), vote.encode().to_vec()].concat();
    let evidence = Evidence {
        kind: OffenceKind::ConflictingNotarize,
        epoch: 0,
        view: 3,
        offender: seat(1),
        reporter: seat(0),
        proof: Bounded::new(proof).unwrap(),
    };
    assert!(!does_hold(&SystemItem::Evidence(evidence)));
}

#[test]
fn reports_and_deposits_hold_under_their_own_key_on_their_own_chain() {
    for item in [report(1, 5), deposit(1)] {
        assert!(does_hold(&item));
        let scheme = |_| Some(schemes().swap_remove(0));
        assert!(!holds(ChainId([6; 32]), &item, &scheme, &mut TestRng::new(1)));
    }
    let SystemItem::Report(mut signed) = report(1, 5) else { panic!("a report") };
    signed.report.time.0 += 1;
    assert!(!does_hold(&SystemItem::Report(signed)));
}

#[test]
fn of_reports_the_latest_of_each_waits() {
    let items = Items::default();
    assert!(items.insert(report(1, 5)));
    assert!(!items.insert(report(1, 5)) && !items.insert(report(1, 4)), "no news");
    assert!(items.insert(report(1, 6)) && items.insert(report(2, 7)));
    assert!(items.insert(deposit(1)) && !items.insert(deposit(1)));
    let all = items.select(TimeMs(7), PLENTY, |_| false);
    assert_eq!(all[0], deposit(1), "deposits before reports");
    assert_eq!(all.len(), 3);
    assert!(all.contains(&report(1, 6)) && all.contains(&report(2, 7)));
    assert_eq!(items.select(TimeMs(6), PLENTY, |_| false).len(), 2, "none from the future");
    assert_eq!(items.select(TimeMs(7), PLENTY, |id| id == id_of(&deposit(1))).len(), 2);
    items.forget(&[report(1, 5), report(2, 7), deposit(1)]);
    assert_eq!(
        items.select(TimeMs(7), PLENTY, |_| false),
        [report(1, 6)],
        "an older one was final"
    );
}

#[test]
fn what_waits_is_bounded() {
    let items = Items::default();
    for number in 0..OTHERS_MAX {
        assert!(items.insert(deposit(u64::try_from(number).unwrap())));
    }
    assert!(!items.insert(deposit(u64::MAX)));
    assert_eq!(items.select(TimeMs(0), PLENTY, |_| false).len(), SYSTEM_ITEMS_MAX);
}

#[test]
fn a_block_takes_no_more_bytes_than_it_has_room_for() {
    let items = Items::default();
    assert!((1..=3).all(|number| items.insert(deposit(number))));
    let length = deposit(1).to_bytes().len();
    for (bytes, count) in [(0, 0), (length - 1, 0), (length, 1), (3 * length - 1, 2)] {
        assert_eq!(items.select(TimeMs(0), bytes, |_| false).len(), count, "{bytes}");
    }
}
