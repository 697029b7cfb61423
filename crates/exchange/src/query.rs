//! Questions from outside: read-only views of the state. Nothing here touches leaves.
