//! One attempt to connect: asks for a token, then opens the socket, each within its own limit.

use std::pin::Pin;

use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use url::Url;

use super::handshake::{self, ConnectError, Wire};
use crate::disconnect::Disconnect;
use crate::timeouts::Timeouts;
use crate::tls::Tls;
use crate::tokens::TokenSource;

/// The attempt, to be polled.
pub(super) type Attempt =
    Pin<Box<dyn Future<Output = Result<WebSocketStream<Wire>, ConnectError>> + Send>>;

/// Starts an attempt.
pub(super) fn start(
    url: Url,
    tls: Option<Tls>,
    tokens: Option<TokenSource>,
    timeouts: &Timeouts,
) -> Attempt {
    let (limit, token_limit) = (timeouts.connect, timeouts.token);
    Box::pin(async move {
        let authorization = match tokens {
            None => None,
            Some(tokens) => Some(
                tokens
                    .authorization(token_limit)
                    .await
                    .map_err(|error| ConnectError::Disconnect(Disconnect::NoToken(error)))?,
            ),
        };
        let late = || {
            ConnectError::Disconnect(Disconnect::Unreachable(format!(
                "no answer within {} s",
                limit.as_secs_f64()
            )))
        };
        timeout(limit, handshake::open(url, tls, authorization))
            .await
            .unwrap_or_else(|_| Err(late()))
    })
}
