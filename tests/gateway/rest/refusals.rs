//! Refused requests: status, problem and detail.

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;

use crate::{ADA, UNUSED_ID};
use people_testing::http::{Answer, Gateway, Setup, read_to_end};

#[tokio::test]
async fn unknown_paths_are_not_found() {
    let gateway = Gateway::start().await;
    for path in ["/person", "/people/", "/people/x/y", "/console"] {
        gateway.get(path).await.problem(404, "not-found");
    }
}

#[tokio::test]
async fn paths_of_the_admin_listener_are_named_with_its_address_where_callers_may_learn_it() {
    let silent = Gateway::start().await;
    let mut setup = Setup::default();
    setup.options.admin = Some(([127, 0, 0, 1], 9091).into());
    let telling = Gateway::start_with(setup).await;
    for (asked, there) in [
        ("/health", "/readyz"),
        ("/healthz", "/readyz"),
        ("/readyz", "/readyz"),
        ("/livez", "/livez"),
        ("/metrics", "/metrics"),
    ] {
        let problem = silent.get(asked).await.problem(404, "not-found");
        let detail = problem["detail"].as_str().expect("text");
        assert!(
            detail.contains(there) && detail.contains("admin.listen") && !detail.contains("127."),
            "{detail}"
        );
        let problem = telling.get(asked).await.problem(404, "not-found");
        let detail = problem["detail"].as_str().expect("text");
        assert!(
            detail.contains(&format!("http://127.0.0.1:9091{there}")),
            "{detail}"
        );
    }
}

#[tokio::test]
async fn a_wrong_method_is_refused_with_the_list_of_right_ones() {
    let gateway = Gateway::start().await;
    let person = format!("/people/{UNUSED_ID}");
    for (method, path, allowed) in [
        ("PUT", "/people", "GET,HEAD,POST"),
        ("DELETE", "/people", "GET,HEAD,POST"),
        ("BREW", "/people", "GET,HEAD,POST"),
        ("OPTIONS", "/people", "GET,HEAD,POST"),
        ("POST", &person, "DELETE,GET,HEAD,PATCH,PUT"),
        ("GET", "/people/import", "POST"),
    ] {
        let answer = gateway.send(method, path, "").await;
        answer.problem(405, "method");
        let mut given: Vec<&str> = answer
            .header("allow")
            .expect("Allow")
            .split(',')
            .map(str::trim)
            .collect();
        given.sort_unstable();
        assert_eq!(given.join(","), allowed, "{method} {path}");
    }
}

#[tokio::test]
async fn a_wrong_type_of_body_is_refused_with_the_list_of_right_ones() {
    let gateway = Gateway::start().await;
    let person = format!("/people/{}", gateway.create(ADA).await);
    for (method, path, header, taken) in [
        ("POST", "/people", "accept-post", "application/json"),
        ("PUT", &person, "accept-post", "application/json"),
        (
            "PATCH",
            &person,
            "accept-patch",
            "application/merge-patch+json, application/json",
        ),
        (
            "POST",
            "/people/import",
            "accept-post",
            "application/x-ndjson, application/ndjson, application/jsonl",
        ),
    ] {
        let refused = |answer: Answer| {
            answer.problem(415, "media-type");
            assert_eq!(answer.header(header), Some(taken), "{method}");
        };
        refused(gateway.call(method, path, &[], ADA).await);
        let kind = taken.split(',').next().expect("one");
        for wrong in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/jsonx",
            &format!("{kind}; charset=latin1"),
        ] {
            refused(
                gateway
                    .call(method, path, &[("content-type", wrong)], ADA)
                    .await,
            );
        }
        refused(
            gateway
                .call(
                    method,
                    path,
                    &[("content-type", kind), ("content-encoding", "gzip")],
                    ADA,
                )
                .await,
        );
        let spelled = |charset: &str| format!("{kind}; {charset}");
        let charsets = [
            "charset=UTF-8",
            "charset=\"utf-8\"",
            "charset=utf8",
            "Charset=UTF_8",
        ]
        .map(spelled);
        for right in taken.split(", ").map(str::to_uppercase).chain(charsets) {
            let answer = gateway
                .call(method, path, &[("content-type", &right)], ADA)
                .await;
            assert!(answer.status < 300, "{method} {right}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn malformed_json_is_reported_with_line_and_column() {
    let gateway = Gateway::start().await;
    let person = format!("/people/{}", gateway.create(ADA).await);
    for (method, path) in [("POST", "/people"), ("PUT", &person), ("PATCH", &person)] {
        let problem = gateway
            .send(method, path, "{\n  \"age\": ,\n}")
            .await
            .problem(400, "malformed");
        assert_eq!(
            (&problem["line"], &problem["column"]),
            (&json!(2), &json!(10)),
            "{method} {problem}"
        );
        let problem = gateway
            .send(method, path, "")
            .await
            .problem(400, "malformed");
        assert!(
            problem["line"].is_u64() && problem["column"].is_u64(),
            "{problem}"
        );
        let json = gateway
            .request(method, path)
            .header("content-type", "application/json");
        let problem = Answer::of(json.body(&b"{\"job\":\n\"\xff\"}"[..]))
            .await
            .problem(400, "malformed");
        assert_eq!(
            (&problem["line"], &problem["column"]),
            (&json!(2), &json!(2)),
            "{problem}"
        );
    }
}

#[tokio::test]
async fn all_wrong_values_are_reported_at_once() {
    let gateway = Gateway::start().await;
    let person = format!("/people/{}", gateway.create(ADA).await);
    let body = r#"{"firstName":"","age":151,"job":7,"nickname":"x","attributes":[]}"#;
    for (method, path) in [("POST", "/people"), ("PUT", &person)] {
        let problem = gateway
            .send(method, path, body)
            .await
            .problem(422, "validation");
        let errors = problem["errors"].as_array().expect("errors");
        let pointers: Vec<_> = errors
            .iter()
            .map(|error| error["pointer"].as_str().expect("a pointer"))
            .collect();
        assert_eq!(
            pointers,
            [
                "/firstName",
                "/age",
                "/job",
                "/nickname",
                "/attributes",
                "/lastName"
            ]
        );
        assert!(errors.iter().all(|error| {
            error["detail"]
                .as_str()
                .is_some_and(|detail| detail.len() > 5)
        }));
        let problem = gateway
            .send(method, path, "[]")
            .await
            .problem(422, "validation");
        assert_eq!(problem["errors"][0]["pointer"], "");
    }
}

#[tokio::test]
async fn unknown_parameters_are_refused_by_name() {
    let gateway = Gateway::start().await;
    let person = format!("/people/{}", gateway.create(ADA).await);
    for (method, path, body) in [
        ("GET", "/people", ""),
        ("POST", "/people", ADA),
        ("POST", "/people/import", ""),
        ("GET", &person, ""),
        ("PUT", &person, ADA),
        ("PATCH", &person, "{}"),
        ("DELETE", &person, ""),
    ] {
        let problem = gateway
            .send(method, &format!("{path}?wher=age"), body)
            .await
            .problem(400, "malformed");
        assert!(
            problem["detail"]
                .as_str()
                .is_some_and(|detail| detail.contains("wher")),
            "{problem}"
        );
    }
    assert_eq!(
        gateway.get(&person).await.status,
        200,
        "nothing was deleted"
    );
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_unread_where_its_length_is_announced() {
    let gateway = Gateway::start().await;
    let head = "POST /people HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                content-length: 65537\r\n\r\n";
    let answer = gateway.raw(head.as_bytes()).await;
    assert!(
        answer.starts_with("HTTP/1.1 413 ") && answer.contains("/problems/too-large"),
        "{answer}"
    );
    let kept = gateway
        .send(
            "POST",
            "/people",
            &format!("{ADA}{}", " ".repeat(65_536 - ADA.len())),
        )
        .await;
    assert_eq!(kept.status, 201, "64 KiB exactly are taken");
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_while_it_is_read_where_its_length_is_not_announced() {
    let gateway = Gateway::start().await;
    for whole in [1 << 17, 1 << 20] {
        let pieces = futures_util::stream::iter(
            (0..whole / 1024).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1024])),
        );
        let request = gateway
            .request("POST", "/people")
            .header("content-type", "application/json");
        Answer::of(request.body(reqwest::Body::wrap_stream(pieces)))
            .await
            .problem(413, "too-large");
    }
    assert_eq!(gateway.get("/people").await.body, "[]\n");
}

#[tokio::test]
async fn a_caller_that_sends_all_first_can_read_the_refusal_of_a_large_upload() {
    let gateway = Gateway::start().await;
    let length = 900_000;
    let head = format!(
        "POST /people HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n"
    );
    // More than the kernel takes at once, so that the rest is sent after the answer.
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_send_buffer_size(4096).expect("small");
    let mut stream = socket.connect(gateway.address).await.expect("connected");
    stream.write_all(head.as_bytes()).await.expect("sent");
    for _ in 0..length / 1000 {
        stream
            .write_all(&[b' '; 1000])
            .await
            .expect("taken, although it is dropped");
    }
    let answer = read_to_end(&mut stream).await;
    assert!(
        answer.starts_with("HTTP/1.1 413 ") && answer.contains("/problems/too-large"),
        "{answer}"
    );
}
