//! Requests as they arrive at a connection: heads, and where their bodies end.

use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;
use std::sync::LazyLock;

use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use people_gateway::http::{BodyFraming, ChunkedBody, RequestHead, read_head};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::runtime::{Builder, Runtime};

/// The longest head, in bytes.
const HEAD_BYTES_MAX: usize = 2000;
/// Bodies that are handed on, in bytes.
const BODY_BYTES_MAX: u64 = 4096;
/// A request that only its own end can follow.
const NEXT: &[u8] = b"GET /next HTTP/1.1\r\n\r\n";

thread_local! {
    static RUNTIME: LazyLock<Runtime> =
        LazyLock::new(|| Builder::new_current_thread().build().expect("a runtime"));
}

/// A request as hyper reads it: its target, the announced length of its body, and whether it has
/// read the body to its end.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    target: String,
    length: Option<u64>,
    is_complete: bool,
}

/// Reads the bytes as a head and what follows it. A piece of the bytes gives no other head; hyper
/// accepts what is accepted here, with the same length of the body; and where the body ends here,
/// hyper begins to read the next request, or refuses the body and ends the connection. So nothing
/// can be smuggled past one of the two.
pub fn request(input: &[u8]) {
    let Ok(Some(head)) = read_head(input, HEAD_BYTES_MAX) else {
        return;
    };
    assert!(head.length <= input.len());
    for end in [head.length, head.length.saturating_sub(1)] {
        let part = read_head(&input[..end], HEAD_BYTES_MAX).expect("a part is no worse");
        assert_eq!(
            part.map(|part| part.length),
            (end == head.length).then_some(end)
        );
    }
    let (before, after) = input.split_at(head.length);
    let passed_on = head.rewritten.as_deref().unwrap_or(before);
    let body = body_of(&head, after);
    let sent = match body {
        Some(body) => [passed_on, body, NEXT].concat(),
        None => passed_on.to_vec(),
    };
    let seen = RUNTIME.with(|runtime| runtime.block_on(read_by_hyper(&sent)));
    let first = seen.first().expect("hyper accepts the head");
    match head.framing {
        BodyFraming::Length(length) => assert_eq!(first.length, Some(length)),
        BodyFraming::Chunked(_) => assert_eq!(first.length, None),
    }
    let next: Vec<&str> = seen[1..].iter().map(|seen| seen.target.as_str()).collect();
    match next[..] {
        [] => {
            let may_end = head.upgrade || closes(passed_on) || !first.is_complete;
            assert!(body.is_none() || may_end, "the body ends later for hyper");
        }
        _ => assert_eq!((next, body.is_some()), (vec!["/next"], true)),
    }
}

/// The body at the front of these bytes; none where it does not end in them.
fn body_of<'b>(head: &RequestHead, bytes: &'b [u8]) -> Option<&'b [u8]> {
    match head.framing {
        BodyFraming::Length(length) if length <= BODY_BYTES_MAX => {
            bytes.get(..usize::try_from(length).expect("short"))
        }
        BodyFraming::Length(_) => None,
        BodyFraming::Chunked(mut body) => {
            let taken = body.take(bytes);
            let mut other = ChunkedBody::START;
            let in_pieces: usize = bytes.chunks(3).map(|piece| other.take(piece)).sum();
            assert_eq!((other, in_pieces), (body, taken));
            (body == ChunkedBody::Complete).then(|| &bytes[..taken])
        }
    }
}

/// Whether hyper may end the connection with this request: it is HTTP/1.0, says so, or has both
/// headers that tell a length (RFC 9112, section 6.1).
fn closes(head: &[u8]) -> bool {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let has = |text: &str| head.contains(text);
    has("http/1.0") || has("connection") || has("content-length") && has("transfer-encoding")
}

/// What hyper reads of these bytes, after which the peer sends nothing more.
async fn read_by_hyper(bytes: &[u8]) -> Vec<Seen> {
    let (near, mut far) = tokio::io::duplex(1 << 16);
    let seen = Rc::new(RefCell::new(Vec::new()));
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let seen = Rc::clone(&seen);
        async move {
            let target = request.uri().to_string();
            let length = request.body().size_hint().exact();
            let is_complete = request.into_body().collect().await.is_ok();
            seen.borrow_mut().push(Seen {
                target,
                length,
                is_complete,
            });
            Ok::<_, Infallible>(hyper::Response::new(Empty::<Bytes>::new()))
        }
    });
    let mut builder = http1::Builder::new();
    let limit = 4 * HEAD_BYTES_MAX + 8192;
    builder
        .half_close(true)
        .max_header_size(limit)
        .max_buf_size(limit);
    let serving = builder.serve_connection(TokioIo::new(near), service);
    let talk = async {
        far.write_all(bytes).await.expect("room");
        far.shutdown().await.expect("open");
        let mut answers = Vec::new();
        // The connection may end first.
        let _ = far.read_to_end(&mut answers).await;
    };
    // An error is how hyper ends what it cannot read.
    let _ = tokio::join!(serving, talk);
    seen.take()
}
