//! What every store promises, held against each of them: one conformance suite, a model check, and the embedded
//! store's durability.

mod backing;
mod conformance;
mod people;
