//! What a connection reads: requests as the HTTP library takes them.
//!
//! It stands between the socket and the library, knows where heads and bodies begin and end, and
//! hands out one head at a time, each whole. So it can encode what a target holds raw, and put a
//! refusal of ours where the library would say no without a word; bodies and other protocols pass
//! as they are. And it knows when the library merely waits for another request: then nothing but
//! the socket need be kept.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::gate::{Gate, Gated};
use super::head::{self, Head};
use super::phase::Phase;
use super::place::ConnectionPermit;
use crate::protocol::problem::Problem;

/// Bytes of a head that are read at a time once it did not arrive as a whole.
const PIECE_BYTES: usize = 4096;
/// How long the library waits for another request before it is let go.
const DOZE_AFTER: Duration = Duration::from_secs(1);
/// What stands for a head that was refused: the answer to it is ours, and the last.
const REFUSED: &[u8] = b"GET /refused HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
const REFUSED_HEAD: &[u8] =
    b"HEAD /refused HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

/// A connection's reading side, with the socket.
pub(super) struct Intake {
    stream: Gated<TcpStream>,
    gate: Arc<Gate>,
    permit: ConnectionPermit,
    limits: Limits,
    phase: Phase,
    /// What was read and not judged: the beginning of a head, or what stands behind the one under
    /// way.
    held: Vec<u8>,
    /// How much of `held` was looked through, and holds no whole head.
    looked: usize,
    /// A head that is being handed out, as far as it was not.
    out: Vec<u8>,
    /// When the head under way began, or the library began to wait for one.
    since: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
    /// The library was told that nothing more comes, because nothing came.
    dozing: bool,
    /// The peer sends nothing more.
    ended: bool,
}

/// How long heads may be, in bytes and in time.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) head_bytes: usize,
    pub(super) head_time: Duration,
}

impl Intake {
    pub(super) fn new(stream: TcpStream, permit: ConnectionPermit, limits: Limits) -> Self {
        let (stream, gate) = Gated::new(stream);
        let (held, out) = (Vec::new(), Vec::new());
        let (since, timer) = (None, None);
        let (dozing, ended) = (false, false);
        Self {
            stream,
            gate,
            permit,
            limits,
            phase: Phase::Head,
            held,
            looked: 0,
            out,
            since,
            timer,
            dozing,
            ended,
        }
    }

    /// The socket, to wait for it.
    pub(super) fn stream(&self) -> &TcpStream {
        self.stream.get_ref()
    }

    /// Shut while the peer takes nothing of what was last written.
    pub(super) fn gate(&self) -> Arc<Gate> {
        Arc::clone(&self.gate)
    }

    /// Whether another request may come: none is under way, and the peer may still send one.
    pub(super) fn is_between_requests(&self) -> bool {
        let between = matches!(self.phase, Phase::Head | Phase::Verdict) && self.out.is_empty();
        between && !self.ended && !self.permit.is_busy()
    }

    /// Whether the beginning of a request is here already.
    pub(super) fn has_begun(&self) -> bool {
        !self.held.is_empty()
    }

    /// Whether the library was told that nothing comes, because for a while nothing came.
    pub(super) fn is_dozing(&self) -> bool {
        self.dozing
    }

    /// Ready for another instance of the library.
    pub(super) fn wake(&mut self) {
        (self.dozing, self.since) = (false, None);
    }

    /// The socket, and what was read of it and not handed out.
    pub(super) fn into_parts(self) -> (TcpStream, Vec<u8>) {
        (self.stream.into_inner(), self.held)
    }

    /// Hands out what is ready.
    fn hand_out(&mut self, buf: &mut ReadBuf<'_>) {
        let length = self.out.len().min(buf.remaining());
        buf.put_slice(&self.out[..length]);
        self.out.drain(..length);
        if self.out.is_empty() {
            self.out = Vec::new();
        }
    }

    /// A head was found; `rest` stood behind it.
    fn follow(&mut self, head: &Head, rest: Vec<u8>) {
        (self.held, self.looked, self.since) = (rest, 0, None);
        self.phase = Phase::behind(head);
    }

    /// Puts a refusal in place of the head that begins with `bytes`.
    fn refuse(&mut self, problem: Problem, bytes: &[u8]) {
        let substitute = if bytes.trim_ascii_start().starts_with(b"HEAD ") {
            REFUSED_HEAD
        } else {
            REFUSED
        };
        self.out = substitute.to_vec();
        self.permit.refuse_next(problem);
        (self.held, self.looked, self.since) = (Vec::new(), 0, None);
        self.phase = Phase::Refused;
    }

    /// Looks for a whole head at the front of what is held, and makes it ready.
    fn judge_held(&mut self) {
        let blank = blank_lines(&self.held);
        self.held.drain(..blank);
        let from = self.looked.saturating_sub(3).min(self.held.len());
        let may_be_whole = self.looked == 0 || ends_a_head(&self.held[from..]);
        self.looked = self.held.len();
        if self.held.is_empty() || !may_be_whole && self.held.len() <= self.limits.head_bytes {
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

    /// Judges what was read into `buf` behind its first `before` bytes, while nothing was held: as
    /// a rule one whole head, and then it stays where it is.
    fn judge_read(&mut self, buf: &mut ReadBuf<'_>, before: usize) {
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
                self.held = read[blank_lines(read)..].to_vec();
                self.looked = self.held.len();
            }
            Err(problem) => self.refuse(problem, read),
        }
        buf.set_filled(before + stays);
    }

    /// Reads more of a head that did not arrive as a whole.
    fn poll_more(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let length = self.held.len();
        self.held.resize(length + PIECE_BYTES, 0);
        let mut piece = ReadBuf::new(&mut self.held[length..]);
        let polled = Pin::new(&mut self.stream).poll_read(context, &mut piece);
        let read = piece.filled().len();
        self.held.truncate(length + read);
        polled.map_ok(|()| read)
    }

    /// Nothing came. While the library only waits, that ends after a time: before the beginning of
    /// a head it is told that nothing comes, and within a head that is refused.
    fn poll_time(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.permit.is_busy() {
            return Poll::Pending;
        }
        let begun = self.has_begun();
        loop {
            if !begun && self.gate.is_shut() {
                // The last answer is still on its way.
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
            // A timer that fires too early costs one look; setting it anew for each request costs
            // more.
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

    /// Reads at the beginning of a request or within its head. Nothing in `buf` means that nothing
    /// comes.
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
            if self.held.len() > self.looked {
                self.judge_held();
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
                    self.judge_read(buf, before);
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

    /// Reads a body, or what is none of ours.
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

/// How many bytes of blank lines stand in front of a head; they are skipped (RFC 9112, section
/// 2.2).
fn blank_lines(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .take_while(|byte| matches!(byte, b'\r' | b'\n'))
        .count()
}

/// Whether an empty line ends in `bytes`.
fn ends_a_head(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|two| two == b"\n\n") || bytes.windows(3).any(|three| three == b"\n\r\n")
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
        if this.phase == Phase::Verdict && this.permit.has_switched() {
            this.phase = Phase::Raw;
        } else if this.phase == Phase::Verdict && !this.permit.is_busy() {
            this.phase = Phase::Head;
        }
        match this.phase {
            Phase::Head => this.poll_head(context, buf),
            Phase::Body { .. } | Phase::Chunks { .. } | Phase::Raw => this.poll_body(context, buf),
            // The answer wakes the library, which then looks again, or leaves.
            Phase::Verdict | Phase::Refused => Poll::Pending,
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

    /// Nothing: whether the connection ends with the library, or goes on with another instance, is
    /// not for it to say.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
