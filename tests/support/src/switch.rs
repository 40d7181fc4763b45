//! A relay of bytes whose server can be changed: what a failover looks like to those who use the
//! old address.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Where the bytes go, and what becomes of connections that were made before this was said.
#[derive(Clone, Copy)]
enum Server {
    CuttingOthers(u16),
    SparingOthers(u16),
}

/// Listens until it is dropped.
pub struct Switch {
    address: SocketAddr,
    server: watch::Sender<Server>,
    task: JoinHandle<()>,
}

impl Switch {
    /// In front of the server on this port of 127.0.0.1.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let (server, current) = watch::channel(Server::CuttingOthers(port));
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(relay(client, current.clone()));
            }
        });
        Self {
            address,
            server,
            task,
        }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// From now on the server is the one on this port; connections to the other are cut.
    pub fn switch(&self, port: u16) {
        self.server.send_replace(Server::CuttingOthers(port));
    }

    /// The same for new connections; those that there are stay with their server.
    pub fn switch_new(&self, port: u16) {
        self.server.send_replace(Server::SparingOthers(port));
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn relay(mut client: TcpStream, mut server: watch::Receiver<Server>) {
    let (Server::CuttingOthers(port) | Server::SparingOthers(port)) = *server.borrow_and_update();
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)).await else {
        return;
    };
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut stream) => {}
        _ = server.wait_for(
            |server| matches!(server, Server::CuttingOthers(now) if *now != port)
        ) => {}
    }
}
