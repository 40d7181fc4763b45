//! Many writes in one system call, through `io_uring` (`io_uring_enter(2)`; Linux 6.1 or newer,
//! where it is allowed).
//!
//! The kernel is handed pointers, so this is the one file with unsafe code. It is sound because
//! nothing leaves [`Uring::submit`] before the kernel is done with all that it was handed.
#![expect(
    unsafe_code,
    reason = "a submission names memory by pointer; the file's introduction says why that is sound"
)]

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _};

use io_uring::{IoUring, opcode, types};
use rustix::io::Errno;
use rustix::net::SendFlags;

use super::calls::Calls;
use super::sockets::Egress;
use crate::session::{Gone, PendingWrite};

/// Writes that one system call carries at most; a power of two.
const MOST_AT_ONCE: usize = 256;
/// From so many writes on the ring is faster than calls (docs/benchmarks.md).
const LEAST: usize = 64;
const FLAGS: SendFlags = SendFlags::NOSIGNAL.union(SendFlags::DONTWAIT);

/// A ring that belongs to the thread that made it; few writes at a time go by [`Calls`], which is
/// faster for them.
pub(super) struct Uring {
    ring: IoUring,
    calls: Calls,
}

impl Uring {
    /// A ring for use on this thread alone. Fails where the kernel is too old, or forbids it (as
    /// Docker's default seccomp profile does).
    pub(super) fn new() -> io::Result<Self> {
        let entries = u32::try_from(MOST_AT_ONCE).expect("a small number");
        let ring = IoUring::builder()
            .setup_single_issuer()
            .setup_defer_taskrun()
            .build(entries)?;
        let mut probe = io_uring::Probe::new();
        ring.submitter().register_probe(&mut probe)?;
        if !probe.is_supported(opcode::Send::CODE) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        Ok(Self { ring, calls: Calls })
    }

    /// Hands over at most [`MOST_AT_ONCE`] writes, and waits until each was tried. None waits for
    /// its socket.
    fn submit(&mut self, pending: &mut [PendingWrite<'_>]) {
        for (number, write) in pending.iter().enumerate() {
            let (socket, bytes) = (types::Fd(write.socket().as_fd().as_raw_fd()), write.bytes());
            // A longer batch is written in part, as if the socket had no room for the rest.
            let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            let entry =
                opcode::Send::new(socket, bytes.as_ptr(), length).flags(FLAGS.bits().cast_signed());
            let entry = entry.build().user_data(number as u64);
            // SAFETY: `pending` keeps socket and bytes alive and unchanged until this function
            // returns, and it returns only when each entry has had its completion; where that
            // cannot be had, the process ends.
            unsafe { self.ring.submission().push(&entry) }
                .expect("the queue is empty, and as long as a chunk");
        }
        let mut left = pending.len();
        while left > 0 {
            match self
                .ring
                .submit_and_wait(left)
                .map_err(|error| error.raw_os_error().map(Errno::from_raw_os_error))
            {
                Ok(_) | Err(Some(Errno::INTR | Errno::BUSY)) => {}
                // No memory for requests just now.
                Err(Some(Errno::AGAIN)) => std::thread::yield_now(),
                Err(error) => {
                    tracing::error!(?error, "io_uring failed with writes under way");
                    std::process::abort();
                }
            }
            for completion in self.ring.completion() {
                let number =
                    usize::try_from(completion.user_data()).expect("a number that was handed over");
                pending[number].note_sent(outcome(completion.result()));
                left -= 1;
            }
        }
    }
}

impl Egress for Uring {
    fn write(&mut self, pending: &mut [PendingWrite<'_>]) {
        if pending.len() < LEAST {
            return self.calls.write(pending);
        }
        for chunk in pending.chunks_mut(MOST_AT_ONCE) {
            self.submit(chunk);
        }
    }
}

/// The result of `send()` for this completion.
fn outcome(result: i32) -> Result<usize, Gone> {
    match usize::try_from(result) {
        Ok(sent) => Ok(sent),
        Err(_) => match Errno::from_raw_os_error(-result) {
            Errno::AGAIN | Errno::INTR => Ok(0),
            _ => Err(Gone),
        },
    }
}
