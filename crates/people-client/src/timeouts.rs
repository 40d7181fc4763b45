//! The limits of a client's waits.

use std::time::Duration;

use people_core::Backoff;

/// The default limit for a token.
pub(crate) const TOKEN_LIMIT: Duration = Duration::from_secs(10);

/// How long a client waits. Each field is an upper bound; random waits are shorter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For a token from its source, before an attempt to connect.
    pub token: Duration,
    /// For the TCP connection, the TLS handshake and the answer to the WebSocket's handshake.
    pub connect: Duration,
    /// For a frame from the server, pings included; the server pings every 15 s. Then the client
    /// gives up the connection.
    pub silence: Duration,
    /// For the server's close frame after a stop.
    pub stop: Duration,
    /// Before the second attempt to connect. The bound doubles with each further attempt.
    pub backoff_first: Duration,
    /// Before any attempt to connect, also if the server names a longer wait.
    pub backoff_most: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            token: TOKEN_LIMIT,
            connect: Duration::from_secs(10),
            silence: Duration::from_secs(45),
            stop: Duration::from_secs(5),
            backoff_first: Duration::from_millis(250),
            backoff_most: Duration::from_secs(30),
        }
    }
}

impl Timeouts {
    /// The waits between attempts to connect.
    pub(crate) const fn backoff(&self) -> Backoff {
        Backoff::new(self.backoff_first, self.backoff_most)
    }
}
