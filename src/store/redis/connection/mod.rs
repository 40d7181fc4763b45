//! Connections to Redis servers, and how commands are sent over them.
//!
//! `endpoint` reads the url; `address` and `credentials` are parts of it. A `server` sends single
//! commands through its `batcher`, which may ask replicas for a `confirmation`, and pipelines
//! through its `pool`. `failure` says what may be repeated, `attempts` for how long.

mod address;
mod attempts;
mod batcher;
mod confirmation;
mod credentials;
mod endpoint;
mod failure;
mod pool;
mod server;

pub(crate) use address::Address;
pub(super) use attempts::Attempts;
pub(super) use batcher::Effect;
pub use credentials::secret_line;
pub(super) use endpoint::{Discovery, Endpoint, client, limits};
pub(super) use failure::{CommandFailure, Redirect};
pub(super) use server::Server;
