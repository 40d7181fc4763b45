//! Why the gateway could not start.

use std::io;
use std::net::SocketAddr;

use crate::telemetry::traces::ExportError;

/// Why the gateway could not start, in one sentence each.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// Somebody listens there already.
    #[error(
        "{address} is in use already: choose another address with {flag}, or end what listens there"
    )]
    AddressInUse {
        /// The address.
        address: SocketAddr,
        /// The flag that sets it.
        flag: &'static str,
    },
    /// The address cannot be listened on for another reason.
    #[error("cannot listen on {address} (set with {flag})")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The flag that sets it.
        flag: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The process's own surroundings failed.
    #[error("cannot {what}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The relay ended, which it does at a shutdown only.
    #[error(
        "the relay has ended by itself, so nobody can be served: please report what the log says \
         before this"
    )]
    Relay,
    /// What is to be traced cannot be exported.
    #[error(transparent)]
    Trace(#[from] ExportError),
    /// The store refuses to be used like this; trying again would not help.
    #[error("the store cannot be used: {0}")]
    Store(String),
}

impl AppError {
    /// A failed bind.
    pub(super) fn listen(address: SocketAddr, flag: &'static str, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::AddressInUse { address, flag },
            _ => Self::Listen {
                address,
                flag,
                source,
            },
        }
    }
}
