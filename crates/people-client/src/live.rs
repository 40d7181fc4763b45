//! The client itself: connects, reads, keeps its place, and comes back.
//!
//! It is a state machine that is polled. [`Live::next`] and the `Stream` only wait for it, so both
//! may be dropped at any time: nothing that was read is lost, and nothing is sent twice.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use people_core::{Backoff, Cursor};
use tokio::time::{Sleep, sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::connection::Connection;
use super::event::Event;
use super::handshake::{self, Failure, Wire};
use super::loss::{ClientError, Loss, Sequel};
use super::message::{Command, Received, read};
use super::options::{Endpoint, Filter, FilterStart, Limits, Options, Start, word};
use super::place::Place;
use super::tls::{Tls, Trust};

/// Commands that may wait to be sent, and filters that may wait for their answer.
pub const COMMANDS_MAX: usize = 64;

/// A client of one gateway, or of several behind one address.
pub struct Live {
    endpoint: Endpoint,
    limits: Limits,
    trust: Trust,
    /// Made for the first connection, where the endpoint needs it.
    tls: Option<Tls>,
    /// There was a connection once, so it is the right address.
    met: bool,
    /// What the server judges by as far as it has told us.
    filter: Filter,
    place: Place,
    backoff: Backoff,
    /// Texts to be sent as soon as there is a connection.
    outgoing: VecDeque<String>,
    /// Filters without an answer so far. They are sent again with the next connection.
    pending: VecDeque<Pending>,
    received: Option<Utf8Bytes>,
    stopping: bool,
    state: State,
}

struct Pending {
    filter: Filter,
    from: FilterStart,
    reference: String,
}

type Attempt = Pin<Box<dyn Future<Output = Result<WebSocketStream<Wire>, Failure>> + Send>>;

enum State {
    Connecting {
        from: Start,
        attempt: Attempt,
    },
    Open {
        from: Start,
        connection: Box<Connection<Wire>>,
    },
    Waiting(Pin<Box<Sleep>>),
    Idle,
    Ended,
}

impl Live {
    /// A client of this endpoint; see [`Options`] for what can be chosen.
    pub fn builder(endpoint: Endpoint) -> Options {
        Options::new(endpoint)
    }

    pub(super) fn new(options: Options) -> Self {
        Self {
            endpoint: options.endpoint,
            backoff: options.limits.backoff(),
            limits: options.limits,
            trust: options.trust,
            tls: None,
            met: false,
            filter: options.filter,
            place: options.start.into(),
            outgoing: VecDeque::new(),
            pending: VecDeque::new(),
            received: None,
            stopping: false,
            state: State::Idle,
        }
    }

    /// The next event. Cancel safe.
    ///
    /// The client lives only while it is asked: pings are answered and silence is noticed in here.
    /// A connection that breaks is an event, not an error; after an error there is nothing more but
    /// [`ClientError::Ended`].
    pub async fn next(&mut self) -> Result<Event, ClientError> {
        poll_fn(|context| self.poll(context)).await
    }

    /// The message that the last event was read from, as it came; none when it came from the client
    /// itself.
    pub fn received(&self) -> Option<&str> {
        self.received.as_deref()
    }

    /// Where this client would resume; none before it was told, and during a snapshot.
    pub const fn cursor(&self) -> Option<&Cursor> {
        self.place.cursor()
    }

    /// Asks for another filter. It holds from [`Event::Filtered`] with this reference on;
    /// [`Event::Error`] tells that the old one stays. It outlives the connection: with the next one
    /// it is asked for again.
    pub fn filter(
        &mut self,
        filter: Filter,
        from: FilterStart,
        reference: impl Into<String>,
    ) -> Result<(), ClientError> {
        if self.pending.len() >= COMMANDS_MAX {
            return Err(ClientError::TooManyCommands);
        }
        let pending = Pending {
            filter,
            from,
            reference: reference.into(),
        };
        self.send(pending.text())?;
        self.pending.push_back(pending);
        Ok(())
    }

    /// Asks for a pong, the quickest way to learn the cursor. Where the connection breaks there is
    /// none.
    pub fn ping(&mut self, reference: &str) -> Result<(), ClientError> {
        self.send(Command::Ping { reference }.text())
    }

    /// Asks the server to close. Events that were on their way are still told, then
    /// [`Event::Disconnected`]; what comes after that is [`ClientError::Ended`].
    pub fn stop(&mut self) {
        if std::mem::replace(&mut self.stopping, true) {
            return;
        }
        match &mut self.state {
            State::Open { connection, .. } => {
                connection.end_within(self.limits.stop);
                self.outgoing.push_back(Command::Stop.text());
            }
            _ => self.state = State::Ended,
        }
    }

    fn send(&mut self, text: String) -> Result<(), ClientError> {
        if matches!(self.state, State::Ended) || self.stopping {
            return Err(ClientError::Ended);
        }
        if self.outgoing.len() >= COMMANDS_MAX {
            return Err(ClientError::TooManyCommands);
        }
        self.outgoing.push_back(text);
        Ok(())
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Event, ClientError>> {
        loop {
            match &mut self.state {
                State::Ended => return Poll::Ready(Err(ClientError::Ended)),
                State::Idle => self.connect()?,
                State::Waiting(pause) => {
                    ready!(pause.as_mut().poll(context));
                    self.connect()?;
                }
                State::Connecting { from, attempt } => {
                    let outcome = ready!(attempt.as_mut().poll(context));
                    self.received = None;
                    let from = from.clone();
                    return Poll::Ready(match outcome {
                        Ok(socket) => {
                            self.met = true;
                            let connection = Box::new(Connection::new(socket, self.limits.silence));
                            self.state = State::Open {
                                from: from.clone(),
                                connection,
                            };
                            Ok(Event::Connected { from })
                        }
                        Err(Failure::Loss(Loss::Tls(fault))) if !self.met => {
                            self.fail(ClientError::Tls(fault))
                        }
                        Err(Failure::Loss(loss)) => self.lose(loss, &from),
                        Err(Failure::Fatal(error)) => self.fail(error),
                    });
                }
                State::Open { from, connection } => {
                    match ready!(connection.poll(context, &mut self.outgoing)) {
                        Ok(text) => return Poll::Ready(self.take(text)),
                        Err(loss) => {
                            let from = from.clone();
                            self.received = None;
                            return Poll::Ready(self.lose(loss, &from));
                        }
                    }
                }
            }
        }
    }

    fn connect(&mut self) -> Result<(), ClientError> {
        if self.endpoint.is_secure() && self.tls.is_none() {
            match Tls::new(&self.trust) {
                Ok(tls) => self.tls = Some(tls),
                Err(fault) => return self.fail(ClientError::Tls(fault)),
            }
        }
        let tls = self.tls.clone();
        let from = self.place.start();
        let url = self.endpoint.url(&self.filter, &from);
        let limit = self.limits.connect;
        let attempt = async move {
            let late = || {
                Failure::Loss(Loss::Unreachable(format!(
                    "no answer within {} s",
                    limit.as_secs_f64()
                )))
            };
            timeout(limit, handshake::open(url, tls))
                .await
                .unwrap_or_else(|_| Err(late()))
        };
        self.state = State::Connecting {
            from,
            attempt: Box::pin(attempt),
        };
        Ok(())
    }

    /// A connection is over: decides what follows, and prepares it.
    fn lose(&mut self, why: Loss, from: &Start) -> Result<Event, ClientError> {
        let sequel = if self.stopping {
            Sequel::End
        } else {
            why.sequel(matches!(from, Start::Cursor(_)))
        };
        let retry = match sequel {
            Sequel::End => None,
            Sequel::Fail(error) => return self.fail(error),
            Sequel::Again(wait) => Some(wait.next(&mut self.backoff)),
            Sequel::Anew(wait) => {
                self.place = Place::Snapshot;
                Some(wait.next(&mut self.backoff))
            }
        };
        self.state = retry.map_or(State::Ended, |pause| State::Waiting(Box::pin(sleep(pause))));
        self.outgoing = self.pending.iter().map(Pending::text).collect();
        Ok(Event::Disconnected { why, retry })
    }

    fn fail<T>(&mut self, error: ClientError) -> Result<T, ClientError> {
        self.state = State::Ended;
        Err(error)
    }

    /// A message came.
    fn take(&mut self, text: Utf8Bytes) -> Result<Event, ClientError> {
        let event = match read(&text) {
            Ok(Received::Event(event)) => event,
            Ok(Received::Filtered { reference, cursor }) => match self.answered(&reference) {
                Some(pending) => {
                    self.filter = pending.filter;
                    Event::Filtered {
                        reference,
                        cursor,
                        kinds: self.filter.kinds,
                    }
                }
                None => return self.fail(not_understood(&text, "nobody asked for it")),
            },
            Err(error) => return self.fail(not_understood(&text, &error.to_string())),
        };
        match &event {
            Event::Error {
                reference: Some(reference),
                ..
            } => drop(self.answered(reference)),
            Event::Live { .. } => self.backoff.succeeded(),
            _ => {}
        }
        self.place.pass(&event);
        self.received = Some(text);
        Ok(event)
    }

    /// The oldest filter of this name, which is no longer pending.
    fn answered(&mut self, reference: &str) -> Option<Pending> {
        let index = self
            .pending
            .iter()
            .position(|pending| pending.reference == reference)?;
        self.pending.remove(index)
    }
}

impl Pending {
    fn text(&self) -> String {
        let from = match self.from {
            FilterStart::Now => "now",
            FilterStart::Snapshot => "snapshot",
        };
        let Self {
            filter: Filter { kinds, condition },
            reference,
            ..
        } = self;
        Command::Filter {
            kinds: word(*kinds),
            condition,
            from,
            reference,
        }
        .text()
    }
}

impl Stream for Live {
    type Item = Result<Event, ClientError>;

    /// As [`Live::next`], but an end that was asked for is the end of the stream.
    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll(context).map(|outcome| match outcome {
            Err(ClientError::Ended) => None,
            other => Some(other),
        })
    }
}

fn not_understood(message: &str, reason: &str) -> ClientError {
    /// Enough to recognise a message by.
    const SHOWN: usize = 200;
    let shown: String = message.chars().take(SHOWN).collect();
    ClientError::NoGateway {
        reason: format!("{reason}: {shown}"),
    }
}
