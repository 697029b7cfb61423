//! Signatures: what they cover, and who they identify.

use crate::arbitrary::command::user_command;
use crate::samples;
use curve25519_dalek::constants::{ED25519_BASEPOINT_TABLE, EIGHT_TORSION};
use curve25519_dalek::scalar::Scalar;
use lockstep_types::codec::{Decode, DecodeErrorKind, Encode};
use lockstep_types::command::*;
use lockstep_types::envelope::*;
use lockstep_types::order::{Label, OrderTarget};
use lockstep_types::*;
use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};
use sha2::{Digest as _, Sha512};
use std::collections::BTreeSet;

const CHAIN: ChainId = ChainId([5; 32]);

/// Random numbers that every run repeats: blake3 of a seed, stretched.
struct Repeatable {
    stream: blake3::OutputReader,
    /// How many factors were drawn: one of 16 bytes for each signature that a batch looks at.
    draws: usize,
}

impl Repeatable {
    fn new(seed: u64) -> Self {
        let stream = blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof();
        Self { stream, draws: 0 }
    }
}

impl RngCore for Repeatable {
    fn next_u32(&mut self) -> u32 {
        u32::try_from(self.next_u64() >> 32).expect("32 bits")
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill_bytes(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.draws += bytes.len() / 16;
        self.stream.fill(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Repeatable {}

fn signer(seed: u8) -> (Signer, Verifier) {
    let signer = Signer::from_seed([seed; 32]);
    let verifier = Verifier::new(signer.public_key()).unwrap();
    (signer, verifier)
}

fn user(command: Command) -> UserCommand {
    UserCommand {
        signer: SignerId(1),
        account: AccountId(2),
        nonce: 3,
        valid_until: Some(TimeMs(4)),
        command,
    }
}

fn withdraw(amount: i64) -> UserCommand {
    user(Command::Withdraw { amount: Usd(amount) })
}

#[test]
fn a_signature_holds_for_its_key_command_and_chain_only() {
    let (alice, verifier) = signer(1);
    let (_, other) = signer(2);
    let signed = alice.sign(CHAIN, withdraw(5));
    let wrong = Err(SignatureError::Signature);
    assert_eq!(verifier.verify(CHAIN, &signed), Ok(()));
    assert_eq!(other.verify(CHAIN, &signed), wrong);
    assert_eq!(verifier.verify(ChainId([6; 32]), &signed), wrong);
    assert_eq!(verifier.verify(ChainId::default(), &signed), wrong);
    let changes: [fn(&mut UserCommand); 5] = [
        |command| command.signer = SignerId(9),
        |command| command.account = AccountId(9),
        |command| command.nonce += 1,
        |command| command.valid_until = None,
        |command| command.command = Command::Withdraw { amount: Usd(6) },
    ];
    for change in changes {
        let mut forged = signed.clone();
        change(&mut forged.command);
        assert_ne!(forged, signed);
        assert_eq!(verifier.verify(CHAIN, &forged), wrong);
    }
    assert_eq!(verifier.public_key(), alice.public_key());
}

#[test]
fn a_signature_under_another_domain_does_not_hold() {
    let (alice, verifier) = signer(1);
    let command = withdraw(5);
    let rest = [CHAIN.0.to_bytes(), command.to_bytes()].concat();
    for domain in [CONSENT_DOMAIN, b"lockstep/command/v2", b""] {
        let signature = alice.sign_message(&[domain, &rest].concat());
        let signed = SignedCommand { command: command.clone(), signature };
        assert_eq!(verifier.verify(CHAIN, &signed), Err(SignatureError::Signature));
    }
    let signature = alice.sign_message(&[COMMAND_DOMAIN, &rest].concat());
    assert_eq!(verifier.verify(CHAIN, &SignedCommand { command, signature }), Ok(()));
    // Neither domain begins with the other, so no message of one is a message of the other.
    assert!(!CONSENT_DOMAIN.starts_with(COMMAND_DOMAIN));
    assert!(!COMMAND_DOMAIN.starts_with(CONSENT_DOMAIN));
}

#[test]
fn a_consent_covers_terms_signer_account_and_nonce() {
    let (alice, verifier) = signer(1);
    let block_trade = samples::commands().into_iter().find_map(|command| match command {
        Command::BlockTrade { terms, .. } => Some(terms),
        _ => None,
    });
    let terms = block_trade.expect("a sample is a block trade");
    let message = |chain, terms: &BlockTerms, signer, account, nonce| {
        consent_message(chain, terms, SignerId(signer), AccountId(account), nonce)
    };
    let signed = message(CHAIN, &terms, 1, 2, 3);
    let signature = alice.sign_message(&signed);
    assert_eq!(verifier.verify_message(&signed, signature), Ok(()));
    let mut later = terms.clone();
    later.valid_until = later.valid_until.plus(SpanMs(1));
    let mut legs = terms.legs.clone().into_vec();
    legs[0].price = Price(1);
    let cheaper = BlockTerms { legs: samples::list(legs), ..terms.clone() };
    for other in [
        message(ChainId([6; 32]), &terms, 1, 2, 3),
        message(CHAIN, &later, 1, 2, 3),
        message(CHAIN, &cheaper, 1, 2, 3),
        message(CHAIN, &terms, 9, 2, 3),
        message(CHAIN, &terms, 1, 9, 3),
        message(CHAIN, &terms, 1, 2, 9),
    ] {
        let answer = verifier.verify_message(&other, signature);
        assert_eq!(answer, Err(SignatureError::Signature));
    }
}

#[test]
fn every_flipped_bit_is_noticed() {
    let (alice, verifier) = signer(1);
    let signed = alice.sign(CHAIN, user(Command::Place(samples::order())));
    let bytes = signed.to_bytes();
    assert_eq!(SignedCommand::from_bytes(&bytes), Ok(signed));
    for place in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[place / 8] ^= 1 << (place % 8);
        if let Ok(other) = SignedCommand::from_bytes(&flipped) {
            let answer = verifier.verify(CHAIN, &other);
            assert_eq!(answer, Err(SignatureError::Signature), "bit {place}");
        }
    }
}

/// The order of the group, little-endian.
const GROUP_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

#[test]
fn a_signature_cannot_be_written_in_a_second_way() {
    let (alice, verifier) = signer(1);
    let mut signed = alice.sign(CHAIN, withdraw(5));
    // s + the order of the group is the same scalar; only s below the order counts.
    let mut carry = 0_u16;
    for (byte, order) in signed.signature[32..].iter_mut().zip(GROUP_ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        (*byte, carry) = (sum.to_le_bytes()[0], sum >> 8);
    }
    assert_eq!(verifier.verify(CHAIN, &signed), Err(SignatureError::Signature));
}

#[test]
fn a_key_off_the_curve_is_refused() {
    let mut y_two = [0; 32];
    y_two[0] = 2;
    assert_eq!(Verifier::new(y_two).err(), Some(SignatureError::Key));
    y_two[31] = 0x80;
    assert_eq!(Verifier::new(y_two).err(), Some(SignatureError::Key));
}

fn hex(text: &str) -> [u8; 32] {
    let byte = |place: usize| u8::from_str_radix(&text[2 * place..2 * place + 2], 16).unwrap();
    std::array::from_fn(byte)
}

/// All encodings of the eight points of small order that the curve's decoder accepts. Source: the
/// table in "Taming the many EdDSAs" (Chalkias, Garillot, Nikolaenko 2020), with both signs.
const SMALL_ORDER: [&str; 14] = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
];

#[test]
fn a_key_under_which_anybody_can_sign_is_refused() {
    for key in SMALL_ORDER {
        assert_eq!(Verifier::new(hex(key)).err(), Some(SignatureError::Key), "{key}");
    }
    // The everybody's signature does not hold under an honest key.
    let (_, verifier) = signer(1);
    let mut signature = [0; 64];
    signature[0] = 1;
    let forged = SignedCommand { command: withdraw(5), signature };
    assert_eq!(verifier.verify(CHAIN, &forged), Err(SignatureError::Signature));
}

/// The largest command of its kind: full lists, full labels, every option set.
fn largest(kind: Command) -> Command {
    let label = Label::new(&"x".repeat(64)).unwrap();
    let order = NewOrder { label: Some(label.clone()), ..samples::order() };
    match kind {
        Command::Place(_) => Command::Place(order),
        Command::PlaceLinked { kind, .. } => {
            Command::PlaceLinked { kind, orders: samples::list(vec![order; LINKED_MAX]) }
        }
        Command::Amend(amend) => Command::Amend(amend),
        Command::Cancel(_) => Command::Cancel(OrderTarget::Label(label)),
        Command::Batch(_) => {
            Command::Batch(samples::list(vec![BatchItem::Place(order); BATCH_MAX]))
        }
        Command::MassQuote { group, .. } => {
            let side = Some(QuoteSide { price: Price(1), lots: Lots(1) });
            let quote = Quote { instrument: InstrumentId(1), bid: side, ask: side };
            Command::MassQuote { group, quotes: samples::list(vec![quote; BATCH_MAX]) }
        }
        Command::RegisterAgent { key, scope } => {
            let instruments = samples::list(vec![InstrumentId(1); AGENT_INSTRUMENTS_MAX]);
            Command::RegisterAgent { key, scope: AgentScope { instruments, ..scope } }
        }
        Command::BlockTrade { terms, consents } => {
            let legs = samples::list(vec![terms.legs[0]; BLOCK_LEGS_MAX]);
            let consents = samples::list(vec![consents[0].clone(); BLOCK_PARTIES_MAX]);
            Command::BlockTrade { terms: BlockTerms { legs, ..terms }, consents }
        }
        other => other,
    }
}

#[test]
fn the_largest_command_of_every_kind_fits_its_limit() {
    let (alice, _) = signer(1);
    let mut sizes = BTreeSet::new();
    for command in samples::commands() {
        let command = largest(command);
        let limit = if command.is_multiple() { BATCH_BYTES_MAX } else { COMMAND_BYTES_MAX };
        let signed = alice.sign(CHAIN, user(command));
        let bytes = signed.to_bytes();
        assert!(bytes.len() <= limit, "{} bytes: {signed:?}", bytes.len());
        assert_eq!(SignedCommand::from_bytes(&bytes), Ok(signed));
        sizes.insert(bytes.len());
    }
    // A full batch of full orders is the largest of all and more than a single command may have.
    assert!(sizes.last().is_some_and(|largest| *largest > COMMAND_BYTES_MAX));
}

#[test]
fn a_message_beyond_the_limit_is_refused_unread() {
    let count = BATCH_BYTES_MAX + 1;
    let error = SignedCommand::from_bytes(&vec![0xff; count]).unwrap_err();
    assert_eq!(error.kind, DecodeErrorKind::TooLong { count, limit: BATCH_BYTES_MAX });
    assert_eq!(error.to_string(), "command: 16385 exceeds the limit of 16384");
    let error = SignedCommand::from_bytes(&vec![0xff; BATCH_BYTES_MAX]).unwrap_err();
    assert!(!matches!(error.kind, DecodeErrorKind::TooLong { .. }), "{error}");
}

#[test]
fn a_signer_shows_nothing_of_its_key() {
    let (alice, _) = signer(0xab);
    assert_eq!(format!("{alice:?} {alice:#?}"), "Signer(..) Signer(..)");
}

#[test]
fn a_chain_reads_as_hex() {
    assert_eq!(ChainId([0x0f; 32]).to_string(), "0f".repeat(32));
}

/// Commands by three signers, those at `bad` forged in turn in three ways.
fn batch(len: usize, bad: &BTreeSet<usize>) -> Vec<(Verifier, SignedCommand)> {
    let signers = [signer(1), signer(2), signer(3)];
    let make = |place: usize| {
        let (key, verifier) = &signers[place % 3];
        let mut signed = key.sign(CHAIN, withdraw(i64::try_from(place).unwrap()));
        match bad.contains(&place).then_some(place % 3) {
            Some(0) => signed.signature[place % 64] ^= 4,
            Some(1) => signed.command.nonce ^= 1,
            Some(_) => signed = key.sign(ChainId::default(), signed.command),
            None => {}
        }
        (*verifier, signed)
    };
    (0..len).map(make).collect()
}

fn check(commands: &[(Verifier, SignedCommand)], seed: u64) -> Result<(), Vec<usize>> {
    let borrowed: Vec<_> = commands.iter().map(|(key, signed)| (*key, signed)).collect();
    verify_batch(CHAIN, &borrowed, Repeatable::new(seed))
}

#[test]
fn a_batch_of_good_signatures_holds() {
    for len in [0, 1, 2, 3, 4, 5, 8, 33] {
        assert_eq!(check(&batch(len, &BTreeSet::new()), 1), Ok(()), "{len}");
    }
}

#[test]
fn a_batch_names_all_bad_ones_even_when_all_are_bad() {
    let all: BTreeSet<usize> = (0..70).collect();
    assert_eq!(check(&batch(70, &all), 1), Err(all.into_iter().collect()));
}

#[test]
fn a_flood_of_bad_signatures_costs_little_more_than_checking_each() {
    let (alice, verifier) = signer(1);
    let signed: Vec<_> = (0..256).map(|nonce| alice.sign(CHAIN, withdraw(nonce))).collect();
    let borrowed: Vec<_> = signed.iter().map(|signed| (verifier, signed)).collect();
    let mut random = Repeatable::new(1);
    let bad = verify_batch(ChainId([6; 32]), &borrowed, &mut random).unwrap_err();
    assert_eq!(bad.len(), 256);
    // Halving to the end would look at each signature in six batches.
    assert!(random.draws <= 3 * 256, "{} signatures in batches", random.draws);
}

#[test]
fn two_wrongs_that_cancel_each_other_are_both_noticed() {
    // Without random factors, s + 1 in one signature would make up for s - 1 in another.
    let mut commands = batch(8, &BTreeSet::new());
    for (place, by) in [(0, 1), (3, 255)] {
        let mut carry = by;
        for byte in &mut commands[place].1.signature[32..] {
            let sum = u16::from(*byte) + carry;
            (*byte, carry) = (sum.to_le_bytes()[0], (sum >> 8) + if by == 255 { 255 } else { 0 });
        }
    }
    assert_eq!(check(&commands, 1), Err(vec![0, 3]));
}

/// Encodings of R that not all libraries accept, and ZIP-215 does: the points of small order, and
/// numbers beyond the field's for some of them, with either sign.
fn odd_commitments() -> Vec<[u8; 32]> {
    let mut encodings: Vec<_> = EIGHT_TORSION.iter().map(|point| point.compress().0).collect();
    // The prime 2^255 - 19, which is read as 0, and the number after it, which is read as 1.
    for lowest in [0xed, 0xee] {
        for highest in [0x7f, 0xff] {
            let mut encoding = [0xff; 32];
            (encoding[0], encoding[31]) = (lowest, highest);
            encodings.push(encoding);
        }
    }
    encodings
}

#[test]
fn odd_points_count_in_a_batch_as_they_do_alone() {
    let secret = Scalar::from(0x0001_2345_6789_abcd_u64);
    let mut commands = Vec::new();
    for torsion in EIGHT_TORSION {
        let key = (&secret * ED25519_BASEPOINT_TABLE + torsion).compress().0;
        let verifier = Verifier::new(key).unwrap();
        for commitment in odd_commitments() {
            let command = withdraw(i64::try_from(commands.len()).unwrap());
            let hash = Sha512::new()
                .chain_update(commitment)
                .chain_update(key)
                .chain_update(command_message(CHAIN, &command));
            let challenge = Scalar::from_bytes_mod_order_wide(&hash.finalize().into());
            let mut signature = [0; 64];
            signature[..32].copy_from_slice(&commitment);
            signature[32..].copy_from_slice((challenge * secret).as_bytes());
            commands.push((verifier, SignedCommand { command, signature }));
        }
    }
    for (verifier, signed) in &commands {
        assert_eq!(verifier.verify(CHAIN, signed), Ok(()), "{signed:?}");
    }
    assert_eq!(check(&commands, 1), Ok(()));
    // A scalar beyond the group's order is the same number, and no signature.
    let order = Scalar::ZERO - Scalar::ONE;
    let mut carry = 1;
    for (byte, add) in commands[7].1.signature[32..].iter_mut().zip(order.as_bytes()) {
        let sum = u16::from(*byte) + u16::from(*add) + carry;
        (*byte, carry) = (sum.to_le_bytes()[0], sum >> 8);
    }
    assert!(commands[7].0.verify(CHAIN, &commands[7].1).is_err());
    assert_eq!(check(&commands, 1), Err(vec![7]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn what_is_signed_verifies_and_round_trips(
        command in user_command(),
        chain in any::<[u8; 32]>(),
    ) {
        let (alice, verifier) = signer(1);
        let signed = alice.sign(ChainId(chain), command);
        prop_assert_eq!(verifier.verify(ChainId(chain), &signed), Ok(()));
        prop_assert_eq!(SignedCommand::from_bytes(&signed.to_bytes()), Ok(signed));
    }

    #[test]
    fn a_batch_agrees_with_one_at_a_time(
        len in 0..40_usize,
        bad in proptest::collection::btree_set(0..40_usize, 0..6),
        seed in any::<u64>(),
    ) {
        let commands = batch(len, &bad);
        let single: Vec<usize> = (0..len)
            .filter(|place| commands[*place].0.verify(CHAIN, &commands[*place].1).is_err())
            .collect();
        prop_assert_eq!(&single, &bad.into_iter().filter(|place| *place < len).collect::<Vec<_>>());
        let expected = if single.is_empty() { Ok(()) } else { Err(single) };
        prop_assert_eq!(check(&commands, seed), expected);
    }
}
