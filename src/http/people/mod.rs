//! The calls on people: read, list, write, import.
//!
//! Each handler checks in this order: path, query, headers, body, store.

mod answer;
mod edit;
mod found;
mod idempotency;
mod import;
mod list;
mod preconditions;
mod read;
mod write;
mod write_request;

pub(super) use import::import;
pub(super) use list::list;
pub(super) use read::read;
pub(super) use write::{create, delete, patch, replace};

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use crate::domain::PersonId;
use crate::http::refusal::malformed;
use crate::protocol::problem::Problem;

/// The id in a path: a UUID in any case.
pub(super) struct PathId(PersonId);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = Path::<String>::from_request_parts(parts, state)
            .await
            .map(|Path(text)| text);
        text.ok().and_then(|text| text.parse().ok()).map(Self).ok_or_else(|| {
            malformed(
                "The id in the path must be a UUID such as 0190f3e2-7c1b-7d9a-8f00-1234567890ab.",
            )
        })
    }
}
