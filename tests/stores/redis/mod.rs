//! The promises of the Redis store alone: refused starts, faults, damage and recovery.
//!
//! The conformance suite tests the promises of both stores. Each test here starts its own
//! `redis-server`.

mod audit;
mod damage;
pub(crate) mod feed;
mod lost_answers;
pub(crate) mod opening;
pub(crate) mod people;
mod proxy;
mod recovery;
mod server_states;
