//! Every metric of the gateway, by name; handles are plain atomics that clone cheaply.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Why something was reset or refused.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ReasonLabel {
    /// A constant word.
    pub reason: &'static str,
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct CloseLabel {
    /// The WebSocket close code that was sent; 1006 when the peer just went.
    pub code: u16,
}

/// How a request was answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct StatusLabel {
    /// The HTTP method.
    pub method: &'static str,
    /// The HTTP status.
    pub status: u16,
}

macro_rules! metrics {
    ($( $(#[doc = $help:literal])* $name:ident: $kind:ty ),* $(,)?) => {
        /// The handles. One registry per process; tests make their own.
        #[derive(Clone, Debug, Default)]
        pub struct Metrics {
            $( $(#[doc = $help])* pub $name: $kind, )*
        }

        impl Metrics {
            /// Fresh metrics, registered under `people_gateway_`.
            pub fn register(registry: &mut Registry) -> Self {
                let metrics = Self::default();
                let registry = registry.sub_registry_with_prefix("people_gateway");
                $( registry.register(stringify!($name), concat!($($help),*).trim(), metrics.$name.clone()); )*
                metrics
            }
        }
    };
}

metrics! {
    /// Requests answered, by method and status
    http_requests: Family<StatusLabel, Counter>,
    /// Open connections, sessions included
    http_connections: Gauge,
    /// Connections refused because the limit was reached
    http_connections_refused: Counter,
    /// Store calls that failed, by kind
    store_errors: Family<ReasonLabel, Counter>,
    /// Batches of commands (Redis) or commits (embedded)
    store_batches: Counter,
    /// Writes carried out
    store_writes: Counter,
    /// Changes that the relay passed on, in order
    relay_changes: Counter,
    /// Frames that were dropped as already known
    relay_duplicates: Counter,
    /// Times the log was asked to continue where frames did not
    relay_heals: Counter,
    /// Times the relay's queue was full and frames were dropped
    relay_gaps: Counter,
    /// Times the subscription was lost
    relay_disconnects: Counter,
    /// Times the store's own history broke, by reason
    relay_resets: Family<ReasonLabel, Counter>,
    /// Seconds since continuity was last proved against the store's head
    relay_unproved_seconds: Gauge<f64, AtomicU64>,
    /// Live sessions
    sessions: Gauge,
    /// Sessions ended, by close code
    sessions_closed: Family<CloseLabel, Counter>,
    /// Frames handed to sessions
    deliveries: Counter,
    /// Times a socket could not take what was sent at once
    session_backlogs: Counter,
    /// Times a session's queue overflowed and the session had to catch up
    session_overflows: Counter,
    /// Views that were shown anew because their place could not be continued, by reason
    session_resets: Family<ReasonLabel, Counter>,
    /// Catch-ups that had to read the log because the ring no longer reached
    session_log_reads: Counter,
}
