//! The address of a gateway.

use std::fmt;
use std::str::FromStr;

use url::Url;

use crate::updates_url::{InvalidUpdatesUrl, UpdatesUrl};

/// A gateway's address: `http://HOST[:PORT]` or `https://…`, with a path if a proxy adds one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(Url);

/// The text is not a gateway's address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBaseUrl {
    /// The text is not a URL.
    #[error("not a URL ({0}): expected http://HOST:PORT")]
    Malformed(#[from] url::ParseError),
    /// The URL has another scheme.
    #[error("{scheme}: is not HTTP: expected http://HOST:PORT")]
    Scheme {
        /// The scheme.
        scheme: String,
    },
    /// The URL has a query or a fragment.
    #[error("an address has no query and no fragment: leave out what follows {0}")]
    Beyond(char),
}

impl BaseUrl {
    /// The URL of these path segments.
    pub(super) fn at(&self, segments: &[&str]) -> Url {
        let mut url = self.0.clone();
        url.path_segments_mut()
            .expect("http and https have a path")
            .pop_if_empty()
            .extend(segments);
        url
    }

    /// Whether connections use TLS.
    pub(super) fn is_secure(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The URL of the gateway's live updates.
    pub fn updates(&self) -> Result<UpdatesUrl, InvalidUpdatesUrl> {
        let url = self.at(&["updates"]);
        let scheme = if self.is_secure() { "wss" } else { "ws" };
        url.as_str().replacen(url.scheme(), scheme, 1).parse()
    }
}

impl FromStr for BaseUrl {
    type Err = InvalidBaseUrl;

    fn from_str(text: &str) -> Result<Self, InvalidBaseUrl> {
        // `localhost:8080` would be a URL with the scheme localhost.
        if !text.contains("://") {
            return Err(url::ParseError::RelativeUrlWithoutBase.into());
        }
        let url = Url::parse(text)?;
        match url.scheme() {
            "http" | "https" if url.query().is_some() => Err(InvalidBaseUrl::Beyond('?')),
            "http" | "https" if url.fragment().is_some() => Err(InvalidBaseUrl::Beyond('#')),
            "http" | "https" => Ok(Self(url)),
            scheme => Err(InvalidBaseUrl::Scheme {
                scheme: scheme.to_owned(),
            }),
        }
    }
}

/// Hides the password.
impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.0.clone();
        if url.password().is_some() {
            url.set_password(Some("***")).map_err(|()| fmt::Error)?;
        }
        f.write_str(url.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_proxy_is_kept() {
        for (text, people) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/people/x"),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/people/x"),
            ("https://h/gateway", "https://h/gateway/people/x"),
            ("https://h/gateway/", "https://h/gateway/people/x"),
        ] {
            let base: BaseUrl = text.parse().unwrap();
            assert_eq!(base.at(&["people", "x"]).as_str(), people);
        }
        for (base, updates) in [
            ("http://h:1/g", "ws://h:1/g/updates"),
            ("https://h", "wss://h/updates"),
        ] {
            let live = base.parse::<BaseUrl>().unwrap().updates().unwrap();
            assert_eq!(live, updates.parse().unwrap());
        }
    }

    #[test]
    fn other_texts_are_refused_and_a_password_is_hidden() {
        for text in ["127.0.0.1:8080", "localhost:8080", "h", ""] {
            assert!(
                matches!(text.parse::<BaseUrl>(), Err(InvalidBaseUrl::Malformed(_))),
                "{text}"
            );
        }
        assert!(matches!(
            "ws://h/".parse::<BaseUrl>(),
            Err(InvalidBaseUrl::Scheme { .. })
        ));
        assert_eq!(
            "http://h/?where=x".parse::<BaseUrl>(),
            Err(InvalidBaseUrl::Beyond('?'))
        );
        assert_eq!(
            "http://me:secret@h/"
                .parse::<BaseUrl>()
                .unwrap()
                .to_string(),
            "http://me:***@h"
        );
    }
}
