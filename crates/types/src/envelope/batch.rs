//! Checking many signatures at once, at about a third of the price of one at a time.
//!
//! Under ZIP-215 a batch holds exactly if each of its signatures holds alone, up to a chance of
//! 2^-128 that the caller's random numbers let a bad one through. When a batch fails, halving it
//! finds the bad ones. Someone who sends only bad ones cannot make that dear: after a set amount
//! of failed work the rest is checked one at a time. Single signatures are the library's to check;
//! the equation of a batch is written here because the library's decodes every key anew, which is
//! a quarter of the price.

use super::{ChainId, SignedCommand, Verifier, command_message};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{IsIdentity as _, VartimeMultiscalarMul as _};
use rand_core::{CryptoRng, RngCore};
use sha2::{Digest as _, Sha512};

/// Up to this many are cheaper one at a time than as a batch that may fail.
const SINGLES_MAX: usize = 4;

/// Signatures in failed batches, in multiples of all, after which halving ends. A batch costs
/// about a third, so that the worst case is below twice the price of checking one at a time.
const FAILED_SHARE_MAX: usize = 2;

/// Bytes of the random factor of a signature.
const FACTOR_BYTES: usize = 16;

/// Checks the signatures of many commands of one chain. `rng` must be unpredictable to those who
/// signed.
///
/// # Errors
/// The places in `signed` whose signatures do not hold, ascending.
pub fn verify_batch(
    chain: ChainId,
    signed: &[(Verifier, &SignedCommand)],
    mut rng: impl RngCore + CryptoRng,
) -> Result<(), Vec<usize>> {
    let items: Vec<Item<'_>> =
        signed.iter().map(|(verifier, signed)| Item::new(chain, verifier, signed)).collect();
    let holds_alone = |place: &usize| match signed.get(*place) {
        Some((verifier, signed)) => verifier.verify(chain, signed).is_ok(),
        None => false,
    };
    let mut bad = Vec::new();
    let mut failed = 0;
    let mut open = alloc::vec![0..items.len()];
    while let Some(range) = open.pop() {
        let part = &items[range.clone()];
        if part.len() <= SINGLES_MAX || failed > FAILED_SHARE_MAX * items.len() {
            bad.extend(range.filter(|place| !holds_alone(place)));
        } else if !all_hold(part, &mut rng) {
            failed += part.len();
            let middle = range.start + part.len() / 2;
            // The left half comes off the stack first, so that places come out ascending.
            open.push(middle..range.end);
            open.push(range.start..middle);
        }
    }
    if bad.is_empty() { Ok(()) } else { Err(bad) }
}

/// A signature as the equation has it.
struct Item<'a> {
    verifier: &'a Verifier,
    /// Encoding of the point R.
    commitment: [u8; 32],
    /// Encoding of the scalar s.
    response: [u8; 32],
    /// The hash k of commitment, key and message.
    challenge: Scalar,
}

impl<'a> Item<'a> {
    fn new(chain: ChainId, verifier: &'a Verifier, signed: &SignedCommand) -> Self {
        let mut item =
            Self { verifier, commitment: [0; 32], response: [0; 32], challenge: Scalar::ZERO };
        let (commitment, response) = signed.signature.split_at(32);
        item.commitment.copy_from_slice(commitment);
        item.response.copy_from_slice(response);
        let hash = Sha512::new()
            .chain_update(commitment)
            .chain_update(verifier.key)
            .chain_update(command_message(chain, &signed.command));
        item.challenge = Scalar::from_bytes_mod_order_wide(&hash.finalize().into());
        item
    }
}

/// Whether all of them hold; some bad one is let through with a chance of 2^-128. The equation is
/// ZIP-215's, with cofactor: 8 (sum z s) B = 8 sum z R + 8 sum (z k) A, with one factor z for each
/// signature and the terms of a key taken together.
fn all_hold(items: &[Item<'_>], mut rng: impl RngCore + CryptoRng) -> bool {
    let mut random = alloc::vec![0; FACTOR_BYTES * items.len()];
    rng.fill_bytes(&mut random);
    let (factors, _) = random.as_chunks::<FACTOR_BYTES>();
    let mut of_base = Scalar::ZERO;
    let mut of_keys: BTreeMap<[u8; 32], (&EdwardsPoint, Scalar)> = BTreeMap::new();
    let mut scalars = Vec::with_capacity(2 * items.len() + 1);
    let mut points = Vec::with_capacity(2 * items.len() + 1);
    for (item, factor) in items.iter().zip(factors) {
        let commitment = CompressedEdwardsY(item.commitment).decompress();
        let response = Option::<Scalar>::from(Scalar::from_canonical_bytes(item.response));
        let (Some(commitment), Some(response)) = (commitment, response) else { return false };
        let factor = Scalar::from(u128::from_le_bytes(*factor));
        of_base -= factor * response;
        let (_, of_key) =
            of_keys.entry(item.verifier.key).or_insert((&item.verifier.point, Scalar::ZERO));
        *of_key += factor * item.challenge;
        scalars.push(factor);
        points.push(commitment);
    }
    for (point, of_key) in of_keys.into_values() {
        scalars.push(of_key);
        points.push(*point);
    }
    scalars.push(of_base);
    points.push(ED25519_BASEPOINT_POINT);
    EdwardsPoint::vartime_multiscalar_mul(&scalars, &points).mul_by_cofactor().is_identity()
}
