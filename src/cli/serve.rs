//! `serve`: the gateway itself, until a signal ends it.

use anyhow::Context as _;

use crate::app;
use crate::config::Settings;
use crate::telemetry::logging;

pub(super) fn run(settings: Settings) -> anyhow::Result<()> {
    logging::init(settings.log.level, settings.log.format);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let ended = runtime.block_on(app::serve(settings, &mut std::io::stdout()));
    // What still runs had its time; waiting for it again could take for ever.
    runtime.shutdown_background();
    Ok(ended?)
}
