//! The Redis store's own promises: what it refuses to open, what it survives, what it never says
//! wrongly.
//!
//! What both stores promise alike is in the conformance suite. Each test here starts its own
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
