//! Fetches a key set: one request with limits on everything that the server decides.

use std::time::Duration;

use reqwest::header::{ACCEPT, USER_AGENT};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::url::KeyUrl;
use crate::auth::keys::FetchedSet;
use crate::telemetry::certificate_fault;

/// Limit of the time to connect.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);
/// Limit of the time from the connection attempt to the last byte.
const TOTAL_LIMIT: Duration = Duration::from_secs(5);
/// The bytes of a key set.
const BYTES_MAX: usize = 256 * 1024;
const TYPES: &str = "application/jwk-set+json, application/json";
const NAME: &str = concat!("people-gateway/", env!("CARGO_PKG_VERSION"));

/// Why a fetch brought no keys. No text has the query of the URL, or any part of the answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error(
        "no certificate of an authority can be read here, so no server can be trusted: install \
         those of the system (ca-certificates), or name a PEM file of those to trust in the \
         environment variable SSL_CERT_FILE"
    )]
    Client(#[source] reqwest::Error),
    /// What is wrong with the server's certificate, and what to do.
    #[error("{0}")]
    Certificate(String),
    #[error("the server cannot be asked")]
    Request(#[source] reqwest::Error),
    #[error("the answer took longer than {} s", TOTAL_LIMIT.as_secs())]
    Slow,
    #[error("the server answers {}, and 200 is expected", .0.as_u16())]
    Status(StatusCode),
    #[error("the answer is longer than {BYTES_MAX} bytes")]
    Long,
    #[error("the answer is not a JSON Web Key Set: {0}")]
    Form(String),
}

impl From<reqwest::Error> for FetchError {
    fn from(error: reqwest::Error) -> Self {
        if let Some(fault) = certificate_fault(&error, "auth.jwks") {
            return Self::Certificate(fault);
        }
        if error.is_timeout() && !error.is_connect() {
            return Self::Slow;
        }
        Self::Request(error.without_url())
    }
}

/// A client for one fetch from this URL: it trusts what the machine trusts now. What goes to this
/// machine by HTTP goes through no proxy, and needs no certificates.
fn client(url: &KeyUrl) -> Result<Client, FetchError> {
    let client = Client::builder()
        .redirect(Policy::none())
        .connect_timeout(CONNECT_LIMIT)
        .timeout(TOTAL_LIMIT)
        .pool_max_idle_per_host(0);
    let client = if url.is_local() {
        client.no_proxy().tls_certs_only([])
    } else {
        client
    };
    client.build().map_err(FetchError::Client)
}

/// Fetches the set.
pub(super) async fn fetch(url: &KeyUrl) -> Result<FetchedSet, FetchError> {
    let text = timeout(TOTAL_LIMIT, text(url)).await;
    let text = text.unwrap_or(Err(FetchError::Slow))?;
    FetchedSet::parse(&text).map_err(FetchError::Form)
}

async fn text(url: &KeyUrl) -> Result<String, FetchError> {
    let trusting = url.clone();
    // Reads the files of certificates.
    let client = spawn_blocking(move || client(&trusting)).await;
    let client = client.expect("making a client does not panic")?;
    let request = client.get(url.expose().clone());
    let request = request.header(ACCEPT, TYPES).header(USER_AGENT, NAME);
    let mut answer = request.send().await?;
    if answer.status() != StatusCode::OK {
        return Err(FetchError::Status(answer.status()));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if bytes.len() + chunk.len() > BYTES_MAX {
            return Err(FetchError::Long);
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes).map_err(|_| FetchError::Form("it is not UTF-8".to_owned()))
}
