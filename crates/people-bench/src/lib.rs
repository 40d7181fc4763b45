//! What the benchmarks share: the person that they save, and series of measured values.

pub mod person;
pub mod series;
