//! Sends what the SDK exports, and tells an outage of the collector when it begins and when it
//! ends.

use std::error::Error;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use tokio::runtime::Handle;

/// An HTTP client on the gateway's runtime: the SDK calls it from a thread that has none.
#[derive(Debug)]
pub(super) struct Sender {
    client: reqwest::Client,
    runtime: Handle,
    failing: AtomicBool,
}

impl Sender {
    /// A client that gives up a request after `timeout`. Must be called inside the runtime that is
    /// to send.
    pub(super) fn new(timeout: Duration) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder().timeout(timeout).build()?;
        Ok(Self {
            client,
            runtime: Handle::current(),
            failing: AtomicBool::new(false),
        })
    }

    /// The attempts between the first failure and the next success tell an operator nothing new.
    fn tell(&self, failure: Option<&str>) {
        let was_failing = self.failing.swap(failure.is_some(), Ordering::Relaxed);
        match failure {
            Some(why) if !was_failing => {
                tracing::warn!(
                    why,
                    "spans cannot be exported: they are dropped until they can"
                );
            }
            None if was_failing => tracing::info!("spans are exported again"),
            _ => {}
        }
    }
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sending = self
            .runtime
            .spawn(async move { client.send_bytes(request).await });
        let answer = sending.await.unwrap_or_else(|ended| Err(ended.into()));
        match &answer {
            Ok(answer) if answer.status().is_success() => self.tell(None),
            Ok(answer) => self.tell(Some(&format!("the collector answers {}", answer.status()))),
            Err(error) => self.tell(Some(&chain(error.as_ref()))),
        }
        answer
    }
}

/// An error with what caused it: the first of a chain hardly says why.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        write!(text, ": {cause}").expect("a text takes what is written");
        next = cause.source();
    }
    text
}
