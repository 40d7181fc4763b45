//! The client of live updates: connects, reads events, tracks its resume point, and reconnects.
//!
//! It is a state machine behind `poll`. [`LiveClient::next`] and the `Stream` only wait for it, so
//! a caller may drop their futures at any time: no event is lost and no command is sent twice.

mod attempt;
mod handshake;
mod next_step;
mod options;
mod resume;
mod socket;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use people_core::{Backoff, Cursor};
use tokio::time::{Sleep, sleep};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::disconnect::{ClientError, Disconnect};
use super::protocol::event::LiveEvent;
use super::protocol::message::{ClientMessage, ServerMessage, read};
use super::subscription::{FilterStart, StartPoint, ViewFilter, kinds_word};
use super::timeouts::Timeouts;
use super::tls::{Tls, Trust};
use super::tokens::TokenSource;
use super::updates_url::UpdatesUrl;
use attempt::Attempt;
use handshake::{ConnectError, Wire};
use next_step::{LastAttempt, NextStep};
pub use options::Options;
use resume::ResumePoint;
use socket::ClientSocket;

/// The most commands that wait to be sent, and the most filters that wait for their answer. Further
/// ones fail with [`ClientError::TooManyCommands`].
pub const COMMANDS_MAX: usize = 64;

/// A client of one gateway, or of several behind one address.
pub struct LiveClient {
    url: UpdatesUrl,
    timeouts: Timeouts,
    trust: Trust,
    /// Made for the first connection, if the URL needs it.
    tls: Option<Tls>,
    tokens: Option<TokenSource>,
    /// Whether the server refused the last token because it had expired.
    token_refused: bool,
    /// Whether a connection succeeded before, which proves the address right.
    has_connected: bool,
    /// The filter that the server has confirmed.
    filter: ViewFilter,
    /// The parts of people that are asked for; none for all.
    fields: Option<String>,
    resume: ResumePoint,
    backoff: Backoff,
    /// Messages to be sent when a connection is open.
    outgoing: VecDeque<String>,
    /// Filters without an answer. The next connection sends them again.
    pending: VecDeque<PendingFilter>,
    received: Option<Utf8Bytes>,
    stopping: bool,
    state: ClientState,
}

struct PendingFilter {
    filter: ViewFilter,
    from: FilterStart,
    reference: String,
}

enum ClientState {
    Connecting {
        from: StartPoint,
        attempt: Attempt,
    },
    Open {
        from: StartPoint,
        socket: Box<ClientSocket<Wire>>,
    },
    Waiting(Pin<Box<Sleep>>),
    Idle,
    Ended,
}

impl Options {
    /// Builds the client. It connects when its first event is requested, which must happen inside
    /// a tokio runtime.
    pub fn build(self) -> LiveClient {
        LiveClient {
            url: self.url,
            backoff: self.timeouts.backoff(),
            timeouts: self.timeouts,
            trust: self.trust,
            tls: None,
            tokens: self.tokens,
            token_refused: false,
            has_connected: false,
            filter: self.filter,
            fields: self.fields,
            resume: self.start.into(),
            outgoing: VecDeque::new(),
            pending: VecDeque::new(),
            received: None,
            stopping: false,
            state: ClientState::Idle,
        }
    }
}

impl LiveClient {
    /// Options of a client of this URL, with their defaults.
    pub fn builder(url: UpdatesUrl) -> Options {
        Options::new(url)
    }

    /// The next event. Cancel safe.
    ///
    /// The client works only inside this call: it answers pings and detects silence here. A lost
    /// connection is an event, not an error. After an error only [`ClientError::Ended`] follows.
    pub async fn next(&mut self) -> Result<LiveEvent, ClientError> {
        poll_fn(|context| self.poll(context)).await
    }

    /// The message behind the last event, as the server sent it; `None` if the event came from the
    /// client itself.
    pub fn received(&self) -> Option<&str> {
        self.received.as_deref()
    }

    /// The cursor at which this client would resume; `None` before the server sent one, and during
    /// a snapshot.
    pub const fn cursor(&self) -> Option<&Cursor> {
        self.resume.cursor()
    }

    /// Requests another filter. It applies from [`LiveEvent::Filtered`] with this reference;
    /// [`LiveEvent::Error`] means that the old filter stays. The next connection repeats the
    /// request if this one ends before the answer.
    pub fn filter(
        &mut self,
        filter: ViewFilter,
        from: FilterStart,
        reference: impl Into<String>,
    ) -> Result<(), ClientError> {
        if self.pending.len() >= COMMANDS_MAX {
            return Err(ClientError::TooManyCommands);
        }
        let pending = PendingFilter {
            filter,
            from,
            reference: reference.into(),
        };
        self.send(pending.text())?;
        self.pending.push_back(pending);
        Ok(())
    }

    /// Requests a pong, the quickest way to learn the cursor. A lost connection drops the request.
    pub fn ping(&mut self, reference: &str) -> Result<(), ClientError> {
        self.send(ClientMessage::Ping { reference }.text())
    }

    /// Asks the server to close. The client still returns the events in flight, then
    /// [`LiveEvent::Disconnected`], then [`ClientError::Ended`].
    pub fn stop(&mut self) {
        if std::mem::replace(&mut self.stopping, true) {
            return;
        }
        match &mut self.state {
            ClientState::Open { socket, .. } => {
                socket.end_within(self.timeouts.stop);
                self.outgoing.push_back(ClientMessage::Stop.text());
            }
            _ => self.state = ClientState::Ended,
        }
    }

    fn send(&mut self, text: String) -> Result<(), ClientError> {
        if matches!(self.state, ClientState::Ended) || self.stopping {
            return Err(ClientError::Ended);
        }
        if self.outgoing.len() >= COMMANDS_MAX {
            return Err(ClientError::TooManyCommands);
        }
        self.outgoing.push_back(text);
        Ok(())
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<LiveEvent, ClientError>> {
        loop {
            match &mut self.state {
                ClientState::Ended => return Poll::Ready(Err(ClientError::Ended)),
                ClientState::Idle => self.connect()?,
                ClientState::Waiting(pause) => {
                    ready!(pause.as_mut().poll(context));
                    self.connect()?;
                }
                ClientState::Connecting { from, attempt } => {
                    let outcome = ready!(attempt.as_mut().poll(context));
                    let from = from.clone();
                    return Poll::Ready(self.connected(from, outcome));
                }
                ClientState::Open { from, socket } => {
                    match ready!(socket.poll(context, &mut self.outgoing)) {
                        Ok(text) => return Poll::Ready(self.take(text)),
                        Err(why) => {
                            let from = from.clone();
                            self.received = None;
                            return Poll::Ready(self.disconnected(why, &from));
                        }
                    }
                }
            }
        }
    }

    fn connect(&mut self) -> Result<(), ClientError> {
        if self.url.is_secure() && self.tls.is_none() {
            match Tls::new(&self.trust) {
                Ok(tls) => self.tls = Some(tls),
                Err(fault) => return self.fail(ClientError::Tls(fault)),
            }
        }
        let from = self.resume.start();
        let fields = self.fields.as_deref();
        let url = self.url.with_query(&self.filter, fields, &from);
        let (tls, tokens) = (self.tls.clone(), self.tokens.clone());
        let attempt = attempt::start(url, tls, tokens, &self.timeouts);
        self.state = ClientState::Connecting { from, attempt };
        Ok(())
    }

    /// Takes the outcome of an attempt to connect.
    fn connected(
        &mut self,
        from: StartPoint,
        outcome: Result<WebSocketStream<Wire>, ConnectError>,
    ) -> Result<LiveEvent, ClientError> {
        self.received = None;
        match outcome {
            Ok(stream) => {
                self.has_connected = true;
                self.token_refused = false;
                let socket = Box::new(ClientSocket::new(stream, self.timeouts.silence));
                self.state = ClientState::Open {
                    from: from.clone(),
                    socket,
                };
                Ok(LiveEvent::Connected { from })
            }
            Err(ConnectError::Disconnect(Disconnect::Tls(fault))) if !self.has_connected => {
                self.fail(ClientError::Tls(fault))
            }
            Err(ConnectError::Disconnect(why)) => self.disconnected(why, &from),
            Err(ConnectError::Fatal(error)) => self.fail(error),
        }
    }

    /// Takes the end of a connection, and prepares the next step.
    fn disconnected(
        &mut self,
        why: Disconnect,
        from: &StartPoint,
    ) -> Result<LiveEvent, ClientError> {
        let last = LastAttempt {
            resumed: matches!(from, StartPoint::Cursor(_)),
            token_refused: self.token_refused,
        };
        let step = if self.stopping {
            NextStep::End
        } else {
            NextStep::after(&why, last)
        };
        self.token_refused |= matches!(&why, Disconnect::Refused(refusal) if refusal.is_expired());
        let retry = match step {
            NextStep::End => None,
            NextStep::Fail(error) => return self.fail(error),
            NextStep::Reconnect(wait) => Some(wait.next(&mut self.backoff)),
            NextStep::StartOver(wait) => {
                self.resume = ResumePoint::Snapshot;
                Some(wait.next(&mut self.backoff))
            }
        };
        self.state = retry.map_or(ClientState::Ended, |pause| {
            ClientState::Waiting(Box::pin(sleep(pause)))
        });
        self.outgoing = self.pending.iter().map(PendingFilter::text).collect();
        Ok(LiveEvent::Disconnected { why, retry })
    }

    fn fail<T>(&mut self, error: ClientError) -> Result<T, ClientError> {
        self.state = ClientState::Ended;
        Err(error)
    }

    /// Takes a message of the server.
    fn take(&mut self, text: Utf8Bytes) -> Result<LiveEvent, ClientError> {
        let event = match read(&text) {
            Ok(ServerMessage::Event(event)) => event,
            Ok(ServerMessage::Filtered { reference, cursor }) => match self.answered(&reference) {
                Some(pending) => {
                    self.filter = pending.filter;
                    LiveEvent::Filtered {
                        reference,
                        cursor,
                        kinds: self.filter.kinds,
                    }
                }
                None => {
                    return self.fail(not_understood(&text, "the client requested no such filter"));
                }
            },
            Err(error) => return self.fail(not_understood(&text, &error.to_string())),
        };
        match &event {
            LiveEvent::Error {
                reference: Some(reference),
                ..
            } => drop(self.answered(reference)),
            LiveEvent::Live { .. } => self.backoff.succeeded(),
            _ => {}
        }
        self.resume.pass(&event);
        self.received = Some(text);
        Ok(event)
    }

    /// Removes the oldest pending filter with this reference.
    fn answered(&mut self, reference: &str) -> Option<PendingFilter> {
        let index = self
            .pending
            .iter()
            .position(|pending| pending.reference == reference)?;
        self.pending.remove(index)
    }
}

impl PendingFilter {
    fn text(&self) -> String {
        let from = match self.from {
            FilterStart::Now => "now",
            FilterStart::Snapshot => "snapshot",
        };
        let Self {
            filter: ViewFilter { kinds, condition },
            reference,
            ..
        } = self;
        ClientMessage::Filter {
            kinds: kinds_word(*kinds),
            condition,
            from,
            reference,
        }
        .text()
    }
}

impl Stream for LiveClient {
    type Item = Result<LiveEvent, ClientError>;

    /// As [`LiveClient::next`], but [`ClientError::Ended`] is the end of the stream.
    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll(context).map(|outcome| match outcome {
            Err(ClientError::Ended) => None,
            other => Some(other),
        })
    }
}

fn not_understood(message: &str, reason: &str) -> ClientError {
    /// The part of a message in the error, in characters.
    const EXCERPT: usize = 200;
    let excerpt: String = message.chars().take(EXCERPT).collect();
    ClientError::NoGateway {
        reason: format!("{reason}: {excerpt}"),
    }
}
