//! One open WebSocket: sends queued messages, receives the server's, and ends after silence.
//!
//! Callers poll it, so they may drop the waiting future at any time without losing a message.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{Sink as _, Stream as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use crate::disconnect::Disconnect;

/// The code of a close frame without one (RFC 6455, section 7.4.1).
const NO_STATUS: u16 = 1005;

pub(super) struct ClientSocket<S> {
    socket: WebSocketStream<S>,
    silence: Duration,
    last_frame: Instant,
    silence_timer: Pin<Box<Sleep>>,
    /// The deadline for the server's close, once a stop was sent.
    stop_timer: Option<Pin<Box<Sleep>>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> ClientSocket<S> {
    /// A socket that ends if no frame arrives for `silence`.
    pub(super) fn new(socket: WebSocketStream<S>, silence: Duration) -> Self {
        let last_frame = Instant::now();
        Self {
            socket,
            silence,
            last_frame,
            silence_timer: Box::pin(sleep_until(last_frame + silence)),
            stop_timer: None,
        }
    }

    /// Ends the socket if the server does not close within `limit`.
    pub(super) fn end_within(&mut self, limit: Duration) {
        self.stop_timer
            .get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + limit)));
    }

    /// Sends queued messages, and returns the next text or the reason for the end. Must not be
    /// polled after the end.
    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
        outgoing: &mut VecDeque<String>,
    ) -> Poll<Result<Utf8Bytes, Disconnect>> {
        if let Err(error) = self.send(context, outgoing) {
            // The receive buffer may still hold messages, above all a close frame.
            return Poll::Ready(match self.receive(context)? {
                Poll::Ready(Some(text)) => Ok(text),
                Poll::Ready(None) | Poll::Pending => Err(cut(&error)),
            });
        }
        match self.receive(context)? {
            Poll::Ready(Some(text)) => Poll::Ready(Ok(text)),
            Poll::Ready(None) => Poll::Ready(Err(cut(&Error::ConnectionClosed))),
            Poll::Pending => self.poll_timers(context).map(Err),
        }
    }

    fn send(
        &mut self,
        context: &mut Context<'_>,
        outgoing: &mut VecDeque<String>,
    ) -> Result<(), Error> {
        let mut socket = Pin::new(&mut self.socket);
        while !outgoing.is_empty() {
            match socket.as_mut().poll_ready(context)? {
                Poll::Ready(()) => {}
                Poll::Pending => return Ok(()),
            }
            if let Some(text) = outgoing.pop_front() {
                socket.as_mut().start_send(Message::text(text))?;
            }
        }
        // The socket wakes us when it can take the rest; the next poll flushes it.
        let _ = socket.poll_flush(context)?;
        Ok(())
    }

    /// The next text; `None` at the end of the stream.
    fn receive(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<Utf8Bytes>, Disconnect>> {
        loop {
            let message = match Pin::new(&mut self.socket).poll_next(context) {
                Poll::Ready(Some(Ok(message))) => message,
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(cut(&error))),
                Poll::Ready(None) => return Poll::Ready(Ok(None)),
                Poll::Pending => return Poll::Pending,
            };
            self.last_frame = Instant::now();
            match message {
                Message::Text(text) => return Poll::Ready(Ok(Some(text))),
                Message::Close(frame) => {
                    // Best effort: the reply is one small frame, and the server does not need it.
                    let _ = Pin::new(&mut self.socket).poll_flush(context);
                    let (code, reason) = frame.map_or((NO_STATUS, String::new()), |frame| {
                        (frame.code.into(), frame.reason.as_str().to_owned())
                    });
                    return Poll::Ready(Err(Disconnect::Closed { code, reason }));
                }
                // The library answers pings at the next poll. The protocol has no binary messages.
                Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_) => {}
            }
        }
    }

    /// Ends after too long a silence, or if the server does not close in time.
    fn poll_timers(&mut self, context: &mut Context<'_>) -> Poll<Disconnect> {
        if let Some(stop_timer) = &mut self.stop_timer
            && stop_timer.as_mut().poll(context).is_ready()
        {
            return Poll::Ready(Disconnect::StopUnanswered);
        }
        while self.silence_timer.as_mut().poll(context).is_ready() {
            let due = self.last_frame + self.silence;
            if due <= Instant::now() {
                return Poll::Ready(Disconnect::Silent(self.silence));
            }
            self.silence_timer.as_mut().reset(due);
        }
        Poll::Pending
    }
}

fn cut(error: &Error) -> Disconnect {
    Disconnect::Cut(match error {
        Error::ConnectionClosed | Error::AlreadyClosed => {
            "it ended without a close frame".to_owned()
        }
        error => error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
    use tokio::io::DuplexStream;
    use tokio::time::advance;
    use tokio_tungstenite::tungstenite::protocol::Role;

    use super::*;

    const SILENCE: Duration = Duration::from_secs(45);

    async fn pair() -> (ClientSocket<DuplexStream>, WebSocketStream<DuplexStream>) {
        let (ours, theirs) = tokio::io::duplex(4096);
        let ours = WebSocketStream::from_raw_socket(ours, Role::Client, None).await;
        let theirs = WebSocketStream::from_raw_socket(theirs, Role::Server, None).await;
        (ClientSocket::new(ours, SILENCE), theirs)
    }

    async fn next(client: &mut ClientSocket<DuplexStream>) -> Result<String, Disconnect> {
        let mut outgoing = VecDeque::new();
        poll_fn(|context| client.poll(context, &mut outgoing))
            .await
            .map(|text| text.to_string())
    }

    #[tokio::test(start_paused = true)]
    async fn pings_alone_keep_a_socket_open_and_are_answered() {
        let (mut client, mut server) = pair().await;
        for _ in 0..10 {
            advance(SILENCE.mul_f64(0.95)).await;
            server.send(Message::Ping("p".into())).await.unwrap();
            assert_eq!(next(&mut client).now_or_never(), None);
            assert_eq!(
                server.next().await.unwrap().unwrap(),
                Message::Pong("p".into())
            );
        }
        assert_eq!(next(&mut client).await, Err(Disconnect::Silent(SILENCE)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_poll_returns_the_messages_that_arrived_meanwhile() {
        let (mut client, mut server) = pair().await;
        server.send(Message::text("a")).await.unwrap();
        advance(SILENCE * 3).await;
        assert_eq!(next(&mut client).await, Ok("a".into()));
        assert_eq!(
            next(&mut client).now_or_never(),
            None,
            "the silence starts at the last read"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_leaves_a_server_that_pings_but_does_not_close() {
        let (mut client, mut server) = pair().await;
        client.end_within(Duration::from_secs(5));
        advance(Duration::from_secs(4)).await;
        server.send(Message::Ping("p".into())).await.unwrap();
        assert_eq!(next(&mut client).now_or_never(), None);
        assert_eq!(next(&mut client).await, Err(Disconnect::StopUnanswered));
    }
}
