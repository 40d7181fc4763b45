//! A TCP relay whose server a test can change. Its clients see a failover behind one address.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The port of the server, and whether connections to other servers are cut or kept.
#[derive(Clone, Copy)]
enum Target {
    CutOthers(u16),
    KeepOthers(u16),
}

/// Listens until it is dropped.
pub struct Switch {
    address: SocketAddr,
    target: watch::Sender<Target>,
    task: JoinHandle<()>,
}

impl Switch {
    /// Starts a relay to the server on this port of 127.0.0.1.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let (target, current) = watch::channel(Target::CutOthers(port));
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(relay(client, current.clone()));
            }
        });
        Self {
            address,
            target,
            task,
        }
    }

    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Relays to the server on this port, and cuts the connections to other servers.
    pub fn switch(&self, port: u16) {
        self.target.send_replace(Target::CutOthers(port));
    }

    /// Relays new connections to the server on this port, and keeps the existing connections.
    pub fn switch_new(&self, port: u16) {
        self.target.send_replace(Target::KeepOthers(port));
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn relay(mut client: TcpStream, mut target: watch::Receiver<Target>) {
    let (Target::CutOthers(port) | Target::KeepOthers(port)) = *target.borrow_and_update();
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)).await else {
        return;
    };
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut stream) => {}
        _ = target.wait_for(
            |target| matches!(target, Target::CutOthers(now) if *now != port)
        ) => {}
    }
}
