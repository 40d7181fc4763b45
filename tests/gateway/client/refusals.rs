//! Refused handshakes: some refusals end the client, which reports the whole problem.

use futures_util::StreamExt as _;
use people_client::{ClientError, Disconnect, LiveEvent, StartPoint};
use serde_json::json;

use crate::client::server::{Server, live_at, next, next_result};

const PROBLEM: &str = r#"{"type":"/problems/filter","detail":"write ==","offset":4,"length":1}"#;

fn head(status: &str, length: usize) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/problem+json\r\n\
         Content-Length: {length}\r\n\r\n"
    )
}

#[tokio::test]
async fn a_refused_filter_ends_the_client_with_the_whole_problem() {
    let head = head("400 Bad Request", PROBLEM.len());
    let (first, rest) = PROBLEM.split_at(9);
    for pieces in [
        &[&head[..], first, rest][..],
        &[&head[..20], &head[20..], PROBLEM],
        &[&(head.clone() + PROBLEM)],
    ] {
        let server = Server::start().await;
        let mut live = server.client().condition("age = 1").build();
        let ((), ended) = tokio::join!(server.answer(pieces), async {
            let ended = next_result(&mut live).await;
            (ended, live)
        });
        let (ended, mut live) = ended;
        let Err(ClientError::Refused(refusal)) = ended else {
            panic!("not refused: {ended:?}")
        };
        let problem = refusal.problem.expect("a problem");
        assert_eq!(
            (refusal.status, problem.offset, problem.length),
            (400, Some(4), Some(1))
        );
        assert_eq!(
            (problem.kind.as_str(), problem.detail.as_str()),
            ("/problems/filter", "write ==")
        );
        assert!(matches!(
            next_result(&mut live).await,
            Err(ClientError::Ended)
        ));
    }
}

#[tokio::test]
async fn a_refused_cursor_is_replaced_by_a_snapshot() {
    let cursor = r#"{"type":"/problems/cursor","detail":"other partitions"}"#;
    for (status, body) in [("410 Gone", "{}"), ("400 Bad Request", cursor)] {
        let server = Server::start().await;
        let mut live = server
            .client()
            .from(StartPoint::Cursor("0:a.5.1".parse().unwrap()))
            .build();
        let answer = head(status, body.len()) + body;
        let pieces = [&answer[..]];
        let script = async {
            tokio::select! { () = server.answer(&pieces) => {} }
            server.accept().await
        };
        let (peer, (lost, connected)) = tokio::join!(script, async {
            (next(&mut live).await, next(&mut live).await)
        });
        assert!(
            matches!(
                lost,
                LiveEvent::Disconnected {
                    why: Disconnect::Refused(_),
                    retry: Some(_)
                }
            ),
            "{lost:?}"
        );
        assert_eq!(
            (peer.parameter("from"), connected),
            (
                "snapshot",
                LiveEvent::Connected {
                    from: StartPoint::Snapshot
                }
            )
        );
    }
}

#[tokio::test]
async fn a_client_retries_a_full_gateway_but_not_a_forbidden_origin() {
    let server = Server::start().await;
    let mut live = server.client().build();
    let full = head("503 Service Unavailable", 0).replace("\r\n\r\n", "\r\nRetry-After: 0\r\n\r\n");
    let ((), lost) = tokio::join!(
        async {
            server.answer(&[&full]).await;
        },
        async { next(&mut live).await }
    );
    assert!(
        matches!(lost, LiveEvent::Disconnected { retry: Some(_), .. }),
        "{lost:?}"
    );
    let ((), ended) = tokio::join!(
        async {
            server.answer(&[&head("403 Forbidden", 0)]).await;
        },
        async { next_result(&mut live).await }
    );
    assert!(matches!(ended, Err(ClientError::Refused(refusal)) if refusal.status == 403));
}

#[tokio::test]
async fn a_server_without_the_protocol_has_its_own_error() {
    let server = Server::start().await;
    let mut live = server.client().build();
    let (_peer, ended) = tokio::join!(server.accept_as("chat"), next_result(&mut live));
    assert!(
        matches!(ended, Err(ClientError::NoGateway { .. })),
        "{ended:?}"
    );
    let mut live = server.client().build();
    let ((), ended) = tokio::join!(
        server.answer(&["SSH-2.0-OpenSSH_9.2\r\n"]),
        next_result(&mut live)
    );
    assert!(
        matches!(ended, Err(ClientError::NoGateway { .. })),
        "{ended:?}"
    );
    for message in [
        "hello",
        r#"{"type":"live"}"#,
        r#"{"type":"create","at":"0:a.1.1","person":{"id":"1"}}"#,
    ] {
        let mut live = server.client().build();
        let mut peer = server.accept_client(&mut live).await;
        peer.send(message).await;
        assert!(
            matches!(
                next_result(&mut live).await,
                Err(ClientError::NoGateway { .. })
            ),
            "{message}"
        );
    }
}

#[tokio::test]
async fn unknown_messages_change_nothing_and_the_stream_ends_with_the_client() {
    let server = Server::start().await;
    let mut live = server.client().build();
    let mut peer = server.accept_client(&mut live).await;
    peer.send_json(&json!({"type": "weather", "sun": true}))
        .await;
    peer.send_json(&json!({"type": "live", "cursor": "0:a.5.1", "moon": "full"}))
        .await;
    assert_eq!(next(&mut live).await, LiveEvent::Unknown);
    assert_eq!(live.received(), Some(r#"{"type":"weather","sun":true}"#));
    peer.send_json(&live_at("0:a.5.1")).await;
    let ((), rest) = tokio::join!(
        peer.close(1000, ""),
        live.map(Result::unwrap).collect::<Vec<_>>()
    );
    assert!(
        matches!(
            rest[..],
            [
                LiveEvent::Live { .. },
                LiveEvent::Live { .. },
                LiveEvent::Disconnected { .. }
            ]
        ),
        "{rest:?}"
    );
}
