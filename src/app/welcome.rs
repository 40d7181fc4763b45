//! What a person at the terminal is told at start: where to reach the gateway, and something to
//! try.

use std::io::{self, Write};
use std::net::SocketAddr;

use serde_json::json;

use crate::config::Settings;
use crate::http::{Console, Exposure};
use crate::telemetry::LogFormat;

/// A person to begin with.
const ADA: &str = r#"{"firstName":"Ada","lastName":"Lovelace","age":36,"job":"Mathematician"}"#;

/// Where the gateway really listens, at least one each: ports are never 0 here.
pub(super) struct Addresses {
    pub(super) public: Vec<SocketAddr>,
    pub(super) admin: Vec<SocketAddr>,
}

impl Addresses {
    /// All addresses of one listener.
    pub(super) fn joined(addresses: &[SocketAddr]) -> String {
        addresses
            .iter()
            .map(SocketAddr::to_string)
            .collect::<Vec<_>>()
            .join(", ")
    }
}

impl Addresses {
    /// The admin listener's, where callers of the public one may know it: only if both serve this
    /// machine alone.
    pub(super) fn to_be_told(&self, settings: &Settings) -> Option<SocketAddr> {
        let local = [
            settings.http_options().exposure,
            settings.admin_options().exposure,
        ] == [Exposure::Local; 2];
        self.admin.first().copied().filter(|_| local)
    }
}

/// Writes the addresses, that of the console first, and lines to try, all at once. Programs may
/// rely on the words `REST and live updates` and `admin`, and on the URL behind them; where the log
/// is JSON, these are members of one object.
pub(super) fn write(
    out: &mut dyn Write,
    addresses: &Addresses,
    settings: &Settings,
) -> io::Result<()> {
    let text = match settings.log.format {
        LogFormat::Text => text(addresses, settings),
        LogFormat::Json => json(addresses),
    };
    out.write_all(text.as_bytes()).and_then(|()| out.flush())
}

fn json(addresses: &Addresses) -> String {
    let (public, admin) = (addresses.public[0], addresses.admin[0]);
    let told = json!({
        "message": "listening",
        "REST and live updates": format!("http://{public}/people"),
        "WebSocket": format!("ws://{public}/people"),
        "admin": format!("http://{admin}/readyz"),
    });
    format!("{told}\n")
}

fn text(addresses: &Addresses, settings: &Settings) -> String {
    let (public, admin) = (addresses.public[0], addresses.admin[0]);
    let others = match &addresses.public[1..] {
        [] => String::new(),
        others => format!(
            "  also at                {} ({})\n",
            Addresses::joined(others),
            settings.listen
        ),
    };
    let store = &settings.store.url;
    let console = match settings.http.console {
        Console::On => format!("  console                http://{public}/\n"),
        Console::Off => String::new(),
    };
    let version = env!("CARGO_PKG_VERSION");
    format!(
        r"people-gateway {version}
{console}  store                  {store}
  REST and live updates  http://{public}/people
  WebSocket              ws://{public}/people
  API                    http://{public}/docs  /openapi.json  /asyncapi.yaml
{others}  admin                  http://{admin}/readyz  /livez  /metrics
try:
  curl -s http://{public}/people -H 'Content-Type: application/json' -d '{ADA}'
"
    )
}
