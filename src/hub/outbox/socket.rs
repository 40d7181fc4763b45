//! Where a session's bytes go: a client's own socket, or one end of a pair whose other end an HTTP response reads.

use std::io;
use std::io::IoSlice;
use std::os::fd::{AsFd, BorrowedFd};
use std::task::{Context, Poll};

use rustix::io::Errno;
use rustix::net::{SendFlags, Shutdown};
use tokio::net::{TcpStream, UnixStream};

/// A connected socket that is never waited for while writing.
#[derive(Debug)]
pub enum Socket {
    /// A WebSocket client's.
    Tcp(TcpStream),
    /// Our end of a pair: server-sent events leave through the body of a response.
    Pair(UnixStream),
}

impl Socket {
    /// One non-blocking write; 0 where nothing is taken now.
    pub(in crate::hub) fn send(&self, bytes: &[u8]) -> Result<usize, Errno> {
        match rustix::net::send(self, bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
            Err(Errno::AGAIN | Errno::INTR) => Ok(0),
            sent => sent,
        }
    }

    /// Writes what it takes of several pieces, and remembers when it takes none: [`Socket::writable`] then waits.
    pub(in crate::hub) fn try_write_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.try_write_vectored(pieces),
            Self::Pair(socket) => socket.try_write_vectored(pieces),
        }
    }

    /// Waits until it takes bytes again.
    pub async fn writable(&self) -> io::Result<()> {
        match self {
            Self::Tcp(socket) => socket.writable().await,
            Self::Pair(socket) => socket.writable().await,
        }
    }

    /// Whether something can be read, or its end was reached.
    pub fn poll_read_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(socket) => socket.poll_read_ready(context),
            Self::Pair(socket) => socket.poll_read_ready(context),
        }
    }

    /// Reads what is there.
    pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.try_read(buffer),
            Self::Pair(socket) => socket.try_read(buffer),
        }
    }

    /// Ends one direction or both. A peer that is gone already is fine.
    pub(in crate::hub) fn shutdown(&self, how: Shutdown) {
        let _ = rustix::net::shutdown(self, how);
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(socket) => socket.as_fd(),
            Self::Pair(socket) => socket.as_fd(),
        }
    }
}

impl From<TcpStream> for Socket {
    fn from(socket: TcpStream) -> Self {
        Self::Tcp(socket)
    }
}

impl From<UnixStream> for Socket {
    fn from(socket: UnixStream) -> Self {
        Self::Pair(socket)
    }
}
