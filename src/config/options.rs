//! Fills the options of the modules below, which do not know the settings.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::Path;

use super::settings::Settings;
use super::store_settings::Migration;
use super::store_url::{RedisUrl, StoreUrl};
use crate::auth;
use crate::domain::Partitions;
use crate::fanout;
use crate::history;
use crate::http;
use crate::limits;
use crate::relay;
use crate::session;
use crate::store::{self, FeedLimits, Retention, embedded, redis};
use crate::telemetry::traces;

impl Settings {
    /// What is asked of tokens.
    pub fn auth_options(&self) -> auth::Options {
        let auth = &self.auth;
        auth::Options {
            issuer: auth.issuer.clone(),
            audience: auth.audience.clone(),
            leeway: auth.leeway,
            lifetime_max: auth.lifetime_max,
            role_claim: auth.role_claim.clone(),
            cached_tokens: auth.cached_tokens,
        }
    }

    /// Where keys are fetched; none where they are not.
    pub fn fetch_options(&self) -> Option<auth::FetchOptions> {
        let auth = &self.auth;
        Some(auth::FetchOptions {
            url: auth.jwks.clone()?,
            refresh: auth.jwks_refresh,
            retry: auth.jwks_retry,
            stale: auth.jwks_stale,
        })
    }

    /// The limits on callers.
    pub fn limit_options(&self) -> limits::Options {
        let limits = &self.limits;
        limits::Options {
            callers: limits.callers,
            bad_tokens_per_minute: NonZeroU32::new(limits.bad_tokens_per_minute),
            sessions: limits.sessions.and_then(NonZeroU32::new),
            connections: NonZeroU32::new(limits.connections),
            handshakes_per_second: NonZeroU32::new(limits.handshakes_per_second),
            requests_per_second: NonZeroU32::new(limits.requests_per_second),
            writes_per_second: NonZeroU32::new(limits.writes_per_second),
        }
    }

    /// The options of requests.
    pub fn http_options(&self) -> http::Options {
        let http = &self.http;
        http::Options {
            body_bytes_max: http.body_bytes.get(),
            body_idle_limit: http.body_idle,
            body_total_limit: http.body_total,
            list_buffer_people: http.list_buffer_people,
            import_in_flight: http.import_in_flight,
            import_refused_max: http.import_refused_max,
            exposure: self.public_exposure(),
            hosts: http.hosts.clone(),
            origins: http.origins.clone(),
            proxies: http.proxies.clone(),
            admin: None,
            console: http.console,
        }
    }

    /// The options of the admin listener. Beyond loopback it accepts any host: `http.hosts` lists
    /// the names of the public listener, and scrapers use names of the network.
    pub fn admin_options(&self) -> http::AdminOptions {
        let exposure = Self::exposure(&self.admin.listen);
        let hosts = match exposure {
            http::Exposure::Local => self.http.hosts.clone(),
            http::Exposure::Network => Vec::new(),
        };
        http::AdminOptions { exposure, hosts }
    }

    /// The options of connections, of which `connections_max` may be open.
    pub fn server_options(&self, connections_max: NonZeroUsize) -> http::ServerOptions {
        let http = &self.http;
        http::ServerOptions {
            connections_max,
            backlog: http.backlog.get(),
            header_limit: http.header_timeout,
            keep_alive: http.keep_alive,
            header_bytes_max: http.header_bytes.get(),
            send_buffer_bytes: http.send_buffer_bytes.get(),
            stall_limit: http.stall_limit,
            linger_limit: http.linger,
        }
    }

    /// The options of the embedded store in `directory`.
    pub fn embedded_options(&self, directory: &Path, metrics: store::Metrics) -> embedded::Options {
        let store = &self.store;
        embedded::Options {
            directory: directory.to_owned(),
            partitions: self
                .store
                .partitions
                .map_or(Partitions::ONE, Partitions::new),
            retention: self.retention(),
            queue: store.queue,
            batch: store.commit_batch,
            answer_within: store.retry_limit,
            cache_bytes: store.cache_bytes.get(),
            metrics,
        }
    }

    /// The options of the store in the Redis servers at `url`.
    pub fn redis_options(&self, url: &RedisUrl) -> redis::Options {
        let store = &self.store;
        redis::Options {
            url: url.expose().to_owned(),
            prefix: store.prefix.clone(),
            password_file: store.password_file.clone(),
            sentinel: redis::SentinelOptions {
                username: store.sentinel.username.clone(),
                password: store
                    .sentinel
                    .password
                    .as_ref()
                    .map(|it| it.expose().to_owned()),
                tls: store.sentinel.tls,
            },
            partitions: store.partitions.map(Partitions::new),
            durability: store.durable_replicas.map(|replicas| redis::Durability {
                replicas,
                timeout: store.durability_timeout,
            }),
            topology_interval: store.topology_interval,
            topology_timeout: store.topology_timeout,
            pubsub: store.pubsub,
            volatile_eviction: store.volatile_eviction,
            retention: self.retention(),
            migrate: store.migrate == Migration::AtStart,
            connect_timeout: store.connect_timeout,
            command_timeout: store.command_timeout,
            pool_size: store.pool_size,
            pool_wait: store.pool_wait,
            lanes: store.lanes,
            batch: store.batch,
            queue: store.queue,
            retry_limit: store.retry_limit,
            migration_wait: store.migration_wait,
            ping_interval: store.subscription.ping_interval,
            ping_timeout: store.subscription.ping_timeout,
            backoff_min: store.subscription.backoff_min,
            backoff_max: store.subscription.backoff_max,
        }
    }

    /// The limit of the history in memory.
    pub fn history_options(&self) -> history::Options {
        history::Options {
            ring_bytes: self.live.ring_bytes,
        }
    }

    /// The options of the fan-out.
    pub fn fanout_options(&self) -> fanout::Options {
        fanout::Options {
            position_interval: self.live.position_interval,
            egress: self.live.egress,
        }
    }

    /// The options of the relay.
    pub fn relay_options(&self) -> relay::Options {
        let live = &self.live;
        relay::Options {
            head_interval: live.head_interval,
            feed: FeedLimits {
                events: live.feed_events,
                bytes: live.feed_bytes,
            },
            tail: live.tail_changes,
            page: live.heal_changes,
            stale_after: live.stale_after,
            stale_interval: live.stale_interval,
        }
    }

    /// The limits of sessions.
    pub fn session_options(&self) -> session::Options {
        let live = &self.live;
        session::Options {
            refresh_lead: self.auth.refresh_lead,
            queue_changes: live.queue_changes,
            queue_bytes: live.queue_bytes,
            ping_interval: live.ping_interval,
            silence_limit: live.silence_limit,
            close_timeout: live.close_timeout,
            commands: live.commands,
            message_bytes: live.message_bytes,
            messages_per_second: live.messages_per_second,
            fragments_per_second: live.fragments_per_second,
            bytes_per_second: live.bytes_per_second,
            message_window: live.messages_window,
            log_page: live.catch_up_changes,
            log_retry: live.catch_up_retry,
            read_limit: live.read_limit,
            page_people: live.snapshot_people,
            shared_bytes: live.shared_bytes,
        }
    }

    /// The options of the trace export; none where tracing is off.
    pub fn trace_options(&self) -> Option<traces::Options> {
        let trace = &self.trace;
        Some(traces::Options {
            endpoint: trace.endpoint.clone()?,
            sample_ratio: trace.sample_ratio,
            timeout: trace.timeout,
            interval: trace.interval,
            queue: trace.queue_spans,
            system: match self.store.url {
                StoreUrl::Redis(_) => "redis",
                StoreUrl::Embedded(_) => "people-gateway",
            },
        })
    }

    fn retention(&self) -> Retention {
        Retention {
            log_max: self.store.log_max,
            idempotency_ttl: self.store.idempotency_ttl,
        }
    }
}
