//! Opens one WebSocket. The handshake is written out here because a refusal's body counts: it says
//! what is wrong with a filter, and the library hands out only as much of it as came along with the
//! head.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::client::{Response, generate_request};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::handshake::machine::TryParse as _;
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderValue, header};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_util::either::Either;
use url::{Host, Url};

use super::loss::{ClientError, Loss, Refusal};
use super::tls::{self, Tls, TlsFault};

/// The subprotocol that this client speaks.
const SUBPROTOCOL: &str = "people.v1.json";
/// Of an answer's head; what is longer is no gateway's.
const HEAD_MAX: usize = 16 * 1024;
/// Of a refusal's body; the rest is not read.
const BODY_MAX: usize = 64 * 1024;
/// Of one message. A server's batch has at most 256 KiB, its other messages less.
const MESSAGE_MAX: usize = 4 * 1024 * 1024;
/// What is said of a port that waits for TLS.
const TLS_PORT: &str = "it speaks TLS there, so the address begins with wss:// or https://";
/// What is said of one that may.
const SILENT_PORT: &str =
    ", as a port for TLS ends it, where the address begins with wss:// or https://";
/// What a socket reads at once.
const READ_BYTES: usize = 32 * 1024;

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum Failure {
    /// It may come about another time.
    Loss(Loss),
    /// It can't ever.
    Fatal(ClientError),
}

/// What carries the WebSocket.
pub(super) type Wire = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// Connects, with TLS where that is given, and shakes hands. Must be given a time limit by the
/// caller.
pub(super) async fn open(url: Url, tls: Option<Tls>) -> Result<WebSocketStream<Wire>, Failure> {
    let mut stream = connect(&url, tls)
        .await
        .map_err(|error| Failure::Loss(unreachable(&error)))?;
    let (request, key) = request(&url)?;
    stream.write_all(&request).await.map_err(cut)?;
    let (response, rest) = head(&mut stream).await?;
    if response.status().as_u16() != 101 {
        return Err(refusal(&response, rest, &mut stream).await);
    }
    accepted(response.headers(), &key)?;
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BYTES)
        .max_message_size(Some(MESSAGE_MAX));
    Ok(WebSocketStream::from_partially_read(stream, rest, Role::Client, Some(config)).await)
}

async fn connect(url: &Url, tls: Option<Tls>) -> std::io::Result<Wire> {
    let port = url.port_or_known_default().unwrap_or(80);
    let host = url.host().ok_or(std::io::ErrorKind::AddrNotAvailable)?;
    let stream = match host {
        Host::Ipv4(ip) => TcpStream::connect((ip, port)).await?,
        Host::Ipv6(ip) => TcpStream::connect((ip, port)).await?,
        Host::Domain(name) => TcpStream::connect((name, port)).await?,
    };
    stream.set_nodelay(true)?;
    Ok(match tls {
        None => Either::Left(stream),
        Some(tls) => Either::Right(Box::new(tls.connect(host, stream).await?)),
    })
}

fn unreachable(error: &std::io::Error) -> Loss {
    TlsFault::behind(error).map_or_else(|| Loss::Unreachable(error.to_string()), Loss::Tls)
}

fn request(url: &Url) -> Result<(Vec<u8>, String), Failure> {
    let written = url.as_str().into_client_request().and_then(|mut request| {
        request.headers_mut().insert(
            header::SEC_WEBSOCKET_PROTOCOL,
            HeaderValue::from_static(SUBPROTOCOL),
        );
        generate_request(request)
    });
    written.map_err(|error| no_gateway(format!("no request can be made of its URL: {error}")))
}

/// The answer's head, and what was read beyond it.
async fn head(stream: &mut Wire) -> Result<(Response, Vec<u8>), Failure> {
    let mut read = Vec::with_capacity(READ_BYTES);
    loop {
        match Response::try_parse(&read) {
            Ok(Some((length, response))) => return Ok((response, read.split_off(length))),
            Ok(None) if read.len() < HEAD_MAX => {}
            Ok(None) => {
                return Err(no_gateway(format!(
                    "the head of its answer has more than {HEAD_MAX} bytes"
                )));
            }
            Err(_) if is_plain(stream) && tls::wants_tls(&read) => {
                return Err(no_gateway(TLS_PORT.to_owned()));
            }
            Err(error) => return Err(no_gateway(format!("its answer is not HTTP: {error}"))),
        }
        if stream.read_buf(&mut read).await.map_err(cut)? == 0 {
            let hint = if read.is_empty() && is_plain(stream) {
                SILENT_PORT
            } else {
                ""
            };
            return Err(cut(format!(
                "it ended before the handshake was answered{hint}"
            )));
        }
    }
}

/// RFC 6455, section 4.1, what a client has to check.
fn accepted(headers: &HeaderMap, key: &str) -> Result<(), Failure> {
    let says = |name, word: &str| {
        let values = headers
            .get_all(name)
            .into_iter()
            .filter_map(|value| value.to_str().ok());
        values
            .flat_map(|value| value.split(','))
            .any(|value| value.trim().eq_ignore_ascii_case(word))
    };
    let exactly = |name, word: &str| headers.get(name).is_some_and(|value| value == word);
    if !says(header::UPGRADE, "websocket") || !says(header::CONNECTION, "upgrade") {
        return Err(no_gateway(
            "it switched to something that is not a WebSocket".into(),
        ));
    }
    if !exactly(
        header::SEC_WEBSOCKET_ACCEPT,
        &derive_accept_key(key.as_bytes()),
    ) {
        return Err(no_gateway(
            "its Sec-WebSocket-Accept does not fit our key".into(),
        ));
    }
    if !exactly(header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL) {
        return Err(no_gateway("it did not take up the subprotocol".into()));
    }
    if headers.contains_key(header::SEC_WEBSOCKET_EXTENSIONS) {
        return Err(no_gateway(
            "it uses an extension that was not offered".into(),
        ));
    }
    Ok(())
}

/// A refusal with its problem, as far as there is one.
async fn refusal(response: &Response, mut body: Vec<u8>, stream: &mut Wire) -> Failure {
    let text = |name| {
        response
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let length = text(header::CONTENT_LENGTH)
        .and_then(|length| length.parse().ok())
        .unwrap_or(BODY_MAX)
        .min(BODY_MAX);
    // A body that is cut short, or goes on for ever, only costs its words.
    while body.len() < length && matches!(stream.read_buf(&mut body).await, Ok(1..)) {}
    body.truncate(length);
    let status = response.status().as_u16();
    let problem = serde_json::from_slice(&body).ok();
    if status == 400 && problem.is_none() && is_plain(stream) && tls::wants_tls(&body) {
        return no_gateway(TLS_PORT.to_owned());
    }
    let retry_after = text(header::RETRY_AFTER).and_then(retry_after);
    Failure::Loss(Loss::Refused(Refusal {
        status,
        retry_after,
        problem,
    }))
}

const fn is_plain(stream: &Wire) -> bool {
    matches!(stream, Either::Left(_))
}

/// Seconds; a date is left out (RFC 9110 allows one, no gateway sends it).
fn retry_after(text: &str) -> Option<Duration> {
    text.trim().parse().ok().map(Duration::from_secs)
}

fn cut(error: impl ToString) -> Failure {
    Failure::Loss(Loss::Cut(error.to_string()))
}

fn no_gateway(reason: String) -> Failure {
    Failure::Fatal(ClientError::NoGateway { reason })
}
