//! One connection, from its first byte to its end.
//!
//! An idle connection keeps only its socket: hyper is created for a request, and dropped when no
//! other comes for a while.

use std::convert::Infallible;
use std::future::Future;
use std::io::ErrorKind;
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::counting_body::CountingBody;
use super::gate::Gate;
use super::intake::{HeadLimits, Intake};
use super::paced_body::PacedBody;
use super::slot::{BusyGuard, ConnectionPermit};
use crate::http::ServerOptions;
use crate::http::envelope::RefusedHead;

/// How long the server still reads requests that arrived before the shutdown.
const SETTLE: Duration = Duration::from_millis(10);
/// The most bytes that are read from a peer after its last answer.
const LINGER_BYTES: usize = 1024 * 1024;
/// The room of hyper's buffer beyond the limit of heads: the intake applies the limit, and hyper
/// must never do so itself.
const SPARE_BYTES: usize = 4096;

/// Serves one connection until its peer, a limit or the shutdown ends it, or a session takes it
/// over.
pub(super) async fn serve(
    stream: TcpStream,
    permit: ConnectionPermit,
    router: Router,
    options: ServerOptions,
    shutdown: CancellationToken,
) {
    let limits = HeadLimits {
        head_bytes: options.header_bytes_max,
        head_time: options.header_limit,
    };
    let mut intake = Intake::new(stream, permit.clone(), limits);
    let mut limit = options.header_limit;
    while intake.has_begun() || request_comes(intake.stream(), limit, &shutdown).await {
        // Boxed, so that an idle connection does not hold its memory.
        intake = match Box::pin(answer(
            intake,
            permit.clone(),
            router.clone(),
            options,
            &shutdown,
        ))
        .await
        {
            AfterRequests::Idle(intake) => intake,
            AfterRequests::Last(stream) => {
                let _ = timeout(options.linger_limit, close(stream)).await;
                return;
            }
            AfterRequests::Gone => return,
        };
        limit = options.keep_alive;
    }
    // Dropping the socket closes it at once: an idle peer loses nothing.
}

/// The body of an answer.
type AnswerBody = CountingBody<PacedBody<Body>, BusyGuard>;

/// The connection after hyper has ended.
enum AfterRequests {
    /// No request is being answered, and another one may come.
    Idle(Intake),
    /// The last answer was written.
    Last(TcpStream),
    /// The connection is broken, or a session owns it.
    Gone,
}

/// Waits for the first byte of a request. False when the peer left, sent nothing within `limit`, or
/// the gateway shuts down; bytes that have arrived by then are still served.
async fn request_comes(stream: &TcpStream, limit: Duration, shutdown: &CancellationToken) -> bool {
    let mut byte = [0];
    tokio::select! {
        // Cancel safe: peeking takes nothing. At the end of the stream it returns 0 bytes.
        peeked = stream.peek(&mut byte) => peeked.is_ok_and(|bytes| bytes > 0),
        () = sleep(limit) => has_bytes(stream),
        () = settled(shutdown) => has_bytes(stream),
    }
}

/// Whether the kernel has received bytes, also where the runtime has not noticed them yet.
fn has_bytes(stream: &TcpStream) -> bool {
    let mut byte = [MaybeUninit::uninit()];
    match SockRef::from(stream).peek(&mut byte) {
        Ok(read) => read > 0,
        Err(error) => error.kind() == ErrorKind::Interrupted,
    }
}

/// Answers requests until none comes for a while.
async fn answer(
    mut intake: Intake,
    permit: ConnectionPermit,
    router: Router,
    options: ServerOptions,
    shutdown: &CancellationToken,
) -> AfterRequests {
    let last = shutdown.is_cancelled();
    let connection = permit.clone();
    intake.wake();
    let gate = intake.gate();
    let stop_gate = Arc::clone(&gate);
    let service = service_fn(move |request| {
        respond(request, permit.clone(), router.clone(), Arc::clone(&gate))
    });
    let mut serving = http1::Builder::new()
        .timer(TokioTimer::new())
        // Longer than the intake's own limits, which end a head and the wait for one.
        .header_read_timeout(options.keep_alive + options.header_limit)
        .keep_alive(!last)
        .max_header_size(options.header_bytes_max + SPARE_BYTES)
        .max_buf_size(options.header_bytes_max + SPARE_BYTES)
        .serve_connection(TokioIo::new(intake), service)
        .with_upgrades();
    let mut idle = false;
    let ended = tokio::select! {
        biased;
        ended = &mut serving => ended,
        () = can_stop(&stop_gate, shutdown), if !last => {
            idle = !connection.is_busy();
            std::pin::Pin::new(&mut serving).graceful_shutdown();
            (&mut serving).await
        }
    };
    // The peer left, or read nothing of its answer: no operator can act on that.
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended early");
        return AfterRequests::Gone;
    }
    let Some(parts) = serving.into_parts() else {
        return AfterRequests::Gone;
    };
    let intake = parts.io.into_inner();
    if (idle || intake.is_dozing()) && intake.is_between_requests() && parts.read_buf.is_empty() {
        AfterRequests::Idle(intake)
    } else {
        AfterRequests::Last(intake.into_parts().0)
    }
}

/// Passes one request to the router, and counts the bytes of its bodies.
fn respond(
    request: hyper::Request<Incoming>,
    permit: ConnectionPermit,
    router: Router,
    gate: Arc<Gate>,
) -> impl Future<Output = Result<hyper::Response<AnswerBody>, Infallible>> {
    let (busy, metrics) = (permit.begin_request(), permit.metrics());
    let (received, sent) = (
        metrics.http_request_body_bytes.clone(),
        metrics.http_response_body_bytes.clone(),
    );
    let mut request = request.map(|body| Body::new(CountingBody::new(body, received, ())));
    if let Some(problem) = permit.take_refusal() {
        request.extensions_mut().insert(RefusedHead(problem));
    }
    request.extensions_mut().insert(permit.clone());
    async move {
        gate.open().await;
        let response = router.oneshot(request).await?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            permit.switch();
        }
        Ok(response.map(|body| CountingBody::new(PacedBody::new(body, gate), sent, busy)))
    }
}

/// Returns once hyper can stop without a loss: when it stops, it drops the bytes that the peer has
/// not taken yet.
async fn can_stop(gate: &Gate, shutdown: &CancellationToken) {
    settled(shutdown).await;
    gate.open().await;
}

/// Returns once the shutdown has begun and the bytes that arrived before it were read. hyper, asked
/// to stop before it has read anything, closes a connection even when a request waits in the
/// kernel. The runtime polls its sockets before its timers, so after this pause hyper has read the
/// request.
async fn settled(shutdown: &CancellationToken) {
    shutdown.cancelled().await;
    sleep(SETTLE).await;
}

/// Closes the sending side, and reads on until the peer closes its own. Closing a socket with
/// unread bytes would reset the connection, and the reset might overtake the answer (a 413 before
/// the whole body was read, for instance).
pub(super) async fn close(mut stream: TcpStream) {
    if stream.shutdown().await.is_err() {
        return;
    }
    let mut buffer = [0; 4096];
    let mut left = LINGER_BYTES;
    while left > 0 {
        match stream.read(&mut buffer).await {
            Ok(read) if read > 0 => left = left.saturating_sub(read),
            _ => return,
        }
    }
}
