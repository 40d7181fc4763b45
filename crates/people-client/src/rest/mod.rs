//! REST for the command line: one call a method, answers as the server wrote them, and refusals in
//! the server's words.
//!
//! Nothing is repeated in here. Writes carry an idempotency key, so whoever calls may repeat them:
//! [`Retry`] says whether that makes sense, and after which wait.

mod answer;
mod base;
mod error;
mod people;
mod retry;

pub use base::{BaseUrl, InvalidBaseUrl};
pub use error::RestError;
pub use people::{
    Expect, IdempotencyKey, IfMatch, ImportReport, InvalidIfMatch, Page, RefusedLine, Rest,
};
pub use retry::{Patience, Retry};
