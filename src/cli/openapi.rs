//! `openapi`: prints the description of REST.

use std::io::Write as _;

use anyhow::Context as _;

use crate::http::openapi;

pub(super) fn run() -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", openapi::pretty()).and_then(|()| out.flush()).context("cannot write the description")
}
