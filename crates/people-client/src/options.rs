//! What a client connects to, what it asks for, and how long it waits.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use people_core::{Backoff, Cursor, Kinds};
use url::Url;

use super::live::Live;
use super::tls::Trust;

/// Where live updates are served: a `ws://` URL, or `wss://` where there is TLS. Where its path is
/// none, or ends with a slash, it is that of a gateway, and `updates` is added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint(Url);

/// A text that is not the URL of a WebSocket that this client can open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEndpoint {
    /// It is no URL.
    #[error("not a URL ({0}): expected ws://HOST:PORT/updates")]
    Malformed(#[from] url::ParseError),
    /// It is a URL of something else.
    #[error("{scheme}: is not a WebSocket's scheme: expected ws://HOST:PORT/updates, or wss://")]
    Scheme {
        /// The scheme.
        scheme: String,
    },
}

/// Where a connection begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// With what happens from now on.
    #[default]
    Now,
    /// With everyone who matches, then what happens.
    Snapshot,
    /// With what happened since.
    Cursor(Cursor),
}

/// What a new filter begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FilterStart {
    /// With what happens from now on.
    #[default]
    Now,
    /// With everyone who matches it.
    Snapshot,
}

/// What a client shows: the kinds of change, and a condition on the person (CEL; empty for
/// everyone).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The kinds of change.
    pub kinds: Kinds,
    /// The condition, as the server reads it.
    pub condition: String,
}

/// How long a client waits, and for what. All are upper bounds; what is random lies below them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For a connection, with its TLS handshake, and the answer to the WebSocket's.
    pub connect: Duration,
    /// Without any frame from the server, pings included (it sends one every 15 s); then the
    /// connection is given up.
    pub silence: Duration,
    /// For the server's close after a stop was asked for.
    pub stop: Duration,
    /// Before the second attempt to connect; it doubles with each further one.
    pub backoff_first: Duration,
    /// Before any attempt to connect, also where the server names a time.
    pub backoff_most: Duration,
}

/// All that a client needs to know; made by [`Live::builder`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    pub(super) endpoint: Endpoint,
    pub(super) filter: Filter,
    pub(super) start: Start,
    pub(super) limits: Limits,
    pub(super) trust: Trust,
}

impl Options {
    /// Everyone, all kinds, from now, with the usual limits, trusting whom the machine trusts.
    pub(super) fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            filter: Filter::default(),
            start: Start::default(),
            limits: Limits::default(),
            trust: Trust::default(),
        }
    }

    /// Shows these kinds of change only.
    #[must_use]
    pub const fn kinds(mut self, kinds: Kinds) -> Self {
        self.filter.kinds = kinds;
        self
    }

    /// Shows people on whom this condition holds only. The server judges the text; a fault in it
    /// ends the client with [`super::ClientError::Refused`].
    #[must_use]
    pub fn condition(mut self, condition: impl Into<String>) -> Self {
        self.filter.condition = condition.into();
        self
    }

    /// Begins there. A cursor has to come from a client with the same kinds and condition.
    #[must_use]
    pub fn from(mut self, start: Start) -> Self {
        self.start = start;
        self
    }

    /// Waits as long as this says.
    #[must_use]
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Believes the certificates of these authorities; only `wss://` needs any.
    #[must_use]
    pub fn trust(mut self, trust: Trust) -> Self {
        self.trust = trust;
        self
    }

    /// The client. It connects when it is asked for its first event, which has to be inside a tokio
    /// runtime.
    pub fn build(self) -> Live {
        Live::new(self)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            silence: Duration::from_secs(45),
            stop: Duration::from_secs(5),
            backoff_first: Duration::from_millis(250),
            backoff_most: Duration::from_secs(30),
        }
    }
}

impl Limits {
    /// The waits between attempts to connect.
    pub(super) const fn backoff(&self) -> Backoff {
        Backoff::new(self.backoff_first, self.backoff_most)
    }
}

impl Endpoint {
    /// Whether it is behind TLS.
    pub(super) fn is_secure(&self) -> bool {
        self.0.scheme() == "wss"
    }

    /// The URL that begins a connection with this filter there.
    pub(super) fn url(&self, filter: &Filter, start: &Start) -> Url {
        let mut url = self.0.clone();
        let mut query = url.query_pairs_mut();
        if filter.kinds != Kinds::All {
            query.append_pair("kinds", word(filter.kinds));
        }
        if !filter.condition.is_empty() {
            query.append_pair("where", &filter.condition);
        }
        match start {
            Start::Now => query.append_pair("from", "now"),
            Start::Snapshot => query.append_pair("from", "snapshot"),
            Start::Cursor(cursor) => query.append_pair("from", &cursor.to_string()),
        };
        drop(query);
        url
    }
}

/// As it was given, but for a password, which is nobody's to see.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.0.clone();
        if url.password().is_some() {
            url.set_password(Some("***")).map_err(|()| fmt::Error)?;
        }
        f.write_str(url.as_str())
    }
}

/// How kinds are written.
pub(super) const fn word(kinds: Kinds) -> &'static str {
    match kinds {
        Kinds::All => "all",
        Kinds::Saves => "saves",
        Kinds::Deletes => "deletes",
    }
}

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Self, InvalidEndpoint> {
        let mut url = Url::parse(text)?;
        match url.scheme() {
            // Its parser refuses a `ws://` without a host.
            "ws" | "wss" => {
                if url.path().ends_with('/') {
                    url.set_path(&format!("{}updates", url.path()));
                }
                Ok(Self(url))
            }
            scheme => Err(InvalidEndpoint::Scheme {
                scheme: scheme.to_owned(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_says_what_is_asked_for_beside_what_the_url_has() {
        let endpoint: Endpoint = "ws://127.0.0.1:8080/updates?x=1".parse().unwrap();
        let filter = Filter {
            kinds: Kinds::Saves,
            condition: "job == \"R&D\"".into(),
        };
        let cursor = Start::Cursor("0:a.1.b,1:c.0.0".parse().unwrap());
        let url = endpoint.url(&filter, &cursor);
        let pairs: Vec<_> = url.query_pairs().into_owned().collect();
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        let expected = [
            ("x", "1"),
            ("kinds", "saves"),
            ("where", "job == \"R&D\""),
            ("from", "0:a.1.b,1:c.0.0"),
        ]
        .as_slice();
        assert_eq!(pairs, expected);
        assert_eq!(
            endpoint.url(&Filter::default(), &Start::Snapshot).query(),
            Some("x=1&from=snapshot")
        );
    }

    #[test]
    fn only_a_websocket_is_an_endpoint() {
        assert!(
            "wss://h/"
                .parse::<Endpoint>()
                .is_ok_and(|endpoint| endpoint.is_secure())
        );
        assert!(
            "ws://h/"
                .parse::<Endpoint>()
                .is_ok_and(|endpoint| !endpoint.is_secure())
        );
        assert!(matches!(
            "http://h/".parse::<Endpoint>(),
            Err(InvalidEndpoint::Scheme { .. })
        ));
        assert!(matches!(
            "localhost".parse::<Endpoint>(),
            Err(InvalidEndpoint::Malformed(_))
        ));
        assert!(matches!(
            "ws://".parse::<Endpoint>(),
            Err(InvalidEndpoint::Malformed(_))
        ));
    }

    #[test]
    fn a_gateways_own_address_is_that_of_its_live_updates() {
        for (given, shown) in [
            ("ws://h", "ws://h/updates"),
            ("WS://h:1/", "ws://h:1/updates"),
            ("wss://h/gw/?x=1", "wss://h/gw/updates?x=1"),
            ("ws://h/people", "ws://h/people"),
            ("ws://me:secret@h", "ws://me:***@h/updates"),
        ] {
            assert_eq!(given.parse::<Endpoint>().unwrap().to_string(), shown);
        }
    }
}
