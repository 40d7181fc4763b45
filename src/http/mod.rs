//! The HTTP front: REST calls become store writes, refusals become problem documents.
//!
//! `router` is the table of contents; `server` owns the sockets; `envelope` is what every answer
//! has in common.

mod access;
mod admin;
mod body;
mod counted;
mod entity_tag;
mod envelope;
mod live;
mod media;
mod options;
mod pages;
mod people;
mod query;
mod refusal;
mod router;
mod server;
mod trace;

pub use access::{Exposure, Host, InvalidHost, InvalidOrigin, Origin};
pub use admin::admin_router;
pub use options::{AdminOptions, Console, Options, ServerOptions, UnknownConsole};
pub use pages::openapi;
pub use router::{router, templates};
pub use server::{ConnectionPermit, Server};

use std::sync::Arc;

use crate::domain::Timestamp;
use crate::session::Sessions;
use crate::store::StoreSlot;
use crate::telemetry::clock::unix_millis;
use crate::telemetry::{Metrics, Readiness, Traces};

/// Where the writing gateway's time comes from.
pub type Clock = fn() -> Timestamp;

/// What every handler needs.
pub struct State {
    /// The store, once it has been reached.
    pub store: StoreSlot,
    /// Where live sessions go.
    pub sessions: Sessions,
    /// Limits and the list of origins.
    pub options: Arc<Options>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// The time that writes carry.
    pub clock: Clock,
    /// What `/readyz` says.
    pub readiness: Readiness,
    /// Where the spans of requests begin.
    pub traces: Traces,
}

/// The state as handlers hold it: axum clones it several times a request.
type Shared = Arc<State>;

/// The machine's clock.
pub fn system_clock() -> Timestamp {
    Timestamp::from_millis(i64::try_from(unix_millis()).unwrap_or(i64::MAX))
}
