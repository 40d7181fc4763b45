//! REST callers that cost little: one write and one read for each request.

mod burst;
mod caller;
mod request;

pub(crate) use burst::{CONNECTIONS, burst};
pub(crate) use caller::RestCaller;
pub(crate) use request::{PersonRequest, RequestKind, authorization, body};
