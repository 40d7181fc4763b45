//! Faults of gateways, stores, networks and clients, and the proof that views stay exact.
//!
//! A run of a fault starts servers and gateways of its own, with clients of every format and
//! writers of every partition. It brings the fault about, and compares what every client folded and
//! every writer was answered with the logs.
//!
//! Layers, from bottom to top: `clients`, `world`, `checks`, `faults`, `runs`, `results`,
//! `table` and `sabotages`.

#![allow(
    missing_docs,
    clippy::panic,
    reason = "only tests use it: names say enough, and a failed step ends the run"
)]

pub mod checks;
pub mod clients;
pub mod faults;
pub mod results;
pub mod runs;
pub mod sabotages;
pub mod table;
pub mod world;
