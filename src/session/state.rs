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

/// Who may send what over the wire.
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

/// Who sends the view its changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ViewState {
    /// Its drainer.
    CatchingUp,
    /// Nobody: the dispatcher is about to take over.
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
    /// The peer is told that nothing more comes; its answer is not read (RFC 6455, section 7.1.7).
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
    /// It catches up as the one who gave the input says.
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Copy, Debug)]
    enum Input {
        Wire(WireInput),
        View(ViewInput),
    }

    fn code() -> impl Strategy<Value = CloseCode> {
        prop_oneof![
            Just(CloseCode::NORMAL),
            Just(CloseCode::STALLED),
            Just(CloseCode::POLICY),
            Just(CloseCode::ABNORMAL),
        ]
    }

    fn input() -> impl Strategy<Value = Input> {
        prop_oneof![
            1 => (code(), any::<bool>()).prop_map(|(code, awaits_answer)| {
                Input::Wire(WireInput::Close { code, awaits_answer })
            }),
            1 => code().prop_map(|code| Input::Wire(WireInput::PeerClose(code))),
            2 => Just(Input::Wire(WireInput::Sent)),
            1 => code().prop_map(|code| Input::Wire(WireInput::End(code))),
            3 => Just(Input::View(ViewInput::Overflow)),
            3 => Just(Input::View(ViewInput::Leave)),
            3 => Just(Input::View(ViewInput::Request)),
            6 => Just(Input::View(ViewInput::CaughtUp)),
            6 => Just(Input::View(ViewInput::Join)),
        ]
    }

    fn given(state: SessionState) -> Option<CloseCode> {
        match state.wire() {
            WireState::Open => None,
            WireState::Closing { code, .. } | WireState::Closed(code) => Some(code),
        }
    }

    proptest! {
        #[test]
        fn the_first_close_code_stays_and_nothing_opens_again(
            inputs in prop::collection::vec(input(), 0..40),
        ) {
            let mut state = SessionState::new();
            for input in inputs {
                let before = state;
                let effect = match input {
                    Input::Wire(input) => state.apply_to_wire(input),
                    Input::View(input) => {
                        state.apply_to_view(input);
                        prop_assert_eq!(before.wire(), state.wire());
                        WireEffect::Nothing
                    }
                };
                if let Some(code) = given(before) {
                    prop_assert_eq!(given(state), Some(code));
                    prop_assert_eq!(before.view(), state.view(), "a closing view is left alone");
                }
                // The socket is shut down exactly when the wire is closed, once.
                let closes = !matches!(before.wire(), WireState::Closed(_))
                    && matches!(state.wire(), WireState::Closed(_));
                prop_assert_eq!(effect == WireEffect::ShutDown, closes);
                // One close frame leaves, ours or the answer.
                let sends = matches!(effect, WireEffect::SendClose | WireEffect::AnswerClose);
                prop_assert_eq!(sends, before.wire() == WireState::Open && state.is_closing() && !closes);
            }
        }

        #[test]
        fn the_dispatcher_serves_only_what_a_drainer_handed_over(
            inputs in prop::collection::vec(input(), 0..60),
        ) {
            let mut state = SessionState::new();
            // Who sends changes: the drainer, nobody, the dispatcher; one hand-over after another.
            let mut handed_over = false;
            for input in inputs {
                let Input::View(input) = input else { continue };
                let before = state;
                let effect = state.apply_to_view(input);
                match effect {
                    ViewEffect::HandOver => {
                        prop_assert_eq!(before.view(), ViewState::CatchingUp);
                        handed_over = true;
                    }
                    ViewEffect::Serve => {
                        prop_assert!(std::mem::take(&mut handed_over));
                        prop_assert!(state.is_live());
                    }
                    ViewEffect::CatchUp => prop_assert!(before.is_live()),
                    ViewEffect::CatchUpFromJoin => {
                        prop_assert!(std::mem::take(&mut handed_over));
                    }
                    ViewEffect::GoOn | ViewEffect::Nothing => {
                        prop_assert_eq!(before, state);
                    }
                }
                prop_assert_eq!(handed_over, state.view() == ViewState::Joining);
            }
        }

        #[test]
        fn a_request_is_never_lost_while_the_wire_is_open(
            inputs in prop::collection::vec(input(), 0..40),
        ) {
            let mut state = SessionState::new();
            for input in inputs {
                match input {
                    Input::Wire(input) => drop(state.apply_to_wire(input)),
                    Input::View(input) => drop(state.apply_to_view(input)),
                }
                let mut asked = state;
                let effect = asked.apply_to_view(ViewInput::Request);
                if state.is_closing() {
                    prop_assert_eq!(effect, ViewEffect::Nothing);
                } else {
                    prop_assert_eq!(asked.view(), ViewState::CatchingUp, "its drainer answers");
                    prop_assert_ne!(effect, ViewEffect::Nothing);
                }
            }
        }
    }

    #[test]
    fn a_closing_ends_when_all_was_sent_and_answered() {
        for (code, awaits_answer) in [(CloseCode::NORMAL, true), (CloseCode::NORMAL, false)] {
            let mut state = SessionState::new();
            let close = WireInput::Close {
                code,
                awaits_answer,
            };
            assert_eq!(state.apply_to_wire(close), WireEffect::SendClose);
            let sent = state.apply_to_wire(WireInput::Sent);
            if awaits_answer {
                assert_eq!(sent, WireEffect::Nothing);
                let answer = WireInput::PeerClose(CloseCode::NORMAL);
                assert_eq!(state.apply_to_wire(answer), WireEffect::CheckSent);
                assert_eq!(state.apply_to_wire(WireInput::Sent), WireEffect::ShutDown);
            } else {
                assert_eq!(sent, WireEffect::ShutDown);
            }
            assert_eq!(state.wire(), WireState::Closed(code));
        }
        let mut state = SessionState::new();
        state.apply_to_wire(WireInput::Close {
            code: CloseCode::POLICY,
            awaits_answer: true,
        });
        assert_eq!(
            state.apply_to_wire(WireInput::Sent),
            WireEffect::ShutDownSending,
            "a peer that broke the rules is not listened to"
        );
    }
}
