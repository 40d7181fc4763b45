//! Writes: what callers may demand of them, how they are repeated, and many of them at once.

mod idempotency;
mod import;
mod preconditions;
