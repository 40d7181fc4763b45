//! The measured quantities: their keys in JSON, their titles in the table, and their precision.

/// A measured quantity.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figure {
    /// The key in JSON, unit last.
    pub(crate) key: &'static str,
    /// The title in the table.
    pub(crate) title: &'static str,
    pub(crate) decimals: usize,
}

const fn figure(key: &'static str, title: &'static str, decimals: usize) -> Figure {
    Figure {
        key,
        title,
        decimals,
    }
}

pub(crate) const SERVER_US: Figure =
    figure("server_us_per_delivery", "server CPU, us a delivery", 2);
pub(crate) const EGRESS_US: Figure =
    figure("egress_us_per_delivery", "of it, the sending thread", 2);
pub(crate) const REDIS_US: Figure = figure("redis_us_per_delivery", "Redis CPU, us a delivery", 2);
pub(crate) const SECOND_US: Figure = figure(
    "writer_us_per_delivery",
    "second gateway's CPU, us a delivery",
    2,
);
pub(crate) const LOAD_US: Figure = figure("load_us_per_delivery", "load CPU, us a delivery", 2);
pub(crate) const EVENT_US: Figure = figure("server_us_per_event", "server CPU, us an event", 1);
pub(crate) const DELIVERIES: Figure = figure("deliveries", "deliveries", 0);
pub(crate) const DELIVERIES_PER_SECOND: Figure =
    figure("deliveries_per_second", "deliveries a second", 0);
pub(crate) const EVENTS_PER_SECOND: Figure = figure("events_per_second", "events a second", 1);
pub(crate) const FRAME_BYTES: Figure = figure("payload_bytes", "payload, bytes a delivery", 0);
pub(crate) const P50_MS: Figure = figure("latency_p50_ms", "latency p50, ms", 2);
pub(crate) const P99_MS: Figure = figure("latency_p99_ms", "latency p99, ms", 2);
pub(crate) const P999_MS: Figure = figure("latency_p999_ms", "latency p99.9, ms", 2);
pub(crate) const MAX_MS: Figure = figure("latency_max_ms", "latency, longest, ms", 2);
pub(crate) const CONNECT_US: Figure =
    figure("server_us_per_connect", "server CPU, us a connect", 1);
pub(crate) const CONNECTS_PER_SECOND: Figure =
    figure("connects_per_second", "connects a second", 0);
pub(crate) const KIB_CONNECTION: Figure =
    figure("kib_per_connection", "memory, KiB a connection", 2);
pub(crate) const KIB_AT_REST: Figure = figure(
    "kib_per_connection_at_rest",
    "memory, KiB a connection, at rest",
    2,
);
pub(crate) const KIB_AT_END: Figure = figure(
    "kib_per_connection_at_end",
    "memory, KiB a connection, at the end",
    2,
);
pub(crate) const RESIDENT_MIB: Figure = figure("resident_mib", "memory at the end, MiB", 1);
pub(crate) const PEAK_MIB: Figure = figure("resident_peak_mib", "memory at most, MiB", 1);
pub(crate) const LIVE_MS: Figure = figure("all_live_ms", "until all are live, ms", 0);
pub(crate) const CLIENT_US: Figure = figure("server_us_per_client", "server CPU, us a client", 1);
pub(crate) const LOG_READS: Figure = figure("log_reads", "readings of the log", 0);
pub(crate) const OVERFLOWS: Figure = figure("queue_overflows", "queues that overflowed", 0);
pub(crate) const LOST: Figure = figure("lost", "lost", 0);
pub(crate) const DOUBLED: Figure = figure("doubled", "doubled", 0);
pub(crate) const OTHERS: Figure = figure("others_percent", "CPU of others, % of a core", 0);
pub(crate) const STOLEN: Figure =
    figure("stolen_percent", "stolen by the hypervisor, % of a core", 0);
pub(crate) const WRITES_PER_SECOND: Figure = figure("writes_per_second", "writes a second", 0);
pub(crate) const REDIS_US_WRITE: Figure = figure("redis_us_per_write", "Redis CPU, us a write", 1);
pub(crate) const GATEWAY_US_WRITE: Figure =
    figure("gateway_us_per_write", "gateway CPU, us a write", 1);
pub(crate) const LOAD_US_WRITE: Figure = figure("load_us_per_write", "load CPU, us a write", 1);
