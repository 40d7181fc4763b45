//! The settings, typed: what the program runs with. Built by [`super::Settings::load`] only, so
//! every value is valid.

use std::num::{NonZeroU16, NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use super::listen::Listen;
use super::store_url::StoreUrl;
use crate::fanout::EgressChoice;
use crate::http::{Console, Exposure, Host, Origin};
use crate::telemetry::traces::{Endpoint, SampleRatio};
use crate::telemetry::{LogFormat, LogLevel};

/// Everything that can be set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where REST and live updates are served.
    pub listen: Listen,
    /// The operators' listener.
    pub admin: AdminSettings,
    /// Who may come in; nothing where nobody decided, which allows loopback only.
    pub auth: Option<AuthMode>,
    /// The store.
    pub store: StoreSettings,
    /// REST and the connections below it.
    pub http: HttpSettings,
    /// Live updates.
    pub live: LiveSettings,
    /// From SIGTERM on: not ready, and still serving.
    pub shutdown_notice: Duration,
    /// From then on to the end.
    pub shutdown_grace: Duration,
    /// What is logged, and how.
    pub log: LogSettings,
    /// What is traced, and where that goes.
    pub trace: TraceSettings,
}

impl Settings {
    /// Who can reach a listener.
    pub(super) fn exposure(&self, listen: &Listen) -> Exposure {
        match self.auth {
            None | Some(AuthMode::None) if listen.is_loopback() => Exposure::Local,
            None | Some(AuthMode::None) => Exposure::Network,
        }
    }
}

/// The operators' listener.
#[derive(Clone, Debug)]
pub struct AdminSettings {
    /// Where `/livez`, `/readyz` and `/metrics` are served.
    pub listen: Listen,
}

/// How callers are recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMode {
    /// Not at all: whoever reaches the listener may do everything.
    None,
}

/// Where people are kept.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// Which store.
    pub url: StoreUrl,
    /// The file that the address was read from, where it does not stand in a setting.
    pub url_file: Option<PathBuf>,
    /// The first word of every key and channel in Redis.
    pub prefix: String,
    /// Logs; read by the first migration.
    pub partitions: NonZeroU16,
    /// Changes that a log keeps.
    pub log_max: NonZeroUsize,
    /// Whether the layout is brought up to date at start.
    pub migrate: Migrate,
    /// How long an idempotency key is remembered.
    pub idempotency_ttl: Duration,
    /// Making a connection.
    pub connect_timeout: Duration,
    /// Waiting for the answer to a command.
    pub command_timeout: Duration,
    /// Pooled connections.
    pub pool_size: NonZeroUsize,
    /// Waiting for a pooled connection.
    pub pool_wait: Duration,
    /// Pipelines under way at once.
    pub lanes: NonZeroUsize,
    /// Commands in one pipeline.
    pub batch: NonZeroUsize,
    /// Calls that may wait.
    pub queue: NonZeroUsize,
    /// One call in all, repeats included.
    pub retry_limit: Duration,
    /// For another gateway's migration to end.
    pub migration_wait: Duration,
    /// Memory for the embedded file's pages.
    pub cache_bytes: NonZeroUsize,
    /// Writes in one commit.
    pub commit_batch: NonZeroUsize,
    /// The connection that receives what is published.
    pub subscription: SubscriptionSettings,
}

/// Whether `serve` migrates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Migrate {
    /// Bring the layout up to date first.
    AtStart,
    /// Only check it: somebody runs `people-gateway migrate`.
    ByHand,
}

/// Supervision of the subscription.
#[derive(Clone, Debug)]
pub struct SubscriptionSettings {
    /// Between two pings.
    pub ping_interval: Duration,
    /// Waiting for a pong.
    pub ping_timeout: Duration,
    /// The first pause before connecting again.
    pub backoff_min: Duration,
    /// The longest one.
    pub backoff_max: Duration,
}

/// REST and the connections below it.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// The names by which the gateway is called.
    pub hosts: Vec<Host>,
    /// Foreign origins that may call.
    pub origins: Vec<Origin>,
    /// Whether the console is served.
    pub console: Console,
    /// Open connections; nothing takes what the limit of open files leaves.
    pub connections_max: Option<NonZeroUsize>,
    /// Connections that wait to be accepted.
    pub backlog: NonZeroU16,
    /// Until the head of a request is complete.
    pub header_timeout: Duration,
    /// Between two requests of a connection.
    pub keep_alive: Duration,
    /// The longest head of a request.
    pub header_bytes: NonZeroUsize,
    /// The longest body, and line of an import.
    pub body_bytes: NonZeroUsize,
    /// A pause within a body.
    pub body_idle: Duration,
    /// A whole body, imports excepted.
    pub body_total: Duration,
    /// The kernel's send buffer of one connection.
    pub send_buffer_bytes: NonZeroUsize,
    /// A peer that takes nothing of an answer.
    pub stall_limit: Duration,
    /// Reading on after the last answer.
    pub linger: Duration,
    /// People that a list holds in memory.
    pub list_buffer_people: NonZeroUsize,
    /// Lines of one import being saved at the same time.
    pub import_in_flight: NonZeroUsize,
    /// Refused lines after which an import stops.
    pub import_refused_max: NonZeroUsize,
}

/// Live updates.
#[derive(Clone, Debug)]
pub struct LiveSettings {
    /// Changes kept in memory.
    pub ring_bytes: NonZeroUsize,
    /// Changes that may wait for one client.
    pub queue_changes: NonZeroUsize,
    /// Bytes that may wait for one client.
    pub queue_bytes: NonZeroUsize,
    /// By which system calls clients are written to.
    pub egress: EgressChoice,
    /// Joins, leaves and new filters that may wait for the dispatcher.
    pub commands: NonZeroUsize,
    /// Changes of each partition that are read into memory at the start.
    pub tail_changes: NonZeroUsize,
    /// Changes that one question of the relay to the log brings.
    pub heal_changes: NonZeroUsize,
    /// Changes that a client which fell behind memory is read from the log at once.
    pub catch_up_changes: NonZeroUsize,
    /// The pause after such a reading failed.
    pub catch_up_retry: Duration,
    /// How long a client waits for what cannot be read.
    pub read_limit: Duration,
    /// `live.snapshot_people`
    pub snapshot_people: NonZeroUsize,
    /// `live.shared_bytes`
    pub shared_bytes: NonZeroUsize,
    /// Events that may wait for the relay.
    pub feed_events: NonZeroUsize,
    /// Bytes that may wait for the relay.
    pub feed_bytes: NonZeroUsize,
    /// Between two pings to a client.
    pub ping_interval: Duration,
    /// Without a sign of life.
    pub silence_limit: Duration,
    /// Waiting for the peer's close frame.
    pub close_timeout: Duration,
    /// Between two positions told.
    pub position_interval: Duration,
    /// `live.stale_after_ms`
    pub stale_after: Duration,
    /// `live.stale_interval_ms`
    pub stale_interval: Duration,
    /// Between two proofs of continuity.
    pub head_interval: Duration,
    /// Without proof, until not ready.
    pub ready_limit: Duration,
    /// The longest message of a client.
    pub message_bytes: NonZeroUsize,
    /// Messages a second of a client, over the window.
    pub messages_per_second: NonZeroU32,
    /// Fragments of messages a second of a client, over the window.
    pub fragments_per_second: NonZeroU32,
    /// Bytes a second of a client, over the window.
    pub bytes_per_second: NonZeroU32,
    /// The window.
    pub messages_window: Duration,
}

/// What is logged, and how.
#[derive(Clone, Copy, Debug)]
pub struct LogSettings {
    /// The least important that is shown.
    pub level: LogLevel,
    /// The form of a line.
    pub format: LogFormat,
}

/// What is traced, and where that goes.
#[derive(Clone, Debug)]
pub struct TraceSettings {
    /// The collector; nothing where there is none, and then nothing is traced.
    pub endpoint: Option<Endpoint>,
    /// The share of requests that are recorded, where the caller did not decide it.
    pub sample_ratio: SampleRatio,
    /// One export.
    pub timeout: Duration,
    /// Between two exports.
    pub interval: Duration,
    /// Spans that may wait for an export.
    pub queue_spans: NonZeroUsize,
}
