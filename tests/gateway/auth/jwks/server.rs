//! A server of keys that answers as a test tells it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use people_testing::authority::Certificate;
use people_testing::issuer::{Issuer, key_set};
use rustls::ServerConfig;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// What a secret in the URL would look like.
pub(super) const CANARY: &str = "canary-of-the-query";

/// An answer of the server.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    /// A connection that is closed without an answer.
    Cut,
    /// 200 with this type and this body.
    Body(&'static str, String),
    /// A redirect to the path of a good set.
    Redirect,
    /// A body that promises a gigabyte, as fast as it is taken.
    Endless,
    /// A byte a second of a good set.
    Trickle(String),
    /// This status, with a good set.
    Status(u16, String),
}

/// Serves key sets until it is dropped.
pub(super) struct KeyServer {
    address: SocketAddr,
    scheme: &'static str,
    reply: Arc<Mutex<Reply>>,
    requests: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

/// The set of these issuers.
pub(super) fn set(issuers: &[&Issuer]) -> Reply {
    let keys: Vec<Value> = issuers.iter().map(|issuer| issuer.jwk()).collect();
    keys_of(&keys)
}

/// A set of these keys.
pub(super) fn keys_of(keys: &[Value]) -> Reply {
    Reply::Body("application/json", key_set(keys))
}

impl KeyServer {
    pub(super) async fn start(reply: Reply) -> Self {
        Self::at("127.0.0.1:0".parse().expect("an address"), reply).await
    }

    pub(super) async fn at(address: SocketAddr, reply: Reply) -> Self {
        Self::serve(address, None, reply).await
    }

    /// As [`KeyServer::start`], by TLS with this certificate.
    pub(super) async fn secured(certificate: &Certificate, reply: Reply) -> Self {
        let address = "127.0.0.1:0".parse().expect("an address");
        Self::serve(address, Some(certificate.server()), reply).await
    }

    async fn serve(address: SocketAddr, tls: Option<Arc<ServerConfig>>, reply: Reply) -> Self {
        let scheme = if tls.is_some() { "https" } else { "http" };
        let tls = tls.map(TlsAcceptor::from);
        let listener = TcpListener::bind(address).await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let (reply, requests) = (Arc::new(Mutex::new(reply)), Arc::new(AtomicUsize::new(0)));
        let (replies, counted) = (Arc::clone(&reply), Arc::clone(&requests));
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                let reply = replies.lock().unwrap_or_else(PoisonError::into_inner);
                let (reply, tls) = (reply.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => answer(socket, reply).await,
                        Some(tls) => {
                            // A client that does not trust the server goes away.
                            if let Ok(socket) = tls.accept(socket).await {
                                answer(socket, reply).await;
                            }
                        }
                    }
                });
            }
        });
        Self {
            address,
            scheme,
            reply,
            requests,
            task,
        }
    }

    /// The URL of its keys, with a secret in the query.
    pub(super) fn url(&self) -> String {
        url(self.address).replace("http", self.scheme)
    }

    /// Answers so from now on.
    pub(super) fn set(&self, reply: Reply) {
        *self.reply.lock().unwrap_or_else(PoisonError::into_inner) = reply;
    }

    /// Requests so far.
    pub(super) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

pub(super) fn url(address: SocketAddr) -> String {
    format!("http://{address}/keys?code={CANARY}")
}

impl Drop for KeyServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Answers one request. A client that goes away ends it.
async fn answer(mut socket: impl AsyncRead + AsyncWrite + Unpin, reply: Reply) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match socket.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8(head).expect("ASCII");
    let good = format!("GET /keys?code={CANARY} HTTP/1.1\r\n");
    assert!(head.starts_with(&good), "{head}");
    let _ = write(&mut socket, reply).await;
    let _ = socket.shutdown().await;
}

async fn write(socket: &mut (impl AsyncWrite + Unpin), reply: Reply) -> std::io::Result<()> {
    let head = |status: u16, kind: &str, length: usize| {
        format!(
            "HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n"
        )
    };
    match reply {
        Reply::Cut => Ok(()),
        Reply::Body(kind, body) => {
            let answer = head(200, kind, body.len()) + &body;
            socket.write_all(answer.as_bytes()).await
        }
        Reply::Status(status, body) => {
            let answer = head(status, "application/json", body.len()) + &body;
            socket.write_all(answer.as_bytes()).await
        }
        Reply::Redirect => {
            let answer = format!(
                "HTTP/1.1 302 X\r\nLocation: /keys?code={CANARY}\r\nContent-Length: 0\r\n\
                 Connection: close\r\n\r\n"
            );
            socket.write_all(answer.as_bytes()).await
        }
        Reply::Endless => {
            let head = head(200, "application/json", 1 << 30);
            socket.write_all(head.as_bytes()).await?;
            loop {
                socket.write_all(&[b' '; 8192]).await?;
            }
        }
        Reply::Trickle(body) => {
            let head = head(200, "application/json", body.len());
            socket.write_all(head.as_bytes()).await?;
            for byte in body.bytes() {
                socket.write_all(&[byte]).await?;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Ok(())
        }
    }
}
