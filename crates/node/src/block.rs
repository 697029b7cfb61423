//! Blocks: a header, and the body that it commits to.
//!
//! Invariants: a block that decodes has a body whose root, height, time and leader are the
//! header's, and one encoding; its size is at most [`BLOCK_BYTES_MAX`], from which the limits of
//! the transport follow. Cloning is cheap: the body is shared. Deliberately absent: whether the
//! body makes sense on its parent ([`crate::application`]).

#[cfg(test)]
mod tests;

use crate::costs::Work;
use crate::header::{HEADER_BYTES_MAX, Header, body_root};
use crate::items;
use crate::signatures::CommandId;
use bytes::{BufMut, Bytes};
use commonware_codec::{
    Buf, DecodeExt as _, EncodeSize, Error as CodecError, RangeCfg, Read, Write, varint,
};
use commonware_consensus::types::{Epoch, Height, Round, View};
use commonware_consensus::{BoundedBlock, CertifiableBlock, Heightable, simplex};
use commonware_cryptography::{Digestible, ed25519, sha256};
use lockstep_ledger::Block as Body;
use lockstep_types::codec::{Decode as _, Encode as _};
use std::sync::{Arc, OnceLock};

/// A block's name.
pub type Digest = sha256::Digest;
/// A validator's identity and voting key.
pub type PublicKey = ed25519::PublicKey;
/// Where in consensus a block was proposed.
pub type Context = simplex::types::Context<Digest, PublicKey>;

/// Bytes of an encoded body at most.
pub const BODY_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Bytes of an encoded block at most: header and body, each behind its length.
pub const BLOCK_BYTES_MAX: usize =
    2 * varint::MAX_U32_VARINT_SIZE + HEADER_BYTES_MAX + BODY_BYTES_MAX;

/// A block.
#[derive(Clone, Debug)]
pub struct Block {
    header: Header,
    context: Context,
    body: Arc<Body>,
    body_bytes: Bytes,
    /// Names of what is in the body, once somebody has asked.
    names: Arc<OnceLock<Vec<CommandId>>>,
}

impl PartialEq for Block {
    fn eq(&self, other: &Self) -> bool {
        self.header == other.header && self.body_bytes == other.body_bytes
    }
}

impl Eq for Block {}

impl Block {
    /// The block of a header and the body it commits to.
    ///
    /// # Errors
    /// When they do not belong together, or the header's leader is no key.
    pub fn new(header: Header, body: Body) -> Result<Self, CodecError> {
        let body_bytes = Bytes::from(body.to_bytes());
        Self::from_parts(header, body, body_bytes)
    }

    fn from_parts(header: Header, body: Body, body_bytes: Bytes) -> Result<Self, CodecError> {
        if header.body_root != body_root(&body_bytes) {
            let why = "its body is not the one that the header names";
            return Err(CodecError::Invalid("block", why));
        }
        Self::of_encoded(header, body, body_bytes)
    }

    /// The block of a header, the body whose root is in it, and the body's encoding.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub(crate) fn of_encoded(
        header: Header,
        body: Body,
        body_bytes: Bytes,
    ) -> Result<Self, CodecError> {
        let invalid = |why| Err(CodecError::Invalid("block", why));
        if body_bytes.len() > BODY_BYTES_MAX {
            return invalid("its body is too long");
        }
        if (header.height, header.time, header.leader) != (body.height, body.time, body.leader) {
            return invalid("height, time or leader of header and body differ");
        }
        if header.operations_start >= header.operations_end {
            return invalid("it names no operations");
        }
        let leader = PublicKey::decode(Bytes::copy_from_slice(&header.leader))?;
        let context = Context {
            round: Round::new(Epoch::new(header.epoch), View::new(header.view)),
            leader,
            parent: (View::new(header.parent_view), sha256::Digest(header.parent)),
        };
        Ok(Self { header, context, body: Arc::new(body), body_bytes, names: Arc::default() })
    }

    /// The names of everything in its body: of commands, then of items.
    #[must_use]
    pub fn names(&self) -> &[CommandId] {
        self.names.get_or_init(|| {
            let items = self.body.system.iter().map(items::id_of);
            self.body.commands.iter().map(CommandId::of).chain(items).collect()
        })
    }

    /// The names of the commands in its body.
    #[must_use]
    pub fn command_names(&self) -> &[CommandId] {
        &self.names()[..self.body.commands.len()]
    }

    /// Notes the names, which whoever built the block knows.
    pub(crate) fn with_names(self, names: Vec<CommandId>) -> Self {
        // A block that was just made has none yet.
        let _ = self.names.set(names);
        self
    }

    /// Reads a block that fills `bytes`.
    ///
    /// # Errors
    /// When they are no block's encoding.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CodecError> {
        Self::decode(Bytes::copy_from_slice(bytes))
    }

    /// Its header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Its body.
    #[must_use]
    pub fn body(&self) -> &Body {
        &self.body
    }
}

impl Write for Block {
    fn write(&self, buf: &mut impl BufMut) {
        Bytes::from(self.header.to_bytes()).write(buf);
        self.body_bytes.write(buf);
    }
}

impl EncodeSize for Block {
    fn encode_size(&self) -> usize {
        let header = self.header.to_bytes().len();
        header.encode_size() + header + self.body_bytes.encode_size()
    }
}

impl Read for Block {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        let header = Bytes::read_cfg(buf, &RangeCfg::from(0..=HEADER_BYTES_MAX))?;
        let header = Header::from_bytes(&header).map_err(|error| wrapped("header", error))?;
        let body_bytes = Bytes::read_cfg(buf, &RangeCfg::from(0..=BODY_BYTES_MAX))?;
        Work::Decode.measure(|| {
            let body = Body::from_bytes(&body_bytes).map_err(|error| wrapped("body", error))?;
            Self::from_parts(header, body, body_bytes)
        })
    }
}

fn wrapped(what: &'static str, error: lockstep_types::codec::DecodeError) -> CodecError {
    CodecError::Wrapped(what, Box::new(error))
}

impl Digestible for Block {
    type Digest = Digest;

    fn digest(&self) -> Digest {
        self.header.digest()
    }
}

impl Heightable for Block {
    fn height(&self) -> Height {
        Height::new(self.header.height)
    }
}

impl commonware_consensus::Block for Block {
    fn parent(&self) -> Digest {
        self.context.parent.1
    }
}

impl CertifiableBlock for Block {
    type Context = Context;

    fn context(&self) -> Context {
        self.context.clone()
    }
}

impl BoundedBlock for Block {
    fn max_encode_size((): &()) -> usize {
        BLOCK_BYTES_MAX
    }
}
