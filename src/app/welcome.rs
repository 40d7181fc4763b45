//! What a person at the terminal is told at start: where to reach the gateway, and something to try.

use std::io::{self, Write};
use std::net::SocketAddr;

use crate::config::StoreUrl;

/// Where the gateway really listens: ports are never 0 here.
pub(super) struct Addresses {
    pub(super) public: SocketAddr,
    pub(super) admin: SocketAddr,
}

/// Writes the addresses and a line to try. Programs may rely on `REST and live updates` and `admin` and the URL behind.
pub(super) fn write(out: &mut dyn Write, addresses: &Addresses, store: &StoreUrl) -> io::Result<()> {
    let Addresses { public, admin } = addresses;
    writeln!(out, "people-gateway {}", env!("CARGO_PKG_VERSION"))?;
    writeln!(out, "  store                  {store}")?;
    writeln!(out, "  REST and live updates  http://{public}/people")?;
    writeln!(out, "  WebSocket              ws://{public}/people")?;
    writeln!(out, "  admin                  http://{admin}/readyz  /livez  /metrics")?;
    writeln!(out, "try:")?;
    writeln!(
        out,
        "  curl -s http://{public}/people -H 'Content-Type: application/json' \
         -d '{{\"firstName\":\"Ada\",\"lastName\":\"Lovelace\",\"age\":36,\"job\":\"Mathematician\"}}'"
    )?;
    out.flush()
}
