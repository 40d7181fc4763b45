//! The effective settings as TOML, in the form of a `--config` file; passwords are hidden.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use toml::{Table, Value};

use super::settings::{
    AuthMode, AuthSettings, HttpSettings, LimitSettings, LiveSettings, Settings, TraceSettings,
};
use super::store_settings::{Migration, SentinelSettings, StoreSettings, SubscriptionSettings};
use crate::store::redis::{PubSub, REDACTED};

impl Settings {
    /// One key a line, in the sections of `config/default.toml`.
    pub fn to_toml(&self) -> String {
        let root = table([
            ("listen", self.listen.to_string().into()),
            (
                "admin",
                table([
                    ("listen", self.admin.listen.to_string().into()),
                    ("open", self.admin.open.into()),
                ])
                .into(),
            ),
            ("auth", auth(&self.auth).into()),
            ("store", store(&self.store).into()),
            ("http", http(&self.http).into()),
            ("limits", limits(&self.limits).into()),
            ("live", live(&self.live).into()),
            (
                "shutdown",
                table([
                    ("notice_ms", milliseconds(self.shutdown_notice)),
                    ("grace_ms", milliseconds(self.shutdown_grace)),
                ])
                .into(),
            ),
            (
                "log",
                table([
                    ("level", self.log.level.to_string().into()),
                    ("format", self.log.format.to_string().into()),
                ])
                .into(),
            ),
            ("trace", trace(&self.trace).into()),
        ]);
        root.to_string()
    }
}

fn auth(auth: &AuthSettings) -> Table {
    let mut table = table([
        ("role_claim", auth.role_claim.to_string().into()),
        ("leeway_ms", milliseconds(auth.leeway)),
        ("lifetime_max_ms", milliseconds(auth.lifetime_max)),
        ("refresh_lead_ms", milliseconds(auth.refresh_lead)),
        ("jwks_refresh_ms", milliseconds(auth.jwks_refresh)),
        ("jwks_retry_ms", milliseconds(auth.jwks_retry)),
        ("jwks_stale_ms", milliseconds(auth.jwks_stale)),
        (
            "cached_tokens",
            Value::Integer(i64::try_from(auth.cached_tokens.get()).unwrap_or(i64::MAX)),
        ),
    ]);
    if let Some(mode) = auth.mode {
        let mode = match mode {
            AuthMode::None => "none",
            AuthMode::Jwt => "jwt",
        };
        put(&mut table, "mode", mode.to_owned());
    }
    if let Some(file) = &auth.keys {
        put(&mut table, "keys", file.path.display().to_string());
    }
    if let Some(file) = &auth.policy {
        put(&mut table, "policy", file.path.display().to_string());
    }
    if let Some(url) = &auth.jwks {
        put(&mut table, "jwks", url.to_string());
    }
    for (name, text) in [("issuer", &auth.issuer), ("audience", &auth.audience)] {
        if let Some(text) = text {
            put(&mut table, name, text.clone());
        }
    }
    table
}

fn store(store: &StoreSettings) -> Table {
    let mut table = table([
        ("prefix", store.prefix.clone().into()),
        ("sentinel", sentinel(&store.sentinel).into()),
        ("durability", durability(store.durable_replicas).into()),
        (
            "durability_timeout_ms",
            milliseconds(store.durability_timeout),
        ),
        (
            "topology_interval_ms",
            milliseconds(store.topology_interval),
        ),
        ("topology_timeout_ms", milliseconds(store.topology_timeout)),
        ("pubsub", pubsub(store.pubsub).into()),
        ("eviction", eviction(store.volatile_eviction).into()),
        ("log_max", number(store.log_max)),
        ("migrate", (store.migrate == Migration::AtStart).into()),
        ("idempotency_ttl_ms", milliseconds(store.idempotency_ttl)),
        ("connect_timeout_ms", milliseconds(store.connect_timeout)),
        ("command_timeout_ms", milliseconds(store.command_timeout)),
        ("pool_size", number(store.pool_size)),
        ("pool_wait_ms", milliseconds(store.pool_wait)),
        ("lanes", number(store.lanes)),
        ("batch", number(store.batch)),
        ("queue", number(store.queue)),
        ("retry_limit_ms", milliseconds(store.retry_limit)),
        ("migration_wait_ms", milliseconds(store.migration_wait)),
        ("cache_bytes", number(store.cache_bytes)),
        ("commit_batch", number(store.commit_batch)),
        ("subscription", subscription(&store.subscription).into()),
    ]);
    if let Some(partitions) = store.partitions {
        table.insert("partitions".into(), i64::from(partitions.get()).into());
    }
    if let Some(file) = &store.password_file {
        put(&mut table, "password_file", file.display().to_string());
    }
    match &store.url_file {
        Some(file) => put(&mut table, "url_file", file.display().to_string()),
        None => put(&mut table, "url", store.url.to_string()),
    }
    table
}

fn sentinel(sentinel: &SentinelSettings) -> Table {
    let tls = match sentinel.tls {
        None => Value::String("auto".to_owned()),
        Some(speaks_tls) => speaks_tls.into(),
    };
    let mut table = table([("tls", tls)]);
    if let Some(username) = &sentinel.username {
        put(&mut table, "username", username.clone());
    }
    if sentinel.password.is_some() {
        put(&mut table, "password", REDACTED.to_owned());
    }
    table
}

fn durability(replicas: Option<NonZeroU32>) -> String {
    replicas.map_or("master".to_owned(), |replicas| {
        format!("replicas:{replicas}")
    })
}

const fn pubsub(pubsub: PubSub) -> &'static str {
    match pubsub {
        PubSub::Auto => "auto",
        PubSub::Classic => "classic",
        PubSub::Sharded => "sharded",
    }
}

const fn eviction(volatile: bool) -> &'static str {
    if volatile { "volatile-ok" } else { "strict" }
}

fn subscription(subscription: &SubscriptionSettings) -> Table {
    table([
        ("ping_interval_ms", milliseconds(subscription.ping_interval)),
        ("ping_timeout_ms", milliseconds(subscription.ping_timeout)),
        ("backoff_min_ms", milliseconds(subscription.backoff_min)),
        ("backoff_max_ms", milliseconds(subscription.backoff_max)),
    ])
}

fn http(http: &HttpSettings) -> Table {
    let connections_max = http.connections_max.map_or_else(|| "auto".into(), number);
    table([
        ("hosts", texts(&http.hosts)),
        ("origins", texts(&http.origins)),
        ("proxies", texts(&http.proxies)),
        ("console", http.console.to_string().into()),
        ("connections_max", connections_max),
        ("backlog", i64::from(http.backlog.get()).into()),
        ("header_timeout_ms", milliseconds(http.header_timeout)),
        ("keep_alive_ms", milliseconds(http.keep_alive)),
        ("header_bytes", number(http.header_bytes)),
        ("body_bytes", number(http.body_bytes)),
        ("body_idle_ms", milliseconds(http.body_idle)),
        ("body_total_ms", milliseconds(http.body_total)),
        ("send_buffer_bytes", number(http.send_buffer_bytes)),
        ("stall_limit_ms", milliseconds(http.stall_limit)),
        ("linger_ms", milliseconds(http.linger)),
        ("list_buffer_people", number(http.list_buffer_people)),
        ("import_in_flight", number(http.import_in_flight)),
        ("import_refused_max", number(http.import_refused_max)),
    ])
}

fn limits(limits: &LimitSettings) -> Table {
    let mut table = table([
        ("callers", number(limits.callers)),
        ("bad_tokens_per_minute", limits.bad_tokens_per_minute.into()),
        ("connections", limits.connections.into()),
        ("handshakes_per_second", limits.handshakes_per_second.into()),
        ("requests_per_second", limits.requests_per_second.into()),
        ("writes_per_second", limits.writes_per_second.into()),
    ]);
    // Where sessions have no limit, this key would set one.
    if let Some(sessions) = limits.sessions {
        table.insert("sessions".into(), sessions.into());
    }
    table
}

fn live(live: &LiveSettings) -> Table {
    table([
        ("ring_bytes", number(live.ring_bytes)),
        ("queue_changes", number(live.queue_changes)),
        ("queue_bytes", number(live.queue_bytes)),
        ("egress", live.egress.to_string().into()),
        ("commands", number(live.commands)),
        ("tail_changes", number(live.tail_changes)),
        ("heal_changes", number(live.heal_changes)),
        ("catch_up_changes", number(live.catch_up_changes)),
        ("catch_up_retry_ms", milliseconds(live.catch_up_retry)),
        ("read_limit_ms", milliseconds(live.read_limit)),
        ("snapshot_people", number(live.snapshot_people)),
        ("shared_bytes", number(live.shared_bytes)),
        ("feed_events", number(live.feed_events)),
        ("feed_bytes", number(live.feed_bytes)),
        ("ping_interval_ms", milliseconds(live.ping_interval)),
        ("silence_limit_ms", milliseconds(live.silence_limit)),
        ("close_timeout_ms", milliseconds(live.close_timeout)),
        ("position_interval_ms", milliseconds(live.position_interval)),
        ("stale_after_ms", milliseconds(live.stale_after)),
        ("stale_interval_ms", milliseconds(live.stale_interval)),
        ("head_interval_ms", milliseconds(live.head_interval)),
        ("ready_limit_ms", milliseconds(live.ready_limit)),
        ("message_bytes", number(live.message_bytes)),
        ("messages_per_second", rate(live.messages_per_second)),
        ("fragments_per_second", rate(live.fragments_per_second)),
        ("bytes_per_second", rate(live.bytes_per_second)),
        ("messages_window_ms", milliseconds(live.messages_window)),
    ])
}

fn trace(trace: &TraceSettings) -> Table {
    let mut table = table([
        ("sample_ratio", trace.sample_ratio.get().into()),
        ("timeout_ms", milliseconds(trace.timeout)),
        ("interval_ms", milliseconds(trace.interval)),
        ("queue_spans", number(trace.queue_spans)),
    ]);
    if let Some(endpoint) = &trace.endpoint {
        put(&mut table, "endpoint", endpoint.to_string());
    }
    table
}

fn table<const N: usize>(members: [(&str, Value); N]) -> Table {
    members
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

fn put(table: &mut Table, key: &str, value: impl Into<Value>) {
    table.insert(key.to_owned(), value.into());
}

fn texts(values: &[impl ToString]) -> Value {
    Value::Array(
        values
            .iter()
            .map(|value| value.to_string().into())
            .collect(),
    )
}

fn number(count: NonZeroUsize) -> Value {
    i64::try_from(count.get())
        .expect("settings are limited far below 2^63")
        .into()
}

fn rate(per_second: NonZeroU32) -> Value {
    i64::from(per_second.get()).into()
}

fn milliseconds(duration: Duration) -> Value {
    i64::try_from(duration.as_millis())
        .expect("settings are limited to a week")
        .into()
}
