//! Readiness of many sockets for programs that must cost little: one epoll instance, one thread.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::{Timespec, epoll};

/// Events that one call brings.
const MOST_EVENTS: usize = 1024;

/// What a socket is watched for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Interest {
    /// Something to read, or the end.
    Read,
    /// Room to write; a connection that came about, or did not.
    Write,
}

/// A set of sockets, each under a number of its owner's.
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
            events: Vec::with_capacity(MOST_EVENTS),
        })
    }

    /// Watches a socket; closing it ends that.
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

    /// Watches one of its sockets for something else.
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

    /// Waits until some are ready, at most so long; puts their numbers into `ready`, whatever was
    /// in it before.
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
