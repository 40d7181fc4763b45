//! Settings of gateways under test: `key`, value.

/// Short intervals and limits: a gateway notices a fault, and its end, sooner than by default.
pub const QUICK: &[(&str, &str)] = &[
    ("live.head_interval_ms", "100"),
    ("live.ready_limit_ms", "1500"),
    ("store.connect_timeout_ms", "500"),
    ("store.command_timeout_ms", "500"),
    ("store.pool_wait_ms", "500"),
    ("store.retry_limit_ms", "1500"),
    ("store.subscription.ping_interval_ms", "100"),
    ("store.subscription.ping_timeout_ms", "500"),
    ("store.subscription.backoff_max_ms", "200"),
];

/// Frequent positions: a client soon knows that it has received all changes up to the heads.
pub const FREQUENT_POSITIONS: &[(&str, &str)] = &[("live.position_interval_ms", "100")];
