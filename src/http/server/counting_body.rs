//! A body that counts its bytes as they pass; for requests and for answers.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf as _;
use http_body::{Body, Frame, SizeHint};
use prometheus_client::metrics::counter::Counter;

/// A body, the counter of its bytes, and a guard that is dropped with it.
pub(super) struct CountingBody<B, G = ()> {
    body: B,
    bytes: Counter,
    _guard: G,
}

impl<B, G> CountingBody<B, G> {
    /// Adds the bytes read from `body` to `bytes`. `guard` is held until the body ends or is
    /// dropped.
    pub(super) fn new(body: B, bytes: Counter, guard: G) -> Self {
        Self {
            body,
            bytes,
            _guard: guard,
        }
    }
}

impl<B: Body + Unpin, G: Unpin> Body for CountingBody<B, G> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(data) = frame
            .as_ref()
            .and_then(|frame| frame.as_ref().ok()?.data_ref())
        {
            self.bytes.inc_by(data.remaining() as u64);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
