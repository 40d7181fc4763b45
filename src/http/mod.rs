//! The HTTP front: REST calls become store writes, refusals become problem documents.
//!
//! `router` is the table of contents; `server` owns the sockets; `envelope` adds to every answer
//! what all answers share.

mod access;
mod admin;
mod caller;
mod envelope;
mod live;
mod metrics;
mod options;
mod pages;
mod people;
mod refusal;
mod request;
mod rights;
mod router;
mod server;
mod trace;

pub use access::{
    Exposure, Host, InvalidHost, InvalidOrigin, InvalidProxyRange, Origin, ProxyRange,
};
pub use admin::admin_router;
pub use caller::Authentication;
pub use metrics::{LineResult, Metrics, RequestLabels, RouteLabels};
pub use options::{AdminOptions, Console, Options, ServerOptions, UnknownConsole};
pub use pages::openapi;
pub use router::{router, templates};
pub use server::{BodyFraming, ChunkedBody, ConnectionPermit, HttpServer, RequestHead, read_head};

use std::sync::Arc;

use crate::domain::Timestamp;
use crate::limits::Limits;
use crate::session::Sessions;
use crate::store::StoreSlot;
use crate::telemetry::clock::unix_millis;
use crate::telemetry::{AuditLog, Readiness, Traces};

/// The source of the times that writes carry.
pub type Clock = fn() -> Timestamp;

/// Everything that handlers need.
pub struct HttpState {
    /// The store, once it has been reached.
    pub store: StoreSlot,
    /// The live sessions.
    pub sessions: Sessions,
    /// How callers are authenticated; none where they need no token.
    pub authentication: Option<Authentication>,
    /// The limits on callers.
    pub limits: Arc<Limits>,
    /// The log of refused callers.
    pub audit: Arc<AuditLog>,
    /// Limits of requests, hosts and origins.
    pub options: Arc<Options>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// The clock of writes.
    pub clock: Clock,
    /// The state behind `/readyz`.
    pub readiness: Readiness,
    /// Begins the spans of requests.
    pub traces: Traces,
}

/// The state as handlers hold it: axum clones it several times a request.
type SharedState = Arc<HttpState>;

/// The machine's clock.
pub fn system_clock() -> Timestamp {
    Timestamp::from_millis(i64::try_from(unix_millis()).unwrap_or(i64::MAX))
}
