//! The message on standard output at start: the addresses of the gateway, and a command to try.

use std::io::{self, Write};
use std::net::SocketAddr;

use serde_json::json;

use crate::config::{AuthMode, Settings};
use crate::http::{Console, Exposure};
use crate::telemetry::LogFormat;

/// The person of the command.
const ADA: &str = r#"{"firstName":"Ada","lastName":"Lovelace","age":36,"job":"Mathematician"}"#;

/// The bound addresses of both listeners, at least one each; no port is 0.
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

    /// The admin listener's address, where callers of the public listener may learn it: only if
    /// both serve this machine alone.
    pub(super) fn public_admin(&self, settings: &Settings) -> Option<SocketAddr> {
        let local = [
            settings.http_options().exposure,
            settings.admin_options().exposure,
        ] == [Exposure::Local; 2];
        self.admin.first().copied().filter(|_| local)
    }
}

/// Writes the addresses, the console's first, and a command to try, in one write. Programs may rely
/// on the words `REST and live updates` and `admin`, and on the URL after them. Where the log is
/// JSON, they are members of one object.
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
    let message = json!({
        "message": "listening",
        "REST and live updates": format!("http://{public}/people"),
        "WebSocket": format!("ws://{public}/people"),
        "admin": format!("http://{admin}/readyz"),
    });
    format!("{message}\n")
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
    let tokens = match (settings.auth.mode, settings.made_keys()) {
        (Some(AuthMode::Jwt), Some(path)) if settings.makes_keys() => format!(
            "  tokens                 people-gateway token --sub NAME  (key: {})\n",
            path.display()
        ),
        _ => String::new(),
    };
    let credential = match settings.auth.mode {
        Some(AuthMode::Jwt) if tokens.is_empty() => " -H \"Authorization: Bearer $TOKEN\"",
        Some(AuthMode::Jwt) => " -H \"Authorization: Bearer $(people-gateway token --sub NAME)\"",
        None | Some(AuthMode::None) => "",
    };
    let version = env!("CARGO_PKG_VERSION");
    format!(
        r"people-gateway {version}
{console}  store                  {store}
  REST and live updates  http://{public}/people
  WebSocket              ws://{public}/people
  API                    http://{public}/docs  /openapi.json  /asyncapi.yaml
{others}{tokens}  admin                  http://{admin}/readyz  /livez  /metrics
try:
  curl -s http://{public}/people{credential} -H 'Content-Type: application/json' -d '{ADA}'
"
    )
}
