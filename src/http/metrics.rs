//! The metrics of the listeners and of REST.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

use crate::rights::Verb;
use crate::telemetry::{Histogram, Label, StaticFamily, metrics};

metrics! {
    /// Metrics of the listeners and of REST.
    pub struct Metrics {
        /// Requests answered, by method, route and status
        http_requests: Family<RequestLabels, Counter>,
        /// Time from a request's head to its answer's head, by method and route
        http_request_duration_seconds: Family<RouteLabels, Histogram>,
        /// Bytes of bodies that clients sent
        http_request_body_bytes: Counter,
        /// Bytes of bodies that clients were sent, server-sent events included
        http_response_body_bytes: Counter,
        /// Open connections, sessions included
        http_connections: Gauge,
        /// Connections that may be open
        http_connections_max: Gauge,
        /// Connections refused because the limit was reached
        http_connections_refused: Counter,
        /// Calls refused because the caller's role lacks a verb
        forbidden: StaticFamily<Verb, Counter>,
        /// Imports begun
        imports: Counter,
        /// Lines of imports, by outcome
        import_lines: StaticFamily<LineResult, Counter>,
    }
}

/// The labels of an answered request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// The HTTP method; `other` for those that no path knows.
    pub method: &'static str,
    /// The route's template, such as `/people/{id}`; `unknown` where no route fits.
    pub route: &'static str,
    /// The HTTP status.
    pub status: u16,
}

/// The labels of a request's duration.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RouteLabels {
    /// The HTTP method; `other` for those that no path knows.
    pub method: &'static str,
    /// The route's template, such as `/people/{id}`; `unknown` where no route fits.
    pub route: &'static str,
}

/// The outcome of a line of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineResult {
    /// The person was saved.
    Saved,
    /// The line was refused.
    Refused,
}

impl Label for LineResult {
    const KEY: &'static str = "outcome";
    const ALL: &'static [Self] = &[Self::Saved, Self::Refused];

    fn name(self) -> &'static str {
        match self {
            Self::Saved => "saved",
            Self::Refused => "refused",
        }
    }
}

/// The verb that a caller lacked.
impl Label for Verb {
    const KEY: &'static str = "verb";
    const ALL: &'static [Self] = &Self::ALL;

    fn name(self) -> &'static str {
        Self::name(self)
    }
}
