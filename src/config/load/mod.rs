//! Reads [`Settings`] from the sources: each key once, then the rules between keys.

mod auth;
mod layer;
mod limits;
mod reader;
mod store;

pub use layer::{ENV_PREFIX, Sources};

use std::num::NonZeroUsize;

use config::{Value, ValueKind};

use super::fault::ConfigFaults;
use super::settings::{
    AdminSettings, HttpSettings, LiveSettings, LogSettings, Settings, TraceSettings,
};
use crate::http::{Host, Origin};
use crate::telemetry::traces::SampleRatio;
use reader::{
    BYTES_MAX, COUNT_MAX, FaultDetail, SettingReader, detail, fraction, list, milliseconds_from_0,
    number, text, truth,
};

impl Settings {
    /// Reads all settings, or reports all faults.
    pub fn load(sources: &Sources) -> Result<Self, ConfigFaults> {
        let mut reader = SettingReader::new(sources);
        let r = &mut reader;
        let auth = auth::read(r);
        let settings = Self {
            listen: r.parsed("listen"),
            admin: AdminSettings {
                listen: r.parsed("admin.listen"),
                open: r.read("admin.open", truth),
            },
            limits: limits::read(r, auth.mode),
            auth,
            store: store::read(r),
            http: http(r),
            live: live(r),
            shutdown_notice: r.read("shutdown.notice_ms", milliseconds_from_0),
            shutdown_grace: r.milliseconds("shutdown.grace_ms"),
            log: LogSettings {
                level: r.parsed("log.level"),
                format: r.parsed("log.format"),
            },
            trace: trace(r),
        };
        check_between(&settings, r);
        reader.finish(settings)
    }
}

fn http(r: &mut SettingReader) -> HttpSettings {
    HttpSettings {
        hosts: r.read("http.hosts", hosts),
        origins: r.read("http.origins", origins),
        proxies: r.read("http.proxies", limits::proxies),
        console: r.parsed("http.console"),
        connections_max: r.read("http.connections_max", connections_max),
        backlog: r.number("http.backlog", 1..=65_535),
        header_timeout: r.milliseconds("http.header_timeout_ms"),
        keep_alive: r.milliseconds("http.keep_alive_ms"),
        header_bytes: r.number("http.header_bytes", 8192..=(1 << 20)),
        body_bytes: r.number("http.body_bytes", 1024..=(1 << 24)),
        body_idle: r.milliseconds("http.body_idle_ms"),
        body_total: r.milliseconds("http.body_total_ms"),
        send_buffer_bytes: r.number("http.send_buffer_bytes", 4096..=(1 << 30)),
        stall_limit: r.milliseconds("http.stall_limit_ms"),
        linger: r.milliseconds("http.linger_ms"),
        list_buffer_people: r.number("http.list_buffer_people", 1..=1_000_000),
        import_in_flight: r.number("http.import_in_flight", 1..=10_000),
        import_refused_max: r.number("http.import_refused_max", 1..=COUNT_MAX),
    }
}

fn live(r: &mut SettingReader) -> LiveSettings {
    LiveSettings {
        ring_bytes: r.number("live.ring_bytes", 1..=BYTES_MAX),
        queue_changes: r.number("live.queue_changes", 1..=COUNT_MAX),
        queue_bytes: r.number("live.queue_bytes", 1..=BYTES_MAX),
        egress: r.parsed("live.egress"),
        commands: r.number("live.commands", 1..=COUNT_MAX),
        tail_changes: r.number("live.tail_changes", 1..=COUNT_MAX),
        heal_changes: r.number("live.heal_changes", 1..=COUNT_MAX),
        catch_up_changes: r.number("live.catch_up_changes", 1..=COUNT_MAX),
        catch_up_retry: r.milliseconds("live.catch_up_retry_ms"),
        read_limit: r.milliseconds("live.read_limit_ms"),
        snapshot_people: r.number("live.snapshot_people", 1..=10_000),
        shared_bytes: r.number("live.shared_bytes", 65_536..=BYTES_MAX),
        feed_events: r.number("live.feed_events", 1..=COUNT_MAX),
        feed_bytes: r.number("live.feed_bytes", 65_536..=BYTES_MAX),
        ping_interval: r.milliseconds("live.ping_interval_ms"),
        silence_limit: r.milliseconds("live.silence_limit_ms"),
        close_timeout: r.milliseconds("live.close_timeout_ms"),
        position_interval: r.milliseconds("live.position_interval_ms"),
        stale_after: r.milliseconds("live.stale_after_ms"),
        stale_interval: r.milliseconds("live.stale_interval_ms"),
        head_interval: r.milliseconds("live.head_interval_ms"),
        ready_limit: r.milliseconds("live.ready_limit_ms"),
        message_bytes: r.number("live.message_bytes", 125..=(1 << 24)),
        messages_per_second: r.number("live.messages_per_second", 1..=1_000_000),
        fragments_per_second: r.number("live.fragments_per_second", 1..=1_000_000),
        bytes_per_second: r.number("live.bytes_per_second", 1024..=(1 << 30)),
        messages_window: r.milliseconds("live.messages_window_ms"),
    }
}

fn trace(r: &mut SettingReader) -> TraceSettings {
    TraceSettings {
        endpoint: r.written("trace.endpoint", |value| {
            text(value)?.parse().map_err(detail)
        }),
        sample_ratio: r.read("trace.sample_ratio", |value| {
            SampleRatio::new(fraction(value)?).map_err(detail)
        }),
        timeout: r.milliseconds("trace.timeout_ms"),
        interval: r.milliseconds("trace.interval_ms"),
        queue_spans: r.number("trace.queue_spans", 1..=1_000_000),
    }
}

fn check_between(settings: &Settings, r: &mut SettingReader) {
    for (key, listen) in [
        ("listen", &settings.listen),
        ("admin.listen", &settings.admin.listen),
    ] {
        let open = !listen.is_loopback() && settings.auth.mode.is_none();
        if open && r.sound(&[key, "auth.mode"]) {
            let detail = "reaches beyond this machine, where anybody could read and write: ask \
                          for tokens with auth.mode = \"jwt\", write auth.mode = \"none\" out if \
                          that is meant, or use a loopback address";
            r.fault(key, detail.into());
        }
    }
    auth::check(settings, r);
    let same = settings.listen.overlaps(&settings.admin.listen);
    if same && r.sound(&["listen", "admin.listen"]) {
        r.fault("admin.listen", "has to differ from listen".into());
    }
    let live = &settings.live;
    let subscription = &settings.store.subscription;
    for (shorter, longer, holds) in [
        (
            "live.ping_interval_ms",
            "live.silence_limit_ms",
            live.ping_interval < live.silence_limit,
        ),
        (
            "live.head_interval_ms",
            "live.ready_limit_ms",
            live.head_interval < live.ready_limit,
        ),
        (
            "store.subscription.backoff_min_ms",
            "store.subscription.backoff_max_ms",
            subscription.backoff_min <= subscription.backoff_max,
        ),
        (
            "http.body_idle_ms",
            "http.body_total_ms",
            settings.http.body_idle <= settings.http.body_total,
        ),
    ] {
        if !holds && r.sound(&[shorter, longer]) {
            r.fault(shorter, format!("has to be shorter than {longer}"));
        }
    }
}

fn connections_max(value: &Value) -> Result<Option<NonZeroUsize>, FaultDetail> {
    if matches!(&value.kind, ValueKind::String(text) if text == "auto") {
        return Ok(None);
    }
    let number =
        number(value, &(1..=COUNT_MAX)).map_err(|detail| format!("{detail}, or \"auto\""))?;
    NonZeroUsize::try_from(number)
        .map(Some)
        .map_err(|_| "is more than this machine can count".into())
}

fn hosts(value: &Value) -> Result<Vec<Host>, FaultDetail> {
    let detail =
        "has to be a list of names like people.example, without a scheme, a port or a path";
    list(value)?
        .iter()
        .map(|text| text.parse().map_err(|_| detail.into()))
        .collect()
}

fn origins(value: &Value) -> Result<Vec<Origin>, FaultDetail> {
    let detail = "has to be a list of origins like https://people.example or \
                  http://localhost:3000, without a path";
    list(value)?
        .iter()
        .map(|text| text.parse().map_err(|_| detail.into()))
        .collect()
}
