//! A proxy in front of a server that can drop answers: the write happens, and its answer is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Listens until it is dropped.
pub(crate) struct Proxy {
    port: u16,
    swallow: Arc<AtomicUsize>,
    last: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Starts a proxy in front of a server on this port.
    pub(crate) async fn start(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let swallow = Arc::new(AtomicUsize::new(0));
        let last = Arc::new(AtomicBool::new(false));
        let (left, ends) = (Arc::clone(&swallow), Arc::clone(&last));
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let closed = ends.load(Ordering::SeqCst) && left.load(Ordering::SeqCst) == 0;
                if !closed && let Ok(server) = TcpStream::connect(("127.0.0.1", server)).await {
                    tokio::spawn(relay(client, server, Arc::clone(&left)));
                }
            }
        });
        Self {
            port,
            swallow,
            last,
            task,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Cuts the connection of the next `count` script calls after they ran, before their answer.
    pub(crate) fn swallow_answers(&self, count: usize) {
        self.swallow.store(count, Ordering::SeqCst);
    }

    /// Swallows one answer, and accepts no connection after that.
    pub(crate) fn swallow_the_last_answer(&self) {
        self.last.store(true, Ordering::SeqCst);
        self.swallow_answers(1);
    }

    /// The number of answers that are not swallowed yet.
    pub(crate) fn left(&self) -> usize {
        self.swallow.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn relay(mut client: TcpStream, mut server: TcpStream, swallow: Arc<AtomicUsize>) {
    let (mut request, mut answer) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    let mut cut = false;
    loop {
        tokio::select! {
            read = client.read(&mut request) => {
                let Ok(length @ 1..) = read else { return };
                let call = request[..length].windows(7).any(|word| word == b"EVALSHA");
                let swallowed = || {
                    let one_less = |n: usize| n.checked_sub(1);
                    swallow
                        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less)
                        .is_ok()
                };
                cut = cut || call && swallowed();
                if server.write_all(&request[..length]).await.is_err() { return }
            }
            read = server.read(&mut answer) => {
                let Ok(length @ 1..) = read else { return };
                // The server sends its answer after the call has run.
                if cut || client.write_all(&answer[..length]).await.is_err() { return }
            }
        }
    }
}
