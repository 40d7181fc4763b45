//! The promises of every store: a conformance suite, a model check, and the durability of the
//! embedded store. (`cfg(test)` tells clippy that helpers are tests too: they may unwrap.)

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
