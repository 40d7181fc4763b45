//! The operator's choices about traces, parsed: the collector's address, and the share of requests
//! that is recorded.

use std::fmt;
use std::str::FromStr;

use url::Url;

/// The path at which a collector accepts spans.
const PATH: &str = "/v1/traces";

/// The URL of a collector that accepts OTLP over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectorUrl(Url);

/// A text that is no collector URL. The error does not repeat the text, which may have a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "has to be http://HOST:PORT or https://HOST:PORT, without a user; what a collector wants to \
     know of its caller goes into the variable OTEL_EXPORTER_OTLP_HEADERS"
)]
pub struct InvalidCollectorUrl;

/// The share of requests that are recorded, from 0 to 1, unless the caller has decided that.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampleRatio(f64);

/// A number outside 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("has to be a number from 0 to 1")]
pub struct InvalidRatio;

impl CollectorUrl {
    /// Whether it is called by TLS.
    pub(super) fn is_secure(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The URL that spans are sent to: [`PATH`] is added unless the URL ends with it.
    pub(super) fn traces(&self) -> String {
        let base = self.0.as_str().trim_end_matches('/');
        if base.ends_with(PATH) {
            base.to_owned()
        } else {
            format!("{base}{PATH}")
        }
    }
}

impl FromStr for CollectorUrl {
    type Err = InvalidCollectorUrl;

    fn from_str(text: &str) -> Result<Self, InvalidCollectorUrl> {
        let url = Url::parse(text).map_err(|_| InvalidCollectorUrl)?;
        let is_plain = url.username().is_empty() && url.password().is_none();
        let is_whole = url.has_host() && url.query().is_none() && url.fragment().is_none();
        if matches!(url.scheme(), "http" | "https") && is_plain && is_whole {
            Ok(Self(url))
        } else {
            Err(InvalidCollectorUrl)
        }
    }
}

impl fmt::Display for CollectorUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl SampleRatio {
    /// A share from 0 to 1; any other number is refused.
    pub fn new(ratio: f64) -> Result<Self, InvalidRatio> {
        if (0.0..=1.0).contains(&ratio) {
            Ok(Self(ratio))
        } else {
            Err(InvalidRatio)
        }
    }

    /// The share, from 0 to 1.
    pub const fn get(self) -> f64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_added_unless_the_url_ends_with_it() {
        for (text, traces) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            (
                "https://collector.example/",
                "https://collector.example/v1/traces",
            ),
            (
                "https://collector.example/otlp/",
                "https://collector.example/otlp/v1/traces",
            ),
            ("http://h:1/v1/traces", "http://h:1/v1/traces"),
        ] {
            assert_eq!(text.parse::<CollectorUrl>().unwrap().traces(), traces);
        }
    }

    #[test]
    fn a_text_that_is_no_url_or_has_a_password_is_refused() {
        for text in [
            "",
            "localhost:4318",
            "grpc://h:4317",
            "http://u:p@h",
            "http://u@h",
            "http://h?key=1",
            "http://h#x",
        ] {
            assert_eq!(
                text.parse::<CollectorUrl>(),
                Err(InvalidCollectorUrl),
                "{text}"
            );
        }
    }
}
