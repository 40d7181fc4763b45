//! Two connected sockets inside the process: what is written into one comes out of the other. Unix
//! sockets, where the system has them; elsewhere a TCP connection over loopback.

use std::io;

#[cfg(any(test, not(unix)))]
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

/// One end.
#[cfg(unix)]
pub type PairEnd = UnixStream;
/// One end.
#[cfg(not(unix))]
pub type PairEnd = TcpStream;

/// Both ends. The kernel holds about `bytes` of what was written into the first and not read from
/// the second yet.
pub(super) fn pair(bytes: usize) -> io::Result<(PairEnd, PairEnd)> {
    #[cfg(unix)]
    let (near, far) = UnixStream::pair()?;
    #[cfg(not(unix))]
    let (near, far) = over_loopback()?;
    socket2::SockRef::from(&near).set_send_buffer_size(bytes)?;
    Ok((near, far))
}

/// A connection to ourselves; what others connect to the listener meanwhile is closed.
#[cfg(any(test, not(unix)))]
fn over_loopback() -> io::Result<(TcpStream, TcpStream)> {
    use std::net::{Ipv4Addr, TcpListener, TcpStream as Connection};
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let near = Connection::connect(listener.local_addr()?)?;
    let far = loop {
        let (far, from) = listener.accept()?;
        if from == near.local_addr()? {
            break far;
        }
    };
    near.set_nodelay(true)?;
    for end in [&near, &far] {
        end.set_nonblocking(true)?;
    }
    Ok((TcpStream::from_std(near)?, TcpStream::from_std(far)?))
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;
    use crate::session::connection::socket::{Gone, Socket};

    /// The same on every system: bytes pass in order, a full socket takes nothing, a closed one
    /// reports that its peer is gone.
    #[tokio::test]
    async fn a_pair_passes_bytes_until_it_is_full_and_again_until_it_is_closed() {
        let unix = pair(64 * 1024).expect("two sockets");
        check(Socket::Pair(Box::new(unix.0)), unix.1).await;
        let (near, far) = over_loopback().expect("two sockets");
        check(Socket::Tcp(near), far).await;
    }

    async fn check(near: Socket, mut far: impl tokio::io::AsyncRead + Unpin) {
        let piece = vec![7; 16 * 1024];
        let mut sent = 0;
        loop {
            match near.send_portably(&piece) {
                Ok(0) => break,
                Ok(taken) => sent += taken,
                Err(Gone) => panic!("the other end is open"),
            }
        }
        let mut received = vec![0; sent];
        far.read_exact(&mut received).await.expect("all sent bytes");
        assert!(received.iter().all(|byte| *byte == 7));
        near.writable().await.expect("room again");
        assert_eq!(near.send_portably(b"x"), Ok(1));
        drop(far);
        // A peer that closed with unread bytes has reset the connection; the first write may still
        // be taken.
        while near.send_portably(b"x") != Err(Gone) {
            tokio::task::yield_now().await;
        }
    }
}
