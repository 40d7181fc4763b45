//! Opens one WebSocket. The handshake is implemented here because the client needs the whole body
//! of a refusal, which explains a wrong filter. The library returns only the part that arrived with
//! the head.

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

use crate::disconnect::{ClientError, Disconnect, Refusal};
use crate::tls::{self, Tls, TlsFault};

/// The subprotocol that this client speaks.
const SUBPROTOCOL: &str = "people.v1.json";
/// The longest head of an answer, in bytes. No gateway sends a longer one.
const HEAD_MAX: usize = 16 * 1024;
/// The longest body of a refusal, in bytes. The client reads no further.
const BODY_MAX: usize = 64 * 1024;
/// The longest message, in bytes. A gateway's batches have at most 256 KiB, its other messages
/// less.
const MESSAGE_MAX: usize = 4 * 1024 * 1024;
/// The hint for a port that speaks TLS.
const TLS_PORT: &str = "it speaks TLS there, so the address begins with wss:// or https://";
/// The hint for a port that may speak TLS.
const SILENT_PORT: &str = "; if the port speaks TLS, the address begins with wss:// or https://";
/// The read buffer of a socket.
const READ_BYTES: usize = 32 * 1024;

/// Why the handshake failed.
#[derive(Debug)]
pub(super) enum ConnectError {
    /// A later attempt may succeed.
    Disconnect(Disconnect),
    /// No later attempt can succeed.
    Fatal(ClientError),
}

/// The stream below the WebSocket.
pub(super) type Wire = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// Connects, with TLS if given, and performs the handshake, with this `Authorization`. The caller
/// sets the time limit.
pub(super) async fn open(
    url: Url,
    tls: Option<Tls>,
    authorization: Option<HeaderValue>,
) -> Result<WebSocketStream<Wire>, ConnectError> {
    let mut stream = connect(&url, tls)
        .await
        .map_err(|error| ConnectError::Disconnect(unreachable(&error)))?;
    let (request, key) = request(&url, authorization)?;
    stream.write_all(&request).await.map_err(cut)?;
    let (response, rest) = head(&mut stream).await?;
    if response.status().as_u16() != 101 {
        return Err(refusal(&response, rest, &mut stream).await);
    }
    check_accepted(response.headers(), &key)?;
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

fn unreachable(error: &std::io::Error) -> Disconnect {
    TlsFault::behind(error).map_or_else(
        || Disconnect::Unreachable(error.to_string()),
        Disconnect::Tls,
    )
}

fn request(
    url: &Url,
    authorization: Option<HeaderValue>,
) -> Result<(Vec<u8>, String), ConnectError> {
    let written = url.as_str().into_client_request().and_then(|mut request| {
        request.headers_mut().insert(
            header::SEC_WEBSOCKET_PROTOCOL,
            HeaderValue::from_static(SUBPROTOCOL),
        );
        let authorization = authorization.map(|value| (header::AUTHORIZATION, value));
        request.headers_mut().extend(authorization);
        generate_request(request)
    });
    written.map_err(|error| no_gateway(format!("no request can be made of its URL: {error}")))
}

/// Reads the answer's head; also returns the bytes read beyond it.
async fn head(stream: &mut Wire) -> Result<(Response, Vec<u8>), ConnectError> {
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

/// Checks the answer as RFC 6455, section 4.1, requires.
fn check_accepted(headers: &HeaderMap, key: &str) -> Result<(), ConnectError> {
    let contains = |name, word: &str| {
        let values = headers
            .get_all(name)
            .into_iter()
            .filter_map(|value| value.to_str().ok());
        values
            .flat_map(|value| value.split(','))
            .any(|value| value.trim().eq_ignore_ascii_case(word))
    };
    let exactly = |name, word: &str| headers.get(name).is_some_and(|value| value == word);
    if !contains(header::UPGRADE, "websocket") || !contains(header::CONNECTION, "upgrade") {
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

/// Reads a refusal, with its problem document if it has one.
async fn refusal(response: &Response, mut body: Vec<u8>, stream: &mut Wire) -> ConnectError {
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
    // An incomplete or endless body costs only its explanation.
    while body.len() < length && matches!(stream.read_buf(&mut body).await, Ok(1..)) {}
    body.truncate(length);
    let status = response.status().as_u16();
    let problem = serde_json::from_slice(&body).ok();
    if status == 400 && problem.is_none() && is_plain(stream) && tls::wants_tls(&body) {
        return no_gateway(TLS_PORT.to_owned());
    }
    let retry_after = text(header::RETRY_AFTER).and_then(retry_after);
    ConnectError::Disconnect(Disconnect::Refused(Refusal {
        status,
        retry_after,
        problem,
    }))
}

const fn is_plain(stream: &Wire) -> bool {
    matches!(stream, Either::Left(_))
}

/// Reads seconds. RFC 9110 also allows a date, which no gateway sends.
fn retry_after(text: &str) -> Option<Duration> {
    text.trim().parse().ok().map(Duration::from_secs)
}

fn cut(error: impl ToString) -> ConnectError {
    ConnectError::Disconnect(Disconnect::Cut(error.to_string()))
}

fn no_gateway(reason: String) -> ConnectError {
    ConnectError::Fatal(ClientError::NoGateway { reason })
}
