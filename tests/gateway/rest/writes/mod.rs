//! Writes: preconditions, repeats by key, and imports.

mod idempotency;
mod import;
mod preconditions;
