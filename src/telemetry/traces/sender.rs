//! Sends the SDK's exports, and logs when an outage of the collector begins and ends.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use tokio::runtime::Handle;

use super::endpoint::CollectorUrl;
use crate::telemetry::ErrorChain;

/// An HTTP client on the gateway's runtime; the SDK calls it from a thread without one.
#[derive(Debug)]
pub(super) struct Sender {
    client: reqwest::Client,
    runtime: Handle,
    failing: AtomicBool,
}

impl Sender {
    /// A client of this collector that gives up a request after `timeout`. Must be called inside
    /// the runtime that will send.
    pub(super) fn new(collector: &CollectorUrl, timeout: Duration) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder().timeout(timeout);
        let client = if collector.is_secure() {
            client
        } else {
            // Else the library would read the machine's certificates, and fail where there are
            // none.
            client.tls_certs_only([])
        };
        Ok(Self {
            client: client.build()?,
            runtime: Handle::current(),
            failing: AtomicBool::new(false),
        })
    }

    /// Logs the first failure and the next success, not the failures in between.
    fn log(&self, failure: Option<&str>) {
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
            Ok(answer) if answer.status().is_success() => self.log(None),
            Ok(answer) => self.log(Some(&format!("the collector answers {}", answer.status()))),
            Err(error) => self.log(Some(&ErrorChain(error.as_ref()).to_string())),
        }
        answer
    }
}
