//! Reads the limits on callers, and the proxies that name callers.

use config::{Value, ValueKind};

use super::reader::{FaultDetail, SettingReader, list, number};
use crate::config::settings::{AuthMode, LimitSettings};
use crate::http::ProxyRange;

/// The largest limit.
const MOST: u64 = 1_000_000;
/// Live sessions of a subject, where the operator sets no other number.
const SESSIONS: u32 = 256;

pub(super) fn read(r: &mut SettingReader, mode: Option<AuthMode>) -> LimitSettings {
    // Without tokens all callers behind one address would share the limit.
    let default = (mode == Some(AuthMode::Jwt)).then_some(SESSIONS);
    LimitSettings {
        callers: r.number("limits.callers", 16..=10_000_000),
        bad_tokens_per_minute: r.read("limits.bad_tokens_per_minute", most),
        sessions: r.written("limits.sessions", most).or(default),
        connections: r.read("limits.connections", most),
        handshakes_per_second: r.read("limits.handshakes_per_second", most),
        requests_per_second: r.read("limits.requests_per_second", most),
        writes_per_second: r.read("limits.writes_per_second", most),
    }
}

/// A limit; 0 is none.
fn most(value: &Value) -> Result<u32, FaultDetail> {
    let is_zero = match &value.kind {
        ValueKind::I64(number) => *number == 0,
        ValueKind::String(text) => text.trim() == "0",
        _ => false,
    };
    if is_zero {
        return Ok(0);
    }
    number(value, &(1..=MOST))
        .ok()
        .and_then(|number| u32::try_from(number.get()).ok())
        .ok_or_else(|| format!("has to be a whole number from 1 to {MOST}, or 0 for no limit"))
}

pub(super) fn proxies(value: &Value) -> Result<Vec<ProxyRange>, FaultDetail> {
    let read = |text: &String| text.parse().map_err(|error| format!("{text} {error}"));
    list(value)?.iter().map(read).collect()
}
