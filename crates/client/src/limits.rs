//! How much may be asked of a node at once, and how long it may take.
//!
//! A node refuses what exceeds them and names the limit; a client keeps them. Deliberately absent:
//! limits of the chain itself, which are in `lockstep_types`.

use std::time::Duration;

/// Connections to a node at a time; others wait to be taken.
pub const CONNECTIONS_MAX: usize = 128;
/// How long one connection is kept at most.
pub const CONNECTION_TIME_MAX: Duration = Duration::from_secs(120);
/// How long the first lines of a request may take to come, and the next request after an answer.
pub const HEAD_TIME_MAX: Duration = Duration::from_secs(10);
/// How long a request may take from its first lines to its answer.
pub const REQUEST_TIME_MAX: Duration = Duration::from_secs(10);
/// How long a client may take to read the next 64 KiB of an answer, or the rest of it.
pub const WRITE_TIME_MAX: Duration = Duration::from_secs(10);
/// Bytes of a request's first lines at most.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Bytes of a request's body at most.
pub const BODY_BYTES_MAX: usize = 1 << 20;
/// Commands in one request at most.
pub const COMMANDS_MAX: usize = 1_024;
/// Blocks in one answer at most.
pub const PAGE_BLOCKS_MAX: u64 = 64;
/// No further block is added to an answer that has so many bytes.
pub const PAGE_BYTES_MAX: usize = 4 << 20;
/// Proofs that a node makes at a time.
pub const PROOFS_MAX: usize = 2;
/// Bytes of an answer that a client reads at most.
pub const ANSWER_BYTES_MAX: u64 = 16 << 20;
/// Requests with long answers (blocks, events, handovers) that are worked on at a time.
pub const LONG_ANSWERS_MAX: usize = 8;
/// Requests with long bodies that are worked on at a time.
pub const LONG_BODIES_MAX: usize = 32;
/// Handovers in one answer at most.
pub const PAGE_HANDOVERS_MAX: u64 = 64;
/// Blocks whose events are kept to be asked for.
pub const RECENT_BLOCKS_MAX: usize = 1_024;
/// Events that are kept for that at most.
pub const RECENT_EVENTS_MAX: usize = 200_000;
