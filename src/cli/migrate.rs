//! `migrate`: brings the store's layout up to date, once.

use anyhow::Context as _;

use crate::app;
use crate::config::Settings;
use crate::telemetry::logging;

pub(super) fn run(settings: Settings) -> anyhow::Result<()> {
    logging::init(settings.log.level, settings.log.format);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?;
    Ok(runtime.block_on(app::migrate(settings, &mut std::io::stdout()))?)
}
