//! What every store promises, held against each of them: one conformance suite, a model check, and
//! the embedded store's durability. (`cfg(test)` tells clippy that helpers are tests too: they may
//! unwrap.)

#[cfg(test)]
mod backing;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod durability;
#[cfg(test)]
mod model;
#[cfg(test)]
mod people;
#[cfg(test)]
mod reference;
#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;
