//! Clients that read slowly: a fixed number of bytes per second, from sockets with small buffers.

use std::time::{Duration, Instant};

use super::pool::{ClientPool, ConnectPlan};
use super::watcher::ReceiveBuffer;
use crate::load::plan::SlowPlan;

/// The receive buffer of each client.
const BUFFER_BYTES: usize = 8 * 1024;
/// How often each client reads.
const READS_PER_SECOND: u32 = 20;

/// The slow clients.
pub(crate) struct SlowReaders {
    pool: ClientPool,
    /// The bytes that each client reads at a time.
    bytes: usize,
    next: Instant,
}

impl SlowReaders {
    /// Connects the clients.
    pub(crate) fn connect(plan: ConnectPlan, slow: SlowPlan) -> anyhow::Result<Self> {
        let pool = ClientPool::connect(
            ConnectPlan {
                buffer: ReceiveBuffer::Bytes(BUFFER_BYTES),
                ..plan
            },
            slow.clients,
        )?;
        let bytes = usize::try_from(slow.bytes_per_second / READS_PER_SECOND)?.max(1);
        Ok(Self {
            pool,
            bytes,
            next: Instant::now(),
        })
    }

    /// Reads if a read is due. Returns the time until the next read.
    pub(crate) fn read(&mut self) -> anyhow::Result<Duration> {
        let now = Instant::now();
        if now >= self.next {
            self.pool.read_all(self.bytes)?;
            // A late read is not made up for: the clients would read too fast.
            self.next = now + Duration::from_secs(1) / READS_PER_SECOND;
        }
        Ok(self.next.saturating_duration_since(Instant::now()))
    }

    /// Reads as fast as possible, until the clients have all of these changes or nothing arrives
    /// any more. Returns the lost and the doubled deliveries.
    pub(crate) fn catch_up(&mut self, changes: u64) -> anyhow::Result<(u64, u64)> {
        let due: u64 = (0..changes).map(|change| self.pool.receivers(change)).sum();
        self.pool
            .poll_while(|pool| pool.counts.changes < due, |pool| pool.counts.changes)?;
        self.pool.faults(changes)
    }
}
