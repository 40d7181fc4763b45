//! Where a session's bytes go: a client's own socket, or one end of a pair whose other end an HTTP
//! response reads.

mod pair;

pub use pair::PairEnd;

use std::io;
use std::io::IoSlice;
use std::net::Shutdown;
#[cfg(unix)]
use std::os::fd::{AsFd, BorrowedFd};
#[cfg(windows)]
use std::os::windows::io::{AsSocket, BorrowedSocket};
use std::task::{Context, Poll};

use socket2::SockRef;
use tokio::net::TcpStream;

use pair::pair;

/// A connected socket that is never waited for while writing.
#[derive(Debug)]
pub enum Socket {
    /// A WebSocket client's.
    Tcp(TcpStream),
    /// Our end of a pair: server-sent events leave through the body of a response. Boxed: so the
    /// other variant, which most sessions have, needs no room for a tag.
    Pair(Box<PairEnd>),
}

/// The peer takes nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the peer is gone")]
pub(crate) struct Gone;

/// Runs the same call on whichever socket it is.
macro_rules! on_socket {
    ($socket:expr, $each:ident => $call:expr) => {
        match $socket {
            Socket::Tcp($each) => $call,
            Socket::Pair($each) => $call,
        }
    };
}

impl Socket {
    /// A socket whose bytes come out of the other end that is returned. The kernel holds about
    /// `bytes` between them.
    pub fn pair(bytes: usize) -> io::Result<(Self, PairEnd)> {
        let (near, far) = pair(bytes)?;
        Ok((Self::Pair(Box::new(near)), far))
    }

    /// One non-blocking write; 0 where nothing is taken now.
    #[cfg(target_os = "linux")]
    pub(crate) fn send(&self, bytes: &[u8]) -> Result<usize, Gone> {
        use rustix::io::Errno;
        use rustix::net::SendFlags;
        match rustix::net::send(self, bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
            Err(Errno::AGAIN | Errno::INTR) => Ok(0),
            sent => sent.map_err(|_| Gone),
        }
    }

    /// One non-blocking write; 0 where nothing is taken now.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn send(&self, bytes: &[u8]) -> Result<usize, Gone> {
        self.send_portably(bytes)
    }

    /// Without flags, which not every system has: tokio's sockets don't block, and Rust's programs
    /// ignore SIGPIPE.
    #[cfg(any(test, not(target_os = "linux")))]
    pub(in crate::session) fn send_portably(&self, bytes: &[u8]) -> Result<usize, Gone> {
        match SockRef::from(self).send(bytes) {
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                ) =>
            {
                Ok(0)
            }
            sent => sent.map_err(|_| Gone),
        }
    }

    /// Writes what it takes of several pieces, and remembers when it takes none:
    /// [`Socket::writable`] then waits.
    pub(in crate::session) fn try_write_vectored(
        &self,
        pieces: &[IoSlice<'_>],
    ) -> io::Result<usize> {
        on_socket!(self, socket => socket.try_write_vectored(pieces))
    }

    /// Waits until it takes bytes again.
    pub async fn writable(&self) -> io::Result<()> {
        on_socket!(self, socket => socket.writable().await)
    }

    /// Whether something can be read, or its end was reached.
    pub fn poll_read_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_socket!(self, socket => socket.poll_read_ready(context))
    }

    /// Reads what is there.
    pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        on_socket!(self, socket => socket.try_read(buffer))
    }

    /// Ends one direction or both. A peer that is gone already is fine.
    pub(in crate::session) fn shutdown(&self, how: Shutdown) {
        let _ = SockRef::from(self).shutdown(how);
    }
}

#[cfg(unix)]
impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        on_socket!(self, socket => socket.as_fd())
    }
}

#[cfg(windows)]
impl AsSocket for Socket {
    fn as_socket(&self) -> BorrowedSocket<'_> {
        on_socket!(self, socket => socket.as_socket())
    }
}

impl From<TcpStream> for Socket {
    fn from(socket: TcpStream) -> Self {
        Self::Tcp(socket)
    }
}

#[cfg(unix)]
impl From<tokio::net::UnixStream> for Socket {
    fn from(end: PairEnd) -> Self {
        Self::Pair(Box::new(end))
    }
}
