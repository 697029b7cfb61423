//! Checking many signatures at once, at about half the price of one at a time.
//!
//! Under ZIP-215 a batch holds exactly if each of its signatures holds alone, up to a chance of
//! 2^-128 that the caller's random numbers let a bad one through. When a batch fails, halving it
//! finds the bad ones. Someone who sends only bad ones cannot make that dear: after a set amount
//! of failed work the rest is checked one at a time.

use super::{ChainId, SignedCommand, Verifier, command_message};
use alloc::vec::Vec;
use ed25519_zebra::{Signature, VerificationKeyBytes, batch};
use rand_core::{CryptoRng, RngCore};

/// Up to this many are cheaper one at a time than as a batch that may fail.
const SINGLES_MAX: usize = 4;

/// Signatures in failed batches, in multiples of all, after which halving ends. A batch costs
/// about half, so that the worst case is about twice the price of checking one at a time.
const FAILED_SHARE_MAX: usize = 2;

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
    let items: Vec<batch::Item> = signed
        .iter()
        .map(|(verifier, signed)| {
            let key = VerificationKeyBytes::from(verifier.0);
            let message = command_message(chain, &signed.command);
            (key, Signature::from(signed.signature), &message).into()
        })
        .collect();
    let mut bad = Vec::new();
    let mut failed = 0;
    let mut open = alloc::vec![0..items.len()];
    while let Some(range) = open.pop() {
        let part = &items[range.clone()];
        if part.len() <= SINGLES_MAX || failed > FAILED_SHARE_MAX * items.len() {
            bad.extend(range.filter(|index| items[*index].clone().verify_single().is_err()));
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

/// Whether all of them hold; some bad one is let through with a chance of 2^-128.
fn all_hold(items: &[batch::Item], rng: impl RngCore + CryptoRng) -> bool {
    let mut verifier = batch::Verifier::new();
    items.iter().for_each(|item| verifier.queue(item.clone()));
    verifier.verify(rng).is_ok()
}
