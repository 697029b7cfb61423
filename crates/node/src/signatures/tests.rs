//! Signatures hold or do not, alone, in batches, and when they come by again.

use super::*;
use crate::fixture::{OWNERS, command, genesis, owner};
use crate::randomness::Randomness;
use commonware_utils::TestRng;
use lockstep_types::ids::SignerId;

fn check(signatures: &Signatures, commands: &[SignedCommand]) -> Result<(), Vec<usize>> {
    let genesis = genesis();
    let ledger = Ledger::genesis(&genesis).unwrap();
    let claims = signatures.claims(genesis.chain_id(), &ledger, commands);
    let mut rng = TestRng::new(1);
    let ids: Vec<CommandId> = commands.iter().map(CommandId::of).collect();
    signatures.check(genesis.chain_id(), &claims, &ids, Randomness(&mut rng))?;
    Ok(())
}

fn good() -> Vec<SignedCommand> {
    (0..20).map(|nonce| command(u8::try_from(nonce).unwrap() % OWNERS, nonce)).collect()
}

#[test]
fn good_ones_hold_and_are_remembered() {
    let signatures = Signatures::default();
    assert_eq!(check(&signatures, &good()), Ok(()));
    assert_eq!(signatures.memory().recent.len(), 20);
    assert_eq!(check(&signatures, &good()), Ok(()));
    assert_eq!(signatures.memory().recent.len(), 20);
}

#[test]
fn bad_ones_are_named_and_not_remembered() {
    let signatures = Signatures::default();
    let mut commands = good();
    commands[3].signature[5] ^= 1;
    commands[7].command.nonce += 1;
    commands[11].command.signer = SignerId(999);
    // Signed by another, for another's account.
    commands[13].command.signer = SignerId((commands[13].command.signer.0 + 1) % u32::from(OWNERS));
    for _ in 0..2 {
        assert_eq!(check(&signatures, &commands), Err(vec![3, 7, 11, 13]));
        assert_eq!(signatures.memory().recent.len(), 16);
    }
}

#[test]
fn a_signature_for_another_chain_does_not_hold() {
    let signatures = Signatures::default();
    let command = good().remove(0).command;
    let signed = owner(0).sign(ChainId([9; 32]), command);
    assert_eq!(check(&signatures, &[signed]), Err(vec![0]));
}

#[test]
fn a_verdict_is_worth_nothing_under_another_key() {
    let signatures = Signatures::default();
    assert_eq!(check(&signatures, &good()), Ok(()));
    let id = CommandId::of(&good()[0]);
    let memory = signatures.memory();
    assert!(memory.knows(id, owner(0).public_key()));
    assert!(!memory.knows(id, owner(1).public_key()));
}

#[test]
fn memory_is_bounded() {
    let mut memory = Memory::default();
    let id = |number: usize| {
        let mut name = [0; 32];
        name[..8].copy_from_slice(&number.to_le_bytes());
        CommandId(name)
    };
    for number in 0..3 * REMEMBERED_MAX {
        memory.remember(id(number), [1; 32]);
    }
    assert!(memory.recent.len() + memory.earlier.len() <= 2 * REMEMBERED_MAX);
    assert!(memory.knows(id(3 * REMEMBERED_MAX - 1), [1; 32]));
    assert!(!memory.knows(id(0), [1; 32]), "long forgotten");
}
