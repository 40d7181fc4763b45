//! The limits of the HTTP front, with their defaults.

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Duration;

use super::{Exposure, Host, Origin, ProxyRange};

/// Limits on requests and their bodies.
#[derive(Clone, Debug)]
pub struct Options {
    /// The longest body, and the longest line of an import, in bytes.
    pub body_bytes_max: usize,
    /// The longest wait for the next byte of a body.
    pub body_idle_limit: Duration,
    /// The longest time for a whole body. An import has no such limit.
    pub body_total_limit: Duration,
    /// People that a list holds in memory while it is sent, over all partitions.
    pub list_buffer_people: NonZeroUsize,
    /// Lines of one import that are being saved at the same time.
    pub import_in_flight: NonZeroUsize,
    /// Refused lines after which an import stops.
    pub import_refused_max: NonZeroUsize,
    /// From where the listener can be reached.
    pub exposure: Exposure,
    /// The names of the gateway that a request may address.
    pub hosts: Vec<Host>,
    /// The origins whose pages may call the gateway, besides its own.
    pub origins: Vec<Origin>,
    /// The peers whose `X-Forwarded-For` is believed.
    pub proxies: Vec<ProxyRange>,
    /// The admin listener's address, if callers may learn it.
    pub admin: Option<SocketAddr>,
    /// Whether the console is served.
    pub console: Console,
}

/// Which requests the admin listener serves.
#[derive(Clone, Debug)]
pub struct AdminOptions {
    /// From where it can be reached.
    pub exposure: Exposure,
    /// The names of the gateway that a request may address.
    pub hosts: Vec<Host>,
}

/// Whether the public listener serves the console, at `/` and below `/console`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Console {
    /// The console is served.
    #[default]
    On,
    /// Its paths answer 404.
    Off,
}

/// A text that is neither `on` nor `off`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("has to be on or off")]
pub struct UnknownConsole;

impl FromStr for Console {
    type Err = UnknownConsole;

    fn from_str(text: &str) -> Result<Self, UnknownConsole> {
        [Self::On, Self::Off]
            .into_iter()
            .find(|console| console.to_string() == text)
            .ok_or(UnknownConsole)
    }
}

impl fmt::Display for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::On => "on",
            Self::Off => "off",
        })
    }
}

/// Limits on connections.
#[derive(Clone, Copy, Debug)]
pub struct ServerOptions {
    /// Connections at a time, live sessions included; one more is answered 503 and closed.
    pub connections_max: NonZeroUsize,
    /// Connections that the kernel queues until they are accepted.
    pub backlog: u16,
    /// The longest time for the head of a request, counted from its first byte; for the first head
    /// of a connection, from the accept.
    pub header_limit: Duration,
    /// The longest time that a connection stays open between two requests.
    pub keep_alive: Duration,
    /// The longest head of a request, in bytes (at least 8192).
    pub header_bytes_max: usize,
    /// The kernel's send buffer of one connection, in bytes.
    pub send_buffer_bytes: usize,
    /// The longest time that a peer may acknowledge nothing of the data sent to it; then the
    /// connection is cut.
    pub stall_limit: Duration,
    /// How long the server reads on after its last answer: closing a socket with unread data would
    /// reset the connection, and the reset might overtake the answer.
    pub linger_limit: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            body_bytes_max: 64 * 1024,
            body_idle_limit: Duration::from_secs(10),
            body_total_limit: Duration::from_secs(30),
            list_buffer_people: NonZeroUsize::new(1024).expect("not zero"),
            import_in_flight: NonZeroUsize::new(64).expect("not zero"),
            import_refused_max: NonZeroUsize::new(1000).expect("not zero"),
            exposure: Exposure::Local,
            hosts: Vec::new(),
            origins: Vec::new(),
            proxies: Vec::new(),
            admin: None,
            console: Console::On,
        }
    }
}

impl Default for ServerOptions {
    /// `connections_max` is 10,000 here; the configuration derives it from the limit of open files.
    fn default() -> Self {
        Self {
            connections_max: NonZeroUsize::new(10_000).expect("not zero"),
            backlog: 4096,
            header_limit: Duration::from_secs(10),
            keep_alive: Duration::from_secs(75),
            header_bytes_max: 64 * 1024,
            send_buffer_bytes: 64 * 1024,
            stall_limit: Duration::from_secs(30),
            linger_limit: Duration::from_secs(1),
        }
    }
}
