//! Final blocks as nodes hand them out: `GET /v1/blocks/{height}`, and several after each other.
//!
//! ```text
//! frame   length of block: u32 || block || length of certificate: u32, 0 for none || certificate
//! ```
//!
//! Not every final block has a certificate of its own; one is final because a later one is, and
//! names its parent. Deliberately absent: what is in a block or a certificate.

use lockstep_types::codec::{DecodeError, DecodeErrorKind, Encode as _, Reader};

/// Bytes of a block at most, as the protocol says.
pub const BLOCK_BYTES_MAX: usize = 2 * 5 + 281 + 2 * 1024 * 1024;
/// Bytes of a certificate at most.
pub const CERTIFICATE_BYTES_MAX: usize = 9_216;

/// A final block in its encoding, and its certificate, if it has one of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// The block.
    pub block: Vec<u8>,
    /// The certificate; empty: none.
    pub certificate: Vec<u8>,
}

fn part(
    reader: &mut Reader<'_>,
    field: &'static str,
    limit: usize,
) -> Result<Vec<u8>, DecodeError> {
    let within = |error: DecodeError| error.within(field);
    let count = u32::from_le_bytes(reader.array().map_err(within)?);
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    if count > limit {
        return Err(DecodeError::new(DecodeErrorKind::TooLong { count, limit }).within(field));
    }
    reader.take(count).map(<[u8]>::to_vec).map_err(within)
}

impl Frame {
    /// Appends the frame.
    pub fn write(&self, to: &mut Vec<u8>) {
        for part in [&self.block, &self.certificate] {
            let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
            length.encode(to);
            to.extend_from_slice(part);
        }
    }

    /// Reads all frames of an answer.
    ///
    /// # Errors
    /// When they do not end where the bytes do, or a part exceeds its limit.
    pub fn read_all(bytes: &[u8]) -> Result<Vec<Self>, DecodeError> {
        let mut reader = Reader::new(bytes);
        let mut frames = Vec::new();
        while reader.remaining() > 0 {
            let block = part(&mut reader, "block", BLOCK_BYTES_MAX)?;
            let certificate = part(&mut reader, "certificate", CERTIFICATE_BYTES_MAX)?;
            frames.push(Self { block, certificate });
        }
        Ok(frames)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_read_back_and_torn_ones_are_refused() {
        let frames = [
            Frame { block: vec![1, 2, 3], certificate: vec![4] },
            Frame { block: vec![5], certificate: Vec::new() },
        ];
        let mut bytes = Vec::new();
        frames.iter().for_each(|frame| frame.write(&mut bytes));
        assert_eq!(Frame::read_all(&bytes).unwrap(), frames);
        let whole = [0, 12, bytes.len()];
        for end in 0..=bytes.len() {
            assert_eq!(Frame::read_all(&bytes[..end]).is_ok(), whole.contains(&end), "{end}");
        }
    }

    #[test]
    fn lengths_beyond_the_limit_are_refused_before_they_are_believed() {
        let mut bytes = u32::MAX.to_le_bytes().to_vec();
        bytes.extend_from_slice(&[0; 64]);
        let error = Frame::read_all(&bytes).unwrap_err();
        assert_eq!(error.field, "block");
        assert!(matches!(error.kind, DecodeErrorKind::TooLong { limit: BLOCK_BYTES_MAX, .. }));
    }
}
