//! One connection, from its first byte to its end.
//!
//! While a connection is idle nothing of it is kept but its socket: the HTTP library is there for
//! requests, and let go when none comes for a while.

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

use super::gate::Gate;
use super::intake::{Intake, Limits};
use super::paced::Paced;
use super::place::{Answering, ConnectionPermit};
use crate::http::ServerOptions;
use crate::http::counted::Counted;
use crate::http::envelope::RefusedHead;

/// How long requests that had arrived before the shutdown have to be read.
const SETTLE: Duration = Duration::from_millis(10);
/// How much of what a peer still sends after its last answer is read, in bytes.
const LINGER_BYTES: usize = 1024 * 1024;
/// What the HTTP library may hold of a head beyond the limit, which is judged before: so that it
/// never judges itself.
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
    let limits = Limits {
        head_bytes: options.header_bytes_max,
        head_time: options.header_limit,
    };
    let mut intake = Intake::new(stream, permit.clone(), limits);
    let mut patience = options.header_limit;
    while intake.has_begun() || has_come(intake.stream(), patience, &shutdown).await {
        // In a box of its own, so that an idle connection does without it.
        intake = match Box::pin(answer(
            intake,
            permit.clone(),
            router.clone(),
            options,
            &shutdown,
        ))
        .await
        {
            Ended::Idle(intake) => intake,
            Ended::Last(stream) => {
                let _ = timeout(options.linger_limit, part(stream)).await;
                return;
            }
            Ended::Gone => return,
        };
        patience = options.keep_alive;
    }
    // Closed at once: what a peer sends from here on is not read, and its end says so.
}

/// How the HTTP library came to its end.
enum Ended {
    /// No request is under way, and another one may come.
    Idle(Intake),
    /// The last answer was sent.
    Last(TcpStream),
    /// The connection is broken, or a session's.
    Gone,
}

/// Waits for the first byte of a request. None comes when the peer left, or sent nothing for so
/// long, or the gateway shuts down; what is here by then is served.
async fn has_come(stream: &TcpStream, patience: Duration, shutdown: &CancellationToken) -> bool {
    let mut byte = [0];
    tokio::select! {
        // Cancel safe: nothing is taken. The end of what the peer sends is no byte.
        come = stream.peek(&mut byte) => come.is_ok_and(|bytes| bytes > 0),
        () = sleep(patience) => is_there(stream),
        () = settled(shutdown) => is_there(stream),
    }
}

/// Whether the kernel has something that the peer sent, whatever the runtime knows of it.
fn is_there(stream: &TcpStream) -> bool {
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
) -> Ended {
    let last = shutdown.is_cancelled();
    let door = permit.clone();
    intake.wake();
    let gate = intake.gate();
    let taken = Arc::clone(&gate);
    let service = service_fn(move |request| {
        respond(request, permit.clone(), router.clone(), Arc::clone(&gate))
    });
    let mut serving = http1::Builder::new()
        .timer(TokioTimer::new())
        // Longer than a connection is kept: the intake's limits end a head, and the wait for one.
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
        () = can_stop(&taken, shutdown), if !last => {
            idle = !door.is_busy();
            std::pin::Pin::new(&mut serving).graceful_shutdown();
            (&mut serving).await
        }
    };
    // A peer that went, or took nothing of its answer: nothing an operator can act on.
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended early");
        return Ended::Gone;
    }
    let Some(parts) = serving.into_parts() else {
        return Ended::Gone;
    };
    let intake = parts.io.into_inner();
    if (idle || intake.is_dozing()) && intake.is_between_requests() && parts.read_buf.is_empty() {
        Ended::Idle(intake)
    } else {
        Ended::Last(intake.into_parts().0)
    }
}

/// One request through the router, and what is known of it afterwards.
fn respond(
    request: hyper::Request<Incoming>,
    permit: ConnectionPermit,
    router: Router,
    gate: Arc<Gate>,
) -> impl Future<
    Output = Result<hyper::Response<Counted<Paced<Body>, Answering>>, std::convert::Infallible>,
> {
    let (answering, metrics) = (permit.answering(), permit.metrics());
    let (received, sent) = (
        metrics.http_request_body_bytes.clone(),
        metrics.http_response_body_bytes.clone(),
    );
    let mut request = request.map(|body| Body::new(Counted::new(body, received, ())));
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
        Ok(response.map(|body| Counted::new(Paced::new(body, gate), sent, answering)))
    }
}

/// Ends once the library can be asked to stop without a loss: it drops what it has written and the
/// peer has not taken.
async fn can_stop(gate: &Gate, shutdown: &CancellationToken) {
    settled(shutdown).await;
    gate.open().await;
}

/// Ends once the shutdown has begun and what had arrived before it was read. Asked to stop while it
/// has read nothing, hyper closes a connection, also with a request waiting in the kernel: a timer
/// fires after the sockets of the same turn of the runtime were looked at, so that such a request
/// is a request under way.
async fn settled(shutdown: &CancellationToken) {
    shutdown.cancelled().await;
    sleep(SETTLE).await;
}

/// Says that nothing more comes, and reads on: closing a socket with unread bytes in it resets the
/// connection, and the reset may overtake the answer (a 413 sent before the body was read, for
/// instance).
pub(super) async fn part(mut stream: TcpStream) {
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
