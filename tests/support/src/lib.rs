//! Servers, clients and waits that the tests share.
//!
//! A test starts its own servers, on free ports and in temporary folders. Dropping a server stops
//! it.

#![allow(
    missing_docs,
    clippy::missing_errors_doc,
    clippy::panic,
    reason = "only tests use it: names say enough, and a failed step ends the test"
)]

pub mod authority;
pub mod cluster;
pub mod collector;
pub mod haproxy;
pub mod http;
pub mod issuer;
pub mod port;
pub mod process;
pub mod pseudoterminal;
pub mod redis;
pub mod sentinel;
pub mod socket;
pub mod switch;
pub mod wait;

use std::path::PathBuf;

/// The path of the program. Cargo builds it together with the tests of its package, into the parent
/// of their folder.
pub fn program() -> PathBuf {
    let tests = std::env::current_exe().expect("the path of the tests");
    let built = tests.ancestors().nth(2).expect("a folder");
    built.join(format!("people-gateway{}", std::env::consts::EXE_SUFFIX))
}
