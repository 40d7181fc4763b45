//! The settings as typed values. [`Settings::load`] alone builds them, so every value is valid.

use std::num::{NonZeroU16, NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::listen::ListenAddress;
use super::store_settings::StoreSettings;
use super::store_url::StoreUrl;
use crate::auth::{ClaimPath, KeySet, KeyUrl};
use crate::fanout::EgressChoice;
use crate::http::{Console, Exposure, Host, Origin, ProxyRange};
use crate::rights::Policy;
use crate::telemetry::traces::{CollectorUrl, SampleRatio};
use crate::telemetry::{LogFormat, LogLevel};

/// All settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The address of REST and live updates.
    pub listen: ListenAddress,
    /// The operators' listener.
    pub admin: AdminSettings,
    /// How callers are authenticated.
    pub auth: AuthSettings,
    /// The store.
    pub store: StoreSettings,
    /// REST and its connections.
    pub http: HttpSettings,
    /// Limits on callers.
    pub limits: LimitSettings,
    /// Live updates.
    pub live: LiveSettings,
    /// After SIGTERM: how long the gateway is not ready but serves on.
    pub shutdown_notice: Duration,
    /// After the notice: how long requests and sessions may still run.
    pub shutdown_grace: Duration,
    /// The log.
    pub log: LogSettings,
    /// The trace export.
    pub trace: TraceSettings,
}

impl Settings {
    /// The file in which a gateway with the embedded store makes its own key.
    pub fn made_keys(&self) -> Option<PathBuf> {
        match &self.store.url {
            StoreUrl::Embedded(directory) => Some(directory.join("auth.jwks")),
            StoreUrl::Redis(_) => None,
        }
    }

    /// Whether the gateway makes its own keys: it was given none, and is the only gateway of its
    /// store.
    pub fn makes_keys(&self) -> bool {
        let is_given = self.auth.keys.is_some() || self.auth.jwks.is_some();
        !is_given && self.made_keys().is_some()
    }

    /// From where a listener can be reached.
    pub(super) fn exposure(listen: &ListenAddress) -> Exposure {
        if listen.is_loopback() {
            Exposure::Local
        } else {
            Exposure::Network
        }
    }

    /// Whether other machines can reach the public listener.
    pub fn is_open(&self) -> bool {
        !self.listen.is_loopback()
    }

    /// Which requests the public listener serves. A page behind a rebound name has no token, so a
    /// gateway that asks for tokens accepts any host.
    pub(super) fn public_exposure(&self) -> Exposure {
        match self.auth.mode {
            Some(AuthMode::Jwt) => Exposure::Network,
            None | Some(AuthMode::None) => Self::exposure(&self.listen),
        }
    }
}

/// The operators' listener.
#[derive(Clone, Debug)]
pub struct AdminSettings {
    /// The address of `/livez`, `/readyz` and `/metrics`.
    pub listen: ListenAddress,
    /// Whether it may listen beyond loopback although callers need tokens elsewhere.
    pub open: bool,
}

/// How callers are authenticated.
#[derive(Clone, Debug)]
pub struct AuthSettings {
    /// Whether callers need tokens; none where the operator has not decided, which allows loopback
    /// only.
    pub mode: Option<AuthMode>,
    /// The file with the keys that tokens are verified with.
    pub keys: Option<KeyFile>,
    /// The URL that the keys are fetched from.
    pub jwks: Option<KeyUrl>,
    /// Time between two fetches.
    pub jwks_refresh: Duration,
    /// The least time between two fetches that a token causes.
    pub jwks_retry: Duration,
    /// How long fetched keys hold without a further success.
    pub jwks_stale: Duration,
    /// The file with the roles.
    pub policy: Option<PolicyFile>,
    /// The `iss` of tokens.
    pub issuer: Option<String>,
    /// The `aud` of tokens.
    pub audience: Option<String>,
    /// The claim that names the role.
    pub role_claim: ClaimPath,
    /// How far the clocks of issuer and gateway may differ.
    pub leeway: Duration,
    /// The latest end of a token, from now.
    pub lifetime_max: Duration,
    /// How long before the end of its token a client learns of it: between two and one times this.
    pub refresh_lead: Duration,
    /// Verified tokens that are remembered.
    pub cached_tokens: NonZeroU64,
}

/// A file of keys that was read.
#[derive(Clone, Debug)]
pub struct KeyFile {
    /// The file.
    pub path: PathBuf,
    /// Its keys.
    pub keys: KeySet,
}

/// A file of roles that was read.
#[derive(Clone, Debug)]
pub struct PolicyFile {
    /// The file.
    pub path: PathBuf,
    /// Its roles.
    pub policy: Arc<Policy>,
}

/// How callers are authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMode {
    /// Not at all: every caller may do everything.
    None,
    /// By tokens.
    Jwt,
}

/// Limits on callers, each of this gateway alone. A limit of 0 is off.
#[derive(Clone, Copy, Debug)]
pub struct LimitSettings {
    /// Callers that are remembered.
    pub callers: NonZeroUsize,
    /// Refused tokens of an address in a minute.
    pub bad_tokens_per_minute: u32,
    /// Live sessions of a caller; none where callers have no tokens and the operator set no limit.
    pub sessions: Option<u32>,
    /// Connections of a peer's address.
    pub connections: u32,
    /// Handshakes of an address in a second.
    pub handshakes_per_second: u32,
    /// Requests of a caller in a second.
    pub requests_per_second: u32,
    /// Writes of a caller in a second.
    pub writes_per_second: u32,
}

/// REST and its connections.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// The names of the gateway that a request may address.
    pub hosts: Vec<Host>,
    /// Other origins whose pages may call.
    pub origins: Vec<Origin>,
    /// The peers whose `X-Forwarded-For` is believed.
    pub proxies: Vec<ProxyRange>,
    /// Whether the console is served.
    pub console: Console,
    /// Open connections; none derives the number from the limit of open files.
    pub connections_max: Option<NonZeroUsize>,
    /// Connections that wait for an accept.
    pub backlog: NonZeroU16,
    /// Limit of the time until the head of a request is complete.
    pub header_timeout: Duration,
    /// Limit of the time between two requests of a connection.
    pub keep_alive: Duration,
    /// The longest head of a request.
    pub header_bytes: NonZeroUsize,
    /// The longest body, and the longest line of an import.
    pub body_bytes: NonZeroUsize,
    /// Limit of a pause within a body.
    pub body_idle: Duration,
    /// Limit of the time for a whole body, except of an import.
    pub body_total: Duration,
    /// The kernel's send buffer of one connection.
    pub send_buffer_bytes: NonZeroUsize,
    /// Limit of the time in which a peer takes nothing of an answer.
    pub stall_limit: Duration,
    /// How long the server reads on after its last answer.
    pub linger: Duration,
    /// People that a list holds in memory.
    pub list_buffer_people: NonZeroUsize,
    /// Lines of one import that are saved at the same time.
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
    /// The system calls that write to clients.
    pub egress: EgressChoice,
    /// Commands of sessions that may wait for the dispatcher.
    pub commands: NonZeroUsize,
    /// Changes of each partition that are read into memory at the start.
    pub tail_changes: NonZeroUsize,
    /// Changes that the relay reads from the log at once.
    pub heal_changes: NonZeroUsize,
    /// Changes that a session which catches up reads from the log at once.
    pub catch_up_changes: NonZeroUsize,
    /// The pause after a failed read of that kind.
    pub catch_up_retry: Duration,
    /// Limit of the time in which a session cannot read what it needs.
    pub read_limit: Duration,
    /// People that a snapshot reads at once.
    pub snapshot_people: NonZeroUsize,
    /// Memory for store readings that sessions share.
    pub shared_bytes: NonZeroUsize,
    /// Events that may wait for the relay.
    pub feed_events: NonZeroUsize,
    /// Bytes that may wait for the relay.
    pub feed_bytes: NonZeroUsize,
    /// Time between two pings to a client.
    pub ping_interval: Duration,
    /// Limit of the time without a sign of life of a client.
    pub silence_limit: Duration,
    /// Limit of the wait for the peer's close frame.
    pub close_timeout: Duration,
    /// Time between two position messages.
    pub position_interval: Duration,
    /// Time without a proof of continuity after which clients get `stale`.
    pub stale_after: Duration,
    /// Time between two `stale` messages.
    pub stale_interval: Duration,
    /// Time between two proofs of continuity.
    pub head_interval: Duration,
    /// Time without a proof after which the gateway is not ready.
    pub ready_limit: Duration,
    /// The longest message of a client.
    pub message_bytes: NonZeroUsize,
    /// Messages a second of a client, over the window.
    pub messages_per_second: NonZeroU32,
    /// Fragments of messages a second of a client, over the window.
    pub fragments_per_second: NonZeroU32,
    /// Bytes a second of a client, over the window.
    pub bytes_per_second: NonZeroU32,
    /// The window of these rates.
    pub messages_window: Duration,
}

/// The log.
#[derive(Clone, Copy, Debug)]
pub struct LogSettings {
    /// The least important level that is logged.
    pub level: LogLevel,
    /// The format of a line.
    pub format: LogFormat,
}

/// The trace export.
#[derive(Clone, Debug)]
pub struct TraceSettings {
    /// The collector; none turns tracing off.
    pub endpoint: Option<CollectorUrl>,
    /// The share of requests that are recorded, where the caller has not decided.
    pub sample_ratio: SampleRatio,
    /// Limit of one export.
    pub timeout: Duration,
    /// Time between two exports.
    pub interval: Duration,
    /// Spans that may wait for an export.
    pub queue_spans: NonZeroUsize,
}
