//! Reads the peer's requests, pings and close frame. A sleeping reader is a few words of memory and
//! no buffer.

use std::cell::RefCell;
use std::future::poll_fn;
use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;

use super::allowance::Allowance;
use super::frames::{FrameReader, Incoming};
use crate::protocol::close::{Close, CloseCode};
use crate::protocol::format::{ClientInput, WireFormat};
use crate::protocol::request::{Request, TokenText};
use crate::protocol::text::TextCommand;
use crate::session::catch_up::drain;
use crate::session::command::{DispatcherEnded, SessionCommand};
use crate::session::connection::{ClientRequest, Connection, DrainHandle, ServeHandle};
use crate::session::shared::Shared;

/// Bytes taken from a socket at once, into a buffer that all readers of a thread share.
const READ_BYTES: usize = 16 * 1024;
/// Reads in a row, so that one busy peer leaves room for others.
const READS: usize = 16;
/// Bytes that are read and thrown away behind the last frame that counts. Closing a socket with
/// unread bytes in it may destroy our close frame on its way (RFC 6455, section 7.1.1); a peer that
/// sends more than this is cut off all the same.
const DISCARDED_MAX: usize = 16 * 1024 * 1024;

thread_local! {
    static BUFFER: RefCell<Box<[u8; READ_BYTES]>> = RefCell::new(Box::new([0; READ_BYTES]));
}

/// One session's reading half.
pub(in crate::session) struct Reader {
    shared: Arc<Shared>,
    connection: Arc<Connection>,
    format: WireFormat,
    /// None where what the peer sends is thrown away: it broke a rule, it sent its close frame, or
    /// its format has no client messages.
    input: Option<PeerInput>,
    /// Bytes thrown away so far.
    discarded: usize,
}

/// What the peer sends, and how much more it may.
struct PeerInput {
    frames: FrameReader,
    allowance: Allowance,
}

/// What a round of reading asks of the asynchronous part.
#[derive(Default)]
struct ReadRound {
    /// The peer's requests, in order. The limit of messages bounds them.
    requests: Vec<ClientRequest>,
    /// The peer is gone.
    ended: bool,
}

impl Reader {
    pub(in crate::session) fn new(shared: Arc<Shared>, connection: Arc<Connection>) -> Self {
        let format = connection.subscription().format;
        let input = || PeerInput {
            frames: FrameReader::default(),
            allowance: Allowance::new(shared.now()),
        };
        let input = (format.input() != ClientInput::Nothing).then(input);
        Self {
            shared,
            connection,
            format,
            input,
            discarded: 0,
        }
    }

    /// Reads until the peer or the session ends, then takes the session out of everything.
    pub(in crate::session) async fn run<P>(mut self, early: Bytes, permit: P) {
        let mut round = ReadRound::default();
        if !early.is_empty() {
            self.take(&mut early.to_vec(), &mut round);
        }
        drop(early);
        loop {
            for request in round.requests.drain(..) {
                // Boxed: most sessions never ask, and none should carry the room for it.
                round.ended |= Box::pin(self.ask(request)).await.is_err();
            }
            if round.ended
                || poll_fn(|context| self.connection.socket().poll_read_ready(context))
                    .await
                    .is_err()
            {
                break;
            }
            round = self.read();
        }
        let code = self.connection.end(CloseCode::ABNORMAL);
        let metrics = &self.shared.metrics;
        metrics.sessions.at(self.format).dec();
        metrics.sessions_closed.at(code).inc();
        // Without a dispatcher there is no group to leave.
        let command = SessionCommand::Leave(ServeHandle::new(Arc::clone(&self.connection)));
        let _ = Box::pin(self.shared.command(command)).await;
        drop(permit);
    }

    /// Hands a request to the dispatching thread. A token is verified first.
    async fn ask(&self, request: ClientRequest) -> Result<(), DispatcherEnded> {
        let request = match (request, &self.shared.verify) {
            (
                ClientRequest::Message(Request::Token {
                    token: TokenText(token),
                    reference,
                }),
                Some(verify),
            ) if self.connection.holds_token() => ClientRequest::Renew {
                reference,
                verified: verify(token).await,
            },
            (request, _) => request,
        };
        let handle = ServeHandle::new(Arc::clone(&self.connection));
        self.shared
            .command(SessionCommand::Ask(handle, request))
            .await
    }

    /// Takes what the socket has.
    fn read(&mut self) -> ReadRound {
        let mut round = ReadRound::default();
        BUFFER.with_borrow_mut(|buffer| {
            for _ in 0..READS {
                match self.connection.socket().try_read(&mut buffer[..]) {
                    Ok(0) => round.ended = true,
                    Ok(count) => {
                        self.connection.note_heard(self.shared.now());
                        self.take(&mut buffer[..count], &mut round);
                    }
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
                    Err(_) => round.ended = true,
                }
                if round.ended {
                    return;
                }
            }
        });
        round
    }

    fn take(&mut self, bytes: &mut [u8], round: &mut ReadRound) {
        let Some(mut input) = self.input.take() else {
            self.discarded += bytes.len();
            round.ended |= self.discarded > DISCARDED_MAX;
            return;
        };
        match self.read_frames(&mut input, bytes, round) {
            Ok(ControlFlow::Continue(())) => self.input = Some(input),
            Ok(ControlFlow::Break(())) => {}
            Err(close) => self.close(&close),
        }
    }

    /// An error is why the session has to be closed; `Break` comes after the peer's close frame.
    fn read_frames(
        &self,
        PeerInput { frames, allowance }: &mut PeerInput,
        bytes: &mut [u8],
        round: &mut ReadRound,
    ) -> Result<ControlFlow<()>, Close> {
        let (now, options) = (self.shared.now(), &self.shared.options);
        allowance.bytes(bytes.len(), now, options)?;
        frames.read(bytes, options.message_bytes.get(), |incoming| {
            match incoming {
                Incoming::Close(_) => {}
                Incoming::Fragment => allowance.fragment(now, options)?,
                _ => allowance.message(now, options)?,
            }
            self.heard(incoming, round)
        })
    }

    fn heard(&self, incoming: Incoming<'_>, round: &mut ReadRound) -> Result<(), Close> {
        match incoming {
            Incoming::Text(text) => self.request(text, round),
            Incoming::Ping(payload) => {
                let sent = &self.shared.metrics.session_sent_bytes;
                self.drain(self.connection.pong(payload, sent));
            }
            Incoming::Close(code) => {
                self.drain(self.shared.peer_closed(&self.connection, code));
            }
            Incoming::Binary if self.format.input() == ClientInput::Messages => {
                return Err(Close::new(CloseCode::NO_BINARY, "messages are text"));
            }
            Incoming::Binary | Incoming::Pong | Incoming::Fragment => {}
        }
        Ok(())
    }

    fn close(&self, close: &Close) {
        self.drain(self.shared.close(&self.connection, close));
    }

    fn drain(&self, handle: Option<DrainHandle>) {
        if let Some(handle) = handle {
            drain(&self.shared, handle);
        }
    }

    fn request(&self, text: &str, round: &mut ReadRound) {
        match self.format.input() {
            ClientInput::Messages => round.requests.push(
                Request::read(text).map_or_else(ClientRequest::Refused, ClientRequest::Message),
            ),
            ClientInput::Words => match TextCommand::read(text) {
                TextCommand::Stop => self.close(&Close::new(CloseCode::NORMAL, "")),
                // Only the last one counts where several wait.
                TextCommand::Show(kinds) => round.requests = vec![ClientRequest::Kinds(kinds)],
            },
            ClientInput::Nothing => {}
        }
    }
}
