//! The gateway as a whole: what is started, in which order, what it is connected to, and how it ends.

mod error;
mod open_files;
mod signals;
mod welcome;

pub use error::AppError;

use std::io::Write;

use crate::config::Settings;
use signals::Signals;
use welcome::Addresses;

/// Serves until a signal ends it. Addresses and a line to try are written to `out` as soon as both listeners are open.
pub async fn serve(settings: Settings, out: &mut (dyn Write + Send)) -> Result<(), AppError> {
    let mut signals =
        Signals::catch().map_err(|source| AppError::System { what: "catch SIGTERM and SIGINT", source })?;
    let connections_max = settings.http.connections_max.unwrap_or(open_files::connections_max(open_files::raise()));
    let public = listen(settings.listen, "--listen").await?;
    let admin = listen(settings.admin.listen, "--admin-listen").await?;
    let addresses = Addresses { public: public.local_addr().unwrap(), admin: admin.local_addr().unwrap() };
    welcome::write(out, &addresses, &settings.store.url)
        .map_err(|source| AppError::System { what: "write to standard output", source })?;
    tracing::info!(connections_max, "the gateway is serving");
    signals.next().await;
    signals.end_at_next();
    Ok(())
}

async fn listen(address: std::net::SocketAddr, flag: &'static str) -> Result<tokio::net::TcpListener, AppError> {
    tokio::net::TcpListener::bind(address).await.map_err(|source| AppError::listen(address, flag, source))
}

/// Brings the store's layout up to date.
pub async fn migrate(_settings: Settings, _out: &mut (dyn Write + Send)) -> Result<(), AppError> {
    Ok(())
}
