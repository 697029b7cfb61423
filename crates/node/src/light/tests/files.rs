//! Files: one encoding, bounded, and garbage is refused.

use super::world::{World, run};
use crate::block::PublicKey;
use crate::light::bundle::{BUNDLE_BYTES_MAX, HANDOVERS_MAGIC, PROOF_MAGIC};
use crate::light::certified::CERTIFICATE_BYTES_MAX;
use crate::light::claim::Claim;
use crate::light::{
    Bundle, Handover, LightClient, ProofError, read_handovers, verify, write_handovers,
};
use bytes::Bytes;
use commonware_codec::DecodeExt as _;
use commonware_consensus::simplex::scheme::ed25519::Scheme;
use commonware_consensus::simplex::types::Finalization;
use commonware_cryptography::Verifier as _;
use commonware_cryptography::ed25519::Signature;
use lockstep_types::chain::params::SEATS_MAX;
use lockstep_types::ids::AccountId;
use lockstep_types::units::TimeMs;
use proptest::prelude::*;
use std::sync::OnceLock;

/// A true proof as files, a client that knows its committee, and the time.
struct Files {
    proof: Vec<u8>,
    handovers: Vec<u8>,
    client: LightClient,
    now: TimeMs,
}

fn files() -> &'static Files {
    static FILES: OnceLock<Files> = OnceLock::new();
    FILES.get_or_init(|| {
        run(|context| async move {
            let mut world = World::new(&context).await;
            world.trade().await;
            let bundle = world.bundle(Claim::Account { account: AccountId(6) }).await;
            let handovers = world.handovers();
            verify(&world.genesis, &handovers, &bundle, world.now()).unwrap();
            let mut client = LightClient::new(&world.genesis).unwrap();
            for handover in &handovers {
                client.advance(handover, &mut rand::rng()).unwrap();
            }
            Files {
                proof: bundle.to_file().unwrap(),
                handovers: write_handovers(&handovers),
                client,
                now: world.now(),
            }
        })
    })
}

#[test]
fn a_file_is_its_encoding() {
    let files = files();
    let bundle = Bundle::from_file(&files.proof).unwrap();
    assert_eq!(bundle.to_file().unwrap(), files.proof);
    let handovers = read_handovers(&files.handovers).unwrap();
    assert_eq!(handovers.len(), 2);
    assert_eq!(write_handovers(&handovers), files.handovers);
}

#[test]
fn cuts_additions_and_other_files_are_refused() {
    let files = files();
    for length in 0..files.proof.len() {
        assert!(Bundle::from_file(&files.proof[..length]).is_err(), "{length}");
    }
    assert!(Bundle::from_file(&[files.proof.as_slice(), &[0]].concat()).is_err());
    let magic = |error| matches!(error, ProofError::Magic { .. });
    assert!(Bundle::from_file(&files.handovers).is_err_and(magic));
    assert!(read_handovers(&files.proof).is_err_and(magic));
    assert!(read_handovers(&files.handovers[..files.handovers.len() - 1]).is_err());
    let long = [PROOF_MAGIC.as_bytes(), &vec![0; BUNDLE_BYTES_MAX]].concat();
    let limit = BUNDLE_BYTES_MAX;
    let too_long = ProofError::TooLong { bytes: long.len(), limit };
    assert_eq!(Bundle::from_file(&long), Err(too_long));
}

#[test]
fn a_certificate_of_the_largest_committee_fits() {
    type Certificate = Finalization<Scheme, crate::block::Digest>;
    assert!(Certificate::max_encode_size(u32::from(SEATS_MAX)) <= CERTIFICATE_BYTES_MAX);
}

/// A varint's value, and what follows it.
fn varint(bytes: &[u8]) -> (u64, &[u8]) {
    let len = 1 + bytes.iter().take_while(|byte| **byte >= 0x80).count();
    let groups = bytes[..len].iter().rev();
    (groups.fold(0, |value, byte| value << 7 | u64::from(byte & 0x7f)), &bytes[len..])
}

#[test]
fn a_certificate_is_what_the_document_says() {
    let bundle = Bundle::from_file(&files().proof).unwrap();
    let (tip, bytes) = (&bundle.certified.tip, bundle.certified.certificate.to_vec());
    let (epoch, rest) = varint(&bytes);
    let (view, rest) = varint(rest);
    let (parent_view, rest) = varint(rest);
    assert_eq!((epoch, view, parent_view), (tip.epoch, tip.view, tip.parent_view));
    let (digest, rest) = rest.split_at(32);
    assert_eq!(digest, tip.digest().0);
    let signed = &bytes[..bytes.len() - rest.len()];
    let (seats, rest) = rest.split_at(8);
    assert_eq!(seats, 5_u64.to_be_bytes());
    assert_eq!(rest[0], 0b1111, "the first four of five");
    let (count, signatures) = varint(&rest[1..]);
    assert_eq!((count, signatures.len()), (4, 4 * 64));
    let namespace = [b"lockstep/vote/v1", &bundle.chain.0[..], b"_FINALIZE"].concat();
    for (seat, signature) in files().client.committee().seats.iter().zip(signatures.chunks(64)) {
        let key = PublicKey::decode(Bytes::copy_from_slice(&seat.key)).unwrap();
        let signature = Signature::decode(Bytes::copy_from_slice(signature)).unwrap();
        assert!(key.verify(&namespace, signed, &signature));
    }
}

#[test]
fn every_reason_reads_as_a_sentence() {
    let old = ProofError::Old { age_ms: 5, limit_ms: 4 };
    assert!(old.to_string().contains("5 ms old, more than the unbonding period of 4 ms"));
    let count = ProofError::Count { what: "holdings", expected: 3, found: 2 };
    assert_eq!(count.to_string(), "claim: the account has 3 holdings, 2 are proven");
    let quorum = ProofError::Quorum { epoch: 7, seats: 4 };
    assert!(quorum.to_string().contains("quorum of the 4 seats of epoch 7"));
}

proptest! {
    #[test]
    fn a_changed_bit_anywhere_is_refused(place: prop::sample::Index, bit in 0_u8..8) {
        let files = files();
        let mut bytes = files.proof.clone();
        bytes[place.index(files.proof.len())] ^= 1 << bit;
        let verdict = Bundle::from_file(&bytes).and_then(|bundle| {
            bundle.check(&files.client, files.now, &mut rand::rng()).map(|_| ())
        });
        prop_assert!(verdict.is_err());
    }

    #[test]
    fn garbage_is_refused_or_its_own_encoding(
        bytes in proptest::collection::vec(any::<u8>(), 0..2_000),
        keep: prop::sample::Index,
    ) {
        let files = files();
        // The beginning of a true file and then garbage, so that decoders get far.
        let proof = [&files.proof[..keep.index(files.proof.len())], &bytes].concat();
        if let Ok(bundle) = Bundle::from_file(&proof) {
            prop_assert_eq!(bundle.to_file().unwrap(), proof);
            let _ = bundle.check(&files.client, files.now, &mut rand::rng());
        }
        let garbage = [HANDOVERS_MAGIC.as_bytes(), &bytes].concat();
        if let Ok(handovers) = read_handovers(&garbage) {
            prop_assert_eq!(write_handovers(&handovers), garbage);
        }
        let kept = keep.index(files.handovers.len());
        let garbage = [&files.handovers[..kept], &bytes].concat();
        let handovers: Vec<Handover> = read_handovers(&garbage).unwrap_or_default();
        let mut client = files.client.clone();
        for handover in &handovers {
            prop_assert!(client.advance(handover, &mut rand::rng()).is_err());
        }
    }
}
