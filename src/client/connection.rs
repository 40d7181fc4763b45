//! One open WebSocket: sends what waits, hears what comes, and notices when nothing does. It is polled, so whoever
//! waits for it may give up at any time and lose nothing.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{Sink as _, Stream as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use super::loss::Loss;

/// The code that stands for a close frame without one (RFC 6455, section 7.4.1).
const NO_STATUS: u16 = 1005;

pub(super) struct Connection {
    socket: WebSocketStream<TcpStream>,
    silence: Duration,
    heard: Instant,
    alarm: Pin<Box<Sleep>>,
    /// When it is over whatever the server does.
    ends: Option<Pin<Box<Sleep>>>,
}

impl Connection {
    /// A connection that is given up when nothing comes for this long.
    pub(super) fn new(socket: WebSocketStream<TcpStream>, silence: Duration) -> Self {
        let heard = Instant::now();
        Self { socket, silence, heard, alarm: Box::pin(sleep_until(heard + silence)), ends: None }
    }

    /// From here on the server has this long to close.
    pub(super) fn end_within(&mut self, limit: Duration) {
        self.ends.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + limit)));
    }

    /// Sends what waits, and returns the next text, or how the connection ended; then it must not be polled again.
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

    fn send(&mut self, context: &mut Context<'_>, outgoing: &mut VecDeque<String>) -> Result<(), Error> {
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
                    // Best effort: the answer is one small frame, and the server doesn't depend on it.
                    let _ = Pin::new(&mut self.socket).poll_flush(context);
                    let (code, reason) = frame.map_or((NO_STATUS, String::new()), |frame| {
                        (frame.code.into(), frame.reason.as_str().to_owned())
                    });
                    return Poll::Ready(Err(Loss::Closed { code, reason }));
                }
                // The library answers pings when it is polled next. Binary frames have no meaning here.
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
        Error::ConnectionClosed | Error::AlreadyClosed => "it ended without a close frame".to_owned(),
        error => error.to_string(),
    })
}
