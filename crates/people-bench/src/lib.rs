//! What the benchmarks share: the person that all of them save, and figures of several turns.

pub mod person;
pub mod series;
