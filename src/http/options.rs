//! The limits of the HTTP front, with their defaults.

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Duration;

use super::{Exposure, Host, Origin};

/// Limits on requests and their bodies.
#[derive(Clone, Debug)]
pub struct Options {
    /// A body may be this long, in bytes; so may a line of an import.
    pub body_bytes_max: usize,
    /// A body must bring another byte within this time.
    pub body_idle_limit: Duration,
    /// A body must be complete within this time. An import has no such limit.
    pub body_total_limit: Duration,
    /// People that a list holds in memory while it is streamed, over all partitions.
    pub list_buffer_people: NonZeroUsize,
    /// Lines of one import that are being saved at the same time.
    pub import_in_flight: NonZeroUsize,
    /// Refused lines after which an import stops.
    pub import_refused_max: NonZeroUsize,
    /// Who can reach the listener.
    pub exposure: Exposure,
    /// The names by which the gateway is called.
    pub hosts: Vec<Host>,
    /// The origins whose pages may call us, besides our own host.
    pub origins: Vec<Origin>,
    /// Where the admin listener is, if callers may be told.
    pub admin: Option<SocketAddr>,
    /// Whether the console is there.
    pub console: Console,
}

/// Who may call the admin listener.
#[derive(Clone, Debug)]
pub struct AdminOptions {
    /// Who can reach it.
    pub exposure: Exposure,
    /// The names by which the gateway is called.
    pub hosts: Vec<Host>,
}

/// Whether the public listener serves the console, at `/` and below `/console`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Console {
    /// It does.
    #[default]
    On,
    /// These paths are not found.
    Off,
}

/// A text that is neither.
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
    /// Connections that the kernel keeps waiting until they are accepted.
    pub backlog: u16,
    /// The head of a request must be complete within this time, counted from its first byte; the
    /// first one of a connection, from the connection on.
    pub header_limit: Duration,
    /// A connection is closed when this long no further request comes.
    pub keep_alive: Duration,
    /// The head of a request may be this long, in bytes (at least 8192).
    pub header_bytes_max: usize,
    /// What the kernel may hold for a peer that reads slowly, in bytes.
    pub send_buffer_bytes: usize,
    /// A peer that takes nothing of what waits for it is cut off after this time.
    pub stall_limit: Duration,
    /// After the last answer, what a peer is still sending is read for at most this long, so that
    /// closing does not destroy the answer on its way.
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
