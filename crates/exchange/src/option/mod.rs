//! Option mathematics in integers.
