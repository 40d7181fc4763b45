//! Clients that read slowly: at most so many bytes a second, from sockets that keep little for
//! them.

use std::time::{Duration, Instant};

use super::crowd::{Crowd, Wish};
use super::plan::Slow;
use super::watcher::Buffer;

/// What the kernel keeps for each of them.
const BUFFER_BYTES: usize = 8 * 1024;
/// How often they read.
const SIPS_PER_SECOND: u32 = 20;

/// The slow clients.
pub(crate) struct Sippers {
    crowd: Crowd,
    /// What each reads at once.
    sip: usize,
    next: Instant,
}

impl Sippers {
    /// Connects them.
    pub(crate) fn connect(wish: Wish, slow: Slow) -> anyhow::Result<Self> {
        let crowd = Crowd::connect(
            Wish {
                buffer: Buffer::Bytes(BUFFER_BYTES),
                ..wish
            },
            slow.clients,
        )?;
        let sip = usize::try_from(slow.bytes_per_second / SIPS_PER_SECOND)?.max(1);
        Ok(Self {
            crowd,
            sip,
            next: Instant::now(),
        })
    }

    /// Lets them read if it is time; returns how long it is until the next time.
    pub(crate) fn sip(&mut self) -> anyhow::Result<Duration> {
        let now = Instant::now();
        if now >= self.next {
            self.crowd.sip(self.sip)?;
            // A late one is not made up for: they would read faster than they may.
            self.next = now + Duration::from_secs(1) / SIPS_PER_SECOND;
        }
        Ok(self.next.saturating_duration_since(Instant::now()))
    }

    /// Lets them read as fast as they can until they have all of so many changes, or nothing comes
    /// any more; what they lost and what they had too often.
    pub(crate) fn catch_up(&mut self, changes: u64) -> anyhow::Result<(u64, u64)> {
        let due: u64 = (0..changes).map(|change| self.crowd.sharing(change)).sum();
        self.crowd.turn_while(
            |crowd| crowd.heard.changes < due,
            |crowd| crowd.heard.changes,
        )?;
        self.crowd.faults(changes)
    }
}
