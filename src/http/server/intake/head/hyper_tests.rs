//! hyper accepts every head that passes the check, and finds the same end of it.

use std::convert::Infallible;

use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::read;

const MAX: usize = 8192;

/// hyper's answer to these bytes; the service answers 204.
async fn hyper_answer(bytes: Vec<u8>) -> String {
    let (near, mut far) = tokio::io::duplex(1 << 16);
    let service = service_fn(|_: hyper::Request<Incoming>| async {
        let mut answer = hyper::Response::new(Empty::<Bytes>::new());
        *answer.status_mut() = hyper::StatusCode::NO_CONTENT;
        Ok::<_, Infallible>(answer)
    });
    let mut builder = http1::Builder::new();
    let serving = builder.max_header_size(2 * MAX).max_buf_size(2 * MAX);
    let serving = serving.serve_connection(TokioIo::new(near), service);
    let talk = async {
        far.write_all(&bytes).await.expect("room");
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") && far.read_buf(&mut answer).await.expect("open") > 0 {
        }
        String::from_utf8(answer).expect("text")
    };
    tokio::pin!(talk);
    tokio::select! {
        answer = &mut talk => answer,
        // hyper closed the connection after its answer, which is in the pipe.
        _ = serving => talk.await,
    }
}

/// Parts of heads: usual ones, odd ones, and wrong ones.
fn head() -> impl Strategy<Value = String> {
    let method = prop_oneof![
        Just("GET"),
        Just("POST"),
        Just("HEAD"),
        Just("BREW-COFFEE"),
        Just("get"),
        Just("G@T"),
        Just("CONNECT"),
        Just("")
    ];
    let target = prop_oneof![
        "/[ -~]{0,12}".prop_map(|text| text.replace(' ', "")),
        "/[a-z<>\"|^{}\\[\\]%#ä]{0,12}",
        Just("*".to_owned()),
        Just("people".to_owned()),
        Just("http://localhost/people?a>b".to_owned()),
        Just("http://[::1/".to_owned()),
        Just("http://".to_owned()),
        Just("localhost:80".to_owned()),
        Just("/a b".to_owned()),
    ];
    let version = prop_oneof![
        6 => Just("HTTP/1.1"),
        2 => Just("HTTP/1.0"),
        1 => Just("HTTP/2.0"),
        1 => Just("HTTP"),
    ];
    let header = prop_oneof![
        Just("host: a".to_owned()),
        "[a-zA-Z-]{1,8}:[ -~]{0,12}",
        "[!-~]{1,4}:[ -~]{0,4}",
        "content-length: ?[0-9]{0,2}",
        Just("Content-Length: 18446744073709551615".to_owned()),
        Just("Content-Length: +1".to_owned()),
        Just("content-length: 1, 1".to_owned()),
        Just("transfer-encoding: chunked".to_owned()),
        Just("Transfer-Encoding: gzip, Chunked".to_owned()),
        Just("transfer-encoding: gzip".to_owned()),
        Just("transfer-encoding: chunked, identity".to_owned()),
        Just("transfer-encoding:".to_owned()),
        Just("upgrade: websocket".to_owned()),
        Just("connection: keep-alive, Upgrade".to_owned()),
        Just("expect: 100-continue".to_owned()),
        Just(" folded".to_owned()),
        Just("ä: b".to_owned()),
        Just("a: ä".to_owned()),
    ];
    let ends = prop_oneof![9 => Just("\r\n"), 1 => Just("\n")];
    (
        method,
        target,
        version,
        prop::collection::vec(header, 0..5),
        ends,
        prop_oneof![Just(""), Just("\r\n"), Just("\n"), Just("\r")],
    )
        .prop_map(|(method, target, version, headers, end, before)| {
            let headers = headers.join(end);
            let end_of_headers = if headers.is_empty() { "" } else { end };
            format!("{before}{method} {target} {version}{end}{headers}{end_of_headers}{end}")
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn hyper_accepts_every_head_that_passes_the_check(head in head()) {
        let Ok(read) = read(head.as_bytes(), MAX) else { return Ok(()) };
        let read = read.expect("a head with its end");
        prop_assert_eq!(read.length, head.len(), "the whole head");
        let passed_on = read.rewritten.unwrap_or_else(|| head.clone().into_bytes());
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let answer = runtime.block_on(hyper_answer(passed_on));
        prop_assert!(answer.contains("204 No Content"), "{head:?} {answer:?}");
    }
}
