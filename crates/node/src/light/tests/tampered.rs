//! Whatever is changed in a proof, it is refused, and for the right reason.

use super::world::{EPOCH_BLOCKS, UNBONDING, World, bounded, finalization, run};
use crate::block::{Digest, PublicKey};
use crate::header::Header;
use crate::light::ProofError as E;
use crate::light::claim::Claim;
use crate::light::prove::prove;
use crate::light::state::CHUNK_BITS;
use crate::light::{Bundle, Certified, Handover, committee_digest, verify};
use bytes::Bytes;
use commonware_codec::{DecodeExt as _, Encode as _, Read as _};
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_consensus::simplex::types::Finalization;
use commonware_consensus::types::{Epoch, Round};
use commonware_cryptography::certificate::Signers;
use commonware_utils::ordered::Set;
use commonware_utils::{Participant, TryCollect as _};
use lockstep_exchange::state::leaves::Account;
use lockstep_ledger::Genesis;
use lockstep_types::codec::{Decode as _, Encode as _};
use lockstep_types::ids::AccountId;
use lockstep_types::units::{SpanMs, TimeMs, Usd};

const TRADER: AccountId = AccountId(6);
const CLAIM: Claim = Claim::Account { account: TRADER };

/// All that a verifier looks at.
#[derive(Clone)]
struct Case {
    genesis: Genesis,
    handovers: Vec<Handover>,
    bundle: Bundle,
    now: TimeMs,
}

impl Case {
    async fn new(context: &commonware_runtime::deterministic::Context) -> (World, Self) {
        let mut world = World::new(context).await;
        world.trade().await;
        let case = Self {
            genesis: world.genesis.clone(),
            handovers: world.handovers(),
            bundle: world.bundle(CLAIM).await,
            now: world.now(),
        };
        assert_eq!(case.verdict(), None, "what is true is accepted");
        (world, case)
    }

    fn verdict(&self) -> Option<E> {
        verify(&self.genesis, &self.handovers, &self.bundle, self.now).err()
    }

    /// Changes a copy; why it is refused.
    #[track_caller]
    fn refused(&self, change: impl FnOnce(&mut Self)) -> E {
        let mut case = self.clone();
        change(&mut case);
        case.verdict().expect("it is refused")
    }
}

/// Refused, and for this reason.
macro_rules! refused {
    ($case:expr, $why:pat, $change:expr) => {
        let error = $case.refused($change);
        assert!(matches!(error, $why), "{}: {error:?}: {error}", stringify!($why));
    };
}

fn alter<T: Clone + std::fmt::Debug, const LIMIT: usize>(
    list: &mut lockstep_types::codec::Bounded<T, LIMIT>,
    change: impl FnOnce(&mut Vec<T>),
) {
    let mut elements = list.to_vec();
    change(&mut elements);
    *list = bounded(elements);
}

fn recertified(world: &World, header: Header, committee: u64) -> Certified {
    let committee = &world.committees[&committee];
    let certificate = finalization(&world.genesis, committee, &header, &[0, 1, 2, 3]);
    Certified::of(header, vec![], &certificate).unwrap()
}

fn read_certificate(certified: &Certified, seats: usize) -> Finalization<Scheme, Digest> {
    let mut bytes = Bytes::copy_from_slice(&certified.certificate);
    Finalization::read_cfg(&mut bytes, &seats).unwrap()
}

#[test]
fn headers_and_their_certificates() {
    run(|context| async move {
        let (world, case) = Case::new(&context).await;
        let seats = world.committees[&2].seats.len();
        refused!(case, E::OtherChain, |case| case.bundle.chain.0[0] ^= 1);
        refused!(case, E::OtherChain, |case| case.genesis.salt[0] ^= 1);
        refused!(case, E::OtherBlock { .. }, |case| case.bundle.certified.tip.state_root[0] ^= 1);
        refused!(case, E::OtherBlock { .. }, |case| case.bundle.certified.tip.time.0 += 1);
        refused!(case, E::OtherBlock { .. }, |case| {
            let other = world.certified(world.last().height - 1);
            case.bundle.certified.certificate = other.certificate;
        });
        refused!(case, E::Quorum { .. }, |case| {
            // The last byte is of the last seat's signature.
            alter(&mut case.bundle.certified.certificate, |bytes| *bytes.last_mut().unwrap() ^= 1);
        });
        refused!(case, E::CertificateForm { .. }, |case| {
            alter(&mut case.bundle.certified.certificate, |bytes| bytes.truncate(40));
        });
        refused!(case, E::CertificateForm { .. }, |case| {
            alter(&mut case.bundle.certified.certificate, |bytes| bytes.push(0));
        });
        // Three of five are no quorum.
        refused!(case, E::Quorum { .. }, |case| {
            let mut few = read_certificate(&case.bundle.certified, seats);
            let keys = world.committees[&2].seats.iter();
            let keys: Set<PublicKey> = keys
                .map(|seat| PublicKey::decode(Bytes::copy_from_slice(&seat.key)).unwrap())
                .try_collect()
                .unwrap();
            let three = [0, 1, 2].map(Participant::new);
            few.certificate.signers = Signers::try_from((&keys, three)).unwrap();
            few.certificate.signatures.truncate(3);
            case.bundle.certified.certificate = bounded(few.encode().to_vec());
        });
        // A quorum, but of a chain of another genesis.
        refused!(case, E::Quorum { .. }, |case| {
            let mut other = world.genesis.clone();
            other.salt[0] ^= 1;
            let header = case.bundle.certified.tip.clone();
            let votes = finalization(&other, &world.committees[&2], &header, &[0, 1, 2, 3]);
            case.bundle.certified = Certified::of(header, vec![], &votes).unwrap();
        });
        // A quorum, but of the committee before; it has one seat less.
        refused!(case, E::CertificateForm { .. } | E::Quorum { .. }, |case| {
            let header = case.bundle.certified.tip.clone();
            case.bundle.certified = recertified(&world, header, 0);
        });
        // The former committee goes on where it has no say any more.
        refused!(case, E::Epoch { expected: 2, found: 0, .. }, |case| {
            let header = Header { epoch: 0, ..case.bundle.certified.tip.clone() };
            case.bundle.certified = recertified(&world, header, 0);
        });
        // The certificate speaks of another epoch than the header.
        refused!(case, E::CertificateEpoch { expected: 2, found: 1 }, |case| {
            let mut moved = read_certificate(&case.bundle.certified, seats);
            moved.proposal.round = Round::new(Epoch::new(1), moved.proposal.round.view());
            case.bundle.certified.certificate = bounded(moved.encode().to_vec());
        });
        refused!(case, E::GenesisBlock, |case| {
            let header = Header { epoch: 0, height: 0, ..case.bundle.certified.tip.clone() };
            case.bundle.certified = recertified(&world, header, 0);
            case.handovers.clear();
        });
        refused!(case, E::Path { .. }, |case| {
            let grandparent = world.header(world.last().height - 2).clone();
            alter(&mut case.bundle.certified.path, |path| path.push(grandparent));
        });
        refused!(case, E::Path { .. }, |case| {
            let mut parent = world.header(world.last().height - 1).clone();
            parent.state_root[0] ^= 1;
            alter(&mut case.bundle.certified.path, |path| path.push(parent));
        });
        refused!(case, E::Old { .. }, |case| case.now = case.now.plus(UNBONDING));
        refused!(case, E::Future { .. }, |case| case.now = case.now.plus(SpanMs(-3_600_000)));
    });
}

#[test]
fn handovers() {
    run(|context| async move {
        let (world, case) = Case::new(&context).await;
        refused!(case, E::NoHandover { reached: 0, wanted: 2 }, |case| case.handovers.clear());
        refused!(case, E::NoHandover { reached: 1, wanted: 2 }, |case| {
            case.handovers.truncate(1);
        });
        refused!(case, E::OtherCommittee { epoch: 2 }, |case| {
            case.handovers.remove(0);
        });
        refused!(case, E::OtherCommittee { epoch: 2 }, |case| case.handovers.swap(0, 1));
        // Somebody else's key in a seat.
        let intruder = |handover: &mut Handover| {
            alter(&mut handover.committee.seats, |seats| seats[0].key = [7; 32]);
        };
        refused!(case, E::OtherCommittee { epoch: 1 }, |case| intruder(&mut case.handovers[0]));
        // And the header names that committee, without a certificate over it.
        refused!(case, E::OtherBlock { .. }, |case| {
            let handover = &mut case.handovers[0];
            intruder(handover);
            handover.last.tip.next = Some(committee_digest(&handover.committee));
        });
        // A quorum of the old committee names no next one, or names it too early.
        refused!(case, E::NoNext { .. }, |case| {
            let header = Header { next: None, ..case.handovers[0].last.tip.clone() };
            case.handovers[0].last = recertified(&world, header, 0);
        });
        refused!(case, E::NotLast { .. }, |case| {
            let next = case.handovers[0].last.tip.next;
            let early = world.header(u64::from(EPOCH_BLOCKS) - 2).clone();
            case.handovers[0].last = recertified(&world, Header { next, ..early }, 0);
        });
        // A quorum names a committee whose keys are none, or of one key twice.
        let mut no_point = [0; 32];
        no_point[0] = 2;
        for (places, key) in [(1, no_point), (2, world.committees[&0].seats[0].key)] {
            refused!(case, E::Seats { epoch: 1, .. }, |case| {
                let handover = &mut case.handovers[0];
                alter(&mut handover.committee.seats, |seats| {
                    seats.iter_mut().take(places).for_each(|seat| seat.key = key);
                });
                let next = Some(committee_digest(&handover.committee));
                let header = Header { next, ..handover.last.tip.clone() };
                handover.last = recertified(&world, header, 0);
            });
        }
    });
}

#[test]
fn leaves_and_digests() {
    run(|context| async move {
        let (mut world, case) = Case::new(&context).await;
        refused!(case, E::Inclusion { .. }, |case| {
            alter(&mut case.bundle.state.leaves, |leaves| {
                let account = crate::light::claim::Claim::keys(&CLAIM, world.ledger()).remove(0);
                let leaf = leaves.iter_mut().find(|leaf| *leaf.key == *account).unwrap();
                let mut record = Account::from_bytes(&leaf.value).unwrap();
                record.cash = Usd(record.cash.0 * 2);
                leaf.value = bounded(record.to_bytes());
            });
        });
        refused!(case, E::Inclusion { .. }, |case| {
            alter(&mut case.bundle.state.leaves, |leaves| {
                alter(&mut leaves[0].next_key, |key| key.push(0));
            });
        });
        refused!(case, E::Inclusion { .. }, |case| {
            alter(&mut case.bundle.state.digests, |digests| digests[0][0] ^= 1);
        });
        refused!(case, E::Inclusion { .. }, |case| {
            alter(&mut case.bundle.state.digests, |digests| digests.truncate(digests.len() - 1));
        });
        refused!(case, E::Inclusion { .. }, |case| {
            alter(&mut case.bundle.state.digests, |digests| digests.push([0; 32]));
        });
        refused!(case, E::Inclusion { .. }, |case| case.bundle.state.inactive_peaks ^= 1);
        refused!(case, E::StateRoot, |case| case.bundle.state.grafted_root[0] ^= 1);
        refused!(case, E::StateRoot, |case| {
            case.bundle.state.partial.as_mut().unwrap()[0] ^= 1;
        });
        refused!(case, E::Partial, |case| case.bundle.state.partial = None);
        refused!(case, E::Location { .. }, |case| {
            alter(&mut case.bundle.state.leaves, |leaves| leaves.swap(0, 1));
        });
        refused!(case, E::Location { .. }, |case| {
            alter(&mut case.bundle.state.leaves, |leaves| leaves.insert(0, leaves[0].clone()));
        });
        refused!(case, E::Location { .. }, |case| {
            alter(&mut case.bundle.state.leaves, |leaves| {
                leaves.last_mut().unwrap().location = case.bundle.certified.tip.operations_end;
            });
        });
        refused!(case, E::Chunks { .. }, |case| {
            alter(&mut case.bundle.state.chunks, |chunks| chunks.push([0; 32]));
        });
        // The leaf was overwritten; and somebody sets its bit again.
        let mut older = World::named(&context, "older").await;
        let old = older.bundle(CLAIM).await;
        older.trade().await;
        drop(older);
        refused!(case, E::StateRoot | E::Partial, |case| case.bundle.state = old.state.clone());
        let location = case.bundle.state.leaves[0].location % CHUNK_BITS;
        let (byte, bit) = (usize::try_from(location / 8).unwrap(), 1_u8 << (location % 8));
        refused!(case, E::Overwritten { .. } | E::Partial, |case| {
            alter(&mut case.bundle.state.chunks, |chunks| chunks[0][byte] &= !bit);
        });
        refused!(case, E::Inclusion { .. } | E::Partial, |case| {
            alter(&mut case.bundle.state.chunks, |chunks| chunks[0][byte] ^= !bit);
        });
        // A true proof, but of another block.
        let before = case.bundle.clone();
        world.block(vec![]).await;
        refused!(case, E::StateRoot | E::Partial, |case| {
            case.bundle.certified = world.certified(world.last().height);
            case.bundle.state = before.state.clone();
        });
    });
}

/// Whoever proves is honest about each leaf, and leaves some out or adds some.
#[test]
fn completeness() {
    run(|context| async move {
        let (world, case) = Case::new(&context).await;
        let all = CLAIM.keys(world.ledger());
        let kind = |wanted: u8| {
            all.iter().filter(move |key| key[0] == wanted).cloned().collect::<Vec<_>>()
        };
        let (holding, order, extra) = (kind(9), kind(10), kind(11));
        assert_eq!((holding.len(), order.len(), extra.len()), (1, 2, 1));
        let left_out = |keys: Vec<Vec<u8>>| {
            let rest: Vec<Vec<u8>> =
                all.iter().filter(|key| !keys.contains(key)).cloned().collect();
            let stores = world.stores.clone();
            async move { prove(&stores, &rest).await.unwrap().state }
        };
        let with = |state: &crate::light::StateProof| {
            let state = state.clone();
            move |case: &mut Case| case.bundle.state = state
        };
        let state = left_out(holding).await;
        refused!(case, E::Count { what: "holdings", expected: 1, found: 0 }, with(&state));
        let state = left_out(vec![order[0].clone()]).await;
        refused!(case, E::Count { what: "open orders", expected: 2, found: 1 }, with(&state));
        let state = left_out(extra).await;
        refused!(case, E::Missing { .. }, with(&state));
        let state = left_out(kind(17)).await;
        refused!(case, E::Missing { .. }, with(&state));
        let state = left_out(kind(3)).await;
        refused!(case, E::Missing { .. }, with(&state));
        let state = left_out(kind(146)).await;
        refused!(case, E::Missing { .. }, with(&state));
        let state = left_out(kind(6)).await;
        refused!(case, E::Missing { .. }, with(&state));
        // More than is claimed, among it another's order.
        let more = |claim: Claim| {
            let keys = [all.clone(), claim.keys(world.ledger())].concat();
            let stores = world.stores.clone();
            async move { prove(&stores, &keys).await.unwrap().state }
        };
        let state = more(Claim::Totals).await;
        refused!(case, E::Superfluous { .. }, with(&state));
        let state = more(Claim::Account { account: AccountId(5) }).await;
        refused!(case, E::Superfluous { .. }, with(&state));
        // Another claim than what is proven.
        refused!(case, E::Missing { .. }, |case| {
            case.bundle.claim = Claim::Account { account: AccountId(5) };
        });
        refused!(case, E::Superfluous { .. }, |case| {
            let instrument = lockstep_types::ids::InstrumentId(0);
            case.bundle.claim = Claim::Position { account: TRADER, instrument };
        });
    });
}
