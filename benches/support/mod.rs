//! What the benchmarks that run processes share: servers, a light load, what /proc says, and the report.
#![allow(dead_code, reason = "each benchmark uses its own part of this")]

pub(crate) mod machine;
pub(crate) mod person;
pub(crate) mod poller;
pub(crate) mod report;
pub(crate) mod rest;
pub(crate) mod servers;
pub(crate) mod watcher;
