//! One open WebSocket: sends what waits, hears what comes, and notices when nothing does. It is
//! polled, so whoever waits for it may give up at any time and lose nothing.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{Sink as _, Stream as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use super::loss::Loss;

/// The code that stands for a close frame without one (RFC 6455, section 7.4.1).
const NO_STATUS: u16 = 1005;

pub(super) struct Connection<S> {
    socket: WebSocketStream<S>,
    silence: Duration,
    heard: Instant,
    alarm: Pin<Box<Sleep>>,
    /// When it is over whatever the server does.
    ends: Option<Pin<Box<Sleep>>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// A connection that is given up when nothing comes for this long.
    pub(super) fn new(socket: WebSocketStream<S>, silence: Duration) -> Self {
        let heard = Instant::now();
        Self {
            socket,
            silence,
            heard,
            alarm: Box::pin(sleep_until(heard + silence)),
            ends: None,
        }
    }

    /// From here on the server has this long to close.
    pub(super) fn end_within(&mut self, limit: Duration) {
        self.ends
            .get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + limit)));
    }

    /// Sends what waits, and returns the next text, or how the connection ended; then it must not
    /// be polled again.
    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
        outgoing: &mut VecDeque<String>,
    ) -> Poll<Result<Utf8Bytes, Loss>> {
        if let Err(error) = self.send(context, outgoing) {
            // What the server said before it went is still to be heard, a close frame above all.
            return Poll::Ready(match self.hear(context)? {
                Poll::Ready(Some(text)) => Ok(text),
                Poll::Ready(None) | Poll::Pending => Err(cut(&error)),
            });
        }
        match self.hear(context)? {
            Poll::Ready(Some(text)) => Poll::Ready(Ok(text)),
            Poll::Ready(None) => Poll::Ready(Err(cut(&Error::ConnectionClosed))),
            Poll::Pending => self.wait(context).map(Err),
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
        // What does not go out now goes out with the next poll, for which the socket wakes us.
        let _ = socket.poll_flush(context)?;
        Ok(())
    }

    /// The next text; none at the end of the stream.
    fn hear(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Utf8Bytes>, Loss>> {
        loop {
            let message = match Pin::new(&mut self.socket).poll_next(context) {
                Poll::Ready(Some(Ok(message))) => message,
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(cut(&error))),
                Poll::Ready(None) => return Poll::Ready(Ok(None)),
                Poll::Pending => return Poll::Pending,
            };
            self.heard = Instant::now();
            match message {
                Message::Text(text) => return Poll::Ready(Ok(Some(text))),
                Message::Close(frame) => {
                    // Best effort: the answer is one small frame, and the server doesn't depend on
                    // it.
                    let _ = Pin::new(&mut self.socket).poll_flush(context);
                    let (code, reason) = frame.map_or((NO_STATUS, String::new()), |frame| {
                        (frame.code.into(), frame.reason.as_str().to_owned())
                    });
                    return Poll::Ready(Err(Loss::Closed { code, reason }));
                }
                // The library answers pings when it is polled next. Binary frames have no meaning
                // here.
                Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_) => {}
            }
        }
    }

    /// Ends when the server was silent, or was to close, for too long.
    fn wait(&mut self, context: &mut Context<'_>) -> Poll<Loss> {
        if let Some(ends) = &mut self.ends
            && ends.as_mut().poll(context).is_ready()
        {
            return Poll::Ready(Loss::StopUnanswered);
        }
        while self.alarm.as_mut().poll(context).is_ready() {
            let due = self.heard + self.silence;
            if due <= Instant::now() {
                return Poll::Ready(Loss::Silent(self.silence));
            }
            self.alarm.as_mut().reset(due);
        }
        Poll::Pending
    }
}

fn cut(error: &Error) -> Loss {
    Loss::Cut(match error {
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

    async fn pair() -> (Connection<DuplexStream>, WebSocketStream<DuplexStream>) {
        let (ours, theirs) = tokio::io::duplex(4096);
        let ours = WebSocketStream::from_raw_socket(ours, Role::Client, None).await;
        let theirs = WebSocketStream::from_raw_socket(theirs, Role::Server, None).await;
        (Connection::new(ours, SILENCE), theirs)
    }

    async fn next(connection: &mut Connection<DuplexStream>) -> Result<String, Loss> {
        let mut outgoing = VecDeque::new();
        poll_fn(|context| connection.poll(context, &mut outgoing))
            .await
            .map(|text| text.to_string())
    }

    #[tokio::test(start_paused = true)]
    async fn pings_alone_keep_a_connection_and_are_answered() {
        let (mut connection, mut server) = pair().await;
        for _ in 0..10 {
            advance(SILENCE.mul_f64(0.95)).await;
            server.send(Message::Ping("p".into())).await.unwrap();
            assert_eq!(next(&mut connection).now_or_never(), None);
            assert_eq!(
                server.next().await.unwrap().unwrap(),
                Message::Pong("p".into())
            );
        }
        assert_eq!(next(&mut connection).await, Err(Loss::Silent(SILENCE)));
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_late_gets_what_came_meanwhile() {
        let (mut connection, mut server) = pair().await;
        server.send(Message::text("a")).await.unwrap();
        advance(SILENCE * 3).await;
        assert_eq!(next(&mut connection).await, Ok("a".into()));
        assert_eq!(
            next(&mut connection).now_or_never(),
            None,
            "the silence begins with what was read last"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_pings_and_does_not_close_is_left_in_time() {
        let (mut connection, mut server) = pair().await;
        connection.end_within(Duration::from_secs(5));
        advance(Duration::from_secs(4)).await;
        server.send(Message::Ping("p".into())).await.unwrap();
        assert_eq!(next(&mut connection).now_or_never(), None);
        assert_eq!(next(&mut connection).await, Err(Loss::StopUnanswered));
    }
}
