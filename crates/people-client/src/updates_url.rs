//! The URL of live updates, and the query that starts a connection there.

use std::fmt;
use std::str::FromStr;

use people_core::Kinds;
use url::Url;

use super::subscription::{StartPoint, ViewFilter, kinds_word};

/// The URL of live updates: `ws://`, or `wss://` for TLS. A URL without a path, or with one that
/// ends with a slash, is a gateway's address: `updates` is appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdatesUrl(Url);

/// The text is not the URL of a WebSocket that this client can open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUpdatesUrl {
    /// The text is not a URL.
    #[error("not a URL ({0}): expected ws://HOST:PORT/updates")]
    Malformed(#[from] url::ParseError),
    /// The URL has another scheme.
    #[error("{scheme}: is not a WebSocket's scheme: expected ws://HOST:PORT/updates, or wss://")]
    Scheme {
        /// The scheme.
        scheme: String,
    },
}

impl UpdatesUrl {
    /// Whether connections use TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.0.scheme() == "wss"
    }

    /// The URL of a connection with this filter, parts of people, and start.
    pub(crate) fn with_query(
        &self,
        filter: &ViewFilter,
        fields: Option<&str>,
        start: &StartPoint,
    ) -> Url {
        let mut url = self.0.clone();
        let mut query = url.query_pairs_mut();
        if filter.kinds != Kinds::All {
            query.append_pair("kinds", kinds_word(filter.kinds));
        }
        if !filter.condition.is_empty() {
            query.append_pair("where", &filter.condition);
        }
        if let Some(fields) = fields {
            query.append_pair("fields", fields);
        }
        match start {
            StartPoint::Now => query.append_pair("from", "now"),
            StartPoint::Snapshot => query.append_pair("from", "snapshot"),
            StartPoint::Cursor(cursor) => query.append_pair("from", &cursor.to_string()),
        };
        drop(query);
        url
    }
}

/// Hides the password.
impl fmt::Display for UpdatesUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.0.clone();
        if url.password().is_some() {
            url.set_password(Some("***")).map_err(|()| fmt::Error)?;
        }
        f.write_str(url.as_str())
    }
}

impl FromStr for UpdatesUrl {
    type Err = InvalidUpdatesUrl;

    fn from_str(text: &str) -> Result<Self, InvalidUpdatesUrl> {
        let mut url = Url::parse(text)?;
        match url.scheme() {
            // The parser refuses a `ws://` without a host.
            "ws" | "wss" => {
                if url.path().ends_with('/') {
                    url.set_path(&format!("{}updates", url.path()));
                }
                Ok(Self(url))
            }
            scheme => Err(InvalidUpdatesUrl::Scheme {
                scheme: scheme.to_owned(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_adds_filter_fields_and_start_to_what_the_url_has() {
        let updates: UpdatesUrl = "ws://127.0.0.1:8080/updates?x=1".parse().unwrap();
        let filter = ViewFilter {
            kinds: Kinds::Saves,
            condition: "job == \"R&D\"".into(),
        };
        let cursor = StartPoint::Cursor("0:a.1.b,1:c.0.0".parse().unwrap());
        let url = updates.with_query(&filter, Some("job,age"), &cursor);
        let pairs: Vec<_> = url.query_pairs().into_owned().collect();
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        let expected = [
            ("x", "1"),
            ("kinds", "saves"),
            ("where", "job == \"R&D\""),
            ("fields", "job,age"),
            ("from", "0:a.1.b,1:c.0.0"),
        ]
        .as_slice();
        assert_eq!(pairs, expected);
        assert_eq!(
            updates
                .with_query(&ViewFilter::default(), None, &StartPoint::Snapshot)
                .query(),
            Some("x=1&from=snapshot")
        );
    }

    #[test]
    fn only_the_schemes_of_websockets_are_accepted() {
        assert!(
            "wss://h/"
                .parse::<UpdatesUrl>()
                .is_ok_and(|url| url.is_secure())
        );
        assert!(
            "ws://h/"
                .parse::<UpdatesUrl>()
                .is_ok_and(|url| !url.is_secure())
        );
        assert!(matches!(
            "http://h/".parse::<UpdatesUrl>(),
            Err(InvalidUpdatesUrl::Scheme { .. })
        ));
        assert!(matches!(
            "localhost".parse::<UpdatesUrl>(),
            Err(InvalidUpdatesUrl::Malformed(_))
        ));
        assert!(matches!(
            "ws://".parse::<UpdatesUrl>(),
            Err(InvalidUpdatesUrl::Malformed(_))
        ));
    }

    #[test]
    fn a_gateways_address_leads_to_its_updates_and_a_password_is_hidden() {
        for (given, shown) in [
            ("ws://h", "ws://h/updates"),
            ("WS://h:1/", "ws://h:1/updates"),
            ("wss://h/gw/?x=1", "wss://h/gw/updates?x=1"),
            ("ws://h/people", "ws://h/people"),
            ("ws://me:secret@h", "ws://me:***@h/updates"),
        ] {
            assert_eq!(given.parse::<UpdatesUrl>().unwrap().to_string(), shown);
        }
    }
}
