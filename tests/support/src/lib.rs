//! Servers, clients and waits that the tests share.
//!
//! A test starts its own servers, on free ports and in folders of their own. Dropping a server
//! ends it.

#![allow(
    missing_docs,
    clippy::missing_errors_doc,
    clippy::panic,
    reason = "only tests use it: names say enough, and a failed step ends the test"
)]

pub mod collector;
pub mod haproxy;
pub mod http;
pub mod port;
pub mod process;
pub mod pseudoterminal;
pub mod redis;
pub mod socket;
pub mod switch;
pub mod wait;

use std::path::PathBuf;

/// The program. Cargo builds it together with the tests of its package, and puts it above their
/// folder.
pub fn program() -> PathBuf {
    let tests = std::env::current_exe().expect("the tests are a program");
    let built = tests.ancestors().nth(2).expect("a folder");
    built.join(format!("people-gateway{}", std::env::consts::EXE_SUFFIX))
}
