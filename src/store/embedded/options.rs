//! Operators set where the embedded store is and what it keeps; these are its options and their
//! usual values.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use crate::domain::Partitions;
use crate::store::Retention;
use crate::telemetry::Metrics;

/// Where the store is and how it works.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder of the file; made when it is missing.
    pub directory: PathBuf,
    /// How many logs there are; fixed when the file is made.
    pub partitions: Partitions,
    /// What the log and the idempotency records keep.
    pub retention: Retention,
    /// Writes that may wait; one more is [`Overloaded`](crate::store::StoreError::Overloaded).
    pub queue: NonZeroUsize,
    /// Writes that one commit takes at most.
    pub batch: NonZeroUsize,
    /// How long a caller waits for an answer.
    pub answer_within: Duration,
    /// Memory for the file's pages, in bytes.
    pub cache_bytes: usize,
    /// Counts commits, writes and errors.
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
