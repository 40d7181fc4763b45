//! A body that is read on once the socket has taken what came of it before: hyper alone would hold
//! 64 KiB more of it for a peer that does not read.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http_body::{Body, Frame, SizeHint};

use super::gate::Gate;

/// Bytes that are read at once; a piece of the body may be longer.
const AT_ONCE: usize = 16 * 1024;

/// A body, and what of it the socket has not taken.
pub(super) struct Paced<B> {
    body: B,
    gate: Arc<Gate>,
    given: usize,
}

impl<B> Paced<B> {
    /// The body of an answer that is written to the stream of this gate.
    pub(super) fn new(body: B, gate: Arc<Gate>) -> Self {
        Self {
            body,
            gate,
            given: 0,
        }
    }
}

impl<B: Body + Unpin> Body for Paced<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        if self.given >= AT_ONCE {
            ready!(self.gate.poll_empty(context));
            self.given = 0;
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        let data = frame
            .as_ref()
            .and_then(|frame| frame.as_ref().ok()?.data_ref());
        self.given += data.map_or(0, bytes::Buf::remaining);
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

    use super::super::gate::Gated;
    use super::*;

    #[tokio::test]
    async fn a_body_goes_on_once_what_came_of_it_is_taken() {
        let (near, _far) = tokio::io::duplex(64);
        let (mut stream, gate) = Gated::new(near);
        let piece = || Ok::<_, Infallible>(Frame::data(Bytes::from(vec![7; AT_ONCE / 2])));
        let mut body = Paced::new(StreamBody::new(stream::iter((0..5).map(|_| piece()))), gate);
        for left in [5, 3, 1] {
            for _ in 0..left.min(2) {
                assert!(body.frame().now_or_never().is_some(), "{left} left");
            }
            if left > 1 {
                assert!(body.frame().now_or_never().is_none(), "{left} left");
                stream.flush().await.expect("all is taken");
            }
        }
        assert!(
            body.frame()
                .now_or_never()
                .expect("nothing is waited for")
                .is_none()
        );
    }
}
