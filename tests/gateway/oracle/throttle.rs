//! Slow connections: a throttling relay between the reference client and a gateway, and a bare
//! WebSocket that reads at a given pace.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use people_testing::wait::DEADLINE;

/// Receive buffer of a slow connection, in bytes.
const SMALL_BUFFER: u32 = 4096;
/// 16 KB a second, in steps.
const STEP_BYTES: usize = 4096;
const STEP: Duration = Duration::from_millis(250);

/// How fast a connection is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    Nothing,
    Slow,
    Full,
}

/// A relay that passes 16 KB a second of the gateway's bytes, and all of them after `full_speed`.
pub(super) struct Throttle {
    pub(super) address: SocketAddr,
    pace: watch::Sender<Pace>,
    task: JoinHandle<()>,
}

impl Throttle {
    pub(super) async fn in_front_of(gateway: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let (pace, current) = watch::channel(Pace::Slow);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(relay(client, gateway, current.clone()));
            }
        });
        Self {
            address,
            pace,
            task,
        }
    }

    pub(super) fn full_speed(&self) {
        self.pace.send_replace(Pace::Full);
    }
}

impl Drop for Throttle {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn relay(client: TcpStream, gateway: SocketAddr, pace: watch::Receiver<Pace>) {
    let (mut from_gateway, mut to_gateway) = connect_small(gateway).await.into_split();
    let (mut from_client, mut to_client) = client.into_split();
    let there = tokio::io::copy(&mut from_client, &mut to_gateway);
    let back = async {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let now = *pace.borrow();
            let Ok(length @ 1..) = read_at_pace(&mut from_gateway, &mut buffer, now).await else {
                return;
            };
            if to_client.write_all(&buffer[..length]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        _ = there => {}
        () = back => {}
    }
}

/// Reads once at this pace. Returns the number of bytes.
async fn read_at_pace(
    from: &mut (impl tokio::io::AsyncRead + Unpin),
    buffer: &mut [u8],
    pace: Pace,
) -> std::io::Result<usize> {
    match pace {
        Pace::Full => from.read(buffer).await,
        Pace::Slow => {
            sleep(STEP).await;
            from.read(&mut buffer[..STEP_BYTES]).await
        }
        Pace::Nothing => std::future::pending().await,
    }
}

/// Opens a WebSocket of `people.v1.json` that is read at one pace, and neither parses nor answers
/// any frame. It closes with the task.
pub(super) async fn sink(gateway: SocketAddr, pace: Pace) -> JoinHandle<()> {
    let mut stream = connect_small(gateway).await;
    let request = format!(
        "GET /updates HTTP/1.1\r\nHost: {gateway}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Protocol: people.v1.json\r\n\r\n"
    );
    stream
        .write_all(request.as_bytes())
        .await
        .expect("an open connection");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(
            timeout(DEADLINE, stream.read_u8())
                .await
                .expect("in time")
                .expect("an answer"),
        );
    }
    assert!(
        head.starts_with(b"HTTP/1.1 101 "),
        "{:?}",
        String::from_utf8_lossy(&head)
    );
    tokio::spawn(async move {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(1..) = read_at_pace(&mut stream, &mut buffer, pace).await {}
    })
}

async fn connect_small(gateway: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket
        .set_recv_buffer_size(SMALL_BUFFER)
        .expect("a new socket");
    timeout(DEADLINE, socket.connect(gateway))
        .await
        .expect("in time")
        .expect("a connection")
}
