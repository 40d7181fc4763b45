//! Reads answers up to a limit, and refusals with their problem documents.

use std::time::Duration;

use reqwest::Response;
use reqwest::header::{LINK, RETRY_AFTER};

use super::{BaseUrl, RestError};
use crate::disconnect::Refusal;
use crate::tls;

/// The longest body of an answer, in bytes. A thousand people with the most attributes need about
/// 16 MiB.
const BODY_MAX: usize = 64 * 1024 * 1024;

/// A successful answer.
pub(super) struct RestAnswer {
    pub(super) text: String,
    /// Whether the answer links to a next page.
    pub(super) more: bool,
}

/// Reads an answer to its end.
pub(super) async fn read(mut response: Response, base: &BaseUrl) -> Result<RestAnswer, RestError> {
    let status = response.status();
    let header = |name| {
        response
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let retry_after = header(RETRY_AFTER)
        .and_then(|text| text.trim().parse().ok())
        .map(Duration::from_secs);
    let more = header(LINK).is_some_and(|links| links.contains("rel=\"next\""));
    let mut body = Vec::new();
    while let Some(piece) = response
        .chunk()
        .await
        .map_err(|error| RestError::of(&error, base))?
    {
        if body.len() + piece.len() > BODY_MAX {
            return Err(RestError::no_gateway(
                base,
                format!("its answer has more than {BODY_MAX} bytes"),
            ));
        }
        body.extend_from_slice(&piece);
    }
    if !status.is_success() {
        let problem = serde_json::from_slice(&body).ok();
        if status == 400 && problem.is_none() && !base.is_secure() && tls::wants_tls(&body) {
            return Err(RestError::no_gateway(
                base,
                "it speaks TLS there, so its address begins with https://".to_owned(),
            ));
        }
        return Err(RestError::Refused(Box::new(Refusal {
            status: status.as_u16(),
            retry_after,
            problem,
        })));
    }
    let text = String::from_utf8(body)
        .map_err(|_| RestError::no_gateway(base, "its answer is not UTF-8".to_owned()))?;
    Ok(RestAnswer { text, more })
}
