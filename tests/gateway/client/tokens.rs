//! Tokens: each attempt has a fresh one, an expired one is replaced once, and none is shown.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use people_client::{
    ClientError, Disconnect, LiveClient, LiveEvent, Refusal, ResetReason, StartPoint, Timeouts,
    TokenError, Tokens,
};
use serde_json::json;

use crate::client::server::{Server, create, live_at, next, next_result, timeouts};

/// A source of numbered tokens: `token-1`, `token-2` and so on.
#[derive(Default)]
struct Numbered(AtomicUsize);

impl Tokens for Numbered {
    async fn token(&self) -> Result<String, TokenError> {
        let number = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        Ok(format!("token-{number}"))
    }
}

/// A source with these answers, one after the other; the others never come.
struct Answers(Mutex<VecDeque<Option<Result<String, TokenError>>>>);

impl Tokens for Answers {
    async fn token(&self) -> Result<String, TokenError> {
        let answer = self.0.lock().expect("no panic").pop_front().flatten();
        match answer {
            Some(answer) => answer,
            None => pending().await,
        }
    }
}

/// A refusal with this status, about a token.
fn refusal(status: &str, reason: &str) -> String {
    let problem = json!({"type": "/problems/token", "reason": reason, "detail": "no"}).to_string();
    let length = problem.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{problem}")
}

/// Refuses the next handshake. Returns the request and the client's outcome.
async fn refuse(
    server: &Server,
    live: &mut LiveClient,
    answer: &str,
) -> (String, Result<LiveEvent, ClientError>) {
    let pieces = [answer];
    tokio::join!(server.answer_request(&pieces), next_result(live))
}

#[tokio::test]
async fn each_attempt_asks_for_a_token_and_sends_it() {
    let server = Server::start().await;
    let mut live = server.client().token(Numbered::default()).build();
    for number in 1..=3 {
        let peer = server.accept_client(&mut live).await;
        assert_eq!(peer.authorization, format!("Bearer token-{number}"));
        tokio::join!(peer.close(1012, "retry-ms=0"), next(&mut live));
    }
    let mut without = server.client().build();
    let peer = server.accept_client(&mut without).await;
    assert_eq!(peer.authorization, "");
}

#[tokio::test]
async fn a_source_that_fails_or_is_slow_is_a_failed_attempt() {
    let server = Server::start().await;
    let limit = Duration::from_millis(20);
    let unavailable = TokenError::Unavailable("the issuer is down".into());
    let answers = Answers(Mutex::new(VecDeque::from([
        Some(Err(unavailable.clone())),
        None,
        Some(Ok("no token".into())),
        Some(Ok("good".into())),
    ])));
    let timeouts = Timeouts {
        token: limit,
        ..timeouts()
    };
    let mut live = server.client().timeouts(timeouts).token(answers).build();
    for expected in [unavailable, TokenError::Late(limit), TokenError::Malformed] {
        let event = next(&mut live).await;
        let LiveEvent::Disconnected {
            why: Disconnect::NoToken(error),
            retry: Some(_),
        } = event
        else {
            panic!("not without a token: {event:?}")
        };
        assert_eq!(error, expected);
    }
    // The others did not connect.
    let peer = server.accept_client(&mut live).await;
    assert_eq!(peer.authorization, "Bearer good");
}

#[tokio::test]
async fn an_expired_token_is_replaced_by_a_fresh_one() {
    let server = Server::start().await;
    let mut live = server.client().token(Numbered::default()).build();
    for number in [1, 3] {
        let expired = refusal("401 Unauthorized", "expired");
        let (request, lost) = refuse(&server, &mut live, &expired).await;
        let header = format!("authorization: Bearer token-{number}\r\n");
        assert!(request.contains(&header), "{request}");
        assert!(
            matches!(
                &lost,
                Ok(LiveEvent::Disconnected {
                    why: Disconnect::Refused(Refusal { status: 401, .. }),
                    retry: Some(_)
                })
            ),
            "{lost:?}"
        );
        let peer = server.accept_client(&mut live).await;
        assert_eq!(peer.authorization, format!("Bearer token-{}", number + 1));
        tokio::join!(peer.close(4001, "expired"), next(&mut live));
    }
}

#[tokio::test]
async fn two_refusals_in_a_row_end_the_client_with_the_refusal() {
    let server = Server::start().await;
    let options = server.client().token(Numbered::default());
    assert!(!format!("{options:?}").contains("token-1"));
    let mut live = options.build();
    let expired = refusal("401 Unauthorized", "expired");
    let (_, lost) = refuse(&server, &mut live, &expired).await;
    assert!(!format!("{lost:?}").contains("token-1"), "{lost:?}");
    let (request, ended) = refuse(&server, &mut live, &expired).await;
    assert!(request.contains("Bearer token-2"), "{request}");
    let error = ended.expect_err("an end");
    assert!(
        !format!("{error} {error:?}").contains("token-2"),
        "{error:?}"
    );
    let ClientError::Refused(refusal) = error else {
        panic!("not refused: {error:?}")
    };
    assert_eq!(
        refusal.problem.expect("a problem").reason.as_deref(),
        Some("expired")
    );
    let ended = next_result(&mut live).await;
    assert!(matches!(ended, Err(ClientError::Ended)), "{ended:?}");
}

#[tokio::test]
async fn other_refusals_of_a_token_end_the_client_at_once() {
    for (status, reason) in [
        ("401 Unauthorized", "signature"),
        ("401 Unauthorized", "missing"),
        ("403 Forbidden", "expired"),
    ] {
        let server = Server::start().await;
        let mut live = server.client().token("secret".to_owned()).build();
        let (request, ended) = refuse(&server, &mut live, &refusal(status, reason)).await;
        assert!(request.contains("Bearer secret"), "{request}");
        assert!(matches!(ended, Err(ClientError::Refused(_))), "{ended:?}");
    }
}

#[tokio::test]
async fn a_connection_whose_token_ends_resumes_at_its_cursor_with_a_fresh_token() {
    let server = Server::start().await;
    let mut live = server.client().token(Numbered::default()).build();
    let mut peer = server.accept_client(&mut live).await;
    peer.send_json(&live_at("0:a.5.1,1:b.1.1,v:0123456789abcdef"))
        .await;
    next(&mut live).await;
    peer.send_json(&create(1, "0:a.6.2")).await;
    next(&mut live).await;
    tokio::join!(peer.close(4001, "expired"), next(&mut live));
    let peer = server.accept_client(&mut live).await;
    assert_eq!(peer.parameter("from"), "0:a.6.2,1:b.1.1,v:0123456789abcdef");
    assert_eq!(peer.authorization, "Bearer token-2");
}

#[tokio::test]
async fn messages_about_tokens_change_nothing_and_other_rights_reset_the_view() {
    let server = Server::start().await;
    let cursor = StartPoint::Cursor("0:a.5.1".parse().unwrap());
    let mut live = server.client().from(cursor).token("a".to_owned()).build();
    let mut peer = server.accept_client(&mut live).await;
    for message in [
        json!({"type": "expiring", "seconds": 90}),
        json!({"type": "token", "ref": "x", "seconds": 3600}),
    ] {
        peer.send_json(&message).await;
        assert_eq!(next(&mut live).await, LiveEvent::Unknown);
        assert_eq!(live.cursor().expect("the same").to_string(), "0:a.5.1");
    }
    peer.send_json(&json!({"type": "reset", "reason": "rights"}))
        .await;
    let reason = ResetReason::Rights;
    assert_eq!(next(&mut live).await, LiveEvent::Reset { reason });
    assert_eq!(live.cursor(), None);
}
