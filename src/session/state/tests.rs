//! The state machine under random inputs: a wire closes once with its first code, the dispatcher
//! serves only sessions that a drainer handed over, no request is lost.

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

fn close_code(state: SessionState) -> Option<CloseCode> {
    match state.wire() {
        WireState::Open => None,
        WireState::Closing { code, .. } | WireState::Closed(code) => Some(code),
    }
}

proptest! {
    #[test]
    fn a_wire_closes_once_with_its_first_code(
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
            if let Some(code) = close_code(before) {
                prop_assert_eq!(close_code(state), Some(code));
                prop_assert_eq!(before.view(), state.view(), "a closing session keeps its view");
            }
            // The socket is shut down exactly when the wire is closed, once.
            let closes = !matches!(before.wire(), WireState::Closed(_))
                && matches!(state.wire(), WireState::Closed(_));
            prop_assert_eq!(effect == WireEffect::ShutDown, closes);
            // The wire sends one close frame, ours or the answer.
            let sends = matches!(effect, WireEffect::SendClose | WireEffect::AnswerClose);
            let begins = before.wire() == WireState::Open && state.is_closing();
            prop_assert_eq!(sends, begins && !closes);
        }
    }

    #[test]
    fn the_dispatcher_serves_only_sessions_that_a_drainer_handed_over(
        inputs in prop::collection::vec(input(), 0..60),
    ) {
        let mut state = SessionState::new();
        // From a hand-over to the join, no task sends changes.
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
    fn an_open_session_never_loses_a_request(
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
                prop_assert_eq!(asked.view(), ViewState::CatchingUp, "the drainer answers");
                prop_assert_ne!(effect, ViewEffect::Nothing);
            }
        }
    }
}

#[test]
fn a_closing_session_closes_once_it_has_sent_all_and_got_the_answer() {
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
        "the gateway does not wait for the answer of a peer that broke the rules"
    );
}
