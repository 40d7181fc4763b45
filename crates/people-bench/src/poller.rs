//! Readiness of many sockets at low cost: one epoll instance, one thread.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::{Timespec, epoll};

/// The most events of one call.
const EVENTS_MAX: usize = 1024;

/// The events of interest on a socket.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Interest {
    /// Data to read, or the end of the stream.
    Read,
    /// Room to write, or the end of an attempt to connect.
    Write,
}

/// A set of sockets, each with a number that its owner chooses.
pub(crate) struct Poller {
    epoll: OwnedFd,
    events: Vec<epoll::Event>,
}

impl Poller {
    /// An empty set.
    pub(crate) fn new() -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        Ok(Self {
            epoll,
            events: Vec::with_capacity(EVENTS_MAX),
        })
    }

    /// Adds a socket. Closing the socket removes it.
    pub(crate) fn add(
        &self,
        source: impl AsFd,
        number: usize,
        interest: Interest,
    ) -> io::Result<()> {
        Ok(epoll::add(
            &self.epoll,
            source,
            epoll::EventData::new_u64(number as u64),
            interest.flags(),
        )?)
    }

    /// Changes the interest in a socket.
    pub(crate) fn modify(
        &self,
        source: impl AsFd,
        number: usize,
        interest: Interest,
    ) -> io::Result<()> {
        Ok(epoll::modify(
            &self.epoll,
            source,
            epoll::EventData::new_u64(number as u64),
            interest.flags(),
        )?)
    }

    /// Waits at most this time, and replaces the content of `ready` by the numbers of ready
    /// sockets.
    pub(crate) fn wait(&mut self, at_most: Duration, ready: &mut Vec<usize>) -> io::Result<()> {
        let timeout = Timespec::try_from(at_most).map_err(io::Error::other)?;
        self.events.clear();
        ready.clear();
        match epoll::wait(
            &self.epoll,
            rustix::buffer::spare_capacity(&mut self.events),
            Some(&timeout),
        ) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        let number = |event: &epoll::Event| usize::try_from(event.data.u64()).unwrap_or(usize::MAX);
        ready.extend(self.events.iter().map(number));
        Ok(())
    }
}

impl Interest {
    fn flags(self) -> epoll::EventFlags {
        match self {
            Self::Read => epoll::EventFlags::IN,
            Self::Write => epoll::EventFlags::OUT,
        }
    }
}
