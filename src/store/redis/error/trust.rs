//! Advice for an operator whose Redis has a certificate that is not trusted.

use std::error::Error;
use std::sync::Arc;

use ::redis::RedisError;

use crate::telemetry::certificate_fault;

/// What is wrong with the server's certificate and what to do; none if the connection failed for
/// another reason.
pub(in crate::store::redis) fn distrust(error: &RedisError) -> Option<String> {
    // The library keeps the I/O error behind a pointer, which is the source that it tells.
    let kept = error
        .source()?
        .downcast_ref::<Arc<dyn Error + Send + Sync>>()?;
    certificate_fault(kept.as_ref(), "store.url")
}
