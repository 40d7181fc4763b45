//! Pages of other origins: which may call us (CORS), and which may open a live stream.
//!
//! Browsers don't apply CORS to live streams over WebSocket, so such a stream checks the `Origin` itself, by the same list.

use std::fmt;
use std::str::FromStr;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::protocol::problem::{Problem, ProblemKind};

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
const REQUEST_HEADERS: HeaderValue =
    HeaderValue::from_static("Accept, Content-Type, If-Match, If-None-Match, Idempotency-Key, Last-Event-ID");
const EXPOSED: HeaderValue = HeaderValue::from_static("ETag, Location, Link, Change-Position, Idempotency-Replayed");
/// For how long a browser may remember the answer to a preflight, in seconds.
const PREFLIGHT_AGE: HeaderValue = HeaderValue::from_static("600");
const VARY: HeaderValue = HeaderValue::from_static("Origin");

/// Where a page was loaded from: scheme, host and port (RFC 6454), written as browsers do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    scheme: String,
    host: String,
    port: Option<u16>,
}

/// A text that is not an origin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an origin: expected SCHEME://HOST or SCHEME://HOST:PORT, without a path")]
pub struct InvalidOrigin;

impl FromStr for Origin {
    type Err = InvalidOrigin;

    /// Reads an origin in any case; a scheme's own port may be left out.
    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let (scheme, authority) = text.split_once("://").ok_or(InvalidOrigin)?;
        let scheme = scheme.to_ascii_lowercase();
        let (host, port) = split_port(authority).ok_or(InvalidOrigin)?;
        let port = port.or(default_port(&scheme));
        let named = scheme.starts_with(|c: char| c.is_ascii_lowercase())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
        if named { Ok(Self { scheme, host, port }) } else { Err(InvalidOrigin) }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        match self.port {
            Some(port) if Some(port) != default_port(&self.scheme) => write!(f, ":{port}"),
            _ => Ok(()),
        }
    }
}

impl Origin {
    /// Whether a request that names this `Host` went to the origin's own host. A proxy may have ended TLS, so the
    /// scheme is not compared, and a `Host` without a port stands for the scheme's own.
    fn is_host(&self, host: &str) -> bool {
        split_port(host)
            .is_some_and(|(host, port)| host == self.host && port.or(default_port(&self.scheme)) == self.port)
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    }
}

/// Host, in lower case, and port; IPv6 addresses keep their brackets.
fn split_port(authority: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port.parse().ok()?)),
        _ => (authority, None),
    };
    let inner = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let valid = match inner {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b)),
    };
    valid.then(|| (host.to_ascii_lowercase(), port))
}

/// Whether a live stream may be opened: no `Origin` (not a browser), our own host, or an origin of the list.
pub(super) fn admit(headers: &HeaderMap, listed: &[Origin]) -> Result<(), Problem> {
    let Some(value) = headers.get(header::ORIGIN) else { return Ok(()) };
    let origin = value.to_str().ok().and_then(|text| text.parse::<Origin>().ok());
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    match (&origin, host) {
        (Some(origin), _) if listed.contains(origin) => Ok(()),
        (Some(origin), Some(host)) if origin.is_host(host) => Ok(()),
        _ => Err(refusal(value)),
    }
}

/// Cross-origin resource sharing: answers preflights, and marks answers that a listed origin's pages may read.
pub(super) async fn share<F: Future<Output = Response>>(
    listed: &[Origin],
    request: Request,
    inner: impl FnOnce(Request) -> F,
) -> Response {
    let asking = request.headers().get(header::ORIGIN).cloned();
    let admitted = asking.as_ref().filter(|value| {
        value.to_str().ok().and_then(|text| text.parse().ok()).is_some_and(|origin| listed.contains(&origin))
    });
    let preflight =
        request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match (&asking, admitted) {
        (Some(_), Some(_)) if preflight => answer_preflight(),
        (Some(origin), None) if preflight => refusal(origin).into_response(),
        _ => inner(request).await,
    };
    if !listed.is_empty() {
        response.headers_mut().append(header::VARY, VARY);
    }
    if let Some(origin) = admitted {
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        response.headers_mut().insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
    response
}

fn answer_preflight() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS),
        (header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_AGE),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

fn refusal(origin: &HeaderValue) -> Problem {
    let origin = String::from_utf8_lossy(origin.as_bytes());
    Problem::new(
        ProblemKind::Origin,
        format!("Pages of the origin {origin} may not do this. The operator can list it in http.origins."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(origin: &str, host: &str, listed: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::ORIGIN, origin.parse().expect("a value"));
        headers.insert(header::HOST, host.parse().expect("a value"));
        let listed: Vec<Origin> = listed.iter().map(|text| text.parse().expect("an origin")).collect();
        admit(&headers, &listed).is_ok()
    }

    #[test]
    fn our_own_host_is_admitted() {
        for (origin, host) in [
            ("http://127.0.0.1:8080", "127.0.0.1:8080"),
            ("https://People.example", "people.example"),
            ("https://people.example", "people.example:443"),
            ("http://[::1]:8080", "[::1]:8080"),
        ] {
            assert!(asks(origin, host, &[]), "{origin} {host}");
        }
        for (origin, host) in [
            ("http://127.0.0.1:3000", "127.0.0.1:8080"),
            ("http://evil.example", "people.example"),
            ("http://people.example:8080", "people.example"),
            ("http://people.example.evil", "people.example"),
            ("null", "null"),
            ("", ""),
        ] {
            assert!(!asks(origin, host, &[]), "{origin} {host}");
        }
    }

    #[test]
    fn listed_origins_are_admitted_by_scheme_host_and_port() {
        let listed = ["https://app.example", "http://localhost:3000"];
        assert!(asks("https://app.example", "h", &listed));
        assert!(asks("https://app.example:443", "h", &listed));
        assert!(asks("http://localhost:3000", "h", &listed));
        assert!(!asks("http://app.example", "h", &listed));
        assert!(!asks("http://localhost:3001", "h", &listed));
    }

    #[test]
    fn what_is_not_an_origin_is_refused() {
        for text in [
            "",
            "*",
            "null",
            "app.example",
            "https://",
            "https://a/",
            "https://a:b",
            "https://u@a",
            "://a",
            "https://a:70000",
        ] {
            assert_eq!(text.parse::<Origin>(), Err(InvalidOrigin), "{text}");
        }
    }
}
