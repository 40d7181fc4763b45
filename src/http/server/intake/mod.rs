//! The reading side of a connection, between the socket and hyper.
//!
//! It finds where heads and bodies begin and end, and hands hyper one complete head at a time. So
//! it can encode a target, and answer a malformed head with a problem document, which hyper would
//! not; bodies and other protocols pass unchanged. It also knows when hyper only waits for another
//! request: then the connection needs nothing but its socket.

mod chunked;
mod head;
mod phase;
mod target;

pub use chunked::ChunkedBody;
pub use head::{BodyFraming, RequestHead, read as read_head};

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::gate::{Gate, GatedStream};
use super::slot::ConnectionPermit;
use crate::protocol::problem::Problem;
use phase::ReadPhase;

/// Bytes that are read at a time of a head that arrives in pieces.
const PIECE_BYTES: usize = 4096;
/// How long hyper waits for another request before it is dropped.
const DOZE_AFTER: Duration = Duration::from_secs(1);
/// The requests that hyper reads in place of a refused head; the router answers them with the
/// refusal, and the connection ends.
const REFUSED: &[u8] = b"GET /refused HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
const REFUSED_HEAD: &[u8] =
    b"HEAD /refused HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

/// A connection's reading side, with the socket.
pub(super) struct Intake {
    stream: GatedStream<TcpStream>,
    gate: Arc<Gate>,
    permit: ConnectionPermit,
    limits: HeadLimits,
    phase: ReadPhase,
    /// Bytes that were read and not checked: the beginning of a head, or what follows the current
    /// request.
    held: Vec<u8>,
    /// How many bytes of `held` were searched and contain no complete head.
    searched: usize,
    /// The rest of the head that is being handed out.
    out: Vec<u8>,
    /// When the current head began, or hyper began to wait for one.
    since: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
    /// hyper got the end of the stream, because no request came for a while.
    dozing: bool,
    /// The peer has closed its sending side.
    ended: bool,
}

/// The longest head, in bytes and in time.
#[derive(Clone, Copy)]
pub(super) struct HeadLimits {
    pub(super) head_bytes: usize,
    pub(super) head_time: Duration,
}

impl Intake {
    pub(super) fn new(stream: TcpStream, permit: ConnectionPermit, limits: HeadLimits) -> Self {
        let (stream, gate) = GatedStream::new(stream);
        let (held, out) = (Vec::new(), Vec::new());
        let (since, timer) = (None, None);
        let (dozing, ended) = (false, false);
        Self {
            stream,
            gate,
            permit,
            limits,
            phase: ReadPhase::Head,
            held,
            searched: 0,
            out,
            since,
            timer,
            dozing,
            ended,
        }
    }

    /// The socket, to wait for its readiness.
    pub(super) fn stream(&self) -> &TcpStream {
        self.stream.get_ref()
    }

    /// Shut while the socket takes nothing of what was written last.
    pub(super) fn gate(&self) -> Arc<Gate> {
        Arc::clone(&self.gate)
    }

    /// Whether another request may come: none is being read or answered, and the peer can send one.
    pub(super) fn is_between_requests(&self) -> bool {
        let between =
            matches!(self.phase, ReadPhase::Head | ReadPhase::AwaitAnswer) && self.out.is_empty();
        between && !self.ended && !self.permit.is_busy()
    }

    /// Whether the beginning of a request was read.
    pub(super) fn has_begun(&self) -> bool {
        !self.held.is_empty()
    }

    /// Whether hyper got the end of the stream, because no request came for a while.
    pub(super) fn is_dozing(&self) -> bool {
        self.dozing
    }

    /// Prepares the intake for another instance of hyper.
    pub(super) fn wake(&mut self) {
        (self.dozing, self.since) = (false, None);
    }

    /// The socket, and the bytes that were read and not handed out.
    pub(super) fn into_parts(self) -> (TcpStream, Vec<u8>) {
        (self.stream.into_inner(), self.held)
    }

    /// Hands out the current head.
    fn hand_out(&mut self, buf: &mut ReadBuf<'_>) {
        let length = self.out.len().min(buf.remaining());
        buf.put_slice(&self.out[..length]);
        self.out.drain(..length);
        if self.out.is_empty() {
            self.out = Vec::new();
        }
    }

    /// Moves on after a head; `rest` follows it.
    fn follow(&mut self, head: &RequestHead, rest: Vec<u8>) {
        (self.held, self.searched, self.since) = (rest, 0, None);
        self.phase = ReadPhase::after_head(head);
    }

    /// Puts a substitute request in place of the head that begins with `bytes`.
    fn refuse(&mut self, problem: Problem, bytes: &[u8]) {
        let substitute = if bytes.trim_ascii_start().starts_with(b"HEAD ") {
            REFUSED_HEAD
        } else {
            REFUSED
        };
        self.out = substitute.to_vec();
        self.permit.refuse_next(problem);
        (self.held, self.searched, self.since) = (Vec::new(), 0, None);
        self.phase = ReadPhase::Refused;
    }

    /// Searches the held bytes for a complete head, and prepares it for hyper.
    fn check_held(&mut self) {
        let blank = head::blank_lines(&self.held);
        self.held.drain(..blank);
        let from = self.searched.saturating_sub(3).min(self.held.len());
        let may_be_complete = self.searched == 0 || head::contains_end(&self.held[from..]);
        self.searched = self.held.len();
        if self.held.is_empty() || !may_be_complete && self.held.len() <= self.limits.head_bytes {
            return;
        }
        let mut bytes = std::mem::take(&mut self.held);
        match head::read(&bytes, self.limits.head_bytes) {
            Ok(None) => self.held = bytes,
            Ok(Some(head)) => {
                self.follow(&head, bytes.split_off(head.length));
                self.out = head.rewritten.unwrap_or(bytes);
            }
            Err(problem) => self.refuse(problem, &bytes),
        }
    }

    /// Checks the bytes that were read into `buf` after its first `before` bytes, while none were
    /// held. Usually they are one complete head, which then stays where it is.
    fn check_read(&mut self, buf: &mut ReadBuf<'_>, before: usize) {
        let read = &buf.filled()[before..];
        let mut stays = 0;
        match head::read(read, self.limits.head_bytes) {
            Ok(Some(mut head)) => {
                self.follow(&head, read[head.length..].to_vec());
                match head.rewritten.take() {
                    Some(rewritten) => self.out = rewritten,
                    None => stays = head.length,
                }
            }
            Ok(None) => {
                self.held = read[head::blank_lines(read)..].to_vec();
                self.searched = self.held.len();
            }
            Err(problem) => self.refuse(problem, read),
        }
        buf.set_filled(before + stays);
    }

    /// Reads more of a head that arrives in pieces.
    fn poll_more(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let length = self.held.len();
        self.held.resize(length + PIECE_BYTES, 0);
        let mut piece = ReadBuf::new(&mut self.held[length..]);
        let polled = Pin::new(&mut self.stream).poll_read(context, &mut piece);
        let read = piece.filled().len();
        self.held.truncate(length + read);
        polled.map_ok(|()| read)
    }

    /// Applies the time limits while no bytes come and no answer is being written. Between
    /// requests, hyper gets the end of the stream; within a head, the head is refused.
    fn poll_time(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.permit.is_busy() {
            return Poll::Pending;
        }
        let begun = self.has_begun();
        loop {
            if !begun && self.gate.is_shut() {
                // The socket has not taken the last answer yet.
                self.since = None;
            }
            let since = *self.since.get_or_insert_with(Instant::now);
            let due = since
                + if begun {
                    self.limits.head_time
                } else {
                    DOZE_AFTER
                };
            if Instant::now() >= due {
                break;
            }
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
            // A timer that fires too early costs one more poll; resetting it for each request would
            // cost more.
            if timer.deadline() > due || timer.is_elapsed() {
                timer.as_mut().reset(due);
            }
            ready!(timer.as_mut().poll(context));
        }
        if begun {
            let held = std::mem::take(&mut self.held);
            self.refuse(head::late(), &held);
        } else {
            (self.dozing, self.held, self.timer) = (true, Vec::new(), None);
        }
        Poll::Ready(())
    }

    /// Reads a head, or waits for one. An unchanged `buf` is the end of the stream for hyper.
    fn poll_head(
        &mut self,
        context: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        loop {
            if !self.out.is_empty() {
                self.hand_out(buf);
                return Poll::Ready(Ok(()));
            }
            if self.held.len() > self.searched {
                self.check_held();
                continue;
            }
            let begun = self.has_begun();
            let polled = if begun {
                self.poll_more(context)
            } else {
                Pin::new(&mut self.stream)
                    .poll_read(context, buf)
                    .map_ok(|()| buf.filled().len() - before)
            };
            match polled {
                Poll::Ready(Ok(1..)) if !begun => {
                    self.check_read(buf, before);
                    if buf.filled().len() > before {
                        return Poll::Ready(Ok(()));
                    }
                }
                Poll::Ready(Ok(1..)) => {}
                Poll::Ready(ended) => {
                    self.ended = true;
                    return Poll::Ready(ended.map(drop));
                }
                Poll::Pending => {
                    ready!(self.poll_time(context));
                    if self.dozing {
                        return Poll::Ready(Ok(()));
                    }
                }
            }
        }
    }

    /// Reads a body, or bytes of another protocol.
    fn poll_body(
        &mut self,
        context: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.held.is_empty() {
            let there = self.held.len().min(buf.remaining());
            let taken = self.phase.take(&self.held[..there]);
            buf.put_slice(&self.held[..taken]);
            self.held.drain(..taken);
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buf))?;
        let read = &buf.filled()[before..];
        let taken = self.phase.take(read);
        if taken < read.len() {
            self.held = read[taken..].to_vec();
            buf.set_filled(before + taken);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Intake {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !this.out.is_empty() {
            this.hand_out(buf);
            return Poll::Ready(Ok(()));
        }
        if this.phase == ReadPhase::AwaitAnswer && this.permit.has_switched() {
            this.phase = ReadPhase::Raw;
        } else if this.phase == ReadPhase::AwaitAnswer && !this.permit.is_busy() {
            this.phase = ReadPhase::Head;
        }
        match this.phase {
            ReadPhase::Head => this.poll_head(context, buf),
            ReadPhase::Body { .. } | ReadPhase::Chunks { .. } | ReadPhase::Raw => {
                this.poll_body(context, buf)
            }
            // The answer wakes hyper, which then polls again or ends.
            ReadPhase::AwaitAnswer | ReadPhase::Refused => Poll::Pending,
        }
    }
}

impl AsyncWrite for Intake {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    /// Does nothing: the connection may go on with another instance of hyper, so hyper does not
    /// decide its end.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
