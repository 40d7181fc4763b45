//! The state of a session, and the one table that changes it.
//!
//! A session is a wire, which one client has, and a view that is sent over it.
//!
//! ```text
//!  the view                          Overflow, Leave, Request
//!                      ┌───────────────────────────────────────────────┐
//!                      ▼                                               │
//!   (begins) ──► CatchingUp ──CaughtUp──► Joining ──Join──────────► Live
//!                      ▲                     │
//!                      └───────Request───────┘
//!
//!  the wire                            PeerClose
//!                                  ┌──────────────┐
//!                                  ▼              │
//!   (begins) ──► Open ──Close──► Closing {answered: no}
//!                 │ │                             │ PeerClose
//!                 │ └──PeerClose──► Closing {answered: yes} ──Sent──► Closed
//!                 └───────────────────── End, from anywhere ───────────► Closed
//! ```
//!
//! A view changes only while its wire is open. What is closed stays closed, with the code that was
//! given first.

use crate::protocol::close::CloseCode;

/// The state of one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SessionState {
    wire: WireState,
    view: ViewState,
}

/// What may be sent over the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WireState {
    /// Anything.
    Open,
    /// A close frame is the last frame.
    Closing {
        /// What was sent, or answered.
        code: CloseCode,
        /// Whether the peer's close frame came, or none is expected.
        answered: bool,
    },
    /// Nothing any more.
    Closed(CloseCode),
}

/// The sender of the view's changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ViewState {
    /// Its drainer.
    CatchingUp,
    /// No task: the dispatcher is about to take over.
    Joining,
    /// The dispatcher.
    Live,
}

/// What happens to a wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WireInput {
    /// The gateway closes; `awaits_answer` where the format has an answer to it.
    Close {
        /// Why.
        code: CloseCode,
        /// Whether the peer has a close frame.
        awaits_answer: bool,
    },
    /// The peer's close frame came.
    PeerClose(CloseCode),
    /// Everything up to the close frame was sent.
    Sent,
    /// The connection is gone, or given up.
    End(CloseCode),
}

/// What follows for a wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WireEffect {
    /// Nothing.
    Nothing,
    /// The close frame is sent.
    SendClose,
    /// The peer's close frame is answered.
    AnswerClose,
    /// Where nothing waits, `Sent` follows.
    CheckSent,
    /// The gateway ends its sending half and reads no answer (RFC 6455, section 7.1.7).
    ShutDownSending,
    /// The socket is shut down.
    ShutDown,
}

/// What happens to a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ViewInput {
    /// More waits for the socket than may.
    Overflow,
    /// The dispatcher cannot serve it from here on.
    Leave,
    /// The client asked for something that is answered in the order of the stream.
    Request,
    /// Its drainer has sent all that was missed.
    CaughtUp,
    /// The dispatcher takes over.
    Join,
}

/// From where a view catches up, if it has to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ViewEffect {
    /// The input means nothing in this state.
    Nothing,
    /// It catches up as the caller says.
    CatchUp,
    /// It is catching up already, and goes on.
    GoOn,
    /// It catches up from where it was to join.
    CatchUpFromJoin,
    /// Its drainer hands it over.
    HandOver,
    /// It is served from where it joins.
    Serve,
}

impl SessionState {
    /// A new session: open, and catching up.
    pub(super) const fn new() -> Self {
        Self {
            wire: WireState::Open,
            view: ViewState::CatchingUp,
        }
    }

    pub(super) const fn wire(self) -> WireState {
        self.wire
    }

    pub(super) const fn view(self) -> ViewState {
        self.view
    }

    /// Whether a close frame is the last that is sent, or nothing more is.
    pub(super) const fn is_closing(self) -> bool {
        !matches!(self.wire, WireState::Open)
    }

    /// Whether the dispatcher serves it.
    pub(super) const fn is_live(self) -> bool {
        matches!((self.wire, self.view), (WireState::Open, ViewState::Live))
    }

    /// What an input makes of the wire.
    pub(super) const fn apply_to_wire(&mut self, input: WireInput) -> WireEffect {
        let (next, effect) = self.wire.after(input);
        self.wire = next;
        effect
    }

    /// What an input makes of the view, while the wire is open.
    pub(super) const fn apply_to_view(&mut self, input: ViewInput) -> ViewEffect {
        if self.is_closing() {
            return ViewEffect::Nothing;
        }
        let (next, effect) = self.view.after(input);
        self.view = next;
        effect
    }
}

impl WireState {
    const fn after(self, input: WireInput) -> (Self, WireEffect) {
        match (self, input) {
            (
                Self::Open,
                WireInput::Close {
                    code,
                    awaits_answer,
                },
            ) => {
                let answered = !awaits_answer;
                (Self::Closing { code, answered }, WireEffect::SendClose)
            }
            (Self::Open, WireInput::PeerClose(code)) => {
                let answered = true;
                (Self::Closing { code, answered }, WireEffect::AnswerClose)
            }
            (Self::Closing { code, .. }, WireInput::PeerClose(_)) => {
                let answered = true;
                (Self::Closing { code, answered }, WireEffect::CheckSent)
            }
            (Self::Closing { code, answered }, WireInput::Sent) => {
                if answered {
                    (Self::Closed(code), WireEffect::ShutDown)
                } else if code.is_orderly() {
                    (self, WireEffect::Nothing)
                } else {
                    (self, WireEffect::ShutDownSending)
                }
            }
            (Self::Open, WireInput::End(code))
            | (Self::Closing { code, .. }, WireInput::End(_)) => {
                (Self::Closed(code), WireEffect::ShutDown)
            }
            (Self::Open, WireInput::Sent)
            | (Self::Closing { .. }, WireInput::Close { .. })
            | (Self::Closed(_), _) => (self, WireEffect::Nothing),
        }
    }
}

impl ViewState {
    const fn after(self, input: ViewInput) -> (Self, ViewEffect) {
        match (self, input) {
            (Self::Live, ViewInput::Overflow | ViewInput::Leave | ViewInput::Request) => {
                (Self::CatchingUp, ViewEffect::CatchUp)
            }
            (Self::CatchingUp, ViewInput::Request) => (Self::CatchingUp, ViewEffect::GoOn),
            (Self::Joining, ViewInput::Request) => (Self::CatchingUp, ViewEffect::CatchUpFromJoin),
            (Self::CatchingUp, ViewInput::CaughtUp) => (Self::Joining, ViewEffect::HandOver),
            (Self::Joining, ViewInput::Join) => (Self::Live, ViewEffect::Serve),
            (Self::CatchingUp | Self::Joining, ViewInput::Overflow | ViewInput::Leave)
            | (Self::Joining | Self::Live, ViewInput::CaughtUp)
            | (Self::CatchingUp | Self::Live, ViewInput::Join) => (self, ViewEffect::Nothing),
        }
    }
}

#[cfg(test)]
mod tests;
