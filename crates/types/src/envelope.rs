//! Signed commands: what travels from a client to a block (A1, A2, A3).
//!
//! The signature covers a domain, the chain and every byte of the command, so that nothing signed
//! for one purpose or one chain is good for another. Verification is ZIP-215, the same alone and
//! in a batch ([`verify_batch`]), so that all machines agree. Deliberately absent: who the signer
//! is allowed to be, which the exchange decides.

use crate::codec::{Decode, DecodeError, DecodeErrorKind, Encode, Reader};
use crate::command::{BlockTerms, UserCommand};
use crate::ids::{AccountId, SignerId};
use alloc::vec::Vec;
use core::fmt;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use ed25519_zebra::{Signature, SigningKey, VerificationKey};

mod batch;

pub use batch::verify_batch;
pub use rand_core::{CryptoRng, RngCore};

/// Bytes of one signed command at most (L3). A batch, a mass quote or a block trade has 100 orders
/// or quotes and their labels, and may be larger.
pub const COMMAND_BYTES_MAX: usize = 4 * 1024;
/// Bytes of a signed batch at most.
pub const BATCH_BYTES_MAX: usize = 16 * 1024;

/// Domain of command signatures.
pub const COMMAND_DOMAIN: &[u8] = b"lockstep/command/v1";
/// Domain of block trade consents.
pub const CONSENT_DOMAIN: &[u8] = b"lockstep/block-trade/v1";

/// Any message does for [`Verifier::new`]'s test; this one is no signed thing's.
const SMALL_ORDER_PROBE: &[u8] = b"lockstep/small-order/v1";

/// Which chain a signature is for: the hash of its genesis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainId(pub [u8; 32]);

impl Encode for ChainId {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
    }
}

impl Decode for ChainId {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self(Decode::decode(reader)?))
    }
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A command with its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCommand {
    /// The command.
    pub command: UserCommand,
    /// ed25519 over [`command_message`].
    pub signature: [u8; 64],
}

impl Encode for SignedCommand {
    fn encode(&self, out: &mut Vec<u8>) {
        self.command.encode(out);
        self.signature.encode(out);
    }
}

impl Decode for SignedCommand {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let before = reader.remaining();
        let command = UserCommand::decode(reader)?;
        let signature = reader.array().map_err(|error| error.within("signature"))?;
        // The lists inside have limits of their own, which keep every command below these.
        let is_multiple = command.command.is_multiple();
        let limit = if is_multiple { BATCH_BYTES_MAX } else { COMMAND_BYTES_MAX };
        check_size(before - reader.remaining(), limit)?;
        Ok(Self { command, signature })
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        // No work for a message that is too long anyway.
        check_size(bytes.len(), BATCH_BYTES_MAX)?;
        let mut reader = Reader::new(bytes);
        let signed = Self::decode(&mut reader)?;
        reader.finish()?;
        Ok(signed)
    }
}

fn check_size(count: usize, limit: usize) -> Result<(), DecodeError> {
    if count <= limit {
        return Ok(());
    }
    Err(DecodeError::new(DecodeErrorKind::TooLong { count, limit }).within("command"))
}

/// Why a signature does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureError {
    /// The public key is no point of the curve, or one of the few under which anybody can sign.
    Key,
    /// The signature is not this key's over this message.
    Signature,
}

impl fmt::Display for SignatureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key => "A1 key: not an ed25519 public key",
            Self::Signature => "A1 signature: not this signer's signature of this command",
        })
    }
}

impl core::error::Error for SignatureError {}

/// The bytes that a command's signature covers.
#[must_use]
pub fn command_message(chain: ChainId, command: &UserCommand) -> Vec<u8> {
    let mut message = Vec::from(COMMAND_DOMAIN);
    chain.0.encode(&mut message);
    command.encode(&mut message);
    message
}

/// The bytes that a block trade consent's signature covers (M11).
#[must_use]
pub fn consent_message(
    chain: ChainId,
    terms: &BlockTerms,
    signer: SignerId,
    account: AccountId,
    nonce: u64,
) -> Vec<u8> {
    let mut message = Vec::from(CONSENT_DOMAIN);
    chain.0.encode(&mut message);
    terms.encode(&mut message);
    signer.encode(&mut message);
    account.encode(&mut message);
    nonce.encode(&mut message);
    message
}

/// A signing key. Its `Debug` shows nothing, so that it stays out of logs.
pub struct Signer(SigningKey);

impl Signer {
    /// The key with the given 32-byte seed.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(SigningKey::from(seed))
    }

    /// Its public key.
    #[must_use]
    pub fn public_key(&self) -> [u8; 32] {
        VerificationKey::from(&self.0).into()
    }

    /// Signs a command for one chain.
    #[must_use]
    pub fn sign(&self, chain: ChainId, command: UserCommand) -> SignedCommand {
        let signature = self.0.sign(&command_message(chain, &command)).to_bytes();
        SignedCommand { command, signature }
    }

    /// Signs any message; the caller has put a domain in front of it.
    #[must_use]
    pub fn sign_message(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(..)")
    }
}

/// A public key, decoded once and kept.
#[derive(Clone, Copy, Debug)]
pub struct Verifier {
    key: [u8; 32],
    point: EdwardsPoint,
}

impl Verifier {
    /// The key with the given encoding.
    ///
    /// # Errors
    /// `Key` when it is no point of the curve, or a point of small order: under those ZIP-215
    /// accepts signatures that anybody can write, so that they identify nobody.
    pub fn new(public_key: [u8; 32]) -> Result<Self, SignatureError> {
        let point = CompressedEdwardsY(public_key).decompress().ok_or(SignatureError::Key)?;
        let key = Self { key: public_key, point };
        // R the identity and s = 0 is everybody's signature under exactly the small-order keys:
        // [8][0]B = [8]R + [8][k]A holds for any other A only if its order divides the hash k.
        let mut everybodys = [0; 64];
        everybodys[0] = 1;
        match key.verify_message(SMALL_ORDER_PROBE, everybodys) {
            Ok(()) => Err(SignatureError::Key),
            Err(_) => Ok(key),
        }
    }

    /// The key's encoding.
    #[must_use]
    pub fn public_key(&self) -> [u8; 32] {
        self.key
    }

    /// Checks the signature of a command.
    ///
    /// # Errors
    /// `Signature` when it is not this key's over this command on this chain.
    pub fn verify(&self, chain: ChainId, signed: &SignedCommand) -> Result<(), SignatureError> {
        self.verify_message(&command_message(chain, &signed.command), signed.signature)
    }

    /// Checks a signature of any message.
    ///
    /// # Errors
    /// `Signature` when it is not this key's over this message.
    pub fn verify_message(
        &self,
        message: &[u8],
        signature: [u8; 64],
    ) -> Result<(), SignatureError> {
        let key = VerificationKey::try_from(self.key).map_err(|_| SignatureError::Key)?;
        let signature = Signature::from(signature);
        key.verify(&signature, message).map_err(|_| SignatureError::Signature)
    }
}
