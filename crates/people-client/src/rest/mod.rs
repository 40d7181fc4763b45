//! The REST calls: one method each, with the server's own answers and refusals.
//!
//! The methods don't repeat calls. Writes carry an idempotency key, so the caller may repeat them:
//! [`Retry`] decides whether, and after which wait.

mod answer;
mod base;
mod error;
mod people;
mod retry;

pub use base::{BaseUrl, InvalidBaseUrl};
pub use error::RestError;
pub use people::{
    IfMatch, ImportReport, InvalidIfMatch, PeoplePage, RefusedLine, Rest, RetryKey, SaveCondition,
};
pub use retry::{Patience, Retry};
