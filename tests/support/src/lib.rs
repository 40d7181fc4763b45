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
pub mod people;
pub mod port;
pub mod process;
pub mod pseudoterminal;
pub mod redis;
pub mod sentinel;
pub mod socket;
pub mod switch;
pub mod wait;

use std::path::PathBuf;

/// The path of the program. Cargo builds it beside other programs, and tests into a folder there.
pub fn program() -> PathBuf {
    let own = std::env::current_exe().expect("the path of this process");
    let name = format!("people-gateway{}", std::env::consts::EXE_SUFFIX);
    let folders = own.ancestors().skip(1).take(2);
    let program = folders
        .map(|folder| folder.join(&name))
        .find(|it| it.exists());
    program.expect("people-gateway is built: cargo build --bin people-gateway")
}
