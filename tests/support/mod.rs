//! What several test binaries share. Include it with `#[cfg(test)] #[path = "../support/mod.rs"]
//! mod support;` (`cfg(test)` tells clippy that a helper may panic).
#![allow(dead_code, reason = "each test binary uses its own part of this")]

pub(crate) mod port;
pub(crate) mod redis;
