//! What a person at the terminal is told at start: where to reach the gateway, and something to try.

use std::io::{self, Write};
use std::net::SocketAddr;

use crate::config::StoreUrl;

/// Where the gateway really listens: ports are never 0 here.
pub(super) struct Addresses {
    pub(super) public: SocketAddr,
    pub(super) admin: SocketAddr,
}

/// Writes the addresses and lines to try, all at once. Programs may rely on the words `REST and live updates` and
/// `admin`, and on the URL behind them.
pub(super) fn write(out: &mut dyn Write, addresses: &Addresses, store: &StoreUrl) -> io::Result<()> {
    let Addresses { public, admin } = addresses;
    let version = env!("CARGO_PKG_VERSION");
    let text = format!(
        r#"people-gateway {version}
  store                  {store}
  REST and live updates  http://{public}/people
  WebSocket              ws://{public}/people
  admin                  http://{admin}/readyz  /livez  /metrics
try:
  curl -s http://{public}/people -H 'Content-Type: application/json' -d '{{"firstName":"Ada","lastName":"Lovelace","age":36,"job":"Mathematician"}}'
"#
    );
    out.write_all(text.as_bytes()).and_then(|()| out.flush())
}
