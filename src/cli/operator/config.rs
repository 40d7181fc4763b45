//! `config`: prints the effective settings.

use std::io::Write as _;

use anyhow::Context as _;

use crate::config::Settings;

pub(in crate::cli) fn config(settings: &Settings) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(settings.to_toml().as_bytes())
        .and_then(|()| out.flush())
        .context("cannot write the settings")
}
