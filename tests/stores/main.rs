//! The promises of the stores: a conformance suite and a model check that both stores pass, and the
//! promises of each store alone.

// `cfg(test)` is always set here. It tells clippy that helpers are test code too, and may panic.
#[cfg(test)]
mod backing;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod durability;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod masters;
#[cfg(test)]
mod model;
#[cfg(test)]
mod people;
#[cfg(test)]
mod redis;
#[cfg(test)]
mod reference;
