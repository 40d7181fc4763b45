//! An HTTP server with scripted answers.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use people_testing::wait::DEADLINE;

/// Answers one request at a time, with the answer that the test passes.
pub(crate) struct Script {
    listener: TcpListener,
}

/// An answer with this status, which may include headers, and this body. The connection ends after
/// the answer.
pub(crate) fn answer(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

impl Script {
    pub(crate) async fn start() -> Self {
        Self {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.listener.local_addr().unwrap())
    }

    /// Answers the next request, and returns its head and body.
    pub(crate) async fn next(&self, answer: &str) -> (String, String) {
        let (mut stream, head, body) = self.request().await;
        stream.write_all(answer.as_bytes()).await.unwrap();
        (head, body)
    }

    /// The next request, for the test to answer: its connection, head and body.
    pub(crate) async fn request(&self) -> (TcpStream, String, String) {
        timeout(DEADLINE, self.take())
            .await
            .expect("a request in time")
    }

    async fn take(&self) -> (TcpStream, String, String) {
        let (mut stream, _) = self.listener.accept().await.unwrap();
        let mut read = Vec::new();
        loop {
            assert_ne!(
                stream.read_buf(&mut read).await.unwrap(),
                0,
                "the request is incomplete"
            );
            let text = String::from_utf8_lossy(&read).into_owned();
            let Some((head, body)) = text.split_once("\r\n\r\n") else {
                continue;
            };
            let header = |line: &str| {
                line.to_ascii_lowercase()
                    .strip_prefix("content-length: ")
                    .map(str::to_owned)
            };
            let length = head
                .lines()
                .find_map(header)
                .map_or(0, |length| length.parse().unwrap());
            if body.len() == length {
                return (stream, head.to_owned(), body.to_owned());
            }
        }
    }
}
