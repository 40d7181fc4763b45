//! The open file, shared by the readers and the writer, which alone may replace it.
//!
//! redb refuses everything after an I/O error until the file is opened again. Each opening has a
//! number, so that a reader that met a dead handle waits for the next one and for no other.

use std::sync::{PoisonError, RwLock};

use redb::{Database, ReadTransaction, ReadableDatabase, WriteTransaction};
use tokio::sync::watch;

use super::tables::Failure;

/// The number of an opening, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opening(u64);

/// The handle of the file, while it is open.
pub(super) struct Handle {
    database: RwLock<Option<Database>>,
    /// The opening that is in force, if any.
    opening: watch::Sender<Option<Opening>>,
}

impl Handle {
    /// A handle that is open for the first time.
    pub(super) fn new(database: Database) -> Self {
        Self {
            database: RwLock::new(Some(database)),
            opening: watch::Sender::new(Some(Opening::FIRST)),
        }
    }

    /// The opening in force.
    pub(super) fn opening(&self) -> Option<Opening> {
        *self.opening.borrow()
    }

    /// Waits until the file is open, in another opening than `dead`.
    pub(super) async fn opened(&self, dead: Option<Opening>) -> Opening {
        let mut opening = self.opening.subscribe();
        let found = opening.wait_for(|now| now.is_some() && *now != dead).await;
        found
            .ok()
            .and_then(|now| *now)
            .expect("the sender lives as long as self, and the condition asks for some")
    }

    /// Begins to read; the transaction outlives the lock.
    pub(super) fn begin_read(&self) -> Result<ReadTransaction, Failure> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        Ok(database.as_ref().ok_or(Failure::Closed)?.begin_read()?)
    }

    /// Begins to write; only the writer does.
    pub(super) fn begin_write(&self) -> Result<WriteTransaction, Failure> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        Ok(database.as_ref().ok_or(Failure::Closed)?.begin_write()?)
    }

    /// Closes the file and gives its lock back.
    pub(super) fn close(&self) {
        drop(self.take());
    }

    /// Takes the file away from the readers. Its lock is given back when it is dropped.
    pub(super) fn take(&self) -> Option<Database> {
        self.opening
            .send_if_modified(|opening| opening.take().is_some());
        self.database
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Puts a newly opened file in place.
    pub(super) fn reopen(&self, database: Database, next: Opening) {
        *self
            .database
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Some(database);
        self.opening.send_replace(Some(next));
    }
}

impl Opening {
    /// The first one.
    pub(super) const FIRST: Self = Self(1);

    /// The one after.
    #[must_use]
    pub(super) const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}
