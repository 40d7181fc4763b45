//! `migrate` brings a store's layout up to date; `check` compares its people, ids and logs.

use std::io::Write as _;

use anyhow::{Context as _, bail};

use super::flags::CheckFlags;
use crate::app;
use crate::config::Settings;
use crate::telemetry::logging;

pub(in crate::cli) fn migrate(settings: Settings) -> anyhow::Result<()> {
    logging::init(settings.log.level, settings.log.format);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    Ok(runtime.block_on(app::migrate(settings, &mut std::io::stdout()))?)
}

/// Exit code 0: nothing is wrong, or everything was repaired. 1: something is wrong, or the store
/// cannot be read.
pub(in crate::cli) fn check(flags: CheckFlags) -> anyhow::Result<()> {
    let CheckFlags { store, repair } = flags;
    let settings = store.settings()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let runtime = runtime.context("cannot start the runtime")?;
    let mut out = std::io::stdout();
    let left = runtime.block_on(app::check(settings, repair, &mut out))?;
    out.flush()?;
    match left {
        0 => Ok(()),
        1 => bail!("one thing in the store is wrong"),
        left => bail!("{left} things in the store are wrong"),
    }
}
