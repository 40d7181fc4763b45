//! A DNS server in place of Docker's, in which every name has the same addresses.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// Answers until it is dropped.
pub(crate) struct Dns {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Dns {
    /// Starts a server on a free port of loopback.
    pub(crate) async fn start(addresses: &[&str]) -> Self {
        let addresses: Vec<Ipv4Addr> = addresses
            .iter()
            .map(|text| text.parse().expect("an IPv4 address"))
            .collect();
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        let address = socket.local_addr().expect("its address");
        let task = tokio::spawn(async move {
            let mut query = [0; 4096];
            while let Ok((length, client)) = socket.recv_from(&mut query).await {
                if let Some(answer) = answer(&query[..length], &addresses) {
                    // The server continues if a client is gone.
                    let _ = socket.send_to(&answer, client).await;
                }
            }
        });
        Self { address, task }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The response to one query (RFC 1035, section 4): its question again, and an A record for each
/// address. Other kinds of records get none.
fn answer(query: &[u8], addresses: &[Ipv4Addr]) -> Option<Vec<u8>> {
    const HEADER: usize = 12;
    const A: [u8; 2] = [0, 1];
    let name = query.get(HEADER..)?.iter().position(|byte| *byte == 0)?;
    let question = query.get(HEADER..HEADER + name + 5)?;
    let addresses = if question[name + 1..name + 3] == A {
        addresses
    } else {
        &[]
    };
    let mut response = query[..2].to_vec();
    response.extend([
        0x81,
        0x80,
        0,
        1,
        0,
        u8::try_from(addresses.len()).ok()?,
        0,
        0,
        0,
        0,
    ]);
    response.extend(question);
    for address in addresses {
        // The name as a reference to the question, class IN, a lifetime of one second.
        response.extend([0xC0, 0x0C, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4]);
        response.extend(address.octets());
    }
    Some(response)
}
