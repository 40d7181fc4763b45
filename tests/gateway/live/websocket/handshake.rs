//! The WebSocket handshake: the requests that are upgraded, and the problems that refuse others.

use rustix::process::Signal;
use tokio::net::TcpStream;

use super::peer::{Frame, Peer, Refusal, close, handshake};
use people_testing::port::free_port;
use people_testing::process::{Gateway, person};
use people_testing::wait::eventually;

async fn refused(gateway: &Gateway, request: &str) -> Refusal {
    let mut peer = Peer::connect(gateway.address).await;
    peer.send(request.as_bytes()).await;
    let refusal = peer.refusal().await;
    assert!(
        refusal
            .head
            .contains("content-type: application/problem+json"),
        "{request}{}",
        refusal.head
    );
    assert_eq!(refusal.problem["status"], refusal.status, "{request}");
    refusal
}

/// Asserts status and type of the refusal; returns its detail.
async fn problem(gateway: &Gateway, request: &str, status: u16, kind: &str) -> String {
    let refusal = refused(gateway, request).await;
    let given = (
        refusal.status,
        refusal.problem["type"].as_str().unwrap_or_default(),
    );
    assert_eq!(
        given,
        (status, &*format!("/problems/{kind}")),
        "{request}{refusal:?}"
    );
    refusal.problem["detail"]
        .as_str()
        .expect("a detail")
        .to_owned()
}

/// Asserts that a handshake is answered with 101, and that the session works.
async fn assert_upgraded(gateway: &Gateway, request: &str) {
    let mut peer = Peer::connect(gateway.address).await;
    peer.send(request.as_bytes()).await;
    peer.expect_upgrade().await;
    peer.send(&close(1000, b"")).await;
    assert_eq!(
        peer.rest().await,
        [Frame::Close(Some(1000), String::new()), Frame::End],
        "{request}"
    );
}

#[tokio::test]
async fn an_invalid_filter_or_cursor_is_refused_before_the_upgrade() {
    let gateway = Gateway::ready(&[]).await;
    for path in ["/people", "/updates"] {
        for (query, kind, named) in [
            ("where=age%20%3E%20%223%22", "filter", "age"),
            ("where=agee%20%3E%203", "filter", "agee"),
            ("from=x", "cursor", "from"),
            ("from=", "cursor", "from"),
            ("from=0:1.0.0,0:1.0.0", "cursor", "from"),
            ("from=1:1.0.0", "cursor", "from"),
            ("from=0:1.9007199254740993.0", "cursor", "from"),
        ] {
            let detail = problem(
                &gateway,
                &handshake(&format!("{path}?{query}"), &[]),
                400,
                kind,
            )
            .await;
            assert!(detail.contains(named), "{query}: {detail}");
        }
        // A cursor of another store: the text format has no message for a reset.
        problem(
            &gateway,
            &handshake(&format!("{path}?from=0:1.0.0"), &[]),
            410,
            "cursor",
        )
        .await;
    }
    let sse = "GET /updates?close_on=save HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert!(
        problem(&gateway, sse, 400, "malformed")
            .await
            .contains("close_on")
    );
}

#[tokio::test]
async fn unknown_repeated_and_invalid_parameters_are_refused() {
    let gateway = Gateway::ready(&[]).await;
    for path in ["/people", "/updates"] {
        for (query, named) in [
            ("wher=1", "wher"),
            ("Kinds=all", "Kinds"),
            ("limit=5", "limit"),
            ("kinds=all&kinds=all", "kinds"),
            ("kinds=all&from=now&kinds=saves", "kinds"),
            ("from=now&from=now", "from"),
            ("kinds=", "all, saves, deletes"),
            ("kinds=Saves", "all, saves, deletes"),
            ("kinds=saves,deletes", "all, saves, deletes"),
            ("kinds=%20saves", "all, saves, deletes"),
            ("kinds=%ff", "UTF-8"),
            ("close_on=", "save, delete"),
            ("close_on=saves", "save, delete"),
            ("close_on=save&close_on=delete", "close_on"),
        ] {
            let detail = problem(
                &gateway,
                &handshake(&format!("{path}?{query}"), &[]),
                400,
                "malformed",
            )
            .await;
            assert!(detail.contains(named), "{query}: {detail}");
        }
    }
}

#[tokio::test]
async fn unknown_subprotocols_are_refused_with_the_supported_ones() {
    let gateway = Gateway::ready(&[]).await;
    for protocol in [
        "people.v2.json",
        "People.v1.json",
        "chat, superchat",
        "text",
    ] {
        let request = handshake("/people", &[("Sec-WebSocket-Protocol", protocol)]);
        let refusal = refused(&gateway, &request).await;
        assert_eq!(
            (refusal.status, &refusal.problem["type"]),
            (400, &"/problems/malformed".into())
        );
        assert_eq!(
            refusal.problem["subprotocols"],
            serde_json::json!(["people.v1.json", "cloudevents.json"])
        );
    }
}

#[tokio::test]
async fn another_version_is_refused_with_the_supported_one() {
    let gateway = Gateway::ready(&[]).await;
    for version in ["", "8", "14", "013", "13, 8", "x"] {
        let request = handshake("/people", &[("Sec-WebSocket-Version", version)]);
        let refusal = refused(&gateway, &request).await;
        assert_eq!(refusal.status, 426, "{version}");
        for line in ["sec-websocket-version: 13\r\n", "upgrade: websocket\r\n"] {
            assert!(refusal.head.contains(line), "{}", refusal.head);
        }
    }
}

#[tokio::test]
async fn incomplete_handshakes_are_refused() {
    let gateway = Gateway::ready(&[]).await;
    for key in [
        "",
        "short",
        "dGhlIHNhbXBsZSBub25jZQ",
        "dGhlIHNhbXBsZSBub25jZQ==x",
        "dGhlIHNhbXBsZSBub25j!!==",
        "==========",
    ] {
        let request = handshake("/people", &[("Sec-WebSocket-Key", key)]);
        assert!(
            problem(&gateway, &request, 400, "malformed")
                .await
                .contains("Sec-WebSocket-Key"),
            "{key}"
        );
    }
    for connection in ["", "keep-alive", "upgraded"] {
        let request = handshake("/updates", &[("Connection", connection)]);
        assert!(
            problem(&gateway, &request, 400, "malformed")
                .await
                .contains("Connection"),
            "{connection}"
        );
    }
    let old = handshake("/people", &[]).replace("HTTP/1.1", "HTTP/1.0");
    assert!(
        problem(&gateway, &old, 400, "malformed")
            .await
            .contains("HTTP/1.1")
    );
    let posted = handshake("/updates", &[("Content-Length", "0")]).replace("GET", "POST");
    let refusal = refused(&gateway, &posted).await;
    assert_eq!(refusal.status, 405);
    assert!(refusal.head.contains("allow: "), "{}", refusal.head);
    let elsewhere = handshake("/people/0190f3e2-7c1b-7d9a-8f00-1234567890ab", &[]);
    problem(&gateway, &elsewhere, 404, "not-found").await;
    assert!(crate::live::metric_is(&gateway, "sessions", 0).await);
}

#[tokio::test]
async fn a_handshake_may_have_tokens_in_any_case_and_in_lists() {
    let gateway = Gateway::ready(&[]).await;
    for changed in [
        ("Connection", "keep-alive, Upgrade"),
        ("Connection", "UPGRADE"),
        ("Upgrade", "WebSocket"),
        ("Upgrade", "h2c, websocket"),
        (
            "Sec-WebSocket-Extensions",
            "permessage-deflate; client_max_window_bits",
        ),
        ("Accept", "text/event-stream"),
    ] {
        assert_upgraded(&gateway, &handshake("/people", &[changed])).await;
    }
    let mut peer = Peer::connect(gateway.address).await;
    peer.send(
        handshake(
            "/people",
            &[("Sec-WebSocket-Extensions", "permessage-deflate")],
        )
        .as_bytes(),
    )
    .await;
    let (status, head) = peer.head().await;
    assert_eq!(status, 101);
    for line in ["upgrade: websocket\r\n", "connection: upgrade\r\n"] {
        assert!(head.contains(line), "{head}");
    }
    assert!(
        !head.contains("sec-websocket-extensions") && !head.contains("sec-websocket-protocol"),
        "{head}"
    );
}

#[tokio::test]
async fn a_refused_handshake_leaves_the_connection_usable() {
    let gateway = Gateway::ready(&[]).await;
    let mut peer = Peer::connect(gateway.address).await;
    peer.send(handshake("/people?kinds=none", &[]).as_bytes())
        .await;
    assert_eq!(peer.refusal().await.status, 400);
    peer.send(handshake("/people?kinds=saves", &[]).as_bytes())
        .await;
    peer.expect_upgrade().await;
    gateway.create(&person("Ada")).await;
    assert!(matches!(peer.next().await, Frame::Text(sentence) if sentence.contains("Ada")));
}

#[tokio::test]
async fn pages_of_other_origins_are_refused_unless_they_are_listed() {
    let listed = "https://app.example, http://people.example:3000";
    let gateway =
        Gateway::ready(&[("http.origins", listed), ("http.hosts", "people.example")]).await;
    let own = gateway.address.to_string();
    for path in ["/people", "/updates"] {
        for origin in [
            "https://evil.example",
            "http://app.example",
            "https://app.example:8443",
            "http://people.example:3001",
            "http://localhost.evil.example",
            "null",
        ] {
            let request = handshake(path, &[("Origin", origin)]);
            problem(&gateway, &request, 403, "origin").await;
        }
        for origin in [
            "https://app.example",
            "https://app.example:443",
            "http://people.example:3000",
            "http://localhost:5173",
        ] {
            assert_upgraded(&gateway, &handshake(path, &[("Origin", origin)])).await;
        }
        assert_upgraded(
            &gateway,
            &handshake(
                path,
                &[("Host", &own), ("Origin", &format!("http://{own}"))],
            ),
        )
        .await;
        let host = ("Host", "people.example");
        assert_upgraded(
            &gateway,
            &handshake(path, &[host, ("Origin", "https://people.example")]),
        )
        .await;
        // DNS rebinding: a page whose host name resolves to this machine.
        let rebound = [("Host", "evil.example"), ("Origin", "http://evil.example")];
        problem(&gateway, &handshake(path, &rebound), 421, "host").await;
    }
    let log = gateway.log();
    for (caller, setting) in [
        ("https://evil.example", "http.origins"),
        ("null", "http.origins"),
        ("evil.example", "http.hosts"),
    ] {
        let lines = log.lines().filter(|line| {
            line.contains(&format!("caller=\"{caller}\"")) && line.contains(setting)
        });
        assert_eq!(lines.count(), 1, "{caller} is logged once: {log}");
    }
}

#[tokio::test]
async fn a_full_gateway_refuses_with_503_and_retry_after() {
    let gateway = Gateway::ready(&[("http.connections_max", "2")]).await;
    let one = Peer::open(gateway.address, "/people").await;
    let _two = Peer::open(gateway.address, "/people").await;
    let refusal = refused(&gateway, &handshake("/people", &[])).await;
    assert_eq!(
        (refusal.status, &refusal.problem["type"]),
        (503, &"/problems/overloaded".into())
    );
    assert!(refusal.head.contains("retry-after: "), "{}", refusal.head);
    drop(one);
    eventually("the slot is free again", async || {
        gateway.metric("sessions").await < 2.0
    })
    .await;
    eventually("another client gets the slot", async || {
        let mut peer = Peer::connect(gateway.address).await;
        peer.send(handshake("/people", &[]).as_bytes()).await;
        peer.head().await.0 == 101
    })
    .await;
}

#[tokio::test]
async fn a_gateway_that_never_reached_its_store_refuses_with_503_and_retry_after() {
    let gateway =
        Gateway::start(&[("store.url", &format!("redis://127.0.0.1:{}", free_port()))]).await;
    for path in ["/people", "/updates"] {
        let refusal = refused(&gateway, &handshake(path, &[])).await;
        assert_eq!(
            (refusal.status, &refusal.problem["type"]),
            (503, &"/problems/store-unavailable".into())
        );
        assert!(refusal.head.contains("retry-after: "), "{}", refusal.head);
    }
    assert_eq!(gateway.readyz().await, 503);
}

#[tokio::test]
async fn a_gateway_that_shuts_down_refuses_new_sessions() {
    let mut gateway = Gateway::ready(&[("shutdown.grace_ms", "60000")]).await;
    let request = handshake("/people", &[]);
    let (begin, end) = request.split_at(request.len() - 2);
    let mut late = Peer::connect(gateway.address).await;
    late.send(begin.as_bytes()).await;
    // Connections are accepted in order, so this one shows that the first is accepted.
    let open = Peer::open(gateway.address, "/people").await;
    gateway.signal(Signal::TERM);
    eventually("the port is closed", async || {
        TcpStream::connect(gateway.address).await.is_err()
    })
    .await;
    late.send(end.as_bytes()).await;
    let refusal = late.refusal().await;
    assert_eq!(
        (refusal.status, &refusal.problem["type"]),
        (503, &"/problems/overloaded".into())
    );
    assert!(refusal.head.contains("retry-after: "), "{}", refusal.head);
    drop((late, open));
    assert_eq!(gateway.exit_code().await, Some(0));
}
