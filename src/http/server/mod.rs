//! Sockets: one accept loop over hyper, because `axum::serve` has no limit on connections, heads or
//! stalled peers.
//!
//! The listener's options (no delay, send buffer, stall limit) are inherited by what it accepts, so
//! that accepting costs no further system calls.

mod chunks;
mod connection;
mod gate;
mod head;
mod intake;
mod paced;
mod phase;
mod place;
mod target;

pub use place::ConnectionPermit;

use std::fmt::Write as _;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{ServerOptions, envelope};
use crate::protocol::problem::{Problem, ProblemKind};
use crate::telemetry::Metrics;
use intake::Intake;

/// Connections that are being told, at the same time, that the gateway is full; more are closed
/// without a word.
const REFUSALS_MAX: usize = 64;
/// How long to wait after a failed accept (no file descriptor left, for instance).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long after it was told that accepting fails it is told again.
const ACCEPT_TOLD: Duration = Duration::from_secs(60);

/// Bound, at one address or several.
pub struct Server {
    listeners: Vec<TcpListener>,
    options: ServerOptions,
    metrics: Arc<Metrics>,
}

impl Server {
    /// Binds `address` (port 0 takes a free one). Must be called inside a tokio runtime.
    pub fn bind(
        address: SocketAddr,
        options: ServerOptions,
        metrics: Arc<Metrics>,
    ) -> io::Result<Self> {
        let socket = Socket::new(
            Domain::for_address(address),
            Type::STREAM,
            Some(Protocol::TCP),
        )?;
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        socket.set_send_buffer_size(options.send_buffer_bytes)?;
        limit_stalls(&SockRef::from(&socket), Some(options.stall_limit))?;
        socket.bind(&address.into())?;
        socket.listen(i32::from(options.backlog))?;
        metrics
            .http_connections_max
            .set(i64::try_from(options.connections_max.get()).unwrap_or(i64::MAX));
        Ok(Self {
            listeners: vec![TcpListener::from_std(socket.into())?],
            options,
            metrics,
        })
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

    /// The next connection at any of its addresses. Cancel safe: what was not returned stays in the
    /// kernel's queue.
    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        poll_fn(|context| {
            let accepted = self
                .listeners
                .iter()
                .map(|listener| listener.poll_accept(context))
                .find(Poll::is_ready);
            accepted.unwrap_or(Poll::Pending)
        })
        .await
    }

    /// Accepts until `shutdown`, then stops listening. Connections run on `tracker`; after
    /// `shutdown` each ends with the request that it is serving.
    pub async fn serve(self, router: Router, shutdown: CancellationToken, tracker: TaskTracker) {
        let places = Arc::new(Semaphore::new(
            self.options
                .connections_max
                .get()
                .min(Semaphore::MAX_PERMITS),
        ));
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
                        let permit = ConnectionPermit::new(permit, Arc::clone(&self.metrics));
                        tracker.spawn(connection::serve(
                            stream,
                            permit,
                            router.clone(),
                            self.options,
                            shutdown.clone(),
                        ));
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
                        tracing::warn!(
                            %error,
                            "cannot accept connections; trying until it is possible again"
                        );
                    }
                    let _ = timeout(ACCEPT_PAUSE, shutdown.cancelled()).await;
                }
            }
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
    let body = envelope::document(&problem, &id);
    let mut answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\n{}: {id}\r\nx-content-type-options: nosniff\r\n",
        envelope::REQUEST_ID
    );
    for (name, value) in problem.headers() {
        let _ = write!(answer, "{name}: {}\r\n", value.to_str().unwrap_or_default());
    }
    let length = body.len();
    let _ = write!(
        answer,
        "content-type: application/problem+json\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{body}"
    );
    if stream.write_all(answer.as_bytes()).await.is_ok() {
        connection::part(stream).await;
    }
}

/// Sets how long a peer may take nothing of what waits for it before the kernel ends the
/// connection; none lifts the limit. Only Linux has such an option: elsewhere the kernel's own
/// patience is the limit.
pub(super) fn limit_stalls(socket: &SockRef<'_>, limit: Option<Duration>) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    return socket.set_tcp_user_timeout(limit);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (socket, limit);
        Ok(())
    }
}

/// The socket of a connection that became one of another protocol, and what its peer sent right
/// behind the request.
pub(super) fn take_over(upgraded: Upgraded) -> Option<(TcpStream, Bytes)> {
    let parts = upgraded.downcast::<TokioIo<Intake>>().ok()?;
    let (socket, held) = parts.io.into_inner().into_parts();
    Some((
        socket,
        if held.is_empty() {
            parts.read_buf
        } else {
            [&parts.read_buf[..], &held].concat().into()
        },
    ))
}

/// Errors of one connection that went before it was accepted, not of the listener.
fn is_the_peers(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}
