//! What an operator says about traces, checked: where the collector is, and which share of requests
//! is recorded.

use std::fmt;
use std::str::FromStr;

use url::Url;

/// The path below a collector's address at which it takes spans.
const PATH: &str = "/v1/traces";

/// The address of a collector that takes OTLP over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint(Url);

/// A text that is not such an address. It does not repeat the text: a password may stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "has to be http://HOST:PORT or https://HOST:PORT, without a user; what a collector wants to \
     know of its caller goes into the variable OTEL_EXPORTER_OTLP_HEADERS"
)]
pub struct InvalidEndpoint;

/// The share of requests that are recorded, from 0 to 1, where the caller did not decide it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampleRatio(f64);

/// A number that is no share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("has to be a number from 0 to 1")]
pub struct InvalidRatio;

impl Endpoint {
    /// Where spans are sent: the path is the usual one unless another was given.
    pub(super) fn traces(&self) -> String {
        let base = self.0.as_str().trim_end_matches('/');
        if base.ends_with(PATH) {
            base.to_owned()
        } else {
            format!("{base}{PATH}")
        }
    }
}

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Self, InvalidEndpoint> {
        let url = Url::parse(text).map_err(|_| InvalidEndpoint)?;
        let is_plain = url.username().is_empty() && url.password().is_none();
        let is_whole = url.has_host() && url.query().is_none() && url.fragment().is_none();
        if matches!(url.scheme(), "http" | "https") && is_plain && is_whole {
            Ok(Self(url))
        } else {
            Err(InvalidEndpoint)
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl SampleRatio {
    /// Checks a share.
    pub fn new(ratio: f64) -> Result<Self, InvalidRatio> {
        if (0.0..=1.0).contains(&ratio) {
            Ok(Self(ratio))
        } else {
            Err(InvalidRatio)
        }
    }

    /// From 0 to 1.
    pub const fn get(self) -> f64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_path_is_added_unless_it_is_there() {
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
            assert_eq!(text.parse::<Endpoint>().unwrap().traces(), traces);
        }
    }

    #[test]
    fn what_is_no_address_or_holds_a_password_is_refused() {
        for text in [
            "",
            "localhost:4318",
            "grpc://h:4317",
            "http://u:p@h",
            "http://u@h",
            "http://h?key=1",
            "http://h#x",
        ] {
            assert_eq!(text.parse::<Endpoint>(), Err(InvalidEndpoint), "{text}");
        }
    }
}
