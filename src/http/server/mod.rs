//! The sockets: an accept loop of our own over hyper, because `axum::serve` limits neither
//! connections nor heads nor stalled peers.
//!
//! Accepted sockets inherit the listener's options (no delay, send buffer, stall limit), so that an
//! accept costs no further system calls.

mod connection;
mod counting_body;
mod gate;
mod intake;
mod paced_body;
mod slot;

pub use intake::{BodyFraming, ChunkedBody, RequestHead, read_head};
pub use slot::ConnectionPermit;

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

use super::metrics::Metrics;
use super::{ServerOptions, envelope};
use crate::limits::Limits;
use crate::protocol::problem::{Problem, ProblemKind};
use intake::Intake;

/// Connections that get the answer "full" at the same time; further ones are closed without an
/// answer.
const REFUSALS_MAX: usize = 64;
/// The pause after a failed accept (no file descriptor left, for instance).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The shortest time between two log lines about failed accepts.
const ACCEPT_LOG_INTERVAL: Duration = Duration::from_secs(60);

/// An HTTP server, bound to one or more addresses.
pub struct HttpServer {
    listeners: Vec<TcpListener>,
    options: ServerOptions,
    metrics: Arc<Metrics>,
    /// Of the connections of each peer; none where they have no limit.
    limits: Option<Arc<Limits>>,
}

impl HttpServer {
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
            limits: None,
        })
    }

    /// Listens at the addresses of `other` as well, under the limits of `self`.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.listeners.extend(other.listeners);
        self
    }

    /// Limits the connections of each peer.
    #[must_use]
    pub fn limited(mut self, limits: Arc<Limits>) -> Self {
        self.limits = Some(limits);
        self
    }

    /// The address that it listens at; of several, the first.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listeners[0].local_addr()
    }

    /// The next connection at any of its addresses. Cancel safe: a connection that was not returned
    /// stays in the kernel's queue.
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

    /// The permit of a connection, unless its peer or all peers together have as many as they may.
    fn admit(&self, slots: &Arc<Semaphore>, peer: SocketAddr) -> Result<ConnectionPermit, Problem> {
        let address = peer.ip().into();
        let share = match &self.limits {
            Some(limits) => limits.open_connection(address)?,
            None => None,
        };
        let permit = Arc::clone(slots).try_acquire_owned().map_err(|_| {
            self.metrics.http_connections_refused.inc();
            Problem::new(
                ProblemKind::Overloaded,
                "This gateway has as many connections as it takes. Try again later, or another \
                 gateway.",
            )
        })?;
        let metrics = Arc::clone(&self.metrics);
        Ok(ConnectionPermit::new(permit, share, peer, metrics))
    }

    /// Accepts until `shutdown`, then stops listening. Connections run on `tracker`; after
    /// `shutdown` each ends after its current request.
    pub async fn serve(self, router: Router, shutdown: CancellationToken, tracker: TaskTracker) {
        let slots = Arc::new(Semaphore::new(
            self.options
                .connections_max
                .get()
                .min(Semaphore::MAX_PERMITS),
        ));
        let refusals = Arc::new(Semaphore::new(REFUSALS_MAX));
        let linger_limit = self.options.linger_limit;
        let mut logged: Option<Instant> = None;
        loop {
            let accepted = tokio::select! {
                accepted = self.accept() => accepted,
                () = shutdown.cancelled() => return,
            };
            match accepted {
                Ok((stream, peer)) => match self.admit(&slots, peer) {
                    Ok(permit) => {
                        tracker.spawn(connection::serve(
                            stream,
                            permit,
                            router.clone(),
                            self.options,
                            shutdown.clone(),
                        ));
                    }
                    Err(problem) => {
                        if let Ok(permit) = Arc::clone(&refusals).try_acquire_owned() {
                            tracker.spawn(async move {
                                let _ = timeout(linger_limit, refuse(stream, problem)).await;
                                drop(permit);
                            });
                        }
                    }
                },
                Err(error) if is_of_the_peer(&error) => {}
                Err(error) => {
                    if logged.is_none_or(|logged| logged.elapsed() >= ACCEPT_LOG_INTERVAL) {
                        logged = Some(Instant::now());
                        tracing::warn!(
                            %error,
                            "cannot accept connections; the gateway keeps trying"
                        );
                    }
                    let _ = timeout(ACCEPT_PAUSE, shutdown.cancelled()).await;
                }
            }
        }
    }
}

/// Answers a connection that is not admitted.
async fn refuse(mut stream: TcpStream, problem: Problem) {
    let id = envelope::RequestId::fresh();
    let body = envelope::document(&problem, &id);
    let mut answer = format!(
        "HTTP/1.1 {}\r\n{}: {id}\r\nx-content-type-options: nosniff\r\n",
        problem.status(),
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
        connection::close(stream).await;
    }
}

/// Sets how long a peer may acknowledge nothing before the kernel ends the connection; none removes
/// the limit. Only Linux has this option: other systems keep their own limit.
pub(super) fn limit_stalls(socket: &SockRef<'_>, limit: Option<Duration>) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    return socket.set_tcp_user_timeout(limit);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (socket, limit);
        Ok(())
    }
}

/// The socket of a connection that switched to another protocol, and the bytes that the peer sent
/// after the request.
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

/// Whether an error concerns one connection, which ended before it was accepted, and not the
/// listener.
fn is_of_the_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}
