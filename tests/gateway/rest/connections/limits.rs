//! Limits of connections, heads, bodies and peers that do not read.

use std::net::SocketAddr;
use std::time::Duration;

use people_gateway::http::{RequestLabels, ServerOptions};
use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::ADA;
use people_testing::http::{Gateway, Setup, read_to_end};
use people_testing::wait::DEADLINE;

const SHORT: Duration = Duration::from_millis(200);
const LONG: Duration = Duration::from_secs(600);

fn server(change: impl FnOnce(&mut ServerOptions)) -> Setup {
    let mut setup = Setup::default();
    change(&mut setup.server);
    setup
}

/// Polls until no connection is open.
async fn all_closed(gateway: &Gateway) {
    let closed = async {
        while gateway.metrics.http_connections.get() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(DEADLINE, closed)
        .await
        .expect("connections are closed in time");
}

#[tokio::test]
async fn a_head_that_does_not_end_is_cut_off() {
    let gateway = Gateway::start_with(server(|options| options.header_limit = SHORT)).await;
    for begun in [
        "",
        "GET /people HTTP/1.1\r\n",
        "GET /people HTTP/1.1\r\nhost: localhost\r\nx: ",
    ] {
        let answer = gateway.raw(begun.as_bytes()).await;
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 408"),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_head_that_drips_is_cut_off() {
    let gateway = Gateway::start_with(server(|options| options.header_limit = SHORT)).await;
    let mut stream = gateway.connect().await;
    stream
        .write_all(b"GET /people HTTP/1.1\r\n")
        .await
        .expect("sent");
    let drip = async {
        while stream.write_all(b"x: y\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(DEADLINE, drip)
        .await
        .expect("the connection is closed while bytes still come");
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused() {
    let gateway = Gateway::start().await;
    let head = format!(
        "GET /people HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n",
        "y".repeat(100_000)
    );
    let answer = gateway.raw(head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test]
async fn a_body_that_stops_arriving_is_refused() {
    let mut setup = Setup::default();
    setup.options.body_idle_limit = SHORT;
    let gateway = Gateway::start_with(setup).await;
    for framing in ["content-length: 100", "transfer-encoding: chunked"] {
        let head = format!(
            "POST /people HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             {framing}\r\n\r\n"
        );
        let answer = gateway.raw(head.as_bytes()).await;
        assert!(
            answer.starts_with("HTTP/1.1 408 ") && answer.contains("/problems/malformed"),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_body_that_drips_is_refused_when_its_time_is_up() {
    let mut setup = Setup::default();
    (
        setup.options.body_idle_limit,
        setup.options.body_total_limit,
    ) = (LONG, SHORT);
    let gateway = Gateway::start_with(setup).await;
    let mut stream = gateway.connect().await;
    let head = "POST /people HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                content-length: 60000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("sent");
    let (mut reader, mut writer) = stream.into_split();
    let drip = async {
        while writer.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let mut answer = [0; 12];
    let answered = timeout(DEADLINE, reader.read_exact(&mut answer));
    tokio::select! {
        read = answered => drop(read.expect("in time").expect("an answer")),
        () = drip => panic!("cut off before the answer"),
    }
    assert_eq!(&answer, b"HTTP/1.1 408");
}

#[tokio::test]
async fn one_connection_too_many_is_answered_with_503_and_closed() {
    let gateway = Gateway::start_with(server(|options| {
        options.connections_max = 2.try_into().expect("two");
    }))
    .await;
    let held = [gateway.connect().await, gateway.connect().await];
    let request = b"GET /people HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let refused = gateway.raw(request).await;
    assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    assert!(
        refused.contains("retry-after: 1\r\n") && refused.contains("/problems/overloaded"),
        "{refused}"
    );
    let (_, id) = refused.split_once("x-request-id: ").expect("a request id");
    assert!(
        refused.contains(&format!(r#""instance":"urn:uuid:{}""#, &id[..36])),
        "{refused}"
    );
    assert_eq!(gateway.metrics.http_connections_refused.get(), 1);
    assert_eq!(gateway.metrics.http_connections.get(), 2);
    drop(held);
    all_closed(&gateway).await;
    let answer = gateway.raw(request).await;
    assert!(
        answer.starts_with("HTTP/1.1 200 "),
        "a slot is free again: {answer}"
    );
}

#[tokio::test]
async fn a_peer_that_reads_nothing_of_its_list_is_cut_off() {
    let gateway = Gateway::start_with(server(|options| options.stall_limit = SHORT)).await;
    let line = ADA.replace(
        '}',
        &format!(r#","attributes":{{"text":"{}"}}}}"#, "x".repeat(8000)),
    ) + "\n";
    let headers = [
        ("content-type", "application/x-ndjson"),
        ("connection", "close"),
    ];
    assert_eq!(
        gateway
            .call("POST", "/people/import", &headers, &line.repeat(300))
            .await
            .status,
        200
    );
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("small");
    let mut stream = socket.connect(gateway.address).await.expect("connected");
    stream
        .write_all(b"GET /people HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .expect("sent");
    let mut begun = [0; 12];
    timeout(DEADLINE, stream.read_exact(&mut begun))
        .await
        .expect("in time")
        .expect("an answer begins");
    assert_eq!(&begun, b"HTTP/1.1 200");
    // The peer reads no more, so all buffers fill until the limit.
    all_closed(&gateway).await;
    drop(stream);
}

/// The server sets options on its listener only.
#[tokio::test]
async fn accepted_sockets_inherit_the_listeners_options() {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    listener.set_tcp_nodelay(true).expect("set");
    listener.set_send_buffer_size(64 * 1024).expect("set");
    listener.set_tcp_user_timeout(Some(LONG)).expect("set");
    listener
        .bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
        .expect("bound");
    listener.listen(1).expect("listening");
    let address = listener
        .local_addr()
        .expect("an address")
        .as_socket()
        .expect("IP");
    let _peer = TcpStream::connect(address).await.expect("connected");
    let (accepted, _) = listener.accept().expect("accepted");
    assert!(accepted.tcp_nodelay().expect("an answer"));
    assert_eq!(accepted.tcp_user_timeout().expect("an answer"), Some(LONG));
    assert_eq!(
        accepted.send_buffer_size().expect("an answer"),
        listener.send_buffer_size().expect("an answer")
    );
}

#[tokio::test]
async fn bytes_that_are_not_http_are_refused() {
    let gateway = Gateway::start().await;
    let answer = gateway.raw(b"HELLO\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    let mut stream = gateway.connect().await;
    stream
        .write_all(b"GET /people HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .await
        .expect("sent");
    assert!(read_to_end(&mut stream).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn requests_wait_while_the_peer_does_not_read_earlier_answers() {
    const REQUESTS: usize = 40_000;
    let gateway = Gateway::start().await;
    let answered = || {
        let label = RequestLabels {
            method: "HEAD",
            route: "/people",
            status: 200,
        };
        gateway.metrics.http_requests.get_or_create(&label).get()
    };
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("small");
    let (reader, mut writer) = socket
        .connect(gateway.address)
        .await
        .expect("connected")
        .into_split();
    let writing = tokio::spawn(async move {
        let some = b"HEAD /people?limit=1 HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(1000);
        for _ in 0..REQUESTS / 1000 {
            writer.write_all(&some).await.expect("an open connection");
        }
        writer
    });
    // Other clients are served meanwhile.
    for _ in 0..1000 {
        assert_eq!(gateway.get("/people?limit=1").await.status, 200);
    }
    // The kernel holds some answers, and hyper some requests that it had read.
    assert!(
        answered() < 10_000,
        "{} answers wait for a peer that reads none",
        answered()
    );
    let (mut reader, mut answers) = (tokio::io::BufReader::new(reader), 0);
    while answers < REQUESTS {
        let mut line = String::new();
        let count = timeout(DEADLINE, reader.read_line(&mut line))
            .await
            .expect("in time")
            .expect("an answer");
        assert!(count > 0, "cut after {answers} answers");
        answers += usize::from(line.starts_with("HTTP/1.1 200"));
    }
    drop(writing.await.expect("all was sent"));
}
