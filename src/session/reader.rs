//! Hears the peer: its wishes, its pings, its goodbye. Asleep it is a few words of memory and no buffer.

use std::cell::RefCell;
use std::future::poll_fn;
use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;

use super::Sessions;
use super::frames::{FrameReader, Incoming};
use crate::hub::{Command, Outbox, Tick, Wish};
use crate::protocol::close::{Close, CloseCode};
use crate::protocol::dress::Dress;
use crate::protocol::request::Request;
use crate::protocol::text;

/// Bytes taken from a socket at once, into a buffer that all readers of a thread share.
const READ_BYTES: usize = 16 * 1024;
/// Reads in a row, so that one busy peer leaves room for others.
const READS: usize = 16;

thread_local! {
    static BUFFER: RefCell<Box<[u8; READ_BYTES]>> = RefCell::new(Box::new([0; READ_BYTES]));
}

/// One session's reading half.
pub(super) struct Reader {
    sessions: Arc<Sessions>,
    outbox: Arc<Outbox>,
    dress: Dress,
    /// None where what the peer sends is thrown away: it broke the protocol, or its dress has no words for clients.
    frames: Option<FrameReader>,
    window: Tick,
    heard_in_window: u32,
}

/// What a round of reading asks of the asynchronous part.
#[derive(Default)]
struct Round {
    /// What the peer asked for, in order. The limit of messages bounds it.
    wishes: Vec<Wish>,
    /// The peer is gone.
    ended: bool,
}

impl Reader {
    pub(super) fn new(sessions: Arc<Sessions>, outbox: Arc<Outbox>) -> Self {
        let window = sessions.hub.now();
        let dress = outbox.subscription().dress;
        let frames = (dress != Dress::Sse).then(FrameReader::default);
        Self { sessions, outbox, dress, frames, window, heard_in_window: 0 }
    }

    /// Reads until the peer or the session ends, then takes the session out of everything.
    pub(super) async fn run<P>(mut self, early: Bytes, permit: P) {
        let mut round = Round::default();
        if !early.is_empty() {
            self.take(&mut early.to_vec(), &mut round);
        }
        drop(early);
        loop {
            for wish in round.wishes.drain(..) {
                // Boxed: most sessions never ask, and none should carry the room for it.
                let command = Command::Ask(Arc::clone(&self.outbox), wish);
                round.ended |= Box::pin(self.sessions.hub.command(command)).await.is_err();
            }
            if round.ended || poll_fn(|context| self.outbox.socket().poll_read_ready(context)).await.is_err() {
                break;
            }
            round = self.read();
        }
        let code = self.outbox.end(CloseCode::ABNORMAL);
        let metrics = self.sessions.hub.metrics();
        metrics.sessions.at(self.dress.label()).dec();
        metrics.sessions_closed.at(code.label()).inc();
        // Without a dispatcher there is no class to leave.
        let _ = Box::pin(self.sessions.hub.command(Command::Leave(Arc::clone(&self.outbox)))).await;
        drop(permit);
    }

    /// Takes what the socket has.
    fn read(&mut self) -> Round {
        let mut round = Round::default();
        BUFFER.with_borrow_mut(|buffer| {
            for _ in 0..READS {
                match self.outbox.socket().try_read(&mut buffer[..]) {
                    Ok(0) => round.ended = true,
                    Ok(count) => {
                        self.sessions.hub.heard(&self.outbox);
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

    fn take(&mut self, bytes: &mut [u8], round: &mut Round) {
        let Some(mut frames) = self.frames.take() else { return };
        let max = self.sessions.options.message_bytes.get();
        match frames.read(bytes, max, |incoming| self.heard(incoming, round)) {
            Ok(()) => self.frames = Some(frames),
            Err(close) => self.sessions.hub.close(&self.outbox, &close),
        }
    }

    fn heard(&mut self, incoming: Incoming<'_>, round: &mut Round) -> ControlFlow<()> {
        let too_many = self.too_many();
        let hub = &self.sessions.hub;
        match incoming {
            Incoming::Close(code) => {
                hub.peer_closed(&self.outbox, code);
                return ControlFlow::Break(());
            }
            _ if too_many => {
                hub.close(&self.outbox, &Close::new(CloseCode::POLICY, "too many messages"));
                return ControlFlow::Break(());
            }
            Incoming::Text(text) => self.wish(text, round),
            Incoming::Ping(payload) => hub.pong(&self.outbox, payload),
            Incoming::Binary if self.dress != Dress::Text => {
                hub.close(&self.outbox, &Close::new(CloseCode::NO_BINARY, "messages are text"));
                return ControlFlow::Break(());
            }
            Incoming::Binary | Incoming::Pong => {}
        }
        ControlFlow::Continue(())
    }

    fn wish(&self, text: &str, round: &mut Round) {
        if self.dress != Dress::Text {
            round.wishes.push(Request::read(text).map_or_else(Wish::Refused, Wish::Request));
            return;
        }
        match text::Wish::read(text) {
            text::Wish::Stop => self.sessions.hub.close(&self.outbox, &Close::new(CloseCode::NORMAL, "")),
            // Only the last one counts where several wait.
            text::Wish::Show(kinds) => round.wishes = vec![Wish::Kinds(kinds)],
        }
    }

    /// Counts a message or control frame; whether there were too many in the current window.
    fn too_many(&mut self) -> bool {
        let options = &self.sessions.options;
        let now = self.sessions.hub.now();
        if now.since(self.window) >= options.message_window {
            (self.window, self.heard_in_window) = (now, 0);
        }
        self.heard_in_window += 1;
        let allowed = u128::from(options.messages_per_second.get()) * options.message_window.as_millis() / 1000;
        u128::from(self.heard_in_window) > allowed.max(1)
    }
}
