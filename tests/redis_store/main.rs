//! The promises of the Redis store alone: refused starts, faults, damage and recovery.
//!
//! The conformance suite has the promises of both stores. Each test here starts its own
//! `redis-server`.
//!
//! `cfg(test)` is always set here; it tells clippy that helpers are tests too, and may panic.

#[cfg(test)]
mod audit;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod feed;
#[cfg(test)]
mod opening;
#[cfg(test)]
mod people;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod recovery;
#[path = "../support/mod.rs"]
#[cfg(test)]
mod support;
#[cfg(test)]
mod writes;
