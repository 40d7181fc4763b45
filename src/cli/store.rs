//! What an operator does with a store itself: `migrate` brings its layout up to date, `check`
//! compares all that it keeps.

use std::io::Write as _;

use anyhow::{Context as _, bail};
use clap::Args;

use super::StoreFlags;
use crate::app;
use crate::config::Settings;
use crate::telemetry::logging;

#[derive(Args, Debug)]
pub(super) struct CheckFlags {
    #[command(flatten)]
    store: StoreFlags,
    /// Mend what can be mended, beside running gateways; clients whose view it concerns are shown
    /// it anew
    #[arg(long)]
    repair: bool,
}

pub(super) fn migrate(settings: Settings) -> anyhow::Result<()> {
    logging::init(settings.log.level, settings.log.format);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    Ok(runtime.block_on(app::migrate(settings, &mut std::io::stdout()))?)
}

/// Exit code 0 where nothing is wrong, or is any more; 1 where something is, or the store cannot be
/// read.
pub(super) fn check(flags: CheckFlags) -> anyhow::Result<()> {
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
