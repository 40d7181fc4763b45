//! A body that yields its next piece once the socket has taken the previous one. hyper alone would
//! hold 64 KiB more of it for a peer that does not read.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http_body::{Body, Frame, SizeHint};

use super::gate::Gate;

/// Bytes after which the body waits for the socket; one frame may be longer.
const PIECE_BYTES: usize = 16 * 1024;

/// A body, and the gate of the stream that it is written to.
pub(super) struct PacedBody<B> {
    body: B,
    gate: Arc<Gate>,
    /// Bytes that were yielded since the socket had taken all.
    yielded: usize,
}

impl<B> PacedBody<B> {
    /// The body of an answer that is written to this gate's stream.
    pub(super) fn new(body: B, gate: Arc<Gate>) -> Self {
        Self {
            body,
            gate,
            yielded: 0,
        }
    }
}

impl<B: Body + Unpin> Body for PacedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        if self.yielded >= PIECE_BYTES {
            ready!(self.gate.poll_empty(context));
            self.yielded = 0;
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        let data = frame
            .as_ref()
            .and_then(|frame| frame.as_ref().ok()?.data_ref());
        self.yielded += data.map_or(0, bytes::Buf::remaining);
        self.gate.fill();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use bytes::Bytes;
    use futures_util::{FutureExt as _, stream};
    use http_body_util::{BodyExt as _, StreamBody};
    use tokio::io::AsyncWriteExt as _;

    use super::super::gate::GatedStream;
    use super::*;

    #[tokio::test]
    async fn a_body_goes_on_once_the_socket_has_taken_its_last_piece() {
        let (near, _far) = tokio::io::duplex(64);
        let (mut stream, gate) = GatedStream::new(near);
        let piece = || Ok::<_, Infallible>(Frame::data(Bytes::from(vec![7; PIECE_BYTES / 2])));
        let mut body = PacedBody::new(StreamBody::new(stream::iter((0..5).map(|_| piece()))), gate);
        for left in [5, 3, 1] {
            for _ in 0..left.min(2) {
                assert!(body.frame().now_or_never().is_some(), "{left} left");
            }
            if left > 1 {
                assert!(body.frame().now_or_never().is_none(), "{left} left");
                stream.flush().await.expect("a complete flush");
            }
        }
        assert!(body.frame().now_or_never().expect("no wait").is_none());
    }
}
