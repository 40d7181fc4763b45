//! What tokens say, and the keys that a gateway is given.

use serde_json::{Value, json};

/// A key set of these keys.
pub fn key_set(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

/// Claims of a subject, which end in an hour.
pub fn claims(subject: &str, role: &str) -> Value {
    json!({"sub": subject, "role": role, "exp": now() + 3600})
}

/// Seconds since 1970.
pub fn now() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(now.expect("after 1970").as_secs()).expect("before the year 9999")
}
