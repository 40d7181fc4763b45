//! Sockets: one accept loop over hyper, because `axum::serve` has no limit on connections, heads or stalled peers.
//!
//! The listener's options (no delay, send buffer, stall limit) are inherited by what it accepts, so that accepting
//! costs no further system calls.

mod gate;

pub(super) use gate::Gated;

use std::fmt::Write as _;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use futures_util::TryFutureExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::counted::Counted;
use super::{ServerOptions, envelope};
use crate::protocol::problem::{Problem, ProblemKind};
use crate::telemetry::Metrics;

/// Connections that are being told, at the same time, that the gateway is full; more are closed without a word.
const REFUSALS_MAX: usize = 64;
/// How long to wait after a failed accept (no file descriptor left, for instance).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long after it was told that accepting fails it is told again.
const ACCEPT_TOLD: Duration = Duration::from_secs(60);
/// How long requests that had arrived before the shutdown have to be read.
const SETTLE: Duration = Duration::from_millis(10);
/// How much of what a peer still sends after its last answer is read, in bytes.
const LINGER_BYTES: usize = 1024 * 1024;

/// Bound, at one address or several.
pub struct Server {
    listeners: Vec<TcpListener>,
    options: ServerOptions,
    metrics: Arc<Metrics>,
}

/// A connection's place among `connections_max`: a request finds it in its extensions, and a session that outlives the
/// request keeps it. The place is free again once all clones are gone.
#[derive(Clone)]
pub struct ConnectionPermit {
    place: Arc<Place>,
}

struct Place {
    _permit: OwnedSemaphorePermit,
    metrics: Arc<Metrics>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.metrics.http_connections.dec();
    }
}

impl Server {
    /// Binds `address` (port 0 takes a free one). Must be called inside a tokio runtime.
    pub fn bind(address: SocketAddr, options: ServerOptions, metrics: Arc<Metrics>) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        socket.set_send_buffer_size(options.send_buffer_bytes)?;
        limit_stalls(&SockRef::from(&socket), Some(options.stall_limit))?;
        socket.bind(&address.into())?;
        socket.listen(i32::from(options.backlog))?;
        metrics.http_connections_max.set(i64::try_from(options.connections_max.get()).unwrap_or(i64::MAX));
        Ok(Self { listeners: vec![TcpListener::from_std(socket.into())?], options, metrics })
    }

    /// Listens where the other one does, too, under the same limits.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.listeners.extend(other.listeners);
        self
    }

    /// Where it listens; of several addresses, the first.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listeners[0].local_addr()
    }

    /// The next connection at any of its addresses. Cancel safe: what was not returned stays in the kernel's queue.
    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        poll_fn(|context| {
            let accepted = self.listeners.iter().map(|listener| listener.poll_accept(context)).find(Poll::is_ready);
            accepted.unwrap_or(Poll::Pending)
        })
        .await
    }

    /// Accepts until `shutdown`, then stops listening. Connections run on `tracker`; after `shutdown` each ends with
    /// the request that it is serving.
    pub async fn serve(self, router: Router, shutdown: CancellationToken, tracker: TaskTracker) {
        let places = Arc::new(Semaphore::new(self.options.connections_max.get().min(Semaphore::MAX_PERMITS)));
        let refusals = Arc::new(Semaphore::new(REFUSALS_MAX));
        let linger_limit = self.options.linger_limit;
        let mut told: Option<Instant> = None;
        loop {
            let accepted = tokio::select! {
                accepted = self.accept() => accepted,
                () = shutdown.cancelled() => return,
            };
            match accepted {
                Ok((stream, _)) => {
                    if let Ok(permit) = Arc::clone(&places).try_acquire_owned() {
                        self.metrics.http_connections.inc();
                        let place = Place { _permit: permit, metrics: Arc::clone(&self.metrics) };
                        let permit = ConnectionPermit { place: Arc::new(place) };
                        tracker.spawn(connection(stream, permit, router.clone(), self.options, shutdown.clone()));
                    } else {
                        self.metrics.http_connections_refused.inc();
                        if let Ok(permit) = Arc::clone(&refusals).try_acquire_owned() {
                            tracker.spawn(async move {
                                let _ = timeout(linger_limit, refuse(stream)).await;
                                drop(permit);
                            });
                        }
                    }
                }
                Err(error) if is_the_peers(&error) => {}
                Err(error) => {
                    if told.is_none_or(|told| told.elapsed() >= ACCEPT_TOLD) {
                        told = Some(Instant::now());
                        tracing::warn!(%error, "cannot accept connections; trying until it is possible again");
                    }
                    let _ = timeout(ACCEPT_PAUSE, shutdown.cancelled()).await;
                }
            }
        }
    }
}

/// Serves one connection until its peer, a limit or the shutdown ends it, or a session takes it over.
async fn connection(
    stream: TcpStream,
    permit: ConnectionPermit,
    router: Router,
    options: ServerOptions,
    shutdown: CancellationToken,
) {
    let place = permit.clone();
    let metrics = Arc::clone(&permit.place.metrics);
    let (stream, gate) = Gated::new(stream);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let (received, sent) = (metrics.http_request_body_bytes.clone(), metrics.http_response_body_bytes.clone());
        let mut request = request.map(|body| Body::new(Counted::new(body, received)));
        request.extensions_mut().insert(permit.clone());
        let (router, gate) = (router.clone(), Arc::clone(&gate));
        async move {
            gate.open().await;
            router.oneshot(request).map_ok(|response| response.map(|body| Counted::new(body, sent))).await
        }
    });
    let mut serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(options.header_limit)
        .max_header_size(options.header_bytes_max)
        .max_buf_size(options.header_bytes_max)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let ended = tokio::select! {
        biased;
        ended = &mut serving => ended,
        () = settled(&shutdown) => {
            std::pin::Pin::new(&mut serving).graceful_shutdown();
            (&mut serving).await
        }
    };
    // A peer that went, was too slow, or sent what is no HTTP (hyper has answered that): nothing an operator can act on.
    let parts = match ended {
        Ok(()) => serving.into_parts(),
        Err(error) => {
            tracing::debug!(%error, "connection ended early");
            None
        }
    };
    if let Some(parts) = parts {
        let _ = timeout(options.linger_limit, linger(parts.io.into_inner().into_inner())).await;
    }
    drop(place);
}

/// Ends once the shutdown has begun and what had arrived before it was read. Asked to stop while it has read nothing,
/// hyper closes a connection, also with a request waiting in the kernel: a timer fires after the sockets of the same turn
/// of the runtime were looked at, so that such a request is a request under way.
async fn settled(shutdown: &CancellationToken) {
    shutdown.cancelled().await;
    sleep(SETTLE).await;
}

/// Reads on after our end was closed: closing a socket with unread bytes in it resets the connection, and the reset may
/// overtake the answer (a 413 sent before the body was read, for instance).
async fn linger(mut stream: TcpStream) {
    let mut buffer = [0; 4096];
    let mut left = LINGER_BYTES;
    while left > 0 {
        match stream.read(&mut buffer).await {
            Ok(read) if read > 0 => left = left.saturating_sub(read),
            _ => return,
        }
    }
}

/// Answers that the gateway is full.
async fn refuse(mut stream: TcpStream) {
    let problem = Problem::new(
        ProblemKind::Overloaded,
        "This gateway has as many connections as it takes. Try again later, or another gateway.",
    );
    let id = envelope::Id::fresh();
    let body = problem.to_json(Some(&id.instance())).to_string();
    let mut answer = format!("HTTP/1.1 503 Service Unavailable\r\n{}: {id}\r\n", envelope::REQUEST_ID);
    for (name, value) in problem.headers() {
        let _ = write!(answer, "{name}: {}\r\n", value.to_str().unwrap_or_default());
    }
    let length = body.len();
    let _ = write!(
        answer,
        "content-type: application/problem+json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    if stream.write_all(answer.as_bytes()).await.is_ok() && stream.shutdown().await.is_ok() {
        linger(stream).await;
    }
}

/// Sets how long a peer may take nothing of what waits for it before the kernel ends the connection; none lifts the limit.
/// Only Linux has such an option: elsewhere the kernel's own patience is the limit.
pub(super) fn limit_stalls(socket: &SockRef<'_>, limit: Option<Duration>) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    return socket.set_tcp_user_timeout(limit);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (socket, limit);
        Ok(())
    }
}

/// Errors of one connection that went before it was accepted, not of the listener.
fn is_the_peers(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}
