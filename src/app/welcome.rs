//! What a person at the terminal is told at start: where to reach the gateway, and something to try.

use std::io::{self, Write};
use std::net::SocketAddr;

use crate::config::Settings;
use crate::http::Console;

/// Where the gateway really listens: ports are never 0 here.
pub(super) struct Addresses {
    pub(super) public: SocketAddr,
    pub(super) admin: SocketAddr,
}

/// Writes the addresses, that of the console first, and lines to try, all at once. Programs may rely on the words `REST
/// and live updates` and `admin`, and on the URL behind them.
pub(super) fn write(out: &mut dyn Write, addresses: &Addresses, settings: &Settings) -> io::Result<()> {
    let Addresses { public, admin } = addresses;
    let store = &settings.store.url;
    let console = match settings.http.console {
        Console::On => format!("  console                http://{public}/\n"),
        Console::Off => String::new(),
    };
    let version = env!("CARGO_PKG_VERSION");
    let text = format!(
        r#"people-gateway {version}
{console}  store                  {store}
  REST and live updates  http://{public}/people
  WebSocket              ws://{public}/people
  API                    http://{public}/docs  /openapi.json  /asyncapi.yaml
  admin                  http://{admin}/readyz  /livez  /metrics
try:
  curl -s http://{public}/people -H 'Content-Type: application/json' -d '{{"firstName":"Ada","lastName":"Lovelace","age":36,"job":"Mathematician"}}'
"#
    );
    out.write_all(text.as_bytes()).and_then(|()| out.flush())
}
