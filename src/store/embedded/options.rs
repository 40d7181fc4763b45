//! The options of the embedded store, and their usual values.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use crate::domain::Partitions;
use crate::store::{Metrics, Retention};

/// The options of the embedded store.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder of the file; created if it is missing.
    pub directory: PathBuf,
    /// The number of logs; fixed when the file is created.
    pub partitions: Partitions,
    /// How long log and idempotency records last.
    pub retention: Retention,
    /// Writes that may wait; further ones are
    /// [`Overloaded`](crate::store::StoreError::Overloaded).
    pub queue: NonZeroUsize,
    /// Writes of one commit at most.
    pub batch: NonZeroUsize,
    /// How long a caller waits for an answer.
    pub answer_within: Duration,
    /// Memory for the file's pages, in bytes.
    pub cache_bytes: usize,
    /// The metrics that the store updates.
    pub metrics: Metrics,
}

impl Options {
    /// A store in `directory` with the usual limits.
    pub fn new(
        directory: impl Into<PathBuf>,
        partitions: Partitions,
        retention: Retention,
    ) -> Self {
        const QUEUE: NonZeroUsize = NonZeroUsize::new(4096).expect("not zero");
        const BATCH: NonZeroUsize = NonZeroUsize::new(1024).expect("not zero");
        Self {
            directory: directory.into(),
            partitions,
            retention,
            queue: QUEUE,
            batch: BATCH,
            answer_within: Duration::from_secs(5),
            cache_bytes: 64 << 20,
            metrics: Metrics::default(),
        }
    }
}
