//! Backpressure: whether the socket takes the bytes that are written to it.
//!
//! No request is answered while earlier answers wait for the socket. Otherwise a peer that sends
//! requests and reads no answers would fill memory: hyper bounds the body bytes that wait, but not
//! the number of answers without a body. For the same reason the server reads on in a body only
//! once the socket has taken the previous piece.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;

/// Whether a connection's socket takes answers.
#[derive(Debug, Default)]
pub(super) struct Gate {
    is_shut: AtomicBool,
    opened: Notify,
    /// Whether the socket has taken all bytes of the body so far.
    is_empty: AtomicBool,
    /// Wakes the body once the socket has.
    waiting: AtomicWaker,
}

/// A stream that shuts its gate while it takes nothing.
#[derive(Debug)]
pub(super) struct GatedStream<S> {
    stream: S,
    gate: Arc<Gate>,
}

impl Gate {
    /// Waits until the stream takes bytes again, or has failed. Cancel safe.
    pub(super) async fn open(&self) {
        let opened = self.opened.notified();
        tokio::pin!(opened);
        // Registers first, so that an opening between the check and the wait is not missed.
        opened.as_mut().enable();
        if self.is_shut() {
            opened.await;
        }
    }

    /// Whether the stream took nothing of the last write.
    pub(super) fn is_shut(&self) -> bool {
        self.is_shut.load(Relaxed)
    }

    /// Notes that bytes of the body are about to be written.
    pub(super) fn fill(&self) {
        self.is_empty.store(false, Relaxed);
    }

    /// Waits until the stream has taken all bytes of the body so far.
    pub(super) fn poll_empty(&self, context: &Context<'_>) -> Poll<()> {
        self.waiting.register(context.waker());
        if self.is_empty.load(Relaxed) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    fn note<T>(&self, written: Poll<T>) -> Poll<T> {
        let was_shut = self.is_shut.swap(written.is_pending(), Relaxed);
        if was_shut && written.is_ready() {
            self.opened.notify_waiters();
        }
        written
    }
}

impl<S> GatedStream<S> {
    /// The stream, and its gate.
    pub(super) fn new(stream: S) -> (Self, Arc<Gate>) {
        let gate = Arc::<Gate>::default();
        (
            Self {
                stream,
                gate: Arc::clone(&gate),
            },
            gate,
        )
    }

    /// The stream, to wait for its readiness.
    pub(super) fn get_ref(&self) -> &S {
        &self.stream
    }

    /// The stream alone.
    pub(super) fn into_inner(self) -> S {
        self.stream
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for GatedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for GatedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.gate.note(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.gate.note(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // hyper flushes when it has nothing left to write.
        self.gate.is_empty.store(true, Relaxed);
        self.gate.waiting.wake();
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn a_gate_is_shut_while_the_socket_takes_no_write() {
        let (near, mut far) = tokio::io::duplex(8);
        let (mut stream, gate) = GatedStream::new(near);
        gate.open().await;
        let writing =
            tokio::spawn(async move { stream.write_all(&[7; 16]).await.map(|()| stream) });
        while !gate.is_shut.load(Relaxed) {
            tokio::task::yield_now().await;
        }
        let mut opening = Box::pin(gate.open());
        assert!(futures_util::poll!(&mut opening).is_pending());
        far.read_exact(&mut [0; 16])
            .await
            .expect("all written bytes");
        opening.await;
        drop(
            writing
                .await
                .expect("the task ends")
                .expect("a complete write"),
        );
    }

    #[tokio::test]
    async fn a_stream_that_fails_opens_its_gate() {
        let (near, far) = tokio::io::duplex(8);
        let (mut stream, gate) = GatedStream::new(near);
        let writing = tokio::spawn(async move { stream.write_all(&[7; 16]).await });
        while !gate.is_shut.load(Relaxed) {
            tokio::task::yield_now().await;
        }
        drop(far);
        gate.open().await;
        assert!(writing.await.expect("the task ends").is_err());
    }
}
