//! `serve`: runs the gateway until a signal ends it.

use anyhow::Context as _;
use people_core::sabotage;

use crate::app;
use crate::config::Settings;
use crate::telemetry::logging;

pub(in crate::cli) fn serve(settings: Settings) -> anyhow::Result<()> {
    logging::init(settings.log.level, settings.log.format);
    if let Some(planted) = sabotage::named() {
        let name = planted.name();
        tracing::warn!(
            name,
            "THIS GATEWAY HAS A BUG ON PURPOSE, for tests of the tests: it breaks its promises"
        );
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let ended = runtime.block_on(app::serve(settings, &mut std::io::stdout()));
    // The remaining tasks had their time to end; another wait could take for ever.
    runtime.shutdown_background();
    Ok(ended?)
}
