//! The errors that end the gateway.

use std::io;
use std::net::SocketAddr;

use crate::auth::PrivateKeysError;
use crate::telemetry::traces::ExportError;

/// Why the gateway could not start or go on; each is one sentence for an operator.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// Another process listens there.
    #[error(
        "{address} is in use already: choose another address with {flag}, or end what listens there"
    )]
    AddressInUse {
        /// The address.
        address: SocketAddr,
        /// The flag that sets it.
        flag: &'static str,
    },
    /// The address cannot be bound for another reason.
    #[error("cannot listen on {address} (set with {flag})")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The flag that sets it.
        flag: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// A call to the operating system failed.
    #[error("cannot {what}")]
    System {
        /// The action that failed, after "cannot".
        what: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// The relay ended without a shutdown.
    #[error(
        "the relay has ended unexpectedly, so no client can be served: please report the log lines \
         before this"
    )]
    Relay,
    /// The trace export cannot start.
    #[error(transparent)]
    Trace(#[from] ExportError),
    /// The keys of tokens cannot be read or made.
    #[error("callers cannot be authenticated")]
    Keys(#[from] PrivateKeysError),
    /// The store refuses these settings; trying again would not help.
    #[error("the store cannot be used")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
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
