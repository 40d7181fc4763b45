//! Every metric of the gateway, by name. The names are a promise to dashboards and alerts:
//! docs/operations.md lists them, and a test compares.
//!
//! Handles are plain atomics that clone cheaply. What happens once for each delivery is counted by
//! the thread that does it and added once for many ([`Observations`], [`VerdictCounts`]).

mod damages;
mod histogram;
mod labels;
#[cfg(target_os = "linux")]
mod process;
mod text_format;

pub use damages::{DamageAt, Damages};
pub use histogram::{Histogram, Observations, WallClock};
pub use labels::{
    BreakLabel, CloseLabel, DamageLabel, Each, FormatLabel, Label, LineLabel, RedisCommandLabel,
    RedisErrorLabel, RequestLabels, RouteLabels, SourceLabel, StoreErrorLabel, VerdictCounts,
    VerdictLabel,
};
pub use text_format::text_format;

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::Registry;

use super::Readiness;
#[cfg(target_os = "linux")]
use process::Process;

/// What the names of our own metrics begin with.
const PREFIX: &str = "people_gateway";

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
                let registry = registry.sub_registry_with_prefix(PREFIX);
                $(
                    let help = concat!($($help),*).trim();
                    registry.register(stringify!($name), help, metrics.$name.clone());
                )*
                metrics
            }
        }
    };
}

metrics! {
    /// Requests answered, by method, route and status
    http_requests: Family<RequestLabels, Counter>,
    /// Time from a request's head to its answer's head, by method and route
    http_request_duration_seconds: Family<RouteLabels, Histogram>,
    /// Bytes of bodies that clients sent
    http_request_body_bytes: Counter,
    /// Bytes of bodies that clients were sent, server-sent events included
    http_response_body_bytes: Counter,
    /// Open connections, sessions included
    http_connections: Gauge,
    /// Connections that may be open
    http_connections_max: Gauge,
    /// Connections refused because the limit was reached
    http_connections_refused: Counter,
    /// Imports begun
    imports: Counter,
    /// Lines of imports, by outcome
    import_lines: Each<LineLabel, Counter>,
    /// Writes carried out
    store_writes: Counter,
    /// Pipelines of calls (Redis) or commits (embedded)
    store_batches: Counter,
    /// Store calls that failed, by reason
    store_errors: Each<StoreErrorLabel, Counter>,
    /// What the store is known to hold that cannot be served, by kind; at most 256 in all are
    /// remembered
    store_damage: Damages,
    /// Time from a pipeline's sending to its last answer, once for each of its commands, by command
    redis_command_duration_seconds: Each<RedisCommandLabel, Histogram>,
    /// Commands without an answer of use, each attempt of its own, by kind
    redis_errors: Each<RedisErrorLabel, Counter>,
    /// Changes that the relay passed on, in order
    relay_changes: Counter,
    /// Time from a change, by its writer's clock, to its passing on by the relay
    relay_lag_seconds: Histogram,
    /// Frames that were dropped as already known
    relay_duplicates: Counter,
    /// Times the log was asked to continue where frames did not
    relay_heals: Counter,
    /// Times the relay's queue was full and frames were dropped
    relay_gaps: Counter,
    /// Times the subscription was lost
    relay_disconnects: Counter,
    /// Times the store's own history broke, by reason
    relay_resets: Each<BreakLabel, Counter>,
    /// Seconds since continuity was last proved against the store's head
    relay_unproved_seconds: Gauge<f64, AtomicU64>,
    /// Live sessions, by format
    sessions: Each<FormatLabel, Gauge>,
    /// Sessions ended, by close code
    sessions_closed: Each<CloseLabel, Counter>,
    /// Views that are served as changes come: the others catch up, or are shown a snapshot
    views: Gauge,
    /// Groups of sessions with equal subscriptions, each evaluated once
    subscription_groups: Gauge,
    /// Different filters in use
    filters: Gauge,
    /// Changes handed to sessions as they came, by verdict
    deliveries: Each<VerdictLabel, Counter>,
    /// Time from a change, by its writer's clock, to its write to a session's socket, once for each
    /// delivery
    delivery_latency_seconds: Histogram,
    /// Bytes that sessions' sockets took, all frames included
    session_sent_bytes: Counter,
    /// Times a socket could not take what was sent at once
    session_partial_writes: Counter,
    /// Times a session's queue overflowed and the session had to catch up
    session_overflows: Counter,
    /// Times a session left the stream because its pattern may take long on a change
    session_offloads: Counter,
    /// Times a session began to catch up with what it had missed
    catch_ups: Counter,
    /// Changes that were read for sessions which catch up, by source
    catch_up_changes: Each<SourceLabel, Counter>,
    /// Changes shown to sessions which catch up, after composing, by verdict
    catch_up_deliveries: Each<VerdictLabel, Counter>,
    /// Questions to the log, or to a shared answer of it, by sessions which catch up
    session_log_reads: Counter,
    /// Snapshots begun
    snapshots: Counter,
    /// Pages of people that snapshots went through, read or shared
    snapshot_pages: Counter,
    /// Views that were shown anew because their place could not be continued, by reason
    session_resets: Each<BreakLabel, Counter>,
    /// Text sessions that went on from the new head after the store lost history, by reason
    session_new_heads: Each<BreakLabel, Counter>,
    /// Spans that were recorded
    trace_spans: Counter,
    /// Spans that a collector took: others wait, or were dropped
    trace_spans_exported: Counter,
}

/// A registry of all that a gateway tells: its metrics, whether it is ready, what it was built
/// from, and its process.
pub fn registry(readiness: Readiness) -> (Registry, Metrics) {
    let mut registry = Registry::default();
    let metrics = Metrics::register(&mut registry);
    let own = registry.sub_registry_with_prefix(PREFIX);
    own.register_collector(Box::new(readiness));
    // A gauge, as of other exporters, not OpenMetrics' own type of such: not all that read metrics
    // know that.
    let built = own.sub_registry_with_label(("version".into(), env!("CARGO_PKG_VERSION").into()));
    built.register(
        "build_info",
        "What this gateway was built from: always 1",
        ConstGauge::new(1_i64),
    );
    #[cfg(target_os = "linux")]
    registry.register_collector(Box::new(Process));
    (registry, metrics)
}
