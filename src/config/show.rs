//! The effective settings as TOML, good as a file for `--config`; passwords are hidden.

use std::time::Duration;

use toml::{Table, Value};

use super::settings::{
    AuthMode, HttpSettings, LiveSettings, Migrate, Settings, StoreSettings, TraceSettings,
};

impl Settings {
    /// One key a line, in sections like `config/default.toml`.
    pub fn to_toml(&self) -> String {
        let mut root = Table::new();
        put(&mut root, "listen", self.listen.to_string());
        section(
            &mut root,
            "admin",
            [("listen", self.admin.listen.to_string().into())],
        );
        if let Some(AuthMode::None) = self.auth {
            section(&mut root, "auth", [("mode", "none".into())]);
        }
        root.insert("store".into(), store(&self.store).into());
        root.insert("http".into(), http(&self.http).into());
        root.insert("live".into(), live(&self.live).into());
        let shutdown = [
            ("notice_ms", milliseconds(self.shutdown_notice)),
            ("grace_ms", milliseconds(self.shutdown_grace)),
        ];
        section(&mut root, "shutdown", shutdown);
        let log = [
            ("level", self.log.level.to_string().into()),
            ("format", self.log.format.to_string().into()),
        ];
        section(&mut root, "log", log);
        root.insert("trace".into(), trace(&self.trace).into());
        root.to_string()
    }
}

fn store(store: &StoreSettings) -> Table {
    let mut table = Table::new();
    match &store.url_file {
        Some(file) => put(&mut table, "url_file", file.display().to_string()),
        None => put(&mut table, "url", store.url.to_string()),
    }
    put(&mut table, "prefix", store.prefix.clone());
    put(&mut table, "partitions", i64::from(store.partitions.get()));
    put(&mut table, "log_max", number(store.log_max));
    put(&mut table, "migrate", store.migrate == Migrate::AtStart);
    put(
        &mut table,
        "idempotency_ttl_ms",
        milliseconds(store.idempotency_ttl),
    );
    put(
        &mut table,
        "connect_timeout_ms",
        milliseconds(store.connect_timeout),
    );
    put(
        &mut table,
        "command_timeout_ms",
        milliseconds(store.command_timeout),
    );
    put(&mut table, "pool_size", number(store.pool_size));
    put(&mut table, "pool_wait_ms", milliseconds(store.pool_wait));
    put(&mut table, "lanes", number(store.lanes));
    put(&mut table, "batch", number(store.batch));
    put(&mut table, "queue", number(store.queue));
    put(
        &mut table,
        "retry_limit_ms",
        milliseconds(store.retry_limit),
    );
    put(
        &mut table,
        "migration_wait_ms",
        milliseconds(store.migration_wait),
    );
    put(&mut table, "cache_bytes", number(store.cache_bytes));
    put(&mut table, "commit_batch", number(store.commit_batch));
    let subscription = [
        (
            "ping_interval_ms",
            milliseconds(store.subscription.ping_interval),
        ),
        (
            "ping_timeout_ms",
            milliseconds(store.subscription.ping_timeout),
        ),
        (
            "backoff_min_ms",
            milliseconds(store.subscription.backoff_min),
        ),
        (
            "backoff_max_ms",
            milliseconds(store.subscription.backoff_max),
        ),
    ];
    section(&mut table, "subscription", subscription);
    table
}

fn http(http: &HttpSettings) -> Table {
    let mut table = Table::new();
    put(
        &mut table,
        "hosts",
        http.hosts
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
    );
    put(
        &mut table,
        "origins",
        http.origins
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
    );
    put(&mut table, "console", http.console.to_string());
    let connections_max = http.connections_max.map_or_else(|| "auto".into(), number);
    put(&mut table, "connections_max", connections_max);
    put(&mut table, "backlog", i64::from(http.backlog.get()));
    put(
        &mut table,
        "header_timeout_ms",
        milliseconds(http.header_timeout),
    );
    put(&mut table, "keep_alive_ms", milliseconds(http.keep_alive));
    put(&mut table, "header_bytes", number(http.header_bytes));
    put(&mut table, "body_bytes", number(http.body_bytes));
    put(&mut table, "body_idle_ms", milliseconds(http.body_idle));
    put(&mut table, "body_total_ms", milliseconds(http.body_total));
    put(
        &mut table,
        "send_buffer_bytes",
        number(http.send_buffer_bytes),
    );
    put(&mut table, "stall_limit_ms", milliseconds(http.stall_limit));
    put(&mut table, "linger_ms", milliseconds(http.linger));
    put(
        &mut table,
        "list_buffer_people",
        number(http.list_buffer_people),
    );
    put(
        &mut table,
        "import_in_flight",
        number(http.import_in_flight),
    );
    put(
        &mut table,
        "import_refused_max",
        number(http.import_refused_max),
    );
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
        (
            "messages_per_second",
            Value::from(i64::from(live.messages_per_second.get())),
        ),
        (
            "fragments_per_second",
            Value::from(i64::from(live.fragments_per_second.get())),
        ),
        (
            "bytes_per_second",
            Value::from(i64::from(live.bytes_per_second.get())),
        ),
        ("messages_window_ms", milliseconds(live.messages_window)),
    ])
}

fn trace(trace: &TraceSettings) -> Table {
    let mut table = Table::new();
    if let Some(endpoint) = &trace.endpoint {
        put(&mut table, "endpoint", endpoint.to_string());
    }
    put(&mut table, "sample_ratio", trace.sample_ratio.get());
    put(&mut table, "timeout_ms", milliseconds(trace.timeout));
    put(&mut table, "interval_ms", milliseconds(trace.interval));
    put(&mut table, "queue_spans", number(trace.queue_spans));
    table
}

fn section<const N: usize>(table: &mut Table, name: &str, values: [(&str, Value); N]) {
    let inner: Table = values
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect();
    table.insert(name.to_owned(), inner.into());
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

fn number(count: std::num::NonZeroUsize) -> Value {
    i64::try_from(count.get())
        .expect("settings are limited far below 2^63")
        .into()
}

fn milliseconds(duration: Duration) -> Value {
    i64::try_from(duration.as_millis())
        .expect("settings are limited to a week")
        .into()
}
