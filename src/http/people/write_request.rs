//! The request of a write: its body, its idempotency key, and the write that is made of it.

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::Method;

use super::idempotency::CallerKey;
use crate::domain::{FieldsJson, Partitions, PersonId, TraceContext};
use crate::http::HttpState;
use crate::http::caller::Caller;
use crate::http::request::query::Parameters;
use crate::http::request::{body, media};
use crate::protocol::problem::Problem;
use crate::store::{RequestKey, Write};
use crate::telemetry::clock::fresh_uuid;

/// The request of a write, read within its limits.
pub(super) struct WriteRequest {
    pub(super) caller: Caller,
    pub(super) method: Method,
    body: Bytes,
    /// The caller's key, and what the store records under it.
    key: Option<(CallerKey, RequestKey)>,
    /// The span of the request.
    trace: Option<TraceContext>,
}

impl WriteRequest {
    /// Checks query, media type and size, and reads the body. `path` is canonical, so that an id in
    /// another case gives the same request.
    pub(super) async fn read(
        state: &HttpState,
        caller: Caller,
        request: Request,
        path: &str,
        taken: &'static [&'static str],
    ) -> Result<Self, Problem> {
        let (parts, content) = request.into_parts();
        Parameters::none(parts.uri.query())?;
        if !taken.is_empty() {
            media::check_body(&parts.headers, taken).map_err(|problem| {
                let name = if parts.method == Method::PATCH {
                    "accept-patch"
                } else {
                    "accept-post"
                };
                let (name, value) = media::accept_header(name, taken);
                problem.with_header(name, value)
            })?;
        }
        // Checked before the body is read, so that a refused call is not uploaded first.
        let key = CallerKey::of(&parts.headers)?;
        let body = body::read(&parts.headers, content, &state.options).await?;
        let key = key.map(|key| {
            let method = parts.method.as_str();
            let request = key.request_key(caller.lease(), method, path, &parts.headers, &body);
            (key, request)
        });
        let trace = parts.extensions.get().copied();
        Ok(Self {
            caller,
            method: parts.method,
            body,
            key,
            trace,
        })
    }

    /// The body.
    pub(super) fn text(&self) -> Result<&str, Problem> {
        body::text(&self.body)
    }

    /// What the store records under the caller's key.
    pub(super) fn key(&self) -> Option<&RequestKey> {
        self.key.as_ref().map(|(_, request)| request)
    }

    /// The write of this request.
    pub(super) fn write(&self, state: &HttpState, id: PersonId, save: Option<FieldsJson>) -> Write {
        Write::new(id, save, (state.clock)())
            .keyed(self.key().cloned())
            .traced(self.trace)
    }

    /// A fresh id. With a key, the id is in the key's partition, where the store looks for its
    /// record.
    pub(super) fn new_id(&self, partitions: Partitions) -> PersonId {
        let key = self.key.as_ref();
        let wanted = key.map(|(key, _)| partitions.of_text(key.as_str()));
        loop {
            let id = PersonId::new(fresh_uuid());
            if wanted.is_none_or(|wanted| partitions.of(id) == wanted) {
                return id;
            }
        }
    }
}
